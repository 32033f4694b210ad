"""A program of ours beside a stage, in a process of its own that is started again when it dies."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Self

from . import processes

# After a death: a stage that is ending as well gets this long to say so.
PAUSE_S = 0.5
# After so many deaths within so long there is a longer pause.
TOO_MANY, WITHIN_S, LONG_PAUSE_S = 3, 10.0, 10.0
WRONG_INPUT = 2


class Companion:
    """`understudy WORDS` beside a stage; nothing that it does can hold up the loop.

    noun      what it is called to people, of more than one: "the outputs"
    restarts  how often it was started again

    A thread waits for its death, asleep in the kernel: the loop pays nothing for the watching. The
    report that it prints at its end comes before `close` returns.
    """

    def __init__(
        self,
        noun: str,
        words: Sequence[object],
        launch: Callable[..., subprocess.Popen[bytes]] = processes.start,
    ) -> None:
        self.restarts = 0
        self._noun = noun
        self._ending = threading.Event()
        self._launch = lambda: launch(*words)
        self._child = self._launch()
        self._thread = threading.Thread(target=self._keep, name=noun, daemon=True)
        self._thread.start()

    def _keep(self) -> None:
        deaths: list[float] = []
        while True:
            code = self._child.wait()
            now_s = time.monotonic()
            deaths = [then_s for then_s in deaths if now_s - then_s < WITHIN_S] + [now_s]
            if self._ending.wait(PAUSE_S):
                return
            if code == WRONG_INPUT:  # it has said what; once more would change nothing
                _say(f"{self._noun} have ended; the stage goes on without them.")
                return
            if len(deaths) >= TOO_MANY:
                why = processes.cause(code)
                _say(f"{self._noun} keep dying ({why}); next try in {LONG_PAUSE_S:g} s.")
                if self._ending.wait(LONG_PAUSE_S):
                    return
            self._child = self._launch()
            self.restarts += 1
            why = processes.cause(code)
            _say(f"{self._noun} died ({why}); started them again; the loop went on.")

    def close(self) -> None:
        self._ending.set()
        # A restart that is under way is waited for, so that no child is left behind.
        processes.end([self._child])
        self._thread.join()
        processes.end([self._child])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _say(what: str) -> None:
    print(f"stage: {what}", file=sys.stderr, flush=True)
