"""Gaze: where a body looks, and the head, neck and chest that take it there.

The network gives a head that hangs as it hung in the mocap. Here it looks at something: along the
way that the body goes, at a point, or where the right stick says; and now and then it glances aside
and comes back, as people do. A head turns to what it looks at in a third of a second and stays
there while the body sways under it (Vestibulo-ocular reflex: heads are kept still in space).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from understudy.runtime.core import quaternion
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Sight
from understudy.runtime.core.rotation import Array

_CHAIN = [PERFORMER.index(n) for n in ("Hips", "Spine", "Spine1", "Spine2")]
_NECK, _HEAD = PERFORMER.index("Neck"), PERFORMER.index("Head")
_AHEAD = quaternion.turning(np.array([0.0, 0.0, 1.0]))
NOWHERE = np.full(3, np.nan)
# How far above the hips the eyes of a body are that stands.
EYES_M = 0.71
# Where nobody says anything, a little below the horizon: the ground far ahead.
AHEAD_PITCH_RAD = np.radians(-3.0)
HALFLIFE_S = 0.09
FASTEST_RAD_S = np.radians(300.0)
# How far from the chest's ahead a head can turn: aside, up and down. The mocap's own limits of
# neck and head (limits.py) come after that.
ASIDE_RAD, UP_RAD, DOWN_RAD = np.radians([55.0, 30.0, 40.0])
# What lies further behind than this is not looked at; the head comes back ahead.
BEHIND_RAD = np.radians(130.0)
CHEST, NECK = 0.12, 0.4  # shares: of the turn aside the chest's; of what is left the neck's
COMES_HALFLIFE_S = 0.25  # in which a gaze takes hold of a body that was not its own
BUSY = 0.5  # share of it in an action, which has a gaze of its own
# A glance: mean time between two of a body that stands, how far, for how long.
EVERY_S, ASIDE_SD_RAD, UP_SD_RAD, SHORTEST_S, LONGEST_S = 6.0, 0.45, 0.12, 0.35, 1.8
MOVING = 2.0  # times as rare in a body that goes somewhere
LOOKING = 0.35  # so far, and so often, does one glance aside who was told what to look at
RESTLESS = 4.0  # times as often at the slider's end


class Gaze:
    """Of `count` bodies.

    target (count, 3)  points in the world to look at; NaN: along the way that it goes
    """

    def __init__(self, count: int) -> None:
        self.target = np.full((count, 3), np.nan)
        self._weight = np.zeros(count)
        self._angles = np.zeros((count, 2))  # yaw in the world, pitch; as looked at now
        self._rate: Array = np.zeros((count, 2))
        self._fresh = np.ones(count, bool)
        self._goal, self._wanted = np.zeros((count, 2)), np.zeros((count, 3))
        self._aside = np.zeros((count, 2))
        self._until_s = np.zeros(count)
        self._glances = np.zeros(count, bool)
        self._random = [np.random.default_rng([7, i]) for i in range(count)]
        for i in range(count):
            self.reset(i)

    def reset(self, i: int, looks: float = 1.0) -> None:
        """Body i begins to look about, by and by where looks is 0; what it is to look at stays."""
        self._weight[i], self._fresh[i], self._glances[i] = looks, True, False
        self._aside[i] = 0.0
        self._until_s[i] = self._random[i].exponential(EVERY_S)

    def apply(
        self,
        hips: Array,
        rotations: Array,
        ahead_rad: Array,
        look: Array,
        speed: Array,
        restless: Array,
        busy: np.ndarray,
        dt_s: float,
    ) -> None:
        """Turns chest, neck and head of rotations (N, J, 4), local; the hips' and hips (N, 3) in
        the world.

        ahead_rad (N,) is the heading of the way to come; look (N, 2) a way to look along the
        ground, world x and z, zero: none; restless (N,) -1 fixed to 1; busy (N,) in an action.
        """
        chest = rotations[:, 0]
        for joint in _CHAIN[1:]:
            chest = quaternion.multiply(chest, rotations[:, joint])
        heading = quaternion.turned(chest, _AHEAD)
        chest_rad = np.arctan2(heading[:, 0], heading[:, 2])
        goal = self._goal
        goal[:, 0], goal[:, 1] = ahead_rad, AHEAD_PITCH_RAD
        told = self._tell(goal, hips, look, chest_rad)
        self._glance(goal, told, speed, restless, dt_s)
        aside = quaternion.clamp(_wrap(goal[:, 0] - chest_rad), -ASIDE_RAD, ASIDE_RAD)
        goal[:, 0] = chest_rad + aside
        goal[:, 1] = quaternion.clamp(goal[:, 1], -DOWN_RAD, UP_RAD)
        self._follow(goal, dt_s)
        keeps = 0.5 ** (dt_s / COMES_HALFLIFE_S)
        self._weight += (1.0 - BUSY * busy - self._weight) * (1.0 - keeps)
        self._turn(rotations, chest, chest_rad)

    def _tell(self, goal: Array, hips: Array, look: Array, chest_rad: Array) -> np.ndarray:
        """Writes what each is told to look at into goal (N, 2), yaw and pitch; (N,) who is told."""
        told = self.target[:, 0] == self.target[:, 0]  # not NaN
        if told.any():
            way = self.target[told] - hips[told] - (0.0, EYES_M, 0.0)
            yaw = np.arctan2(way[:, 0], way[:, 2])
            pitch = np.arctan2(way[:, 1], np.sqrt(way[:, 0] ** 2 + way[:, 2] ** 2))
            # Who is behind one's back is not stared at over a shoulder.
            there = np.abs(_wrap(yaw - chest_rad[told])) < BEHIND_RAD
            rows = np.flatnonzero(told)[there]
            goal[rows, 0], goal[rows, 1] = yaw[there], pitch[there]
        if look.any():
            stick = (look * look).sum(-1) > 0.0
            goal[stick, 0] = np.arctan2(look[stick, 0], look[stick, 1])
            goal[stick, 1] = AHEAD_PITCH_RAD
            told = told | stick
        return told

    def _glance(
        self, goal: Array, told: np.ndarray, speed: Array, restless: Array, dt_s: float
    ) -> None:
        """Adds to goal (N, 2) how far aside and up of it each glances now."""
        self._until_s -= dt_s
        if self._until_s.min() <= 0.0:
            for i in np.flatnonzero(self._until_s <= 0.0).tolist():
                self._change(i, bool(told[i]), float(speed[i]), float(restless[i]))
        # The lower half of the slider takes the glances' size away: at its end nobody glances.
        share = quaternion.clamp(1.0 + restless, 0.0, 1.0)
        goal[:, 0] += share * self._aside[:, 0]
        goal[:, 1] += share * self._aside[:, 1]

    def _change(self, i: int, told: bool, speed: float, restless: float) -> None:
        """Body i begins to glance aside, or stops."""
        random, often = self._random[i], RESTLESS**restless
        if self._glances[i]:
            rest_s = EVERY_S / often * (MOVING if speed > 0.3 else 1.0)
            self._aside[i] = 0.0
            self._until_s[i] = 0.3 + random.exponential(rest_s / (LOOKING if told else 1.0))
        else:
            far = (LOOKING if told else 1.0) * min(1.0, 0.5 + 0.5 * often)
            self._aside[i] = random.normal(0.0, (far * ASIDE_SD_RAD, far * UP_SD_RAD))
            self._until_s[i] = random.uniform(SHORTEST_S, LONGEST_S)
        self._glances[i] = not self._glances[i]

    def _follow(self, goal: Array, dt_s: float) -> None:
        """Brings what is looked at towards the goal (N, 2): a critically damped spring."""
        if self._fresh.any():
            self._angles[self._fresh], self._rate[self._fresh] = goal[self._fresh], 0.0
            self._fresh[:] = False
        off = self._angles - goal
        off[:, 0] = _wrap(off[:, 0])
        y = 1.3862944 / HALFLIFE_S
        j1 = self._rate + off * y
        e = np.exp(-y * dt_s)
        rate = e * (self._rate - j1 * y * dt_s)
        rate = quaternion.clamp(rate, -FASTEST_RAD_S, FASTEST_RAD_S)
        step = goal + e * (off + j1 * dt_s) - self._angles
        step[:, 0] = _wrap(step[:, 0])
        most = FASTEST_RAD_S * dt_s
        self._angles += quaternion.clamp(step, -most, most)
        self._rate = rate

    def _turn(self, rotations: Array, chest: Array, chest_rad: Array) -> None:
        """Turns chest (N, 4), neck and head so that the face looks along the angles."""
        aside = _wrap(self._angles[:, 0] - chest_rad)
        own = quaternion.about_y(self._weight * CHEST * aside)
        rotations[:, _CHAIN[-1]] = quaternion.multiply(rotations[:, _CHAIN[-1]], own)
        chest = quaternion.multiply(chest, own)
        wanted, flat = self._wanted, np.cos(self._angles[:, 1])
        wanted[:, 0] = flat * np.sin(self._angles[:, 0])
        wanted[:, 1] = np.sin(self._angles[:, 1])
        wanted[:, 2] = flat * np.cos(self._angles[:, 0])
        goal = quaternion.rotate(quaternion.conjugate(chest), wanted)
        neck = rotations[:, _NECK]
        head = quaternion.multiply(neck, rotations[:, _HEAD])  # seen from the chest
        now = quaternion.turned(head, _AHEAD)
        goal = quaternion.unit(now + self._weight[:, None] * (goal - now))
        turn = quaternion.between(now, goal)
        neck = quaternion.multiply(_share(turn, NECK), neck)
        rotations[:, _NECK] = neck
        head = quaternion.multiply(turn, head)
        rotations[:, _HEAD] = quaternion.multiply(quaternion.conjugate(neck), head)


def point(said: Sight, places: Mapping[str, Array]) -> Array:
    """(3,) the point that is meant, of a name by those places; NaN: there is none, look ahead."""
    return np.asarray(places.get(said, NOWHERE) if isinstance(said, str) else said, float)


def _wrap(angle_rad: Array) -> Array:
    return (angle_rad + np.pi) % (2.0 * np.pi) - np.pi


def _share(q: Array, share: float) -> Array:
    """(N, 4) about so much of a turn, for less than a right angle."""
    out = q * share
    out[:, 3] = 1.0 + share * (q[:, 3] - 1.0)
    return quaternion.unit(out)
