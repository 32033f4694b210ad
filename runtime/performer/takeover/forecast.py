"""A forecast: where a body is expected to be, as a smooth curve through the network's ticks."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

import numpy as np

from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.ik import legs

KEPT = 4
BEYOND_S = 0.1


class Forecast:
    """Knots in time: local positions (J, 3) and rotations (J, 4), contacts (4,), errors in metres.

    Between knots runs a cubic with the knots' speeds (Catmull and Rom 1974), so no kink shows the
    network's rate. The first knot may be given the speed with which the truth came in.
    """

    def __init__(self) -> None:
        self.times: list[float] = []
        self._knots: list[Array] = []
        self._contacts: list[Array] = []
        self._errors_m: list[float] = []
        self._rate: Array | None = None

    def __bool__(self) -> bool:
        return bool(self.times)

    @property
    def end_s(self) -> float:
        return self.times[-1]

    def add(
        self,
        time_s: float,
        positions: Array,
        rotations: Array,
        contacts: Array,
        error_m: float,
        rate: tuple[Array, Array] | None = None,
    ) -> None:
        """Appends a knot; rate is how fast positions and rotations change at the first one."""
        if rate is not None:
            self._rate = np.concatenate(rate, axis=-1)
        if self._knots:
            before = self._knots[-1][:, 3:]
            opposite = np.sum(before * rotations, axis=-1, keepdims=True) < 0.0
            rotations = np.where(opposite, -rotations, rotations)
        self.times.append(time_s)
        self._knots.append(np.concatenate([positions, rotations], axis=-1))
        self._contacts.append(contacts)
        self._errors_m.append(error_m)

    def trim(self, time_s: float) -> None:
        """Drops knots that no time from time_s on will need."""
        while len(self.times) > KEPT and self.times[2] < time_s:
            del self.times[0], self._knots[0], self._contacts[0], self._errors_m[0]
            self._rate = None

    def _speed(self, k: int) -> Array:
        times, knots = self.times, self._knots
        if k == 0 and self._rate is not None:
            return self._rate
        a, b = max(k - 1, 0), min(k + 1, len(knots) - 1)
        if a == b:
            return np.zeros_like(knots[k])
        return (knots[b] - knots[a]) / (times[b] - times[a])

    def at(self, time_s: float) -> tuple[Array, Array]:
        """Positions (J, 3) and rotations (J, 4) at a time; outside the knots, straight on."""
        times, knots = self.times, self._knots
        time_s = min(time_s, times[-1] + BEYOND_S)
        k = min(max(bisect_right(times, time_s) - 1, 0), len(times) - 1)
        if k == len(times) - 1 or time_s < times[0]:
            out = knots[k] + (time_s - times[k]) * self._speed(k)
        else:
            span = times[k + 1] - times[k]
            u = (time_s - times[k]) / span
            v = 1.0 - u
            out = (
                (1.0 + 2.0 * u) * v * v * knots[k]
                + u * u * (3.0 - 2.0 * u) * knots[k + 1]
                + span * u * v * (v * self._speed(k) - u * self._speed(k + 1))
            )
        return out[:, :3], legs.unit(out[:, 3:])

    def _between(self, rows: list, time_s: float) -> Any:
        k = min(max(bisect_right(self.times, time_s) - 1, 0), len(rows) - 1)
        if k == len(rows) - 1:
            return rows[k]
        u = min(max((time_s - self.times[k]) / (self.times[k + 1] - self.times[k]), 0.0), 1.0)
        return rows[k] + u * (rows[k + 1] - rows[k])

    def contacts_at(self, time_s: float) -> Array:
        """(4,) left heel, left toe, right heel, right toe, 0..1."""
        return np.asarray(self._between(self._contacts, time_s))

    def error_at(self, time_s: float) -> float:
        """The error that is expected at a time, metres, mean over the joints."""
        return float(self._between(self._errors_m, time_s))
