"""Vicon as a source: rigid bodies by Tracker's object stream; with the SDK, subjects as bodies too.

Vicon's own stream is closed: whoever has its DataStream SDK names the server (`sdk=`) and hears
everybody; without it Tracker's UDP object stream brings props.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from msgspec import Meta

from understudy.bridge.protocols import ProtocolError, vicon
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Prop
from understudy.runtime.core.roles import missing, roles
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.core.typed import Table
from understudy.runtime.sources import interpolation, vicon_sdk
from understudy.runtime.sources.datagrams import (
    QUIET_S,
    SILENT_S,
    Datagram,
    Due,
    Receiver,
    Reception,
)
from understudy.runtime.sources.endpoint import Delay, Endpoint
from understudy.runtime.sources.jitter_buffer import JitterBuffer, delays, timing
from understudy.runtime.sources.packet import Packet
from understudy.runtime.sources.streams import Kind, Stream
from understudy.runtime.sources.tracked import TrackedObjects

PORT = vicon.PORT
KINDS = (Kind.BODY, Kind.PROP)
SAME_M = 1e-3


class Options(Table, frozen=True, kw_only=True):
    """What a Vicon source takes."""

    name: Annotated[str, Meta(description="the first body's name on stage")] = "vicon"
    sdk: Annotated[
        str,
        Meta(
            max_length=253,
            description="Vicon's machine, read by its DataStream SDK (Tracker's UDP object stream)",
        ),
    ] = ""
    subject: Annotated[str, Meta(description="the only subject heard, as Vicon calls it (all)")] = (
        ""
    )
    delay: Annotated[Delay, Meta(description=Delay.WORDS)] = Delay()


def library(endpoint: Endpoint) -> str:
    """Where it is read by the library of its maker; "" where by a port of ours."""
    server = endpoint.options.sdk
    return vicon_sdk.where(server) if server else ""


def connected(endpoint: Endpoint, heard: Any, due: Due) -> vicon_sdk.SdkPort:
    """That library, as a receiver."""
    return vicon_sdk.SdkPort(endpoint.options.sdk, heard, due)


@dataclass(slots=True)
class Moment:
    """Poses by subject and props of the same time."""

    packets: dict[str, Packet]
    props: list[Prop]


def _between(one: Moment, two: Moment, share: float) -> Moment:
    packets = {
        key: interpolation.packets(packet, two.packets[key], share)
        for key, packet in one.packets.items()
        if key in two.packets
    }
    return Moment(packets, interpolation.by_name(one.props, two.props, share))


class Subject:
    """One of Vicon's subjects: a body, or things of one segment or several."""

    def __init__(self, source: ViconSource, model: vicon.Model) -> None:
        self._source, self.label, self.key = source, model.subject, ""
        self.heard_s, self.heard_ns = float("-inf"), 0
        self.skeleton, self.is_body = PERFORMER, False
        self.fit(model)

    def fit(self, model: vicon.Model) -> None:
        """Takes its segments; ones that are as before leave the skeleton as it is."""
        count = len(model.names)
        at, turns = vicon.places(model.rest, count)
        if len(model.parents) != count or any(not -1 <= up < count for up in model.parents):
            raise ProtocolError(f"Vicon's subject {model.subject[:40]!r} has no tree of segments.")
        order = _parents_first(model.parents)
        names = tuple(model.names[n] for n in order)
        rest = at[order].copy()
        rest[0] = 0.0
        self.order, self.names = order, names
        old = self.skeleton
        same = old is not PERFORMER and old.names == names
        if same and np.abs(old.rest_positions[1:] - rest[1:]).max(initial=0.0) < SAME_M:
            return
        above = np.array([order.index(model.parents[n]) if i else -1 for i, n in enumerate(order)])
        try:
            made = Skeleton(names, above, rest, turns[order])
            rest[0, 1] = -float(made.rest_globals[0][:, 1].min())
            self.skeleton = Skeleton(names, above, rest, turns[order])
        except UnderstudyError as error:
            raise ProtocolError(f"Vicon's subject {model.subject[:40]!r}: {error}") from None
        self.is_body = not missing(roles(self.skeleton))

    @property
    def silence(self) -> str:
        """Why nothing comes of it; "" while something does."""
        if said := self._source.silence:
            return said
        if self._source.now_s - self.heard_s <= QUIET_S:
            return ""
        return f"Vicon sees no segment of {self.label}"

    def packet(self, pose: vicon.Pose, arrived_s: float) -> Packet | None:
        """Its pose; None where nothing of it is seen."""
        at, turns = vicon.places(pose.local, len(self.order))
        seen = np.frombuffer(pose.seen, np.uint8).astype(bool)
        if len(seen) != len(self.order) or not seen.any():
            return None
        seen = seen[self.order]
        return Packet(
            arrived_s, at[self.order], turns[self.order], None if seen.all() else seen, self.key
        )


class ViconSource:
    """What one Vicon system streams."""

    def __init__(self, endpoint: Endpoint, receiver: Receiver) -> None:
        options: Options = endpoint.options
        self.endpoint, self.name = endpoint, options.name or "vicon"
        self.reception = Reception(receiver)
        self.now_s = float("-inf")
        self.props: list[Prop] = []
        self.latency_s = 0.0
        self.unmodelled = self.elsewhere = 0
        self._options = options
        self._subjects: dict[str, Subject] = {}
        self._seen = TrackedObjects[Prop]()
        self._buffer = JitterBuffer[Moment](options.delay.seconds, _between)
        self._whole: tuple[int, dict[str, Prop]] = -1, {}  # of a frame in several datagrams
        self._unseen = 0
        self._nobody = _Nobody(self)

    @property
    def silence(self) -> str:
        """Why nothing comes; "" while something does."""
        said = self.reception.silence
        trouble = getattr(self.reception.receiver, "trouble", "")
        return f"{said}: {trouble}" if said and trouble else said

    def poll(self, now_s: float) -> list[Packet]:
        """The poses that are to be shown since the last poll."""
        self.now_s = now_s
        for datagram in self.reception.poll(now_s):
            try:
                said = vicon.decode(datagram.data)
                if not self.reception.may_follow(datagram):
                    continue
                if self.reception.silent_s > SILENT_S:
                    self._buffer.clear()
                self._hear(said, datagram)
            except ProtocolError as error:
                self.reception.damage(datagram, error)
                continue
            self.reception.follow(datagram)
        packets = []
        tick_s = self.reception.receiver.tick_ns * 1e-9
        for time_s, moment, newest in self._buffer.take(tick_s):
            packets += [packet.shown(time_s, tick_s) for packet in moment.packets.values()]
            for prop in moment.props if newest else ():
                self._seen.see(prop, now_s)
        self.props = self._seen.judged(now_s, self.silence)
        self.reception.remarks = delays([self._buffer])
        return packets

    def _hear(self, said: vicon.Objects | vicon.Model | vicon.Frame, datagram: Datagram) -> None:
        if isinstance(said, vicon.Objects):
            self._objects(said, datagram)
        elif isinstance(said, vicon.Model):
            self._model(said)
        else:
            self._frame(said, datagram)

    def _wanted(self, subject: str) -> bool:
        if self._options.subject in ("", subject):
            return True
        self.elsewhere += 1
        return False

    def _objects(self, said: vicon.Objects, datagram: Datagram) -> None:
        """Rigid bodies; of one frame in several datagrams all are shown together."""
        number, props = self._whole
        if number != said.number:
            props = {}
        for name, at, turn in zip(said.names, said.positions, said.rotations, strict=True):
            if self._wanted(name):
                props[name] = Prop(name, at, turn, capture_ns=datagram.arrived_ns)
        self._whole = said.number, props
        self._buffer.add(None, datagram.arrived_ns * 1e-9, Moment({}, list(props.values())))

    def _model(self, said: vicon.Model) -> None:
        if not self._wanted(said.subject):
            return
        one = self._subjects.get(said.subject)
        if one is not None:
            old = one.skeleton
            one.fit(said)
            if one.skeleton is not old:
                self._buffer.forget()
            return
        if len(self._subjects) >= vicon.MOST_SUBJECTS:
            raise ProtocolError(f"Vicon sends more than {vicon.MOST_SUBJECTS} subjects.")
        one = Subject(self, said)
        if one.is_body and any(other.is_body for other in self._subjects.values()):
            one.key = said.subject.replace("/", "-")
        self._subjects[said.subject] = one

    def _frame(self, said: vicon.Frame, datagram: Datagram) -> None:
        arrived_s = datagram.arrived_ns * 1e-9
        packets: dict[str, Packet] = {}
        props: list[Prop] = []
        self._unseen = 0
        for pose in said.poses:
            one = self._subjects.get(pose.subject)
            if one is None:
                self.unmodelled += self._options.subject in ("", pose.subject)
                continue
            packet = one.packet(pose, arrived_s)
            self._unseen += packet is None
            if packet is None:
                continue
            one.heard_s, one.heard_ns = self.now_s, datagram.arrived_ns
            if one.is_body:
                packets[pose.subject] = packet
            else:
                props += _things(one, packet, datagram.arrived_ns)
        self.latency_s = said.latency_s
        said_s = said.number / said.rate_hz if said.rate_hz > 1.0 else None
        self._buffer.add(said_s, arrived_s, Moment(packets, props))

    @property
    def notice(self) -> str:
        """What a crew should know of it now."""
        said = self.reception.notice
        trouble = getattr(self.reception.receiver, "trouble", "")
        return f"{said}: {trouble}" if trouble and self.reception.silence else said

    @property
    def streams(self) -> list[Stream]:
        """A body for each humanoid subject, a prop for each thing."""
        bodies = [one for one in self._subjects.values() if one.is_body]
        waits = self._options.sdk and not bodies
        return [
            *([Stream(Kind.BODY, self._nobody, known=False)] if waits else []),
            *(Stream(Kind.BODY, one, one.key) for one in bodies),
            *(Stream(Kind.PROP, prop, prop.name) for prop in self.props),
        ]

    @property
    def quality(self) -> str:
        """How well it tracks, in words; "" where nothing is known."""
        count = len(self._subjects)
        return f"{count - self._unseen} of {count} subjects seen" if count else ""

    def figures(self) -> dict[str, Any]:
        """The counts, for `stats`."""
        return {
            **self.reception.figures(),
            "notice": self.notice,
            "subjects": list(self._subjects),
            "before its model": self.unmodelled,
            "elsewhere": self.elsewhere,
            "latency_s": round(self.latency_s, 5),
            **timing([self._buffer]),
        }

    def close(self) -> None:
        self.reception.close()


class _Nobody:
    """A body before one has come."""

    skeleton, heard_ns = PERFORMER, 0

    def __init__(self, source: ViconSource) -> None:
        self._source = source

    @property
    def silence(self) -> str:
        return self._source.silence or "no subject of Vicon's is a body"


def _things(one: Subject, packet: Packet, arrived_ns: int) -> list[Prop]:
    """The segments of what is no body, each a prop: of one alone by the subject's name."""
    at, turns = one.skeleton.globals(packet.positions, packet.rotations)
    seen = np.ones(len(at), bool) if packet.seen is None else packet.seen
    return [
        Prop(
            one.label if len(at) == 1 else f"{one.label} {name}", at[n], turns[n],
            capture_ns=arrived_ns,
        )
        for n, name in enumerate(one.names)
        if seen[n]
    ]  # fmt: skip


def _parents_first(parents: list[int]) -> list[int]:
    """Rows of a tree with one root, each after its parent; as they are, where that is so."""
    if parents[0] < 0 and all(0 <= up < n for n, up in enumerate(parents[1:], 1)):
        return list(range(len(parents)))
    order = [n for n, up in enumerate(parents) if up < 0]
    for n in order:
        order += [child for child, up in enumerate(parents) if up == n]
    if len(order) != len(parents) or parents.count(-1) != 1:
        raise ProtocolError("A subject of Vicon has one root, and every segment its parent.")
    return order


SOURCE = ViconSource
