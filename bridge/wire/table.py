"""FlatBuffers tables, read with every length and offset checked before it is followed."""

from __future__ import annotations

import functools
import math
import struct
from typing import Any

import numpy as np

from . import envelope
from .envelope import WireError

# What hostile bytes point at may overlap, so that few bytes ask for much work. Sound ones point at
# each byte once: what is read of a message is at most so many times its size.
MOST_TABLES = 16384
MOST_READ = 4

_I32 = struct.Struct("<i")
_U32 = struct.Struct("<I")
_VTABLE = struct.Struct("<HH")
_NUMBERS = {code: struct.Struct("<" + code) for code in "?BIQqf"}
_ZEROS = np.zeros(4096, np.float32)


def root(message: bytes) -> Table:
    """The root table of a message behind its envelope."""
    left = [MOST_READ * len(message)]
    return Table(message, envelope.SIZE + int(_U32.unpack_from(message, envelope.SIZE)[0]), left)


@functools.lru_cache(maxsize=64)
def _entries(count: int) -> struct.Struct:
    return struct.Struct(f"<{count}H")


def finite(numbers: np.ndarray) -> np.ndarray:
    """These floats (N,); raises WireError unless all of them are finite."""
    # Twice as fast as isfinite on a pose: 0 times what is not finite is not a number.
    short = len(numbers) <= len(_ZEROS)
    if numbers.dot(_ZEROS[: len(numbers)]) != 0.0 if short else not np.isfinite(numbers).all():
        raise WireError("a number that is not finite")
    return numbers


class Table:
    """A FlatBuffer table. Positions only ever grow from a checked one, so none is negative."""

    __slots__ = ("_at", "_data", "_fields", "_left")

    def __init__(self, data: bytes, at: int, left: list[int]) -> None:
        vtable = at - _I32.unpack_from(data, at)[0]
        if vtable < envelope.SIZE:
            raise WireError("a table description lies outside the message")
        size, _ = _VTABLE.unpack_from(data, vtable)
        if size < 4 or size % 2:
            raise WireError(f"a table description of {size} bytes")
        self._data, self._at, self._left = data, at, left
        self._fields = _entries(size // 2 - 2).unpack_from(data, vtable + 4)

    def _offset(self, field: int) -> int:
        return self._fields[field] if field < len(self._fields) else 0

    def place(self, field: int) -> int:
        """Where in the message a number or a struct lies; 0 where it is absent."""
        offset = self._offset(field)
        return self._at + offset if offset else 0

    def span(self, field: int) -> tuple[int, int]:
        """Where the elements of a vector, or the letters of a string, begin, and how many."""
        at = self._child(field)
        return (at + 4, int(_U32.unpack_from(self._data, at)[0])) if at else (0, 0)

    def number(self, field: int, code: str, default: float = 0) -> Any:
        offset = self._offset(field)
        return _NUMBERS[code].unpack_from(self._data, self._at + offset)[0] if offset else default

    def real(self, field: int) -> float:
        """A finite float; 0 where it is absent."""
        value = float(self.number(field, "f"))
        if not math.isfinite(value):
            raise WireError("a number that is not finite")
        return value

    def floats(self, field: int, count: int) -> np.ndarray:
        """(count,) of a struct of finite floats; zeros where it is absent."""
        offset = self._offset(field)
        if not offset:
            return np.zeros(count, np.float32)
        return finite(np.frombuffer(self._data, "<f4", count, self._at + offset))

    def rotation(self, field: int) -> np.ndarray:
        """(4,) of a struct; no rotation where it is absent."""
        return self.floats(field, 4) if self._offset(field) else np.array([0, 0, 0, 1], np.float32)

    def _child(self, field: int) -> int:
        offset = self._offset(field)
        if not offset:
            return 0
        at = self._at + offset
        return at + int(_U32.unpack_from(self._data, at)[0])

    def table(self, field: int) -> Table | None:
        at = self._child(field)
        return Table(self._data, at, self._left) if at else None

    def array(self, field: int, dtype: str) -> np.ndarray:
        """(N,) view of a vector of numbers; empty where it is absent."""
        at = self._child(field)
        if not at:
            return np.zeros(0, dtype)
        return np.frombuffer(self._data, dtype, _U32.unpack_from(self._data, at)[0], at + 4)

    def text(self, field: int) -> str:
        at = self._child(field)
        return self._text(at) if at else ""

    def _children(self, field: int) -> list[int]:
        at = self._child(field)
        if not at:
            return []
        count = _U32.unpack_from(self._data, at)[0]
        if count > MOST_TABLES:
            raise WireError(f"a vector of {count} tables, at most {MOST_TABLES} are read")
        offsets = np.frombuffer(self._data, "<u4", count, at + 4).tolist()
        return [at + 4 + 4 * i + offset for i, offset in enumerate(offsets)]

    def texts(self, field: int) -> list[str]:
        return [self._text(at) for at in self._children(field)]

    def tables(self, field: int) -> list[Table]:
        return [Table(self._data, at, self._left) for at in self._children(field)]

    def _text(self, at: int) -> str:
        size = _U32.unpack_from(self._data, at)[0]
        if at + 4 + size > len(self._data):
            raise WireError("a string that runs past the end of the message")
        self.spend(size)
        return bytes(self._data[at + 4 : at + 4 + size]).decode()

    def spend(self, size: int) -> None:
        """Takes note of bytes that are copied out of the message."""
        self._left[0] -= size
        if self._left[0] < 0:
            raise WireError("parts that overlap, so that the message is read many times over")
