"""A forecast: where a body is expected to be, as a smooth curve through the network's ticks."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

import numpy as np

from understudy.runtime.core import quaternion
from understudy.runtime.core.rotation import Array

KEPT = 4
BEYOND_S = 0.1
TERMS = 4  # arrays that a pose between two knots is summed of


class Forecast:
    """Knots in time: local positions (J, 3) and rotations (J, 4), contacts (4,), and errors in
    metres (1 + J,), the mean of the body and each joint's.

    Between knots runs a cubic with the knots' speeds (Catmull and Rom 1974), so no kink shows the
    network's rate. The first knot may be given the speed with which the truth came in.
    """

    def __init__(self) -> None:
        self.times: list[float] = []
        self._knots: list[Array] = []  # (J, 7) each
        self._contacts: list[Array] = []
        self._errors_m: list[Array] = []
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
        error_m: Array | float,
        rate: tuple[Array, Array] | None = None,
    ) -> None:
        """Appends a knot; rate is how fast positions and rotations change at the first one."""
        each = np.broadcast_to(error_m, 1 + len(positions))
        if rate is not None:
            self._rate = np.concatenate(rate, axis=-1)
        extend([self], [time_s], positions[None], rotations[None], [contacts], [each])

    def trim(self, time_s: float) -> None:
        """Drops knots that no time from time_s on will need."""
        while len(self.times) > KEPT and self.times[2] < time_s:
            del self.times[0], self._knots[0], self._contacts[0], self._errors_m[0]
            self._rate = None

    def at(self, time_s: float) -> tuple[Array, Array]:
        """Positions (J, 3) and rotations (J, 4) at a time; outside the knots, straight on."""
        positions, rotations = sample([self], [time_s])
        return positions[0], rotations[0]

    def _terms(self, time_s: float) -> list[tuple[Array, float]]:
        """Arrays (J, 7), TERMS of them, and weights: their sum is the pose at a time."""
        times, knots = self.times, self._knots
        last = len(times) - 1
        time_s = min(time_s, times[last] + BEYOND_S)
        k = min(max(bisect_right(times, time_s) - 1, 0), last)
        if k == last or time_s < times[0]:
            share = {k: 1.0}
            speeds = [(k, time_s - times[k])]
        else:
            span = times[k + 1] - times[k]
            u = (time_s - times[k]) / span
            v = 1.0 - u
            share = {k: (1.0 + 2.0 * u) * v * v, k + 1: u * u * (3.0 - 2.0 * u)}
            speeds = [(k, span * u * v * v), (k + 1, -span * u * u * v)]
        terms = []
        for j, for_s in speeds:
            if j == 0 and self._rate is not None:
                terms.append((self._rate, for_s))
                continue
            a, b = max(j - 1, 0), min(j + 1, last)
            if a != b:
                weight = for_s / (times[b] - times[a])
                share[b] = share.get(b, 0.0) + weight
                share[a] = share.get(a, 0.0) - weight
        terms += [(knots[j], weight) for j, weight in share.items()]
        terms += [(knots[k], 0.0)] * (TERMS - len(terms))
        return terms

    def _between(self, rows: list, time_s: float) -> Any:
        k = min(max(bisect_right(self.times, time_s) - 1, 0), len(rows) - 1)
        if k == len(rows) - 1:
            return rows[k]
        u = min(max((time_s - self.times[k]) / (self.times[k + 1] - self.times[k]), 0.0), 1.0)
        return rows[k] + u * (rows[k + 1] - rows[k])

    def contacts_at(self, time_s: float) -> Array:
        """(4,) left heel, left toe, right heel, right toe, 0..1."""
        return np.asarray(self._between(self._contacts, time_s))

    def errors_at(self, time_s: float) -> Array:
        """(1 + J,) errors that are expected at a time, metres: mean over the body, each joint."""
        return np.asarray(self._between(self._errors_m, time_s))


# Many bodies of one skeleton at once.


def extend(
    forecasts: Sequence[Forecast],
    times_s: Sequence[float],
    positions: Array,
    rotations: Array,
    contacts: Sequence[Array],
    errors_m: Sequence[Array],
) -> None:
    """Appends a knot to each: positions (n, J, 3), rotations (n, J, 4)."""
    knots = np.concatenate([positions, rotations], axis=-1)
    going_on = [k for k, forecast in enumerate(forecasts) if forecast._knots]
    if going_on:
        before = np.array([forecasts[k]._knots[-1][:, 3:] for k in going_on])
        turned = knots[going_on, :, 3:]
        opposite = (before * turned).sum(-1, keepdims=True) < 0.0
        knots[going_on, :, 3:] = np.where(opposite, -turned, turned)
    for k, forecast in enumerate(forecasts):
        forecast.times.append(times_s[k])
        forecast._knots.append(knots[k])
        forecast._contacts.append(contacts[k])
        forecast._errors_m.append(errors_m[k])


def sample(forecasts: Sequence[Forecast], times_s: Sequence[float]) -> tuple[Array, Array]:
    """Positions (n, J, 3) and rotations (n, J, 4) of each at its time."""
    count = len(forecasts)
    terms = [one for f, t in zip(forecasts, times_s, strict=True) for one in f._terms(t)]
    arrays = np.concatenate([array for array, _ in terms])
    weights = np.array([weight for _, weight in terms]).reshape(count, 1, TERMS)
    out = (weights @ arrays.reshape(count, TERMS, -1)).reshape(count, -1, 7)
    return out[..., :3], quaternion.unit(out[..., 3:])
