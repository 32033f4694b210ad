"""Which joints of a source turn which joints of a target.

A joint of the target is turned as far away from its T-pose as its driver in the source is from its
own: the same body part where both have it, a place between two joints where spines, necks and
fingers have other numbers of joints, else whatever turns the joint above it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.roles import HIERARCHY, roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

from .fingers import fingers


@dataclass(frozen=True)
class Drivers:
    """For each joint of the target two joints of the source, and how much of the second.

    first, second (K,)  joints of the source; -1: nobody, the joint stays as it stands
    mix (K,)            0: the first alone
    own (K,) bool       False where it only follows the joint above it
    fingers             whether fingers are driven by fingers
    """

    first: np.ndarray
    second: np.ndarray
    mix: Array
    own: np.ndarray
    fingers: bool


def of_role(name: str, have: Mapping[str, int], base: str = "hips") -> tuple[str, str, float]:
    """Two of the roles that a body has, and their mix, that drive a role of another.

    base is the lowest of its trunk.
    """
    if name in have:
        return name, name, 0.0
    if name == "chest" and {"spine", "upper_chest"} <= have.keys():
        return "spine", "upper_chest", 0.5
    if name == "neck" and {"upper_chest", "head"} <= have.keys():
        return "upper_chest", "head", 0.5
    if name == "spine" and {"hips", "chest"} <= have.keys():
        return "hips", "chest", 0.5
    above = name
    while above not in have or (above.endswith("shoulder") and not name.endswith("shoulder")):
        up = HIERARCHY[above]  # an arm does not follow its clavicle's turn
        if up is None:
            return base, base, 0.0
        above = up
    return above, above, 0.0


def drivers(source: Skeleton, target: Skeleton, hands: bool = True) -> Drivers:
    """Who drives whom. hands: fingers too, where both have them."""
    theirs, own_role = roles(source), roles(target)
    said: dict[int, tuple[int, int, float]] = {}
    for name, joint in own_role.items():
        a, b, mix = of_role(name, theirs)
        said[joint] = theirs[a], theirs[b], mix
    for begin, ends in (("hips", _CHEST), ("neck", ("head",))):
        along, rule = _chain(target, own_role, begin, ends), _chain(source, theirs, begin, ends)
        for joint, share in along:
            if joint not in said and rule:
                said[joint] = _between(rule, share)
    curled = _fingers(source, target) if hands else {}
    said |= curled
    # What is called alike on both, twist joints of one rig and the like, is carried over as it is.
    alike = {name: j for j, name in enumerate(source.names) if j not in theirs.values()}
    for joint, name in enumerate(target.names):
        if joint not in said and name in alike:
            said[joint] = alike[name], alike[name], 0.0
    count = len(target)
    own = np.isin(np.arange(count), list(said))
    first, second, mixes = np.full(count, -1), np.full(count, -1), np.zeros(count)
    for j in range(count):
        parent = int(target.parents[j])
        if j in said:
            first[j], second[j], mixes[j] = said[j]
        elif parent >= 0:
            first[j], second[j], mixes[j] = first[parent], second[parent], mixes[parent]
    return Drivers(first, second, mixes, own, bool(curled))


_TIP = re.compile(r"tip|end|leaf|nub|eff", re.IGNORECASE)
_CHEST = ("upper_chest", "chest")


def _chain(
    skeleton: Skeleton, role: dict[str, int], begin: str, ends: tuple[str, ...]
) -> list[tuple[int, float]]:
    """Joints from one role to another, and where along the way each lies, 0..1; () for no way."""
    end = next((role[name] for name in ends if name in role), None)
    if begin not in role or end is None:
        return []
    path, at = [], end
    while at >= 0 and at != role[begin]:
        path.append(at)
        at = int(skeleton.parents[at])
    if at < 0:
        return []
    path = [role[begin], *path[::-1]]
    world = skeleton.rest_globals[0]
    steps = [float(np.linalg.norm(world[b] - world[a])) for a, b in pairwise(path)]
    far = np.concatenate([[0.0], np.cumsum(steps)])
    return [(j, float(f / far[-1]) if far[-1] > 0.0 else 0.0) for j, f in zip(path, far)]


def _between(chain: list[tuple[int, float]], share: float) -> tuple[int, int, float]:
    """The two joints of a chain on both sides of a place on it, and how far on it lies."""
    for (a, from_), (b, to) in pairwise(chain):
        if share <= to + 1e-9:
            wide = to - from_
            return a, b, (share - from_) / wide if wide > 1e-9 else 1.0
    return chain[-1][0], chain[-1][0], 0.0


def _fingers(source: Skeleton, target: Skeleton) -> dict[int, tuple[int, int, float]]:
    """Joint of a target's finger -> its drivers, for fingers that both have."""
    ours, theirs = _by_finger(target), _by_finger(source)
    found = {}
    for finger in ours.keys() & theirs.keys():
        there = theirs[finger]
        if len(there) < 2 <= len(ours[finger]):
            continue  # one joint for a whole finger is a marker's, and hardly ever moves
        for number, joint in enumerate(ours[finger]):
            # Knuckle to knuckle and tip to tip: a finger of two joints curls as one of three.
            at = number * (len(there) - 1) / max(len(ours[finger]) - 1, 1)
            one = min(int(at), len(there) - 1)
            two = min(one + 1, len(there) - 1)
            found[joint] = there[one], there[two], at - one
    return found


def _by_finger(skeleton: Skeleton) -> dict[tuple[str, str], list[int]]:
    """(side, finger) -> its joints from the knuckle outwards: no palm, no tip."""
    out: dict[tuple[str, str], list[int]] = {}
    for (side, finger, _), joint in sorted(fingers(skeleton).items(), key=lambda item: item[0]):
        out.setdefault((side, finger), []).append(joint)
    return {key: phalanges(skeleton, key[1], joints) for key, joints in out.items()}


def phalanges(skeleton: Skeleton, finger: str, joints: list[int]) -> list[int]:
    """A finger's joints that bend: without the metacarpal inside the palm and without its tip."""
    leaves = [j for j in joints if not skeleton.children(j)]
    tips = [j for j in leaves if _TIP.search(skeleton.names[j])]
    joints = [j for j in joints if j not in tips]
    named = [j for j in joints if "metacarpal" in skeleton.names[j].lower()]
    if finger == "thumb":
        return [j for j in joints if j not in leaves or len(joints) <= 3][:3]
    joints = [j for j in joints if j not in named]
    if len(joints) > 3:  # a tip, a palm's bone, or both
        joints = [j for j in joints if j not in leaves]
    return joints[-3:] if len(joints) > 3 else joints


def straightened(skeleton: Skeleton, world_r: Array) -> Array:
    """(J, 4) of a T-pose, its fingers straight along the arm: at rest each rig curls its own way.

    Thumbs stay as they are, for nobody agrees where a straight one points.
    """
    out = world_r.copy()
    rest_p, rest_r = skeleton.rest_globals
    for (side, finger), joints in _by_finger(skeleton).items():
        if finger == "thumb":
            continue
        along = np.array([1.0 if side == "left" else -1.0, 0.0, 0.0])
        bone = None
        for number, j in enumerate(joints):
            below = joints[number + 1 : number + 2] or skeleton.children(j)[:1]
            if below:
                bone = rest_p[below[0]] - rest_p[j]
            elif np.isfinite(skeleton.tips[j]).all():
                bone = rotation.rotate(rest_r[j], skeleton.tips[j])
            if bone is None or np.linalg.norm(bone) < 1e-6:
                continue
            # Where the bone points in the T-pose: with its joint, as it does at rest.
            stood = rotation.multiply(world_r[j], rotation.conjugate(rest_r[j]))
            turn = rotation.between(rotation.rotate(stood, bone), along)
            for below_it in [j, *_below(skeleton, j, set(joints))]:
                out[below_it] = rotation.multiply(turn, world_r[below_it])
    return out


def _below(skeleton: Skeleton, joint: int, others: set[int]) -> list[int]:
    """What hangs on a joint and is not itself a joint of the finger."""
    found = []
    for child in skeleton.children(joint):
        if child not in others:
            found += [child, *_below(skeleton, child, others)]
    return found
