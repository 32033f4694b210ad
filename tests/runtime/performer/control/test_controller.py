"""The path that the body is to follow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.runtime.core.pose import Intent
from understudy.runtime.performer.control.controller import (
    RUN_MPS,
    STRAFE_BACK_MPS,
    STRAFE_SIDE_MPS,
    WALK_MPS,
    Controller,
    gather,
    local_path,
    spring_step,
    velocity_spring,
    wrap,
)

number = st.floats(-5, 5)
span = st.floats(0.001, 1.5)


@given(number, number, number, span, span)
def test_two_short_spring_steps_are_one_long_one(x, v, goal, a, b):
    x, v, goal = np.array([x]), np.array([v]), np.array([goal])
    once = spring_step(x, v, goal, 0.2, a + b)
    twice = spring_step(*spring_step(x, v, goal, 0.2, a), goal, 0.2, b)
    np.testing.assert_allclose(once, twice, atol=1e-9)


@given(number, number, number, number, span, span)
def test_two_short_velocity_steps_are_one_long_one(x, v, acc, goal, a, b):
    x, v, acc, goal = (np.array([n]) for n in (x, v, acc, goal))
    once = velocity_spring(x, v, acc, goal, 0.25, a + b)
    twice = velocity_spring(*velocity_spring(x, v, acc, goal, 0.25, a), goal, 0.25, b)
    np.testing.assert_allclose(once, twice, atol=1e-9)


def settle(intent: Intent, seconds: float = 1.5) -> Controller:
    controller = Controller(1)
    controller.wish(*gather([intent]))
    for _ in range(int(seconds * 60)):
        controller.wish(*gather([intent]))
        controller.step(1 / 60)
    return controller


@pytest.mark.parametrize(
    ("travel", "facing", "buttons", "speed", "yaw"),
    [
        ((0, 1), (0, 0), (), WALK_MPS, 0.0),
        ((1, 0), (0, 0), (), WALK_MPS, np.pi / 2),
        ((0, 0.5), (0, 0), (), WALK_MPS / 2, 0.0),
        ((0, 1), (0, 0), ("run",), RUN_MPS, 0.0),
        ((0, -1), (0, 1), ("strafe",), STRAFE_BACK_MPS, 0.0),
        ((1, 0), (0, 1), ("strafe",), STRAFE_SIDE_MPS, 0.0),
        ((1, 0), (0, 0), ("strafe",), STRAFE_SIDE_MPS, 0.0),
        ((0, 0), (-1, 0), (), 0.0, -np.pi / 2),
    ],
)
def test_sticks_mean_speeds_and_facings(travel, facing, buttons, speed, yaw):
    c = settle(Intent(np.array(travel, float), np.array(facing, float), frozenset(buttons)))
    assert np.linalg.norm(c.velocity[0]) == pytest.approx(speed, abs=0.02)
    assert wrap(c.yaw_rad[0] - yaw) == pytest.approx(0.0, abs=0.02)


def test_an_idle_stick_moves_nothing():
    c = settle(Intent(np.array([0.02, -0.01])))
    assert not c.position.any()
    assert not c.yaw_rad.any()


def test_a_stick_that_is_no_number_is_taken_for_none():
    c = settle(Intent(np.array([np.nan, np.inf])))
    assert np.isfinite(c.position).all()


def test_the_path_starts_where_the_body_is_and_is_what_the_springs_will_do():
    c = settle(Intent(np.array([0.6, 0.8])), 0.3)
    position, yaw = c.path()
    np.testing.assert_allclose(position[0, 0], c.position[0])
    for _ in range(60):
        c.step(1 / 60)
    np.testing.assert_allclose(position[0, -1], c.position[0], atol=1e-9)
    np.testing.assert_allclose(yaw[0, -1], c.yaw_rad[0], atol=1e-9)


def test_a_local_path_sees_ahead_as_plus_z():
    path = local_path(
        np.array([[[2.0, 0.0]]]), np.array([[np.pi / 2]]), np.zeros((1, 2)), np.array([np.pi / 2])
    )
    np.testing.assert_allclose(path, [[0.0, 2.0, 0.0, 1.0]], atol=1e-12)
