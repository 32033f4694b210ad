"""A jitter buffer: what came unevenly, at even times, a little later.

With a delay longer than a frame and the jitter of its way, what was before and after the moment
that is shown are both here, and what is shown lies between them: whatever the rate of the sender,
there is a pose at every tick, and none that was not sent.

The delay sets itself (`delay=auto`): none for a sender whose frames come when they are due, and no
more than they need for one whose frames do not. It is let in and out by playing a little slower or
faster.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import numpy as np

from .frame_clock import FrameClock

# Further apart than this there is a silence between, in which nobody knows what was; a frame of a
# slow sender may be lacking.
NEAR_S, NEAR_FRAMES = 0.2, 2.5
MOST, KEPT = 512, 8
# What is needed is measured over so long, and anew so often.
WINDOW_S, EVERY_S = 8.0, 0.25
LEAST_FRAMES, LEAST_FRAMES_S, FEWEST_FRAMES = 20, 0.7, 6
# More frames than one in fifty that come half a frame late or later: a stage has to act them.
PATIENCE, UNEVEN = 1.45, 0.02
# Who sends fewer frames is shown in steps, unless what lies between them is made.
SLOW_S = 0.06
ENOUGH, SPARE_S = 0.995, 0.001
LONGEST_S, LONGEST_FRAMES = 0.15, 4.0
# Of a sender without a time of its own: so far back is looked for the place of a thing that was
# overtaken. It makes a detour of more than a usual step at the end, and hardly any there.
LOOKED_BACK, LOOKED_BACK_S, GONE = 14, 0.25, 4
DETOUR, FITS, STEPS, STEPS_KEPT = 1.0, 0.4, 8, 64
# Where more than this share was overtaken of late, one of the last dozen, each goes where it fits
# best.
KNOWN, FORGOTTEN = 0.025, 0.05
# How much slower, and faster, it plays until the delay is as long as it should be. A tick that is
# longer after the one before than that lets no more of it in or out.
SLOWER, FASTER, LONGEST_TICK_S = 0.25, 0.05, 0.1

Thing = TypeVar("Thing")


class JitterBuffer(Generic[Thing]):
    """Things of one sender by the time at which they were taken.

    between  makes what lies between two things at a share of the way
    apart    how far two things are from one another, inf: nobody knows; it tells what was overtaken
             where a sender says no time
    delay_s  how much later than it was taken, and came at best, a thing is shown now
    """

    def __init__(
        self,
        delay_s: float | None,
        between: Callable[[Thing, Thing, float], Thing],
        apart: Callable[[Thing, Thing], float] | None = None,
    ) -> None:
        self._set_s = delay_s
        self.sets_itself = delay_s is None
        self._between, self._apart = between, apart
        self.overtaken = 0
        self.clear()

    def clear(self) -> None:
        """Another sender, or the same after a silence."""
        self.clock = FrameClock()
        self._times: list[float] = []
        self._things: list[Thing] = []
        self._steps: dict[tuple[int, int], tuple[Thing, Thing, float]] = {}
        self._gone: list[Thing] = []  # the last before those, where it buffers
        self._came: list[tuple[float, Thing, bool]] = []  # since the tick before
        self._needs: deque[tuple[float, float, float]] = deque()  # arrival, span, what it needed
        self._measured_s = float("-inf")
        self._wanted_s = self._set_s or 0.0
        self.delay_s = self._wanted_s
        self._buffering = bool(self._set_s)
        self._stamp_s = self._tick_s = float("-inf")
        self._shift_s = 0.0
        self._disorder = 0.0  # the share of things that were overtaken, of late
        self._ahead_s = 0.0  # of a tick, at most: the times of counted frames are those on average

    def forget(self) -> None:
        """What came so far is shown no more."""
        self._times, self._things, self._gone, self._came = [], [], [], []

    def add(
        self, said_s: float | None, arrived_s: float, thing: Thing, number: int | None = None
    ) -> None:
        """Takes a thing that came at a time of ours, and says a time of its sender's, or none.

        number: of its frame, counted by the sender, where it says one.
        """
        believed = not self.clock.given_up
        taken_s = self.clock.captured_s(said_s, arrived_s, number)
        if believed and self.clock.given_up:
            self._needs.clear()
        times = self._times
        at = bisect_right(times, taken_s)
        numbered = number is not None and self.clock.counts
        untold = (said_s is None and not numbered) or self.clock.given_up
        if self._apart and at == len(times) and untold:
            place = self._place(thing, taken_s)
            self._disorder += FORGOTTEN * (float(place < at) - self._disorder)
            if place < at:
                self._overtaken(place, taken_s, arrived_s, thing)
                return
        self.overtaken += at < len(times)
        if at and (span_s := taken_s - times[at - 1]) <= self._near_s:
            self._note(arrived_s, span_s, arrived_s - times[at - 1])
        if at and times[at - 1] == taken_s:
            return
        self._came.append((taken_s, thing, at == len(times)))
        times.insert(at, taken_s)
        self._things.insert(at, thing)
        if len(times) > MOST:
            del times[0], self._things[0]

    def _note(self, arrived_s: float, span_s: float, need_s: float) -> None:
        """What a frame needed; nobody asks, and nothing forgets it, where the delay is set."""
        if self.sets_itself:
            self._needs.append((arrived_s, span_s, need_s))

    @property
    def _near_s(self) -> float:
        return max(NEAR_S, NEAR_FRAMES * self.clock.period_s)

    def _place(self, thing: Thing, taken_s: float) -> int:
        """Before which of the things that are here it was taken, by what lies between which.

        0: before what is shown already.
        """
        apart, times, gone = self._apart, self._times, len(self._gone)
        things = [*self._gone, *self._things]
        count = len(things)
        assert apart is not None
        if count < 3 or taken_s - times[max(-2, -len(times))] > LOOKED_BACK_S:
            return len(times)
        if not self.clock.uneven:
            return len(times)
        first = max(count - LOOKED_BACK, 1)
        steps = [self._step(a, b) for a, b in zip(things[first - 1 :], things[first:])]
        usual = sorted(steps[-STEPS:])[len(steps[-STEPS:]) // 2]
        off = apart(things[-1], thing)
        before = apart(things[-2], thing)
        if not 0.0 < usual < np.inf:
            return len(times)
        known = self._disorder > KNOWN
        if not known and not steps[-1] + off - before > DETOUR * usual:
            return len(times)
        most = 0.5 * off if known else min(FITS * usual, 0.5 * off)
        best, least, after = count, most, off
        for at in range(count - 1, first - 1, -1):
            if at >= gone and times[at - gone] < taken_s - LOOKED_BACK_S:
                break
            before = apart(things[at - 1], thing)
            if (detour := before + after - steps[at - first]) < least:
                best, least = at, detour
            after = before
        return max(best - gone, 0)

    def _step(self, one: Thing, two: Thing) -> float:
        """How far two neighbours are apart, which is asked again for every thing that comes."""
        key = id(one), id(two)
        known = self._steps.get(key)
        if known is None or known[0] is not one or known[1] is not two:
            assert self._apart is not None
            known = self._steps[key] = one, two, self._apart(one, two)
            while len(self._steps) > STEPS_KEPT:
                del self._steps[next(iter(self._steps))]
        return known[2]

    def _overtaken(self, place: int, taken_s: float, arrived_s: float, thing: Thing) -> None:
        """A thing is put before others, which are shown a place later; not where that is too late.

        As many come in a second as are taken: their places are those of the times of arrival.
        """
        self.overtaken += 1
        times, things = self._times, self._things
        before_s = times[place - 1] if place else times[0] - self.clock.period_s
        self._note(arrived_s, taken_s - times[-1], arrived_s - before_s)
        if self._buffering and (place < 1 or (place < 2 and self._is_past(1))):
            return
        times.append(taken_s)
        things.insert(place, thing)
        if self._disorder <= KNOWN or place < len(things) - 2:
            return
        # What seems to be the newest may be what is out of place: then all would go before it.
        last = things.pop()
        again = self._place(last, taken_s)
        if self._buffering and again < 2:
            times.pop()
        else:
            things.insert(again, last)

    def _is_past(self, at: int) -> bool:
        """Whether more than half of the way to a thing has been shown."""
        shown_s, times = self._tick_s - self.delay_s, self._times
        return at < len(times) and shown_s > 0.5 * (times[at - 1] + times[at])

    def take(self, tick_s: float) -> list[tuple[float, Thing, bool]]:
        """What is to be shown at a tick: a thing, several, or none.

        Each with its time, and whether it is the newest: what was overtaken comes too.
        """
        dt_s = max(tick_s - self._tick_s, 0.0) if self._tick_s > -np.inf else 0.0
        self._tick_s = tick_s
        if self._set_s is None:
            self._measure(tick_s)
        return self._buffered(tick_s, dt_s) if self._buffering else self._as_it_came()

    def _as_it_came(self) -> list[tuple[float, Thing, bool]]:
        came, self._came = self._came, []
        del self._times[:-KEPT], self._things[:-KEPT]
        if came:
            self._stamp_s = self._times[-1] + self._shift_s
            self._ahead_s = max(self._ahead_s, self._stamp_s - self._tick_s)
        return [(taken_s + self._shift_s, thing, newest) for taken_s, thing, newest in came]

    def _buffered(self, tick_s: float, dt_s: float) -> list[tuple[float, Thing, bool]]:
        self._came = []
        gap_s = self._wanted_s - self.delay_s
        plays_s = min(dt_s, LONGEST_TICK_S)
        self.delay_s += min(max(gap_s, -FASTER * plays_s), SLOWER * plays_s)
        self._stamp_s = self._stamp_s + dt_s if self._stamp_s > -np.inf else tick_s - self.delay_s
        at_s = tick_s - self.delay_s
        newest_s = self._times[-1] if self._times else np.inf
        if at_s > newest_s >= tick_s - self._wanted_s:
            # The delay is not long enough yet: the next is awaited, rather than acted.
            at_s, self.delay_s = newest_s, tick_s - newest_s
        if not self._wanted_s and self._times and at_s >= self._times[-1]:
            self._shift_s = self._stamp_s - at_s
            self._buffering = False
        times = self._times
        while len(times) > 1 and times[1] <= at_s:
            self._gone = [*self._gone[1 - GONE :], self._things[0]]
            del times[0], self._things[0]
        if len(times) == 1 and times[0] == at_s:
            return [(self._stamp_s, self._things[0], True)]
        if len(times) < 2 or times[0] > at_s or not 0.0 < times[1] - times[0] <= self._near_s:
            return []
        share = (at_s - times[0]) / (times[1] - times[0])
        return [(self._stamp_s, self._between(self._things[0], self._things[1], share), True)]

    def _measure(self, tick_s: float) -> None:
        """Sets the delay that is wanted by what frames needed of late."""
        if tick_s - self._measured_s < EVERY_S:
            return
        self._measured_s = tick_s
        while self._needs and self._needs[0][0] < tick_s - WINDOW_S:
            self._needs.popleft()
        if len(self._needs) < LEAST_FRAMES:
            few = len(self._needs) < FEWEST_FRAMES
            if few or self._needs[-1][0] - self._needs[0][0] < LEAST_FRAMES_S:
                return
        _, spans, needs = np.array(self._needs).T
        longest_s = max(LONGEST_S, LONGEST_FRAMES * float(np.median(spans)))
        late = needs - (needs - spans).min() > PATIENCE * float(np.median(spans))
        uneven = float(late.mean()) > UNEVEN * (0.5 if self._buffering else 1.0)
        uneven |= float(np.median(spans)) > SLOW_S
        most_s = float(np.quantile(needs, ENOUGH)) + SPARE_S
        self._wanted_s = min(most_s, longest_s) if uneven else 0.0
        if uneven and not self._buffering and self._times:
            self._buffering = True
            self.delay_s = tick_s - self._times[-1]
            # Nothing that comes from now on is late.
            self._stamp_s = max(self._stamp_s, tick_s + self._ahead_s)

    @property
    def late_s(self) -> float:
        """How much later it shows what came, on purpose."""
        return self.delay_s if self._buffering else 0.0


def delay_now_s(buffers: Iterable[JitterBuffer]) -> float:
    """By how much what is shown of a source is delayed on purpose."""
    return round(max((buffer.late_s for buffer in buffers), default=0.0), 4)


def timing(buffers: Iterable[JitterBuffer]) -> dict[str, float]:
    """For `stats`: the delay on purpose, and of the first sender that is known frames a second, the
    offset of its clock, and by how many parts in a million that is faster than ours."""
    every = list(buffers)
    found = {"delay_s": delay_now_s(every)}
    clock = next((one.clock for one in every if one.clock.period_s), None)
    if clock is not None:
        found["frame_hz"] = round(1.0 / clock.period_s, 2)
        if (offset_s := clock.offset_s) is not None:
            found["clock_offset_s"] = round(offset_s, 4)
        if (drift_ppm := clock.drift_ppm) is not None:
            found["drift_ppm"] = round(drift_ppm, 1)
    return found


def delays(buffers: Iterable[JitterBuffer], what: str = "they are") -> list[str]:
    """What a crew should know of that; it changes only when a buffer comes or goes."""
    if not any(buffer.late_s and buffer.sets_itself for buffer in buffers):
        return []
    return [f"its frames come unevenly, so {what} shown later (delay=auto; delay=0: as they come)"]
