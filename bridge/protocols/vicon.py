"""Vicon: Tracker's UDP object stream, and what the DataStream SDK says, as messages of our own.

The object stream has rigid bodies alone. Little-endian: u32 frame, u8 items, then of each item u8
kind (0: an object), u16 size of what follows, 24 letters of its name, six f64: millimetres and
radians, intrinsic about x, y, z. A datagram is filled up to a fixed size, and a frame with many
objects is several datagrams of the same number.

The stream of the SDK is closed. Whoever has its library reads it by that, and hands each frame over
as a message here, so that the one source hears both and takes hold both: a `Model` says what a
subject's segments are, a `Frame` where they are. Both are msgpack behind four letters.

Vicon's rooms are +Z up; +X is taken for forward.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array

from . import axes
from .error import ProtocolError

PORT = 51001
SDK_PORT = 801
OBJECT, LONGEST = 0, 24
_HEAD, _ITEM = struct.Struct("<IB"), struct.Struct("<BH")
_OBJECT = struct.Struct("<24s6d")
SIZES = (256, 512, 1024)  # of datagrams, as Tracker offers them
MOST_SEGMENTS, MOST_SUBJECTS = 128, 64
LARGEST_M = 1e4

Text = Annotated[str, Meta(max_length=128)]
Number = Annotated[float, Meta(ge=-1e9, le=1e9)]


@dataclass(slots=True)
class Objects:
    """Rigid bodies of a frame, in our axes and metres: names (N), positions (N, 3), rotations
    (N, 4)."""

    number: int
    names: tuple[str, ...]
    positions: Array
    rotations: Array


class Model(msgspec.Struct, array_like=True, tag="model"):
    """A subject's segments, parents first, and how they are at rest: seven f32 each, place in
    metres and turn x y z w, local to the parent, Vicon's axes."""

    subject: Text
    names: Annotated[list[Text], Meta(min_length=1, max_length=MOST_SEGMENTS)]
    parents: Annotated[list[int], Meta(max_length=MOST_SEGMENTS)]
    rest: bytes


class Pose(msgspec.Struct, array_like=True):
    """A subject's segments in a frame: seven f32 each as in its model, and which are seen, a byte
    each."""

    subject: Text
    local: bytes
    seen: bytes


class Frame(msgspec.Struct, array_like=True, tag="frame"):
    """Everybody at a moment. rate_hz: of the cameras; latency_s: theirs and the solver's."""

    number: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    rate_hz: Number
    latency_s: Number
    poses: Annotated[list[Pose], Meta(max_length=MOST_SUBJECTS)]


_MAGIC = b"VDSS"
_ENCODER, _DECODER = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(Model | Frame)


def decode(data: bytes) -> Objects | Model | Frame:
    """What a datagram says."""
    if data[:4] == _MAGIC:
        try:
            return _DECODER.decode(data[4:])
        except msgspec.MsgspecError as error:
            raise ProtocolError(f"A message of Vicon's SDK cannot be read: {error}.") from None
    return _objects(data)


def _objects(data: bytes) -> Objects:
    if len(data) < _HEAD.size:
        raise ProtocolError(f"Vicon's datagram has {_HEAD.size} bytes or more, not {len(data)}.")
    number, count = _HEAD.unpack_from(data)
    names, rows, at = [], [], _HEAD.size
    for _ in range(count):
        if at + _ITEM.size > len(data):
            raise ProtocolError(f"Vicon's datagram says {count} objects, and ends before.")
        kind, size = _ITEM.unpack_from(data, at)
        at += _ITEM.size
        if at + size > len(data) or (kind == OBJECT and size < _OBJECT.size):
            raise ProtocolError(f"An object of Vicon has {_OBJECT.size} bytes, this one {size}.")
        if kind == OBJECT:
            name, *values = _OBJECT.unpack_from(data, at)
            names.append(name.partition(b"\0")[0].decode("utf-8", "replace") or "object")
            rows.append(values)
        at += size
    if count and not names:
        raise ProtocolError("Vicon's datagram has no object that is known.")
    said = np.array(rows, float).reshape(-1, 6)
    if not np.isfinite(said).all() or np.abs(said[:, :3]).max(initial=0.0) > 1e3 * LARGEST_M:
        raise ProtocolError("An object of Vicon is at a place that is none.")
    turns = rotation.from_euler(said[:, 3:], "XYZ")
    return Objects(number, tuple(names), *axes.from_z_up(said[:, :3] * 1e-3, turns))


def encode(said: Objects, size: int = SIZES[-1]) -> list[bytes]:
    """The datagrams of a frame, each of so many bytes."""
    at, turns = axes.to_z_up(said.positions * 1e3, said.rotations)
    angles = rotation.to_euler(turns, "XYZ")
    each = (size - _HEAD.size) // (_ITEM.size + _OBJECT.size)
    found = []
    for first in range(0, len(said.names), each):
        rows = range(first, min(first + each, len(said.names)))
        parts = [_HEAD.pack(said.number & 0xFFFFFFFF, len(rows))]
        for n in rows:
            parts.append(_ITEM.pack(OBJECT, _OBJECT.size))
            parts.append(_OBJECT.pack(said.names[n].encode()[:LONGEST], *at[n], *angles[n]))
        found.append(b"".join(parts).ljust(size, b"\0"))
    return found


def message(said: Model | Frame) -> bytes:
    """A message of the SDK's, as bytes."""
    return _MAGIC + _ENCODER.encode(said)


def packed(positions: Array, rotations: Array) -> bytes:
    """Places (N, 3) in metres and turns (N, 4) as they are, for a model or a pose."""
    return np.concatenate([positions, rotations], axis=-1).astype("<f4").tobytes()


def places(content: bytes, count: int) -> tuple[Array, Array]:
    """The places (N, 3) and turns (N, 4) of so many segments, in our axes."""
    if len(content) != 28 * count:
        raise ProtocolError(f"Vicon's SDK said {len(content)} bytes of {count} segments.")
    rows = np.frombuffer(content, "<f4").reshape(count, 7).astype(np.float64)
    lengths = np.sqrt(np.square(rows[:, 3:]).sum(axis=-1, keepdims=True))
    if not np.isfinite(rows).all() or np.abs(rows[:, :3]).max(initial=0.0) > LARGEST_M:
        raise ProtocolError("A segment of Vicon is at a place that is none.")
    turns = np.where(lengths > 0.5, rows[:, 3:] / np.maximum(lengths, 0.5), rotation.identity())
    return axes.from_z_up(rows[:, :3], turns)
