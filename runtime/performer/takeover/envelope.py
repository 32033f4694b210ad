"""The envelope of what was sent: how far each joint has turned, and where the root has been.

What comes unevenly is acted for a tick or two at a time, many times a second. What is expected then
must not take a joint further than its actor ever took it: over a moment so short nothing is gained
by it, and a head that only shakes would spin.
"""

from __future__ import annotations

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array

MARGIN_RAD, MARGIN_M = np.radians(1.0), 0.01
# Who is lost for longer than this may do something new, and more of it with time.
SHORT_S, GROWS_RAD_S, GROWS_MPS = 0.12, 2.0, 1.5
# The root travels: this share of its speed is expected to go on.
GOES_ON = 0.7


class Envelope:
    """Of one body: rotations as vectors from the first that was seen, in a box for each joint."""

    def __init__(self, joints: int) -> None:
        self._from: Array | None = None
        self._low = np.zeros((joints, 3))
        self._high = np.zeros((joints, 3))
        self._root_low = self._root_high = np.zeros(3)

    def note(self, positions: Array, rotations: Array, seen: np.ndarray | None) -> None:
        """A pose that was sent: positions (J, 3), rotations (J, 4), seen (J,)."""
        if self._from is None:
            self._from = rotation.conjugate(rotations)
            self._root_low = self._root_high = positions[0].copy()
        turns = self._turns(rotations, slice(None))
        if seen is not None:
            turns[~seen] = self._low[~seen]
        self._low, self._high = np.minimum(self._low, turns), np.maximum(self._high, turns)
        if seen is None or seen[0]:
            self._root_low = np.minimum(self._root_low, positions[0])
            self._root_high = np.maximum(self._root_high, positions[0])

    def _turns(self, rotations: Array, joints: np.ndarray | slice) -> Array:
        assert self._from is not None
        return rotation.to_rotation_vector(rotation.multiply(rotations, self._from[joints]))

    def keep(
        self,
        joints: np.ndarray,
        lost_s: float,
        root_mps: Array,
        positions: Array,
        rotations: Array,
    ) -> None:
        """Takes joints (n,) of a pose back into the envelope, in place.

        lost_s is since when, root_mps (3,) how fast the root was then.
        """
        if self._from is None or not len(joints):
            return
        longer_s = max(lost_s - SHORT_S, 0.0)
        margin_rad = MARGIN_RAD + GROWS_RAD_S * longer_s
        turns = self._turns(rotations[joints], joints)
        kept = np.clip(turns, self._low[joints] - margin_rad, self._high[joints] + margin_rad)
        off = np.flatnonzero((kept != turns).any(-1))
        if len(off):
            back = rotation.from_rotation_vector(kept[off])
            rotations[joints[off]] = rotation.multiply(
                back, rotation.conjugate(self._from[joints[off]])
            )
        if joints[0] == 0:
            free_m = MARGIN_M + GOES_ON * np.abs(root_mps) * lost_s + GROWS_MPS * longer_s
            positions[0] = np.clip(positions[0], self._root_low - free_m, self._root_high + free_m)
