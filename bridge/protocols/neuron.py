"""Noitom's BVH broadcast, of Axis Studio and Axis Neuron: a frame of 59 joints, binary or as text.

Binary, little-endian: a header of 64 bytes between the words DDFF and EEFF, then f32 values. Of
version 1.0 it says u32 values, i32 displacement, i32 reference, u32 avatar, 32 letters of its
name; of 1.1 u16 values, u8 displacement, u8 reference, u32 avatar, 32 letters, u32 frame. Text is
the avatar's number and name and the values, and ends with "||".

Values are those of a line of a BVH file: centimetres, and degrees in the order that Axis is set to.
With displacement a joint has position and rotation, without it the rotation alone, and the root
both. With reference six values go before, of a joint that never moves. +Y up, +Z forward, right-
handed: our axes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array

from .error import ProtocolError

PORT = 7012
ORDERS = ("YXZ", "XYZ", "XZY", "YZX", "ZXY", "ZYX")
_BEGIN, _END = b"\xff\xdd", b"\xff\xee"
HEADER = 64
_OLD, _NEW = struct.Struct("<IiiI32s"), struct.Struct("<HBBI32sI")
LARGEST_CM, LARGEST_DEG = 1e6, 1e5
# More values than any frame has.
MOST_VALUES = 4096
# Text that holds more frames than these is no datagram of Axis.
MOST_FRAMES = 16


def _joints(spine: tuple[str, ...], chest: str) -> dict[str, str]:
    """Joint -> its parent, in the order of the values; arms hang on the chest."""
    found = {"Hips": ""}
    for side in ("Right", "Left"):
        up = "Hips"
        for part in ("UpLeg", "Leg", "Foot"):
            found[f"{side}{part}"], up = up, f"{side}{part}"
    up = "Hips"
    for name in spine:
        found[name], up = up, name
    for side in ("Right", "Left"):
        up = chest
        for part in ("Shoulder", "Arm", "ForeArm", "Hand"):
            found[f"{side}{part}"], up = up, f"{side}{part}"
        for finger in ("Thumb", "Index", "Middle", "Ring", "Pinky"):
            up = f"{side}Hand"
            if finger != "Thumb":
                found[f"{side}InHand{finger}"], up = up, f"{side}InHand{finger}"
            for n in (1, 2, 3):
                found[f"{side}Hand{finger}{n}"], up = up, f"{side}Hand{finger}{n}"
    return found


# Axis Studio's joints, and those of Axis Neuron before it.
JOINTS: dict[str, dict[str, str]] = {
    "studio": _joints(("Spine", "Spine1", "Spine2", "Neck", "Neck1", "Head"), "Spine2"),
    "neuron": _joints(("Spine", "Spine1", "Spine2", "Spine3", "Neck", "Head"), "Spine3"),
}
COUNT = len(JOINTS["studio"])
assert COUNT == len(JOINTS["neuron"]) == 59
# Values of a frame -> whether joints have positions, and how many values go before.
_SHAPES = {6 * COUNT: (True, 0), 6 * COUNT + 6: (True, 6), 3 * COUNT + 3: (False, 0)}
_SHAPES[3 * COUNT + 9] = (False, 6)


@dataclass(slots=True)
class Frame:
    """An avatar's pose: positions (59, 3) in metres in their parents, without displacement the
    root's alone and zeros; rotations (59, 4) in their parents."""

    avatar: int
    name: str
    positions: Array
    rotations: Array
    placed: bool = True
    number: int = 0


def decode(data: bytes, order: str = "YXZ") -> list[Frame]:
    """The frames of a datagram: one, or of text one or several."""
    return [_binary(data, order)] if data[:2] == _BEGIN else _text(data, order)


def cut(stream: bytes) -> tuple[list[bytes], int]:
    """The whole frames, binary or text, of a stream, and how many bytes they are."""
    found: list[bytes] = []
    at = 0
    while len(stream) - at >= HEADER:
        if stream[at : at + 2] == _BEGIN:
            old = (stream[at + 5], stream[at + 4]) <= (1, 0)
            (count,) = struct.unpack_from("<I" if old else "<H", stream, at + 6)
            size = HEADER + 4 * int(count)
            if stream[at + 62 : at + 64] != _END or count > MOST_VALUES:
                raise ProtocolError("Axis' stream has something between its frames.")
            if len(stream) - at < size:
                break
        else:
            end = stream.find(b"||", at)
            if end < 0:
                break
            size = end + 2 - at
        found.append(stream[at : at + size])
        at += size
    return found, at


def _binary(data: bytes, order: str) -> Frame:
    if len(data) < HEADER or data[62:64] != _END:
        raise ProtocolError("Axis' binary frame has a header of 64 bytes, and this one none.")
    number = 0
    if (data[5], data[4]) <= (1, 0):
        count, _, _, avatar, name = _OLD.unpack_from(data, 6)
    else:
        count, _, _, avatar, name, number = _NEW.unpack_from(data, 6)
    if len(data) < HEADER + 4 * count:
        raise ProtocolError(f"Axis' frame says {count} values, and has fewer.")
    values = np.frombuffer(data, "<f4", count, HEADER)
    label = name.partition(b"\0")[0].decode("utf-8", "replace")
    return _frame(values, avatar, label, number, order)


def _text(data: bytes, order: str) -> list[Frame]:
    pieces = [piece.split() for piece in data.split(b"||")]
    found = [piece for piece in pieces if piece and piece != [b"\0"]]
    if b"||" not in data or not 0 < len(found) <= MOST_FRAMES:
        raise ProtocolError(
            "What comes is no frame of Axis: it has no header, and no || at its end."
        )
    frames = []
    for words in found:
        count = max((n for n in _SHAPES if n <= len(words)), default=0)
        head = words[: len(words) - count]
        try:
            values = np.array([float(word) for word in words[len(head) :]])
            avatar = int(head[0]) if head else 0
        except ValueError:
            raise ProtocolError("Axis' text has a word among its values.") from None
        name = b" ".join(head[1:]).decode("utf-8", "replace")
        frames.append(_frame(values, avatar & 0xFFFFFFFF, name, 0, order))
    return frames


def _frame(values: np.ndarray, avatar: int, name: str, number: int, order: str) -> Frame:
    if len(values) not in _SHAPES:
        raise ProtocolError(
            f"Axis' frame has {len(values)} values; {COUNT} joints have 354, 360, 180 or 186."
        )
    placed, before = _SHAPES[len(values)]
    with np.errstate(invalid="ignore"):  # whatever bytes they were
        numbers = values[before:].astype(float)
    positions = np.zeros((COUNT, 3))
    if placed:
        rows = numbers.reshape(COUNT, 6)
        positions, degrees = rows[:, :3], rows[:, 3:]
    else:
        positions[0], degrees = numbers[:3], numbers[3:].reshape(COUNT, 3)
    sound = np.isfinite(numbers).all() and np.abs(degrees).max() < LARGEST_DEG
    if not sound or np.abs(positions).max() > LARGEST_CM:
        raise ProtocolError("Axis' frame has a value that is none.")
    turns = rotation.from_euler(np.radians(degrees), order)
    return Frame(avatar, name[:64], positions / 100.0, turns, placed, number)


def _values(said: Frame, order: str) -> np.ndarray:
    degrees = np.degrees(rotation.to_euler(said.rotations, order))
    if said.placed:
        return np.concatenate([100.0 * said.positions, degrees], axis=1).ravel()
    return np.concatenate([100.0 * said.positions[0], degrees.ravel()])


def encode(said: Frame, order: str = "YXZ", old: bool = False) -> bytes:
    """A binary frame of version 1.1, or 1.0."""
    values = _values(said, order).astype("<f4")
    name = said.name.encode()[:31]
    if old:
        content = bytes(4)[:2] + b"\0\1"
        content += _OLD.pack(len(values), said.placed, 0, said.avatar, name) + bytes(8)
    else:
        content = b"\0\0\1\1"
        content += _NEW.pack(len(values), said.placed, 0, said.avatar, name, said.number) + bytes(
            12
        )
    return _BEGIN + content + _END + values.tobytes()


def encode_text(said: Frame, order: str = "YXZ") -> bytes:
    """The same as text."""
    values = " ".join(f"{value:.6f}" for value in _values(said, order))
    return f"{said.avatar} {said.name} {values} ||".encode()
