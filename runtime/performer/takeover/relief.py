"""The floor under a live body. The network knows level ground: for it the floor is made level.

Hips are lowered by how high the floor is about them, and raised again by how high it is about where
they are then. That is a function of the place alone, smooth over a step's length, so what goes over
comes back as it was. Feet stand on the floor itself (`feet.py`).
"""

from __future__ import annotations

import numpy as np

from understudy.runtime.core.floor import Floor
from understudy.runtime.core.rotation import Array

RADIUS_M = 0.45
POINTS = 160


def _disc() -> tuple[Array, Array]:
    """Points (P, 2) of a disc in a spiral, no two in a row, and their weights (P,)."""
    k = np.arange(POINTS) + 0.5
    angle, r = k * np.pi * (3.0 - np.sqrt(5.0)), np.sqrt(k / POINTS)
    weights = 0.5 + 0.5 * np.cos(np.pi * r)
    points = RADIUS_M * r[:, None] * np.stack([np.cos(angle), np.sin(angle)], -1)
    return points, weights / weights.sum()


_POINTS, _WEIGHTS = _disc()


class Relief:
    """A stage's floor as a source sees it that is turned about +Y and moved onto the stage."""

    def __init__(self, floor: Floor, at_m: Array, yaw_rad: float) -> None:
        self._floor, self._at = floor, np.asarray(at_m, float)
        self._c, self._s = float(np.cos(yaw_rad)), float(np.sin(yaw_rad))

    def under(self, places: Array) -> Array:
        """(...) how high the floor is under places (..., 3) or (..., 2), x and z."""
        x, z = places[..., 0], places[..., -1]
        there_x = self._c * x + self._s * z + self._at[0]
        there_z = -self._s * x + self._c * z + self._at[2]
        return self._floor.heights(there_x, there_z) - self._at[1]

    def about(self, places: Array) -> Array:
        """(...) the same as a mean about places (..., 3)."""
        points = places[..., None, [0, 2]] + _POINTS
        return self.under(points) @ _WEIGHTS
