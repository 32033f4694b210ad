"""How a pelvis travels, and how wide it makes its legs stand.

Rigs put their hips joint anywhere: between the legs, behind them, at the waist. What is carried
over is the middle between the hip joints of the legs.
"""

from __future__ import annotations

import numpy as np

from understudy.runtime.core import quaternion, rotation
from understudy.runtime.core.rotation import Array

from .retarget import Retarget

_SIDES = ("left_upper_leg", "right_upper_leg")
_SHOULDERS = ("left_upper_arm", "right_upper_arm")


class Pelvis:
    """scale is the ratio of the legs, from hip joint to ankle."""

    def __init__(self, way: Retarget) -> None:
        theirs, ours = way.source_role, way.target_role
        self._rows = way.row[[theirs[name] for name in _SIDES]]
        shoulders = [theirs[name] for name in _SHOULDERS if name in theirs]
        self._shoulders = way.row[shoulders] if len(shoulders) == 2 else None
        self._hips = ours["hips"]
        self.scale = _leg_m(way.target_p, ours) / _leg_m(way.source_p, theirs)
        middle = way.target_p[[ours[name] for name in _SIDES]].mean(0)
        back = rotation.conjugate(way.target_r[self._hips])
        self._middle = quaternion.turning(rotation.rotate(back, middle - way.target_p[self._hips]))
        self._wide_m = 0.5 * _apart_m(way.target_p, ours), 0.5 * _apart_m(way.source_p, theirs)

    def travelled(self, source_p: Array, world_r: Array, scale: float) -> Array:
        """Where the character's hips joint (..., 3) comes to be, over a floor without soles."""
        middle = 0.5 * scale * (source_p[..., self._rows[0], :] + source_p[..., self._rows[1], :])
        return np.asarray(middle - quaternion.turned(world_r[..., self._hips, :], self._middle))

    def wider_m(self, scale: float) -> float:
        """By how much further out than the scale says a leg hangs on it."""
        ours, theirs = self._wide_m
        return ours - scale * theirs

    def left(self, source_p: Array) -> Array:
        """(..., 3) the actor's left, on the ground.

        It is the middle of what hips and shoulders say, which turn against each other in a walk:
        what is moved by it hardly slides.
        """
        left = _flat(source_p[..., self._rows[0], :] - source_p[..., self._rows[1], :])
        if self._shoulders is not None:
            one, other = self._shoulders
            left = _flat(left + _flat(source_p[..., one, :] - source_p[..., other, :]))
        return left


def _flat(v: Array) -> Array:
    """(..., 3) unit vectors on the ground."""
    out = v.copy()
    out[..., 1] = 0.0
    return quaternion.unit(out)


def _leg_m(world_p: Array, role: dict[str, int]) -> float:
    return float(world_p[role["left_upper_leg"], 1] - world_p[role["left_foot"], 1])


def _apart_m(world_p: Array, role: dict[str, int]) -> float:
    """How far the hip joints lie apart, across."""
    left, right = (world_p[role[name]] for name in _SIDES)
    return float(left[0] - right[0])
