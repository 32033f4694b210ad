"""A body onto a character, tick by tick: rotations, travel, feet on its floor, hands that touch.

`Retarget` gives every joint its turn. That leaves feet beside the floor and hands beside what they
touched, since the character's bones are longer or shorter than the actor's. Here feet and hands
get goals that the proportions scale, and the limbs are bent to them. Nothing is remembered from
one tick to the next, so nothing can lag or pop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from understudy.runtime.core import quaternion, rotation
from understudy.runtime.core.kinematics import doubling
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

from . import feet, ground, pelvis, touch, twist
from .limbs import PERSONS_M, bent, limbs
from .profile import Profile
from .retarget import LEVEL_FRAMES, Retarget


@dataclass(frozen=True)
class Figure:
    """What is known of a character beside its skeleton.

    profile  how a user wants it to be fitted
    floor_m  how high the floor lies under it at rest; None: under its lowest joints
    girths   role -> its middle (3,) in the joint's frame, and its half widths (3,) along the axes
             of the room at rest, of head, hips and upper chest; what is left out is as a person's
    """

    skeleton: Skeleton
    profile: Profile = field(default_factory=Profile)
    floor_m: float | None = None
    girths: Mapping[str, tuple[Array, Array]] = field(default_factory=dict)


@dataclass
class Posing:
    """Poses of a character before its limbs are bent.

    hips, world_p, world_r   where its joints are, and how turned
    goal (..., L, 3)         where its limbs are to end
    soles_m (..., F)         how high the actor's soles are
    palms_there (..., A, 3)  where the actor's palms are, and palms (..., A, 3) the character's
    moved (..., A, 3)        by how much hands are to go elsewhere; None: they are not
    """

    hips: Array
    world_p: Array
    world_r: Array
    goal: Array
    soles_m: Array
    palms_there: Array
    palms: Array
    moved: Array | None = None


class Fitting:
    """Poses of one skeleton onto one character; raises NotHumanoid where there is no way."""

    def __init__(self, source: Skeleton, figure: Figure) -> None:
        self.source, self.figure = source, figure
        profile = figure.profile
        self.target = figure.skeleton
        self.retarget = way = Retarget(
            source, self.target, lambda world_r: profile.offset(self.target, world_r)
        )
        self._pelvis = pelvis.Pelvis(way)
        self.scale = self._pelvis.scale * profile.scale
        self._limbs = limbs(self.target, way.target_role)
        self._top = np.array([limb.top for limb in self._limbs], int)
        self._middle = np.array([limb.middle for limb in self._limbs], int)
        self._end = np.array([limb.end for limb in self._limbs], int)
        # The side to which each bends, in the frame of its upper bone.
        ahead = np.array([limb.ahead for limb in self._limbs]).reshape(-1, 3)
        back = rotation.conjugate(way.target_r[self._top])
        self._ahead = quaternion.turning(rotation.rotate(back, ahead))
        # What turns with the upper and with the lower bone, and with which limb's.
        self._with_upper = np.concatenate([[], *(limb.with_upper for limb in self._limbs)])
        self._with_lower = np.concatenate([[], *(limb.with_lower for limb in self._limbs)])
        counts = [len(limb.with_upper) for limb in self._limbs]
        self._of_upper = np.repeat(np.arange(len(self._limbs)), counts)
        counts = [len(limb.with_lower) for limb in self._limbs]
        self._of_lower = np.repeat(np.arange(len(self._limbs)), counts)
        self._with_upper = self._with_upper.astype(int)
        self._with_lower = self._with_lower.astype(int)
        rest_p = way.target_p
        lengths = _far(rest_p[self._middle] - rest_p[self._top]) + _far(
            rest_p[self._end] - rest_p[self._middle]
        )
        self._size = (lengths / PERSONS_M)[:, None]
        self._measure()
        legs = [n for n, limb in enumerate(self._limbs) if limb.name.endswith("leg")]
        arms = [n for n, limb in enumerate(self._limbs) if limb.name.endswith("arm")]
        wider_m = self._pelvis.wider_m(self.scale)
        landing = feet.Feet(way, legs, self._limbs, figure.floor_m, self.scale, wider_m)
        self._standing_m = landing.standing_m
        self._feet = landing if profile.feet else None
        self._hands = touch.Hands(way, arms, self._limbs, figure.girths) if profile.hands else None
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
        source_p, source_r = way.source_world(positions, rotations)
        world_r = way.turned(source_r)
        hips = self._pelvis.travelled(source_p, world_r, self.scale)
        hips[..., 1] += self.figure.profile.lift_m + self._standing_m
        world_p = self._places(world_r, hips)
        goal = world_p[..., self._end, :].copy()
        soles_m: Array = np.zeros((*hips.shape[:-1], 0))
        if self._feet is not None:
            left = self._pelvis.left(source_p)
            drop = self._feet.aim(source_p, source_r, world_p, world_r, left, goal)
            soles_m = self._feet.last_m
            hips[..., 1] -= drop
            world_p[..., 1] -= drop[..., None]
            goal[..., self._feet.others, 1] -= drop[..., None]
        there: Array = np.zeros((*hips.shape[:-1], 0, 3))
        here = there
        if self._hands is not None and len(self._hands.arms):
            there, here = self._hands.aim(source_p, source_r, world_p, world_r, goal)
        return Posing(hips, world_p, world_r, goal, soles_m, there, here)

    @property
    def hands_ratio(self) -> float:
        """How large the character's hands are beside the actor's."""
        return self._hands.ratio if self._hands is not None else 1.0

    def finish(self, posing: Posing) -> tuple[Array, Array]:
        """The poses, limbs bent to their goals."""
        if self._hands is not None and posing.moved is not None:
            posing.goal[..., self._hands.arms, :] += posing.moved
        if len(self._limbs):
            self._reach(posing.world_p, posing.world_r, posing.goal)
        self._twist.spread(posing.world_r)
        return self.retarget.local(posing.world_r, posing.hips)

    def soles_m(self, positions: Array, rotations: Array) -> Array:
        """(..., F) how high the source's soles are above the floor, each by its lowest point."""
        if self._feet is None:
            return np.zeros((*rotations.shape[:-2], 0))
        return self._feet.heights(*self.retarget.source_world(positions, rotations))

    def landed_m(self, moved: Array, turned: Array) -> Array:
        """(..., F) how high the character's own soles are, in poses (..., K, ...) of it."""
        if self._feet is None:
            return np.zeros((*turned.shape[:-2], 0))
        return self._feet.landed_m(*self.target.globals(moved, turned))

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

    def _measure(self) -> None:
        """What `_places` needs: the joints from the hips to whatever has a role."""
        target, role = self.target, self.retarget.target_role
        hips, needed = role["hips"], set()
        for joint in role.values():
            path, at = [], joint
            while at >= 0 and at != hips:
                path.append(at)
                at = int(target.parents[at])
            needed |= set(path) if at == hips else set()
        joints = [hips, *sorted(needed)]
        row = {joint: n for n, joint in enumerate(joints)}
        self._joints = np.array(joints)
        self._above = target.parents[self._joints[1:]]
        self._offsets = quaternion.turning(target.rest_positions[self._joints[1:]])
        parents = np.array([-1, *(row[int(j)] for j in self._above)])
        self._steps = doubling(parents)

    def _places(self, world_r: Array, hips: Array) -> Array:
        """World positions (..., K, 3) of joints from the hips to roles; others are at 0."""
        lead = world_r.shape[:-2]
        way = np.zeros((*lead, len(self._joints) + 1, 3))
        way[..., 0, :] = hips
        way[..., 1:-1, :] = quaternion.turned(world_r[..., self._above, :], self._offsets)
        for above in self._steps:
            way = way[..., above, :] + way
        out = np.zeros((*lead, len(self.target), 3))
        out[..., self._joints, :] = way[..., :-1, :]
        return out

    def _reach(self, world_p: Array, world_r: Array, goal: Array) -> None:
        """Bends all limbs so that their ends come to goal (..., L, 3)."""
        ahead = quaternion.turned(world_r[..., self._top, :], self._ahead)
        first, both = bent(
            world_p[..., self._top, :],
            world_p[..., self._middle, :],
            world_p[..., self._end, :],
            goal,
            ahead,
            self._size,
        )
        for joints, of, turn in (
            (self._with_upper, self._of_upper, first),
            (self._with_lower, self._of_lower, both),
        ):
            world_r[..., joints, :] = quaternion.multiply(turn[..., of, :], world_r[..., joints, :])


def _far(v: Array) -> Array:
    """(...) lengths of vectors (..., 3)."""
    return np.asarray(np.linalg.norm(v, axis=-1))
