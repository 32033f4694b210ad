"""Hands that come to a point: what a take reaches for is moved to where it really is.

A take that reaches up has a moment at which its palm is highest, one that picks up one at which it
is lowest. The nearer the palm is to that place, the more of it is moved to the goal; so it is there
at that very moment, and comes and goes as the actor's did. The arm bends as two bones do, and the
trunk leans after a goal that the arm is too short for.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from understudy.runtime.core import quaternion, rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Intent
from understudy.runtime.core.rotation import Array
from understudy.runtime.retarget.limbs import bent

from .actions import Actions, ease
from .layout import RATE_HZ

# Actions whose hand goes somewhere: up or down, and the place for which it is meant, to the left,
# above the ground and ahead of the body as it begins; None: the take's own.
REACHES: dict[str, tuple[float, tuple[float, float, float] | None]] = {
    "reach": (1.0, (-0.1, 1.3, 0.5)),
    "pick": (-1.0, None),
}
PALM_M = 0.09  # beyond the wrist
HANGS_M = np.array([0.22, 0.8, 0.1])  # a palm at rest
SIDES = ("Left", "Right")
# Of an arm's length, what is reached without leaning; how far the trunk leans.
INSISTS, MOST_M = 0.3, 0.12
REACH, LEANS_RAD, LEANS = 0.95, 0.7, 3
_CHAIN = {
    side: [
        PERFORMER.index(name)
        for name in (
            *("Hips", "Spine", "Spine1", "Spine2"),
            *(side + part for part in ("Shoulder", "Arm", "ForeArm", "Hand")),
        )
    ]
    for side in SIDES
}
_SPINE, _SHOULDER, _ARM, _FOREARM, _HAND = 1, 4, 5, 6, 7  # places in a chain
_PALM = {side: np.array([x * PALM_M, 0.0, 0.0]) for side, x in zip(SIDES, (1.0, -1.0))}
_BACK = np.array([0.0, 0.0, -1.0])  # elbows of straight arms bend to there


class Hands:
    """Goals of the hands of `count` bodies.

    lift (count,) by how much a floor will raise them
    reaches  by action: the palm x, y, z as the root saw it when the take began.
    """

    def __init__(self, count: int, actions: Actions) -> None:
        self.reaches: dict[str, tuple[float, float, float]] = {}
        self._goal = np.full((count, 3), np.nan)
        self.lift: Array = np.zeros(count)
        self._more = np.zeros((count, 3))  # how much further to aim, for what limits took
        self._near: dict[int, Array] = {}  # by take: 0 where the palm began .. 1 at its farthest
        self._side: dict[int, str] = {}
        for action, (up, meant) in REACHES.items():
            for take in actions.takes_of(action):
                place = self._learn(take, up, actions)
                self.reaches.setdefault(action, meant or place)

    def _learn(self, take: int, up: float, actions: Actions) -> tuple[float, float, float]:
        """Which hand of a take goes farthest up or down, where to, and when it is how near."""
        hips, turns = actions.rolled(take)
        palms = {side: _palm(hips, turns, side) for side in SIDES}
        side = max(SIDES, key=lambda name: float((up * palms[name][:, 1]).max()))
        palm = palms[side]
        there = palm[np.argmax(up * palm[:, 1])]
        hangs = HANGS_M * (1.0 if side == "Left" else -1.0, 1.0, 1.0)
        left = np.linalg.norm(palm - there, axis=-1) / np.linalg.norm(there - hangs)
        self._near[take] = np.clip(1.0 - left, 0.0, 1.0)
        self._side[take] = side
        x, y, z = there.tolist()
        return x, y, z

    def reset(self, i: int) -> None:
        """Body i reaches for nothing."""
        self._goal[i] = np.nan

    def begin(self, actions: Actions, intents: Sequence[Intent]) -> None:
        """Takes that have just begun keep the goal that is asked now."""
        for i in np.flatnonzero((actions.take >= 0) & (actions.time_s == 0.0)).tolist():
            at = intents[i].hand_at if int(actions.take[i]) in self._side else ()
            self._goal[i] = at if len(at) == 3 and np.isfinite(at).all() else np.nan
            self._more[i] = 0.0

    def apply(self, who: np.ndarray, actions: Actions, hips: Array, rotations: Array) -> None:
        """Brings hands to their goals: world hips (N, 3) and rotations (N, J, 4), in place.

        who (K,) are the bodies that act.
        """
        for i in self._told(who):
            side, share = self._of(actions, i)
            goal = self._goal[i] + self._more[i] - (0.0, self.lift[i], 0.0)
            _reach(side, goal, share, hips[i : i + 1], rotations[i : i + 1])

    def note(self, who: np.ndarray, actions: Actions, hips: Array, rotations: Array) -> None:
        """What the joints' limits kept hands from is aimed further by at the next tick."""
        for i in self._told(who):
            side, share = self._of(actions, i)
            palm = _palm(hips[i : i + 1], rotations[i : i + 1], side)[0]
            missed = self._goal[i] - (0.0, self.lift[i], 0.0) - palm
            more = self._more[i] + INSISTS * share**4 * missed
            self._more[i] = more * min(1.0, MOST_M / max(float(np.linalg.norm(more)), 1e-9))

    def _told(self, who: np.ndarray) -> list[int]:
        return who[np.isfinite(self._goal[who, 0])].tolist()

    def _of(self, actions: Actions, i: int) -> tuple[str, float]:
        """The hand of a body's take, and by how much it goes to its goal now."""
        take = int(actions.take[i])
        near, side = self._near[take], self._side[take]
        at = min(actions.time_s[i] * RATE_HZ, len(near) - 1.0)
        share = float(ease(np.interp(at, np.arange(len(near)), near)))
        share *= float(ease(actions.weight[i]))
        return SIDES[1 - SIDES.index(side)] if actions.mirrored[i] else side, share


def _chained(hips: Array, rotations: Array, side: str) -> tuple[Array, Array]:
    """World places (N, 8, 3) and rotations (N, 8, 4) from the hips to a hand."""
    chain = _CHAIN[side]
    places, turns = [hips.astype(float)], [rotations[:, chain[0]].astype(float)]
    for joint in chain[1:]:
        rest = np.broadcast_to(PERFORMER.rest_positions[joint], places[-1].shape)
        places.append(places[-1] + quaternion.rotate(turns[-1], rest))
        turns.append(quaternion.multiply(turns[-1], rotations[:, joint].astype(float)))
    return np.stack(places, 1), np.stack(turns, 1)


def _palm(hips: Array, rotations: Array, side: str) -> Array:
    """(N, 3) where a palm is."""
    places, turns = _chained(hips, rotations, side)
    return _of_palm(places, turns, side)


def _of_palm(places: Array, turns: Array, side: str) -> Array:
    beyond = np.broadcast_to(_PALM[side], places[:, _HAND].shape)
    return places[:, _HAND] + quaternion.rotate(turns[:, _HAND], beyond)


def _reach(side: str, target: Array, share: float, hips: Array, rotations: Array) -> None:
    """Takes a palm by a share of its way to a target (3,), in place."""
    if share <= 0.0:
        return
    chain = _CHAIN[side]
    places, turns = _chained(hips, rotations, side)
    palm = _of_palm(places, turns, side)
    goal = palm + share * (target - palm)
    for _ in range(LEANS):
        top, elbow = places[:, _ARM], places[:, _FOREARM]
        long_m = np.linalg.norm(elbow - top, axis=-1) + np.linalg.norm(palm - elbow, axis=-1)
        short_m = np.linalg.norm(goal - top, axis=-1) - REACH * long_m
        if short_m.max() <= 0.0:
            break
        lever = top - places[:, _SPINE]
        way = quaternion.unit(goal - top)
        across = np.linalg.norm(np.cross(lever, way), axis=-1)
        angle = np.clip(short_m / np.maximum(across, 0.1), 0.0, LEANS_RAD) / LEANS
        axis = quaternion.unit(quaternion.cross(lever, way))
        turn = rotation.from_rotation_vector((angle / 3.0)[:, None] * axis)
        for k in range(_SPINE, _SPINE + 3):  # each by a third
            above = turns[:, k - 1]
            own = quaternion.multiply(turn, turns[:, k])
            rotations[:, chain[k]] = quaternion.multiply(quaternion.conjugate(above), own)
        places, turns = _chained(hips, rotations, side)
        palm = _of_palm(places, turns, side)
    top, elbow = places[:, _ARM], places[:, _FOREARM]
    back = quaternion.rotate(turns[:, _ARM], np.broadcast_to(_BACK, top.shape))
    limb = np.stack([top, elbow, palm, goal], axis=1)[:, :, None]
    upper, lower = (turn[:, 0] for turn in bent(limb, back[:, None]))
    arm = quaternion.multiply(upper, turns[:, _ARM])
    forearm = quaternion.multiply(lower, turns[:, _FOREARM])
    shoulder = quaternion.conjugate(turns[:, _SHOULDER])
    rotations[:, chain[_ARM]] = quaternion.multiply(shoulder, arm)
    rotations[:, chain[_FOREARM]] = quaternion.multiply(quaternion.conjugate(arm), forearm)
