"""When a sender's frames were taken, on our clock.

Frames are taken at even times and arrive at uneven ones: two at once, late, twice. What is made of
the times of arrival alone would turn a packet's delay into a limb's speed. A sender that says its
own time tells which is which: the least that its messages ever took is what they take, the rest is
jitter. Of one that says its frames' numbers, these are a time (`counted_clock`). Of one that says
none, or one that makes no sense, the frames are counted: they lie on the straight line through the
arrivals of the last seconds.
"""

from __future__ import annotations

from collections import deque

from .counted_clock import CountedClock

# Two machines' clocks drift apart by less than a tenth of a millisecond in this time.
WINDOW_S = 3.0
MOST_FRAMES = 256
# Later than this is no jitter: the sender's clock stood still, or was set.
MOST_LATE_S = 0.25
# A clock that had to be set so often is none, such as one that runs slower when the game does.
MOST_SETTINGS = 4
# Two clocks differ by less, whatever the jitter of their messages.
RUNS_ALIKE = 0.25
# So many frames in a row from before the newest are no disorder: the clock was set back.
SET_BACK_FRAMES, DISORDER_S = 8, 1.0
# Of the last frames or so this share must have a time of its own: a clock of 30 Hz in a stream of
# 60 Hz tells no frame from the next.
TRUSTED = 0.75
LEAST_FRAMES = 4
# How two clocks drift apart is told from offsets so far apart, at the most and at the least.
NOTED_S, DRIFT_NOTES, DRIFT_LEAST_S = 1.0, 60, 10.0
# Two frames of one moment are two: one of them came first.
LEAST_S = 1e-4
# A pause is longer by so much than those that are usual, which are no longer than this.
PAUSES, LONGEST_PAUSE_S = 1.5, 0.5
# A sender is steady where most frames come so nearly a period after the one before: of its frames
# one that comes two periods later had one before it that was left out.
NEAR, STEADY, LOOKED_AT = 0.12, 0.6, 32
# A frame that was overtaken left a gap that is off by so much of a period, not long ago.
OFF, LATELY = 0.4, 10


class EvenClock:
    """Times of frames by their number: the line through their arrivals (least squares).

    period_s    between frames; 0: not known
    """

    def __init__(self) -> None:
        self.period_s = 0.0
        self._line = _Line()
        self._gaps: deque[float] = deque(maxlen=LOOKED_AT)
        self._number = 0
        self._last_s = float("-inf")

    @property
    def uneven(self) -> bool:
        """Whether frames of late came otherwise than a period after one another."""
        if not self.period_s:
            return True
        last = list(self._gaps)[-LATELY:]
        return any(abs(gap_s / self.period_s - 1.0) > OFF for gap_s in last)

    def taken_s(self, arrived_s: float) -> float:
        """When the frame that arrived now was taken."""
        rows, number = self._line.rows, 1
        gap_s = arrived_s - rows[-1][1] if rows else 0.0
        if gap_s > MOST_LATE_S:
            # Who sends several frames at once is silent for so long every time.
            usually_s = max((gap for gap in self._gaps if gap < LONGEST_PAUSE_S), default=0.0)
            if gap_s > PAUSES * usually_s:
                self._line.clear()  # it paused: where its frames lie now is another line
                self._gaps.append(gap_s)
        if rows:
            self._gaps.append(gap_s)
            usual_s = sorted(self._gaps)[len(self._gaps) // 2]
            frames = round(gap_s / usual_s) if gap_s > usual_s > 0.0 else 1
            if frames > 1:
                near = [gap for gap in self._gaps if abs(gap - usual_s) < NEAR * usual_s]
                number = frames if len(near) > STEADY * len(self._gaps) else 1
        self._number += number
        self._line.add(self._number, arrived_s)
        taken_s = arrived_s
        if len(rows) >= LEAST_FRAMES:
            slope, newest_s = self._line.fit()
            if slope > 0.0:
                self.period_s, taken_s = slope, newest_s
        self._last_s = max(taken_s, self._last_s + max(0.3 * self.period_s, LEAST_S))
        return self._last_s


class _Line:
    """The straight line through the newest frames: numbers, and arrivals in seconds.

    Its sums go on from frame to frame. Those of numbers are whole; those of times begin anew with
    every window, so that what rounding leaves behind never adds up.
    """

    def __init__(self) -> None:
        self.rows: deque[tuple[int, float]] = deque()
        self._origin, self._origin_s, self._left = 0, 0.0, 0
        self._n = self._nn = 0
        self._t = self._nt = 0.0

    def clear(self) -> None:
        self.rows.clear()
        self._left = 0

    def add(self, number: int, arrived_s: float) -> None:
        """One more frame; those that are older than the window go."""
        self.rows.append((number, arrived_s))
        gone = []
        while self.rows[0][1] < arrived_s - WINDOW_S or len(self.rows) > MOST_FRAMES:
            gone.append(self.rows.popleft())
        self._left -= 1
        if self._left < 0:
            self._left = MOST_FRAMES
            self._origin, self._origin_s = self.rows[0]
            self._n = self._nn = 0
            self._t = self._nt = 0.0
            for row in self.rows:
                self._count(row, 1)
            return
        self._count(self.rows[-1], 1)
        for row in gone:
            self._count(row, -1)

    def _count(self, row: tuple[int, float], times: int) -> None:
        n, t = row[0] - self._origin, row[1] - self._origin_s
        self._n += times * n
        self._nn += times * n * n
        self._t += times * t
        self._nt += times * n * t

    def fit(self) -> tuple[float, float]:
        """Seconds a frame, and the newest one's time on the line (least squares)."""
        count, n_mean, t_mean = len(self.rows), self._n / len(self.rows), self._t / len(self.rows)
        slope = (self._nt - self._n * t_mean) / (self._nn - self._n * self._n / count)
        newest = self.rows[-1][0] - self._origin
        return slope, self._origin_s + t_mean + slope * (newest - n_mean)


class FrameClock:
    """One sender's."""

    def __init__(self) -> None:
        self._even = EvenClock()
        self._offsets: deque[tuple[float, float]] = deque()  # arrival, offset; rising offsets
        self._said_s = float("nan")
        self._settings = self._behind = 0
        self._sense = 1.0
        self._began: tuple[float, float] | None = None  # said and arrived
        self._counted = CountedClock()
        self._notes: deque[tuple[float, float]] = deque(maxlen=DRIFT_NOTES)  # arrival, offset
        self._timed_s = 0.0  # since when the sender's own time is used

    @property
    def period_s(self) -> float:
        """Between frames, by their arrivals; 0: not known yet."""
        return self._even.period_s

    @property
    def uneven(self) -> bool:
        """Whether its frames came unevenly of late, so that one may have overtaken another."""
        return self._even.uneven

    def captured_s(
        self, said_s: float | None, arrived_s: float, number: int | None = None
    ) -> float:
        """When a frame was taken that says a time, or a number, or neither, and arrived at a time

        of ours. One that was overtaken on the way is from before the last.
        """
        even_s = self._even.taken_s(arrived_s)
        if said_s is None and number is not None:
            counted_s = self._counted.taken_s(number, arrived_s)
            return even_s if counted_s is None else counted_s
        if said_s is None or self._settings > MOST_SETTINGS:
            return even_s
        step_s = said_s - self._said_s
        if step_s != step_s:  # the first
            step_s = 1.0
        trusted = self._offsets and self._sense > TRUSTED
        if trusted and -DISORDER_S < step_s < 0.0 and self._behind < SET_BACK_FRAMES:
            self._behind += 1
            return said_s + self._offsets[0][1]
        self._behind = 0
        self._sense += 0.1 * (float(step_s > 0.0) - self._sense)
        self._said_s = said_s
        if step_s <= 0.0 or self._sense <= TRUSTED:
            if step_s < 0.0:
                self._offsets.clear()
                self._notes.clear()
                self._began = None
            return even_s
        if self._runs_otherwise(said_s, arrived_s):
            self._settings = MOST_SETTINGS + 1
            return even_s
        offset_s, offsets = arrived_s - said_s, self._offsets
        if not offsets:
            self._timed_s = arrived_s
        if offsets and offset_s - offsets[0][1] > MOST_LATE_S:
            offsets.clear()
            self._notes.clear()
            self._settings += 1
        while offsets and offsets[-1][1] >= offset_s:
            offsets.pop()
        offsets.append((arrived_s, offset_s))
        while offsets[0][0] < arrived_s - WINDOW_S:
            offsets.popleft()
        # The first offsets are of few messages, none of which may have come soon.
        last_s = self._notes[-1][0] if self._notes else self._timed_s + WINDOW_S - NOTED_S
        if arrived_s - last_s >= NOTED_S:
            self._notes.append((arrived_s, offsets[0][1]))
        return said_s + offsets[0][1]

    @property
    def offset_s(self) -> float | None:
        """Our clock less the sender's, with what its messages take at best; None: it says none."""
        return self._offsets[0][1] if self._offsets and not self.given_up else None

    @property
    def drift_ppm(self) -> float | None:
        """By how much the sender's clock is faster than ours; None: it is not known yet."""
        if len(self._notes) < 2 or self._notes[-1][0] - self._notes[0][0] < DRIFT_LEAST_S:
            return None
        (first_s, then_s), (last_s, now_s) = self._notes[0], self._notes[-1]
        return -1e6 * (now_s - then_s) / (last_s - first_s)

    @property
    def counts(self) -> bool:
        """Whether the numbers of its frames tell their order."""
        return not self._counted.given_up

    @property
    def given_up(self) -> bool:
        """Whether what the sender says is no time."""
        return self._settings > MOST_SETTINGS

    def _runs_otherwise(self, said_s: float, arrived_s: float) -> bool:
        """Whether a second of the sender's is none of ours: it counts frames of another rate."""
        said0_s, arrived0_s = self._began = self._began or (said_s, arrived_s)
        if arrived_s - arrived0_s < 1.0:
            return False
        self._began = None
        gone_s = arrived_s - arrived0_s
        return gone_s < WINDOW_S and abs(said_s - said0_s - gone_s) > RUNS_ALIKE * gone_s
