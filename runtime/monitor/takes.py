"""Takes that the page starts and stops, over the stage's side channel."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import PurePath
from typing import Any, TypeVar

from understudy.bridge import ControlClient
from understudy.runtime.core.errors import UnderstudyError

from .side_channel import SideChannel

LAST_TAKE = 9999
LONGEST_SLATE = 48
# The stage starts its recorder for the first take, and answers when the file is there.
ANSWER_S = 20.0
# A long take of many bodies becomes BVH in minutes.
WRITING_S = 300.0

Answer = TypeVar("Answer")


@dataclass(slots=True)
class TakeState:
    """What the page shows.

    recording  path of the take that runs, "" for none
    slate      and take: what the next take will be called
    said       the last word on it, `failed` whether that is a complaint
    """

    recording: str = ""
    slate: str = "take"
    take: int = 1
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
        self._folder = folder.rstrip("/")
        self._channel = SideChannel(control, connect, "takes")
        self._began_s = 0.0
        self._silent_s: float | None = None  # since when nobody hears the stage

    async def start(self, slate: str, take: int) -> None:
        """Begins a take; afterwards `state` says whether it runs, and if not, why."""
        if self.state.busy or self.state.recording:
            return
        slate = plain(slate)
        self.state.slate, self.state.take = slate, take
        path = path_of(self._folder, slate, take, time.strftime("%Y%m%dT%H%M%S"))
        try:
            await self._ask(lambda stage: stage.record(True, path, f"{slate} {take}"), ANSWER_S)
        except UnderstudyError as error:
            self._say(str(error), failed=True)
            # Somebody else's take; it can be stopped from here too.
            if found := re.match(r"(.+) is being recorded", str(error)):
                self._run(found[1])
            return
        self._run(path)
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
        if state.recording:
            state.take = min(state.take + 1, LAST_TAKE)
        state.recording, state.files = "", [str(path) for path in reply.get("written", [])]
        self._say(written(state.files) if state.files else "Nothing was being recorded.")

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
        self.state.recording, self._began_s = path, time.monotonic()

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


def plain(slate: str) -> str:
    """The slate as a part of a file's name: no folders, no dots, nothing that a shell reads."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", slate).strip("_")[:LONGEST_SLATE] or "take"


def path_of(folder: str, slate: str, take: int, stamp: str) -> str:
    """Where a take is written. The stamp keeps a number that is used again from overwriting."""
    name = f"{slate}_{take:03d}_{stamp}.bvh"
    return f"{folder}/{name}" if folder else name
