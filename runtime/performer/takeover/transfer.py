"""Transfer: poses from a live skeleton to PERFORMER and back, both ways exact, many at once.

There, a joint's world rotation is compared with a T-pose (`retarget`). Back, the same comparison is
undone: a joint with a role gets PERFORMER's world rotation times a constant, so what went there
comes back to the last bits, and a change there is the same change here. Joints without a role keep
the local rotation that they are given.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from understudy.runtime.core import quaternion, rotation
from understudy.runtime.core.humanoid import PERFORMER, roles
from understudy.runtime.core.kinematics import doubling, world_positions, world_rotations
from understudy.runtime.core.roles import ARM, HIERARCHY, LEG, SIDES
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.performer.ik import legs
from understudy.runtime.performer.ik.rig_legs import RigLegs
from understudy.runtime.retarget.drivers import of_role
from understudy.runtime.retarget.retarget import not_humanoid, t_pose, t_pose_of_any

TRUNK = ("hips", "spine", "chest", "upper_chest", "neck", "head")
# Arms that nobody moves hang down.
HANGS_RAD = np.radians(75.0)
_HIPS = legs.HIPS
_PARENTS = PERFORMER.parents.copy()


class Transfer:
    """Between one humanoid skeleton and PERFORMER; raises NotHumanoid where there is no way.

    Of a part of a body what is not there stands at rest: a trunk below the lowest joint that is
    known is upright and faces as that does, legs are straight, arms hang.

    scale is PERFORMER's leg over the source's. joints (R,) are the source's joints that have a
    role, mates (R,) PERFORMER's of the same role, others those without; legs are the source's.
    hips is the source's joint that says where the body is: of a part the lowest of its trunk.
    """

    def __init__(self, source: Skeleton) -> None:
        self.source = source
        self.role = roles(source)
        source_p, source_r = t_pose_of_any(source)
        target_p, target_r = t_pose(PERFORMER)
        mate = roles(PERFORMER)
        self.base = next((name for name in TRUNK if name in self.role), "")
        if not self.base:
            raise not_humanoid(source, list(TRUNK[:1]))
        self.hips = self.role[self.base]
        self.scale = _scale(self.role, source_p, mate, target_p)
        self.legs = RigLegs(source)
        self.steps = doubling(source.parents)
        self._steps = doubling(_PARENTS)
        pairs = sorted((joint, mate[name]) for name, joint in self.role.items())
        self.joints = np.array([joint for joint, _ in pairs])
        self.mates = np.array([other for _, other in pairs])
        # There: two source joints, their mix, and the constant of the T-poses.
        first, second, mix = [], [], []
        hangs = rotation.identity(len(PERFORMER))
        for name in sorted(mate, key=lambda name: mate[name]):
            a, b, share = of_role(name, self.role, self.base)
            first.append(self.role[a])
            second.append(self.role[b])
            mix.append(share)
            side, _, part = name.partition("_")
            if part in ARM[1:] and f"{side}_upper_arm" not in self.role:
                down = -HANGS_RAD if side == "left" else HANGS_RAD
                hangs[mate[name]] = rotation.from_axis_angle([0.0, 0.0, 1.0], down)
        self._first, self._second = np.array(first), np.array(second)
        self._mix = np.array(mix)[:, None]
        undo, target_hung = rotation.conjugate(source_r), rotation.multiply(hangs, target_r)
        self._there_first = rotation.multiply(undo[self._first], target_hung)
        self._there_second = rotation.multiply(undo[self._second], target_hung)
        self._mixed = np.flatnonzero(self._mix[:, 0] > 0.0)
        # What of a part is not there and stands upright, under the joint that says where it is.
        legs = {f"{s}_{p}" for s in SIDES for p in LEG if f"{s}_upper_leg" not in self.role}
        below = {*TRUNK[: TRUNK.index(self.base)], *legs}
        self._below = np.array(sorted(mate[name] for name in below), int)
        self._upright = target_r[self._below]
        self._base, self._base_undo = mate[self.base], rotation.conjugate(target_r[mate[self.base]])
        self._over_hips = target_p[self._base] - target_p[_HIPS]
        # Back: each role joint over the role joint above it and what lies between the two.
        self._back = rotation.multiply(
            rotation.conjugate(target_r[self.mates]), source_r[self.joints]
        )
        row = {int(joint): k for k, joint in enumerate(self.joints)}
        chains = []
        self._above = np.full(len(self.joints), len(self.joints))
        for k, joint in enumerate(self.joints):
            chain, at = [], int(source.parents[joint])
            while at >= 0 and at not in row:
                chain.append(at)
                at = int(source.parents[at])
            chains.append(chain[::-1])
            if at >= 0:
                self._above[k] = row[at]
        longest = max(len(chain) for chain in chains)
        none = len(source)
        self._between = [
            np.array([chain[level] if level < len(chain) else none for chain in chains])
            for level in range(longest)
        ]
        self.carriers = chains[row[self.hips]]  # joints above the hips, from the root down
        self.others = np.setdiff1d(np.arange(len(source)), self.joints)
        # PERFORMER's joint that tells of each: its own, or that of the nearest one above it.
        mates = dict(pairs)
        self.nearest = np.zeros(len(source), int)
        for j in range(len(source)):
            at = j
            while at >= 0 and at not in mates:
                at = int(source.parents[at])
            self.nearest[j] = mates.get(at, _HIPS)

    def above_hips(self, positions: Array, rotations: Array) -> tuple[Array, Array]:
        """World position (..., 3) and rotation (..., 4) of the hips' parent, if they have one."""
        at, turn = np.zeros(3), np.array([0.0, 0.0, 0.0, 1.0])
        for joint in self.carriers:
            at = at + quaternion.rotate(turn, positions[..., joint, :])
            turn = quaternion.multiply(turn, rotations[..., joint, :])
        return at, turn

    def seen_there(self, seen: np.ndarray) -> np.ndarray:
        """(22,) bool, PERFORMER's joints that the source's seen (J,) tell of."""
        out = seen[self._first] & seen[self._second]
        out[_HIPS] &= bool(seen[self.carriers].all())
        return out

    def there(self, positions: Array, rotations: Array) -> tuple[Array, Array]:
        """PERFORMER's hips (..., 3) in the world and local rotations (..., 22, 4).

        positions (..., J, 3) and rotations (..., J, 4) are the source's, local to the parent.
        """
        world = world_rotations(rotations, self.steps)
        out = quaternion.multiply(world[..., self._first, :], self._there_first)
        if len(self._mixed):
            some = self._mixed
            other = quaternion.multiply(world[..., self._second[some], :], self._there_second[some])
            out[..., some, :] = rotation.slerp(out[..., some, :], other, self._mix[some, 0])
        hips = positions[..., self.hips, :]
        if self.carriers:
            at, turn = self.above_hips(positions, rotations)
            hips = at + quaternion.rotate(turn, hips)
        hips = hips * self.scale
        if len(self._below):
            heading = _heading(quaternion.multiply(out[..., self._base, :], self._base_undo))
            out[..., self._below, :] = quaternion.multiply(heading[..., None, :], self._upright)
            hips = hips - quaternion.rotate(heading, self._over_hips)
        local = out.copy()
        parent = out[..., _PARENTS[1:], :]
        local[..., 1:, :] = quaternion.multiply(quaternion.conjugate(parent), out[..., 1:, :])
        return hips, quaternion.unit(local)

    def back(self, hips: Array, turns: Array, positions: Array, rotations: Array) -> None:
        """Writes PERFORMER's pose into the source's positions (..., J, 3), rotations (..., J, 4).

        hips (..., 3) and turns (..., 22, 4) as `there` gives them. Joints without a role stay as
        they are in rotations, and the hips' position makes up for those above it.
        """
        end = np.zeros((*rotations.shape[:-2], 1, 4))
        end[..., 3] = 1.0
        world = world_rotations(turns, self._steps)
        goal = quaternion.multiply(world[..., self.mates, :], self._back)
        over = np.concatenate([goal, end], axis=-2)[..., self._above, :]
        own = np.concatenate([rotations, end], axis=-2)
        for level in self._between:
            over = quaternion.multiply(over, own[..., level, :])
        rotations[..., self.joints, :] = quaternion.unit(
            quaternion.multiply(quaternion.conjugate(over), goal)
        )
        if self._base != _HIPS:
            ours = np.array(np.broadcast_to(PERFORMER.rest_positions, (*turns.shape[:-1], 3)))
            ours[..., _HIPS, :] = hips
            hips = world_positions(ours, world, self._steps)[..., self._base, :]
        place = hips / self.scale
        if self.carriers:
            at, turn = self.above_hips(positions, rotations)
            place = quaternion.rotate(quaternion.conjugate(turn), place - at)
        positions[..., self.hips, :] = place


def _heading(turns: Array) -> Array:
    """(..., 4) what of turns (..., 4) is about the vertical."""
    out = np.array(turns)
    out[..., [0, 2]] = 0.0
    return rotation.normalize(out)


def _scale(
    role: Mapping[str, int], source_p: Array, mate: Mapping[str, int], target_p: Array
) -> float:
    """PERFORMER's size over a body's, both in a T-pose (J, 3): by the leg, else by every bone."""
    if {"hips", "left_foot"} <= role.keys():
        return float(
            (target_p[mate["hips"], 1] - target_p[mate["left_foot"], 1])
            / (source_p[role["hips"], 1] - source_p[role["left_foot"], 1])
        )
    lengths = np.zeros(2)
    for name in role:
        above = HIERARCHY[name]
        while above is not None and above not in role:
            above = HIERARCHY[above]
        if above is not None:
            for k, (at, joints) in enumerate(((target_p, mate), (source_p, role))):
                lengths[k] += np.linalg.norm(at[joints[name]] - at[joints[above]])
    return float(lengths[0] / lengths[1]) if lengths.all() else 1.0
