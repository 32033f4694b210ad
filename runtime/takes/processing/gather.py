"""What a take's senders really sent, on one clock: late packets in their place, lost ones gaps.

The take's packets go through their decoders once more. Where a take has none, or a subject was
acted by a pad, its recorded poses are taken, and what was acted for a missing body is a gap.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import State
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.sources.packet import Packet
from understudy.runtime.stage.live import Seat
from understudy.runtime.stage.replay import TakenInputs, stage_of
from understudy.runtime.takes import bvh
from understudy.runtime.takes.clip import Clip
from understudy.runtime.takes.take_export import Track, load

# Packets further apart than this many of their usual distance, and than LEAST_HOLE_S, have a hole
# between them.
HOLE, LEAST_HOLE_S = 1.6, 0.02
# The way of a packet takes at least as long as the quickest of so many seconds took.
CLOCK_S = 3.0
# So many frames alike to the bit are no motion: whoever recorded them held the last.
FROZEN_S = 0.1


@dataclass
class Gathered:
    """One subject: its motion, what was seen (T, J) of it, and what is to be said.

    recorded is what went out on stage, for what nobody knows better.
    """

    clip: Clip
    seen: np.ndarray
    recorded: Clip
    start_timecode: str = ""
    notes: list[str] = field(default_factory=list)


def gather(path: Path) -> Iterator[Gathered]:
    """The subjects of a take (.mcap), or the one of a BVH file."""
    if path.suffix.lower() == ".bvh":
        clip = bvh.read(path)
        yield Gathered(clip, _not_frozen(clip), clip, notes=list(clip.notes))
        return
    motion = load(path)
    sent: dict[str, list[tuple[float, Packet]]] = {}
    notes: list[str] = []
    try:
        sent = _sent(path)
    except UnderstudyError as error:
        notes = [f"The recorded poses are taken. {error}"]
    for track in motion.tracks:
        own = sent.get(track.name, [])
        own = [one for one in own if len(one[1].rotations) == len(track.skeleton)]
        first, rate_hz = motion.first, motion.rate_hz
        ticks = np.arange(track.ticks[0], track.ticks[-1] + 1)
        recorded, live = _recorded(track, ticks, rate_hz)
        clip, seen = recorded, live
        if len(own) > 1:
            clip, seen = _placed(track, own, ticks, rate_hz)
        timecode = motion.timecodes.get(int(ticks[0]), motion.timecodes.get(first, ""))
        yield Gathered(clip, seen, recorded, timecode, list(notes))


def _sent(path: Path) -> dict[str, list[tuple[float, Packet]]]:
    """By subject, the packets that its body was given, each with the tick's time."""
    taken = TakenInputs(path, math.inf)
    by_seat: dict[int, list[tuple[float, Packet]]] = {}
    names: dict[int, set[str]] = {}
    places: dict[int, tuple[Array, Array]] = {}
    rate_hz = taken.session.stage.rate_hz
    taken.session.stage.takeover = False  # what is missing is wanted as missing
    with stage_of(taken) as stage:
        now_s = 0.0

        def heard(seat: Seat, packet: Packet) -> None:
            by_seat.setdefault(id(seat), []).append((now_s, packet))

        stage.cast.live.heard = heard
        for number in taken.numbers:
            now_s = number / rate_hz
            stage.tick(number)
            stage.housekeep(number)
            for member in stage.cast.members:
                names.setdefault(id(member.seat), set()).add(member.subject.name)
                places[id(member.seat)] = member.placed
    out: dict[str, list[tuple[float, Packet]]] = {}
    for key, packets in by_seat.items():
        moved = [(at_s, _moved(packet, *places[key])) for at_s, packet in packets]
        out.update({name: moved for name in names[key]})  # who was renamed is in the take twice
    return out


def _moved(packet: Packet, at_m: Array, turn: Array) -> Packet:
    positions, rotations = packet.positions.copy(), packet.rotations.copy()
    positions[0] = rotation.rotate(turn, positions[0]) + at_m
    rotations[0] = rotation.multiply(turn, rotations[0])
    return replace(packet, positions=positions, rotations=rotations)


def _placed(
    track: Track, sent: list[tuple[float, Packet]], ticks: np.ndarray, rate_hz: float
) -> tuple[Clip, np.ndarray]:
    """Packets at their own times, sampled at the ticks."""
    came_s = np.array([at_s for at_s, _ in sent])
    taken_s = np.array([packet.capture_s for _, packet in sent])
    order = np.argsort(taken_s, kind="stable")
    came_s, taken_s = came_s[order], taken_s[order]
    first = np.concatenate([[True], np.diff(taken_s) > 1e-6])
    order, came_s, taken_s = order[first], came_s[first], taken_s[first]
    times = taken_s + _least_delay(taken_s, came_s - taken_s)
    packets = [sent[k][1] for k in order.tolist()]
    positions = np.array([packet.positions for packet in packets], float)
    rotations = rotation.continuous(np.array([packet.rotations for packet in packets], float))
    whole = np.ones(rotations.shape[:2], bool)
    for k, packet in enumerate(packets):
        if packet.seen is not None:
            whole[k] = packet.seen
    usual_s = float(np.median(np.diff(times))) if len(times) > 1 else 1.0 / rate_hz
    hole_s = max(HOLE * usual_s, LEAST_HOLE_S, 1.01 / rate_hz)
    at = ticks / rate_hz
    out_p = np.repeat(positions[:1], len(at), axis=0)
    out_r = np.repeat(rotations[:1], len(at), axis=0)
    seen = np.repeat(~whole[:1], len(at), axis=0)
    for joints in _alike(whole):
        there = np.flatnonzero(whole[:, joints[0]])
        if not len(there):
            out_p[:, joints], out_r[:, joints] = positions[0, joints], rotations[0, joints]
            seen[:, joints] = False
            continue
        known = times[there]
        after = np.clip(np.searchsorted(known, at), 1, max(len(known) - 1, 1))
        one, two = there[after - 1], there[np.minimum(after, len(there) - 1)]
        span = np.maximum(times[two] - times[one], 1e-9)
        share = np.clip((at - times[one]) / span, 0.0, 1.0)
        near = (times[two] - times[one] <= hole_s) | (share < 1e-3) | (share > 1.0 - 1e-3)
        near &= (at >= known[0] - 0.5 * usual_s) & (at <= known[-1] + 0.5 * usual_s)
        weight = share[:, None, None]
        p, r = positions[:, joints], rotations[:, joints]
        out_p[:, joints] = p[one] + weight * (p[two] - p[one])
        turns = np.broadcast_to(share[:, None], (len(at), len(joints)))
        out_r[:, joints] = rotation.slerp(r[one], r[two], turns)
        seen[:, joints] = near[:, None]
    return _clip(track, track.skeleton, out_p, out_r, rate_hz), seen


def _alike(whole: np.ndarray) -> list[np.ndarray]:
    """Joints by whether they were seen (P, J) in the same packets."""
    _, which = np.unique(whole, axis=1, return_inverse=True)
    which = which.reshape(-1)
    return [np.flatnonzero(which == k) for k in range(int(which.max()) + 1)]


def _least_delay(times: Array, delays: Array) -> Array:
    """(P,) the least delay about each packet: what the clocks differ by, and the quickest way."""
    starts = np.searchsorted(times, times - CLOCK_S)
    stops = np.searchsorted(times, times + CLOCK_S, "right")
    return np.array([delays[a:b].min() for a, b in zip(starts, stops, strict=True)])


def _recorded(track: Track, ticks: np.ndarray, rate_hz: float) -> tuple[Clip, np.ndarray]:
    """The poses that went out; those that were not the source's are not seen."""
    own = np.array(track.ticks)
    shown = np.clip(np.searchsorted(own, ticks, side="right") - 1, 0, len(own) - 1)
    there = own[shown] == ticks
    live = np.array(track.states)[shown] == State.LIVE
    positions = np.array(track.positions, float)[shown]
    rotations = np.array(track.rotations, float)[shown]
    clip = _clip(track, track.skeleton, positions, rotations, rate_hz)
    return clip, np.repeat((there & live)[:, None], len(track.skeleton), axis=1)


def _clip(
    track: Track, skeleton: Skeleton, positions: Array, rotations: Array, rate_hz: float
) -> Clip:
    return Clip(skeleton, positions, rotations, 1.0 / rate_hz, track.name)


def _not_frozen(clip: Clip) -> np.ndarray:
    """(T, J) False where the whole body is alike to the bit for longer than people are still."""
    still = (np.diff(clip.rotations, axis=0) == 0.0).all((1, 2))
    still &= (np.diff(clip.positions, axis=0) == 0.0).all((1, 2))
    seen = np.ones(len(clip), bool)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], still.astype(np.int8), [0]])))
    for a, b in edges.reshape(-1, 2):
        if (b - a) / clip.rate_hz >= FROZEN_S and b - a < len(clip) - 1:
            seen[a + 1 : b + 1] = False
    return np.repeat(seen[:, None], len(clip.skeleton), axis=1)
