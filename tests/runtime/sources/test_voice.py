"""Voices as sources: the same however sound comes in, never ahead of it, the phone first."""

from __future__ import annotations

import wave

import numpy as np
import pytest

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Pose, Subject
from understudy.runtime.sources import registry, speech
from understudy.runtime.sources.face import Face
from understudy.runtime.sources.streams import Kind
from understudy.runtime.sources.voice import Voice, beside
from understudy.runtime.stage.faces import Wearer

JAW = speech.CURVES.index("jawOpen")


def buzz(seconds: float, formants: tuple[float, ...] = (750.0, 1200.0, 2600.0)) -> np.ndarray:
    """A voice of 120 Hz through a throat: an "ah" by its formants."""
    t = np.arange(round(seconds * speech.RATE_HZ)) / speech.RATE_HZ
    out = np.zeros_like(t)
    for k in range(1, 40):
        loud = sum(1.0 / (1.0 + ((120.0 * k - f) / 90.0) ** 2) for f in formants)
        out += loud * np.sin(2 * np.pi * 120.0 * k * t) / np.sqrt(k)
    return 0.3 * out / np.abs(out).max()


def opened(line: str):
    return registry.open_source(registry.parse(line), registry.Ports())


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    rng = np.random.default_rng(2)
    quiet = 1e-3 * rng.standard_normal(speech.RATE_HZ // 2)
    return np.concatenate([quiet, buzz(0.7), quiet])


def test_sound_in_pieces_is_heard_as_it_is_whole(sound):
    whole = np.array(speech.Listener().hear(sound))
    listener, rows, at = speech.Listener(), [], 0
    for size in np.random.default_rng(1).integers(1, 900, 400):
        rows += listener.hear(sound[at : at + size])
        at += size
    assert np.allclose(np.array(rows), whole[: len(rows)], atol=1e-5)
    assert len(rows) >= len(whole) - 1


def test_nothing_beyond_the_look_ahead_is_heard(sound):
    assert speech.LOOK_AHEAD_S <= 0.06
    cut_s = 0.8
    cut = sound.copy()
    cut[round(cut_s * speech.RATE_HZ) :] = 0.2 * np.random.default_rng(3).standard_normal(
        len(sound) - round(cut_s * speech.RATE_HZ)
    )
    one, two = (np.array(speech.Listener().hear(s)) for s in (sound, cut))
    times = np.arange(len(one)) * speech.FRAME_S + speech.MIDDLE_S
    before = times + speech.LOOK_AHEAD_S < cut_s
    assert np.array_equal(one[before], two[before])
    assert not np.allclose(one[~before], two[~before])


def test_a_mouth_opens_for_a_vowel_and_rests_in_silence(sound):
    jaw = speech.of_sound(sound)[:, JAW]
    time_s = np.arange(len(jaw)) * speech.FRAME_S
    assert jaw[(time_s > 0.1) & (time_s < 0.4)].mean() < 0.12
    assert jaw[(time_s > 0.7) & (time_s < 1.1)].mean() > 0.25


def test_lips_never_close_farther_than_the_jaw_is_open():
    rows = speech.faced(np.random.default_rng(0).uniform(-1, 2, (50, len(speech.MOUTH))))
    assert (rows >= 0).all() and (rows <= 1).all()
    assert (rows[:, speech.CURVES.index("mouthClose")] <= rows[:, JAW]).all()


def test_a_sound_file_is_a_face_of_the_stage(tmp_path, sound):
    path = tmp_path / "ah.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, speech.RATE_HZ, 0, "NONE", ""))
        file.writeframes((sound * 32767).astype(np.int16).tobytes())
    source = opened(f"voice://{path}?subject=ann&loop=0")
    face = next(s for s in source.streams if s.kind is Kind.FACE)
    assert face.wearer == "ann" and "jawOpen" in face.of.names
    seen = []
    for tick in range(300):
        source.poll(tick / 60)
        seen.append(face.of.shown[JAW])
    assert max(seen) > 0.25
    assert seen[-1] == 0.0, "it eases to rest when the sound has ended"


@pytest.mark.parametrize(("name", "data"), [("a.wav", b"RIFFxxxx"), ("b.txt", b"no sound")])
def test_what_is_no_sound_is_refused(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UnderstudyError, match="cannot be read as a sound"):
        opened(f"voice://{tmp_path / name}")


def test_the_phone_has_the_mouth_while_it_comes_and_the_voice_when_it_is_gone():
    phone, voice, wearer = Face(("jawOpen", "eyeBlinkLeft")), Voice(), Wearer()
    subject = Subject("ann", PERFORMER, Pose.rest(PERFORMER))
    jaws, blinks = [], []
    for tick in range(240):
        now_s = tick / 60
        if now_s < 2.0:
            phone.take(np.array([0.2, 0.9], np.float32), now_s)
        mouth = np.zeros(len(speech.CURVES), np.float32)
        mouth[JAW] = 0.6
        voice.take(mouth, now_s)
        phone.advance(now_s)
        voice.advance(now_s)
        wearer.put_on(subject, [voice, phone])
        row = dict(zip(subject.skeleton.curve_names, subject.curves, strict=True))
        jaws.append(row["jawOpen"])
        blinks.append(row["eyeBlinkLeft"])
    assert jaws[60] == pytest.approx(0.2) and blinks[60] == pytest.approx(0.9)
    assert jaws[-1] == pytest.approx(0.6) and blinks[-1] == pytest.approx(0.0)
    assert np.abs(np.diff(jaws[20:])).max() < 0.03, "no pop as one gives way to the other"


def test_a_mouth_rests_before_its_sound_and_after_it():
    rows = np.ones((3, 2), np.float32)
    assert speech.between(rows, 0.0)[0] == pytest.approx(1.0 - speech.MIDDLE_S / speech.FRAME_S)
    assert speech.between(rows, 0.03).tolist() == [1.0, 1.0]
    assert not speech.between(rows, -1.0).any() and not speech.between(rows, 1.0).any()


def test_a_takes_sound_is_the_file_beside_it_that_has_its_name(tmp_path):
    take = tmp_path / "walk.bvh"
    with pytest.raises(UnderstudyError, match=r"put one beside it, as walk\.wav"):
        beside(take)
    (tmp_path / "walk.WAV").touch()
    assert beside(take) == tmp_path / "walk.WAV"
