"""What sources share that bring one body: of several senders on a port the first is followed."""

from __future__ import annotations

from typing import Any

from understudy.bridge.protocols import ProtocolError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.sources import interpolation
from understudy.runtime.sources.copies import Copies
from understudy.runtime.sources.datagrams import SILENT_S, Receiver, Reception
from understudy.runtime.sources.endpoint import Endpoint
from understudy.runtime.sources.jitter_buffer import JitterBuffer, delays, timing
from understudy.runtime.sources.packet import Packet
from understudy.runtime.sources.streams import Kind, Stream


class SingleBody:
    """A device says how a datagram is read (`decode`), and which pose that is (`packet`).

    known  whether the skeleton is the sender's own yet
    """

    KINDS = (Kind.BODY,)

    def __init__(
        self, endpoint: Endpoint, receiver: Receiver, name: str, delay_s: float | None
    ) -> None:
        self.endpoint, self.name = endpoint, name
        self.reception = Reception(receiver)
        self.skeleton: Skeleton = PERFORMER
        self.known = False
        self.copies = Copies(unlike=True)
        self.buffer = JitterBuffer[Packet](delay_s, interpolation.packets, interpolation.apart)

    def decode(self, data: bytes) -> Any:
        """What a datagram says; raises ProtocolError."""
        raise NotImplementedError

    def packet(self, said: Any, arrived_s: float) -> tuple[float | None, Packet] | None:
        """The pose of what was said and the sender's time, None where it says none; None: no pose.

        May raise ProtocolError too.
        """
        raise NotImplementedError

    def remarks(self) -> list[str]:
        """What else a crew should know."""
        return []

    @property
    def silence(self) -> str:
        """Why nothing comes; "" while something does."""
        return self.reception.silence

    @property
    def heard_ns(self) -> int:
        """When the newest good datagram came."""
        return self.reception.heard_ns

    def poll(self, now_s: float) -> list[Packet]:
        """The poses that are to be shown since the last poll."""
        reception = self.reception
        for datagram in reception.poll(now_s):
            arrived_s = datagram.arrived_ns * 1e-9
            try:
                said = self.decode(datagram.data)
                if not reception.may_follow(datagram):
                    continue
                if reception.silent_s > SILENT_S:
                    self.copies = Copies(unlike=True)
                    self.buffer.clear()
                made = self.packet(said, arrived_s)
            except ProtocolError as error:
                reception.damage(datagram, error)
                continue
            reception.follow(datagram)
            if made is None:
                continue
            if self.copies.has(datagram.data, arrived_s, self.buffer.clock.period_s):
                reception.repeated += 1
                continue
            self.buffer.add(made[0], arrived_s, made[1])
        reception.remarks = [*delays([self.buffer]), *self.remarks()]
        tick_s = reception.receiver.tick_ns * 1e-9
        return [packet.shown(time_s, tick_s) for time_s, packet, _ in self.buffer.take(tick_s)]

    @property
    def notice(self) -> str:
        """What a crew should know of it now."""
        return self.reception.notice

    @property
    def streams(self) -> list[Stream]:
        """Its body."""
        return [Stream(Kind.BODY, self, known=self.known)]

    def figures(self) -> dict[str, Any]:
        """The counts, for `stats`."""
        return {**self.reception.figures(), **timing([self.buffer])}

    def close(self) -> None:
        self.reception.close()
