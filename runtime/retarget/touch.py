"""Hands that touch: what a hand was near to, it is near to on the character as well.

A palm that comes close to the head, the hips, the chest or the other palm gets a goal there: as
far away, in the frame of what it touches and in its size, as the actor's. The goal counts more the
nearer the palm is, so hands come and go without a step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from understudy.runtime.core import quaternion, rotation
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

from .limbs import Limb, block
from .points import Points
from .retarget import Retarget

# Of a person 1.7 m tall with legs of so much; other bodies in proportion.
LEG_M = 0.82
HAND_M = 0.18
PALM = 0.5  # of a hand's length
# What hands touch, as ellipsoids in the T-pose: between which joints they lie, how far from there
# their middle is, and their half widths, of a person.
_THINGS: dict[
    str, tuple[tuple[str, ...], tuple[float, float, float], tuple[float, float, float]]
] = {
    "head": (("head",), (0.0, 0.09, 0.03), (0.08, 0.13, 0.10)),
    "hips": (("left_upper_leg", "right_upper_leg"), (0.0, 0.03, 0.0), (0.17, 0.14, 0.12)),
    "upper_chest": (("left_upper_arm", "right_upper_arm"), (0.0, -0.12, 0.03), (0.16, 0.16, 0.12)),
}
PALM_M = 0.015  # how thick half a palm is
# From a palm's middle to the surface: so near it touches, and so far it is free.
TOUCHES_M, FREE_M = 0.04, 0.08
# Two palms, between their middles.
CLASPED_M, APART_M = 0.10, 0.30
# From a palm's middle to where a prop says that it is; and from a character's palm to the actor's.
HELD_M, LET_GO_M = 0.15, 0.30
AT_HAND_M, OUT_OF_REACH_M = 0.35, 0.60


class Hands:
    """The goals of a character's wrists."""

    def __init__(
        self,
        way: Retarget,
        arms: Sequence[int],
        limbs: Sequence[Limb],
        girths: Mapping[str, tuple[Array, Array]],
    ) -> None:
        theirs, ours = way.source_role, way.target_role
        sides = [limbs[n].name.partition("_")[0] for n in arms]
        there = [n for n, side in enumerate(sides) if f"{side}_hand" in theirs]
        own = [arms[n] for n in there]
        self.arms, self.count = block(own), len(own)
        sides = [sides[n] for n in there]
        self.source_size = _size(way.source_p, theirs)
        self._target_size = _size(way.target_p, ours)
        self._wrist = [theirs[f"{side}_hand"] for side in sides]
        self._wrist_row = way.row[self._wrist]
        self._end = [limbs[n].end for n in own]
        along = np.array([[1.0 if side == "left" else -1.0, 0.0, 0.0] for side in sides])
        along = along.reshape(-1, 3)
        palm = PALM * _hand_m(way.source, self._wrist, HAND_M * self.source_size)
        palm_there = PALM * _hand_m(way.target, self._end, HAND_M * self._target_size)
        self._palm = _carried(way.source_r[self._wrist], along * palm[:, None])
        self._turning = quaternion.turning(self._palm)
        self._palm_there = _carried(way.target_r[self._end], along * palm_there[:, None])
        self.ratio = float((palm_there / palm).mean()) if len(there) else 1.0
        names = [name for name in _THINGS if name in theirs and name in ours]
        self._own = [theirs[name] for name in names]
        self._things = way.row[self._own]
        self._things_there = np.array([ours[name] for name in names], int)
        middles, self._radii = _ellipsoids(names, way.source_p, theirs, self.source_size)
        self._middle = _carried(way.source_r[self._own], middles)
        self._nearest_m = self._radii.max(-1, initial=0.0) + FREE_M * self.source_size
        middles, self._radii_there = _ellipsoids(names, way.target_p, ours, self._target_size)
        self._middle_there = _carried(way.target_r[self._things_there], middles)
        for row, name in enumerate(names):
            if name in girths:  # as its mesh is
                self._middle_there[row], self._radii_there[row] = girths[name]
        self._axes = way.target_r[self._things_there], way.source_r[self._own]

    def rows(self, points: Points, ours: Callable[[int], Array]) -> slice:
        """Asks for what `aim` needs; ours gives where a joint of the character is.

        What it gives is where the points are that come down with the character's hips.
        """
        pairs = zip(self._things_there.tolist(), self._middle_there, strict=True)
        self._middles = points.add([ours(j) + points.of_character(j, at) for j, at in pairs])
        pairs = zip(self._wrist, self._palm, strict=True)
        palms = [points.theirs(j) + points.of_actor(j, at) for j, at in pairs]
        pairs = zip(self._own, self._middle, strict=True)
        middles = [points.theirs(j) + points.of_actor(j, at) for j, at in pairs]
        self._palms = points.add(palms)
        pairs = zip(self._end, self._palm_there, strict=True)
        self._reach = points.add([points.of_character(j, at) for j, at in pairs])
        self._ways = points.add([palm - middle for palm in palms for middle in middles])
        self._apart = points.add([palms[0] - palms[1]] if len(palms) == 2 else []).start
        return self._middles

    def palms(self, source_p: Array, source_r: Array) -> Array:
        """(..., A, 3) the middles of the actor's palms."""
        turned = quaternion.turned(source_r[..., self._wrist_row, :], self._turning)
        return np.asarray(source_p[..., self._wrist_row, :] + turned)

    def aim(self, sums: Array, source_r: Array, world_r: Array, goal: Array) -> tuple[Array, Array]:
        """Moves the wrists' goals in goal (..., L, 3); gives both's palms, (..., A, 3) each."""
        theirs, reach = sums[..., self._palms, :], sums[..., self._reach, :]
        free: Array = goal[..., self.arms, :] + reach
        ours = free
        if len(self._things):
            ours = self._touching(sums, source_r, world_r, ours)
        if self.count == 2:
            ours = self._clasping(sums[..., self._apart, :], ours)
        if ours is not free:
            goal[..., self.arms, :] = ours - reach
        return theirs, ours

    def _touching(self, sums: Array, source_r: Array, world_r: Array, ours: Array) -> Array:
        """Palms (..., A, 3) of the character beside its own body."""
        way = sums[..., self._ways, :]
        way = way.reshape(*way.shape[:-2], self.count, len(self._things), 3)
        far = np.sqrt(np.add.reduce(way * way, -1, keepdims=True))
        if (far[..., 0] > self._nearest_m).all():  # nothing is near: most ticks of most bodies
            return ours
        stood, stand = self._axes
        there_r = source_r.take(self._things, axis=-2)
        own_r = world_r.take(self._things_there, axis=-2)
        own = sums[..., self._middles, :]
        # In the frame of the thing as it stands in the T-pose, which both bodies have in common.
        there_d = quaternion.multiply(there_r, quaternion.conjugate(stand))
        own_d = quaternion.multiply(own_r, quaternion.conjugate(stood))
        way = quaternion.rotate(quaternion.conjugate(there_d)[..., None, :, :], way)
        way = way / np.maximum(far, 1e-6)
        gap: Array = far - _reach(way, self._radii)
        size = self.source_size
        weight = _fade(gap[..., 0], TOUCHES_M * size, FREE_M * size)
        # As far from the surface as the actor's, in the size of the hands, and never in it.
        gap = np.maximum(gap, PALM_M * size) * self.ratio
        way = way * (_reach(way, self._radii_there) + gap)
        at = own[..., None, :, :] + quaternion.rotate(own_d[..., None, :, :], way)
        total = np.add.reduce(weight, -1)
        mean = np.add.reduce(weight[..., None] * at, -2) / np.maximum(total, 1e-9)[..., None]
        share = 1.0 - np.multiply.reduce(1.0 - weight, -1)
        return np.asarray(ours + share[..., None] * (mean - ours))

    def _clasping(self, way: Array, ours: Array) -> Array:
        """Palms (..., 2, 3) of the character as near to each other as the actor's, way apart."""
        far = np.sqrt(np.add.reduce(way * way, -1))
        size = self.source_size
        if (far > APART_M * size).all():
            return ours
        share = _fade(far, CLASPED_M * size, APART_M * size)[..., None]
        middle = 0.5 * (ours[..., 0, :] + ours[..., 1, :])
        half = 0.5 * self.ratio * way
        met = np.stack([middle + half, middle - half], axis=-2)
        return np.asarray(ours + share[..., None] * (met - ours))


def held(there: Array, here: Array, props: Array) -> Array:
    """(P, 3) by how much palms of characters move so that props that were held still are.

    there and here (P, 3) are the palms of the actors and of the characters, props (R, 3) where they
    are, on one stage. A prop has no proportions: a palm is where the actor's was beside it.
    """
    far = there[:, None] - props[None]
    far = np.sqrt(np.add.reduce(far * far, -1))
    share = np.maximum.reduce(_fade(far, HELD_M, LET_GO_M), -1)
    way = there - here
    share = share * _fade(np.sqrt(np.add.reduce(way * way, -1)), AT_HAND_M, OUT_OF_REACH_M)
    return np.asarray(share[:, None] * way)


def shaken(there: Array, here: Array, who: np.ndarray, size: Array) -> Array:
    """(P, 3) by how much palms of several characters move so that hands that met still meet.

    there and here (P, 3) are the palms of the actors and of the characters, on one stage; who (P,)
    tells whose they are and size (P,) how large his hands are beside his actor's.
    """
    way = there[:, None] - there[None]
    far = np.sqrt(np.add.reduce(way * way, -1))
    share = _fade(far, CLASPED_M, APART_M) * (who[:, None] != who[None])
    if not share.any():
        return np.zeros_like(here)
    middle = 0.5 * (here[:, None] + here[None])
    wanted = middle + 0.25 * (size[:, None] + size[None])[..., None] * way
    total = np.add.reduce(share, 1)
    mean = np.add.reduce(share[..., None] * wanted, 1) / np.maximum(total, 1e-9)[:, None]
    return np.asarray(np.minimum(total, 1.0)[:, None] * (mean - here))


def _fade(far: Array, near: Array | float, free: Array | float) -> Array:
    """(...) 1 within near, 0 beyond free, and smooth between."""
    x = quaternion.clamp((free - far) / (free - near), 0.0, 1.0)
    return np.asarray(x * x * (3.0 - 2.0 * x))


def _ellipsoids(
    names: Sequence[str], world_p: Array, role: dict[str, int], size: float
) -> tuple[Array, Array]:
    """Middles (M, 3) from their joints and half widths (M, 3), in the T-pose."""
    middles, radii = np.zeros((len(names), 3)), np.zeros((len(names), 3))
    for row, name in enumerate(names):
        between, offset, wide = _THINGS[name]
        joints = [role[one] for one in between if one in role] or [role[name]]
        middles[row] = world_p[joints].mean(0) + np.multiply(size, offset) - world_p[role[name]]
        radii[row] = np.multiply(size, wide)
    return middles, radii


def _reach(way: Array, radii: Array) -> Array:
    """(..., M, 1) from the middles of ellipsoids (M, 3) to their surfaces, along unit ways."""
    stretched = way / radii
    return np.asarray(1.0 / np.sqrt(np.add.reduce(stretched * stretched, -1, keepdims=True)))


def _carried(world_r: Array, offset: Array) -> Array:
    """Offsets (n, 3) of the T-pose's world in the joints' frames."""
    return rotation.rotate(rotation.conjugate(world_r), offset)


def _hand_m(skeleton: Skeleton, wrists: Sequence[int], usual: float) -> Array:
    """(A,) lengths of hands, from the wrist to the furthest that hangs on it."""
    world_p, world_r = skeleton.rest_globals
    found = []
    for wrist in wrists:
        below, stack = [], [int(wrist)]
        while stack:
            at = stack.pop()
            below += [world_p[at], world_p[at] + rotation.rotate(world_r[at], skeleton.tips[at])]
            stack += skeleton.children(at)
        far = np.nanmax(np.linalg.norm(np.array(below) - world_p[wrist], axis=-1))
        found.append(far if 0.5 * usual < far < 2.0 * usual else usual)
    return np.array(found)


def _size(world_p: Array, role: dict[str, int]) -> float:
    """A body's size beside a person's, by its arms where it has them, else by its legs."""
    parts = [("upper_arm", "lower_arm"), ("lower_arm", "hand")]
    if {"left_upper_arm", "left_lower_arm", "left_hand"} <= role.keys():
        arm = sum(
            float(np.linalg.norm(world_p[role[f"left_{b}"]] - world_p[role[f"left_{a}"]]))
            for a, b in parts
        )
        return arm / 0.53
    return float(world_p[role["hips"], 1] - world_p[role["left_foot"], 1]) / LEG_M
