"""Sony mocopi as a source: one body of 27 bones, on the skeleton that its app sends."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from msgspec import Meta

from understudy.bridge.protocols import ProtocolError, mocopi
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.core.typed import Table
from understudy.runtime.sources.datagrams import Receiver
from understudy.runtime.sources.endpoint import Delay, Endpoint
from understudy.runtime.sources.packet import Packet

from .single_body import SingleBody

PORT = mocopi.PORT
KINDS = SingleBody.KINDS
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


class MocopiSource(SingleBody):
    """One performer."""

    def __init__(self, endpoint: Endpoint, receiver: Receiver) -> None:
        options: Options = endpoint.options
        super().__init__(endpoint, receiver, options.name or "mocopi", options.delay.seconds)
        self.waiting = 0  # poses that came before their skeleton
        self._rows: dict[int, int] = {}  # number of a bone -> joint

    def decode(self, data: bytes) -> mocopi.Bones:
        return mocopi.decode(data)

    def packet(self, said: mocopi.Bones, arrived_s: float) -> tuple[float | None, Packet] | None:
        """A pose; a skeleton is none, and is taken."""
        if said.parents is not None:
            self._fit(said)
            return None
        if not self.known:
            self.waiting += 1
            return None
        pose = self._pose(said, arrived_s)
        return None if pose is None else (said.time_s, pose)

    def remarks(self) -> list[str]:
        """That its skeleton has not come."""
        waits = self.waiting and not self.known
        return ["its skeleton has not come yet: start sending again"] if waits else []

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
        self.known = True
        self.buffer.forget()

    def _pose(self, said: mocopi.Bones, arrived_s: float) -> Packet | None:
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

    def figures(self) -> dict[str, Any]:
        """The counts, for `stats`."""
        return {**super().figures(), "before its skeleton": self.waiting}


SOURCE = MocopiSource
