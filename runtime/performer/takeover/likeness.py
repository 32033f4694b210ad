"""Likeness: which of the takes that the network learnt from are most like what a body just did.

The index beside the weights holds a few numbers for each half second of those takes: where the
joints were over the last second, in the heading of its end, along the axes in which takes differ
most (principal components, Pearson 1901).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from understudy.runtime.core import networks, rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.rotation import Array

INDEX = networks.WEIGHTS / "takeover_takes.npz"
BACK = (0, 8, 16, 24)  # ticks of 1/30 s before the moment
TICKS = BACK[-1] + 1


@dataclass(frozen=True)
class Like:
    """A take, the moment in it in seconds, and how far its joints are from ours, in the mean."""

    take: str
    at_s: float
    apart_m: float


def posture(hips: Array, rotations: Array) -> Array:
    """(..., 4 * 23 * 3) of poses (..., TICKS, 3) and (..., TICKS, 22, 4), the last is now."""
    some = [TICKS - 1 - k for k in BACK]
    hips, rotations = hips[..., some, :], rotations[..., some, :, :]
    positions = np.broadcast_to(PERFORMER.rest_positions, (*rotations.shape[:-1], 3)).copy()
    positions[..., 0, :] = 0.0
    world = PERFORMER.globals(positions, rotations)[0]
    back = rotation.from_yaw(-rotation.yaw(rotations[..., 0, 0, :]))[..., None, :]
    now = hips[..., :1, :] * (1.0, 0.0, 1.0)
    way = rotation.rotate(back, hips - now)
    world = rotation.rotate(back[..., None, :], world)
    return np.concatenate([world, way[..., None, :]], -2).reshape(*hips.shape[:-2], -1)


class Index:
    """The takes that were learnt from, as `models/takeover/likeness.py` writes them."""

    def __init__(self, path: Path = INDEX) -> None:
        if not path.exists():
            raise UnderstudyError(f"{path} is missing: the index of the takes learnt from.")
        with np.load(path, allow_pickle=False) as held:
            self._mean, self._axes = held["mean"].astype(float), held["axes"].astype(float)
            self._codes = held["codes"].astype(float) * held["step"].astype(float)
            self._take, self._at_s = held["take"], held["at_s"].astype(float)
            self.takes = [str(name) for name in held["names"]]

    def __len__(self) -> int:
        return len(self._codes)

    def nearest(self, hips: Array, rotations: Array, count: int = 5) -> list[Like]:
        """The takes most like the last second of a motion, hips (T, 3), rotations (T, 22, 4)."""
        if len(hips) < TICKS:
            return []
        code = (posture(hips[-TICKS:], rotations[-TICKS:]) - self._mean) @ self._axes
        square = np.square(self._codes - code).sum(-1)
        out: dict[str, Like] = {}
        for k in np.argsort(square)[: 40 * count]:
            name = self.takes[self._take[k]]
            # Of the sum over the joints at several moments, the mean of one.
            apart_m = float(np.sqrt(square[k] / (len(BACK) * len(PERFORMER))))
            out.setdefault(name, Like(name, float(self._at_s[k]), apart_m))
            if len(out) == count:
                break
        return list(out.values())
