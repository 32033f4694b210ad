"""What sources hear, on its way into a take: every sample once, with its time; never waited for."""

from __future__ import annotations

import contextlib
import sys
import time
import types
import wave
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.sound import RATE_HZ
from understudy.runtime.sources import microphone, registry, speech
from understudy.runtime.sources.streams import Kind
from understudy.runtime.stage.cast import Cast
from understudy.runtime.stage.inputs import DECODER, LiveInputs, sounds
from understudy.runtime.stage.replay import TakenVoice
from understudy.runtime.stage.session import session_of


def opened(line: str):
    return registry.open_source(registry.parse(line), registry.Ports())


def save(path: Path, samples: np.ndarray) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def polled(source, ticks: range, rate_hz: float = 60.0) -> list:
    found = []
    for tick in ticks:
        source.poll(tick / rate_hz)
        found += source.pieces()
    return found


def test_a_file_s_sound_is_given_sample_by_sample_from_when_somebody_records(tmp_path):
    samples = np.random.default_rng(1).integers(-9000, 9000, RATE_HZ // 2)
    source = opened(f"voice://{save(tmp_path / 'a.wav', samples)}?face=0")
    assert list(source.streams) == [], "a sound for takes alone moves nobody"
    first = polled(source, range(30))
    source._loading.join()  # it is read beside the loop
    found = [*first, *polled(source, range(30, 60))]
    heard = np.concatenate([one.samples for one in found])
    assert np.array_equal(heard, np.resize(samples, len(heard))), "again and again, none twice"
    assert len(heard) == pytest.approx(RATE_HZ * 59 / 60, abs=1)
    times = np.array([one.at_ns for one in found]) * 1e-9
    lengths = np.array([len(one.samples) for one in found]) / RATE_HZ
    assert np.abs(np.diff(times) - lengths[:-1]).max() < 1e-6


def test_a_file_that_ends_is_silent_after_it(tmp_path):
    samples = np.ones(RATE_HZ // 4)
    source = opened(f"voice://{save(tmp_path / 'a.wav', samples)}?face=0&loop=0")
    polled(source, range(1))
    source._loading.join()
    assert sum(len(one.samples) for one in polled(source, range(60))) == len(samples)


class Device:
    """sounddevice, as far as a microphone asks it; `rates` are those that it knows."""

    rates: ClassVar[tuple[int, ...]] = (48000, 16000)

    def __init__(self, samplerate, channels, dtype, blocksize, device, callback):
        if samplerate not in self.rates:
            raise ValueError("Invalid sample rate")
        assert (channels, dtype) == (1, "int16")
        self.tell, self.block, self.active = callback, blocksize, True
        Device.last = self

    def start(self) -> None:
        pass

    def close(self) -> None:
        self.active = False

    def say(self, samples: np.ndarray, late_s: float = 0.02, trouble: bool = False) -> None:
        times = types.SimpleNamespace(currentTime=5.0, inputBufferAdcTime=5.0 - late_s)
        self.tell(samples[:, None].astype(np.int16), len(samples), times, trouble)


@pytest.fixture
def device(monkeypatch):
    fake = types.SimpleNamespace(InputStream=Device, PortAudioError=OSError)
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    monkeypatch.setattr(Device, "rates", (48000, 16000))
    return Device


def test_a_microphone_s_pieces_have_the_time_at_which_they_were_heard(device):
    source = opened("voice://microphone?face=0&name=boom")
    before_ns = time.monotonic_ns()
    device.last.say(np.arange(480), late_s=0.02)
    device.last.say(np.arange(480), late_s=0.0, trouble=True)  # some systems do not say
    after_ns = time.monotonic_ns()
    one, other = source.pieces()
    assert before_ns - 20_000_000 <= one.at_ns <= after_ns - 20_000_000
    assert before_ns - 10_000_000 <= other.at_ns <= after_ns - 10_000_000
    assert (one.name, one.sample_rate, one.samples.tolist()) == ("boom", 48000, list(range(480)))
    assert list(source.pieces()) == [] and source.figures()["lost"] == 1
    assert source.figures()["level_db"] < -30.0
    device.last.active = False
    assert source.notice == "the microphone has stopped"


def test_what_nobody_asks_for_is_kept_for_ten_seconds_and_no_longer(device):
    source = opened("voice://microphone?face=0")
    for _ in range(1500):
        device.last.say(np.zeros(480))
    assert len(source.pieces()) == 1000


def test_an_input_that_knows_speech_s_rate_alone_is_taken_at_that(device, monkeypatch):
    monkeypatch.setattr(device, "rates", (16000,))
    source = opened("voice://microphone?face=0")
    device.last.say(np.zeros(160))
    assert [one.sample_rate for one in source.pieces()] == [16000]
    monkeypatch.setattr(device, "rates", ())
    with pytest.raises(UnderstudyError, match="cannot be opened: Invalid sample rate"):
        opened("voice://microphone")


def test_without_portaudio_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(UnderstudyError, match="apt install libportaudio2"):
        microphone.Microphone("", lambda *_: None)


def test_a_microphone_of_a_take_that_is_solved_again_says_what_it_said(device):
    source = opened("voice://microphone?subject=ann")
    inputs = LiveInputs()
    inputs.noting = True
    told = []
    for tick in range(4):
        source._latest = np.full(len(speech.CURVES), 0.1 * tick, np.float32) if tick != 2 else None
        inputs.begin(tick)
        source.poll(tick / 60)
        told.append(DECODER.decode(inputs.message({"mic": source})))
    device.last.say(np.full(480, 300))
    assert len(list(sounds({"mic": source, "pad": object()}))) == 1
    source.close()
    taken = types.SimpleNamespace(now=None)
    again = TakenVoice(taken, registry.parse("voice://microphone?subject=ann"))
    face = next(one for one in again.streams if one.kind is Kind.FACE)
    assert face.wearer == "ann"
    for tick, now in enumerate(told):
        taken.now = now
        heard = again.heard(tick / 60)
        assert (heard is None) == (tick == 2)
        if heard is not None:
            assert np.array_equal(heard, np.full(len(speech.CURVES), 0.1 * tick, np.float32))


def test_two_sounds_of_one_name_are_two_in_a_take(tmp_path):
    path = save(tmp_path / "a.wav", np.ones(RATE_HZ // 4))
    session = session_of(f"voice://{path}", f"voice://{path}?face=0")
    with contextlib.closing(Cast(session)) as cast:
        assert [source.id for source in cast.sources.values()] == ["a", "a-2"]
