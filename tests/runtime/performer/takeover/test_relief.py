"""Bodies that are taken over on a floor of steps and ramps stand on it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from understudy.runtime.core import floor as floors
from understudy.runtime.core import rotation
from understudy.runtime.core.floor import Floor
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Intent
from understudy.runtime.performer.control.performer import Performer
from understudy.runtime.performer.ik import legs
from understudy.runtime.performer.takeover.offline import OfflineInput, OfflineOutput, run_offline
from understudy.runtime.performer.takeover.relief import Relief
from understudy.runtime.performer.takeover.takeover import Takeover

RATE = 60
FLOORS = {
    "steps": {"steps": [{"from_m": (0, 2), "to_m": (0, 5.48), "width_m": 4, "rise_m": 2.04,
                         "count": 12}]},
    "ramp": {"ramp": [{"from_m": (0, 2), "to_m": (0, 8), "width_m": 4, "rise_m": 1.6}]},
}  # fmt: skip


@lru_cache(maxsize=4)
def walked(name: str) -> tuple[Floor, np.ndarray, np.ndarray]:
    """Somebody who walks up: positions (T, J, 3), rotations (T, J, 4)."""
    floor = floors.of_tables(FLOORS[name])
    positions, rotations = [], []
    with Performer(1, provider="cpu") as body:
        body.floor = floor
        for _ in range(7 * RATE):
            body.step([Intent(np.array([0.0, 0.35]), np.zeros(2), frozenset())], 1 / RATE)
            positions.append(body.positions[0].astype(float))
            rotations.append(body.rotations[0].astype(float))
    return floor, np.array(positions), np.array(rotations)


def lost(
    name: str, from_s: float, to_s: float, floor: Floor | None, stop_after_s: float = np.inf
) -> OfflineOutput:
    _, positions, rotations = walked(name)
    seen = np.ones((len(positions), len(PERFORMER)), bool)
    seen[round(from_s * RATE) : round(to_s * RATE)] = False
    with Takeover([PERFORMER], stop_after_s, floor=floor) as takeover:
        return run_offline(takeover, [OfflineInput(positions, rotations, seen)], RATE)[0]


def over_floor(floor: Floor, shown: OfflineOutput, from_s: float, to_s: float) -> np.ndarray:
    """(T, 2) how high balls of the feet are over what is under them, as they stand on the level."""
    part = slice(round(from_s * RATE), round(to_s * RATE))
    ball = legs.forward(shown.positions[part, 0], shown.rotations[part])[0][:, :, 3]
    return np.asarray(ball[..., 1] - floor.heights(ball[..., 0], ball[..., 2]) - legs.TOE_M)


@pytest.mark.parametrize("name", FLOORS)
@pytest.mark.parametrize("from_s", [4.0, 4.6, 5.02])
def test_feet_of_a_gap_on_a_floor_stand_on_it(name, from_s):
    floor = walked(name)[0]
    with_it = over_floor(floor, lost(name, from_s, from_s + 1.0, floor), from_s, from_s + 1.0)
    without = over_floor(floor, lost(name, from_s, from_s + 1.0, None), from_s, from_s + 1.0)
    assert with_it.min() > -0.04
    # At every moment one of the feet bears the body.
    assert np.abs(with_it).min(axis=1).max() < 0.08
    assert np.abs(with_it).min(axis=1).mean() < 0.5 * np.abs(without).min(axis=1).mean()


def test_who_knows_the_floor_is_nearer_to_the_truth():
    floor, positions, rotations = walked("steps")
    joints = PERFORMER.globals(positions[276:336], rotations[276:336])[0]
    off = []
    for known in (floor, None):
        shown = lost("steps", 4.6, 5.6, known)
        there = PERFORMER.globals(shown.positions[276:336], shown.rotations[276:336])[0]
        off.append(np.linalg.norm(there - joints, axis=-1).mean())
    assert off[0] < 0.6 * off[1]


def test_who_stays_silent_stops_on_the_floor():
    floor = walked("ramp")[0]
    shown = lost("ramp", 4.0, 7.0, floor, stop_after_s=0.5)
    stands = over_floor(floor, shown, 6.5, 7.0)
    assert np.abs(stands).max() < 0.04
    assert floor.heights(*shown.positions[-1, 0, [0, 2]]) > 0.2


def test_a_platform_is_as_the_ground():
    floor = floors.of_tables({"block": [{"at_m": (0, 0), "size_m": (200, 200), "height_m": 0.7}]})
    _, positions, rotations = walked("steps")
    level = positions[: 2 * RATE], rotations[: 2 * RATE]
    seen = np.ones((2 * RATE, len(PERFORMER)), bool)
    seen[RATE : RATE + 40] = False
    shown = []
    for height, under in ((0.0, None), (0.7, floor)):
        raised = level[0].copy()
        raised[:, 0, 1] += height
        with Takeover([PERFORMER], np.inf, floor=under) as takeover:
            out = run_offline(takeover, [OfflineInput(raised, level[1], seen)], RATE)[0]
        shown.append(out.positions[:, 0] - (0.0, height, 0.0))
    assert np.abs(shown[0] - shown[1]).max() < 0.005


def test_a_floor_is_seen_from_where_the_source_is_moved_to():
    floor = floors.of_tables(FLOORS["ramp"])
    at, yaw = np.array([1.0, 0.5, -2.0]), 0.7
    relief = Relief(floor, at, yaw)
    places = np.random.default_rng(0).uniform(-5, 5, (50, 3))
    there = rotation.rotate(rotation.from_yaw(yaw), places) + at
    wanted = floor.heights(there[:, 0], there[:, 2]) - 0.5
    np.testing.assert_allclose(relief.under(places), wanted, atol=1e-12)
    # Smooth: an edge of a step takes half a metre.
    line = np.zeros((400, 3))
    line[:, 2] = np.linspace(0.0, 4.0, 400)
    steps = np.diff(Relief(floors.of_tables(FLOORS["steps"]), np.zeros(3), 0.0).about(line))
    assert np.abs(steps).max() < 0.02
