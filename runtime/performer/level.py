"""Where the ground is: a live clip cannot be levelled as a whole, so it is levelled as it comes.

The network learned from people who stand on the ground. A source's leg is not PERFORMER's, so its
feet end above or below; how far is told by the heights at which they have stood so far, by the rule
that levels whole clips (`retarget.ground.standing_m`).
"""

from __future__ import annotations

import numpy as np

from understudy.runtime.core.rotation import Array
from understudy.runtime.retarget.ground import STANDS, UNEVEN_M

from . import legs

KEPT = 600  # ticks
STEP_M = 0.003  # a tick: slower than any hips rise or fall
_CLEARANCE = np.array([legs.ANKLE_M, legs.TOE_M])


class Level:
    """lift_m is what to add to the height of PERFORMER's hips."""

    def __init__(self) -> None:
        self.lift_m = 0.0
        self._heights = np.zeros((KEPT, 2))
        self._count = 0

    def note(self, hips: Array, rotations: Array) -> None:
        """Learns from a pose of PERFORMER, hips (3,) and rotations (22, 4), not lifted."""
        feet = legs.forward(hips, rotations)[0][:, 2:, 1]
        self._heights[self._count % KEPT] = (feet - _CLEARANCE).min(axis=1)
        self._count += 1
        known = self._heights[: min(self._count, KEPT)]
        if self._count < 60 or self._count % 8 == 0:
            low = np.sort(np.percentile(known, STANDS, axis=0))
            self._goal_m = -float(low[0] + 0.5 * min(low[1] - low[0], UNEVEN_M))
        step = np.inf if self._count == 1 else STEP_M
        self.lift_m += float(np.clip(self._goal_m - self.lift_m, -step, step))
