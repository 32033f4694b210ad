"""Cameras: projection agrees with the matrices, headings with the sticks, rigs follow smoothly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.runtime.core import pose, rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.sources.controls.pad import to_world
from understudy.runtime.viewport.camera import Camera, Focus, Rig, fov_of_lens, look_through, shot
from understudy.runtime.viewport.focus import focus_of, overview

from .conftest import frame_of, standing

number = st.floats(-5.0, 5.0)
points = st.tuples(number, number, number).map(np.array)


@given(points, points, points, st.floats(14.0, 200.0))
def test_project_agrees_with_the_matrices(eye, target, point, focal_mm) -> None:
    if np.linalg.norm((eye - target)[[0, 2]]) < 0.2:
        return
    camera = shot(eye, target, focal_mm, (320, 180), 24.0)
    clip = camera.projection @ camera.view @ np.append(point, 1.0)
    ((x, y),), (depth,) = camera.project(point[None])
    if depth > 0.1:
        assert clip[3] == pytest.approx(depth, abs=1e-6)
        assert x == pytest.approx((clip[0] / clip[3] * 0.5 + 0.5) * 320, abs=1e-3)
        assert y == pytest.approx((0.5 - clip[1] / clip[3] * 0.5) * 180, abs=1e-3)


@given(points, points)
def test_the_view_is_a_rotation_and_looks_at_its_target(eye, target) -> None:
    if np.linalg.norm(eye - target) < 0.05:
        return
    camera = Camera(eye, target)
    turn = camera.view[:3, :3]
    assert np.allclose(turn @ turn.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(turn) == pytest.approx(1.0)
    seen = camera.view @ np.append(target, 1.0)
    if abs((eye - target)[1]) < 0.999 * np.linalg.norm(eye - target):
        assert np.allclose(seen[:2], 0.0, atol=1e-6)
    assert seen[2] < 0.0


def test_the_left_of_a_body_that_faces_us_is_on_our_right() -> None:
    camera = Camera(np.array([0.0, 1.0, 4.0]), np.array([0.0, 1.0, 0.0]), width=200, height=100)
    xy, _ = camera.project(np.array([[0.5, 1.0, 0.0], [0.0, 1.5, 0.0]]))
    assert xy[0, 0] > 100.0  # +X, the body's left
    assert xy[1, 1] < 50.0  # +Y is up


@pytest.mark.parametrize(
    ("size", "edge"),
    [
        ((1600, 900), (0.5 * 1600 * (24.0 / 18.0) / (1600 / 900), 450.0)),  # wider than the sensor
        ((900, 1200), (450.0, 0.5 * 900 / (24.0 / 18.0))),  # taller
    ],
)
@given(st.integers(0, 2**32 - 1))
def test_all_that_a_cameras_sensor_sees_is_in_the_picture_and_rolls_with_it(size, edge, seed):
    """A corner of the sensor lies where the picture's shape puts it, whatever way it is turned."""
    rng = np.random.default_rng(seed)
    turn, at = rotation.normalize(rng.normal(size=4)), rng.normal(size=3)
    seen = pose.Camera("A", at, turn, 35.0, (24.0, 18.0))
    camera = Camera(width=size[0], height=size[1])
    look_through(camera, seen)
    corner = at + 2.0 * rotation.rotate(turn, np.array([12.0 / 35.0, 9.0 / 35.0, -1.0]))
    if abs((camera.target - camera.position) @ camera.up) > 0.01:
        return
    (xy,), (depth,) = camera.project(corner[None])
    assert depth == pytest.approx(2.0)
    np.testing.assert_allclose(
        xy - [size[0] / 2, size[1] / 2], [edge[0], -edge[1]], atol=1e-6 * max(size)
    )


def test_lenses_are_those_of_a_photographer() -> None:
    assert np.degrees(fov_of_lens(24.0, 24.0)) == pytest.approx(53.13, abs=0.01)
    assert np.degrees(fov_of_lens(50.0, 24.0)) == pytest.approx(26.99, abs=0.01)


@given(st.floats(-3.1, 3.1))
def test_a_stick_pushed_forward_goes_where_the_camera_looks(heading) -> None:
    target = np.array([np.sin(heading), 0.0, np.cos(heading)])
    camera = Camera(np.zeros(3), target)
    assert camera.heading_rad == pytest.approx(heading, abs=1e-9)
    assert np.allclose(to_world((0.0, 1.0), camera.heading_rad), target[[0, 2]], atol=1e-9)
    right = camera.to_world[:3, 0]
    assert np.allclose(to_world((1.0, 0.0), camera.heading_rad), right[[0, 2]], atol=1e-9)


def test_third_person_follows_without_a_jump_and_arrives() -> None:
    rig, camera, focus = Rig(), Camera(), Focus()
    rig.follow(camera, focus, 1 / 60)
    moved = Focus(center=focus.center + np.array([2.0, 0.0, 0.0]))
    steps = []
    for _ in range(120):
        before = camera.target.copy()
        rig.follow(camera, moved, 1 / 60)
        steps.append(np.linalg.norm(camera.target - before))
    assert max(steps) < 0.35
    assert np.allclose(camera.target, moved.center, atol=1e-3)


def test_third_person_comes_round_behind_a_body_that_turns() -> None:
    rig, camera = Rig(turns=True), Camera()
    rig.follow(camera, Focus(heading_rad=0.0), 1 / 60)
    assert camera.heading_rad == pytest.approx(0.0, abs=1e-6)
    for _ in range(600):
        rig.follow(camera, Focus(heading_rad=3.0), 1 / 60)
    assert camera.heading_rad == pytest.approx(3.0, abs=1e-2)


def test_the_same_time_in_other_steps_ends_at_the_same_place() -> None:
    ends = []
    for steps in (10, 40):
        rig, camera = Rig(), Camera()
        rig.follow(camera, Focus(), 1 / 60)
        far = Focus(center=np.array([1.0, 1.0, 3.0]))
        for _ in range(steps):
            rig.follow(camera, far, 0.4 / steps)
        ends.append(camera.position)
    assert np.allclose(ends[0], ends[1], atol=1e-6)


def look_out(rig: Rig, turn, seconds: float = 2.0) -> tuple[float, float]:
    """Yaw and pitch in degrees where a first person looks after a while."""
    camera = Camera()
    for _ in range(int(60 * seconds)):
        rig.follow(camera, Focus(head_rotation=turn), 1 / 60)
    ahead = camera.target - camera.position
    flat = np.hypot(ahead[0], ahead[2])
    return float(np.degrees(camera.heading_rad)), float(np.degrees(np.arctan2(ahead[1], flat)))


def nod(degrees: float):
    """A head that looks up by so much."""
    return rotation.from_axis_angle((1.0, 0.0, 0.0), -np.radians(degrees))


def test_first_person_looks_where_the_head_does() -> None:
    rig, camera = Rig(kind="first"), Camera()
    turn = rotation.from_yaw(1.0)
    rig.follow(camera, Focus(head=np.array([0.0, 1.6, 0.0]), head_rotation=turn), 1 / 60)
    assert camera.heading_rad == pytest.approx(1.0, abs=1e-6)
    assert camera.position[1] > 1.6


@given(st.floats(-25.0, 8.0), st.floats(-3.1, 3.1), st.floats(-0.3, 0.3))
def test_first_person_has_a_level_horizon_while_the_head_is_at_ease(pitch, yaw, roll) -> None:
    lean = rotation.from_axis_angle((0.0, 0.0, 1.0), roll)
    turn = rotation.multiply(rotation.multiply(rotation.from_yaw(yaw), nod(pitch)), lean)
    assert abs(look_out(Rig(kind="first"), turn)[1]) < 3.0


def test_first_person_looks_down_and_up_with_a_head_that_really_does() -> None:
    pitches = [look_out(Rig(kind="first"), nod(p))[1] for p in (-80, -60, -40, 0, 40, 70)]
    assert pitches == sorted(pitches)
    assert pitches[0] < -45 and pitches[1] < -25 and pitches[-1] > 45
    # Straight down there is no yaw in the eyes, but there is in the crown.
    down = rotation.multiply(rotation.from_yaw(0.7), nod(-89.9))
    assert look_out(Rig(kind="first"), down)[0] == pytest.approx(np.degrees(0.7), abs=2.0)


def test_first_person_turns_smoothly_the_short_way_round() -> None:
    rig, camera = Rig(kind="first"), Camera()
    rig.follow(camera, Focus(head_rotation=rotation.from_yaw(3.0)), 1 / 60)
    headings = []
    for _ in range(60):
        rig.follow(camera, Focus(head_rotation=rotation.from_yaw(-3.0)), 1 / 60)
        headings.append(camera.heading_rad)
    steps = np.abs(np.angle(np.exp(1j * np.diff([3.0, *headings]))))
    assert steps.max() < 0.05 and steps.sum() < 0.3
    assert headings[-1] == pytest.approx(-3.0, abs=0.01)


@pytest.mark.parametrize("kind", Rig.KINDS)
@pytest.mark.parametrize("size", [(1280, 720), (400, 900), (1920, 300)])
@given(st.integers(0, 2**32 - 1), st.sampled_from(["all", "one"]))
def test_framing_brings_whom_it_should_into_the_picture_and_near(kind, size, seed, scope) -> None:
    rng = np.random.default_rng(seed)
    cast = [standing(float(rng.uniform(-40, 40)), f"s{i}") for i in range(rng.integers(1, 6))]
    for subject in cast:
        subject.pose.positions[0, 2] += rng.uniform(-40, 40)
    rig = Rig(kind=kind, yaw_rad=float(rng.uniform(-3, 3)), pitch_rad=float(rng.uniform(-0.2, 1.4)))
    camera = Camera(width=size[0], height=size[1])
    focus = focus_of(frame_of(*cast), 0, scope)
    assert focus is not None
    rig.frame(camera, scope, focus)
    rig.follow(camera, focus, 1 / 60)
    shown = cast if scope == "all" else cast[:1]
    joints = np.concatenate([one.skeleton.globals(one.pose.positions, one.pose.rotations)[0]
                             for one in shown])  # fmt: skip
    xy, depth = camera.project(joints)
    assert (depth > 0).all() and (xy >= 0).all() and (xy < size).all()
    fills = np.ptp(xy, axis=0) / size
    if camera.position[1] > 0.1:  # the ground has not lifted the eye
        assert fills.max() > 0.3


def test_a_framed_cast_that_spreads_stays_in_the_picture_until_somebody_zooms() -> None:
    rig, camera = Rig(kind="orbit"), Camera()
    frame = frame_of(standing(-1.0, "a"), standing(1.0, "b"))
    rig.frame(camera, "all", focus_of(frame, 0, "all"))
    near = rig.distance_m
    for step in range(120):
        frame.subjects[1].pose.positions[0, 0] = 1.0 + 0.1 * step
        rig.follow(camera, focus_of(frame, 0, "all"), 1 / 60)
    xy, _ = camera.project(np.array([[-1.0, 1.0, 0.0], [12.9, 1.0, 0.0]]))
    assert (xy >= 0).all() and (xy < [camera.width, camera.height]).all()
    rig.zoom(1e3)
    rig.follow(camera, focus_of(frame, 0, "all"), 1 / 60)
    assert rig.distance_m < near


def test_a_fixed_camera_stays() -> None:
    rig, camera = Rig(kind="fixed"), Camera()
    before = camera.position.copy()
    rig.follow(camera, Focus(center=np.array([9.0, 1.0, 9.0])), 1.0)
    assert np.array_equal(camera.position, before)


def test_focus_knows_where_a_body_faces() -> None:
    subject = standing()
    subject.pose.rotations[0] = rotation.from_yaw(0.7)
    focus = focus_of(frame_of(subject))
    assert focus is not None
    assert focus.heading_rad == pytest.approx(0.7, abs=1e-6)
    assert focus.head[1] == pytest.approx(PERFORMER.rest_globals[0][PERFORMER.index("Head"), 1])


def test_focus_of_nobody_is_none() -> None:
    assert focus_of(frame_of()) is None


def test_two_who_stand_together_are_both_in_the_middle() -> None:
    focus = focus_of(frame_of(standing(-1.0, "a"), standing(1.0, "b")))
    assert focus is not None and abs(focus.center[0]) < 1e-9
    far = focus_of(frame_of(standing(-1.0, "a"), standing(30.0, "b")))
    assert far is not None and far.center[0] == pytest.approx(-1.0)


def test_an_overview_has_the_whole_box_in_its_picture() -> None:
    low, high = np.array([-3.0, 0.0, -1.0]), np.array([2.0, 1.8, 4.0])
    camera = overview(low, high, (320, 180), 0.6)
    corners = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T
    xy, depth = camera.project(corners)
    assert (depth > 0.1).all()
    assert (xy > 0).all() and (xy < [320, 180]).all()


def test_a_runner_stays_in_the_middle_of_the_picture():
    rig, camera, focus = Rig(), Camera(), Focus()
    start = focus.center.copy()
    for frame in range(120):
        focus.center = start + np.array([0.0, 0.0, 3.1 * frame / 30.0])
        camera = rig.follow(camera, focus, 1.0 / 30.0)
    assert np.linalg.norm(camera.target - focus.center) < 0.05
