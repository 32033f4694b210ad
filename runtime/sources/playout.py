"""Playout: poses at even times out of poses that come unevenly, a set time later.

With a delay longer than a frame and the jitter of its way, the poses before and after the moment
that is shown are both here, and what is shown lies between them: whatever the rate of the sender,
there is a pose at every tick.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from understudy.runtime.core import rotation

from .packet import Packet

# Poses further apart than this have a silence between them, in which nobody knows what was.
NEAR_S = 0.2
MOST = 512


class Playout:
    """Packets of one skeleton by the time of their capture."""

    def __init__(self) -> None:
        self._packets: deque[Packet] = deque(maxlen=MOST)

    def add(self, packet: Packet) -> None:
        """Takes a packet; one from before the last, or with other joints, begins anew."""
        last = self._packets[-1] if self._packets else packet
        if packet.capture_s < last.capture_s or len(packet.rotations) != len(last.rotations):
            self._packets.clear()
        self._packets.append(packet)

    def at(self, time_s: float) -> Packet | None:
        """The pose at a time, later than the last time asked for; None where nobody knows it."""
        packets = self._packets
        while len(packets) > 1 and packets[1].capture_s <= time_s:
            packets.popleft()
        if len(packets) < 2 or packets[0].capture_s > time_s:
            return None
        one, two = packets[0], packets[1]
        gap_s = two.capture_s - one.capture_s
        if not 0.0 < gap_s <= NEAR_S:
            return None
        share = np.float64((time_s - one.capture_s) / gap_s)
        masks = [packet.seen for packet in (one, two) if packet.seen is not None]
        return Packet(
            time_s,
            (1.0 - share) * one.positions + share * two.positions,
            rotation.slerp(one.rotations, two.rotations, share),
            np.logical_and.reduce(masks) if masks else None,
        )
