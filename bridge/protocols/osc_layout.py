"""Where the numbers of an OSC packet lay: the next one of a stream is as the one before.

Addresses, types, names and whole numbers are compared as they are, in one step; what is left are
floats, which are checked as always. A packet that is otherwise in any word is read word by word.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

import numpy as np

from .osc import BUNDLE, Message

# Of one sender: a frame in a few packets, and some that come now and then.
MOST, LONGEST = 16, 8192
LARGEST = 1e38
_new = tuple.__new__


class _Part(NamedTuple):
    """A message: its address, what stands before its floats, and which floats are its."""

    address: str
    before: tuple
    begin: int
    end: int


class Layout:
    """Of one packet. fixed: the words that are no floats; None from `of` where it has no layout."""

    def __init__(self, packet: bytes, floats: list[int], parts: list[_Part]) -> None:
        words = np.frombuffer(packet, ">u4")
        loose = np.zeros(len(words), bool)
        loose[floats] = True
        if packet.startswith(BUNDLE):  # when it was sent
            loose[2:4] = True
        self._floats = np.array(floats, int)
        self._fixed = np.flatnonzero(~loose)
        self._words = words[self._fixed].copy()
        self._parts = parts

    def read(self, packet: bytes) -> list[Message] | None:
        """The messages of a packet of the same size; None where it is otherwise, or no number."""
        words = np.frombuffer(packet, ">u4")
        if not (words[self._fixed] == self._words).all():
            return None
        values = words[self._floats].view(">f4").astype(float)
        # Not a number is not below anything.
        if not (np.abs(values) < LARGEST).all():
            return None
        found = tuple(values.tolist())
        # A named tuple's own way to make one costs more than all that is in it.
        return [
            _new(Message, (address, before + found[begin:end]))
            for address, before, begin, end in self._parts
        ]


def of(packet: bytes, messages: list[Message]) -> Layout | None:
    """The layout of a packet whose messages are these, each with its floats at the end."""
    if len(packet) > LONGEST or len(packet) % 4:
        return None
    places = _places(packet)
    if places is None or len(places) != len(messages):
        return None
    floats: list[int] = []
    parts = []
    for (words, types), said in zip(places, messages, strict=True):
        count = len(types) - len(types.rstrip("f"))
        if len(types) != len(said.arguments) or "f" in types[: len(types) - count]:
            return None
        begin = len(floats)
        floats += range(words - count, words)
        parts.append(_Part(said.address, said.arguments[: len(types) - count], begin, len(floats)))
    return Layout(packet, floats, parts)


def _places(packet: bytes) -> list[tuple[int, str]] | None:
    """Of each message the word at which it ends, and its types; None of what is nested."""
    if not packet.startswith(BUNDLE):
        types = _types(packet)
        return None if types is None else [(len(packet) // 4, types)]
    found, at = [], 16
    while at < len(packet):
        (size,) = struct.unpack_from(">i", packet, at)
        at += 4 + size
        one = packet[at - size : at]
        types = None if one.startswith(BUNDLE) else _types(one)
        if types is None:
            return None
        found.append((at // 4, types))
    return found


def _types(message: bytes) -> str | None:
    begin = (message.find(b"\0") + 4) & ~3
    end = message.find(b"\0", begin)
    if message[begin : begin + 1] != b"," or end < 0:
        return None
    types = message[begin + 1 : end].decode("ascii", "replace")
    return types if set(types) <= set("sif") else None


class Layouts:
    """Those of one sender, by the size of the packet."""

    def __init__(self) -> None:
        self._known: dict[int, Layout] = {}

    def read(self, packet: bytes) -> list[Message] | None:
        """The messages, where the packet is as one before; None where it has to be read anew."""
        known = self._known.get(len(packet))
        return None if known is None else known.read(packet)

    def learn(self, packet: bytes, messages: list[Message]) -> None:
        """Remembers one that was read."""
        layout = of(packet, messages)
        if layout is not None:
            while len(self._known) >= MOST:
                del self._known[next(iter(self._known))]
            self._known[len(packet)] = layout
