"""Timecode as sound, by Art-Net and by MIDI: there and back, noise, wow, backwards, bad bytes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bridge.protocols.mutations import mutations, survives
from understudy.bridge.protocols import ProtocolError, artnet, ltc, mtc
from understudy.runtime.core import timecode

RATE = 48000
LABELS = [timecode.label(n, "25") for n in range(25 * 3590, 25 * 3590 + 20)]


def heard(sound: np.ndarray, sample_rate: int = RATE, piece: int = 1000) -> list[ltc.Frame]:
    decoder = ltc.Decoder(sample_rate)
    return [
        frame
        for at in range(0, len(sound), piece)
        for frame in decoder.feed(sound[at : at + piece])
    ]


def in_order(frames: list[ltc.Frame], labels: list[str]) -> bool:
    """Whether these are labels one after the other: all but the first and the last two at most."""
    found = [frame.label for frame in frames]
    first = labels.index(found[0]) if found and found[0] in labels else 99
    return found == labels[first : first + len(found)] and len(found) >= len(labels) - 3


def test_a_word_laid_out_by_hand():
    """01:02:03:04, drop frame: each digit where SMPTE 12M has it."""
    said = ltc.bits("01:02:03;04", 29.97)
    text = "".join(map(str, said))
    assert text[:16] == "0010000000100000"
    assert text[16:32].startswith("11000000000") and text[32:40] == "01000000"
    assert text[48:52] == "1000" and text[64:] == "0011111111111101"
    assert said.count(0) % 2 == 0


@pytest.mark.parametrize("rate", ["23.976", "24", "25", "29.97", "29.97df", "30"])
@pytest.mark.parametrize("sample_rate", [44100, 48000, 96000])
def test_every_label_comes_back_where_it_began(rate, sample_rate):
    hz = float(timecode.rate(rate))
    first = timecode.frame_number(
        "10:00:59:20".replace(":20", ";20" if "df" in rate else ":20"), rate
    )
    labels = [timecode.label(n, rate) for n in range(first, first + 20)]
    frames = heard(ltc.encode(labels, hz, sample_rate), sample_rate)
    assert in_order(frames, labels)
    for frame in frames:
        begins_s = labels.index(frame.label) / hz
        assert frame.at / sample_rate == pytest.approx(begins_s, abs=2.0 / sample_rate)
        assert frame.rate_hz == pytest.approx(hz, rel=2e-3) and not frame.backwards


def test_noise_hum_level_and_sign_are_of_no_account():
    sound = ltc.encode(LABELS, 25.0)
    random = np.random.default_rng(2)
    hum = 0.02 * np.sin(2 * np.pi * 50 * np.arange(len(sound)) / RATE)
    for made in (sound + random.normal(size=len(sound)) * 0.03, -0.01 * sound, sound + hum):
        frames = heard(made)
        assert in_order(frames, LABELS)


def test_a_tape_whose_speed_changes_by_a_tenth():
    sound = ltc.encode(LABELS * 3, 25.0)
    at = np.arange(0, len(sound) * 0.85)
    way = at + 0.1 * RATE / (2 * np.pi * 2) * np.sin(2 * np.pi * 2 * at / RATE)  # wow of 2 Hz
    frames = heard(np.interp(way, np.arange(len(sound)), sound))
    assert len(frames) >= 45 and {f.label for f in frames} <= set(LABELS)


def test_a_tape_that_runs_backwards():
    frames = heard(ltc.encode(LABELS, 25.0)[::-1])
    assert all(f.backwards for f in frames) and in_order(frames, LABELS[::-1])


def test_after_a_gap_it_finds_the_frames_again():
    sound = ltc.encode(LABELS, 25.0)
    frames = heard(np.concatenate([sound, np.zeros(RATE), sound]))
    assert len(frames) >= 34


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5000))
def test_noise_alone_is_no_frame(seed, piece):
    random = np.random.default_rng(seed)
    assert heard(random.normal(size=20_000), piece=piece) == []


def test_what_cannot_be_said_is_a_sentence():
    for label in ("x", "25:00:00:00", "10:00:00"):
        with pytest.raises(ProtocolError):
            ltc.bits(label, 25.0)


# Laid out by Art-Net 4's table of OpTimeCode.
GOLDEN = b"Art-Net\0\x00\x97\x00\x0e\x00\x00\x0c\x1e\x0f\x0a\x01"


def test_art_net_reads_and_writes_its_table():
    said = artnet.decode(GOLDEN)
    assert said == artnet.Timecode("10:15:30:12", "25")
    assert artnet.encode(said) == GOLDEN
    assert artnet.decode(b"Art-Net\0\x00\x50" + bytes(20)) is None
    drop = artnet.Timecode("10:15:30;12", "29.97df")
    assert artnet.decode(artnet.encode(drop)) == drop


@given(mutations([GOLDEN]) | st.binary(max_size=40))
def test_bad_bytes_are_one_sentence(data):
    survives(artnet.decode, data)


@pytest.mark.parametrize("rate", artnet.RATES)
def test_quarter_frames_are_a_label(rate):
    said = artnet.Timecode("10:15:30;12" if "df" in rate else "10:15:30:12", rate)
    joined = mtc.Quarters()
    pieces = mtc.quarters(said)
    assert [joined.feed(p) for p in pieces] == [None] * 7 + [said]
    assert [joined.feed(p) for p in [*pieces[3:], *pieces]][-1] == said, "from the middle"
    assert all(joined.feed(p) is None for p in pieces[::-1]), "wound back"


def test_a_full_message_is_a_label():
    data = bytes([0xF0, 0x7F, 0x7F, 1, 1, 0x20 | 10, 15, 30, 12, 0xF7])
    assert mtc.full(data) == artnet.Timecode("10:15:30:12", "25")
    assert mtc.full(data[:-1]) is None


@given(st.lists(st.integers(0, 127), max_size=64))
def test_whatever_quarters_come(pieces):
    joined = mtc.Quarters()
    for piece in pieces:
        survives(lambda _, p=piece: joined.feed(p), b"")
