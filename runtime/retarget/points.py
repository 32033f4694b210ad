"""Points of the actor and of the character, all at once.

A joint is where the offsets of the bones above it lead, each turned with its joint; so are soles,
palms, and the way from one to the other. All of them are sums of the same turned offsets, and one
matrix gives all: at the size of a body the cost of numpy is the number of its calls.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from understudy.runtime.core import quaternion
from understudy.runtime.core.rotation import Array

from .retarget import Retarget

MOST = 4096  # offsets that hang on joints


class Points:
    """Sums are written as rows (W,) of shares of offsets; those that are `add`ed are given.

    Offsets are those of the actor's bones, a step of one metre up, and what hangs on joints.
    """

    def __init__(self, way: Retarget) -> None:
        self._way, self._bones = way, len(way.rows)
        self._joints: list[int] = []
        self._offsets: list[Array] = []
        self._rows: list[Array] = []
        self._hung: np.ndarray = np.zeros(0, int)
        self._fixed: Array = np.zeros((0, 16, 3))
        self._sum: Array = np.zeros((0, 0))

    @property
    def up(self) -> Array:
        """A metre up."""
        return self._share(self._bones)

    def theirs(self, joint: int) -> Array:
        """Where a joint of the actor is."""
        row = np.zeros(self._bones + 1 + MOST)
        row[: self._bones] = self._way.lineage[self._way.row[joint]]
        return row

    def of_actor(self, joint: int, offset: Array) -> Array:
        """An offset (3,) in the frame of a joint of the actor."""
        return self._hang(int(self._way.row[joint]), offset)

    def of_character(self, joint: int, offset: Array) -> Array:
        """An offset (3,) in the frame of a joint of the character."""
        return self._hang(self._bones + 1 + joint, offset)

    def _hang(self, row: int, offset: Array) -> Array:
        self._joints.append(row)
        self._offsets.append(np.asarray(offset, float))
        return self._share(self._bones + len(self._joints))

    def _share(self, column: int) -> Array:
        row = np.zeros(self._bones + 1 + MOST)
        row[column] = 1.0
        return row

    def add(self, rows: Sequence[Array]) -> slice:
        """Where in what `sums` gives these are."""
        first = len(self._rows)
        self._rows += rows
        return slice(first, len(self._rows))

    def settle(self) -> None:
        """No more are added."""
        self._hung = np.array(self._joints, int)
        self._fixed = quaternion.turning(np.array(self._offsets).reshape(-1, 3))
        width = self._bones + 1 + len(self._joints)
        self._sum = np.array(self._rows)[:, :width]
        self._up = np.array([0.0, 1.0, 0.0])

    def sums(self, bones: Array, source_r: Array, world_r: Array) -> Array:
        """(..., N, 3) all that were added, in the world.

        bones (..., C, 3) are the actor's, turned; source_r and world_r turn what hangs on joints.
        """
        both = np.concatenate([source_r, world_r], axis=-2)
        turned = quaternion.turned(both.take(self._hung, axis=-2), self._fixed)
        flat = np.empty((*bones.shape[:-2], self._sum.shape[1], 3))
        flat[..., : self._bones, :] = bones
        flat[..., self._bones, :] = self._up
        flat[..., self._bones + 1 :, :] = turned
        return np.asarray(self._sum @ flat)
