"""Feet that stay where they are planted: contact locks over two-bone IK, for many bodies at once.

Each foot carries an offset from its animated place. While a toe or heel is in contact the offset
is whatever holds that point (and the foot's heading) still; on release it fades by a critically
damped spring, so nothing pops (inertialization, Bollo 2016). After Daniel Holden's foot locking in
"Motion Matching" (2021), with the heel as a second point of contact.
"""

from __future__ import annotations

import numpy as np

from understudy.runtime.core import quaternion
from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.ik import legs

RELEASE_HALFLIFE_S = 0.06
GOES, LEAST = 2.0, 0.2  # of how far a foot is clear of the ground, so much of that fade it has
LEAVES = 0.8  # of the speed that the animation has then, so much is taken up by and by
ENGAGED = 0.55  # a contact begins above this and ends below the other
RELEASED = 0.35
UNLOCK_M = 0.16  # a foot that would be held further than this from its animation steps after it
SWIVEL_RAD = 0.6  # a planted foot turns on its ball rather than wring the leg by more
# A standing body whose foot is strained further than this lifts it and sets it down at ease; one
# that has come to rest just now is sooner to do so, and one that has stood for long later.
STRAIN_M = 0.07
STRAIN_RAD = 0.35
SETTLES_S = 1.2
SOON, LATE = 0.75, 1.3
STEP_S = 0.28
STEP_LIFT_M = 0.045
GROUND_HALFLIFE_S = 0.05
RISE_HALFLIFE_S = 0.05
# Toes that are not planted clear the ground by so much: a foot skims, it does not scrape.
CLEAR_M = 0.018
CLEAR_HALFLIFE_S = 0.08
LIFTED_M, LIFT_HALFLIFE_S = 0.015, 0.05
SETTLE_HALFLIFE_S = 0.1
TURNED = 1e-3  # half of a turn in radians, from which limits may have moved what is planted
SHIFTED_M = 2e-4  # by so much, within one tick, it has
PASSES = 3
ROLL_BACK = 0.1  # of what limits turned, so much is tried without again, a tick
DOWN_M = 0.015  # over its place in standing: a toe that is lower has come down
# A foot so low over its place in standing and so slow is on the ground, whatever anyone says.
LOW_M = 0.022
SLOW_MPS = 0.65
RISES_M, EASED_M = 0.013, 0.025  # what stands at ease may rise by so much more before it is let go
# Under the heel, from the ankle, in the foot's frame: the foot rolls about it, not the ankle.
HEEL = np.array([0.0, -legs.ANKLE_M, -0.03])
_SIDE = quaternion.turning(np.array([1.0, 0.0, 0.0]))
_HEEL, _TOE = quaternion.turning(HEEL), quaternion.turning(legs.OFFSETS[:, 3])
_LOW = np.array([0.0, legs.TOE_M]) + LOW_M
_STRAIGHT = np.array([0.0, 0.0, 0.0, 1.0])


class Feet:
    """Locks for `count` bodies. `contacts` (N, 4): left heel, left toe, right heel, right toe."""

    def __init__(self, count: int) -> None:
        shape = (count, 2)
        self.offset = np.zeros((*shape, 3))  # of the foot from its animated place, world
        self.offset_rate = np.zeros((*shape, 3))
        self.twist = np.zeros(shape)  # of the foot's heading, radians
        self.twist_rate = np.zeros(shape)
        self.point = np.full(shape, -1)  # 0 heel, 1 toe, -1 free
        self.anchor = np.zeros((*shape, 3))  # where the point in contact is held
        self.anchor_yaw = np.zeros(shape)
        self.on = np.zeros((count, 2, 2), bool)  # heel and toe: in contact and held
        self.down = np.zeros(
            (count, 2, 2), bool
        )  # the same, but for toes that are still coming down
        self.clear = np.zeros(shape)  # 0 planted .. 1 free
        self.rise = np.zeros(shape)  # of the heel about the toe, where a leg is too short, radians
        self.step_s = np.zeros(shape)  # what is left of a step on the spot
        self.stood_s = np.zeros(count)
        self.settled = np.ones(count)  # 0 just taken over .. 1: how far the body is held to rules
        self.roll: Array = np.zeros((*shape, 4))  # of the foot, which the joints' limits ask for
        self.roll[..., 3] = 1.0
        self.rolled = False
        self.wrung: np.ndarray = np.zeros((1, 2), bool)  # thighs beyond what joints allow
        self.creeps = np.zeros(shape, bool)  # whose toe the animation hardly moves
        self.was = np.full((*shape, 2, 2), np.nan)  # x, z of the animated heel and toe before
        self.world_p: Array = np.zeros((*shape, 4, 3))  # after solving: both legs' joints

    def reset(self, i: int | slice) -> None:
        """Forgets every lock of body i."""
        for array in (self.offset, self.offset_rate, self.twist, self.twist_rate):
            array[i] = 0.0
        self.point[i] = -1
        self.step_s[i] = self.rise[i] = self.clear[i] = 0.0
        self.stood_s[i] = 0.0
        self.on[i] = self.down[i] = False
        self.was[i] = np.nan
        self.settled[i] = 1.0
        self.roll[i] = _STRAIGHT

    def solve(
        self,
        hips: Array,
        rotations: Array,
        contacts: Array,
        dt_s: float,
        standing: np.ndarray | None = None,
        sway: Array | float = 0.0,
    ) -> None:
        """Plants the feet of poses in place: hips (N, 3) world, rotations (N, J, 4) local.

        Bodies that are `standing` (N,) step by themselves when a foot is strained. By how much
        their hips sway (N, 3) over feet that stay is no strain: nobody steps for it.
        """
        world_p, world_r = legs.forward(hips, rotations)
        foot = world_r[..., 2, :]
        # By the foot's side axis: a foot that hangs straight down has no heading of its own.
        across = quaternion.turned(foot, _SIDE)
        yaw = np.arctan2(-across[..., 2], across[..., 0])
        if self.rolled:
            foot = quaternion.multiply(foot, self.roll)
        pairs = contacts.reshape(-1, 2, 2)
        heel, toe = quaternion.turned(foot, _HEEL), quaternion.turned(foot, _TOE)
        grounded = self._grounded(world_p[..., 2, :] + heel, world_p[..., 2, :] + toe, dt_s)
        self.on = np.where(self.on, pairs > RELEASED, pairs > ENGAGED) | grounded
        # The toe rules where both are down, for the heel leaves first; but a foot that lands turns
        # about its heel until its toe has come down.
        toe_m = world_p[..., 2, 1] + toe[..., 1] + self.offset[..., 1] - legs.TOE_M
        rules = self.on[..., 1] & ((toe_m < DOWN_M) | ~self.on[..., 0] | (self.point == 1))
        point = np.where(rules, 1, np.where(self.on[..., 0], 0, -1))
        # Who is let go and hardly moves would be seen to slide: he is lifted where he stands.
        lifts = (point < 0) & (self.point >= 0) & self.creeps & (toe_m < LIFTED_M)
        point = np.where(lifts, self.point, point)

        held, lands = point >= 0, (self.point < 0) & (point >= 0)
        self.anchor_yaw = np.where(lands, yaw + self.twist, self.anchor_yaw)
        twist: Array = (self.anchor_yaw - yaw + np.pi) % (2.0 * np.pi) - np.pi
        # On its ball a foot may turn further; about the heel its toes would sweep the ground.
        sweeps = (point == 0) & (np.abs(twist) > SWIVEL_RAD)
        twist = quaternion.clamp(twist, -SWIVEL_RAD, SWIVEL_RAD)
        self.anchor_yaw = yaw + twist
        turn = quaternion.about_y(np.where(held, twist, self.twist))
        # Heel and toe turn with the foot's twist about the ankle.
        at_toe = (point == 1)[..., None]
        arm = quaternion.rotate(turn, np.where(at_toe, toe, heel))
        joint = world_p[..., 2, :] + arm
        if lands.any():
            self.anchor = np.where(lands[..., None], joint + self.offset, self.anchor)
        rolls = held & ~lands & (point != self.point)
        if rolls.any():  # from the heel onto the toe, or back: the foot goes on where it is held
            across = arm - quaternion.rotate(turn, np.where(at_toe, heel, toe))
            self.anchor = np.where(rolls[..., None], self.anchor + across, self.anchor)
        offset = self.anchor - joint
        # Heights sink softly onto the ground; the anchor's own height is not trusted.
        ground = np.where(point == 0, 0.0, legs.TOE_M)
        self.anchor[..., 1] += (ground - self.anchor[..., 1]) * (
            1.0 - np.exp(-0.693 * dt_s / GROUND_HALFLIFE_S)
        )
        far = offset[..., 0] ** 2 + offset[..., 2] ** 2 > UNLOCK_M**2
        torn = held & (far | sweeps | self.wrung)
        self.step_s = np.maximum(self.step_s - dt_s, 0.0)
        # Letting go on the ground would be seen to slide: the foot is lifted and set down again.
        self.step_s = np.where(torn & (self.step_s <= 0.0), STEP_S, self.step_s)
        if standing is not None:
            moved = offset + np.broadcast_to(sway, (len(hips), 3))[:, None]
            self.stood_s = np.where(standing, self.stood_s + dt_s, 0.0)
            self._step_at_ease(moved, twist, held, standing)
        held &= self.step_s <= 0.0
        self.on &= held[..., None]
        self.point = np.where(held, point, -1)
        lifts &= held
        self.down[..., 0], self.down[..., 1] = self.on[..., 0], (self.point == 1) & ~lifts
        decay = 2.0 * 0.693147 / RELEASE_HALFLIFE_S
        # It lifts first, and goes to its place as it comes clear of the ground.
        lifted = np.ones_like(self.offset)
        lifted[..., ::2] = np.minimum(GOES * self.clear + LEAST, 1.0)[..., None]
        free_offset, free_rate = _fade(self.offset, self.offset_rate, decay * lifted, dt_s)
        free_twist, free_twist_rate = _fade(self.twist, self.twist_rate, decay, dt_s)
        held3 = held[..., None]
        # A foot that is let go leaves the ground from rest, as it stood.
        rate = (offset - self.offset) * (LEAVES / dt_s)
        offset[lifts, 1], rate[lifts, 1] = free_offset[lifts, 1], free_rate[lifts, 1]
        self.offset = np.where(held3, offset, free_offset)
        self.offset_rate = np.where(held3, rate, free_rate)
        self.twist = np.where(held, twist, free_twist)
        self.twist_rate = np.where(held, 0.0, free_twist_rate)

        target_foot = quaternion.multiply(quaternion.about_y(self.twist), foot)
        ankle = world_p[..., 2, :] + self.offset
        ankle[..., 1] += STEP_LIFT_M * np.sin(np.pi * self.step_s / STEP_S)
        leaves = ~held | lifts
        halflife_s = np.where(lifts, LIFT_HALFLIFE_S, CLEAR_HALFLIFE_S)
        self.clear += (leaves - self.clear) * (1.0 - np.exp(-0.693 * dt_s / halflife_s))
        self._above_ground(ankle, target_foot, self.clear)
        self._rise_on_toes(world_p[..., 0, :], ankle, target_foot, dt_s)
        self.settled += (1.0 - self.settled) * (1.0 - np.exp(-0.693 * dt_s / SETTLE_HALFLIFE_S))
        share = self.settled[:, None]
        legs.reach(hips, rotations, world_p, world_r, ankle, target_foot, share, legs.EASY_REACH)
        self.world_p = world_p

    def limited(self, before: Array, hips: Array, rotations: Array) -> None:
        """Takes note of how limits turned thighs and feet that were `before` (N, 2, 2, 4), local.

        The legs bring what is planted back to where it is held, and toes out of the ground; the
        next tick plants feet that are turned so already.
        """
        feet = rotations[:, legs.LEGS[:, 2]]
        turn = quaternion.multiply(quaternion.conjugate(before[:, :, 1]), feet)
        thighs = np.abs(rotations[:, legs.LEGS[:, 0]] - before[:, :, 0]).max()
        if max(np.abs(turn[..., :3]).max(), thighs) > TURNED:
            self._bring_back(feet, hips, rotations)
        roll = quaternion.multiply(self.roll, turn)
        self.rolled = bool(np.abs(roll[..., :3]).max() > 1e-3)
        self.roll = quaternion.unit(
            np.where(roll[..., 3:] < 0.0, -roll, roll) + ROLL_BACK * _STRAIGHT
        )

    def _bring_back(self, feet: Array, hips: Array, rotations: Array) -> None:
        """Bends legs until what is planted is where it is held, and no toe is in the ground.

        feet (N, 2, 4) keep their local rotations, which are within limits. So each turns with its
        shin, and what is left of the way is gone in passes.
        """
        for _ in range(PASSES):
            world_p, world_r = legs.forward(hips, rotations)
            ankle, foot = world_p[..., 2, :].copy(), world_r[..., 2, :]
            arm = np.where(
                (self.point == 0)[..., None],
                quaternion.turned(foot, _HEEL),
                world_p[..., 3, :] - ankle,
            )
            moved = np.where((self.point >= 0)[..., None], self.anchor - ankle - arm, 0.0)
            moved[..., 1] = np.maximum(legs.TOE_M - world_p[..., 3, 1], 0.0)
            if np.abs(moved).max() <= SHIFTED_M:
                return
            legs.reach(
                *(hips, rotations, world_p, world_r, ankle + moved, foot),
                *(0.0, legs.EASY_REACH),
            )
            rotations[:, legs.LEGS[:, 2]] = feet

    def _grounded(self, heel: Array, toe: Array, dt_s: float) -> np.ndarray:
        """(N, 2, 2) which heels and toes (N, 2, 3) of the animation are all but standing.

        A network's contacts come late where a body creeps: its feet would glide along.
        """
        points = np.empty((*heel.shape[:-1], 2, 3))
        points[..., 0, :], points[..., 1, :] = heel, toe
        flat = points[..., ::2]
        step = flat - self.was
        slow = (step * step).sum(-1) < (SLOW_MPS * dt_s) ** 2  # never for a fresh body
        self.was = flat
        self.creeps = slow[..., 1]
        far = self.offset[..., 0] ** 2 + self.offset[..., 2] ** 2
        eased = self.on & (far < EASED_M**2)[..., None]
        return slow & (points[..., 1] < _LOW + RISES_M * eased)

    def _step_at_ease(
        self, offset: Array, twist: Array, held: np.ndarray, standing: np.ndarray
    ) -> None:
        """Lets bodies that stand (N,) lift their strained feet, one of a body at a time."""
        if not standing.any():
            return
        far = np.sqrt(offset[..., 0] ** 2 + offset[..., 2] ** 2)
        strain = np.maximum(far / STRAIN_M, np.abs(twist) / STRAIN_RAD)
        ready = standing & held.all(axis=-1) & (self.step_s <= 0.0).all(axis=-1)
        worst = np.arange(2) == np.argmax(strain, axis=-1)[:, None]
        limit = np.where(self.stood_s < SETTLES_S, SOON, LATE)[:, None]
        self.step_s = np.where(ready[:, None] & worst & (strain > limit), STEP_S, self.step_s)

    def _rise_on_toes(self, top: Array, ankle: Array, foot: Array, dt_s: float) -> None:
        """Lifts the heels of planted toes that the legs from `top` (N, 2, 3) cannot reach flat.

        Ankles (N, 2, 3) and feet (N, 2, 4) are written: the ankle turns about the toe, towards the
        hip, until the leg is just long enough. Otherwise the toe would be dragged along. What was
        lifted sinks back softly.
        """
        limit = (legs.THIGH_M + legs.SHIN_M) * legs.EASY_REACH
        line = top - ankle
        short = (self.point == 1) & ((line * line).sum(-1) > limit * limit)
        self.rise *= 0.5 ** (dt_s / RISE_HALFLIFE_S)
        if not (short | (self.rise > 1e-3)).any():
            return
        arm = -quaternion.rotate(foot, legs.OFFSETS[:, 3])
        toe = ankle - arm
        way = top - toe
        far, long = np.sqrt(np.sum(way * way, -1)), np.sqrt(np.sum(arm * arm, -1))
        now = np.arccos(np.clip(np.sum(arm * way, -1) / (far * long), -1.0, 1.0))
        cosine = (long**2 + far**2 - limit**2) / (2.0 * long * far)
        need = np.where(short, now - np.arccos(np.clip(cosine, -1.0, 1.0)), 0.0)
        self.rise = np.minimum(np.maximum(need, self.rise), now)
        axis = quaternion.unit(quaternion.cross(arm, way))
        half = 0.5 * self.rise[..., None]
        q = np.concatenate([axis * np.sin(half), np.cos(half)], -1)
        ankle[...] = toe + quaternion.rotate(q, arm)
        foot[...] = quaternion.multiply(q, foot)

    @staticmethod
    def _above_ground(ankle: Array, foot: Array, clear: Array) -> None:
        """Lifts ankles (N, 2, 3) out of the ground, and free feet (clear is 1) well above it."""
        toe = ankle + quaternion.turned(foot, _TOE)
        low = np.maximum(legs.TOE_M + CLEAR_M * clear - toe[..., 1], 0.0)
        heel = ankle[..., 1] + quaternion.turned(foot, _HEEL)[..., 1]
        low = np.maximum(low, clear * (CLEAR_M * clear - heel))
        # The heel's bone may come as low as the foot's pitch demands, not lower than the sole.
        ankle[..., 1] = np.maximum(ankle[..., 1] + low, 0.6 * legs.ANKLE_M)


def _fade(x: Array, v: Array, y: Array | float, dt_s: float) -> tuple[Array, Array]:
    """Offset and rate (...) of a critically damped spring to zero after dt_s."""
    j1 = v + x * y
    e = np.exp(-y * dt_s)
    return e * (x + j1 * dt_s), e * (v - j1 * y * dt_s)
