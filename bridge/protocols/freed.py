"""FreeD D1, the camera message of studio trackers: 29 bytes, big-endian, fixed point.

Angles in degrees x 32768, positions in millimetres x 64, signed 24 bits. Zoom and focus are counts
of the lens's encoder, 24 bits, and the user word is often the iris: what a count means is between
the sender and the receiver. The last byte makes the sum of all 29, less 0x40, a multiple of 256.
Pan is positive to the right, tilt up, roll clockwise seen from behind (Vinten Radamec's manual).
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

import numpy as np

from understudy.runtime.core.rotation import Array

from . import axes
from .error import ProtocolError

SIZE = 29
PORT = 40000
TYPE = 0xD1
_ANGLE, _LENGTH = 32768.0, 64.0
_SIGNED, _UNSIGNED = 1 << 23, 1 << 24


@dataclass(frozen=True, slots=True)
class Tracking:
    """What one message says, in the protocol's own axes: x right, y forward, z up."""

    camera: int = 0
    pan_deg: float = 0.0
    tilt_deg: float = 0.0
    roll_deg: float = 0.0
    x_mm: float = 0.0
    y_mm: float = 0.0
    z_mm: float = 0.0
    zoom: int = 0
    focus: int = 0
    user: int = 0
    summed: bool = True  # whether the checksum is right


def encode(tracking: Tracking) -> bytes:
    """The 29 bytes; raises where a value does not fit, since a clipped camera lies."""
    t = tracking
    if not 0 <= t.camera <= 255:
        raise ProtocolError(f"FreeD numbers cameras 0 to 255, this one is {t.camera}.")
    if not 0 <= t.user <= 0xFFFF:
        raise ProtocolError(f"FreeD's user word has 16 bits, {t.user} does not fit.")
    body = bytearray((TYPE, t.camera))
    for name, unit in (("pan_deg", _ANGLE), ("tilt_deg", _ANGLE), ("roll_deg", _ANGLE)):
        body += _fixed(name, getattr(t, name), unit)
    for name in ("x_mm", "y_mm", "z_mm"):
        body += _fixed(name, getattr(t, name), _LENGTH)
    for name in ("zoom", "focus"):
        count = getattr(t, name)
        if not 0 <= count < _UNSIGNED:
            raise ProtocolError(f"FreeD's {name} has 24 bits, {count} does not fit.")
        body += count.to_bytes(3, "big")
    body += struct.pack(">H", t.user)
    body.append(checksum(body))
    return bytes(body)


def _fixed(name: str, value: float, unit: float) -> bytes:
    # Half a step at the edge is rounded onto it: 180 degrees of pan must not be an error.
    whole = round(value * unit) if math.isfinite(value) else _SIGNED + 1
    if not -_SIGNED <= whole < _SIGNED:
        limit = _SIGNED / unit
        raise ProtocolError(f"FreeD's {name} lies within {limit:g}, {value:g} does not.")
    return whole.to_bytes(3, "big", signed=True)


def checksum(first_28: bytes | bytearray) -> int:
    """The last byte of a message."""
    return (0x40 - sum(first_28)) & 0xFF


def wrong_sum(data: bytes) -> str:
    """What to say of a message whose checksum is not what it should be."""
    return f"A FreeD message's checksum is {data[28]:02X} and should be {checksum(data[:28]):02X}."


def decode(data: bytes, summed: bool = True) -> Tracking:
    """The message in a datagram; summed=False: one with a wrong checksum too."""
    if len(data) != SIZE:
        raise ProtocolError(f"A FreeD D1 message has {SIZE} bytes, this one has {len(data)}.")
    if data[0] != TYPE:
        raise ProtocolError(f"A FreeD camera message is of type D1, this one of {data[0]:02X}.")
    right = checksum(data[:28]) == data[28]
    if summed and not right:
        raise ProtocolError(wrong_sum(data))
    words = [data[at : at + 3] for at in range(2, 26, 3)]
    pan, tilt, roll, x, y, z = (int.from_bytes(word, "big", signed=True) for word in words[:6])
    return Tracking(
        camera=data[1],
        pan_deg=pan / _ANGLE,
        tilt_deg=tilt / _ANGLE,
        roll_deg=roll / _ANGLE,
        x_mm=x / _LENGTH,
        y_mm=y / _LENGTH,
        z_mm=z / _LENGTH,
        zoom=int.from_bytes(words[6], "big"),
        focus=int.from_bytes(words[7], "big"),
        user=int.from_bytes(data[26:28], "big"),
        summed=right,
    )


def tracking(
    camera: int, position: Array, turn: Array, zoom: int = 0, focus: int = 0, user: int = 0
) -> Tracking:
    """From a camera in our axes: position (3,) in metres, rotation (4,)."""
    metres, q = axes.to_studio(position, turn)
    x, y, z = (1e3 * float(v) for v in metres)
    left, up, clockwise = map(math.degrees, axes.pan_tilt_roll(q))
    return Tracking(camera, -left, up, clockwise, x, y, z, zoom, focus, user)


def transform(tracking: Tracking) -> tuple[Array, Array]:
    """Position (3,) in metres and rotation (4,) in our axes."""
    t = tracking
    angles = map(math.radians, (-t.pan_deg, t.tilt_deg, t.roll_deg))
    return axes.from_studio(
        np.array([t.x_mm, t.y_mm, t.z_mm]) / 1e3, axes.from_pan_tilt_roll(*angles)
    )
