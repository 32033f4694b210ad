"""Fingers of one skeleton onto the hands of another: gloves beside a suit.

Both rest poses are taken to look alike in the world, as T-poses do. What is carried over is how far
each joint has turned away from its rest, about the axes of the room.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

_FINGERS = {
    "thumb": r"thumb|pollex|親指",
    "index": r"index|pointer|fore(?!arm)|人指|人差",
    "middle": r"mid|中指",
    "ring": r"ring|薬指",
    "little": r"little|pinky|pinkie|small|小指",
}
_NUMBERED = re.compile(r"finger_?(\d)")  # 3ds Max counts from the thumb's 0, Rokoko from its 1
Finger = tuple[str, str, int]  # side, finger, how far below the hand


def fingers(skeleton: Skeleton) -> dict[Finger, int]:
    """(side, finger, number from the hand outwards) -> joint, for joints below the two hands."""
    found: dict[Finger, int] = {}
    role = roles(skeleton)
    for side in ("left", "right"):
        hand = role.get(f"{side}_hand")
        if hand is None:
            continue
        depth = {hand: 0}
        seen: dict[str, list[int]] = {}
        numbered: dict[int, int] = {}
        for j in range(hand + 1, len(skeleton)):
            parent = int(skeleton.parents[j])
            if parent not in depth:
                continue
            depth[j] = depth[parent] + 1
            name = skeleton.names[j].lower()
            for finger, pattern in _FINGERS.items():
                if re.search(pattern, name):
                    seen.setdefault(finger, []).append(j)
                    break
            else:
                if said := _NUMBERED.search(name):
                    numbered[j] = int(said[1])
        first = min(numbered.values(), default=0)
        for j, number in numbered.items():
            if first <= 1 and number - first < len(_FINGERS):
                seen.setdefault(list(_FINGERS)[number - first], []).append(j)
        for finger, joints in seen.items():
            for number, j in enumerate(sorted(joints, key=lambda j: (depth[j], j))):
                found[side, finger, number] = j
    return found


@dataclass(frozen=True)
class Gloves:
    """The way of a glove's fingers onto a body.

    skeleton  the body's own where it has these fingers, else the body's with the glove's hung on
    rows      (n,) joints of `skeleton` that the glove moves
    taken     (n,) joints of the glove that move them
    """

    skeleton: Skeleton
    rows: np.ndarray
    taken: np.ndarray
    _into: Array  # (n, 4) glove's rest frames into the body's, above the joint
    _out: Array  # (n, 4) and below it

    def turned(self, rotations: Array) -> Array:
        """(n, 4) local rotations of `rows` out of the glove's local rotations (J, 4)."""
        return rotation.multiply(rotation.multiply(self._into, rotations[self.taken]), self._out)


def gloves(body: Skeleton, glove: Skeleton) -> Gloves | None:
    """How a glove's fingers come onto a body; None where either has no hand that they know of."""
    own, theirs = fingers(body), fingers(glove)
    if not theirs:
        return None
    if own:
        common = sorted(own.keys() & theirs.keys())
        if not common:
            return None
        return _way(body, glove, [own[f] for f in common], [theirs[f] for f in common])
    return _with_fingers(body, glove, theirs)


def _way(body: Skeleton, glove: Skeleton, rows: list[int], taken: list[int]) -> Gloves:
    body_r, glove_r = body.rest_globals[1], glove.rest_globals[1]
    above_b = body_r[body.parents[rows]]
    above_g = glove_r[glove.parents[taken]]
    into = rotation.multiply(rotation.conjugate(above_b), above_g)
    out = rotation.multiply(rotation.conjugate(glove_r[taken]), body_r[rows])
    return Gloves(body, np.array(rows), np.array(taken), into, out)


def _with_fingers(body: Skeleton, glove: Skeleton, theirs: dict[Finger, int]) -> Gloves | None:
    """The body's skeleton with the glove's fingers hung on its hands."""
    role_b, role_g = roles(body), roles(glove)
    names, parents = list(body.names), body.parents.tolist()
    positions, rotations = [*body.rest_positions], [*body.rest_rotations]
    tips = [*body.tips]
    at: dict[int, int] = {}
    for side in ("left", "right"):
        if (hand := role_b.get(f"{side}_hand")) is None or f"{side}_hand" not in role_g:
            continue
        at[role_g[f"{side}_hand"]] = hand
    rows, taken = [], []
    turn_b, turn_g = body.rest_globals[1], glove.rest_globals[1]
    for j in sorted(theirs.values()):
        parent = int(glove.parents[j])
        while parent not in at and parent >= 0:  # a palm that the fingers hang on
            parent = int(glove.parents[parent])
        if parent not in at:
            continue
        hangs_on = at[parent]
        # A new joint has the glove's axes; only on the hand itself do the two frames differ.
        frame = turn_b[hangs_on] if hangs_on < len(body) else turn_g[parent]
        back = rotation.conjugate(frame)
        way = glove.rest_globals[0][j] - glove.rest_globals[0][parent]
        name = glove.names[j] if glove.names[j] not in names else f"{glove.names[j]}.glove"
        at[j] = len(names)
        rows.append(len(names))
        taken.append(j)
        names.append(name)
        parents.append(hangs_on)
        positions.append(rotation.rotate(back, way))
        rotations.append(rotation.multiply(back, turn_g[j]))
        tips.append(glove.tips[j])
    if not rows:
        return None
    whole = Skeleton(
        tuple(names),
        np.array(parents),
        np.array(positions),
        np.array(rotations),
        np.array(tips),
        body.curve_names,
    )
    return _way(whole, glove, rows, taken)
