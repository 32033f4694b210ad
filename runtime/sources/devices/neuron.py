"""Perception Neuron by Axis' BVH broadcast as a source: a body with its fingers for each avatar."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta

from understudy.bridge.protocols import ProtocolError, neuron
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.core.typed import Table
from understudy.runtime.sources import interpolation
from understudy.runtime.sources.copies import Copies
from understudy.runtime.sources.datagrams import QUIET_S, SILENT_S, Datagram, Receiver, Reception
from understudy.runtime.sources.endpoint import Delay, Endpoint, Tcp
from understudy.runtime.sources.jitter_buffer import JitterBuffer, delays, timing
from understudy.runtime.sources.packet import Packet
from understudy.runtime.sources.streams import Kind, Stream

from . import neuron_skeleton

PORT = neuron.PORT
cut = neuron.cut  # of a stream over TCP
KINDS = (Kind.BODY,)
MOST_AVATARS = 16
# Joints give way by less. Offsets that are others for so many frames are another body's.
SAME_M, FRAMES = 0.01, 20


class Options(Table, frozen=True, kw_only=True):
    """What a Perception Neuron source takes."""

    name: Annotated[str, Meta(description="the first avatar's name on stage")] = "neuron"
    avatar: Annotated[
        Annotated[int, Meta(ge=0, le=255)] | None,
        Meta(description="the only avatar heard, as Axis counts from 0 (all)"),
    ] = None
    joints: Annotated[
        Literal["studio", "neuron"],
        Meta(description="whose spine: Axis Studio's, or Axis Neuron's (legacy hierarchy)"),
    ] = "studio"
    order: Annotated[
        Literal["YXZ", "XYZ", "XZY", "YZX", "ZXY", "ZYX"],
        Meta(description="of rotations, as Axis' BVH broadcasting is set"),
    ] = "YXZ"
    tcp: Annotated[Tcp, Meta(description=Tcp.WORDS)] = Tcp()
    delay: Annotated[Delay, Meta(description=Delay.WORDS)] = Delay()


class Avatar:
    """One of those whom Axis shows: what stands behind its stream of a body."""

    def __init__(self, source: NeuronSource, number: int, key: str) -> None:
        self._source, self.number, self.key = source, number, key
        self.skeleton: Skeleton = PERFORMER
        self.placed = False
        self.heard_s, self.heard_ns = float("-inf"), 0
        self.copies = Copies(unlike=True)
        self.buffer = JitterBuffer[Packet](
            source.delay_s, interpolation.packets, interpolation.apart
        )
        self._others = 0

    @property
    def known(self) -> bool:
        """Whether the skeleton is its own."""
        return self.skeleton is not PERFORMER

    @property
    def silence(self) -> str:
        """Why nothing comes of it; "" while something does."""
        if said := self._source.reception.silence:
            return said
        if self._source.now_s - self.heard_s <= QUIET_S:
            return ""
        return f"avatar {self.number} is not in what comes on {self._source.where}"

    def fit(self, said: neuron.Frame) -> None:
        """Takes the skeleton of the first frame, and again where it is another's."""
        kind = self._source.joints
        if self.known and said.placed == self.placed:
            if not said.placed:
                return
            apart = np.abs(said.positions[1:] - self.skeleton.rest_positions[1:]).max()
            self._others = self._others + 1 if apart > SAME_M else 0
            if self._others < FRAMES:
                return
        offsets = said.positions if said.placed else neuron_skeleton.STANDARD[kind]
        self.skeleton = neuron_skeleton.skeleton(neuron.JOINTS[kind], offsets)
        self.placed, self._others = said.placed, 0
        self.buffer.forget()

    def packet(self, said: neuron.Frame, arrived_s: float) -> Packet:
        """The pose on its skeleton."""
        positions = self.skeleton.rest_positions.copy()
        positions[0] = said.positions[0]
        if said.placed:
            positions[1:] = said.positions[1:]
        return Packet(arrived_s, positions, said.rotations, key=self.key)


class NeuronSource:
    """A port on which one or several Axis send; each avatar keeps the sender it had first."""

    def __init__(self, endpoint: Endpoint, receiver: Receiver) -> None:
        options: Options = endpoint.options
        self.endpoint, self.name = endpoint, options.name or "neuron"
        self.reception = Reception(receiver)
        self.where, self.delay_s = receiver.where, options.delay.seconds
        self.joints = options.joints
        self.now_s = float("-inf")
        self.elsewhere = 0
        self._only, self._order = options.avatar, options.order
        first = options.avatar or 0
        self._first_heard = options.avatar is not None
        self._avatars = {first: Avatar(self, first, "")}

    @property
    def silence(self) -> str:
        return self.reception.silence

    def poll(self, now_s: float) -> list[Packet]:
        """The poses that are to be shown since the last poll."""
        self.now_s = now_s
        for datagram in self.reception.poll(now_s):
            try:
                for said in neuron.decode(datagram.data, self._order):
                    self._hear(said, datagram)
            except ProtocolError as error:
                self.reception.damage(datagram, error)
        tick_s = self.reception.receiver.tick_ns * 1e-9
        packets = [
            packet.shown(time_s, tick_s)
            for one in self._avatars.values()
            for time_s, packet, _ in one.buffer.take(tick_s)
        ]
        self.reception.remarks = delays(one.buffer for one in self._avatars.values())
        if any(one.known and not one.placed for one in self._avatars.values()):
            self.reception.remarks.append(
                "no positions of joints come: its proportions are our performer's (tick "
                "Displacement in Axis)"
            )
        return packets

    def _hear(self, said: neuron.Frame, datagram: Datagram) -> None:
        if self._only not in (None, said.avatar):
            self.elsewhere += 1
            return
        one = self._avatar(said.avatar)
        if not self.reception.may_follow(datagram, said.avatar):
            return
        if self.now_s - one.heard_s > SILENT_S:
            one.copies = Copies(unlike=True)
            one.buffer.clear()
        self.reception.follow(datagram, said.avatar)
        arrived_s = datagram.arrived_ns * 1e-9
        one.heard_s, one.heard_ns = self.now_s, datagram.arrived_ns
        frame = (said.number, said.rotations.tobytes(), said.positions.tobytes())
        if one.copies.has(frame, arrived_s, one.buffer.clock.period_s):
            self.reception.repeated += 1
            return
        one.fit(said)
        # Version 1.0 and text have no number.
        one.buffer.add(None, arrived_s, one.packet(said, arrived_s), said.number or None)

    def _avatar(self, number: int) -> Avatar:
        if not self._first_heard:  # Axis Studio counts from 1, Axis Neuron from 0
            self._first_heard = True
            self._avatars = {number: Avatar(self, number, "")}
        one = self._avatars.get(number)
        if one is None:
            if len(self._avatars) >= MOST_AVATARS:
                raise ProtocolError(f"Axis sends more than {MOST_AVATARS} avatars.")
            one = self._avatars[number] = Avatar(self, number, f"{self.name} {number}")
        return one

    @property
    def notice(self) -> str:
        """What a crew should know of it now."""
        return self.reception.notice

    @property
    def streams(self) -> list[Stream]:
        """A body for each avatar; before one comes, the first."""
        there = list(self._avatars.values())
        shown = [one for one in there if one.known] or there[:1]
        return [Stream(Kind.BODY, one, one.key, known=one.known) for one in shown]

    def figures(self) -> dict[str, Any]:
        """The counts, for `stats`."""
        return {
            **self.reception.figures(),
            "avatars": [one.number for one in self._avatars.values() if one.known],
            "elsewhere": self.elsewhere,
            **timing(one.buffer for one in self._avatars.values()),
        }

    def close(self) -> None:
        self.reception.close()


SOURCE = NeuronSource
