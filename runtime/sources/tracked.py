"""Cameras and props as a source last saw them: LIVE while they come, then HOLD, at last LOST."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

from understudy.runtime.core.pose import Camera, Prop, State
from understudy.runtime.sources.jitter_buffer import JitterBuffer

# Trackers that send at 5 Hz are slow and not silent.
HOLD_AFTER_S = 0.25
LOST_AFTER_S = 2.0
MOST = 64

Thing = TypeVar("Thing", Camera, Prop)


class TrackedObjects(Generic[Thing]):
    """The things of one source by name; one that is silent stays where it was seen last."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[Thing, float]] = {}

    def see(self, thing: Thing, now_s: float) -> None:
        """A thing as it is now; names beyond MOST are left out."""
        if thing.name in self._seen or len(self._seen) < MOST:
            self._seen[thing.name] = (thing, now_s)

    def show(self, buffers: Iterable[JitterBuffer[Thing]], tick_s: float, now_s: float) -> None:
        """Takes what is due at a tick of the stage out of the buffers."""
        for buffer in buffers:
            for _, thing, newest in buffer.take(tick_s):
                if newest:
                    self.see(thing, now_s)

    def hear(self, name: str, now_s: float) -> None:
        """A thing was heard of again, where it was."""
        if name in self._seen:
            self._seen[name] = (self._seen[name][0], now_s)

    def forget(self, name: str) -> None:
        """Nothing is called that any more."""
        self._seen.pop(name, None)

    def judged(self, now_s: float, silence: str) -> list[Thing]:
        """All things with their states; silence says why nothing comes from the whole source."""
        for thing, seen_s in self._seen.values():
            silent_s = now_s - seen_s
            if silent_s <= HOLD_AFTER_S:
                thing.state, thing.reason = State.LIVE, ""
                continue
            thing.state = State.HOLD if silent_s <= LOST_AFTER_S else State.LOST
            thing.reason = f"{silence or 'its messages do not come'}: silent for {silent_s:.1f} s"
        return [thing for thing, _ in self._seen.values()]
