"""What is put right of a subject on stage: its mirror image, a T-pose, where its root may go.

A suit's sensors slip, and a stage faces another way than a suit's room. Whoever stands in a T-pose
says how far each joint is off; from then on that is taken back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import roles
from understudy.runtime.core.pose import Pose
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.retarget.fingers import fingers
from understudy.runtime.sources.packet import Packet

# A joint that is off by less is not put right.
LEAST_RAD = np.radians(0.1)
_SIDES = {"left": "right", "right": "left", "l": "r", "r": "l"}
_SIDE = re.compile(r"left|right|(?<![a-z])[lr](?![a-z])", re.IGNORECASE)


@lru_cache(maxsize=32)
def partners(skeleton: Skeleton) -> np.ndarray:
    """(J,) the joint at the other side of each; itself in the middle, and where there is none."""
    found = np.arange(len(skeleton))
    own, hands = roles(skeleton), fingers(skeleton)
    for role, joint in own.items():
        if (other := own.get(_other(role))) is not None:
            found[joint] = other
    for (side, finger, number), joint in hands.items():
        if (other := hands.get((_SIDES[side], finger, number))) is not None:
            found[joint] = other
    row = {name: j for j, name in enumerate(skeleton.names)}
    for name, joint in row.items():
        if found[joint] == joint and _other(name) in row:
            found[joint] = row[_other(name)]
    found[found[found] != np.arange(len(found))] = -1  # not each the other's
    found = np.where(found < 0, np.arange(len(found)), found)
    found.setflags(write=False)
    return found


def _other(name: str) -> str:
    """The name of the other side: LeftArm of RightArm, l_arm of r_arm."""

    def turned(match: re.Match[str]) -> str:
        word, other = match[0], _SIDES[match[0].lower()]
        return other.title() if word[0].isupper() and len(word) > 1 else (
            other.upper() if word.isupper() else other
        )  # fmt: skip

    return _SIDE.sub(turned, name, count=1)


@lru_cache(maxsize=32)
def _rest(skeleton: Skeleton) -> tuple[Array, Array]:
    """Rotations in the room at rest (J, 4), and their inverses."""
    world = skeleton.rest_globals[1]
    return world, rotation.conjugate(world)


def mirrored(packet: Packet, skeleton: Skeleton) -> Packet:
    """The packet as a mirror at x = 0 shows it: left is right, and each joint turns as the other's.

    What a joint has turned away from its rest is mirrored, so that both sides keep their own axes.
    """
    other = partners(skeleton)
    world, undo = _rest(skeleton)
    _, turned = skeleton.globals(packet.positions, packet.rotations)
    away = rotation.multiply(turned, undo)[other] * (1.0, -1.0, -1.0, 1.0)
    turned = rotation.multiply(away, world)
    up = skeleton.parents[1:]
    rotations = turned.copy()
    rotations[1:] = rotation.multiply(rotation.conjugate(turned[up]), turned[1:])
    positions = packet.positions.copy()
    positions[0] = packet.positions[0] * (-1.0, 1.0, 1.0)
    seen = None if packet.seen is None else packet.seen[other]
    return replace(packet, positions=positions, rotations=rotations, seen=seen)


class TPose:
    """What each joint is off in a T-pose, by its name, taken back of every pose after it.

    Sensors sit askew on the segments: that is a turn of the segment itself, in its own axes.
    """

    def __init__(self, off: Mapping[str, list[float]]) -> None:
        self._off = {name: np.array(turn, float) for name, turn in off.items()}
        self._of: tuple[Skeleton, Array, Array] | None = None

    def applied(self, packet: Packet, skeleton: Skeleton) -> Packet:
        """The packet with every joint put right that has a name here."""
        if self._of is None or self._of[0] is not skeleton:
            turns = np.array(
                [self._off.get(name, (0.0, 0.0, 0.0, 1.0)) for name in skeleton.names], float
            )
            turns = rotation.normalize(turns)
            above = rotation.conjugate(turns[np.maximum(skeleton.parents, 0)])
            above[0] = (0.0, 0.0, 0.0, 1.0)
            self._of = skeleton, turns, above
        _, turns, above = self._of
        right = rotation.multiply(above, rotation.multiply(packet.rotations, turns))
        return replace(packet, rotations=right)


def off_t_pose(packet: Packet, skeleton: Skeleton) -> dict[str, list[float]]:
    """By how much each joint of a pose is off the T-pose, which faces where the pose does."""
    world, undo = _rest(skeleton)
    _, turned = skeleton.globals(packet.positions, packet.rotations)
    heading = rotation.from_yaw(float(rotation.yaw(rotation.multiply(turned[0], undo[0]))))
    wanted = rotation.multiply(heading, world)
    off = rotation.multiply(rotation.conjugate(turned), wanted)
    angles = rotation.angle_between(rotation.identity(len(off)), off)
    seen = np.ones(len(off), bool) if packet.seen is None else packet.seen
    return {
        name: np.round(off[j], 6).tolist()
        for j, name in enumerate(skeleton.names)
        if seen[j] and angles[j] > LEAST_RAD
    }


def hips(skeleton: Skeleton, pose: Pose) -> tuple[Array, float]:
    """Where the hips of a pose are (3,), and the way that they face, in radians about +Y."""
    joint = roles(skeleton).get("hips", 0)
    chain = [joint]
    while skeleton.parents[chain[0]] >= 0:
        chain.insert(0, int(skeleton.parents[chain[0]]))
    at, turn = pose.positions[0], pose.rotations[0]
    for j in chain[1:]:
        at = at + rotation.rotate(turn, pose.positions[j])
        turn = rotation.multiply(turn, pose.rotations[j])
    _, undo = _rest(skeleton)
    return at, float(rotation.yaw(rotation.multiply(turn, undo[joint])))


def rooted(pose: Pose, skeleton: Skeleton, root: str, at_m: Array) -> None:
    """Moves a pose so that its hips stay over at_m (3,), in place: "in place" leaves them their
    height, "hips only" that of the rest pose."""
    there, _ = hips(skeleton, pose)
    joint = roles(skeleton).get("hips", 0)
    pose.positions[0, [0, 2]] += (at_m - there)[[0, 2]]
    if root == "hips only":
        pose.positions[0, 1] += at_m[1] + skeleton.rest_globals[0][joint, 1] - there[1]
