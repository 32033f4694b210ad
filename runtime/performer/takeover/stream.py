"""A live stream: one subject's packets as they arrive, and what time it is on their clock.

Packets carry the time of their capture, on the source's clock. The playhead is the stage's time
less the least delay of the last seconds: a constant delay, of whatever length, is no loss. What is
later than that is late, and a packet that has not come when it was due is missing.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from dataclasses import dataclass
from operator import sub

import numpy as np

from understudy.runtime.core.rotation import Array

HISTORY_S = 0.5
DELAY_WINDOW_S = 3.0
# A source that is silent for the stage but sends times of long ago has set its clock back.
RESTART = 12
# Packets further apart than this tell no speed; a sender of 10 Hz with jitter is nearer.
NEAR_S = 0.15
FAR_M = 1e4
UNIT_OFF = 0.05
_FOUR = np.ones(4)
# Packets nearer than this share of their usual distance were stamped together, not taken so.
TOGETHER = 0.5
# Of what is stamped unevenly no more than this share of the usual distance is believed a packet.
SOONEST = 0.8
LEAST_S = 1e-3
# Stamps of a steady rate are off by less than this share of it; so many are needed to tell.
STEADY, STEADY_FROM = 0.1, 6
# What came of a sender until then may have come all at once.
KNOWN_S = 0.03
# Two clocks that are not locked slip past each other; half a frame is no loss.
MOST_SLACK = 0.5


@dataclass(slots=True)
class Packet:
    """A pose with its capture time; at joints not seen (J,) stands what was shown instead."""

    time_s: float
    positions: Array
    rotations: Array
    seen: np.ndarray | None = None

    def sees(self, joints: np.ndarray) -> bool:
        return self.seen is None or bool(self.seen[joints].all())


class Stream:
    """Packets of the last HISTORY_S by capture time, and the source's clock.

    late, repeated, stale and broken count packets that came out of order, twice, too late to be of
    use, and with values that are no pose.
    """

    def __init__(self) -> None:
        self.packets: list[Packet] = []
        self._times: list[float] = []
        self.late = self.repeated = self.stale = self.broken = 0
        self.interval_s = 0.0
        self.playhead_s = -np.inf
        self.overdue = True
        self._delays: deque[tuple[float, float]] = deque()  # stage time, delay; rising delays
        self._worst_s, self._worst_at = 0.0, -np.inf
        self._fresh: list[float] = []
        self._overtaken: list[float] = []
        self._old = 0
        self._first_s = 0.0  # of the first packet
        self._shift_s = 0.0  # from the source's clock to the one that it had at first

    def add(
        self,
        time_s: float,
        positions: Array,
        rotations: Array,
        seen: np.ndarray | None,
        shown: tuple[Array, Array],
    ) -> None:
        """Takes a packet. What it does not see is filled from what is shown, so it stays finite."""
        positions, rotations = np.array(positions, float), np.array(rotations, float)
        fits = positions.shape == shown[0].shape and rotations.shape == shown[1].shape
        if not (fits and math.isfinite(time_s)):
            self.broken += 1
            return
        seen = None if seen is None else np.array(seen, bool)
        if not _all_good(positions, rotations):
            good = np.abs(np.sum(rotations * rotations, axis=-1) - 1.0) < UNIT_OFF  # False for NaN
            good &= np.abs(positions).max(axis=-1) < FAR_M
            if not (good if seen is None else good | ~seen).all():
                self.broken += 1
            seen = good if seen is None else seen & good
        if seen is not None:
            if not seen.any():
                return
            if seen.all():
                seen = None
            else:
                positions[~seen], rotations[~seen] = shown[0][~seen], shown[1][~seen]
        time_s += self._shift_s
        if self._times and time_s < self._times[-1] - HISTORY_S:
            self._old += 1
            if self._old < RESTART:
                self.stale += 1
                return
            on = self.playhead_s + self.interval_s
            self._shift_s, time_s = self._shift_s + on - time_s, on
        self._old = 0
        at = bisect_right(self._times, time_s)
        if at and self._times[at - 1] == time_s:
            self.repeated += 1
            return
        if at < len(self._times):
            self.late += 1
            self._overtaken.append(time_s)
        else:
            self._fresh.append(time_s)
        if not self._times:
            self._first_s = time_s
        self._times.insert(at, time_s)
        self.packets.insert(at, Packet(time_s, positions, rotations, seen))
        while self._times[0] < self._times[-1] - HISTORY_S:
            del self._times[0], self.packets[0]

    @property
    def newest(self) -> Packet:
        return self.packets[-1]

    def advance(self, now_s: float) -> None:
        """Sets playhead_s and overdue for a tick of the stage."""
        if not self.packets:
            return
        if self._fresh:
            # All packets of a tick came some time since the tick before: the newest tells most.
            self._note_delay(now_s, now_s - self._fresh[-1])
            self._fresh.clear()
            if len(self._times) > 2:
                last = self._times[-10:]
                spans = sorted(map(sub, last[1:], last))
                # Packets that were stamped together tell no rate, nor do holes.
                near = [span_s for span_s in spans if span_s <= NEAR_S]
                least_s = 0.5 * TOGETHER * sum(near) / max(len(near), 1)
                spans = [span_s for span_s in spans if span_s > least_s]
                self.interval_s = spans[len(spans) // 5]  # the longer ones have holes in them
        if self._overtaken:
            self._note_worst(now_s, now_s - min(self._overtaken))
            self._overtaken.clear()
        while len(self._delays) > 1 and self._delays[0][0] < now_s - DELAY_WINDOW_S:
            self._delays.popleft()
        least = self._delays[0][1]
        playhead = now_s - least
        slack = 0.0
        if self._worst_at > now_s - DELAY_WINDOW_S:
            slack = max(self._worst_s - least, 0.0)
            if slack > 1.05 * self.interval_s:
                slack = 0.0  # more than that is lateness, and no patience of a tick mends it
            slack = min(slack, MOST_SLACK * self.interval_s)
        newest = self._times[-1]
        # The first packet tells no rate; the second is awaited as long as any is.
        due = newest + (self.interval_s or NEAR_S) + slack
        self.overdue = playhead > due - 1e-4
        self.playhead_s = max(playhead, newest, self.playhead_s)

    def _note_delay(self, now_s: float, delay_s: float) -> None:
        while self._delays and self._delays[-1][1] >= delay_s:
            self._delays.pop()
        self._delays.append((now_s, delay_s))
        self._note_worst(now_s, delay_s)

    def _note_worst(self, now_s: float, delay_s: float) -> None:
        if delay_s > self._worst_s or self._worst_at < now_s - DELAY_WINDOW_S:
            self._worst_s, self._worst_at = delay_s, now_s

    @property
    def before_newest(self) -> Packet | None:
        """The packet before the newest that is near enough to tell a speed, and not too near."""
        return self._before(len(self.packets) - 1)

    def before(self, packet: Packet) -> Packet | None:
        """The same for another packet than the newest."""
        return self._before(bisect_right(self._times, packet.time_s) - 1)

    @property
    def rated(self) -> bool:
        """Whether there have been enough packets to tell their rate."""
        return len(self._times) >= STEADY_FROM and self.interval_s > 0.0

    @property
    def steady(self) -> bool:
        """Whether the packets of the last moments are stamped at a steady rate, holes and all."""
        if not self.rated:
            return False
        times = np.array(self._times)
        counts = (times[1:] - times[:-1]) / self.interval_s
        return bool(np.abs(counts - np.rint(counts)).max() < STEADY and counts.min() > 0.5)

    @property
    def spread_s(self) -> float:
        """How much later than the earliest the latest of the last seconds came, at ticks."""
        return self._worst_s - self._delays[0][1] if self._delays else 0.0

    @property
    def holed(self) -> bool:
        """Whether packets are lacking before the newest two: lost, that is, and not late."""
        last = self._times[-3:]  # who is back is handed over with the second
        return any(gap_s > 1.5 * self.interval_s for gap_s in map(sub, last[1:], last))

    def _before(self, at: int) -> Packet | None:
        if self._times[at] - self._first_s < KNOWN_S:
            return None
        for one in range(at - 1, -1, -1):
            span_s = self._times[at] - self._times[one]
            if span_s > NEAR_S:
                break
            if span_s >= TOGETHER * self.interval_s:
                return self.packets[one]
        return None

    def elapsed_s(self, one: Packet, two: Packet) -> float:
        """The time from one packet to a later one, for a speed: packets that came together were

        taken one after the other all the same, whatever they are stamped with.
        """
        count = bisect_right(self._times, two.time_s) - bisect_right(self._times, one.time_s)
        return max(two.time_s - one.time_s, SOONEST * count * self.interval_s, LEAST_S)

    def sample(self, time_s: float) -> tuple[Array, Array, np.ndarray | None]:
        """Positions, rotations and what is seen at a time up to the newest packet's.

        Between packets, interpolated; before the first or across a hole, on from the packets after.
        """
        at = bisect_right(self._times, time_s + 1e-9)
        if at == len(self._times):
            last = self.packets[-1]
            return last.positions, last.rotations, last.seen
        if at == 0 or self._times[at] - self._times[at - 1] > NEAR_S:
            one = self.packets[at]
            if at + 1 == len(self._times) or self._times[at + 1] - one.time_s > NEAR_S:
                return one.positions, one.rotations, one.seen
            two = self.packets[at + 1]
        else:
            one, two = self.packets[at - 1], self.packets[at]
        if one.time_s == time_s:
            return one.positions, one.rotations, one.seen
        share = (time_s - one.time_s) / (two.time_s - one.time_s)
        seen = (
            one.seen
            if two.seen is None
            else two.seen
            if one.seen is None
            else (one.seen & two.seen)
        )
        return (
            one.positions + share * (two.positions - one.positions),
            mixed(one.rotations, two.rotations, share),
            seen,
        )


def _all_good(positions: Array, rotations: Array) -> bool:
    """Whether a pose is surely one at every joint; in half the time of asking each."""
    off = (rotations * rotations) @ _FOUR - 1.0
    far = positions.reshape(-1)
    return bool(off.dot(off) < UNIT_OFF**2 and far.dot(far) < FAR_M**2)  # False for NaN


def mixed(a: Array, b: Array, share: float) -> Array:
    """(..., 4) between a (share = 0) and b (1), or beyond, for rotations that are close."""
    sign = np.where(np.sum(a * b, axis=-1, keepdims=True) < 0.0, -1.0, 1.0)
    q = a + share * (sign * b - a)
    return q / np.sqrt(np.sum(q * q, axis=-1, keepdims=True))
