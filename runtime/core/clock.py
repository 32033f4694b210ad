"""A fixed-step clock with absolute deadlines, and histograms of what it saw."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

from .errors import UnderstudyError

# The kernel's timer wakes a sleeper up to this late; the rest is waited for awake.
SPIN_NS = 150_000
KEPT = 2047  # microseconds below which a histogram keeps every one


class Histogram:
    """Latencies in nanoseconds, kept to three digits from 1 us on.

    Buckets are HdrHistogram's: eleven bits of a value are kept, so that there are few of them.
    """

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}  # smallest microseconds of a bucket -> values in it
        self.maximum_ms = 0.0

    def add_ns(self, value_ns: int) -> None:
        us = max(1, value_ns // 1000)
        if us > KEPT:
            dropped = us.bit_length() - KEPT.bit_length()
            us = us >> dropped << dropped
        self._counts[us] = self._counts.get(us, 0) + 1
        self.maximum_ms = max(self.maximum_ms, value_ns / 1e6)

    def __len__(self) -> int:
        return sum(self._counts.values())

    def percentile_ms(self, percent: float) -> float:
        """The least value that so much of all values do not exceed; 0 without values."""
        left = max(math.ceil(0.01 * percent * len(self)), 1)
        for us, count in sorted(self._counts.items()):
            left -= count
            if left <= 0:
                return us / 1e3
        return 0.0

    def summary_ms(self) -> dict[str, float]:
        """p50, p99 and max in milliseconds."""
        return {
            "p50": round(self.percentile_ms(50), 3),
            "p99": round(self.percentile_ms(99), 3),
            "max": round(self.maximum_ms, 3),
        }


class Clock:
    """Yields tick numbers at a fixed rate. A late tick is counted; a missed one is never made up.

    Deadlines are start + n / rate, so lateness never adds up. When the loop falls a whole period
    behind, the ticks it missed are counted as skipped and the numbering jumps over them.
    """

    def __init__(
        self,
        rate_hz: float,
        late_ns: int = 1_000_000,
        now: Callable[[], int] = time.monotonic_ns,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not (math.isfinite(rate_hz) and rate_hz > 0.0):
            raise UnderstudyError(f"A clock of {rate_hz:g} Hz cannot tick; give it more than 0.")
        self._now, self._sleep = now, sleep
        self.rate_hz = rate_hz
        self.period_ns = 1e9 / rate_hz
        self.late_ns = late_ns
        self.late = 0
        self.skipped = 0
        self.lateness = Histogram()
        self.start_ns = 0
        self.deadline_ns = 0
        # Of a clock that can stand still: what is done meanwhile.
        self.between: Callable[[], None] = lambda: None

    def ticks(self) -> Iterator[int]:
        """Tick numbers from 0, each at its deadline, for ever."""
        self.start_ns = self._now()
        tick = 0
        while True:
            self.deadline_ns = self.start_ns + math.floor(tick * self.period_ns)
            late_ns = self._wait(self.deadline_ns)
            self.lateness.add_ns(late_ns)
            self.late += late_ns > self.late_ns
            yield tick
            due = math.ceil((self._now() - self.start_ns) / self.period_ns)
            # The tick that is due right now still runs, late; only whole periods are lost.
            missed = max(0, due - 1 - (tick + 1))
            self.skipped += missed
            tick += 1 + missed

    def _wait(self, deadline_ns: int) -> int:
        """Waits for the deadline; nanoseconds by which it was missed."""
        while (left := deadline_ns - self._now()) > SPIN_NS:
            self._sleep((left - SPIN_NS) / 1e9)
        while (now := self._now()) < deadline_ns:
            pass
        return now - deadline_ns
