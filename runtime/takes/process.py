"""`understudy record` beside a stage, so that no disk and no encoder reaches the loop."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from understudy.runtime.core import processes
from understudy.runtime.core.errors import Failure

from . import export_process

PAUSE_S = 0.2
TOO_MANY, WITHIN_S, LONG_PAUSE_S = 4, 10.0, 5.0
# A recorder whose stage ends is done with its files within that, unless it makes an export.
SOON_S = 10.0
# Hours of many bodies become other files in as long as that.
PATIENCE_S = 3600.0


class RecordProcess:
    """The recorder of a stage, in a process of its own.

    While a take runs a second one stands by: it hears the stage and keeps the last ten seconds, so
    that it can go on, in a new file, where the first one died. A recorder that dies without one is
    started again.

    taking    the take that is being recorded, "" for none
    newest    the file of the take that was begun last, "" for none
    trouble   why what is performed is not being recorded, "" where all is well
    restarts  how often it was started again

    Nothing here makes its caller wait but `close`: questions are put on a queue, and answers are
    futures.
    """

    def __init__(
        self,
        address: str,
        inputs: str,
        key: Path | None = None,
        realtime: bool = False,
        launch: Callable[..., subprocess.Popen[bytes]] = processes.start,
    ) -> None:
        self.taking = self.trouble = self.newest = ""
        self.restarts = 0
        self._parts: list[str] = []
        self._export = ""  # of the take, made of all its parts
        self._start: dict[str, Any] | None = None
        self._present: frozenset[str] = frozenset()
        self._lines: queue.Queue[dict[str, Any] | None] = queue.Queue()
        # What is not answered yet, and what is to be said with it if the recorder dies.
        self._asked: dict[int, tuple[Future[dict[str, Any]], str]] = {}
        self._count = 0
        self._ending = threading.Event()
        self._lock = threading.Lock()
        words: list[object] = ["record", "--from", address, "--inputs", inputs]
        if key is not None:
            words += ["--key", key]
        words += ["--realtime"] * realtime
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._launch = lambda: launch(*words, **pipes)
        self._child: subprocess.Popen[bytes] | None = None
        self._spare: subprocess.Popen[bytes] | None = None
        self._needed = threading.Event()  # another that stands by
        self._keeper = threading.Thread(target=self._keep, name="recorder", daemon=True)
        self._keeper.start()
        self._teller = threading.Thread(target=self._tell, name="to the recorder", daemon=True)
        self._teller.start()
        self._second = threading.Thread(target=self._stand_by, name="stand-by", daemon=True)
        self._second.start()

    def start(
        self,
        path: Path | None,
        facts: dict[str, Any],
        session: str,
        published: int,
        slate: dict[str, Any] | None = None,
        folder: str = "",
    ) -> Future[dict[str, Any]]:
        """Begins a take; published is how many frames the stage had sent before its first.

        Without a path the recorder names it by the slate, and counts.
        """
        self._parts, self._present, self.trouble = [], frozenset(), ""
        self._export = ""
        self._start = {
            "op": "start",
            "path": "" if path is None else str(path),
            "facts": facts,
            "session": session,
            "published": published,
            "slate": slate,
            "folder": folder,
        }
        self.taking = str(path or "the next take")
        return self._ask(self._start)

    def stop(self, published: int) -> Future[dict[str, Any]]:
        """Ends the take with the last of so many frames; the answer names the files."""
        self._start, self.taking = None, ""
        how = ""
        if self._export:
            target = Path(self._export)
            made = export_process.command([Path(part) for part in self._parts], target)
            how = f" If there is no {target.name}, `{made}` makes it."
        return self._ask({"op": "stop", "published": published}, how)

    def give_up(self) -> None:
        """After a refusal: no take runs."""
        self._start, self.taking = None, ""

    def present(self, names: frozenset[str], sequence: int) -> None:
        """Of whom there is something to record from this tick on."""
        if self.taking and names != self._present:
            came = sorted(names - self._present)
            self._present = names
            if came:
                self.event("present", subjects=came, sequence=sequence)

    def event(self, what: str, **facts: Any) -> None:
        """Something that happens now, for the take that runs."""
        self._lines.put({"op": "event", "event": what, "facts": facts})

    def _ask(self, question: dict[str, Any], how: str = "") -> Future[dict[str, Any]]:
        future: Future[dict[str, Any]] = Future()
        with self._lock:
            self._count += 1
            self._asked[self._count] = future, how
            self._lines.put({**question, "id": self._count})
        return future

    def _tell(self) -> None:
        while (line := self._lines.get()) is not None:
            while self._child is None and not self._ending.wait(0.01):
                pass
            try:
                assert self._child is not None and self._child.stdin is not None
                self._child.stdin.write(json.dumps(line).encode() + b"\n")
                self._child.stdin.flush()
            except (OSError, ValueError, AssertionError):
                continue  # it died; whoever asks is told when that is seen

    def _keep(self) -> None:
        deaths: list[float] = []
        while True:
            with self._lock:
                spare, self._spare = self._spare, None
            ready = spare is not None and spare.poll() is None
            child = self._child = spare if ready and spare is not None else self._launch()
            if deaths:
                self._go_on()
            assert child.stdout is not None
            for line in child.stdout:
                self._answered(line)
            code = child.wait()
            if self._ending.is_set():
                self._refuse("The recorder has ended.")
                return
            now_s = time.monotonic()
            deaths = [then_s for then_s in deaths if now_s - then_s < WITHIN_S] + [now_s]
            self._child = None
            cause = processes.cause(code)
            self._refuse(f"The recorder died ({cause}); what it had is in the take.")
            pause_s = LONG_PAUSE_S if len(deaths) >= TOO_MANY else PAUSE_S
            alone = self._spare is None
            what = "starting it again" if alone else "another takes over"
            _say(f"the recorder died ({cause}); {what}; the loop goes on.")
            if self._start is not None:
                self.trouble = f"The recorder died ({cause}); {what}."
            if (alone or len(deaths) >= TOO_MANY) and self._ending.wait(pause_s):
                return
            self.restarts += 1

    def _go_on(self) -> None:
        """Has a recorder that took over go on with the take that ran: what it heard of it is in."""
        if (start := self._start) is not None:
            again = {**start, "present": sorted(self._present)}
            again |= {"parts": list(self._parts), "export": self._export}
            self._ask(again).add_done_callback(self._resumed)
            self._needed.set()

    def _stand_by(self) -> None:
        """Has a second recorder stand by while takes are recorded."""
        while not self._ending.is_set():
            self._needed.wait()
            self._needed.clear()
            if self._ending.is_set():
                return
            if self._spare is None or self._spare.poll() is not None:
                spare = self._launch()
                with self._lock:
                    self._spare = spare

    def _resumed(self, answer: Future[dict[str, Any]]) -> None:
        if error := answer.exception():
            self.trouble = str(error)
            _say(self.trouble)
            return
        self.trouble = ""
        _say(f"the take goes on in {answer.result()['take']}.")

    def _answered(self, line: bytes) -> None:
        try:
            answer = json.loads(line)
        except ValueError:
            return
        if trouble := answer.get("trouble"):
            self.trouble = trouble
            _say(f"NOT RECORDING: {trouble}")
        if resumed := answer.get("resumed"):
            self.trouble, answer["take"] = "", resumed
            _say(f"recording again: the take goes on in {resumed}.")
        if "take" in answer:
            self._parts.append(answer["take"])
            self._export = self._export or answer["export"]
            self.newest = answer["take"]
            if self._start is not None:
                self._needed.set()
                self.taking = answer["export"] or answer["take"]
                self._start["path"] = self._start["path"] or self.taking
        for note in answer.get("notes", []):
            _say(note)
        with self._lock:
            future, _ = self._asked.pop(answer.get("id", 0), (None, ""))
        if future is None:
            return
        if error := answer.get("error"):
            future.set_exception(Failure(error))
        else:
            earlier = [part for part in self._parts if part not in answer.get("written", [])]
            if "written" in answer and earlier:
                answer["written"] += earlier
            future.set_result(answer)

    @property
    def _exports_wait(self) -> bool:
        """Whether a take that ended is still made into something else."""
        with self._lock:
            return any(how for _, how in self._asked.values())

    def _refuse(self, why: str) -> None:
        with self._lock:
            asked, self._asked = self._asked, {}
        for future, how in asked.values():
            future.set_exception(Failure(f"{why}{how}"))

    def close(self) -> None:
        """Ends the recorder, which closes a take that still runs."""
        self._ending.set()
        self._needed.set()
        self._second.join()
        self._lines.put(None)
        self._teller.join()
        spare, child = self._spare, self._child
        for one in (spare, child):  # the end of its commands ends it
            if one is not None and one.stdin is not None:
                with contextlib.suppress(OSError):
                    one.stdin.close()
        for one in (spare, child):
            if one is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    one.wait(SOON_S)
        if child is not None and child.poll() is None and self._exports_wait:
            _say("waiting for what is made of a take; Ctrl-C leaves it to the recorder.")
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(PATIENCE_S)
        processes.end(one for one in (spare, child) if one is not None)
        self._keeper.join(10.0)
        if self._child is not None and self._child is not child:
            processes.end([self._child])

    def __enter__(self) -> RecordProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _say(what: str) -> None:
    with contextlib.suppress(OSError):  # the terminal may be gone
        print(f"stage: {what}", file=sys.stderr, flush=True)
