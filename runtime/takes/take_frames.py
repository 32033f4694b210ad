"""Any frame of a take at any time, without reading the take whole into memory.

The file is scanned once for where its frames lie; a frame is decoded when it is asked for.
"""

from __future__ import annotations

import bisect
import functools
import json
import mmap
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from understudy.bridge.wire import envelope
from understudy.bridge.wire.decoder import UnknownSkeleton, decode_skeletons
from understudy.bridge.wire.frame_decoder import FrameDecoder
from understudy.bridge.wire.table import root
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.files import shown
from understudy.runtime.core.pose import Frame
from understudy.runtime.core.skeleton import Skeleton

from .take_file import EVENTS, FRAMES, SKELETONS
from .take_reader import TakeReader

# Of MCAP (https://mcap.dev/spec): what a record is, and what it begins with.
CHANNEL, MESSAGE, CHUNK, FOOTER = 0x04, 0x05, 0x06, 0x02
_RECORD, _CHUNK, _MESSAGE = struct.Struct("<BQ"), struct.Struct("<QQQII"), struct.Struct("<HIQQ")
_MAGIC = b"\x89MCAP0\r\n"
# Frames are read ahead from the disk for so long.
AHEAD_S, AHEAD_BYTES = 2.0, 1 << 20
_SOME = 16  # names are looked for in one frame of so many
Span = tuple[int, int, int]  # channel, from, to


class TakeFrames:
    """The frames of a take by their number, 0 for the first after Record.

    rate_hz    ticks a second
    ticks (N,) the stage's number of each frame's tick, from that of the first on; it only rises
    facts      what the take says of itself
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        reader = TakeReader(path)
        next(reader.entries(), None)  # the sentence for what is no take; and its facts
        self.facts, self.rate_hz = reader.facts, reader.rate_hz
        self._file = path.open("rb")
        self._bytes = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        self.skeletons: dict[int, Skeleton] = {}
        self._decoder = FrameDecoder()
        try:
            self._index()
        except (struct.error, ValueError) as error:
            self.close()
            raise UnderstudyError(f"{shown(path)} cannot be played ({error}).") from None
        if not len(self.ticks):
            self.close()
            raise UnderstudyError(f"{shown(path)} has no frames, so there is nothing to play.")

    def _index(self) -> None:
        spans: list[tuple[int, int]] = []
        ticks: list[int] = []
        published, session, offset, start, last_ns = [], None, 0, 0, 0
        known: set[bytes] = set()
        for topic, begin, end, at_ns in self._messages():
            if topic == SKELETONS:
                message = envelope.seal(envelope.SKELETONS) + self._bytes[begin:end]
                if message not in known:
                    known.add(message)
                    for skeleton in decode_skeletons(message):
                        self.skeletons.setdefault(skeleton.id, skeleton)
            elif topic == EVENTS:
                event = json.loads(self._bytes[begin:end])
                if event.get("event") == "record":
                    start = int(event.get("published", 0))
            elif topic == FRAMES:
                table = root(envelope.seal(envelope.FRAME) + self._bytes[begin:end])
                tick = table.number(0, "Q")
                if session not in (None, table.number(1, "Q")):
                    # Another stage: its ticks begin anew, and its time goes on.
                    gone = round((at_ns - last_ns) * 1e-9 * self.rate_hz)
                    offset = ticks[-1] + max(gone, 1) - tick
                session, last_ns = table.number(1, "Q"), at_ns
                if ticks and tick + offset <= ticks[-1]:
                    continue
                ticks.append(tick + offset)
                spans.append((begin, end))
                published.append(table.number(2, "Q"))
        first = bisect.bisect_left(published, start) if start <= max(published, default=0) else 0
        self._spans = spans[first:]
        self.ticks = np.array(ticks[first:], np.int64)
        self.ticks -= self.ticks[0] if len(self.ticks) else 0

    def _messages(self) -> Iterator[tuple[str, int, int, int]]:
        """Topic, where the data lie, and time of every message that is whole."""
        topics: dict[int, str] = {}
        for kind, begin, end in self._records(len(_MAGIC), len(self._bytes)):
            if kind != CHUNK:
                continue
            *_, named = _CHUNK.unpack_from(self._bytes, begin)
            begin += _CHUNK.size
            if named:
                raise ValueError(
                    "its chunks are compressed, by another program; `understudy take repair` "
                    "writes it anew"
                )
            for inner, at, to in self._records(begin + 8, end):
                if inner == CHANNEL:
                    number, _, length = struct.unpack_from("<HHI", self._bytes, at)
                    topics[number] = self._bytes[at + 8 : at + 8 + length].decode()
                elif inner == MESSAGE and to <= end:
                    number, _, at_ns, _ = _MESSAGE.unpack_from(self._bytes, at)
                    yield topics.get(number, ""), at + _MESSAGE.size, to, at_ns

    def _records(self, at: int, end: int) -> Iterator[Span]:
        while at + _RECORD.size <= end:
            kind, length = _RECORD.unpack_from(self._bytes, at)
            at += _RECORD.size
            if kind == FOOTER or at + length > end:
                return
            yield kind, at, at + length
            at += length

    def __len__(self) -> int:
        return len(self.ticks)

    @property
    def seconds(self) -> float:
        """How long it is: every tick counts, those that are missing too."""
        return float(self.ticks[-1] + 1) / self.rate_hz

    def number_at(self, time_s: float) -> int:
        """The number of the frame that is shown so many seconds after the first."""
        tick = int(np.floor(time_s * self.rate_hz + 1e-6))
        return max(int(np.searchsorted(self.ticks, tick, side="right")) - 1, 0)

    def frame(self, number: int) -> Frame:
        """A frame, decoded; raises WireError where its bytes are damaged."""
        begin, end = self._spans[number]
        message = envelope.seal(envelope.FRAME) + self._bytes[begin:end]
        return self._decoder.decode(message, self.skeletons)[0]

    def ahead(self, number: int) -> None:
        """Lets the system read from the disk what is played next, so that no tick waits for it."""
        last = min(number + round(AHEAD_S * self.rate_hz), len(self) - 1)
        begin, end = self._spans[number][0], self._spans[last][1]
        if hasattr(self._bytes, "madvise") and end > begin:
            page = begin - begin % mmap.PAGESIZE
            self._bytes.madvise(mmap.MADV_WILLNEED, page, end - page)

    @functools.cached_property
    def who(self) -> tuple[tuple[str, Skeleton], ...]:
        """The subjects by name, each with its first skeleton, in the order of the frames."""
        found: dict[str, Skeleton] = {}
        for number in sorted({*range(0, len(self), _SOME), len(self) - 1}):
            try:
                subjects = self.frame(number).subjects
            except (envelope.WireError, UnknownSkeleton):
                continue
            for subject in subjects:
                found.setdefault(subject.name, subject.skeleton)
        return tuple(found.items())

    def close(self) -> None:
        self._bytes.close()
        self._file.close()
