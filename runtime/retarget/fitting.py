"""A body onto a character, tick by tick: rotations, travel, feet on its floor, hands that touch.

`Retarget` gives every joint its turn. That leaves feet beside the floor and hands beside what they
touched, since the character's bones are longer or shorter than the actor's. Here feet and hands
get goals that the proportions scale, and the limbs are bent to them. Nothing is remembered from
one tick to the next, so nothing can lag or pop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from understudy.runtime.core import quaternion, rotation
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

from . import feet, ground, pelvis, touch, twist
from .limbs import PERSONS_M, bent, block, limbs
from .points import Points
from .profile import Profile
from .retarget import LEVEL_FRAMES, Retarget


@dataclass(frozen=True)
class Figure:
    """What is known of a character beside its skeleton.

    profile  how a user wants it to be fitted
    floor_m  how high the floor lies under it at rest; None: under its lowest joints
    person   the recipe of a person that was made; None for any other character
    girths   role -> its middle (3,) in the joint's frame, and its half widths (3,) along the axes
             of the room at rest, of head, hips and upper chest; what is left out is as a person's
    """

    skeleton: Skeleton
    profile: Profile = field(default_factory=Profile)
    floor_m: float | None = None
    girths: Mapping[str, tuple[Array, Array]] = field(default_factory=dict)
    person: Mapping[str, Any] | None = None


@dataclass
class Posing:
    """Poses of a character before its limbs are bent.

    hips, world_r            where its hips are, and how all joints are turned
    joints (..., 3, L, 3)    where its limbs begin, bend and end
    ahead (..., L, 3)        where straight limbs bend to
    goal (..., L, 3)         where its limbs are to end
    soles_m (..., F)         how high the actor's soles are
    palms_there (..., A, 3)  where the actor's palms are, and palms (..., A, 3) the character's
    moved (..., A, 3)        by how much hands are to go elsewhere; None: they are not
    """

    hips: Array
    world_r: Array
    joints: Array
    ahead: Array
    goal: Array
    soles_m: Array
    palms_there: Array
    palms: Array
    moved: Array | None = None


class Fitting:
    """Poses of one skeleton onto one character; raises NotHumanoid where there is no way."""

    def __init__(
        self, source: Skeleton, figure: Figure, source_floor_m: float | None = None
    ) -> None:
        """source_floor_m: how high the source's floor lies under it at rest, where a mesh says."""
        self.source, self.figure = source, figure
        profile = figure.profile
        self.target = figure.skeleton
        self.retarget = way = Retarget(
            source, self.target, lambda world_r: profile.offset(self.target, world_r)
        )
        points = self._points = Points(way)
        self._pelvis = pelvis.Pelvis(way, points)
        self.scale = self._pelvis.scale * profile.scale
        self._limbs = limbs(self.target, way.target_role)
        legs = [n for n, limb in enumerate(self._limbs) if limb.name.endswith("leg")]
        arms = [n for n, limb in enumerate(self._limbs) if limb.name.endswith("arm")]
        self._arms = block(arms)
        wider_m = self._pelvis.wider_m(self.scale)
        floor_m = profile.floor_m if profile.floor_m is not None else figure.floor_m
        landing = feet.Feet(way, legs, self._limbs, floor_m, self.scale, wider_m, source_floor_m)
        self._feet = landing if profile.feet else None
        self._hands = touch.Hands(way, arms, self._limbs, figure.girths) if profile.hands else None
        self._lay_out(profile.lift_m + landing.standing_m)
        self._twist = twist.twists(way)
        self._mates = np.full(len(source), -1)
        for name, joint in way.source_role.items():
            self._mates[joint] = way.target_role.get(name, -1)

    def apply(self, positions: Array, rotations: Array) -> tuple[Array, Array]:
        """Local positions (..., K, 3) and rotations (..., K, 4) of the character.

        positions (..., J, 3) and rotations (..., J, 4) are the source's, local to the parent.
        """
        return self.finish(self.begin(positions, rotations))

    def begin(self, positions: Array, rotations: Array) -> Posing:
        """Poses with the goals of their hands and feet, which may still be moved."""
        way = self.retarget
        source_bones, source_r = way.source_bones(positions, rotations)
        world_r = way.turned(source_r)
        sums = self._points.sums(source_bones, source_r, world_r)
        lead = sums.shape[:-2]
        shape = (*lead, 3, len(self._limbs), 3)
        if self._feet is not None:
            ankles, drop = self._feet.aim(sums, self._pelvis)
            soles_m = self._feet.last_m
            sums[..., self._own, 1] -= drop[..., None]
        else:
            soles_m = np.zeros((*lead, 0))
        joints = sums[..., self._joints, :].reshape(shape)
        goal = joints[..., 2, :, :].copy()
        if self._feet is not None:
            goal[..., self._feet.legs, :] = ankles
        if self.figure.profile.arms != 1.0:
            top = joints[..., 0, self._arms, :]
            wrist = goal[..., self._arms, :]
            goal[..., self._arms, :] = top + self.figure.profile.arms * (wrist - top)
        if self._hands is not None and self._hands.count:
            there, here = self._hands.aim(sums, source_r, world_r, goal)
        else:
            there = here = np.zeros((*lead, 0, 3))
        hips, ahead = sums[..., self._hips, :], sums[..., self._ahead, :]
        return Posing(hips, world_r, joints, ahead, goal, soles_m, there, here)

    @property
    def hands_ratio(self) -> float:
        """How large the character's hands are beside the actor's."""
        return self._hands.ratio if self._hands is not None else 1.0

    @property
    def hands_size(self) -> float:
        """How large the actor's arms are beside a person's."""
        return self._hands.source_size if self._hands is not None else 1.0

    def finish(self, posing: Posing) -> tuple[Array, Array]:
        """The poses, limbs bent to their goals."""
        if self._hands is not None and posing.moved is not None:
            posing.goal[..., self._hands.arms, :] += posing.moved
        if len(self._limbs):
            self._reach(posing)
        self._twist.spread(posing.world_r)
        return self.retarget.local(posing.world_r, posing.hips)

    def soles_m(self, positions: Array, rotations: Array) -> Array:
        """(..., F) how high the source's soles are above the floor, each by its lowest point."""
        if self._feet is None:
            return np.zeros((*rotations.shape[:-2], 0))
        return self._feet.heights(*self.retarget.source_world(positions, rotations))

    def soles(self, moved: Array, turned: Array) -> Array:
        """(..., F, 3, 3) where heel, ball and tip of the character's own soles are, in its poses

        (..., K, ...)."""
        if self._feet is None:
            return np.zeros((*turned.shape[:-2], 0, 3, 3))
        return self._feet.soles(*self.target.globals(moved, turned))

    def landed_m(self, moved: Array, turned: Array) -> Array:
        """(..., F) how high they are, each by its lowest point."""
        return np.asarray(self.soles(moved, turned)[..., 1].min(-1))

    def palms(self, positions: Array, rotations: Array) -> Array:
        """(..., A, 3) the middles of the source's palms in the world, left first."""
        if self._hands is None:
            return np.zeros((*rotations.shape[:-2], 0, 3))
        return self._hands.palms(*self.retarget.source_world(positions, rotations))

    def standing_m(self, positions: Array, rotations: Array) -> float:
        """How high a clip (T, J, ...) stands above the floor, in the middle of its steps."""
        some = slice(None, None, max(1, len(rotations) // LEVEL_FRAMES))
        heights = self.soles_m(positions[some], rotations[some])
        return ground.stands_at(heights.T) if heights.size else 0.0

    def contacts(self, said: Array) -> Array:
        """Contacts (C, 2) of the source's joints as those of the character's."""
        if not len(said):
            return said
        joints = self._mates[said[:, 0].astype(int)]
        out = said[joints >= 0].copy()
        out[:, 0] = joints[joints >= 0]
        return out

    def _lay_out(self, high_m: float) -> None:
        """Asks for all points that a tick needs; hips stand so much higher than the pelvis says."""
        way, points, target = self.retarget, self._points, self.target
        hips = way.target_role["hips"]
        where = {hips: self._pelvis.hips(self.scale) + high_m * points.up}

        def ours(joint: int) -> Array:
            """Where a joint of the character is; the hips, for what does not hang on them."""
            if joint not in where:
                above = int(target.parents[joint])
                bone = points.of_character(above, target.rest_positions[joint])
                where[joint] = ours(above) + bone if _under(target, joint, hips) else where[hips]
            return where[joint]

        joints = np.array([(limb.top, limb.middle, limb.end) for limb in self._limbs], int)
        joints = joints.reshape(-1, 3).T
        own = points.add([where[hips]])
        self._hips = own.start
        self._joints = points.add([ours(int(joint)) for joint in joints.ravel()])
        self._own = slice(own.start, self._joints.stop)
        if self._hands is not None:
            self._own = slice(own.start, self._hands.rows(points, ours).stop)
        if self._feet is not None:
            self._feet.rows(points, ours)
        # The side to which each limb bends, in the frame of its upper bone.
        ahead = np.array([limb.ahead for limb in self._limbs]).reshape(-1, 3)
        ahead = rotation.rotate(rotation.conjugate(way.target_r[joints[0]]), ahead)
        pairs = zip(joints[0].tolist(), ahead, strict=True)
        self._ahead = points.add([points.of_character(joint, at) for joint, at in pairs])
        points.settle()
        # What turns with an upper or a lower bone, and which of all the bones, the upper first.
        hang = [limb.with_upper for limb in self._limbs] + [limb.with_lower for limb in self._limbs]
        self._hang = np.concatenate([[], *hang]).astype(int)
        self._bone = np.repeat(np.arange(len(hang)), [len(one) for one in hang])
        upper, lower = _far(np.diff(way.target_p[joints], axis=0))
        self._size = (upper + lower) / PERSONS_M

    def _reach(self, posing: Posing) -> None:
        """Bends all limbs so that their ends come to their goals."""
        joints = np.concatenate([posing.joints, posing.goal[..., None, :, :]], axis=-3)
        turn = np.concatenate(bent(joints, posing.ahead, self._size), axis=-2)
        turn = turn.take(self._bone, axis=-2)
        hang = posing.world_r.take(self._hang, axis=-2)
        posing.world_r[..., self._hang, :] = quaternion.multiply(turn, hang)


def _under(skeleton: Skeleton, joint: int, other: int) -> bool:
    """Whether a joint hangs on another."""
    while joint >= 0 and joint != other:
        joint = int(skeleton.parents[joint])
    return joint == other


def _far(v: Array) -> Array:
    """(...) lengths of vectors (..., 3)."""
    return np.asarray(np.linalg.norm(v, axis=-1))
