"""Inertialized transitions: a jump between two poses becomes an offset that fades by itself.

The offset and its rate at the moment of the jump are kept and sprung to zero, so the motion goes on
smoothly and the new source plays at once (Bollo, "Inertialization", GDC 2018; Holden's springs).
"""

from __future__ import annotations

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array

HALFLIFE_S = 0.1
GONE = 1e-4  # radians and metres below which an offset is dropped


class Inertialization:
    """Offsets for `count` bodies of `joints` joints."""

    def __init__(self, count: int, joints: int) -> None:
        self.turn = np.zeros((count, joints, 3))
        self.turn_rate = np.zeros((count, joints, 3))
        self.shift = np.zeros((count, 3))
        self.shift_rate = np.zeros((count, 3))
        self.active = False

    def clear(self, i: int) -> None:
        """Drops the offsets of body i."""
        for array in (self.turn, self.turn_rate, self.shift, self.shift_rate):
            array[i] = 0.0

    def jump(
        self,
        i: int,
        shown: tuple[Array, Array],
        hidden: tuple[Array, Array],
        rates: tuple[Array, Array] | None = None,
    ) -> None:
        """Body i showed hips (3,) and rotations (J, 4) and is about to play others.

        rates: how much faster than the others what was shown moves, m/s (3,) and rad/s (J, 3).
        """
        away = rotation.multiply(
            np.asarray(shown[1], float), rotation.conjugate(np.asarray(hidden[1], float))
        )
        self.turn[i] = rotation.to_rotation_vector(away)
        self.shift[i] = np.asarray(shown[0], float) - np.asarray(hidden[0], float)
        self.shift_rate[i], self.turn_rate[i] = rates or (0.0, 0.0)
        self.active = True

    def apply(self, hips: Array, rotations: Array, dt_s: float) -> None:
        """Adds what is left of the offsets to hips (N, 3) and rotations (N, J, 4), in place."""
        if not self.active:
            return
        y = 2.0 * 0.6931472 / HALFLIFE_S
        e = np.exp(-y * dt_s)
        for x, v in ((self.turn, self.turn_rate), (self.shift, self.shift_rate)):
            j1 = v + x * y
            x[...], v[...] = e * (x + j1 * dt_s), e * (v - j1 * y * dt_s)
        self.active = bool(max(np.abs(self.turn).max(), np.abs(self.shift).max()) > GONE)
        hips += self.shift
        offset = rotation.from_rotation_vector(self.turn)
        rotations[...] = rotation.multiply(offset, rotations.astype(float))
