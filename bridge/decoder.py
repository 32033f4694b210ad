"""Bytes into skeletons and frames, with every length and offset checked before it is followed.

flatc's Python reader checks nothing and makes an object a field. This reader walks the same tables,
raises `WireError` on bytes that do not hold together, and leaves arrays where they lie: positions
and rotations are read-only views into the message.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import Camera, Frame, Intent, Pose, Prop, State, Subject
from understudy.runtime.core.skeleton import Skeleton

from . import envelope
from .buttons import BUTTONS
from .envelope import WireError

# What hostile bytes point at may overlap, so that few bytes ask for much work. Sound ones point at
# each byte once: what is read of a message is at most so many times its size.
MOST_TABLES = 16384
MOST_READ = 4

_I32 = struct.Struct("<i")
_U32 = struct.Struct("<I")
_VTABLE = struct.Struct("<HH")
_NUMBERS = {code: struct.Struct("<" + code) for code in "?BIQqf"}
_NAMES = {bit: name for name, bit in BUTTONS.items()}
_DAMAGE = (struct.error, ValueError, IndexError, OverflowError, UnderstudyError, RecursionError)


class UnknownSkeleton(Exception):
    """A sound frame with a subject whose skeleton has not arrived."""

    def __init__(self, skeleton_id: int, received: Origin) -> None:
        super().__init__(f"skeleton {skeleton_id:016x} has not arrived")
        self.skeleton_id = skeleton_id
        self.origin = received


@dataclass(frozen=True, slots=True)
class Origin:
    """Which publisher sent a frame, and how many it had sent before."""

    session: int
    published: int


def decode_skeletons(message: bytes) -> list[Skeleton]:
    """The skeletons of a SKEL message; raises WireError."""
    try:
        return [_skeleton(t) for t in _root(message, envelope.SKELETONS).tables(0)]
    except WireError:
        raise
    except _DAMAGE as error:
        raise WireError(f"a damaged skeleton message: {error}") from None


def decode_frame(message: bytes, skeletons: Mapping[int, Skeleton]) -> tuple[Frame, Origin]:
    """The frame of a FRAM message, its skeletons looked up by id.

    Raises WireError on damage and UnknownSkeleton on a skeleton that is not among these.
    """
    try:
        return _frame(_root(message, envelope.FRAME), skeletons)
    except WireError:
        raise
    except _DAMAGE as error:
        raise WireError(f"a damaged frame message: {error}") from None


def _root(message: bytes, topic: bytes) -> _Table:
    if envelope.open_envelope(message) != topic:
        raise WireError(f"topic {message[:4]!r}, expected {topic!r}")
    left = [MOST_READ * len(message)]
    return _Table(message, envelope.SIZE + _U32.unpack_from(message, envelope.SIZE)[0], left)


@functools.lru_cache(maxsize=64)
def _entries(count: int) -> struct.Struct:
    return struct.Struct(f"<{count}H")


class _Table:
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

    def number(self, field: int, code: str, default: float = 0) -> Any:
        offset = self._offset(field)
        return _NUMBERS[code].unpack_from(self._data, self._at + offset)[0] if offset else default

    def floats(self, field: int, count: int) -> np.ndarray:
        """(count,) of a struct of floats; zeros where it is absent."""
        offset = self._offset(field)
        if not offset:
            return np.zeros(count, np.float32)
        return np.frombuffer(self._data, "<f4", count, self._at + offset)

    def _child(self, field: int) -> int:
        offset = self._offset(field)
        if not offset:
            return 0
        at = self._at + offset
        return at + int(_U32.unpack_from(self._data, at)[0])

    def table(self, field: int) -> _Table | None:
        at = self._child(field)
        return _Table(self._data, at, self._left) if at else None

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

    def tables(self, field: int) -> list[_Table]:
        return [_Table(self._data, at, self._left) for at in self._children(field)]

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


def _skeleton(table: _Table) -> Skeleton:
    names = tuple(table.texts(1))
    parents = table.array(2, "<i4")
    arrays = [table.array(field, "<f8") for field in (3, 4, 5)]
    joints = len(names)
    if [len(parents), *map(len, arrays)] != [joints, 3 * joints, 4 * joints, 3 * joints]:
        raise WireError(f"a skeleton of {joints} names whose other fields have other lengths")
    table.spend(parents.nbytes + sum(array.nbytes for array in arrays))
    # Copies: a skeleton outlives its message.
    positions, rotations, tips = (array.copy() for array in arrays)
    skeleton = Skeleton(names, parents.copy(), positions, rotations, tips, tuple(table.texts(6)))
    # The publisher's word is the id: rounding must not make one skeleton two.
    skeleton.__dict__["id"] = table.number(0, "Q")
    return skeleton


def _frame(table: _Table, skeletons: Mapping[int, Skeleton]) -> tuple[Frame, Origin]:
    origin = Origin(table.number(1, "Q"), table.number(2, "Q"))
    names, values = table.texts(12), table.array(13, "<f8").tolist()
    if len(names) != len(values):
        raise WireError(f"{len(names)} names of figures and {len(values)} values")
    subjects = [_subject(t, skeletons, origin) for t in table.tables(9)]
    frame = Frame(
        sequence=table.number(0, "Q"),
        capture_ns=table.number(3, "q"),
        publish_ns=table.number(4, "q"),
        rate_num=table.number(6, "I"),
        rate_den=table.number(7, "I"),
        timecode=table.text(5),
        subjects=subjects,
        stats=dict(zip(names, values)),
        cameras=[_camera(t) for t in table.tables(10)],
        props=[Prop(t.text(0), t.floats(1, 3), t.floats(2, 4)) for t in table.tables(11)],
    )
    return frame, origin


def _subject(table: _Table, skeletons: Mapping[int, Skeleton], origin: Origin) -> Subject:
    skeleton = skeletons.get(table.number(1, "Q"))
    if skeleton is None:
        raise UnknownSkeleton(table.number(1, "Q"), origin)
    joints = len(skeleton.names)
    positions, rotations = table.array(4, "<f4"), table.array(5, "<f4")
    if len(positions) != 3 * joints or len(rotations) != 4 * joints:
        raise WireError(
            f"{len(positions)} position and {len(rotations)} rotation numbers "
            f"for a skeleton of {joints} joints"
        )
    planted, weights = table.array(6, "<u2"), table.array(7, "<f4")
    if len(planted) != len(weights) or (len(planted) and planted.max() >= joints):
        raise WireError("contacts that do not fit the skeleton")
    contacts = np.empty((len(planted), 2), np.float32)
    contacts[:, 0], contacts[:, 1] = planted, weights
    curves = table.array(10, "<f4")
    if len(curves) not in (0, len(skeleton.curve_names)):
        raise WireError(
            f"{len(curves)} curves for a skeleton of {len(skeleton.curve_names)} curve names"
        )
    intent = table.table(9)
    return Subject(
        name=table.text(0),
        skeleton=skeleton,
        pose=Pose(positions.reshape(joints, 3), rotations.reshape(joints, 4)),
        state=State(table.number(2, "B")),
        reason=table.text(3),
        intent=None if intent is None else _intent(intent),
        contacts=contacts,
        trajectory=table.array(8, "<f4").reshape(-1, 4),
        uncertainty_m=table.number(11, "f"),
        curves=curves,
    )


@functools.lru_cache(maxsize=256)
def _buttons(bits: int) -> frozenset[str]:
    return frozenset(name for bit, name in _NAMES.items() if bits & bit)


def _intent(table: _Table) -> Intent:
    return Intent(
        table.floats(0, 2), table.floats(1, 2), _buttons(table.number(2, "I")), table.number(3, "q")
    )


def _camera(table: _Table) -> Camera:
    return Camera(
        name=table.text(0),
        position=table.floats(1, 3),
        rotation=table.floats(2, 4),
        focal_mm=table.number(3, "f"),
        sensor_mm=(table.number(4, "f"), table.number(5, "f")),
        focus_m=table.number(6, "f"),
        iris=table.number(7, "f"),
    )
