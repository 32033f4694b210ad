"""Xsens MVN as a source: bodies with their fingers and props, one for each character of a streamer.

The first character that MVN counts is the source's subject, each other has a stream of its own.
Where several kinds of poses come of one character, the one that says most is read.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from understudy.bridge.protocols import ProtocolError, mvn
from understudy.bridge.protocols.mvn_scale import Scale
from understudy.runtime.core.pose import Prop
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.core.typed import Table
from understudy.runtime.sources.datagrams import SILENT_S, Datagram, Receiver, Reception
from understudy.runtime.sources.endpoint import Delay, Endpoint, Tcp
from understudy.runtime.sources.jitter_buffer import delays, timing
from understudy.runtime.sources.packet import Packet
from understudy.runtime.sources.streams import Kind, Stream
from understudy.runtime.sources.tracked import TrackedObjects

from . import mvn_skeleton
from .mvn_character import RANK, Character, Moment

PORT = mvn.PORT
cut = mvn.cut  # of a stream over TCP
KINDS = (Kind.BODY, Kind.PROP)
MOST_CHARACTERS = 16
_UNITS: dict[str, float | None] = {"auto": None, "m": 1.0, "cm": 0.01}


class Options(Table, frozen=True, kw_only=True):
    """What an MVN source takes."""

    name: Annotated[str, Meta(description="the first character's name on stage")] = "mvn"
    character: Annotated[
        Annotated[int, Meta(ge=0, le=255)] | None,
        Meta(description="the only character heard, as MVN counts from 0 (all)"),
    ] = None
    unit: Annotated[
        Literal["auto", "m", "cm"],
        Meta(description="of positions; auto: by the size of the body"),
    ] = "auto"
    tcp: Annotated[Tcp, Meta(description=Tcp.WORDS)] = Tcp()
    delay: Annotated[Delay, Meta(description=Delay.WORDS)] = Delay()


class MvnSource:
    """A port on which one or several MVN send; each character keeps the sender it had first."""

    def __init__(self, endpoint: Endpoint, receiver: Receiver) -> None:
        options: Options = endpoint.options
        self.endpoint, self.name = endpoint, options.name or "mvn"
        self.reception = Reception(receiver)
        self.where = receiver.where
        self.delay_s = options.delay.seconds
        self.now_s = float("-inf")
        self.props: list[Prop] = []
        self.timecode = ""
        self.poses = self.unread = self.elsewhere = 0
        self._only, self._unit = options.character, _UNITS[options.unit]
        self._pieces = mvn.Assembler()
        self._seen = TrackedObjects[Prop]()
        self._posed_s = float("-inf")
        first = options.character or 0
        self._characters = {first: Character(self, first, "")}

    @property
    def skeleton(self) -> Skeleton:
        """The first character's."""
        return next(iter(self._characters.values())).skeleton

    @property
    def silence(self) -> str:
        return self.reception.silence

    def poll(self, now_s: float) -> list[Packet]:
        """The poses that are to be shown since the last poll."""
        self.now_s = now_s
        for datagram in self.reception.poll(now_s):
            try:
                self._hear(mvn.decode(datagram.data), datagram)
            except ProtocolError as error:
                self.reception.damage(datagram, error)
        packets = []
        tick_s = self.reception.receiver.tick_ns * 1e-9
        for one in self._characters.values():
            for time_s, moment, newest in one.buffer.take(tick_s):
                packets.append(moment.packet.shown(time_s, tick_s, one.key))
                for prop in moment.props if newest else ():
                    self._seen.see(prop, now_s)
        self.props = self._seen.judged(now_s, self.silence)
        self.reception.remarks = self._remarks()
        return packets

    def _hear(self, message: mvn.Message, datagram: Datagram) -> None:
        """Takes a message of who is followed for this character."""
        header, said = message.header, message.said
        number = header.character
        if self._only not in (None, number):
            self.elsewhere += 1
            return
        one = self._characters.get(number)
        if one is None:
            if len(self._characters) >= MOST_CHARACTERS:
                raise ProtocolError(f"MVN sends more than {MOST_CHARACTERS} characters.")
            one = Character(self, number, f"{self.name} {number + 1}")
        if not self.reception.may_follow(datagram, number):
            return
        if isinstance(said, mvn.Items) and header.kind in RANK:
            whole = self._pieces.feed(message)
            body = None if whole is None else self._body(one, *whole)
            if body is not None and one.takes(header.kind, self.now_s):
                self._characters[number] = one
                self._pose(one, header, body, datagram)
        elif isinstance(said, Scale):
            one.scale(said, self._unit)
            self._characters.setdefault(number, one)
        elif isinstance(said, dict):
            one.label = said.get("name", one.label)
        elif isinstance(said, str):
            self.timecode = said
        else:
            self.unread += 1
        self.reception.follow(datagram, number)

    def _body(self, one: Character, header: mvn.Header, items: mvn.Items) -> mvn.Body | None:
        """The pose of whole items; None of points of which nothing says where they lie."""
        if header.kind != mvn.POINTS:
            return mvn.body(header, items, self._unit)
        if one.kind in RANK and one.kind != mvn.POINTS and self.now_s - one.heard_s <= SILENT_S:
            return None  # better ones come too
        body = one.of_points(items, self._unit)
        self.unread += body is None
        return body

    def _pose(self, one: Character, header: mvn.Header, body: mvn.Body, datagram: Datagram) -> None:
        arrived_s = datagram.arrived_ns * 1e-9
        one.heard_s, one.heard_ns = self.now_s, datagram.arrived_ns
        self._posed_s, one.last = self.now_s, body
        self.poses += 1
        frame = (header.sample, body.rotations.tobytes(), body.positions.tobytes())
        if one.copies.has(frame, arrived_s, one.buffer.clock.period_s):
            self.reception.repeated += 1
            return
        one.fit(body)
        packet = Packet(arrived_s, *mvn_skeleton.pose(one.skeleton, body), key=one.key)
        prefix = f"{one.key} " if one.key else ""
        props = [
            Prop(f"{prefix}{name}", at, turn, capture_ns=datagram.arrived_ns)
            for name, at, turn in body.props
        ]
        # Before a recording, and in a playback that stands still, its clock does too.
        said_s = header.time_ms * 1e-3 if header.time_ms else None
        one.buffer.add(said_s, arrived_s, Moment(packet, props))

    def _remarks(self) -> list[str]:
        """What else a crew should know."""
        remarks = delays(one.buffer for one in self._characters.values())
        if self.silence:
            return remarks
        if self.now_s - self._posed_s > SILENT_S:
            points = " (points alone need Character Scale too)" if self.unread else ""
            remarks.append(
                "no segments come: tick Position + Orientation (Quaternion) in MVN's network "
                f"streamer{points}"
            )
        named = {one.number: one.label for one in self._characters.values() if one.label}
        remarks += [f"character {number} is {label}" for number, label in named.items()]
        if any(one.guessed for one in self._characters.values()):
            remarks.append(
                "no positions come: the offsets of its skeleton are guessed (stream Scale too)"
            )
        return remarks

    @property
    def notice(self) -> str:
        """What a crew should know of it now."""
        return self.reception.notice

    @property
    def streams(self) -> list[Stream]:
        """A body for each character; before one comes, the first."""
        there = list(self._characters.values())
        shown = [one for one in there if one.known] or there[:1]
        return [
            *(Stream(Kind.BODY, one, one.key, known=one.known) for one in shown),
            *(Stream(Kind.PROP, prop, prop.name) for prop in self.props),
        ]

    def figures(self) -> dict[str, Any]:
        """The counts, for `stats`."""
        return {
            **self.reception.figures(),
            "characters": [one.number for one in self._characters.values() if one.known],
            "poses": self.poses,
            "lost": self._pieces.lost,
            "elsewhere": self.elsewhere,
            "unread kinds": self.unread,
            "timecode": self.timecode,
            **timing(one.buffer for one in self._characters.values()),
        }

    def close(self) -> None:
        self.reception.close()


SOURCE = MvnSource
