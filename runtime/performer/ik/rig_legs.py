"""The legs of any humanoid skeleton, bent by two-bone inverse kinematics, many bodies at once."""

from __future__ import annotations

import numpy as np

from understudy.runtime.core import quaternion, rotation
from understudy.runtime.core.humanoid import roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.retarget.limbs import bent
from understudy.runtime.retarget.retarget import t_pose_of_any

SIDES = ("left", "right")
PARTS = ("upper_leg", "lower_leg", "foot")


class RigLegs:
    """The joints of a skeleton's whole legs, S of them: 2 but for rigs that lack one.

    columns (S,)  which sides they are, 0 left and 1 right
    hip, knee, ankle, ball (S,) are joints; ball is the ankle where there are no toes
    joints (3, S)  the first three of these
    """

    def __init__(self, skeleton: Skeleton) -> None:
        role = roles(skeleton)
        has = [{f"{side}_{part}" for part in PARTS} <= role.keys() for side in SIDES]
        self.columns = np.flatnonzero(has)
        sides = [SIDES[k] for k in self.columns]
        rows = [[role[f"{side}_{part}"] for side in sides] for part in PARTS]
        self.joints = np.array(rows, int).reshape(3, -1)
        self.hip, self.knee, self.ankle = self.joints
        self.ball = np.array([role.get(f"{s}_toes", role[f"{s}_foot"]) for s in sides], int)
        stand_r = t_pose_of_any(skeleton)[1]
        self._above = skeleton.parents[self.joints]
        self._ahead = rotation.rotate(
            rotation.conjugate(stand_r[self.hip]), np.array([0.0, 0.0, 1.0])
        )

    def reach(
        self,
        world_p: Array,
        world_r: Array,
        goal: Array,
        foot_r: Array,
        rotations: Array,
        which: np.ndarray,
    ) -> None:
        """Bends legs `which` (..., S) bool so that ankles come to goal (..., S, 3).

        Feet turn to foot_r (..., S, 4). Local rotations (..., J, 4) are changed in place, world_p
        (..., J, 3) and world_r (..., J + 1, 4) are theirs. A leg is never stretched.
        """
        hip, knee, ankle = self.joints
        hip_r = world_r[..., hip, :]
        joints = np.concatenate([world_p[..., self.joints, :], goal[..., None, :, :]], axis=-3)
        first, both = bent(joints, quaternion.rotate(hip_r, self._ahead))
        over = [world_r[..., above, :] for above in self._above]
        turned = (
            (hip, over[0], quaternion.multiply(first, hip_r)),
            (
                knee,
                quaternion.multiply(first, over[1]),
                quaternion.multiply(both, world_r[..., knee, :]),
            ),
            (ankle, quaternion.multiply(both, over[2]), foot_r),
        )
        chosen = which[..., None]
        for joint, parent, own in turned:
            local = quaternion.unit(quaternion.multiply(quaternion.conjugate(parent), own))
            rotations[..., joint, :] = np.where(chosen, local, rotations[..., joint, :])
