"""A signal that fails: which joints a source loses and when, and packets that come late.

    2.0-2.5                             the whole body, from 2.0 s to 2.5 s
    4.0-4.5:LeftArm,LeftForeArm         these joints alone; their children are seen

Seconds are the file's own, so that a window means the same to a stage that plays the file in a
loop, where it comes back at every pass, to `understudy takeover` and to an editor.
"""

from __future__ import annotations

import heapq
import itertools
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.rotation import Array
from understudy.runtime.sources.packet import Packet

if TYPE_CHECKING:
    from .bvh import BvhSource

_NUMBER = r"\s*(\d*\.?\d*(?:[eE][+-]?\d+)?)\s*"
_WINDOW = re.compile(rf"{_NUMBER}-{_NUMBER}(?::(.*))?", re.DOTALL)
EXAMPLE = "write START-STOP in seconds of the file, as 2.0-2.5 or 4.0-4.5:LeftArm,LeftForeArm"
# Networks stall for a moment and then deliver all at once; about this often on a busy one.
STALL_EVERY_S = 1.0
MOST_JITTER_S = 10.0
PROMPT_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Drop:
    """A window, start_s <= t < stop_s, in which joints are missing; no names: the whole body."""

    start_s: float
    stop_s: float
    joints: tuple[str, ...] = ()

    def __str__(self) -> str:
        names = ":" + ",".join(self.joints) if self.joints else ""
        return f"{self.start_s:.9g}-{self.stop_s:.9g}{names}"

    def covers(self, time_s: float) -> bool:
        """Whether a moment lies in the window; the last bits of a frame's time are forgiven."""
        return self.start_s - 1e-6 <= time_s < self.stop_s - 1e-6

    def mask(self, count: int, index: Callable[[str], int]) -> Array:
        """(count,) bool, the joints that it takes; index finds one by name."""
        mask = np.zeros(count, bool)
        mask[[index(name) for name in self.joints] or slice(None)] = True
        return mask


def parse_drop(text: str) -> Drop:
    """The drop that a user wrote: START-STOP or START-STOP:JOINT,JOINT."""
    match = _WINDOW.fullmatch(text)
    if match is None:
        raise UnderstudyError(f"--drop {text!r} is no window; {EXAMPLE}.")
    start_s, stop_s = (_seconds(word, text) for word in match.group(1, 2))
    if not 0.0 <= start_s < stop_s:
        raise UnderstudyError(
            f"--drop {text!r} ends at {stop_s:g} s, not after its start at {start_s:g} s; "
            f"{EXAMPLE}."
        )
    if match.group(3) is None:
        return Drop(start_s, stop_s)
    joints = tuple(name.strip() for name in match.group(3).split(","))
    if not all(joints):
        raise UnderstudyError(f"--drop {text!r} has an empty joint name; {EXAMPLE}.")
    for name in joints:
        if joints.count(name) > 1:
            raise UnderstudyError(f"--drop {text!r} names {name} twice; name each joint once.")
    return Drop(start_s, stop_s, joints)


def parse_named_drop(text: str) -> tuple[str, Drop]:
    """A drop with the file that it is meant for before it, as walk=2.0-2.5; "" for every file."""
    head, colon, joints = text.partition(":")
    name, _, window = head.rpartition("=")
    return name.strip(), parse_drop(window + colon + joints)


def _seconds(word: str, text: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UnderstudyError(f"--drop {text!r}: {word!r} is no number; {EXAMPLE}.")
    return value


class Jitter:
    """Delays of packets, up to most_s: late, out of order and in bursts, the same for a seed.

    Half of the packets are prompt and half late by any amount; and about once a second the way is
    blocked for up to most_s, after which all that was held back comes at once.
    """

    def __init__(self, most_s: float, seed: int = 0) -> None:
        if not 0.0 <= most_s <= MOST_JITTER_S:
            raise UnderstudyError(f"--jitter is {most_s:g} s; it can be 0 to {MOST_JITTER_S:g}.")
        self.most_s = most_s
        self._random = np.random.default_rng(seed)
        self._stall = (0.0, 0.0)

    def delay_s(self, capture_s: float) -> float:
        """By how much the packet captured now comes late; ask in order of capture."""
        while capture_s > self._stall[1]:
            begin_s = self._stall[1] + self._random.exponential(STALL_EVERY_S)
            self._stall = begin_s, begin_s + self.most_s * self._random.uniform(0.5, 1.0)
        late_s = self._random.uniform(0.0, self.most_s)
        prompt = self._random.uniform() < PROMPT_SHARE
        if self._stall[0] <= capture_s:
            return self._stall[1] - capture_s
        return 0.0 if prompt else float(late_s)


class Link:
    """A file played as if live over a connection that fails: a motion source.

    drops: in seconds of the file, which the joints are named in; jitter_s: see Jitter.
    """

    def __init__(
        self, source: BvhSource, drops: Sequence[Drop] = (), jitter_s: float = 0.0, seed: int = 0
    ) -> None:
        self.source, self.name, self.skeleton = source, source.name, source.skeleton
        for drop in drops:
            if drop.start_s > source.stop_s or drop.stop_s <= source.start_s:
                raise UnderstudyError(
                    f"--drop {drop} lies outside what is played of {source.name}, "
                    f"{source.start_s:g} s to {source.stop_s:.3f} s."
                )
        self._drops = [(d, d.mask(len(source.skeleton), source.joint)) for d in drops]
        self._jitter = Jitter(jitter_s, seed) if jitter_s else None
        self._under_way: list[tuple[float, int, Packet]] = []
        self._numbers = itertools.count()

    @property
    def silence(self) -> str:
        """Why nothing will come any more; "" while something may."""
        return "" if self._under_way else self.source.silence

    def poll(self, now_s: float) -> list[Packet]:
        """The packets that arrive by now, in order of arrival."""
        packets = [p for p in map(self._damaged, self.source.poll(now_s)) if p is not None]
        if self._jitter is None:
            return packets
        for packet in packets:
            arrival_s = packet.capture_s + self._jitter.delay_s(packet.capture_s)
            heapq.heappush(self._under_way, (arrival_s, next(self._numbers), packet))
        arrived = []
        while self._under_way and self._under_way[0][0] <= now_s + 1e-9:
            arrived.append(heapq.heappop(self._under_way)[2])
        return arrived

    def _damaged(self, packet: Packet) -> Packet | None:
        """What is left of a packet; None where all of it is lost."""
        moment_s = self.source.moment_s(packet.capture_s)
        lost = [m for d, m in self._drops if moment_s is not None and d.covers(moment_s)]
        if lost:
            packet.seen = ~np.logical_or.reduce(lost)
            if not packet.seen.any():
                return None
        return packet

    def close(self) -> None:
        self.source.close()
