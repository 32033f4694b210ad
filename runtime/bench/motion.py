"""What kind of motion a clip holds, told from the poses alone."""

from __future__ import annotations

import numpy as np

from understudy.runtime.core.humanoid import roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.takes.clip import Clip

from . import gaps

KINDS = ("walk", "run", "jump", "act", "idle")
# Speeds of people of 1.7 m: of all joints, of the hips over the ground and upwards.
IDLE_MPS, WALK_MPS, RUN_MPS, LEAP_MPS = 0.12, 0.35, 2.2, 1.4
OVER_S = 0.5  # a speed over the ground is told over so long
ON_THE_WAY = 0.6  # share of the time that is spent on the move in walks and runs


def _speeds(clip: Clip) -> tuple[Array, Array, float]:
    """Mean speed of the joints (T - 1,), of the hips over the ground (T',), its fastest rise."""
    at = gaps.world(clip.skeleton, clip.positions, clip.rotations)
    at = at * gaps.stature_scale(clip.skeleton)
    joints = np.linalg.norm(np.diff(at, axis=0), axis=-1).mean(-1) * clip.rate_hz
    hips = at[:, roles(clip.skeleton)["hips"]]
    n = min(max(1, round(OVER_S * clip.rate_hz)), len(hips) - 1)
    far = (hips[n:] - hips[:-n])[:, [0, 2]]
    k = max(1, round(0.1 * clip.rate_hz))
    rise = (hips[k:, 1] - hips[:-k, 1]) * clip.rate_hz / k
    return joints, np.linalg.norm(far, axis=-1) * clip.rate_hz / n, float(rise.max(initial=0.0))


def kind(clip: Clip) -> str:
    """One of KINDS: idle stands about, walk and run are mostly on the way, jump leaves the ground
    for long, act is everything else."""
    joints, ground, rise = _speeds(clip)
    if float(joints.mean()) < IDLE_MPS:
        return "idle"
    if rise > LEAP_MPS:
        return "jump"
    if float((ground > WALK_MPS).mean()) < ON_THE_WAY:
        return "act"
    return "run" if float(np.median(ground)) > RUN_MPS else "walk"
