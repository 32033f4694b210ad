"""Frames one after the other: what is laid out as the last one was is read by known places.

From one frame to the next hardly anything changes but numbers. Whoever has followed every offset of
a message once, checked, need not follow it again in the next: if all bytes but those of its numbers
are the same, the numbers lie where they lay. What does not fit, or holds a number that must not be
there, goes to `decoder.py`, which reads anything and says what is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from understudy.runtime.core.pose import Camera, Frame, Intent, Pose, Prop, State, Subject
from understudy.runtime.core.skeleton import Skeleton

from .buttons import button_names
from .decoder import Origin, decode_frame
from .table import Table, root

# Layouts that are kept, by the length of their messages: bodies that come and go by turns.
KEPT = 16
_STATES = tuple(State)
_UNSIGNED = (1 << 64) - 1


class FrameDecoder:
    """Decodes the FRAM messages of one publisher, as `decode_frame` does, in less time."""

    def __init__(self) -> None:
        self._known: dict[int, _Layout] = {}
        self._size = 0

    def decode(self, message: bytes, skeletons: Mapping[int, Skeleton]) -> tuple[Frame, Origin]:
        """The frame of a message; raises WireError and UnknownSkeleton, as `decode_frame`."""
        known = self._known.get(len(message))
        if known is not None and (read := known.read(message, skeletons)) is not None:
            return read
        frame, origin = decode_frame(message, skeletons)
        if self._size == len(message):  # a length that comes twice will come again
            self._learn(message, frame)
        self._size = len(message)
        return frame, origin

    def _learn(self, message: bytes, frame: Frame) -> None:
        self._known.pop(len(message), None)
        try:
            layout = _Layout(message, frame)
        except _Irregular:
            return
        if len(self._known) >= KEPT:
            del self._known[next(iter(self._known))]
        self._known[len(message)] = layout


class _Irregular(Exception):
    """A message that lacks a field, or has one askew; our encoder makes none."""


@dataclass(slots=True)
class _Body:
    """Where a subject's values lie: as words of 4 bytes, but for state and reason."""

    name: str
    skeleton: Skeleton
    positions: slice
    rotations: slice
    joints: int
    state: int
    reason: slice
    text: str
    said: bytes
    contacts: slice
    trajectory: slice
    uncertainty: int
    curves: slice
    doubts: slice
    time: int
    intent: tuple[slice, slice, int, int] | None


@dataclass(slots=True)
class _Thing:
    """Where the values of a camera or a prop lie; lens: five words, none of a prop."""

    name: str
    position: slice
    rotation: slice
    lens: list[int]
    state: int
    reason: slice
    time: int


class _Layout:
    """Where the numbers of a message lie, and what all its other bytes are."""

    def __init__(self, message: bytes, frame: Frame) -> None:
        if len(message) % 8:
            raise _Irregular
        table = root(message)
        self._value = np.zeros(len(message), bool)
        self._floats: list[np.ndarray] = []
        self._weights: list[np.ndarray] = []
        self._rate = frame.rate_num, frame.rate_den
        self._longs = [self._long(table, field) for field in range(5)]
        self._timecode = self._letters(table, 5)
        stats = self._vector(table, 13, 8)
        self._stats = slice(stats.start // 8, stats.stop // 8)
        self._stat_names = list(frame.stats)
        if self._stats.stop - self._stats.start != len(self._stat_names):
            raise _Irregular
        pairs = zip(table.tables(9), frame.subjects, strict=True)
        self._subjects = [self._body(one, subject) for one, subject in pairs]
        cameras = zip(table.tables(10), frame.cameras, strict=True)
        self._cameras = [self._thing(one, it.name, 8, 9, 10, range(3, 8)) for one, it in cameras]
        props = zip(table.tables(11), frame.props, strict=True)
        self._props = [self._thing(one, it.name, 3, 4, 5, ()) for one, it in props]
        self._contacts = np.zeros((0, 2), np.float32)
        if frame.subjects:
            self._contacts = np.concatenate([subject.contacts for subject in frame.subjects])
        self._finish(message)

    def _finish(self, message: bytes) -> None:
        """Turns what was collected into arrays."""
        fixed = ~self._value.reshape(-1, 4)
        self._fixed = np.flatnonzero(fixed.any(axis=1))
        self._mask = np.where(fixed, 0xFF, 0).astype(np.uint8).view("<u4").ravel()[self._fixed]
        self._same = self._fixed_bytes(np.frombuffer(message, "<u4"))
        self._float_words = np.concatenate([*self._floats, np.zeros(0, np.int64)])
        self._zeros = np.zeros(len(self._float_words), np.float32)
        self._weights_at = np.concatenate([*self._weights, np.zeros(0, np.int64)])
        self._longs_at = np.array(self._longs)

    def _fixed_bytes(self, words: np.ndarray) -> bytes:
        there: np.ndarray = words.take(self._fixed)
        there &= self._mask
        return there.tobytes()

    # What lies where.

    def _at(self, table: Table, field: int, size: int) -> int:
        at = table.place(field)
        if not at or at % min(size, 8):
            raise _Irregular
        self._value[at : at + size] = True
        return at

    def _long(self, table: Table, field: int) -> int:
        return self._at(table, field, 8) // 8

    def _single(self, table: Table, field: int) -> int:
        at = self._at(table, field, 4) // 4
        self._floats.append(np.array([at]))
        return at

    def _struct(self, table: Table, field: int, count: int) -> slice:
        at = table.place(field)
        if not at or at % 4:
            raise _Irregular
        self._value[at : at + 4 * count] = True
        self._floats.append(np.arange(at // 4, at // 4 + count))
        return slice(at // 4, at // 4 + count)

    def _vector(self, table: Table, field: int, size: int) -> slice:
        """The bytes of a vector's elements."""
        at, count = table.span(field)
        if at % size or at + count * size > len(self._value):
            raise _Irregular
        self._value[at : at + count * size] = True
        return slice(at, at + count * size)

    def _letters(self, table: Table, field: int) -> slice:
        return self._vector(table, field, 1)

    def _numbers(self, table: Table, field: int) -> slice:
        at = self._vector(table, field, 4)
        words = slice(at.start // 4, at.stop // 4)
        self._floats.append(np.arange(words.start, words.stop))
        return words

    def _time(self, table: Table, field: int) -> int:
        self._longs.append(self._long(table, field))
        return len(self._longs) - 1

    def _body(self, table: Table, subject: Subject) -> _Body:
        # The joints that may touch the ground are the same for long: they are no value here.
        weights, first = self._numbers(table, 7), sum(map(len, self._weights))
        self._weights.append(np.arange(weights.start, weights.stop))
        intent = None
        if (wish := table.table(9)) is not None:
            held = self._at(wish, 2, 4) // 4
            travel, facing = self._struct(wish, 0, 2), self._struct(wish, 1, 2)
            intent = travel, facing, held, self._time(wish, 3)
        return _Body(
            name=subject.name,
            skeleton=subject.skeleton,
            positions=self._numbers(table, 4),
            rotations=self._numbers(table, 5),
            joints=len(subject.skeleton),
            state=self._at(table, 2, 1),
            reason=self._letters(table, 3),
            text=subject.reason,
            said=subject.reason.encode(),
            contacts=slice(first, first + len(subject.contacts)),
            trajectory=self._numbers(table, 8),
            uncertainty=self._single(table, 11),
            curves=self._numbers(table, 10),
            doubts=self._numbers(table, 13),
            time=self._time(table, 12),
            intent=intent,
        )

    def _thing(
        self, table: Table, name: str, state: int, reason: int, time: int, lens: range | tuple[()]
    ) -> _Thing:
        return _Thing(
            name=name,
            position=self._struct(table, 1, 3),
            rotation=self._struct(table, 2, 4),
            lens=[self._single(table, field) for field in lens],
            state=self._at(table, state, 1),
            reason=self._letters(table, reason),
            time=self._time(table, time),
        )

    # What is there.

    def read(
        self, message: bytes, skeletons: Mapping[int, Skeleton]
    ) -> tuple[Frame, Origin] | None:
        """The frame of a message of the same length; None where its layout is another, or where a
        number in it must not be there."""
        words = np.frombuffer(message, "<u4")
        if self._fixed_bytes(words) != self._same:
            return None
        singles = words.view("<f4")
        # 0 times what is not finite is not a number, and takes half of isfinite's time.
        if singles.take(self._float_words).dot(self._zeros) != 0.0:
            return None
        contacts = self._contacts.copy()
        if len(contacts):
            contacts[:, 1] = singles.take(self._weights_at)
        longs = np.frombuffer(message, "<i8")
        times: list[int] = longs.take(self._longs_at).tolist()
        sequence, session, published = (number & _UNSIGNED for number in times[:3])
        capture_ns, publish_ns = times[3:5]
        subjects = []
        try:
            for one in self._subjects:
                skeleton = one.skeleton
                if skeletons.get(skeleton.id) is not skeleton:
                    return None
                said = message[one.reason]
                if said != one.said:
                    one.said, one.text = said, said.decode()
                intent = None
                if one.intent is not None:
                    travel, facing, held, at = one.intent
                    intent = Intent(
                        singles[travel], singles[facing], button_names(int(words[held])), times[at]
                    )
                joints = one.joints
                subjects.append(
                    Subject(
                        one.name,
                        skeleton,
                        Pose(
                            singles[one.positions].reshape(joints, 3),
                            singles[one.rotations].reshape(joints, 4),
                        ),
                        _STATES[message[one.state]],
                        one.text,
                        intent,
                        contacts[one.contacts],
                        singles[one.trajectory].reshape(-1, 4),
                        float(singles[one.uncertainty]),
                        singles[one.curves],
                        times[one.time],
                        singles[one.doubts],
                    )
                )
            cameras = []
            for it in self._cameras:
                focal, width, height, focus, iris = singles.take(it.lens).tolist()
                cameras.append(
                    Camera(
                        it.name, singles[it.position], singles[it.rotation], focal,
                        (width, height), focus, iris, _STATES[message[it.state]],
                        message[it.reason].decode(), times[it.time],
                    )
                )  # fmt: skip
            props = [
                Prop(
                    it.name, singles[it.position], singles[it.rotation],
                    _STATES[message[it.state]], message[it.reason].decode(), times[it.time],
                )
                for it in self._props
            ]  # fmt: skip
            timecode = message[self._timecode].decode()
        except (IndexError, ValueError):  # no such state, no text
            return None
        values = longs[self._stats].view("<f8").tolist()
        frame = Frame(
            sequence, capture_ns, publish_ns, *self._rate, timecode, subjects,
            dict(zip(self._stat_names, values)), cameras, props,
        )  # fmt: skip
        return frame, Origin(session, published)
