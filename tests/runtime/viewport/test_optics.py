"""What a lens and a shutter do, and pictures that are gathered over time, by numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.viewport.camera import Camera, Lens, Rig, fov_of_lens, shot
from understudy.runtime.viewport.focus import focus_point
from understudy.runtime.viewport.optics import circle_px
from understudy.runtime.viewport.renderer import Options, Renderer
from understudy.runtime.viewport.temporal import PATTERN

from .conftest import SIZE, frame_of, standing


@pytest.fixture
def own() -> Iterator[Renderer]:
    """A renderer of the test's own: what it remembers of the last picture is nobody else's."""
    try:
        made = Renderer(*SIZE)
    except UnderstudyError as error:
        pytest.skip(f"no OpenGL here: {error}")
    with made, made.ctx:
        yield made
        assert made.ctx.error == "GL_NO_ERROR"


def drawn(renderer: Renderer, frame, camera: Camera, **options) -> np.ndarray:
    renderer.draw(frame, camera, Options(**options))
    return renderer.read().astype(float)


def detail(picture: np.ndarray) -> float:
    """How much neighbours differ."""
    grey = picture.mean(axis=2)
    return float(np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean())


def around(camera: Camera, point, half: int = 22) -> tuple[slice, slice]:
    (x, y) = np.round(camera.project(np.array([point]))[0][0]).astype(int)
    return slice(max(y - half, 0), y + half), slice(max(x - half, 0), x + half)


def test_the_circle_is_that_of_a_thin_lens() -> None:
    """50 mm at T2 focused on 2 m: 0.641 mm across for what is far away, on 24 mm of sensor."""
    camera = Camera(fov_y_rad=fov_of_lens(50.0), height=1000, stop=2.0, focus_m=2.0)
    assert camera.focal_mm == pytest.approx(50.0)
    assert circle_px(camera) == pytest.approx(0.5 * 50.0**2 / (2.0 * 1950.0) / 24.0 * 1000.0)
    fixed = shot(np.zeros(3), np.ones(3), 35.0, (640, 360), 18.66)
    assert fixed.focal_mm == pytest.approx(35.0)  # on whatever sensor
    assert circle_px(replace(camera, stop=4.0)) == pytest.approx(0.5 * circle_px(camera))
    assert circle_px(replace(camera, stop=0.0)) == circle_px(replace(camera, focus_m=0.0)) == 0.0


@pytest.mark.parametrize(("focus", "sharp", "soft"), [("near", 0, 1), ("far", 1, 0)])
def test_who_is_out_of_focus_is_blurred_and_who_is_in_it_is_not(own, focus, sharp, soft) -> None:
    near, far = standing(-0.5, "near"), standing(1.3, "far")
    far.pose.positions[0, 2] -= 5.0
    frame, where = frame_of(near, far), [(-0.5, 1.3, 0.0), (1.3, 1.3, -5.0)]
    camera = Camera(np.array([0.0, 1.3, 2.6]), np.array([0.1, 1.3, 0.0]), fov_of_lens(50.0), *SIZE)
    plain = drawn(own, frame, camera)
    rig = Rig(lens=Lens(stop=0.95, focus=focus))
    rig.pull(camera, focus_point(frame, rig.lens), 1.0)
    assert camera.focus_m == pytest.approx(2.6 if focus == "near" else 7.6, abs=0.2)
    blurred = drawn(own, frame, camera, lens=True)
    boxes = [around(camera, point) for point in where]
    kept, lost = (detail(blurred[boxes[k]]) / detail(plain[boxes[k]]) for k in (sharp, soft))
    assert kept > 0.9 and lost < 0.65


def test_light_is_not_lost_out_of_focus(own, front: Camera) -> None:
    camera = replace(front, stop=1.4, focus_m=0.6)
    frame = frame_of(standing())
    sharp, soft = drawn(own, frame, camera), drawn(own, frame, camera, lens=True)
    assert soft.mean() == pytest.approx(sharp.mean(), rel=0.02)
    assert detail(soft) < 0.7 * detail(sharp)


def test_a_focus_pull_is_soft_and_ends_where_it_is_asked() -> None:
    rig, camera = Rig(lens=Lens()), Camera(np.zeros(3), np.array([0.0, 0.0, -1.0]))
    rig.pull(camera, np.array([0.0, 0.0, -2.0]), 0.1)
    assert camera.focus_m == pytest.approx(2.0)  # the first is there at once
    seen = []
    for _ in range(60):
        camera.focus_m = 0.0
        rig.pull(camera, np.array([0.5, 0.2, -6.0]), 1.0 / 30.0)
        seen.append(camera.focus_m)
    steps = np.diff([2.0, *seen])
    assert (steps > 0.0).all() and steps.max() < 0.6 and seen[-1] == pytest.approx(6.0, abs=0.05)
    camera.focus_m, camera.stop = 3.3, 5.6  # a camera that says its own
    rig.pull(camera, np.array([0.0, 0.0, -9.0]), 1.0)
    assert (camera.focus_m, camera.stop) == (3.3, 5.6)


def test_a_focus_on_nobody_is_refused_in_a_sentence() -> None:
    who = [("ann", PERFORMER)]
    Lens(focus="ann/LeftHand").check(who)
    Lens(focus="2.5").check([])
    with pytest.raises(UnderstudyError, match="nobody is called 'anne', did you mean 'ann'"):
        Lens(focus="anne").check(who)
    with pytest.raises(UnderstudyError, match=r"ann has no joint 'LeftHnd'.*LeftHand"):
        Lens(focus="ann/LeftHnd").check(who)


@pytest.mark.parametrize("moves", ["subject", "camera"])
def test_motion_is_exactly_what_the_cameras_see_of_it(own, front: Camera, moves: str) -> None:
    own.keep_linear()
    own.draw(frame_of(standing()), front, Options())
    later = replace(front)
    subject = standing(0.12 if moves == "subject" else 0.0)
    if moves == "camera":
        later.position = front.position + np.array([0.2, 0.08, -0.1])
    own.draw(frame_of(standing(-1.0, "still"), subject), later, Options())
    data = own.data(later)
    there = data["id"] == 2.0
    assert there.sum() > 400 and set(np.unique(data["id"])) == {0, 1, 2}
    rows, columns = np.nonzero(there)
    half = np.tan(later.fov_y_rad / 2)
    z = data["depth"][rows, columns]
    x = ((columns + 0.5) / SIZE[0] * 2 - 1) * half * later.aspect * z
    y = (1 - (rows + 0.5) / SIZE[1] * 2) * half * z
    world = np.stack([x, y, -z], -1) @ later.to_world[:3, :3].T + later.position
    was = world - ((0.12, 0.0, 0.0) if moves == "subject" else (0.0, 0.0, 0.0))
    moved = later.project(world)[0] - front.project(was)[0]
    assert np.abs(moved).max() > 2.0
    assert np.abs(data["motion"][rows, columns] - moved).max() < 0.06


def test_a_jump_of_a_subject_and_a_cut_of_the_camera_are_no_motion(own, front: Camera) -> None:
    own.keep_linear()
    own.draw(frame_of(standing()), front, Options())
    own.draw(frame_of(standing(3.0)), front, Options())
    assert np.abs(own.data(front)["motion"]).max() < 0.01
    aside = replace(front, position=front.position + np.array([2.0, 0.0, 0.0]))
    own.draw(frame_of(standing(3.0)), aside, Options())
    assert np.abs(own.data(aside)["motion"]).max() < 0.01


def test_what_moves_is_smeared_along_its_way_and_the_rest_is_not(own, front: Camera) -> None:
    """Against the mean of sharp pictures over the time that the shutter is open."""
    step, shutter = 0.24, 180.0
    frames = [frame_of(standing(0.0 + x)) for x in step * np.linspace(-0.25, 0.25, 17)]
    truth = np.mean([drawn(own, frame, front, effect=False, shadows=False) for frame in frames], 0)
    drawn(own, frame_of(standing(-step)), front, effect=False, shadows=False)
    sharp = drawn(own, frame_of(standing()), front, effect=False, shadows=False)
    drawn(own, frame_of(standing(-step)), front, effect=False, shadows=False, shutter_deg=shutter)
    smeared = drawn(
        own, frame_of(standing()), front, effect=False, shadows=False, shutter_deg=shutter
    )
    off_sharp, off = np.abs(sharp - truth).mean(), np.abs(smeared - truth).mean()
    assert off < 0.7 * off_sharp
    still = np.abs(smeared - sharp)[:, :40]
    assert still.max() < 2.0


def test_a_picture_of_what_stands_still_is_not_smeared(own, front: Camera) -> None:
    frame = frame_of(standing())
    plain = drawn(own, frame, front)
    for _ in range(2):
        seen = drawn(own, frame, front, shutter_deg=180.0)
    off = np.abs(seen - plain).max(axis=2)
    assert off.mean() < 0.5 and (off > 8.0).mean() < 0.01  # but for the smoothing of edges


def test_gathered_over_time_edges_are_nearer_to_many_samples(own, front: Camera) -> None:
    frame = frame_of(standing())
    options = {"effect": False, "shadows": False}
    once = drawn(own, frame, front, antialias="fxaa", **options)
    raw = drawn(own, frame, front, antialias="none", **options)
    for _ in range(4 * len(PATTERN)):
        over_time = drawn(own, frame, front, antialias="taa", **options)
    own.resize(4 * SIZE[0], 4 * SIZE[1])
    many = drawn(own, frame, front, antialias="none", **options)
    many = many.reshape(SIZE[1], 4, SIZE[0], 4, 3).mean((1, 3))
    shown = (("raw", raw), ("fxaa", once), ("taa", over_time))
    # Against the sky: lines on the ground are drawn for the size of pixels.
    off = {name: np.sqrt(((picture - many)[:75] ** 2).mean()) for name, picture in shown}
    assert off["taa"] < 0.8 * off["fxaa"] and off["taa"] < 0.8 * off["raw"], off


def test_over_time_what_was_there_leaves_no_ghost(own, front: Camera) -> None:
    options = {"effect": False, "shadows": False, "antialias": "taa"}
    for _ in range(12):
        empty = drawn(own, frame_of(), front, **options)
    for x in np.linspace(-1.2, 1.2, 25):
        drawn(own, frame_of(standing(x)), front, **options)
    for _ in range(2):
        after = drawn(own, frame_of(standing(1.2)), front, **options)
    left = np.abs(after - empty)[:, : SIZE[0] // 2]
    assert left.max() < 25.0 and left.mean() < 1.0


def test_a_shot_that_nothing_was_asked_of_is_drawn_as_before(own, renderer, front) -> None:
    frame = frame_of(standing())
    with own.ctx:
        drawn(own, frame, front, lens=True, shutter_deg=180.0, antialias="taa")
        seen = drawn(own, frame, front)
    with renderer.ctx:
        assert (drawn(renderer, frame, front) == seen).all()
