"""Grips: which hand holds which prop, and how. A held prop goes where its hands go.

Pure, so that a stage can put a held prop into the hand of the very frame that it sends, where the
simulation has only seen the one before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.pose import Prop, Subject
from understudy.runtime.core.rotation import Array

# Two hands closer together than this on a prop tell nothing of how it is turned.
_APART_M = 0.06


@dataclass(frozen=True, eq=False)
class Grip:
    """A hand on a prop: the prop's place (3,) and rotation (4,) and the palm (3,) in the frame of
    the hand's joint."""

    who: str
    joint: str  # its name in the skeleton
    position: Array
    rotation: Array
    palm: Array


def carried(grips: Sequence[Grip], hands_p: Array, hands_r: Array) -> tuple[Array, Array]:
    """Where a prop is, (..., 3) and (..., 4), whose hands' joints are at (..., G, 3), (..., G, 4).

    Of two hands the palms count most: the line between them turns it, and each half of the rest.
    """
    at = np.array([one.position for one in grips])
    turn = np.array([one.rotation for one in grips])
    places = hands_p + rotation.rotate(hands_r, at)
    turns = rotation.multiply(hands_r, turn)
    if len(grips) == 1:
        return places[..., 0, :], turns[..., 0, :]
    palm = np.array([one.palm for one in grips])
    own = rotation.rotate(rotation.conjugate(turn), palm - at)[:2]  # palms in the prop's frame
    palms = (hands_p + rotation.rotate(hands_r, palm))[..., :2, :]
    turned = rotation.slerp(turns[..., 0, :], turns[..., 1, :], 0.5)
    across = own[1] - own[0]
    if np.linalg.norm(across) > _APART_M:
        now = palms[..., 1, :] - palms[..., 0, :]
        turned = rotation.multiply(rotation.between(rotation.rotate(turned, across), now), turned)
    middle = palms.mean(-2) - rotation.rotate(turned, own.mean(0))
    return middle, rotation.normalize(turned)


def grip(
    who: str, joint: str, palm: Array, hand: tuple[Array, Array], prop: tuple[Array, Array]
) -> Grip:
    """The grip of a hand's joint on a prop, each at a place (3,) with a rotation (4,)."""
    back = rotation.conjugate(hand[1])
    return Grip(
        who,
        joint,
        rotation.rotate(back, prop[0] - hand[0]),
        rotation.normalize(rotation.multiply(back, prop[1])),
        palm,
    )


def put(prop: Prop, held_by: Sequence[Grip], subjects: Mapping[str, Subject]) -> Prop:
    """The prop where the hands of these subjects hold it; as it is where one of them is gone."""
    hands = []
    for one in held_by:
        subject = subjects.get(one.who)
        if subject is None or one.joint not in subject.skeleton.names:
            return prop
        hands.append(joint_in_room(subject, subject.skeleton.names.index(one.joint)))
    if not hands:
        return prop
    at, turn = carried(held_by, np.array([p for p, _ in hands]), np.array([r for _, r in hands]))
    return replace(prop, position=at, rotation=turn)


def joint_in_room(subject: Subject, joint: int) -> tuple[Array, Array]:
    """Where one joint of a subject is: (3,) and (4,)."""
    pose, parents = subject.pose, subject.skeleton.parents
    at = np.asarray(pose.positions[joint], float)
    turn = np.asarray(pose.rotations[joint], float)
    while (joint := int(parents[joint])) >= 0:
        above = np.asarray(pose.rotations[joint], float)
        at = np.asarray(pose.positions[joint], float) + rotation.rotate(above, at)
        turn = rotation.multiply(above, turn)
    return at, rotation.normalize(turn)
