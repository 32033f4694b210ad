"""How fast a body was seen to go: each joint's turning, and the root's way.

What comes unevenly is acted for a tick or two at a time, many times a second. What is shown then
must not go faster than its actor ever went: a head that only shakes would spin.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array

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


class Pace:
    """Of one body, from its whole poses; `note` takes any number of them at once.

    paced         whether it is known how fast they are
    disordered_s  when a pose last came that was from before the one before it
    """

    def __init__(self, joints: int) -> None:
        self.paced = False
        self._surely = False  # whether over the whole of BASE_S
        # The poses of the last BASE_S, and one before them.
        self._times = np.zeros(0)
        self._roots, self._turned = np.zeros((0, 3)), np.zeros((0, joints, 4))
        self._step: Array = np.zeros((1, joints, 3))
        self.disordered_s = -np.inf
        self._rad_s, self._mps = np.zeros(joints), 0.0  # the fastest so far
        self._rad_now: Array | float = 0.0  # from the last pose but one to the last
        self._mps_now = 0.0
        self._speeds: tuple[Array, Array] = np.zeros((0, joints)), np.zeros(0)  # the last LASTS

    @property
    def fastest_mps(self) -> float:
        """The fastest that its root was seen to go so far."""
        return self._mps

    def note(
        self,
        times_s: Sequence[float],
        roots: Sequence[Array],
        turned: Sequence[Array],
        usual_s: float,
    ) -> None:
        """Poses that were sent, by time: n roots (3,), n rotations (J, 4), times of their capture.

        usual_s is how long the sender usually takes from one to the next; 0: not known.
        """
        had = len(self._times)
        times = np.concatenate([self._times, times_s])
        places = np.concatenate([self._roots, roots])
        turns = np.concatenate([self._turned, turned])
        if had or len(times) > 1:
            self._note_steps(times, places, turns, max(had, 1), usual_s)
        self._note_speeds(times, places, turns, had)
        first = max(int(np.searchsorted(times, times[-1] - BASE_S, "right")) - 1, 0)
        first = min(first, max(len(times) - 2, 0))
        self._times, self._roots, self._turned = times[first:], places[first:], turns[first:]

    def _note_steps(
        self, times: Array, places: Array, turns: Array, new: int, usual_s: float
    ) -> None:
        """From pose to pose, of those from number `new` on: whether they turn back, how fast."""
        turn = rotation.multiply(turns[new:], rotation.conjugate(turns[new - 1 : -1]))
        steps = 2.0 * np.where(turn[..., 3:] < 0.0, -1.0, 1.0) * turn[..., :3]
        spans_s = np.diff(times[new - 1 :])
        steps[spans_s > NEXT_S] = 0.0
        before = np.concatenate([self._step, steps[:-1]])
        lengths = np.sqrt((steps * steps).sum((-2, -1)))
        were = np.sqrt((before * before).sum((-2, -1)))
        far = np.minimum(lengths, were) > TURNS_RAD
        back = (steps * before).sum((-2, -1)) < TURNS_BACK * lengths * were
        disordered = far & back
        self._step = steps[-1:]
        if disordered.any():
            self.disordered_s = float(times[new:][disordered][-1])
        # Whoever speeds up does so from one packet to the next.
        self._rad_now, self._mps_now = 0.0, 0.0
        span_s = float(spans_s[-1])
        orderly = times[-1] > self.disordered_s + DISORDER_S and span_s <= LONGEST_BASE_S
        if orderly and usual_s > 0.0:
            span_s = max(span_s, SOONEST * usual_s)
            half = 0.5 * np.sqrt((steps[-1] * steps[-1]).sum(-1))
            self._rad_now = 2.0 * np.arcsin(np.minimum(half, 1.0)) / span_s
            self._mps_now = float(np.linalg.norm(places[-1] - places[-2])) / span_s

    def _note_speeds(self, times: Array, places: Array, turns: Array, new: int) -> None:
        """Over BASE_S, of poses from number `new` on; what stands for LASTS of them is kept."""
        own = np.arange(max(new, 1), len(times))
        if not len(own):
            return
        base = np.searchsorted(times, times[own] - BASE_S, "right") - 1
        base = np.clip(base, 0, own - 1)
        gone_s = times[own] - times[base]
        surely = gone_s >= BASE_S
        good = gone_s <= LONGEST_BASE_S
        if not self._surely and (sure := np.flatnonzero(surely & good)).size:
            self._surely, self._rad_s, self._mps = True, 0.0 * self._rad_s, 0.0
            self._speeds = self._speeds[0][:0], self._speeds[1][:0]
            good[: sure[0]] = False
        good &= surely if self._surely else gone_s >= FIRST_BASE_S
        if not good.any():
            return
        own, base, gone_s = own[good], base[good], gone_s[good]
        rad_s = rotation.angle_between(turns[base], turns[own]) / gone_s[:, None]
        way = places[own] - places[base]
        mps = np.sqrt((way * way).sum(-1)) / gone_s
        had = len(self._speeds[1])
        rad_s, mps = (
            np.concatenate([self._speeds[0], rad_s]),
            np.concatenate([self._speeds[1], mps]),
        )
        last = np.arange(had, len(mps))
        window = np.maximum(last[:, None] - np.arange(LASTS), 0)
        self._rad_s = np.maximum(self._rad_s, rad_s[window].min(1).max(0))
        self._mps = max(self._mps, float(mps[window].min(1).max()))
        self._speeds = rad_s[-LASTS:], mps[-LASTS:]
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
