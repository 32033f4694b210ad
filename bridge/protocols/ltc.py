"""Linear timecode (SMPTE 12M-1): a frame of 80 bits as sound, in which a bit is a change of sign.

Every bit begins with a change, and a one has another in its middle, so that neither sign nor level
nor speed need be known. Bits 0 to 63 are the label in decimal digits and eight user digits, the
lowest bit first; 64 to 79 are a word that no label holds, by which a frame is found from either
side: a tape may run backwards.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from understudy.runtime.core.rotation import Array

from .error import ProtocolError

BITS = 80
SYNC = (0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1)
_BACK = SYNC[::-1]
# Where each decimal digit begins, and its bits: frames, seconds, minutes, hours.
_DIGITS = ((0, 4, 8, 2), (16, 4, 24, 3), (32, 4, 40, 3), (48, 4, 56, 2))
DROP, PARITY, PARITY_25 = 10, 27, 59
# Of the level: less is the noise between two signs.
HYSTERESIS = 0.2
# A change after less than this of a bit is a one's middle, after more than that nothing is known.
MIDDLE, LOST = 0.75, 1.6
# How fast it follows a tape whose speed changes.
FOLLOWS = 0.15
SLOWEST_HZ, FASTEST_HZ = 5.0, 250.0


@dataclass(frozen=True, slots=True)
class Frame:
    """A label, and where in the sound it begins. rate_hz: frames a second, as it runs."""

    hours: int
    minutes: int
    seconds: int
    frames: int
    drop: bool
    at: float
    rate_hz: float
    backwards: bool = False

    @property
    def label(self) -> str:
        """HH:MM:SS:FF, with a semicolon where frames are dropped."""
        mark = ";" if self.drop else ":"
        return f"{self.hours:02}:{self.minutes:02}:{self.seconds:02}{mark}{self.frames:02}"


def bits(label: str, rate_hz: float) -> list[int]:
    """The 80 bits of a label HH:MM:SS:FF."""
    try:
        numbers = [int(word) for word in label.replace(";", ":").split(":")]
        hours, minutes, seconds, frames = numbers
    except ValueError:
        raise ProtocolError(f"{label!r} is no timecode; write HH:MM:SS:FF.") from None
    if not (0 <= hours < 24 and 0 <= minutes < 60 and 0 <= seconds < 60 and 0 <= frames < 40):
        raise ProtocolError(f"{label!r} cannot be said as linear timecode.")
    found = [0] * 64 + list(SYNC)
    for number, (low, _, high, width) in zip(
        (frames, seconds, minutes, hours), _DIGITS, strict=True
    ):
        for n in range(4):
            found[low + n] = (number % 10) >> n & 1
        for n in range(width):
            found[high + n] = (number // 10) >> n & 1
    found[DROP] = int(";" in label)
    # The sign at the end of a frame is that at its beginning.
    found[PARITY_25 if abs(rate_hz - 25.0) < 0.5 else PARITY] = found.count(0) % 2
    return found


def encode(
    labels: Iterable[str], rate_hz: float, sample_rate: int = 48000, level: float = 0.5
) -> Array:
    """Labels as sound (N,), one after the other."""
    changes: list[float] = []
    at, bit_s = 0.0, 1.0 / (BITS * rate_hz)
    for label in labels:
        for bit in bits(label, rate_hz):
            changes.append(at)
            if bit:
                changes.append(at + bit_s / 2.0)
            at += bit_s
    times = np.arange(round(at * sample_rate)) / sample_rate
    signs = np.searchsorted(np.array(changes), times, side="right") % 2
    return np.asarray(level * (2.0 * signs - 1.0))


class Decoder:
    """Finds frames in sound that comes in pieces.

    wrong  frames whose digits are none
    """

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self.wrong = 0
        self._read = 0  # samples so far
        self._sign, self._level = 0, 0.0
        self._edge = self._bit = float("nan")  # where the last change was; a bit's length
        self._half = False
        self._early: list[float] = []  # lengths before a bit's is known
        self._bits: deque[int] = deque(maxlen=BITS)
        self._ends: deque[float] = deque(maxlen=BITS + 1)

    def feed(self, samples: Array) -> list[Frame]:
        """The frames that are whole with these samples (N,), whatever their level."""
        x = np.nan_to_num(np.asarray(samples, float))
        if not len(x):
            return []
        peak = float(np.abs(x).max())
        self._level = max(peak, 0.9 * self._level)
        found = [frame for at in self._changes(x) if (frame := self._change(at)) is not None]
        self._read += len(x)
        return found

    def _changes(self, x: Array) -> list[float]:
        """Where the sign changes, to a part of a sample, counted from the very beginning."""
        edge = HYSTERESIS * self._level
        if edge <= 0.0:
            return []
        signs = np.where(x > edge, 1, np.where(x < -edge, -1, 0))
        known = np.flatnonzero(signs)
        if not len(known):
            return []
        kept = signs[known]
        before = np.concatenate([[self._sign], kept[:-1]])
        self._sign = int(kept[-1])
        turned = np.flatnonzero((kept != before) & (before != 0))
        found = []
        for n in turned:
            second = int(known[n])
            first = int(known[n - 1]) if n else second - 1
            a, b = (x[first] if first >= 0 else -x[second]), x[second]
            share = a / (a - b) if a != b else 0.5
            found.append(self._read + first + share * (second - first))
        return found

    def _change(self, at: float) -> Frame | None:
        length, self._edge = at - self._edge, at
        if not length > 0.0:
            return None
        if not self._bit > 0.0:
            self._begin(length)
            return None
        if length > LOST * self._bit:
            self._lose()
            return None
        if length > MIDDLE * self._bit:
            self._bit += FOLLOWS * (length - self._bit)
            if self._half:  # a middle without its second half: it was noise
                self._half = False
                self._bits.clear()
            return self._take(0, at)
        if not self._half:
            self._half, self._first = True, length
            return None
        self._half = False
        self._bit += FOLLOWS * (length + self._first - self._bit)
        return self._take(1, at)

    def _begin(self, length: float) -> None:
        """Learns how long a bit is: twice the short lengths, once the long ones."""
        low, high = (self.sample_rate / (BITS * hz) for hz in (FASTEST_HZ, SLOWEST_HZ))
        if low / 2.0 < length < high:
            self._early.append(length)
        if len(self._early) == 48:
            lengths = np.array(self._early)
            long = lengths[lengths > MIDDLE * np.quantile(lengths, 0.9)]
            self._bit, self._early = float(np.median(long)), []
            self._bits.clear()
            self._ends.clear()

    def _lose(self) -> None:
        self._bit, self._half = float("nan"), False
        self._bits.clear()
        self._ends.clear()

    def _take(self, bit: int, at: float) -> Frame | None:
        if not self._ends:
            self._ends.append(at - self._bit)
        if not self._bits:
            self._ends = deque([at - self._bit], maxlen=BITS + 1)
        self._bits.append(bit)
        self._ends.append(at)
        if len(self._bits) < BITS:
            return None
        word = tuple(self._bits)
        if word[-16:] == SYNC:
            return self._frame(word, False)
        if word[:16] == _BACK:
            return self._frame(word[::-1], True)
        return None

    def _frame(self, word: tuple[int, ...], backwards: bool) -> Frame | None:
        numbers = []
        for low, _, high, width in _DIGITS:
            ones = sum(word[low + n] << n for n in range(4))
            tens = sum(word[high + n] << n for n in range(width))
            numbers.append(99 if ones > 9 else 10 * tens + ones)
        frames, seconds, minutes, hours = numbers
        if frames > 39 or seconds > 59 or minutes > 59 or hours > 23:
            self.wrong += 1
            return None
        begin, end = self._ends[0], self._ends[-1]
        rate_hz = self.sample_rate / (end - begin)
        return Frame(hours, minutes, seconds, frames, bool(word[DROP]), begin, rate_hz, backwards)
