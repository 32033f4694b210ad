"""How well touchdowns are foretold, beside rules by height that are fitted on the same motion."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from understudy.runtime.contact.features import features, lowest
from understudy.runtime.contact.foretelling import Foretelling
from understudy.runtime.core.rotation import Array

from .data import RATE_HZ, Walk

# What a sound needs from being told to being heard.
LATENCY_S = 0.05
NEAR_S = 0.033
# A telling is of a step that is no further from it.
MATCH_S = 0.2

# Feet of a walk as they come at a rate: hips, heels, balls, dt -> for each foot when what is told
# is heard.
Teller = Callable[[Array, Array, Array, float], list[Array]]


def heard(
    walk: Walk, rate_hz: float, noise_m: float = 0.0, seed: int = 0
) -> tuple[Array, Array, Array]:
    """Hips, heels and balls at a rate, with the noise of a tracker."""
    count = int((len(walk) - 1) / RATE_HZ * rate_hz) + 1
    at = np.arange(count) / rate_hz * RATE_HZ
    low = np.minimum(at.astype(int), len(walk) - 2)
    share = at - low
    draw = np.random.default_rng(seed)

    def taken(points: Array) -> Array:
        part = share.reshape(-1, *[1] * (points.ndim - 1))
        mixed = points[low] * (1.0 - part) + points[low + 1] * part
        return mixed + noise_m * draw.standard_normal(mixed.shape)

    return taken(walk.hips), taken(walk.heels), taken(walk.balls)


def seen(hips: Array, heels: Array, balls: Array, dt_s: float) -> Array:
    """(2, T, FEATURES) of feet, as the run time sees them tick by tick."""
    speeds = tuple(np.diff(p, axis=0, prepend=p[:1]) / dt_s for p in (hips, heels, balls))
    low = np.empty((len(hips), 2, 2))
    below = np.full((2, 2), np.inf)
    for t in range(len(hips)):
        low[t] = below = lowest(below, heels[t], balls[t], dt_s)
    told = features(hips, heels, balls, speeds, low, np.full(len(hips), dt_s))  # type: ignore[arg-type]
    return np.ascontiguousarray(told.transpose(1, 0, 2))


def by_network(chances: Callable[[Array], tuple[Array, Array]], sure: float) -> Teller:
    """chances: (2, T, FEATURES) -> chances (2, T, PIECES + 1), standing (2, T)."""

    def tell(hips: Array, heels: Array, balls: Array, dt_s: float) -> list[Array]:
        chance, standing = chances(seen(hips, heels, balls, dt_s))
        foretelling = Foretelling(2, LATENCY_S, sure)
        out: list[list[float]] = [[], []]
        for t in range(len(hips)):
            due = foretelling.step(chance[:, t], standing[:, t], t * dt_s, dt_s)
            for side in np.flatnonzero(np.isfinite(due)):
                out[side].append(max(due[side], t * dt_s + LATENCY_S))
        return [np.array(one) for one in out]

    return tell


def by_height(limit_m: float, ahead_s: float) -> Teller:
    """A foot whose lower part will be below a height within `ahead_s`, going on as it does."""

    def tell(hips: Array, heels: Array, balls: Array, dt_s: float) -> list[Array]:
        low = np.minimum(heels[..., 1], balls[..., 1])
        speed = np.diff(low, axis=0, prepend=low[:1]) / dt_s
        then = low + ahead_s * speed
        out = []
        for side in (0, 1):
            told, up, last = [], False, -1.0
            for t, height in enumerate(then[:, side]):
                if height > limit_m + 0.02:
                    up = True
                elif up and height < limit_m and t * dt_s - last > 0.16:
                    up, last = False, t * dt_s
                    told.append(last + LATENCY_S)
            out.append(np.array(told))
        return out

    return tell


def errors(told: Array, steps: Array) -> tuple[Array, int, int]:
    """Seconds that matched ones are late, how many steps were missed, how many were none."""
    free = list(told)
    late, missed = [], 0
    for step in steps:
        near = min(free, key=lambda t: abs(t - step), default=None)
        if near is None or abs(near - step) > MATCH_S:
            missed += 1
            continue
        free.remove(near)
        late.append(near - step)
    return np.array(late), missed, len(free)


def judged(
    tell: Teller, walks: Sequence[Walk], rate_hz: float, noise_m: float = 0.0
) -> dict[str, float]:
    """Over all walks: median and p90 of errors in ms, and F1 of steps within NEAR_S."""
    late: list[float] = []
    steps = told_count = hit = 0
    for k, walk in enumerate(walks):
        for told, true in zip(tell(*heard(walk, rate_hz, noise_m, k), 1.0 / rate_hz), walk.steps):
            true = true[true > 0.3]  # nobody foretells what comes as the clip begins
            told = told[told > 0.3]
            some, _, _ = errors(told, true)
            late += some.tolist()
            hit += int((np.abs(some) <= NEAR_S).sum())
            steps, told_count = steps + len(true), told_count + len(told)
    off = np.abs(late) if late else np.array([np.nan])
    return {
        "steps": steps,
        "told": told_count,
        "median_ms": round(1e3 * float(np.median(off)), 1),
        "p90_ms": round(1e3 * float(np.percentile(off, 90)), 1),
        "f1": round(2 * hit / max(steps + told_count, 1), 3),
    }
