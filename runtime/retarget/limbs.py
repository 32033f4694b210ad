"""Arms and legs of a target, bent so that their ends come to goals.

The maths of two bones is that of `core/two_bone`, number by number: it runs on plain numbers for a
few bodies, where a call of numpy costs more than what it works out, and on arrays for many. The
bones turn by the least rotation, and what hangs on them turns with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from understudy.runtime.core.plain import Plain, few
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


def block(rows: Sequence[int]) -> slice | np.ndarray:
    """Rows that follow one another as a slice, which is read and written in a third of the time."""
    rows = [int(row) for row in rows]
    if rows and rows == list(range(rows[0], rows[0] + len(rows))):
        return slice(rows[0], rows[0] + len(rows))
    return np.array(rows, int)


def bent(joints: Array, ahead: Array, size: Array | float = 1.0) -> tuple[Array, Array]:
    """How the upper and the lower bones (..., L, 4) turn so that the ends come to their goals.

    joints (..., 4, L, 3) are tops, middles, ends and goals; ahead (..., L, 3) is the side to which
    straight limbs bend, in the world; size (L,) is each limb's beside a person's. A limb is never
    stretched. The last bit of its length costs the middle joint the most: it is given out ever more
    slowly, but not to a limb that is straight by itself.
    """
    lead, count = joints.shape[:-3], joints.shape[-2]
    if few(lead):
        sizes = np.broadcast_to(size, count).tolist()
        upper, lower = [], []
        for one, aside in zip(
            joints.reshape(-1, 4, count, 3).tolist(), ahead.reshape(-1, count, 3).tolist()
        ):
            turned = [_limb(Plain, *limb) for limb in zip(sizes, aside, *one)]
            upper += [turn[:4] for turn in turned]
            lower += [turn[4:] for turn in turned]
        out = np.array([upper, lower]).reshape(2, *lead, count, 4)
    else:
        parts = np.ascontiguousarray(np.moveaxis(joints, (-3, -1), (0, 1)))
        flat = _limb(np, size, np.ascontiguousarray(np.moveaxis(ahead, -1, 0)), *parts)
        out = np.moveaxis(np.stack(flat).reshape(2, 4, *lead, count), 1, -1)
    return out[0], out[1]


def _limb(n: Any, size: Any, ahead: Any, top: Any, middle: Any, end: Any, goal: Any) -> tuple:
    """The turns of one limb's bones, x y z w each, of points and a direction of three numbers each.

    n has the functions for these numbers: `Plain`, or numpy for arrays (...).
    """
    (tx, ty, tz), (mx, my, mz), (ex, ey, ez), (gx, gy, gz) = top, middle, end, goal
    ux, uy, uz = mx - tx, my - ty, mz - tz
    vx, vy, vz = ex - mx, ey - my, ez - mz
    lx, ly, lz = gx - tx, gy - ty, gz - tz
    bx, by, bz = ex - tx, ey - ty, ez - tz
    px, py, pz = gx - ex, gy - ey, gz - ez
    upper = n.sqrt(ux * ux + uy * uy + uz * uz)
    lower = n.sqrt(vx * vx + vy * vy + vz * vz)
    far = n.sqrt(lx * lx + ly * ly + lz * lz)
    pulled = n.sqrt(px * px + py * py + pz * pz)
    by_far = 1.0 / n.maximum(far, 1e-9)
    by_before = 1.0 / n.maximum(n.sqrt(bx * bx + by * by + bz * bz), 1e-9)
    by_upper, by_lower = 1.0 / n.maximum(upper, 1e-9), 1.0 / n.maximum(lower, 1e-9)
    lx, ly, lz = lx * by_far, ly * by_far, lz * by_far
    bx, by, bz = bx * by_before, by * by_before, bz * by_before
    whole = upper + lower
    rest = n.maximum(SOFT * whole, 1e-9)
    beyond = n.maximum(far - whole + rest, 0.0)
    soft = beyond + rest * n.expm1(-beyond / rest)
    far = far - soft * n.minimum(pulled / (PULLED_M * size), 1.0)
    far = n.minimum(n.maximum(far, abs(upper - lower) + FOLDED_M * size), whole)
    # A limb that stays as it is keeps its middle joint, which may be bent aside. The end is met all
    # the same: what is eased is the side alone.
    ease = STRAIGHT_M * n.minimum(pulled / (EASED_M * size), 1.0)
    hx, hy, hz = ahead
    sx, sy, sz = ux + ease * hx, uy + ease * hy, uz + ease * hz
    # The side to which it bent, after the least turn from the line before to the new line, without
    # what lies along the new line.
    of_line, of_before = sx * lx + sy * ly + sz * lz, sx * bx + sy * by + sz * bz
    cosine = lx * bx + ly * by + lz * bz
    share = (of_line + of_before) / n.maximum(1.0 + cosine, 1e-9)
    along = of_line - share * cosine
    sx, sy, sz = (
        sx - share * bx - along * lx, sy - share * by - along * ly, sz - share * bz - along * lz
    )  # fmt: skip
    cosine = (upper * upper - lower * lower + far * far) / n.maximum(2.0 * upper * far, 1e-12)
    cosine = n.minimum(n.maximum(cosine, -1.0), 1.0)
    sine = n.sqrt((1.0 - cosine * cosine) / n.maximum(sx * sx + sy * sy + sz * sz, 1e-20))
    nx, ny, nz = cosine * lx + sine * sx, cosine * ly + sine * sy, cosine * lz + sine * sz
    # Every bone by the least turn that takes it to its new direction.
    ax, ay, az, aw = _least(n, ux * by_upper, uy * by_upper, uz * by_upper, nx, ny, nz)
    vx, vy, vz = vx * by_lower, vy * by_lower, vz * by_lower
    cx, cy, cz = ay * vz - az * vy, az * vx - ax * vz, ax * vy - ay * vx
    vx, vy, vz = (
        vx + 2.0 * (aw * cx + ay * cz - az * cy), vy + 2.0 * (aw * cy + az * cx - ax * cz),
        vz + 2.0 * (aw * cz + ax * cy - ay * cx),
    )  # fmt: skip
    wx, wy, wz = (
        (far * lx - upper * nx) * by_lower, (far * ly - upper * ny) * by_lower,
        (far * lz - upper * nz) * by_lower,
    )  # fmt: skip
    x, y, z, w = _least(n, vx, vy, vz, wx, wy, wz)
    return (
        ax, ay, az, aw,
        w * ax + x * aw + y * az - z * ay, w * ay + y * aw + z * ax - x * az,
        w * az + z * aw + x * ay - y * ax, w * aw - x * ax - y * ay - z * az,
    )  # fmt: skip


def _least(n: Any, ax: Any, ay: Any, az: Any, bx: Any, by: Any, bz: Any) -> tuple:
    """x y z w of the least turn from one unit vector to another that is not its opposite."""
    w = 1.0 + ax * bx + ay * by + az * bz
    by_long = 1.0 / n.sqrt(n.maximum(2.0 * w, 1e-20))  # its square is twice its last
    return (
        (ay * bz - az * by) * by_long, (az * bx - ax * bz) * by_long,
        (ax * by - ay * bx) * by_long, w * by_long,
    )  # fmt: skip
