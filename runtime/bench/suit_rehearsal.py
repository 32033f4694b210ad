"""Eight suits on a bad network in virtual time: no machine is too slow, and every run is the same.

A cast hears what its suits send at the moments at which it would come, tick by tick; what it shows
is judged as that of a stage is.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Mapping
from typing import Any

from understudy.runtime.core import typed
from understudy.runtime.sources.datagrams import Datagram
from understudy.runtime.sources.endpoint import Endpoint
from understudy.runtime.sources.registry import Ports
from understudy.runtime.stage.cast import Cast
from understudy.runtime.stage.inputs import LiveInputs
from understudy.runtime.stage.session import SubjectTable, session_of
from understudy.runtime.takes.clip import Clip

from .suit_film import RATE_HZ, Truth
from .suit_network import BAD, SUITS, Lives, Network, Sent, Suits, made_of
from .suit_report import KEPT, STAGE_HZ, WARM_S, Report, Seen, judge

DELAY_S = 0.06
# The monotonic clock when it begins.
BEGAN_S = 1000.0
FIRST_PORT = 9000


class Ears:
    """A receiver that hears what is put into it."""

    def __init__(self, where: str) -> None:
        self.where, self.tick_ns = where, 0
        self.heard: list[Datagram] = []

    def poll(self, now_s: float) -> list[Datagram]:
        """What came by this tick."""
        return self.heard

    def send(self, data: bytes, to: tuple[str, int]) -> None:
        """Nobody is asked."""

    def close(self) -> None:
        """Nothing is open."""


class VirtualPorts(Ports):
    """Ports without sockets, by their numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.ears: dict[int, Ears] = {}

    def listen(self, endpoint: Endpoint, group: str, card: str) -> Any:
        self.ears[endpoint.port] = Ears(endpoint.where)
        return self.ears[endpoint.port]


def rehearse(
    seconds: float,
    clip: Clip,
    made: Lives,
    network: Network = BAD,
    later_s: Mapping[str, float] | None = None,
    rate_hz: int = STAGE_HZ,
    suits_hz: int = RATE_HZ,
    worn: tuple[str, ...] = SUITS,
) -> Report:
    """What a stage would show of suits; later_s as in `suits.rehearse`."""
    later = later_s or {}
    lines = [
        f"{suit[:-1]}://127.0.0.1:{FIRST_PORT + n}?name={suit}&delay={DELAY_S:g}"
        for n, suit in enumerate(worn)
    ]
    tables = tuple(
        typed.convert(
            {"name": suit}
            | {
                part: {"from": one, "delay_s": later[one]} if later.get(one) else one
                for part, one in made_of(suit).items()
            },
            SubjectTable,
            suit,
        )
        for suit in worn
    )
    inputs = LiveInputs()
    inputs.ports = ports = VirtualPorts()
    report, seen = Report(seconds, len(worn), suits_hz, rate_hz), dict[str, Seen]()
    coming = _Coming(Suits(made, network, worn), suits_hz)
    every = max(round(seconds * rate_hz / KEPT), 1)
    with Cast(session_of(*lines, subjects=tables, rate_hz=float(rate_hz)), inputs) as cast:
        began_s = time.thread_time()
        for tick in range(round((seconds + WARM_S) * rate_hz)):
            now_s = tick / rate_hz
            for ears in ports.ears.values():
                ears.heard, ears.tick_ns = [], round((BEGAN_S + now_s) * 1e9)
            for one in coming.until(now_s):
                ears = ports.ears[FIRST_PORT + worn.index(SUITS[one.suit])]
                at_ns = round((BEGAN_S + one.leaves_s) * 1e9)
                peer = "10.0.0.9", 40000 + 100 * one.suit + one.life
                ears.heard.append(Datagram(one.data, peer, at_ns))
            cast.sense(now_s)
            cast.perform(1.0 / rate_hz)
            subjects = cast.solve()
            for member in cast.members:  # what is done beside a loop is done by the next tick
                if member.seat is not None and member.seat.fitting is not None:
                    member.seat.fitting[1].result()
            if now_s < WARM_S:
                continue
            report.frames += 1
            for subject in subjects:
                own = seen.setdefault(subject.name, Seen())
                own.see(subject, now_s, report.frames % every == 0)
        report.tick_ms = {"tick": 1e3 * (time.thread_time() - began_s) / max(tick, 1)}
    report.ticks = report.frames
    judge(report, seen, Truth(clip))
    return report


class _Coming:
    """What is on its way, in the order in which it comes."""

    def __init__(self, suits: Suits, hz: int) -> None:
        self._suits, self._step = suits, RATE_HZ // hz
        self._waiting: list[tuple[float, int, Sent]] = []
        self._frame = self._order = 0

    def until(self, now_s: float) -> list[Sent]:
        """What has come by a time."""
        while self._frame <= now_s * RATE_HZ:
            for one in self._suits.frame(self._frame):
                self._order += 1
                heapq.heappush(self._waiting, (one.leaves_s, self._order, one))
            self._frame += self._step
        found = []
        while self._waiting and self._waiting[0][0] <= now_s:
            found.append(heapq.heappop(self._waiting)[2])
        return found
