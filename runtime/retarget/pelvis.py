"""How a pelvis travels, and how wide it makes its legs stand.

Rigs put their hips joint anywhere: between the legs, behind them, at the waist. What is carried
over is the middle between the hip joints of the legs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array

from .points import Points
from .retarget import Retarget

_SIDES = ("left_upper_leg", "right_upper_leg")
_SHOULDERS = ("left_upper_arm", "right_upper_arm")


class Pelvis:
    """scale is the ratio of the legs, from hip joint to ankle."""

    def __init__(self, way: Retarget, points: Points) -> None:
        theirs, ours = way.source_role, way.target_role
        pairs = [pair for pair in (_SIDES, _SHOULDERS) if set(pair) <= theirs.keys()]
        across = [[points.theirs(theirs[name]) for name in pair] for pair in pairs]
        there = points.add([left - right for left, right in across])
        self._across = range(there.start, there.stop)
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

    def left(self, n: Any, rows: Any) -> tuple[Any, Any]:
        """X and z of the actor's left on the ground, one long, of `Points.sums` by rows and axes.

        It is the middle of what hips and shoulders say, which turn against each other in a walk:
        what is moved by it hardly slides. n is `Plain` or numpy.
        """
        x, z = 0.0, 0.0
        for row in self._across:
            across, _, along = rows[row]
            by_long = 1.0 / n.sqrt(n.maximum(across * across + along * along, 1e-20))
            x, z = x + across * by_long, z + along * by_long
        by_long = 1.0 / n.sqrt(n.maximum(x * x + z * z, 1e-20))
        return x * by_long, z * by_long


def _leg_m(world_p: Array, role: dict[str, int]) -> float:
    return float(world_p[role["left_upper_leg"], 1] - world_p[role["left_foot"], 1])


def _apart_m(world_p: Array, role: dict[str, int]) -> float:
    """How far the hip joints lie apart, across."""
    left, right = (world_p[role[name]] for name in _SIDES)
    return float(left[0] - right[0])
