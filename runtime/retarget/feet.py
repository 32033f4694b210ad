"""Where a character's feet go: as far apart as the proportions scale, and on its own floor.

The ball of the foot goes where the actor's went, times the scale, and further ahead by as much as
the foot is longer: so a foot that stood still stands still. How high it goes is told by the lowest
point of the sole, which is as far above the floor as the actor's, times the scale: heels, soles and
toes that push off all touch.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from understudy.runtime.core import quaternion, rotation
from understudy.runtime.core.plain import Plain, few
from understudy.runtime.core.roles import LEG, SIDES
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

from .ground import SOLE_M, clearances
from .limbs import PERSONS_M, SOFT, Limb, block
from .pelvis import Pelvis
from .points import Points
from .retarget import Retarget

# A foot higher than this above the floor does not pull the hips down to reach it.
REACHES_M = 0.06
# Soles lower than this stand on the floor, the more the lower.
HOVERS_M = 0.04
# The share of a leg that it may stretch to before the hips come down.
STRETCH = 0.985
# How much of where a foot points is told by the body, beside the foot's own length on the ground: a
# foot that hangs down points nowhere, and one that walks turns a little at every step.
BODYS = 0.3
# What stands aside of where it is scaled to slides when the foot turns. Of a toy whose hips are as
# wide as its legs are short, feet are let stand no further out than this share of a leg, nor ahead.
MOST_OUT, MOST_AHEAD = 0.14, 0.05
# Hips whose legs hang further out or in than this share of a leg are of another build.
OTHER_BUILD = 0.05
HIGHER = 0.5  # how much less a leg counts by how much its foot is higher than the other


class _Soles:
    """Heel, ball and tip of each foot, in the frames of the joints that carry them.

    joints (F, 3) carry the offsets (F, 3, 3); balls are those of [:, 1].
    """

    def __init__(self, joints: np.ndarray, offsets: Array) -> None:
        self.joints, self.offsets = joints, offsets
        self._fixed = quaternion.turning(offsets)

    def below(self, world_p: Array, world_r: Array, rows: np.ndarray) -> Array:
        """(..., F, 3, 3) where heel, ball and tip are; rows (F, 3) are those of the joints."""
        return world_p[..., rows, :] + quaternion.turned(world_r[..., rows, :], self._fixed)


def _soles(
    role: dict[str, int],
    sides: Sequence[str],
    rest_p: Array,
    rest_r: Array,
    clearance: dict[int, float],
) -> _Soles:
    """Of a skeleton that stands in its T-pose."""
    joints, points = [], []
    for side in sides:
        ankle = role[f"{side}_foot"]
        toes = role.get(f"{side}_toes", ankle)
        heel = np.array([0.0, -clearance[ankle], -0.25 * clearance[ankle]])
        ball = np.array([0.0, -clearance[toes], 0.0])
        tip = np.array([0.0, -clearance[toes], 0.5 * np.linalg.norm(rest_p[toes] - rest_p[ankle])])
        joints.append([ankle, toes, toes])
        back = rotation.conjugate(rest_r[[ankle, toes, toes]])
        points.append(rotation.rotate(back, np.stack([heel, ball, tip])))
    return _Soles(np.array(joints, int).reshape(-1, 3), np.array(points).reshape(-1, 3, 3))


def landed(high: Any, size: float = 1.0, n: Any = np) -> Any:
    """(...) heights of soles (...) on a floor that they do not enter, and do not hover over.

    Mocap's feet push off through the floor and stand some millimetres above it. Between the two a
    foot comes down and lifts without a step. size is the body's beside a person's.
    """
    above = n.maximum(high, 0.0)
    x = n.minimum(above * (1.0 / (HOVERS_M * size)), 1.0)
    return above * x * (2.0 - x)


def hard(stretched: Any, n: Any = np) -> Any:
    """(...) shares of legs that they would have stretched to, if they gave out all of their length.

    The last of it is given out ever more slowly (`limbs.bent`); this is the way back.
    """
    beyond = n.minimum(n.maximum(stretched - (1.0 - SOFT), 0.0), 0.95 * SOFT)
    return n.minimum(stretched, 1.0 - SOFT) - SOFT * n.log1p(beyond / -SOFT)


def _scaled(up: dict[int, float], world_p: Array, role: dict[str, int]) -> dict[int, float]:
    """Clearances with soles as thick as the body is large."""
    leg_m = float(world_p[role["hips"], 1] - world_p[role["left_foot"], 1])
    return {joint: high + SOLE_M * (leg_m / PERSONS_M - 1.0) for joint, high in up.items()}


def _above(skeleton: Skeleton, role: dict[str, int], floor_m: float) -> dict[int, float]:
    """How high the joints of the feet stand over a floor."""
    feet = [j for n, j in role.items() if n.endswith(("_foot", "_toes"))]
    stand = skeleton.rest_globals[0]
    return {j: max(float(stand[j, 1] - floor_m), 1e-3) for j in feet}


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
    """

    def __init__(
        self,
        way: Retarget,
        legs: Sequence[int],
        limbs: Sequence[Limb],
        floor_m: float | None,
        scale: float,
        wider_m: float,
        source_floor_m: float | None = None,
    ) -> None:
        have = way.source_role
        there = [n for n in legs if _whole(limbs[n].name.partition("_")[0], have)]
        sides = [limbs[n].name.partition("_")[0] for n in there]
        assert set(sides) <= set(SIDES)
        self.legs, self._count = block(there), len(there)
        self._limbs = [limbs[n] for n in there]
        source_up = _scaled(clearances(way.source, way.source_p), way.source_p, have)
        target_up = _scaled(clearances(way.target, way.target_p), way.target_p, way.target_role)
        if floor_m is not None:  # its mesh says where the soles are
            target_up = _above(way.target, way.target_role, floor_m)
        if source_floor_m is not None:
            source_up = _above(way.source, have, source_floor_m)
        self._row = way.row
        self._source = _soles(have, sides, way.source_p, way.source_r, source_up)
        self._target = _soles(way.target_role, sides, way.target_p, way.target_r, target_up)
        left = way.target_role["left_foot"]
        self.standing_m = target_up[left] - scale * source_up[have["left_foot"]]
        self._scale, self._per_reach = scale, 1.0 / (REACHES_M * max(scale, 1e-3))
        self.last_m: Array = np.zeros((0, 0))  # how high the actor's soles were
        feet_m = _feet_m(way.target_p, way.target_role, sides) - scale * _feet_m(
            way.source_p, have, sides
        )
        parts = [[f"{side}_{part}" for part in LEG[:3]] for side in sides]
        leg_m = _legs_m(way.target_p, way.target_role, parts)
        feet_m = np.clip(feet_m, -MOST_AHEAD * leg_m, MOST_AHEAD * leg_m)
        # Legs that hang further out come down aslant, and one more than the other where hips roll.
        # Hips stand where the one that is straightest on the wider body is as straight as on the
        # other body: so the way back knows how high they were.
        self._wider = wider_m > 0.0
        self._other_build = bool((abs(wider_m) > OTHER_BUILD * leg_m).any())
        outward = np.clip(wider_m, -MOST_OUT * leg_m, MOST_OUT * leg_m)
        outward = outward * np.array([1.0 if s == "left" else -1.0 for s in sides])
        # A longer foot reaches further ahead of its heel, one under wider hips further out. Where
        # that is each foot says for the most part: hips and shoulders turn over feet that stand.
        ankles = [have[f"{side}_foot"] for side in sides]
        self._forward = rotation.rotate(
            rotation.conjugate(way.source_r[ankles]), np.array([0.0, 0.0, 1.0])
        )
        source_leg_m = _legs_m(way.source_p, have, parts)
        self._size = float(source_leg_m.mean()) / PERSONS_M if there else 1.0
        # Of each foot: its leg's length, the actor's, and how far it stands ahead and further out.
        self._sizes = list(
            zip(leg_m.tolist(), source_leg_m.tolist(), feet_m.tolist(), outward.tolist())
        )
        self._theirs = [(have[names[0]], have[names[2]]) for names in parts]

    def rows(self, points: Points, ours: Callable[[int], Array]) -> None:
        """Asks for what `aim` needs; ours gives where a joint of the character is."""
        soles, lifts, aims = [], [], []
        for foot, limb in enumerate(self._limbs):
            ankle = ours(limb.end)
            for k in range(3):
                one, other = int(self._source.joints[foot, k]), int(self._target.joints[foot, k])
                there = points.theirs(one)
                there = there + points.of_actor(one, self._source.offsets[foot, k])
                own = ours(other) + points.of_character(other, self._target.offsets[foot, k])
                soles.append(there)
                lifts.append(ankle - own)
                if k == 1:
                    aims.append(ankle + self._scale * there - own)
        self._soles, self._lifts, self._aims = map(points.add, (soles, lifts, aims))
        pairs = zip(self._theirs, self._forward, strict=True)
        self._ahead = points.add([points.of_actor(ankle, way) for (_, ankle), way in pairs])
        self._tops = points.add([ours(limb.top) for limb in self._limbs])
        self._legs = points.add(
            [points.theirs(ankle) - points.theirs(top) for top, ankle in self._theirs]
        )

    def heights(self, source_p: Array, source_r: Array) -> Array:
        """(..., F) how high the actor's soles are, each by its lowest point."""
        points = self._source.below(source_p, source_r, self._row[self._source.joints])
        return np.asarray(points[..., 1].min(-1))

    def soles(self, world_p: Array, world_r: Array) -> Array:
        """(..., F, 3, 3) where heel, ball and tip of the character's soles are."""
        return self._target.below(world_p, world_r, self._target.joints)

    def aim(self, sums: Array, pelvis: Pelvis) -> tuple[Array, Array]:
        """The ankles' goals (..., F, 3), and how far the hips must come down (...)."""
        lead, count = sums.shape[:-2], self._count
        if few(lead):
            rows = sums.reshape(-1, *sums.shape[-2:]).tolist()
            bodies = [self._body(one, pelvis.left(Plain, one)) for one in rows]
            self.last_m = np.array([body[2] for body in bodies]).reshape(*lead, count)
            goals = np.array([body[0] for body in bodies]).reshape(*lead, count, 3)
            return goals, np.array([body[1] for body in bodies]).reshape(lead)
        rows = np.ascontiguousarray(np.moveaxis(sums, (-2, -1), (0, 1)))
        shape = (count, *(1 for _ in lead))
        each = [
            rows[one].reshape(count, -1, *rows.shape[1:]).swapaxes(0, 1)
            for one in (self._soles, self._lifts, self._aims, self._ahead, self._tops, self._legs)
        ]
        soles, lifts, *vectors = each
        aim, ahead, top, leg = (one[0].swapaxes(0, 1) for one in vectors)
        sizes = [np.reshape(one, shape) for one in zip(*self._sizes, strict=True)]
        sizes = sizes or [np.zeros(shape)] * 4
        left = pelvis.left(np, rows)
        goal, low, *rest = self._foot(
            np, sizes, soles[:, :, 1], lifts[:, :, 1], aim, ahead, top, leg, left
        )
        self.last_m = np.moveaxis(low, 0, -1)
        drop = self._drop(np, *(list(one) for one in rest)) if count else np.zeros(lead)
        return np.moveaxis(np.stack(goal), (0, 1), (-1, -2)), drop

    def _body(self, rows: list, left: tuple[float, float]) -> tuple[list, float, list]:
        """Ankles' goals, how far the hips come down, and how high the actor's soles are."""
        feet = []
        for n, sizes in enumerate(self._sizes):
            soles = [rows[self._soles.start + 3 * n + k][1] for k in range(3)]
            lifts = [rows[self._lifts.start + 3 * n + k][1] for k in range(3)]
            aim, ahead, top, leg = (
                rows[one.start + n] for one in (self._aims, self._ahead, self._tops, self._legs)
            )
            feet.append(self._foot(Plain, sizes, soles, lifts, aim, ahead, top, leg, left))
        goals, lows, *rest = zip(*feet, strict=True) if feet else ([], [])
        return list(goals), self._drop(Plain, *rest) if feet else 0.0, list(lows)

    def _foot(
        self, n: Any, sizes: Sequence, soles: Any, lifts: Any, aim: Any, ahead: Any, top: Any,
        leg: Any, left: Any,
    ) -> tuple:  # fmt: skip
        """An ankle's goal, and what it says of the hips; n has the functions for these numbers.

        soles and lifts are heights, left is the actor's x and z, the rest are points x y z.
        """
        leg_m, source_leg_m, feet_m, outward = sizes
        low = n.minimum(n.minimum(soles[0], soles[1]), soles[2])
        up = self._scale * landed(low, self._size, n)  # above the floor
        ax, az = ahead[0] - BODYS * left[1], ahead[2] + BODYS * left[0]
        by_long = 1.0 / n.sqrt(n.maximum(ax * ax + az * az, 1e-20))
        ax, az = ax * by_long, az * by_long
        x = aim[0] + ax * feet_m + az * outward
        z = aim[2] + az * feet_m - ax * outward
        y = up + n.maximum(n.maximum(lifts[0], lifts[1]), lifts[2])
        wx, wz, down = x - top[0], z - top[2], top[1] - y
        aside = wx * wx + wz * wz
        stretched = leg[0] * leg[0] + leg[1] * leg[1] + leg[2] * leg[2]
        stretched = n.sqrt(stretched) / source_leg_m
        limit = n.maximum(STRETCH, stretched) * leg_m  # as far as the actor, if further
        lack = down - n.sqrt(n.maximum(limit * limit - aside, 0.0))
        weight = n.minimum(n.maximum(1.0 - self._per_reach * up, 0.0), 1.0)
        if not self._other_build:
            return (x, y, z), low, up, lack, weight
        as_long = (stretched if self._wider else hard(stretched, n)) * leg_m
        # Of the foot where it would be without a floor, which hips know nothing of.
        sunk = up - self._scale * low
        wanted = down + sunk - n.sqrt(n.maximum(as_long * as_long - aside, 0.0))
        return (x, y, z), low, up, lack, weight, wanted, down / leg_m

    def _drop(
        self, n: Any, up: Sequence, lack: Sequence, weight: Sequence, *leaning: Sequence
    ) -> Any:
        """How far the hips come down, of what each foot says."""
        drop = 0.0
        if leaning:  # until legs are as straight as the actor's
            wanted, upright = leaning
            lowest = functools.reduce(n.minimum, up)
            over = [HIGHER * (one - lowest) for one in up]
            if self._wider:
                drop = functools.reduce(n.maximum, map(operator.sub, wanted, over))
            else:
                drop = functools.reduce(n.minimum, map(operator.add, wanted, over))
            share = 2.0 * functools.reduce(n.maximum, upright) - 0.5
            drop = drop * n.minimum(n.maximum(share, 0.0), 1.0)
        more: Any = 0.0
        for far, counts in zip(lack, weight, strict=True):
            more = n.maximum(more, counts * (far - drop))
        return drop + more
