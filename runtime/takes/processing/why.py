"""Why a body was moved as it was: what the network saw in a take, expected, and got wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import State
from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.takeover.ground import Level
from understudy.runtime.performer.takeover.likeness import Index, Like
from understudy.runtime.performer.takeover.network import RATE_HZ
from understudy.runtime.performer.takeover.reasons import WATCHED, Reasons, reasons
from understudy.runtime.performer.takeover.transfer import Transfer
from understudy.runtime.takes.take_motion import Track, load

from .gather import Gathered, gather

AHEAD_S = 0.5
LEAST_S = 0.3  # of the past, for the network to say anything


@dataclass
class Why:
    """Of one subject at one moment.

    gap_s        from when to when something was missing around the moment
    missing      what was
    watched_s    how much of the past the network saw, of which `holes` ticks were not seen whole
    state        by what was sent out then
    expected_m   (K,) mean of the joints, by tick after the moment; worst: those it doubts most
    truth_s, off_m  when the truth came of what was acted, late or again, and how far off it was
    """

    subject: str
    at_s: float
    timecode: str
    state: str
    gap_s: tuple[float, float] | None
    missing: list[str]
    watched_s: float
    holes: int
    found: Reasons
    expected_m: Array
    worst: list[tuple[str, float]]
    nearest: list[Like]
    truth_s: Array = field(default_factory=lambda: np.zeros(0))
    off_m: Array = field(default_factory=lambda: np.zeros(0))

    def told(self) -> dict[str, Any]:
        """The same as plain values."""
        from understudy.runtime.performer.takeover.reasons import NAMES

        hung = self.found.hung_m
        return {
            "subject": self.subject,
            "at_s": round(self.at_s, 4),
            "timecode": self.timecode,
            "state": self.state,
            "gap_s": self.gap_s and [round(x, 4) for x in self.gap_s],
            "missing": self.missing,
            "watched_s": round(self.watched_s, 3),
            "holes": self.holes,
            "expected_cm": {
                f"{(k + 1) / RATE_HZ:.2f}": round(100 * float(self.expected_m[k]), 2)
                for k in range(len(self.expected_m))
                if k in (0, 7, len(self.expected_m) - 1)
            },
            "doubts_most_cm": {name: round(100 * m, 1) for name, m in self.worst},
            "hung_on_mm": {
                name: round(1e3 * float(row.sum()), 2)
                for name, row in sorted(zip(NAMES, hung), key=lambda one: -one[1].sum())
            },
            "hung_on_moments_mm": {
                f"-{s:.2f}": round(1e3 * float(column.sum()), 2)
                for s, column in zip(self.found.past_s, hung.T)
            },
            "nearest": [
                {"take": one.take, "at_s": one.at_s, "apart_cm": round(100 * one.apart_m, 1)}
                for one in self.nearest
            ],
            "wrong_cm": {
                f"{s:.3f}": round(100 * float(m), 1) for s, m in zip(self.truth_s, self.off_m)
            },
        }


def why(path: Path, subject: str = "", at: float | None = None) -> Why:
    """at: seconds from the subject's first frame; None: where its longest gap begins."""
    every = list(gather(path))
    one = _chosen(every, subject, path)
    clip = one.clip
    try:
        transfer = Transfer(clip.skeleton)
    except UnderstudyError as error:
        raise UnderstudyError(f"{clip.name}: {error}") from None
    whole = _whole(one)
    gaps = _spans(~whole)
    frame, gap = _frame(clip.rate_hz, len(clip), gaps, at)
    last = frame - 1
    while last > 0 and not whole[last]:
        last -= 1
    watched_s = min(last / clip.rate_hz, WATCHED / RATE_HZ)
    if watched_s < LEAST_S:
        raise UnderstudyError(
            f"{clip.name}: at {frame / clip.rate_hz:.2f} s the network has seen {watched_s:.2f} s "
            "of this body; ask for a later moment (--at)."
        )
    hips, turns, holes = _past(one, transfer, last, watched_s)
    found = reasons(hips, turns, round(AHEAD_S * RATE_HZ))
    mean_m = found.error_m.mean(-1) / transfer.scale
    order = np.argsort(-found.error_m[-1])[:4]
    track = _track(path, clip.name)
    truth_s, off_m = _wrong(one, track, gap)
    return Why(
        clip.name,
        frame / clip.rate_hz,
        one.start_timecode,
        _state(track, frame),
        None if gap is None else (gap[0] / clip.rate_hz, gap[1] / clip.rate_hz),
        [] if gap is None else _missing(one, gap),
        watched_s,
        holes,
        found,
        mean_m,
        [(PERFORMER.names[j], float(found.error_m[-1, j] / transfer.scale)) for j in order],
        Index().nearest(hips, turns),
        truth_s,
        off_m,
    )


def _chosen(every: list[Gathered], subject: str, path: Path) -> Gathered:
    names = [one.clip.name for one in every]
    if not names:
        raise UnderstudyError(f"{path} holds no subject.")
    if subject and subject not in names:
        raise UnderstudyError(f"{path} has no subject {subject!r}; it has {', '.join(names)}.")
    if subject:
        return every[names.index(subject)]
    # Whoever was missing for longest.
    return max(every, key=lambda one: max((b - a for a, b in _spans(~_whole(one))), default=0))


def _spans(marked: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], marked.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _frame(
    rate_hz: float, frames: int, gaps: list[tuple[int, int]], at: float | None
) -> tuple[int, tuple[int, int] | None]:
    """The frame that is asked about, and the gap that it lies in or that begins there."""
    if at is None:
        gap = max(gaps, key=lambda one: one[1] - one[0], default=None)
        if gap is None:
            raise UnderstudyError("Nothing was missing in this take; say --at SECONDS.")
        return max(gap[0], 1), gap
    frame = round(at * rate_hz)
    if not 0 < frame < frames:
        raise UnderstudyError(f"--at {at:g} is not within the {frames / rate_hz:.2f} s of it.")
    return frame, next((one for one in gaps if one[0] <= frame < one[1]), None)


def _past(
    one: Gathered, transfer: Transfer, last: int, watched_s: float
) -> tuple[Array, Array, int]:
    """PERFORMER's hips (T, 3) and rotations (T, 22, 4) at the network's ticks up to a frame, and
    how many of them were not seen whole."""
    clip, whole = one.clip, _whole(one)
    count = max(int(watched_s * RATE_HZ), 2)
    at = last - np.arange(count)[::-1] * clip.rate_hz / RATE_HZ
    low = np.clip(np.floor(at).astype(int), 0, last)
    high = np.minimum(low + 1, last)
    share = (at - low)[:, None, None]
    positions = clip.positions[low] + share * (clip.positions[high] - clip.positions[low])
    turns = np.broadcast_to(share[..., 0], (count, len(clip.skeleton)))
    rotations = rotation.slerp(clip.rotations[low], clip.rotations[high], turns)
    level = Level()
    for k in range(max(0, last - round(4.0 * clip.rate_hz)), last + 1, 2):
        if whole[k]:
            level.note(*transfer.there(clip.positions[k], clip.rotations[k]))
    hips, local = transfer.there(positions, rotations)
    hips[:, 1] += level.lift_m
    return hips, local, int((~whole[low]).sum())


def _track(path: Path, name: str) -> Track | None:
    if path.suffix.lower() == ".bvh":
        return None
    return next((track for track in load(path).tracks if track.name == name), None)


def _state(track: Track | None, frame: int) -> str:
    if track is None:
        return ""
    k = int(np.searchsorted(np.array(track.ticks) - track.ticks[0], frame, "right")) - 1
    return State(track.states[max(k, 0)]).name


def _missing(one: Gathered, gap: tuple[int, int]) -> list[str]:
    gone = np.asarray(~one.seen[gap[0] : gap[1]].all(axis=0))
    names = [n for n, g in zip(one.clip.skeleton.names, gone) if g]
    return ["the whole body"] if gone.all() else names


def _wrong(one: Gathered, track: Track | None, gap: tuple[int, int] | None) -> tuple[Array, Array]:
    """Seconds at which the truth is known of what was acted, by a late packet or at the end of the
    gap, and how far what was shown was from it, metres in the mean over the joints."""
    if track is None:
        return np.zeros(0), np.zeros(0)
    acted = np.zeros(len(one.clip), bool)
    ticks = np.array(track.ticks) - track.ticks[0]
    inside = ticks < len(acted)
    acted[ticks[inside]] = np.array(track.states)[inside] == State.TAKEOVER
    known = acted & _whole(one)
    if gap is not None:
        near = np.zeros_like(known)
        near[max(gap[0] - 2, 0) : gap[1] + 1] = True
        known &= near
    frames = np.flatnonzero(known)
    world = [
        one.clip.skeleton.globals(clip.positions[frames], clip.rotations[frames])[0]
        for clip in (one.clip, one.recorded)
    ]
    return frames / one.clip.rate_hz, np.linalg.norm(world[0] - world[1], axis=-1).mean(-1)


def _whole(one: Gathered) -> np.ndarray:
    """(T,) whether all joints were seen."""
    return np.asarray(one.seen.all(axis=1))
