"""A stage's takes: the recorder's process, the slate, and what was asked and is not answered yet.

The loop waits for none of it. What asks a disk is done by the recorder, or beside the loop.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import zmq

from understudy.bridge import Publisher
from understudy.bridge.input_publisher import InputPublisher
from understudy.bridge.requests import SLATE, Circle, Marker, Record, Request, Slate
from understudy.bridge.security.access import AccessControl
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.files import named
from understudy.runtime.outputs.process import reachable
from understudy.runtime.takes import slate as slates
from understudy.runtime.takes.process import RecordProcess

from .session import Session
from .triggers import Answers

# Of these a slate that is changed while a take runs is that take's too.
LATER = ("description", "notes")
NOTHING_RUNS = "No take is being recorded, so nothing can be marked; begin one first."
FOLDER = "takes"

Answer = tuple[Request, Future[Any], Callable[[Any], dict[str, Any]]]


class Recording:
    """Takes and the slate of a stage, for as long as it runs.

    recorder  the process, None until there is something to record
    """

    def __init__(
        self,
        session: Session,
        publisher: Publisher,
        control: Answers,
        key: Path | None,
        access: AccessControl | None,
        about: Callable[[], tuple[dict[str, Any], str]],
        beside: Callable[..., Future[Any]],
        changed: Callable[[], None],
    ) -> None:
        """about: facts of the stage for a take that begins, and its session; beside: does work
        beside the loop; changed: is told that the session is another."""
        self.session = session
        self.recorder: RecordProcess | None = None
        self._publisher, self._control, self._key = publisher, control, key
        self._access = access
        self._inputs: InputPublisher | None = None
        self._about, self._beside, self._changed = about, beside, changed
        self._asked: list[Answer] = []
        self._exact = False  # the next take's number was asked for
        self._counted = False  # it is the one after those in the folder

    def prepare(self) -> RecordProcess:
        """The recorder's process; from now on the last seconds are kept for the next take."""
        if self.recorder is None:
            access = self._access
            context = access.context if access is not None else zmq.Context.instance()
            self._inputs = InputPublisher(context, access)
            self.recorder = RecordProcess(
                reachable(self._publisher.address),
                self._inputs.address,
                self._key,
                self.session.stage.realtime,
            )
        return self.recorder

    def publish_inputs(self, message: bytes, sounds: Iterable[bytes] = ()) -> None:
        """Says to the recorder what came in at a tick, and what was heard."""
        if self._inputs is not None:
            self._inputs.publish(message)
            for one in sounds:
                self._inputs.sound(one)

    def start(self, path: Path | None, slate: str = "", folder: str = "") -> Future[dict[str, Any]]:
        """Begins a take, without a path the slate's next; the answer comes when its file is
        there."""
        words, (about, session) = self.words, self._about()
        facts = {
            **about,
            **{f"slate_{name}": words[name] for name in SLATE},
            "slate": slate or self.session.slate.stem,
        }
        return self.prepare().start(
            path,
            facts,
            session,
            self._publisher.published,
            {**words, "exact": self._exact},
            folder or self.session.slate.folder or FOLDER,
        )

    def stop(self) -> Future[dict[str, Any]]:
        """Ends the take that runs."""
        assert self.recorder is not None
        return self.recorder.stop(self._publisher.published)

    @property
    def words(self) -> dict[str, Any]:
        """The slate as it is."""
        return {name: getattr(self.session.slate, name) for name in SLATE}

    def tick(self, there: Callable[[], frozenset[str]], sequence: int) -> None:
        """Says who is there, where a take runs."""
        if self.recorder is not None and self.recorder.taking:
            self.recorder.present(there(), sequence)

    def ask(self, request: Request, sequence: int) -> None:
        """Does what was asked, or begins to; sequence is of the tick that comes next."""
        try:
            match request:
                case Record():
                    self._record(request)
                case Slate():
                    self._slate(request)
                case Marker():
                    self._marker(request, sequence)
                case Circle():
                    self._circle(request)
        except UnderstudyError as refusal:
            self._control.reply(request, error=str(refusal))

    def answer(self) -> None:
        """Answers what is done."""
        for one in [one for one in self._asked if one[1].done()]:
            self._asked.remove(one)
            request, future, told = one
            error = future.exception()
            if error is None:
                self._control.reply(request, **told(future.result()))
                continue
            if isinstance(request, Record):
                if request.start and self.recorder is not None:
                    self.recorder.give_up()
                print(f"stage: NOT RECORDING: {error}", file=sys.stderr, flush=True)
            self._control.reply(request, error=str(error))

    def _later(
        self, request: Request, future: Future[Any], told: Callable[[Any], dict[str, Any]]
    ) -> None:
        self._asked.append((request, future, told))

    def _record(self, request: Record) -> None:
        recorder = self.recorder
        if not request.start:
            if recorder is None:
                self._control.reply(request, written=[])
            else:
                self._later(request, self.stop(), lambda told: {"written": told["written"]})
            return
        if recorder is not None and recorder.taking:
            raise UnderstudyError(f"{recorder.taking} is being recorded; stop it first.")
        path = named(request.path) if request.path else None
        folder = str(named(request.folder)) if request.folder else ""
        future = self.start(path, request.slate, folder)
        self._later(request, future, self._begun)

    def _begun(self, told: dict[str, Any]) -> dict[str, Any]:
        """What a take that has begun is called; the slate's number is the next one's."""
        if number := told.get("number"):
            self._exact = False
            self.session.slate.take = min(number + 1, slates.LAST_TAKE)
            self._changed()
        return {"recording": told["export"] or told["take"], "take": told["take"], "number": number}

    def _slate(self, request: Slate) -> None:
        slate, words = self.session.slate, request.words
        if words:
            before = (slate.project, slate.scene, slate.shot)
            for name, value in words.items():
                setattr(slate, name, value)
            if (slate.project, slate.scene, slate.shot) != before and "take" not in words:
                slate.take, self._exact, self._counted = 1, False, False
            self._exact = self._exact or "take" in words
            self._changed()
        later = {name: words[name] for name in LATER if name in words}
        if later and self._taking is not None:
            self._taking.event("slate", **later)
        if self._exact or self._counted:
            self._control.reply(request, **self._described())
            return
        # Once for each shot: listing a large folder takes some of the interpreter's time.
        self._counted = True
        future = self._beside(slates.next_take, Path(slate.folder or FOLDER), self.words)
        self._later(request, future, self._count)

    def _count(self, number: int) -> dict[str, Any]:
        if self._counted and not self._exact:
            self.session.slate.take = max(self.session.slate.take, number)
        return self._described()

    def _described(self) -> dict[str, Any]:
        """The slate as it is, and where its takes go."""
        folder = Path(self.session.slate.folder or FOLDER).absolute()
        return {"slate": self.words, "folder": str(folder)}

    def _marker(self, request: Marker, sequence: int) -> None:
        if self._taking is None:
            raise UnderstudyError(NOTHING_RUNS)
        at = sequence if request.sequence is None else request.sequence
        if at > sequence:
            raise UnderstudyError(
                f"The marker is at tick {at}, and the stage is at {sequence}; mark what was seen."
            )
        self._taking.event("marker", sequence=at, text=request.text, colour=request.colour)
        self._control.reply(request, sequence=at)

    def _circle(self, request: Circle) -> None:
        running = self._taking
        if running is not None and request.path in ("", running.newest, running.taking):
            running.event("slate", circled=request.circled)
            self._control.reply(request, take=running.newest, circled=request.circled)
            return
        path = request.path or (self.recorder.newest if self.recorder is not None else "")
        if not path:
            raise UnderstudyError("Nothing was recorded yet, so there is no take to circle.")
        take = named(path).with_suffix(".mcap")
        future = self._beside(slates.note, take, {"circled": request.circled})
        self._later(request, future, lambda said: {"take": str(take), "circled": said["circled"]})

    @property
    def _taking(self) -> RecordProcess | None:
        """The recorder, where a take runs."""
        return self.recorder if self.recorder is not None and self.recorder.taking else None

    @property
    def taking(self) -> str:
        """The take that is being recorded, "" for none; before it has a file, some words."""
        return self.recorder.taking if self.recorder is not None else ""

    def figures(self) -> dict[str, float]:
        """Whether a take runs, and whether it fails; nothing where there is no recorder."""
        if self.recorder is None:
            return {}
        return {
            "recording": float(bool(self.recorder.taking)),
            "recording_failed": float(bool(self.recorder.taking and self.recorder.trouble)),
        }

    def told(self) -> dict[str, Any]:
        """The same in words, for the stage's figures."""
        recorder = self.recorder
        return {
            "recording": recorder.taking if recorder is not None else "",
            "recording_trouble": recorder.trouble if recorder is not None else "",
            "recorder_restarted": recorder.restarts if recorder is not None else 0,
        }

    def close(self) -> None:
        if self.recorder is not None:
            self.recorder.close()
        if self._inputs is not None:
            self._inputs.close()

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
