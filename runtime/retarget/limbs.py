"""Arms and legs of a target, bent so that their ends come to goals, all at once.

The maths of two bones is that of `core/two_bone`; here the bones turn by the least rotation,
and what hangs on them turns with them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from understudy.runtime.core import quaternion, two_bone
from understudy.runtime.core.roles import SIDES
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

# The share of a limb's length that is given out slowly, to an end pulled by so much or more.
SOFT, PULLED_M = 0.03, 0.03
EASED_M = 0.012  # an end that is pulled by less turns its middle joint ahead by a share only
FOLDED_M = 0.02
PERSONS_M = 0.85  # a person's limb, for which these hold
_LIMBS = (("upper_leg", "lower_leg", "foot"), ("upper_arm", "lower_arm", "hand"))


@dataclass(frozen=True)
class Limb:
    """One limb: its three joints, and what turns with each of its two bones."""

    name: str
    top: int
    middle: int
    end: int
    with_upper: np.ndarray
    with_lower: np.ndarray
    ahead: tuple[float, float, float]  # where its middle joint bends to in the T-pose


def limbs(skeleton: Skeleton, role: dict[str, int]) -> list[Limb]:
    """The whole limbs of a skeleton, legs first: left_leg, right_leg, left_arm, right_arm."""
    found = []
    for parts, kind, ahead in zip(_LIMBS, ("leg", "arm"), (1.0, -1.0)):
        for side in SIDES:
            if not all(f"{side}_{part}" in role for part in parts):
                continue
            top, middle, end = (role[f"{side}_{part}"] for part in parts)
            upper = _hanging(skeleton, top, {middle} | set(role.values()))
            lower = _hanging(skeleton, middle, {end} | set(role.values()))
            found.append(Limb(f"{side}_{kind}", top, middle, end, upper, lower, (0.0, 0.0, ahead)))
    return found


def _hanging(skeleton: Skeleton, joint: int, others: set[int]) -> np.ndarray:
    """The joint and all below it, short of the joints `others`."""
    found, stack = [], [joint]
    while stack:
        at = stack.pop()
        found.append(at)
        stack += [c for c in skeleton.children(at) if c not in others]
    return np.array(found)


def bent(
    top: Array, middle: Array, end: Array, goal: Array, ahead: Array, size: Array | float = 1.0
) -> tuple[Array, Array]:
    """How the upper and the lower bones (..., L, 4) turn so that the ends come to their goals.

    Joints, goals and ahead, the side to which straight limbs bend, are (..., L, 3), in the world. A
    limb is never stretched. The last bit of its length costs the middle joint the most: it is given
    out ever more slowly, but not to a limb that is straight by itself. size is the limb's beside a
    person's.
    """
    upper, lower = length_m(middle - top), length_m(end - middle)
    line, far = two_bone.line_to(top, goal)
    whole = upper + lower
    near, rest = (1.0 - SOFT) * whole, SOFT * whole
    soft = near + rest * (1.0 - np.exp(-np.maximum(far - near, 0.0) / rest))
    pulled = length_m(goal - end)
    far = far + np.where(far > near, soft - far, 0.0) * np.minimum(pulled / (PULLED_M * size), 1.0)
    far = quaternion.clamp(far, np.abs(upper - lower) + FOLDED_M * size, whole)
    # A limb that stays as it is keeps its middle joint, which may be bent aside. The end is met all
    # the same: what is eased is the side alone.
    ahead = np.minimum(pulled / (EASED_M * size), 1.0) * ahead
    side = two_bone.bend_side(top, middle, end, ahead, line)
    new_middle = two_bone.middle_joint(top, line, side, far, upper, lower)
    # Every bone by the least turn that takes it to its new direction.
    first = quaternion.between(quaternion.unit(middle - top), quaternion.unit(new_middle - top))
    way = quaternion.rotate(first, end - middle)
    new_way = top + far * line - new_middle
    second = quaternion.between(quaternion.unit(way), quaternion.unit(new_way))
    return first, quaternion.multiply(second, first)


def length_m(v: Array) -> Array:
    """(..., 1) of vectors (..., 3)."""
    return np.asarray(np.sqrt(np.add.reduce(v * v, -1, keepdims=True)))
