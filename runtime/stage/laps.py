"""How long each stage of a tick takes."""

from __future__ import annotations

import time
from collections.abc import Callable

from understudy.runtime.core.clock import Histogram


class Laps:
    """Milliseconds spent in each stage of the tick."""

    def __init__(self) -> None:
        self.histogram: dict[str, Histogram] = {}
        self._recent_ns: dict[str, float] = {}

    def start(self) -> Callable[[str], None]:
        """A function that books the time since it was last called under a name."""
        before = time.monotonic_ns()

        def lap(name: str) -> None:
            nonlocal before
            now = time.monotonic_ns()
            self.add_ns(name, now - before)
            before = now

        return lap

    def add_ns(self, name: str, value_ns: int) -> None:
        if name not in self.histogram:
            self.histogram[name] = Histogram()
            self._recent_ns[name] = float(value_ns)
        self.histogram[name].add_ns(value_ns)
        self._recent_ns[name] += 0.05 * (value_ns - self._recent_ns[name])

    def recent_ms(self, name: str) -> float:
        """A running mean over about the last twenty values."""
        return self._recent_ns.get(name, 0.0) / 1e6
