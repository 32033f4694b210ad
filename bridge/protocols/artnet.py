"""Art-Net's timecode (OpTimeCode): 19 bytes by UDP, a label and which of four rates it counts."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from .error import ProtocolError

PORT = 6454
RATES = ("24", "25", "29.97df", "30")
_HEAD = b"Art-Net\0"
_FORM = struct.Struct("<8sHBBBB5B")
_TIMECODE, _VERSION = 0x9700, 14


@dataclass(frozen=True, slots=True)
class Timecode:
    """A label HH:MM:SS:FF and the name of its rate."""

    label: str
    rate: str


def decode(data: bytes) -> Timecode | None:
    """The timecode in a datagram; None where it is another message of Art-Net's."""
    if data[:8] != _HEAD or len(data) < 10:
        raise ProtocolError("Art-Net begins with its name, and this not.")
    if data[8:10] != _TIMECODE.to_bytes(2, "little"):
        return None
    if len(data) < _FORM.size:
        raise ProtocolError(f"Art-Net's timecode has {_FORM.size} bytes, and this {len(data)}.")
    *_, frames, seconds, minutes, hours, kind = _FORM.unpack_from(data)
    if frames > 29 or seconds > 59 or minutes > 59 or hours > 23 or kind >= len(RATES):
        raise ProtocolError("Art-Net's timecode has a number that is none.")
    mark = ";" if kind == 2 else ":"
    return Timecode(f"{hours:02}:{minutes:02}:{seconds:02}{mark}{frames:02}", RATES[kind])


def encode(said: Timecode) -> bytes:
    """The datagram of a label."""
    hours, minutes, seconds, frames = map(int, said.label.replace(";", ":").split(":"))
    kind = RATES.index(said.rate)
    return _FORM.pack(_HEAD, _TIMECODE, 0, _VERSION, 0, 0, frames, seconds, minutes, hours, kind)
