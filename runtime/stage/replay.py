"""A take played once more: what came in, tick by tick, through the same decoders and solve.

What was recorded from the stage's first tick on comes out as it was, to the bit, on the same
machine; what was recorded later begins without what had happened before.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from understudy.bridge import ControlServer
from understudy.bridge.requests import Asked, Shown, Stop, Transport
from understudy.bridge.security.rights import LISTEN
from understudy.bridge.wire.envelope import SIZE
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.files import shown
from understudy.runtime.core.pose import Intent, Subject
from understudy.runtime.core.rotation import Array
from understudy.runtime.sources import voice
from understudy.runtime.sources.controls.remote_pad import RemotePad
from understudy.runtime.sources.datagrams import Datagram
from understudy.runtime.sources.endpoint import Endpoint, Tcp
from understudy.runtime.sources.local import LOCAL, ControlSource
from understudy.runtime.sources.registry import Ports, default_id, local_name
from understudy.runtime.sources.streams import Kind, Source
from understudy.runtime.sources.tcp_port import where as tcp_where
from understudy.runtime.takes.take_file import INPUTS
from understudy.runtime.takes.take_reader import TakeReader

from .inputs import DECODER, Inputs
from .session import Session, loads
from .taken_clock import TakenClock

if TYPE_CHECKING:
    from .loop import Stage

WAITS_S = 30.0


def session_of_take(path: Path) -> Session:
    """The stage that a take was recorded on."""
    reader = TakeReader(path)
    next(reader.entries(), None)  # what is before the first message says it
    return loads(reader.session, str(path))


class TakenPort:
    """A port that hears what it heard then."""

    def __init__(
        self, inputs: TakenInputs, endpoint: Endpoint, group: str, where: str = ""
    ) -> None:
        self.where = where or (f"udp {endpoint.port} of {group}" if group else endpoint.where)
        self._inputs = inputs
        self.tick_ns = 0
        self._tick, self._heard = -1, list[Datagram]()

    def poll(self, now_s: float) -> list[Datagram]:
        """What came by this tick."""
        if self._tick != self._inputs.now.tick:
            self._tick = self._inputs.now.tick
            port = self._inputs.now.ports.get(self.where)
            self._heard = port.datagrams if port is not None else []
            self.tick_ns = port.due_ns if port is not None else self.tick_ns
        return self._heard

    def send(self, data: bytes, to: tuple[str, int]) -> None:
        """Nobody is asked: what was answered then is in the take."""

    def close(self) -> None:
        """Nothing is open."""


class TakenPorts(Ports):
    """Opens no port and no pad: both are in the take."""

    def __init__(self, inputs: TakenInputs) -> None:
        super().__init__()
        self._inputs = inputs

    def listen(self, endpoint: Endpoint, group: str, card: str) -> Any:
        return TakenPort(self._inputs, endpoint, group)

    def stream(self, endpoint: Endpoint, tcp: Tcp, cut: Any) -> Any:
        return TakenPort(self._inputs, endpoint, "", tcp_where(endpoint, tcp.server))

    def connect(self, endpoint: Endpoint, module: Any) -> Any:
        return TakenPort(self._inputs, endpoint, "", module.library(endpoint))

    def local(self, endpoint: Endpoint) -> Source:
        if LOCAL[endpoint.scheme].kinds == (Kind.CONTROL,):
            name = {"remote": "pad"}.get(endpoint.scheme, default_id(endpoint))
            return ControlSource(name, RemotePad())
        if endpoint.scheme == "voice" and voice.is_microphone(endpoint):
            return TakenVoice(self._inputs, endpoint)
        return super().local(endpoint)


class TakenVoice(voice.VoiceSource):
    """A microphone that says what it said then."""

    def __init__(self, inputs: TakenInputs, endpoint: Endpoint) -> None:
        super().__init__(local_name(endpoint), endpoint.options)
        self._inputs = inputs

    def heard(self, now_s: float) -> Array | None:
        said = self._inputs.now.voices.get(self.id)
        return np.array(said, np.float32) if said is not None else None


class TakenInputs:
    """The inputs of a take; a stage's in place of `LiveInputs`.

    whole       whether they begin with the stage's first tick
    midnight_s  the time of day at tick 0, of which its timecodes were made
    """

    noting = False

    def __init__(self, path: Path, speed: float = 1.0) -> None:
        reader = TakeReader(path)
        self._bytes: dict[int, bytes] = {}
        self._path, self._speed = path, speed
        self._clock: TakenClock | None = None
        for entry in reader.entries():
            if entry.topic == INPUTS:
                one = DECODER.decode(entry.data[SIZE:])
                if one.tick < max(self._bytes, default=-1):
                    self._bytes.clear()  # another stage began; what came before is another solve
                self._bytes[one.tick] = entry.data[SIZE:]
        if not self._bytes:
            raise UnderstudyError(
                f"{shown(path)} holds no packets and no pads, only what was made of them; play it "
                "solved, without --raw."
            )
        self.session: Session = loads(reader.session, str(path))
        self.numbers = list(self._bytes)
        self.whole = self.numbers[0] == 0
        self.midnight_s: float | None = None
        with contextlib.suppress(KeyError, ValueError):
            self.midnight_s = float(reader.facts["midnight_s"])
        self.ports: Ports = TakenPorts(self)
        self.now = Inputs(-1, 0)
        self._questions = 0
        self._ready: set[int] = set()

    def clock(self, rate_hz: float) -> TakenClock:
        """What ticks as it ticked then."""
        self._clock = TakenClock(rate_hz, self.numbers, self._speed)
        return self._clock

    @property
    def decks(self) -> list[dict[str, Any]]:
        """The take as a source that is played, for people."""
        status = self._clock.status if self._clock is not None else {}
        take = {"take": str(self._path), "list": [str(self._path)], "cue": 1, "timecode": ""}
        return [
            {
                "name": self._path.stem,
                "from": f"take://{self._path}",
                "notice": "raw: it plays, stands, steps on, and goes at any speed",
                "streams": [],
                "figures": {**take, **status, "raw": True},
            }
        ]

    def begin(self, tick: int) -> None:
        """A tick begins."""
        self.now, self._questions = DECODER.decode(self._bytes[tick]), 0
        self._ready = set(self.now.ready)

    def asked(self, control: ControlServer, more: Sequence[Asked] = ()) -> Sequence[Asked]:
        """What was asked then, by controllers too; of what is asked now, what changes nothing."""
        live = []
        for request in control.poll():
            if isinstance(request, Transport) and self._clock is not None:
                self._transport(request, control, self._clock)
            elif isinstance(request, Stop) or request.right == LISTEN:
                live.append(request)
            elif not isinstance(request, Shown):  # which are never answered
                control.reply(
                    request, error="This stage plays a take as it was; nothing can be changed."
                )
        if self._clock is not None and self._clock.standing:
            return live
        then = [msgspec.structs.replace(request, peer=()) for request in self.now.requests]
        return [*then, *live]  # type: ignore[list-item]

    def _transport(self, request: Transport, control: ControlServer, clock: TakenClock) -> None:
        try:
            clock.transport(request)
            control.reply(request, **self.decks[0]["figures"])
        except UnderstudyError as refusal:
            control.reply(request, error=str(refusal))

    def intent(self, source: str, control: Any, time_s: float) -> tuple[Intent, Any]:
        """What the pad asked then."""
        asking = self.now.pads.get(source)
        return (asking.intent, asking.traits) if asking is not None else (Intent(), None)

    def ready(self, work: Future[Any]) -> bool:
        """Whether work beside the loop was done then; if so, it is waited for."""
        number, self._questions = self._questions, self._questions + 1
        if number not in self._ready:
            return False
        work.exception(WAITS_S)
        return True

    def message(self, sources: Mapping[str, Any]) -> bytes:
        return b""


class Compared(NamedTuple):
    """A take's poses and those that its inputs give now.

    subjects    poses of subjects that were compared
    different   so many of them are not the same to the bit
    first       of the first of these: the tick, the subject, and how far a joint is off in metres
    """

    subjects: int
    different: int
    first: tuple[int, str, float] | None


def stage_of(taken: TakenInputs) -> Stage:
    """A stage for a take's inputs that nobody listens to, to be ticked by hand."""
    from .loop import Run, Stage

    session = taken.session
    session.stage.publish = session.stage.control = "tcp://127.0.0.1:*"
    session.stage.keys, session.stage.realtime = None, False
    session.output, session.slate.folder = [], ""
    return Stage(session, Run(), taken)


def solve_again(path: Path) -> Compared:
    """Solves a take once more, as fast as it goes, and compares every pose with the recorded."""
    taken = TakenInputs(path, math.inf)
    recorded = {
        one[0].sequence: one[0] for one in TakeReader(path).frames() if isinstance(one, tuple)
    }
    subjects = different = 0
    first: tuple[int, str, float] | None = None
    with stage_of(taken) as stage:
        for number in taken.numbers:
            stage.tick(number)
            now = {member.shown.name: member.shown for member in stage.cast.members}
            frame = recorded.get(number)
            for then in frame.subjects if frame is not None else ():
                subjects += 1
                if (one := now.get(then.name)) is not None and same(one, then):
                    continue
                different += 1
                if first is None:
                    off_m = apart_m(one, then) if one is not None else math.inf
                    first = number, then.name, off_m
            stage.housekeep(number)
    return Compared(subjects, different, first)


def same(a: Subject, b: Subject) -> bool:
    """Whether two subjects are the same on the wire, to the bit, but for when they were sent."""
    return (
        a.skeleton.names == b.skeleton.names
        and (a.state, a.reason) == (b.state, b.reason)
        and np.array_equal(np.float32(a.pose.rotations), np.float32(b.pose.rotations))
        and np.array_equal(np.float32(a.pose.positions), np.float32(b.pose.positions))
        and np.array_equal(np.float32(a.curves), np.float32(b.curves))
    )


def apart_m(a: Subject, b: Subject) -> float:
    """How far apart the joints of two subjects are at most."""
    if len(a.skeleton) != len(b.skeleton):
        return math.inf
    places = [one.skeleton.globals(one.pose.positions, one.pose.rotations)[0] for one in (a, b)]
    return float(np.abs(places[0] - places[1]).max())
