"""What the footsteps network sees of a body: where its feet are, and how they move.

Nothing of it says where on the stage a body is or where it looks, and each foot is seen alike, so
that what is learnt of one is known of both.
"""

from __future__ import annotations

import numpy as np

from understudy.runtime.core.rotation import Array

FEATURES = 28
OWN = 12  # of a foot, and as many of the other
MEMORY = 80  # numbers that the network remembers of a foot
# Time to the next touchdown in so many equal pieces, and one for later than that.
PIECE_S, PIECES = 0.0125, 20
LEADS_S = PIECE_S * (np.arange(PIECES) + 0.5)
# Beyond these nothing is told apart: a foot in the air is in the air.
HIGH_M, FAST_MPS = 0.6, 6.0
# Floors and rest poses are centimetres off: how low heel and ball were of late is where they stand.
# That rises so fast, which is a stride in which a foot lands higher.
RISES_MPS = 0.02


def lowest(before: Array, heels: Array, balls: Array, dt_s: float) -> Array:
    """(..., 2, 2) how low heels and balls (..., 2, 3) were of late, from what it was before."""
    heights = np.stack([heels[..., 1], balls[..., 1]], -1)
    return np.minimum(heights, before + RISES_MPS * dt_s)


def features(
    hips: Array, heels: Array, balls: Array, speeds: tuple[Array, Array, Array], low: Array,
    dt_s: Array | float,
) -> Array:  # fmt: skip
    """(..., 2, FEATURES), float32, of hips (..., 3), heels and balls (..., 2, 3) over the floor.

    speeds are those of hips, heels and balls, m/s. Heights are over where they are when the
    foot stands flat; low (..., 2, 2) is `lowest`; dt_s is the time since the frame before.
    """
    hips_v, heels_v, balls_v = speeds
    out = np.empty((*heels.shape[:-1], FEATURES), np.float32)
    out[..., 0] = heels[..., 1]
    out[..., 1] = balls[..., 1]
    out[..., 2] = heels_v[..., 1]
    out[..., 3] = balls_v[..., 1]
    out[..., 4] = _flat(heels_v)
    out[..., 5] = _flat(balls_v)
    # Along the way that the hips go, and beside it.
    going = _flat(hips_v)[..., None]
    way = hips_v[..., None, :] / np.maximum(going, 0.2)[..., None]
    away = heels - hips[..., None, :]
    along = away[..., 0] * way[..., 0] + away[..., 2] * way[..., 2]
    out[..., 6] = along
    out[..., 7] = _flat(away)
    ahead = heels_v[..., 0] * way[..., 0] + heels_v[..., 2] * way[..., 2]
    out[..., 8] = ahead
    out[..., 9] = out[..., 1] - out[..., 0]
    out[..., 10] = heels[..., 1] - low[..., 0]
    out[..., 11] = balls[..., 1] - low[..., 1]
    np.clip(out[..., :2], -0.3, HIGH_M, out=out[..., :2])
    np.clip(out[..., 10:OWN], 0.0, HIGH_M, out=out[..., 10:OWN])
    out[..., OWN : 2 * OWN] = out[..., ::-1, :OWN]
    out[..., 24] = hips[..., 1, None] - 0.9
    out[..., 25] = hips_v[..., 1, None]
    out[..., 26] = going
    out[..., 27] = np.asarray(dt_s)[..., None] * 30.0
    return np.clip(out, -FAST_MPS, FAST_MPS)


def _flat(vectors: Array) -> Array:
    """(...) lengths on the floor of (..., 3)."""
    return np.hypot(vectors[..., 0], vectors[..., 2])
