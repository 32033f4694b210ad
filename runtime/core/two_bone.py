"""Two-bone inverse kinematics: where the middle joint goes when the end is to come to a place.

For any number of limbs at once, over any leading axes. The middle joint keeps the plane in which
the limb was bent, so it cannot flip. How the bones then turn is the skeleton's matter: PERFORMER's
knees are hinges (`performer/ik/legs`), any other rig's bones take the least turn
(`retarget/limbs`).
"""

from __future__ import annotations

import numpy as np

from understudy.runtime.core import quaternion
from understudy.runtime.core.rotation import Array

# Middle joints closer than this to the line from the limb's top to its end have no side of their
# own, and bend ahead.
STRAIGHT_M = 0.02


def line_to(top: Array, goal: Array) -> tuple[Array, Array]:
    """Unit direction (..., 3) and distance (..., 1) from a limb's top to its goal."""
    line: Array = goal - top
    far_m = np.sqrt((line * line).sum(-1, keepdims=True))
    return line / np.maximum(far_m, 1e-9), far_m


def bend_side(top: Array, middle: Array, end: Array, ahead: Array, line: Array) -> Array:
    """(..., 3) unit vector at right angles to the new line, to which the middle joint bends.

    top, middle and end (..., 3) are where the joints are now; ahead (..., 3) is where a straight
    limb bends to.
    """
    before = quaternion.unit(end - top)
    bend: Array = middle - top
    bend = bend - (bend * before).sum(-1, keepdims=True) * before
    bend = bend + STRAIGHT_M * ahead
    bend = quaternion.rotate(quaternion.between(before, line), bend)
    return quaternion.unit(bend - (bend * line).sum(-1, keepdims=True) * line)


def middle_joint(
    top: Array,
    line: Array,
    side: Array,
    far_m: Array,
    upper_m: Array | float,
    lower_m: Array | float,
) -> Array:
    """(..., 3) the middle joint of limbs whose ends are far_m (..., 1) from top along line.

    upper_m and lower_m (..., 1) are the bones' lengths; the law of cosines does the rest.
    """
    cosine: Array = (upper_m**2 + far_m * far_m - lower_m**2) / (2.0 * upper_m * far_m)
    cosine = quaternion.clamp(cosine, -1.0, 1.0)
    return top + upper_m * (cosine * line + np.sqrt(1.0 - cosine * cosine) * side)
