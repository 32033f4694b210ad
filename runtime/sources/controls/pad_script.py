"""Pad scripts: a performance written down, the same to the bit every time.

    rate_hz = 60
    [[event]]                       # the whole state of the pad, until the next event
    at_s = 0.0
    left_stick = [0.0, 0.5]         # travel: x right, y forward, -1..1, seen from behind at +Z
    right_stick = [0.0, 0.0]        # where to look; facing, when strafing
    buttons = ["run"]               # run, strafe, jump, mirror, wave, drink ..
    ramp_s = 0.2                    # the sticks and the style move there in this time
    style = { energy = 0.5 }        # traits of the body, -1..1: energy, crouch, restless
    look_at = [0.0, 1.6, 4.0]       # a point in the world, or a subject's or camera's name
    hand_at = [0.1, 1.2, 0.5]       # where the hand of reach or pick goes, in the world

A field that an event leaves out is at rest: sticks centred, no buttons, no ramp; and the body looks
where it was told otherwise. Style is the body's and not the hands': a trait that an event leaves
out stays as it is, and one that no event sets is left to whoever sets it otherwise.
"""

from __future__ import annotations

import bisect
import itertools
import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from understudy.runtime.core import typed
from understudy.runtime.core.buttons import Word, named
from understudy.runtime.core.pose import Intent, Sight

from .pad import CENTRED, PadState, to_intent
from .style import Style, Traits

Stick = tuple[float, float]
_Axis = Annotated[float, Meta(ge=-1.0, le=1.0)]
_Metres = Annotated[float, Meta(ge=-1e6, le=1e6)]
_Time = Annotated[float, Meta(ge=0.0, extra={"unit": "seconds"})]
# A list: of a text with a bound or a tuple, msgspec 0.23 breaks when the garbage is collected.
_Point = Annotated[list[_Metres], Meta(min_length=3, max_length=3)]
_LookAt = Annotated[str, Meta(max_length=256)] | _Point


class _Event(typed.Table, frozen=True, kw_only=True):
    """One [[event]] as it is written."""

    at_s: _Time
    left_stick: tuple[_Axis, _Axis] = CENTRED
    right_stick: tuple[_Axis, _Axis] = CENTRED
    buttons: tuple[Word, ...] = ()
    ramp_s: _Time = 0.0
    style: Traits = msgspec.field(default_factory=dict)
    look_at: _LookAt = ""
    hand_at: _Point | None = None


class _Script(typed.Table, frozen=True, kw_only=True):
    """A pad script as it is written."""

    rate_hz: Annotated[float, Meta(ge=1.0, le=1000.0)] = 60.0
    event: Annotated[tuple[_Event, ...], Meta(min_length=1)]

    def __post_init__(self) -> None:
        for number, (before, event) in enumerate(itertools.pairwise(self.event), 2):
            if event.at_s <= before.at_s:
                raise ValueError(
                    f"[[event]] {number}, at_s is {event.at_s:g}; it must be after the event "
                    f"before it, at {before.at_s:g}"
                )


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a script, with where the sticks and the style stood when it came."""

    at_s: float
    left_stick: Stick = CENTRED
    right_stick: Stick = CENTRED
    buttons: frozenset[str] = frozenset()
    ramp_s: float = 0.0
    left_from: Stick = CENTRED
    right_from: Stick = CENTRED
    style: Style = field(default_factory=dict)
    style_from: Style = field(default_factory=dict)
    look_at: Sight = ""
    hand_at: tuple[float, ...] = ()

    def sticks(self, time_s: float) -> tuple[Stick, Stick]:
        """Left and right stick at a time since the script's start."""
        passed_s = time_s - self.at_s
        if passed_s >= self.ramp_s - 1e-9:
            return self.left_stick, self.right_stick
        t = passed_s / self.ramp_s
        return _mix(self.left_from, self.left_stick, t), _mix(self.right_from, self.right_stick, t)

    def traits(self, time_s: float) -> Style:
        """The style at a time since the script's start."""
        passed_s = time_s - self.at_s
        if passed_s >= self.ramp_s - 1e-9:
            return self.style
        t = passed_s / self.ramp_s
        begin = self.style_from
        return {n: begin.get(n, 0.0) * (1.0 - t) + v * t for n, v in self.style.items()}


def _mix(a: Stick, b: Stick, t: float) -> Stick:
    return a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t


class PadScript:
    """Plays a pad script as an intent source. Before the first event the pad is at rest."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.rate_hz, self.events = _read(self.path)
        self._starts_s = [event.at_s for event in self.events]

    @property
    def duration_s(self) -> float:
        """When the last event has settled; it holds from then on."""
        return self.events[-1].at_s + self.events[-1].ramp_s

    def pad(self, time_s: float) -> PadState:
        """The pad as last read, at rate_hz, on or before a time since the start."""
        event, time_s = self._at(time_s)
        if event is None:
            return PadState()
        left, right = event.sticks(time_s)
        return PadState(left, right, event.buttons)

    def style(self, time_s: float) -> Style:
        """The traits that the script has set by a time since the start; none before it does."""
        event, time_s = self._at(time_s)
        return event.traits(time_s) if event is not None else {}

    def _at(self, time_s: float) -> tuple[Event | None, float]:
        """The event that holds when the pad was last read, and when that was."""
        # The millionth of a period forgives n / rate_hz * rate_hz its last bit.
        time_s = math.floor(time_s * self.rate_hz + 1e-6) / self.rate_hz
        index = bisect.bisect_right(self._starts_s, time_s + 1e-9) - 1
        if index < 0:
            return None, time_s
        return self.events[index], max(time_s, self.events[index].at_s)

    def intent(self, time_s: float) -> Intent:
        """What the performer is asked to do at a time since the start."""
        event, _ = self._at(time_s)
        intent = to_intent(self.pad(time_s))
        if event is not None and (event.look_at or event.hand_at):
            return replace(intent, look_at=event.look_at, hand_at=event.hand_at)
        return intent

    def close(self) -> None:
        """Nothing is held open."""


def _read(path: Path) -> tuple[float, list[Event]]:
    """Rate and events of a script file."""
    script = typed.read_toml(path, _Script, "pad script")
    events: list[Event] = []
    for said in script.event:
        before = events[-1] if events else None
        style: Style = dict(before.style) if before else {}
        style.update((str(trait), value) for trait, value in said.style.items())
        left_from, right_from = before.sticks(said.at_s) if before else (CENTRED, CENTRED)
        events.append(
            Event(
                said.at_s,
                said.left_stick,
                said.right_stick,
                named(said.buttons),
                said.ramp_s,
                left_from,
                right_from,
                style,
                before.traits(said.at_s) if before else {},
                said.look_at,
                tuple(said.hand_at or ()),
            )
        )
    return script.rate_hz, events
