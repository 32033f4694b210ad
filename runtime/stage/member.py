"""One subject on stage: what it is made of, and how it comes into the frame."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import msgspec
import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.pose import Pose, Subject
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.sources.packet import Packet
from understudy.runtime.sources.streams import Control, Curves, Kind, Motion, Stream

from . import calibration
from .acting import Actor
from .dressing import Costume
from .faces import Later, Wearer
from .heads import TrackedHead
from .live import Live, Seat
from .parts import Assembly, HeadPart
from .session import SubjectTable

Address = tuple[Kind, str, str]  # kind, source, key
Streams = Mapping[Address, Stream]
Packets = Mapping[tuple[str, str], list[Packet]]  # source, key
NONE: list[Packet] = []


def address(kind: Kind, said: str) -> Address:
    """Where a "SOURCE" or "SOURCE/KEY" is found among the streams."""
    source, _, key = said.partition("/")
    return kind, source, key


class Member:
    """A subject, and the seat or the actor that moves it."""

    def __init__(
        self,
        table: SubjectTable,
        skeleton: Skeleton,
        own: Seat | Actor | None,
        costume: Costume | None = None,
    ) -> None:
        self.seat = own if isinstance(own, Seat) else None
        self.actor = own if isinstance(own, Actor) else None
        self.subject = Subject(table.name, skeleton, Pose.rest(skeleton))
        self.shown = self.subject  # as it went out last, on its character
        self.costume = costume
        self._wearer = Wearer()
        # Whether there is something to record: not while it stands there until a sender comes.
        self.recorded = self.actor is not None
        self.newest: tuple[Packet, Skeleton] | None = None  # of what came, before it is put right
        self.assemble(table)
        self.place(table.at_m, table.heading_deg)

    def assemble(self, table: SubjectTable) -> None:
        """Takes the parts of a table; who moves it stays."""
        self.table = table
        body, hands = table.part("body"), table.part("hands")
        if body is None and table.faces and not table.control:
            body = SubjectTable(name="-", body=table.faces[0]).part("body")
        self._body = address(Kind.BODY, body.source) if body is not None else None
        self._hands = address(Kind.HANDS, hands.source) if hands is not None else None
        self._control = address(Kind.CONTROL, table.control) if table.control else None
        self._faces = [address(Kind.FACE, said) for said in table.faces]
        head = table.part("head")
        assert head is None or isinstance(head, HeadPart)
        self._head = head.address if head is not None else None
        self._tracked = TrackedHead()
        self._assembly = Assembly(body, hands, head) if body is not None else None
        self.motion: Motion | None = None
        self.control: Control | None = None
        self.known = True  # whether the skeleton is its own yet
        self._solved = False  # whether it is shown as it was solved already, in a take
        self._curves: list[Curves] = []
        self.calibrate()

    def calibrate(self) -> None:
        """Takes mirror and T-pose of its table."""
        self._t_pose = calibration.TPose(self.table.t_pose) if self.table.t_pose else None

    def assemble_anew(self, streams: Streams) -> None:
        """Takes its parts again where its table has got others."""
        if [address(Kind.FACE, said) for said in self.table.faces] != self._faces:
            self.assemble(self.table)
            self.find(streams)

    def place(self, at_m: tuple[float, float, float], heading_deg: float) -> None:
        """Moves and turns it from now on."""
        self.table.at_m, self.table.heading_deg = at_m, heading_deg
        self._at: Array = np.array(at_m, float)
        self._turn = rotation.from_yaw(math.radians(heading_deg))
        if self.actor is not None:
            self.actor.stand(at_m, math.radians(heading_deg))

    def find(self, streams: Streams) -> None:
        """Looks its streams up; they come and go."""
        if self._control is not None:
            found = streams.get(self._control)
            self.control = found.of if found is not None else None
        if self._body is not None:
            found = streams.get(self._body)
            self.motion = found.of if found is not None else None
            self.known = found is not None and found.known
            self._solved = found is not None and found.solved and self._plain
        found_faces = [streams[a].of for a in self._faces if a in streams]
        if self.table.face_delay_s:
            later = {id(one.of): one for one in self._curves if isinstance(one, Later)}
            found_faces = [
                later.get(id(of)) or Later(of, self.table.face_delay_s) for of in found_faces
            ]
        self._curves = found_faces

    def sense(self, now_s: float, streams: Streams, packets: Packets, live: Live) -> None:
        """Hands what came to whoever moves it."""
        for face in self._curves:
            if isinstance(face, Later):
                face.advance(now_s)
        if self.seat is None or self.motion is None or self._assembly is None:
            return
        assert self._body is not None
        came = packets.get(self._body[1:], NONE)
        if self._solved:
            self.recorded = True
            return
        if self._assembly.plain:
            if came or self.seat.skeleton is not self.motion.skeleton:
                self._arrive(live, self.motion.skeleton, came)
            self.recorded |= self.known and self.seat.skeleton is self.motion.skeleton
            return
        self._turn_head(now_s, streams, packets)
        hands, came_hands = None, NONE
        if self._hands is not None:
            found = streams.get(self._hands) or streams.get((Kind.BODY, *self._hands[1:]))
            hands = found.of if found is not None else None
            came_hands = packets.get(self._hands[1:], NONE)
        skeleton = self._assembly.skeleton(self.motion, hands)
        shown = self._assembly.packets(now_s, self.motion, came, hands, came_hands)
        if shown or self.seat.skeleton is not skeleton:
            self._arrive(live, skeleton, shown)
        self.recorded |= self.known and self.seat.skeleton is skeleton

    def _arrive(self, live: Live, skeleton: Skeleton, packets: list[Packet]) -> None:
        """Hands whole packets to the seat, put right as the table says."""
        if packets:
            self.newest = packets[-1], skeleton
        if self._t_pose is not None:
            packets = [self._t_pose.applied(one, skeleton) for one in packets]
        if self.table.mirror:
            packets = [calibration.mirrored(one, skeleton) for one in packets]
        assert self.seat is not None
        live.arrive(self.seat, skeleton, packets)

    def _turn_head(self, now_s: float, streams: Streams, packets: Packets) -> None:
        """Takes the head of its device: another body's, or where a tracker or a camera looks."""
        if self._head is None or self._assembly is None:
            return
        found = streams.get((Kind.BODY, *self._head))
        if found is not None:
            self._assembly.turn_head(now_s, found.of, packets.get(self._head, NONE))
            return
        for kind in (Kind.PROP, Kind.CAMERA):
            if (found := streams.get((kind, *self._head))) is not None:
                came = self._tracked.packets(found, now_s)
                self._assembly.turn_head(now_s, self._tracked, came)
                return

    @property
    def _plain(self) -> bool:
        return self._assembly is not None and self._assembly.plain

    def solve(self) -> Subject | None:
        """The subject as it stands at this tick; None: one of a take who is not there yet."""
        if self._solved:
            then: Subject | None = getattr(self.motion, "solved", None)
            if then is None:
                return None
            heard_ns = self.motion.heard_ns if self.motion is not None else 0
            pose = self._placed(then.pose)
            self.subject = replace(then, name=self.table.name, pose=pose, capture_ns=heard_ns)
        elif self.actor is not None:
            self.actor.solve(self.subject)
        elif self.seat is not None:
            self.seat.solve(self.subject, self.motion, self._at, self._turn)
            if self.motion is None:
                self.subject.reason = f"waits for {self.made_of}"
        if self.table.root != "free" and self.actor is None:
            if self._solved:
                self.subject.pose = self.subject.pose.copy()
            calibration.rooted(self.subject.pose, self.subject.skeleton, self.table.root, self._at)
        return self.subject

    def faced(self, subject: Subject) -> Subject:
        """The subject as it goes out, with the curves of its faces."""
        self.shown = subject
        if self._faces:
            self._wearer.put_on(subject, self._curves)
        return subject

    @property
    def made_of(self) -> str:
        """Its body's, control's or face's address, for people."""
        own = self._body or self._control
        return "/".join(word for word in own[1:] if word) if own is not None else ""

    def _placed(self, pose: Pose) -> Pose:
        """The pose, turned about the origin and moved as its table says; itself where not."""
        if not (self._turn[1] or self._at.any()):
            return pose
        pose = pose.copy()
        pose.positions[0] = rotation.rotate(self._turn, pose.positions[0]) + self._at
        pose.rotations[0] = rotation.multiply(self._turn, pose.rotations[0])
        return pose

    @property
    def placed(self) -> tuple[Array, Array]:
        """Where it is moved to (3,), and how turned (4,)."""
        return self._at, self._turn

    @property
    def control_source(self) -> str:
        """The source of its pad; "" where it has none."""
        return self._control[1] if self._control is not None else ""

    def without(self, source: str) -> SubjectTable | None:
        """Its table when a source is gone; None where nothing is left to move it."""
        faces = [f for f in self.table.faces if f.partition("/")[0] != source]
        table = msgspec.structs.replace(self.table, face=faces)
        body, hands, head = (table.part(which) for which in ("body", "hands", "head"))
        if hands is not None and hands.address[0] == source:
            table.hands = ""
        if head is not None and head.address[0] == source:
            table.head = ""
        if body is not None and body.address[0] == source:
            return None
        if table.control.partition("/")[0] == source:
            return None
        return table if table.control or table.body or table.face else None
