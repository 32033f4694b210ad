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
from understudy.runtime.sources.datagrams import Receiver, Reception
from understudy.runtime.sources.endpoint import Endpoint
from understudy.runtime.sources.face import Face
from understudy.runtime.sources.packet import Packet
from understudy.runtime.sources.streams import Kind, Stream

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
        self._only = options.name

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
        packets = []
        for datagram in self.reception.poll(now_s):
            try:
                said = livelinkface.decode(datagram.data)
            except ProtocolError as error:
                self.reception.damage(datagram, error)
                continue
            if self._only and said.subject != self._only:
                self.elsewhere += 1
                continue
            if not self.reception.may_follow(datagram):
                continue
            self.reception.follow(datagram)
            if said.curves is None:
                self.empty += 1
                continue
            self.face.take(said.curves, now_s)
            rotations = rotation.identity(2)
            rotations[1] = head_turn(said.curves)
            positions = NECK_AND_HEAD.rest_positions.copy()
            tick_s = self.reception.receiver.tick_ns * 1e-9
            packets.append(Packet(datagram.arrived_ns * 1e-9, positions, rotations, tick_s=tick_s))
        self.face.advance(now_s)
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

    def figures(self) -> dict[str, Any]:
        """The counts, for `stats`."""
        more = {"elsewhere": self.elsewhere, "without a face": self.empty}
        return {**self.reception.figures(), **more}

    def close(self) -> None:
        self.reception.close()


def head_turn(curves: Array) -> Array:
    """The head's rotation (4,) of curves (61,): yaw, pitch, roll, each a part of half a turn."""
    # Senders measure more than they should at times; a turn is a turn.
    yaw, pitch, roll = (math.pi * float(np.clip(curves[i], -1.0, 1.0)) for i in _HEAD)
    return rotation.from_euler(np.array([yaw, pitch, roll]), "YXZ")


SOURCE = LiveLinkFaceSource
