"""The clock of a take that is solved once more: it ticks as it ticked then, and can stand still.

The solve knows ticks and what came in at them, and no time of day. So how fast they follow each
other, and whether they stop in between, changes no bit of it; to go back would.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from understudy.bridge.requests import Transport
from understudy.runtime.core.clock import Clock
from understudy.runtime.core.errors import UnderstudyError

FORBIDDEN = ("position_s", "loop", "start_s", "stop_s", "cue")


class TakenClock(Clock):
    """The ticks of a take, those that the stage left out left out.

    speed      2 is twice as fast; with an infinite one it waits for nothing
    playing    False: it stands, but for the steps that are left
    standing   whether what is asked now is asked between two ticks
    """

    def __init__(
        self,
        rate_hz: float,
        numbers: Sequence[int],
        speed: float = 1.0,
        now: Callable[[], int] = time.monotonic_ns,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(rate_hz, now=now, sleep=sleep)
        self._numbers, self.speed = numbers, speed
        self.playing, self.standing, self._steps = True, False, 0
        self._at = numbers[0] if numbers else 0

    def ticks(self) -> Iterator[int]:
        """Their numbers, each at its time; `between` is called once a period while none is due."""
        self.start_ns = due_ns = self._now()
        for number in self._numbers:
            if math.isfinite(self.speed):
                due_ns = self._turn(number, due_ns)
            self._at = number
            self._steps = max(0, self._steps - 1)
            yield number

    def _turn(self, number: int, due_ns: int) -> int:
        """Waits for a tick, and for leave to tick at all; gives when it was due."""
        left_ns = (number - self._at) * self.period_ns  # of the take's own time
        period_ns = math.ceil(self.period_ns)
        while True:
            stands = not (self.playing or self._steps)
            share_ns = 0.0 if stands else min(left_ns, self.period_ns * self.speed)
            due_ns += period_ns if stands else math.floor(share_ns / self.speed)
            left_ns -= share_ns
            self.deadline_ns = due_ns
            late_ns = self._wait(due_ns)
            if late_ns > self.period_ns:  # whatever held it up, it does not hurry after it
                due_ns += late_ns
            if not stands and left_ns <= 0.0:
                self.lateness.add_ns(late_ns)
                self.late += late_ns > self.late_ns
                return due_ns
            self.standing = True
            self.between()
            self.standing = False

    def transport(self, request: Transport) -> None:
        """Plays, stands, steps on, changes its speed; refuses what a solve cannot do."""
        refused = [word for word in FORBIDDEN if getattr(request, word) is not None]
        if refused or (request.step is not None and request.step < 0):
            word = refused[0] if refused else "step back"
            raise UnderstudyError(
                f"A raw take is solved from its beginning on, so it knows no {word}: it can play, "
                "stand, step on and change its speed. Play it without --raw to go anywhere."
            )
        if request.speed is not None:
            self.speed = request.speed
        if request.play is not None:
            self.playing, self._steps = request.play, 0
        if request.step:
            self.playing, self._steps = False, request.step

    @property
    def status(self) -> dict[str, Any]:
        """Where it is, for people; the words of a take that is played solved."""
        first, last = self._numbers[0], self._numbers[-1]
        seconds = round((last - first + 1) / self.rate_hz, 4)
        return {
            "position_s": round((self._at - first) / self.rate_hz, 4),
            "seconds": seconds,
            "start_s": 0.0,
            "stop_s": seconds,
            "playing": self.playing,
            "ended": self._at == last,
            "speed": self.speed,
            "loop": False,
            "frame": self._at,
        }
