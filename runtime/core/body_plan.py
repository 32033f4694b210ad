"""A humanoid told by its tree and its bones alone, where no name says what a joint is.

Two pairs of equal limbs, one below the other, and something between the upper ones: the lower pair
is legs. Left and right need the toes, which point ahead.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .rotation import Array, normalize
from .skeleton import Skeleton

ALIKE = 0.05


class Plan(NamedTuple):
    roles: dict[str, int]
    notes: tuple[str, ...] = ()


class _Pair(NamedTuple):
    base: int
    paths: tuple[list[int], list[int]]


def guess(skeleton: Skeleton) -> Plan:
    """The limbs of a skeleton that stands upright at rest; empty where the tree is no body's."""
    world = skeleton.rest_globals[0]
    children: list[list[int]] = [skeleton.children(j) for j in range(len(skeleton))]
    bone = np.linalg.norm(skeleton.rest_positions, axis=1)
    tips = np.nan_to_num(np.linalg.norm(skeleton.tips, axis=1))
    reach = tips.copy()
    for j in range(len(skeleton) - 1, 0, -1):
        parent = skeleton.parents[j]
        reach[parent] = max(reach[parent], reach[j] + bone[j])
    pairs = [p for j in range(len(skeleton)) if (p := _pair(j, children, bone, reach)) is not None]
    for legs in pairs:
        for arms in pairs:
            if not _below(skeleton, arms.base, legs.base):
                continue
            above = [
                c for c in children[arms.base] if c not in (arms.paths[0][0], arms.paths[1][0])
            ]
            if not above:
                continue
            found = _roles(world, bone, legs, arms)
            if found is not None:
                return found
    return Plan({})


def _below(skeleton: Skeleton, joint: int, other: int) -> bool:
    while joint >= 0 and joint != other:
        joint = int(skeleton.parents[joint])
        if joint == other:
            return True
    return False


def _pair(joint: int, children: list[list[int]], bone: Array, reach: Array) -> _Pair | None:
    """Two limbs of equal length below a joint, of three joints and more; the longest such."""

    def path(j: int) -> list[int]:
        out = [j]
        while children[out[-1]]:
            out.append(max(children[out[-1]], key=lambda c: bone[c] + reach[c]))
        return out

    below = sorted(children[joint], key=lambda c: -float(bone[c] + reach[c]))
    for a, b in itertools.pairwise(below):
        one, two = path(a), path(b)
        size = max(reach[a], reach[b])
        if len(one) == len(two) >= 3 and abs(reach[a] - reach[b]) < ALIKE * size:
            return _Pair(joint, (one, two))
    return None


def hinge(lengths: Sequence[float]) -> int | None:
    """Where in a limb its two long bones begin, by the lengths of its bones from the trunk on."""
    sums = [a + b for a, b in itertools.pairwise(lengths)]
    if not sums:
        return None
    i = int(np.argmax(sums))
    upper, lower = lengths[i : i + 2]
    return i if min(upper, lower) > 0.5 * max(upper, lower) > 0.0 else None


def _roles(world: Array, bone: Array, legs: _Pair, arms: _Pair) -> Plan | None:
    leg, arm = (hinge(bone[pair.paths[0][1:]].tolist()) for pair in (legs, arms))
    if leg is None or arm is None:
        return None
    hips = np.mean([world[p[leg]] for p in legs.paths], axis=0)
    feet = np.mean([world[p[leg + 2]] for p in legs.paths], axis=0)
    top = np.mean([world[p[arm]] for p in arms.paths], axis=0)
    up = normalize(top - hips)
    if np.dot(up, normalize(feet - hips)) > -0.7:  # a beast, or a rest pose that stands nowhere
        return None
    ahead = np.zeros(3)
    for path in legs.paths:
        if len(path) > leg + 3:
            ahead += world[path[leg + 3]] - world[path[leg + 2]]
    ahead -= np.dot(ahead, up) * up
    notes = [
        "The joints' names say nothing; roles are told by the tree and its bones. Check them with "
        "`understudy inspect` and name them with --map."
    ]
    if np.linalg.norm(ahead) < 0.05 * np.linalg.norm(top - feet):
        ahead = np.array([0.0, -1.0, 0.0]) if abs(up[2]) > 0.7 else np.array([0.0, 0.0, 1.0])
        notes.append("Left and right are a guess too: nothing tells which way the body faces.")
    left = np.cross(up, ahead)
    found: dict[str, int] = {}
    for pair, at, names in (
        (legs, leg, ("upper_leg", "lower_leg", "foot", "toes")),
        (arms, arm, ("upper_arm", "lower_arm", "hand")),
    ):
        one, two = pair.paths
        if np.dot(world[one[at]] - world[two[at]], left) < 0.0:
            one, two = two, one
        for side, path in (("left", one), ("right", two)):
            found |= {
                f"{side}_{n}": path[at + k] for k, n in enumerate(names) if at + k < len(path)
            }
            if pair is arms and at > 0:
                found[f"{side}_shoulder"] = path[at - 1]
    return Plan(found, tuple(notes))
