"""The session as the stage tells it, and changes to it from the page."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import msgspec

from understudy.bridge import ControlClient
from understudy.runtime.core.errors import UnderstudyError

from .side_channel import SideChannel
from .visitor import (
    AddSource,
    AddSubject,
    AdjustSubject,
    Edit,
    PlaceSubject,
    RemoveSource,
    RemoveSubject,
    RenameSubject,
    ResetSubject,
    SaveSession,
    Transport,
)

LOOK_S = 2.0
# Over less than this a source that sends well may have sent nothing.
RATE_OVER_S = 0.8
# Opening a source may read a file or make a network's part.
CHANGE_S = 15.0
_RESET = {
    "heading": "faces ahead",
    "camera": "faces the camera",
    "mark": "stands on the mark",
    "t_pose": "stands in a T-pose: joints are put right",
    "off": "is as its source has it",
}
# Changes that wait; a hand on a stepper is faster than a stage that opens a file.
MOST_WAITING = 16


class Source(msgspec.Struct):
    """A source in the stage's reply to `session`."""

    name: str
    line: str = msgspec.field(default="", name="from")
    notice: str = ""
    streams: list[str] = []
    figures: dict[str, Any] = {}
    quality: str = ""


class Subject(msgspec.Struct):
    """A subject in the stage's reply to `session`."""

    name: str
    made_of: Any = ""
    at_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    heading_deg: float = 0.0
    mirror: bool = False
    root: str = "free"
    t_pose: int = 0


class Session(msgspec.Struct):
    """What the page needs of the stage's reply to `session`."""

    sources: list[Source] = []
    subjects: list[Subject] = []


class Editing:
    """Asks the stage for its session, and for changes, one at a time.

    described  for the page; None until the stage has told
    """

    def __init__(
        self, control: str, connect: Callable[[str], ControlClient] = ControlClient
    ) -> None:
        self.described: dict[str, Any] | None = None
        self._channel = SideChannel(control, connect, "editing")
        self._waiting = 0
        # By source: frames, when they were counted, and the rate before.
        self._counted: dict[str, tuple[int, float, float | None]] = {}

    async def look(self) -> bool:
        """Asks for the session; whether it differs from what it was."""
        before = self.described

        def asked(stage: ControlClient) -> tuple[list[str], dict[str, Any]]:
            return stage.hello("monitor").get("may", ["listen", "steer", "record"]), stage.session()

        try:
            may, told = await self._channel.ask(asked, LOOK_S)
            session = msgspec.convert(told, Session)
        except UnderstudyError as silence:  # what was there stays; the page greys it
            self.described = {**(before or _described([], [], [])), "trouble": str(silence)}
        except msgspec.ValidationError as error:
            self.described = _described([], [], [], f"The stage's session cannot be read: {error}.")
        else:
            now_s = time.monotonic()
            self.described = _described(
                [self._source(one, now_s) for one in session.sources],
                [msgspec.to_builtins(one) for one in session.subjects],
                may,
            )
            names = {one.name for one in session.sources}
            self._counted = {name: n for name, n in self._counted.items() if name in names}
        return self.described != before

    def _source(self, source: Source, now_s: float) -> dict[str, Any]:
        """A source for the page: its state in words, frames a second, its delay, and why."""
        frames = source.figures.get("frames")
        rate_hz = None
        if isinstance(frames, int):
            before, since_s, rate_hz = self._counted.get(source.name, (-1, now_s, None))
            if before < 0 or now_s - since_s > RATE_OVER_S:
                if before >= 0:
                    rate_hz = round(max(0, frames - before) / (now_s - since_s), 1)
                self._counted[source.name] = frames, now_s, rate_hz
        deck = _deck(source.figures)
        word = status(frames, rate_hz, source.notice)
        if deck is not None:
            word = "plays" if deck["playing"] else "stopped"
        return {
            "name": source.name,
            "line": source.line,
            "status": word,
            "rate_hz": rate_hz,
            "delay_s": delay_s(source.line),
            "reason": source.notice,
            "quality": source.quality,
            "streams": source.streams,
            "deck": deck,
        }

    async def change(self, asked: Edit) -> tuple[str, str]:
        """Makes a change; what came of it, in words, and the sentence of a refusal, or ""."""
        if self._waiting >= MOST_WAITING:
            return "", "Too many changes wait for the stage already; try again in a moment."
        self._waiting += 1
        try:
            reply = await self._channel.ask(lambda stage: _ask(stage, asked), CHANGE_S)
        except UnderstudyError as refusal:
            return "", str(refusal)
        finally:
            self._waiting -= 1
        return _done(asked, reply), ""

    def close(self) -> None:
        self._channel.close()


def _deck(figures: dict[str, Any]) -> dict[str, Any] | None:
    """Of a take that is played, where it stands; None of other sources."""
    try:
        takes = figures["list"]
        return {
            **{name: figures[name] for name in ("position_s", "seconds", "playing", "speed")},
            "cue": figures["cue"],
            "takes": len(takes),
            "timecode": figures["timecode"],
            "raw": bool(figures.get("raw")),
        }
    except (KeyError, TypeError):
        return None


def status(frames: Any, rate_hz: float | None, notice: str) -> str:
    """How a source is, in a word: of one that counts its frames by these, else by its notice."""
    if not isinstance(frames, int):
        return "silent" if notice else "plays"
    if not frames:
        return "waits"
    return "silent" if rate_hz == 0.0 else "sends"


def delay_s(line: str) -> float | None:
    """The delay that a source's line asks for; None where it has none."""
    words = parse_qs(line.partition("?")[2]).get("delay", [""])
    try:
        return float(words[-1])
    except ValueError:
        return None


def _described(
    sources: list[dict[str, Any]], subjects: list[Any], may: list[str], trouble: str = ""
) -> dict[str, Any]:
    return {"sources": sources, "subjects": subjects, "may": may, "trouble": trouble}


def _ask(stage: ControlClient, asked: Edit) -> dict[str, Any]:
    match asked:
        case AddSource():
            return stage.add_source(asked.url, asked.name)
        case RemoveSource():
            return stage.remove_source(asked.name)
        case AddSubject():
            return stage.add_subject(
                name=asked.name,
                at_m=asked.at_m,
                heading_deg=asked.heading_deg,
                **{asked.part: asked.stream},
            )
        case RemoveSubject():
            return stage.remove_subject(asked.name)
        case RenameSubject():
            return stage.rename_subject(asked.name, asked.to)
        case PlaceSubject():
            return stage.place_subject(asked.name, asked.at_m, asked.heading_deg)
        case ResetSubject():
            return stage.reset_subject(asked.what, asked.name)
        case AdjustSubject():
            words = {"mirror": asked.mirror, "root": asked.root}
            said = {name: value for name, value in words.items() if value is not None}
            return stage.adjust_subject(asked.name, **said)
        case Transport():
            words = {name: getattr(asked, name) for name in ("play", "step", "position_s", "cue")}
            asks = {name: value for name, value in words.items() if value is not None}
            return stage.transport(asked.source, **asks)
        case SaveSession():
            return stage.save_session(asked.path)


def _done(asked: Edit, reply: dict[str, Any]) -> str:
    match asked:
        case AddSource():
            return f"{reply.get('name') or asked.url} is listened to."
        case RemoveSource():
            left = ", ".join(map(str, reply.get("left", [])))
            return f"{asked.name} is closed" + (f"; {left} left with it." if left else ".")
        case AddSubject():
            return f"{asked.name} is on stage."
        case RemoveSubject():
            return f"{asked.name} left the stage."
        case RenameSubject():
            return f"{asked.name} is called {asked.to} now."
        case ResetSubject():
            return f"{asked.name} {_RESET[asked.what]}."
        case PlaceSubject() | AdjustSubject() | Transport():
            return ""
        case SaveSession():
            return f"Saved to {reply.get('path', asked.path)}."
