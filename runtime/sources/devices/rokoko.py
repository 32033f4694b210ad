"""Rokoko Studio as a source: bodies with fingers, gloves alone, faces and props of one Studio."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from msgspec import Meta

from understudy.bridge.protocols import ProtocolError, rokoko, rokoko_reader
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER, roles
from understudy.runtime.core.pose import Prop
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.core.typed import Table
from understudy.runtime.sources import interpolation
from understudy.runtime.sources.copies import Copies
from understudy.runtime.sources.datagrams import QUIET_S, SILENT_S, Datagram, Receiver, Reception
from understudy.runtime.sources.endpoint import Delay, Endpoint
from understudy.runtime.sources.face import Face
from understudy.runtime.sources.jitter_buffer import JitterBuffer, delays, timing
from understudy.runtime.sources.packet import Packet
from understudy.runtime.sources.streams import Kind, Stream
from understudy.runtime.sources.tracked import TrackedObjects

PORT = rokoko.PORT
KINDS = (Kind.BODY, Kind.HANDS, Kind.FACE, Kind.PROP)
MOST_ACTORS = 16
# Offsets that differ by less are the same skeleton's; for so long by more, another's.
SAME_M, OTHER_M, OTHER_FRAMES = 1e-3, 0.02, 30
NOWHERE_M = 1e-4


class Options(Table, frozen=True, kw_only=True):
    """What a Rokoko source takes."""

    name: Annotated[str, Meta(description="the first actor's name on stage")] = "rokoko"
    actor: Annotated[str, Meta(description="the only actor heard, as Studio calls it (all)")] = ""
    delay: Annotated[Delay, Meta(description=Delay.WORDS)] = Delay()


Scene = tuple[dict[str, Packet], dict[str, dict[str, float]], list[Prop]]


def _between(one: Scene, two: Scene, share: float) -> Scene:
    return (
        {
            name: interpolation.packets(one[0].get(name, packet), packet, share)
            for name, packet in two[0].items()
        },
        {
            name: interpolation.curves(one[1].get(name, curves), curves, share)
            for name, curves in two[1].items()
        },
        interpolation.by_name(one[2], two[2], share),
    )


def _apart(one: Scene, two: Scene) -> float:
    """How far two scenes are apart: the sum of their bodies'."""
    if one[0].keys() != two[0].keys() or not one[0]:
        return float("inf")
    return sum(interpolation.apart(packet, two[0][name]) for name, packet in one[0].items())


class Actor:
    """What stands behind an actor's streams."""

    def __init__(self, source: RokokoSource, label: str, key: str) -> None:
        self._source, self.label, self.key = source, label, key
        self.skeleton: Skeleton = PERFORMER
        self.face = Face()
        self.bodily = self.gloved = self.faced = self.guessed = False
        self.heard_s, self.heard_ns = float("-inf"), 0
        self._off = 0
        self._rows: tuple[tuple[str, ...], Skeleton, Array] | None = None

    @property
    def known(self) -> bool:
        """Whether the skeleton is its own."""
        return self.skeleton is not PERFORMER

    @property
    def subject(self) -> str:
        """Who it is on stage."""
        return self.key or self._source.name

    @property
    def silence(self) -> str:
        """Why nothing comes of it; "" while something does."""
        if said := self._source.reception.silence:
            return said
        gone = self._source.now_s - self.heard_s > QUIET_S
        return f"actor {self.label!r} is not in what comes" if gone else ""

    def packet(self, said: rokoko_reader.Performer, arrived_s: float) -> Packet:
        """Its pose on its skeleton, which the first shows."""
        own = said.bones == self.skeleton.names or set(said.bones) <= set(self.skeleton.names)
        if not (self.known and own):
            self._fit(said)
        flat = _flat(said.positions)
        positions, rotations, seen = self._pose(said, flat)
        if not flat and self._is_another(said, positions):
            self._fit(said)
            positions, rotations, seen = self._pose(said, flat)
        return Packet(arrived_s, positions, rotations, None if seen.all() else seen, self.key)

    def _fit(self, said: rokoko_reader.Performer) -> None:
        self.skeleton, self.guessed = _skeleton(said)
        self._off = 0

    def _pose(self, said: rokoko_reader.Performer, flat: bool) -> tuple[Array, Array, Array]:
        """Positions (J, 3) and rotations (J, 4), local, and seen (J,); flat: without places."""
        body = self.skeleton
        if self._rows is None or self._rows[0] != said.bones or self._rows[1] is not body:
            self._rows = said.bones, body, np.array([body.index(bone) for bone in said.bones])
        rows = self._rows[2]
        world_p, world_r = body.rest_globals[0].copy(), rotation.identity(len(body))
        world_p[rows], world_r[rows] = said.positions, said.turns
        seen = np.zeros(len(body), bool)
        seen[rows] = (said.turns**2).sum(axis=-1) > 0.25
        for j in np.flatnonzero(~seen):
            if (up := body.parents[j]) >= 0:
                world_r[j] = world_r[up]
                world_p[j] = world_p[up] + rotation.rotate(world_r[up], body.rest_positions[j])
            else:
                world_r[j] = rotation.identity()
        positions, rotations = body.locals(world_p, world_r)
        if flat:
            positions[1:] = body.rest_positions[1:]
        return positions, rotations, seen

    def _is_another(self, said: rokoko_reader.Performer, positions: Array) -> bool:
        """Whether the offsets of a pose have been another body's for some time."""
        if said.bones != self.skeleton.names:
            return False
        apart = np.abs(positions[1:] - self.skeleton.rest_positions[1:]).max(initial=0.0)
        self._off = self._off + 1 if apart > OTHER_M else 0
        return self._off > OTHER_FRAMES


class RokokoSource:
    """One Studio: everybody that it streams."""

    def __init__(self, endpoint: Endpoint, receiver: Receiver) -> None:
        options: Options = endpoint.options
        self.endpoint, self.name = endpoint, options.name or "rokoko"
        self.reception = Reception(receiver)
        self.now_s = float("-inf")
        self.props: list[Prop] = []
        self.clamped = self.elsewhere = self.beyond = 0
        self._only = options.actor
        self._actors: dict[str, Actor] = {}
        self._nobody = Actor(self, options.actor, "")
        self._seen = TrackedObjects[Prop]()
        self._copies = Copies(unlike=True)
        self._buffer = JitterBuffer[Scene](options.delay.seconds, _between, _apart)

    @property
    def skeleton(self) -> Skeleton:
        """The first actor's."""
        return next(iter(self._actors.values()), self._nobody).skeleton

    @property
    def silence(self) -> str:
        return self.reception.silence

    def poll(self, now_s: float) -> list[Packet]:
        """The poses that are to be shown since the last poll."""
        self.now_s = now_s
        reception = self.reception
        for datagram in reception.poll(now_s):
            try:
                said = rokoko_reader.read(datagram.data)
            except ProtocolError as error:
                reception.damage(datagram, error)
                continue
            if not reception.may_follow(datagram):
                continue
            if reception.silent_s > SILENT_S:
                self._copies = Copies(unlike=True)
                self._buffer.clear()
            reception.follow(datagram)
            self._take(said, datagram)
        packets = []
        tick_s = reception.receiver.tick_ns * 1e-9
        for time_s, (bodies, faces, props), newest in self._buffer.take(tick_s):
            for packet in bodies.values():
                packets.append(packet.shown(time_s, tick_s))
            if newest:
                for name, curves in faces.items():
                    self._actors[name].face.take_named(curves, now_s)
                for prop in props:
                    self._seen.see(prop, now_s)
        for one in self._actors.values():
            one.face.advance(now_s)
        self.props = self._seen.judged(now_s, self.silence)
        reception.remarks = self._remarks()
        return packets

    def _take(self, said: rokoko_reader.Scene, datagram: Datagram) -> None:
        """A scene of who is followed."""
        arrived_s = datagram.arrived_ns * 1e-9
        if self._copies.has(datagram.data, arrived_s, self._buffer.clock.period_s):
            self.reception.repeated += 1
            return
        bodies: dict[str, Packet] = {}
        faces: dict[str, dict[str, float]] = {}
        for performer in said.performers:
            one = self._actor(performer.name)
            if one is None:
                continue
            one.heard_s, one.heard_ns = self.now_s, datagram.arrived_ns
            if performer.bones and (performer.has_body or performer.gloves):
                bodies[performer.name] = one.packet(performer, arrived_s)
                one.bodily |= performer.has_body
                one.gloved |= not performer.has_body
            if performer.face:
                faces[performer.name] = self._curves(performer.face)
                one.faced = True
        props = [
            Prop(thing.name, thing.position, thing.rotation, capture_ns=datagram.arrived_ns)
            for thing in said.props
        ]
        self._buffer.add(said.time_s, arrived_s, (bodies, faces, props))

    def _actor(self, name: str) -> Actor | None:
        if self._only and name != self._only:
            self.elsewhere += 1
            return None
        if name not in self._actors:
            if len(self._actors) >= MOST_ACTORS:
                self.beyond += 1
                return None
            key = (name.replace("/", "-") or "nobody") if self._actors else ""
            self._actors[name] = Actor(self, name, key)
        return self._actors[name]

    def _curves(self, said: dict[str, float]) -> dict[str, float]:
        beyond = [name for name, value in said.items() if not -1.0 <= value <= 1.0]
        self.clamped += len(beyond)
        return said | {name: min(max(said[name], -1.0), 1.0) for name in beyond}

    def _remarks(self) -> list[str]:
        remarks = delays([self._buffer], "bodies and faces are")
        if any(one.guessed for one in self._actors.values()):
            remarks.append("no positions of bones come: the offsets of its skeleton are guessed")
        if self.beyond:
            remarks.append(f"of its actors the first {MOST_ACTORS} are heard")
        return remarks

    @property
    def notice(self) -> str:
        """What a crew should know of it now."""
        return self.reception.notice

    @property
    def streams(self) -> list[Stream]:
        """A body, hands and a face for each actor, as they have them; before one comes, a body."""
        found: list[Stream] = []
        for one in self._actors.values():
            if one.bodily:
                found.append(Stream(Kind.BODY, one, one.key, known=one.known))
            elif one.gloved:
                found.append(Stream(Kind.HANDS, one, one.key, known=one.known))
            if one.faced:
                found.append(Stream(Kind.FACE, one.face, one.key, wearer=one.subject))
        if not self._actors:
            found.append(Stream(Kind.BODY, self._nobody, known=False))
        return found + [Stream(Kind.PROP, prop, prop.name) for prop in self.props]

    def figures(self) -> dict[str, Any]:
        """The counts, for `stats`."""
        return {
            **self.reception.figures(),
            "actors": list(self._actors),
            "elsewhere": self.elsewhere,
            "clamped": self.clamped,
            **timing([self._buffer]),
        }

    def close(self) -> None:
        self.reception.close()


def _flat(positions: Array) -> bool:
    """Whether places of bones were left out: all lie at one place."""
    return bool(np.ptp(positions, axis=0).max(initial=0.0) < NOWHERE_M)


def _skeleton(said: rokoko_reader.Performer) -> tuple[Skeleton, bool]:
    """The skeleton that a pose shows, and whether its offsets are our performer's."""
    names = said.bones if said.bones[0] == "hip" else ("hip", *said.bones)
    row = {name: i for i, name in enumerate(said.bones)}
    own = roles(PERFORMER)
    ours = {bone: PERFORMER.rest_globals[0][own[role]] for bone, (role, _) in rokoko.BONES.items()}
    guessed = _flat(said.positions) or names != said.bones
    parents = [-1]
    offsets: list[Array] = [np.zeros(3)]
    for name in names[1:]:
        above = rokoko_reader.PARENTS[name]
        while above not in names:
            above = rokoko_reader.PARENTS[above]
        parents.append(names.index(above))
        if not _flat(said.positions) and above in row:
            way = said.positions[row[name]] - said.positions[row[above]]
            offsets.append(rotation.rotate(rotation.conjugate(said.turns[row[above]]), way))
        elif name in ours and above in ours:
            offsets.append(ours[name] - ours[above])
        else:
            offsets.append(np.array([0.03 if name.startswith("left") else -0.03, 0.0, 0.0]))
    rest = np.array(offsets)
    made = Skeleton(names, np.array(parents), rest)
    low = float(made.rest_globals[0][:, 1].min())
    high = said.hip_height_m
    rest[0, 1] = high if 0.2 < high < 3.0 else max(0.02 - low, 0.2)
    tips = np.full((len(names), 3), np.nan)
    for bone in ("head", "leftToe", "rightToe"):
        if bone in names:
            tips[names.index(bone)] = PERFORMER.tips[own[rokoko.BONES[bone][0]]]
    given = {role: names.index(bone) for bone, (role, _) in rokoko.BONES.items() if bone in names}
    return Skeleton(names, np.array(parents), rest, tips=tips, given_roles=given), guessed


SOURCE = RokokoSource
