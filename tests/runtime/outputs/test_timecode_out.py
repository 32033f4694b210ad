"""A stage's timecode, out: labels where they should be, states, sound that our decoder reads."""

from __future__ import annotations

import contextlib
import socket
import time
import wave
from collections.abc import Callable

import numpy as np
import pytest

from tests.runtime.sources.receivers import free_udp_ports
from understudy.bridge.protocols import artnet, ltc
from understudy.runtime.core import timecode
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.outputs import timecode_out, timecode_ways
from understudy.runtime.outputs.timecode_day import Day, LtcSound, State
from understudy.runtime.outputs.timecode_out import TimecodeOut

RATE = 48000


def _day(label: str, rate: str) -> Day:
    day = Day()
    day.tick(float(timecode.frame_number(label, rate) / timecode.rate(rate)), 0.0, 100.0)
    return day


def _played(sound: LtcSound, seconds: float, start_s: float = 100.0) -> np.ndarray:
    blocks = [
        sound.samples(960, start_s + n * 960 / RATE) for n in range(round(seconds * RATE / 960))
    ]
    return np.concatenate(blocks)


@pytest.mark.parametrize("rate", ["24", "25", "29.97df", "30", "23.976"])
def test_sound_says_the_stages_label_at_the_stages_moment(rate):
    label = "01:00:00;10" if rate.endswith("df") else "01:00:00:10"
    sound = LtcSound(_day(label, rate), rate)
    frames = ltc.Decoder(RATE).feed(_played(sound, 2.0))
    first, hz = timecode.frame_number(label, rate), float(timecode.rate(rate))
    assert len(frames) > 40
    for frame in frames[5:]:
        number = timecode.frame_number(frame.label, rate)
        assert (number - first) / hz == pytest.approx(frame.at / RATE, abs=0.001), frame.label


def test_sound_is_drawn_to_a_clock_that_drifts_and_never_breaks_off():
    day = _day("10:00:00:00", "25")
    sound, blocks = LtcSound(day, "25"), []
    start = float(timecode.frame_number("10:00:00:00", "25")) / 25.0
    for n in range(1000):  # 20 s in which the stage's day is faster by 300 parts in a million
        at_s = n * 0.02
        day.tick(start + at_s * 1.0003, at_s, 100.0 + at_s)
        blocks.append(sound.samples(960, 100.0 + at_s))
    frames = ltc.Decoder(RATE).feed(np.concatenate(blocks))
    numbers = [timecode.frame_number(frame.label, "25") for frame in frames]
    assert np.all(np.diff(numbers) == 1) and sound.jumps == 0 and len(numbers) > 480
    assert abs(sound.offset_s) < 0.002


def test_a_day_that_is_set_is_one_jump_and_counted():
    day = _day("10:00:00:00", "25")
    sound = LtcSound(day, "25")
    before = _played(sound, 1.0)
    day.tick(3600.0, 1.0, 101.0)
    after = _played(sound, 1.0, 101.0)
    frames = ltc.Decoder(RATE).feed(np.concatenate([before, after]))
    assert sound.jumps == 1 and frames[-1].label.startswith("01:00:00")


def test_states_by_what_the_loop_says():
    day = Day()
    assert day.state(0.0) is State.WAITS and day.at(0.0) is None
    day.tick(50.0, 0.0, 100.0)
    assert day.state(100.1) is State.RUNS and day.state(100.6) is State.FREE
    assert day.at(101.0) == pytest.approx(51.0), "it runs on"


def until(done: Callable[[], object], patience_s: float = 30.0) -> None:
    """Waits for another thread."""
    end_s = time.monotonic() + patience_s
    while not done() and time.monotonic() < end_s:
        time.sleep(0.002)
    assert done()


def test_art_net_by_udp_and_a_device_that_is_gone():
    (port,) = free_udp_ports(1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ears:
        ears.bind(("127.0.0.1", port))
        ears.settimeout(20.0)
        with contextlib.closing(TimecodeOut([f"artnet://127.0.0.1:{port}"], "25")) as out:
            assert list(out.states().values()) == [State.WAITS] and out.news()
            out.tick(36000.0, 0.0)
            said = [artnet.decode(ears.recv(64)) for _ in range(3)]
            labels = [timecode.frame_number(one.label, "25") for one in said]
            assert labels[0] >= 900000 and np.all(np.diff(labels) >= 1)
            (way,) = out._ways
            way._out.close()
            until(lambda: way.trouble)
            assert list(out.states().values()) == [State.GONE] and out.figures()[0]["trouble"]


def test_a_file_of_sound_is_there_when_the_stage_has_ended(tmp_path):
    path = tmp_path / "ltc.wav"
    out = TimecodeOut([f"ltc://{path}"], "25")
    out.tick(36000.0, 0.0)
    (way,) = out._ways
    until(lambda: way.figures()["sent"] >= 4)
    out.close()
    with wave.open(str(path), "rb") as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2") / 32768.0
    frames = ltc.Decoder(RATE).feed(samples)
    assert frames and frames[0].label.startswith("10:00:0")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("smpte://", "no way for timecode"),
        ("artnet://", "names no host"),
        ("ltc:///takes/x.mp3", "is a .wav"),
    ],
)
def test_lines_that_are_none(line, says):
    with pytest.raises(UnderstudyError, match=says):
        timecode_out.check(line, "25")
    with pytest.raises(UnderstudyError, match="30 frames"):
        timecode_out.check("ltc://", "60")


def test_the_day_ends_at_midnight():
    assert timecode_ways.named(25 * 86400, "25").label == "00:00:00:00"
