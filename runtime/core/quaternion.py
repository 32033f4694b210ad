"""Products of quaternions and vectors for the tick's hot path; `rotation` has everything else.

A product is a small matrix for each quaternion, made by one product with a table: at this size the
cost is the number of numpy calls, and this takes a few where components take thirty.
"""

from __future__ import annotations

import numpy as np

from . import rotation
from .rotation import Array


def _bilinear(terms: dict[int, str], width: int) -> Array:
    """(width * width, outputs) matrix of a product of two vectors, from signed index pairs."""
    table = np.zeros((width * width, len(terms)))
    for out, pairs in terms.items():
        for pair in pairs.split():
            i, j = int(pair[1]), int(pair[2])
            table[width * i + j, out] = 1.0 if pair[0] == "+" else -1.0
    return table


_CROSS = _bilinear({0: "+12 -21", 1: "+20 -02", 2: "+01 -10"}, 3)
_HAMILTON = _bilinear(
    {
        0: "+30 +03 +12 -21",
        1: "+31 +13 +20 -02",
        2: "+32 +23 +01 -10",
        3: "+33 -00 -11 -22",
    },
    4,
)


# The rotation matrix of x y z w in products of two components: row, column, signed index pairs.
_TURN = np.zeros((48, 3))
for _row, _column, _pairs in (
    (0, 0, "+33 +00 -11 -22"),
    (0, 1, "+01 +10 -23 -32"),
    (0, 2, "+02 +20 +13 +31"),
    (1, 0, "+01 +10 +23 +32"),
    (1, 1, "+33 -00 +11 -22"),
    (1, 2, "+12 +21 -03 -30"),
    (2, 0, "+02 +20 -13 -31"),
    (2, 1, "+12 +21 +03 +30"),
    (2, 2, "+33 -00 -11 +22"),
):
    for _pair in _pairs.split():
        _TURN[3 * (4 * int(_pair[1]) + int(_pair[2])) + _column, _row] = float(_pair[0] + "1")
_CONJUGATE = np.array([-1.0, -1.0, -1.0, 1.0])
# What makes of a quaternion the matrix (4, 4) of a product with it on the left, and on the right.
_LEFT = _HAMILTON.reshape(4, 4, 4).transpose(0, 2, 1).reshape(4, 16).copy()
_RIGHT = _HAMILTON.reshape(4, 4, 4).transpose(1, 0, 2).reshape(4, 16).copy()
_LEFT_INVERSE = _LEFT * _CONJUGATE[:, None]
_MATRIX = _TURN.reshape(16, 3, 3).transpose(0, 2, 1).reshape(16, 9).copy()
_CROSS_AND_DOT = np.hstack([_CROSS, np.eye(3).reshape(9, 1)])


def cross(a: Array, b: Array) -> Array:
    """(..., 3) cross product."""
    outer = a[..., :, None] * b[..., None, :]
    return outer.reshape(*outer.shape[:-2], 9) @ _CROSS


def multiply(a: Array, b: Array) -> Array:
    """(..., 4) quaternion product: first b, then a."""
    return np.asarray((left(a) @ b[..., None])[..., 0])


def left(a: Array) -> Array:
    """(..., 4, 4) matrices of products with a on the left: two of them make that of both."""
    return np.asarray((a @ _LEFT).reshape(*a.shape[:-1], 4, 4))


def right(b: Array) -> Array:
    """(..., 4, 4) of fixed quaternions, with which `before` takes half as many calls."""
    return np.asarray((b @ _RIGHT).reshape(*b.shape[:-1], 4, 4))


def before(a: Array, fixed: Array) -> Array:
    """(..., 4) a times what went through `right`."""
    return np.asarray((a[..., None, :] @ fixed)[..., 0, :])


def relative(a: Array, b: Array) -> Array:
    """(..., 4) what takes unit quaternions a to b, in the frame of a: the inverse of a, times b."""
    left = (a @ _LEFT_INVERSE).reshape(*a.shape[:-1], 4, 4)
    return np.asarray((left @ b[..., None])[..., 0])


def rotate(q: Array, v: Array) -> Array:
    """(..., 3) vectors turned by unit quaternions."""
    square = (q[..., :, None] * q[..., None, :]).reshape(*q.shape[:-1], 16)
    matrix = (square @ _MATRIX).reshape(*q.shape[:-1], 3, 3)
    return np.asarray((matrix @ v[..., None])[..., 0])


def matrices(q: Array) -> Array:
    """(..., 3, 3) rotation matrices of unit quaternions."""
    square = (q[..., :, None] * q[..., None, :]).reshape(*q.shape[:-1], 16)
    return (square @ _MATRIX).reshape(*q.shape[:-1], 3, 3)


def turning(v: Array) -> Array:
    """(..., 16, 3) of fixed vectors, so that `turned` rotates them in half the time."""
    return (_TURN.reshape(16, 3, 3) * np.asarray(v)[..., None, :, None]).sum(-2)


def turned(q: Array, fixed: Array) -> Array:
    """(..., 3) what `rotate` gives, for a vector that went through `turning`."""
    square = (q[..., :, None] * q[..., None, :]).reshape(*q.shape[:-1], 1, 16)
    return (square @ fixed.astype(q.dtype, copy=False))[..., 0, :]


def clamp(x: Array, low: Array | float, high: Array | float) -> Array:
    """(...) within bounds; np.clip without its wrapper, which costs more than the work."""
    return np.minimum(np.maximum(x, low), high)


def conjugate(q: Array) -> Array:
    """(..., 4) inverse of unit quaternions."""
    return q * _CONJUGATE


def unit(v: Array) -> Array:
    """(..., N) unit vectors; zero stays zero."""
    # `add.reduce` is `sum` without its wrapper, a third of the time for a few numbers.
    return v / np.sqrt(np.maximum(np.add.reduce(v * v, -1, keepdims=True), 1e-20))


def near_slerp(a: Array, b: Array, share: float) -> Array:
    """(..., 4) a share of the way between unit quaternions that are near each other.

    Within 3.6 degrees the straight line, made as long as it should be, is off by less than a
    millionth of a radian; what is further apart goes round.
    """
    dot = (a * b).sum(-1, keepdims=True)
    if np.abs(dot).min(initial=1.0) < 0.9995:
        return rotation.slerp(a, b, np.float64(share))
    return unit((1.0 - share) * a + np.where(dot < 0.0, -share, share) * b)


def between(a: Array, b: Array) -> Array:
    """(..., 4) least rotation that takes unit vectors a to unit vectors b, not opposite ones."""
    outer = a[..., :, None] * b[..., None, :]
    out = outer.reshape(*outer.shape[:-2], 9) @ _CROSS_AND_DOT
    out[..., 3] += 1.0
    # Of unit vectors its square is twice its last.
    return np.asarray(out / np.sqrt(np.maximum(2.0 * out[..., 3:], 1e-20)))


def slerp(a: Array, b: Array, share: Array) -> Array:
    """(..., 4) from a towards b by a share (..., 1), the short way; `rotation.slerp`, leaner."""
    dot = np.add.reduce(a * b, -1, keepdims=True)
    angle = np.arccos(np.minimum(np.abs(dot), 1.0 - 1e-12))
    # What both are divided by does not matter: the sum is made a unit.
    whole = np.sin((1.0 - share) * angle) * a + np.copysign(np.sin(share * angle), dot) * b
    return unit(whole)


def about_y(angle_rad: Array) -> Array:
    """(..., 4) turn about +Y."""
    out = np.zeros((*np.shape(angle_rad), 4), np.asarray(angle_rad).dtype)
    out[..., 1], out[..., 3] = np.sin(0.5 * angle_rad), np.cos(0.5 * angle_rad)
    return out
