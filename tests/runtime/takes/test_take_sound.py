"""Sound in takes: in step with the frames, whatever clock it has, and as a WAV that says when."""

from __future__ import annotations

import struct
import wave
from pathlib import Path

import numpy as np
import pytest

from tests.runtime.takes.shoots import Shoot, shoot
from understudy.bridge.wire.envelope import SIZE, SOUND, seal
from understudy.runtime.core import sound
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.sound import RATE_HZ, Piece, Thirds
from understudy.runtime.sources import speech, voice
from understudy.runtime.takes import take_sound
from understudy.runtime.takes.contents import contents
from understudy.runtime.takes.take_export import export
from understudy.runtime.takes.take_file import TakeWriter
from understudy.runtime.takes.take_reader import TakeReader
from understudy.runtime.takes.trim import repair, trim

BLOCK = 480


def clicks(seconds: float, rate_hz: float = RATE_HZ) -> np.ndarray:
    """(N,) int16: a click of some samples at every half second of its own."""
    out = np.zeros(round(seconds * rate_hz), np.int16)
    for k in range(int(2 * seconds)):
        at = round(k * rate_hz / 2)
        out[at : at + 24] = 20000
    return out


def pieces(samples: np.ndarray, begin_ns: int, rate_hz: float = RATE_HZ, jitter_s: float = 0.0):
    """Pieces of a microphone whose clock makes so many samples a second, with their times."""
    rng = np.random.default_rng(3)
    for first in range(0, len(samples), BLOCK):
        late_s = jitter_s * rng.random()
        at_ns = begin_ns + round((first / rate_hz + late_s) * 1e9)
        yield at_ns, Piece("boom", at_ns, samples[first : first + BLOCK].tobytes())


def found(laid: np.ndarray) -> np.ndarray:
    """(K,) seconds at which clicks begin."""
    loud = np.abs(laid.astype(int)) > 8000
    return np.flatnonzero(np.diff(loud.astype(int), prepend=0) == 1) / RATE_HZ


def test_a_microphone_of_another_clock_is_in_step_after_a_loss_and_after_minutes():
    fast_hz = RATE_HZ * 1.0004  # 0.4 ms a second: 72 ms in three minutes
    whole = list(pieces(clicks(180.0, fast_hz), 10**18, fast_hz, jitter_s=0.002))
    lost = [one for k, one in enumerate(whole) if not 6020 <= k < 6023]  # 30 ms at 60 s
    at = found(take_sound.laid(lost, 10**18, 180 * RATE_HZ))
    assert len(at) == 360
    assert np.abs(at - np.round(at * 2.0) / 2.0).max() < 0.003


def test_what_was_not_heard_is_silence_and_the_rest_stays_where_it_was():
    samples = clicks(6.0)
    some = [one for k, one in enumerate(pieces(samples, 10**18)) if not 210 <= k < 380]
    at = found(take_sound.laid(some, 10**18 - 10**9, 8 * RATE_HZ))
    assert np.allclose(at, [1.0, 1.5, 2.0, 2.5, 3.0, 5.0, 5.5, 6.0, 6.5], atol=1e-3)


def test_a_third_of_the_rate_holds_speech_and_no_more_in_pieces_as_whole():
    t = np.arange(RATE_HZ // 2) / RATE_HZ
    low, high = (np.sin(2 * np.pi * hz * t).astype(np.float32) for hz in (1000.0, 12000.0))
    fewer = Thirds()
    out = np.concatenate([fewer(piece) for piece in np.split(low + high, 50)])
    assert np.allclose(out, Thirds()(low + high), atol=1e-6)
    alone = Thirds()(low)
    assert np.abs(out - alone)[100:].max() < 0.01
    assert abs(np.abs(alone[100:]).max() - 1.0) < 0.02
    assert len(out) == pytest.approx(len(t) / 3, abs=2)


def heard_take(path: Path, sounds: dict[str, np.ndarray], **how) -> Shoot:
    """The take of everything, in which each of these was heard from its first tick on."""
    return shoot(
        path,
        sound=lambda begun_ns: (
            seal(SOUND) + sound.ENCODER.encode(Piece(name, at_ns, one.data))
            for name, samples in sounds.items()
            for at_ns, one in pieces(samples, begun_ns)
        ),
        **how,
    )


def test_a_wav_begins_with_row_0_and_says_its_time_of_day_and_its_channels(tmp_path, understudy):
    made = heard_take(tmp_path / "take.mcap", {"boom": clicks(1.5), "lapel": clicks(1.5) // 4})
    done = understudy("take", "export", made.path, "--to", "wav", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    with wave.open(str(tmp_path / "take.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, RATE_HZ)
        rows = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    assert len(rows) == round(len(made.frames) / made.rate_hz * RATE_HZ)
    assert np.allclose(found(rows[:, 0]), [0.0, 0.5, 1.0], atol=2e-3)
    assert rows[:, 1].max() == 5000
    data = (tmp_path / "take.wav").read_bytes()
    at = data.index(b"bext") + 8
    assert data[at : at + 256].rstrip(b"\0")
    (samples,) = struct.unpack_from("<Q", data, at + 256 + 64 + 18)
    assert samples / RATE_HZ == pytest.approx(3600.0, abs=0.05)
    assert b"<NAME>lapel</NAME>" in data and b"24000/1001" in data


def test_a_part_of_a_take_has_its_part_of_the_sound(tmp_path):
    made = heard_take(tmp_path / "take.mcap", {"boom": clicks(1.5)})
    part = trim(made.path, "0.25", "1.25")
    (laid,) = take_sound.channels(part).values()
    assert np.allclose(found(laid), [0.25, 0.75], atol=2e-3)


def test_of_a_take_that_was_cut_off_the_sound_is_there_to_the_last_chunk(tmp_path):
    made = heard_take(tmp_path / "take.mcap", {"boom": clicks(1.5)})
    data = made.path.read_bytes()
    cut = tmp_path / "cut.mcap"
    cut.write_bytes(data[: len(data) * 2 // 3])
    saved = repair(cut)
    (laid,) = take_sound.channels(saved).values()
    assert found(laid)[0] == pytest.approx(0.0, abs=2e-3) and len(found(laid)) >= 1
    assert contents(made.path).sounds == {"boom": pytest.approx(1.5)}


def test_damaged_pieces_are_left_out_and_a_take_without_sound_says_so(tmp_path, understudy):
    path = tmp_path / "take.mcap"
    shoot(path, sound=lambda _: [seal(SOUND) + b"\x81\xa4name\xa1x", seal(SOUND) + b"\xff"])
    assert take_sound.names(path) == () and take_sound.channels(path) == {}
    done = understudy("take", "export", path, "--to", "wav", "--out", tmp_path)
    assert done.returncode == 2 and "holds no sound: record one with --voice" in done.stderr
    assert not (tmp_path / "take.wav").exists()
    with pytest.raises(UnderstudyError, match="has no sound: put one beside it"):
        voice.beside(path)


def test_a_take_s_own_sound_is_its_voice(tmp_path):
    made = heard_take(tmp_path / "take.mcap", {"boom": clicks(1.5)})
    assert voice.beside(made.path) == made.path
    at_voice_s = voice.read(made.path)
    assert len(at_voice_s) == pytest.approx(1.5 * speech.RATE_HZ, abs=40)
    assert np.abs(at_voice_s).max() > 0.3


def test_sound_older_than_the_frames_is_in_the_file_and_counts_for_its_own_time(tmp_path):
    """A recorder hears a microphone's last pieces when it is started."""
    path = tmp_path / "take.mcap"
    writer = TakeWriter(path, {"rate_hz": "60"}, "", 0)
    writer.add(
        seal(SOUND) + sound.ENCODER.encode(Piece("a", 5 * 10**9, b"\1\0" * 100)), 5 * 10**9, 0, 1
    )
    writer.finish({})
    (entry,) = [e for e in TakeReader(path).entries() if e.topic == "sound"]
    assert entry.time_ns == 5 * 10**9
    assert sound.DECODER.decode(entry.data[SIZE:]).samples.tolist() == [1] * 100


def test_wav_is_one_of_the_exports(tmp_path):
    made = heard_take(tmp_path / "take.mcap", {"boom": clicks(1.5)})
    assert [f.name for f in export(made.path, tmp_path / "x.wav").files] == ["x.wav"]


def test_a_film_of_takes_has_the_sound_of_each_where_it_was(tmp_path):
    from understudy.runtime.viewport.take_film import heard, opened

    made = heard_take(tmp_path / "a.mcap", {"boom": clicks(1.5)})
    still = shoot(tmp_path / "b.mcap", sound=lambda _: [])
    parts = [opened(still.path, 0.5, 0.5), opened(made.path, 0.25, 1.0)]
    film = heard(parts)
    assert film is not None and len(film) == round(1.5 * RATE_HZ)
    at = np.flatnonzero(np.diff((np.abs(film) > 0.2).astype(int), prepend=0) == 1) / RATE_HZ
    assert np.allclose(at, [0.75, 1.25], atol=2e-3)
    assert heard(parts[:1]) is None
    for part in parts:
        part.frames.close()
