"""Flight: who is in the air comes down, whatever a network says of him.

Contacts tell it: no foot and no hand is near the ground, and the hips rise or fall as nobody does
who stands on something. A network that has seen few jumps lets bodies hang at their highest. It may
bring them down sooner than gravity does, for the hips are not the body's centre, but hardly later.
"""

from __future__ import annotations

import numpy as np

from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.rotation import Array

GRAVITY = 9.81
SHARE = 0.9  # of gravity, which hips feel at least
FREE_M = 0.05  # above the ground: feet and hands that carry nobody
LEAPS_MPS = 0.7  # nobody who climbs goes up or down as fast
FALLS_MPS2 = -0.6 * GRAVITY
# How high joints are above what they stand on.
_RESTS_M = {"Foot": 0.07, "ToeBase": 0.015, "Hand": 0.08}


def _places() -> tuple[Array, Array]:
    """(67, 6) from a body to the places of joints that carry it, and (6,) their rest's heights."""
    joints = [(side + part, m) for side in ("Left", "Right") for part, m in _RESTS_M.items()]
    out = np.zeros((1 + 3 * len(PERFORMER), len(joints)), np.float32)
    out[0] = 1.0
    for column, (name, _) in enumerate(joints):
        k = PERFORMER.index(name)
        while k > 0:
            above = int(PERFORMER.parents[k])
            out[1 + 3 * above : 4 + 3 * above, column] += PERFORMER.rest_positions[k]
            k = above
    return out, np.array([m for _, m in joints])


_PLACES, _RESTS = _places()


def lowest_m(bodies: Array) -> Array:
    """(N,) how high the lowest foot or hand of bodies (N, 3, 67) is above the ground."""
    return np.asarray((bodies[:, 1] @ _PLACES - _RESTS).min(-1))


def fall(
    flying: np.ndarray, pull_mps2: Array, before: Array, now: Array, after: Array, tick_s: float
) -> np.ndarray:
    """Takes what is foretold, after (N, 3, 67), down to where gravity allows it, in place.

    flying (N,) at the tick before, pull_mps2 (N,) how the hips were last seen to be accelerated,
    before and now (N, 3, 67) the bodies of two ticks. Returns which are flying now.
    """
    low_m, speed_mps = lowest_m(after), (now[:, 1, 0] - before[:, 1, 0]) / tick_s
    moves = (np.abs(speed_mps) > LEAPS_MPS) | (pull_mps2 < FALLS_MPS2)
    free = (low_m > FREE_M) & (lowest_m(now) > FREE_M)
    flying = flying | (free & moves)
    highest = now[:, 1, 0] + tick_s * speed_mps - SHARE * GRAVITY * tick_s**2
    ground = after[:, 1, 0] - low_m
    height = np.maximum(np.minimum(after[:, 1, 0], highest), ground)
    after[:, 1, 0] = np.where(flying, height, after[:, 1, 0])
    return np.asarray(flying & (height > ground))
