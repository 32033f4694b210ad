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

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.floor import Floor
from understudy.runtime.core.pose import State
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

from . import prediction
from .acting import AHEAD_S, Acting
from .blend import PoseBlend
from .body import Body, transfer_of
from .composition import by_skeleton, compose
from .feet import FootPlanting
from .network import RATE_HZ, Understudy
from .prediction import Prediction
from .relief import Relief
from .transfer import Transfer

Predicted = tuple[Body, Prediction]

TICK_S = 1.0 / RATE_HZ
STOP_AFTER_S = 2.0
# A hole of more than this is no late packet: the network begins anew with what comes after it.
HOLE_S = 0.2
FORGETS_S = 0.5  # and after so long it forgets what was before
EPSILON_S = 1e-4


class Takeover:
    """N live subjects. After each `step`, for subject i:

    positions[i] (J, 3), rotations[i] (J, 4) in its own skeleton, local to the parent; read only
    states[i], reasons[i]  who moves it and why, "" when live
    uncertainty_m[i]       expected mean distance of its joints from the truth, 0 when live
    joint_uncertainty_m[i]  of each of its joints (J,); (0,) when live
    """

    def __init__(
        self,
        skeletons: Sequence[Skeleton],
        stop_after_s: float = STOP_AFTER_S,
        weights: Path | None = None,
        provider: str = "auto",
        then: str = "stand",
        floor: Floor | None = None,
    ) -> None:
        """then: what a body does after stop_after_s without a source (`acting.THEN`).

        floor: what they stand on, `place`d as they are on it; None is level ground.
        """
        if not skeletons:
            raise UnderstudyError("Takeover has no subject; give it at least one skeleton.")
        if not stop_after_s > 0.0:
            raise UnderstudyError(
                f"The understudy cannot stop after {stop_after_s:g} s; give a time above 0."
            )
        self.stop_after_s, self._floor = stop_after_s, floor
        count = len(skeletons)
        self.network = Understudy(count, weights, provider)
        self.provider_name = self.network.provider_name
        known: dict[int, Transfer | None] = {}
        self._blend = PoseBlend(count, max(len(skeleton) for skeleton in skeletons))
        self._planting = FootPlanting(count)
        self.bodies = [
            Body(i, skeleton, transfer_of(skeleton, known), self._blend)
            for i, skeleton in enumerate(skeletons)
        ]
        self._hips = np.zeros((count, 3))
        self._turns = np.zeros((count, self.network.rotations.shape[1], 4))
        self._turns[..., 3] = 1.0
        self._seen = np.zeros(self._turns.shape[:2], bool)
        self.uncertainty_m = np.zeros(count)
        self.acting = Acting(count, then) if np.isfinite(stop_after_s) else None
        for body in self.bodies:
            body.walks = self.acting is not None
            self.place(body.i, np.zeros(3), rotation.identity())

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
    def joint_uncertainty_m(self) -> list[Array]:
        return [body.joint_uncertainty_m for body in self.bodies]

    @property
    def reasons(self) -> list[str]:
        return [body.reason for body in self.bodies]

    def reseat(self, i: int, skeleton: Skeleton, transfer: Transfer | None) -> None:
        """Subject i begins anew on another skeleton; `transfer_of` makes the slow part beside."""
        self._blend.reset(i, len(skeleton))
        self._planting.reset(i)
        self.bodies[i] = Body(i, skeleton, transfer, self._blend)
        self.bodies[i].walks = self.acting is not None
        self.network.reset(i)
        self.uncertainty_m[i] = 0.0
        self.place(i, np.zeros(3), rotation.identity())

    def place(self, i: int, at_m: Array, turn: Array) -> None:
        """Subject i is shown turned by turn (4,) about +Y and then moved by at_m (3,).

        It counts only where there is a floor, which is the stage's.
        """
        ahead = self.bodies[i].prediction
        if self._floor is not None and ahead is not None:
            ahead.relief = Relief(self._floor, at_m, float(rotation.yaw(turn)))

    def silence(self, then: str, stop_after_s: float) -> None:
        """What bodies do from now on after so long without a source."""
        self.stop_after_s = stop_after_s
        if self.acting is not None:
            self.acting.then = then

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
        humanoid: list[Predicted] = []
        for body in self.bodies:
            body.sense(now_s)
            if body.prediction is not None and body.stream.packets:
                humanoid.append((body, body.prediction))
        partly = [one for one in humanoid if one[0].newly_partial]
        self._back_up(partly)
        self._predict([one for one in partly if not one[0].fingers_alone])
        self._feed(humanoid)
        gone = [one for one in humanoid if one[0].any_missing and not one[0].waits]
        gone = [one for one in gone if not one[0].away]
        self._predict([one for one in gone if not one[0].fingers_alone])
        self._coast([one for one in gone if one[0].fingers_alone])
        if self.acting is not None:
            acted = [one for one in humanoid if one[0].whole_lost or one[0].returns]
            self.acting.step(acted, self.stop_after_s)
        compose(self.bodies, self._blend, self._planting)
        self.uncertainty_m[:] = [body.uncertainty_m for body in self.bodies]

    # What was seen, into the network's memory.

    def _back_to_truth(self, i: int, ahead: Prediction) -> None:
        if ahead.branch is not None:
            self.network.restore(i, ahead.branch)
            ahead.branch = None

    def _place(self, body: Body, ahead: Prediction, time_s: float) -> None:
        """The network goes on from the truth at a time, with the truth a tick earlier as past."""
        now = body.stream.sample(time_s)
        before = body.stream.sample(time_s - TICK_S)
        self.network.place(body.i, *ahead.there(*now[:2]), *ahead.there(*before[:2]))

    def _back_up(self, bodies: list[Predicted]) -> None:
        """Some joints were seen for the last time a packet ago: the ticks begin there."""
        for body, ahead in bodies:
            self._back_to_truth(body.i, ahead)
            if np.isfinite(ahead.network_s):
                ahead.network_s = body.stream.packets[-2].time_s
                self._place(body, ahead, ahead.network_s)

    def _feed(self, bodies: list[Predicted]) -> None:
        """Steps the network through the ticks that the packets have reached."""
        for body, ahead in bodies:
            newest = body.stream.newest
            silent_s = newest.time_s - ahead.network_s
            if silent_s < HOLE_S:
                continue
            known = ahead.network_s > -np.inf
            if not (known or newest.seen is None):
                continue
            if ahead.branch is None or silent_s > FORGETS_S:
                self.network.reset(body.i)
            ahead.branch = None
            ahead.there(newest.positions, newest.rotations, learn=not known)
            ahead.network_s = newest.time_s
            self._place(body, ahead, newest.time_s)
        while True:
            due = [
                body
                for body, ahead in bodies
                if body.stream.newest.time_s >= ahead.network_s + TICK_S - EPSILON_S
                and ahead.network_s > -np.inf
            ]
            if not due:
                return
            for same in by_skeleton(due):
                self._see(same)
            self._step(due)

    def _see(self, bodies: list[Body]) -> None:
        """Brings bodies of one skeleton a tick on: what is seen of them there, for the network."""
        predictions = [body.prediction for body in bodies if body.prediction is not None]
        samples = []
        for body, ahead in zip(bodies, predictions, strict=True):
            self._back_to_truth(body.i, ahead)
            ahead.network_s += TICK_S
            samples.append(body.stream.sample(ahead.network_s))
        rows = np.array([body.i for body in bodies])
        lifts = np.array([one.level.lift_m for one in predictions])
        self._hips[rows], self._turns[rows] = prediction.there(
            predictions,
            [positions for positions, _, _ in samples],
            [rotations for _, rotations, _ in samples],
            [not body.any_missing for body in bodies],
        )
        self.network.lift(rows, np.array([one.level.lift_m for one in predictions]) - lifts)
        self._seen[rows] = True
        for i, (_, _, seen) in zip(rows, samples, strict=True):
            if seen is not None:
                self._seen[i] = predictions[0].transfer.seen_there(seen)

    def _step(self, bodies: list[Body]) -> None:
        which = np.array([body.i for body in bodies])
        self.network.step(self._hips, self._turns, self._seen, which)

    # What is missing, out of it.

    def _predict(self, bodies: list[Predicted]) -> None:
        """Forecasts for bodies of which something is missing, as far ahead as the tick needs."""
        bodies = [one for one in bodies if one[1].network_s > -np.inf]
        begun = []
        for body, ahead in bodies:
            newest = body.stream.newest
            base = (newest.time_s if body.whole_lost else ahead.network_s), body.whole_lost
            if ahead.base == base:
                continue
            self._back_to_truth(body.i, ahead)
            ahead.branch = self.network.snapshot(body.i)
            if body.whole_lost:
                self._place(body, ahead, base[0])
            begun.append((body, ahead.forecast))
            one = body.stream.before_newest
            before = None if one is None else (one, body.stream.elapsed_s(one, newest))
            ahead.begin(base, newest, before, body.missing, self.network, body.i)
        while True:
            due = [
                body
                for body, ahead in bodies
                if not ahead.acting and ahead.forecast.end_s < body.time_s + AHEAD_S
            ]
            if not due:
                break
            self._seen[[body.i for body in due]] = False
            self._step(due)
            for same in by_skeleton(due):
                predictions = [body.prediction for body in same if body.prediction is not None]
                prediction.extend(
                    predictions,
                    [one.forecast.end_s + TICK_S for one in predictions],
                    [body.stream.newest for body in same],
                    [body.missing for body in same],
                    self.network,
                    [body.i for body in same],
                )
        for body, old in begun:
            body.turn_to_forecast(old)

    def _coast(self, bodies: list[Predicted]) -> None:
        """Forecasts for bodies that lack nothing but what the network does not know."""
        for body, ahead in bodies:
            if ahead.network_s == -np.inf:
                continue
            old = ahead.forecast
            ahead.go_alone(body.time_s + AHEAD_S, TICK_S, body.stream.newest, body.missing)
            if ahead.forecast is not old:
                body.turn_to_forecast(old)

    def close(self) -> None:
        """Lets the networks go."""
        self.network.close()
        if self.acting is not None:
            self.acting.close()

    def __enter__(self) -> Takeover:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
