"""Where the ground is: a live clip cannot be levelled as a whole, so it is levelled as it comes.

The network learned from people who stand on the ground. A source's leg is not PERFORMER's, so its
feet end above or below; how far is told by the heights at which they have stood so far, by the rule
that levels whole clips (`retarget.ground.standing_m`).
"""

from __future__ import annotations

import numpy as np

from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.ik import legs
from understudy.runtime.retarget.ground import STANDS, UNEVEN_M

KEPT = 300
EVERY = 4  # ticks between two looks, once the first are taken
FIRST = 16
FLOOR = 10  # the percentile of its heights below which a foot's joint does not go by itself
STEP_M = 0.003  # a tick: slower than any hips rise or fall
_CLEARANCE = np.array([legs.ANKLE_M, legs.TOE_M])


class Level:
    """lift_m is what to add to the height of PERFORMER's hips.

    floors_m: how low ankle and ball have stood, not lifted; -inf before anything was seen.
    """

    def __init__(self) -> None:
        self.lift_m = 0.0
        self._goal_m = 0.0
        self.floors_m = (-np.inf, -np.inf)
        self._heights: Array = np.zeros((KEPT, 2, 2))
        self._looks = self._ticks = 0

    def note(self, hips: Array, rotations: Array) -> None:
        """Learns from a pose of PERFORMER, hips (3,) and rotations (22, 4), not lifted."""
        if self._ticks < FIRST or self._ticks % EVERY == 0:
            feet = legs.forward(hips, rotations)[0][:, 2:, 1]
            self._heights[self._looks % KEPT] = feet
            self._looks += 1
            known = self._heights[: min(self._looks, KEPT)]
            stands = _percentile((known - _CLEARANCE).min(axis=-1), STANDS)
            ankle, ball = _percentile(known.reshape(-1, 2), FLOOR)
            self.floors_m = float(ankle), float(ball)
            least, apart = float(stands.min()), float(np.ptp(stands))
            self._goal_m = -(least + 0.5 * min(apart, UNEVEN_M))
        step = STEP_M if self._ticks else np.inf
        self.lift_m += min(max(self._goal_m - self.lift_m, -step), step)
        self._ticks += 1


def _percentile(x: Array, percent: float) -> Array:
    """(N,) percentile of each column of x (T, N): np.percentile in a tenth of its time."""
    x = np.sort(x, axis=0)
    at = 0.01 * percent * (len(x) - 1)
    low = int(at)
    return x[low] + (at - low) * (x[min(low + 1, len(x) - 1)] - x[low])
