"""New takes out of old ones: what is whole of a damaged one, and a part of a long one."""

from __future__ import annotations

import math
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from understudy.runtime.core import timecode
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.files import shown

from . import slate
from .take_file import EVENTS, FRAMES, SKELETONS, TakeWriter, unused
from .take_reader import DAMAGE, Entry, TakeReader
from .tally import Seen, Tally, as_text, seen

_TIMECODE = re.compile(r"\d{1,2}:\d{2}:\d{2}[:;.]\d{2,3}")
# What is missing from 23:59:59 to 00:00:01 is no day.
HALF_A_DAY_S = 43_200.0


class Copy:
    """A take that is written from another one; `close` ends it, an error leaves no file."""

    def __init__(self, reader: TakeReader, target: Path, **facts: str) -> None:
        kept = {k: v for k, v in reader.facts.items() if k != "clock_offset_ns"}
        with suppress(UnderstudyError):
            noted = slate.noted(reader.path)
            kept |= {f"slate_{word}": str(value) for word, value in noted.items()}
        offset_ns = int(reader.facts.get("clock_offset_ns", "0"))
        self.tally = Tally()
        self.writer = TakeWriter(target, {**kept, **facts}, reader.session, offset_ns)

    def add(self, entry: Entry) -> None:
        """Takes a message as it is."""
        writer = self.writer
        if entry.topic == EVENTS:
            self.tally.event(str(entry.event.get("event", "")), entry.event)
        elif entry.topic == FRAMES:
            with suppress(*DAMAGE):
                self.tally.frame(seen(entry.data))
        writer.again(entry.topic, entry.data, entry.time_ns, entry.sequence)
        writer.keep(entry.time_ns - writer.offset_ns)

    def event(self, time_ns: int, what: str, **facts: Any) -> None:
        at_ns = time_ns - self.writer.offset_ns
        self.tally.event(what, facts)
        self.writer.event(at_ns, at_ns, what, **facts)

    def close(self, rate_hz: float) -> Path:
        self.writer.finish(as_text(self.tally.summary(rate_hz)))
        return self.writer.path


def repair(path: Path) -> Path:
    """Writes what is whole of a take into a new file beside it, with an index and an end."""
    reader = TakeReader(path)
    copy: Copy | None = None
    target, _ = unused(path.with_name(f"{path.stem}-repaired.mcap"))
    for entry in reader.entries():
        copy = copy or Copy(reader, target, repaired=path.name)
        copy.add(entry)
    if copy is None:
        raise UnderstudyError(f"{shown(path)} holds nothing that could be saved.")
    with suppress(UnderstudyError):
        return copy.close(reader.rate_hz)
    return copy.close(1.0)


def trim(path: Path, begin: str, end: str, target: Path | None = None) -> Path:
    """Writes the frames from `begin` up to, and without, `end` into a new take.

    Each is a timecode, or seconds from Record on; "" is the take's own. Poses, skeletons, session
    and the events of that time are as they were.
    """
    reader = TakeReader(path)
    found = _Found(reader)
    frames = found.frames
    first = next((n for n, one in enumerate(frames) if one.published >= found.record), 0)
    span = _Span(path, frames, first, reader.rate_hz, reader.facts.get("timecode_rate", "30"))
    low, high = span.at(begin, "--in", first), span.at(end, "--out", len(frames))
    if low >= high:
        raise UnderstudyError(
            f"--in {begin or 'its beginning'} is not before --out {end or 'its end'}."
        )
    target, _ = unused(target or path.with_name(f"{path.stem}-trimmed.mcap"))
    copy = Copy(reader, target, trimmed=path.name)
    try:
        found.copy(copy, low, high)
        return copy.close(reader.rate_hz)
    except BaseException:
        copy.writer.discard()
        raise


class _Found:
    """A take's frames as they are counted, its events, and when each was.

    An event goes by the tick that it names, and by which run of the stage it came in: where the
    stage was restarted, ticks count from 0 again.
    """

    def __init__(self, reader: TakeReader) -> None:
        self.path = reader.path
        self.frames: list[Seen] = []
        self.times_ns: list[int] = []
        self.epochs: list[int] = []
        self.record = 0
        self._present: list[tuple[int, dict[str, Any]]] = []
        for entry in reader.entries():
            if entry.topic == FRAMES:
                with suppress(*DAMAGE):
                    self._frame(seen(entry.data)._replace(subjects=()), entry.time_ns)
            elif entry.topic == EVENTS:
                event = entry.event
                if event.get("event") == "record":
                    self.record = int(event.get("published", 0))
                if event.get("event") in ("record", "present"):
                    self._present.append((self.epochs[-1] if self.epochs else 0, event))
        if not self.frames:
            raise UnderstudyError(f"{shown(self.path)} holds no frame: there is nothing to trim.")

    def _frame(self, one: Seen, time_ns: int) -> None:
        restarted = bool(self.frames) and one.session != self.frames[-1].session
        self.epochs.append((self.epochs[-1] if self.epochs else 0) + restarted)
        self.frames.append(one)
        self.times_ns.append(time_ns)

    def _present_at(self, tick: tuple[int, int]) -> list[str]:
        names: set[str] = set()
        for epoch, event in self._present:
            if (epoch, int(event.get("sequence", 0))) <= tick:
                names.update(map(str, event.get("present", event.get("subjects", []))))
        return sorted(names)

    def copy(self, copy: Copy, low: int, high: int) -> None:
        """Copies frames low up to high, and what belongs to them."""
        first = (self.epochs[low], self.frames[low].sequence)
        last = (self.epochs[high - 1], self.frames[high - 1].sequence)
        after_ns = self.times_ns[low - 1] if low else -1
        until_ns = self.times_ns[high - 1]
        number = 0
        for entry in TakeReader(self.path).entries():
            if entry.topic == FRAMES:
                try:
                    seen(entry.data)
                except DAMAGE:
                    continue
                if number == low:
                    facts = {"published": self.frames[low].published}
                    copy.event(entry.time_ns, "record", **facts, present=self._present_at(first))
                if low <= number < high:
                    copy.add(entry)
                number += 1
            elif entry.topic == SKELETONS:
                if number < high:
                    copy.add(entry)
            elif entry.topic == EVENTS:
                epoch = self.epochs[number - 1] if number else 0
                if _belongs(entry.event, epoch, first, last):
                    copy.add(entry)
            elif after_ns < entry.time_ns <= until_ns:
                copy.add(entry)
        copy.event(until_ns, "stop")


def _belongs(
    event: dict[str, Any], epoch: int, first: tuple[int, int], last: tuple[int, int]
) -> bool:
    """Whether an event is kept with the ticks first to last."""
    match event.get("event"):
        case "record" | "stop":
            return False
        case "slate":
            return True
        case "gap":
            ticks = (int(event.get("after", 0)), int(event.get("before", 0)))
            return first <= (epoch, ticks[0]) and (epoch, ticks[1]) <= last
        case "present":
            return first < (epoch, int(event.get("sequence", 0))) <= last
    return first <= (epoch, int(event.get("sequence", 0))) <= last


class _Span:
    """Where in a take's frames something is."""

    def __init__(
        self, path: Path, frames: list[Seen], first: int, rate_hz: float, rate_name: str
    ) -> None:
        self.path, self.frames, self.rate_hz, self.rate_name = path, frames, rate_hz, rate_name
        self.ticks: list[int] = []  # since Record; they count on where the stage was restarted
        last: Seen | None = None
        for one in frames:
            on = 1 if last is None or one.session != last.session else one.sequence - last.sequence
            self.ticks.append((self.ticks[-1] if self.ticks else 0) + on)
            last = one
        self.ticks = [tick - self.ticks[first] for tick in self.ticks]

    def at(self, text: str, flag: str, usual: int) -> int:
        """The number of the first frame at or after this moment."""
        if not text:
            return usual
        if _TIMECODE.fullmatch(text):
            return self._coded(text, flag)
        try:
            seconds = float(text)
        except ValueError:
            seconds = math.nan
        if not math.isfinite(seconds):
            raise UnderstudyError(
                f"{flag} is {text!r}; give seconds from Record on, as 2.5, or a timecode."
            )
        tick = round(seconds * self.rate_hz)
        low, high = self.ticks[0], self.ticks[-1] + 1
        if not low <= tick <= high:
            raise UnderstudyError(
                f"{flag} is {text} s, and {shown(self.path)} goes from "
                f"{low / self.rate_hz:.6g} to {high / self.rate_hz:.6g} s."
            )
        return self._first(self.ticks, tick)

    def _coded(self, text: str, flag: str) -> int:
        name, rate = self.rate_name, timecode.rate(self.rate_name)
        half = int(HALF_A_DAY_S * rate)
        wished = timecode.frame_number(text, name)
        numbers: list[int] = []
        label, number = "", 0
        for one in self.frames:
            if one.timecode != label:
                label = one.timecode
                with suppress(UnderstudyError):
                    number = timecode.frame_number(label, name)
                if numbers and number < numbers[-1] - half:
                    number += 2 * half  # after midnight
            numbers.append(number)
        if wished < numbers[0] - half:
            wished += 2 * half
        if not numbers[0] <= wished <= numbers[-1] + 1:
            raise UnderstudyError(
                f"{flag} is {text}, and {shown(self.path)} has {self.frames[0].timecode} to "
                f"{self.frames[-1].timecode}."
            )
        return self._first(numbers, wished)

    @staticmethod
    def _first(numbers: list[int], wished: int) -> int:
        return next((n for n, one in enumerate(numbers) if one >= wished), len(numbers))
