"""The envelope of what was sent: how far each joint has turned, and where the root was.

What comes unevenly is acted for a tick or two at a time, many times a second. What is expected then
must not take a joint further than its actor ever took it: over a moment so short nothing is gained
by it. How fast it may go there is `pace`'s.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array

from .stream import Packet

MARGIN_RAD, MARGIN_M = np.radians(1.0), 0.008
# Who is lost for longer than usual may do something new, and more of it with time. What is usual is
# not known at first.
SHORT_S, GROWS_RAD_S, GROWS_MPS = 0.27, 2.0, 1.5
# A silence is as those before it up to so many times the longest of them.
ROOM = 1.3
# A root that travels, and has never been further, is expected to go on at this share of its speed,
# for so long.
GOES_ON, GOES_ON_S, AT_BORDER_M, MOST_M = 0.5, 0.04, 0.015, 0.018


class Envelope:
    """Of one body: rotations as vectors from the first that was seen, in a box for each joint."""

    def __init__(self, joints: int) -> None:
        self._from: Array | None = None
        self._low = np.zeros((joints, 3))
        self._high = np.zeros((joints, 3))
        self._root_low = self._root_high = np.zeros(3)

    def note(self, packets: Sequence[Packet]) -> None:
        """Poses that were sent, n of them."""
        if self._from is None:
            self._from = rotation.conjugate(packets[0].rotations)
            self._root_low = self._root_high = packets[0].positions[0].copy()
        turns = self._turns(np.array([packet.rotations for packet in packets]), slice(None))
        low, high = turns, turns.copy()
        roots = [p.positions[0] for p in packets if p.seen is None or p.seen[0]]
        for k, packet in enumerate(packets):
            if packet.seen is not None:
                low[k, ~packet.seen], high[k, ~packet.seen] = np.inf, -np.inf
        self._low = np.minimum(self._low, low.min(0))
        self._high = np.maximum(self._high, high.max(0))
        if roots:
            self._root_low = np.minimum(self._root_low, np.min(roots, axis=0))
            self._root_high = np.maximum(self._root_high, np.max(roots, axis=0))

    def _turns(self, rotations: Array, joints: np.ndarray | slice) -> Array:
        assert self._from is not None
        return rotation.to_rotation_vector(rotation.multiply(rotations, self._from[joints]))

    def keep(
        self,
        joints: np.ndarray,
        lost_s: float,
        usual_s: float,
        root: tuple[Array, Array],
        positions: Array,
        rotations: Array,
    ) -> None:
        """Takes joints (n,) of a pose back into the envelope, in place.

        lost_s is for how long, and usual_s how long such silences are; root is where the root was
        then, and how fast (3,).
        """
        if self._from is None or not len(joints):
            return
        longer_s = max(lost_s - ROOM * usual_s, 0.0)
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
            at, mps = root
            # A step into the new is gone on with; who sways comes back from where he was before.
            new = (at >= self._root_high - AT_BORDER_M) & (mps > 0.0)
            new |= (at <= self._root_low + AT_BORDER_M) & (mps < 0.0)
            on_m = GOES_ON * np.abs(mps) * min(lost_s, GOES_ON_S)
            free_m = np.minimum(MARGIN_M + new * on_m, MOST_M) + GROWS_MPS * longer_s
            positions[0] = np.clip(positions[0], self._root_low - free_m, self._root_high + free_m)
