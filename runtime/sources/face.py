"""Faces: named curves that come live, hold when their source falls silent, then ease to rest."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from understudy.runtime.core.rotation import Array

# A frozen face is better than a dead one for a moment, and worse for longer.
HOLD_S = 0.5
EASE_S = 0.6
BACK_S = 0.15


class Face:
    """The curves of one performer.

    names   in the order in which they first came; it grows
    values  (K,) as they came last
    shown   (K,) as they are now: eased to rest in a silence, and back
    """

    def __init__(self, names: tuple[str, ...] = ()) -> None:
        self.names = names
        self.values: Array = np.zeros(len(names), np.float32)
        self.shown: Array = self.values
        self._index = {name: i for i, name in enumerate(names)}
        self._heard_s = self._now_s = float("-inf")
        self._share = 0.0

    def take(self, values: Array, now_s: float) -> None:
        """Values (K,) of all names."""
        self.values, self._heard_s = values, now_s

    def take_named(self, values: Mapping[str, float], now_s: float) -> None:
        """Values by name; a name that is new is learned, one that is left out stays as it was."""
        if not values:
            return
        if new := tuple(name for name in values if name not in self._index):
            self.names += new
            self._index = {name: i for i, name in enumerate(self.names)}
            self.values = np.concatenate([self.values, np.zeros(len(new), np.float32)])
        row = self.values.copy()
        for name, value in values.items():
            row[self._index[name]] = value
        self.take(row, now_s)

    @property
    def silent(self) -> bool:
        """Whether nothing has come for longer than it is held."""
        return self._now_s - self._heard_s > HOLD_S

    @property
    def presence(self) -> float:
        """How much of it is shown, 0 in a silence to 1."""
        t = self._share
        return t * t * (3.0 - 2.0 * t)

    def advance(self, now_s: float) -> None:
        """A tick of the stage."""
        dt_s = min(max(now_s - self._now_s, 0.0), 0.1)
        self._now_s = now_s
        step = -dt_s / EASE_S if self.silent else dt_s / BACK_S
        self._share = min(max(self._share + step, 0.0), 1.0)
        self.shown = self.values * np.float32(self.presence)
