"""Pad scripts: a performance written down, the same to the bit every time.

    rate_hz = 60
    [[event]]                       # the whole state of the pad, until the next event
    at_s = 0.0
    left_stick = [0.0, 0.5]         # travel: x right, y forward, -1..1, seen from behind at +Z
    right_stick = [0.0, 0.0]        # facing, when strafing
    buttons = ["run"]               # run, strafe, jump, action1 .. action4
    ramp_s = 0.2                    # the sticks and the style move there in this time
    style = { energy = 0.5 }        # traits of the body, -1..1: energy, crouch

A field that an event leaves out is at rest: sticks centred, no buttons, no ramp. Style is the
body's and not the hands': a trait that an event leaves out stays as it is, and one that no event
sets is left to whoever sets it otherwise.
"""

from __future__ import annotations

import bisect
import math
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import Intent

from .pad import BUTTONS, CENTRED, PadState, to_intent
from .style import Style, checked

_FIELDS = ("at_s", "left_stick", "right_stick", "buttons", "ramp_s", "style")
Stick = tuple[float, float]


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
        return to_intent(self.pad(time_s))

    def close(self) -> None:
        """Nothing is held open."""


def _read(path: Path) -> tuple[float, list[Event]]:
    """Rate and events of a script file, checked."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnderstudyError(f"{path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnderstudyError(f"{path.name} is not TOML: {error}.") from None
    unknown = sorted(content.keys() - {"rate_hz", "event"})
    if unknown:
        raise UnderstudyError(
            f"{path.name}: {unknown[0]!r} is unknown; a pad script has rate_hz and [[event]]."
        )
    rate_hz = _number(content.get("rate_hz", 60), f"{path.name}: rate_hz")
    if not 1.0 <= rate_hz <= 1000.0:
        raise UnderstudyError(f"{path.name}: rate_hz is {rate_hz:g}; it lies between 1 and 1000.")
    tables = content.get("event", [])
    if not isinstance(tables, list) or not tables or not all(isinstance(t, dict) for t in tables):
        raise UnderstudyError(f"{path.name} has no [[event]]; a pad script needs at least one.")
    events: list[Event] = []
    for number, table in enumerate(tables, 1):
        events.append(_event(table, f"{path.name} event {number}", events[-1] if events else None))
    return rate_hz, events


def _event(table: dict[str, Any], where: str, before: Event | None) -> Event:
    unknown = sorted(table.keys() - set(_FIELDS))
    if unknown:
        raise UnderstudyError(
            f"{where}: field {unknown[0]!r} is unknown; known are {', '.join(_FIELDS)}."
        )
    if "at_s" not in table:
        raise UnderstudyError(f"{where}: at_s is missing; say when the event happens.")
    at_s = _number(table["at_s"], f"{where}: at_s")
    if at_s < 0.0:
        raise UnderstudyError(f"{where}: at_s is {at_s:g}; a script starts at 0.")
    if before is not None and at_s <= before.at_s:
        raise UnderstudyError(
            f"{where}: at_s is {at_s:g}, not after the event before it at {before.at_s:g}."
        )
    ramp_s = _number(table.get("ramp_s", 0.0), f"{where}: ramp_s")
    if ramp_s < 0.0:
        raise UnderstudyError(f"{where}: ramp_s is {ramp_s:g}; it cannot be negative.")
    left_from, right_from = before.sticks(at_s) if before is not None else (CENTRED, CENTRED)
    style_from = before.traits(at_s) if before is not None else {}
    style = table.get("style", {})
    if not isinstance(style, dict):
        raise UnderstudyError(
            f"{where}: style is {style!r}; it must be a table, as {{ energy = 0.5 }}."
        )
    kept = before.style if before is not None else {}
    return Event(
        at_s,
        _stick(table.get("left_stick", CENTRED), f"{where}: left_stick"),
        _stick(table.get("right_stick", CENTRED), f"{where}: right_stick"),
        _buttons(table.get("buttons", ()), f"{where}: buttons"),
        ramp_s,
        left_from,
        right_from,
        {**kept, **checked(style, f"{where}: style")},
        style_from,
    )


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UnderstudyError(f"{where} is {value!r}; it must be a number.")
    return float(value)


def _stick(value: Any, where: str) -> Stick:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise UnderstudyError(f"{where} is {value!r}; it must be two numbers, [x, y].")
    x, y = (_number(v, where) for v in value)
    if max(abs(x), abs(y)) > 1.0:
        raise UnderstudyError(f"{where} is [{x:g}, {y:g}]; both lie between -1 and 1.")
    return x, y


def _buttons(value: Any, where: str) -> frozenset[str]:
    if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
        raise UnderstudyError(f"{where} is {value!r}; it must be a list of names.")
    for name in value:
        if name not in BUTTONS:
            raise UnderstudyError(f"{where}: {name!r} is unknown; known are {', '.join(BUTTONS)}.")
    return frozenset(value)
