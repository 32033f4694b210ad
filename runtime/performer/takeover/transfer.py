"""Transfer: poses from a live skeleton to PERFORMER and back, both ways exact, many at once.

There, a joint's world rotation is compared with a T-pose (`retarget`). Back, the same comparison is
undone: a joint with a role gets PERFORMER's world rotation times a constant, so what went there
comes back to the last bits, and a change there is the same change here. Joints without a role keep
the local rotation that they are given.
"""

from __future__ import annotations

import numpy as np

from understudy.runtime.core import quaternion, rotation
from understudy.runtime.core.humanoid import PERFORMER, roles
from understudy.runtime.core.kinematics import doubling, world_rotations
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.performer.ik import legs
from understudy.runtime.performer.ik.rig_legs import RigLegs
from understudy.runtime.retarget.retarget import Retarget, t_pose

_HIPS = legs.HIPS
_PARENTS = PERFORMER.parents.copy()


class Transfer:
    """Between one humanoid skeleton and PERFORMER; raises NotHumanoid where there is no way.

    scale is PERFORMER's leg over the source's. joints (R,) are the source's joints that have a
    role, mates (R,) PERFORMER's of the same role, others those without; legs are the source's.
    """

    def __init__(self, source: Skeleton) -> None:
        self.source = source
        retarget = Retarget(source, PERFORMER)
        self.scale = retarget.scale
        self.role = roles(source)
        self.hips = self.role["hips"]
        self.legs = RigLegs(source)
        self.steps = doubling(source.parents)
        self._steps = doubling(_PARENTS)
        source_r, target_r = t_pose(source)[1], t_pose(PERFORMER)[1]
        mate = roles(PERFORMER)
        pairs = sorted((joint, mate[name]) for name, joint in self.role.items())
        self.joints = np.array([joint for joint, _ in pairs])
        self.mates = np.array([other for _, other in pairs])
        # There: two source joints, their mix, and the constant of the T-poses.
        first, second, mix = [], [], []
        for name in sorted(mate, key=lambda name: mate[name]):
            a, b, share = retarget.drivers(name)
            first.append(self.role[a])
            second.append(self.role[b])
            mix.append(share)
        self._first, self._second = np.array(first), np.array(second)
        self._mix = np.array(mix)[:, None]
        undo = rotation.conjugate(source_r)
        self._there_first = rotation.multiply(undo[self._first], target_r)
        self._there_second = rotation.multiply(undo[self._second], target_r)
        self._mixed = np.flatnonzero(self._mix[:, 0] > 0.0)
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
        local = out.copy()
        parent = out[..., _PARENTS[1:], :]
        local[..., 1:, :] = quaternion.multiply(quaternion.conjugate(parent), out[..., 1:, :])
        hips = positions[..., self.hips, :]
        if self.carriers:
            at, turn = self.above_hips(positions, rotations)
            hips = at + quaternion.rotate(turn, hips)
        return hips * self.scale, quaternion.unit(local)

    def back(self, hips: Array, turns: Array, positions: Array, rotations: Array) -> None:
        """Writes PERFORMER's pose into the source's positions (..., J, 3), rotations (..., J, 4).

        hips (..., 3) and turns (..., 22, 4) as `there` gives them. Joints without a role stay as
        they are in rotations, and the hips' position makes up for those above it.
        """
        end = np.zeros((*rotations.shape[:-2], 1, 4))
        end[..., 3] = 1.0
        goal = quaternion.multiply(
            world_rotations(turns, self._steps)[..., self.mates, :], self._back
        )
        over = np.concatenate([goal, end], axis=-2)[..., self._above, :]
        own = np.concatenate([rotations, end], axis=-2)
        for level in self._between:
            over = quaternion.multiply(over, own[..., level, :])
        rotations[..., self.joints, :] = quaternion.unit(
            quaternion.multiply(quaternion.conjugate(over), goal)
        )
        place = hips / self.scale
        if self.carriers:
            at, turn = self.above_hips(positions, rotations)
            place = quaternion.rotate(quaternion.conjugate(turn), place - at)
        positions[..., self.hips, :] = place
