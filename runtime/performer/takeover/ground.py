"""Where the ground is: a live clip cannot be levelled as a whole, so it is levelled as it comes.

The network learned from people who stand on the ground. A source's leg is not PERFORMER's, so its
feet end above or below; how far is told by the heights at which they have stood so far, by the rule
that levels whole clips (`retarget.ground.standing_m`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.ik import legs
from understudy.runtime.retarget.ground import STANDS, UNEVEN_M

from .relief import Relief

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
        note([self], hips[None], rotations[None], [None])


def note(
    levels: Sequence[Level],
    hips: Array,
    rotations: Array,
    reliefs: Sequence[Relief | None],
    scale: float = 1.0,
) -> None:
    """Each learns from its pose of PERFORMER: hips (n, 3) and rotations (n, 22, 4), not lifted.

    Where it has a relief, how high feet are over the floor under them; scale is PERFORMER's size.
    """
    looking = [k for k, one in enumerate(levels) if one._ticks < FIRST or one._ticks % EVERY == 0]
    if looking:
        feet = legs.forward(hips[looking], rotations[looking])[0][:, :, 2:]
        by_count = defaultdict(list)
        for k, places in zip(looking, feet, strict=True):
            level, relief, heights = levels[k], reliefs[k], places[..., 1]
            if relief is not None:
                heights = heights - scale * relief.under(places / scale)
            level._heights[level._looks % KEPT] = heights
            level._looks += 1
            by_count[min(level._looks, KEPT)].append(level)
        for count, some in by_count.items():
            _judge(some, np.array([level._heights[:count] for level in some]))
    for level in levels:
        step = STEP_M if level._ticks else np.inf
        level.lift_m += min(max(level._goal_m - level.lift_m, -step), step)
        level._ticks += 1


def _judge(levels: Sequence[Level], known: Array) -> None:
    """Sets floors and goals by the heights (n, looks, sides, ankle and ball) known so far."""
    stands = _percentile((known - _CLEARANCE).min(axis=-1), STANDS)
    floors = _percentile(known.reshape(len(levels), -1, 2), FLOOR).tolist()
    least, apart = stands.min(axis=1), np.ptp(stands, axis=1)
    goals = (-(least + 0.5 * np.minimum(apart, UNEVEN_M))).tolist()
    for level, (ankle_m, ball_m), goal_m in zip(levels, floors, goals, strict=True):
        level.floors_m, level._goal_m = (ankle_m, ball_m), goal_m


def _percentile(x: Array, percent: float) -> Array:
    """(n, N) percentile of each column of x (n, T, N): np.percentile in a tenth of its time."""
    at = 0.01 * percent * (x.shape[1] - 1)
    low = int(at)
    high = min(low + 1, x.shape[1] - 1)
    x = np.partition(x, (low, high), axis=1)
    return np.asarray(x[:, low] + (at - low) * (x[:, high] - x[:, low]))
