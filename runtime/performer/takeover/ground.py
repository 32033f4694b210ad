"""Where the ground is: a live clip cannot be levelled as a whole, so it is levelled as it comes.

The network learned from people who stand on the ground. A source's leg is not PERFORMER's, so its
feet end above or below; how far is told by the heights at which they have stood so far, by the rule
that levels whole clips (`retarget.ground.standing_m`). Who has been higher or lower than that for a
second is on a step, a box or a slope that nobody told of: nobody flies for so long, and no foot
goes under the ground.
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
EVERY = 2  # ticks between two looks, once the first are taken
FIRST = 16
RECENT = 16  # looks, a second
STEP_M = 0.06  # above or below where it has stood mostly, it stands on something else
FLOOR = 10  # the percentile of its heights below which a foot's joint does not go by itself
_CLEARANCE = np.array([legs.ANKLE_M, legs.TOE_M])


class Level:
    """lift_m is what to add to the height of PERFORMER's hips.

    Who remembers heights is told when it changes, for nobody rises by it (`Understudy.lift`).

    floors_m: how low ankle and ball have stood, not lifted; -inf before anything was seen.
    """

    def __init__(self) -> None:
        self.lift_m = 0.0
        self.floors_m = (-np.inf, -np.inf)
        self._heights: Array = np.zeros((KEPT, 2, 2))
        self._looks = self._ticks = 0

    def _lately(self, count: int) -> Array:
        """(RECENT, 2, 2) heights of the last looks, of `count` that are kept."""
        rows = np.maximum(self._looks - 1 - np.arange(RECENT), self._looks - count)
        return self._heights[rows % KEPT]

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
            lately = [level._lately(count) for level in some]
            _judge(some, np.array([level._heights[:count] for level in some]), np.array(lately))
    for level in levels:
        level._ticks += 1


def _judge(levels: Sequence[Level], known: Array, lately: Array) -> None:
    """Sets floors and lifts by heights (n, looks, sides, ankle and ball) so far, and of late."""
    stands = _percentile((known - _CLEARANCE).min(axis=-1), STANDS)
    floors = _percentile(known.reshape(len(levels), -1, 2), FLOOR).tolist()
    least, apart = stands.min(axis=1), np.ptp(stands, axis=1)
    ground = least + 0.5 * np.minimum(apart, UNEVEN_M)
    other = (lately - _CLEARANCE).min(axis=(1, 2, 3)) - ground
    steps = np.where(np.abs(other) > STEP_M, other, 0.0).tolist()
    for level, (ankle_m, ball_m), at_m, up_m in zip(levels, floors, ground, steps, strict=True):
        level.floors_m, level.lift_m = (ankle_m + up_m, ball_m + up_m), -float(at_m) - up_m


def _percentile(x: Array, percent: float) -> Array:
    """(n, N) percentile of each column of x (n, T, N): np.percentile in a tenth of its time."""
    at = 0.01 * percent * (x.shape[1] - 1)
    low = int(at)
    high = min(low + 1, x.shape[1] - 1)
    x = np.partition(x, (low, high), axis=1)
    return np.asarray(x[:, low] + (at - low) * (x[:, high] - x[:, low]))
