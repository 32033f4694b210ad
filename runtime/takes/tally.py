"""What a take amounts to: how long it is, who was there in which state, what is missing of it.

The recorder counts as it writes, a reader as it reads, and both come to the same.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Mapping
from typing import Any, NamedTuple

from understudy.bridge.wire.table import root
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import State

from .slate import WORDS, changed

# Frames that were written before it is known where the take begins, or that somebody is there:
# the pre-roll at 400 Hz. What is told later than that is told of nothing.
WAITING = 4096
LIVE, TAKEOVER = State.LIVE.name, State.TAKEOVER.name


class Seen(NamedTuple):
    """A frame, as far as it is counted: subjects are names and states."""

    session: int
    published: int
    sequence: int
    timecode: str
    subjects: tuple[tuple[str, str], ...]


def seen(message: bytes) -> Seen:
    """What counts of a FRAM message; raises what the wire's tables raise on damage."""
    table = root(message)
    subjects = tuple((t.text(0), State(t.number(2, "B")).name) for t in table.tables(9))
    return Seen(
        table.number(1, "Q"), table.number(2, "Q"), table.number(0, "Q"), table.text(5), subjects
    )


class Tally:
    """Counts frames and events in the order in which they stand in the file.

    first  the counter of the take's first frame, where it is known already: frames before it are
           pre-roll. A reader learns it from the `record` event.

    frames, lost and skipped are of the whole file; all else begins with Record.
    """

    def __init__(self, first: int | None = None) -> None:
        self.frames = self.preroll = self.lost = self.skipped = self.markers = 0
        self.ticks = 0
        self.timecode_in = self.timecode_out = ""
        self.worst_gap_ticks = 0
        self.slate: dict[str, Any] = {}
        self._first = first
        self._before: deque[Seen] = deque(maxlen=WAITING)
        self._last: Seen | None = None  # of the file
        self._ended: Seen | None = None  # of the take
        self._states: dict[str, Counter[str]] = {}
        self._live: dict[str, int] = {}  # the tick at which a subject was live last
        self._there: set[str] = set()
        self._told = False  # whether anything says who is there
        self._waiting: dict[str, deque[tuple[int, str]]] = {}

    def frame(self, one: Seen) -> tuple[int, int]:
        """Takes a frame; how many frames were lost before it, and ticks left out by the stage."""
        last, self._last = self._last, one
        self.frames += 1
        missing = 0, 0
        if last is not None and one.session == last.session:
            lost = max(0, one.published - last.published - 1)
            missing = lost, max(0, one.sequence - last.sequence - 1 - lost)
            self.lost, self.skipped = self.lost + missing[0], self.skipped + missing[1]
        if self._first is None:
            self._before.append(one)
        else:
            self._count(one)
        return missing

    def event(self, what: str, facts: Mapping[str, Any]) -> None:
        """Takes an event of the file."""
        match what:
            case "record":
                self._first = int(facts.get("published", 0))
                self._present(facts.get("present", []), 0)
                self._settle()
            case "present":
                self._present(facts.get("subjects", []), int(facts.get("sequence", 0)))
            case "marker":
                self.markers += 1
            case "slate":
                self.slate |= {word: facts[word] for word in WORDS if word in facts}

    def _settle(self) -> None:
        """Counts what came before it was known where the take begins."""
        while self._before:
            self._count(self._before.popleft())

    def _count(self, one: Seen) -> None:
        if self._first is not None and one.published < self._first:
            self.preroll += 1
            return
        last, self._ended = self._ended, one
        self.timecode_in = self.timecode_in or one.timecode
        self.timecode_out = one.timecode or self.timecode_out
        follows = last is not None and one.session == last.session
        self.ticks += max(0, one.sequence - last.sequence) if follows and last is not None else 1
        if not follows:
            self._live.clear()
        names = set()
        for name, state in one.subjects:
            names.add(name)
            if name in self._there:
                self._state(name, one.sequence, state)
            else:
                self._waiting.setdefault(name, deque(maxlen=WAITING)).append((one.sequence, state))
        for name in self._live.keys() - names:
            del self._live[name]  # who left is not missing

    def _state(self, name: str, sequence: int, state: str) -> None:
        self._states.setdefault(name, Counter())[state] += 1
        since = self._live.setdefault(name, sequence - 1)
        gap = sequence - since - (state == LIVE)
        self.worst_gap_ticks = max(self.worst_gap_ticks, gap)
        if state == LIVE:
            self._live[name] = sequence

    def _present(self, names: Any, sequence: int) -> None:
        for name in map(str, names):
            self._told = True
            self._there.add(name)
            for at, state in self._waiting.pop(name, ()):
                if at >= sequence:
                    self._state(name, at, state)

    def summary(self, rate_hz: float) -> dict[str, Any]:
        """The figures, under the names that docs/take.md has."""
        self._settle()
        if not self._told:  # a take of others, or of nobody: whoever is in it counts
            self._present(list(self._waiting), 0)
        counts = {name: dict(states) for name, states in self._states.items()}
        whole = sum(sum(states.values()) for states in counts.values())
        acted = sum(states.get(TAKEOVER, 0) for states in counts.values())
        return {
            "frames": self.frames,
            "preroll": self.preroll,
            "lost": self.lost,
            "skipped": self.skipped,
            "seconds": round(self.ticks / rate_hz, 6),
            "timecode_in": self.timecode_in,
            "timecode_out": self.timecode_out,
            "subjects": counts,
            "takeover": round(acted / whole, 6) if whole else 0.0,
            "worst_gap_s": round(self.worst_gap_ticks / rate_hz, 6),
            "markers": self.markers,
            "slate": self.slate,
        }


def as_text(summary: Mapping[str, Any]) -> dict[str, str]:
    """A summary as MCAP's metadata, whose values are text: tables are JSON."""
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in summary.items()
    }


def of_text(found: Mapping[str, str]) -> dict[str, Any] | None:
    """The summary that a take's metadata holds; None where it is not whole."""
    like = Tally().summary(1.0)
    summary: dict[str, Any] = {}
    for name, sort in like.items():
        try:
            value = found[name] if isinstance(sort, str) else json.loads(found[name])
        except (KeyError, ValueError, RecursionError):
            return None
        like_it = (int, float) if isinstance(sort, float) else type(sort)
        if isinstance(value, bool) or not isinstance(value, like_it):
            return None
        summary[name] = value
    for states in summary["subjects"].values():
        if not isinstance(states, dict) or not all(isinstance(n, int) for n in states.values()):
            return None
    try:
        summary["slate"] = changed(summary["slate"], "the take")
    except UnderstudyError:
        return None
    return summary
