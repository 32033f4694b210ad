"""PERFORMER's legs: forward kinematics and inverse kinematics of both, for many bodies at once."""

from __future__ import annotations

import numpy as np

from understudy.runtime.core import quaternion, two_bone
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
# A live body's end 11 degrees before they are straight: nearer to that, a millimetre of the foot's
# way jerks them.
EASY_REACH = 0.995
KNEE_RAD = 0.15  # knees look where their feet do, but for so much ...
SWING_RAD = 0.35  # ... and are turned no further for it


_OFFSETS = quaternion.turning(OFFSETS)  # (2, 4, 16, 3)
_FORWARD = quaternion.turning(np.array([0.0, 0.0, 1.0]))


def forward(hips: Array, rotations: Array) -> tuple[Array, Array]:
    """World positions (..., 2, 4, 3) and rotations (..., 2, 4, 4) of both legs' joints.

    hips (..., 3) is the root's world position, rotations (..., J, 4) are local.
    """
    local = rotations[..., LEGS, :]
    positions = np.empty((*local.shape[:-1], 3), hips.dtype)
    turns = np.empty_like(local)
    at, turn = hips[..., None, :], rotations[..., HIPS, None, :]
    for k in range(4):
        at = at + quaternion.turned(turn, _OFFSETS[:, k])
        turn = quaternion.multiply(turn, local[..., k, :])
        positions[..., k, :], turns[..., k, :] = at, turn
    return positions, turns


def _over_foot(side: Array, line: Array, foot: Array, share: Array | float) -> Array:
    """(..., 3) the knee's side, turned about the leg's line until it is near the foot's heading.

    A knee that bends past a foot that looks elsewhere would roll the ankle, which hardly rolls.
    """
    ahead = quaternion.turned(foot, _FORWARD)
    ahead = ahead - (ahead * line).sum(-1, keepdims=True) * line
    flat = np.sqrt((ahead * ahead).sum(-1))
    across = quaternion.cross(line, side)
    turn = np.arctan2((ahead * across).sum(-1), (ahead * side).sum(-1))
    # A foot that hangs along the leg has no heading to speak of; one that looks back is no guide.
    trust = quaternion.clamp(4.0 * flat - 1.0, 0.0, 1.0) * quaternion.clamp(
        3.0 - 1.5 * np.abs(turn), 0.0, 1.0
    )
    turn = turn - quaternion.clamp(turn, -KNEE_RAD, KNEE_RAD)
    turn = (share * trust * quaternion.clamp(turn, -SWING_RAD, SWING_RAD))[..., None]
    return np.cos(turn) * side + np.sin(turn) * across


def _frame(x: Array, y: Array) -> Array:
    """(..., 4) rotation by less than a third of a turn that has these unit x and y axes."""
    z = quaternion.cross(x, y)
    out = np.empty((*x.shape[:-1], 4), x.dtype)
    out[..., 0] = y[..., 2] - z[..., 1]
    out[..., 1] = z[..., 0] - x[..., 2]
    out[..., 2] = x[..., 1] - y[..., 0]
    out[..., 3] = np.maximum(1.0 + x[..., 0] + y[..., 1] + z[..., 2], 1e-3)
    return quaternion.unit(out)


def reach(
    hips: Array,
    rotations: Array,
    world_p: Array,
    world_r: Array,
    ankle: Array,
    foot: Array,
    over_foot: Array | float = 1.0,
    most: float = REACH,
) -> None:
    """Bends both legs in place so that ankles (..., 2, 3) and feet's rotations (..., 2, 4) are met.

    rotations (..., J, 4) is written; world_p and world_r are what `forward` gave for it. An ankle
    further than the share `most` of the leg is approached along its line: the leg is never
    stretched. The knee keeps the plane in which it was bent, so it cannot flip.
    """
    top, knee, end = world_p[..., 0, :], world_p[..., 1, :], world_p[..., 2, :]
    line, length = two_bone.line_to(top, ankle)
    limit = (THIGH_M + SHIN_M) * most
    far = quaternion.clamp(length, abs(THIGH_M - SHIN_M) + 0.05, limit)
    ahead = quaternion.turned(world_r[..., 0, :], _FORWARD)
    side = two_bone.bend_side(top, knee, end, ahead, line)
    side = _over_foot(side, line, foot, over_foot)
    new_knee = two_bone.middle_joint(top, line, side, far, THIGH_M, SHIN_M)
    # A knee is a hinge about the thigh's x: both bones lie in the plane that it bends in.
    axes = np.empty((2, *side.shape), side.dtype)
    axes[0], axes[1] = quaternion.cross(side, line), (top - new_knee) / THIGH_M
    parent = rotations[..., HIPS, None, :]
    # Within the hips' frame a thigh never turns far, so the short way to its quaternion will do.
    thigh = _frame(*quaternion.rotate(quaternion.conjugate(parent), axes))
    bent = (THIGH_M**2 + SHIN_M**2 - far * far) / (2.0 * THIGH_M * SHIN_M)
    knee_turn = np.zeros_like(thigh)
    knee_turn[..., 0] = np.sqrt(quaternion.clamp(0.5 + 0.5 * bent[..., 0], 0.0, 1.0))
    knee_turn[..., 3] = np.sqrt(quaternion.clamp(0.5 - 0.5 * bent[..., 0], 0.0, 1.0))
    rotations[..., LEGS[:, 0], :] = thigh
    rotations[..., LEGS[:, 1], :] = knee_turn
    shin = quaternion.multiply(parent, quaternion.multiply(thigh, knee_turn))
    rotations[..., LEGS[:, 2], :] = quaternion.multiply(quaternion.conjugate(shin), foot)
