"""Quaternions and their kin, vectorised over any leading axes.

Quaternions are (..., 4) arrays in x y z w order, right-handed, and act on column vectors:
``rotate(multiply(a, b), v) == rotate(a, rotate(b, v))``. Angles are radians. Every function keeps
the dtype of its input and treats ``q`` and ``-q`` as the same rotation unless it says otherwise.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating]

AXES = {"X": 0, "Y": 1, "Z": 2}


def identity(shape: int | tuple[int, ...] = (), dtype: type = np.float64) -> Array:
    """(*shape, 4) identity quaternions."""
    lead = (shape,) if isinstance(shape, int) else shape
    q: Array = np.zeros((*lead, 4), dtype)
    q[..., 3] = 1.0
    return q


def normalize(v: Array) -> Array:
    """(..., N) unit vectors; a zero vector stays zero instead of turning into NaN."""
    length = np.sqrt(np.sum(v * v, axis=-1, keepdims=True))
    return v / np.maximum(length, np.finfo(v.dtype).tiny)


def multiply(a: Array, b: Array) -> Array:
    """(..., 4) Hamilton product: first b, then a."""
    ax, ay, az, aw = a[..., 0], a[..., 1], a[..., 2], a[..., 3]
    bx, by, bz, bw = b[..., 0], b[..., 1], b[..., 2], b[..., 3]
    shape = a.shape if a.shape == b.shape else np.broadcast_shapes(a.shape, b.shape)
    out = np.empty(shape, np.result_type(a, b))
    out[..., 0] = aw * bx + ax * bw + ay * bz - az * by
    out[..., 1] = aw * by - ax * bz + ay * bw + az * bx
    out[..., 2] = aw * bz + ax * by - ay * bx + az * bw
    out[..., 3] = aw * bw - ax * bx - ay * by - az * bz
    return out


def conjugate(q: Array) -> Array:
    """(..., 4) inverse of unit quaternions."""
    out = -q
    out[..., 3] = q[..., 3]
    return out


def rotate(q: Array, v: Array) -> Array:
    """(..., 3) vectors v turned by unit quaternions q (..., 4)."""
    # Written out: np.cross costs more than the rest of a tick's forward kinematics together.
    x, y, z, w = q[..., 0], q[..., 1], q[..., 2], q[..., 3]
    vx, vy, vz = v[..., 0], v[..., 1], v[..., 2]
    tx, ty, tz = 2 * (y * vz - z * vy), 2 * (z * vx - x * vz), 2 * (x * vy - y * vx)
    out = np.empty((*np.broadcast_shapes(q.shape[:-1], v.shape[:-1]), 3), np.result_type(q, v))
    out[..., 0] = vx + w * tx + y * tz - z * ty
    out[..., 1] = vy + w * ty + z * tx - x * tz
    out[..., 2] = vz + w * tz + x * ty - y * tx
    return out


def from_axis_angle(axis: ArrayLike, angle_rad: ArrayLike) -> Array:
    """(..., 4) from unit axes (..., 3) and angles (...)."""
    axis_, half = np.asarray(axis, float), 0.5 * np.asarray(angle_rad, float)
    xyz = axis_ * np.sin(half)[..., None]
    return np.concatenate([xyz, np.broadcast_to(np.cos(half)[..., None], (*xyz.shape[:-1], 1))], -1)


def from_rotation_vector(v: Array) -> Array:
    """(..., 4) exponential map of (..., 3) axis times angle."""
    angle = np.sqrt(np.sum(v * v, axis=-1, keepdims=True))
    # sin(x/2)/x is 0.5 at zero; sinc keeps it exact there.
    scale = 0.5 * np.sinc(angle / (2.0 * np.pi))
    return np.concatenate([v * scale, np.cos(0.5 * angle)], axis=-1).astype(v.dtype)


def to_rotation_vector(q: Array) -> Array:
    """(..., 3) logarithm of unit quaternions: axis times angle, angle in [0, pi]."""
    q = positive(q)
    length = np.sqrt(np.sum(q[..., :3] ** 2, axis=-1, keepdims=True))
    angle = 2.0 * np.arctan2(length, q[..., 3:])
    scale = np.where(length > 1e-7, angle / np.maximum(length, 1e-7), 2.0)
    return (q[..., :3] * scale).astype(q.dtype)


def positive(q: Array) -> Array:
    """(..., 4) the same rotations with w >= 0, the short way round."""
    return np.where(q[..., 3:] < 0.0, -q, q)


def continuous(q: Array) -> Array:
    """(T, ..., 4) signs chosen so that no quaternion lies opposite to the one before it in time."""
    flip = np.sum(q[1:] * q[:-1], axis=-1, keepdims=True) < 0.0
    sign = np.cumprod(np.where(flip, -1.0, 1.0), axis=0)
    return np.concatenate([q[:1], q[1:] * sign]).astype(q.dtype)


def angle_between(a: Array, b: Array) -> Array:
    """(...) angle in radians, [0, pi], of the rotation that takes a to b."""
    delta = multiply(b, conjugate(a))
    sin_half = np.sqrt(np.sum(delta[..., :3] ** 2, axis=-1))
    return 2.0 * np.arctan2(sin_half, np.abs(delta[..., 3]))


def slerp(a: Array, b: Array, t: ArrayLike) -> Array:
    """(..., 4) spherical interpolation from a (t = 0) to b (t = 1), the short way round."""
    t_ = np.asarray(t, np.result_type(a, b))[..., None]
    dot = np.sum(a * b, axis=-1, keepdims=True)
    b = np.where(dot < 0.0, -b, b)
    theta = np.arccos(np.clip(np.abs(dot), 0.0, 1.0))
    near = theta < 1e-4  # a lerp is exact to float precision there, the quotient is not
    sine = np.where(near, 1.0, np.sin(theta))
    wa = np.where(near, 1.0 - t_, np.sin((1.0 - t_) * theta) / sine)
    wb = np.where(near, t_, np.sin(t_ * theta) / sine)
    return normalize(wa * a + wb * b)


def between(a: Array, b: Array) -> Array:
    """(..., 4) least rotation that takes directions a (..., 3) to b; half a turn if opposite."""
    a, b = normalize(np.asarray(a, float)), normalize(np.asarray(b, float))
    w = 1.0 + np.sum(a * b, axis=-1, keepdims=True)
    xyz = np.cross(a, b)
    other = np.where(np.abs(a[..., :1]) < 0.9, [1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    opposite = np.cross(a, other)
    q = np.where(w > 1e-8, np.concatenate([xyz, w], -1), np.concatenate([opposite, 0.0 * w], -1))
    return normalize(q)


def from_euler(angles_rad: Array, order: str) -> Array:
    """(..., 4) from intrinsic angles (..., N) about the axes of `order`, first letter outermost.

    ``order="ZYX"`` is the BVH reading of ``CHANNELS 3 Zrotation Yrotation Xrotation``: R = Z Y X.
    Any number of axes is taken, repeated ones too.
    """
    # Components apart: whole rows of memory, and the product with a turn about one axis has half of
    # the full product's terms.
    half = np.multiply(np.moveaxis(angles_rad, -1, 0), angles_rad.dtype.type(0.5), order="C")
    sine, cosine = np.sin(half), np.cos(half)
    q = np.zeros((4, *angles_rad.shape[:-1]), angles_rad.dtype)
    q[3] = 1.0
    for n, (s, c, letter) in enumerate(zip(sine, cosine, order, strict=True)):
        i = AXES[letter]
        if n == 0:
            q[i], q[3] = s, c
            continue
        j, k = (i + 1) % 3, (i + 2) % 3
        turned = np.empty_like(q)
        turned[i], turned[3] = q[i] * c + q[3] * s, q[3] * c - q[i] * s
        turned[j], turned[k] = q[j] * c + q[k] * s, q[k] * c - q[j] * s
        q = turned
    return np.ascontiguousarray(np.moveaxis(q, 0, -1))


def to_euler(q: Array, order: str) -> Array:
    """(..., 3) intrinsic angles about three different axes, first letter outermost.

    The middle angle lies in [-pi/2, pi/2]; at its ends (gimbal lock) the third angle is zero.
    Bernardes and Viollet, "Quaternion to Euler angles conversion" (2022): sum and difference of the
    outer angles come from half angles, so that a quaternion that float32 has rounded, or that is
    not quite of length 1, keeps its rotation close to the lock too.
    """
    i, j, k = (AXES[letter] for letter in order)
    if len({i, j, k}) != 3:
        raise ValueError(f"order {order!r} repeats an axis; to_euler needs three different ones")
    sign = 1.0 if (j - i) % 3 == 1 else -1.0
    x, y, z, w = q[..., i], q[..., j], sign * q[..., k], q[..., 3]
    upper, lower = np.hypot(w + y, x + z), np.hypot(w - y, x - z)
    added, taken = np.arctan2(x + z, w + y), np.arctan2(x - z, w - y)
    tiny = 8.0 * np.finfo(q.dtype).eps * np.maximum(upper, lower)
    added = np.where(upper < tiny, taken, added)
    taken = np.where(lower < tiny, added, taken)
    first, third = added + taken, sign * (added - taken)
    middle = 2.0 * np.arctan2(upper, lower) - 0.5 * np.pi
    angles = np.stack([first, middle, third], axis=-1)
    return (angles - 2.0 * np.pi * np.round(angles / (2.0 * np.pi))).astype(q.dtype)


def to_matrix(q: Array) -> Array:
    """(..., 3, 3) rotation matrices of unit quaternions."""
    x, y, z, w = q[..., 0], q[..., 1], q[..., 2], q[..., 3]
    m = np.empty((*q.shape[:-1], 3, 3), q.dtype)
    m[..., 0, 0] = 1 - 2 * (y * y + z * z)
    m[..., 0, 1] = 2 * (x * y - z * w)
    m[..., 0, 2] = 2 * (x * z + y * w)
    m[..., 1, 0] = 2 * (x * y + z * w)
    m[..., 1, 1] = 1 - 2 * (x * x + z * z)
    m[..., 1, 2] = 2 * (y * z - x * w)
    m[..., 2, 0] = 2 * (x * z - y * w)
    m[..., 2, 1] = 2 * (y * z + x * w)
    m[..., 2, 2] = 1 - 2 * (x * x + y * y)
    return m


def from_matrix(m: Array) -> Array:
    """(..., 4) unit quaternions of rotation matrices (..., 3, 3).

    Bar-Itzhack's largest-component choice: no branch is taken near its own singularity.
    """
    d0, d1, d2 = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    squares = np.stack([1 + d0 - d1 - d2, 1 - d0 + d1 - d2, 1 - d0 - d1 + d2, 1 + d0 + d1 + d2], -1)
    s = {
        "xy": m[..., 0, 1] + m[..., 1, 0],
        "xz": m[..., 0, 2] + m[..., 2, 0],
        "yz": m[..., 1, 2] + m[..., 2, 1],
        "xw": m[..., 2, 1] - m[..., 1, 2],
        "yw": m[..., 0, 2] - m[..., 2, 0],
        "zw": m[..., 1, 0] - m[..., 0, 1],
    }
    rows = np.stack(
        [
            np.stack([squares[..., 0], s["xy"], s["xz"], s["xw"]], -1),
            np.stack([s["xy"], squares[..., 1], s["yz"], s["yw"]], -1),
            np.stack([s["xz"], s["yz"], squares[..., 2], s["zw"]], -1),
            np.stack([s["xw"], s["yw"], s["zw"], squares[..., 3]], -1),
        ],
        axis=-2,
    )
    best = np.argmax(squares, axis=-1)[..., None, None]
    picked = np.take_along_axis(rows, np.broadcast_to(best, (*best.shape[:-1], 4)), axis=-2)
    return normalize(picked[..., 0, :])


def to_6d(q: Array) -> Array:
    """(..., 6) first two columns of the matrix, x column first (Zhou et al. 2019)."""
    m = to_matrix(q)
    return np.concatenate([m[..., :, 0], m[..., :, 1]], axis=-1)


def from_6d(v: Array) -> Array:
    """(..., 4) from two columns (..., 6) that need be neither unit nor orthogonal."""
    x = normalize(v[..., :3])
    y = v[..., 3:] - np.sum(x * v[..., 3:], axis=-1, keepdims=True) * x
    y = normalize(y)
    return from_matrix(np.stack([x, y, np.cross(x, y)], axis=-1))


def yaw(q: Array) -> Array:
    """(...) heading in radians: the angle about +Y by which q turns +Z, zero along +Z, left +."""
    x, y, z, w = q[..., 0], q[..., 1], q[..., 2], q[..., 3]
    return np.arctan2(2 * (x * z + y * w), 1 - 2 * (x * x + y * y))


def from_yaw(angle_rad: ArrayLike) -> Array:
    """(..., 4) turn about +Y."""
    half = 0.5 * np.asarray(angle_rad, float)
    zero = np.zeros_like(half)
    return np.stack([zero, np.sin(half), zero, np.cos(half)], axis=-1)


def swing_twist(q: Array, axis: ArrayLike) -> tuple[Array, Array]:
    """Swing and twist, each (..., 4), with q = swing * twist and twist about the unit axis (3,)."""
    axis_ = np.asarray(axis, q.dtype)
    along = np.sum(q[..., :3] * axis_, axis=-1, keepdims=True) * axis_
    twist = np.concatenate([along, q[..., 3:]], axis=-1)
    length = np.sqrt(np.sum(twist * twist, axis=-1, keepdims=True))
    # Half a turn about an axis at right angles has no twist of its own.
    twist = np.where(length > 1e-7, twist / np.maximum(length, 1e-7), identity((), q.dtype.type))
    return multiply(q, conjugate(twist)), twist
