"""Reads a NatNet message from its beginning to its end, and never beyond."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from .error import ProtocolError

MOST_BONES, LONGEST_NAME = 256, 256
_I16, _I32, _U64 = struct.Struct("<h"), struct.Struct("<i"), struct.Struct("<Q")
_F32, _F64 = struct.Struct("<f"), struct.Struct("<d")
_CUT = "A NatNet message ends within what it holds."


class Reader:
    """at is where it is."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def _one(self, of: struct.Struct) -> Any:
        try:
            (value,) = of.unpack_from(self.data, self.at)
        except struct.error:
            raise ProtocolError(_CUT) from None
        self.at += of.size
        return value

    def i16(self) -> int:
        return self._one(_I16)

    def i32(self) -> int:
        return self._one(_I32)

    def u64(self) -> int:
        return self._one(_U64)

    def f32(self) -> float:
        return self._one(_F32)

    def f64(self) -> float:
        return self._one(_F64)

    def floats(self, count: int) -> tuple[float, ...]:
        self.skip(4 * count)
        return struct.unpack_from(f"<{count}f", self.data, self.at - 4 * count)

    def text(self) -> str:
        """Up to a zero."""
        end = self.data.find(b"\0", self.at, self.at + LONGEST_NAME)
        if end < 0:
            raise ProtocolError("A NatNet name has no end.")
        said = self.data[self.at : end].decode("utf-8", "replace")
        self.at = end + 1
        return said

    def checked(self, count: int, least: int) -> int:
        """A number of things, each of so many bytes at least."""
        if not 0 <= count * least <= len(self.data) - self.at:
            raise ProtocolError(f"A NatNet message says {count} things, and has no room for them.")
        return count

    def count(self, least: int) -> int:
        """How many things follow."""
        return self.checked(self.i32(), least)

    def rows(self, of: np.dtype, count: int) -> np.ndarray:
        """So many rows of a table."""
        self.skip(of.itemsize * self.checked(count, of.itemsize))
        return np.frombuffer(self.data, of, count, self.at - of.itemsize * count)

    @property
    def left(self) -> int:
        """How many bytes there are to its end."""
        return len(self.data) - self.at

    def skip(self, size: int) -> None:
        self.go(self.at + size)

    def go(self, at: int) -> None:
        """Goes on to a place."""
        if not self.at <= at <= len(self.data):
            raise ProtocolError(_CUT)
        self.at = at

    def ends(self) -> None:
        """Nothing is left but the zero that some senders add."""
        if len(self.data) - self.at > 1:
            raise ProtocolError(
                f"A NatNet message has {len(self.data) - self.at} bytes too many at its end."
            )
