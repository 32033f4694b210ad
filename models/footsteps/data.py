"""Feet of mocap, and when they come down.

The moment that is heard is when the fall of heel or ball ends. That is known afterwards alone: by
where the foot is while it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import binary_closing, binary_opening, gaussian_filter1d, minimum_filter1d

from understudy.models.motion.data import resample
from understudy.runtime.contact.feet import feet
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.rotation import Array
from understudy.runtime.retarget.retarget import NotHumanoid, Retarget
from understudy.runtime.takes import bvh
from understudy.runtime.takes.clip import Clip, without_tpose

RATE_HZ = 120.0
# Of a foot that stands: no faster, and no higher over the level of its stance.
SLOW_MPS, LOW_M, NEAR_S = 0.45, 0.04, 0.2
# What is in the air has at some time been so high, heel and ball.
LIFTED_M = 0.02
# Of a part that comes down: at this height over where its fall ends it is down. What falls slower
# is put down. A heel that is down still rolls lower, a ball does not.
DOWN_M, SOFT_MPS, ROLLS_M = 0.010, 0.12, (0.04, 0.02)
# What goes faster along the floor still swings; of runners, a share of their own speed.
SWEEP_MPS, SWEEP_SHARE = 0.8, 0.45
# Of a step: in the air for so long before, and down for so long after.
AIR_S, STANCE_S = 0.07, 0.06


@dataclass(frozen=True, eq=False)
class Walk:
    """Feet at 120 Hz on the performer's body, their heights over those of a foot that stands.

    hips (T, 3), heels and balls (T, 2, 3), down (T, 2) whether a foot stands, and steps: for each
    foot the times in seconds at which it comes down.
    """

    name: str
    hips: Array
    heels: Array
    balls: Array
    down: Array
    steps: tuple[Array, Array]
    source_hz: float

    def __len__(self) -> int:
        return len(self.hips)


def walk(clip: Clip) -> Walk:
    """The feet of a clip of any humanoid."""
    clip = without_tpose(clip)
    positions, rotations = resample(clip, RATE_HZ)
    target = Retarget(clip.skeleton, PERFORMER)
    target.level(positions, rotations)
    moved, turned = target.apply(positions, rotations)
    build = feet(PERFORMER)
    assert build is not None
    hips, heels, balls = build.over(build.points(moved, turned))
    found = [touchdowns(heels[:, side], balls[:, side], hips) for side in (0, 1)]
    down = np.stack([d for d, _ in found], 1)
    return Walk(clip.name, hips, heels, balls, down, (found[0][1], found[1][1]), clip.rate_hz)


def touchdowns(heel: Array, ball: Array, hips: Array) -> tuple[Array, Array]:
    """Whether a foot stands (T,), and when it came down, in seconds; of its points (T, 3)."""
    parts = np.stack([heel, ball], 1)
    smooth = gaussian_filter1d(parts, 0.02 * RATE_HZ, axis=0)
    flat = _flat_speed(parts)
    stops = np.maximum(SWEEP_MPS, SWEEP_SHARE * _flat_speed(hips))
    fine = gaussian_filter1d(parts[..., 1], 0.008 * RATE_HZ, axis=0)
    speed = np.linalg.norm(np.gradient(smooth, axis=0), axis=-1) * RATE_HZ
    # Floors are not all at 0: what stands is no higher than a moment before and after. A foot that
    # is slow because a jump is at its height is.
    near = 2 * round(NEAR_S * RATE_HZ) + 1
    level = minimum_filter1d(smooth[..., 1], near, axis=0, mode="nearest").min(1, keepdims=True)
    still = (speed < SLOW_MPS) & (smooth[..., 1] < level + LOW_M)
    on = still.any(1)
    pad = round(0.1 * RATE_HZ)
    # A foot that turns or slides without leaving the floor has not stepped.
    low = (smooth[..., 1] - level).min(1)
    gaps = np.flatnonzero(np.diff(np.concatenate([[1], on.astype(int), [1]])))
    for begins, ends in gaps.reshape(-1, 2):
        if low[begins:ends].max(initial=0.0) < LIFTED_M:
            on[begins:ends] = True
    on = np.pad(on, pad, mode="edge")
    on = binary_closing(on, np.ones(round(AIR_S * RATE_HZ)))
    on = binary_opening(on, np.ones(round(STANCE_S * RATE_HZ)))[pad:-pad]
    edges = np.flatnonzero(np.diff(np.concatenate([[0], on.astype(int), [0]]))).reshape(-1, 2)
    down = np.zeros(len(on), bool)
    steps = []
    for begins, ends in edges:
        standing = slice(begins, min(ends, begins + round(0.15 * RATE_HZ)))
        moments = [
            moment
            for part in (0, 1)
            if (there := still[standing, part]).any()
            for moment in _down(
                fine[:, part],
                flat[:, part] - stops,
                np.median(parts[standing, part, 1][there]),
                ROLLS_M[part],
                begins,
            )
        ]
        first = min(moments, default=float(begins))
        down[int(first) : ends] = True
        if begins > 0:  # who stands when it begins has not stepped
            steps.append(first / RATE_HZ)
    return down, np.array(steps)


def _flat_speed(points: Array) -> Array:
    """(T, ...) metres a second along the floor of points (T, ..., 3)."""
    smooth = gaussian_filter1d(points, 0.01 * RATE_HZ, axis=0)
    return np.asarray(np.linalg.norm(np.gradient(smooth[..., [0, 2]], axis=0), axis=-1) * RATE_HZ)


def _down(height: Array, sweeps: Array, rest_m: float, rolls_m: float, begins: int) -> list[float]:
    """The frame near `begins` at which the fall of a part ends, between frames; none: it has not.

    Rest poses and floors are centimetres off, so what counts is where its own fall ends, if that is
    near to where it stands then. sweeps (T,): by how much it goes too fast along the floor; a foot
    that is at the floor's height and still swings is not down.
    """
    speed = np.diff(height, prepend=height[0]) * RATE_HZ
    low, high = max(begins - round(0.25 * RATE_HZ), 0), begins + round(0.05 * RATE_HZ)
    fastest = low + int(np.argmin(speed[low : high + 1]))
    falls = speed[fastest]
    if falls > -SOFT_MPS:
        return []
    end = fastest
    while end < len(height) - 1 and speed[end] < max(0.2 * falls, -0.3):
        end += 1
    if height[end] > rest_m + rolls_m:
        return []
    over = np.maximum((height - height[end] - DOWN_M) / DOWN_M, sweeps)
    at = end
    while at < min(high + round(0.1 * RATE_HZ), len(over) - 1) and over[at] > 0.0:
        at += 1
    while at > fastest and over[at - 1] <= 0.0:
        at -= 1
    if at > 0 and over[at - 1] > 0.0 >= over[at]:
        return [float(at - over[at] / (over[at] - over[at - 1]))]
    return [float(at)]


def load(paths: Sequence[Path]) -> list[Walk]:
    """The feet of every file; what is no humanoid is left out and named."""
    out = []
    for path in paths:
        try:
            out.append(walk(bvh.read(path)))
        except (NotHumanoid, UnderstudyError) as error:
            print(f"left out {path.name}: {error}", flush=True)
    return [one for one in out if len(one) > 2 * RATE_HZ]
