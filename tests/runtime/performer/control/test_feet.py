"""Planted feet stay where they are, and leave without a jerk."""

import numpy as np

from tests.runtime.performer.ik.test_legs import stance
from understudy.runtime.core import rotation
from understudy.runtime.performer.control.feet import UNLOCK_M, Feet
from understudy.runtime.performer.ik import legs

DT = 1 / 60


def walk_over(feet: Feet, contacts, path, yaws=None):
    """Toe places (T, 2, 3) of a stiff body whose hips follow path (T, 3)."""
    shown = []
    for t, at in enumerate(path):
        hips, rotations = stance(rotation.from_yaw(0.0 if yaws is None else yaws[t]))
        hips = hips + at
        feet.solve(hips, rotations, np.array([contacts[t]], float), DT)
        shown.append(legs.forward(hips, rotations)[0][0, :, 3])
    return np.array(shown)


def test_a_planted_toe_holds_while_the_body_moves():
    feet = Feet(1)
    path = np.linspace([0, 0, 0], [0, 0, 0.15], 40)
    toes = walk_over(feet, [[1, 1, 1, 1]] * 40, path)
    assert np.linalg.norm(toes[1:, :, [0, 2]] - toes[0, :, [0, 2]].T, axis=-1).max() < 1e-3


def test_a_planted_foot_does_not_turn_with_the_body():
    feet = Feet(1)
    yaws = np.linspace(0, 0.5, 30)
    toes = walk_over(feet, [[1, 1, 1, 1]] * 30, np.zeros((30, 3)), yaws)
    assert np.linalg.norm(toes[1:, :, [0, 2]] - toes[0, :, [0, 2]].T, axis=-1).max() < 2e-3


def test_release_is_smooth_and_ends_at_the_animation():
    feet = Feet(1)
    path = np.concatenate(
        [np.linspace([0, 0, 0], [0, 0, 0.15], 30), np.linspace([0, 0.03, 0.15], [0, 0.06, 0.9], 60)]
    )
    contacts = [[1, 1, 1, 1]] * 30 + [[0, 0, 0, 0]] * 60
    toes = walk_over(feet, contacts, path)
    free = walk_over(Feet(1), [[0, 0, 0, 0]] * 90, path)
    step = np.linalg.norm(np.diff(toes, axis=0), axis=-1)
    assert step.max() < 0.04
    assert np.linalg.norm(toes[-1] - free[-1], axis=-1).max() < 2e-3


def test_a_body_that_leaves_its_feet_behind_takes_them_along():
    feet = Feet(1)
    path = np.linspace([0, 0, 0], [0, 0, 2.0], 120)
    toes = walk_over(feet, [[1, 1, 1, 1]] * 120, path)
    free = walk_over(Feet(1), [[0, 0, 0, 0]] * 120, path)
    assert np.linalg.norm(toes - free, axis=-1).max() < UNLOCK_M + 0.1


def test_toes_stay_above_the_ground():
    feet = Feet(1)
    path = np.tile([0.0, -0.12, 0.0], (30, 1))
    toes = walk_over(feet, [[0, 0, 1, 1]] * 30, path)
    assert toes[..., 1].min() > legs.TOE_M - 1e-4


def test_a_foot_that_limits_turn_stays_out_of_the_ground():
    feet = Feet(1)
    hips, rotations = stance(rotation.from_yaw(0.0))
    feet.solve(hips, rotations, np.zeros((1, 4)), DT)
    before = rotations[:, legs.LEGS[:, [0, 2]]].copy()
    ankles = legs.LEGS[:, 2]
    down = rotation.from_axis_angle(np.array([1.0, 0.0, 0.0]), 0.5)  # toes down
    rotations[:, ankles] = rotation.multiply(rotations[:, ankles], down)
    turned = rotations[:, ankles].copy()
    assert legs.forward(hips, rotations)[0][..., 3, 1].min() < legs.TOE_M - 0.04
    feet.limited(before, hips, rotations)
    assert legs.forward(hips, rotations)[0][..., 3, 1].min() > legs.TOE_M - 2e-3
    np.testing.assert_allclose(rotations[:, ankles], turned)


def test_reset_forgets_the_locks():
    feet = Feet(1)
    walk_over(feet, [[1, 1, 1, 1]] * 10, np.linspace([0, 0, 0], [0, 0, 0.1], 10))
    feet.reset(0)
    toes = walk_over(feet, [[0, 0, 0, 0]], np.array([[5.0, 0, 5.0]]))
    free = walk_over(Feet(1), [[0, 0, 0, 0]], np.array([[5.0, 0, 5.0]]))
    np.testing.assert_allclose(toes, free, atol=1e-9)


def test_a_foot_that_creeps_on_the_ground_is_planted_though_nobody_says_so():
    path = np.linspace([0, 0, 0], [0, 0, 0.1], 30)  # 0.2 m/s
    toes = walk_over(Feet(1), [[0, 0, 0, 0]] * 30, path)
    assert np.linalg.norm(np.diff(toes[3:, :, [0, 2]], axis=0), axis=-1).max() < 1e-3


def test_a_foot_that_is_left_behind_is_lifted_before_it_moves():
    path = np.linspace([0, 0, 0], [0, 0, 2.0], 120)
    toes = walk_over(Feet(1), [[1, 1, 1, 1]] * 120, path)
    moved = np.linalg.norm(np.diff(toes[..., [0, 2]], axis=0), axis=-1) > 5e-3
    assert moved.any()
    assert toes[1:][moved][..., 1].min() > legs.TOE_M + 1e-3


def test_a_foot_that_is_let_go_and_creeps_is_lifted_where_it_stands():
    feet = Feet(1)
    creeps = np.linspace([0, 0.08, 0], [0, 0.08, 0.2], 40)  # 0.3 m/s, toes 3 cm up
    toes = walk_over(feet, [[1] * 4] * 20 + [[0] * 4] * 40, [np.zeros(3)] * 20 + list(creeps))
    low = toes[..., 1] < legs.TOE_M + 0.015
    ground = np.linalg.norm((toes - toes[19])[..., [0, 2]], axis=-1)
    assert ground[low].max() < 0.01
    assert not low[-20:].any()
    assert abs(toes[-1, 0, 2] - toes[19, 0, 2] - 0.2) < 0.02  # and goes to its place


def test_a_planted_toe_stays_when_the_leg_is_too_short_for_a_flat_foot():
    path = np.linspace([0, 0, 0], [0, 0.10, 0.02], 30)  # the hips rise: the heel has to
    toes = walk_over(Feet(1), [[1, 1, 1, 1]] * 30, path)
    assert np.linalg.norm(toes[1:, :, [0, 2]] - toes[0, :, [0, 2]].T, axis=-1).max() < 5e-3
    assert toes[..., 1].max() < legs.TOE_M + 0.03


def stood(sway: np.ndarray, strain_m: float) -> np.ndarray:
    """(T, 2) how high ankles are of a body that comes to rest with its feet strained, and sways."""
    feet, shown = Feet(1), []
    for t, at in enumerate(sway):
        hips, rotations = stance(rotation.from_yaw(0.0))
        left_m = strain_m * (t > 0)  # behind where they are planted
        moved = np.array([at + left_m, 0.0, 0.0])
        standing, own = np.array([t > 0]), np.array([[at, 0.0, 0.0]])
        feet.solve(hips + moved, rotations, np.ones((1, 4)), DT, standing, own)
        shown.append(legs.forward(hips + moved, rotations)[0][0, :, 2, 1])
    return np.array(shown)


def test_who_sways_does_not_step_and_who_stands_strained_steps_at_once():
    sway = 0.05 * np.sin(np.arange(600) * 2.0 * np.pi * DT / 5.0)
    high = legs.ANKLE_M + 0.02
    assert (stood(sway, 0.02) < high).all()
    steps = np.flatnonzero((stood(sway, 0.06) > high).any(axis=1))
    assert len(steps) and steps.max() * DT < 1.5
