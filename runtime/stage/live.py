"""Live subjects: mocap as it comes, and whoever stands in where it does not.

The stand-in is the understudy (`runtime/performer/takeover/takeover.py`), or `Holding`, which keeps
the last pose, for whoever wants to see the bare signal. Both have the same few members.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.floor import Floor
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Pose, State, Subject
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.sources.packet import Packet
from understudy.runtime.sources.streams import Motion

if TYPE_CHECKING:
    from understudy.runtime.performer.takeover.transfer import Transfer

# Silence of a source for longer than this turns HOLD into LOST.
LOST_AFTER_S = 2.0
# The interpreter hands over to a tick that waits within this, not within its usual 5 ms.
HAND_OVER_S = 0.0005


class StandIn(Protocol):
    """Takes packets as they arrive, and has after `step` a whole pose for everybody."""

    @property
    def positions(self) -> Sequence[Array]: ...
    @property
    def rotations(self) -> Sequence[Array]: ...
    @property
    def states(self) -> Sequence[State]: ...
    @property
    def reasons(self) -> Sequence[str]: ...
    @property
    def uncertainty_m(self) -> Sequence[float] | Array: ...
    @property
    def joint_uncertainty_m(self) -> Sequence[Array]: ...

    def arrive(
        self, i: int, time_s: float, positions: Array, rotations: Array, seen: Array | None
    ) -> None: ...

    def reseat(self, i: int, skeleton: Skeleton, transfer: Transfer | None) -> None: ...

    def silence(self, then: str, stop_after_s: float) -> None: ...

    def place(self, i: int, at_m: Array, turn: Array) -> None: ...

    def step(self, now_s: float) -> None: ...

    def close(self) -> None: ...


class Holding:
    """Nobody stands in: what is missing stays as it was last seen, HOLD and at last LOST."""

    def __init__(self, skeletons: Sequence[Skeleton]) -> None:
        poses = [Pose.rest(skeleton) for skeleton in skeletons]
        self.skeletons = list(skeletons)
        self.positions = [pose.positions for pose in poses]
        self.rotations = [pose.rotations for pose in poses]
        self.states = [State.HOLD] * len(poses)
        self.reasons = ["no pose has come yet"] * len(poses)
        self.uncertainty_m = np.zeros(len(poses))
        self.joint_uncertainty_m = [np.zeros(0)] * len(poses)
        self._captured_s = [-np.inf] * len(poses)
        self._fresh: list[Array | None] = [None] * len(poses)
        self._silent_since_s = [0.0] * len(poses)

    def reseat(self, i: int, skeleton: Skeleton, transfer: Transfer | None = None) -> None:
        """Subject i begins anew on another skeleton."""
        pose = Pose.rest(skeleton)
        self.skeletons[i], self.positions[i], self.rotations[i] = (
            skeleton,
            pose.positions,
            pose.rotations,
        )
        self._fresh[i] = None

    def arrive(
        self, i: int, time_s: float, positions: Array, rotations: Array, seen: Array | None = None
    ) -> None:
        """Takes a pose unless a later one is here."""
        if time_s <= self._captured_s[i]:
            return
        self._captured_s[i] = time_s
        if seen is None:
            self.positions[i], self.rotations[i] = positions, rotations
            self._fresh[i] = np.ones(len(rotations), bool)
            return
        mask = seen[:, None]
        self.positions[i] = np.where(mask, positions, self.positions[i])
        self.rotations[i] = np.where(mask, rotations, self.rotations[i])
        self._fresh[i] = seen

    def step(self, now_s: float) -> None:
        """Judges everybody by what came since the last step."""
        for i, fresh in enumerate(self._fresh):
            self._fresh[i] = None
            if fresh is not None:
                self._silent_since_s[i] = now_s
                missing = [n for n, s in zip(self.skeletons[i].names, fresh) if not s]
                self.states[i] = State.HOLD if missing else State.LIVE
                self.reasons[i] = f"missing: {', '.join(missing)}" if missing else ""
                continue
            lost = now_s - self._silent_since_s[i] > LOST_AFTER_S
            self.states[i] = State.LOST if lost else State.HOLD
            self.reasons[i] = "nothing comes from the source"

    def silence(self, then: str, stop_after_s: float) -> None:
        """Whoever is held stays so."""

    def place(self, i: int, at_m: Array, turn: Array) -> None:
        """Where he is shown is nothing to whoever is held."""

    def close(self) -> None:
        """Nothing is held open."""


def _as_urgent_as_this() -> Callable[[], None]:
    """What gives another thread the priority of the one that asks.

    A thread that is set aside while it has the interpreter's lock would hold up the loop.
    """
    if not hasattr(os, "sched_setscheduler"):
        return lambda: None
    policy, priority = os.sched_getscheduler(0), os.sched_getparam(0)

    def take() -> None:
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, policy, priority)

    return take


class Group:
    """Bodies that one stand-in looks after."""

    def __init__(self, stand_in: StandIn, count: int, acts: bool) -> None:
        self.stand_in, self.left, self.acts = stand_in, count, acts
        self.poses: list[tuple[Array, Array, State, str, Array]] = []  # of this tick

    def step(self, now_s: float) -> None:
        """One tick for all of them."""
        own = self.stand_in
        own.step(now_s)
        self.poses = list(
            zip(own.positions, own.rotations, own.states, own.reasons, own.joint_uncertainty_m)
        )


class Seat:
    """One body of a group: where packets go in and a whole pose comes out."""

    def __init__(self, group: Group, i: int, skeleton: Skeleton) -> None:
        self.group, self.i, self.skeleton = group, i, skeleton
        self.fitting: tuple[Skeleton, Future[Any]] | None = None
        self.measured: tuple[Skeleton, Transfer | None] | None = None  # of a spare that is taken
        self._placed: tuple[Array, Array] | None = None

    def solve(self, subject: Subject, motion: Motion | None, at_m: Array, turn: Array) -> None:
        """Writes pose and state; the pose is turned by turn (4,) about the origin, then moved."""
        if self._placed is None or self._placed[0] is not at_m or self._placed[1] is not turn:
            self._placed = at_m, turn
            self.place()
        positions, rotations, state, reason, doubts = self.group.poses[self.i]
        subject.skeleton = self.skeleton
        subject.pose.positions = positions.copy()
        subject.pose.rotations = rotations
        if turn[1]:
            subject.pose.positions[0] = rotation.rotate(turn, subject.pose.positions[0])
            subject.pose.rotations = rotations.copy()
            subject.pose.rotations[0] = rotation.multiply(turn, subject.pose.rotations[0])
        subject.pose.positions[0] += at_m
        subject.state = state
        subject.uncertainty_m = float(self.group.stand_in.uncertainty_m[self.i])
        subject.joint_uncertainty_m = doubts
        subject.capture_ns = motion.heard_ns if motion is not None else 0
        silence = motion.silence if motion is not None else ""
        if silence and reason:
            # Of one whom nobody has heard yet there is no more to say.
            reason = f"{silence}: {reason}" if subject.capture_ns else silence
        subject.reason = reason

    def place(self) -> None:
        """Says again where it is shown, to whoever looks after it."""
        if self._placed is not None:
            self.group.stand_in.place(self.i, *self._placed)


class Live:
    """Everybody whom mocap moves. Who is there at the start is one group, one network call."""

    def __init__(
        self,
        stop_after_s: float = 2.0,
        weights: Path | None = None,
        then: str = "stand",
        floor: Floor | None = None,
    ) -> None:
        self._stop_after_s, self._weights, self._then = stop_after_s, weights, then
        self._floor = floor
        self._groups: list[Group] = []
        self._spare: list[Seat] = []
        self._tailor: ThreadPoolExecutor | None = None
        self.provider_name = ""
        self.ready: Callable[[Future[Any]], bool] = Future.done  # of work beside the loop
        self.heard: Callable[[Seat, Packet], None] | None = None  # is told of what a seat is given

    def seats(
        self, skeletons: Sequence[Skeleton], takeover: bool = True, spare: int = 0
    ) -> list[Seat]:
        """Seats for so many, not on stage yet; it takes long, and may be done beside the loop.

        spare are made besides, for those who come while the stage runs: a new group takes 30 ms of
        the interpreter, even beside the loop, and a tick that waits for it is late.
        """
        if takeover and not spare and len(self._spare) >= len(skeletons):
            taken = [self._spare.pop() for _ in skeletons]
            for seat, skeleton in zip(taken, skeletons):
                seat.measured = skeleton, _measure(skeleton, acts=True)
            return taken
        count = len(skeletons)
        if takeover and spare:
            skeletons = [*skeletons, *[PERFORMER] * spare]
        stand_in: StandIn = Holding(skeletons)
        if takeover:
            # A stage without mocap, or without takeover, needs no ONNX Runtime for it.
            from understudy.runtime.performer.takeover.takeover import Takeover

            understudy = Takeover(
                skeletons, self._stop_after_s, self._weights, then=self._then, floor=self._floor
            )
            stand_in, self.provider_name = understudy, understudy.provider_name
        group = Group(stand_in, len(skeletons), takeover)
        seats = [Seat(group, i, skeleton) for i, skeleton in enumerate(skeletons)]
        self._spare += seats[count:]
        return seats[:count]

    def silence(self, then: str, stop_after_s: float) -> None:
        """What bodies do from now on when nothing comes of them, and after how long."""
        self._then, self._stop_after_s = then, stop_after_s
        for group in {*self._groups, *(seat.group for seat in self._spare)}:
            group.stand_in.silence(then, stop_after_s)

    def admit(self, seats: Sequence[Seat]) -> None:
        """They are on stage from the next step on."""
        for seat in seats:
            if seat.group not in self._groups:
                self._groups.append(seat.group)
            if seat.measured is not None:
                seat.skeleton, transfer = seat.measured
                seat.group.stand_in.reseat(seat.i, seat.skeleton, transfer)
                seat.measured = None
                seat.place()

    def leave(self, seat: Seat) -> None:
        """One goes, and its seat is a spare one."""
        seat.group.stand_in.reseat(seat.i, seat.skeleton, None)
        if seat.group.acts:
            self._spare.append(Seat(seat.group, seat.i, seat.skeleton))
            return
        seat.group.left -= 1
        if not seat.group.left:
            self._groups.remove(seat.group)

    def arrive(self, seat: Seat, skeleton: Skeleton, packets: Sequence[Packet]) -> None:
        """Packets of a body on this skeleton; while the seat is fitted to it they are left out."""
        if seat.skeleton is not skeleton and not self._fit(seat, skeleton):
            return
        arrive = seat.group.stand_in.arrive
        for packet in packets:
            if self.heard is not None:
                self.heard(seat, packet)
            arrive(seat.i, packet.capture_s, packet.positions, packet.rotations, packet.seen)

    def _fit(self, seat: Seat, skeleton: Skeleton) -> bool:
        """Brings a seat onto a new skeleton; False: not yet.

        What takes long of it, 10 ms for a whole hand, is done beside the loop.
        """
        if seat.fitting is None or seat.fitting[0] is not skeleton:
            seat.fitting = skeleton, self.beside(_measure, skeleton, seat.group.acts)
            return False
        if not self.ready(seat.fitting[1]):
            return False
        seat.group.stand_in.reseat(seat.i, skeleton, seat.fitting[1].result())
        seat.skeleton, seat.fitting = skeleton, None
        seat.place()
        return True

    def beside(self, work: Callable[..., Any], *args: Any) -> Future[Any]:
        """Does work beside the loop, in order."""
        if self._tailor is None:
            sys.setswitchinterval(min(sys.getswitchinterval(), HAND_OVER_S))
            self._tailor = ThreadPoolExecutor(1, "beside", _as_urgent_as_this())
        return self._tailor.submit(work, *args)

    def step(self, now_s: float) -> None:
        """One tick for everybody; one network call a group where somebody is missing."""
        for group in self._groups:
            group.step(now_s)

    def close(self) -> None:
        if self._tailor is not None:
            self._tailor.shutdown(cancel_futures=True)
        for group in self._groups:
            group.stand_in.close()
        self._groups.clear()


@functools.lru_cache(maxsize=64)
def _measure(skeleton: Skeleton, acts: bool) -> Transfer | None:
    """What the stand-in has to know of a skeleton."""
    if not acts:
        return None
    from understudy.runtime.performer.takeover.body import transfer_of

    return transfer_of(skeleton, {})
