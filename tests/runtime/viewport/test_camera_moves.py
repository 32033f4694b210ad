"""A hand that carries the camera, bookmarks, who is under the pointer, what a window remembers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from understudy.runtime.viewport import handheld, settings
from understudy.runtime.viewport.bookmarks import GLIDE_S, Bookmark, Glide
from understudy.runtime.viewport.camera import Camera
from understudy.runtime.viewport.cast import Placed
from understudy.runtime.viewport.picking import picked
from understudy.runtime.viewport.settings import Settings

from .conftest import standing


def placed(x: float, z: float, name: str) -> Placed:
    subject = standing(x, name)
    subject.pose.positions[0, 2] += z
    pose = subject.pose
    return Placed(subject, *subject.skeleton.globals(pose.positions, pose.rotations))


def test_a_hand_wanders_as_much_as_it_says_slowly_and_always_the_same() -> None:
    rate_hz, seconds = 50, 400
    series = np.array([handheld.wander(n / rate_hz) for n in range(rate_hz * seconds)])
    assert np.allclose(np.sqrt((series**2).mean(0)), 1.0, atol=0.08)
    power = np.abs(np.fft.rfft(series, axis=0)) ** 2
    hz = np.fft.rfftfreq(len(series), 1.0 / rate_hz)
    slow, quick = power[(hz > 0.1) & (hz < 1.0)].sum(), power[hz > 2.0].sum()
    assert 1e-4 < quick / slow < 0.02
    assert (handheld.wander(3.21) == handheld.wander(3.21)).all()
    assert np.abs(np.corrcoef(series.T) - np.eye(6)).max() < 0.25  # no axis goes with another


def test_a_tripod_stands_still_and_a_shoulder_keeps_what_it_looks_at(front: Camera) -> None:
    still = replace(front)
    handheld.hold(still, 0.0, 1.0)
    assert (still.position == front.position).all() and (still.target == front.target).all()
    off = []
    for time_s in np.linspace(0.0, 60.0, 300):
        held = replace(front)
        handheld.hold(held, 1.0, time_s)
        off.append(held.project(front.target[None])[0][0] - (front.width / 2, front.height / 2))
        assert np.linalg.norm(held.position - front.position) < 0.04
    assert 0.5 < np.abs(off).max() < 0.06 * front.height


def test_who_is_under_the_pointer_is_the_nearest_of_those_who_are_there(front: Camera) -> None:
    cast = [placed(0.0, 0.0, "near"), placed(0.1, -3.0, "behind"), placed(1.2, 0.0, "beside")]

    def at(point) -> str | None:
        return picked(cast, front, tuple(front.project(np.array([point]))[0][0]))

    assert at((0.0, 1.2, 0.0)) == "near"
    assert at((1.2, 1.2, 0.0)) == "beside"
    there = front.project(np.array([[0.1, 1.2, -3.0]]))[0][0]
    assert picked(cast[1:], front, tuple(there)) == "behind"
    assert at((-1.6, 1.2, 0.0)) is None and picked([], front, (0.0, 0.0)) is None
    behind_the_eye = [placed(0.0, 9.0, "no")]
    assert picked(behind_the_eye, front, (front.width / 2, front.height / 2)) is None


def test_a_camera_glides_to_a_bookmark_and_is_there_exactly() -> None:
    begin = np.array([0.0, 1.0, 4.0]), np.zeros(3), 35.0
    end = np.array([3.0, 2.0, 0.0]), np.array([0.0, 1.0, 0.0]), 85.0
    glide, camera, seen = Glide(begin, end), Camera(), []
    while not glide.is_there:
        focal_mm = glide.move(camera, 1.0 / 60.0)
        seen.append(camera.position.copy())
    assert np.allclose(camera.position, end[0]) and np.allclose(camera.target, end[1])
    assert focal_mm == 85.0 and len(seen) == pytest.approx(60 * GLIDE_S, abs=1)
    steps = np.linalg.norm(np.diff(seen, axis=0), axis=1)
    assert steps[0] < 0.3 * steps.max() and steps[-1] < 0.3 * steps.max()


def test_what_a_window_was_like_comes_back(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "viewport.toml"
    assert settings.load(file) == (Settings(), "")
    mark = Bookmark((0.0, 1.5, 4.0), (0.0, 1.0, 0.0), 50.0)
    kept = Settings((900, 600), {"hud": False}, {"3": mark})
    settings.save(file, kept)
    assert settings.load(file) == (kept, "")
    assert [path.name for path in file.parent.iterdir()] == ["viewport.toml"]


@pytest.mark.parametrize("content", [b"size = 3", b"\xff\xfe", b"[bookmark.1]\nposition = [0]\n"])
def test_settings_that_are_damaged_are_kept_aside_and_said(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "viewport.toml"
    file.write_bytes(content)
    made, said = settings.load(file)
    assert made == Settings() and "it is kept as viewport.damaged.toml" in said
    assert (tmp_path / "viewport.damaged.toml").read_bytes() == content and not file.exists()
