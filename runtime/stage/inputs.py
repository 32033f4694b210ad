"""What comes in at a tick: packets, intents, requests, and work beside the loop that is ready.

A stage is nothing but these and the time: whoever gives them to it once more gets the same poses to
the bit. `LiveInputs` takes them from sockets and pads, and notes them while a recorder is there;
`replay.TakenInputs` takes them from a take.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Protocol

import msgspec
import numpy as np

from understudy.bridge import ControlServer
from understudy.bridge.requests import (
    AnyRequest,
    Asked,
    Camera,
    Edit,
    EditPerson,
    Props,
    SaveSession,
    SetProfile,
    Told,
)
from understudy.runtime.core import sound
from understudy.runtime.core.clock import Clock
from understudy.runtime.core.pose import Intent, Sight
from understudy.runtime.sources.datagrams import Datagram
from understudy.runtime.sources.registry import Ports


class Port(msgspec.Struct):
    """What a port heard by a tick that was due at due_ns: datagrams of (sender, time, data)."""

    due_ns: int
    heard: list[tuple[str, int, int, bytes]]  # host, port, arrival on the monotonic clock in ns

    @property
    def datagrams(self) -> list[Datagram]:
        return [Datagram(data, (host, port), at_ns) for host, port, at_ns, data in self.heard]


class Asking(msgspec.Struct):
    """What a pad asks: an Intent, and the traits of its style."""

    travel: tuple[float, float]
    facing: tuple[float, float]
    buttons: list[str]
    capture_ns: int
    traits: dict[str, float] | None = None
    look: tuple[float, float] = (0.0, 0.0)
    look_at: Sight = ""
    hand_at: list[float] = []

    @property
    def intent(self) -> Intent:
        return Intent(
            *(np.array(self.travel), np.array(self.facing)),
            *(frozenset(self.buttons), self.capture_ns),
            look=np.array(self.look),
            look_at=self.look_at,
            hand_at=tuple(self.hand_at),
        )


class Inputs(msgspec.Struct):
    """All that came in at one tick; docs/take.md has it as the channel `inputs`."""

    tick: int
    at_ns: int
    ports: dict[str, Port] = {}
    pads: dict[str, Asking] = {}
    requests: list[AnyRequest] = []
    ready: list[int] = []
    voices: dict[str, list[float]] = {}


ENCODER, DECODER = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(Inputs)


class Source(Protocol):
    """Where a stage's inputs come from."""

    ports: Ports

    @property
    def decks(self) -> list[dict[str, Any]]: ...
    def begin(self, tick: int) -> None: ...
    def asked(self, control: ControlServer, more: Sequence[Asked]) -> Sequence[Asked]: ...
    def intent(self, source: str, control: Any, time_s: float) -> tuple[Intent, Any]: ...
    def ready(self, work: Future[Any]) -> bool: ...
    def message(self, sources: Mapping[str, Any]) -> bytes: ...


class LiveInputs:
    """From sockets and pads, as they come; `noting` says whether they are kept for a recorder."""

    def __init__(self) -> None:
        self.noting = False
        self.ports = Ports(self._heard)
        self._now = Inputs(0, 0)
        self._questions = 0

    def clock(self, rate_hz: float) -> Clock:
        """What ticks."""
        return Clock(rate_hz)

    @property
    def decks(self) -> list[dict[str, Any]]:
        """Takes that are played in place of what is live: none."""
        return []

    def begin(self, tick: int) -> None:
        """A tick begins."""
        self._now, self._questions = Inputs(tick, time.monotonic_ns()), 0

    def _heard(self, where: str, due_ns: int, heard: Sequence[Datagram]) -> None:
        if self.noting:
            told = [(str(one.peer[0]), one.peer[1], one.arrived_ns, one.data) for one in heard]
            self._now.ports[where] = Port(due_ns, told)

    def asked(self, control: ControlServer, more: Sequence[Asked] = ()) -> Sequence[Asked]:
        """What was asked over the control socket since the tick before, and more by controllers."""
        asked = [*control.poll(), *more]
        if self.noting:
            self._now.requests += [kept(one) for one in asked if changes(one)]
        return asked

    def intent(self, source: str, control: Any, time_s: float) -> tuple[Intent, Any]:
        """What a pad asks, and the style it wants, if any."""
        style = getattr(control, "style", None)
        intent, traits = control.intent(time_s), style(time_s) if style else None
        if self.noting:
            self._now.pads[source] = Asking(
                tuple(intent.travel.tolist()),
                tuple(intent.facing.tolist()),
                sorted(intent.buttons),
                intent.capture_ns,
                dict(traits) if traits else None,
                tuple(intent.look.tolist()),
                intent.look_at,
                list(intent.hand_at),
            )
        return intent, traits

    def ready(self, work: Future[Any]) -> bool:
        """Whether work beside the loop is done."""
        number, self._questions = self._questions, self._questions + 1
        done = work.done()
        if done and self.noting:
            self._now.ready.append(number)
        return done

    def message(self, sources: Mapping[str, Any]) -> bytes:
        """The inputs of this tick, for the recorder; empty where nobody keeps them.

        sources  the stage's; of them what microphones said with a thread's help counts
        """
        if not self.noting:
            return b""
        for source in sources.values():
            if (said := getattr(source, "said", None)) is not None:
                self._now.voices[source.id] = said.tolist()
        return ENCODER.encode(self._now)


def sounds(sources: Mapping[str, Any]) -> Iterator[bytes]:
    """Sound that sources heard since they were asked last, for the recorder."""
    for source in sources.values():
        if (pieces := getattr(source, "pieces", None)) is not None:
            yield from map(sound.ENCODER.encode, pieces())


def changes(request: Asked) -> bool:
    """Whether a request has a part in the poses that follow, and writes no file when it is solved.

    A person who is made anew has such a part and is left out: from there on a take is another's.
    """
    written = isinstance(request, SaveSession | EditPerson)
    return isinstance(request, Camera | Props | Told | Edit) and not written


def kept(request: Asked) -> Asked:
    """The request without what it writes to a disk."""
    if isinstance(request, SetProfile):
        return msgspec.structs.replace(request, save=False)
    return request
