"""OpenTrackIO over UDP: a 16-byte header, segments, and their reassembly.

Big-endian: "OTrk", u8 0, u8 encoding, u16 sequence, u32 segment offset, u16 of which bit 15 marks
the last segment and the rest is the payload's length, u16 Fletcher-16 over the 14 bytes before and
the payload. Multicast 239.135.1.N for source N of 1..200, port 55555.
"""

from __future__ import annotations

import struct
from collections import deque
from enum import IntEnum

import numpy as np

from .error import ProtocolError

PORT = 55555
GROUP = "239.135.1.{}"
SOURCES = range(1, 201)
_HEAD = struct.Struct(">4sBBHIHH")
_MARK = b"OTrk"
# One Ethernet frame holds header and segment; Unreal reads into 2048 bytes.
SEGMENT = 1472 - _HEAD.size
LARGEST_SAMPLE = 64 << 10
_LAST = 0x8000
# A sender that started over counts from 0 again: after so long a silence any number will do.
SILENCE_S = 0.1
# Datagrams that came twice, by two network cards, are the same to the last byte.
_REMEMBERED = 8


class Encoding(IntEnum):
    JSON = 1
    CBOR = 2


def fletcher16(data: bytes) -> int:
    """Two running sums modulo 256, the second in the high byte."""
    values = np.frombuffer(data, np.uint8).astype(np.uint32)
    weights = np.arange(len(values), 0, -1, dtype=np.uint32)
    return (int((values * weights).sum()) & 0xFF) << 8 | (int(values.sum()) & 0xFF)


def encode(
    payload: bytes, encoding: Encoding, sequence: int, segment: int = SEGMENT
) -> list[bytes]:
    """The datagrams of a sample. Sequence numbers count datagrams: give the first of them."""
    if len(payload) > LARGEST_SAMPLE:
        raise ProtocolError(
            f"An OpenTrackIO sample has at most {LARGEST_SAMPLE} bytes here, not {len(payload)}."
        )
    if not 1 <= segment < _LAST:
        raise ProtocolError(f"An OpenTrackIO segment has 1 to {_LAST - 1} bytes, not {segment}.")
    packets: list[bytes] = []
    for offset in range(0, max(1, len(payload)), segment):
        part = payload[offset : offset + segment]
        last = _LAST if offset + segment >= len(payload) else 0
        head = _HEAD.pack(
            _MARK, 0, encoding, (sequence + len(packets)) & 0xFFFF, offset, last | len(part), 0
        )[:14]
        packets.append(head + struct.pack(">H", fletcher16(head + part)) + part)
    return packets


def decode(datagram: bytes) -> tuple[Encoding, int, int, bool, bytes]:
    """Encoding, sequence number, offset, whether it is the last segment, and the segment."""
    if len(datagram) < _HEAD.size or datagram[:4] != _MARK:
        raise ProtocolError(f"{len(datagram)} bytes that do not start like OpenTrackIO's.")
    _, _, encoding, sequence, offset, length, checksum = _HEAD.unpack_from(datagram)
    payload = datagram[_HEAD.size :]
    if length & ~_LAST != len(payload):
        raise ProtocolError(
            f"An OpenTrackIO segment claims {length & ~_LAST} bytes and has {len(payload)}."
        )
    if fletcher16(datagram[:14] + payload) != checksum:
        raise ProtocolError("An OpenTrackIO segment's checksum is wrong.")
    if encoding not in (Encoding.JSON, Encoding.CBOR):
        raise ProtocolError(f"OpenTrackIO in encoding {encoding} is not read here; 1 and 2 are.")
    return Encoding(encoding), sequence, offset, bool(length & _LAST), payload


class Reassembler:
    """Joins the segments of one sender (one address and port); holds one unfinished sample.

    Some senders count datagrams, some samples: the numbers must not fall, that is all. What comes
    late or with a hole before it is counted in `dropped`; what comes twice in `repeated`.
    """

    def __init__(self) -> None:
        self.dropped = self.repeated = 0
        self._heard: deque[bytes] = deque(maxlen=_REMEMBERED)
        self._sequence = -1
        self._at_s = 0.0
        self._parts = bytearray()
        self._encoding: Encoding | None = None

    def feed(self, datagram: bytes, now_s: float) -> tuple[Encoding, bytes] | None:
        """Takes a datagram; gives the sample that it completes."""
        encoding, sequence, offset, last, payload = decode(datagram)
        if now_s - self._at_s > SILENCE_S:
            self._heard.clear()
        elif datagram in self._heard:
            self.repeated += 1
            return None
        behind = self._sequence >= 0 and 0 < (self._sequence - sequence) & 0xFFFF < 0x8000
        if behind and now_s - self._at_s <= SILENCE_S:
            self.dropped += 1
            return None
        self._heard.append(datagram)
        self._sequence, self._at_s = sequence, now_s
        if offset == 0:
            self.dropped += bool(self._parts)  # the one before never ended
            self._parts = bytearray()
            self._encoding = encoding
        if (
            encoding != self._encoding
            or offset != len(self._parts)
            or offset + len(payload) > LARGEST_SAMPLE
        ):
            self.dropped += 1
            self._parts, self._encoding = bytearray(), None
            return None
        self._parts += payload
        if not last:
            return None
        sample, self._parts, self._encoding = bytes(self._parts), bytearray(), None
        return encoding, sample
