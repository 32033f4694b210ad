"""The measures of motion see what a viewer would: slides, freezes, jerks, joints out of range."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.runtime.bench import gait
from understudy.runtime.bench.gait import Likeness, Motion
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER

TICKS = 120


def standing(ticks: int = TICKS, bodies: int = 1) -> Motion:
    """The rest pose, its soles on the ground."""
    hips = np.zeros((ticks, bodies, 3))
    hips[..., 1] = PERFORMER.rest_positions[0, 1]
    motion = Motion(hips, rotation.identity((ticks, bodies, len(PERFORMER))))
    low = gait.soles(motion)[..., 1].min()
    hips[..., 1] -= low
    return motion


def moved(motion: Motion, velocity_mps: tuple[float, float]) -> Motion:
    """The same, carried along."""
    hips = motion.hips.copy()
    t = np.arange(len(hips))[:, None] / gait.RATE_HZ
    hips[..., 0] += t * velocity_mps[0]
    hips[..., 2] += t * velocity_mps[1]
    return Motion(hips, motion.rotations)


def test_who_stands_is_planted_and_does_not_slide():
    points = gait.soles(standing())
    on = gait.planted(points)
    assert on.any(-1).all()
    assert not (on[..., 0] & on[..., 1]).any(), "toe and heel of a foot count once"
    assert gait.skate(points, on)[0] == 0.0
    assert gait.stance_movement(points, on).max() == 0.0


@settings(max_examples=20)
@given(st.floats(0.02, 0.45), st.floats(-np.pi, np.pi))
def test_a_dragged_body_slides_at_the_speed_it_is_dragged(speed, way):
    motion = moved(standing(), (speed * np.sin(way), speed * np.cos(way)))
    points = gait.soles(motion)
    on = gait.planted(points)
    total, count = gait.skate(points, on)
    assert count and total / count == pytest.approx(100.0 * speed, rel=1e-3)
    drift_cm = 100.0 * speed * (TICKS - 1) / gait.RATE_HZ
    assert gait.stance_movement(points, on).max() == pytest.approx(drift_cm, rel=0.02)


def test_a_glide_too_fast_to_count_as_planted_is_seen_by_the_support():
    points = gait.soles(moved(standing(), (0.0, 2.0)))
    assert not gait.planted(points).any()
    total, count = gait.support_slide(points)
    assert total / count == pytest.approx(200.0, rel=1e-3)
    assert gait.mann_skate(points)[0] == pytest.approx(200.0 / 60.0, rel=1e-2)


def test_a_foot_in_the_air_is_not_planted():
    motion = standing()
    high = Motion(motion.hips + np.array([0.0, 0.03, 0.0]), motion.rotations)
    assert not gait.planted(gait.soles(high)).any()


def test_a_body_that_is_carried_along_without_a_step_is_frozen():
    carried = moved(standing(240), (0.0, 1.0))
    asked = np.ones((240, 1), bool)
    assert gait.frozen(carried, asked) == (4, 4)
    assert gait.frozen(carried, ~asked) == (0, 0)
    walking = carried.rotations.copy()
    t = np.arange(240)[:, None] / 60.0
    for name, sign in (("LeftUpLeg", 1.0), ("RightUpLeg", -1.0)):
        swing = 0.4 * sign * np.sin(2.0 * np.pi * t)
        walking[..., PERFORMER.index(name), :] = rotation.from_axis_angle((1.0, 0, 0), swing)
    assert gait.frozen(Motion(carried.hips, walking), asked) == (0, 4)


def test_speed_and_heading_of_a_turned_walk():
    motion = moved(standing(300), (0.6, 0.8))
    turns = motion.rotations.copy()
    turns[..., 0, :] = rotation.from_yaw(np.full((300, 1), 3.0))
    motion = Motion(motion.hips, turns)
    middle = slice(60, -60)
    assert np.allclose(gait.speed(motion)[middle, 0], (0.6, 0.8), atol=1e-3)
    assert np.allclose(gait.heading(motion)[middle, 0], 3.0)


def test_jerk_is_compared_at_equal_speeds():
    rng = np.random.default_rng(0)
    calm = standing(400)
    rough = Motion(calm.hips + rng.normal(scale=1e-4, size=calm.hips.shape), calm.rotations)
    rougher = Motion(calm.hips + 2.0 * (rough.hips - calm.hips), calm.rotations)
    data = gait.jerk(rough)
    assert gait.jerk_ratio(data, data)[0] == pytest.approx(1.0)
    assert gait.jerk_ratio(gait.jerk(rougher), data)[0] == pytest.approx(2.0, rel=1e-6)
    fast = gait.jerk(moved(rougher, (0.0, 2.0)))
    assert np.isnan(gait.jerk_ratio(fast, data)[1]).all(), "the data has no such speed"


def test_likeness_knows_ranges_and_distance():
    rng = np.random.default_rng(1)
    base = standing(200)
    turns = rotation.multiply(
        rotation.from_rotation_vector(0.1 * rng.uniform(-1, 1, (200, 1, len(PERFORMER), 3))),
        base.rotations,
    )
    data = Motion(base.hips, turns)
    likeness = Likeness([data])
    assert likeness.beyond_deg(data).max() < 1e-6
    assert likeness.nearest_cm(data).max() < 0.2
    turned = turns.copy()
    turned[..., 0, :] = rotation.multiply(
        rotation.from_yaw(np.full((200, 1), 2.0)), turned[..., 0, :]
    )
    elsewhere = Motion(base.hips + np.array([5.0, 0.0, -3.0]), turned)
    assert likeness.nearest_cm(elsewhere).max() < 0.2, "place and heading do not matter"
    bent = turns.copy()
    elbow = PERFORMER.index("LeftForeArm")
    bent[:, 0, elbow] = rotation.from_axis_angle((0.0, 1.0, 0.0), 1.0)
    beyond = likeness.beyond_deg(Motion(base.hips, bent))
    assert np.argmax(beyond.max((0, 1))) == elbow
    assert beyond[..., elbow].min() > 45.0 and beyond[..., elbow].max() < 60.0
    assert likeness.nearest_cm(Motion(base.hips, bent)).min() > 0.5


def test_settled_counts_from_the_tick_of_the_change_and_wants_it_held():
    ok = np.zeros(100, bool)
    ok[12:14] = True
    ok[30:] = True
    assert gait.settled(ok, 10, 0.25) == pytest.approx(21 / 60)
    assert np.isnan(gait.settled(ok[:35], 10, 0.25))
