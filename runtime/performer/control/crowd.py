"""A crowd: bodies that keep apart and do not walk in step, whatever their pads ask.

Each has a pace and a delay of its own. Who is about to meet turns aside in time, as people do: the
push that the time to a collision asks for falls with its square (Karamouzas, Skinner and Guy,
"Universal Power Law Governing Pedestrian Interactions", Physical Review Letters 113, 2014).
"""

from __future__ import annotations

import numpy as np

from understudy.runtime.core.rotation import Array

RADIUS_M = 0.32
PACE = 0.12  # paces lie within so much of 1
LATEST_S = 0.9  # a body answers its pad by up to so much late: most of a double step
HORIZON_S = 3.0
STRENGTH = 1.5  # of the power law, m^2/s^2
MOST_MPS2 = 6.0
ANSWER_S = 0.45  # of a push, as a velocity
NEAR_M = 0.35  # beyond touching: closer than that, bodies make room
ROOM_MPS = 0.9
OVERLAP_M = 0.05
RATE_HZ = 60.0


class Crowd:
    """Habits of `count` bodies. All arrays are (count, ...)."""

    def __init__(self, count: int, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.pace = 1.0 + PACE * rng.uniform(-1.0, 1.0, count)
        self.energy = rng.uniform(-0.5, 0.5, count)
        self._late = rng.integers(0, round(LATEST_S * RATE_HZ) + 1, count)
        self._said = np.zeros((round(LATEST_S * RATE_HZ) + 1, count, 2))
        self._turn = 0

    def wish(self, wished: Array, at_once: np.ndarray) -> Array:
        """(N, 2) metres a second: what bodies want, each late and at its own pace.

        at_once (N,): bodies that go somewhere by themselves are not late, or they would miss it.
        """
        depth = len(self._said)
        self._turn = (self._turn + 1) % depth
        self._said[self._turn] = wished
        who = np.arange(len(self._late))
        late = np.where(at_once, 0, self._late)
        return self._said[(self._turn - late) % depth, who] * self.pace[:, None]


def apart(position: Array, velocity: Array, wished: Array) -> Array:
    """(N, 2) velocities that keep bodies at positions (N, 2) apart, near those wished (N, 2)."""
    x = position[:, None] - position[None]
    v = velocity[:, None] - velocity[None]
    far = np.sqrt((x * x).sum(-1))
    np.fill_diagonal(far, np.inf)
    # Two who overlap count as if they touched.
    radius = np.minimum(2.0 * RADIUS_M, far - OVERLAP_M)
    a = np.maximum((v * v).sum(-1), 1e-4)
    b = -(x * v).sum(-1)
    c = far * far - radius * radius
    meet = b * b - a * c
    root = np.sqrt(np.maximum(meet, 1e-6))
    tau = (b - root) / a
    soon = (meet > 0.0) & (b > 0.0) & (tau < 2.0 * HORIZON_S) & np.isfinite(far)
    tau = np.maximum(np.where(soon, tau, 1.0), 0.05)
    size = STRENGTH * np.exp(-tau / HORIZON_S) / (a * tau * tau) * (2.0 / tau + 1.0 / HORIZON_S)
    way = v - (a[..., None] * x + b[..., None] * v) / root[..., None]
    push = np.where(soon[..., None], -size[..., None] * way, 0.0)
    # Two who walk straight at each other both turn to their right.
    right = np.stack([-v[..., 1], v[..., 0]], -1) / np.sqrt(a)[..., None]
    ahead = soon & (np.abs(x[..., 0] * v[..., 1] - x[..., 1] * v[..., 0]) < 0.15 * far * np.sqrt(a))
    push += np.where(ahead[..., None], (0.8 / tau)[..., None] * right, 0.0)
    push = push.sum(1)
    length = np.sqrt((push * push).sum(-1, keepdims=True))
    push *= np.minimum(1.0, MOST_MPS2 / np.maximum(length, 1e-9))
    gap = far - 2.0 * RADIUS_M
    near = np.clip(1.0 - gap / NEAR_M, 0.0, 2.0) * np.isfinite(far)
    room = (ROOM_MPS * near / np.where(np.isfinite(far), far, 1.0))[..., None] * x
    return wished + ANSWER_S * push + room.sum(1)
