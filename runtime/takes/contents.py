"""What is in a take: read as a whole, or from the summary that a closed take has at its end."""

from __future__ import annotations

import io
import os
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from mcap.exceptions import McapError
from mcap.records import Footer, Header, McapRecord, Metadata, MetadataIndex, SummaryOffset
from mcap.stream_reader import StreamReader

from understudy.bridge.wire.envelope import WireError
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.files import shown

from . import slate
from .take_file import EVENTS, FRAMES, PROFILE
from .take_reader import TakeReader
from .tally import Seen, Tally, of_text, seen

MAGIC = b"\x89MCAP0\r\n"
# Opcode, length and content of a footer, and the magic behind it.
FOOTER_BYTES = 9 + 20 + len(MAGIC)
METADATA_INDEX, LARGEST_GROUP = 0x0D, 1 << 20


@dataclass(slots=True)
class Contents:
    """What is in a take. Of what is from Record on, and what is not, docs/take.md tells.

    frames       in the file, of which `preroll` came before Record
    lost         frames that never reached the recorder
    skipped      ticks that the stage left out
    subjects     in how many frames each was in which state
    takeover     the share of those in which the network acted, 0 to 1
    worst_gap_s  the longest that somebody was not live, or that nothing was there
    slate        with what was noted since
    sounds       seconds of each that was heard; of a take that is read as a whole
    """

    file: str
    complete: bool = False
    frames: int = 0
    preroll: int = 0
    seconds: float = 0.0
    rate_hz: float = 0.0
    lost: int = 0
    skipped: int = 0
    timecode_in: str = ""
    timecode_out: str = ""
    subjects: dict[str, dict[str, int]] = field(default_factory=dict)
    takeover: float = 0.0
    worst_gap_s: float = 0.0
    slate: dict[str, Any] = field(default_factory=dict)
    markers: int = 0
    sounds: dict[str, float] = field(default_factory=dict)
    begun_s: float = 0.0
    events: list[dict[str, Any]] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    damage: list[str] = field(default_factory=list)


def contents(path: Path, decoded: bool = True) -> Contents:
    """Reads the whole take, every message of it; poses are looked at only where `decoded`."""
    reader, tally, found = TakeReader(path), Tally(), Contents(str(path))
    for one in _told(reader, decoded):
        if isinstance(one, Seen):
            tally.frame(one)
        else:
            found.events.append(one)
            tally.event(str(one.get("event", "")), one)
    found.complete, found.damage = reader.complete, reader.damage
    found.sounds = {name: round(seconds, 6) for name, seconds in reader.sounds.items()}
    rate_hz = reader.rate_hz if tally.frames else 0.0
    _fill(found, reader.facts, tally.summary(rate_hz or 1.0), rate_hz)
    return found


def _told(reader: TakeReader, decoded: bool) -> Iterator[Seen | dict[str, Any]]:
    """Frames as they are counted, and events."""
    if decoded:
        for one in reader.frames():
            if isinstance(one, dict):
                yield one
                continue
            frame, origin = one
            subjects = tuple((s.name, s.state.name) for s in frame.subjects)
            yield Seen(origin.session, origin.published, frame.sequence, frame.timecode, subjects)
        return
    for entry in reader.entries():
        if entry.topic == EVENTS:
            yield entry.event
        elif entry.topic == FRAMES:
            with suppress(WireError, ValueError, IndexError, OverflowError, struct.error):
                yield seen(entry.data)


def overview(path: Path, wait_s: float = 0.0) -> Contents:
    """The same without events: a closed take's by a few reads at its end, another's as a whole.

    wait_s  a take without its end that was written to within these seconds is being recorded, and
            only what stands at its beginning is read
    """
    found = Contents(str(path))
    metadata = dict(_metadata(path))
    summary = of_text(metadata.get("summary", {}))
    with suppress(KeyError, ValueError):
        if summary is not None and (rate_hz := float(metadata["take"]["rate_hz"])) > 0:
            found.complete = True
            _fill(found, metadata["take"], summary, rate_hz)
            return found
    with suppress(OSError):
        if not metadata and abs(time.time() - path.stat().st_mtime) < wait_s:
            reader = TakeReader(path)
            next(iter(reader.entries()), None)
            _fill(found, reader.facts, Tally().summary(1.0), 0.0)
            return found
    return contents(path, decoded=False)


def _fill(found: Contents, facts: dict[str, str], told: dict[str, Any], rate_hz: float) -> None:
    found.facts, found.rate_hz = facts, rate_hz
    later = told.pop("slate")
    for name, value in told.items():
        setattr(found, name, value)
    found.slate = {**slate.of_facts(facts), **later}
    with suppress(KeyError, ValueError):
        found.begun_s = int(facts["begun_ns"]) / 1e9
    try:
        found.slate |= slate.noted(Path(found.file))
    except UnderstudyError as error:
        found.damage.append(str(error))


def _metadata(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The metadata of a closed take, found from its end; nothing of one that was cut off."""
    try:
        with path.open("rb") as file, suppress(McapError, ValueError, struct.error, OverflowError):
            yield from _indexed(file)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UnderstudyError(f"{shown(path)} cannot be read ({why}).") from None


def _indexed(file: IO[bytes]) -> Iterator[tuple[str, dict[str, str]]]:
    size = file.seek(0, os.SEEK_END)
    if size < 2 * FOOTER_BYTES:
        return
    file.seek(0)
    head = next(iter(_records(MAGIC + file.read(4096)[len(MAGIC) :], skip=len(MAGIC))), None)
    if not isinstance(head, Header) or head.profile != PROFILE:
        return
    at = size - FOOTER_BYTES
    file.seek(at)
    end = file.read(FOOTER_BYTES)
    if end[-len(MAGIC) :] != MAGIC:
        return
    footer = next(iter(_records(end)), None)
    if not isinstance(footer, Footer) or not 0 < footer.summary_offset_start < at:
        return
    for group in _at(file, footer.summary_offset_start, at - footer.summary_offset_start):
        if isinstance(group, SummaryOffset) and group.group_opcode == METADATA_INDEX:
            for index in _at(file, group.group_start, group.group_length):
                if isinstance(index, MetadataIndex) and index.name in ("take", "summary"):
                    for one in _at(file, index.offset, index.length):
                        if isinstance(one, Metadata):
                            yield one.name, one.metadata


def _at(file: IO[bytes], offset: int, length: int) -> Iterator[McapRecord]:
    if not 0 <= length <= LARGEST_GROUP:
        return
    file.seek(offset)
    yield from _records(file.read(length))


def _records(data: bytes, skip: int = 0) -> Iterator[McapRecord]:
    """The records that begin in these bytes, as far as they go."""
    with suppress(McapError, ValueError, struct.error, EOFError):
        yield from StreamReader(io.BytesIO(data[skip:]), skip_magic=True).records
