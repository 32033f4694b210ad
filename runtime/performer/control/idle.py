"""The small life of a body that stands: breathing and a slow shift of weight.

A network trained on a few seconds of standing learns to stand like a statue. This adds what every
standing person does, before the feet are planted, so that they stay where they are.
"""

from __future__ import annotations

import numpy as np

from understudy.runtime.core import quaternion
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.rotation import Array

BREATH_HZ = 0.23
SWAY_HZ = 0.083
CHEST_RAD = 0.014
SWAY_M = 0.012
SETTLE_HALFLIFE_S = 0.4
# Mocap that was fitted to another subject's bones stands with its knees bent by 30 degrees.
TALL_M = 0.024
_CHEST = np.array([PERFORMER.index(n) for n in ("Spine1", "Spine2", "Neck", "LeftArm", "RightArm")])
# About the joint's own axis: chest back, neck forward again, arms a little away from the ribs.
_AXES = np.array(
    [[-1.0, 0, 0], [-1.0, 0, 0], [1.7, 0, 0], [0, 0, 0.9], [0, 0, -0.9]], dtype=np.float32
)


class Idle:
    """Phases of `count` bodies; bodies breathe out of step."""

    def __init__(self, count: int) -> None:
        self.phase = np.arange(count) * 2.399963  # the golden angle spreads them evenly
        self.calm = np.ones(count)
        self.time_s = 0.0

    def apply(self, hips: Array, rotations: Array, speed: Array, dt_s: float) -> None:
        """Adds to hips (N, 3) in the root's frame and rotations (N, J, 4); speed (N,) in m/s."""
        self.time_s += dt_s
        goal = quaternion.clamp(1.0 - speed / 0.25, 0.0, 1.0)
        self.calm += (goal - self.calm) * (1.0 - np.exp(-0.6931472 * dt_s / SETTLE_HALFLIFE_S))
        turn = 2.0 * np.pi * self.time_s
        breath = np.sin(turn * BREATH_HZ + self.phase)
        sway = self.calm * (
            np.sin(turn * SWAY_HZ + 1.7 * self.phase) + 0.4 * np.sin(2.3 * turn * SWAY_HZ)
        )
        amount = (CHEST_RAD * (0.4 + 0.6 * self.calm) * breath)[:, None, None]
        delta = np.empty((len(speed), len(_CHEST), 4))
        delta[..., :3] = 0.5 * amount * _AXES
        delta[..., 3] = np.sqrt(1.0 - np.sum(delta[..., :3] ** 2, axis=-1))
        rotations[:, _CHEST] = quaternion.multiply(rotations[:, _CHEST], delta)
        hips[:, 0] += SWAY_M * sway
        hips[:, 1] += self.calm * (TALL_M - 0.0015 * (1.0 + breath))
