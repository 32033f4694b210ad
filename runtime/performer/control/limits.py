"""Joint limits: no joint turns further than it does in the mocap that the network learned from.

A box for each joint, of the rotation vector from its mean. Knees are left out, which are hinges
already (legs.py), and thighs of feet that are planted, for the feet would come away: where one is
further beyond its box than WRUNG_RAD, its foot is to take a step. The thigh of a free foot is
stopped softly, a little beyond its box; how far it comes forward is left to it, for who crouches
has to set that foot down.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from understudy.runtime.core import quaternion, rotation
from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.ik import legs

from .layout import JOINTS

THIGHS = legs.LEGS[:, 0]
LEFT_OUT = {legs.HIPS, *legs.LEGS[:, :2].reshape(-1).tolist()}
# Thighs last.
LIMITED = np.array([*(j for j in range(JOINTS) if j not in LEFT_OUT), *THIGHS])
SOFT_RAD = 0.02  # a thigh goes no further beyond its box, and comes to a stop there
WRUNG_RAD, SURELY = 0.035, 0.9
_NOBODY = np.zeros((1, 2), bool)


class Limits:
    """The limits that a network's card states; none where it states none.

    wrung: whose thighs (N, 2) are further beyond than a planted foot may hold them
    """

    def __init__(self, card: dict[str, Any]) -> None:
        self.wrung = _NOBODY
        stated = card.get("limits")
        self._known = stated is not None
        if stated is not None:
            mean = np.asarray(stated["mean"], float)[LIMITED]
            self._mean, self._back = mean, quaternion.conjugate(mean)
            self._low = np.asarray(stated["low_rad"], float)[LIMITED]
            self._high = np.asarray(stated["high_rad"], float)[LIMITED]
            self._low[-2:, 0] = -np.inf

    def apply(self, rotations: Array, share: Array, free: Array) -> bool:
        """Takes rotations (N, J, 4) back to their limits, in place; whether any was beyond.

        share (N,): 1 all the way, 0 not at all; free (N, 2): the same of feet, 0 is planted.
        """
        if not self._known:
            return False
        turn = rotation.to_rotation_vector(quaternion.multiply(self._back, rotations[:, LIMITED]))
        kept = quaternion.clamp(turn, self._low, self._high)
        if (kept == turn).all():
            self.wrung = _NOBODY
            return False
        beyond = turn[:, -2:] - kept[:, -2:]
        wrung = (beyond * beyond).sum(-1) > WRUNG_RAD**2
        self.wrung = wrung & (share[:, None] > SURELY)
        kept[:, -2:] += np.sign(beyond) * SOFT_RAD * -np.expm1(-np.abs(beyond) / SOFT_RAD)
        way = np.repeat(share[:, None], len(LIMITED), axis=1)
        way[:, -2:] *= free
        back = rotation.from_rotation_vector(turn + way[..., None] * (kept - turn))
        rotations[:, LIMITED] = quaternion.multiply(self._mean, back)
        return True
