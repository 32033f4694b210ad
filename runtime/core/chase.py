"""Chasing a timecode that comes from outside: locked, running free in a silence, never a jump.

Labels come unevenly, at the rate of a tape, a phone or a desk. What is shown runs by the stage's
own clock and is drawn to them slowly; one that is far off is taken at once, and counted.
"""

from __future__ import annotations

from collections import deque
from enum import StrEnum

import numpy as np

# Without a label for so long it runs free, from where it was.
SILENT_S = 0.5
# The window in which offset and drift are measured.
WINDOW_S = 4.0
# It is drawn by so much of a second in a second; beyond so many frames it is taken at once, after
# so many labels that agree.
SLEW, FAR_FRAMES, AGREE = 0.002, 2.0, 8
# Jam sync: a free run of a clock of so many parts in a million is a frame off in so long.
DAY_S = 86400.0


class Lock(StrEnum):
    """What is shown."""

    WAITS = "waits"  # the time of day: nothing has come yet
    LOCKED = "locked"
    FREE = "free run"


class Chase:
    """Seconds of timecode by seconds of our clock.

    jumps    how often it was taken anew, beside the first time
    drift    parts in a million by which the other clock is faster
    error_s  the last label against what was shown
    """

    def __init__(self, frame_s: float) -> None:
        self.frame_s = frame_s
        self.jumps = 0
        self.drift = self.error_s = 0.0
        self._offset_s: float | None = None
        self._heard_s = self._shown_s = float("-inf")
        self._near: deque[tuple[float, float]] = deque()
        self._far: list[float] = []

    def heard(self, timecode_s: float, at_s: float) -> None:
        """A frame of the other began at a time of ours."""
        offset_s = timecode_s - at_s
        if self._offset_s is None:
            self._offset_s = offset_s
        off_s = (offset_s - self._offset_s + DAY_S / 2) % DAY_S - DAY_S / 2
        self.error_s, self._heard_s = off_s, at_s
        if abs(off_s) > FAR_FRAMES * self.frame_s:
            self._far.append(off_s)
            spread = max(self._far) - min(self._far)
            if spread > self.frame_s:
                self._far = [off_s]
            if len(self._far) >= AGREE:  # it was wound, or another tape is in
                self._offset_s += float(np.median(self._far))
                self.jumps += 1
                self._near.clear()
                self._far.clear()
            return
        self._far.clear()
        self._near.append((at_s, offset_s))
        while self._near and self._near[0][0] < at_s - WINDOW_S:
            self._near.popleft()

    def at(self, now_s: float) -> float | None:
        """The seconds that are shown at a time of ours, ever later; None: nothing has come yet."""
        if self._offset_s is None:
            return None
        dt_s = min(max(now_s - self._shown_s, 0.0), 0.1)
        self._shown_s = now_s
        if self.lock(now_s) is Lock.LOCKED and len(self._near) >= AGREE:
            times, offsets = np.array(self._near).T
            offsets = self._offset_s + (offsets - self._offset_s + DAY_S / 2) % DAY_S - DAY_S / 2
            # Labels come late and never early, so those that came soonest tell most.
            wanted_s = float(np.quantile(offsets, 0.8))
            if times[-1] - times[0] > WINDOW_S / 2:
                self.drift = 1e6 * float(np.polyfit(times - times[0], offsets, 1)[0])
            step_s = wanted_s - self._offset_s
            self._offset_s += min(max(step_s, -SLEW * dt_s), SLEW * dt_s)
        elif self.lock(now_s) is Lock.FREE:
            self._offset_s += 1e-6 * min(max(self.drift, -500.0), 500.0) * dt_s
        return (now_s + self._offset_s) % DAY_S

    def lock(self, now_s: float) -> Lock:
        """What is shown is of whom."""
        if self._offset_s is None:
            return Lock.WAITS
        return Lock.LOCKED if now_s - self._heard_s <= SILENT_S else Lock.FREE
