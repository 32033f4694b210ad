"""Uneven ground: what was walked on the level is brought onto a floor's steps and slopes.

The gait and its foot locks know level ground alone. Here each foot is raised by the floor under it,
tilted with a slope, and moved a little so that it comes down on a tread and not over its edge; a
foot in the air rises in time for what lies ahead. The hips follow both feet softly, and no further
up than the legs reach.
"""

from __future__ import annotations

import numpy as np

from understudy.runtime.core import quaternion
from understudy.runtime.core.floor import Floor
from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.ik import legs

from .controller import LN2_4
from .feet import HEEL

TIP_M = 0.075  # ahead of the toes' joint
_BALL = legs.OFFSETS[0, 3] * (1.0, 0.0, 1.0)
_TOE = quaternion.turning(legs.OFFSETS[:, 3])
_LONG = float(_BALL[2] - HEEL[2])
SIDE_M = 0.035
STEEPEST = 0.62  # 32 degrees: what is steeper within a foot's length is an edge
AHEAD_S = (0.06, 0.13, 0.2)  # of a foot in the air: what it will be over
SHIFTS_M = np.array([0.0, -0.03, 0.03, -0.06, 0.06, -0.09, 0.09, -0.12, 0.12])
EVEN_M = 0.012
UP_HALFLIFE_S, DOWN_HALFLIFE_S, PLANTED_HALFLIFE_S = 0.055, 0.07, 0.045
HIPS_HALFLIFE_S = 0.09
SHIFT_HALFLIFE_S = 0.05
PATH_S = np.linspace(-0.3, 0.45, 6)  # of the body's way, whose floor the hips follow
NOW = 2
SINK, FALL_M = 0.35, 0.22
HEEL_UP_RAD = 0.9
CLOSE_M = 0.01  # from its floor: a foot this close stands on it
STEP_UP_M, CLEAR_M = 0.02, 0.02  # what a foot in the air passes over, and how far above


class Terrain:
    """Heights of the feet and hips of `count` bodies over level ground."""

    def __init__(self, count: int) -> None:
        shape = (count, 2)
        self.level: Array = np.zeros(shape)
        self._level_rate: Array = np.zeros(shape)
        self._slope: Array = np.zeros((*shape, 2))
        self._slope_rate: Array = np.zeros((*shape, 2))
        self._shift: Array = np.zeros(shape)
        self._shift_rate: Array = np.zeros(shape)
        self.lift: Array = np.zeros(count)
        self._lift_rate: Array = np.zeros(count)
        self._was = np.full((*shape, 2), np.nan)
        self._new = np.ones(count, bool)
        self.close = np.ones((*shape, 2), bool)  # whether heel and ball are as high as their floor

    def reset(self, i: int) -> None:
        """Body i stands anew; its heights are the floor's where it is."""
        self._new[i] = True
        self._was[i] = np.nan

    def apply(
        self,
        floor: Floor,
        hips: Array,
        rotations: Array,
        planted: np.ndarray,
        velocity: Array,
        dt_s: float,
    ) -> None:
        """Raises hips (N, 3) and bends the legs of rotations (N, J, 4), in place.

        planted (N, 2): feet that the level gait holds to the ground; velocity (N, 2) of the body.
        """
        world_p, world_r = legs.forward(hips, rotations)
        ankle, foot = world_p[..., 2, :].copy(), world_r[..., 2, :].copy()
        across = quaternion.rotate(foot, np.broadcast_to([1.0, 0.0, 0.0], ankle.shape))
        yaw = np.arctan2(-across[..., 2], across[..., 0])
        way = np.stack([np.sin(yaw), np.cos(yaw)], -1)  # (N, 2, 2) x, z where the foot points
        # All about the ball, which stays where it is while the heel leaves the ground.
        at = world_p[..., 3, [0, 2]]
        behind = ((at - ankle[..., [0, 2]]) * way).sum(-1)  # the ankle
        step = np.where(np.isfinite(self._was), (at - self._was) / dt_s, 0.0)
        self._was = at.copy()

        wanted = self._tread(floor, at, way)
        held = np.where(planted & ~self._new[:, None], self._shift, wanted)
        self._shift, self._shift_rate = _spring(
            self._shift, self._shift_rate, held, SHIFT_HALFLIFE_S, dt_s
        )
        at = at + self._shift[..., None] * way
        level, slope = self._stand(floor, at, way, behind, planted, step)
        fast = np.where(level > self.level, UP_HALFLIFE_S, DOWN_HALFLIFE_S)
        fast = np.where(planted, PLANTED_HALFLIFE_S, fast)
        self.level, self._level_rate = _spring(self.level, self._level_rate, level, fast, dt_s)
        self._slope, self._slope_rate = _spring(
            self._slope, self._slope_rate, slope, UP_HALFLIFE_S, dt_s
        )
        if self._new.any():
            new = self._new
            self.level[new], self._slope[new], self._shift[new] = level[new], slope[new], held[new]
            for rate in (self._level_rate, self._slope_rate, self._shift_rate):
                rate[new] = 0.0
        # A planted foot is never under its floor.
        sunk = planted & (self.level < level - CLOSE_M) & (self.level > level - 3.0 * CLOSE_M)
        self.level = np.where(sunk, level - CLOSE_M, self.level)

        tilt = _tilted(self._slope, way)
        raised = np.zeros_like(ankle)
        raised[..., 1] = ankle[..., 1]
        ankle = quaternion.rotate(tilt, raised)
        ankle[..., [0, 2]] += at - behind[..., None] * way
        ankle[..., 1] += self.level
        foot = quaternion.multiply(tilt, foot)
        self._raise(floor, hips, world_p[..., 0, :], ankle, planted, velocity, dt_s)
        world_p, world_r = legs.forward(hips, rotations)
        self._heel_up(world_p[..., 0, :], ankle, foot, planted)
        legs.reach(hips, rotations, world_p, world_r, ankle, foot, most=legs.EASY_REACH)
        self._touch(floor, hips, rotations)
        self._new[:] = False

    @staticmethod
    def _under(floor: Floor, at: Array, way: Array, ahead_m: Array) -> Array:
        """(..., K) heights under points ahead_m (K,) ahead of places (..., 2)."""
        x = at[..., :1] + way[..., :1] * ahead_m
        z = at[..., 1:] + way[..., 1:] * ahead_m
        return floor.heights(x, z)

    def _tread(self, floor: Floor, at: Array, way: Array) -> Array:
        """(N, 2) how far to move feet along their way until ball and toes are on one tread."""
        points = np.array([-0.03, 0.0, TIP_M])
        every = (SHIFTS_M[:, None] + points).ravel()
        found = self._under(floor, at, way, every)
        found = found.reshape(*at.shape[:-1], len(SHIFTS_M), len(points))
        # A slope is even too: what counts is a bend.
        line = found[..., 0] + (found[..., 2] - found[..., 0]) * (0.03 / (0.03 + TIP_M))
        steep = np.abs(found[..., 2] - found[..., 0]) > STEEPEST * (0.03 + TIP_M)
        even = (np.abs(found[..., 1] - line) < EVEN_M) & ~steep
        best = np.argmax(even, axis=-1)  # the first is no shift
        return SHIFTS_M[best]

    def _stand(
        self,
        floor: Floor,
        at: Array,
        way: Array,
        behind: Array,
        planted: np.ndarray,
        step: Array,
    ) -> tuple[Array, Array]:
        """(N, 2) heights for feet, and (N, 2, 2) slopes ahead and to the left."""
        sole = self._under(floor, at, way, np.array([-_LONG, 0.0, TIP_M]))
        left = np.stack([way[..., 1], -way[..., 0]], -1)
        edges = self._under(floor, at, left, np.array([-SIDE_M, SIDE_M]))
        ahead = (sole[..., 1] - sole[..., 0]) / _LONG
        aside = (edges[..., 1] - edges[..., 0]) / (2.0 * SIDE_M)
        smooth = np.abs(ahead) < STEEPEST
        aside = np.where(np.abs(aside) < STEEPEST, aside, 0.0)
        slope = np.stack([np.where(smooth, ahead, 0.0), aside], -1)
        on_slope = sole[..., 1] - behind * ahead  # under the ankle
        level = np.where(smooth, on_slope, np.maximum(sole[..., 0], sole[..., 1]))
        over = np.concatenate(
            [floor.heights(at[..., :1] + s * step[..., :1], at[..., 1:] + s * step[..., 1:])
             for s in AHEAD_S], -1
        )  # fmt: skip
        tips = self._under(floor, at + AHEAD_S[0] * step, way, np.array([TIP_M]))
        passed = np.maximum(np.maximum(over.max(-1), tips[..., 0]), sole.max(-1))
        high = np.where(passed > level + STEP_UP_M, passed + CLEAR_M, level)
        return np.where(planted, level, high), slope

    def _raise(
        self,
        floor: Floor,
        hips: Array,
        top: Array,
        ankle: Array,
        planted: np.ndarray,
        velocity: Array,
        dt_s: float,
    ) -> None:
        """Raises hips (N, 3) softly along the floor's run, and no further than legs reach."""
        path = hips[:, None, [0, 2]] + PATH_S[:, None] * velocity[:, None]
        heights = floor.heights(path[..., 0], path[..., 1])
        goal = np.minimum(heights.mean(-1), self.level.mean(-1))
        # Going down, the leg that goes ahead has to reach: the body sinks before the foot lands.
        fall = np.maximum(heights[:, NOW] - heights[:, NOW:].min(-1), 0.0)
        goal = goal - SINK * np.minimum(fall, FALL_M)
        room = self._room(top, ankle)
        goal = np.minimum(goal, np.where(planted, room, np.inf).min(-1))
        self.lift, self._lift_rate = _spring(
            self.lift, self._lift_rate, goal, HIPS_HALFLIFE_S, dt_s
        )
        self.lift = np.where(self._new, goal, self.lift)
        self._lift_rate = np.where(self._new, 0.0, self._lift_rate)
        hips[:, 1] += self.lift

    @staticmethod
    def _heel_up(top: Array, ankle: Array, foot: Array, planted: np.ndarray) -> None:
        """Turns feet whose leg is too short about their balls, heel up, in place."""
        longest = (legs.THIGH_M + legs.SHIN_M) * legs.EASY_REACH
        line = top - ankle
        short = planted & ((line * line).sum(-1) > longest**2)
        if not short.any():
            return
        arm = -quaternion.turned(foot, _TOE)
        toe = ankle - arm
        way = top - toe
        far, long = np.sqrt((way * way).sum(-1)), np.sqrt((arm * arm).sum(-1))
        now = np.arccos(np.clip((arm * way).sum(-1) / (far * long), -1.0, 1.0))
        cosine = (long**2 + far**2 - longest**2) / (2.0 * long * far)
        turn = np.clip(now - np.arccos(np.clip(cosine, -1.0, 1.0)), 0.0, HEEL_UP_RAD)
        half = 0.5 * np.where(short, turn, 0.0)[..., None]
        axis = quaternion.unit(quaternion.cross(arm, way))
        q = np.concatenate([axis * np.sin(half), np.cos(half)], -1)
        ankle[...] = toe + quaternion.rotate(q, arm)
        foot[...] = quaternion.multiply(q, foot)

    @staticmethod
    def _room(top: Array, ankle: Array) -> Array:
        """(N, 2) by how much hips may be raised until a leg is straight."""
        flat = (ankle[..., 0] - top[..., 0]) ** 2 + (ankle[..., 2] - top[..., 2]) ** 2
        longest = (legs.THIGH_M + legs.SHIN_M) * legs.EASY_REACH
        reach = np.sqrt(np.maximum(longest**2 - flat, 0.01))
        return np.asarray(ankle[..., 1] + reach - top[..., 1])

    def _touch(self, floor: Floor, hips: Array, rotations: Array) -> None:
        """Which heels and balls are as high as the floor under them."""
        world_p, world_r = legs.forward(hips, rotations)
        heel = world_p[..., 2, :] + quaternion.rotate(world_r[..., 2, :], HEEL)
        ball = world_p[..., 3, :]
        self.close[..., 0] = (
            np.abs(heel[..., 1] - floor.heights(heel[..., 0], heel[..., 2])) < CLOSE_M
        )
        toe = ball[..., 1] - legs.TOE_M
        self.close[..., 1] = np.abs(toe - floor.heights(ball[..., 0], ball[..., 2])) < CLOSE_M


def _tilted(slope: Array, way: Array) -> Array:
    """(..., 4) the least turn that lays feet that point `way` (..., 2) onto slopes (..., 2)."""
    left = np.stack([way[..., 1], -way[..., 0]], -1)
    rise = slope[..., :1] * way + slope[..., 1:] * left  # x, z
    normal = np.stack([-rise[..., 0], np.ones(rise.shape[:-1]), -rise[..., 1]], -1)
    return quaternion.between(
        np.broadcast_to([0.0, 1.0, 0.0], normal.shape), quaternion.unit(normal)
    )


def _spring(
    x: Array, v: Array, goal: Array, halflife_s: Array | float, dt_s: float
) -> tuple[Array, Array]:
    """A critically damped spring after dt_s, its half-life a number or one for each."""
    y = LN2_4 / halflife_s / 2.0
    j0 = x - goal
    j1 = v + j0 * y
    decay = np.exp(-y * dt_s)
    return decay * (j0 + j1 * dt_s) + goal, decay * (v - j1 * y * dt_s)
