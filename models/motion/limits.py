"""How far each joint turns in the mocap: the limits that the run time holds to."""

from __future__ import annotations

import numpy as np

from understudy.runtime.core import rotation

from .augment import mirror
from .data import Strip

INSIDE_RAD = 0.002


def of(strips: list[Strip]) -> dict[str, list[list[float]]]:
    """Mean turn of each joint (J, 4) and the box (J, 3) of rotation vectors about it, both sides.

    The hips' are without their heading.
    """
    turns = []
    for s in [m for strip in strips for m in (strip, mirror(strip))]:
        q = s.rotations.astype(float).copy()
        away = rotation.from_yaw(-rotation.yaw(q[:, 0]))
        q[:, 0] = rotation.multiply(away, q[:, 0])
        turns.append(q)
    every = np.concatenate(turns)
    mean = rotation.from_6d(rotation.to_6d(every).mean(0))
    vectors = rotation.to_rotation_vector(rotation.multiply(rotation.conjugate(mean), every))
    low, high = vectors.min(0), vectors.max(0)
    inside = np.minimum(INSIDE_RAD, 0.5 * (high - low))
    return {
        "mean": np.round(mean, 7).tolist(),
        "low_rad": np.round(low + inside, 5).tolist(),
        "high_rad": np.round(high - inside, 5).tolist(),
    }
