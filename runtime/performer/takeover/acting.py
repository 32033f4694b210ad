"""Acting: the control performer moves bodies of whom nothing comes any more, and walks those home
whose mocap came back far away.

What a body does after a long silence is the user's choice (`THEN`); whoever comes back further than
a step from where the understudy has taken him walks or turns there, and is handed over at arrival.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.buttons import ACTIONS
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import Intent
from understudy.runtime.core.silence import THEN
from understudy.runtime.performer.control.controller import RUN_MPS, WALK_MPS
from understudy.runtime.performer.control.layout import RATE_HZ, TRAITS
from understudy.runtime.performer.control.performer import Performer

from . import prediction
from .body import Body
from .composition import by_skeleton
from .network import RATE_HZ as NETWORK_HZ
from .prediction import Prediction

# What a body does, in words: on its way to rest, and at rest.
WORDS = {
    "stand": ("stopping", "standing"),
    "idle": ("stopping", "waiting"),
    "sit": ("sitting down", "sitting"),
    "exit": ("leaving", "gone"),
}
AHEAD_S = 2.0 / NETWORK_HZ  # of a forecast; no tick of a stage at 24 Hz or more is longer
TICKS = 2  # between two knots of a forecast
TICK_S = 1.0 / RATE_HZ
# Who waits with life glances about.
RESTLESS = 0.6
# Off the stage: so far from where the performer took over.
EXIT_M = 8.0
GOES_MPS = 0.3
# Towards an actor who is back: so much time for what is left of the way, and of the turn.
ARRIVES_S = 1.1
FACES_M = 1.0
SLOWEST_MPS = 0.25


class Acting:
    """The performer's side of `Takeover`, opened at once: a tick has no time for it."""

    def __init__(self, count: int, then: str = "stand") -> None:
        if then not in THEN:
            raise UnderstudyError(f"--then {then} is none of {', '.join(THEN)}.")
        self.performer = Performer(count)
        self.then = then
        sits = {button for button, action in ACTIONS.items() if action == "sit"}
        self._sit, self._still = Intent(buttons=frozenset(sits)), Intent()
        self._from = np.zeros((count, 2))
        self._way = np.zeros((count, 2))
        self._sits = np.zeros(count, bool)

    def step(self, bodies: Sequence[tuple[Body, Prediction]], stop_after_s: float) -> None:
        """Bodies that have been silent for too long, or are back far away, go on by performer."""
        acted: list[tuple[Body, Prediction]] = []
        for body, ahead in bodies:
            late = ahead.acting or body.returns or body.silent_s > stop_after_s
            if not ahead.forecast or not late:
                continue
            if not ahead.acting:
                self._begin(body, ahead)
            acted.append((body, ahead))
        if not acted:
            return
        performer, groups = self.performer, by_skeleton(body for body, _ in acted)
        while any(ahead.forecast.end_s < body.time_s + AHEAD_S for body, ahead in acted):
            intents = [self._still] * performer.count
            for body, ahead in acted:
                intents[body.i] = self._intent(body, ahead)
            for _ in range(TICKS):
                performer.step(intents)
            for same in groups:
                rows = [body.i for body in same]
                prediction.extend_acting(
                    [body.prediction for body in same if body.prediction is not None],
                    TICKS / RATE_HZ,
                    performer.positions[rows, 0],
                    performer.rotations[rows],
                    performer.contacts[rows, :, 1],
                    [body.stream.newest for body in same],
                )

    def _begin(self, body: Body, ahead: Prediction) -> None:
        """The performer takes the pose, its speed, and the way on."""
        performer, i = self.performer, body.i
        performer.take_over(i, *ahead.hand_to_performer(body.time_s, TICK_S))
        self._from[i], self._sits[i] = performer.root[i], False
        velocity = performer.controller.velocity[i]
        speed = float(np.hypot(*velocity))
        facing = np.array([np.sin(performer.yaw[i]), np.cos(performer.yaw[i])])
        self._way[i] = velocity / speed if speed > GOES_MPS else facing

    def _intent(self, body: Body, ahead: Prediction) -> Intent:
        """What a body is to do now."""
        i = body.i
        if body.returns:
            return self._home(body, ahead)
        ahead.does = WORDS[self.then]
        restless = RESTLESS if self.then == "idle" else 0.0
        self.performer.style[i, TRAITS.index("restless")] = restless
        if self.then == "sit" and ahead.stands:
            self._sits[i] = True
        if self.then != "exit":
            return self._sit if self._sits[i] and self.then == "sit" else self._still
        gone = float((self.performer.root[i] - self._from[i]) @ self._way[i])
        return self._still if gone > EXIT_M else Intent(travel=0.7 * self._way[i])

    def _home(self, body: Body, ahead: Prediction) -> Intent:
        """Towards where the actor is and will be, and at the end the way that the actor faces."""
        performer, i, newest = self.performer, body.i, body.stream.newest
        hips, turns = ahead.there(newest.positions, newest.rotations)
        speed = np.zeros(2)
        if (before := body.stream.before_newest) is not None:
            was = ahead.there(before.positions, before.rotations)[0]
            speed = (hips - was)[[0, 2]] / max(body.stream.elapsed_s(before, newest), TICK_S)
        left = hips[[0, 2]] - performer.root[i]
        far = float(np.hypot(*left))
        wish = speed + left / ARRIVES_S
        mps = float(np.hypot(*wish))
        yaw = float(rotation.yaw(turns[0]))
        facing = np.array([np.sin(yaw), np.cos(yaw)]) if far < FACES_M else np.zeros(2)
        if mps < SLOWEST_MPS:
            return Intent(facing=facing)
        runs = mps > WALK_MPS
        share = min(mps / (RUN_MPS if runs else WALK_MPS), 1.0)
        return Intent(wish * (share / mps), facing, frozenset({"run"}) if runs else frozenset())

    def close(self) -> None:
        """Lets the networks go."""
        self.performer.close()
