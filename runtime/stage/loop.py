"""The stage: the real-time loop. `Stage.tick` reads top to bottom as one frame.

This process has no GL and no torch, waits for nobody, and answers a late tick by counting it.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import zmq

from understudy.bridge import ControlServer, Publisher
from understudy.bridge.requests import (
    Camera,
    Circle,
    Go,
    Happened,
    Learn,
    LookAt,
    Marker,
    OrderProp,
    Pad,
    Props,
    Record,
    ShowSession,
    Silence,
    Slate,
    Stats,
    Stop,
    Style,
)
from understudy.bridge.security.access import AccessControl
from understudy.bridge.security.keys import Keyring
from understudy.runtime.core import discovery, distribution, timecode
from understudy.runtime.core.companion import Companion
from understudy.runtime.core.errors import Failure, UnderstudyError
from understudy.runtime.core.files import writable
from understudy.runtime.core.pose import Frame, Subject
from understudy.runtime.core.realtime import steady, steady_wire
from understudy.runtime.core.signals import stopping
from understudy.runtime.outputs.process import SendProcess, reachable
from understudy.runtime.outputs.timecode_out import TimecodeOut

from .cast import Cast
from .controllers import Controllers
from .edits import Edits
from .happenings import Happenings
from .inputs import LiveInputs, sounds
from .laps import Laps
from .recording import Recording
from .session import Session, dumps, output_line
from .triggers import Answers, Triggers

if TYPE_CHECKING:
    from understudy.runtime.sources.timecode_in import TimecodeIn

    from .replay import TakenInputs

# A recorder is there within a second or two; on a machine that is busy it may take longer.
READY_S = 60.0
STAGES = ("sense", "perform", "solve", "record", "publish")


@dataclass(slots=True)
class Run:
    """What belongs to one run and not to the session: its end, its files."""

    seconds: float | None = None
    record: Path | None = None
    stats: Path | None = None
    session_file: Path | None = None  # where the session came from
    state: Path | None = None  # where it is kept as it goes, for `--resume`


class Stage:
    """Owns the cast, the sockets and the recorder for as long as the loop runs."""

    def __init__(
        self, session: Session, run: Run | None = None, taken: TakenInputs | None = None
    ) -> None:
        """taken: the inputs of a take, in place of sockets and pads."""
        self.session, self.run_as = session, run or Run()
        loop = session.stage
        self.inputs: LiveInputs | TakenInputs = taken or LiveInputs()
        self.clock = self.inputs.clock(loop.rate_hz)
        self.clock.between = self.hold
        self._frame: Frame | None = None
        self.laps, self.happenings = Laps(), Happenings(session.stage.rate_hz)
        self.running, self.closed = True, False
        self._second = -1  # of the figures
        self.stats: dict[str, float] = {}
        self._midnight_s = (
            taken.midnight_s if taken is not None else None
        ) or _seconds_since_midnight()
        for path in (self.run_as.record, self.run_as.stats):
            if path is not None:
                writable(path)  # a place that takes no file is said now, not at the end
        if self.run_as.record is not None and self.run_as.record.suffix.lower() != ".mcap":
            from understudy.runtime.takes.take_export import check  # reads takes, which few do

            check(self.run_as.record, ready=False)  # the recorder looks for what writes it
        steady_wire(loop.realtime)
        with contextlib.ExitStack() as stack:
            # Sockets first: a port in use is known before a second is spent on loading weights.
            keyring = (
                Keyring(Path(loop.keys) if loop.keys else None) if loop.keys is not None else None
            )
            access = AccessControl(keyring, zmq.Context.instance()) if keyring is not None else None
            self.access = stack.enter_context(access) if access is not None else None
            self.publisher = stack.enter_context(
                Publisher(loop.publish, loop.insecure, access=access)
            )
            self.control = stack.enter_context(
                ControlServer(loop.control, loop.insecure, access=access)
            )
            # A take that is solved again has the timecode that it had.
            self.timecode_in: TimecodeIn | None = None
            if loop.timecode_from and taken is None:
                from understudy.runtime.sources.timecode_in import TimecodeIn

                self.timecode_in = TimecodeIn(loop.timecode_from, loop.timecode)
                stack.callback(self.timecode_in.close)
            self._followed = ""
            self.answers = answers = Answers(self.control)
            # Of a take that is solved again nobody begins or ends anything.
            self.triggers = Triggers(
                session.trigger if taken is None else [],
                answers,
                lambda *work: self.cast.live.beside(*work),
            )
            stack.callback(self.triggers.close)
            self.controllers = Controllers(
                session.controller if taken is None else [],
                answers,
                lambda: bool(self.recording.taking),
                lambda: any(getattr(one, "playing", False) for one in self.cast.sources.values()),
                lambda: self.edits.save(),
            )
            stack.callback(self.controllers.close)
            if taken is None:
                keys = {"keys": "1"} if access is not None else {}
                stack.enter_context(
                    discovery.announced(
                        loop.announce, "stage", self.publisher.address,
                        control=self.control.address, **keys,
                    )
                )  # fmt: skip
            # A take that is solved again goes to nobody's clock.
            self.timecode_out = TimecodeOut(
                loop.timecode_to if taken is None else [], loop.timecode
            )
            stack.callback(self.timecode_out.close)
            # Both start while the cast loads.
            self.recording = stack.enter_context(
                Recording(
                    session,
                    self.publisher,
                    answers,
                    keyring.local if keyring is not None else None,
                    access,
                    self.about,
                    lambda *work: self.cast.live.beside(*work),
                    lambda: self.edits.save(),
                )
            )
            if self.run_as.record is not None or session.slate.folder or session.trigger:
                self.recording.prepare()
            self.outputs: SendProcess | None = None
            if session.output:
                self.outputs = stack.enter_context(
                    SendProcess(
                        self.publisher.address,
                        [output_line(table) for table in session.output],
                        None,
                        ([] if loop.realtime else ["--no-realtime"])
                        + (["--key", keyring.local] if keyring is not None else []),
                    )
                )
            # Of a take that is solved again the props are where they were.
            self.props: Companion | None = None
            if taken is None and not all(table.tracked for table in session.prop):
                self.props = stack.enter_context(
                    Companion(
                        "the props",
                        ["props", "--quiet", "--connect", reachable(self.publisher.address),
                         "--control", reachable(self.control.address)]
                        + (["--key", keyring.local] if keyring is not None else []),
                    )
                )  # fmt: skip
            self.cast = stack.enter_context(Cast(session, self.inputs))
            if session.contact.steps:
                stack.callback(self.happenings.listen(session.contact, loop.floor).close)
            self.edits = Edits(self.cast, self.run_as.session_file, self.run_as.state)
            if self.run_as.record is not None:
                # The first tick is in the take: the loop has not begun, and may wait.
                started = self.recording.start(self.run_as.record)
                until_s = time.monotonic() + READY_S
                while not started.done() and time.monotonic() < until_s:
                    self.publisher.connections.poll()  # where keys are asked for, it lets it in
                    time.sleep(0.005)
                if not started.done():
                    raise Failure(f"The recorder did not begin within {READY_S:g} s.")
                started.result()
            self._stack = stack.pop_all()

    def tick(self, number: int) -> None:
        """One frame: sense, perform, solve, record, publish."""
        time_s = number / self.session.stage.rate_hz
        dt_s = 1.0 / self.session.stage.rate_hz
        lap = self.laps.start()
        self.inputs.noting = self.recording.recorder is not None
        self.inputs.begin(number)
        if self.timecode_in is not None:
            self._followed = self.timecode_in.tick(time_s)

        self.answer(number)
        self.cast.sense(time_s)
        self.timecode_out.tick(self._day_s(time_s), time_s)
        lap("sense")

        self.cast.perform(dt_s)
        lap("perform")

        subjects = self.cast.solve()
        lap("solve")

        if self.inputs.noting:
            sources = self.cast.sources
            self.recording.publish_inputs(self.inputs.message(sources), sounds(sources))
        self.recording.tick(self.cast.recorded, number)
        lap("record")

        self.publish(number, time_s, subjects)
        lap("publish")

    def publish(self, number: int, time_s: float, subjects: list[Subject]) -> None:
        """Hands the frame of this tick to the socket."""
        rate = timecode.rate(self.session.stage.timecode)
        frame = Frame(
            sequence=number,
            capture_ns=self.cast.capture_ns,
            publish_ns=time.monotonic_ns(),
            rate_num=rate.numerator,
            rate_den=rate.denominator,
            timecode=self._timecode(time_s),
            subjects=subjects,
            cameras=self.cast.scenery.cameras,
            props=self.cast.scenery.in_hands(subjects),
            stats=self.controllers.added(self.stats),
        )
        self.laps.add_ns("intent_to_publish", frame.publish_ns - frame.capture_ns)
        self.publisher.publish(frame)
        self.happenings.heard(subjects, number, frame.publish_ns)
        if events := self.happenings.take():
            self.publisher.tell(events, number)
        self._frame = frame

    def _timecode(self, time_s: float) -> str:
        """That of a take that is played, or that is followed, else the time of day."""
        if said := self.cast.timecode or self._followed:
            return said
        return timecode.at_time(self._midnight_s + time_s, self.session.stage.timecode)

    def _day_s(self, time_s: float) -> float:
        """The same in seconds since midnight, to less than a frame where it is known."""
        name = self.session.stage.timecode
        if said := self.cast.timecode:
            return float(timecode.frame_number(said, name) / timecode.rate(name))
        if self.timecode_in is not None and self._followed:
            return self.timecode_in.shown_s
        return self._midnight_s + time_s

    def hold(self) -> None:
        """While a clock stands still: answers, and sends the frame that is there once more."""
        if (frame := self._frame) is None:
            return
        self.answer(frame.sequence)
        frame.capture_ns = frame.publish_ns = time.monotonic_ns()  # it is seen now
        self.publisher.publish(frame)

    def answer(self, number: int) -> None:
        """Serves the control socket; nothing that arrives there can stop the loop."""
        moved = self.controllers.asked(number / self.session.stage.rate_hz)
        for request in self.inputs.asked(self.control, moved):
            match request:
                case Pad():
                    self.cast.remote_pad(request)
                case Camera():
                    self.cast.remote_camera(request)
                case Props():
                    self.cast.remote_props(request)
                case OrderProp():
                    try:
                        order = self.cast.order_prop(request)
                        self.happenings.add([order], time.monotonic_ns())
                        self.answers.reply(request)
                    except UnderstudyError as refusal:
                        self.answers.reply(request, error=str(refusal))
                case Happened():
                    happened = [one.event for one in request.events]
                    self.happenings.add(happened, time.monotonic_ns())
                case Stats():
                    self.answers.reply(request, stats=self.figures())
                case Record() | Slate() | Marker() | Circle():
                    self.recording.ask(request, number)
                case Style():
                    try:
                        now = self.cast.style(request.subject, request.traits)
                        self.answers.reply(request, style=now)
                    except UnderstudyError as refusal:
                        self.answers.reply(request, error=str(refusal))
                case Silence():
                    said = self.cast.silence(request.then, request.stop_after_s)
                    self.answers.reply(request, **said)
                case LookAt():
                    try:
                        sights = self.cast.look_at(request.subject, request.at)
                        self.answers.reply(request, look_at=sights)
                    except UnderstudyError as refusal:
                        self.answers.reply(request, error=str(refusal))
                case Go():
                    try:
                        self.answers.reply(request, go=self.cast.go(request))
                    except UnderstudyError as refusal:
                        self.answers.reply(request, error=str(refusal))
                case Learn():
                    self.controllers.learn(request)
                case ShowSession():
                    told = self.edits.describe()
                    told["sources"] = [*self.inputs.decks, *told["sources"]]
                    self.answers.reply(request, **told)
                case Stop():
                    self.running = False
                    self.answers.reply(request)
                case _:
                    self.edits.ask(request)
        time_s = number / self.session.stage.rate_hz
        for triggered in self.triggers.asked(time_s, bool(self.recording.taking)):
            self.recording.ask(triggered, number)
        for edit, reply, trouble in self.edits.done():
            self.answers.reply(edit, error=trouble, **reply)
        self.recording.answer()
        self.triggers.tell(self.recording.taking, self._timecode(time_s))

    def about(self) -> tuple[dict[str, Any], str]:
        """What a take that begins now says of the stage, and its session."""
        facts = {
            "understudy": distribution.version(),
            "rate_hz": self.session.stage.rate_hz,
            "timecode_rate": self.session.stage.timecode,
            "midnight_s": repr(self._midnight_s),
        }
        # From the first tick on a take can be solved again as it was; later, from what is on stage.
        session = self.edits.session if self.publisher.published else self.session
        return facts, dumps(session)

    def run(self) -> None:
        """Ticks until told to stop, by time, by signal or by the control socket."""
        seconds, rate_hz = self.run_as.seconds, self.session.stage.rate_hz
        limit = None if seconds is None else seconds * rate_hz
        with steady(self.session.stage.realtime) as self.priority, stopping(self._stop):
            for number in self.clock.ticks():
                if not self.running or (limit is not None and number >= limit):
                    break
                started_ns = time.monotonic_ns()
                self.tick(number)
                self.laps.add_ns("tick", time.monotonic_ns() - started_ns)
                self.housekeep(number)

    def housekeep(self, number: int) -> None:
        """Uses the slack after a tick: figures once a second, garbage when there is time for it."""
        second = number // round(self.session.stage.rate_hz)
        if second != self._second:  # its first tick may be one of those that are skipped
            self._second = second
            self.stats = {
                "tick_ms": self.laps.recent_ms("tick"),
                "late": float(self.clock.late),
                "skipped": float(self.clock.skipped),
                "rate_hz": float(self.session.stage.rate_hz),
                "refused": float(self.control.malformed + self.control.refused),
                "refused_connections": float(self.refused_connections),
                "not_finite": float(self.publisher.held),
                **self.recording.figures(),
                **self.cast.figures(),
            }
            self.edits.adopt()
            if self.edits.trouble:
                print(f"stage: {self.edits.trouble}", file=sys.stderr, flush=True)
                self.edits.trouble = ""
            if self.timecode_in is not None and (said := self.timecode_in.news()):
                print(f"stage: {said}", file=sys.stderr, flush=True)
            for news in self.timecode_out.news():
                print(f"stage: {news}", file=sys.stderr, flush=True)
            for news in self.cast.news():
                print(f"stage: {news}", file=sys.stderr, flush=True)
            for connections, address in (
                (self.publisher.connections, self.publisher.address),
                (self.control.connections, self.control.address),
            ):
                if news := connections.news():
                    print(f"stage: {address} {news}", file=sys.stderr, flush=True)
            if news := self.control.news():
                print(f"stage: {self.control.address} {news}", file=sys.stderr, flush=True)
            for news in self.access.news() if self.access is not None else ():
                print(f"stage: {news}", file=sys.stderr, flush=True)
            gc.collect(0)

    def figures(self) -> dict[str, Any]:
        """Everything that was counted so far, for people and for `--stats`."""
        return {
            "ticks": len(self.laps.histogram["tick"]) if "tick" in self.laps.histogram else 0,
            "rate_hz": self.session.stage.rate_hz,
            "late": self.clock.late,
            "skipped": self.clock.skipped,
            "controllers": self.controllers.figures(),
            "timecode_out": self.timecode_out.figures(),
            "lateness_ms": self.clock.lateness.summary_ms(),
            "ms": {name: h.summary_ms() for name, h in self.laps.histogram.items()},
            "subjects": len(self.cast),
            "events": self.happenings.told,
            "events_refused": self.happenings.refused,
            "sources": [
                {"name": name, **figures}
                for name, source in self.cast.sources.items()
                if (figures := source.figures())
            ],
            "provider": self.cast.provider_name,
            "priority": getattr(self, "priority", "not running"),
            "control_refused": self.control.malformed + self.control.refused,
            "control_forbidden": self.control.forbidden,
            "refused_connections": self.refused_connections,
            "not_finite": self.publisher.held,
            "refusals": {
                "publish": self.publisher.connections.refusals,
                "control": self.control.connections.refusals,
            },
            **self.recording.told(),
            "timecode": self.timecode_in.figures() if self.timecode_in is not None else {},
            "outputs_restarted": self.outputs.restarts if self.outputs is not None else 0,
            "props_restarted": self.props.restarts if self.props is not None else 0,
        }

    @property
    def refused_connections(self) -> int:
        """Connections turned away from either socket."""
        return self.publisher.connections.refused + self.control.connections.refused

    def _stop(self) -> None:
        self.running = False

    def close(self) -> list[Path]:
        """Ends takes and sockets; returns the files that the running take wrote."""
        if self.closed:
            return []
        self.closed = True
        try:
            figures, written = self.figures(), []
            recorder = self.recording.recorder
            if recorder is not None and recorder.taking:
                stopped = self.recording.stop()
                with contextlib.ExitStack() as told:
                    if self.run_as.stats is not None:
                        told.callback(write_json, self.run_as.stats, figures)
                    written = [Path(path) for path in stopped.result()["written"]]
            elif self.run_as.stats is not None:
                write_json(self.run_as.stats, figures)
            return written
        finally:
            self._stack.close()

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Writes whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(content, indent=2, default=_plain) + "\n")
    os.replace(part, path)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _seconds_since_midnight() -> float:
    now = time.time()
    local = time.localtime(now)
    return local.tm_hour * 3600 + local.tm_min * 60 + local.tm_sec + now % 1.0
