"""What came of suits on a network: what was shown of each, against the film that all played."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from understudy.runtime.core.pose import State, Subject
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

from .suit_film import RATE_HZ, Shown, Truth
from .suit_network import MERGED, SUITS

STAGE_HZ = 60
# Nothing is judged before, and so many poses of each suit are kept for the comparison.
WARM_S, KEPT = 10.0, 6000
# What a reason of a subject is about, by its words.
WHY = {
    "silent": "it is silent",
    "handing over": "it is back and handed over",
    "walking there": "it is back elsewhere and walks there",
    "lacks": "a part of it is silent",
}
# Slower than this a body stands, and nobody can tell when it was.
MOVES = 0.1


@dataclass
class Seen:
    """One suit's subject on the wire. states (N,); of the frames that were kept the film's time,
    the state, and the pose: (skeleton, positions, rotations)."""

    states: list[int] = field(default_factory=list)
    ages_ms: list[float] = field(default_factory=list)
    now_s: list[float] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)
    poses: list[tuple[Skeleton, Array, Array]] = field(default_factory=list)
    why: Counter[str] = field(default_factory=Counter)  # it was not LIVE

    def see(self, one: Subject, now_s: float, keeps: bool) -> None:
        """Takes a subject of a frame; its pose too where it is to be kept."""
        self.states.append(int(one.state))
        if one.state is not State.LIVE:
            self.why[next((word for word in WHY if word in one.reason), "else")] += 1
        if keeps:
            self.poses.append((one.skeleton, one.pose.positions.copy(), one.pose.rotations.copy()))
            self.now_s.append(now_s)
            self.kept.append(int(one.state))


@dataclass
class Report:
    """What came of so many seconds.

    lag_s        of each suit, LIVE: by how much later than it was taken a pose is shown
    apart_ms     (N,) hands behind bodies of merged subjects, all of them
    takeover     of each suit, the share of TAKEOVER
    why          the share of all ticks in which a subject was not LIVE, by WHY
    off_m        (N,) in TAKEOVER, mean joint error against the film at that moment
    held_off_m   (N,) of one who had kept the last pose that was LIVE instead
    ages_ms      (N,) LIVE: from the newest datagram's arrival to the wire
    """

    seconds: float
    suits: int = len(SUITS)
    suits_hz: int = RATE_HZ
    stage_hz: int = STAGE_HZ
    frames: int = 0
    ticks: int = 0
    skipped: int = 0
    lost: int = 0
    lag_s: dict[str, float] = field(default_factory=dict)
    apart_ms: Array = field(default_factory=lambda: np.zeros(0))
    takeover: dict[str, float] = field(default_factory=dict)
    why: dict[str, float] = field(default_factory=dict)
    other: dict[str, float] = field(default_factory=dict)
    off_m: Array = field(default_factory=lambda: np.zeros(0))
    held_off_m: Array = field(default_factory=lambda: np.zeros(0))
    live_off_m: float = 0.0
    ages_ms: Array = field(default_factory=lambda: np.zeros(0))
    memory_mb: list[float] = field(default_factory=list)
    tick_ms: dict[str, float] = field(default_factory=dict)
    load: float = 0.0

    @property
    def grown_mb(self) -> float:
        """Memory from a fifth of the time to the end."""
        return self.memory_mb[-1] - self.memory_mb[len(self.memory_mb) // 5]


def judge(report: Report, seen: Mapping[str, Seen], truth: Truth) -> None:
    """What the film has to say to what was shown."""
    apart, off, held, live, ages = [], [], [], [], []
    ticks = sum(len(one.states) for one in seen.values())
    report.why = {
        word: sum(one.why[word] for one in seen.values()) / max(ticks, 1) for word in (*WHY, "else")
    }
    for suit, one in seen.items():
        states = np.array(one.states)
        report.takeover[suit] = float((states == State.TAKEOVER).mean())
        report.other[suit] = float((states > State.TAKEOVER).mean())
        ages += one.ages_ms
        now_s, kept = np.array(one.now_s), np.array(one.kept)
        places = _by_skeleton(one.poses, truth.places)
        is_live = kept == State.LIVE
        body = truth.shown(places[is_live], now_s[is_live])
        sure = body.speed > MOVES
        behind_s = (now_s[is_live] - body.when_s)[sure]
        report.lag_s[suit] = lag_s = float(np.median(behind_s)) if len(behind_s) else float("nan")
        if not len(behind_s):  # nothing of it was in time, so nobody knows when it was
            continue
        live.append(float(np.median(body.off_m)))
        acted = kept == State.TAKEOVER
        then = truth.at(now_s - lag_s)
        off.append(_mean_m(places[acted], then[acted]))
        # The last row that was LIVE; where none was yet, the first.
        last = np.maximum.accumulate(np.where(is_live, np.arange(len(kept)), 0))
        held.append(_mean_m(then[last][acted], then[acted]))
        if suit in MERGED:
            apart.append(_apart_ms(one, truth, is_live, now_s, body))
    none = [np.zeros(0)]
    report.off_m, report.held_off_m = np.concatenate(off or none), np.concatenate(held or none)
    report.apart_ms = np.concatenate(apart or none)
    report.live_off_m = float(np.median(live or [np.nan]))
    report.ages_ms = np.array(ages)


def _apart_ms(one: Seen, truth: Truth, live: Array, now_s: Array, body: Shown) -> Array:
    """By how much the hands of LIVE poses are behind the body, where both move."""
    poses = [pose for pose, is_live in zip(one.poses, live, strict=True) if is_live]
    hands = truth.shown(_by_skeleton(poses, lambda s, _, r: truth.hand_turns(s, r)), now_s[live])
    sure = (body.speed > MOVES) & (hands.speed > MOVES)
    return np.asarray(1e3 * (body.when_s - hands.when_s)[sure])


def _by_skeleton(poses: list[tuple[Skeleton, Array, Array]], made: Any) -> Array:
    """Something made of poses (N, ...), of those of each skeleton together."""
    found: list[Any] = [None] * len(poses)
    groups: dict[int, list[int]] = {}
    for n, (skeleton, _, _) in enumerate(poses):
        groups.setdefault(skeleton.id, []).append(n)
    for rows in groups.values():
        skeleton = poses[rows[0]][0]
        positions = np.array([poses[n][1] for n in rows], float)
        rotations = np.array([poses[n][2] for n in rows], float)
        for n, value in zip(rows, made(skeleton, positions, rotations), strict=True):
            found[n] = value
    return np.array(found)


def _mean_m(places: Array, truth: Array) -> Array:
    """(N,) mean distance of joints (N, K, 3)."""
    return np.asarray(np.linalg.norm(places - truth, axis=-1).mean(axis=-1))


def lined_up(lag_s: Mapping[str, float]) -> dict[str, float]:
    """By how much each part of the merged subjects has to wait for the other."""
    later: dict[str, float] = {}
    for body, hands in MERGED.items():
        if not {body, hands} <= lag_s.keys():
            continue
        behind_s = lag_s[hands] - lag_s[body]
        later[body if behind_s > 0.0 else hands] = abs(behind_s)
    return later
