"""The ground under a retargeted character: how high it stands, and feet kept out of the floor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

# Soles lie about this far below the lowest joint or bone end of a foot.
SOLE_M = 0.01
# The percentile of a foot's heights at which it stands.
STANDS = 20
UNEVEN_M = 0.05
# Knees keep a little bend: a straight leg has no side to bend to.
REACH = 0.999
# A straight leg must bend ten degrees to be a centimetre shorter: slowly, or the knee snaps.
EASE_S = 0.08
# Knees closer than this to the line from hip to ankle have no side of their own.
STRAIGHT_M = 0.02


def clearances(skeleton: Skeleton, world_p: Array) -> dict[int, float]:
    """Foot and toe joint -> its height above the sole, from a standing pose (J, 3)."""
    feet = [joint for foot in _feet(skeleton) for joint in foot]
    if not feet:
        return {}
    tips = np.nan_to_num(skeleton.tips[feet])
    turn = skeleton.rest_globals[1][feet]
    ends = world_p[feet] + rotation.rotate(turn, tips)
    floor = min(world_p[feet, 1].min(), ends[:, 1].min()) - SOLE_M
    return {j: float(world_p[j, 1] - floor) for j in feet}


def standing_m(skeleton: Skeleton, world_p: Array, clearance: dict[int, float]) -> float:
    """How far the feet stand above the ground in a motion (T, J, 3), in the middle of its steps.

    A foot is on the ground for more than half of a walk and a quarter of a run, and for the first
    tenth of all its heights its toes dip through the floor to push off: between them it stands.
    Speed would tell less: clips that run on the spot have their slow frames in the air.
    """
    gaps = [
        np.percentile((world_p[:, pair, 1] - [clearance[j] for j in pair]).min(axis=1), STANDS)
        for pair in _feet(skeleton)
    ]
    return _between(gaps) if gaps else 0.0


def stands_at(heights: Array) -> float:
    """The same of heights of soles (F, T) above the floor, each by its lowest point."""
    return _between([float(np.percentile(foot, STANDS)) for foot in heights])


def _between(gaps: Sequence[float]) -> float:
    """Between the feet, as far as they differ by a fault of the data and not by a raised leg."""
    return float(min(gaps) + 0.5 * min(max(gaps) - min(gaps), UNEVEN_M))


def _feet(skeleton: Skeleton) -> list[list[int]]:
    """The joints of each foot that is known: ankle, and toes where there are toes."""
    role = roles(skeleton)
    feet = [
        [role[name] for name in (f"{side}_foot", f"{side}_toes") if name in role]
        for side in ("left", "right")
    ]
    return [foot for foot in feet if foot]


def keep_above(
    skeleton: Skeleton,
    positions: Array,
    rotations: Array,
    clearance: dict[int, float],
    stand_r: Array,
    rate_hz: float,
) -> Array:
    """Local rotations (T, J, 4) with feet that were in the floor lifted onto it by their legs.

    stand_r (J, 4) are the world rotations of the skeleton when it stands with its knees to +Z. The
    hip joint stays, the knee bends and the foot keeps its rotation: the two bones and the line from
    hip to ankle are a triangle, whose sides are known.
    """
    role = roles(skeleton)
    out = rotations.copy()
    world_p, world_r = skeleton.globals(positions, rotations)
    for side in ("left", "right"):
        names = [f"{side}_{part}" for part in ("upper_leg", "lower_leg", "foot")]
        if not set(names) <= role.keys():
            continue
        hip, knee, ankle = (role[name] for name in names)
        touch = [j for j in (ankle, role.get(f"{side}_toes")) if j in clearance]
        depth = np.max([clearance[j] - world_p[:, j, 1] for j in touch], axis=0)
        depth = _eased(np.maximum(depth, 0.0), round(EASE_S * rate_hz))
        low = np.flatnonzero(depth > 1e-5)
        if not len(low):
            continue
        at_hip, at_knee, at_ankle = (world_p[low][:, j] for j in (hip, knee, ankle))
        goal = at_ankle.copy()
        goal[:, 1] += depth[low]
        ahead = rotation.rotate(
            rotation.multiply(world_r[low, hip], rotation.conjugate(stand_r[hip])),
            np.array([0.0, 0.0, 1.0]),
        )
        ahead *= np.minimum(depth[low], STRAIGHT_M)[:, None]
        bent, goal = _bend(at_hip, at_knee, at_ankle, goal, ahead)
        turn = {
            hip: rotation.between(at_knee - at_hip, bent - at_hip),
            knee: rotation.between(at_ankle - at_knee, goal - bent),
        }
        turn[ankle] = rotation.identity(len(low))
        above = rotation.identity(len(low))  # how far the parent has been turned
        for joint in (hip, knee, ankle):
            parent = rotation.multiply(above, world_r[low, skeleton.parents[joint]])
            own = rotation.multiply(turn[joint], world_r[low, joint])
            out[low, joint] = rotation.multiply(rotation.conjugate(parent), own)
            above = turn[joint]
    return out


def reach(rate_hz: float) -> int:
    """How many frames before and after a frame `keep_above` looks at."""
    return 2 * round(EASE_S * rate_hz)


def _eased(depth: Array, frames: int) -> Array:
    """(T,) no less than depth (T,), and coming and going over some frames instead of at once."""
    if frames < 1:
        return depth
    padded = np.pad(depth, 2 * frames, mode="edge")
    highest = np.lib.stride_tricks.sliding_window_view(padded, 2 * frames + 1).max(axis=-1)
    hann = np.hanning(2 * frames + 3)[1:-1]
    return np.convolve(highest, hann / hann.sum(), mode="valid")


def _bend(hip: Array, knee: Array, ankle: Array, goal: Array, ahead: Array) -> tuple[Array, Array]:
    """Knee positions (N, 3) that bring the ankle to its goal, and the goals (N, 3) within reach.

    The knee stays on the side on which it is; ahead (N, 3), in metres, decides for a straight leg.
    """
    thigh = np.linalg.norm(knee - hip, axis=-1, keepdims=True)
    shin = np.linalg.norm(ankle - knee, axis=-1, keepdims=True)
    way = goal - hip
    far = np.linalg.norm(way, axis=-1, keepdims=True)
    way = way / np.maximum(far, 1e-9)
    far = np.clip(far, np.abs(thigh - shin) + 1e-6, REACH * (thigh + shin))
    side = knee - hip + ahead
    side = side - np.sum(side * way, axis=-1, keepdims=True) * way
    along = (thigh**2 - shin**2 + far**2) / (2.0 * far)
    out = np.sqrt(np.maximum(thigh**2 - along**2, 0.0))
    return hip + along * way + out * rotation.normalize(side), hip + far * way
