"""Takes that the page begins, marks, circles and ends, and the slate of the stage."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import PurePath
from typing import Any, TypeVar

import msgspec

from understudy.bridge import ControlClient
from understudy.runtime.core.errors import UnderstudyError

from .side_channel import SideChannel

# The stage starts its recorder for the first take, and answers when the file is there.
ANSWER_S = 20.0
# A long take of many bodies becomes BVH in minutes.
WRITING_S = 300.0
LOOK_S = 2.0

Answer = TypeVar("Answer")


class Slate(msgspec.Struct):
    """The stage's slate, as far as the page shows it."""

    project: str = ""
    scene: str = ""
    shot: str = ""
    take: int = 1
    description: str = ""
    notes: str = ""


@dataclass(slots=True)
class TakeState:
    """What the page shows.

    recording  path of the take that runs, "" for none
    newest     path of the take that runs, or ran last, and `circled` whether it is
    slate      what the next take will be called
    said       the last word on it, `failed` whether that is a complaint
    """

    recording: str = ""
    newest: str = ""
    circled: bool = False
    slate: dict[str, Any] = field(default_factory=lambda: msgspec.to_builtins(Slate()))
    busy: bool = False
    said: str = ""
    failed: bool = False
    files: list[str] = field(default_factory=list)


class Takes:
    """Asks the stage to record.

    folder  where takes go, as the stage's machine sees it
    """

    def __init__(
        self,
        control: str,
        folder: str = "takes",
        connect: Callable[[str], ControlClient] = ControlClient,
    ) -> None:
        self.state = TakeState()
        self._folder = folder
        self._channel = SideChannel(control, connect, "takes")
        self._began_s = 0.0
        self._silent_s: float | None = None  # since when nobody hears the stage

    async def look(self) -> None:
        """Asks how the slate stands; what a silent stage last said stays."""
        if not self.state.busy:
            with contextlib.suppress(UnderstudyError):
                self._told(await self._channel.ask(lambda stage: stage.slate(), LOOK_S))

    async def start(self) -> None:
        """Begins the slate's next take; afterwards `state` says whether it runs, or why not."""
        if self.state.busy or self.state.recording:
            return
        try:
            told = await self._ask(lambda stage: stage.record(True, folder=self._folder), ANSWER_S)
        except UnderstudyError as error:
            self._say(str(error), failed=True)
            # Somebody else's take; it can be stopped from here too.
            if found := re.match(r"(.+) is being recorded", str(error)):
                self._run(found[1])
            return
        self._run(str(told.get("take") or told.get("recording") or "a take"))
        self._say("")

    async def stop(self) -> None:
        """Ends the take; afterwards `state` has its files, or why there are none."""
        if self.state.busy:
            return
        try:
            reply = await self._ask(lambda stage: stage.record(False), WRITING_S)
        except UnderstudyError as error:
            self._say(str(error), failed=True)
            return
        state = self.state
        state.recording, state.files = "", [str(path) for path in reply.get("written", [])]
        self._say(written(state.files) if state.files else "Nothing was being recorded.")
        await self.look()

    async def mark(self, sequence: int | None, text: str = "") -> None:
        """Marks the frame that the page shows."""
        with self._complaining():
            await self._channel.ask(lambda stage: stage.marker(text, "", sequence), ANSWER_S)
            self._say("Marked.")

    async def circle(self, circled: bool) -> None:
        """Circles the take that runs, or ran last, or no longer."""
        with self._complaining():
            newest = self.state.newest if not self.state.recording else ""
            await self._channel.ask(lambda stage: stage.circle(newest, circled), ANSWER_S)
            self.state.circled = circled

    async def change(self, words: dict[str, Any]) -> None:
        """Sets words of the slate."""
        with self._complaining():
            self._told(await self._channel.ask(lambda stage: stage.slate(**words), ANSWER_S))
            self._say("")

    @contextlib.contextmanager
    def _complaining(self) -> Any:
        try:
            yield
        except UnderstudyError as error:
            self._say(str(error), failed=True)

    def _told(self, reply: dict[str, Any]) -> None:
        with contextlib.suppress(msgspec.ValidationError):
            self.state.slate = msgspec.to_builtins(msgspec.convert(reply.get("slate", {}), Slate))

    def stage_restarted(self) -> None:
        """A stage that began anew records nothing."""
        if self.state.recording:
            lost, self.state.recording = self.state.recording, ""
            self._say(f"The stage was restarted while it recorded {lost}.", failed=True)

    def heard(self, there: bool) -> None:
        """Whether the stage is heard at this moment; called with all that the page is sent."""
        if there:
            self._silent_s = None
        elif self._silent_s is None:
            self._silent_s = time.monotonic()

    def described(self) -> dict[str, Any]:
        """The state for the page, and for how many seconds a take has been running.

        While the stage is not heard they stand: whether it still records is not known (`unsure`).
        """
        state, silent_s = self.state, self._silent_s
        until_s = time.monotonic() if silent_s is None else silent_s
        running_s = max(0.0, until_s - self._began_s) if state.recording else 0.0
        unsure = bool(state.recording) and silent_s is not None
        return {**asdict(state), "seconds": round(running_s, 1), "unsure": unsure}

    def _run(self, path: str) -> None:
        self.state.recording = self.state.newest = path
        self.state.circled, self._began_s = False, time.monotonic()

    def _say(self, sentence: str, failed: bool = False) -> None:
        self.state.said, self.state.failed = sentence, failed

    async def _ask(self, question: Callable[[ControlClient], Answer], timeout_s: float) -> Answer:
        self.state.busy = True
        try:
            return await self._channel.ask(question, timeout_s)
        finally:
            self.state.busy = False

    def close(self) -> None:
        self._channel.close()


def written(files: list[str]) -> str:
    """Which files a take went into, in words; a take of several bodies is several files."""
    folder, names = PurePath(files[0]).parent, [PurePath(file).name for file in files]
    return f"Written into {folder}: {', '.join(names)}"
