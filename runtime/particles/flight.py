"""How a particle flies: in closed form, so that any moment is known without those before it.

Air that drags in proportion to speed leaves x(t) = x0 + w t + (v0 - w) (1 - exp(-k t)) / k, where w
is the speed at which weight, wind and drag are even. What it hits first is found when it is born;
from there it flies on, or stays. So a take shows the same sparks whatever the rate at which it is
drawn, and from any moment on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from understudy.runtime.core.rotation import Array

from .effects import EFFECTS, NAMES, NUMBER

GRAVITY = 9.81
# One particle: where, when and how fast it begins, where it hits and how it goes on, which effect.
RECORD = np.dtype(
    [("begin", "<f4", 3), ("at_s", "<f4"), ("speed", "<f4", 3), ("life_s", "<f4"),
     ("hit", "<f4", 3), ("hit_s", "<f4"), ("after", "<f4", 3), ("kind", "<f4")]
)  # fmt: skip
# Its way is looked at so often when it is born.
LOOKS = 24
NEVER_S = 1e6
# What is left along a surface of the speed of what bounces.
SLIDES = 0.75

# (N,) of RECORD.
Records = np.ndarray[Any, Any]
Floor = Callable[[Array, Array], Array]  # heights of places x, z


def drifts(wind: Array) -> tuple[Array, Array]:
    """Of each effect the speed (E, 3) at which all forces are even, and its drag (E,)."""
    drag = np.array([EFFECTS[name].drag_hz for name in NAMES])
    share = np.array([EFFECTS[name].wind for name in NAMES])
    falls = np.array([EFFECTS[name].gravity for name in NAMES]) * GRAVITY / drag
    even = share[:, None] * np.asarray(wind, float)
    even[:, 1] -= falls
    return even, drag


def along(begin: Array, speed: Array, even: Array, drag: Array, age_s: Array) -> Array:
    """(..., 3) where they are after age_s (...) of free flight."""
    gone = (1.0 - np.exp(-drag * age_s)) / drag
    return begin + even * age_s[..., None] + (speed - even) * gone[..., None]


def places(records: Records, now_s: float, wind: Array) -> tuple[Array, Array]:
    """Where particles (N,) are, (N, 3), and how much of their lives is over (N,); < 0 or > 1: not
    there."""
    kinds = records["kind"].astype(int)
    even, drag = drifts(wind)
    even, drag = even[kinds], drag[kinds]
    age_s = now_s - records["at_s"]
    at = along(records["begin"], records["speed"], even, drag, np.maximum(age_s, 0.0))
    since_s = age_s - records["hit_s"]
    hit = since_s > 0.0
    if hit.any():
        some = records[hit]
        on = along(some["hit"], some["after"], even[hit], drag[hit], since_s[hit])
        stays = ~some["after"].any(-1)
        on[stays] = some["hit"][stays]
        # It does not fall through what it has bounced off.
        on[:, 1] = np.maximum(on[:, 1], some["hit"][:, 1])
        at[hit] = on
    return at, age_s / records["life_s"]


def burst(
    kind: str, place: Array, normal: Array, now_s: float, draw: np.random.Generator,
    count: int, strength: float = 1.0, carried: Array | None = None,
) -> Records:  # fmt: skip
    """(count,) RECORDs that begin at a place (3,), thrown about a normal (3,), as yet unhindered.

    strength: of the blow, 1 a firm one; carried (3,): the speed of what they come from.
    """
    effect = EFFECTS[kind]
    out = np.zeros(count, RECORD)
    ahead = np.asarray(normal, float) / max(float(np.linalg.norm(normal)), 1e-6)
    ways = draw.standard_normal((count, 3))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    ways = (1.0 - effect.cone) * ahead + effect.cone * ways
    below = np.minimum(ways @ ahead, 0.0)
    ways -= 2.0 * below[:, None] * ahead  # none into what it comes off
    ways /= np.maximum(np.linalg.norm(ways, axis=1, keepdims=True), 1e-6)
    mean, spread = effect.speed_mps
    speed = mean * np.sqrt(max(strength, 0.0)) * np.exp(spread * draw.standard_normal(count))
    out["begin"] = place + effect.spread_m * draw.standard_normal((count, 3))
    out["speed"] = speed[:, None] * ways + (0.0 if carried is None else carried)
    out["at_s"] = now_s
    out["life_s"] = draw.uniform(*effect.life_s, count)
    out["hit_s"] = NEVER_S
    out["kind"] = NUMBER[kind]
    return out


def hindered(
    records: Records, wind: Array, floor: Floor | None = None, bodies: Array | None = None
) -> Records:
    """The records with what each hits first: the floor, or one of bodies (B, 7).

    bodies are capsules: from (3,), to (3,), radius; where they are when the particles are born.
    """
    if not len(records):
        return records
    kinds = records["kind"].astype(int)
    even, drag = drifts(wind)
    even, drag = even[kinds][:, None], drag[kinds][:, None]
    age_s = records["life_s"][:, None] * np.linspace(0.0, 1.0, LOOKS)
    way = along(records["begin"][:, None], records["speed"][:, None], even, drag, age_s)
    ground = np.zeros(way.shape[:2]) if floor is None else floor(way[..., 0], way[..., 2])
    over = way[..., 1] - ground
    normal = np.broadcast_to([0.0, 1.0, 0.0], way.shape).copy()
    if bodies is not None and len(bodies):
        gap, out = _outside(way, bodies)
        nearer = gap < over
        over = np.where(nearer, gap, over)
        normal[nearer] = out[nearer]
    # What begins inside of something has come off it, and is free until it has left.
    left = np.maximum.accumulate(over > 0.0, axis=1)
    inside = (over <= 0.0) & left
    hits = inside.any(1)
    first = inside.argmax(1)
    rows = np.flatnonzero(hits)
    k = first[rows]
    before, after = over[rows, k - 1], over[rows, k]
    share = before / np.maximum(before - after, 1e-9)
    hit_s = age_s[rows, k - 1] + share * (age_s[rows, k] - age_s[rows, k - 1])
    even, drag = even[rows, 0], drag[rows, 0]
    begin, speed = records["begin"][rows], records["speed"][rows]
    point = along(begin, speed, even, drag, hit_s)
    going = even + (speed - even) * np.exp(-drag * hit_s)[:, None]
    facing = normal[rows, k]
    into = (going * facing).sum(1, keepdims=True)
    bounce = np.array([EFFECTS[name].bounce for name in NAMES])[kinds[rows]][:, None]
    gone_on = SLIDES * (going - into * facing) - bounce * np.minimum(into, 0.0) * facing
    records["hit"][rows], records["hit_s"][rows] = point, hit_s
    records["after"][rows] = np.where(bounce > 0.0, gone_on, 0.0)
    return records


def _outside(points: Array, bodies: Array) -> tuple[Array, Array]:
    """How far points (N, K, 3) are outside of the nearest capsule (N, K), and the way out."""
    gap = np.full(points.shape[:2], np.inf)
    out = np.zeros_like(points)
    for body in bodies:
        a, b, radius = body[:3], body[3:6], body[6]
        line = b - a
        share = np.clip(((points - a) @ line) / max(float(line @ line), 1e-9), 0.0, 1.0)
        away = points - (a + share[..., None] * line)
        far = np.linalg.norm(away, axis=-1)
        nearer = far - radius < gap
        gap = np.where(nearer, far - radius, gap)
        out[nearer] = (away / np.maximum(far, 1e-9)[..., None])[nearer]
    return gap, out
