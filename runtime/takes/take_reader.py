"""Takes, read back: whole ones, and what is whole of those that a crash cut short."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from mcap.exceptions import McapError
from mcap.records import Channel, Chunk, Footer, Header, McapRecord, Message, Metadata
from mcap.stream_reader import StreamReader, breakup_chunk

from understudy.bridge.wire import envelope
from understudy.bridge.wire.decoder import Origin, UnknownSkeleton, decode_skeletons
from understudy.bridge.wire.events import decode_events
from understudy.bridge.wire.frame_decoder import FrameDecoder
from understudy.runtime.core import sound
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.event import Event
from understudy.runtime.core.files import shown
from understudy.runtime.core.pose import Frame
from understudy.runtime.core.skeleton import Skeleton

from .take_file import EVENTS, FRAMES, HAPPENED, PROFILE, SKELETONS, SOUND, TOPICS

LARGEST_RECORD = 1 << 28
DAMAGE = (McapError, ValueError, struct.error, KeyError, IndexError, EOFError, OverflowError)
_KINDS = {topic: kind for kind, topic in TOPICS.items()}


class Entry(NamedTuple):
    """One message: its topic, its time (ns, wall clock), the wire's bytes or an event's, and its
    number in its channel."""

    topic: str
    time_ns: int
    data: bytes
    sequence: int = 0

    @property
    def event(self) -> dict[str, Any]:
        return dict(json.loads(self.data)) if self.topic == EVENTS else {}


def readable(path: Path) -> bool:
    """Whether there is a take that says what it is; a crash may leave less."""
    try:
        with path.open("rb") as file:
            return len(file.read(64)) == 64
    except OSError:
        return False


class TakeReader:
    """Reads a take from its beginning to where it is no longer whole.

    facts     what the take says of itself: slate, rate_hz, versions
    session   the session's TOML
    summary   what the recorder wrote when it closed the take; {} where it could not
    complete  whether the file's end was reached
    damage    what was wrong, each a sentence
    sounds    seconds of each sound that was heard, as far as it was read
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.facts: dict[str, str] = {}
        self.session = ""
        self.summary: dict[str, str] = {}
        self.complete = False
        self.damage: list[str] = []
        self.sounds: dict[str, float] = {}

    def entries(self) -> Iterator[Entry]:
        """Every message in the order of the file."""
        channels: dict[int, str] = {}
        try:
            stream = self.path.open("rb")
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise UnderstudyError(f"{shown(self.path)} cannot be read ({why}).") from None
        with stream:
            for record in self._records(stream):
                if isinstance(record, Header) and record.profile != PROFILE:
                    raise UnderstudyError(
                        f"{shown(self.path)} is an MCAP file of {record.profile or 'another'!r} "
                        "and no take of ours; give one that Understudy recorded."
                    )
                if isinstance(record, Metadata):
                    self._learn(record)
                elif isinstance(record, Channel):
                    channels[record.id] = record.topic
                elif isinstance(record, Footer):
                    self.complete = True
                elif isinstance(record, Message) and record.channel_id in channels:
                    topic = channels[record.channel_id]
                    data = record.data
                    if topic == SOUND:
                        self._listen(data)
                    if topic in _KINDS:
                        data = envelope.seal(_KINDS[topic]) + data
                    yield Entry(topic, record.log_time, data, record.sequence)
        if not self.complete:
            self.damage.append("It has no end: whoever wrote it was cut off.")

    def _records(self, stream: Any) -> Iterator[McapRecord]:
        head = stream.read(8)
        if head != b"\x89MCAP0\r\n":
            raise UnderstudyError(
                f"{shown(self.path)} is no take: it does not begin as an MCAP file does."
            )
        stream.seek(0)
        reader = StreamReader(stream, emit_chunks=True, record_size_limit=LARGEST_RECORD)
        records = reader.records
        while True:
            try:
                record = next(records)
            except StopIteration:
                return
            except DAMAGE:  # a cut, or what a crash left behind it
                return
            if not isinstance(record, Chunk):
                yield record
                continue
            try:
                inner = breakup_chunk(record, validate_crc=True)
            except DAMAGE as error:
                self.damage.append(f"A chunk is damaged and left out ({error}).")
                continue
            yield from inner

    def _learn(self, record: Metadata) -> None:
        if record.name == "take":
            self.facts = record.metadata
        elif record.name == "session":
            self.session = record.metadata.get("toml", "")
        elif record.name == "summary":
            self.summary = record.metadata

    def _listen(self, data: bytes) -> None:
        try:
            one = sound.DECODER.decode(data)
        except msgspec.DecodeError as error:
            self.damage.append(f"A piece of sound cannot be read ({error}).")
            return
        seconds = len(one.samples) / one.sample_rate
        self.sounds[one.name] = self.sounds.get(one.name, 0.0) + seconds

    def happened(self) -> Iterator[Event]:
        """What happened on the stage: contacts and cues, in the order in which it was told."""
        for entry in self.entries():
            if entry.topic == HAPPENED:
                try:
                    yield from decode_events(entry.data)[0]
                except envelope.WireError as error:
                    self.damage.append(f"A list of events cannot be read ({error}).")

    def events(self) -> Iterator[dict[str, Any]]:
        """What happened, as the file has it, without a look at the frames."""
        for entry in self.entries():
            if entry.topic == EVENTS:
                try:
                    yield entry.event
                except ValueError as error:
                    self.damage.append(f"An event is left out ({error}).")

    def frames(self) -> Iterator[tuple[Frame, Origin] | dict[str, Any]]:
        """Frames with their origin, skeletons resolved, and events as dicts, as they come."""
        skeletons: dict[int, Skeleton] = {}
        decoder = FrameDecoder()
        for entry in self.entries():
            try:
                if entry.topic == EVENTS:
                    yield entry.event
                elif entry.topic == SKELETONS:
                    for skeleton in decode_skeletons(entry.data):
                        skeletons.setdefault(skeleton.id, skeleton)
                elif entry.topic == FRAMES:
                    yield decoder.decode(entry.data, skeletons)
            except (envelope.WireError, UnknownSkeleton, ValueError) as error:
                self.damage.append(f"A message is left out ({error}).")

    @property
    def rate_hz(self) -> float:
        """Ticks a second of the stage."""
        try:
            rate = float(self.facts["rate_hz"])
        except (KeyError, ValueError):
            rate = 0.0
        if not 0.5 <= rate <= 1e4:
            raise UnderstudyError(f"{shown(self.path)} does not say at what rate it was recorded.")
        return rate
