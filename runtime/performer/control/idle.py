"""The small life of a body that stands: breath, sway and shifts of weight.

A network trained on a few seconds of standing learns to stand like a statue. This adds what every
standing person does, before the feet are planted, so that they stay where they are.
"""

from __future__ import annotations

import numpy as np

from understudy.runtime.core import quaternion
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.rotation import Array

from .controller import spring_step

BREATH_HZ = 0.23
BREATH_VARIES = 0.3  # share of its pace by which it comes and goes
CHEST_RAD = 0.014
AHEAD = 256  # ticks of noise
# Sway: noise that forgets itself in so long, aside and to the front, made smooth over SMOOTH_S.
SWAY_M, SWAY_S, SMOOTH_S = (0.008, 0.006), 2.5, 0.5
# And now and then the weight goes to another leg.
SHIFT_M, SHIFT_S, SOONEST_S, SHIFT_HALFLIFE_S = 0.018, 9.0, 2.5, 0.3
SETTLE_HALFLIFE_S = 0.4
# Mocap that was fitted to another subject's bones stands with its knees bent by 30 degrees.
TALL_M = 0.024
_CHEST = np.array([PERFORMER.index(n) for n in ("Spine1", "Spine2", "Neck", "LeftArm", "RightArm")])
# About the joint's own axis: chest back, neck forward again, arms a little away from the ribs.
_AXES = np.array(
    [[-1.0, 0, 0], [-1.0, 0, 0], [1.7, 0, 0], [0, 0, 0.9], [0, 0, -0.9]], dtype=np.float32
)


class Idle:
    """Of `count` bodies: noise of their own, so that nothing comes again and nobody is in step."""

    def __init__(self, count: int) -> None:
        self.calm = np.ones(count)
        # By number, however many there are; drawn ahead, and each in a tick of its own.
        self._random = [np.random.default_rng([11, i]) for i in range(count)]
        self._phase = np.array([r.uniform(0.0, 2.0 * np.pi) for r in self._random])
        self._until_s = np.array([r.uniform(0.0, SHIFT_S) for r in self._random])
        self._drawn = np.stack([self._draw(i) for i in range(count)])
        self._rows, self._at = np.arange(count), 37 * np.arange(count) % AHEAD
        # Aside, to the front and of the breath's pace: as they are, and smooth.
        self._noise, self._smooth = np.zeros((count, 3)), np.zeros((count, 3))
        self._leg_m: Array = np.zeros(count)
        self._shift_m: Array = np.zeros(count)
        self._shift_mps: Array = np.zeros(count)

    def _draw(self, i: int) -> Array:
        """(AHEAD, 3) noise of body i."""
        return self._random[i].standard_normal((AHEAD, 3), np.float32)

    def _live(self, dt_s: float) -> None:
        """Brings the noise on by dt_s."""
        keeps = np.exp(-dt_s / SWAY_S)
        fresh = self._drawn[self._rows, self._at]
        self._at += 1
        if self._at.max() == AHEAD:
            for i in np.flatnonzero(self._at == AHEAD).tolist():
                self._drawn[i], self._at[i] = self._draw(i), 0
        self._noise = keeps * self._noise + np.sqrt(1.0 - keeps * keeps) * fresh
        self._smooth += (self._noise - self._smooth) * (1.0 - np.exp(-dt_s / SMOOTH_S))
        self._until_s -= dt_s
        if self._until_s.min() <= 0.0:
            for i in np.flatnonzero(self._until_s <= 0.0).tolist():
                self._leg_m[i] = self._random[i].uniform(-SHIFT_M, SHIFT_M)
                self._until_s[i] = SOONEST_S + self._random[i].exponential(SHIFT_S - SOONEST_S)
        self._shift_m, self._shift_mps = spring_step(
            self._shift_m, self._shift_mps, self._leg_m, SHIFT_HALFLIFE_S, dt_s
        )
        pace = 1.0 + BREATH_VARIES * quaternion.clamp(self._smooth[:, 2], -2.0, 2.0)
        self._phase += 2.0 * np.pi * BREATH_HZ * pace * dt_s

    def apply(self, hips: Array, rotations: Array, speed: Array, dt_s: float) -> Array:
        """Adds to hips (N, 3) in the root's frame and rotations (N, J, 4); speed (N,) in m/s.

        Returns by how much the hips sway (N, 3): the feet under them stay.
        """
        self._live(dt_s)
        goal = quaternion.clamp(1.0 - speed / 0.25, 0.0, 1.0)
        self.calm += (goal - self.calm) * (1.0 - np.exp(-0.6931472 * dt_s / SETTLE_HALFLIFE_S))
        breath = np.sin(self._phase)
        amount = (CHEST_RAD * (0.4 + 0.6 * self.calm) * breath)[:, None, None]
        delta = np.empty((len(speed), len(_CHEST), 4))
        delta[..., :3] = 0.5 * amount * _AXES
        delta[..., 3] = np.sqrt(1.0 - np.sum(delta[..., :3] ** 2, axis=-1))
        rotations[:, _CHEST] = quaternion.multiply(rotations[:, _CHEST], delta)
        sway = np.zeros_like(hips)
        sway[:, 0] = self.calm * (self._shift_m + SWAY_M[0] * self._smooth[:, 0])
        sway[:, 2] = self.calm * SWAY_M[1] * self._smooth[:, 1]
        hips += sway
        hips[:, 1] += self.calm * (TALL_M - 0.0015 * (1.0 + breath))
        return sway
