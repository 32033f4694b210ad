"""Our axes into those of other people, and back: each conversion once, here.

Ours are right-handed, +Y up, +Z forward, +X to the left of whoever faces forward, and a camera
looks along its own -Z.

Unity (VMC, Rokoko) is left-handed, +Y up, +Z forward, +X right: the mirror image in x. A mirror
turns rotations the other way round unless their axis is the mirror's own normal.

Camera tracking (FreeD, OpenTrackIO) is right-handed, +X right, +Y forward, +Z up, and a camera
at rest looks forward, along +Y. Its angles are intrinsic: pan about Z, then tilt about X, then
roll about Y; positive is left, up, and clockwise seen from behind. Our forward becomes theirs, so
a set that is sent as characters and as cameras stays one set.
"""

from __future__ import annotations

import math

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array

# On rows of position x y z and quaternion x y z w.
MIRROR_X = np.array([-1.0, 1.0, 1.0, 1.0, -1.0, -1.0, 1.0])

# Ours to theirs: x right = -x left, y forward = z, z up = y.
_STUDIO = rotation.from_matrix(np.array([[-1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]))
# A camera's own axes: x stays, its y is where ours looks, its z is our y.
_LENS = rotation.from_matrix(np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]))
_UNSTUDIO, _UNLENS = rotation.conjugate(_STUDIO), rotation.conjugate(_LENS)


def unity(positions: Array, rotations: Array) -> tuple[Array, Array]:
    """(..., 3) and (..., 4) from our axes to Unity's; the same function leads back."""
    return positions * MIRROR_X[:3], rotations * MIRROR_X[3:]


def from_z_up(positions: Array, rotations: Array) -> tuple[Array, Array]:
    """(..., 3) and (..., 4) of +Z up, +X forward, right-handed (Xsens, Vicon), in our axes."""
    return positions[..., [1, 2, 0]], rotations[..., [1, 2, 0, 3]]


def to_z_up(positions: Array, rotations: Array) -> tuple[Array, Array]:
    """(..., 3) and (..., 4) of ours in theirs."""
    return positions[..., [2, 0, 1]], rotations[..., [2, 0, 1, 3]]


def to_studio(position: Array, turn: Array) -> tuple[Array, Array]:
    """A camera's position (3,) and rotation (4,) from our axes to the studio's."""
    q = rotation.multiply(_STUDIO, np.asarray(turn, float))
    return rotation.rotate(_STUDIO, np.asarray(position, float)), rotation.multiply(q, _UNLENS)


def from_studio(position: Array, turn: Array) -> tuple[Array, Array]:
    """A camera's position (3,) and rotation (4,) from the studio's axes to ours."""
    q = rotation.multiply(_UNSTUDIO, np.asarray(turn, float))
    return rotation.rotate(_UNSTUDIO, np.asarray(position, float)), rotation.multiply(q, _LENS)


def pan_tilt_roll(turn: Array) -> tuple[float, float, float]:
    """Pan, tilt and roll in radians of a rotation (4,) in studio axes."""
    m = rotation.to_matrix(rotation.normalize(turn))
    tilt = math.asin(max(-1.0, min(1.0, float(m[2, 1]))))
    if abs(m[2, 1]) > 1.0 - 1e-12:  # straight up or down pan and roll are one: all is called pan
        return math.atan2(m[1, 0], m[0, 0]), tilt, 0.0
    return math.atan2(-m[0, 1], m[1, 1]), tilt, math.atan2(-m[2, 0], m[2, 2])


def from_pan_tilt_roll(pan_rad: float, tilt_rad: float, roll_rad: float) -> Array:
    """The rotation (4,) in studio axes."""
    return rotation.from_euler(np.array([pan_rad, tilt_rad, roll_rad]), "ZXY")
