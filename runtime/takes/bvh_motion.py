"""The MOTION part of a BVH file: text to values, fast, and what is wrong with it where it fails.

A piece of the file at a time goes through a JSON parser that writes straight into an array. What it
cannot take, a frame on several lines, decimal commas, numbers like .5, goes the slow way, whole.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.progress import Progress
from understudy.runtime.core.rotation import Array

from .bvh_hierarchy import MOST_VALUE
from .bvh_text import Text

try:
    import simdjson
except ImportError:  # no wheel for this Python; what follows is four times as slow
    simdjson = None  # type: ignore[assignment]

_JSON = msgspec.json.Decoder(list[float])
_COMMAS = bytes.maketrans(b" ", b",")
_COMMENT = re.compile(rb"(?m)(?:^|(?<=\s))(?:#|//)[^\n]*")
_HEADER = rb"\s*%b(?:[ \t]*:[ \t]*|[ \t]+)([^\r\n]*)"
_NO_BREAK = "\u00a0".encode()
# What separates values besides blanks: ; and the no-break space of UTF-8 or Latin-1.
_SEPARATORS = ((b";", "semicolons"), (_NO_BREAK, "no-break spaces"), (b"\xa0", "no-break spaces"))
# A frame time with its unit, or a fraction.
_WITH_UNIT = re.compile(
    r"([\d.,]+(?:e-?\d+)?)\s*(fps|hz|frames?/s(?:ec)?|ms|msec|milliseconds?|s|sec|seconds?)",
    re.IGNORECASE,
)
_FRACTION = re.compile(r"([\d.]+)\s*/\s*([\d.]+)\s*(?:s|sec|seconds?)?", re.IGNORECASE)
# A number, or the beginning of one.
_NUMBER = re.compile(rb"[-+]?\d*\.?\d*([eE][-+]?\d*)?")
# A capture system's rate; no file is faster.
MOST_HZ = 5000.0
_RATES = (24.0, 25.0, 30.0, 48.0, 50.0, 60.0, 72.0, 75.0, 90.0, 100.0, 120.0, 144.0, 150.0, 180.0,
          200.0, 240.0, 250.0, 300.0, 360.0, 480.0, 500.0, 1000.0,
          24000 / 1001, 30000 / 1001, 60000 / 1001, 120000 / 1001)  # fmt: skip


@dataclass
class Motion:
    """frame_time_s, the channel values (T, C), and what was guessed or repaired."""

    frame_time_s: float
    values: Array
    notes: list[str]


def read_motion(
    text: Text,
    columns: int,
    frame_time_s: float | None = None,
    progress: Progress | None = None,
) -> Motion:
    """Frame time and values of what follows the line MOTION."""
    notes: list[str] = []
    pieces = text.pieces(1 << 16)
    first = next(pieces, b"")
    while first.count(b"\n") < 8 and (more := next(pieces, b"")):
        first += more
    frames, frame_time_s, end = _header(text, first, frame_time_s, notes)
    line = text.lines_before + first.count(b"\n", 0, end) + 1
    values = _fast(text, first[end:], pieces, frames, columns, progress)
    if values is None:
        block = text.rest()
        head = _header(text, block, frame_time_s, [])[2]
        values = _slow(text.name, block[head:], line, frames, columns, notes)
    if len(values) != frames:
        notes.append(
            f"The header says {frames} frames and the file has {len(values)} whole ones; "
            f"{len(values)} are played."
        )
    return Motion(frame_time_s, values, notes)


def _header(
    text: Text, block: bytes, given_s: float | None, notes: list[str]
) -> tuple[int, float, int]:
    """Frames as the header says, frame time in seconds, and where the header ends."""

    def line(position: int) -> int:
        return text.lines_before + block.count(b"\n", 0, position) + 1

    def value(label: str, position: int) -> tuple[str, int]:
        pattern = _HEADER % label.replace(" ", r"[ \t]*").encode()
        found = re.compile(pattern, re.IGNORECASE).match(block, position)
        if found is not None and b":" not in found[0][: found.start(1) - found.start()]:
            notes.append(f"'{label}' has no colon, and is read as if it had one.")
        if found is None:
            here = min(line(position) + 1, line(len(block)))
            raise UnderstudyError(f"{text.name} line {here}: '{label}:' is missing after MOTION.")
        return _COMMENT.sub(b"", found[1]).decode(errors="replace").strip(), found.end()

    word, after = value("Frames", 0)
    try:
        frames = int(_without_underscores(word))
    except ValueError:
        raise UnderstudyError(
            f"{text.name} line {line(after)}: Frames: {word[:40]!r} is not a whole number."
        ) from None
    if frames < 1:
        raise UnderstudyError(f"{text.name} line {line(after)}: {frames} frames, no motion.")
    word, end = value("Frame Time", after)
    if given_s is not None:
        return frames, _given(given_s), end
    return frames, _frame_time(f"{text.name} line {line(end)}", word, notes), end


def _without_underscores(word: str) -> str:
    """The same; Python reads 1_000 as a thousand, and nobody else does."""
    if "_" in word:
        raise ValueError
    return word


def _said_time(word: str) -> tuple[float, str] | None:
    """Seconds of a frame time that is written as a rate, with a unit or as a fraction, and how."""
    try:
        if found := _FRACTION.fullmatch(word):
            return float(found[1]) / float(found[2]), "a fraction of a second"
        if found := _WITH_UNIT.fullmatch(word):
            value, unit = float(found[1].replace(",", ".")), found[2].lower()
            if unit.startswith("m"):
                return value * 1e-3, "milliseconds"
            if unit.startswith("s"):
                return value, "seconds"
            return 1.0 / value, "frames per second"
    except (ValueError, ZeroDivisionError):
        pass
    return None


def _given(frame_time_s: float) -> float:
    if not 1.0 / MOST_HZ <= frame_time_s <= 3600.0:
        raise UnderstudyError(
            f"A frame time of {frame_time_s:g} s is out of range; it can be {1.0 / MOST_HZ:g} to "
            "3600 seconds."
        )
    return frame_time_s


def _frame_time(where: str, word: str, notes: list[str]) -> float:
    """Seconds between frames; of what is above a second, milliseconds or a rate where that fits."""
    if (said := _said_time(word)) is not None:
        time_s, how = said
        if 1.0 / MOST_HZ <= time_s <= 3600.0:
            notes.append(
                f"Frame Time {word} is read as {how}: {1.0 / time_s:.4g} frames per second."
            )
            return time_s
    if "," in word:
        notes.append(f"The frame time {word} has a decimal comma, which is read as a point.")
    try:
        time = float(_without_underscores(word).replace(",", "."))
    except ValueError:
        time = np.nan
    if not (np.isfinite(time) and time > 0.0):
        raise UnderstudyError(
            f"{where}: frame time {word[:40]!r}; it must be more than 0 seconds "
            "(--frame-time overrules it)."
        )
    if time < 1.0 / MOST_HZ:
        raise UnderstudyError(
            f"{where}: frame time {word[:40]} s means {1.0 / time:.3g} frames per second; "
            f"{MOST_HZ:g} is the most. Correct it, or give --frame-time SECONDS."
        )
    if time <= 1.0:
        return time

    def known(rate_hz: float) -> float:
        return min(abs(rate_hz / r - 1.0) for r in _RATES)

    readings = {
        "frames per second": (known(time), 1.0 / time),
        "milliseconds": (known(1e3 / time), time * 1e-3),
        "microseconds": (known(1e6 / time), time * 1e-6),
    }
    meant, (off, time_s) = min(readings.items(), key=lambda item: item[1][0])
    if off < 2e-3:
        other = "milliseconds" if meant == "frames per second" else "frames per second"
        notes.append(
            f"Frame Time {word} is taken for {meant} ({1.0 / time_s:.4g} frames per second), not "
            f"seconds; or is it {other}? --frame-time SECONDS overrules it."
        )
        return time_s
    notes.append(
        f"Frame Time {word} is read as seconds, as the format has it: milliseconds or frames per "
        "second? --frame-time SECONDS overrules it."
    )
    if time > 3600.0:
        raise UnderstudyError(
            f"{where}: frame time {word[:40]} s is over an hour; give --frame-time SECONDS."
        )
    return time


def _fast(
    text: Text,
    first: bytes,
    pieces: Iterator[bytes],
    frames: int,
    columns: int,
    progress: Progress | None,
) -> Array | None:
    """(T, C) values where each line is a frame of plain numbers; None where that is not so."""
    # A header that promises the moon gets no memory: a value takes two bytes at least.
    values = np.empty((min(frames, text.size // (2 * columns) + 1), columns))
    row, done = 0, 0
    parser = simdjson.Parser() if simdjson is not None else None
    for piece in itertools.chain([first], pieces):
        some = _rows(piece, columns, parser)
        if some is None:
            return None
        if row + len(some) > len(values):
            values = np.concatenate([values[:row], np.empty((2 * len(some) + row // 2, columns))])
        values[row : row + len(some)] = some
        row += len(some)
        done += len(piece)
        if progress is not None:
            progress(min(done, text.size), text.size)
    if row == 0 or not _sane(values[:row]):
        return None
    return values[:row]


def _rows(piece: bytes, columns: int, parser: Any) -> Array | None:
    """(N, C) values of whole lines of the file, or None where they are not that plain."""
    if b"," in piece:
        return None
    if b"\t" in piece:
        piece = piece.replace(b"\t", b" ")
    lines = [line for line in map(bytes.strip, piece.split(b"\n")) if line]
    # Each line is counted: a value that has slipped to the line before is a fault, and named.
    if parser is not None and all(line.count(b" ") == columns - 1 for line in lines):
        if not lines:
            return np.empty((0, columns))
        try:
            parsed = parser.parse(b"[%b]" % b",".join(lines).translate(_COMMAS))
            flat = np.frombuffer(parsed.as_buffer(of_type="d"))
            del parsed  # the parser's memory is used again
            return flat.reshape(len(lines), columns)
        except (ValueError, TypeError, RuntimeError):
            pass
    out = np.empty((len(lines), columns))
    for n, line in enumerate(lines):
        try:
            numbers = _numbers(line)
        except ValueError:
            return None
        if len(numbers) != columns:
            return None
        out[n] = numbers
    return out


def _numbers(line: bytes) -> list[float]:
    """The numbers of a line. Most lines are JSON but for the commas, and that is read four times
    as fast as by float or NumPy; what is no JSON (.5, 1., two spaces, nan) goes the slow way."""
    try:
        return _JSON.decode(b"[%b]" % line.replace(b" ", b","))
    except msgspec.DecodeError:
        if b"_" in line:
            raise ValueError from None
        return [float(word) for word in line.split()]


def _sane(values: Array) -> bool:
    """Whether all are finite and below MOST_VALUE."""
    return bool(values.max() <= MOST_VALUE and values.min() >= -MOST_VALUE)


def _slow(
    name: str, block: bytes, first_line: int, frames: int, columns: int, notes: list[str]
) -> Array:
    """(T, C) values of a motion block that is not plain; raises what is wrong with it."""
    block = _COMMENT.sub(b"", block).rstrip(b"\0\x1a \t\r\n")  # DOS ended its files with 0x1a
    for separator, called in _SEPARATORS:
        if separator in block:
            block = block.replace(separator, b" ")
            notes.append(f"Its values are separated by {called}.")
    if b"_" in block:
        raise _damage(name, block.split(b"\n"), first_line, columns)
    if b"," in block:
        block = _without_commas(name, block, first_line, columns, notes)
    lines = block.split(b"\n")
    while lines and not lines[-1].strip():
        lines.pop()
    counts = np.array([len(line.split()) for line in lines] or [0])
    full = [line for line, count in zip(lines, counts, strict=False) if count]
    counts = counts[counts > 0]
    ends = np.cumsum(counts)
    together = counts > columns
    if together.any() and (counts % columns == 0).all() and int(ends[-1]) == frames * columns:
        notes.append("It has several frames on a line.")
        counts, ends = np.array([columns] * frames), np.arange(1, frames + 1) * columns
        words = b" ".join(full).split()
        full = [b" ".join(words[k : k + columns]) for k in range(0, len(words), columns)]
    wrapped = len(counts) > 0 and counts[0] < columns and bool(np.isin(columns, ends))
    if wrapped:
        rows = int(ends[-1]) // columns
        if not np.isin(np.arange(1, rows + 1) * columns, ends).all():
            raise _damage(name, lines, first_line, columns)
        keep = int(np.searchsorted(ends, rows * columns)) + 1
        cut = keep < len(full)
    else:
        # A last line that is short is where a copy or a crash cut the file.
        cut = len(counts) > 1 and counts[-1] < columns
        keep = len(full) - int(cut)
        rows = keep
        if not len(counts) or (counts[:keep] != columns).any():
            raise _damage(name, lines, first_line, columns)
    try:
        values = np.array(b" ".join(full[:keep]).split(), dtype=float).reshape(rows, columns)
        left = b" ".join(full[keep:])
        if not all(map(_NUMBER.fullmatch, left.split())):
            raise ValueError
    except ValueError:
        raise _damage(name, lines, first_line, columns) from None
    if not _sane(values):
        raise _damage(name, lines, first_line, columns)
    if cut:
        notes.append(f"The file ends in the middle of frame {rows + 1}, which is left out.")
    return values


def _without_commas(
    name: str, block: bytes, first_line: int, columns: int, notes: list[str]
) -> bytes:
    """The block with points for decimal commas, or blanks for commas between values."""
    first = next((line for line in block.split(b"\n") if line.strip()), b"")
    if b"." not in block and len(first.split()) == columns:
        notes.append("Its numbers have decimal commas, which are read as points.")
        return block.replace(b",", b".")
    if len(first.replace(b",", b" ").split()) == columns:
        notes.append("Its values are separated by commas.")
        return block.replace(b",", b" ")
    raise UnderstudyError(
        f"{name} line {first_line + 1}: the numbers have commas, which are neither decimal commas "
        "nor the only separators; write 1.5, not 1,5 or 1,000.5."
    )


def _damage(name: str, lines: list[bytes], first_line: int, columns: int) -> UnderstudyError:
    """What is wrong with a motion block that could not be taken: the first fault and its line."""
    last = first_line
    for number, line in enumerate(lines, first_line):
        words = line.split()
        if not words:
            continue
        for column, word in enumerate(words):
            try:
                number_read = float(word)
                good = b"_" not in word and bool(np.isfinite(number_read))
            except ValueError:
                good = False
            if not good:
                shown = word.decode(errors="replace")[:40]
                return UnderstudyError(
                    f"{name} line {number}: value {column + 1} is {shown!r}, not a finite number."
                )
            if abs(number_read) > MOST_VALUE:
                return UnderstudyError(
                    f"{name} line {number}: value {column + 1} is {word.decode()[:40]}, which is "
                    "no place and no angle."
                )
        if len(words) != columns:
            return UnderstudyError(
                f"{name} line {number}: {len(words)} values, the hierarchy has {columns} channels"
                + (", and the file ends there." if number - first_line + 1 == len(lines) else ".")
            )
        last = number
    return UnderstudyError(f"{name} line {last}: the header is all there is: no whole frame.")
