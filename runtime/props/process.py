"""The simulation beside a stage: its frames in, where the props are and what they hit out.

A frame is simulated as it comes, in order, so that what comes out depends on the frames alone. An
order waits until a frame that is later by more than any message takes: the same frame, whenever the
same orders are heard once more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from understudy.bridge import ControlClient, Subscriber
from understudy.bridge.requests import GripTable, PropPlace
from understudy.runtime.core.event import ORDER, Event
from understudy.runtime.core.pose import Frame

from .simulation import Place, Simulation

# An order is followed by the first frame that is so much later.
ORDER_NS = 50_000_000
WAITS_S = 0.25


class Orders:
    """Orders that wait for their frame."""

    def __init__(self) -> None:
        self._waiting: list[Event] = []

    def add(self, events: Iterable[Event]) -> None:
        """Takes the orders among what happened."""
        self._waiting += [event for event in events if event.kind == ORDER]
        self._waiting.sort(key=lambda one: one.number)

    def due(self, frame: Frame) -> list[Event]:
        """Those that this frame follows."""
        ready = [one for one in self._waiting if one.time_ns + ORDER_NS <= frame.publish_ns]
        self._waiting = [one for one in self._waiting if one not in ready]
        return ready


class Stage(Protocol):
    """What of a ControlClient is needed."""

    def send_props(self, props: list[PropPlace], sequence: int) -> bool: ...
    def send_events(self, *events: Event) -> bool: ...


class Reporter:
    """Tells a stage of props and of what they hit."""

    def __init__(self, simulation: Simulation, stage: Stage) -> None:
        self._simulation, self._stage = simulation, stage
        self._orders = Orders()

    def take(self, frame: Frame, happened: Iterable[Event] = ()) -> None:
        """One frame, and what was heard with it."""
        self._orders.add(happened)
        hits = self._simulation.take(frame, self._orders.due(frame))
        self._stage.send_props(told(self._simulation.places()), frame.sequence)
        if hits:
            self._stage.send_events(*hits)


def told(places: Sequence[Place]) -> list[PropPlace]:
    """Places as the control socket has them."""
    return [
        PropPlace(
            one.name,
            _three(one.position),
            _four(one.rotation),
            [
                GripTable(g.who, g.joint, _three(g.position), _four(g.rotation), _three(g.palm))
                for g in one.grips
            ],
        )
        for one in places
    ]


def _three(at: np.ndarray) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in at)
    return x, y, z


def _four(turn: np.ndarray) -> tuple[float, float, float, float]:
    # A unit quaternion may be over 1 by its last bit, which is no reason to refuse it.
    x, y, z, w = (min(max(float(v), -1.0), 1.0) for v in turn)
    return x, y, z, w


def again(
    simulation: Simulation, frames: Iterable[Frame], happened: Iterable[Event]
) -> Iterator[tuple[Frame, list[PropPlace]]]:
    """Each frame of a take with where the props are after it, simulated once more."""
    orders = Orders()
    orders.add(happened)
    for frame in frames:
        simulation.take(frame, orders.due(frame))
        yield frame, told(simulation.places())


def pump(
    simulation: Simulation,
    address: str,
    control: str,
    key: Path | None,
    running: Callable[[], bool],
    seconds: float | None = None,
) -> None:
    """Frames from the wire, props to the stage, until it is stopped."""
    until_s = float("inf") if seconds is None else time.monotonic() + seconds
    with (
        Subscriber(address, events=True, key=key) as frames,
        ControlClient(control, key=key) as client,
    ):
        reporter = Reporter(simulation, client)
        while running() and time.monotonic() < until_s:
            frame = frames.receive(WAITS_S)
            if frame is not None:
                reporter.take(frame, frames.happened())
