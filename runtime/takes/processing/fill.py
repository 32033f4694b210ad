"""Gaps filled with look-ahead: both sides of a gap are known, so it is acted from both.

The takeover network acts the gap forwards from what came before, and, on the motion turned round in
time, backwards from what came after. Each way is taken slower or faster, so that it arrives in
step, then bent to meet the far side; and the two are blended, each near its own side.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.performer.takeover.offline import OfflineInput, run_offline
from understudy.runtime.performer.takeover.takeover import Takeover
from understudy.runtime.retarget.retarget import NotHumanoid, t_pose_of_any
from understudy.runtime.takes.clip import Clip

# Of true motion, before a gap, for the network.
WARM_S = 1.2
# A gap is acted on beyond its end by so much of its length, and may be taken so much faster.
BEYOND, RATES = 0.35, np.linspace(0.7, 1.3, 25)
# Metres that a change of rate by a factor of e must win.
RATE_COST_M = 0.1
# The way back is less sure: the network has learnt motion as it goes.
BACKWARDS = 1.75
# Longer gaps are nobody's to invent.
LONGEST_S = 5.0
AT_ONCE = 32
_Way = tuple[Array, Array]


@dataclass(frozen=True)
class Gap:
    """Frames start .. stop - 1, where joints (J,) were not seen."""

    start: int
    stop: int
    joints: np.ndarray
    filled: bool = True

    def __len__(self) -> int:
        return self.stop - self.start


def gaps_of(seen: np.ndarray) -> list[Gap]:
    """The gaps of a clip, from what was seen (T, J) of it."""
    missing = ~seen.all(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], missing.astype(np.int8), [0]])))
    spans = edges.reshape(-1, 2).tolist()
    return [Gap(a, b, np.asarray(~seen[a:b].all(axis=0))) for a, b in spans]


def fill(
    clip: Clip, seen: np.ndarray, weights: Path | None = None, longest_s: float = LONGEST_S
) -> tuple[Clip, list[Gap]]:
    """The clip with what was not seen (T, J) filled in, and its gaps.

    Joints that were seen stay as they are, to the bit. Gaps longer than longest_s, and those of
    which neither side is known, stay as they are too, and are marked. Other skeletons than
    humanoids are interpolated.
    """
    found = gaps_of(seen)
    total, longest = len(clip), longest_s * clip.rate_hz
    done = [
        replace(gap, filled=len(gap) <= longest and not (gap.start == 0 and gap.stop == total))
        for gap in found
    ]
    todo = [gap for gap in done if gap.filled]
    if not todo:
        return clip, done
    positions, rotations = clip.positions.copy(), clip.rotations.copy()
    try:
        t_pose_of_any(clip.skeleton)
        humanoid = True
    except NotHumanoid:
        humanoid = False
    for first in range(0, len(todo), AT_ONCE):
        some = todo[first : first + AT_ONCE]
        if humanoid:
            ahead = _acted(clip, seen, some, weights, back=False)
            back = _acted(clip, seen, some, weights, back=True)
        else:
            ahead = back = [None] * len(some)
        for gap, one, other in zip(some, ahead, back, strict=True):
            way = _blended(clip, gap, one, other)
            span = slice(gap.start, gap.stop)
            lost = ~seen[span]
            positions[span] = np.where(lost[..., None], way[0], positions[span])
            rotations[span] = np.where(lost[..., None], way[1], rotations[span])
    return replace(clip, positions=positions, rotations=rotations, raw=None), done


def _acted(
    clip: Clip, seen: np.ndarray, gaps: list[Gap], weights: Path | None, back: bool
) -> list[_Way | None]:
    """Each gap as the network acts it, from its known side on and beyond; None where it has none.

    Frame 0 is the last that was known.
    """
    turn = slice(None, None, -1 if back else 1)
    positions, rotations, seen = clip.positions[turn], clip.rotations[turn], seen[turn]
    total, warm = len(clip), round(WARM_S * clip.rate_hz)
    parts: list[OfflineInput] = []
    cuts: list[tuple[int, int] | None] = []
    for gap in gaps:
        start = total - gap.stop if back else gap.start
        if start == 0:
            cuts.append(None)
            continue
        first, stop = max(0, start - warm), start + len(gap)
        beyond = round(BEYOND * len(gap)) + 2
        after = np.full(beyond, min(stop, total) - 1)
        frames = np.concatenate([np.arange(first, stop), after])
        known = seen[frames].copy()
        known[stop - first :] = ~gap.joints
        parts.append(OfflineInput(positions[frames], rotations[frames], known))
        cuts.append((start - first, stop + beyond - first))
    if not parts:
        return [None] * len(gaps)
    endless = float("inf")
    with Takeover([clip.skeleton] * len(parts), endless, weights) as takeover:
        shown = iter(run_offline(takeover, parts, clip.rate_hz))
    ways: list[_Way | None] = []
    for cut in cuts:
        if cut is None:
            ways.append(None)
            continue
        one = next(shown)
        span = slice(cut[0] - 1, cut[1])
        ways.append((one.positions[span], one.rotations[span]))
    return ways


def _blended(clip: Clip, gap: Gap, ahead: _Way | None, back: _Way | None) -> _Way:
    """The gap's frames out of the two ways, or of the one that there is."""
    before = gap.start - 1 if gap.start > 0 else None
    after = gap.stop if gap.stop < len(clip) else None
    u = (np.arange(len(gap)) + 1.0) / (len(gap) + 1.0)
    if before is not None and after is not None:
        one, other = _pose(clip, before), _pose(clip, after)
        if ahead is None or back is None:
            return _mixed(_repeated(one, len(gap)), _repeated(other, len(gap)), u * u * (3 - 2 * u))
        there = _arriving(clip.skeleton, gap, ahead, other)
        here = _arriving(clip.skeleton, gap, back, one)
        here = here[0][::-1], here[1][::-1]
        share = u**2 / (u**2 + (BACKWARDS * (1.0 - u)) ** 2)
        return _mixed(there, here, share)
    frames = slice(1, len(gap) + 1)
    if ahead is not None:
        return ahead[0][frames], ahead[1][frames]
    if back is not None:
        return back[0][frames][::-1], back[1][frames][::-1]
    known = before if before is not None else after
    assert known is not None
    return _repeated(_pose(clip, known), len(gap))


def _arriving(skeleton: Skeleton, gap: Gap, way: _Way, goal: _Way) -> _Way:
    """A way (frame 0 the known pose) that is at goal (J, 3), (J, 4) one frame after the gap."""
    steps = len(gap) + 1
    whole = skeleton.globals(*goal)[0][gap.joints]
    best, rate = np.inf, 1.0
    for one in RATES:
        if one * steps > len(way[0]) - 1:
            break
        there = skeleton.globals(*_at(way, np.array([one * steps])))[0][0][gap.joints]
        off = there - whole
        if gap.joints[0]:
            off = off - off.mean(axis=0) * [1.0, 0.0, 1.0]
        cost = np.sqrt((off * off).sum(-1)).mean() + RATE_COST_M * abs(np.log(one))
        if cost < best:
            best, rate = float(cost), float(one)
    u = (np.arange(len(gap)) + 1.0) / steps
    positions, rotations = _at(way, steps * (u + (rate - 1.0) * u * u))
    last_p, last_r = _at(way, np.array([rate * steps]))
    smooth = (u * u * (3.0 - 2.0 * u))[:, None, None]
    turn = rotation.multiply(goal[1], rotation.conjugate(last_r[0]))
    turns = rotation.from_rotation_vector(smooth * rotation.to_rotation_vector(turn))
    return positions + smooth * (goal[0] - last_p[0]), rotation.multiply(turns, rotations)


def _at(way: _Way, frames: Array) -> _Way:
    """A way at fractional frames (n,)."""
    index = np.clip(np.floor(frames).astype(int), 0, len(way[0]) - 2)
    share = np.clip(frames - index, 0.0, 1.0)
    one = way[0][index], way[1][index]
    return _mixed(one, (way[0][index + 1], way[1][index + 1]), share)


def _mixed(one: _Way, other: _Way, share: Array) -> _Way:
    """Between two motions, by a share (n,) of each frame."""
    turns = np.broadcast_to(share[:, None], one[1].shape[:2])
    weight = share[:, None, None]
    return one[0] + weight * (other[0] - one[0]), rotation.slerp(one[1], other[1], turns)


def _pose(clip: Clip, frame: int) -> _Way:
    return clip.positions[frame], clip.rotations[frame]


def _repeated(pose: _Way, count: int) -> _Way:
    return np.repeat(pose[0][None], count, 0), np.repeat(pose[1][None], count, 0)
