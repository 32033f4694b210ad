"""Bones for a skeleton: where each begins and ends and how it lies, in Blender's axes. No bpy.

A joint is a point with axes; a bone has a length and its own Y axis along it. Bones point at the
next joint, so that they look right and skin well; the pose does not depend on it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

from . import space

# Blender removes bones without length; joints closer than this lie in one place.
SHORTEST_M = 0.01
_FORWARD = np.array([0.0, -1.0, 0.0])
_UP = np.array([0.0, 0.0, 1.0])


class Bones(NamedTuple):
    """heads, tails (J, 3) in metres; normals (J, 3), where each bone's own Z axis should point."""

    heads: Array
    tails: Array
    normals: Array


def lay(skeleton: Skeleton) -> Bones:
    """The bones of a skeleton at rest."""
    world_p, world_r = skeleton.rest_globals
    heads = space.positions(world_p)
    tips = space.positions(skeleton.tips)
    turns = space.rotations(world_r)
    tails = np.array([_tail(skeleton, j, heads, tips, turns) for j in range(len(skeleton))])
    along = tails - heads
    along /= np.linalg.norm(along, axis=-1, keepdims=True)
    upright = np.abs(along @ _FORWARD) < 0.7
    return Bones(heads, tails, np.where(upright[:, None], _FORWARD, _UP))


def _tail(skeleton: Skeleton, joint: int, heads: Array, tips: Array, turns: Array) -> Array:
    head = heads[joint]
    ahead = [c for c in skeleton.children(joint) if _apart(heads[c], head)]
    if ahead:
        return heads[_onward(heads, joint, ahead)]
    if np.all(np.isfinite(tips[joint])):
        tip = head + rotation.rotate(turns[joint], tips[joint])
        if _apart(tip, head):
            return tip
    parent = int(skeleton.parents[joint])
    if parent >= 0 and _apart(head, heads[parent]):  # on, as the bone before it
        way = head - heads[parent]
        return head + way / np.linalg.norm(way) * max(0.5 * np.linalg.norm(way), SHORTEST_M)
    return head + 0.1 * _UP


def _onward(heads: Array, joint: int, children: list[int]) -> int:
    """The child that continues the body: the middle one, where others go off to both sides."""
    sideways = heads[children, 0] - heads[joint, 0]
    if sideways.min() < -SHORTEST_M and sideways.max() > SHORTEST_M:
        middle = [c for c, s in zip(children, sideways) if abs(s) <= SHORTEST_M]
        if middle:
            return max(middle, key=lambda c: heads[c, 2])
    centre = heads[children].mean(0)
    return min(children, key=lambda c: float(np.linalg.norm(heads[c] - centre)))


def _apart(a: Array, b: Array) -> bool:
    return bool(np.linalg.norm(a - b) >= SHORTEST_M)
