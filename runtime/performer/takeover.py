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
from typing import Any

import numpy as np

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import Intent, State
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

from .body import Body
from .layout import RATE_HZ as PERFORMER_HZ
from .performer import Performer
from .understudy import RATE_HZ, Understudy

TICK_S = 1.0 / RATE_HZ
STOP_AFTER_S = 2.0
# A hole of more than this is no late packet: the network begins anew with what comes after it.
HOLE_S = 0.2
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
        transfers: dict[int, Any] = {}
        self.bodies = [Body(skeleton, transfers) for skeleton in skeletons]
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
        acted = []
        for i, body in enumerate(self.bodies):
            body.sense(now_s)
            if body.transfer is not None and body.stream.packets:
                acted.append(i)
        fresh = [i for i in acted if self.bodies[i].newly_partial]
        for i in fresh:
            self._rephase(i)
        if fresh:
            self._foresee(fresh)
        self._feed(acted)
        self._foresee(
            [i for i in acted if self.bodies[i].missing.any() and not self.bodies[i].waits]
        )
        self._act([i for i in acted if self.bodies[i].overdue])
        for i, body in enumerate(self.bodies):
            body.compose(now_s, self.stop_after_s)
            self.uncertainty_m[i] = body.uncertainty_m

    # What was seen, into the network's memory.

    def _back_to_truth(self, i: int) -> None:
        body = self.bodies[i]
        if body.branch is not None:
            self.network.restore(i, body.branch)
            body.branch = None

    def _place(self, i: int, time_s: float) -> None:
        """The network goes on from the truth at a time, with the truth a tick earlier as past."""
        body = self.bodies[i]
        positions, rotations, _ = body.stream.sample(time_s)
        before = body.stream.sample(time_s - TICK_S)
        now = body.there(positions, rotations)
        self.network.place(i, *now, *body.there(before[0], before[1]))

    def _rephase(self, i: int) -> None:
        """Some joints of body i were seen for the last time: its ticks begin there."""
        body = self.bodies[i]
        self._back_to_truth(i)
        last = body.stream.packets[-2].time_s
        if body.network_s is not None:
            self._place(i, last)
            body.network_s = last

    def _feed(self, which: list[int]) -> None:
        """Steps the network through the ticks that the packets have reached."""
        for i in which:
            body = self.bodies[i]
            newest = body.stream.newest
            if body.network_s is None:
                if newest.seen is None:
                    body.learn(newest.positions, newest.rotations)
                    self._place(i, newest.time_s)
                    body.network_s = newest.time_s
            elif newest.time_s - body.network_s > HOLE_S:
                if body.branch is None or newest.time_s - body.network_s > 2.5 * HOLE_S:
                    self.network.reset(i)
                body.branch = None
                self._place(i, newest.time_s)
                body.network_s = newest.time_s
        while True:
            due = []
            for i in which:
                body = self.bodies[i]
                if body.network_s is not None and (
                    body.stream.newest.time_s >= body.network_s + TICK_S - EPSILON_S
                ):
                    due.append(i)
            if not due:
                return
            for i in due:
                self._back_to_truth(i)
                body = self.bodies[i]
                body.network_s += TICK_S
                positions, rotations, seen = body.stream.sample(body.network_s)
                if not body.missing.any():
                    body.learn(positions, rotations)
                self._hips[i], self._turns[i] = body.there(positions, rotations)
                self._seen[i] = body.seen_roles(seen)
            self.network.step(self._hips, self._turns, self._seen, np.array(due))

    # What is missing, out of it.

    def _foresee(self, which: list[int]) -> None:
        """Forecasts for bodies of which something is missing, as far ahead as the tick needs."""
        begun = []
        for i in which:
            body = self.bodies[i]
            base = body.stream.newest.time_s if body.overdue else body.network_s
            if body.network_s is None or body.forecast_from == (base, body.overdue):
                continue
            body.acted_by_s = None
            self._back_to_truth(i)
            body.branch = self.network.snapshot(i)
            if body.overdue:
                self._place(i, base)
            begun.append((i, body.forecast))
            body.begin_forecast(base, self.network, i)
        while True:
            due = [
                i
                for i in which
                if self.bodies[i].forecast is not None
                and self.bodies[i].acted_by_s is None
                and self.bodies[i].forecast.end_s < self.bodies[i].time_s + 2.0 * TICK_S
            ]
            if not due:
                break
            self._seen[due] = False
            self.network.step(self._hips, self._turns, self._seen, np.array(due))
            for i in due:
                self.bodies[i].extend_forecast(TICK_S, self.network, i)
        for i, old in begun:
            self.bodies[i].turn_to_forecast(old)

    # When nothing comes any more: the control performer walks on, stops and stands.

    def _act(self, which: list[int]) -> None:
        """Bodies that have been silent for too long, into the hands of the performer."""
        acted = []
        for i in which:
            body = self.bodies[i]
            if self.performer is None or body.forecast is None:
                continue
            if body.acted_by_s is None:
                if body.silent_s <= self.stop_after_s:
                    continue
                pose, before = body.hand_to_performer(1.0 / PERFORMER_HZ)
                self.performer.take_over(i, pose, before)
            acted.append(i)
        while any(self.bodies[i].forecast.end_s < self.bodies[i].time_s + 0.05 for i in acted):
            for _ in range(PERFORMER_TICKS):
                self.performer.step(self._rest)
            for i in acted:
                hips = self.performer.positions[i, 0]
                turns, contacts = self.performer.rotations[i], self.performer.contacts[i, :, 1]
                self.bodies[i].extend_acting(
                    PERFORMER_TICKS / PERFORMER_HZ, hips, turns, contacts.copy()
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
