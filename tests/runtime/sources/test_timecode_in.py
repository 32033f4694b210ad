"""A stage's timecode from outside: locked, wrong rates, silences, each way that it comes."""

from __future__ import annotations

import socket
import time
from fractions import Fraction

import pytest

from tests.runtime.sources.receivers import free_udp_ports
from understudy.bridge.protocols import artnet, ltc, mtc
from understudy.runtime.core import timecode
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.sources import timecode_in
from understudy.runtime.sources.timecode_ears import SAMPLE_RATE, MidiEars, Said, SoundEars
from understudy.runtime.sources.timecode_in import TimecodeIn


class Told:
    where, fault, frame_s = "a desk", "", 0.0

    def __init__(self) -> None:
        self.said: list[Said] = []

    def poll(self, now_s: float) -> list[Said]:
        said, self.said = self.said, []
        return said

    def close(self) -> None:
        """Nothing is open."""


def test_it_waits_locks_and_runs_free(monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(timecode_in.time, "monotonic", lambda: clock[0])
    ears = Told()
    one = TimecodeIn("artnet://", "25", ears)
    first = timecode.frame_number("10:00:00:00", "25")
    assert one.tick(0.0) == "" and "yet, so time of day" in one.news() and one.news() == ""
    labels = []
    for tick in range(1, 361):
        now_s = tick / 60
        clock[0] = 1000.0 + now_s
        number = int(now_s * 25 + 1e-9)
        if tick <= 240 and int((tick - 1) / 60 * 25 + 1e-9) < number:
            began_s = 1000.0 + number / 25
            ears.said.append(Said(timecode.label(first + number, "25"), "25", began_s))
        labels.append(one.tick(now_s))
        if tick == 200:
            assert "locked to a desk" in one.news()
    assert "runs free" in one.news() and one.figures()["lock"] == "free run"
    wanted = [timecode.label(first + int(tick / 60 * 25 + 1e-6), "25") for tick in range(1, 361)]
    assert labels[10:] == wanted[10:], "through the silence too"


@pytest.mark.parametrize(
    ("stage", "label", "rate", "frames"),
    [
        ("29.97", "00:00:10:00", "30", 300),
        ("30", "00:00:10:00", "30", 300),
        ("23.976", "00:00:10:00", "24", 240),
        ("29.97df", "00:01:00;02", "29.97df", 1800),
    ],
)
def test_a_rate_is_the_stages_where_the_message_has_no_word_for_it(stage, label, rate, frames):
    one = TimecodeIn("artnet://", stage, Told())
    assert one.seconds(Said(label, rate, 0.0)) == pytest.approx(
        float(frames / timecode.rate(stage))
    )


def test_a_label_that_does_not_exist_is_counted():
    ears = Told()
    one = TimecodeIn("artnet://", "29.97df", ears)
    ears.said.append(Said("00:01:00;00", "29.97df", 0.0))
    assert one.tick(0.0) == "" and one.wrong == 1


def test_art_net_through_a_socket():
    (port,) = free_udp_ports(1)
    one = TimecodeIn(f"artnet://127.0.0.1:{port}", "25")
    began_s = time.monotonic()
    one.tick(0.0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as desk:
        desk.sendto(b"?", ("127.0.0.1", port))
        desk.sendto(artnet.encode(artnet.Timecode("10:00:00:00", "25")), ("127.0.0.1", port))
    label = ""
    for _ in range(3):
        label = one.tick(time.monotonic() - began_s + 1e-3) or label
    one.close()
    assert label.startswith("10:00:0") and one.figures()["lock"] == "locked"


def test_quarter_frames_tell_how_long_ago_the_label_began():
    ears = MidiEars.__new__(MidiEars)
    ears._quarters = mtc.Quarters()
    said = artnet.Timecode("10:00:00:00", "25")
    heard = [ears.feed([mtc.QUARTER, piece]) for piece in mtc.quarters(said)]
    assert heard[-1] == (said, Fraction(7, 4)) and heard[:-1] == [None] * 7


def test_sound_at_another_rate_is_said():
    ears = SoundEars.__new__(SoundEars)
    ears.fault, ears._rate = "", "25"
    frames = [ltc.Frame(10, 0, 0, n, False, n * SAMPLE_RATE / 25, 25.01) for n in range(3)]
    heard = ears.labels(frames, 5.0)
    assert [s.label for s in heard] == ["10:00:00:00", "10:00:00:01", "10:00:00:02"]
    assert heard[2].began_s == pytest.approx(5.08)
    assert ears.labels([ltc.Frame(10, 0, 0, 0, False, 0.0, 29.97)], 5.0) == []
    assert "29.97 frames a second" in ears.fault


@pytest.mark.parametrize("line", ["smpte://", "10:00", "artnet://0.0.0.0:x"])
def test_a_line_that_is_none_is_a_sentence(line):
    with pytest.raises(UnderstudyError):
        TimecodeIn(line, "25")
