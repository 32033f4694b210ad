"""Two-bone inverse kinematics on the legs of any humanoid skeleton, both at once."""

from __future__ import annotations

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.takeover.transfer import Transfer
from understudy.runtime.retarget.retarget import t_pose

from . import legs

PARTS = ("upper_leg", "lower_leg", "foot")
# The share of a leg's length that is given out slowly, to a foot pulled by so much or more.
SOFT, PULLED_M = 0.03, 0.03
# Knees closer than this to the line from hip to ankle have no side of their own.
STRAIGHT_M = 0.02


class Legs:
    """The joints of a skeleton's legs: rows hip, knee, ankle, ball; sides in columns."""

    def __init__(self, transfer: Transfer) -> None:
        role, source = transfer.role, transfer.source
        self.sides = [s for s in ("left", "right") if {f"{s}_{p}" for p in PARTS} <= role.keys()]
        rows = [[role[f"{s}_{p}"] for s in self.sides] for p in PARTS]
        rows.append([role.get(f"{s}_toes", role[f"{s}_foot"]) for s in self.sides])
        self.hip, self.knee, self.ankle, self.ball = np.array(rows, int).reshape(4, -1)
        self.above = source.parents[np.array(rows[:3], int)]  # (3, sides)
        stand_r = t_pose(source)[1]
        self.ahead = rotation.rotate(
            rotation.conjugate(stand_r[self.hip]), np.array([0.0, 0.0, 1.0])
        )
        self.all = np.array(rows[:3], int)
        self.contacts = np.array(
            [[2 * (s == "right"), 2 * (s == "right") + 1] for s in self.sides], int
        ).reshape(-1, 2)

    def reach(
        self,
        world_p: Array,
        world_r: Array,
        goal: Array,
        foot_r: Array,
        rotations: Array,
        which: np.ndarray,
    ) -> None:
        """Bends legs `which` in local rotations (J, 4) so that ankles come to goal (n, 3).

        world_p (J, 3) and world_r (J + 1, 4) are of these rotations; feet turn to foot_r (n, 4).
        """
        hip, knee, ankle = self.hip[which], self.knee[which], self.ankle[which]
        top, mid, end = world_p[hip], world_p[knee], world_p[ankle]
        thigh = np.sqrt(np.square(mid - top).sum(-1, keepdims=True))
        shin = np.sqrt(np.square(end - mid).sum(-1, keepdims=True))
        way = goal - top
        far = np.sqrt(np.square(way).sum(-1, keepdims=True))
        way = way / np.maximum(far, 1e-9)
        # The last bit of a leg's length costs its knee the most: it is given out ever more slowly,
        # but not to a leg that is straight by itself.
        whole = thigh + shin
        near, rest = (1.0 - SOFT) * whole, SOFT * whole
        soft = near + rest * (1.0 - np.exp(-np.maximum(far - near, 0.0) / rest))
        pulled = np.sqrt(np.square(goal - end).sum(-1, keepdims=True))
        far = far + np.where(far > near, soft - far, 0.0) * np.minimum(pulled / PULLED_M, 1.0)
        far = np.clip(far, np.abs(thigh - shin) + 0.02, whole)
        before = legs.unit(end - top)
        bend = mid - top
        bend = bend - np.sum(bend * before, axis=-1, keepdims=True) * before
        bend = bend + STRAIGHT_M * legs.rotate(world_r[hip], self.ahead[which])
        bend = legs.rotate(legs.between(before, way), bend)
        side = legs.unit(bend - np.sum(bend * way, axis=-1, keepdims=True) * way)
        cosine = np.clip((thigh**2 + far * far - shin**2) / (2.0 * thigh * far), -1.0, 1.0)
        new_mid = top + thigh * (cosine * way + np.sqrt(1.0 - cosine * cosine) * side)
        new_end = top + far * way
        first = legs.between(legs.unit(mid - top), legs.unit(new_mid - top))
        shin_way = legs.rotate(first, end - mid)
        second = legs.between(legs.unit(shin_way), legs.unit(new_end - new_mid))
        both = legs.multiply(second, first)
        above = self.above[:, which]
        turned = (
            (hip, world_r[above[0]], legs.multiply(first, world_r[hip])),
            (knee, legs.multiply(first, world_r[above[1]]), legs.multiply(both, world_r[knee])),
            (ankle, legs.multiply(both, world_r[above[2]]), foot_r),
        )
        for joint, parent, own in turned:
            rotations[joint] = legs.unit(legs.multiply(legs.conjugate(parent), own))
