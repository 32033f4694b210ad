"""Skeletons and frames into bytes.

flatc's Python builder takes about 200 us for a subject, too long for a stage of a hundred. But from
one tick to the next nothing changes in a frame except numbers: a message is laid out once with the
builder, and every further tick writes its numbers into place. A FlatBuffer table refers to its
children by relative offsets only, so each subject is laid out by itself and joined to the frame as
a block of bytes; a subject whose state gets a new reason costs one subject's layout, not all.
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
from .layout import Block, lay_out, skeleton_set
from .schema.understudy_fb.Button import Button

# A button's name in an Intent -> its bit on the wire.
BUTTONS: dict[str, int] = {
    name.lower(): bit for name, bit in vars(Button).items() if not name.startswith("_")
}
_BLOCKS_KEPT = 1024


def encode_skeletons(skeletons: Iterable[Skeleton]) -> bytes:
    """The SKEL message that holds all of these skeletons."""
    return envelope.seal(envelope.SKELETONS) + skeleton_set(skeletons)


class FrameEncoder:
    """Frames into FRAM messages. Keeps the layout of the last frame and writes into it.

    The bytes that `encode` returns are overwritten by its next call: send or copy them first.
    """

    def __init__(self, session: int) -> None:
        self.session = session
        self.published = 0
        self.layouts = 0  # how often a frame had to be laid out anew
        self._key: object = None
        self._message = bytearray()
        self._head: _FramePlace
        self._places: list[Any] = []
        self._blocks: dict[tuple, Block] = {}

    def encode(self, frame: Frame) -> bytearray:
        """The message of this frame; counts it as published."""
        key = (
            len(frame.timecode.encode()),
            tuple(frame.stats),
            [_subject_key(subject) for subject in frame.subjects],
            [camera.name for camera in frame.cameras],
            [prop.name for prop in frame.props],
        )
        if key != self._key:
            self._key = None  # a layout that fails half-way must not be taken for whole
            self._lay_out(frame, key)
            self._key = key
        self._head.write(frame, self.session, self.published)
        for place, thing in zip(self._places, (*frame.subjects, *frame.cameras, *frame.props)):
            place.write(thing)
        self.published += 1
        return self._message

    def _lay_out(self, frame: Frame, key: tuple) -> None:
        """Joins the frame's own block and one block a subject, camera and prop into a message."""
        self.layouts += 1
        blocks = [lay_out(frame)]
        blocks += [self._block(k, s) for k, s in zip(key[2], frame.subjects, strict=True)]
        blocks += [self._block(("camera", c.name), c) for c in frame.cameras]
        blocks += [self._block(("prop", p.name), p) for p in frame.props]
        message = bytearray(envelope.seal(envelope.FRAME))
        tables = []
        for data, root in blocks:
            tables.append(len(message) + root)
            message += data
        head = Table(message, tables[0])
        children = iter(tables[1:])
        for field, group in ((9, frame.subjects), (10, frame.cameras), (11, frame.props)):
            start = _vector(head, field) if group else 0
            for at in range(start, start + 4 * len(group), 4):
                struct.pack_into("<I", message, at, next(children) - at)
        # The message's length is final from here on: the places hold views into it.
        self._message = message
        self._head = _FramePlace(message, head)
        things = (*frame.subjects, *frame.cameras, *frame.props)
        self._places = [
            _PLACES[type(thing)](message, Table(message, table))
            for thing, table in zip(things, tables[1:])
        ]

    def _block(self, key: tuple, thing: Subject | Camera | Prop) -> Block:
        """The block of a thing of this shape, from memory where it was laid out before."""
        if key not in self._blocks:
            if len(self._blocks) >= _BLOCKS_KEPT:
                self._blocks.clear()
            self._blocks[key] = lay_out(thing)
        return self._blocks[key]


def _subject_key(subject: Subject) -> tuple:
    """What decides the layout of a subject: all strings and lengths, no numbers."""
    return (
        subject.name,
        subject.skeleton.id,
        subject.reason,
        len(subject.pose.rotations),
        len(subject.contacts),
        len(subject.trajectory),
        subject.intent is None,
    )


class _FramePlace:
    """The places of a frame's own numbers in a message."""

    def __init__(self, message: bytearray, table: Table) -> None:
        self._message = message
        self._numbers = _places(table, (0, "Q"), (1, "Q"), (2, "Q"), (3, "q"), (4, "q"))
        self._numbers += _places(table, (6, "I"), (7, "I"), (8, "?"))
        self._timecode_at = _vector(table, 5)
        self._stats = _view(message, table, 13, "<f8")

    def write(self, frame: Frame, session: int, published: int) -> None:
        text = frame.timecode.encode()
        self._message[self._timecode_at : self._timecode_at + len(text)] = text
        self._stats[:] = list(frame.stats.values())
        numbers = (
            *(frame.sequence, session, published, frame.capture_ns, frame.publish_ns),
            *(frame.rate_num, frame.rate_den, ";" in frame.timecode),
        )
        for (layout, at), number in zip(self._numbers, numbers):
            layout.pack_into(self._message, at, number)


class _SubjectPlace:
    """The places of a subject's numbers in a message."""

    def __init__(self, message: bytearray, table: Table) -> None:
        self._message = message
        self._state_at = table.Pos + table.Offset(_entry(2))
        self._positions = _view(message, table, 4, "<f4").reshape(-1, 3)
        self._rotations = _view(message, table, 5, "<f4").reshape(-1, 4)
        self._contact_joints = _view(message, table, 6, "<u2")
        self._contact_weights = _view(message, table, 7, "<f4")
        self._trajectory = _view(message, table, 8, "<f4").reshape(-1, 4)
        self._intent: list[tuple[struct.Struct, int]] = []
        if at := table.Offset(_entry(9)):
            intent = Table(message, table.Indirect(table.Pos + at))
            self._intent = _places(intent, (0, "2f"), (1, "2f"), (2, "I"), (3, "q"))

    def write(self, subject: Subject) -> None:
        self._message[self._state_at] = subject.state
        self._positions[:] = subject.pose.positions
        self._rotations[:] = subject.pose.rotations
        if len(self._contact_joints):
            self._contact_joints[:] = subject.contacts[:, 0]
            self._contact_weights[:] = subject.contacts[:, 1]
        if len(self._trajectory):
            self._trajectory[:] = subject.trajectory
        if subject.intent is not None:
            intent, message = subject.intent, self._message
            bits = sum(BUTTONS.get(name, 0) for name in intent.buttons) if intent.buttons else 0
            travel, facing, buttons, capture = self._intent
            travel[0].pack_into(message, travel[1], *intent.travel)
            facing[0].pack_into(message, facing[1], *intent.facing)
            buttons[0].pack_into(message, buttons[1], bits)
            capture[0].pack_into(message, capture[1], intent.capture_ns)


class _PropPlace:
    """The places of a prop's numbers in a message."""

    def __init__(self, message: bytearray, table: Table) -> None:
        self._message = message
        self._numbers = _places(table, (1, "3f"), (2, "4f"))

    def write(self, prop: Prop) -> None:
        (position, position_at), (rotation, rotation_at) = self._numbers
        position.pack_into(self._message, position_at, *prop.position)
        rotation.pack_into(self._message, rotation_at, *prop.rotation)


class _CameraPlace:
    """The places of a camera's numbers in a message."""

    def __init__(self, message: bytearray, table: Table) -> None:
        self._message = message
        self._numbers = _places(table, (1, "3f"), (2, "4f"))
        self._numbers += _places(table, *((field, "f") for field in range(3, 8)))

    def write(self, camera: Camera) -> None:
        lens = (camera.focal_mm, *camera.sensor_mm, camera.focus_m, camera.iris)
        for (layout, at), numbers in zip(self._numbers, (camera.position, camera.rotation)):
            layout.pack_into(self._message, at, *numbers)
        for (layout, at), number in zip(self._numbers[2:], lens):
            layout.pack_into(self._message, at, number)


_PLACES: dict[type, Any] = {Subject: _SubjectPlace, Camera: _CameraPlace, Prop: _PropPlace}


def _entry(field: int) -> int:
    """Where in a vtable the field of this id has its entry."""
    return 4 + 2 * field


def _places(table: Table, *fields: tuple[int, str]) -> list[tuple[struct.Struct, int]]:
    """How and where to write each of these fields, given by id and layout."""
    return [(struct.Struct("<" + f), table.Pos + table.Offset(_entry(i))) for i, f in fields]


def _vector(table: Table, field: int) -> int:
    """Where the elements of a vector field, or the letters of a string, start."""
    return int(table.Vector(table.Offset(_entry(field))))


def _view(message: bytearray, table: Table, field: int, dtype: str) -> np.ndarray:
    """A vector field as an array that writes into the message."""
    count = table.VectorLen(table.Offset(_entry(field)))
    return np.frombuffer(message, dtype, count, _vector(table, field))
