"""Touches: what has met what at a step, how fast, and how hard.

A touch is told of when two things come together faster than a breath, and again when they do so
once more: a crate that tumbles is heard at each corner, one that lies or is pushed is not.
"""

from __future__ import annotations

import numpy as np

from understudy.runtime.core.event import FLOOR, HIT, Event

from .world import World

# Slower than this nothing is heard, and so is what weighs next to nothing.
LEAST_MPS, LEAST_NS = 0.12, 0.003
# Of one impact, which lasts some steps, is told once.
APART_S = 0.06


class Touches:
    """Looks at the contacts of every step."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str, str, str], float] = {}

    def of_step(self, world: World, time_s: float, time_ns: int) -> list[Event]:
        """What hit what in the step made last; time_s is the simulation's, time_ns the stage's."""
        if not world.data.nefc:
            return []
        contact = world.data.contact
        speeds = approach_mps(contact.efc_address, world.data.efc_vel)
        found: list[Event] = []
        for n in np.flatnonzero(speeds > LEAST_MPS).tolist():
            geoms = contact.geom[n]
            one, other = world.owners[geoms[0]], world.owners[geoms[1]]
            sign = 1.0
            first, second = world.lightness[world.model.geom_bodyid[geoms]]
            # Whoever acts comes first: a body, then a prop, then what stands still.
            if (_RANK[one.kind], first == 0.0) > (_RANK[other.kind], second == 0.0):
                one, other, sign = other, one, -1.0
            pair = one.name, one.joint, other.name, other.joint
            last_s = self._told.get(pair, -1e9)
            if time_s - last_s < APART_S:
                continue
            impulse = float(speeds[n]) / max(float(first + second), 1e-6)
            if impulse < LEAST_NS:
                continue
            self._told[pair] = time_s
            x, y, z = (float(v) for v in contact.pos[n])
            a, b, c = (-sign * float(v) for v in contact.frame[n, :3])
            found.append(
                Event(
                    HIT, one.name, one.joint, other.name, other.joint, one.material, other.material,
                    (x, y, z), (a, b, c), float(speeds[n]), impulse_ns=impulse, time_ns=time_ns,
                )
            )  # fmt: skip
        return found


_RANK = {"body": 0, "prop": 1, FLOOR: 2}


def approach_mps(first: np.ndarray, speeds: np.ndarray) -> np.ndarray:
    """(C,) how fast the two sides of each contact come together, as the step began.

    first (C,) of the rows (N,) of speeds that a contact has, -1 of one without: of its pyramid the
    first two are the normal's plus and minus a tangent's.
    """
    come = -0.5 * (speeds[first] + speeds[first + 1])
    come[first < 0] = 0.0
    return np.asarray(come)
