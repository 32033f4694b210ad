"""Devices: what a frame of each costs to read and its tick, and eight suits on a bad network."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count

import numpy as np

from understudy.bridge.protocols import mvn, natnet, neuron, rokoko_reader
from understudy.bridge.protocols.vmc_accumulator import Accumulator
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.simulators.device import DEVICES, Performance
from understudy.runtime.sources import endpoint, registry
from understudy.runtime.sources.datagrams import Datagram
from understudy.runtime.takes.clip import Clip

from .figure import Figure
from .suit_figures import rehearsed

RATE_HZ, FRAMES = 120.0, 120
MOST_MS = 0.15
BODIES = ("mvn", "natnet", "neuron", "rokoko", "vmc")
# A body that its source makes of points, for which reading alone is nothing.
POINTS = "mvn-points"


class Given:
    """A receiver that is given what comes."""

    where = "bench"

    def __init__(self) -> None:
        self.tick_ns = 10**12
        self.heard: list[Datagram] = []

    def poll(self, now_s: float) -> list[Datagram]:
        return self.heard

    def send(self, data: bytes, to: tuple[str, int]) -> None:
        """Nobody is asked."""

    def close(self) -> None:
        """Nothing is open."""


def measure(quick: bool) -> list[Figure]:
    """A frame of a whole body of each device."""
    passes = 3 if quick else 20
    performance = Performance(_walk())
    found = []
    for scheme in (*BODIES, POINTS):
        simulator = DEVICES[scheme].made()
        frames = [simulator.datagrams(performance.frame(n), n / RATE_HZ) for n in range(FRAMES)]
        if scheme != POINTS:
            times = _reads(scheme, frames, passes)
            ms = float(np.median(times))
            conditions = f"{sum(map(len, frames[1]))} B, median of {len(times)}"
            target = f"<= {MOST_MS}"
            found.append(
                Figure(f"a frame of {scheme} read", ms, "ms", target, ms <= MOST_MS, conditions)
            )
        costs = [cost for _ in range(passes) for cost in _ticks(scheme, frames)]
        found.append(
            Figure(
                f"a frame of {scheme} through its source", float(np.median(costs)), "ms",
                conditions=f"median of {len(costs)} ticks",
            )
        )  # fmt: skip
    return found + rehearsed(quick)


def _reader(scheme: str) -> Callable[[bytes], object]:
    """What makes values of a datagram's bytes."""
    if scheme == "vmc":
        return Accumulator().feed
    if scheme == "natnet":
        return lambda data: natnet.frame(natnet.split(data)[1], (4, 1))
    if scheme == "mvn":
        pieces = mvn.Assembler()
        numbers = count()

        def read(data: bytes) -> object:
            message = mvn.decode(data)
            # Each is a frame of its own, or it would be passed over as one that came before.
            message.header.sample = next(numbers)
            whole = pieces.feed(message)
            return None if whole is None else mvn.body(*whole, 1.0)

        return read
    return neuron.decode if scheme == "neuron" else rokoko_reader.read


def _reads(scheme: str, frames: list[list[bytes]], passes: int) -> list[float]:
    """What each frame costs to read, in ms."""
    read = _reader(scheme)

    def whole(frame: list[bytes]) -> None:
        for data in frame:
            read(data)

    return [_ms(lambda f=f: whole(f)) for _ in range(passes) for f in frames[1:]]  # type: ignore[misc]


def _ticks(scheme: str, frames: list[list[bytes]]) -> list[float]:
    """What each tick of a source costs in which one frame came, in ms."""
    receiver, scheme = Given(), scheme.partition("-")[0]
    source = registry.KNOWN[scheme].SOURCE(
        endpoint.parse(f"{scheme}://?delay=0", registry.KNOWN), receiver
    )
    costs = []
    for n, frame in enumerate(frames):
        receiver.tick_ns = 10**12 + round(1e9 * n / RATE_HZ)
        receiver.heard = [Datagram(d, ("10.0.0.7", 5001), receiver.tick_ns - 10**6) for d in frame]
        costs.append(_ms(lambda n=n: source.poll(n / RATE_HZ)))  # type: ignore[misc]
    source.close()
    return costs[FRAMES // 4 :]


def _ms(work: Callable[[], object]) -> float:
    """Thread time of a piece of work."""
    began_ns = time.thread_time_ns()
    work()
    return (time.thread_time_ns() - began_ns) * 1e-6


def _walk() -> Clip:
    """A second of somebody who moves every joint."""
    random = np.random.default_rng(3)
    axes = rotation.normalize(random.normal(size=(len(PERFORMER), 3)))
    swing = 0.4 * np.sin(np.arange(FRAMES) / 20.0)[:, None, None]
    positions = np.tile(PERFORMER.rest_positions, (FRAMES, 1, 1))
    positions[:, 0, 2] += 0.01 * np.arange(FRAMES)
    turns = rotation.from_rotation_vector(swing * axes)
    return Clip(PERFORMER, positions, turns, 1 / RATE_HZ, "walk")
