"""Goals: places to which bodies go by themselves, where they look there, and what they do then."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from understudy.runtime.core.pose import Intent
from understudy.runtime.core.rotation import Array

from .controller import RUN_MPS, WALK_MPS, wrap

SLOWS_S = 0.75  # a body that is so many seconds away slows down
ARRIVED_M = 0.1
AWAY_M = 0.35  # a body that is pushed so far off goes there once more
TURNED_RAD = 0.12
PRESS_TICKS = 6


@dataclass
class Goal:
    """A place (x, z) in metres, and if they count a heading, a speed and an action's button.

    hand_m: where the action's hand is to go, x, y, z; () is where it goes by itself.
    """

    at: tuple[float, float]
    heading_rad: float | None = None
    speed_mps: float = 1.3
    button: str = ""
    hand_m: tuple[float, ...] = ()
    there: bool = False
    pressed: int = 0


def seated(goal: Goal, seat: Sequence[float], heading_rad: float) -> Goal:
    """A goal whose place is a seat's, as the place where a body begins to sit down onto it.

    seat: the hips x, y, z while it sits, and its turn since, as its root saw it at the beginning.
    """
    begins = heading_rad - seat[3]
    c, s = math.cos(begins), math.sin(begins)
    x, z = seat[0], seat[2]
    at = goal.at[0] - (c * x + s * z), goal.at[1] - (-s * x + c * z)
    return Goal(at, begins, goal.speed_mps, goal.button, goal.hand_m)


def reaching(goal: Goal, palm: Sequence[float], heading_rad: float) -> Goal:
    """A goal for a hand, as the place from which an action's palm goes there.

    palm: x, y, z at its farthest, as the root sees it.
    """
    hand = replace(goal, at=(goal.hand_m[0], goal.hand_m[-1]))
    return seated(hand, (*palm, 0.0), heading_rad)


def toward(goal: Goal, root: Array, yaw: float, speed_mps: float) -> tuple[Array, Intent]:
    """The velocity (2,) towards a goal in m/s, and the rest of what a pad would ask.

    root (2,) and yaw are the body's; the goal takes note of what was reached.
    """
    if goal.pressed >= PRESS_TICKS:  # it acts where it is, and may have moved for it
        return np.zeros(2), Intent(hand_at=goal.hand_m)
    away = np.asarray(goal.at) - root
    far = float(np.hypot(*away))
    goal.there = far < (AWAY_M if goal.there else ARRIVED_M) or goal.pressed > 0
    if not goal.there:
        fast = min(goal.speed_mps, far / SLOWS_S + 0.08)
        run = frozenset({"run"}) if goal.speed_mps > WALK_MPS else frozenset()
        close = far < 0.3 and goal.heading_rad is not None
        facing = _way(goal.heading_rad or 0.0) if close else np.zeros(2)
        return away / max(far, 1e-9) * fast, Intent(facing=facing, buttons=run)
    heading = yaw if goal.heading_rad is None else goal.heading_rad
    turned = abs(float(wrap(np.asarray(heading - yaw)))) < TURNED_RAD
    buttons = set()
    if goal.button and turned and speed_mps < 0.15 and goal.pressed < PRESS_TICKS:
        goal.pressed += 1
        buttons.add(goal.button)
    facing, held = _way(heading), frozenset(buttons)
    return np.zeros(2), Intent(facing=facing, buttons=held, hand_at=goal.hand_m)


def as_stick(velocity: Array, run: bool) -> Array:
    """(2,) a stick that asks for a velocity in m/s."""
    stick = velocity / (RUN_MPS if run else WALK_MPS)
    return np.asarray(stick / max(1.0, float(np.hypot(*stick))))


def _way(heading_rad: float) -> Array:
    return np.array([math.sin(heading_rad), math.cos(heading_rad)])
