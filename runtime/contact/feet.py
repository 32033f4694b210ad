"""Where the feet of any body are, as the performer would have them: in metres of his size."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from understudy.runtime.core import quaternion, rotation
from understudy.runtime.core.floor import Floor
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.roles import roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

Points = tuple[Array, Array, Array]
SIDES = ("left", "right")
# The performer's ankle and toe joint over his sole, from one to the other, and the heel behind the
# ankle. Who comes down on his heel has the toes up: then his ankle is higher than when he stands.
ANKLE_M, BALL_M, FOOT_M, HEEL_M = 0.07, 0.015, 0.125, 0.065


@dataclass(frozen=True, eq=False)
class Feet:
    """How heels and balls of the feet hang on a skeleton's root.

    paths    (2, K) joints from below the root to the ankle; left first
    parts    names of ankle and toe joint of each side
    heels    (2, 3) from the ankle to the heel, in the ankle's axes; balls to the ball of the foot
    ball_m   how high the ball is when the foot stands flat; the heel is on the floor then
    scale    what makes of this body's metres the performer's
    """

    paths: Array
    parts: tuple[tuple[str, str], tuple[str, str]]
    heels: Array
    balls: Array
    ball_m: float
    scale: float

    @functools.cached_property
    def _ends(self) -> Array:
        return quaternion.turning(np.stack([self.heels, self.balls]))[:, None]

    def points(self, positions: Array, rotations: Array) -> Points:
        """Hips (B, 3), heels and balls (B, 2, 3) of poses (B, J, 3), (B, J, 4) in the world."""
        hips = positions[:, 0]
        at = np.repeat(hips[:, None], 2, 1)
        turn = np.repeat(rotations[:, :1], 2, 1)
        for joints in self.paths.T:
            at = at + quaternion.rotate(turn, positions[:, joints])
            turn = quaternion.multiply(turn, rotations[:, joints])
        both = quaternion.turned(turn, self._ends)  # (2 ends, B, 2, 3)
        return hips, at + both[0], at + both[1]

    def over(self, points: Points, floor: Floor | None = None) -> Points:
        """Points over the floor, and over where they are when a foot stands flat, to scale."""
        out = []
        for one, rest_m in zip(points, (0.0, 0.0, self.ball_m)):
            lifted = one.copy()
            lifted[..., 1] -= rest_m
            if floor is not None:
                lifted[..., 1] -= floor.heights(one[..., 0], one[..., 2])
            out.append(lifted * self.scale)
        return out[0], out[1], out[2]


@functools.lru_cache(maxsize=256)
def feet(skeleton: Skeleton) -> Feet | None:
    """Those of a skeleton; None where it has no two legs."""
    found = roles(skeleton)
    wanted = [f"{s}_{part}" for s in SIDES for part in ("upper_leg", "lower_leg", "foot")]
    if not all(name in found for name in wanted):
        return None
    paths = [_path(skeleton, found[f"{side}_foot"]) for side in SIDES]
    if len(paths[0]) != len(paths[1]):
        return None
    world_p, world_r = skeleton.rest_globals
    legs = [[world_p[found[f"{s}_{p}"]] for p in ("upper_leg", "lower_leg", "foot")] for s in SIDES]
    scale = leg_m(PERFORMER) / _length(legs)
    heels, balls, parts = [], [], []
    for side in SIDES:
        ankle, toe = found[f"{side}_foot"], found.get(f"{side}_toes", -1)
        # Of a foot without toes the ball is ahead of the ankle, near the ground.
        away = np.array([0.0, BALL_M - ANKLE_M, FOOT_M]) / scale
        if toe >= 0:
            away = world_p[toe] - world_p[ankle]
        # A foot is as it stands in the rest pose; its length tells where its heel is.
        long_m = float(np.hypot(away[0], away[2])) or FOOT_M / scale
        back = np.array([away[0], 0.0, away[2]]) / long_m
        heel = -HEEL_M / FOOT_M * long_m * back + np.array([0.0, away[1] - BALL_M / scale, 0.0])
        turn = rotation.conjugate(world_r[ankle])
        heels.append(rotation.rotate(turn, heel))
        balls.append(rotation.rotate(turn, away))
        name = skeleton.names[ankle]
        parts.append((name, skeleton.names[toe] if toe >= 0 else name))
    ball_m = BALL_M / scale
    ends = np.array(heels), np.array(balls)
    return Feet(np.array(paths), (parts[0], parts[1]), *ends, ball_m, scale)


@functools.lru_cache(maxsize=256)
def leg_m(skeleton: Skeleton) -> float:
    """Thigh and shin of a skeleton with legs, in metres."""
    found, world_p = roles(skeleton), skeleton.rest_globals[0]
    parts = ("upper_leg", "lower_leg", "foot")
    return _length([[world_p[found[f"{side}_{p}"]] for p in parts] for side in SIDES])


def _length(legs: list[list[Array]]) -> float:
    return float(np.mean([np.linalg.norm(b - a) + np.linalg.norm(c - b) for a, b, c in legs]))


def _path(skeleton: Skeleton, joint: int) -> list[int]:
    """Joints from below the root down to this one."""
    out: list[int] = []
    while joint > 0:
        out.insert(0, joint)
        joint = int(skeleton.parents[joint])
    return out
