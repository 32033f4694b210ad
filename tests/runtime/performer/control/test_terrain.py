"""Steps and slopes under bodies that a pad moves."""

import numpy as np
import pytest

from understudy.runtime.core import floor as floors
from understudy.runtime.core import rotation
from understudy.runtime.core.pose import Intent
from understudy.runtime.performer.control.feet import HEEL
from understudy.runtime.performer.control.performer import Performer
from understudy.runtime.performer.ik import legs

UP = {"from_m": [0.0, 2.0], "to_m": [0.0, 4.32], "width_m": 2.0, "rise_m": 1.36, "count": 8}
TOP = {"at_m": [0.0, 4.91], "size_m": [2.0, 1.2], "height_m": 1.36}
DOWN = UP | {"from_m": [0.0, 5.5], "to_m": [0.0, 7.82], "rise_m": -1.36, "base_m": 1.53}
RAMP = {"from_m": [5.0, 2.0], "to_m": [5.0, 5.0], "width_m": 2.0, "rise_m": 0.8}
BRIDGE = {"at_m": [5.0, 5.5], "size_m": [2.0, 1.02], "height_m": 0.8}
BACK = RAMP | {"from_m": [5.0, 6.0], "to_m": [5.0, 9.0], "rise_m": -0.8, "base_m": 0.8}
FLOOR = {"steps": [UP, DOWN], "ramp": [RAMP, BACK], "block": [TOP, BRIDGE]}
STAIRS, SLOPE, LEVEL = 0, 1, 2


@pytest.fixture(scope="module")
def walked():
    """Three bodies walk at 0.7 m/s: over stairs up and down, over ramps, and on the level."""
    ground = floors.of_tables(FLOOR)
    shown = []
    with Performer(3, provider="cpu") as p:
        p.floor = ground
        for i in range(3):
            p.reset(i, (5.0 * i, 0.0))
        for _ in range(840):
            p.step([Intent(np.array([0.0, 0.35]))] * 3)
            shown.append((p.positions[:, 0].copy(), p.rotations.copy(), p.contacts[..., 1].copy()))
    hips, rotations, contacts = (np.array(x, float) for x in zip(*shown, strict=True))
    return ground, hips, rotations, contacts.reshape(*contacts.shape[:2], 2, 2) > 0.5


def gaps(walked, i):
    """(T, 2, 2) how far heels and balls are above the floor under them."""
    ground, hips, rotations, _ = walked
    places, turns = legs.forward(hips[:, i], rotations[:, i])
    heel = places[:, :, 2] + rotation.rotate(turns[:, :, 2], HEEL)
    ball = places[:, :, 3] - (0.0, legs.TOE_M, 0.0)
    points = np.stack([heel, ball], 2)
    return points[..., 1] - ground.heights(points[..., 0], points[..., 2])


def knees(walked, i):
    """(T, 2) how far the knees are bent, degrees."""
    turn = walked[2][:, i][:, legs.LEGS[:, 1], 3]
    return np.degrees(2.0 * np.arccos(np.clip(np.abs(turn), 0.0, 1.0)))


@pytest.mark.parametrize("i", [STAIRS, SLOPE])
def test_planted_feet_are_on_the_floor_as_often_as_on_the_level(walked, i):
    down = walked[3][60:, i]
    assert np.abs(gaps(walked, i)[60:][down]).max() < 0.0101
    assert down.any(axis=(1, 2)).mean() > 0.85 * walked[3][60:, LEVEL].any(axis=(1, 2)).mean()


def test_stairs_are_climbed_and_left(walked):
    hips = walked[1][:, STAIRS]
    assert hips[:, 1].max() > 2.15
    assert hips[-1, 1] == pytest.approx(hips[0, 1], abs=0.06)
    assert hips[-1, 2] > 9.0


@pytest.mark.parametrize(("i", "most"), [(STAIRS, 0.09), (SLOPE, 0.02)])
def test_no_ball_of_a_foot_goes_deep_into_the_floor(walked, i, most):
    """On its way up past the edge of a step a foot cuts it by up to 8 cm; slopes it clears."""
    assert gaps(walked, i)[:, :, 1].min() > -most


@pytest.mark.parametrize(("i", "most"), [(STAIRS, 1400.0), (SLOPE, 900.0)])
def test_no_knee_pops(walked, i, most):
    """On the level a start bends knees at 640 degrees a second."""
    assert np.abs(np.diff(knees(walked, i), axis=0)).max() * 60 < most


def test_hips_rise_softly(walked):
    for i in (STAIRS, SLOPE):
        assert np.abs(np.diff(walked[1][:, i, 1], 2)).max() * 3600 < 20.0


def test_level_ground_is_as_without_a_floor():
    with Performer(1, provider="cpu") as flat, Performer(1, provider="cpu") as floored:
        floored.floor = floors.of_tables({"block": [{"at_m": [50, 0], "size_m": [1, 1],
                                                     "height_m": 1.0}]})  # fmt: skip
        for _ in range(200):
            for p in (flat, floored):
                p.step([Intent(np.array([0.0, 0.6]))])
        np.testing.assert_allclose(flat.positions[0, 0], floored.positions[0, 0], atol=2e-3)
