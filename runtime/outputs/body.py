"""A humanoid as other programs see one: named bones that have no rotation in a T-pose.

Whatever a skeleton's joints look like at rest, what a bone's world rotation adds to the T-pose is
the same for everybody; so VMC's local bones and Rokoko's world rotations both come from here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from understudy.bridge.protocols import vmc
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import HIERARCHY, PERFORMER, roles
from understudy.runtime.core.pose import Frame, Pose, Subject
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.retarget.retarget import NotHumanoid, t_pose, t_pose_of_part

from . import scene

_FINGERS = {
    "thumb": "thumb",
    "index": "index",
    "middle": "middle",
    "ring": "ring",
    "little": "little|pinky|pinkie",
}
_PARTS = ("proximal", "intermediate", "distal")
_BEFORE_THE_FINGER = re.compile(r"meta|carpal|inhand|palm", re.IGNORECASE)


class Added(NamedTuple):
    """What a pose adds to the T-pose: world positions (B, 3) and rotations (B, 4) by bone."""

    positions: Array
    rotations: Array


class Body:
    """One skeleton's bones by role, parents first; raises NotHumanoid where it has none.

    Of a part of a body, a head alone or a trunk without legs, those that are there; what a receiver
    needs to know of the rest is our performer's.
    """

    def __init__(self, skeleton: Skeleton) -> None:
        self.skeleton = skeleton
        try:
            at, turned = t_pose(skeleton)
            legs = True
        except NotHumanoid:
            at, turned = t_pose_of_part(skeleton)
            legs = False
        found = roles(skeleton) | _fingers(skeleton)
        if "upper_chest" in found and "chest" not in found:
            # Unity knows no upper chest without a chest; two spine joints are spine and chest.
            found["chest"] = found.pop("upper_chest")
        order = [role for role in (*HIERARCHY, *_FINGER_PARENTS) if role in found]
        self.roles: tuple[str, ...] = tuple(order)
        self.index = {role: i for i, role in enumerate(order)}
        self.joints = np.array([found[role] for role in order])
        self.parents = np.array([self._above(role) for role in order])
        self._undo = rotation.conjugate(turned[self.joints])
        if legs:
            self.hip_height_m = float(at[self.joints[0], 1])
            self.height_m = float(at[:, 1].max() - at[:, 1].min()) + 0.1
        else:
            top = order.index("head") if "head" in order else 0
            self.hip_height_m = float(_OURS["hips"][1])
            lift_m = float(_OURS[order[top]][1] - at[self.joints[top], 1])
            if "hips" in order:
                lift_m = self.hip_height_m - float(at[self.joints[0], 1])
            self.height_m = float(at[:, 1].max()) + lift_m + 0.1
        self.vmc_names = tuple(_VMC[role] for role in order)

    def _above(self, role: str) -> int:
        """The nearest bone above that it has, -1 where there is none."""
        above = _PARENTS[role]
        while above is not None and above not in self.index:
            above = _PARENTS[above]
        return -1 if above is None else self.index[above]

    def added(self, pose: Pose) -> Added:
        world_p, world_r = self.skeleton.globals(pose.positions, pose.rotations)
        return Added(world_p[self.joints], rotation.multiply(world_r[self.joints], self._undo))

    def local(self, added: Added) -> tuple[Array, Array]:
        """Positions (B, 3) and rotations (B, 4) local to the parent bone; the hips' the world's.

        Positions are the real offsets: receivers that apply them would crush a body of zeros.
        """
        below = np.flatnonzero(self.parents >= 0)
        above = self.parents[below]
        undo = rotation.conjugate(added.rotations[above])
        positions, rotations = added.positions.copy(), added.rotations.copy()
        positions[below] = rotation.rotate(undo, added.positions[below] - added.positions[above])
        rotations[below] = rotation.multiply(undo, added.rotations[below])
        for bone in np.flatnonzero(self.parents < 0):
            # Where a head without a body is in the world is no offset from a receiver's own chest.
            if (up := _PARENTS[self.roles[bone]]) is not None:
                positions[bone] = _OURS[self.roles[bone]] - _OURS[up]
        return positions, rotations

    def nearest(self, role: str) -> int | None:
        """The bone of this role, or the nearest above it that the skeleton has; None: no such."""
        at: str | None = role
        while at is not None and at not in self.index:
            at = _PARENTS[at]
        return None if at is None else self.index[at]

    def whole(self, added: Added, wanted: Sequence[str]) -> Added:
        """Bones of the roles wanted, each with the turn of the nearest above it that is there.

        A limb that is not there hangs where our performer has it.
        """
        positions = np.array([_OURS.get(role, _OURS["hips"]) for role in wanted])
        rotations = rotation.identity(len(wanted))
        for i, role in enumerate(wanted):
            bone = self.nearest(role)
            if bone is None:
                continue
            near = self.roles[bone]
            rotations[i], positions[i] = added.rotations[bone], added.positions[bone]
            if near in _OURS and role in _OURS:
                offset = _OURS[role] - _OURS[near]
                positions[i] = positions[i] + rotation.rotate(rotations[i], offset)
        return Added(positions, rotations)


def body(skeleton: Skeleton) -> Body:
    """The body of a skeleton; raises NotHumanoid where it has none."""
    made = _body(skeleton)
    if isinstance(made, str):
        raise NotHumanoid(made)
    return made


@lru_cache(maxsize=64)
def _body(skeleton: Skeleton) -> Body | str:
    """The body, or why there is none."""
    # A subscriber gives the same skeleton object every frame. What is no humanoid is remembered
    # too: finding that out sixty times a second would cost more than sending.
    try:
        return Body(skeleton)
    except NotHumanoid as error:
        return str(error)


def has_body(skeleton: Skeleton) -> Body | None:
    """The body of a skeleton; None where it has none."""
    made = _body(skeleton)
    return None if isinstance(made, str) else made


def humanoid(frame: Frame, name: str) -> tuple[Subject, Body]:
    """The subject of that name and its body; the first that has a body where no name is given."""
    if not name:
        for one in frame.subjects:
            if made := has_body(one.skeleton):
                return one, made
    one = scene.subject(frame, name)
    return one, body(one.skeleton)


_FINGER_PARENTS: dict[str, str] = {
    f"{side}_{finger}_{part}": (f"{side}_{finger}_{_PARTS[i - 1]}" if i else f"{side}_hand")
    for side in ("left", "right")
    for finger in _FINGERS
    for i, part in enumerate(_PARTS)
}
_PARENTS: dict[str, str | None] = {**HIERARCHY, **_FINGER_PARENTS}
# Where our performer has each joint in its T-pose.
_OURS = {role: PERFORMER.rest_globals[0][joint] for role, joint in roles(PERFORMER).items()}
# left_upper_leg -> LeftUpperLeg
_VMC = {role: "".join(word.title() for word in role.split("_")) for role in _PARENTS}
assert set(_VMC.values()) <= set(vmc.BONES)


def _fingers(skeleton: Skeleton) -> dict[str, int]:
    """Roles of the finger joints below the hands, by their names and their place in the chain."""
    found: dict[str, int] = {}
    hands = roles(skeleton)
    for side in ("left", "right"):
        hand = hands.get(f"{side}_hand")
        if hand is None:
            continue
        below = {hand}
        chains: dict[str, int] = {}
        for j in range(hand + 1, len(skeleton)):
            if int(skeleton.parents[j]) not in below:
                continue
            below.add(j)
            name = skeleton.names[j].lower()
            if _BEFORE_THE_FINGER.search(name):
                continue
            for finger, words in _FINGERS.items():
                # "ring" is in "string" too, but not below a hand.
                if re.search(words, name):
                    part = chains.get(finger, 0)
                    if part < len(_PARTS):
                        found[f"{side}_{finger}_{_PARTS[part]}"] = j
                        chains[finger] = part + 1
                    break
    return found
