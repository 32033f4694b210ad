"""Leg kinematics."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from understudy.runtime.core import quaternion, rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.performer.ik import legs

unit4 = arrays(float, (3, 4), elements=st.floats(-1, 1)).map(
    lambda q: rotation.normalize(q + np.array([0, 0, 0, 1e-3]))
)


@given(unit4, unit4, arrays(float, (3, 3), elements=st.floats(-2, 2)))
def test_products_agree_with_core(a, b, v):
    np.testing.assert_allclose(quaternion.multiply(a, b), rotation.multiply(a, b), atol=1e-12)
    np.testing.assert_allclose(quaternion.rotate(a, v), rotation.rotate(a, v), atol=1e-12)


def stance(turn: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Hips (1, 3) and rotations (1, J, 4) of a body with slightly bent knees."""
    rotations = rotation.identity((1, len(PERFORMER)))
    bend = rotation.from_axis_angle([1.0, 0.0, 0.0], 0.35)
    rotations[:, legs.LEGS[:, 1]] = bend
    rotations[:, legs.LEGS[:, 0]] = rotation.from_axis_angle([1.0, 0.0, 0.0], -0.2)
    if turn is not None:
        rotations[:, 0] = turn
    return np.array([[0.0, 0.92, 0.0]]), rotations


def test_forward_is_the_skeletons_own():
    hips, rotations = stance(rotation.from_yaw(0.7))
    places = PERFORMER.rest_positions[None].copy()
    places[:, 0] = hips
    world_p, world_r = PERFORMER.globals(places, rotations)
    p, r = legs.forward(hips, rotations)
    np.testing.assert_allclose(p, world_p[:, legs.LEGS], atol=1e-12)
    assert rotation.angle_between(r, world_r[:, legs.LEGS]).max() < 1e-6


offset = st.floats(-0.3, 0.3)


@given(offset, st.floats(0.0, 0.35), offset, st.floats(-3, 3))
def test_an_ankle_in_reach_is_met_and_the_foot_is_turned(x, y, z, yaw):
    hips, rotations = stance(rotation.from_yaw(yaw))
    p, r = legs.forward(hips, rotations)
    shift = rotation.rotate(rotation.from_yaw(yaw), np.array([x, 0.0, z]))
    goal = p[:, :, 2] + shift + [0.0, y, 0.0]
    reachable = np.linalg.norm(goal - p[:, :, 0], axis=-1) < (legs.THIGH_M + legs.SHIN_M) * 0.999
    foot = rotation.multiply(rotation.from_yaw(0.2), r[:, :, 2])
    legs.reach(hips, rotations, p, r, goal, foot)
    after_p, after_r = legs.forward(hips, rotations)
    error = np.linalg.norm(after_p[:, :, 2] - goal, axis=-1)
    assert error[reachable].max(initial=0.0) < 1e-6
    assert rotation.angle_between(after_r[:, :, 2], foot).max() < 1e-5


@given(st.floats(0.9, 3.0), st.floats(-1, 1), st.floats(-1, 1))
def test_a_far_target_never_stretches_a_leg(far, x, z):
    hips, rotations = stance()
    p, r = legs.forward(hips, rotations)
    line = rotation.normalize(np.array([x, -1.0, z]))
    goal = p[:, :, 0] + far * line
    legs.reach(hips, rotations, p, r, goal, r[:, :, 2].copy())
    after = legs.forward(hips, rotations)[0]
    assert np.isfinite(rotations).all()
    span = np.linalg.norm(after[:, :, 2] - after[:, :, 0], axis=-1)
    assert span.max() <= legs.THIGH_M + legs.SHIN_M
    assert np.abs(np.cross(after[:, :, 2] - after[:, :, 0], line)).max() < 1e-4


def test_a_knee_bends_forward():
    hips, rotations = stance()
    p, r = legs.forward(hips, rotations)
    goal = p[:, :, 2] + [0.0, 0.3, 0.0]
    legs.reach(hips, rotations, p, r, goal, r[:, :, 2].copy())
    after = legs.forward(hips, rotations)[0]
    assert (after[:, :, 1, 2] > after[:, :, 0, 2] + 0.1).all()
