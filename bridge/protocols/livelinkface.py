"""Live Link Face, version 6: the packet of Epic's iPhone app, and of Unreal's ARKit source.

Big-endian: u8 version, device id and subject name (i32 length, UTF-8), i32 frame, f32 part of a
frame, i32 rate numerator and denominator, u8 count, that many f32. The count is 61, in the order of
`CURVES`: ARKit's 52 shapes, 0..1, then yaw, pitch and roll of head and eyes, -1..1 for half a turn
either way. A packet without a face ends after the subject or after the rate.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from understudy.runtime.core.rotation import Array

from .error import ProtocolError

PORT = 11111
VERSION = 6
LONGEST_NAME = 256  # bytes

_EYE = ("Blink", "LookDown", "LookIn", "LookOut", "LookUp", "Squint", "Wide")
_MOUTH = [
    "Close",
    "Funnel",
    "Pucker",
    "Left",
    "Right",
    "SmileLeft",
    "SmileRight",
    "FrownLeft",
    "FrownRight",
    "DimpleLeft",
    "DimpleRight",
    "StretchLeft",
    "StretchRight",
    "RollLower",
    "RollUpper",
    "ShrugLower",
    "ShrugUpper",
    "PressLeft",
    "PressRight",
    "LowerDownLeft",
    "LowerDownRight",
    "UpperUpLeft",
    "UpperUpRight",
]
# ARKit's 52 names, in the packet's order.
ARKIT: tuple[str, ...] = (
    *(f"eye{part}{side}" for side in ("Left", "Right") for part in _EYE),
    *("jawForward", "jawLeft", "jawRight", "jawOpen"),
    *(f"mouth{part}" for part in _MOUTH),
    *("browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    *("cheekPuff", "cheekSquintLeft", "cheekSquintRight", "noseSneerLeft", "noseSneerRight"),
    "tongueOut",
)
_TURNS = ("Yaw", "Pitch", "Roll")
CURVES: tuple[str, ...] = (
    *ARKIT,
    *(f"head{turn}" for turn in _TURNS),
    *(f"{side}Eye{turn}" for side in ("left", "right") for turn in _TURNS),
)
COUNT = len(CURVES)
INDEX = {name: i for i, name in enumerate(CURVES)}
_RATE = struct.Struct(">ifii")
_VALUES = struct.Struct(f">B{COUNT}f")


@dataclass(slots=True)
class Face:
    """One packet: whose face, at which timecode frame, and its curves (61,); None: no face.

    rate is None where the packet says none: PyLiveLinkFace below 60 Hz says 30/0.
    """

    device: str
    subject: str
    frame: int = 0
    subframe: float = 0.0
    rate: Fraction | None = Fraction(60)
    curves: Array | None = field(default_factory=lambda: np.zeros(COUNT, np.float32))


def curves(values: Mapping[str, float]) -> Array:
    """(61,) from named values; names that are no curve are left out."""
    out = np.zeros(COUNT, np.float32)
    for name, value in values.items():
        if name in INDEX:
            out[INDEX[name]] = value
    return out


def encode(face: Face) -> bytes:
    """The packet."""
    rate = Fraction(face.rate or 60)
    head = bytes((VERSION,)) + _string("device id", face.device) + _string("subject", face.subject)
    try:
        time = _RATE.pack(face.frame, face.subframe, rate.numerator, rate.denominator)
    except (struct.error, OverflowError):
        raise ProtocolError(
            f"Live Link Face counts frames in 32 bits; frame {face.frame} at {rate} does not fit."
        ) from None
    if face.curves is None:
        return head + time
    values = np.asarray(face.curves, ">f4")
    if values.shape != (COUNT,) or not np.isfinite(values).all():
        raise ProtocolError(f"Live Link Face has {COUNT} finite curves, not {values.shape}.")
    return head + time + bytes((COUNT,)) + values.tobytes()


def _string(what: str, value: str) -> bytes:
    raw = value.encode()
    if not 0 < len(raw) <= LONGEST_NAME:
        raise ProtocolError(f"A {what} has 1 to {LONGEST_NAME} bytes, {value[:40]!r} {len(raw)}.")
    return struct.pack(">i", len(raw)) + raw


def decode(data: bytes) -> Face:
    """The packet in a datagram."""
    if not data or data[0] != VERSION:
        version = data[0] if data else "nothing"
        raise ProtocolError(f"Live Link Face packets have version {VERSION}, this one {version}.")
    device, at = _read_string(data, 1)
    subject, at = _read_string(data, at)
    if at == len(data):
        return Face(device, subject, curves=None)
    if at + _RATE.size > len(data):
        raise ProtocolError("A Live Link Face packet ends within its timecode.")
    frame, subframe, numerator, denominator = _RATE.unpack_from(data, at)
    # A time that makes none costs the timecode and not the face.
    known = numerator > 0 and denominator > 0 and 0.0 <= subframe < 1.0
    rate = Fraction(numerator, denominator) if known else None
    face = Face(device, subject, frame, subframe if known else 0.0, rate, None)
    at += _RATE.size
    if at == len(data) or data[at:] == b"\0":
        return face
    if data[at] != COUNT or len(data) - at != _VALUES.size:
        raise ProtocolError(
            f"A Live Link Face packet has {COUNT} curves; this one says {data[at]} and has "
            f"{len(data) - at - 1} bytes of them."
        )
    values = np.frombuffer(data, ">f4", COUNT, at + 1).astype(np.float32)
    if not np.isfinite(values).all():
        raise ProtocolError("A Live Link Face packet has a curve that is no finite number.")
    face.curves = values
    return face


def _read_string(data: bytes, at: int) -> tuple[str, int]:
    if at + 4 > len(data):
        raise ProtocolError("A Live Link Face packet ends before its names do.")
    (size,) = struct.unpack_from(">i", data, at)
    at += 4
    if not 0 <= size <= LONGEST_NAME or at + size > len(data):
        raise ProtocolError(f"A name in a Live Link Face packet claims {size} bytes.")
    try:
        return data[at : at + size].decode(), at + size
    except UnicodeDecodeError:
        raise ProtocolError("A name in a Live Link Face packet is not UTF-8.") from None
