"""`understudy render`: a clip becomes a film, or one sentence and no file."""

from __future__ import annotations

import subprocess
import sys
import time
import wave
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
from PIL import Image

from understudy.runtime.cli.main import main
from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.sources import speech
from understudy.runtime.takes import bvh
from understudy.runtime.takes.clip import Clip
from understudy.runtime.viewport import film
from understudy.runtime.viewport.camera import Camera
from understudy.runtime.viewport.renderer import Options


def waving(frames: int = 24, rate_hz: float = 120.0) -> Clip:
    positions = np.repeat(PERFORMER.rest_positions[None], frames, 0)
    rotations = np.repeat(PERFORMER.rest_rotations[None], frames, 0)
    angles = np.linspace(0.0, 1.0, frames)
    arm = PERFORMER.index("LeftArm")
    rotations[:, arm] = rotation.from_axis_angle(np.array([[0.0, 0.0, 1.0]]), angles)
    return Clip(PERFORMER, positions, rotations, 1.0 / rate_hz, "waving")


@pytest.fixture
def take(tmp_path: Path, renderer: object) -> Path:
    """A BVH of 0.2 s; `renderer` skips where there is no GL."""
    bvh.write(tmp_path / "waving.bvh", waving())
    return tmp_path / "waving.bvh"


@pytest.mark.parametrize(
    ("rate_hz", "fps", "expected"),
    [
        (120, None, 60),
        (60, None, 60),
        (30, None, 30),
        (240, None, 60),
        (100, None, 50),
        (120, 24, 24),
    ],
)
def test_films_run_at_the_clips_rate_up_to_60(rate_hz, fps, expected) -> None:
    assert film.film_rate(waving(rate_hz=rate_hz), fps) == pytest.approx(expected)


def test_poses_between_frames_lie_between() -> None:
    clip = waving(3, 10.0)
    arm = PERFORMER.index("LeftArm")
    between = film.sample(clip, 0.05).rotations[arm]
    assert rotation.angle_between(clip.rotations[0, arm], between) == pytest.approx(0.25, abs=1e-6)
    assert np.array_equal(film.sample(clip, 0.1).rotations, clip.rotations[1])
    assert np.array_equal(film.sample(clip, 99.0).rotations, clip.rotations[2])


def test_a_clip_far_below_the_ground_is_put_on_it_and_a_jump_is_left_alone() -> None:
    clip = waving()
    sunk = Clip(PERFORMER, clip.positions - [0.0, 5.0, 0.0], clip.rotations, 0.01)
    put, lift_m = film.level(sunk)
    world_p, _ = PERFORMER.globals(put.positions, put.rotations)
    assert abs(world_p[..., 1].min()) < 0.05 and lift_m != 0.0
    assert film.level(clip) == (clip, 0.0)


def test_a_movie_and_a_contact_sheet(take: Path, tmp_path: Path) -> None:
    out, sheet = tmp_path / "a.mp4", tmp_path / "sheet.png"
    words = ["render", take, "--out", out, "--size", "128x96", "--contact-sheet", sheet]
    assert main([str(w) for w in [*words, "--fps", "30", "--scale", "1", "--quiet"]]) == 0
    with av.open(str(out)) as file:
        assert file.streams.video[0].codec_context.pix_fmt == "yuv420p"
        assert len(list(file.decode(video=0))) == 6
    assert Image.open(sheet).width > 300
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".bvh", ".mp4", ".png"]


def test_frames_into_a_folder(take: Path, tmp_path: Path) -> None:
    words = ["render", take, "--out", tmp_path / "frames", "--size", "96x64", "--fps", "20"]
    assert main([str(w) for w in [*words, "--camera", "fixed", "--quiet", "--no-effect"]]) == 0
    files = sorted((tmp_path / "frames").iterdir())
    assert len(files) == 4 and Image.open(files[0]).size == (96, 64)
    first, last = (np.asarray(Image.open(f)).astype(int) for f in (files[0], files[-1]))
    assert np.abs(first - last).max() > 30  # the arm waves


def test_a_take_on_a_character(take: Path, tmp_path: Path) -> None:
    from understudy.demos.character import write

    write(tmp_path / "actor.glb", 0.04)
    words = ["render", take, "--size", "96x64", "--fps", "10", "--camera", "fixed", "--quiet"]
    for out, more in (("plain", []), ("worn", ["--character", tmp_path / "actor.glb"])):
        assert main([str(w) for w in [*words, "--out", tmp_path / out, *more]]) == 0
    plain, worn = (
        np.asarray(Image.open(sorted((tmp_path / out).iterdir())[0])).astype(int)
        for out in ("plain", "worn")
    )
    assert (np.abs(plain - worn).max(axis=2) > 40).mean() > 0.01
    assert main([str(w) for w in [*words, "--out", tmp_path / "x", "--character", "no.glb"]]) == 2


def test_a_voice_beside_the_take_moves_the_mouth_and_is_the_films_sound(
    take: Path, tmp_path: Path
) -> None:
    sound = np.sin(np.arange(8000) * 0.2) * 0.4
    with wave.open(str(take.with_suffix(".wav")), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes((sound * 32767).astype(np.int16).tobytes())
    words = ["render", take, "--out", tmp_path / "f.mp4", "--size", "96x64", "--quiet"]
    assert main([str(w) for w in [*words, "--voice", "take", "--no-effect", "--fps", "20"]]) == 0
    with av.open(str(tmp_path / "f.mp4")) as film_file:
        heard = np.concatenate([f.to_ndarray()[0] for f in film_file.decode(audio=0)])
        assert film_file.streams.video[0].frames == 4
    assert 0.15 < len(heard) / 48000 < 0.3 and np.abs(heard).max() > 0.2
    mouth = np.zeros((20, len(speech.CURVES)), np.float32)
    mouth[:, 0] = 0.5
    *_, last = film.frames(waving(), 20.0, "ann", mouth)
    assert last.subjects[0].skeleton.curve_names == speech.CURVES
    assert last.subjects[0].curves[0] == 0.5


@pytest.mark.parametrize("camera", ["third", "first", "orbit"])
def test_other_cameras(take: Path, tmp_path: Path, camera: str) -> None:
    words = ["render", take, "--out", tmp_path / "f", "--size", "96x64", "--fps", "10"]
    assert main([str(w) for w in [*words, "--camera", camera, "--quiet", "--scale", "1"]]) == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["missing.bvh", "--out", "a.mp4"], "missing.bvh"),
        (["TAKE", "--out", "a.gif"], ".mp4"),
        (["TAKE", "--out", "a.mp4", "--size", "big"], "WIDTHxHEIGHT"),
        (["TAKE", "--out", "a.mp4", "--size", "9x9"], "64 to 8192"),
        (["TAKE", "--out", "a.mp4", "--fps", "0"], "--fps"),
        (["TAKE", "--out", "a.mp4", "--start", "99"], "lasts"),
        (["TAKE", "--out", "a.mp4", "--voice", "take"], "has no sound"),
        (["TAKE", "--out", "a.mp4", "--voice", "no.wav"], "no.wav cannot be read as a sound"),
        (["TAKE", "--out", "a.mp4", "--scale", "9"], "--scale"),
        (["TAKE", "--out", "a.mp4", "--focal", "1"], "--focal"),
    ],
)
def test_wrong_input_is_one_sentence_and_no_file(
    take: Path, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch, words, says
) -> None:
    monkeypatch.chdir(tmp_path)
    status = main(["render", *[str(take) if w == "TAKE" else w for w in words]])
    said = capsys.readouterr().err.strip()
    assert status == 2
    assert says in said and "\n" not in said and said.startswith("understudy render: ")
    assert [p.name for p in tmp_path.iterdir()] == ["waving.bvh"]


def test_a_render_that_is_interrupted_leaves_no_movie(
    take: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*args: object, **more: object):
        yield 0
        raise KeyboardInterrupt

    monkeypatch.setattr(film, "render", interrupted)
    words = ["render", str(take), "--out", str(tmp_path / "a.mp4"), "--size", "96x64", "--quiet"]
    assert main(words) == 130
    assert [p.name for p in tmp_path.iterdir()] == ["waving.bvh"]


def test_a_render_told_to_stop_leaves_no_movie(tmp_path: Path, renderer: object) -> None:
    bvh.write(tmp_path / "long.bvh", waving(2400))
    words = ["render", tmp_path / "long.bvh", "--out", tmp_path / "a.mp4", "--size", "96x64"]
    child = subprocess.Popen(
        [sys.executable, "-m", "understudy.runtime.cli.main", *map(str, words)],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    deadline = time.monotonic() + 60.0
    while not list(tmp_path.glob(".a.part*")) and time.monotonic() < deadline:
        assert child.poll() is None
    child.terminate()
    _, wrong = child.communicate(timeout=60.0)
    assert child.returncode == 143 and "Traceback" not in wrong
    assert [p.name for p in tmp_path.iterdir()] == ["long.bvh"]


def test_sizes_are_read() -> None:
    assert film.size_of("1280x720") == (1280, 720)
    with pytest.raises(UnderstudyError):
        film.size_of("1280")


@pytest.mark.parametrize("heading_rad", [0.0, 1.6, -2.5])
@pytest.mark.parametrize("kind", ["third", "orbit"])
def test_a_film_begins_in_front_of_the_body_whichever_way_it_looks(kind, heading_rad) -> None:
    positions = np.repeat(PERFORMER.rest_positions[None], 3, axis=0)
    rotations = rotation.identity((3, len(PERFORMER)))
    rotations[:, 0] = rotation.from_yaw(np.full(3, heading_rad))
    clip = Clip(PERFORMER, positions, rotations, 1 / 30)
    cameras: list[Camera] = []

    def draw(frame: object, camera: Camera, *_: object) -> None:
        cameras.append(replace(camera))

    screen = SimpleNamespace(width=64, height=64, draw=draw, read=lambda: np.zeros((64, 64, 3)))
    paper = SimpleNamespace(add=lambda pixels: None)
    list(film.render(clip, paper, screen, Options(), 30.0, kind))  # type: ignore[arg-type]
    away = cameras[0].position - positions[0, 0]
    ahead = np.array([np.sin(heading_rad), 0.0, np.cos(heading_rad)])
    assert away @ ahead > 0.5 * np.linalg.norm(away)
