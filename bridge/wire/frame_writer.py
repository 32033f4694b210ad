"""Writes many subjects' numbers into a message at once.

One by one a subject costs numpy's calls, not its numbers. As long as subjects keep their shape all
their numbers are gathered, checked and put in place together.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np

from understudy.bridge.wire.buttons import button_bits
from understudy.runtime.core.pose import Subject

from .blocks import UNIT, UNIT_A_JOINT, SubjectBlock
from .layout import reason_room

_LENGTH = struct.Struct("<I")


class FrameWriter:
    """The subjects of a message whose blocks begin at these bytes of a buffer."""

    def __init__(
        self, buffer: bytearray, subjects: Sequence[Subject], blocks: list[SubjectBlock],
        starts: list[int],
    ) -> None:  # fmt: skip
        self._buffer = buffer
        self._skeletons = [subject.skeleton for subject in subjects]  # their ids are theirs alone
        self._shape = _shape(subjects)
        self._reasons = [subject.reason for subject in subjects]
        self._rooms = [block.room for block in blocks]
        self._letters_at = [block.letters_at + at for block, at in zip(blocks, starts)]
        self._states_at = [block.state_at + at for block, at in zip(blocks, starts)]
        self._intents = [i for i, subject in enumerate(subjects) if subject.intent is not None]
        longs = [block.time_at + at for block, at in zip(blocks, starts)]
        longs += [blocks[i].intent_at[3] + starts[i] for i in self._intents]
        self._times_at = np.array(longs, np.int64) // 8
        held = [blocks[i].intent_at[2] + starts[i] for i in self._intents]
        self._held_at = np.array(held, np.int64) // 4

        def words(field: str) -> list[np.ndarray]:
            return [block.words[field] + at // 4 for block, at in zip(blocks, starts)]

        # In the order in which `write` gathers.
        singles = [np.array([block.uncertainty_at + at]) // 4 for block, at in zip(blocks, starts)]
        wishes = [
            (blocks[i].intent_at[part] + starts[i]) // 4 + np.arange(2)
            for i in self._intents
            for part in (0, 1)
        ]
        rotations, positions, paths = words("rotations"), words("positions"), words("trajectory")
        curves, doubts = words("curves"), words("doubts")
        self._at = np.concatenate(
            [*rotations, *positions, *paths, *curves, *doubts, *singles, *wishes]
        )
        joints = np.array([len(one) for one in rotations]) // 4
        self._joints, self._unit = joints, UNIT + UNIT_A_JOINT * joints
        self._turning = 4 * int(joints.sum())
        self._begins = 4 * (np.cumsum(joints) - joints)
        self._planted_at = np.concatenate(
            [block.planted + at // 2 for block, at in zip(blocks, starts)]
        )
        self._weights_at = np.concatenate(words("weights"))
        self._gathered = np.empty(len(self._at), np.float32)
        shapes = (
            (4, rotations),
            (3, positions),
            (4, paths),
            (0, curves),
            (0, doubts),
            (0, singles),
        )
        self._parts, at = [], 0
        for width, pieces in (*shapes, (4, wishes)):
            size = sum(map(len, pieces))
            part = self._gathered[at : at + size]
            self._parts.append(part.reshape(-1, width) if width else part)
            at += size
        self._parts[6] = self._parts[6].reshape(-1, 2, 2)
        self._zeros = np.zeros(len(self._at), np.float32)
        self._weights_zeros = np.zeros(len(self._weights_at), np.float32)
        self._floats = np.frombuffer(buffer, "<f4")
        self._shorts = np.frombuffer(buffer, "<u2")
        self._words = np.frombuffer(buffer, "<u4")
        self._longs = np.frombuffer(buffer, "<i8")

    def write(self, subjects: Sequence[Subject]) -> bool:
        """Puts every number in place; False where the shape is another, or where something may not
        be sent: then the buffer holds nothing that may be."""
        if _shape(subjects) != self._shape or not self._say(subjects):
            return False
        poses = [subject.pose for subject in subjects]
        wishes = [wish for i in self._intents if (wish := subjects[i].intent) is not None]
        gathered = self._gathered
        try:
            for rows, pieces in (
                (self._parts[0], [pose.rotations for pose in poses]),
                (self._parts[1], [pose.positions for pose in poses]),
                (self._parts[2], [subject.trajectory for subject in subjects]),
                (self._parts[3], [subject.curves for subject in subjects]),
                (self._parts[4], [subject.joint_uncertainty_m for subject in subjects]),
            ):
                if len(rows):
                    np.concatenate(pieces, out=rows, casting="same_kind")
            self._parts[5][:] = [subject.uncertainty_m for subject in subjects]
            if wishes:
                self._parts[6][:] = [(wish.travel, wish.facing) for wish in wishes]
        except (ValueError, TypeError):  # more or fewer numbers than there were
            return False
        turning = gathered[: self._turning]
        squares = np.add.reduceat(turning * turning, self._begins)
        if gathered.dot(self._zeros) != 0.0:  # 0 times what is not finite is not a number
            return False
        if (np.abs(squares - self._joints) > self._unit).any():
            return False
        if len(self._weights_at):
            contacts = np.concatenate([subject.contacts for subject in subjects])
            weights = contacts[:, 1].astype(np.float32)
            if weights.dot(self._weights_zeros) != 0.0:
                return False
            self._shorts[self._planted_at], self._floats[self._weights_at] = contacts[:, 0], weights
        self._floats[self._at] = gathered
        times = [subject.capture_ns for subject in subjects]
        times += [wish.capture_ns for wish in wishes]
        self._longs[self._times_at] = times
        if wishes:
            self._words[self._held_at] = [button_bits(frozenset(wish.buttons)) for wish in wishes]
        buffer = self._buffer
        for at, subject in zip(self._states_at, subjects):
            buffer[at] = subject.state
        return True

    def _say(self, subjects: Sequence[Subject]) -> bool:
        """Writes the reasons that are new; False where one needs more or less room."""
        reasons = [subject.reason for subject in subjects]
        if reasons == self._reasons:
            return True
        for i, (reason, before) in enumerate(zip(reasons, self._reasons)):
            if reason == before:
                continue
            room, at = self._rooms[i], self._letters_at[i]
            if (reason_room(reason) if reason else 0) != room:
                return False
            text = reason.encode()
            _LENGTH.pack_into(self._buffer, at - 4, len(text))
            self._buffer[at : at + room] = text.ljust(room, b"\0")
            self._reasons[i] = reason
        return True


def _shape(subjects: Sequence[Subject]) -> tuple[list, ...]:
    """What decides where their numbers lie, but for the room of a reason."""
    return (
        [subject.name for subject in subjects],
        [id(subject.skeleton) for subject in subjects],
        [len(subject.pose.rotations) for subject in subjects],
        [len(subject.contacts) for subject in subjects],
        [len(subject.trajectory) for subject in subjects],
        [len(subject.curves) for subject in subjects],
        [len(subject.joint_uncertainty_m) for subject in subjects],
        [subject.intent is None for subject in subjects],
    )
