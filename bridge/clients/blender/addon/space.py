"""The stage's axes into Blender's: +Y up and facing +Z becomes +Z up and facing -Y. No bpy."""

from __future__ import annotations

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array

# Takes Blender's axes as seen by a camera at rest there (down -Z) to the stage's (along -Z, level).
_LEVEL = np.array([np.sqrt(0.5), 0.0, 0.0, np.sqrt(0.5)])


def positions(p: Array) -> Array:
    """(..., 3) points, (x, y, z) to (x, -z, y)."""
    return np.stack([p[..., 0], -p[..., 2], p[..., 1]], -1)


def rotations(q: Array) -> Array:
    """(..., 4) turns x y z w of bodies, whose own axes are changed alike."""
    return np.stack([q[..., 0], -q[..., 2], q[..., 1], q[..., 3]], -1)


def views(q: Array) -> Array:
    """(..., 4) rotations of cameras: both sides look along -Z with +Y up in a camera's own axes."""
    return rotation.multiply(rotations(q), _LEVEL)


def wxyz(q: Array) -> Array:
    """(..., 4) quaternions in Blender's order."""
    return np.roll(q, 1, -1)


def xyzw(q: Array) -> Array:
    """(..., 4) quaternions out of Blender's order."""
    return np.roll(q, -1, -1)
