"""A jump out of a gait, laid over what the network plays.

Crouch, a flight that obeys gravity, a landing that gives way. It is made, not learned: the mocap's
jumps are from a stand, and those a small network plays (actions.py). The planted feet bend the
knees by inverse kinematics.
"""

from __future__ import annotations

import numpy as np

from understudy.runtime.core import quaternion
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.ik import legs

CROUCH_S, FLIGHT_S, LAND_S, RISE_S = 0.2, 0.46, 0.12, 0.34
CROUCH_M, LAND_M = 0.14, 0.11
GRAVITY = 9.81
# Seconds at which the keys of each curve lie: rest, lowest, lift-off, apex, landing, lowest, rest.
_AT = np.cumsum([0.0, CROUCH_S * 0.7, CROUCH_S * 0.3, FLIGHT_S / 2, FLIGHT_S / 2, LAND_S, RISE_S])
_DROP_M = np.array([0.0, -CROUCH_M, -0.01, 0.0, -0.01, -LAND_M, 0.0])
# About the left axis: spine forward, arms back then forward and up, toes pointing in the air.
_SPINE_RAD = np.array([0.0, 0.32, 0.05, 0.0, 0.08, 0.22, 0.0])
_ARMS_RAD = np.array([0.0, 0.25, 0.05, -0.7, -0.45, -0.15, 0.0])
_FEET_RAD = np.array([0.0, 0.0, 0.75, 0.6, 0.15, 0.0, 0.0])
_SPINE = np.array([PERFORMER.index("Spine"), PERFORMER.index("Spine1")])
_ARMS = np.array([PERFORMER.index("LeftArm"), PERFORMER.index("RightArm")])
_FEET = legs.LEGS[:, 2]


class Jump:
    """Jumps of `count` bodies; a body in the air cannot jump again."""

    def __init__(self, count: int) -> None:
        self.time_s = np.full(count, np.inf)
        self._held = np.zeros(count, bool)

    def reset(self, i: int) -> None:
        """Ends the jump of body i."""
        self.time_s[i] = np.inf

    def press(self, pressed: np.ndarray) -> None:
        """Takes the button (N,); a jump begins when it goes down."""
        begin = pressed & ~self._held & ~np.isfinite(self.time_s)
        self._held = pressed
        self.time_s[begin] = 0.0

    def apply(self, hips: Array, rotations: Array, contacts: Array, dt_s: float) -> None:
        """Adds to world hips (N, 3) and rotations (N, J, 4); contacts (N, 4) end in the air."""
        who = np.flatnonzero(np.isfinite(self.time_s))
        if not len(who):
            return
        t = self.time_s[who] + dt_s
        self.time_s[who] = np.where(t > _AT[-1], np.inf, t)
        air = (t - CROUCH_S) / FLIGHT_S
        flying = (air > 0.0) & (air < 1.0)
        height = 0.5 * GRAVITY * FLIGHT_S**2 * air * (1.0 - air)
        hips[who, 1] += np.where(flying, height, 0.0) + _curve(t, _DROP_M)
        contacts[who] *= ~flying[:, None]
        for joints, keys in ((_SPINE, _SPINE_RAD), (_ARMS, _ARMS_RAD)):
            turn = _about_x(_curve(t, keys))[:, None]
            picked = np.ix_(who, joints)
            rotations[picked] = quaternion.multiply(np.repeat(turn, 2, axis=1), rotations[picked])
        picked = np.ix_(who, _FEET)
        point = _about_x(_curve(t, _FEET_RAD))[:, None]
        rotations[picked] = quaternion.multiply(rotations[picked], np.repeat(point, 2, axis=1))


def _curve(t: Array, keys: Array) -> Array:
    """(N,) values at times t of keys at _AT, eased in and out of each."""
    k = np.clip(np.searchsorted(_AT, t, side="right") - 1, 0, len(_AT) - 2)
    u = np.clip((t - _AT[k]) / (_AT[k + 1] - _AT[k]), 0.0, 1.0)
    return np.asarray(keys[k] + (keys[k + 1] - keys[k]) * u * u * (3.0 - 2.0 * u))


def _about_x(angle_rad: Array) -> Array:
    """(N, 4) turns about +X."""
    out = np.zeros((len(angle_rad), 4))
    out[:, 0], out[:, 3] = np.sin(0.5 * angle_rad), np.cos(0.5 * angle_rad)
    return out
