"""Sony mocopi as a source: one body of 27 bones, on the skeleton that its app sends."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import numpy as np
from msgspec import Meta

from understudy.bridge.protocols import ProtocolError, mocopi
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.core.typed import Table
from understudy.runtime.sources import interpolation
from understudy.runtime.sources.copies import Copies
from understudy.runtime.sources.datagrams import SILENT_S, Receiver, Reception
from understudy.runtime.sources.endpoint import Delay, Endpoint
from understudy.runtime.sources.jitter_buffer import JitterBuffer, delay_now_s, delays
from understudy.runtime.sources.packet import Packet
from understudy.runtime.sources.streams import Kind, Stream

PORT = mocopi.PORT
KINDS = (Kind.BODY,)
SAME_M, SOLE_M = 1e-3, 0.02
ROLES: dict[str, str] = {
    "root": "hips",
    "torso_1": "spine",
    "torso_4": "chest",
    "torso_7": "upper_chest",
    "neck_1": "neck",
    "head": "head",
    **{
        f"{side[0]}_{part}": f"{side}_{role}"
        for side in ("left", "right")
        for part, role in (
            *(("shoulder", "shoulder"), ("up_arm", "upper_arm"), ("low_arm", "lower_arm")),
            *(("hand", "hand"), ("up_leg", "upper_leg"), ("low_leg", "lower_leg")),
            *(("foot", "foot"), ("toes", "toes")),
        )
    },
}


class Options(Table, frozen=True, kw_only=True):
    """What a mocopi source takes."""

    name: Annotated[str, Meta(description="the subject's name on stage")] = "mocopi"
    delay: Annotated[Delay, Meta(description=Delay.WORDS)] = Delay()


class MocopiSource:
    """One performer; of several phones on a port the first is followed."""

    def __init__(self, endpoint: Endpoint, receiver: Receiver) -> None:
        options: Options = endpoint.options
        self.endpoint, self.name = endpoint, options.name or "mocopi"
        self.reception = Reception(receiver)
        self.skeleton: Skeleton = PERFORMER
        self.waiting = 0  # poses that came before their skeleton
        self._rows: dict[int, int] = {}  # number of a bone -> joint
        self._copies = Copies(unlike=True)
        self._buffer = JitterBuffer[Packet](
            options.delay.seconds, interpolation.packets, interpolation.apart
        )

    @property
    def silence(self) -> str:
        return self.reception.silence

    @property
    def heard_ns(self) -> int:
        return self.reception.heard_ns

    @property
    def _known(self) -> bool:
        return self.skeleton is not PERFORMER

    def poll(self, now_s: float) -> list[Packet]:
        """The poses that are to be shown since the last poll."""
        reception = self.reception
        for datagram in reception.poll(now_s):
            try:
                said = mocopi.decode(datagram.data)
                if not reception.may_follow(datagram):
                    continue
                if said.parents is not None:
                    self._fit(said)
            except ProtocolError as error:
                reception.damage(datagram, error)
                continue
            if reception.silent_s > SILENT_S:
                self._copies = Copies(unlike=True)
                self._buffer.clear()
            reception.follow(datagram)
            arrived_s = datagram.arrived_ns * 1e-9
            if said.parents is not None:
                continue
            if not self._known:
                self.waiting += 1
            elif self._copies.has(datagram.data, arrived_s, self._buffer.clock.period_s):
                reception.repeated += 1
            elif (packet := self._packet(said, arrived_s)) is not None:
                self._buffer.add(said.time_s, arrived_s, packet)
        reception.remarks = delays([self._buffer])
        if self.waiting and not self._known:
            reception.remarks.append("its skeleton has not come yet: start sending again")
        tick_s = reception.receiver.tick_ns * 1e-9
        return [
            replace(packet, capture_s=time_s, tick_s=tick_s)
            for time_s, packet, _ in self._buffer.take(tick_s)
        ]

    def _fit(self, said: mocopi.Bones) -> None:
        """Takes the skeleton, where it is another one."""
        assert said.parents is not None
        rows = {int(number): i for i, number in enumerate(said.numbers)}
        up = {n: int(said.parents[i]) for n, i in rows.items()}
        order: list[int] = []
        left = list(rows)
        while left:  # parents first; a root may be its own
            ready = [n for n in left if up[n] not in (left if order else rows) or up[n] == n]
            if not ready or (not order and len(ready) != 1):
                raise ProtocolError("A mocopi skeleton has one root, and every bone its parent.")
            order += ready
            left = [n for n in left if n not in ready]
        names = tuple(mocopi.NAMES[n] if n < len(mocopi.NAMES) else f"bone_{n}" for n in order)
        above = [order.index(up[n]) if i else -1 for i, n in enumerate(order)]
        rest = said.positions[[rows[n] for n in order]].copy()
        turns = said.rotations[[rows[n] for n in order]]
        rest[0] = 0.0
        given = {ROLES[name]: j for j, name in enumerate(names) if name in ROLES}
        made = Skeleton(names, np.array(above), rest, turns)
        rest[0, 1] = SOLE_M - float(made.rest_globals[0][:, 1].min())
        old = self.skeleton
        if old.names == names and np.abs(old.rest_positions - rest).max() < SAME_M:
            return
        self.skeleton = Skeleton(names, np.array(above), rest, turns, given_roles=given)
        self._rows = {number: j for j, number in enumerate(order)}
        self._buffer.forget()

    def _packet(self, said: mocopi.Bones, arrived_s: float) -> Packet | None:
        there = [i for i, number in enumerate(said.numbers) if int(number) in self._rows]
        if not there:
            return None
        joints = [self._rows[int(said.numbers[i])] for i in there]
        positions = self.skeleton.rest_positions.copy()
        rotations = self.skeleton.rest_rotations.copy()
        seen = np.zeros(len(self.skeleton), bool)
        positions[joints], rotations[joints] = said.positions[there], said.rotations[there]
        seen[joints] = True
        return Packet(arrived_s, positions, rotations, None if seen.all() else seen)

    @property
    def notice(self) -> str:
        """What a crew should know of it now."""
        return self.reception.notice

    @property
    def streams(self) -> list[Stream]:
        """Its body."""
        return [Stream(Kind.BODY, self, known=self._known)]

    def figures(self) -> dict[str, Any]:
        """The counts, for `stats`."""
        return {
            **self.reception.figures(),
            "before its skeleton": self.waiting,
            "delay_s": delay_now_s([self._buffer]),
        }

    def close(self) -> None:
        self.reception.close()


SOURCE = MocopiSource
