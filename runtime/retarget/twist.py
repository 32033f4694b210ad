"""Twist joints: a forearm that turns about itself turns all along, and not at the wrist alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from understudy.runtime.core import quaternion
from understudy.runtime.core.joint_names import read_names
from understudy.runtime.core.roles import SIDES
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

from .retarget import Retarget

# A bone, the joint at its end whose twist is spread back along it, and the joint that it hangs on.
_BONES = (
    ("upper_arm", "lower_arm", "shoulder"),
    ("lower_arm", "hand", None),
    ("upper_leg", "lower_leg", "hips"),
    ("lower_leg", "foot", None),
)


@dataclass(frozen=True)
class Twists:
    """joints (T,) take share (T,) of the twist from inner (T,) to outer (T,) about axis (T, 3).

    They follow base (T,), and share is less than nothing where the base itself has twisted too far.
    stand (K, 4) are the world rotations of the T-pose.
    """

    joints: np.ndarray
    base: np.ndarray
    inner: np.ndarray
    outer: np.ndarray
    share: Array
    axis: Array
    stand: Array

    @cached_property
    def _three(self) -> tuple[np.ndarray, Array]:
        """Inner, outer and base joints (3T,), and what undoes their T-pose (3T, 4)."""
        joints = np.concatenate([self.inner, self.outer, self.base])
        return joints, quaternion.conjugate(self.stand)[joints]

    def spread(self, world_r: Array) -> None:
        """Turns the joints in world_r (..., K, 4), in place."""
        if not len(self.joints):
            return
        three, undo = self._three
        turned = quaternion.multiply(world_r.take(three, axis=-2), undo)
        count = len(self.joints)
        inner, outer = turned[..., :count, :], turned[..., count : 2 * count, :]
        base = turned[..., 2 * count :, :]
        between = quaternion.relative(inner, outer)
        half = np.arctan2(np.add.reduce(between[..., :3] * self.axis, -1), between[..., 3])
        half = self.share * ((half + 0.5 * np.pi) % np.pi - 0.5 * np.pi)  # the short way about
        turn = np.empty(between.shape)
        turn[..., :3] = np.sin(half)[..., None] * self.axis
        turn[..., 3] = np.cos(half)
        own = quaternion.multiply(base, turn)
        world_r[..., self.joints, :] = quaternion.multiply(own, self.stand[self.joints])


def twists(way: Retarget) -> Twists:
    """The twist joints of a target: those that are named so, beside a bone or within it."""
    target, role = way.target, way.target_role
    said = read_names(target.names)
    taken = set(role.values())
    rows: list[tuple[int, int, int, int, float, Array]] = []
    for side in SIDES:
        for part, end, over in _BONES:
            bone, tip = role.get(f"{side}_{part}"), role.get(f"{side}_{end}")
            if bone is None or tip is None:
                continue
            line = way.target_p[tip] - way.target_p[bone]
            length = float(np.linalg.norm(line))
            if length < 1e-6:
                continue
            axis = line / length
            above = role.get(f"{side}_{over}", role.get(over or "", -1)) if over else -1
            hung: dict[int, tuple[int, int, int, float, Array]] = {}
            for j in _under(target, bone, taken):
                if way.driven.own[j]:
                    continue
                if "twist" not in said[j].words:
                    if row := hung.get(int(target.parents[j])):  # it goes with the joint above it
                        hung[j] = row
                        rows.append((j, *row))
                    continue
                out = way.target_p[j] - way.target_p[bone]
                at = float(np.clip(np.dot(out, axis) / length, 0.0, 1.0))
                if over is None:  # the hand's twist comes in along the forearm
                    hung[j] = bone, bone, tip, at, axis
                elif above >= 0:  # the arm's own goes out towards the shoulder
                    hung[j] = bone, above, bone, at - 1.0, axis
                else:
                    continue
                rows.append((j, *hung[j]))
    if not rows:
        none = np.zeros(0, int)
        return Twists(none, none, none, none, np.zeros(0), np.zeros((0, 3)), way.target_r)
    joints, base, inner, outer, share, axes = (np.array(c) for c in zip(*rows, strict=True))
    return Twists(joints, base, inner, outer, share, axes, way.target_r)


def _under(skeleton: Skeleton, joint: int, taken: set[int]) -> list[int]:
    found = []
    for child in skeleton.children(joint):
        if child not in taken:
            found += [child, *_under(skeleton, child, taken)]
    return found
