"""The clock of a take that is solved once more: it stands, steps, and goes at any speed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from understudy.bridge.requests import Transport
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.stage.taken_clock import TakenClock

TICK_NS = 10_000_000
NUMBERS = (3, 4, 5, 8, 9, 10, 11, 12)  # the stage left out two


class Time:
    """A clock that goes on when somebody sleeps, and a little whenever it is looked at."""

    def __init__(self) -> None:
        self.ns = 5 * 10**9

    def now(self) -> int:
        self.ns += 100
        return self.ns

    def sleep(self, seconds: float) -> None:
        self.ns += round(seconds * 1e9)


def made(speed: float = 1.0) -> tuple[TakenClock, Time]:
    time = Time()
    return TakenClock(1e9 / TICK_NS, NUMBERS, speed, time.now, time.sleep), time


def times(clock: TakenClock, time: Time, at: dict[int, Callable[[], None]] | None = None):
    """Each tick and how many of its periods after the first it came."""
    found: list[tuple[int, float]] = []
    began_ns = 0
    for number in clock.ticks():
        began_ns = began_ns or time.ns
        found.append((number, round((time.ns - began_ns) / TICK_NS, 2)))
        if at and number in at:
            at[number]()
    return found


def test_it_ticks_as_it_ticked_then_and_a_gap_is_as_long_as_it_was():
    assert times(*made()) == [(n, float(n - 3)) for n in NUMBERS]


@pytest.mark.parametrize("speed", [0.25, 2.0, 10.0])
def test_at_another_speed_every_tick_comes_sooner_or_later(speed):
    assert times(*made(speed)) == [(n, pytest.approx((n - 3) / speed, abs=0.02)) for n in NUMBERS]


def test_while_it_stands_it_answers_once_a_period_and_goes_on_where_it_stood():
    clock, time = made()
    asked: list[bool] = []

    def between() -> None:
        asked.append(clock.standing)
        if len(asked) == 2 + 50:  # the gap of two ticks, and half a second
            clock.transport(Transport(play=True))

    clock.between = between
    found = times(clock, time, {8: lambda: clock.transport(Transport(play=False))})
    assert [number for number, _ in found] == list(NUMBERS)
    assert all(asked) and dict(found)[9] - dict(found)[8] == pytest.approx(51.0, abs=0.1)
    assert not clock.standing and clock.status["ended"] and clock.status["playing"]


def test_it_steps_on_and_stands_again():
    clock, time = made()
    stood: list[int] = []

    def between() -> None:
        stood.append(clock.status["frame"])
        if stood.count(5) == 4 and clock.status["frame"] == 5:
            clock.transport(Transport(step=2))
        elif stood.count(9) == 3:
            clock.transport(Transport(play=True))

    clock.between = between
    found = times(clock, time, {5: lambda: clock.transport(Transport(play=False))})
    assert [number for number, _ in found] == list(NUMBERS)
    assert stood.count(9) == 3 and stood.count(10) == 0


@pytest.mark.parametrize(
    "words", [{"position_s": 1.0}, {"step": -1}, {"loop": True}, {"start_s": 0.0}, {"cue": 0}]
)
def test_what_a_solve_cannot_do_is_refused_and_changes_nothing(words):
    clock, _ = made()
    with pytest.raises(UnderstudyError, match="without --raw"):
        clock.transport(Transport(play=False, **words))
    assert clock.playing
