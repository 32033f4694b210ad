"""Feet that stand: planted feet are found in a clip and held, and the legs follow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.roles import roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.performer.ik.rig_legs import RigLegs
from understudy.runtime.retarget.retarget import NotHumanoid
from understudy.runtime.takes.clip import Clip

# A foot stands while its ball is this low over where it stands, and this slow, for so long. It is
# let go only when it is faster than LETS_GO.
LOW_M, SLOW_MPS, LETS_GO_MPS, SHORTEST_S = 0.035, 0.25, 0.45, 0.1
# A foot comes to its place, and leaves it, over so long; and is moved by no more than this.
EASE_S, MOST_M = 0.12, 0.08
# Zhang et al. 2018 (MANN): a foot that moves below this height slides, the more the lower it is.
SLIDE_M = 0.025


def feet(skeleton: Skeleton) -> list[int]:
    """Joints of heels and toes."""
    return [j for name, j in roles(skeleton).items() if name.endswith(("_foot", "_toes"))]


def slide(truth: Array, out: Array, joints: list[int], rate_hz: float) -> Array:
    """(T - 1, F) sliding of feet in m/s, in world positions out (T, J, 3).

    Horizontal speed times 2 - 2^(h/H), h the height over where the joint stands in the truth.
    """
    floor = np.percentile(truth[:, joints, 1], 5, axis=0)
    step = np.diff(out[:, joints], axis=0)
    speed = np.hypot(step[..., 0], step[..., 2]) * rate_hz
    height = np.maximum(out[1:, joints, 1] - floor, 0.0)
    return np.where(height < SLIDE_M, speed * (2.0 - 2.0 ** (height / SLIDE_M)), 0.0)


def planted(ball: Array, rate_hz: float) -> list[tuple[int, int]]:
    """Frames first .. stop - 1 of each time at which a foot's ball (T, 3) stands."""
    speed = np.linalg.norm(np.gradient(ball, axis=0), axis=-1) * rate_hz
    low = ball[:, 1] - np.percentile(ball[:, 1], 5) < LOW_M
    spans, since = [], None
    for frame in range(len(ball) + 1):
        stands = frame < len(ball) and low[frame]
        stands = bool(stands and speed[frame] < (SLOW_MPS if since is None else LETS_GO_MPS))
        if stands and since is None:
            since = frame
        elif not stands and since is not None:
            if frame - since >= SHORTEST_S * rate_hz:
                spans.append((since, frame))
            since = None
    return spans


def skating_mps(clip: Clip, of: Clip) -> float | None:
    """How fast the balls of the feet go on average while they are planted in `of`; None: never."""
    try:
        legs = RigLegs(clip.skeleton)
    except NotHumanoid:
        return None
    world, stands = (
        one.skeleton.globals(one.positions, one.rotations)[0][:, legs.ball] for one in (clip, of)
    )
    speeds = [
        np.linalg.norm(np.diff(world[first:stop, k, ::2], axis=0), axis=-1) * clip.rate_hz
        for k in range(len(legs.ball))
        for first, stop in planted(stands[:, k], clip.rate_hz)
    ]
    return float(np.concatenate(speeds).mean()) if speeds else None


def without_skate(clip: Clip) -> Clip:
    """The clip with its planted feet held where they stand; itself where it is no humanoid."""
    skeleton = clip.skeleton
    try:
        legs = RigLegs(skeleton)
    except NotHumanoid:
        return clip
    if len(clip) < 4 or not len(legs.columns):
        return clip
    world_p, world_r = skeleton.globals(clip.positions, clip.rotations)
    moved = np.stack(
        [_offsets(world_p[:, ball], clip.rate_hz) for ball in legs.ball.tolist()], axis=1
    )
    which: np.ndarray = np.asarray((np.abs(moved) > 1e-6).any(-1))
    if not which.any():
        return clip
    rotations = np.array(clip.rotations, float)
    over = np.concatenate([world_r, rotation.identity((len(clip), 1))], axis=1)
    goal = world_p[:, legs.ankle] + moved
    legs.reach(world_p, over, goal, world_r[:, legs.ankle], rotations, which)
    return replace(clip, rotations=rotations, raw=None)


def _offsets(ball: Array, rate_hz: float) -> Array:
    """(T, 3) by how much a foot is moved, so that its ball (T, 3) stands while it is planted."""
    moved = np.zeros_like(ball)
    ease = max(1, round(EASE_S * rate_hz))
    spans = planted(ball, rate_hz)
    for k, (first, stop) in enumerate(spans):
        place = np.median(ball[first:stop], axis=0)
        place[1] = np.nan  # heights are the source's own: heels rise, floors slope
        off = np.nan_to_num(place - ball[first:stop])
        far = np.linalg.norm(off, axis=-1, keepdims=True)
        off *= np.minimum(1.0, MOST_M / np.maximum(far, 1e-9))
        moved[first:stop] = off
        before = first if k == 0 else first - spans[k - 1][1]
        after = len(ball) - stop if k + 1 == len(spans) else spans[k + 1][0] - stop
        for count, edge, way in ((min(ease, before), first, -1), (min(ease, after), stop - 1, 1)):
            u = 1.0 - (np.arange(count) + 1.0) / (count + 1.0)
            frames = edge + way * (np.arange(count) + 1)
            share = (u * u * (3.0 - 2.0 * u))[:, None]
            # Between two plants both fade over the same frames.
            moved[frames] += share * moved[edge]
    return moved
