"""The envelope of what was sent: how far each joint has turned, how fast, and where the root was.

What comes unevenly is acted for a tick or two at a time, many times a second. What is expected then
must not take a joint further, or faster, than its actor ever took it: over a moment so short
nothing is gained by it, and a head that only shakes would spin.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array

MARGIN_RAD, MARGIN_M = np.radians(1.0), 0.01
# Who is lost for longer than this may do something new, and more of it with time.
SHORT_S, GROWS_RAD_S, GROWS_MPS = 0.25, 2.0, 1.5
# A root that travels, and has never been further, is expected to go on at this share of its speed.
GOES_ON, AT_BORDER_M = 0.5, 0.015
# Speeds are taken over so long: packets that changed places on the way tell none from one to the
# next.
BASE_S, LONGEST_BASE_S, FIRST_BASE_S = 0.12, 0.3, 0.03
# What one packet tells alone is its delay; a speed lasts for so many.
LASTS = 3
# So much faster than its actor ever was may a joint be shown, and what counts as no speed.
FASTER, MARGIN, FREE_RAD, FREE_M = 1.45, 1.1, np.radians(0.5), 0.003
SOONEST, DISORDER_S = 0.8, 1.0
# A body that turns back by so much from one packet to the next was not sent in this order.
TURNS_BACK, TURNS_RAD, NEXT_S = -0.5, np.radians(4.0), 0.06


class Envelope:
    """Of one body: rotations as vectors from the first that was seen, in a box for each joint."""

    def __init__(self, joints: int) -> None:
        self._from: Array | None = None
        self._low = np.zeros((joints, 3))
        self._high = np.zeros((joints, 3))
        self._root_low = self._root_high = np.zeros(3)
        self._past: deque[tuple[float, Array, Array]] = deque(maxlen=128)
        self._step: Array = np.zeros((joints, 3))
        self._rad_s, self._mps = np.zeros(joints), 0.0
        self._rad_now: Array | float = 0.0
        self._mps_now = 0.0
        self._disordered_s = -np.inf
        self._speeds: deque[tuple[Array, float]] = deque(maxlen=LASTS)
        self.paced = self._surely = False  # whether it is known how fast they are
        self.disordered = False  # whether the last packet was from before the one before

    def note_speed(self, time_s: float, positions: Array, rotations: Array, usual_s: float) -> None:
        """A whole pose that was sent, when it was taken, and how long one usually takes."""
        past = self._past
        if past and time_s <= past[-1][0]:
            return
        self.disordered = False
        if past:
            turn = rotation.multiply(rotations, rotation.conjugate(past[-1][2]))
            step = 2.0 * np.where(turn[:, 3:] < 0.0, -1.0, 1.0) * turn[:, :3]
            span_s = time_s - past[-1][0]
            if span_s > NEXT_S:
                step = 0.0 * step
            was, now = np.linalg.norm(self._step), np.linalg.norm(step)
            if min(was, now) > TURNS_RAD:
                back = float((step * self._step).sum()) / (was * now)
                self.disordered = bool(back < TURNS_BACK)
            self._step = step
            if self.disordered:
                self._disordered_s = time_s
            # Whoever speeds up does so from one packet to the next.
            orderly = time_s > self._disordered_s + DISORDER_S and span_s <= LONGEST_BASE_S
            self._rad_now = self._mps_now = 0.0
            if orderly and usual_s > 0.0:
                span_s = max(span_s, SOONEST * usual_s)
                self._rad_now = 2.0 * np.arcsin(np.minimum(0.5 * _lengths(step), 1.0)) / span_s
                self._mps_now = float(np.linalg.norm(positions[0] - past[-1][1])) / span_s
        past.append((time_s, positions[0].copy(), rotations))
        while len(past) > 2 and past[1][0] <= time_s - BASE_S:
            past.popleft()
        then_s, root, turned = past[0]
        gone_s = time_s - then_s
        surely = gone_s >= BASE_S
        if not (surely or (not self._surely and gone_s >= FIRST_BASE_S)) or gone_s > LONGEST_BASE_S:
            return
        if surely and not self._surely:
            self._surely, self._rad_s, self._mps = True, 0.0 * self._rad_s, 0.0
            self._speeds.clear()
        mps = float(np.linalg.norm(positions[0] - root)) / gone_s
        self._speeds.append((rotation.angle_between(turned, rotations) / gone_s, mps))
        least = self._speeds[0][0]
        for speeds, _ in list(self._speeds)[1:]:
            least = np.minimum(least, speeds)
        self._rad_s = np.maximum(self._rad_s, least)
        self._mps = max(self._mps, min(mps for _, mps in self._speeds))
        self.paced = True

    def slow(
        self, dt_s: float, shown: tuple[Array, Array], positions: Array, rotations: Array
    ) -> tuple[Array, Array]:
        """A pose no further from what is shown than the body was ever seen to go in dt_s."""
        if not self.paced:
            return positions, rotations
        most_rad = FREE_RAD + dt_s * np.maximum(FASTER * self._rad_s, MARGIN * self._rad_now)
        angles = rotation.angle_between(shown[1], rotations)
        fast = np.flatnonzero(angles > most_rad)
        if len(fast):
            rotations = rotations.copy()
            share = most_rad[fast] / angles[fast]
            rotations[fast] = rotation.slerp(shown[1][fast], rotations[fast], share)
        gone = positions[0] - shown[0][0]
        far_m, most_m = float(np.linalg.norm(gone)), FREE_M
        most_m += dt_s * max(FASTER * self._mps, MARGIN * self._mps_now)
        if far_m > most_m:
            positions = positions.copy()
            positions[0] = shown[0][0] + gone * (most_m / far_m)
        return positions, rotations

    def note(self, positions: Array, rotations: Array, seen: np.ndarray | None) -> None:
        """A pose that was sent: positions (J, 3), rotations (J, 4), seen (J,)."""
        if self._from is None:
            self._from = rotation.conjugate(rotations)
            self._root_low = self._root_high = positions[0].copy()
        turns = self._turns(rotations, slice(None))
        if seen is not None:
            turns[~seen] = self._low[~seen]
        self._low, self._high = np.minimum(self._low, turns), np.maximum(self._high, turns)
        if seen is None or seen[0]:
            self._root_low = np.minimum(self._root_low, positions[0])
            self._root_high = np.maximum(self._root_high, positions[0])

    def _turns(self, rotations: Array, joints: np.ndarray | slice) -> Array:
        assert self._from is not None
        return rotation.to_rotation_vector(rotation.multiply(rotations, self._from[joints]))

    def keep(
        self,
        joints: np.ndarray,
        lost_s: float,
        root: tuple[Array, Array],
        positions: Array,
        rotations: Array,
    ) -> None:
        """Takes joints (n,) of a pose back into the envelope, in place.

        lost_s is since when; root is where the root was then, and how fast (3,).
        """
        if self._from is None or not len(joints):
            return
        longer_s = max(lost_s - SHORT_S, 0.0)
        margin_rad = MARGIN_RAD + GROWS_RAD_S * longer_s
        turns = self._turns(rotations[joints], joints)
        kept = np.clip(turns, self._low[joints] - margin_rad, self._high[joints] + margin_rad)
        off = np.flatnonzero((kept != turns).any(-1))
        if len(off):
            back = rotation.from_rotation_vector(kept[off])
            rotations[joints[off]] = rotation.multiply(
                back, rotation.conjugate(self._from[joints[off]])
            )
        if joints[0] == 0:
            at, mps = root
            # A step into the new is gone on with; who sways comes back from where he was before.
            new = (at >= self._root_high - AT_BORDER_M) & (mps > 0.0)
            new |= (at <= self._root_low + AT_BORDER_M) & (mps < 0.0)
            free_m = MARGIN_M + GROWS_MPS * longer_s + new * GOES_ON * np.abs(mps) * lost_s
            positions[0] = np.clip(positions[0], self._root_low - free_m, self._root_high + free_m)


def _lengths(rows: Array) -> Array:
    return np.asarray(np.sqrt((rows * rows).sum(-1)))
