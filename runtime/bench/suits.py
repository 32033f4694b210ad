"""Eight suits of four kinds on a bad network, for minutes: a stage with them, against the truth.

`suit_rehearsal` has the same in virtual time, where no machine is too slow.
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
from typing import Any

from understudy.bridge import ControlClient, Subscriber
from understudy.runtime.core.errors import Failure
from understudy.runtime.core.pose import State
from understudy.runtime.core.processes import free_ports
from understudy.runtime.takes.clip import Clip

from .processes import StageProcess, resident_mb
from .suit_film import RATE_HZ, Truth
from .suit_network import BAD, SUITS, Lives, Network, Sent, Suits, made_of
from .suit_report import KEPT, STAGE_HZ, WARM_S, Report, Seen, judge

# Shown later by so much: 20 ms of jitter, a frame that is lost, and a frame.
DELAY_S = 0.06
PATIENCE_S = 60.0


def send(
    made: Lives, ports: Mapping[str, int], network: Network, hz: int, ready: Any, begin: Any,
    ends: Any,
) -> None:  # fmt: skip
    """A process of its own: all suits, until told to end. begin: when the film was at 0."""
    ready.set()
    while not begin.value:
        time.sleep(0.01)
    start_s: float = begin.value
    suits = Suits(made, network, ports)
    waiting: list[tuple[float, int, Sent]] = []
    mouths: dict[tuple[int, int], socket.socket] = {}  # of each suit in each of its lives
    order, frame = 0, 0
    while not ends.is_set():
        due_s = start_s + frame / RATE_HZ
        next_s = min(due_s, waiting[0][0] if waiting else due_s)
        if (early_s := next_s - time.monotonic()) > 0.0:
            time.sleep(min(early_s, 0.05))
            continue
        if waiting and waiting[0][0] <= due_s:
            _, _, one = heapq.heappop(waiting)
            key = one.suit, one.life
            if key not in mouths:
                if (old := mouths.pop((one.suit, one.life - 1), None)) is not None:
                    old.close()
                mouths[key] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            with contextlib.suppress(OSError):
                mouths[key].sendto(one.data, ("127.0.0.1", ports[SUITS[one.suit]]))
            continue
        for one in suits.frame(frame):
            heapq.heappush(waiting, (start_s + one.leaves_s, order, one))
            order += 1
        frame += RATE_HZ // hz


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
                    seen.see(one, now_s, self.frames % self._every == 0)
                    if one.state is State.LIVE:
                        seen.ages_ms.append(1e-6 * (frame.publish_ns - one.capture_ns))
            self.lost = subscriber.statistics.lost


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
        parts = [
            f"{part}={one}@{later:.4f}"
            if (later := (later_s or {}).get(one, 0.0))
            else f"{part}={one}"
            for part, one in made_of(suit).items()
        ]
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
    judge(report, listener.seen, Truth(clip))
    return report
