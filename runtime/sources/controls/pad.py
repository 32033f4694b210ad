"""The pad: what a player's two hands say, whichever device said it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from understudy.runtime.core.pose import Intent

CENTRED = (0.0, 0.0)
# Worn sticks rest up to this far off their centre, and do not quite reach their rim.
INNER_DEAD_ZONE = 0.15
OUTER_DEAD_ZONE = 0.95


@dataclass(frozen=True, slots=True)
class PadState:
    """Sticks (x right, y forward, -1..1), the names of the buttons held, and when it was read."""

    left_stick: tuple[float, float] = CENTRED
    right_stick: tuple[float, float] = CENTRED
    buttons: frozenset[str] = frozenset()
    capture_ns: int = 0


def dead_zone(
    stick: Iterable[float], inner: float = INNER_DEAD_ZONE, outer: float = OUTER_DEAD_ZONE
) -> tuple[float, float]:
    """The stick with what lies inside `inner` cut off and the rest spread over 0..1.

    By the radius, because a zone for each axis makes slow diagonals snap to the axes.
    """
    x, y = stick
    radius = math.hypot(x, y)
    if not radius > inner:
        return CENTRED
    wanted = min(1.0, (radius - inner) / (outer - inner))
    return x * wanted / radius, y * wanted / radius


def round_stick(stick: Iterable[float]) -> tuple[float, float]:
    """The stick with its length held to 1: keyboards and square gates reach their corners."""
    x, y = stick
    longest = max(1.0, math.hypot(x, y))
    return x / longest, y / longest


def approach(
    stick: tuple[float, float], target: tuple[float, float], step: float
) -> tuple[float, float]:
    """The stick moved straight towards the target by at most `step`."""
    dx, dy = target[0] - stick[0], target[1] - stick[1]
    distance = math.hypot(dx, dy)
    if distance <= step:
        return target
    return stick[0] + dx * step / distance, stick[1] + dy * step / distance


def to_world(stick: tuple[float, float], camera_heading_rad: float) -> np.ndarray:
    """(2,) world x and z of a stick seen by a camera that looks along the heading, +Z at zero.

    Right of such a view is -X: +X is the left of who looks along +Z.
    """
    right, forward = stick
    if camera_heading_rad == 0.0:  # scripts: no rounding by sine and cosine
        return np.array([-right + 0.0, forward])
    sine, cosine = math.sin(camera_heading_rad), math.cos(camera_heading_rad)
    return np.array([-right * cosine + forward * sine, right * sine + forward * cosine])


def to_intent(pad: PadState, camera_heading_rad: float = 0.0) -> Intent:
    """The intent of a pad state as seen through a camera with that heading.

    The right stick says where to look. While strafing it says where to face: its way, or the way
    the camera looks while it is centred.
    """
    facing, look = np.zeros(2), np.zeros(2)
    x, y = pad.right_stick
    radius = math.hypot(x, y)
    way = (x / radius, y / radius) if radius > INNER_DEAD_ZONE else None
    if "strafe" in pad.buttons:
        facing = to_world(way or (0.0, 1.0), camera_heading_rad)
    elif way is not None:
        look = to_world(way, camera_heading_rad)
    travel = to_world(round_stick(pad.left_stick), camera_heading_rad)
    return Intent(travel, facing, pad.buttons, pad.capture_ns, look)
