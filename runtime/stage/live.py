"""Live subjects: mocap as it comes, and whoever stands in where it does not.

The stand-in is the understudy (`runtime/performer/takeover/takeover.py`), or `Holding`, which keeps
the last pose, for whoever wants to see the bare signal. Both have the same few members.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from understudy.runtime.core.pose import Pose, State, Subject
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.sources.packet import MotionSource

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

    def arrive(
        self, i: int, time_s: float, positions: Array, rotations: Array, seen: Array | None
    ) -> None: ...

    def reseat(self, i: int, skeleton: Skeleton, transfer: Transfer | None) -> None: ...

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


class Live:
    """Everybody whom a source of motion moves, `copies` of each, in one batch."""

    def __init__(
        self,
        sources: Sequence[MotionSource],
        copies: int = 1,
        takeover: bool = True,
        stop_after_s: float = 2.0,
        weights: Path | None = None,
    ) -> None:
        self.sources = sources
        self._of = [source for source in sources for _ in range(copies)]
        self._copies = copies
        self.skeletons = [source.skeleton for source in self._of]
        self.provider_name = ""
        self._stand_in: StandIn = Holding(self.skeletons)
        self._takeover = takeover and bool(sources)
        self._tailor: ThreadPoolExecutor | None = None
        self._fittings: dict[int, tuple[Skeleton, Future[Any]]] = {}
        if self._takeover:
            # A stage without mocap, or without takeover, needs no ONNX Runtime for it.
            from understudy.runtime.performer.takeover.takeover import Takeover

            understudy = Takeover(self.skeletons, stop_after_s=stop_after_s, weights=weights)
            self._stand_in, self.provider_name = understudy, understudy.provider_name

    def __len__(self) -> int:
        return len(self._of)

    def sense(self, now_s: float) -> None:
        """Reads every source once, however many copies hang on it."""
        for number, source in enumerate(self.sources):
            packets, seats = source.poll(now_s), self._seats(number)
            if self.skeletons[seats[0]] is not source.skeleton and not self._fit(number):
                continue
            for packet in packets:
                for i in seats:
                    self._stand_in.arrive(
                        i, packet.capture_s, packet.positions, packet.rotations, packet.seen
                    )

    def _seats(self, number: int) -> range:
        return range(number * self._copies, (number + 1) * self._copies)

    def _fit(self, number: int) -> bool:
        """Brings a source's subjects onto its new skeleton; False: not yet.

        What takes long of it, 10 ms for a whole hand, is done beside the loop; poses that come
        meanwhile are left out.
        """
        skeleton = self.sources[number].skeleton
        wanted, fitting = self._fittings.get(number, (None, None))
        if wanted is not skeleton or fitting is None:
            if self._tailor is None:
                sys.setswitchinterval(min(sys.getswitchinterval(), HAND_OVER_S))
                self._tailor = ThreadPoolExecutor(1, "fitting", _as_urgent_as_this())
            self._fittings[number] = skeleton, self._tailor.submit(self._measure, skeleton)
            return False
        if not fitting.done():
            return False
        for i in self._seats(number):
            self._stand_in.reseat(i, skeleton, fitting.result())
            self.skeletons[i] = skeleton
        del self._fittings[number]
        return True

    def _measure(self, skeleton: Skeleton) -> Transfer | None:
        """What the stand-in has to know of a skeleton."""
        if not self._takeover:
            return None
        from understudy.runtime.performer.takeover.body import transfer_of

        return transfer_of(skeleton, {})

    def step(self, now_s: float) -> None:
        """One tick for everybody; one network call where somebody is missing."""
        if self._of:
            self._stand_in.step(now_s)

    def solve(self, subjects: Sequence[Subject], places: Array) -> None:
        """Writes poses and states; places (N, 3) are added to what was seen."""
        all_of = self._stand_in
        rows = zip(all_of.positions, all_of.rotations, all_of.states, all_of.reasons)
        for i, (positions, rotations, state, reason) in enumerate(rows):
            subject, source = subjects[i], self._of[i]
            silence = source.silence
            subject.skeleton = self.skeletons[i]
            subject.capture_ns = getattr(source, "heard_ns", 0)
            subject.pose.positions = positions.copy()
            subject.pose.positions[0] += places[i]
            subject.pose.rotations = rotations
            subject.state = state
            subject.uncertainty_m = float(all_of.uncertainty_m[i])
            if silence and reason:
                # Of one whom nobody has heard yet there is no more to say.
                reason = f"{silence}: {reason}" if getattr(source, "heard_ns", 1) else silence
            subject.reason = reason

    def close(self) -> None:
        if self._tailor is not None:
            self._tailor.shutdown(cancel_futures=True)
        self._stand_in.close()
        for source in self.sources:
            source.close()
