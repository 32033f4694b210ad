"""Trackers by OSC as a source: SlimeVR and its kin move our performer's body."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from msgspec import Meta

from understudy.bridge.protocols import trackers
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.typed import Table
from understudy.runtime.sources.datagrams import Receiver
from understudy.runtime.sources.endpoint import Delay, Endpoint
from understudy.runtime.sources.packet import Packet

from . import trackers_body
from .single_body import SingleBody
from .trackers_body import HEAD, PLACES

PORT = trackers.PORT
KINDS = SingleBody.KINDS
TALL_M = 1.76
# A tracker that was heard longer ago is not seen.
KEPT_S = 0.25


class Places:
    """The option order=: where trackers 1 to 8 are, by PLACES; what is left out is not worn."""

    ALLOWED = f"some of {', '.join(PLACES)}, - for none, with commas"

    def __init__(self, names: tuple[str, ...] = PLACES) -> None:
        self.names = names

    @classmethod
    def read(cls, value: object) -> Places:
        names = tuple(word.strip() for word in str(value).split(","))
        worn = [name for name in names if name != "-"]
        if not worn or len(names) > 8 or len(set(worn)) != len(worn) or set(worn) - set(PLACES):
            raise ValueError
        return cls(names)

    def __str__(self) -> str:
        return ",".join(self.names)


class Options(Table, frozen=True, kw_only=True):
    """What a source of trackers takes."""

    name: Annotated[str, Meta(description="the subject's name on stage")] = "trackers"
    height: Annotated[
        float, Meta(ge=0.5, le=3.0, description="the actor's", extra={"unit": "m"})
    ] = TALL_M
    order: Annotated[
        Places, Meta(description="where trackers 1 to 8 are, as SlimeVR numbers them")
    ] = Places()
    delay: Annotated[Delay, Meta(description=Delay.WORDS)] = Delay()


class TrackersSource(SingleBody):
    """One body; of several senders on a port the first is followed."""

    def __init__(self, endpoint: Endpoint, receiver: Receiver) -> None:
        options: Options = endpoint.options
        super().__init__(endpoint, receiver, options.name or "trackers", options.delay.seconds)
        self._scale = TALL_M / options.height
        numbers = {str(n): name for n, name in enumerate(options.order.names, 1) if name != "-"}
        self._called = numbers | {trackers.HEAD: HEAD}
        self._places: dict[str, tuple[float, Array]] = {}
        self._turns: dict[str, tuple[float, Array]] = {}
        self._began_s = float("-inf")

    def decode(self, data: bytes) -> trackers.Trackers:
        return trackers.decode(data)

    def packet(
        self, said: trackers.Trackers, arrived_s: float
    ) -> tuple[float | None, Packet] | None:
        """The pose that a datagram completes."""
        # Each message alone is a part of a pose: one is whole when a tracker comes again.
        again = bool(
            {self._called.get(name) for name in said.places}
            & {name for name, (at_s, _) in self._places.items() if at_s >= self._began_s}
        )
        pose = self._pose(arrived_s) if again and len(said.places) < len(self._places) else None
        if again:
            self._began_s = arrived_s
        for name, place in said.places.items():
            if name in self._called:
                self._places[self._called[name]] = arrived_s, place
        for name, turn in said.turns.items():
            if name in self._called:
                self._turns[self._called[name]] = arrived_s, turn
        if pose is None and len(said.places) >= max(len(self._places), 2):
            pose = self._pose(arrived_s)  # all at once, in one bundle
        if pose is None:
            return None
        self.known = True
        return None, pose

    def _pose(self, now_s: float) -> Packet | None:
        places = {name: v for name, (at_s, v) in self._places.items() if now_s - at_s <= KEPT_S}
        turns = {name: v for name, (at_s, v) in self._turns.items() if now_s - at_s <= KEPT_S}
        at, rotations, seen = trackers_body.pose(places, turns, self._scale)
        if not np.any(seen):
            return None
        return Packet(now_s, at, rotations, None if seen.all() else seen)


SOURCE = TrackersSource
