"""A take while it is recorded: its file, what is missing in it, and what is on the disk of it."""

from __future__ import annotations

import contextlib
import struct
import time
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from understudy.bridge.wire import events
from understudy.bridge.wire.envelope import (
    EVENTS,
    FRAME,
    INPUTS,
    SIZE,
    SKELETONS,
    SOUND,
    WireError,
    open_envelope,
)
from understudy.bridge.wire.table import Table, root
from understudy.runtime.core.errors import UnderstudyError

from . import slate
from .take_file import TakeWriter, unused
from .tally import Seen, Tally, as_text, seen


class Heard(NamedTuple):
    """A message of the wire; of skeletons and sound the time counts, of inputs the tick too."""

    message: bytes
    at_ns: int
    session: int = 0
    published: int = 0
    sequence: int = 0


class _Tick(msgspec.Struct):
    """What counts of a message of inputs here."""

    tick: int
    at_ns: int


class _Piece(msgspec.Struct):
    """The same of a message of sound."""

    at_ns: int


_TICK, _PIECE = msgspec.msgpack.Decoder(_Tick), msgspec.msgpack.Decoder(_Piece)


def heard(message: bytes, now_ns: int) -> Heard | None:
    """What a recorder has to know of a message; None for one that is none of ours."""
    try:
        if message[:4] == INPUTS:
            one = _TICK.decode(message[SIZE:])
            return Heard(message, one.at_ns, sequence=one.tick)
        if message[:4] == SOUND:
            return Heard(message, _PIECE.decode(message[SIZE:]).at_ns)
        topic = open_envelope(message)
        if topic == SKELETONS:
            return Heard(message, now_ns)
        if topic == EVENTS:
            return Heard(message, events.publish_ns(message))
        table: Table = root(message)
        session, published = table.number(1, "Q"), table.number(2, "Q")
        return Heard(message, table.number(4, "q"), session, published, table.number(0, "Q"))
    except (WireError, msgspec.DecodeError, ValueError, IndexError, OverflowError, struct.error):
        return None


class Running:
    """A take while it is recorded.

    safe     the last frame that is on the disk for certain
    present  who is there, for the take that goes on where this one fails
    parts    earlier files of the same take, whose export is made of all of them
    export   the file that is made of the take when it ends, None for none
    """

    def __init__(self, ask: dict[str, Any], offset_ns: int) -> None:
        facts = {name: str(value) for name, value in ask.get("facts", {}).items()}
        if not ask.get("path"):
            facts |= self._name(ask)
        self.ask = ask
        self.path, self.export = unused(Path(ask["path"]))
        self.parts = [Path(part) for part in ask.get("parts", [])]
        if self.parts and self.export is not None:
            self.export = Path(ask.get("export") or self.export)
        if self.export is not None and self.export.suffix.lower() != ".bvh":
            from .take_export import check  # which reads other packages

            check(self.export)  # what cannot be written is refused now
        self.first = int(ask.get("published", 0))
        self.tally = Tally(self.first)
        self.present = set(map(str, ask.get("present", [])))
        self.rate_hz = float(facts.get("rate_hz", 1.0))
        self.last: Heard | None = None
        self.told = -1  # the last tick of which it is known what came in
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
        elif one.message[:4] == INPUTS:
            self.told = one.sequence
        self.writer.add(one.message, one.at_ns, one.published, now_ns)

    def reached(self, published: int, inputs: bool) -> bool:
        """Whether that frame is there, and where there are inputs what came in before it."""
        last = self.last
        there = last is not None and last.published >= published
        return there and (not inputs or last is None or self.told >= last.sequence)

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

    @property
    def files(self) -> list[Path]:
        """All files of the take, in their order."""
        return [*(part for part in self.parts if part != self.path), self.path]

    def again(self) -> dict[str, Any]:
        """The question for a take in which this one goes on: from the first frame that is not
        on the disk for certain, which may be in both."""
        begin = self.first if self.safe is None else self.safe.published + 1
        more = {"parts": list(map(str, self.files)), "export": str(self.export or "")}
        return {**self.ask, "present": sorted(self.present), "published": begin, **more}

    def rest(self) -> None:
        """Closes a take that failed, whole where that can be had."""
        if self.writer.stands:
            with contextlib.suppress(UnderstudyError):
                self.finish()
        self.writer.abandon()
