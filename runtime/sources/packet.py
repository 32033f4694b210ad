"""A packet: what a source of motion hands to the stage, once for every pose that came.

It may be late, early or out of order; its `capture_s` says when it was seen, on the clock of the
source.
"""

from __future__ import annotations

from dataclasses import dataclass

from understudy.runtime.core.rotation import Array


@dataclass(slots=True)
class Packet:
    """One pose as seen: positions (J, 3), rotations (J, 4), seen (J,) bool or None for all.

    What stands at joints that were not seen is of no account. key is that of its stream, who
    within the source; tick_s the time of the tick at which it was read, on the clock of capture_s.
    """

    capture_s: float
    positions: Array
    rotations: Array
    seen: Array | None = None
    key: str = ""
    tick_s: float | None = None

    def shown(self, capture_s: float, tick_s: float, key: str | None = None) -> Packet:
        """The same pose as that of a time, read at a tick."""
        own = self.key if key is None else key
        return Packet(capture_s, self.positions, self.rotations, self.seen, own, tick_s)
