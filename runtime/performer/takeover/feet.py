"""Planted feet of live bodies: they stay where they are, in a gap and while it is handed back.

In a gap the network says when a heel or toe bears weight; it is then held at its place on the
ground, and when it lifts the hold fades. When the mocap is back the foot is somewhere else than the
actor's. It keeps its distance for as long as the actor's foot is planted, and goes over to it when
that swings; a body that only stands makes a small step. Two-bone inverse kinematics on the source's
own legs does the rest, after Holden's foot locking in "Motion Matching" (2021).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from understudy.runtime.core import quaternion, rotation
from understudy.runtime.core.kinematics import Steps, world_positions, world_rotations
from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.ik.rig_legs import RigLegs

from .blend import FadingOffset
from .relief import Relief

SOURCE, FORECAST, HANDED_BACK = 0, 1, 2
FREE, HEEL, BALL = -1, 0, 1
ENGAGED, RELEASED = 0.55, 0.35
# Where the floor's heights under a body's feet differ by more than this, and no foot is surely
# down, the likeliest is, if it is as likely as this; who was down is so much likelier.
ROUGH_M, LIKELY, STAYS = 0.01, 0.2, 0.1
UNLOCK_M = 0.15
SLACK_M = 0.001  # people who stand move their feet by as much; a knee that is held pays for it
RELEASE_S = 0.2
REST_S = 0.04
SINKS_M = 0.01
# A foot of the actor that is slower stands, one that is faster swings.
STANDS_MPS, SWINGS_MPS = 0.25, 0.45
STEP_S, LONGEST_S = 0.28, 0.4
PUSH_MPS2 = 10.0
WAITS_S = 0.4  # for the actor's foot to lift, before it steps over by itself ...
EASES_M, STRAINS_M = 0.1, 0.25  # if it is this near; from there on it waits less, and then not
LIFT, LIFT_M = 0.4, 0.05  # share of the way, and at most
# Two poses that are nearer to each other in time have no rate.
LEAST_S = 1e-4
SMALL_M = 0.003
# The toes' tip, ahead of their joint; what a foot on its way passes over: of that, and in seconds.
TIP_M = 0.075
STEEPEST = 0.62  # 32 degrees: what is steeper from heel to ball is an edge
PASSES = ((0.0, 0.0), (1.0, 0.0), (1.0, 0.06), (1.0, 0.12))


def _lasts_s(far_m: Array) -> Array:
    """(n,) how long feet take to go over by so many metres."""
    return np.clip(np.sqrt(5.8 * far_m / PUSH_MPS2), RELEASE_S, LONGEST_S)


@dataclass(slots=True)
class Bodies:
    """n bodies of one skeleton at one tick, those of whom a foot is to be planted.

    rows (n,)          which of all bodies they are
    mode (n, S)        of their feet, as `FootPlanting.modes` says
    time_s, dt_s (n,)  now, and since the tick before
    blending (n, J)    joints that are still handed over
    contacts (n, 4)    what the network thinks of the feet
    target             the pose without what fades: positions (n, J, 3) and rotations (n, J, 4)
    before             of each the source's pose before this one and their distance in seconds
    floors_m (n, 2)    how low ankle and ball have stood, over a relief where there is one
    reliefs            the floor under each; None: level
    positions (n, J, 3) and rotations (n, J, 4) are what is shown; planting bends the latter
    """

    legs: RigLegs
    steps: Steps
    hips: int
    rows: np.ndarray
    mode: np.ndarray
    time_s: Array
    dt_s: Array
    blending: np.ndarray
    contacts: Array
    target: tuple[Array, Array]
    before: list[tuple[Array, Array, float] | None]
    floors_m: Array
    reliefs: list[Relief | None]
    positions: Array
    rotations: Array

    def world(self) -> tuple[Array, Array]:
        """World positions (n, J, 3) and rotations (n, J + 1, 4) of what is shown."""
        world_r = world_rotations(self.rotations, self.steps)
        return world_positions(self.positions, world_r, self.steps), world_r


class FootPlanting:
    """The feet of `count` bodies; foot 2 * i + side is body i's.

    w (feet, 6) is how far a foot is from where its leg would have it, place and turn.
    """

    def __init__(self, count: int) -> None:
        feet = 2 * count
        self.mode = np.zeros(feet, int)
        self._w: Array = np.zeros((feet, 6))
        self._w_before: Array = np.zeros((feet, 6))
        self._fade = FadingOffset(feet, 6)
        self._point = np.full(feet, FREE)
        self._anchor: Array = np.zeros((feet, 3))
        self._at: Array = np.zeros((feet, 3))  # the point of contact at the last tick, not held
        self._since_s = np.zeros(feet)  # that it is held
        self._waits = np.zeros(feet, bool)
        self._back_s = np.zeros(feet)
        self._raised: Array = np.zeros(feet)  # out of the ground
        self._lift: Array = np.zeros(feet)
        self._lift_s = np.full(feet, -np.inf)
        self._step_s = np.full(feet, STEP_S)
        # Of the last two ticks: when, the ankles, and the last one's turn. NaN where there is none.
        self._shown_s = np.full((2, feet), np.nan)
        self._shown_p: Array = np.zeros((2, feet, 3))
        self._shown_r: Array = np.zeros((feet, 4))
        self._source = np.full((feet, 3), np.nan)  # actor's ankles at the last tick

    def busy(self) -> np.ndarray:
        """(count,) bool, bodies with a foot away from where the body alone would have it."""
        return np.asarray((self.mode > SOURCE).reshape(-1, 2).any(axis=1))

    def reset(self, i: int) -> None:
        """Body i begins anew."""
        self._rest(np.array([2 * i, 2 * i + 1]))

    def _rest(self, feet: np.ndarray) -> None:
        """Everything is the source's own again."""
        self.mode[feet] = SOURCE
        self._shown_s[:, feet] = np.nan
        self._source[feet] = np.nan
        self._point[feet] = FREE
        self._raised[feet] = 0.0

    def modes(self, rows: np.ndarray, legs: RigLegs, missing: np.ndarray) -> np.ndarray:
        """(n, S) whose the feet of bodies `rows` are now; missing (n, J) joints are forecast.

        Bodies whose feet are all the source's are let go.
        """
        feet = _feet(rows, legs)
        legs_miss = missing[:, legs.joints]
        gap, seen = legs_miss.all(axis=1), ~legs_miss.any(axis=1)
        back = seen & (self.mode[feet] > SOURCE)
        mode = np.where(gap, FORECAST, np.where(back, HANDED_BACK, SOURCE))
        idle = ~mode.any(axis=1)
        if idle.any():
            self._rest(feet[idle].reshape(-1))
        return mode

    def solve(self, groups: Sequence[Bodies]) -> None:
        """Plants feet: all at once, though each group is of another skeleton with S legs."""
        sides = groups[0].mode.shape[1]
        mode = np.concatenate([one.mode.reshape(-1) for one in groups])
        feet = np.concatenate([_feet(one.rows, one.legs).reshape(-1) for one in groups])
        time_s = np.repeat(np.concatenate([one.time_s for one in groups]), sides)
        dt_s = np.repeat(np.concatenate([one.dt_s for one in groups]), sides)
        worlds = [one.world() for one in groups]
        both = list(zip(groups, worlds, strict=True))
        ankle = np.concatenate([_of(world_p, one.legs.ankle) for one, (world_p, _) in both])
        foot = np.concatenate([_of(world_r, one.legs.ankle) for one, (_, world_r) in both])
        ball = np.concatenate([_of(world_p, one.legs.ball) for one, (world_p, _) in both])
        base_p, base_r, speed = ankle.copy(), foot.copy(), np.zeros(len(feet))
        back = mode == HANDED_BACK
        self._follow_source(groups, feet, dt_s, base_p, base_r, speed)
        fresh = mode != self.mode[feet]
        if fresh.any():
            rate = self._source_rate(groups, fresh, base_p)
            self._capture(
                feet[fresh], time_s[fresh], back[fresh], base_p[fresh], base_r[fresh], rate
            )
        self.mode[feet] = mode
        w = self._fade.place(feet, time_s)
        contacts = np.concatenate(
            [one.contacts.reshape(-1, 2, 2)[:, one.legs.columns].reshape(-1, 2) for one in groups]
        )
        reliefs = [relief for one in groups for relief in one.reliefs]
        floors_m = np.repeat(np.concatenate([one.floors_m for one in groups]), sides, axis=0)
        # Where feet are held or on their way, not where the body alone would have them.
        at = base_p + self._w[feet, :3]
        floor, over, rough = self._floors(reliefs, floors_m, feet, at, at + ball - ankle)
        uneven = np.repeat([relief is not None for relief in reliefs], sides)
        held = np.flatnonzero(mode == FORECAST)
        if len(held):
            on = self._bearing(feet, contacts, rough, sides)
            w[held] = self._hold(
                *(feet[held], time_s[held], dt_s[held], on[held]),
                *(ankle[held], ball[held], w[held]),
            )
            lands = held[uneven[held] & (self._point[feet[held]] >= 0)]
            if len(lands):
                w[lands, 1] = self._onto_floor(
                    *(feet[lands], dt_s[lands], ankle[lands], ball[lands], floor[lands])
                )
        waits = np.flatnonzero(back & self._waits[feet])
        if len(waits):
            w[waits] = self._w[feet[waits]]
            self._pass_over(feet[waits], time_s[waits], speed[waits], w[waits])
        self._w_before[feet], self._w[feet] = self._w[feet], w
        goal: Array = base_p + w[:, :3]
        goal[:, 1] += self._lifted(feet, time_s)
        low = goal[:, 1] + ball[:, 1] - ankle[:, 1]
        over = np.where(self._point[feet] < 0, over, floor[:, 1])
        sunk = np.maximum(floor[:, 0] - goal[:, 1], over - low) - SINKS_M
        # The actor may be lower than we know the ground to be.
        own = np.where(back, np.maximum(base_p[:, 1] - goal[:, 1], 0.0), np.inf)
        goal[:, 1] += self._out_of_ground(feet, dt_s, quaternion.clamp(sunk, 0.0, own))
        turn = quaternion.multiply(rotation.from_rotation_vector(w[:, 3:]), base_r)
        for part, (one, world) in zip(_slices(groups), both, strict=True):
            shape = one.mode.shape
            one.legs.reach(
                *(*world, goal[part].reshape(*shape, 3), turn[part].reshape(*shape, 4)),
                *(one.rotations, one.mode > SOURCE),
            )
        self._shown_s[0, feet], self._shown_s[1, feet] = self._shown_s[1, feet], time_s
        self._shown_p[0, feet], self._shown_p[1, feet] = self._shown_p[1, feet], goal
        self._shown_r[feet] = turn
        done = back & ~self._waits[feet] & (self._fade.end_s[feet] <= time_s)
        done &= self._raised[feet] < SMALL_M
        if done.any():
            under_way = [
                one.blending[:, one.legs.joints].any(axis=1) | one.blending[:, one.hips, None]
                for one in groups
            ]
            blends = np.concatenate([one.reshape(-1) for one in under_way])
            self.mode[feet] = np.where(done & ~blends, SOURCE, mode)

    def _out_of_ground(self, feet: np.ndarray, dt_s: Array, sunk_m: Array) -> Array:
        """(m,) by how much feet are raised that would be sunk_m (m,) in the ground."""
        raised = self._raised[feet]
        raised += (sunk_m - raised) * (1.0 - np.exp(-dt_s / REST_S))
        self._raised[feet] = raised
        return raised

    def _follow_source(
        self,
        groups: Sequence[Bodies],
        feet: np.ndarray,
        dt_s: Array,
        base_p: Array,
        base_r: Array,
        speed: Array,
    ) -> None:
        """Feet handed back have the actor's as their base; speed (m,) is how fast these go."""
        sides = groups[0].mode.shape[1]
        before = self._source[feet]
        self._source[feet] = np.nan
        places, turns, rows, backs = [], [], [], []
        for own, one in zip(_slices(groups), groups, strict=True):
            back = one.mode == HANDED_BACK
            some = np.flatnonzero(back.any(axis=1))
            if not len(some):
                continue
            world_r = world_rotations(one.target[1][some], one.steps)
            world_p = world_positions(one.target[0][some], world_r, one.steps)
            places.append(_of(world_p, one.legs.ankle))
            turns.append(_of(world_r, one.legs.ankle))
            rows.append((own.start + some[:, None] * sides + np.arange(sides)).reshape(-1))
            backs.append(back[some].reshape(-1))
        if not places:
            return
        at, turn, mine, real = map(np.concatenate, (places, turns, rows, backs))
        step = at - before[mine]
        step = np.where(np.isnan(step), 0.0, step)
        speed[mine] = np.hypot(step[:, 0], step[:, 2]) / dt_s[mine]
        self._source[feet[mine]] = at
        base_p[mine[real]], base_r[mine[real]] = at[real], turn[real]

    def _source_rate(self, groups: Sequence[Bodies], fresh: np.ndarray, base_p: Array) -> Array:
        """(k, 3) how fast the actor's ankles go, for those feet of bodies that are fresh (m,)."""
        rate = np.zeros((len(fresh), 3))
        for own, one in zip(_slices(groups), groups, strict=True):
            again = fresh[own].reshape(one.mode.shape) & (one.mode == HANDED_BACK)
            its, now = (a[own].reshape(*one.mode.shape, 3) for a in (rate, base_p))
            for k in np.flatnonzero(again.any(axis=1)).tolist():
                if (before := one.before[k]) is None:
                    continue
                world_r = world_rotations(before[1], one.steps)
                world_p = world_positions(before[0], world_r, one.steps)
                its[k] = (now[k] - world_p[one.legs.ankle]) / before[2]
        return rate[fresh]

    def _capture(
        self,
        feet: np.ndarray,
        time_s: Array,
        back: np.ndarray,
        base_p: Array,
        base_r: Array,
        base_rate: Array,
    ) -> None:
        """Feet (k,) get another base: the distance to it is what keeps them where they are."""
        self._waits[feet] = False
        self._point[feet] = FREE
        self._lift_s[feet] = -np.inf
        self._back_s[feet] = time_s
        self._fade.end_s[feet] = -np.inf
        (t0, t1), (p0, p1), q1 = self._shown_s[:, feet], self._shown_p[:, feet], self._shown_r[feet]
        ahead = (time_s - t1) / np.maximum(t1 - t0, 1e-6)
        # False for NaN, and where both were shown at one moment: a clock that stood still.
        known = (t1 - t0 > LEAST_S) & (ahead > 0.0) & (ahead < 4.0)
        if not known.all():
            if not known.any():
                return
            feet, time_s, back, t0, t1 = (x[known] for x in (feet, time_s, back, t0, t1))
            base_p, base_r, base_rate = base_p[known], base_r[known], base_rate[known]
            p0, p1, q1 = p0[known], p1[known], q1[known]
        rate = (p1 - p0) / (t1 - t0)[:, None]
        x = np.zeros((len(feet), 6))
        x[:, :3] = p1 + rate * (time_s - t1)[:, None] - base_p
        x[:, 3:] = rotation.to_rotation_vector(
            quaternion.multiply(q1, quaternion.conjugate(base_r))
        )
        far = np.sqrt(np.square(x[:, :3]).sum(-1))
        apart = far > SMALL_M
        x *= apart[:, None]
        still = np.hypot(rate[:, 0], rate[:, 2]) < STANDS_MPS
        waits = back & still & apart
        self._waits[feet] = waits
        # Held feet have their offset for as long as they wait; others begin to go over at once.
        lasts_s = np.where(waits, 1.0, np.where(apart, _lasts_s(far), 0.0))
        v, zero = np.zeros_like(x), np.zeros_like(x)
        going = ~waits & back & apart
        v[:, :3] = np.where(going[:, None], rate - base_rate, 0.0)
        self._fade.plan(feet, time_s, x, v, zero, time_s + lasts_s)
        # The actor's foot stands already: ours steps there, and does not slide.
        stands = going & (np.hypot(base_rate[:, 0], base_rate[:, 2]) < SWINGS_MPS)
        self._step(feet[stands], time_s[stands], x[stands], lasts_s[stands])
        self._w[feet] = self._w_before[feet] = x
        self._raised[feet] = 0.0  # is part of the distance now

    def _bearing(
        self, feet: np.ndarray, contacts: Array, rough: np.ndarray, sides: int
    ) -> np.ndarray:
        """(m, 2) which ankles and balls bear weight by contacts (m, 2).

        Where the floor is rough (m,) the network, which knows level ground, may be sure of neither
        foot: then that one bears of which it is surest.
        """
        was = self._point[feet] >= 0
        on = contacts > np.where(was, RELEASED, ENGAGED)[:, None]
        most = contacts.max(axis=1) + STAYS * was
        none = ~np.asarray(on.reshape(-1, 2 * sides).any(axis=1))
        best = np.arange(sides) == most.reshape(-1, sides).argmax(axis=1)[:, None]
        bears = rough & (most > LIKELY) & (best & none[:, None]).reshape(-1)
        return np.asarray(on | (bears[:, None] & (contacts >= contacts.max(axis=1)[:, None])))

    def _hold(
        self,
        feet: np.ndarray,
        time_s: Array,
        dt_s: Array,
        on: np.ndarray,
        ankle: Array,
        ball: Array,
        w: Array,
    ) -> Array:
        """(k, 6) the offsets w of feet in a gap; those that bear weight, on (k, 2), stay."""
        was, w_last = self._point[feet], self._w[feet]
        point = np.where(on[:, 1], BALL, np.where(on[:, 0], HEEL, FREE))
        at = np.where((point == BALL)[:, None], ball, ankle)
        lands = was < 0
        since = np.where(lands & (point >= 0), time_s, self._since_s[feet])
        # A foot comes to rest within some frames: at once, it would snap a straight knee.
        slips = np.exp(np.minimum(since - time_s, 0.0) / REST_S)[:, None]
        anchor = self._anchor[feet]
        moved = at + np.where(lands[:, None], w[:, :3], w_last[:, :3])
        anchor = np.where((point != was)[:, None], moved, anchor + slips * (at - self._at[feet]))
        self._since_s[feet] = since
        holds = point >= 0
        self._anchor[feet] = np.where(holds[:, None], anchor, self._anchor[feet])
        offset = anchor - at
        far = np.hypot(offset[:, 0], offset[:, 2])
        offset *= np.maximum(1.0 - SLACK_M / np.maximum(far, 1e-9), 0.0)[:, None]
        offset[:, 1] = w[:, 1]
        holds &= far <= UNLOCK_M
        w[holds, :3], w[holds, 3:] = offset[holds], 0.0
        free = np.flatnonzero(~holds & (was >= 0))
        if len(free):
            dt = dt_s[free, None]
            rate = (w_last[free] - self._w_before[feet[free]]) / dt
            w[free] = w_last[free] + rate * dt
            zero, t = np.zeros_like(rate), time_s[free]
            self._fade.plan(feet[free], t, w[free], rate, zero, t + RELEASE_S)
        self._point[feet] = np.where(holds, point, FREE)
        self._at[feet] = at
        return w

    def _floors(
        self,
        reliefs: Sequence[Relief | None],
        floor: Array,
        feet: np.ndarray,
        ankle: Array,
        ball: Array,
    ) -> tuple[Array, Array, np.ndarray]:
        """(m, 2) how low ankle and ball of feet may be where they are (m, 3), (m,) how low a ball
        on its way, which passes over what lies ahead, and (m,) whether the floor is rough there.

        floor (m, 2) is how low they have stood, over the reliefs of their bodies.
        """
        sides = len(feet) // len(reliefs)
        over, rough = floor[:, 1].copy(), np.zeros(len(feet), bool)
        for k, relief in enumerate(reliefs):
            if relief is None:
                continue
            own = slice(k * sides, (k + 1) * sides)
            ahead = ball[own] - ankle[own]
            long = np.maximum(np.hypot(ahead[:, 0], ahead[:, 2]), 1e-6)
            ahead *= (TIP_M / long)[:, None]
            then, now = self._shown_p[:, feet[own]]
            span_s = np.diff(self._shown_s[:, feet[own]], axis=0)[0][:, None]
            speed = np.nan_to_num((now - then) / np.maximum(span_s, 1e-6))
            way = [ball[own] + share * ahead + s * speed for share, s in PASSES]
            heel, toe = relief.under(ankle[own]), relief.under(ball[own])
            # A heel may hang over the edge of a step on which its ball stands.
            heel = np.where(np.abs(toe - heel) > STEEPEST * long, np.maximum(heel, toe), heel)
            floor[own] += np.stack([heel, toe], -1)
            heights = relief.under(np.array(way))
            passes = np.hypot(speed[:, 0], speed[:, 2]) > SWINGS_MPS
            over[own] += np.where(passes, heights.max(axis=0), toe)
            rough[own] = np.ptp(heights) > ROUGH_M
        return floor, over, rough

    def _onto_floor(
        self, feet: np.ndarray, dt_s: Array, ankle: Array, ball: Array, floor: Array
    ) -> Array:
        """(k,) how high offsets of feet are that bear weight and come to stand on floor (k, 2)."""
        on_ball = self._point[feet] == BALL
        goal = np.where(on_ball, floor[:, 1] - ball[:, 1], floor[:, 0] - ankle[:, 1])
        last = self._w[feet, 1]
        return last + (goal - last) * (1.0 - np.exp(-dt_s / REST_S))

    def _pass_over(self, feet: np.ndarray, time_s: Array, speed: Array, w: Array) -> None:
        """Feet (k,) that wait for the actor's to lift go over to them when these do."""
        far = np.sqrt(np.square(w[:, :3]).sum(-1))
        near = quaternion.clamp((STRAINS_M - far) / (STRAINS_M - EASES_M), 0.0, 1.0)
        overdue = time_s - self._back_s[feet] > WAITS_S * near
        # One after the other, but for who has waited for long.
        other = feet ^ 1
        steps = time_s < self._lift_s[other] + self._step_s[other]
        steps |= (feet & 1 == 1) & np.isin(other, feet[overdue])
        overdue &= ~steps | (time_s - self._back_s[feet] > WAITS_S)
        go = (speed > SWINGS_MPS) | overdue
        if not go.any():
            return
        feet, time_s, w, overdue, far = feet[go], time_s[go], w[go], overdue[go], far[go]
        lasts_s = np.maximum(STEP_S, _lasts_s(far))
        zero = np.zeros_like(w)
        self._fade.plan(feet, time_s, w, zero, zero, time_s + lasts_s)
        self._waits[feet] = False
        self._step(feet[overdue], time_s[overdue], w[overdue], lasts_s[overdue])

    def _step(self, feet: np.ndarray, time_s: Array, w: Array, lasts_s: Array) -> None:
        """Feet (k,) are lifted on their way over w (k, 6), for so long."""
        self._lift[feet] = np.minimum(LIFT * np.hypot(w[:, 0], w[:, 2]), LIFT_M)
        self._lift_s[feet], self._step_s[feet] = time_s, lasts_s

    def _lifted(self, feet: np.ndarray, time_s: Array) -> Array:
        """(m,) how high feet are lifted that step by themselves, metres."""
        u = quaternion.clamp((time_s - self._lift_s[feet]) / self._step_s[feet], 0.0, 1.0)
        return self._lift[feet] * 16.0 * u * u * (1.0 - u) * (1.0 - u)


def _feet(rows: np.ndarray, legs: RigLegs) -> np.ndarray:
    """(n, S) the feet of bodies `rows`."""
    return 2 * rows[:, None] + legs.columns


def _slices(groups: Sequence[Bodies]) -> list[slice]:
    """Which of the feet of all are each group's."""
    ends = np.cumsum([one.mode.size for one in groups]).tolist()
    return [slice(end - one.mode.size, end) for end, one in zip(ends, groups, strict=True)]


def _of(world: Array, joints: np.ndarray) -> Array:
    """(n * S, width) of joints (S,) of world (n, J, width)."""
    return world[:, joints].reshape(-1, world.shape[-1])
