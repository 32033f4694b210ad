"""Arms and legs of a target, bent so that their ends come to goals, all at once.

The maths of two bones is that of `core/two_bone`, written with fewer calls of numpy: most of a
tick on a character is these. The bones turn by the least rotation, and what hangs on them turns
with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from understudy.runtime.core import quaternion
from understudy.runtime.core.roles import SIDES
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.core.two_bone import STRAIGHT_M

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

    def between(self, skeleton: Skeleton) -> list[int]:
        """The joints within its bones, as some rigs have them for twists."""
        found = []
        for low, high in ((self.middle, self.top), (self.end, self.middle)):
            at = int(skeleton.parents[low])
            while at not in (high, -1):
                found.append(at)
                at = int(skeleton.parents[at])
        return found


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


# A limb's bones, the pull at its end, and the lines from its top to goal and end, out of top,
# middle, end and goal.
_WAYS = np.array(
    [[-1, 1, 0, 0], [0, -1, 1, 0], [0, 0, -1, 1], [-1, 0, 0, 1], [-1, 0, 1, 0]], dtype=float
)


def block(rows: Sequence[int]) -> slice | np.ndarray:
    """Rows that follow one another as a slice, which is read and written in a third of the time."""
    rows = [int(row) for row in rows]
    if rows and rows == list(range(rows[0], rows[0] + len(rows))):
        return slice(rows[0], rows[0] + len(rows))
    return np.array(rows, int)


class Lengths:
    """Lengths of limbs' two bones (..., L, 1), and what follows from them alone.

    size is each limb's beside a person's.
    """

    def __init__(self, upper: Array, lower: Array, size: Array | float = 1.0) -> None:
        self.upper, self.whole = upper, upper + lower
        self.rest = SOFT * self.whole
        self.near, self.least = self.whole - self.rest, np.abs(upper - lower) + FOLDED_M * size
        self.twice, self.over = 2.0 * upper, upper * upper - lower * lower
        self.per_lower = 1.0 / np.maximum(lower, 1e-9)
        self.per_pull, self.per_ease = 1.0 / (PULLED_M * size), 1.0 / (EASED_M * size)

    @classmethod
    def of(cls, joints: Array, size: Array | float = 1.0) -> Lengths:
        """As they are now, of joints (..., 3 or more, L, 3)."""
        upper = length_m(joints[..., 1, :, :] - joints[..., 0, :, :])
        return cls(upper, length_m(joints[..., 2, :, :] - joints[..., 1, :, :]), size)


def bent(joints: Array, ahead: Array, lengths: Lengths) -> tuple[Array, Array]:
    """How the upper and the lower bones (..., L, 4) turn so that the ends come to their goals.

    joints (..., 4, L, 3) are tops, middles, ends and goals; ahead (..., L, 3) is the side to which
    straight limbs bend, in the world. A limb is never stretched. The last bit of its length costs
    the middle joint the most: it is given out ever more slowly, but not to a limb that is straight
    by itself.
    """
    lead, count = joints.shape[:-3], joints.shape[-2]
    ways = (_WAYS @ joints.reshape(*lead, 4, 3 * count)).reshape(*lead, 5, count, 3)
    far_m = np.sqrt(np.add.reduce(ways * ways, -1, keepdims=True))
    unit = ways / np.maximum(far_m, 1e-9)
    pulled: Array = far_m[..., 2, :, :]
    far: Array = far_m[..., 3, :, :]
    line, before = unit[..., 3, :, :], unit[..., 4, :, :]
    beyond: Array = np.maximum(far - lengths.near, 0.0)
    soft = beyond + lengths.rest * np.expm1(beyond / -lengths.rest)
    far = np.asarray(far - soft * np.minimum(pulled * lengths.per_pull, 1.0))
    far = quaternion.clamp(far, lengths.least, lengths.whole)
    # A limb that stays as it is keeps its middle joint, which may be bent aside. The end is met all
    # the same: what is eased is the side alone.
    ahead = (STRAIGHT_M * np.minimum(pulled * lengths.per_ease, 1.0)) * ahead
    side = _side(ways[..., 0, :, :] + ahead, unit[..., 3:, :, :], line, before)
    cosine: Array = (lengths.over + far * far) / (lengths.twice * far)
    cosine = quaternion.clamp(cosine, -1.0, 1.0)
    new = cosine * line + np.sqrt(1.0 - cosine * cosine) * side
    # Every bone by the least turn that takes it to its new direction.
    first = quaternion.between(unit[..., 0, :, :], new)
    way = quaternion.rotate(first, unit[..., 1, :, :])
    new_way = (far * line - lengths.upper * new) * lengths.per_lower
    return first, quaternion.multiply(quaternion.between(way, new_way), first)


def _side(bend: Array, both: Array, line: Array, before: Array) -> Array:
    """(..., L, 3) unit vectors at right angles to the new lines, to which middle joints bend.

    It is bend (..., L, 3) after the least turn from the lines before to the new lines, both of
    them in both (..., 2, L, 3), without what lies along the new line.
    """
    along = np.add.reduce(both * bend[..., None, :, :], -1, keepdims=True)
    cosine = np.add.reduce(line * before, -1, keepdims=True)
    of_line = along[..., 0, :, :]
    share = (of_line + along[..., 1, :, :]) / np.maximum(1.0 + cosine, 1e-9)
    return quaternion.unit(bend - share * before - (of_line - share * cosine) * line)


def length_m(v: Array) -> Array:
    """(..., 1) of vectors (..., 3)."""
    return np.asarray(np.sqrt(np.add.reduce(v * v, -1, keepdims=True)))
