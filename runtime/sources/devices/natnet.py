"""OptiTrack Motive by NatNet as a source: a body for each skeleton, a prop for each rigid body.

In unicast it asks Motive to stream here, and again while nothing comes; in multicast it asks
whoever is heard what the numbers in its frames are called.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from msgspec import Meta

from understudy.bridge.protocols import ProtocolError, natnet
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Prop
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.core.typed import Table
from understudy.runtime.sources import interpolation
from understudy.runtime.sources.copies import Copies
from understudy.runtime.sources.datagrams import QUIET_S, SILENT_S, Datagram, Receiver, Reception
from understudy.runtime.sources.endpoint import Address, Delay, Endpoint
from understudy.runtime.sources.jitter_buffer import JitterBuffer, delays, timing
from understudy.runtime.sources.packet import Packet
from understudy.runtime.sources.streams import Kind, Stream
from understudy.runtime.sources.tracked import TrackedObjects

from .natnet_skeleton import Figure, upright

PORT = natnet.PORT
KINDS = (Kind.BODY, Kind.PROP)
MULTICAST = "multicast"
MOST_BODIES = 16
# Motive forgets who is silent for some seconds; models are asked for again, since they may change
# while nobody listens.
ASK_S, MODELS_S = 1.0, 5.0
SAME_M = 1e-3


class Options(Table, frozen=True, kw_only=True):
    """What a NatNet source takes."""

    name: Annotated[str, Meta(description="the first skeleton's name on stage")] = "motive"
    server: Annotated[
        Address,
        Meta(description="Motive's machine, which is asked to stream here (whoever is heard)"),
    ] = Address()
    skeleton: Annotated[str, Meta(description="the only skeleton heard, by its name (all)")] = ""
    up: Annotated[Literal["y", "z"], Meta(description="Motive's setting Up Axis")] = "y"
    group: Annotated[
        Address, Meta(description="multicast group, where it is another than Motive's own")
    ] = Address(natnet.GROUP)
    interface: Annotated[
        str,
        Meta(
            description="address of the network card that multicast comes by (the system's choice)"
        ),
    ] = ""
    commands: Annotated[int, Meta(ge=1, le=65535, description="Motive's port for commands")] = (
        natnet.COMMANDS
    )
    delay: Annotated[Delay, Meta(description=Delay.WORDS)] = Delay()


def multicast(endpoint: Endpoint) -> tuple[str, str]:
    """The multicast group that a line asks for and the card that takes it; "" for unicast."""
    if endpoint.host != MULTICAST:
        return "", ""
    return endpoint.options.group.text, endpoint.options.interface


@dataclass(slots=True)
class Moment:
    """Poses by key and props of the same time."""

    packets: dict[str, Packet]
    props: list[Prop]


def _between(one: Moment, two: Moment, share: float) -> Moment:
    packets = {
        key: interpolation.packets(packet, two.packets[key], share)
        for key, packet in one.packets.items()
        if key in two.packets
    }
    return Moment(packets, interpolation.by_name(one.props, two.props, share))


def _apart(one: Moment, two: Moment) -> float:
    if one.packets.keys() != two.packets.keys():
        return math.inf
    places = {prop.name: prop.position for prop in one.props}
    ways = [p.position - places[p.name] for p in two.props if p.name in places]
    turned = [interpolation.apart(p, two.packets[key]) for key, p in one.packets.items()]
    return sum(turned) + sum(math.sqrt(float(way @ way)) for way in ways)


def _unnamed(number: int) -> str:
    return f"rigid body {number}"


class Actor:
    """One of Motive's skeletons: what stands behind its stream of a body."""

    def __init__(self, source: NatNetSource, key: str, figure: Figure | None = None) -> None:
        self._source, self.key, self.figure = source, key, figure
        self.heard_s, self.heard_ns = float("-inf"), 0

    @property
    def skeleton(self) -> Skeleton:
        """Its own, once Motive has said it."""
        return PERFORMER if self.figure is None else self.figure.skeleton

    @property
    def silence(self) -> str:
        """Why nothing comes of it; "" while something does."""
        if said := self._source.reception.silence:
            return said
        if self._source.now_s - self.heard_s <= QUIET_S:
            return ""
        name = self.figure.model.name if self.figure else "the skeleton"
        return f"Motive sends no bone of {name} that it tracks"


class NatNetSource:
    """What one Motive streams."""

    def __init__(self, endpoint: Endpoint, receiver: Receiver) -> None:
        options: Options = endpoint.options
        self.endpoint, self.name = endpoint, options.name or "motive"
        self.reception = Reception(receiver)
        self.now_s = float("-inf")
        self.props: list[Prop] = []
        self.server: natnet.Server | None = None
        self.version: natnet.Version | None = None
        self.unnamed = self.asked = 0
        self.latency_s = 0.0  # from the middle of the exposure to the wire, as Motive stamps it
        self.recording = False
        self._options, self._multicast = options, endpoint.host == MULTICAST
        self._z_up = options.up == "z"
        self._actors: dict[int, Actor] = {}
        self._names: dict[int, str] = {}
        self._seen = TrackedObjects[Prop]()
        self._copies = Copies(unlike=True)
        self._buffer = JitterBuffer[Moment](options.delay.seconds, _between, _apart)
        self._asked_s = self._models_s = self._answered_s = float("-inf")
        self._wants = False
        self._tracked: list[Array] = []  # of the newest frame, which of its things are

    @property
    def silence(self) -> str:
        return self.reception.silence

    def poll(self, now_s: float) -> list[Packet]:
        """The poses that are to be shown since the last poll."""
        self.now_s = now_s
        for datagram in self.reception.poll(now_s):
            try:
                self._hear(datagram)
            except ProtocolError as error:
                self.reception.damage(datagram, error)
        self._ask()
        packets = []
        tick_s = self.reception.receiver.tick_ns * 1e-9
        for time_s, moment, newest in self._buffer.take(tick_s):
            packets += [packet.shown(time_s, tick_s) for packet in moment.packets.values()]
            for prop in moment.props if newest else ():
                self._seen.see(prop, now_s)
        self.props = self._seen.judged(now_s, self.silence)
        self.reception.remarks = self._remarks()
        return packets

    def _hear(self, datagram: Datagram) -> None:
        kind, content = natnet.split(datagram.data)
        if kind == natnet.FRAME:
            said, version = natnet.fitting(natnet.frame, content, self.version)
            if self.reception.may_follow(datagram):
                self.version = version
                self._frame(said, datagram)
            return
        if self._to()[0] not in ("", datagram.peer[0]):
            return
        if kind == natnet.SERVER_INFO:
            self.server = natnet.server(content)
            self._answered_s = self.now_s
            self.version = self.version or min(self.server.stream, natnet.NEWEST)
            if self.server.stream > natnet.NEWEST and not self._multicast:
                self._send(natnet.request("Bitstream,{}.{}".format(*natnet.NEWEST)))
        elif kind == natnet.MODELS:
            models, _ = natnet.fitting(natnet.models, content, self.version)
            self._wants = False
            for model in models:
                self._model(model)

    def _model(self, model: natnet.Model) -> None:
        if model.kind == natnet.RIGID_BODY:
            label, old = model.name or _unnamed(model.id), self._label(model.id)
            if label != old:
                self._seen.forget(old)
                self._names[model.id] = label
            return
        only = self._options.skeleton
        if not model.bones or (only and only != model.name):
            return
        figure = Figure(model, self._z_up)
        actor = self._actors.get(model.id)
        if actor is None:
            if len(self._actors) >= MOST_BODIES:
                return
            actor = self._actors[model.id] = Actor(self, self._key(model))
        worn = actor.skeleton
        rest = figure.skeleton.rest_positions
        if worn.names == figure.skeleton.names and abs(worn.rest_positions - rest).max() < SAME_M:
            return
        actor.figure = figure
        self._buffer.forget()

    def _key(self, model: natnet.Model) -> str:
        taken = {actor.key for actor in self._actors.values()}
        if not taken:
            return ""
        return model.name if model.name not in taken else f"{model.name} {model.id}"

    def _frame(self, said: natnet.Frame, datagram: Datagram) -> None:
        reception, arrived_s = self.reception, datagram.arrived_ns * 1e-9
        if reception.silent_s > SILENT_S:
            self._copies = Copies(unlike=True)
            self._buffer.clear()
        reception.follow(datagram)
        self._wants |= said.changed
        self.recording = said.recording
        if self._copies.has(datagram.data, arrived_s, self._buffer.clock.period_s):
            reception.repeated += 1
            return
        packets = {}
        for number, bones in said.skeletons:
            actor = self._actors.get(number)
            if actor is None or actor.figure is None:
                if not self._options.skeleton:
                    self.unnamed += 1
                    self._wants = True
                continue
            if (pose := actor.figure.pose(bones)) is not None:
                actor.heard_s, actor.heard_ns = self.now_s, datagram.arrived_ns
                packets[actor.key] = Packet(arrived_s, *pose, key=actor.key)
        props = []
        at, turns = upright(said.bodies.positions, said.bodies.rotations, self._z_up)
        for i, one in enumerate(said.bodies.ids):
            self._wants |= int(one) not in self._names
            if said.bodies.valid[i]:
                label = self._label(int(one))
                props.append(Prop(label, at[i], turns[i], capture_ns=datagram.arrived_ns))
        self._buffer.add(self._time_s(said), arrived_s, Moment(packets, props))
        self._tracked = [said.bodies.valid, *(bones.valid for _, bones in said.skeletons)]

    def _label(self, number: int) -> str:
        return self._names.get(number) or _unnamed(number)

    def _time_s(self, said: natnet.Frame) -> float | None:
        """When it was exposed, on Motive's clock."""
        clock_hz = self.server.clock_hz if self.server is not None else 0
        if not clock_hz or not said.exposed:
            return said.time_s or None
        if said.sent >= said.exposed:
            self.latency_s = (said.sent - said.exposed) / clock_hz
        return said.exposed / clock_hz

    def _to(self) -> tuple[str, int]:
        """Who is asked: who was named, or who is heard; "" before."""
        followed = self.reception.sender()
        host = self._options.server.text or (followed[0] if followed else "")
        return host, self._options.commands

    def _send(self, data: bytes) -> None:
        if (to := self._to())[0]:
            self.reception.receiver.send(data, to)
            self.asked += 1

    def _ask(self) -> None:
        """Says once a second that somebody listens, and asks for names where some lack."""
        if self.now_s - self._asked_s < ASK_S or not self._to()[0]:
            return
        self._asked_s = self.now_s
        if self.server is None or self.reception.silent_s > SILENT_S:
            self._send(natnet.connect())
        elif not self._multicast:
            self._send(natnet.message(natnet.KEEP_ALIVE))
        if self._wants or self.now_s - self._models_s >= MODELS_S:
            self._models_s = self.now_s
            self._send(natnet.message(natnet.ASK_MODELS))

    def _remarks(self) -> list[str]:
        """What else a crew should know."""
        remarks = delays([self._buffer])
        if self.silence:
            return remarks
        if self.unnamed and not self._actors:
            remarks.append(
                f"Motive has not said what its skeletons are: it is asked on udp "
                f"{self._options.commands} of {self._to()[0]} and does not answer"
            )
        if any(one.figure is not None and one.figure.lies for one in self._actors.values()):
            remarks.append("its skeletons lie on their backs: Motive's Up Axis is Z, so say up=z")
        return remarks

    @property
    def notice(self) -> str:
        """What a crew should know of it now."""
        said = self.reception.notice
        if not self.silence:
            return said
        host = self._options.server.text
        if self._multicast:
            here = self._options.group.text
            if self.server and self.server.group == "":
                return (
                    f"{said}; Motive's Transmission Type is Unicast: take natnet://?server={host}"
                )
            if self.server and self.server.group not in (None, here):
                return f"{said}; Motive streams to group={self.server.group}, not to {here}"
            return (
                f"{said}; is Motive's Transmission Type Multicast, and interface= the right card?"
            )
        if not host:
            return f"{said}; server=ADDRESS asks Motive to stream here"
        if self.now_s - self._answered_s > 3 * ASK_S:
            return (
                f"{said}; Motive at {host} does not answer on udp {self._options.commands}: is its "
                "streaming on, by the card of that address?"
            )
        if self.server and self.server.group:
            return f"{said}; Motive's Transmission Type is Multicast: take natnet://multicast"
        return f"{said}; Motive at {host} answers and sends no frames"

    @property
    def streams(self) -> list[Stream]:
        """A body for each skeleton; before one is known, the first."""
        bodies: list[Actor] = list(self._actors.values()) or [Actor(self, "")]
        return [
            *(Stream(Kind.BODY, one, one.key, known=one.figure is not None) for one in bodies),
            *(Stream(Kind.PROP, prop, prop.name) for prop in self.props),
        ]

    @property
    def quality(self) -> str:
        """How well Motive tracks, in words; "" before a frame."""
        count = sum(map(len, self._tracked))
        good = sum(int(valid.sum()) for valid in self._tracked)
        return f"{good} of {count} bones and rigid bodies tracked" if count else ""

    def figures(self) -> dict[str, Any]:
        """The counts, for `stats`."""
        version = self.version or (0, 0)
        return {
            **self.reception.figures(),
            "server": self.server.name if self.server else "",
            "version": "{}.{}".format(*version),
            "skeletons": [one.figure.model.name for one in self._actors.values() if one.figure],
            "before its skeleton": self.unnamed,
            "asked": self.asked,
            "recording there": self.recording,
            "latency_s": round(self.latency_s, 5),
            **timing([self._buffer]),
        }

    def close(self) -> None:
        if not self._multicast:
            self._send(natnet.message(natnet.DISCONNECT))
        self.reception.close()


SOURCE = NatNetSource
