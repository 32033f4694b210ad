"""The recorder's own process: hears the stage over the wire and writes takes.

Commands come as JSON lines, one a line, answers go out the same way; see `process.RecordProcess`.
"""

from __future__ import annotations

import contextlib
import json
import queue
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec
import zmq

from understudy.bridge.security import address as addresses
from understudy.bridge.security.access import take
from understudy.bridge.security.handshake import Handshake
from understudy.bridge.subscriber import LARGEST_MESSAGE
from understudy.bridge.wire.envelope import (
    FRAME,
    INPUTS,
    SIZE,
    SKELETONS,
    WireError,
    open_envelope,
)
from understudy.bridge.wire.table import Table, root
from understudy.runtime.core.errors import UnderstudyError

from . import slate
from .take_file import TakeWriter, unused
from .tally import Seen, Tally, as_text, seen

PREROLL_NS = 10_000_000_000
# What waits in ZeroMQ while a disk is slow: half a minute at 120 Hz, and the skeletons.
QUEUE = 4096
POLL_MS = 10
# After a stop: how long the frames that were already sent may take.
LAST_FRAMES_S = 1.0
# A disk that was full is tried again so often.
RETRY_NS = 1_000_000_000


class Heard(NamedTuple):
    """A message of the wire; for skeletons and inputs only its time counts."""

    message: bytes
    at_ns: int
    session: int = 0
    published: int = 0
    sequence: int = 0


class _Tick(msgspec.Struct):
    """What counts of a message of inputs here."""

    at_ns: int


_TICK = msgspec.msgpack.Decoder(_Tick)


def heard(message: bytes, now_ns: int) -> Heard | None:
    """What a recorder has to know of a message; None for one that is none of ours."""
    try:
        if message[:4] == INPUTS:
            return Heard(message, _TICK.decode(message[SIZE:]).at_ns)
        if open_envelope(message) == SKELETONS:
            return Heard(message, now_ns)
        table: Table = root(message)
        session, published = table.number(1, "Q"), table.number(2, "Q")
        return Heard(message, table.number(4, "q"), session, published, table.number(0, "Q"))
    except (WireError, msgspec.DecodeError, ValueError, IndexError, OverflowError, struct.error):
        return None


class Running:
    """A take while it is recorded.

    safe     the last frame that is on the disk for certain
    present  who is there, for the take that goes on where this one fails
    parts    earlier files of the same take, whose BVH is made of all of them
    """

    def __init__(self, ask: dict[str, Any], offset_ns: int) -> None:
        facts = {name: str(value) for name, value in ask.get("facts", {}).items()}
        if not ask.get("path"):
            facts |= self._name(ask)
        self.ask = ask
        self.path, self.bvh = unused(Path(ask["path"]))
        self.parts = [Path(part) for part in ask.get("parts", [])]
        if self.parts and self.bvh is not None:
            self.bvh = Path(ask.get("bvh") or self.bvh)
        if self.bvh is not None and self.bvh.suffix.lower() != ".bvh":
            from .take_export import check  # which reads other packages

            check(self.bvh)  # a suffix that nobody writes is refused now
        self.first = int(ask.get("published", 0))
        self.tally = Tally(self.first)
        self.present = set(map(str, ask.get("present", [])))
        self.rate_hz = float(facts.get("rate_hz", 1.0))
        self.last: Heard | None = None
        self.safe: Heard | None = None
        self.trouble = ""
        self.retry_ns = 0
        self.stop_at: tuple[int, float, dict[str, Any]] | None = None
        facts["begun_ns"] = str(time.time_ns())
        self.writer = TakeWriter(self.path, facts, ask.get("session", ""), offset_ns)

    @staticmethod
    def _name(ask: dict[str, Any]) -> dict[str, str]:
        """Names a take by its slate; gives what the take is to say of itself."""
        words, folder = ask["slate"], Path(ask["folder"])
        number = slate.next_take(folder, words)
        name = slate.stem(words["project"], words["scene"], words["shot"], number)
        ask["path"], ask["number"] = str(folder / f"{name}.bvh"), number
        return {"slate": name, "slate_take": str(number)}

    def add(self, one: Heard, now_ns: int) -> None:
        """Writes a message, and what is missing before it."""
        if self.trouble:
            return
        if one.message[:4] == FRAME:
            self._follow(one, now_ns)
        self.writer.add(one.message, one.at_ns, one.published, now_ns)

    def _follow(self, one: Heard, now_ns: int) -> None:
        last, self.last = self.last, one
        try:
            counted = seen(one.message)
        except (WireError, ValueError, IndexError, OverflowError, struct.error):
            counted = Seen(one.session, one.published, one.sequence, "", ())
        lost, skipped = self.tally.frame(counted)
        if last is not None and one.session != last.session:
            self.writer.event(one.at_ns, now_ns, "restart", sequence=one.sequence)
        elif last is not None and (lost or skipped):
            facts = {"after": last.sequence, "before": one.sequence}
            self.writer.event(one.at_ns, now_ns, "gap", **facts, lost=lost, skipped=skipped)

    def event(self, what: str, now_ns: int, **facts: Any) -> None:
        """Writes something that happened; a take that cannot be written keeps who is there."""
        if what == "present":
            self.present.update(map(str, facts.get("subjects", [])))
        if not self.trouble:
            self.tally.event(what, facts)
            self.writer.event(now_ns, now_ns, what, **facts)

    def keep(self, now_ns: int, at_once: bool = False) -> None:
        """Brings what was written to the disk where it is time."""
        self.writer.keep(now_ns, at_once)
        if self.writer.kept:
            self.safe = self.last

    def finish(self) -> None:
        """Writes what the take amounts to, and its end."""
        self.writer.finish(as_text(self.tally.summary(self.rate_hz)))

    def again(self) -> dict[str, Any]:
        """The question for a take in which this one goes on: from the first frame that is not
        on the disk for certain, which may be in both."""
        begin = self.first if self.safe is None else self.safe.published + 1
        parts = [str(part) for part in (*self.parts, self.path)]
        more = {"parts": parts, "bvh": str(self.bvh or "")}
        return {**self.ask, "present": sorted(self.present), "published": begin, **more}

    def rest(self) -> None:
        """Closes a take that failed, whole where that can be had."""
        if self.writer.stands:
            with contextlib.suppress(UnderstudyError):
                self.finish()
        self.writer.abandon()


class Recording:
    """Keeps the last ten seconds in memory, and writes takes when it is asked to."""

    def __init__(
        self, address: str, key: Path | None, say: Callable[[dict[str, Any]], None]
    ) -> None:
        self._say = say
        self.running: Running | None = None
        self.ended = False
        self._commands: queue.Queue[dict[str, Any]] = queue.Queue()
        self._kept: deque[Heard] = deque()
        self._skeletons: Heard | None = None  # the last that came before what is kept
        self._offset_ns = time.time_ns() - time.monotonic_ns()
        self._exporting = ThreadPoolExecutor(1, "export")
        self._exports: list[Future[None]] = []
        self._waiting: list[tuple[dict[str, Any], float]] = []
        context: zmq.Context = zmq.Context.instance()
        self._socket: zmq.Socket = context.socket(zmq.SUB)
        self._socket.linger = 0
        self._socket.rcvhwm = QUEUE
        self._socket.setsockopt(zmq.MAXMSGSIZE, LARGEST_MESSAGE)
        self._socket.reconnect_ivl = 20
        addresses.notice_the_dead(self._socket)
        self._socket.subscribe(b"")
        self._handshake = Handshake(self._socket, address, key)

    def ask(self, command: dict[str, Any]) -> None:
        """Takes a command from any thread."""
        self._commands.put(command)

    def run(self) -> None:
        """Until it is told to end; then the take that runs is closed."""
        try:
            while not self.ended:
                self._socket.poll(POLL_MS)
                self.turn()
            if self.running is not None and not self.running.trouble:
                self._receive()
                self._close({"id": 0})
            elif self.running is not None:
                self.running.rest()
        finally:
            self._exporting.shutdown()
            self._handshake.close()
            self._socket.close()

    def turn(self) -> None:
        """Reads what came, does what is asked, and brings the take to the disk."""
        self._handshake.poll()
        self._receive()
        while not self._commands.empty():
            self._do(self._commands.get())
        for ask, until_s in list(self._waiting):
            # Only who is let in by the stage records: an answer before that could be a lie.
            if self._handshake.greeted or time.monotonic() > until_s:
                self._waiting.remove((ask, until_s))
                self._begin(ask)
        running = self.running
        if running is None:
            return
        now_ns = time.monotonic_ns()
        if not running.trouble:
            try:
                running.keep(now_ns)
            except UnderstudyError as error:
                self._fail(running, str(error))
        elif now_ns > running.retry_ns:
            running.retry_ns = now_ns + RETRY_NS
            self._resume(running)
        if running.stop_at is not None:
            last, until_s, ask = running.stop_at
            there = running.last is not None and running.last.published >= last
            if there or last < running.first or time.monotonic() > until_s:
                self._close(ask)

    def _receive(self) -> None:
        for _ in range(QUEUE):
            message = take(self._socket)
            if message is None:
                break
            now_ns = time.monotonic_ns()
            if (one := heard(message, now_ns)) is None:
                continue
            self._kept.append(one)
            if self.running is not None and one.message[:4] in (FRAME, SKELETONS, INPUTS):
                self.running.add(one, now_ns)
        newest_ns = self._kept[-1].at_ns if self._kept else 0
        while self._kept and newest_ns - self._kept[0].at_ns > PREROLL_NS:
            old = self._kept.popleft()
            if old.message[:4] == SKELETONS:
                self._skeletons = old

    def _do(self, ask: dict[str, Any]) -> None:
        running = self.running
        match ask.get("op"):
            case "start":
                self._waiting.append((ask, time.monotonic() + 3.0))
            case "stop" if running is None:
                self._say({"id": ask["id"], "written": []})
            case "stop" if running is not None and running.trouble:
                self.running = None
                running.rest()
                self._say({"id": ask["id"], "error": running.trouble})
            case "stop" if running is not None:
                last = int(ask.get("published", 0)) - 1
                running.stop_at = (last, time.monotonic() + LAST_FRAMES_S, ask)
            case "event" if running is not None:
                running.event(ask["event"], time.monotonic_ns(), **ask.get("facts", {}))
            case "end":
                self.ended = True

    def _begin(self, ask: dict[str, Any]) -> None:
        try:
            if not self._handshake.greeted:
                raise UnderstudyError(
                    self._handshake.trouble or "The recorder does not reach the stage's own frames."
                )
            running = self._running(ask)
        except UnderstudyError as error:
            self._say({"id": ask["id"], "error": str(error)})
            return
        self.running = running
        told = {"take": str(running.path), "bvh": str(running.bvh or "")}
        self._say({"id": ask["id"], **told, "number": ask.get("number", 0)})

    def _running(self, ask: dict[str, Any]) -> Running:
        """A take with what came before it, on the disk; where that fails no file is left."""
        running = Running(ask, self._offset_ns)
        try:
            now_ns = time.monotonic_ns()
            if self._skeletons is not None:
                running.add(self._skeletons, now_ns)
            for one in self._kept:
                running.add(one, now_ns)
            facts = {"published": running.first, "present": ask.get("present", [])}
            running.event("record", now_ns, **facts)
            running.keep(now_ns, at_once=True)
        except UnderstudyError:
            running.writer.discard()
            raise
        return running

    def _fail(self, running: Running, trouble: str) -> None:
        running.trouble = trouble
        running.retry_ns = time.monotonic_ns() + RETRY_NS
        self._say({"trouble": trouble})
        if running.stop_at is not None:
            running.rest()
            self._say({"id": running.stop_at[2]["id"], "error": trouble})
            self.running = None

    def _resume(self, failed: Running) -> None:
        """Tries whether a take that failed can go on in a new file; says it when it does."""
        try:
            self.running = self._running(failed.again())
        except UnderstudyError:
            return
        failed.rest()
        self._say({"resumed": str(self.running.path), "bvh": str(self.running.bvh or "")})

    def _close(self, ask: dict[str, Any]) -> None:
        running = self.running
        assert running is not None
        self.running = None
        try:
            now_ns = time.monotonic_ns()
            running.event("stop", now_ns)
            running.finish()
        except UnderstudyError as error:
            self._say({"trouble": str(error)})
            self._say({"id": ask["id"], "error": str(error)})
            return
        self._exports.append(self._exporting.submit(self._export, running, ask))

    def _export(self, running: Running, ask: dict[str, Any]) -> None:
        """Makes the BVH of a take that is closed; then the answer says what was written."""
        written: list[str] = []
        try:
            from .take_reader import readable

            parts = [p for p in running.parts if p != running.path and readable(p)]
            if running.bvh is not None and (parts or running.tally.frames):
                # Not needed to begin or to end a take, which is to be quick.
                from .take_export import export

                written = [str(path) for path in export([*parts, running.path], running.bvh).files]
        except UnderstudyError as error:
            said = f"The take is whole in {running.path}, but not what was made of it: {error}"
            self._say({"id": ask["id"], "error": said})
            return
        self._say({"id": ask["id"], "written": [*written, str(running.path)]})


def serve(address: str, key: Path | None, lines: IO[str], out: IO[str]) -> Recording:
    """A recording that is told what to do by lines, and answers in lines."""
    lock = threading.Lock()

    def say(answer: dict[str, Any]) -> None:
        with lock:
            try:
                out.write(json.dumps(answer) + "\n")
                out.flush()
            except (OSError, ValueError):  # the stage is gone; the take is written all the same
                pass

    recording = Recording(address, key, say)

    def read() -> None:
        for line in lines:
            try:
                recording.ask(json.loads(line))
            except ValueError:
                print(f"record: not understood: {line[:100]!r}", file=sys.stderr)
        recording.ask({"op": "end"})

    threading.Thread(target=read, name="commands", daemon=True).start()
    return recording
