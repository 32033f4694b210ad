"""The floor under a live body. The network knows level ground: for it the floor is made level.

Hips are lowered by how high the floor is about them, and raised again by how high it is about where
they are then; each foot by how high it is about its ball, so that whoever climbs is seen to walk.
These are functions of the place alone, smooth over a step's length, so what goes over comes back as
it was. Feet stand on the floor itself (`feet.py`), and hips sink as far as their legs need for it.
"""

from __future__ import annotations

import numpy as np

from understudy.runtime.core.floor import Floor
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.kinematics import doubling, world_positions, world_rotations
from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.ik import legs
from understudy.runtime.performer.ik.rig_legs import RigLegs

RADIUS_M, FOOT_M = 0.45, 0.25  # about hips and about the ball of a foot
POINTS = 160
LEVEL_M = 1e-4
BEARS, LEFT = 0.5, 0.35  # a contact that is surer bears the body, and one that is less has left


def _disc() -> tuple[Array, Array]:
    """Points (P, 2) of a disc in a spiral, no two in a row, and their weights (P,)."""
    k = np.arange(POINTS) + 0.5
    angle, r = k * np.pi * (3.0 - np.sqrt(5.0)), np.sqrt(k / POINTS)
    weights = 0.5 + 0.5 * np.cos(np.pi * r)
    points = r[:, None] * np.stack([np.cos(angle), np.sin(angle)], -1)
    return points, weights / weights.sum()


_POINTS, _WEIGHTS = _disc()


class Relief:
    """A stage's floor as a source sees it that is turned about +Y and moved onto the stage."""

    def __init__(self, floor: Floor, at_m: Array, yaw_rad: float) -> None:
        self._floor, self._at = floor, np.asarray(at_m, float)
        self._c, self._s = float(np.cos(yaw_rad)), float(np.sin(yaw_rad))

    def under(self, places: Array) -> Array:
        """(...) how high the floor is under places (..., 3) or (..., 2), x and z."""
        x, z = places[..., 0], places[..., -1]
        there_x = self._c * x + self._s * z + self._at[0]
        there_z = -self._s * x + self._c * z + self._at[2]
        return self._floor.heights(there_x, there_z) - self._at[1]

    def about(self, places: Array, radius_m: float = RADIUS_M) -> Array:
        """(...) the same as a mean about places (..., 3)."""
        points = places[..., None, [0, 2]] + radius_m * _POINTS
        return self.under(points) @ _WEIGHTS


# PERFORMER on a relief: heights are times scale, PERFORMER's size over the source's.


def raised_m(relief: Relief, hips: Array, scale: float) -> float:
    """How high the floor is about hips (3,)."""
    return scale * float(relief.about(hips / scale))


def shift_feet(relief: Relief, hips: Array, turns: Array, scale: float, way: float) -> bool:
    """Moves the feet of PERFORMER at hips (3,) onto the floor's heights (way 1), or off them (-1).

    The legs of turns (22, 4) bend, in place. The hips are raised already, or lowered.
    """
    world_r = world_rotations(turns, _STEPS)
    world_p = world_positions(_at(hips), world_r, _STEPS)
    ball = world_p[_LEGS.ball]
    apart = scale * relief.about(ball / scale, FOOT_M) - raised_m(relief, hips, scale)
    if np.abs(apart).max() < LEVEL_M:
        return False
    goal = world_p[_LEGS.ankle].copy()
    goal[:, 1] += way * apart
    _LEGS.reach(world_p, world_r, goal, world_r[_LEGS.ankle], turns, np.ones(2, bool))
    return True


class Bearing:
    """Where the feet of one body came down that bear it: on a step's edge, what is under a foot
    that is held is not what is under the one that the network goes on with."""

    def __init__(self) -> None:
        self._at = np.full((2, 3), np.nan)

    def short_m(
        self,
        relief: Relief,
        hips: Array,
        turns: Array,
        contacts: Array,
        lift_m: float,
        scale: float,
    ) -> float:
        """By how much hips (3,) are too high for the legs that bear them to reach the floor.

        contacts (4,) as the network gives them; lift_m as `ground.Level` has it.
        """
        places = legs.forward(hips, turns)[0]
        top, ankle, ball = places[:, 0], places[:, 2], places[:, 3]
        sure = contacts.reshape(2, 2).max(-1)
        bears = sure >= min(BEARS, sure.max())
        self._at[sure < LEFT] = np.nan
        stands = ~np.isnan(self._at[:, 0])
        self._at[bears & ~stands] = ball[bears & ~stands] / scale
        bears |= stands
        free = np.isnan(self._at[:, :1])
        floor = scale * relief.under(np.where(free, ball / scale, self._at)) - lift_m + legs.TOE_M
        goal = ankle[:, 1] + floor - ball[:, 1]
        flat = (top[:, 0] - ankle[:, 0]) ** 2 + (top[:, 2] - ankle[:, 2]) ** 2
        long = (legs.THIGH_M + legs.SHIN_M) * legs.REACH
        room = goal + np.sqrt(np.maximum(long**2 - flat, 0.01)) - top[:, 1]
        return float(np.maximum(-room, 0.0)[bears].max())


def _at(hips: Array) -> Array:
    out = np.array(PERFORMER.rest_positions)
    out[0] = hips
    return out


_STEPS = doubling(PERFORMER.parents)
_LEGS = RigLegs(PERFORMER)
