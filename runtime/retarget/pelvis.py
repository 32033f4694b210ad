"""How a pelvis travels, and how wide it makes its legs stand.

Rigs put their hips joint anywhere: between the legs, behind them, at the waist. What is carried
over is the middle between the hip joints of the legs.
"""

from __future__ import annotations

import numpy as np

from understudy.runtime.core import quaternion, rotation
from understudy.runtime.core.rotation import Array

from .points import Points
from .retarget import Retarget

_SIDES = ("left_upper_leg", "right_upper_leg")
_SHOULDERS = ("left_upper_arm", "right_upper_arm")
_ON_THE_GROUND = np.array([1.0, 0.0, 1.0])


class Pelvis:
    """scale is the ratio of the legs, from hip joint to ankle."""

    def __init__(self, way: Retarget, points: Points) -> None:
        theirs, ours = way.source_role, way.target_role
        pairs = [pair for pair in (_SIDES, _SHOULDERS) if set(pair) <= theirs.keys()]
        across = [[points.theirs(theirs[name]) for name in pair] for pair in pairs]
        self._across = points.add([left - right for left, right in across])
        hips = ours["hips"]
        self.scale = _leg_m(way.target_p, ours) / _leg_m(way.source_p, theirs)
        middle = way.target_p[[ours[name] for name in _SIDES]].mean(0) - way.target_p[hips]
        offset = rotation.rotate(rotation.conjugate(way.target_r[hips]), middle)
        self._theirs = 0.5 * (across[0][0] + across[0][1])
        self._ours = points.of_character(hips, offset)
        self._wide_m = 0.5 * _apart_m(way.target_p, ours), 0.5 * _apart_m(way.source_p, theirs)

    def hips(self, scale: float) -> Array:
        """The character's hips joint over a floor without soles, as a row of `Points`."""
        return np.asarray(scale * self._theirs - self._ours)

    def wider_m(self, scale: float) -> float:
        """By how much further out than the scale says a leg hangs on it."""
        ours, theirs = self._wide_m
        return ours - scale * theirs

    def left(self, sums: Array) -> Array:
        """(..., 3) the actor's left, on the ground.

        It is the middle of what hips and shoulders say, which turn against each other in a walk:
        what is moved by it hardly slides.
        """
        left = quaternion.unit(sums[..., self._across, :] * _ON_THE_GROUND)
        return quaternion.unit(np.add.reduce(left, -2))


def _leg_m(world_p: Array, role: dict[str, int]) -> float:
    return float(world_p[role["left_upper_leg"], 1] - world_p[role["left_foot"], 1])


def _apart_m(world_p: Array, role: dict[str, int]) -> float:
    """How far the hip joints lie apart, across."""
    left, right = (world_p[role[name]] for name in _SIDES)
    return float(left[0] - right[0])
