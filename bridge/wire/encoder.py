"""Skeletons and frames into bytes.

flatc's Python builder takes about 200 us for a subject, too long for a stage of a hundred. But from
one tick to the next nothing changes in a subject except numbers: its table is laid out once with
the builder, and every further tick writes numbers into place. A FlatBuffer table refers to its
children by relative offsets only, so tables that were laid out each by itself become a message by
being joined. A reason has room to change in: "silent for 0.3 s" becomes 0.4 without a new layout.
What many subjects say in the same tables twice is written into the last message (`frame_writer`).

Nothing leaves that is no number: writing tells (`blocks.py`), and a frame with a number that is not
finite, or a rotation that is none, is mended (`validation.py`) and written again.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np

from understudy.runtime.core.pose import Frame, Subject
from understudy.runtime.core.skeleton import Skeleton

from . import envelope
from .blocks import BLOCKS, Block, FrameBlock, SubjectBlock, Thing
from .decoder import decode_frame
from .frame_writer import FrameWriter
from .layout import reason_room, skeleton_set
from .validation import mended

_BLOCKS_KEPT = 8192
# Fewer subjects are written one by one in less time.
MANY = 4
_ENVELOPE = envelope.seal(envelope.FRAME)


def encode_skeletons(skeletons: Iterable[Skeleton]) -> bytes:
    """The SKEL message that holds all of these skeletons."""
    return envelope.seal(envelope.SKELETONS) + skeleton_set(skeletons)


class FrameEncoder:
    """Frames into FRAM messages; keeps the blocks of what it has seen and writes into them.

    published  frames encoded so far
    layouts    blocks that had to be laid out
    held       subjects, cameras and props that were held because their numbers were not finite
    """

    def __init__(self, session: int) -> None:
        self.session = session
        self.published = 0
        self.layouts = 0
        self.held = 0
        self._message = b""
        self._cast: dict[int, Skeleton] = {}
        self._head: FrameBlock | None = None
        self._head_key: tuple[tuple, list[Block]] = (), []
        self._blocks: dict[tuple, Block] = {}
        self._writer: FrameWriter | None = None
        self._buffer = bytearray()

    def encode(self, frame: Frame) -> bytes:
        """The message of this frame; counts it as published."""
        cast = self._cast
        with np.errstate(over="ignore", invalid="ignore"):
            message, sound = self._joined(frame)
            if not sound:
                # What was sent last is sound, and remembers every pose at no cost to a good tick.
                last = decode_frame(self._message, cast)[0] if self._message else None
                frame, held = mended(frame, last)
                self.held += held
                message, _ = self._joined(frame)
        self._message = message
        self.published += 1
        return message

    def _joined(self, frame: Frame) -> tuple[bytes, bool]:
        """The message of this frame, and whether every number in it may be sent."""
        count = len(frame.subjects)
        others: tuple[Thing, ...] = (*frame.cameras, *frame.props)
        placed = [self._block((i, *_shape(thing)), thing) for i, thing in enumerate(others, count)]
        key = (len(frame.timecode.encode()), *frame.stats, count, len(frame.cameras))
        if self._writer is not None and self._head is not None:
            last_key, last = self._head_key
            if (last_key, last[count:]) == (key, placed) and self._writer.write(frame.subjects):
                return self._rewritten(frame, self._head, placed, others)
        blocks = [self._block((i, *_shape(one)), one) for i, one in enumerate(frame.subjects)]
        blocks += placed
        known = self._head is not None and (key, blocks) == self._head_key
        if self._head is None or not known:
            self._head, self._head_key = FrameBlock(frame, blocks), (key, blocks)
            self._cast = {s.skeleton.id: s.skeleton for s in frame.subjects}
            self.layouts += 1
            self._writer = None
        self._head.write(frame, self.session, self.published)
        things = (*frame.subjects, *others)
        sound = all([block.write(thing) for block, thing in zip(blocks, things)])
        message = b"".join((_ENVELOPE, self._head.data, *[block.data for block in blocks]))
        if known and sound and count >= MANY and self._writer is None:  # what came twice will again
            self._buffer, starts = bytearray(message), self._starts(blocks)
            bodies = [block for block in blocks if isinstance(block, SubjectBlock)]
            self._writer = FrameWriter(self._buffer, frame.subjects, bodies, starts)
        return message, sound

    def _starts(self, blocks: list[Block]) -> list[int]:
        """Where in a message each of its blocks begins."""
        assert self._head is not None
        sizes = [len(_ENVELOPE) + len(self._head.data), *[len(block.data) for block in blocks]]
        return list(itertools.accumulate(sizes))[:-1]

    def _rewritten(
        self, frame: Frame, head: FrameBlock, placed: list[Block], others: tuple[Thing, ...]
    ) -> tuple[bytes, bool]:
        """The message whose subjects were written in place already, with everything else."""
        head.write(frame, self.session, self.published)
        self._buffer[len(_ENVELOPE) : len(_ENVELOPE) + len(head.data)] = head.data
        sound = all([block.write(thing) for block, thing in zip(placed, others)])
        at = len(self._buffer) - sum(len(block.data) for block in placed)
        self._buffer[at:] = b"".join(block.data for block in placed)
        return bytes(self._buffer), sound

    def _block(self, key: tuple, thing: Thing) -> Block:
        """The block of the thing at this place in a frame; laid out unless it was before."""
        block = self._blocks.get(key)
        if block is None:
            if len(self._blocks) >= _BLOCKS_KEPT:
                del self._blocks[next(iter(self._blocks))]
            block = self._blocks[key] = BLOCKS[type(thing)](thing)
            self.layouts += 1
        return block


def _shape(thing: Thing) -> tuple:
    """What decides the layout of a thing: its strings and lengths, none of its numbers."""
    if not isinstance(thing, Subject):
        return (type(thing), thing.name, reason_room(thing.reason) if thing.reason else 0)
    return (
        thing.name,
        thing.skeleton.id,
        reason_room(thing.reason) if thing.reason else 0,
        len(thing.pose.rotations),
        len(thing.contacts),
        len(thing.trajectory),
        len(thing.curves),
        len(thing.joint_uncertainty_m),
        thing.intent is None,
    )
