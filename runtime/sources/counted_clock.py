"""When frames were taken that say no time, but their number, which counts those that were lost too.

A frame's number times the time between two, and some start: that is a straight line, and messages
come later than it and never sooner. How long lies between two frames is measured over all that are
known (least squares); where the line lies, by those that came soonest.
"""

from __future__ import annotations

from collections import deque

import numpy as np

WINDOW_S, MOST = 4.0, 512
# A period is believed that was measured over so many frames and so long.
FEWEST, LEAST_S = 12, 0.2
# Frames that come later than this, or sooner, are no jitter: the sender counts anew.
MOST_LATE_S = 0.3
# Who counts anew so often in so short a time counts no frames.
MOST_RESETS, RESETS_S = 6, 10.0
# The line is laid anew at every so many frames; between, it only comes down. How long lies between
# two frames hardly changes: it is the mean of what was measured, each by how many frames it saw.
EVERY, NEWEST = 8, 0.02
# Numbers from before the newest by fewer are frames that were overtaken.
DISORDER = 64


class CountedClock:
    """One sender's. given_up: its numbers tell no time."""

    def __init__(self) -> None:
        self.given_up = False
        self._rows: deque[tuple[int, float]] = deque(maxlen=MOST)
        self._period_s = 0.0
        self._anchor, self._start_s = 0, 0.0  # a number, and when its frame was taken
        self._weight = 0.0  # of what was measured of the period
        self._newest = self._since = 0
        self._resets: deque[float] = deque(maxlen=MOST_RESETS)

    def taken_s(self, number: int, arrived_s: float) -> float | None:
        """When the frame of a number was taken that arrived now; None where nobody knows yet."""
        if self.given_up:
            return None
        if self._rows and self._is_another(number, arrived_s):
            self._rows.clear()
            full = len(self._resets) == MOST_RESETS
            self.given_up = full and arrived_s - self._resets[0] < RESETS_S
            self._resets.append(arrived_s)
        self._newest = max(self._newest, number) if self._rows else number
        self._rows.append((number, arrived_s))
        while self._rows[0][1] < arrived_s - WINDOW_S:
            self._rows.popleft()
        self._since += 1
        if self._since >= EVERY or len(self._rows) <= EVERY:
            self._measure()
        else:
            soonest_s = arrived_s - self._period_s * (number - self._anchor)
            self._start_s = min(self._start_s, soonest_s)
        return self._line(number) if self._period_s else None

    def _is_another(self, number: int, arrived_s: float) -> bool:
        """Whether the sender has begun to count anew; how long lies between two stays as it was."""
        if number <= self._newest - DISORDER:
            return True
        return bool(self._period_s) and abs(arrived_s - self._line(number)) > MOST_LATE_S

    def _line(self, number: int) -> float:
        return self._start_s + self._period_s * (number - self._anchor)

    def _measure(self) -> None:
        """Lays the line: its slope by all, its place by the soonest."""
        self._since = 0
        numbers, times = np.array(self._rows).T
        self._anchor = int(numbers[0])
        along, later = numbers - numbers[0], times - times[0]
        if len(numbers) >= FEWEST and later[-1] >= LEAST_S:
            middle = along - along.mean()
            spread = float(middle @ middle)
            slope = float(middle @ later) / spread if spread else 0.0
            if slope > 0.0:
                self._weight = min(self._weight + spread, spread / NEWEST)
                self._period_s += spread / self._weight * (slope - self._period_s)
        self._start_s = float((times - self._period_s * along).min())
