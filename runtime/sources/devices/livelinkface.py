"""Live Link Face as a source: 61 curves for a subject on stage, or a face that is one itself.

Head and eyes come as curves too. A body's head is its own mocap's; a face alone turns its head by
them, as the output (`runtime/outputs/livelinkface.py`) makes them.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np
from msgspec import Meta

from understudy.bridge.protocols import ProtocolError, livelinkface
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Camera, Prop
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.core.typed import Table
from understudy.runtime.sources.copies import Copies
from understudy.runtime.sources.datagrams import SILENT_S, Datagram, Receiver, Reception
from understudy.runtime.sources.endpoint import Address, Delay, Endpoint
from understudy.runtime.sources.face import Face
from understudy.runtime.sources.jitter_buffer import JitterBuffer, delays, timing
from understudy.runtime.sources.packet import Packet
from understudy.runtime.sources.streams import Kind, Stream

from .livelinkface_phone import Phone

PORT = livelinkface.PORT
KINDS = (Kind.FACE, Kind.BODY)
ALONE = "face"
_HEAD = [livelinkface.INDEX[f"head{turn}"] for turn in ("Yaw", "Pitch", "Roll")]


def _skeleton() -> Skeleton:
    """Neck and head where a standing performer has them."""
    neck, head = PERFORMER.index("Neck"), PERFORMER.index("Head")
    places = PERFORMER.rest_globals[0]
    return Skeleton(
        ("Neck", "Head"),
        np.array([-1, 0]),
        np.stack([places[neck], places[head] - places[neck]]),
        tips=np.stack([np.full(3, np.nan), PERFORMER.tips[head]]),
    )


NECK_AND_HEAD = _skeleton()


class Options(Table, frozen=True, kw_only=True):
    """What a Live Link Face source takes."""

    subject: Annotated[
        str,
        Meta(description="who wears the face (the first; where there is nobody, a subject itself)"),
    ] = ""
    name: Annotated[
        str,
        Meta(description="the only Live Link subject heard, as the phone is called (the first)"),
    ] = ""
    phone: Annotated[
        Address,
        Meta(description="is asked for its battery by OSC, which then answers here (nobody)"),
    ] = Address()
    delay: Annotated[Delay, Meta(description=Delay.WORDS)] = Delay()


class LiveLinkFaceSource:
    """One phone's face. Its packets move NECK_AND_HEAD, for a face that is alone on stage."""

    def __init__(self, endpoint: Endpoint, receiver: Receiver) -> None:
        self.endpoint = endpoint
        options: Options = endpoint.options
        self.subject = options.subject
        self.name = self.subject or ALONE
        self.skeleton = NECK_AND_HEAD
        self.reception = Reception(receiver)
        self.face = Face(livelinkface.CURVES)
        self.cameras: list[Camera] = []
        self.props: list[Prop] = []
        self.elsewhere = 0  # packets of subjects that are not asked for
        self.empty = 0  # packets in which the phone sees no face
        self.clamped = 0  # curves beyond what they can be
        self._only = options.name
        self._phone = Phone(options.phone.text) if options.phone.text else None
        self._first = ("", float("-inf"))  # who is heard where no name is given, and when last
        self._copies = Copies(unlike=True)
        self._buffer = JitterBuffer[Array](options.delay.seconds, _between)

    @property
    def silence(self) -> str:
        """Why nothing comes; "" while something does."""
        return self.reception.silence

    @property
    def heard_ns(self) -> int:
        """When its newest datagram came."""
        return self.reception.heard_ns

    def poll(self, now_s: float) -> list[Packet]:
        """Reads what came: curves into `face`, and the head's turns."""
        reception = self.reception
        for datagram in reception.poll(now_s):
            try:
                said = livelinkface.decode(datagram.data)
            except ProtocolError as error:
                reception.damage(datagram, error)
                continue
            if self._only and said.subject != self._only:
                self.elsewhere += 1
                continue
            if not reception.may_follow(datagram):
                continue
            # One program may send two phones: of those without a name the first counts.
            first, heard_s = self._first
            if now_s - heard_s > SILENT_S:
                self._begin()
            elif said.subject != first:
                self.elsewhere += 1
                continue
            self._first = said.subject, now_s
            reception.follow(datagram)
            self._take(said, datagram)
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
        if self._phone is not None:
            self._phone.poll(now_s)
        reception.remarks = delays([self._buffer])
        return packets

    @property
    def notice(self) -> str:
        """What a crew should know of it now."""
        return self.reception.notice

    @property
    def streams(self) -> list[Stream]:
        """What it has now."""
        return [
            Stream(Kind.FACE, self.face, wearer=self.subject),
            Stream(Kind.BODY, self, only_face=True),
        ]

    @property
    def quality(self) -> str:
        """The phone's battery, and how hot it is."""
        return self._phone.words if self._phone is not None else ""

    def _begin(self) -> None:
        """Another phone, or the same after a silence."""
        self._copies = Copies(unlike=True)
        self._buffer.clear()

    def _take(self, said: livelinkface.Face, datagram: Datagram) -> None:
        """A packet of who is followed."""
        if said.curves is None:
            self.empty += 1
            return
        arrived_s = datagram.arrived_ns * 1e-9
        if self._copies.has(datagram.data, arrived_s, self._buffer.clock.period_s):
            self.reception.repeated += 1
            return
        curves = np.clip(said.curves, -1.0, 1.0)
        self.clamped += int((curves != said.curves).sum())
        said_s = float((said.frame + said.subframe) / said.rate) if said.rate else None
        self._buffer.add(said_s, arrived_s, curves)

    def figures(self) -> dict[str, Any]:
        """The counts, for `stats`."""
        return {
            **self.reception.figures(),
            "elsewhere": self.elsewhere,
            "without a face": self.empty,
            "clamped": self.clamped,
            **timing([self._buffer]),
        }

    def close(self) -> None:
        self.reception.close()
        if self._phone is not None:
            self._phone.close()


def _between(one: Array, two: Array, share: float) -> Array:
    return (one + share * (two - one)).astype(np.float32)


def head_turn(curves: Array) -> Array:
    """The head's rotation (4,) of curves (61,): yaw, pitch, roll, each a part of half a turn."""
    # Senders measure more than they should at times; a turn is a turn.
    yaw, pitch, roll = (math.pi * float(np.clip(curves[i], -1.0, 1.0)) for i in _HEAD)
    return rotation.from_euler(np.array([yaw, pitch, roll]), "YXZ")


SOURCE = LiveLinkFaceSource
