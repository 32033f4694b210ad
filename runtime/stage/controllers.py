"""Controllers: faders and buttons of MIDI and OSC that ask a stage for things.

What one asks for is a request as over the control socket, so a take has it and can be solved again.
A fader that is moved asks once a tick, for where it is then; a button asks when it goes down.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from understudy.bridge.requests import (
    Asked,
    Circle,
    EventTable,
    Happened,
    Learn,
    LookAt,
    Marker,
    Record,
    ResetSubject,
    Style,
    Transport,
)
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.event import CUE
from understudy.runtime.sources.controls import faders
from understudy.runtime.sources.controls.faders import Faders

from .bindings import MOST_BINDINGS, RESETS, WORDS, Binding, ControllerTable, Target, target
from .triggers import Answers

# A button is down from here on, and up again below; a fader that trembles there is none.
DOWN, UP = 0.5, 0.4
# Whoever learns waits so long for a fader that moves by so much.
LEARNS_S, LEARNS = 30.0, 0.2
MOST_CONTROLS = 4096


class _Learning(NamedTuple):
    to: str
    until_s: float


class Controllers:
    """All controllers of a stage.

    effect   how strong a viewport's image effect is, 0 to 1; None: nobody has said
    learned  what was learned last, in words
    """

    def __init__(
        self,
        tables: list[ControllerTable],
        answers: Answers,
        taking: Callable[[], bool],
        plays: Callable[[], bool],
        changed: Callable[[], None],
        opened: Callable[[str], Faders] = faders.opened,
    ) -> None:
        """taking: a take is recorded; plays: a take that is a source goes on; changed: is told that
        the session is another."""
        self.tables = tables
        self.effect: float | None = None
        self.learned = ""
        self._answers, self._taking, self._plays = answers, taking, plays
        self._changed, self._now_s = changed, 0.0
        self._all: list[tuple[ControllerTable, Faders]] = []
        self._first: dict[tuple[int, str], float] = {}  # where a control was when it was learned
        self._at: dict[tuple[int, str], float] = {}
        self._down: set[tuple[int, str]] = set()
        self._learning: _Learning | None = None
        self._refused: dict[str, str] = {}
        self._faults: dict[str, str] = {}
        try:
            for table in tables:
                self._all.append((table, opened(table.source)))
        except BaseException:
            self.close()
            raise

    def asked(self, now_s: float) -> list[Asked]:
        """What controls ask for since the tick before."""
        self._now_s = now_s
        found: list[Asked] = []
        for number, (table, own) in enumerate(self._all):
            moved: dict[str, list[float]] = {}
            for one in own.poll(now_s):
                moved.setdefault(one.control, []).append(one.value)
            if own.fault != self._faults.get(own.where, ""):
                self._faults[own.where] = own.fault
                if own.fault:
                    _say(f"what comes on {own.where} cannot be read: {own.fault}")
            for control, values in moved.items():
                found += self._moved(number, table, control, values)
        if self._learning is not None and now_s > self._learning.until_s:
            self._learning = None
            _say(f"no fader was moved within {LEARNS_S:g} s, so none was learned")
        return found

    def _moved(
        self, number: int, table: ControllerTable, control: str, values: list[float]
    ) -> list[Asked]:
        key = number, control
        if len(self._at) < MOST_CONTROLS or key in self._at:
            before, self._at[key] = self._at.get(key), values[-1]
            if self._learning is not None:
                self._learn(key, table, values, before)
        found: list[Asked] = []
        bound = [one for one in table.map if one.on == control]
        pressed = self._presses(key, values) if bound else 0
        for one in bound:
            said = target(one.to)
            if WORDS[said.word].is_fader:
                found += self._slid(said, one, values[-1])
            else:
                for _ in range(pressed):
                    found += self._pressed(said)
        for request in found:
            if isinstance(request, Happened):  # nobody answers it
                continue
            self._answers.expect(request, self._heard(control, request))
        return found

    def _presses(self, key: tuple[int, str], values: list[float]) -> int:
        count = 0
        for value in values:
            if value >= DOWN and key not in self._down:
                self._down.add(key)
                count += 1
            elif value < UP:
                self._down.discard(key)
        return count

    def _slid(self, said: Target, one: Binding, value: float) -> list[Asked]:
        """A fader at a value, 0 to 1, between its ends."""
        word = WORDS[said.word]
        low = word.low if one.low is None else one.low
        high = word.high if one.high is None else one.high
        at = low + min(max(value, 0.0), 1.0) * (high - low)
        if said.word == "style":
            trait, _, subject = said.rest.partition(" ")
            return [Style(subject=subject.strip(), traits={trait: min(max(at, -1.0), 1.0)})]
        if said.word == "effect":
            self.effect = min(max(at, 0.0), 1.0)
            return []
        return [Transport(speed=min(max(at, 1e-3), 1e3))]

    def _pressed(self, said: Target) -> list[Asked]:
        """A button that goes down."""
        match said.word:
            case "look":
                return [LookAt(at=said.rest)]
            case "record":
                return [
                    Record(start=said.rest == "start" or (not said.rest and not self._taking()))
                ]
            case "marker":
                return [Marker(text=said.rest)]
            case "circle":
                return [Circle()]
            case "play":
                return [
                    Transport(play=said.rest == "start" or (not said.rest and not self._plays()))
                ]
            case "step":
                return [Transport(step=int(said.rest))]
            case "cue":
                name, _, subject = said.rest.partition(" ")
                return [Happened(events=[EventTable(kind=CUE, who=name, on=subject.strip())])]
            case "reset":
                what, _, subject = said.rest.partition(" ")
                return [ResetSubject(what=RESETS[what], name=subject.strip())]  # type: ignore[arg-type]
        return [Transport(cue=0)]

    # Learning.

    def learn(self, request: Learn) -> None:
        """The next control that is moved does what is asked for."""
        try:
            target(request.to)
            if not self._all:
                raise UnderstudyError(
                    "This stage has no controller: give it --controller midi:// or "
                    f"osc://0.0.0.0:{faders.PORT}."
                )
        except UnderstudyError as refusal:
            self._answers.reply(request, error=str(refusal))
            return
        self._first.clear()
        self._learning = _Learning(request.to, self._now_s + LEARNS_S)
        self._answers.reply(request, to=request.to, waits_s=LEARNS_S)

    def _learn(
        self, key: tuple[int, str], table: ControllerTable, values: list[float],
        before: float | None,
    ) -> None:  # fmt: skip
        """Binds a control that goes far enough; a fader that trembles is not meant."""
        assert self._learning is not None
        asked = self._learning.to
        fader = WORDS[target(asked).word].is_fader
        first = self._first.setdefault(key, values[0] if before is None else before)
        far = max(abs(value - first) for value in values) >= LEARNS
        if not (far or (not fader and values[-1] >= DOWN)) or len(table.map) >= MOST_BINDINGS:
            return
        control = key[1]
        table.map = [one for one in table.map if one.on != control]
        table.map.append(Binding(on=control, to=asked))
        self._down.add(key)  # what taught it is no press
        where = self._all[key[0]][1].where
        self.learned, self._learning = f"{control} of {where} does {asked}", None
        _say(f"learned: {self.learned}")
        self._changed()

    def _heard(self, control: str, request: Asked) -> Callable[[str, dict[str, Any]], None]:
        def told(error: str, result: dict[str, Any]) -> None:
            if error and self._refused.get(control) != error:
                _say(f"{control} did not do its {request.op}: {error}")
            self._refused[control] = error

        return told

    def added(self, stats: dict[str, float]) -> dict[str, float]:
        """Figures of a frame, with what controllers have to say to viewports."""
        return stats if self.effect is None else {**stats, "effect": self.effect}

    def figures(self) -> list[dict[str, Any]]:
        """For `stats`: each controller, what it does, and where its controls are."""
        return [
            {
                "where": own.where,
                "fault": own.fault,
                "learned": self.learned,
                "map": {one.on: one.to for one in table.map},
                "controls": {c: round(v, 4) for (n, c), v in self._at.items() if n == number},
            }
            for number, (table, own) in enumerate(self._all)
        ]

    def close(self) -> None:
        for _, own in self._all:
            own.close()


def _say(what: str) -> None:
    print(f"stage: {what}", file=sys.stderr, flush=True)
