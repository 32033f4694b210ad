"""When a sender's frames were taken, on our clock.

Frames are taken at even times and arrive at uneven ones. A sender that says its own time tells
which is which: the least that its messages ever took is what they take, the rest is jitter. What
makes no sense as a time is not used; then a frame was taken when it came.
"""

from __future__ import annotations

from collections import deque

# Two machines' clocks drift apart by less than a tenth of a millisecond in this time.
WINDOW_S = 3.0
# Later than this is no jitter: the sender's clock stood still, or was set.
MOST_LATE_S = 0.25
# A clock that had to be set so often is none, such as one that runs slower when the game does.
MOST_SETTINGS = 4
# VMC's time has 24 bits: beyond 4.5 hours its steps are longer than a wired network's jitter.
LONGEST_S = 16384.0


class SenderClock:
    """One sender's."""

    def __init__(self) -> None:
        self._offsets: deque[tuple[float, float]] = deque()  # arrival, offset; rising offsets
        self._said_s = float("-inf")
        self._settings = 0

    def captured_s(self, said_s: float, arrived_s: float) -> float:
        """When a frame was taken that says a time and arrived at one of ours."""
        makes_sense = self._said_s < said_s <= LONGEST_S and self._settings <= MOST_SETTINGS
        self._said_s = said_s
        if not makes_sense:
            return arrived_s
        offset_s, offsets = arrived_s - said_s, self._offsets
        if offsets and offset_s - offsets[0][1] > MOST_LATE_S:
            offsets.clear()
            self._settings += 1
        while offsets and offsets[-1][1] >= offset_s:
            offsets.pop()
        offsets.append((arrived_s, offset_s))
        while offsets[0][0] < arrived_s - WINDOW_S:
            offsets.popleft()
        return said_s + offsets[0][1]
