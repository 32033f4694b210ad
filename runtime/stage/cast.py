"""The cast: the sources that are open, who is on stage, and their poses at this tick."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from understudy.bridge.requests import Go, OrderProp
from understudy.runtime.core import floor as floors
from understudy.runtime.core.buttons import ACTIONS, named
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.event import ORDER, Event
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Sight, Subject
from understudy.runtime.core.silence import Then
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.performer.control.goals import Goal
from understudy.runtime.sources import registry
from understudy.runtime.sources.controls.style import Style, checked
from understudy.runtime.sources.packet import Packet
from understudy.runtime.sources.registry import Named
from understudy.runtime.sources.streams import Kind, Source, Stream

from . import casting
from .acting import Acting, Actor, oldest_ns
from .dressing import Costume, dressed
from .figures import Figures
from .inputs import LiveInputs
from .inputs import Source as Inputs
from .live import Live, Seat
from .member import Address, Member, address
from .scenery import Scenery
from .session import Session, SubjectTable, check_subject
from .sights import Sights, look

# Seats for those who come while the stage runs; one that is empty costs a tick some microseconds.
SPARE = 4
NOBODY = (
    "Nobody on this stage is on a pad, so nobody can be given a {}: add --pad FILE, --gamepad or "
    "--remote."
)


class Cast:
    """Sources by their ids, subjects in the order in which receivers see them."""

    def __init__(self, session: Session, inputs: Inputs | None = None) -> None:
        """inputs: where they come from; from sockets and pads, where nothing is said."""
        loop = session.stage
        self.inputs: Inputs = inputs or LiveInputs()
        self.session, self.capture_ns = session, 0
        self.sources: dict[str, Source] = {}
        self.named: dict[str, Named] = {}
        self.members: list[Member] = []
        self.notes: list[str] = []
        self._time_s = 0.0
        self._notices: dict[str, str] = {}
        self.streams: dict[Address, Stream] = {}
        self.ports = self.inputs.ports
        ground = floors.read(Path(loop.floor)) if loop.floor else None
        self.live = Live(loop.stop_after_s, _path(loop.takeover_weights), loop.then, ground)
        self.live.ready = self.inputs.ready
        self.acting = Acting(_path(loop.weights), ground, loop.crowd)
        self.scenery = Scenery()
        self.characters = Figures()
        self.sights = Sights(self.members, self.scenery)
        try:
            named = registry.identify(session.source)
            # Ports first, as with the stage's own.
            opened = registry.open_all([one.endpoint for one in named], self.ports)
            claimed = {source for table in session.subject for source in table.sources}
            for one, source in zip(named, opened, strict=True):
                auto = one.id not in claimed if one.auto is None else one.auto
                self.join(replace(one, auto=auto), source)
            if not named:
                raise UnderstudyError(
                    "The stage is empty: give it a source with --pad FILE, --bvh FILE, --gamepad, "
                    "--from URL or --session FILE."
                )
            self.find_streams()
            tables = [*session.subject, *self.unclaimed()]
            for table in tables:
                check_subject(table, set(self.sources))
            self.admit(self.seated(casting.copied(tables, loop.copies, self.streams), SPARE))
            self.style("", checked(loop.style, "style"))
        except BaseException:
            self.close()
            raise

    # Who comes and goes.

    def join(self, named: Named, source: Source) -> None:
        """A source is read from the next tick on."""
        self.sources[named.id], self.named[named.id] = source, named
        if hasattr(source, "id"):
            source.id = named.id
        self.notes += [f"{named.id}: {note}" for note in getattr(source, "notes", ())]

    def leave(self, source: str) -> None:
        """A source goes, and who was made of nothing else."""
        for member in list(self.members):
            if source in member.table.sources:
                table = member.without(source)
                if table is None:
                    self.dismiss(member)
                else:
                    member.assemble(table)
        self.named.pop(source)
        self.sources.pop(source).close()
        self._notices.pop(source, None)

    def unclaimed(self) -> list[SubjectTable]:
        """Subjects that sources bring by themselves, and that nobody on stage is made of."""
        made = [member.table for member in self.members] or self.session.subject
        return casting.unclaimed(
            made, self.sources, self.named, self.streams, self.session.stage.copies
        )

    def seated(self, tables: Sequence[SubjectTable], spare: int = 0) -> list[Member]:
        """Members with seats and actors, not on stage yet; may be done beside the loop."""
        acted = [t for t in tables if t.control]
        actors = iter(self.acting.actors(len(acted)) if acted else [])
        skeletons = {id(t): self._skeleton(t) for t in tables}
        seats: dict[int, Seat] = {}
        for takeover in (True, False):
            moved = [t for t in tables if not t.control and self._acts(t) is takeover]
            if moved:
                own = self.live.seats([skeletons[id(t)] for t in moved], takeover, spare)
                seats.update(zip(map(id, moved), own, strict=True))
        members: list[Member] = []
        for table in tables:
            moved_by = next(actors) if table.control else seats[id(table)]
            skeleton = skeletons[id(table)]
            members.append(Member(table, skeleton, moved_by, self.costume(table, skeleton)))
        return members

    def costume(self, table: SubjectTable, skeleton: Skeleton) -> Costume | None:
        """The character of a table, which takes long to read; None where it has none."""
        table.character = self.session.character(table)
        if not table.character:
            return None
        return self.worn(table.character, skeleton, bool(table.control))

    def worn(self, character: str, skeleton: Skeleton, acted: bool) -> Costume:
        """A character of a file or a profile, fitted to a skeleton."""
        return Costume(self.characters.load(character), skeleton, sure=acted)

    def _acts(self, table: SubjectTable) -> bool:
        part = table.part("body")
        stream = self.streams.get((Kind.BODY, *part.address)) if part is not None else None
        solved = stream is not None and stream.solved and part is not None and part.plain
        return table.takeover and self.session.stage.takeover and not solved

    def _skeleton(self, table: SubjectTable) -> Any:
        """On which skeleton it begins."""
        for kind, said in casting.addresses(table):
            stream = self.streams.get(address(kind, said))
            if kind is Kind.FACE and not table.body and not table.control:
                stream = self.streams.get(address(Kind.BODY, said))
                kind = Kind.BODY
            if kind is Kind.BODY and stream is not None:
                return stream.of.skeleton
        return PERFORMER

    def admit(self, members: Sequence[Member]) -> None:
        """They are on stage from this tick on."""
        self.acting.admit([m.actor for m in members if m.actor is not None])
        self.live.admit([m.seat for m in members if m.seat is not None])
        self.members += members
        for member in members:
            member.find(self.streams)

    def dismiss(self, member: Member) -> None:
        """One goes."""
        self.members.remove(member)
        if member.actor is not None:
            self.acting.leave(member.actor)
        if member.seat is not None:
            self.live.leave(member.seat)

    def member(self, name: str) -> Member:
        """The subject of that name."""
        for member in self.members:
            if member.table.name == name:
                return member
        there = ", ".join(m.table.name for m in self.members) or "nobody"
        raise UnderstudyError(f"No subject is called {name!r}; on stage: {there}.")

    # The tick.

    def find_streams(self) -> None:
        """Which streams there are now; subjects look theirs up where others have come or gone."""
        before, self.streams = self.streams, {}
        for name, source in self.sources.items():
            for stream in source.streams:
                self.streams[stream.kind, name, stream.key] = stream
        if _moving(before) != _moving(self.streams):
            for member in self.members:
                member.find(self.streams)

    def sense(self, time_s: float) -> None:
        """Reads every source once, however many subjects hang on it."""
        self._time_s = time_s
        now_ns = time.monotonic_ns()
        packets: dict[tuple[str, str], list[Packet]] = {}
        for name, source in self.sources.items():
            for packet in source.poll(time_s):
                packets.setdefault((name, packet.key), []).append(packet)
        self.find_streams()
        intents: dict[int, Any] = {}
        for member in self.members:
            if member.actor is None:
                member.sense(time_s, self.streams, packets, self.live)
                continue
            control = member.control
            if control is None:
                continue
            if id(control) not in intents:
                said = self.inputs.intent(member.control_source, control, time_s)
                intents[id(control)] = said
            member.actor.intent, traits = intents[id(control)]
            if traits:
                member.actor.style(traits)
        self.scenery.sense(time_s, self.streams.values())
        look(self.members, self.sights)
        self.capture_ns = oldest_ns([intent for intent, _ in intents.values()], now_ns)

    def perform(self, dt_s: float) -> None:
        """One network call for all who are on a pad, and one for all whose mocap is missing."""
        self.acting.step(dt_s)
        self.live.step(self._time_s)

    def solve(self) -> list[Subject]:
        """The subjects as they stand at this tick."""
        worn, there = [], []
        for member in self.members:
            subject = member.solve()
            if subject is not None:
                there.append(member)
                worn.append((subject, member.costume, member.placed[0]))
        dt_s = 1.0 / self.session.stage.rate_hz
        props = [np.asarray(prop.position) for prop in self.scenery.props]
        out = dressed(worn, self.live.beside, self.live.ready, dt_s, props)
        return [member.faced(subject) for member, subject in zip(there, out)]

    def recorded(self) -> frozenset[str]:
        """Those of whom there is something to record."""
        return frozenset(member.subject.name for member in self.members if member.recorded)

    # What is asked of it from outside.

    def __len__(self) -> int:
        return len(self.members)

    @property
    def provider_name(self) -> str:
        """What the networks run on."""
        there = self.acting.provider_name or self.live.provider_name
        return there or "none: no subject is acted"

    def remote_pad(self, request: Any) -> None:
        """Takes a pad state of the control socket; a name must be that of a subject on a pad."""
        for member in self.members:
            put = getattr(member.control, "put", None)
            if put is not None and request.subject in ("", member.table.name):
                put(request)

    def remote_camera(self, request: Any) -> None:
        """Takes a camera that came over the control socket."""
        self.scenery.share(request, self._time_s, time.monotonic_ns())

    def remote_props(self, request: Any) -> None:
        """Takes where a simulation's props are."""
        self.scenery.simulate(request.props, self._time_s, time.monotonic_ns())

    def order_prop(self, request: OrderProp) -> Event:
        """What is to be told to the simulation of props; refuses a name that nobody has."""
        names = [table.name for table in self.session.prop if table.moves]
        if request.prop and request.prop not in names:
            there = ", ".join(names) or "there is none"
            raise UnderstudyError(f"No prop that moves is called {request.prop!r}: {there}.")
        if request.subject:
            self.member(request.subject)
        part = f"{request.hand}_hand" if request.hand else ""
        return Event(ORDER, request.subject, part, request.prop, request.what)

    @property
    def timecode(self) -> str:
        """Of the take that is played, where one is; "" where the stage's own counts.

        What suits and cameras say is theirs: a stage follows one where it is told to.
        """
        takes: list[Any] = [s for s in self.sources.values() if getattr(s, "is_take", False)]
        return next((take.timecode for take in takes if take.timecode), "")

    def news(self) -> list[str]:
        """What is to be told of the sources since it was asked last: who is heard, who is not."""
        told = []
        for name, source in self.sources.items():
            reception = getattr(source, "reception", None)
            if reception is not None and self._notices.get(name) != (notice := source.notice):
                self._notices[name] = notice
                told.append(f"{self.named[name].endpoint.text}: {notice}")
        return told

    def figures(self) -> dict[str, float]:
        """Of the sources, for the wire: how many are silent now, datagrams that were no good."""
        receptions = [s.reception for s in self.sources.values() if hasattr(s, "reception")]
        if not receptions:
            return {}
        return {
            "silent_sources": float(sum(bool(one.silence) for one in receptions)),
            "damaged_datagrams": float(sum(one.damaged for one in receptions)),
        }

    def look_at(self, name: str, at: Sight) -> dict[str, Sight]:
        """Has the acted subject of that name, "" for all, look at something; what each looks at."""
        acted = self._acted(name, "look")
        if not acted and at:
            raise UnderstudyError(NOBODY.format("look"))
        if isinstance(at, str) and at and at not in self.sights:
            there = ", ".join(self.sights)
            raise UnderstudyError(f"No subject and no camera is called {at!r}; there are: {there}.")
        for member, _ in acted:
            member.table.look_at = at
        return {member.table.name: member.table.look_at for member, _ in acted}

    def style(self, name: str, traits: Mapping[str, Any]) -> dict[str, dict[str, float]]:
        """Sets traits of the acted subject of that name, "" for all; gives what each has then."""
        acted = self._acted(name, "style")
        values: Style = checked(traits, "style")
        if not acted and values:
            raise UnderstudyError(NOBODY.format("style"))
        for _, actor in acted:
            actor.style(values)
        return {member.table.name: actor.traits for member, actor in acted}

    def go(self, request: Go) -> dict[str, list[float]]:
        """Sends one on a pad, "" for all, to a place, or nowhere; gives where each goes."""
        acted = self._acted(request.subject, "goal")
        if not acted:
            raise UnderstudyError(NOBODY.format("goal"))
        button = next(iter(named([request.action])), "")
        if request.action and button not in ACTIONS:
            raise UnderstudyError(
                f"{request.action!r} is no action; there are {', '.join(ACTIONS.values())}."
            )
        degrees = request.heading_deg
        heading = None if degrees is None else math.radians(degrees)
        hand = tuple(request.hand_at_m)
        at = request.at_m or list(hand)
        for _, actor in acted:
            goal = Goal((at[0], at[-1]), heading, request.speed_mps, button, hand) if at else None
            actor.go(goal)
        return {member.table.name: at for member, _ in acted}

    def silence(self, then: Then | None, stop_after_s: float | None) -> dict[str, Any]:
        """What bodies do after so long without a source; None: as it is. Gives both."""
        loop = self.session.stage
        loop.then = then or loop.then
        loop.stop_after_s = stop_after_s or loop.stop_after_s
        self.live.silence(loop.then, loop.stop_after_s)
        return {"then": loop.then, "stop_after_s": loop.stop_after_s}

    def _acted(self, name: str, what: str) -> list[tuple[Member, Actor]]:
        """The acted subject of that name, "" for all, that is to be given something."""
        acted = [(m, m.actor) for m in self.members if m.actor is not None]
        names = [member.table.name for member, _ in acted]
        if name and name not in names:
            there = f"on a pad {'are' if len(acted) > 1 else 'is'} {', '.join(names)}"
            raise UnderstudyError(
                f"No subject called {name!r} is on a pad, so none can be given a {what}; "
                f"{there if acted else 'nobody is on a pad'}."
            )
        return [one for one in acted if name in ("", one[0].table.name)]

    def close(self) -> None:
        self.acting.close()
        self.live.close()
        for source in self.sources.values():
            source.close()

    def __enter__(self) -> Cast:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _moving(streams: Mapping[Address, Stream]) -> dict[Address, tuple[int, bool]]:
    """What subjects can be made of, by what stands behind it."""
    things = (Kind.CAMERA, Kind.PROP)
    return {a: (id(s.of), s.known) for a, s in streams.items() if s.kind not in things}


def _path(said: str) -> Path | None:
    return Path(said) if said else None
