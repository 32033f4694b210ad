"""A take's file while it is written: MCAP whose chunks are closed and on the disk within 100 ms.

docs/take.md says what is in it. Whatever ends the writing, a reader finds every closed chunk.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from mcap.data_stream import RecordBuilder
from mcap.records import ChunkIndex
from mcap.writer import CompressionType, Writer

from understudy.bridge.wire import envelope
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.files import shown

PROFILE = "understudy"
FRAMES, SKELETONS, INPUTS = "frames", "skeletons", "inputs"
SOUND, EVENTS, HAPPENED = "sound", "events", "happened"
TOPICS = {
    envelope.FRAME: FRAMES,
    envelope.SKELETONS: SKELETONS,
    envelope.INPUTS: INPUTS,
    envelope.SOUND: SOUND,
    envelope.EVENTS: HAPPENED,
}
TABLES = {
    FRAMES: "understudy_fb.Frame",
    SKELETONS: "understudy_fb.SkeletonSet",
    HAPPENED: "understudy_fb.EventList",
}
# A chunk is closed when its oldest message is as old as this, so that with a turn of the loop and
# a slow tick in between no more than 0.1 s is open.
CHUNK_S = 0.06


class _Sheet:
    """The stream that MCAP's writer writes to: nothing is half there unless the machine stops."""

    def __init__(self, path: Path) -> None:
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
        self._file = os.open(path, flags, 0o666)
        self._pending = bytearray()
        self._written = 0
        self.syncs = True  # whether `flush` waits for the disk

    def write(self, data: bytes) -> int:
        self._pending += data
        return len(data)

    def tell(self) -> int:
        return self._written + len(self._pending)

    def flush(self) -> None:
        """Brings what is pending to the disk; on a failure the file ends where it did before."""
        try:
            view = memoryview(self._pending)
            done = 0
            while done < len(view):
                done += os.write(self._file, view[done:])
            view.release()
            if self.syncs:
                os.fsync(self._file)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._written)
                os.lseek(self._file, self._written, os.SEEK_SET)  # to be tried again from there
            raise
        self._written += len(self._pending)
        self._pending = bytearray()

    def is_at(self, path: Path) -> bool:
        """Whether the file is still found under its path."""
        try:
            return os.path.samestat(os.fstat(self._file), os.stat(path))
        except OSError:
            return False

    def close(self) -> None:
        os.close(self._file)


class _ChunkIndexes:
    """The index of the chunks as the bytes that it is written with: 0.1 kB a chunk, not 0.5.

    MCAP's writer keeps an object a chunk, 30 MB an hour, and a second's work at the end.
    """

    def __init__(self) -> None:
        self._bytes = bytearray()

    def append(self, index: ChunkIndex) -> None:
        builder = RecordBuilder()
        index.write(builder)
        self._bytes += builder.end()

    def __iter__(self) -> Iterator[_ChunkIndexes]:
        yield self

    def write(self, builder: RecordBuilder) -> None:
        builder.write(self._bytes)


class TakeWriter:
    """Writes one take; every OSError becomes a sentence, after which the file is left as it is.

    offset_ns  what is added to a time of the stage's monotonic clock to get the wall's; it is
               fixed for the take, so that a clock that is set changes nothing in it
    """

    def __init__(self, path: Path, facts: dict[str, str], session: str, offset_ns: int) -> None:
        self.path, self.offset_ns = path, offset_ns
        self._closed = False
        self._open_since_ns = 0  # of the oldest message that is not on the disk
        self._numbers: dict[str, int] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._sheet = _Sheet(path)
        except (OSError, ValueError) as error:
            raise self._refused(error) from None
        # No compression: poses hardly shrink, and nothing is to hold up the next chunk.
        self._writer = Writer(
            self._sheet,  # type: ignore[arg-type]
            chunk_size=1 << 30,
            compression=CompressionType.NONE,
        )
        # The list's name is the library's own; a test says if it changes.
        self._writer._Writer__chunk_indices = _ChunkIndexes()  # type: ignore[attr-defined]
        self._writer.start(PROFILE)
        self._writer.add_metadata("take", {**facts, "clock_offset_ns": str(offset_ns)})
        self._writer.add_metadata("session", {"toml": session})
        schema = (resources.files("understudy.bridge.schema") / "understudy.bfbs").read_bytes()
        for topic, name in TABLES.items():
            number = self._writer.register_schema(name, "flatbuffer", schema)
            what = next(kind for kind, it in TOPICS.items() if it == topic).decode()
            self._numbers[topic] = self._writer.register_channel(
                topic, "flatbuffer", number, {"wire": f"{what} {envelope.SCHEMA_VERSION}"}
            )
        # MessagePack tells its own shape, so these channels have no schema.
        for kind in (envelope.INPUTS, envelope.SOUND):
            self._numbers[TOPICS[kind]] = self._writer.register_channel(
                TOPICS[kind], "msgpack", 0, {"wire": f"{kind.decode()} {envelope.SCHEMA_VERSION}"}
            )
        number = self._writer.register_schema("event", "jsonschema", b'{"type": "object"}')
        self._numbers[EVENTS] = self._writer.register_channel(EVENTS, "json", number)

    @property
    def kept(self) -> bool:
        """Whether all that was given is on the disk."""
        return not self._open_since_ns

    @property
    def stands(self) -> bool:
        """Whether the file is still found where it was made."""
        return not self._closed and self._sheet.is_at(self.path)

    def add(self, message: bytes, at_ns: int, sequence: int, now_ns: int) -> None:
        """Takes a message of the wire as it came; at_ns is its time on the monotonic clock."""
        self._add(TOPICS[message[:4]], message[envelope.SIZE :], at_ns, sequence, now_ns)

    def event(self, at_ns: int, now_ns: int, what: str, **facts: Any) -> None:
        """Takes something that happened: {"event": what, ...}."""
        self._add(EVENTS, json.dumps({"event": what, **facts}).encode(), at_ns, 0, now_ns)

    def again(self, topic: str, data: bytes, time_ns: int, sequence: int) -> None:
        """Takes a message of another take as it stands there; of a channel that this version does
        not write nothing is taken."""
        if topic in TOPICS.values():
            data = data[envelope.SIZE :]
        if topic in self._numbers:
            at_ns = time_ns - self.offset_ns
            self._add(topic, data, at_ns, sequence, at_ns)

    def _add(self, topic: str, data: bytes, at_ns: int, sequence: int, now_ns: int) -> None:
        time_ns = max(0, at_ns + self.offset_ns)
        self._writer.add_message(
            self._numbers[topic], time_ns, data, time_ns, sequence & 0xFFFFFFFF
        )
        self._open_since_ns = self._open_since_ns or now_ns

    def keep(self, now_ns: int, at_once: bool = False) -> None:
        """Closes the chunk where it is time, and brings it to the disk."""
        if not self._open_since_ns:
            return
        if not at_once and now_ns - self._open_since_ns < CHUNK_S * 1e9:
            return
        try:
            self._writer.flush()
        except OSError as error:
            raise self._refused(error) from None
        self._open_since_ns = 0
        if not self.stands:
            raise UnderstudyError(
                f"{shown(self.path)} is gone: it, or its folder, was removed or renamed while the "
                "take was being recorded; begin another take."
            )

    def finish(self, summary: dict[str, str]) -> None:
        """Writes the index and closes the file."""
        try:
            # The last chunk is written even where there is no room for the index; waiting for a
            # busy disk once is enough.
            self._sheet.syncs = False
            self._writer.flush()
            self._sheet.syncs = True
            self._writer.add_metadata("summary", summary)
            self._writer.finish()
            self._sheet.flush()
        except OSError as error:
            raise self._refused(error) from None
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Lets go of the file as it is."""
        if not self._closed:
            self._closed = True
            with contextlib.suppress(OSError):
                self._sheet.close()

    def discard(self) -> None:
        """Takes a file away in which nothing was performed."""
        if self.stands:
            with contextlib.suppress(OSError):
                self.path.unlink()
        self.abandon()

    def _refused(self, error: Exception) -> UnderstudyError:
        why = getattr(error, "strerror", None) or str(error)
        return UnderstudyError(
            f"{shown(self.path)} cannot be written ({why}): make room or choose another place."
        )


def unused(asked: Path) -> tuple[Path, Path | None]:
    """The take's path and the BVH's, for the path that was asked for; nothing stands at either.

    A number is put behind a name that is taken. x.mcap is a take alone, x.bvh a take x.mcap and
    its BVH.
    """
    alone = asked.suffix.lower() == ".mcap"
    number, stem = 1, asked.stem
    while True:
        take = asked.with_name(f"{stem}.mcap")
        bvh = asked.with_name(f"{stem}{asked.suffix}")
        if not os.path.lexists(take) and (alone or not os.path.lexists(bvh)):
            return take, None if alone else bvh
        number += 1
        stem = f"{asked.stem}-{number}"
