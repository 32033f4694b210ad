"""The blocks of a message: tables that `layout.py` laid out, and where in them the numbers go.

Writing also tells, at the cost of two dot products a subject, whether every number is finite and
every rotation a unit quaternion.
"""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np
from flatbuffers.table import Table

from understudy.bridge.wire.buttons import button_bits
from understudy.runtime.core.pose import Camera, Frame, Prop, Subject

from .layout import lay_out, reason_room

# How far the squared norms of a pose's rotations may be from 1, all together, as float32 adds up.
UNIT, UNIT_A_JOINT = 1e-3, 1e-6

_FLOAT, _LENGTH, _TIME = struct.Struct("<f"), struct.Struct("<I"), struct.Struct("<q")
_Place = tuple[struct.Struct, int]
Thing = Subject | Camera | Prop


class Block:
    """A thing's table and all it holds, in bytes of its own, and where its numbers go."""

    def __init__(self, thing: Frame | Thing) -> None:
        self.data, self.root = lay_out(thing)
        self._table = Table(self.data, self.root)

    def write(self, thing: Any) -> bool:
        """Writes the thing's numbers; whether they may be sent."""
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

    def _indices(self, field: int, size: int) -> np.ndarray:
        """Where a vector's elements lie, in elements from the start; none where it is absent."""
        offset = self._table.Offset(_entry(field))
        if not offset:
            return np.zeros(0, np.int64)
        return self._elements(field) // size + np.arange(self._table.VectorLen(offset))


class FrameBlock(Block):
    """The first block of a message: a frame's own numbers, and offsets to the blocks behind it."""

    def __init__(self, frame: Frame, blocks: list[Block]) -> None:
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

    def write(self, frame: Frame, session: int = 0, published: int = 0) -> bool:
        text = frame.timecode.encode()
        self.data[self._timecode_at : self._timecode_at + len(text)] = text
        self._stats[:] = list(frame.stats.values())
        numbers = (
            *(frame.sequence, session, published, frame.capture_ns, frame.publish_ns),
            *(frame.rate_num, frame.rate_den, ";" in frame.timecode),
        )
        for (layout, at), number in zip(self._numbers, numbers):
            layout.pack_into(self.data, at, number)
        return True


class _StatedBlock(Block):
    """What subjects, cameras and props share: a state, a reason and a time."""

    def __init__(self, thing: Thing, state: int, reason: int, capture: int) -> None:
        super().__init__(thing)
        self.state_at = self._places((state, "B"))[0][1]
        self.time_at = self._places((capture, "q"))[0][1]
        self._reason, self.letters_at = "", self._elements(reason)
        self.room = reason_room(thing.reason)

    def _write_state(self, thing: Thing) -> None:
        self.data[self.state_at] = thing.state
        _TIME.pack_into(self.data, self.time_at, thing.capture_ns)
        if thing.reason != self._reason:
            # A string is its length and its bytes; those of its room that it leaves stay 0.
            text, at = thing.reason.encode(), self.letters_at
            _LENGTH.pack_into(self.data, at - 4, len(text))
            self.data[at : at + self.room] = text.ljust(self.room, b"\0")
            self._reason = thing.reason


class SubjectBlock(_StatedBlock):
    """A subject's, and its numbers."""

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject, 2, 3, 12)
        self.uncertainty_at = self._places((11, "f"))[0][1]
        self._positions = self._view(4, "<f4").reshape(-1, 3)
        self._rotations = self._view(5, "<f4").reshape(-1, 4)
        self._contact_joints = self._view(6, "<u2")
        self._contact_weights = self._view(7, "<f4")
        self._trajectory = self._view(8, "<f4").reshape(-1, 4)
        self._curves = self._view(10, "<f4") if len(subject.curves) else None
        self._doubts = self._view(13, "<f4") if len(subject.joint_uncertainty_m) else None
        self._intent: list[_Place] = []
        if at := self._table.Offset(_entry(9)):
            intent = Table(self.data, self._table.Indirect(self.root + at))
            self._intent = self._places((0, "2f"), (1, "2f"), (2, "I"), (3, "q"), table=intent)
        self.intent_at = [at for _, at in self._intent]
        # For who writes many at once: the words of each vector of floats, and the contacts' joints.
        vectors = {"positions": 4, "rotations": 5, "weights": 7, "trajectory": 8, "curves": 10}
        self.words = {name: self._indices(field, 4) for name, field in vectors.items()}
        self.words["doubts"] = self._indices(13, 4)
        self.planted = self._indices(6, 2)
        # The builder lays its vectors side by side, so that one look tells whether all is finite:
        # the lengths and joints between them are finite as floats too.
        fields = [4, 5, 6, 7, 8] + ([10] if len(subject.curves) else [])
        fields += [13] if self._doubts is not None else []
        start = min(self._elements(field) for field in fields)
        end = self._elements(4) + self._positions.nbytes
        self._all = np.frombuffer(self.data, "<f4", (end - start) // 4, start)
        self._zeros = np.zeros(len(self._all), np.float32)
        self._flat = self._rotations.reshape(-1)
        self._unit = UNIT + UNIT_A_JOINT * len(self._rotations)

    def write(self, subject: Subject) -> bool:
        self._write_state(subject)
        self._positions[:] = subject.pose.positions
        self._rotations[:] = subject.pose.rotations
        if len(self._contact_joints):
            self._contact_joints[:] = subject.contacts[:, 0]
            self._contact_weights[:] = subject.contacts[:, 1]
        if len(self._trajectory):
            self._trajectory[:] = subject.trajectory
        if self._curves is not None:
            self._curves[:] = subject.curves
        if self._doubts is not None:
            self._doubts[:] = subject.joint_uncertainty_m
        squares = float(self._flat.dot(self._flat))
        return (
            self._all.dot(self._zeros) == 0.0  # 0 times what is not finite is not a number
            and abs(squares - len(self._rotations)) <= self._unit
            and self._write_singles(subject)
        )

    def _write_singles(self, subject: Subject) -> bool:
        """The intent and the uncertainty; whether they may be sent."""
        data, intent, total = self.data, subject.intent, subject.uncertainty_m
        try:
            _FLOAT.pack_into(data, self.uncertainty_at, total)
            if intent is not None:
                travel, facing, buttons, capture = self._intent
                # As Python's own numbers: numpy's take several times as long.
                x, z, facing_x, facing_z = map(float, (*intent.travel, *intent.facing))
                travel[0].pack_into(data, travel[1], x, z)
                facing[0].pack_into(data, facing[1], facing_x, facing_z)
                total += x + z + facing_x + facing_z
                buttons[0].pack_into(data, buttons[1], button_bits(frozenset(intent.buttons)))
                capture[0].pack_into(data, capture[1], intent.capture_ns)
        except OverflowError:  # finite, but not as a float32
            return False
        return math.isfinite(total)


class _PlacedBlock(_StatedBlock):
    """A prop, and what a camera has of one: a position and a rotation in the world."""

    def __init__(self, thing: Camera | Prop, state: int, reason: int, capture: int) -> None:
        super().__init__(thing, state, reason, capture)
        self._position, self._rotation = self._places((1, "3f"), (2, "4f"))

    def _write_place(self, thing: Camera | Prop) -> bool:
        self._write_state(thing)
        rotation = [float(x) for x in thing.rotation]
        return (
            abs(math.hypot(*rotation) - 1.0) <= UNIT
            and _packed(self._rotation[0], self.data, self._rotation[1], *rotation)
            and _packed(self._position[0], self.data, self._position[1], *thing.position)
        )


class _PropBlock(_PlacedBlock):
    def __init__(self, prop: Prop) -> None:
        super().__init__(prop, 3, 4, 5)

    def write(self, prop: Prop) -> bool:
        return self._write_place(prop)


class _CameraBlock(_PlacedBlock):
    def __init__(self, camera: Camera) -> None:
        super().__init__(camera, 8, 9, 10)
        self._lens = self._places(*((i, "f") for i in range(3, 8)))

    def write(self, camera: Camera) -> bool:
        lens = (camera.focal_mm, *camera.sensor_mm, camera.focus_m, camera.iris)
        return self._write_place(camera) and all(
            [_packed(place[0], self.data, place[1], x) for place, x in zip(self._lens, lens)]
        )


def _packed(layout: struct.Struct, data: bytearray, at: int, *numbers: float) -> bool:
    """Writes the numbers; False where one of them is not finite as a float32."""
    plain = [float(number) for number in numbers]
    try:
        layout.pack_into(data, at, *plain)
    except OverflowError:
        return False
    return math.isfinite(sum(plain))


BLOCKS: dict[type, Any] = {Subject: SubjectBlock, Camera: _CameraBlock, Prop: _PropBlock}


def _entry(field: int) -> int:
    """Where in a vtable the field of this id has its entry."""
    return 4 + 2 * field
