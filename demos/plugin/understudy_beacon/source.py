"""`beacon://0.0.0.0:7410`: every beacon that sends to the port is a prop on stage."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, field

from understudy.bridge.protocols import ProtocolError
from understudy.runtime.core import rotation
from understudy.runtime.core.pose import Prop
from understudy.runtime.core.typed import Table
from understudy.runtime.sources.datagrams import Receiver, Reception
from understudy.runtime.sources.endpoint import Endpoint
from understudy.runtime.sources.packet import Packet
from understudy.runtime.sources.streams import Kind, Stream
from understudy.runtime.sources.tracked import TrackedObjects

from . import line

PORT = line.PORT
KINDS = (Kind.PROP,)


class Options(Table, frozen=True, kw_only=True):
    """What users can write behind the question mark; `--from list` shows it."""

    height_m: Annotated[
        float,
        Meta(ge=-10.0, le=10.0, description="added to every beacon's height", extra={"unit": "m"}),
    ] = field(default=0.0, name="height")


class BeaconSource:
    """All beacons of a port. The first machine that sends is followed."""

    def __init__(self, endpoint: Endpoint, receiver: Receiver) -> None:
        self.name = endpoint.scheme
        self.reception = Reception(receiver)  # counts, follows one sender, says what is silent
        self.props: list[Prop] = []
        self._height_m = endpoint.options.height_m
        self._seen = TrackedObjects[Prop]()  # what is silent becomes HOLD and at last LOST

    def poll(self, now_s: float) -> list[Packet]:
        """Reads what came. Never waits; bad input is counted and shown, and never raises."""
        for datagram in self.reception.poll(now_s):
            try:
                name, position = line.decode(datagram.data)
            except ProtocolError as error:
                self.reception.damage(datagram, error)
                continue
            if self.reception.may_follow(datagram):
                self.reception.follow(datagram)
                position[1] += self._height_m
                turn = rotation.identity()
                self._seen.see(Prop(name, position, turn, capture_ns=datagram.arrived_ns), now_s)
        self.props = self._seen.judged(now_s, self.reception.silence)
        return []  # packets are of bodies and hands

    @property
    def streams(self) -> list[Stream]:
        return [Stream(Kind.PROP, prop, prop.name) for prop in self.props]

    @property
    def notice(self) -> str:
        return self.reception.notice

    def figures(self) -> dict[str, Any]:
        return self.reception.figures()

    def close(self) -> None:
        self.reception.close()


SOURCE = BeaconSource
