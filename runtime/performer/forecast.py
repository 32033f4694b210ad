"""A forecast: where a body is expected to be, as a smooth curve through the network's ticks."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np

from understudy.runtime.core.rotation import Array

from . import legs

KEPT = 4


class Forecast:
    """Knots in time: local positions (J, 3) and rotations (J, 4), contacts (4,), errors in metres.

    Between knots runs a cubic with the knots' speeds (Catmull and Rom 1974), so no kink shows the
    network's rate. The first knot may be given the speed with which the truth came in.
    """

    def __init__(
        self,
        time_s: float,
        positions: Array,
        rotations: Array,
        contacts: Array,
        error_m: float,
        rate: tuple[Array, Array] | None = None,
    ) -> None:
        self.times = [time_s]
        self.knots = [np.concatenate([positions, rotations], axis=-1)]
        self.contacts, self.errors_m = [contacts], [error_m]
        self._rate = None if rate is None else np.concatenate(rate, axis=-1)

    @property
    def end_s(self) -> float:
        return self.times[-1]

    @property
    def last(self) -> tuple[Array, Array]:
        knot = self.knots[-1]
        return knot[:, :3], knot[:, 3:]

    def add(
        self, time_s: float, positions: Array, rotations: Array, contacts: Array, error_m: float
    ) -> None:
        """Appends a knot; those long past are dropped."""
        before = self.knots[-1][:, 3:]
        sign = np.where(np.sum(before * rotations, axis=-1, keepdims=True) < 0.0, -1.0, 1.0)
        self.times.append(time_s)
        self.knots.append(np.concatenate([positions, sign * rotations], axis=-1))
        self.contacts.append(contacts)
        self.errors_m.append(error_m)

    def trim(self, time_s: float) -> None:
        """Drops knots that no time from time_s on will need."""
        while len(self.times) > KEPT and self.times[2] < time_s:
            for rows in (self.times, self.knots, self.contacts, self.errors_m):
                del rows[0]
            self._rate = None

    def _speed(self, k: int) -> Array:
        times, knots = self.times, self.knots
        if k == 0 and self._rate is not None:
            return self._rate
        a, b = max(k - 1, 0), min(k + 1, len(knots) - 1)
        if a == b:
            return np.zeros_like(knots[k])
        return (knots[b] - knots[a]) / (times[b] - times[a])

    def at(self, time_s: float) -> tuple[Array, Array]:
        """Positions (J, 3) and rotations (J, 4) at a time; outside the knots, straight on."""
        times, knots = self.times, self.knots
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

    def _between(self, rows: list, time_s: float):
        k = min(max(bisect_right(self.times, time_s) - 1, 0), len(rows) - 1)
        if k == len(rows) - 1:
            return rows[k]
        u = min(max((time_s - self.times[k]) / (self.times[k + 1] - self.times[k]), 0.0), 1.0)
        return rows[k] + u * (rows[k + 1] - rows[k])

    def contacts_at(self, time_s: float) -> Array:
        """(4,) left heel, left toe, right heel, right toe, 0..1."""
        return self._between(self.contacts, time_s)

    def error_at(self, time_s: float) -> float:
        """The error that is expected at a time, metres, mean over the joints."""
        return float(self._between(self.errors_m, time_s))
