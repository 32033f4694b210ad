"""The stage's time of day between its ticks, and as sound (LTC)."""

from __future__ import annotations

import time
from enum import StrEnum

import numpy as np

from understudy.bridge.protocols import ltc
from understudy.runtime.core import timecode
from understudy.runtime.core.rotation import Array

SAMPLE_RATE, BLOCK_S = 48000, 0.02
# The loop has said nothing for so long.
SILENT_S = 0.5
# Further off than this the day's time was set; nearer, sound runs by so much faster or slower.
JUMP_FRAMES, PULL, MOST_PULL = 2.0, 0.05, 0.002
DAY_S = 86400.0


class State(StrEnum):
    """waits: the loop has said nothing yet; free: nothing more; gone: the device is no more."""

    WAITS = "waits"
    RUNS = "runs"
    FREE = "free run"
    GONE = "gone"


class Day:
    """The stage's time of day at every moment, by what the loop said last."""

    def __init__(self) -> None:
        self._said: tuple[float, float] | None = None
        self._start_s = float("inf")

    def tick(self, day_s: float, tick_s: float, now_s: float | None = None) -> None:
        """It is day_s at the tick that is due at tick_s of the stage's own clock."""
        now_s = time.monotonic() if now_s is None else now_s
        # The tick that was least late tells when ticks are due.
        self._start_s = min(self._start_s, now_s - tick_s)
        self._said = day_s, self._start_s + tick_s

    def at(self, now_s: float) -> float | None:
        """Seconds since midnight; None as long as nothing was said."""
        if self._said is None:
            return None
        day_s, at_s = self._said
        return (day_s + now_s - at_s) % DAY_S

    def state(self, now_s: float) -> State:
        """Whether the loop still says it."""
        if self._said is None:
            return State.WAITS
        return State.RUNS if now_s - self._said[1] < SILENT_S else State.FREE


class LtcSound:
    """Linear timecode as samples that never break off, drawn to the stage's day.

    offset_s  by how much the label that began last was behind the stage's
    jumps     how often the day was set
    """

    def __init__(self, day: Day, rate: str, sample_rate: int = SAMPLE_RATE) -> None:
        self._day, self._rate, self._sample_rate = day, rate, sample_rate
        self._hz = float(timecode.rate(rate))
        self._rest: Array = np.zeros(0)
        self._number: int | None = None  # of the label that is next
        self.offset_s, self.jumps, self.frames = 0.0, 0, 0

    def samples(self, count: int, at_s: float) -> Array:
        """So many (N,), of which the first is heard at at_s of the monotonic clock."""
        made = [self._rest]
        length = len(self._rest)
        while length < count:
            made.append(self._next(at_s + length / self._sample_rate))
            length += len(made[-1])
        sound = np.concatenate(made)
        self._rest = sound[count:]
        return sound[:count]

    def _next(self, at_s: float) -> Array:
        """The next frame, which begins at at_s; or silence until one does."""
        day_s = self._day.at(at_s)
        if day_s is None:
            return np.zeros(round(BLOCK_S * self._sample_rate))
        wanted = day_s * self._hz
        if self._number is not None:
            off = wanted - self._number
            off -= round(off / (DAY_S * self._hz)) * DAY_S * self._hz
            if abs(off) > JUMP_FRAMES:
                self._number = None
                self.jumps += 1
        if self._number is None:
            self._number = int(np.ceil(wanted - 1e-6))
            silent = round((self._number - wanted) / self._hz * self._sample_rate)
            if silent > 0:
                return np.zeros(silent)
            off = 0.0
        self.offset_s = off / self._hz
        pull = min(max(PULL * off, -MOST_PULL), MOST_PULL)
        number, self._number = self._number, self._number + 1
        self.frames += 1
        labels = [timecode.label(number % round(DAY_S * self._hz), self._rate)]
        return ltc.encode(labels, self._hz * (1.0 + pull), self._sample_rate)
