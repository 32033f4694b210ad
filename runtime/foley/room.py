"""A room around the sound: eight delays that feed one another (Jot and Chaigne 1991)."""

from __future__ import annotations

import numpy as np

from understudy.runtime.core.rotation import Array
from understudy.runtime.core.sound import RATE_HZ

from .voices import BLOCK

# Primes, all longer than a block, so that a block never hears itself: 11 to 47 ms.
DELAYS = (541, 743, 947, 1151, 1361, 1597, 1913, 2269)
# Seconds to -60 dB, and how much of what is struck goes there.
ROOMS = {"none": (0.0, 0.0), "stage": (0.45, 0.10), "hall": (1.6, 0.22), "outdoors": (0.15, 0.03)}


class Room:
    """The echoes of one stereo stem."""

    def __init__(self, seconds: float, share: float) -> None:
        self.share = share
        lines = len(DELAYS)
        self._delays = np.array(DELAYS)
        self._gain = (10.0 ** (-3.0 * self._delays / RATE_HZ / max(seconds, 1e-3)))[:, None]
        # Householder: every delay feeds all others alike, and nothing is lost in between.
        self._mix = np.eye(lines) - 2.0 / lines
        self._size = 1 << int(np.ceil(np.log2(max(DELAYS) + 2 * BLOCK)))
        self._lines = np.zeros((lines, self._size))
        self._last = np.zeros((lines, 1))
        self._at = 0
        self._into = np.where(np.arange(lines) // 2 % 2, -1.0, 1.0)[:, None]
        self._quiet = True

    def block(self, dry: Array) -> Array:
        """(2, BLOCK) of echoes that a dry block (2, BLOCK) and those before it leave."""
        if not self.share or (self._quiet and not dry.any()):
            return np.zeros_like(dry)
        steps = np.arange(BLOCK)
        read = (self._at - self._delays[:, None] + steps) % self._size
        heard = np.take_along_axis(self._lines, read, 1)
        # Walls take the highs first: each pass is the mean of two samples.
        dulled = 0.5 * (heard + np.concatenate([self._last, heard[:, :-1]], 1))
        self._last = heard[:, -1:]
        fed = self._mix @ (self._gain * dulled)
        fed[::2] += self._into[::2] * dry[0]
        fed[1::2] += self._into[::2] * dry[1]
        write = (self._at + steps) % self._size
        self._lines[:, write] = fed
        self._at = (self._at + BLOCK) % self._size
        self._quiet = not dry.any() and float(np.abs(self._lines).max()) < 1e-5
        if self._quiet:
            self._lines[:] = 0.0
        out = np.stack([heard[::2].sum(0), heard[1::2].sum(0)]) * self.share
        return np.asarray(out, np.float32)
