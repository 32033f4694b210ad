"""Ways on which frames come: evenly, at once, late, twice, out of order; and what a stage shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tests.runtime.sources.receivers import Told
from understudy.runtime.core import rotation
from understudy.runtime.core.pose import Pose, Subject
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.sources.streams import Kind
from understudy.runtime.stage.live import Live

BEGAN_NS = 10**12


@dataclass(frozen=True)
class Way:
    """rate_hz of the sender; so many frames at once, each up to most_s late, some twice or lost."""

    rate_hz: float = 60.0
    at_once: int = 1
    mean_s: float = 0.0
    most_s: float = 0.05
    ordered: bool = True
    twice: bool = False
    seed: int = 0

    def arrivals(self, frames: int) -> list[tuple[float, int]]:
        """When each frame comes, and its number, in order of arrival."""
        random, out, last_s = np.random.default_rng(self.seed), [], 0.0
        for n in range(frames):
            sent_s = (n // self.at_once * self.at_once + self.at_once - 1) / self.rate_hz
            late_s = min(random.exponential(self.mean_s), self.most_s) if self.mean_s else 0.0
            came_s = sent_s + late_s
            if self.ordered:
                came_s = last_s = max(came_s, last_s)
            out.append((came_s, n))
            if self.twice:
                out.append((came_s + random.uniform(0.0, 0.004), n))
        return sorted(out, key=lambda one: one[0])


def ticks(
    receiver: Told, frames: Sequence[list[bytes]], way: Way, tick_hz: float, seconds: float
) -> Iterator[float]:
    """The stage's ticks, after what came until then was said to the receiver."""
    coming = way.arrivals(len(frames))
    for tick in range(1, round(seconds * tick_hz)):
        now_s = tick / tick_hz
        while coming and coming[0][0] <= now_s:
            came_s, number = coming.pop(0)
            receiver._now_ns = BEGAN_NS + round(1e9 * came_s)
            receiver.say(*frames[number], after_s=0.0)
        receiver.tick_ns = BEGAN_NS + round(1e9 * now_s)
        yield now_s


def body_of(source) -> Skeleton:
    """The skeleton of its first body."""
    return next(s.of.skeleton for s in source.streams if s.kind is Kind.BODY)


def shown(
    source, receiver: Told, frames: Sequence[list[bytes]], way: Way, tick_hz: float, seconds: float
) -> Iterator[Subject]:
    """A subject at every tick of a stage that hears these frames."""
    live = Live()
    (seat,) = live.seats([body_of(source)])
    live.admit([seat])
    subject = Subject("a", body_of(source), Pose.rest(body_of(source)))
    for now_s in ticks(receiver, frames, way, tick_hz, seconds):
        packets = source.poll(now_s)
        live.arrive(seat, body_of(source), packets)
        live.step(now_s)
        seat.solve(subject, None, np.zeros(3), rotation.identity())
        if seat.fitting is not None:
            seat.fitting[1].result()  # beside the loop, on a stage
        yield subject
    live.close()


def frames(rate_hz: float, seconds: float, made: Callable[[float, int], list[bytes]]) -> list:
    """Datagrams of each frame, made of its time and number."""
    return [made(n / rate_hz, n) for n in range(round(rate_hz * seconds))]
