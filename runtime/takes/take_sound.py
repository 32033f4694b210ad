"""What was heard while a take was recorded: pieces of sound, laid on the clock of its frames.

A microphone has a clock of its own. How fast it goes beside the stage's is found in the times of
its pieces, and the sound is brought to the stage's: an hour later it is still in step.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from understudy.bridge.wire.envelope import SIZE
from understudy.bridge.wire.table import root
from understudy.runtime.core import sound
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.files import shown
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.sound import RATE_HZ, Piece, Samples

from .take_file import EVENTS, FRAMES, SOUND
from .take_reader import DAMAGE, TakeReader

# Where the times of so many pieces before and after differ by more, something was lost between.
SOME, JUMP_S = 9, 0.004
# Of so long a sound it is told how fast its clock goes: a piece's time is off by a millisecond.
LONG_S, MOST_DRIFT = 20.0, 1e-3
SLICE = 1 << 20
LONGEST_S = 24 * 3600.0


@dataclass
class _Take:
    """Pieces with their times (ns since 1970) by their sound, and when each tick was."""

    pieces: dict[str, dict[int, Piece]] = field(default_factory=lambda: defaultdict(dict))
    ticks: list[int] = field(default_factory=list)
    times_ns: list[int] = field(default_factory=list)
    first: int | None = None  # the first tick after Record
    rate_hz: float = 0.0

    def begun_ns(self, tick: int) -> float:
        """When a tick was, by all of them: each was sent a little late."""
        times = np.array(self.times_ns, float) - self.times_ns[0]
        late = times - (np.array(self.ticks) - tick) * (1e9 / self.rate_hz)
        return float(np.median(late)) + self.times_ns[0]

    @property
    def last(self) -> int:
        return max(self.ticks)


def _read(paths: Sequence[Path]) -> _Take:
    """Of a take, or the parts that it went on in; ticks are those of its first stage."""
    take, session, record = _Take(), -1, 0
    for path in paths:
        reader = TakeReader(path)
        for entry in reader.entries():
            if entry.topic == SOUND:
                if (piece := _piece(entry.data)) is not None:
                    take.pieces[piece.name].setdefault(entry.time_ns, piece)
            elif entry.topic == EVENTS and path == paths[0] and not record:
                if entry.event.get("event") == "record":
                    record = int(entry.event.get("published", 0))
            elif entry.topic == FRAMES:
                try:
                    table = root(entry.data)
                    tick, of, published = (table.number(k, "Q") for k in range(3))
                except DAMAGE:
                    continue
                session = of if session < 0 else session
                if of == session:
                    take.ticks.append(tick)
                    take.times_ns.append(entry.time_ns)
                    if take.first is None and published >= record > 0:
                        take.first = tick
        take.rate_hz = take.rate_hz or reader.rate_hz
    return take


def _piece(data: bytes) -> Piece | None:
    try:
        return sound.DECODER.decode(data[SIZE:])
    except msgspec.DecodeError:
        return None


def names(path: Path) -> tuple[str, ...]:
    """The sounds of a take."""
    found = (_piece(e.data) for e in TakeReader(path).entries() if e.topic == SOUND)
    return tuple(dict.fromkeys(piece.name for piece in found if piece is not None))


def channels(
    paths: Path | Sequence[Path], tick: int | None = None, seconds: float | None = None
) -> dict[str, Samples]:
    """Name -> (N,) int16 at RATE_HZ of every sound; silence where nothing was heard.

    tick     the stage's, at which it begins; None: the first after Record
    seconds  how long it is; None: to the last frame
    """
    take = _read([paths] if isinstance(paths, Path) else paths)
    if not take.pieces or not take.ticks:
        return {}
    first = take.first if take.first is not None else take.ticks[0]
    tick = first if tick is None else tick
    if seconds is None:
        seconds = (take.last + 1 - tick) / take.rate_hz
    if not 0.0 <= seconds <= LONGEST_S:
        raise UnderstudyError(f"The sound of a take lasts {seconds:g} s; it can be a day's.")
    begin_ns, count = take.begun_ns(tick), round(seconds * RATE_HZ)
    out = {name: laid(list(found.items()), begin_ns, count) for name, found in take.pieces.items()}
    return {name: heard for name, heard in out.items() if heard.any()}


def mixed(path: Path, tick: int | None = None, seconds: float | None = None) -> Array:
    """(N,) -1..1 at RATE_HZ of all sounds of a take together; raises where it has none."""
    found = channels(path, tick, seconds)
    if not found:
        raise UnderstudyError(f"{shown(path)} holds no sound.")
    whole = np.sum([heard.astype(np.float32) for heard in found.values()], axis=0)
    return np.asarray(np.clip(whole / 32768.0, -1.0, 1.0), np.float32)


def laid(pieces: Sequence[tuple[int, Piece]], begin_ns: float, count: int) -> Samples:
    """(count,) int16 of pieces with their times in ns, from a time on."""
    out = np.zeros(count, np.int16)
    for run in _runs(sorted(pieces, key=lambda one: one[0])):
        rate_hz = run[0][1].sample_rate
        samples = np.concatenate([piece.samples for _, piece in run])
        starts = np.cumsum([0, *(len(piece.samples) for _, piece in run[:-1])])
        at_s = np.array([(time_ns - begin_ns) * 1e-9 for time_ns, _ in run])
        step_s = 1.0 / rate_hz
        if len(samples) * step_s > LONG_S:
            drift = float(np.polyfit(starts * step_s, at_s - starts * step_s, 1)[0])
            step_s *= 1.0 + (drift if abs(drift) < MOST_DRIFT else 0.0)
        _put(out, samples, float(np.median(at_s - starts * step_s)), step_s)
    return out


def _runs(pieces: list[tuple[int, Piece]]) -> Iterator[list[tuple[int, Piece]]]:
    """Pieces that follow each other without a loss."""
    if not pieces:
        return
    rates = np.array([piece.sample_rate for _, piece in pieces])
    lengths = np.array([len(piece.samples) for _, piece in pieces]) / rates
    at_s = np.array([(time_ns - pieces[0][0]) * 1e-9 for time_ns, _ in pieces])
    late = at_s - np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
    middles = np.median(sliding_window_view(np.pad(late, SOME, "edge"), SOME), axis=-1)
    # Of piece k: those before it are window k, it and those after it window k + SOME.
    jumps = np.abs(middles[SOME:-1] - middles[: -SOME - 1])
    cuts = np.flatnonzero(np.diff(rates)) + 1
    found = [int(cut) for cut in cuts]
    over = jumps > JUMP_S
    edges = np.flatnonzero(np.diff(np.concatenate([[0], over.astype(np.int8), [0]])))
    for begin, end in edges.reshape(-1, 2):
        # The step itself lies where two neighbours differ the most.
        steps = np.abs(np.diff(late[max(begin - 1, 0) : end + 1]))
        if len(steps):
            found.append(max(begin - 1, 0) + 1 + int(np.argmax(steps)))
    bounds = sorted({0, *found, len(pieces)})
    for begin, end in itertools.pairwise(bounds):
        if end > begin:
            yield pieces[begin:end]


def _put(out: Samples, samples: Samples, begin_s: float, step_s: float) -> None:
    """Writes samples (N,), the first at begin_s and each step_s later, into out."""
    if abs(len(samples) * (step_s * RATE_HZ - 1.0)) < 0.5:
        begun = round(begin_s * RATE_HZ)
        first, last = max(begun, 0), min(begun + len(samples), len(out))
        if last > first:
            out[first:last] = samples[first - begun : last - begun]
        return
    first = max(int(np.ceil(begin_s * RATE_HZ)), 0)
    last = min(int((begin_s + (len(samples) - 1) * step_s) * RATE_HZ) + 1, len(out))
    padded = np.pad(samples.astype(np.float32), (1, 2), "edge")
    for begin in range(first, last, SLICE):
        at = (np.arange(begin, min(begin + SLICE, last)) / RATE_HZ - begin_s) / step_s
        whole = np.clip(np.floor(at).astype(int), 0, len(samples) - 1)
        part = at - whole
        a, b, c, d = (padded[whole + k] for k in range(4))  # a cubic through four (Catmull-Rom)
        curve = 2.0 * a - 5.0 * b + 4.0 * c - d + part * (3.0 * (b - c) + d - a)
        value = b + 0.5 * part * (c - a + part * curve)
        out[begin : begin + len(at)] = np.clip(np.round(value), -32768, 32767)
