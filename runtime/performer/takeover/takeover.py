"""Takeover: live subjects of any humanoid skeleton, whole again when their mocap is not.

Packets come in with their capture times, in any order, early, late or partial; every tick of the
stage gives each subject a pose. What was seen in time is the source's, bit for bit. What is missing
comes from the network, on PERFORMER's skeleton at its own rate, as a smooth curve; and when the
mocap is back, what is left of the difference fades away and ends.

The network's memory only ever holds what was seen: a forecast branches off from it and is thrown
away when a packet comes late after all.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import Intent, State
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.performer.control.layout import RATE_HZ as PERFORMER_HZ
from understudy.runtime.performer.control.performer import Performer

from .body import Body, transfer_of
from .network import RATE_HZ, Understudy
from .prediction import Foresight
from .transfer import Transfer

Person = tuple[int, Body, Foresight]

TICK_S = 1.0 / RATE_HZ
STOP_AFTER_S = 2.0
# A hole of more than this is no late packet: the network begins anew with what comes after it.
HOLE_S = 0.2
FORGETS_S = 0.5  # and after so long it forgets what was before
AHEAD_S = 2.0 * TICK_S  # of a forecast; no tick of a stage at 24 Hz or more is longer
EPSILON_S = 1e-4
PERFORMER_TICKS = 2  # between two knots of a forecast


class Takeover:
    """N live subjects. After each `step`, for subject i:

    positions[i] (J, 3), rotations[i] (J, 4) in its own skeleton, local to the parent; read only
    states[i], reasons[i]  who moves it and why, "" when live
    uncertainty_m[i]       expected mean distance of its joints from the truth, 0 when live
    """

    def __init__(
        self,
        skeletons: Sequence[Skeleton],
        stop_after_s: float = STOP_AFTER_S,
        weights: Path | None = None,
        provider: str = "auto",
    ) -> None:
        if not skeletons:
            raise UnderstudyError("Takeover has no subject; give it at least one skeleton.")
        if not stop_after_s > 0.0:
            raise UnderstudyError(
                f"The understudy cannot stop after {stop_after_s:g} s; give a time above 0."
            )
        self.stop_after_s = stop_after_s
        count = len(skeletons)
        self.network = Understudy(count, weights, provider)
        self.provider_name = self.network.provider_name
        known: dict[int, Transfer | None] = {}
        self.bodies = [Body(skeleton, transfer_of(skeleton, known)) for skeleton in skeletons]
        self._hips = np.zeros((count, 3))
        self._turns = np.zeros((count, self.network.rotations.shape[1], 4))
        self._turns[..., 3] = 1.0
        self._seen = np.zeros(self._turns.shape[:2], bool)
        self.uncertainty_m = np.zeros(count)
        # Opened at once: a tick has no time for it.
        self.performer = Performer(count) if np.isfinite(stop_after_s) else None
        self._rest = [Intent()] * count

    def __len__(self) -> int:
        return len(self.bodies)

    @property
    def positions(self) -> list[Array]:
        return [body.positions for body in self.bodies]

    @property
    def rotations(self) -> list[Array]:
        return [body.rotations for body in self.bodies]

    @property
    def states(self) -> list[State]:
        return [body.state for body in self.bodies]

    @property
    def reasons(self) -> list[str]:
        return [body.reason for body in self.bodies]

    def reseat(self, i: int, skeleton: Skeleton, transfer: Transfer | None) -> None:
        """Subject i begins anew on another skeleton; `transfer_of` makes the slow part beside."""
        self.bodies[i] = Body(skeleton, transfer)
        self.network.reset(i)
        self.uncertainty_m[i] = 0.0

    def arrive(
        self,
        i: int,
        time_s: float,
        positions: Array,
        rotations: Array,
        seen: np.ndarray | None = None,
    ) -> None:
        """A packet of subject i: captured at time_s, positions (J, 3), rotations (J, 4), local.

        seen (J,) says which joints it holds; None: all. Values that are no pose count as not seen.
        """
        body = self.bodies[i]
        body.stream.add(time_s, positions, rotations, seen, (body.positions, body.rotations))

    def step(self, now_s: float) -> None:
        """A tick of the stage: every subject as it stands now."""
        people: list[Person] = []
        for i, body in enumerate(self.bodies):
            body.sense(now_s)
            if body.foresight is not None and body.stream.packets:
                people.append((i, body, body.foresight))
        partly = [one for one in people if one[1].newly_partial]
        self._rephase(partly)
        self._foresee(partly)
        self._feed(people)
        self._foresee([one for one in people if one[1].missing.any() and not one[1].waits])
        self._act([one for one in people if one[1].whole_lost])
        for i, body in enumerate(self.bodies):
            body.compose()
            self.uncertainty_m[i] = body.uncertainty_m

    # What was seen, into the network's memory.

    def _back_to_truth(self, i: int, sight: Foresight) -> None:
        if sight.branch is not None:
            self.network.restore(i, sight.branch)
            sight.branch = None

    def _place(self, person: Person, time_s: float) -> None:
        """The network goes on from the truth at a time, with the truth a tick earlier as past."""
        i, body, sight = person
        now = body.stream.sample(time_s)
        before = body.stream.sample(time_s - TICK_S)
        self.network.place(i, *sight.there(*now[:2]), *sight.there(*before[:2]))

    def _rephase(self, people: list[Person]) -> None:
        """Some joints were seen for the last time a packet ago: the ticks begin there."""
        for i, body, sight in people:
            self._back_to_truth(i, sight)
            if np.isfinite(sight.network_s):
                sight.network_s = body.stream.packets[-2].time_s
                self._place((i, body, sight), sight.network_s)

    def _feed(self, people: list[Person]) -> None:
        """Steps the network through the ticks that the packets have reached."""
        for i, body, sight in people:
            newest = body.stream.newest
            known = bool(np.isfinite(sight.network_s))
            silent_s = newest.time_s - sight.network_s
            if silent_s < HOLE_S or not (known or newest.seen is None):
                continue
            if sight.branch is None or silent_s > FORGETS_S:
                self.network.reset(i)
            sight.branch = None
            sight.there(newest.positions, newest.rotations, learn=not known)
            sight.network_s = newest.time_s
            self._place((i, body, sight), newest.time_s)
        while True:
            due = [
                one
                for one in people
                if one[1].stream.newest.time_s >= one[2].network_s + TICK_S - EPSILON_S
                and np.isfinite(one[2].network_s)
            ]
            if not due:
                return
            for i, body, sight in due:
                self._back_to_truth(i, sight)
                sight.network_s += TICK_S
                positions, rotations, seen = body.stream.sample(sight.network_s)
                learn = not body.missing.any()
                self._hips[i], self._turns[i] = sight.there(positions, rotations, learn)
                self._seen[i] = True if seen is None else sight.transfer.seen_there(seen)
            self._step(due)

    def _step(self, people: list[Person]) -> None:
        which = np.array([i for i, _, _ in people])
        self.network.step(self._hips, self._turns, self._seen, which)

    # What is missing, out of it.

    def _foresee(self, people: list[Person]) -> None:
        """Forecasts for bodies of which something is missing, as far ahead as the tick needs."""
        people = [one for one in people if np.isfinite(one[2].network_s)]
        begun = []
        for i, body, sight in people:
            newest = body.stream.newest
            base = (newest.time_s if body.whole_lost else sight.network_s), body.whole_lost
            if sight.base == base:
                continue
            self._back_to_truth(i, sight)
            sight.branch = self.network.snapshot(i)
            if body.whole_lost:
                self._place((i, body, sight), base[0])
            begun.append((body, sight.forecast))
            before = body.stream.before_newest
            sight.begin(base, newest, before, body.missing, self.network, i)
        while True:
            due = [
                one
                for one in people
                if not one[2].acting and one[2].forecast.end_s < one[1].time_s + AHEAD_S
            ]
            if not due:
                break
            for i, _, _ in due:
                self._seen[i] = False
            self._step(due)
            for i, body, sight in due:
                end_s = sight.forecast.end_s + TICK_S
                sight.extend(end_s, body.stream.newest, body.missing, self.network, i)
        for body, old in begun:
            body.turn_to_forecast(old)

    # When nothing comes any more: the control performer walks on, stops and stands.

    def _act(self, people: list[Person]) -> None:
        """Bodies that have been silent for too long, into the hands of the performer."""
        performer = self.performer
        if performer is None:
            return
        acted = []
        for i, body, sight in people:
            if not sight.forecast or (not sight.acting and body.silent_s <= self.stop_after_s):
                continue
            if not sight.acting:
                performer.take_over(i, *sight.hand_to_performer(body.time_s, 1.0 / PERFORMER_HZ))
            acted.append((i, body, sight))
        while any(sight.forecast.end_s < body.time_s + AHEAD_S for _, body, sight in acted):
            for _ in range(PERFORMER_TICKS):
                performer.step(self._rest)
            for i, body, sight in acted:
                sight.extend_acting(
                    PERFORMER_TICKS / PERFORMER_HZ,
                    performer.positions[i, 0],
                    performer.rotations[i],
                    performer.contacts[i, :, 1].copy(),
                    body.stream.newest,
                )

    def close(self) -> None:
        """Lets the networks go."""
        self.network.close()
        if self.performer is not None:
            self.performer.close()

    def __enter__(self) -> Takeover:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
