"""Measures of motion taken from poses alone: feet, travel, smoothness, likeness to the data.

Nothing here asks the one who moved the body: no contacts of a network, no state of a controller.
A pose is hips in the world and local rotations of PERFORMER; points come by forward kinematics.

A point of the sole (toe joint; a point under the heel, fixed to the foot) is planted at a tick when
it is lower than LOW_M above its place in flat standing, and slower than SLOW_MPS over the ground on
the way from the tick before and to the tick after, for at least SHORTEST_S. Where toe and heel are
both planted the toe counts: the heel leaves first, turning about it. A bound on speed cannot see a
foot that glides faster, so `support_slide` has none: whatever carries the body, the slowest of the
low points, should stand still.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_opening, gaussian_filter1d

from understudy.runtime.core import quaternion, rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.ik import legs

RATE_HZ = 60.0
LOW_M = 0.015
MANN_M = 0.025  # H of MANN's formula
SLOW_MPS = 0.5
SHORTEST_S = 0.08
# Under the heel, from the ankle, in the foot's frame.
HEEL = np.array([0.0, -legs.ANKLE_M, -0.03])
ROOT_SIGMA_S, YAW_SIGMA_S = 0.16, 0.22  # as the training data's root: a step's sway goes
QUICK_SIGMA_S = 0.05  # for when something happens
SPEEDS_MPS = (
    0.0,
    0.25,
    0.8,
    1.2,
    1.7,
    2.4,
    3.2,
    9.9,
)  # edges of the bins in which jerk is compared


@dataclass(frozen=True, eq=False)
class Motion:
    """What N bodies showed in T ticks of 1/60 s: hips (T, N, 3) world, rotations (T, N, J, 4)."""

    hips: Array
    rotations: Array

    def part(self, ticks: slice, bodies: slice | list[int] = slice(None)) -> Motion:
        return Motion(self.hips[ticks][:, bodies], self.rotations[ticks][:, bodies])


def soles(m: Motion) -> Array:
    """(T, N, 2 sides, 2, 3) the point under the heel and the toe joint, less its own height."""
    p, r = legs.forward(m.hips.astype(float), m.rotations.astype(float))
    heel = p[..., 2, :] + quaternion.rotate(r[..., 2, :], HEEL)
    toe = p[..., 3, :] - (0.0, legs.TOE_M, 0.0)
    return np.stack([heel, toe], axis=-2)


def ground_speed(points: Array) -> Array:
    """(T, ...) m/s over the ground of points (T, ..., 3): the faster of both neighbours' steps."""
    step = np.linalg.norm(np.diff(points[..., [0, 2]], axis=0), axis=-1) * RATE_HZ
    return np.maximum(np.concatenate([step[:1], step]), np.concatenate([step, step[-1:]]))


def planted(points: Array) -> np.ndarray:
    """(T, N, 2, 2) where heel and toe are planted, one of a foot at a time."""
    on = (points[..., 1] < LOW_M) & (ground_speed(points) < SLOW_MPS)
    flat = on.reshape(len(on), -1)
    ticks = max(2, round(SHORTEST_S * RATE_HZ))
    flat = binary_opening(flat, np.ones((ticks, 1)))
    on = flat.reshape(on.shape)
    on[..., 0] &= ~on[..., 1]
    return on


def skate(points: Array, on: np.ndarray) -> tuple[float, int]:
    """Sum of cm/s over the planted points and their count; divide for the mean."""
    speed = np.linalg.norm(np.diff(points[..., [0, 2]], axis=0), axis=-1) * RATE_HZ
    both = on[1:] & on[:-1]
    return 100.0 * float(speed[both].sum()), int(both.sum())


def mann_skate(points: Array) -> Array:
    """(N,) cm a frame of v (2 - 2^(h/H)), toes, H = 2.5 cm."""
    toe = points[..., 1, :]
    speed = 100.0 * np.linalg.norm(np.diff(toe[..., [0, 2]], axis=0), axis=-1)
    weight = np.clip(2.0 - 2.0 ** (np.maximum(toe[1:, ..., 1], 0.0) / MANN_M), 0.0, 1.0)
    return (speed * weight).mean((0, 2))


def support_slide(points: Array) -> tuple[float, int]:
    """Sum of cm/s of the slowest low point at the ticks that have one, and their count."""
    speed = 100.0 * RATE_HZ * np.linalg.norm(np.diff(points[..., [0, 2]], axis=0), axis=-1)
    low = (points[1:, ..., 1] < LOW_M) & (points[:-1, ..., 1] < LOW_M)
    least = np.where(low, speed, np.inf).reshape(*speed.shape[:2], 4).min(-1)
    some = np.isfinite(least)
    return float(least[some].sum()), int(some.sum())


def stances(on: np.ndarray) -> Iterator[tuple[tuple[int, ...], int, int]]:
    """Every stance: (body, side, point), first tick, one past the last."""
    for index in np.ndindex(on.shape[1:]):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], on[(slice(None), *index)], [0]])))
        for a, b in edges.reshape(-1, 2):
            yield index, int(a), int(b)


_WAYS = np.stack([np.cos(np.arange(12) * np.pi / 12), np.sin(np.arange(12) * np.pi / 12)])


def stance_movement(points: Array, on: np.ndarray) -> Array:
    """(S,) cm: how far apart the farthest two places of a planted point are, for each stance."""
    out = []
    for index, a, b in stances(on):
        body, side, point = index
        along = points[a:b, body, side, point][:, [0, 2]] @ _WAYS
        out.append(100.0 * float(np.ptp(along, axis=0).max()))
    return np.array(out)


def root(m: Motion, sigma_s: float = ROOT_SIGMA_S) -> Array:
    """(T, N, 2) the hips' place on the ground without a step's sway."""
    return gaussian_filter1d(m.hips[..., [0, 2]].astype(float), sigma_s * RATE_HZ, axis=0)


def heading(m: Motion, sigma_s: float = YAW_SIGMA_S) -> Array:
    """(T, N) which way the hips face, radians, unwrapped, without a step's swing."""
    yaw = np.unwrap(rotation.yaw(m.rotations[..., 0, :].astype(float)), axis=0)
    return gaussian_filter1d(yaw, sigma_s * RATE_HZ, axis=0)


def speed(m: Motion, sigma_s: float = ROOT_SIGMA_S) -> Array:
    """(T, N, 2) m/s of the root."""
    return np.asarray(np.gradient(root(m, sigma_s), axis=0)) * RATE_HZ


def joints(m: Motion) -> Array:
    """(T, N, J, 3) joints in the world."""
    positions = np.broadcast_to(PERFORMER.rest_positions, (*m.rotations.shape[:-1], 3)).copy()
    positions[..., 0, :] = m.hips
    return PERFORMER.globals(positions, m.rotations.astype(float))[0]


def jerk(m: Motion) -> tuple[Array, Array]:
    """Sums over ticks of the joints' mean jerk, m/s^3, and ticks, for each bin of SPEEDS_MPS."""
    third = np.linalg.norm(np.diff(joints(m), n=3, axis=0), axis=-1).mean(-1) * RATE_HZ**3
    v = np.linalg.norm(speed(m), axis=-1)[1:-2]
    bins = np.digitize(v, SPEEDS_MPS[1:-1]).ravel()
    size = len(SPEEDS_MPS) - 1
    sums, ticks = np.bincount(bins, third.ravel(), size), np.bincount(bins, minlength=size)
    return np.asarray(sums, float), np.asarray(ticks, float)


def jerk_ratio(ours: tuple[Array, Array], data: tuple[Array, Array]) -> tuple[float, Array]:
    """Jerk over the data's at the same speeds: overall, and for each bin (nan: one has none)."""
    both = (ours[1] > 30) & (data[1] > 30)
    usual = data[0] / np.maximum(data[1], 1)
    each = np.where(both, ours[0] / np.maximum(ours[1], 1) / np.maximum(usual, 1e-9), np.nan)
    return float(ours[0][both].sum() / max((ours[1] * usual)[both].sum(), 1e-9)), each


def frozen(m: Motion, moving: np.ndarray) -> tuple[int, int]:
    """Seconds in which a body is `moving` (T, N) all along but its feet do not step, of how many.

    To step is to bring an ankle at least 12 cm to and fro under the hips within the second.
    """
    ankles = legs.forward(m.hips.astype(float), m.rotations.astype(float))[0][..., 2, :]
    away = ankles - m.hips[..., None, :]
    local = rotation.rotate(rotation.from_yaw(-heading(m))[:, :, None], away)[..., [0, 2]]
    window = int(RATE_HZ)
    count = len(local) // window
    if not count:
        return 0, 0
    cut = local[: count * window].reshape(count, window, *local.shape[1:])
    steps = np.ptp(cut, axis=1).max((-1, -2))
    asked = moving[: count * window].reshape(count, window, -1).all(1)
    return int((asked & (steps < 0.12)).sum()), int(asked.sum())


class Likeness:
    """The training poses, to compare with: each joint's range, and the nearest pose."""

    def __init__(self, motions: list[Motion], most: int = 12000) -> None:
        turns = np.concatenate([_tilted(m).reshape(-1, len(PERFORMER), 4) for m in motions])
        mean = rotation.from_6d(rotation.to_6d(turns).mean(0))
        self._back = rotation.conjugate(mean)
        vectors = self._vectors(turns)
        self.low, self.high = vectors.min(0), vectors.max(0)
        poses = np.concatenate([_shape(m).reshape(-1, 3 * len(PERFORMER)) for m in motions])
        self._poses = poses[:: max(1, len(poses) // most)].astype(np.float32)
        self._norms = np.sum(self._poses**2, axis=1)

    def _vectors(self, turns: Array) -> Array:
        return rotation.to_rotation_vector(rotation.multiply(self._back, turns))

    def beyond_deg(self, m: Motion) -> Array:
        """(T, N, J) how far each joint is outside the box of its turns in the data, degrees."""
        v = self._vectors(_tilted(m))
        out = np.maximum(np.maximum(self.low - v, v - self.high), 0.0)
        return np.rad2deg(np.linalg.norm(out, axis=-1))

    def nearest_cm(self, m: Motion) -> Array:
        """(T, N) cm: root mean square over joints to the nearest training pose, about the hips."""
        shape = _shape(m).reshape(-1, 3 * len(PERFORMER)).astype(np.float32)
        best = [
            (self._norms - 2.0 * part @ self._poses.T).min(1) + np.sum(part**2, axis=1)
            for part in np.array_split(shape, max(1, len(shape) // 256))
        ]
        square = np.maximum(np.concatenate(best), 0.0) / len(PERFORMER)
        return (100.0 * np.sqrt(square)).reshape(m.hips.shape[:2])


def _tilted(m: Motion) -> Array:
    """(T, N, J, 4) local rotations, the hips' without their heading."""
    turns = m.rotations.astype(float).copy()
    away = rotation.from_yaw(-rotation.yaw(turns[..., 0, :]))
    turns[..., 0, :] = rotation.multiply(away, turns[..., 0, :])
    return turns


def _shape(m: Motion) -> Array:
    """(T, N, J, 3) joints about the point on the ground under the hips, facing ahead."""
    tilted = Motion(m.hips * (0.0, 1.0, 0.0), _tilted(m))
    return joints(tilted)


def settled(ok: np.ndarray, first: int, hold_s: float = 0.25) -> float:
    """Seconds from tick `first` until `ok` (T,) begins to hold for hold_s; nan where it never."""
    ticks = max(1, round(hold_s * RATE_HZ))
    if len(ok) - first < ticks:
        return float("nan")
    hits = np.flatnonzero(np.lib.stride_tricks.sliding_window_view(ok[first:], ticks).all(-1))
    # The pose of tick `first` is already one tick later than what changed there.
    return float(hits[0] + 1) / RATE_HZ if len(hits) else float("nan")
