"""Where a character's feet go: as far apart as the proportions scale, and on its own floor.

The ball of the foot goes where the actor's went, times the scale, and further ahead by as much as
the foot is longer: so a foot that stood still stands still. How high it goes is told by the lowest
point of the sole, which is as far above the floor as the actor's, times the scale: heels, soles and
toes that push off all touch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from understudy.runtime.core import quaternion, rotation
from understudy.runtime.core.roles import LEG, SIDES
from understudy.runtime.core.rotation import Array

from .ground import SOLE_M, clearances
from .limbs import PERSONS_M, Limb
from .retarget import Retarget

# A foot higher than this above the floor does not pull the hips down to reach it.
REACHES_M = 0.06
# Soles lower than this stand on the floor, the more the lower.
HOVERS_M = 0.04
# The share of a leg that it may stretch to before the hips come down.
STRETCH = 0.985


class _Soles:
    """Heel, ball and tip of each foot, in the frames of the joints that carry them.

    joints (F, 3) carry the points (F, 3, 3); balls are points [:, 1].
    """

    def __init__(self, joints: np.ndarray, points: Array) -> None:
        self.joints, self.points = joints, quaternion.turning(points)

    def below(self, world_p: Array, world_r: Array) -> Array:
        """(..., F, 3, 3) where heel, ball and tip are."""
        return world_p[..., self.joints, :] + quaternion.turned(
            world_r[..., self.joints, :], self.points
        )


def _soles(
    role: dict[str, int],
    sides: Sequence[str],
    rest_p: Array,
    rest_r: Array,
    clearance: dict[int, float],
    row: np.ndarray,
) -> _Soles:
    """Of a skeleton that stands in its T-pose; row gives the joints' places in the arrays."""
    joints, points = [], []
    for side in sides:
        ankle = role[f"{side}_foot"]
        toes = role.get(f"{side}_toes", ankle)
        heel = np.array([0.0, -clearance[ankle], -0.25 * clearance[ankle]])
        ball = np.array([0.0, -clearance[toes], 0.0])
        tip = np.array([0.0, -clearance[toes], 0.5 * np.linalg.norm(rest_p[toes] - rest_p[ankle])])
        joints.append([row[ankle], row[toes], row[toes]])
        back = rotation.conjugate(rest_r[[ankle, toes, toes]])
        points.append(rotation.rotate(back, np.stack([heel, ball, tip])))
    return _Soles(np.array(joints, int).reshape(-1, 3), np.array(points).reshape(-1, 3, 3))


def landed(high: Array) -> Array:
    """(...) heights of soles (...) on a floor that they do not enter, and do not hover over.

    Mocap's feet push off through the floor and stand some millimetres above it. Between the two a
    foot comes down and lifts without a step.
    """
    x = quaternion.clamp(high / HOVERS_M, 0.0, 1.0)
    return np.maximum(high, 0.0) * x * (2.0 - x)


def _scaled(up: dict[int, float], world_p: Array, role: dict[str, int]) -> dict[int, float]:
    """Clearances with soles as thick as the body is large."""
    leg_m = float(world_p[role["hips"], 1] - world_p[role["left_foot"], 1])
    return {joint: high + SOLE_M * (leg_m / PERSONS_M - 1.0) for joint, high in up.items()}


def _feet_m(world_p: Array, role: dict[str, int], sides: Sequence[str]) -> Array:
    """(F,) how far the balls of the feet lie ahead of the ankles in the T-pose."""
    pairs = [(role[f"{s}_foot"], role.get(f"{s}_toes", role[f"{s}_foot"])) for s in sides]
    return np.array([world_p[toes, 2] - world_p[ankle, 2] for ankle, toes in pairs])


def _whole(side: str, role: dict[str, int]) -> bool:
    return all(f"{side}_{part}" in role for part in LEG[:3])


def _legs_m(world_p: Array, role: dict[str, int], parts: Sequence[Sequence[str]]) -> Array:
    """(F,) lengths of legs, along their bones."""
    at = np.array([[world_p[role[name]] for name in names] for names in parts]).reshape(-1, 3, 3)
    return np.asarray(np.linalg.norm(np.diff(at, axis=1), axis=-1).sum(-1))


class Feet:
    """The goals of a character's ankles. standing_m: how much higher its hips stand for its soles.

    wider_m is by how much further out than the scale says its feet stand.
    others are the limbs that are no legs of these.
    """

    def __init__(
        self,
        way: Retarget,
        legs: Sequence[int],
        limbs: Sequence[Limb],
        floor_m: float | None,
        scale: float,
        wider_m: float,
    ) -> None:
        have = way.source_role
        there = [n for n in legs if _whole(limbs[n].name.partition("_")[0], have)]
        sides = [limbs[n].name.partition("_")[0] for n in there]
        assert set(sides) <= set(SIDES)
        self.legs = np.array(there, int)
        self.others = np.array([n for n in range(len(limbs)) if n not in there], int)
        self._ankle = np.array([limbs[n].end for n in there], int)
        self._top = np.array([limbs[n].top for n in there], int)
        source_up = _scaled(clearances(way.source, way.source_p), way.source_p, have)
        target_up = _scaled(clearances(way.target, way.target_p), way.target_p, way.target_role)
        if floor_m is not None:  # its mesh says where the soles are
            feet = [j for n, j in way.target_role.items() if n.endswith(("_foot", "_toes"))]
            stand = way.target.rest_globals[0]
            target_up = {j: max(float(stand[j, 1] - floor_m), 1e-3) for j in feet}
        self._source = _soles(have, sides, way.source_p, way.source_r, source_up, way.row)
        own = np.arange(len(way.target))
        self._target = _soles(way.target_role, sides, way.target_p, way.target_r, target_up, own)
        left = way.target_role["left_foot"]
        self.standing_m = target_up[left] - scale * source_up[have["left_foot"]]
        self._scale = scale
        self.last_m: Array = np.zeros((0, 0))  # how high the actor's soles were
        feet_m = _feet_m(way.target_p, way.target_role, sides) - scale * _feet_m(
            way.source_p, have, sides
        )
        self._longer_m = feet_m
        self._wider_m = wider_m * np.array([1.0 if s == "left" else -1.0 for s in sides])[:, None]
        parts = [[f"{side}_{part}" for part in LEG[:3]] for side in sides]
        self._leg_m = _legs_m(way.target_p, way.target_role, parts)
        self._source_leg_m = _legs_m(way.source_p, have, parts)
        self._top_row = way.row[[have[names[0]] for names in parts]]
        self._ankle_row = way.row[[have[names[2]] for names in parts]]

    def heights(self, source_p: Array, source_r: Array) -> Array:
        """(..., F) how high the actor's soles are, each by its lowest point."""
        return np.asarray(self._source.below(source_p, source_r)[..., 1].min(-1))

    def landed_m(self, world_p: Array, world_r: Array) -> Array:
        """(..., F) the same of the character's soles."""
        return np.asarray(self._target.below(world_p, world_r)[..., 1].min(-1))

    def aim(
        self,
        source_p: Array,
        source_r: Array,
        world_p: Array,
        world_r: Array,
        left: Array,
        goal: Array,
    ) -> Array:
        """Writes the ankles' goals into goal (..., L, 3); how far the hips must come down (...).

        left (..., 3) is the actor's, on the ground.
        """
        scale = self._scale
        theirs = self._source.below(source_p, source_r)
        ours = self._target.below(world_p, world_r)
        ankle = world_p[..., self._ankle, :]
        aim = ankle + scale * theirs[..., 1, :] - ours[..., 1, :]
        aim += self._wider_m * left[..., None, :]
        # A longer foot reaches further ahead of its heel. Ahead is where the body faces: a foot may
        # turn while it stands.
        aim[..., 0] -= self._longer_m * left[..., None, 2]
        aim[..., 2] += self._longer_m * left[..., None, 0]
        self.last_m = theirs[..., 1].min(-1)
        up = scale * landed(self.last_m)  # above the floor, (..., F)
        aim[..., 1] = ankle[..., 1] + up - ours[..., 1].min(-1)
        goal[..., self.legs, :] = aim
        way = aim - world_p[..., self._top, :]
        across = np.sqrt(way[..., 0] ** 2 + way[..., 2] ** 2)
        stretched = source_p[..., self._ankle_row, :] - source_p[..., self._top_row, :]
        stretched = np.sqrt(np.add.reduce(stretched * stretched, -1)) / self._source_leg_m
        limit = np.maximum(STRETCH, stretched) * self._leg_m  # as far as the actor, if further
        reach = np.sqrt(np.maximum(limit**2 - across**2, 0.0))
        weight = quaternion.clamp(1.0 - up / (REACHES_M * max(scale, 1e-3)), 0.0, 1.0)
        lack = np.maximum(-way[..., 1] - reach, 0.0)
        return np.asarray((weight * lack).max(-1))
