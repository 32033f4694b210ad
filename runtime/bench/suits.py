"""Eight suits of four kinds on a bad network, for minutes: a stage with them, against the truth.

All suits play the same film in a circle. What one would send in a life of its program is made
beforehand, so that who sends needs little of the machine that is measured.
"""

from __future__ import annotations

import contextlib
import heapq
import multiprocessing as mp
import os
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from understudy.bridge import ControlClient, Subscriber
from understudy.runtime.core.errors import Failure
from understudy.runtime.core.pose import State
from understudy.runtime.core.processes import free_ports
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.simulators.device import DEVICES, RESTARTS_S, Performance
from understudy.runtime.simulators.line import Line
from understudy.runtime.takes.clip import Clip

from .processes import StageProcess, resident_mb
from .suit_film import RATE_HZ, SECONDS, Shown, Truth, bare

KINDS = ("mvn", "natnet", "neuron", "rokoko")
SUITS = tuple(f"{kind}{n}" for n in (1, 2) for kind in KINDS)
# Body of one, hands of another. The kinds that have hands are bodies of their own besides.
MERGED = {"mvn1": "neuron1", "mvn2": "neuron2", "rokoko1": "natnet1", "rokoko2": "natnet2"}
STAGE_HZ = 60
# Shown later by so much: 20 ms of jitter, a frame that is lost, and a frame.
DELAY_S = 0.06
WARM_S, PATIENCE_S = 10.0, 60.0
# Poses that are kept for the comparison, of each suit.
KEPT = 6000
# Slower than this a body stands, and nobody can tell when it was.
MOVES = 0.1


@dataclass(frozen=True)
class Network:
    """What a suit's datagrams meet; without restarts a program lives as long as the film."""

    loss: float = 0.0
    jitter_s: float = 0.0
    every_s: float = 0.0
    silent_s: float = 0.0
    restarts: bool = False

    def line(self, number: int) -> Line:
        return Line(self.loss, self.jitter_s, self.every_s, self.silent_s, number)

    @property
    def words(self) -> str:
        if not self.jitter_s:
            return "a good network"
        return (
            f"{self.loss:.0%} loss, {1e3 * self.jitter_s:.0f} ms jitter, a silence of "
            f"{self.silent_s:g} s every {self.every_s:g} s, a restart every {SECONDS} s"
        )


GOOD, BAD = Network(), Network(0.02, 0.02, 5.0, 0.5, restarts=True)


Lives = dict[str, list[list[bytes]]]


def lives(clip: Clip) -> Lives:
    """Of each suit the datagrams of every frame of the film, from where its program begins."""
    found = {}
    plain = bare(clip)
    for number, suit in enumerate(SUITS):
        kind = suit[:-1]
        performance = Performance(clip if suit in MERGED.values() else plain)
        simulator, first = DEVICES[kind].made(), _first(number)
        found[suit] = [
            simulator.datagrams(performance.frame(first + n), n / RATE_HZ)
            for n in range(SECONDS * RATE_HZ)
        ]
    return found


def _first(number: int) -> int:
    """The frame of the film with which a suit's program begins: no two die together."""
    return number * SECONDS * RATE_HZ // len(SUITS)


def send(
    made: Lives, ports: Mapping[str, int], network: Network, hz: int, ready: Any, begin: Any,
    ends: Any,
) -> None:  # fmt: skip
    """A process of its own: all suits, until told to end. begin: when the film was at 0."""
    ready.set()
    while not begin.value:
        time.sleep(0.01)
    start_s: float = begin.value
    worn = [(number, suit) for number, suit in enumerate(SUITS) if suit in ports]
    lines = [network.line(number) for number in range(len(SUITS))]
    waiting: list[tuple[float, int, int, bytes]] = []
    mouths = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in SUITS]
    away = round(RESTARTS_S * RATE_HZ) if network.restarts else 0
    count, order, frame = SECONDS * RATE_HZ, 0, 0
    while not ends.is_set():
        due_s = start_s + frame / RATE_HZ
        next_s = min(due_s, waiting[0][0] if waiting else due_s)
        if (early_s := next_s - time.monotonic()) > 0.0:
            time.sleep(min(early_s, 0.05))
            continue
        if waiting and waiting[0][0] <= due_s:
            _, _, number, data = heapq.heappop(waiting)
            with contextlib.suppress(OSError):
                mouths[number].sendto(data, ("127.0.0.1", ports[SUITS[number]]))
            continue
        for number, suit in worn:
            own = (frame - _first(number)) % count
            if network.restarts and own == 0:
                mouths[number].close()
                mouths[number] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            if own >= count - away:
                continue
            # Silences are each suit's own too.
            offset_s = 0.6 * number
            for at_s, data in lines[number].carry(made[suit][own], frame / RATE_HZ + offset_s):
                heapq.heappush(waiting, (start_s + at_s - offset_s, order, number, data))
                order += 1
        frame += RATE_HZ // hz


@dataclass
class Seen:
    """One suit's subject on the wire. states (N,); of the frames that were kept the film's time,
    the state, and the pose: (skeleton, positions, rotations)."""

    states: list[int] = field(default_factory=list)
    ages_ms: list[float] = field(default_factory=list)
    now_s: list[float] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)
    poses: list[tuple[Skeleton, Array, Array]] = field(default_factory=list)


class Listener(threading.Thread):
    """Keeps what a stage shows, from `warm_ns` on, each so many frames its poses too."""

    def __init__(self, address: str, start_s: float, every: int) -> None:
        super().__init__(daemon=True)
        self.seen: dict[str, Seen] = {}
        self.frames = self.lost = 0
        self._address, self._start_s, self._every = address, start_s, every
        self.ending = False
        self.start()

    def run(self) -> None:
        with Subscriber(self._address, timeout_s=0.2) as subscriber:
            while not self.ending:
                frame = subscriber.receive(0.2)
                if frame is None:
                    continue
                now_s = 1e-9 * frame.publish_ns - self._start_s
                if now_s < WARM_S:
                    continue
                self.frames += 1
                for one in frame.subjects:
                    seen = self.seen.setdefault(one.name, Seen())
                    seen.states.append(int(one.state))
                    if one.state is State.LIVE:
                        seen.ages_ms.append(1e-6 * (frame.publish_ns - one.capture_ns))
                    if self.frames % self._every == 0:
                        pose = one.skeleton, one.pose.positions.copy(), one.pose.rotations.copy()
                        seen.poses.append(pose)
                        seen.now_s.append(now_s)
                        seen.kept.append(int(one.state))
            self.lost = subscriber.statistics.lost


@dataclass
class Report:
    """What came of so many seconds.

    lag_s        of each suit, LIVE: by how much later than it was taken a pose is shown
    apart_ms     (N,) hands behind bodies of merged subjects, all of them
    takeover     of each suit, the share of TAKEOVER
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


def rehearse(
    seconds: float,
    clip: Clip,
    made: Lives,
    network: Network = BAD,
    delay: str = f"{DELAY_S:g}",
    later_s: Mapping[str, float] | None = None,
    rate_hz: int = STAGE_HZ,
    suits_hz: int = RATE_HZ,
    worn: tuple[str, ...] = SUITS,
) -> Report:
    """A stage with all suits; later_s: by how much each part of the merged subjects waits."""
    ports = dict(zip(worn, free_ports(len(worn)), strict=True))
    words: list[object] = ["--rate", rate_hz]
    for suit in worn:
        words += ["--from", f"{suit[:-1]}://127.0.0.1:{ports[suit]}?name={suit}&delay={delay}"]
    for suit in worn:
        waits = {one: (later_s or {}).get(one, 0.0) for one in (suit, MERGED.get(suit, ""))}
        parts = [f"body={suit}@{waits[suit]:.4f}" if waits[suit] else f"body={suit}"]
        if hands := MERGED.get(suit, ""):
            parts.append(f"hands={hands}@{waits[hands]:.4f}" if waits[hands] else f"hands={hands}")
        words += ["--subject", f"{suit}:{','.join(parts)}"]
    spawn = mp.get_context("spawn")
    ready, ends, begin = spawn.Event(), spawn.Event(), spawn.Value("d", 0.0)
    sender = spawn.Process(target=send, args=(made, ports, network, suits_hz, ready, begin, ends))
    sender.start()
    try:
        if not ready.wait(PATIENCE_S):
            raise Failure(f"Who sends was not ready within {PATIENCE_S:g} s.")
        with StageProcess(*words, seconds=seconds + WARM_S + 60.0) as stage:
            report = _watched(stage, seconds, clip, begin, sender, rate_hz)
        report.suits_hz, report.suits, report.stage_hz = suits_hz, len(worn), rate_hz
        return report
    finally:
        ends.set()
        sender.join(5.0)
        if sender.is_alive():
            sender.kill()


def _watched(
    stage: StageProcess, seconds: float, clip: Clip, begin: Any, sender: Any, rate_hz: int
) -> Report:
    report = Report(seconds)
    start_s = begin.value = time.monotonic() + 0.5
    every = max(round(seconds * rate_hz / KEPT), 1)
    listener = Listener(stage.publish, start_s, every)
    time.sleep(WARM_S)
    with ControlClient(stage.control) as client:
        before = client.stats()
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            if not sender.is_alive() or stage.process.poll() is not None:
                raise Failure("The suits or the stage ended before their time.")
            report.memory_mb.append(resident_mb(stage.process.pid))
            time.sleep(1.0)
        after = client.stats()
    listener.ending = True
    listener.join()
    report.skipped = after["skipped"] - before["skipped"]
    report.ticks = after["ticks"] - before["ticks"]
    report.tick_ms = {name: ms["p50"] for name, ms in after["ms"].items() if "p50" in ms}
    report.frames, report.lost = listener.frames, listener.lost
    report.load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    _judge(report, listener.seen, Truth(clip))
    return report


def _judge(report: Report, seen: Mapping[str, Seen], truth: Truth) -> None:
    """What the film has to say to what was shown."""
    apart, off, held, live, ages = [], [], [], [], []
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
