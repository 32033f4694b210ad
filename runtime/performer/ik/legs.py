"""Legs: forward kinematics of both legs and two-bone inverse kinematics, for many bodies at once.

Products are an outer product and one small matrix: at this size the cost is the number of numpy
calls, and this takes three where components take thirty (20 us became 3 for two quaternions).
"""

from __future__ import annotations

import numpy as np

from understudy.runtime.core.humanoid import PERFORMER, roles
from understudy.runtime.core.rotation import Array

_ROLE = roles(PERFORMER)
HIPS = _ROLE["hips"]
# (2 sides, 4): upper leg, lower leg, foot, toes. Left first.
LEGS = np.array(
    [
        [_ROLE[f"{side}_{part}"] for part in ("upper_leg", "lower_leg", "foot", "toes")]
        for side in ("left", "right")
    ]
)
OFFSETS = PERFORMER.rest_positions[LEGS]  # (2, 4, 3)
THIGH_M = float(np.linalg.norm(OFFSETS[0, 1]))
SHIN_M = float(np.linalg.norm(OFFSETS[0, 2]))
# Heights of the joints above the sole when the foot stands flat.
ANKLE_M = 0.07
TOE_M = 0.015
# Knees never straighten past this share of the leg, which would snap them (and flip the pole).
REACH = 0.9995
KNEE_RAD = 0.15  # knees look where their feet do, but for so much ...
SWING_RAD = 0.35  # ... and are turned no further for it


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


def cross(a: Array, b: Array) -> Array:
    """(..., 3) cross product."""
    outer = a[..., :, None] * b[..., None, :]
    return outer.reshape(*outer.shape[:-2], 9) @ _CROSS


def multiply(a: Array, b: Array) -> Array:
    """(..., 4) quaternion product: first b, then a."""
    outer = a[..., :, None] * b[..., None, :]
    return outer.reshape(*outer.shape[:-2], 16) @ _HAMILTON


def rotate(q: Array, v: Array) -> Array:
    """(..., 3) vectors turned by unit quaternions."""
    square = (q[..., :, None] * q[..., None, :]).reshape(*q.shape[:-1], 16)
    outer = square[..., :, None] * v[..., None, :]
    return outer.reshape(*outer.shape[:-2], 48) @ _TURN


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
    return v / np.sqrt(np.maximum((v * v).sum(-1, keepdims=True), 1e-20))


def between(a: Array, b: Array) -> Array:
    """(..., 4) least rotation that takes unit vectors a to unit vectors b, not opposite ones."""
    out = np.empty((*np.broadcast_shapes(a.shape, b.shape)[:-1], 4), np.result_type(a, b))
    out[..., :3] = cross(a, b)
    out[..., 3] = 1.0 + (a * b).sum(-1)
    return unit(out)


def about_y(angle_rad: Array) -> Array:
    """(..., 4) turn about +Y."""
    out = np.zeros((*np.shape(angle_rad), 4), np.asarray(angle_rad).dtype)
    out[..., 1], out[..., 3] = np.sin(0.5 * angle_rad), np.cos(0.5 * angle_rad)
    return out


_FORWARD = turning(np.array([0.0, 0.0, 1.0]))


def forward(hips: Array, rotations: Array) -> tuple[Array, Array]:
    """World positions (..., 2, 4, 3) and rotations (..., 2, 4, 4) of both legs' joints.

    hips (..., 3) is the root's world position, rotations (..., J, 4) are local.
    """
    local = rotations[..., LEGS, :]
    offsets = OFFSETS.astype(hips.dtype)
    positions = np.empty((*local.shape[:-1], 3), hips.dtype)
    turns = np.empty_like(local)
    at, turn = hips[..., None, :], rotations[..., HIPS, None, :]
    for k in range(4):
        at = at + rotate(turn, offsets[:, k])
        turn = multiply(turn, local[..., k, :])
        positions[..., k, :], turns[..., k, :] = at, turn
    return positions, turns


def _over_foot(side: Array, line: Array, foot: Array, share: Array | float) -> Array:
    """(..., 3) the knee's side, turned about the leg's line until it is near the foot's heading.

    A knee that bends past a foot that looks elsewhere would roll the ankle, which hardly rolls.
    """
    ahead = turned(foot, _FORWARD)
    ahead = ahead - (ahead * line).sum(-1, keepdims=True) * line
    flat = np.sqrt((ahead * ahead).sum(-1))
    across = cross(line, side)
    turn = np.arctan2((ahead * across).sum(-1), (ahead * side).sum(-1))
    # A foot that hangs along the leg has no heading to speak of; one that looks back is no guide.
    trust = clamp(4.0 * flat - 1.0, 0.0, 1.0) * clamp(3.0 - 1.5 * np.abs(turn), 0.0, 1.0)
    turn = turn - clamp(turn, -KNEE_RAD, KNEE_RAD)
    turn = (share * trust * clamp(turn, -SWING_RAD, SWING_RAD))[..., None]
    return np.cos(turn) * side + np.sin(turn) * across


def _frame(x: Array, y: Array) -> Array:
    """(..., 4) rotation by less than a third of a turn that has these unit x and y axes."""
    z = cross(x, y)
    out = np.empty((*x.shape[:-1], 4), x.dtype)
    out[..., 0] = y[..., 2] - z[..., 1]
    out[..., 1] = z[..., 0] - x[..., 2]
    out[..., 2] = x[..., 1] - y[..., 0]
    out[..., 3] = np.maximum(1.0 + x[..., 0] + y[..., 1] + z[..., 2], 1e-3)
    return unit(out)


def reach(
    hips: Array,
    rotations: Array,
    world_p: Array,
    world_r: Array,
    ankle: Array,
    foot: Array,
    over_foot: Array | float = 1.0,
) -> None:
    """Bends both legs in place so that ankles (..., 2, 3) and feet's rotations (..., 2, 4) are met.

    rotations (..., J, 4) is written; world_p and world_r are what `forward` gave for it. An ankle
    out of reach is approached along its line: the leg is never stretched. The knee keeps the plane
    in which it was bent, so it cannot flip.
    """
    top, knee, end = world_p[..., 0, :], world_p[..., 1, :], world_p[..., 2, :]
    line: Array = ankle - top
    length = np.sqrt((line * line).sum(-1, keepdims=True))
    limit = (THIGH_M + SHIN_M) * REACH
    far = clamp(length, abs(THIGH_M - SHIN_M) + 0.05, limit)
    line = line / np.maximum(length, 1e-8)
    # The knee's side: where it points now; ahead of the thigh when the leg is straight.
    before = unit(end - top)
    bend: Array = knee - top
    bend = bend - (bend * before).sum(-1, keepdims=True) * before
    ahead = turned(world_r[..., 0, :], _FORWARD)
    bend = bend + 0.02 * ahead
    bend = rotate(between(before, line), bend)
    side = unit(bend - (bend * line).sum(-1, keepdims=True) * line)
    side = _over_foot(side, line, foot, over_foot)
    cosine = clamp((THIGH_M**2 + far * far - SHIN_M**2) / (2.0 * THIGH_M * far), -1.0, 1.0)
    new_knee = top + THIGH_M * (cosine * line + np.sqrt(1.0 - cosine * cosine) * side)
    # A knee is a hinge about the thigh's x: both bones lie in the plane that it bends in.
    axes = np.empty((2, *side.shape), side.dtype)
    axes[0], axes[1] = cross(side, line), (top - new_knee) / THIGH_M
    parent = rotations[..., HIPS, None, :]
    # Within the hips' frame a thigh never turns far, so the short way to its quaternion will do.
    thigh = _frame(*rotate(conjugate(parent), axes))
    bent = (THIGH_M**2 + SHIN_M**2 - far * far) / (2.0 * THIGH_M * SHIN_M)
    knee_turn = np.zeros_like(thigh)
    knee_turn[..., 0] = np.sqrt(clamp(0.5 + 0.5 * bent[..., 0], 0.0, 1.0))
    knee_turn[..., 3] = np.sqrt(clamp(0.5 - 0.5 * bent[..., 0], 0.0, 1.0))
    rotations[..., LEGS[:, 0], :] = thigh
    rotations[..., LEGS[:, 1], :] = knee_turn
    shin = multiply(parent, multiply(thigh, knee_turn))
    rotations[..., LEGS[:, 2], :] = multiply(conjugate(shin), foot)
