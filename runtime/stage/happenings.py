"""What happens on a stage: counted, and told to everybody at the end of its tick."""

from __future__ import annotations

from collections.abc import Iterable

from understudy.runtime.core.event import Event

# More than a stage of stuntmen brings in a tick; a client that floods it is held to this.
MOST_A_TICK = 512


class Happenings:
    """Collects the events of a tick.

    told     events so far
    refused  events beyond what one tick takes, or without sound numbers
    """

    def __init__(self) -> None:
        self.told = self.refused = 0
        self._tick: list[Event] = []

    def add(self, events: Iterable[Event], now_ns: int) -> None:
        """Takes what happened; what has no time happens now."""
        for event in events:
            if len(self._tick) >= MOST_A_TICK or not event.sound:
                self.refused += 1
                continue
            self.told += 1
            self._tick.append(event.counted(self.told, event.time_ns or now_ns))

    def take(self) -> list[Event]:
        """Those of this tick, numbered; the next one begins."""
        tick, self._tick = self._tick, []
        return tick
