"""Landmarks as a source: 33 points of anybody's own tracker move our performer's body."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from msgspec import Meta

from understudy.bridge.protocols import ProtocolError, landmarks
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.core.typed import Table
from understudy.runtime.sources import interpolation
from understudy.runtime.sources.copies import Copies
from understudy.runtime.sources.datagrams import SILENT_S, Receiver, Reception
from understudy.runtime.sources.endpoint import Delay, Endpoint
from understudy.runtime.sources.jitter_buffer import JitterBuffer, delay_now_s, delays
from understudy.runtime.sources.packet import Packet
from understudy.runtime.sources.streams import Kind, Stream

from . import landmarks_body

PORT = landmarks.PORT
KINDS = (Kind.BODY,)


class Options(Table, frozen=True, kw_only=True):
    """What a source of landmarks takes."""

    name: Annotated[str, Meta(description="the subject's name on stage")] = "landmarks"
    travels: Annotated[
        bool, Meta(description="the middle of the hips is where the body is, not the origin")
    ] = False
    delay: Annotated[Delay, Meta(description=Delay.WORDS)] = Delay()


class LandmarksSource:
    """One body; of several senders on a port the first is followed."""

    def __init__(self, endpoint: Endpoint, receiver: Receiver) -> None:
        options: Options = endpoint.options
        self.endpoint, self.name = endpoint, options.name or "landmarks"
        self.reception = Reception(receiver)
        self.skeleton: Skeleton = PERFORMER
        self._travels, self._known = options.travels, False
        self._copies = Copies(unlike=True)
        self._buffer = JitterBuffer[Packet](
            options.delay.seconds, interpolation.packets, interpolation.apart
        )

    @property
    def silence(self) -> str:
        return self.reception.silence

    @property
    def heard_ns(self) -> int:
        return self.reception.heard_ns

    def poll(self, now_s: float) -> list[Packet]:
        """The poses that are to be shown since the last poll."""
        reception = self.reception
        for datagram in reception.poll(now_s):
            try:
                said = landmarks.decode(datagram.data)
            except ProtocolError as error:
                reception.damage(datagram, error)
                continue
            if not reception.may_follow(datagram):
                continue
            if reception.silent_s > SILENT_S:
                self._copies = Copies(unlike=True)
                self._buffer.clear()
            reception.follow(datagram)
            arrived_s = datagram.arrived_ns * 1e-9
            if self._copies.has(datagram.data, arrived_s, self._buffer.clock.period_s):
                reception.repeated += 1
                continue
            at, turns, seen = landmarks_body.pose(said.points, said.visible, self._travels)
            if not seen.any():
                continue
            self._known = True
            packet = Packet(arrived_s, at, turns, None if seen.all() else seen)
            self._buffer.add(said.time_s, arrived_s, packet)
        reception.remarks = delays([self._buffer])
        tick_s = reception.receiver.tick_ns * 1e-9
        return [
            replace(packet, capture_s=time_s, tick_s=tick_s)
            for time_s, packet, _ in self._buffer.take(tick_s)
        ]

    @property
    def notice(self) -> str:
        """What a crew should know of it now."""
        return self.reception.notice

    @property
    def streams(self) -> list[Stream]:
        """Its body."""
        return [Stream(Kind.BODY, self, known=self._known)]

    def figures(self) -> dict[str, Any]:
        """The counts, for `stats`."""
        return {**self.reception.figures(), "delay_s": delay_now_s([self._buffer])}

    def close(self) -> None:
        self.reception.close()


SOURCE = LandmarksSource
