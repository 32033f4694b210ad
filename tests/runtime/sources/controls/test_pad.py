"""Pads: dead zones, directions, intents."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.runtime.core import rotation
from understudy.runtime.sources.controls.pad import (
    PadState,
    approach,
    dead_zone,
    round_stick,
    to_intent,
    to_world,
)

axis = st.floats(-1.0, 1.0)
sticks = st.tuples(axis, axis)


@given(sticks)
def test_the_dead_zone_keeps_directions_and_never_exceeds_the_rim(stick):
    x, y = dead_zone(stick)
    assert math.hypot(x, y) <= 1.0 + 1e-12
    if (x, y) != (0.0, 0.0):
        assert math.atan2(y, x) == pytest.approx(math.atan2(stick[1], stick[0]))


def test_the_dead_zone_is_round_and_starts_from_nothing():
    assert dead_zone((0.1, 0.1)) == (0.0, 0.0)
    assert math.hypot(*dead_zone((0.1501, 0.0))) < 0.001  # no jump at its edge
    assert dead_zone((0.0, -0.97)) == (0.0, -1.0)
    assert dead_zone((float("nan"), 0.0)) == (0.0, 0.0)


@given(sticks, sticks, st.floats(0.0, 3.0))
def test_approach_goes_straight_and_stops_there(stick, target, step):
    moved = approach(stick, target, step)
    assert math.dist(stick, moved) <= step + 1e-9 or moved == target
    assert math.dist(moved, target) <= max(0.0, math.dist(stick, target) - step) + 1e-9


def test_right_on_the_stick_is_minus_x_to_a_camera_that_looks_along_z():
    assert to_world((1.0, 0.0), 0.0).tolist() == [-1.0, 0.0]
    assert to_world((0.0, 1.0), 0.0).tolist() == [0.0, 1.0]


@given(sticks, st.floats(-7.0, 7.0))
def test_the_camera_turns_the_stick_with_it(stick, heading_rad):
    x, z = to_world(stick, heading_rad)
    local = np.array([-stick[0], 0.0, stick[1]])
    turned = rotation.rotate(rotation.from_yaw(heading_rad), local)
    assert np.allclose([x, 0.0, z], turned, atol=1e-12)


@given(sticks, sticks, st.floats(-7.0, 7.0), st.booleans())
def test_intents_are_at_most_full_speed_and_face_somewhere_only_when_strafing(
    left, right, heading_rad, strafing
):
    buttons = frozenset({"strafe"} if strafing else ())
    intent = to_intent(PadState(left, right, buttons, 7), heading_rad)
    assert np.linalg.norm(intent.travel) <= 1.0 + 1e-9
    assert np.linalg.norm(intent.facing) == pytest.approx(1.0 if strafing else 0.0)
    assert intent.buttons == buttons and intent.capture_ns == 7


def test_facing_is_the_right_stick_or_else_the_way_the_camera_looks():
    strafe = frozenset({"strafe"})
    right = to_intent(PadState((0, 0), (0.5, 0.0), strafe)).facing
    ahead = to_intent(PadState((0, 0), (0.0, 0.0), strafe), 0.5 * np.pi).facing
    assert np.allclose(right, [-1.0, 0.0])
    assert np.allclose(ahead, [1.0, 0.0])


def test_corners_of_a_keyboard_are_no_faster():
    assert math.hypot(*round_stick((1.0, 1.0))) == pytest.approx(1.0)
    assert round_stick((0.3, -0.2)) == (0.3, -0.2)
