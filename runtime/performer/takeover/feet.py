"""Planted feet of a live body: they stay where they are, in a gap and while it is handed back.

In a gap the network says when a heel or toe bears weight; it is then held at its place on the
ground, and when it lifts the hold fades. When the mocap is back the foot is somewhere else than the
actor's. It keeps its distance for as long as the actor's foot is planted, and goes over to it when
that swings; a body that only stands makes a small step. Two-bone inverse kinematics on the source's
own legs does the rest, after Holden's foot locking in "Motion Matching" (2021).
"""

from __future__ import annotations

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.ik import legs
from understudy.runtime.performer.ik.reach import Legs

from .blend import Quintic
from .transfer import Transfer, world_positions, world_rotations

ENGAGED, RELEASED = 0.55, 0.35
UNLOCK_M = 0.15
RELEASE_S = 0.2
REST_S = 0.04
SINKS_M = 0.01
# A foot of the actor that is slower stands, one that is faster swings.
STANDS_MPS, SWINGS_MPS = 0.25, 0.45
STEP_S, LONGEST_S = 0.28, 0.4
PUSH_MPS2 = 10.0
WAITS_S = 0.4  # for the actor's foot to lift, before it steps over by itself
LIFT, LIFT_M = 0.4, 0.05  # share of the way, and at most
SMALL_M = 0.003


def _lasts_s(far_m: Array) -> Array:
    """(n,) how long feet take to go over by so many metres."""
    return np.clip(np.sqrt(5.8 * far_m / PUSH_MPS2), RELEASE_S, LONGEST_S)


class Planting:
    """The feet of one body. w (sides, 6): how far a foot is from where its leg would have it."""

    def __init__(self, transfer: Transfer) -> None:
        self.transfer = transfer
        self.legs = Legs(transfer)
        count = len(self.legs.sides)
        self.mode = np.zeros(count, int)  # 0 the source's, 1 forecast, 2 handed back
        self._w: Array = np.zeros((count, 6))
        self._w_before: Array = np.zeros((count, 6))
        self._fade = Quintic(count, 6)
        self._point = np.full(count, -1)  # 0 heel, 1 ball, -1 free
        self._anchor: Array = np.zeros((count, 3))
        self._at: Array = np.zeros((count, 3))  # the point of contact at the last tick, not held
        self._since_s = np.zeros(count)  # that it is held
        self._waits = np.zeros(count, bool)
        self._back_s = np.zeros(count)
        self._raised: Array = np.zeros(count)  # out of the ground
        self._lift: Array = np.zeros(count)
        self._lift_s = np.full(count, -np.inf)
        self._step_s = np.full(count, STEP_S)
        self._shown: list[tuple[float, Array, Array]] = []  # time, ankles, feet's rotations
        self._source: Array | None = None  # actor's ankles at the last tick

    @property
    def busy(self) -> bool:
        """Whether a foot is away from where the body alone would have it."""
        return bool((self.mode > 0).any())

    def rest(self) -> None:
        """Everything is the source's own again."""
        self.mode[:] = 0
        self._shown.clear()
        self._source = None
        self._point[:] = -1
        self._raised[:] = 0.0

    def solve(
        self,
        time_s: float,
        dt_s: float,
        missing: np.ndarray,
        blending: np.ndarray,
        contacts: Array,
        source: tuple[Array, Array],
        before: tuple[Array, Array, float] | None,
        floors_m: tuple[float, float],
        positions: Array,
        rotations: Array,
    ) -> None:
        """Plants the feet of a pose: positions (J, 3), rotations (J, 4), changed in place.

        missing and blending (J,) tell which joints are forecast and which are still handed over,
        contacts (4,) what the network thinks of the feet; source is the actor's pose, if it is
        seen, and before the one before it, with its distance in seconds; floors_m is how low ankle
        and ball have stood.
        """
        its = self.legs
        steps = self.transfer.steps
        gap = missing[its.all].all(axis=0)
        back = ~gap & ~missing[its.all].any(axis=0) & (self.mode > 0)
        mode = np.where(gap, 1, np.where(back, 2, 0))
        if not mode.any():
            self.rest()
            return
        world_r = world_rotations(rotations, steps)
        world_p = world_positions(positions, world_r, steps)
        ankle, foot = world_p[its.ankle], world_r[its.ankle]
        real = ankle, foot
        speed: Array = np.zeros(len(mode))
        if (mode == 2).any():
            actor_r = world_rotations(source[1], steps)
            actor_p = world_positions(source[0], actor_r, steps)
            real = actor_p[its.ankle], actor_r[its.ankle]
            if self._source is not None:
                step = real[0] - self._source
                speed = np.hypot(step[:, 0], step[:, 2]) / dt_s
            self._source = real[0]
        else:
            self._source = None
        base_p = np.where((mode == 2)[:, None], real[0], ankle)
        base_r = np.where((mode == 2)[:, None], real[1], foot)
        fresh = mode != self.mode
        if fresh.any():
            rate: Array = np.zeros_like(base_p)
            if before is not None and (mode == 2).any():
                rate = (real[0] - self._ankles(before[0], before[1])) / before[2]
            self._capture(np.flatnonzero(fresh), time_s, mode, base_p, base_r, rate)
        self.mode = mode
        w = self._fade.place(time_s)
        self._hold(time_s, dt_s, mode == 1, contacts, world_p, w)
        self._pass_over(time_s, mode == 2, speed, w)
        self._w_before, self._w = self._w, w
        goal = base_p + w[:, :3]
        goal[:, 1] += self._lifted(time_s)
        ball = goal[:, 1] + world_p[its.ball, 1] - ankle[:, 1]
        sunk = np.maximum(floors_m[0] - goal[:, 1], floors_m[1] - ball) - SINKS_M
        # The actor may be lower than we know the ground to be.
        own = np.where(mode == 2, np.maximum(base_p[:, 1] - goal[:, 1], 0.0), np.inf)
        sunk = np.clip(sunk, 0.0, own)
        self._raised += (sunk - self._raised) * (1.0 - np.exp(-dt_s / REST_S))
        goal[:, 1] += self._raised
        turn = legs.multiply(rotation.from_rotation_vector(w[:, 3:]), base_r)
        some = np.flatnonzero(mode > 0)
        its.reach(world_p, world_r, goal[some], turn[some], rotations, some)
        self._shown = [*self._shown[-1:], (time_s, goal, turn)]
        done = (mode == 2) & ~self._waits & (self._fade.end_s <= time_s)
        done &= self._raised < SMALL_M
        done &= ~blending[its.all].any(axis=0) & ~blending[self.transfer.hips]
        self.mode = np.where(done, 0, self.mode)

    def _ankles(self, positions: Array, rotations: Array) -> Array:
        """(sides, 3) where the ankles of a pose are."""
        steps = self.transfer.steps
        world = world_positions(positions, world_rotations(rotations, steps), steps)
        return world[self.legs.ankle]

    def _capture(
        self,
        rows: np.ndarray,
        time_s: float,
        mode: np.ndarray,
        base_p: Array,
        base_r: Array,
        base_rate: Array,
    ) -> None:
        """Feet `rows` get another base: the distance to it is what keeps them where they are."""
        self._waits[rows] = False
        self._point[rows] = -1
        self._lift_s[rows] = -np.inf
        self._back_s[rows] = time_s
        self._fade.end_s[rows] = -np.inf
        if len(self._shown) < 2:
            return
        (t0, p0, _), (t1, p1, q1) = self._shown
        ahead = (time_s - t1) / max(t1 - t0, 1e-6)
        if not 0.0 < ahead < 4.0:
            return
        rate = (p1 - p0)[rows] / (t1 - t0)
        x = np.zeros((len(rows), 6))
        x[:, :3] = p1[rows] + rate * (time_s - t1) - base_p[rows]
        x[:, 3:] = rotation.to_rotation_vector(
            legs.multiply(q1[rows], legs.conjugate(base_r[rows]))
        )
        far = np.sqrt(np.square(x[:, :3]).sum(-1))
        x *= (far > SMALL_M)[:, None]
        still = np.hypot(rate[:, 0], rate[:, 2]) < STANDS_MPS
        self._waits[rows] = (mode[rows] == 2) & still & (far > SMALL_M)
        # Held feet have their offset for as long as they wait; others begin to go over at once.
        ends = np.where(
            self._waits[rows], np.inf, time_s + np.where(far > SMALL_M, _lasts_s(far), 0.0)
        )
        v, zero = np.zeros_like(x), np.zeros_like(x)
        going = ~self._waits[rows] & (mode[rows] == 2) & (far > SMALL_M)
        v[:, :3] = np.where(going[:, None], rate - base_rate[rows], 0.0)
        ends = np.where(np.isinf(ends), time_s + 1.0, ends)
        self._fade.plan(rows, time_s, x, v, zero, ends)
        # The actor's foot stands already: ours steps there, and does not slide.
        stands = going & (np.hypot(base_rate[rows, 0], base_rate[rows, 2]) < SWINGS_MPS)
        for k in np.flatnonzero(stands).tolist():
            self._step(int(rows[k]), time_s, x[k], float(ends[k] - time_s))
        self._w[rows] = self._w_before[rows] = x
        self._raised[rows] = 0.0  # is part of the distance now

    def _hold(
        self,
        time_s: float,
        dt_s: float,
        held: np.ndarray,
        contacts: Array,
        world_p: Array,
        w: Array,
    ) -> None:
        """In a gap: feet that bear weight stay; w (sides, 6) is changed in place."""
        its = self.legs
        for k in np.flatnonzero(held):
            heel, ball = contacts[its.contacts[k]]
            on = np.array([heel, ball]) > (RELEASED if self._point[k] >= 0 else ENGAGED)
            point = 1 if on[1] else 0 if on[0] else -1
            at = world_p[its.ball[k] if point == 1 else its.ankle[k]]
            if point >= 0 and point != self._point[k]:
                self._anchor[k] = at + (w[k, :3] if self._point[k] < 0 else self._w[k, :3])
                self._since_s[k] = time_s if self._point[k] < 0 else self._since_s[k]
            elif point >= 0:
                # A foot comes to rest within some frames: at once, it would snap a straight knee.
                slips = np.exp((self._since_s[k] - time_s) / REST_S)
                self._anchor[k] += slips * (at - self._at[k])
            if point >= 0:
                offset = self._anchor[k] - at
                offset[1] = w[k, 1]
                if np.hypot(offset[0], offset[2]) > UNLOCK_M:
                    point = -1
                else:
                    w[k, :3] = offset
                    w[k, 3:] = 0.0
            if point < 0 and self._point[k] >= 0:
                rows = np.array([k])
                rate = (self._w[rows] - self._w_before[rows]) / dt_s
                zero = np.zeros_like(rate)
                self._fade.plan(
                    rows, time_s, self._w[rows] + rate * dt_s, rate, zero, time_s + RELEASE_S
                )
                w[k] = self._w[k] + rate[0] * dt_s
            self._point[k] = point
            self._at[k] = at

    def _pass_over(self, time_s: float, back: np.ndarray, speed: Array, w: Array) -> None:
        """While handed back: feet wait for the actor's to lift, and go over to them."""
        for k in np.flatnonzero(back & self._waits).tolist():
            w[k] = self._w[k]
            overdue = time_s - self._back_s[k] > WAITS_S
            if speed[k] > SWINGS_MPS or overdue:
                rows = np.array([k])
                zero = np.zeros((1, 6))
                far = np.sqrt(np.square(w[rows, :3]).sum(-1))
                lasts_s = max(STEP_S, float(_lasts_s(far)[0]))
                self._fade.plan(rows, time_s, w[rows], zero, zero, time_s + lasts_s)
                self._waits[k] = False
                if overdue:
                    self._step(k, time_s, w[k], lasts_s)

    def _step(self, k: int, time_s: float, w: Array, lasts_s: float) -> None:
        """Foot k is lifted on its way over w (6,), for so long."""
        self._lift[k] = min(LIFT * float(np.hypot(w[0], w[2])), LIFT_M)
        self._lift_s[k], self._step_s[k] = time_s, lasts_s

    def _lifted(self, time_s: float) -> Array:
        """(sides,) how high feet are lifted that step by themselves, metres."""
        u = np.clip((time_s - self._lift_s) / self._step_s, 0.0, 1.0)
        u = np.where(np.isfinite(u), u, 1.0)
        return self._lift * 16.0 * u * u * (1.0 - u) * (1.0 - u)
