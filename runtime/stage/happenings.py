"""What happens on a stage: counted, and told to everybody at the end of its tick."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from understudy.runtime.core.event import Event
from understudy.runtime.core.pose import Subject

if TYPE_CHECKING:
    from understudy.runtime.contact.footsteps import Footsteps

    from .session import ContactTable

# More than a stage of stuntmen brings in a tick; a client that floods it is held to this.
MOST_A_TICK = 512


class Happenings:
    """Collects the events of a tick.

    told     events so far
    refused  events beyond what one tick takes, or without sound numbers
    """

    def __init__(self, rate_hz: float = 60.0) -> None:
        self.told = self.refused = 0
        self._rate_hz = rate_hz
        self._tick: list[Event] = []
        self._footsteps: Footsteps | None = None
        self._stepped = -1  # the tick at which feet were last looked at

    def listen(self, contact: ContactTable, floor: str) -> Footsteps:
        """Steps are told from now on; whoever asks closes what it gives."""
        # A stage without has no need to load it.
        from understudy.runtime.contact.footsteps import Footsteps, Surface
        from understudy.runtime.core import floor as floors

        ground = floors.read(Path(floor)) if floor else None
        surface = Surface(contact.sole, contact.floor)
        self._footsteps = Footsteps(contact.lead_s, surface, ground)
        return self._footsteps

    def heard(self, subjects: Sequence[Subject], number: int, now_ns: int) -> None:
        """The steps of everybody at a tick, where they are told."""
        if self._footsteps is None:
            return
        dt_s = (number - self._stepped) / self._rate_hz
        self._stepped = number
        self.add(self._footsteps.step(subjects, now_ns * 1e-9, dt_s), now_ns)

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
