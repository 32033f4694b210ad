"""The MOTION part of a BVH file: text to values, fast, and what is wrong with it where it fails."""

from __future__ import annotations

import re
import struct

import msgspec
import numpy as np

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.rotation import Array

_JSON = msgspec.json.Decoder(list[float])


def read_motion(name: str, content: bytes, at: int, columns: int) -> tuple[float, Array]:
    """Frame time in seconds and the values (T, C) that follow the line MOTION at byte `at`."""

    def line_at(position: int) -> int:
        return content.count(b"\n", 0, position) + 1

    def header(label: str, position: int) -> tuple[bytes, int]:
        pattern = rb"\s*" + label.replace(" ", r"[ \t]*").encode() + rb"[ \t]*:[ \t]*([^\r\n]*)"
        found = re.compile(pattern, re.IGNORECASE).match(content, position)
        if found is None:
            raise UnderstudyError(
                f"{name} line {min(line_at(position) + 1, line_at(len(content)))}: "
                f"'{label}:' is missing after MOTION."
            )
        return found[1].strip(), found.end()

    text, after_frames = header("Frames", at)
    try:
        frames = int(text)
    except ValueError:
        raise UnderstudyError(
            f"{name} line {line_at(after_frames)}: Frames: {text.decode(errors='replace')[:40]!r} "
            "is not a whole number."
        ) from None
    if frames < 1:
        raise UnderstudyError(f"{name} line {line_at(after_frames)}: {frames} frames, no motion.")
    text, end = header("Frame Time", after_frames)
    try:
        frame_time_s = float(text)
    except ValueError:
        frame_time_s = np.nan
    if not (np.isfinite(frame_time_s) and frame_time_s > 0.0):
        raise UnderstudyError(
            f"{name} line {line_at(end)}: frame time {text.decode(errors='replace')[:40]!r}; "
            "it must be more than 0 seconds."
        )
    return frame_time_s, _read_values(name, content[end:], line_at(end), frames, columns)


def _read_values(name: str, block: bytes, first_line: int, frames: int, columns: int) -> Array:
    """(T, C) values of the motion block; one line of text at a time, so that each is counted."""
    lines = block.split(b"\n")
    if frames * columns * 2 > len(block) + 1:  # a header that promises the moon gets no memory
        raise _damage(name, lines, first_line, frames, columns)
    values = np.empty((frames, columns))
    whole, size = values.data.cast("B"), columns * values.itemsize
    pack = struct.Struct(f"{columns}d").pack_into
    row = 0
    if b"," in block:  # a decimal comma; JSON would take it for two numbers
        raise _damage(name, lines, first_line, frames, columns)
    for line in lines:
        line = line.strip()
        if not line:
            continue
        try:
            numbers = _numbers(line)
        except ValueError:
            raise _damage(name, lines, first_line, frames, columns) from None
        if len(numbers) != columns or row == frames:
            return _read_wrapped(name, lines, first_line, frames, columns)
        pack(whole, row * size, *numbers)  # a third of the time of values[row] = numbers
        row += 1
    if row != frames or not np.isfinite(values).all():
        raise _damage(name, lines, first_line, frames, columns)
    return values


def _numbers(line: bytes) -> list[float]:
    """The numbers of a line. Most lines are JSON but for the commas, and that is read four times
    as fast as by float or NumPy; what is no JSON (.5, 1., two spaces, nan) goes the slow way."""
    try:
        return _JSON.decode(b"[%b]" % line.replace(b" ", b","))
    except msgspec.DecodeError:
        return [float(word) for word in line.split()]


def _read_wrapped(
    name: str, lines: list[bytes], first_line: int, frames: int, columns: int
) -> Array:
    """(T, C) values where a frame takes several lines, each frame beginning on a new one."""
    counts = np.array([len(line.split()) for line in lines])
    ends = np.cumsum(counts)
    if ends[-1] != frames * columns or not np.isin(np.arange(1, frames + 1) * columns, ends).all():
        raise _damage(name, lines, first_line, frames, columns)
    try:
        values = np.array(b" ".join(lines).split(), dtype=float)
    except ValueError:
        raise _damage(name, lines, first_line, frames, columns) from None
    if not np.isfinite(values).all():
        raise _damage(name, lines, first_line, frames, columns)
    return values.reshape(frames, columns)


def _damage(
    name: str, lines: list[bytes], first_line: int, frames: int, columns: int
) -> UnderstudyError:
    """What is wrong with a motion block that could not be taken: the first fault and its line."""
    row, last = 0, first_line
    for number, line in enumerate(lines, first_line):
        words = line.split()
        if not words:
            continue
        for column, word in enumerate(words):
            try:
                good = bool(np.isfinite(float(word)))
            except ValueError:
                good = False
            if not good:
                shown = word.decode(errors="replace")[:40]
                return UnderstudyError(
                    f"{name} line {number}: value {column + 1} is {shown!r}, not a finite number."
                )
        if row == frames:
            return UnderstudyError(
                f"{name} line {number}: a line beyond the {frames} frames that the header promises."
            )
        if len(words) != columns:
            return UnderstudyError(
                f"{name} line {number}: {len(words)} values, the hierarchy has {columns} channels"
                + (
                    ", and the file ends there."
                    if not any(map(bytes.strip, lines[number - first_line + 1 :]))
                    else "."
                )
            )
        row, last = row + 1, number
    return UnderstudyError(
        f"{name} line {last}: the file ends after {row} of the {frames} frames that the header "
        "promises; it was cut."
    )
