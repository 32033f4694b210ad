"""Skeletons and frames into bytes.

flatc's Python builder takes about 200 us for a subject, too long for a stage of a hundred. But from
one tick to the next nothing changes in a subject except numbers: its table is laid out once with
the builder, and every further tick writes numbers into place. A FlatBuffer table refers to its
children by relative offsets only, so tables that were laid out each by itself become a message by
being joined. A reason has room to change in: "silent for 0.3 s" becomes 0.4 without a new layout.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

import numpy as np
from flatbuffers.table import Table

from understudy.runtime.core.pose import Camera, Frame, Prop, Subject
from understudy.runtime.core.skeleton import Skeleton

from . import envelope
from .buttons import BUTTONS
from .layout import lay_out, reason_room, skeleton_set

_BLOCKS_KEPT = 8192
_ENVELOPE = envelope.seal(envelope.FRAME)

_FLOAT, _LENGTH = struct.Struct("<f"), struct.Struct("<I")
_Place = tuple[struct.Struct, int]
_Thing = Subject | Camera | Prop


def encode_skeletons(skeletons: Iterable[Skeleton]) -> bytes:
    """The SKEL message that holds all of these skeletons."""
    return envelope.seal(envelope.SKELETONS) + skeleton_set(skeletons)


class FrameEncoder:
    """Frames into FRAM messages; keeps the blocks of what it has seen and writes into them."""

    def __init__(self, session: int) -> None:
        self.session = session
        self.published = 0
        self.layouts = 0  # how many blocks had to be laid out so far
        self._head: _FrameBlock | None = None
        self._head_key: object = None
        self._blocks: dict[tuple, _Block] = {}

    def encode(self, frame: Frame) -> bytes:
        """The message of this frame; counts it as published."""
        things: tuple[_Thing, ...] = (*frame.subjects, *frame.cameras, *frame.props)
        blocks = [self._block((i, *_shape(thing)), thing) for i, thing in enumerate(things)]
        key = (len(frame.timecode.encode()), *frame.stats, len(frame.subjects), len(frame.cameras))
        if self._head is None or (key, blocks) != self._head_key:
            self._head, self._head_key = _FrameBlock(frame, blocks), (key, blocks)
            self.layouts += 1
        self._head.write(frame, self.session, self.published)
        for block, thing in zip(blocks, things):
            block.write(thing)
        self.published += 1
        return b"".join((_ENVELOPE, self._head.data, *[block.data for block in blocks]))

    def _block(self, key: tuple, thing: _Thing) -> _Block:
        """The block of the thing at this place in a frame; laid out unless it was before."""
        block = self._blocks.get(key)
        if block is None:
            if len(self._blocks) >= _BLOCKS_KEPT:
                del self._blocks[next(iter(self._blocks))]
            block = self._blocks[key] = _BLOCKS[type(thing)](thing)
            self.layouts += 1
        return block


def _shape(thing: _Thing) -> tuple:
    """What decides the layout of a thing: its strings and lengths, none of its numbers."""
    if not isinstance(thing, Subject):
        return (type(thing), thing.name)
    return (
        thing.name,
        thing.skeleton.id,
        reason_room(thing.reason) if thing.reason else 0,
        len(thing.pose.rotations),
        len(thing.contacts),
        len(thing.trajectory),
        len(thing.curves),
        thing.intent is None,
    )


class _Block:
    """A thing's table and all it holds, in bytes of its own, and where its numbers go."""

    def __init__(self, thing: Frame | _Thing) -> None:
        self.data, self.root = lay_out(thing)
        self._table = Table(self.data, self.root)

    def write(self, thing: Any) -> None:
        raise NotImplementedError

    def _places(self, *fields: tuple[int, str], table: Table = None) -> list[_Place]:
        """How and where to write each of these fields, given by id and layout."""
        table = table or self._table
        return [(struct.Struct("<" + f), table.Pos + table.Offset(_entry(i))) for i, f in fields]

    def _elements(self, field: int) -> int:
        """Where the elements of a vector, or the letters of a string, start."""
        return int(self._table.Vector(self._table.Offset(_entry(field))))

    def _view(self, field: int, dtype: str) -> np.ndarray:
        """A vector as an array that writes into the block."""
        count = self._table.VectorLen(self._table.Offset(_entry(field)))
        return np.frombuffer(self.data, dtype, count, self._elements(field))


class _FrameBlock(_Block):
    """The first block of a message: a frame's own numbers, and offsets to the blocks behind it."""

    def __init__(self, frame: Frame, blocks: list[_Block]) -> None:
        super().__init__(frame)
        self._numbers = self._places((0, "Q"), (1, "Q"), (2, "Q"), (3, "q"), (4, "q"))
        self._numbers += self._places((6, "I"), (7, "I"), (8, "?"))
        self._timecode_at = self._elements(5)
        self._stats = self._view(13, "<f8")
        start, following = len(self.data), iter(blocks)
        for field, group in ((9, frame.subjects), (10, frame.cameras), (11, frame.props)):
            first = self._elements(field) if group else 0
            for at in range(first, first + 4 * len(group), 4):
                block = next(following)
                struct.pack_into("<I", self.data, at, start + block.root - at)
                start += len(block.data)

    def write(self, frame: Frame, session: int = 0, published: int = 0) -> None:
        text = frame.timecode.encode()
        self.data[self._timecode_at : self._timecode_at + len(text)] = text
        self._stats[:] = list(frame.stats.values())
        numbers = (
            *(frame.sequence, session, published, frame.capture_ns, frame.publish_ns),
            *(frame.rate_num, frame.rate_den, ";" in frame.timecode),
        )
        for (layout, at), number in zip(self._numbers, numbers):
            layout.pack_into(self.data, at, number)


class _SubjectBlock(_Block):
    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self._state_at = self._places((2, "B"))[0][1]
        self._uncertainty_at = self._places((11, "f"))[0][1]
        self._reason, self._reason_at = "", self._elements(3)
        self._reason_room = reason_room(subject.reason)
        self._positions = self._view(4, "<f4").reshape(-1, 3)
        self._rotations = self._view(5, "<f4").reshape(-1, 4)
        self._contact_joints = self._view(6, "<u2")
        self._contact_weights = self._view(7, "<f4")
        self._trajectory = self._view(8, "<f4").reshape(-1, 4)
        self._curves = self._view(10, "<f4") if len(subject.curves) else None
        self._intent: list[_Place] = []
        if at := self._table.Offset(_entry(9)):
            intent = Table(self.data, self._table.Indirect(self.root + at))
            self._intent = self._places((0, "2f"), (1, "2f"), (2, "I"), (3, "q"), table=intent)

    def write(self, subject: Subject) -> None:
        self.data[self._state_at] = subject.state
        _FLOAT.pack_into(self.data, self._uncertainty_at, subject.uncertainty_m)
        if subject.reason != self._reason:
            self._write_reason(subject.reason)
        self._positions[:] = subject.pose.positions
        self._rotations[:] = subject.pose.rotations
        if len(self._contact_joints):
            self._contact_joints[:] = subject.contacts[:, 0]
            self._contact_weights[:] = subject.contacts[:, 1]
        if len(self._trajectory):
            self._trajectory[:] = subject.trajectory
        if self._curves is not None:
            self._curves[:] = subject.curves
        if subject.intent is not None:
            intent, data = subject.intent, self.data
            bits = sum(BUTTONS.get(name, 0) for name in intent.buttons) if intent.buttons else 0
            travel, facing, buttons, capture = self._intent
            travel[0].pack_into(data, travel[1], *intent.travel)
            facing[0].pack_into(data, facing[1], *intent.facing)
            buttons[0].pack_into(data, buttons[1], bits)
            capture[0].pack_into(data, capture[1], intent.capture_ns)

    def _write_reason(self, reason: str) -> None:
        """A string is its length and its bytes; those of its room that it leaves stay 0."""
        text, at = reason.encode(), self._reason_at
        _LENGTH.pack_into(self.data, at - 4, len(text))
        self.data[at : at + self._reason_room] = text.ljust(self._reason_room, b"\0")
        self._reason = reason


class _PropBlock(_Block):
    def __init__(self, prop: Prop) -> None:
        super().__init__(prop)
        self._numbers = self._places((1, "3f"), (2, "4f"))

    def write(self, prop: Prop) -> None:
        for (layout, at), numbers in zip(self._numbers, (prop.position, prop.rotation)):
            layout.pack_into(self.data, at, *numbers)


class _CameraBlock(_Block):
    def __init__(self, camera: Camera) -> None:
        super().__init__(camera)
        self._numbers = self._places((1, "3f"), (2, "4f"), *((i, "f") for i in range(3, 8)))

    def write(self, camera: Camera) -> None:
        for (layout, at), numbers in zip(self._numbers, (camera.position, camera.rotation)):
            layout.pack_into(self.data, at, *numbers)
        lens = (camera.focal_mm, *camera.sensor_mm, camera.focus_m, camera.iris)
        for (layout, at), number in zip(self._numbers[2:], lens):
            layout.pack_into(self.data, at, number)


_BLOCKS: dict[type, Any] = {Subject: _SubjectBlock, Camera: _CameraBlock, Prop: _PropBlock}


def _entry(field: int) -> int:
    """Where in a vtable the field of this id has its entry."""
    return 4 + 2 * field
