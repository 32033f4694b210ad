"""The recorder's own process: hears the stage over the wire and writes takes.

Commands come as JSON lines, one a line, answers go out the same way; see `process.RecordProcess`.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, Any

from understudy.bridge.wire.envelope import SKELETONS
from understudy.runtime.core.errors import UnderstudyError

from . import export_process
from .feed import QUEUE, Feed
from .running import Heard, Running, heard

PREROLL_NS = 10_000_000_000
POLL_MS = 10
# After a stop: how long the frames that were already sent may take.
LAST_FRAMES_S = 1.0
# A disk that was full is tried again so often.
RETRY_NS = 1_000_000_000


class Recording:
    """Keeps the last ten seconds in memory, and writes takes when it is asked to."""

    def __init__(self, feed: Feed, say: Callable[[dict[str, Any]], None]) -> None:
        self._feed, self._say = feed, say
        self.running: Running | None = None
        self.ended = False
        self._commands: queue.Queue[dict[str, Any]] = queue.Queue()
        self._kept: deque[Heard] = deque()
        self._skeletons: Heard | None = None  # the last that came before what is kept
        self._offset_ns = time.time_ns() - time.monotonic_ns()
        self._exporting = ThreadPoolExecutor(1, "export")
        self._exports: list[Future[None]] = []
        self._waiting: list[tuple[dict[str, Any], float]] = []

    def ask(self, command: dict[str, Any]) -> None:
        """Takes a command from any thread."""
        self._commands.put(command)

    def run(self) -> None:
        """Until it is told to end; then the take that runs is closed."""
        try:
            while not self.ended:
                self._feed.wait(POLL_MS)
                self.turn()
            if self.running is not None and not self.running.trouble:
                self._receive_last()
                self._close({"id": 0})
            elif self.running is not None:
                self.running.rest()
        finally:
            self._exporting.shutdown()
            self._feed.close()

    def turn(self) -> None:
        """Reads what came, does what is asked, and brings the take to the disk."""
        self._feed.turn()
        self._receive()
        while not self._commands.empty():
            self._do(self._commands.get())
        for ask, until_s in list(self._waiting):
            # Only who is let in by the stage records: an answer before that could be a lie.
            if self._feed.greeted or time.monotonic() > until_s:
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
            there = running.reached(last, self._feed.has_inputs)
            if there or last < running.first or time.monotonic() > until_s:
                self._close(ask)

    def _receive(self) -> None:
        for _ in range(2 * QUEUE):
            message = self._feed.next()
            if message is None:
                break
            now_ns = time.monotonic_ns()
            if (one := heard(message, now_ns)) is None:
                continue
            self._kept.append(one)
            if self.running is not None:
                self.running.add(one, now_ns)
        newest_ns = self._kept[-1].at_ns if self._kept else 0
        while self._kept and newest_ns - self._kept[0].at_ns > PREROLL_NS:
            old = self._kept.popleft()
            if old.message[:4] == SKELETONS:
                self._skeletons = old

    def _receive_last(self) -> None:
        """Takes in what was sent before the end: all of a stage that is gone, and of one that
        still runs what was on its way."""
        until_s = time.monotonic() + LAST_FRAMES_S
        gone = False
        while not gone and time.monotonic() < until_s:
            self._feed.turn()
            gone = self._feed.gone  # then all that it sent is here
            self._receive()
            if not gone:
                self._feed.wait(POLL_MS)

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
                self._say({"id": ask["id"], "error": self._unmade(running, running.trouble)})
            case "stop" if running is not None:
                last = int(ask.get("published", 0)) - 1
                running.stop_at = (last, time.monotonic() + LAST_FRAMES_S, ask)
            case "event" if running is not None:
                running.event(ask["event"], time.monotonic_ns(), **ask.get("facts", {}))
            case "end":
                self.ended = True

    def _begin(self, ask: dict[str, Any]) -> None:
        try:
            if not self._feed.greeted:
                raise UnderstudyError(
                    self._feed.trouble or "The recorder does not reach the stage's own frames."
                )
            running = self._running(ask)
        except UnderstudyError as error:
            self._say({"id": ask["id"], "error": str(error)})
            return
        self.running = running
        told = {"take": str(running.path), "export": str(running.export or "")}
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
            error = self._unmade(running, trouble)
            self._say({"id": running.stop_at[2]["id"], "error": error})
            self.running = None

    def _resume(self, failed: Running) -> None:
        """Tries whether a take that failed can go on in a new file; says it when it does."""
        try:
            self.running = self._running(failed.again())
        except UnderstudyError:
            return
        failed.rest()
        going_on = self.running
        self._say({"resumed": str(going_on.path), "export": str(going_on.export or "")})

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
            self._say({"id": ask["id"], "error": self._unmade(running, str(error))})
            return
        self._exports.append(self._exporting.submit(self._export, running, ask))

    def _export(self, running: Running, ask: dict[str, Any]) -> None:
        """Has made what is asked for of a take that is closed; then says what was written."""
        written, notes = [], []
        try:
            if running.export is not None and (running.parts or running.tally.frames):
                made = export_process.export(running.files, running.export)
                written, notes = list(map(str, made.files)), made.notes
        except UnderstudyError as error:
            said = f"The take is whole in {running.path}, but not what is made of it: {error}"
            self._say({"id": ask["id"], "error": self._unmade(running, said)})
            return
        answer = {"written": [*written, str(running.path)], "notes": notes}
        self._say({"id": ask["id"], **answer})

    @staticmethod
    def _unmade(running: Running, trouble: str) -> str:
        """What is wrong, and how the export of a take that ended so is made."""
        if running.export is None:
            return trouble
        how = export_process.command(running.files, running.export)
        return f"{trouble} Then `{how}` makes {running.export.name} of what is there."


def serve(feed: Feed, lines: IO[str], out: IO[str]) -> Recording:
    """A recording that is told what to do by lines, and answers in lines."""
    lock = threading.Lock()

    def say(answer: dict[str, Any]) -> None:
        with lock:
            try:
                out.write(json.dumps(answer) + "\n")
                out.flush()
            except (OSError, ValueError):  # the stage is gone; the take is written all the same
                pass

    recording = Recording(feed, say)

    def read() -> None:
        for line in lines:
            try:
                recording.ask(json.loads(line))
            except ValueError:
                print(f"record: not understood: {line[:100]!r}", file=sys.stderr)
        recording.ask({"op": "end"})

    threading.Thread(target=read, name="commands", daemon=True).start()
    return recording
