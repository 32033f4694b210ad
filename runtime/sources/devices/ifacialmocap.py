"""iFacialMocap as a source: a phone's shapes, head and eyes, as Live Link Face's curves."""

from __future__ import annotations

import contextlib
import socket
from typing import Annotated, Any

import numpy as np
from msgspec import Meta

from understudy.bridge.protocols import ProtocolError, ifacialmocap, livelinkface
from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.typed import Table
from understudy.runtime.sources.copies import Copies
from understudy.runtime.sources.datagrams import SILENT_S, Datagram, Receiver, Reception
from understudy.runtime.sources.endpoint import Address, Delay, Endpoint, Tcp
from understudy.runtime.sources.face import Face
from understudy.runtime.sources.jitter_buffer import JitterBuffer, delays, timing
from understudy.runtime.sources.packet import Packet
from understudy.runtime.sources.streams import Kind, Stream

from .livelinkface import ALONE, NECK_AND_HEAD, head_turn

PORT = ifacialmocap.PORT
cut = ifacialmocap.cut  # of a stream over TCP
KINDS = (Kind.FACE, Kind.BODY)
# A phone that does not send is asked so often.
ASK_S = 1.0


class Options(Table, frozen=True, kw_only=True):
    """What such a source takes."""

    subject: Annotated[
        str,
        Meta(description="who wears the face (the first; where there is nobody, a subject itself)"),
    ] = ""
    phone: Annotated[
        Address, Meta(description="is asked to send, once a second while it is silent (nobody)")
    ] = Address()
    tcp: Annotated[Tcp, Meta(description=Tcp.WORDS)] = Tcp()
    delay: Annotated[Delay, Meta(description=Delay.WORDS)] = Delay()


# How a phone is asked: by UDP, for UDP and for TCP, and on which port for TCP.
_HELLOS = {
    "ifacialmocap": (ifacialmocap.HELLO, ifacialmocap.TCP_HELLO, PORT),
    "facemotion3d": (
        ifacialmocap.FACEMOTION3D_HELLO,
        ifacialmocap.FACEMOTION3D_TCP_HELLO,
        ifacialmocap.FACEMOTION3D_PORT,
    ),
}


def usual_port(options: Options) -> int | None:
    """The port where a user names none; None: `PORT`."""
    return ifacialmocap.TCP_PORT if options.tcp.text else None


class TextFaceSource:
    """One phone's face. Its packets move NECK_AND_HEAD, for a face that is alone on stage."""

    def __init__(self, endpoint: Endpoint, receiver: Receiver) -> None:
        options: Options = endpoint.options
        self.endpoint, self.subject = endpoint, options.subject
        self.name = options.subject or ALONE
        self.skeleton = NECK_AND_HEAD
        self.reception = Reception(receiver)
        self.face = Face(livelinkface.CURVES)
        self.clamped = self.unknown = self.asked = 0
        self._copies = Copies()
        self._buffer = JitterBuffer[Array](options.delay.seconds, _between)
        self._asked_s = float("-inf")
        by_udp, by_tcp, port = _HELLOS[endpoint.scheme]
        self._hello, port = (by_tcp, port) if options.tcp.text else (by_udp, endpoint.port)
        self._to = (options.phone.text, port) if options.phone.text else None
        self._socket: socket.socket | None = None
        if self._to is not None:
            family = socket.AF_INET6 if ":" in self._to[0] else socket.AF_INET
            self._socket = socket.socket(family, socket.SOCK_DGRAM)
            self._socket.setblocking(False)

    @property
    def silence(self) -> str:
        return self.reception.silence

    @property
    def heard_ns(self) -> int:
        return self.reception.heard_ns

    def poll(self, now_s: float) -> list[Packet]:
        """Reads what came: curves into `face`, and the head's turns."""
        reception = self.reception
        for datagram in reception.poll(now_s):
            try:
                said = ifacialmocap.decode(datagram.data)
            except ProtocolError as error:
                reception.damage(datagram, error)
                continue
            if not reception.may_follow(datagram):
                continue
            if reception.silent_s > SILENT_S:
                self._copies = Copies()
                self._buffer.clear()
            reception.follow(datagram)
            self._take(said, datagram)
        self._ask(now_s)
        packets = []
        tick_s = reception.receiver.tick_ns * 1e-9
        for time_s, curves, newest in self._buffer.take(tick_s):
            if newest:
                self.face.take(curves, now_s)
            rotations = rotation.identity(2)
            rotations[1] = head_turn(curves)
            positions = NECK_AND_HEAD.rest_positions.copy()
            packets.append(Packet(time_s, positions, rotations, tick_s=tick_s))
        self.face.advance(now_s)
        reception.remarks = delays([self._buffer])
        return packets

    def _take(self, said: ifacialmocap.Face, datagram: Datagram) -> None:
        arrived_s = datagram.arrived_ns * 1e-9
        if self._copies.has(datagram.data, arrived_s, self._buffer.clock.period_s):
            self.reception.repeated += 1
            return
        curves = np.clip(said.curves, -1.0, 1.0)
        self.clamped += int((curves != said.curves).sum())
        self.unknown += said.unknown
        self._buffer.add(None, arrived_s, curves)

    def _ask(self, now_s: float) -> None:
        """Asks a phone that is silent to send."""
        if self._socket is None or self._to is None or self.reception.silent_s <= ASK_S:
            return
        if now_s - self._asked_s < ASK_S:
            return
        self._asked_s = now_s
        with contextlib.suppress(OSError):  # no way to it now: asked again in a second
            self._socket.sendto(self._hello, self._to)
            self.asked += 1

    @property
    def notice(self) -> str:
        """What a crew should know of it now."""
        said = self.reception.notice
        if not self.reception.heard_ns:
            ask = f"asks {self._to[0]}" if self._to else "phone=ADDRESS asks a phone to send"
            return f"{said}; {ask}"
        return said

    @property
    def streams(self) -> list[Stream]:
        """What it has now."""
        return [
            Stream(Kind.FACE, self.face, wearer=self.subject),
            Stream(Kind.BODY, self, only_face=True),
        ]

    def figures(self) -> dict[str, Any]:
        """The counts, for `stats`."""
        return {
            **self.reception.figures(),
            "asked": self.asked,
            "unknown curves": self.unknown,
            "clamped": self.clamped,
            **timing([self._buffer]),
        }

    def close(self) -> None:
        self.reception.close()
        if self._socket is not None:
            self._socket.close()


def _between(one: Array, two: Array, share: float) -> Array:
    return (one + share * (two - one)).astype(np.float32)


SOURCE = TextFaceSource
