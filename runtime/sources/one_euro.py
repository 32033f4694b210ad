"""The One Euro filter for poses: still joints are held still, fast ones are hardly delayed.

Casiez, Roussel and Vogel, "1 EUR filter: a simple speed-based low-pass filter for noisy input in
interactive systems" (CHI 2012). Speeds are radians a second for joints, metres for the root.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array

from .packet import Packet

# A hole longer than this has another motion behind it: the filter begins anew.
ANEW_S = 0.25
SPEED_CUTOFF_HZ = 1.0


def _share(cutoff_hz: Array | float, dt_s: float) -> Array:
    """How far a low-pass goes towards the new value in dt_s."""
    turn = 2.0 * np.pi * np.asarray(cutoff_hz, float) * dt_s
    return np.asarray(turn / (1.0 + turn))


class OneEuro:
    """One stream's; cutoff_hz at rest, beta raises it with speed: numbers, or one a joint (J,)."""

    def __init__(self, cutoff_hz: Array | float, beta: Array | float) -> None:
        self.cutoff_hz, self.beta = cutoff_hz, beta
        self._time_s = float("-inf")
        self._rotations: Array = np.zeros((0, 4))
        self._root: Array = np.zeros(3)
        self._speed: Array = np.zeros(0)
        self._root_speed = 0.0

    def applied(self, packet: Packet) -> Packet:
        """The packet, filtered; one that is older than the last is left as it is."""
        dt_s = packet.capture_s - self._time_s
        if dt_s <= 0.0:
            return packet
        fresh = packet.rotations
        if dt_s > ANEW_S or len(fresh) != len(self._rotations):
            self._rotations, self._root = fresh.copy(), packet.positions[0].copy()
            self._speed, self._root_speed = np.zeros(len(fresh)), 0.0
            self._time_s = packet.capture_s
            return packet
        seen = np.ones(len(fresh), bool) if packet.seen is None else packet.seen
        towards = rotation.multiply(rotation.conjugate(self._rotations), fresh)
        angle = 2.0 * np.arccos(np.clip(np.abs(towards[:, 3]), 0.0, 1.0))
        slow = _share(SPEED_CUTOFF_HZ, dt_s)
        self._speed += np.where(seen, slow * (angle / dt_s - self._speed), 0.0)
        share = np.where(seen, _share(self.cutoff_hz + self.beta * self._speed, dt_s), 0.0)
        self._rotations = rotation.slerp(self._rotations, fresh, share)
        if seen[0]:
            step = packet.positions[0] - self._root
            self._root_speed += float(slow) * (
                float(np.linalg.norm(step)) / dt_s - self._root_speed
            )
            cutoff_hz, beta = (float(np.ravel(one)[0]) for one in (self.cutoff_hz, self.beta))
            self._root = self._root + step * _share(cutoff_hz + beta * self._root_speed, dt_s)
        self._time_s = packet.capture_s
        positions = packet.positions.copy()
        positions[0] = self._root
        return replace(packet, positions=positions, rotations=self._rotations.copy())
