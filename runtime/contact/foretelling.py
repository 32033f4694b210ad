"""From the chances of the footsteps network to touchdowns, each told once."""

from __future__ import annotations

import numpy as np

from understudy.runtime.core.rotation import Array

from .features import LEADS_S, PIECE_S

# What is told is told when it is surer than this. Fitted on motion that was trained on.
SURE = 0.4
# When exactly is the mean over what is likely: up to so long after what is due.
ABOUT_S = 0.03
# A foot that was foretold and never came down may be foretold again after so long.
PATIENCE_S = 0.35
# A foot that has just come down does not do so again within this.
APART_S = 0.16


class Foretelling:
    """What was told of each foot, so that nothing is told twice. Feet are (F,)."""

    def __init__(self, feet: int, lead_s: float, sure: float = SURE) -> None:
        """lead_s: how long before a touchdown it is told, at most 0.2 s."""
        self.lead_s, self.sure = lead_s, sure
        self._waits = np.zeros(feet, bool)  # for a foot that was told to come down
        self._due_s = np.full(feet, -10.0)

    def step(self, chances: Array, standing: Array, now_s: float, dt_s: float) -> Array:
        """(F,) the time of each touchdown that is told now, NaN where none is.

        chances (F, PIECES + 1) of the time that is left, standing (F,) of feet that are down.
        """
        # The next tick would be too late for whatever is nearer than that.
        soon = self.lead_s + dt_s > LEADS_S - 0.5 * PIECE_S
        weights = chances[:, : len(LEADS_S)]
        chance = weights[:, soon].sum(1)
        near = weights * (self.lead_s + dt_s + ABOUT_S > LEADS_S)
        left = (near * LEADS_S).sum(1) / np.maximum(near.sum(1), 1e-6)
        down = standing > 0.5
        landed = self._waits & (down | (now_s - self._due_s > PATIENCE_S))
        self._waits &= ~landed
        due_s = now_s + left
        free = ~self._waits & (due_s - self._due_s > APART_S)
        tells = free & (chance > self.sure)
        self._waits |= tells
        self._due_s = np.where(tells, due_s, self._due_s)
        return np.where(tells, due_s, np.nan)

    def forget(self, rows: slice) -> None:
        """These feet are another body's from now on."""
        self._waits[rows], self._due_s[rows] = False, -10.0
