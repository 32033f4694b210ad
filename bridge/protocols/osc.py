"""Open Sound Control 1.0: messages and bundles, the types that VMC and its receivers know.

A packet is decoded to a flat list of messages; bundles in bundles are flattened. `encode` and
`bundle` are for the odd message; a stream packs its own bytes (see vmc_packer).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import NamedTuple

from .error import ProtocolError

Argument = float | int | str | bytes | bool | None

BUNDLE = b"#bundle\0"
IMMEDIATELY = b"\0\0\0\0\0\0\0\1"
_DEPTH = 8
_FIXED = {"i": struct.Struct(">i"), "f": struct.Struct(">f"), "d": struct.Struct(">d")}
_FIXED |= {"h": struct.Struct(">q"), "t": struct.Struct(">Q")}
_CONSTANT: dict[str, Argument] = {"T": True, "F": False, "N": None, "I": float("inf")}


class Message(NamedTuple):
    """An address and its arguments."""

    address: str
    arguments: tuple[Argument, ...] = ()


def decode(packet: bytes) -> list[Message]:
    """The messages of a packet, in order."""
    messages: list[Message] = []
    _decode(bytes(packet), messages, 0)
    return messages


def _decode(packet: bytes, messages: list[Message], depth: int) -> None:
    if len(packet) % 4 or not packet:
        raise ProtocolError(f"An OSC packet has a length in fours, this one has {len(packet)}.")
    if not packet.startswith(BUNDLE):
        messages.append(_message(packet))
        return
    if depth == _DEPTH:
        raise ProtocolError(f"OSC bundles are nested {_DEPTH} deep; nobody means that.")
    at = 16
    if len(packet) < at:
        raise ProtocolError(f"An OSC bundle has 16 bytes or more, this one has {len(packet)}.")
    while at < len(packet):
        (size,) = struct.unpack_from(">i", packet, at)
        at += 4
        if size <= 0 or at + size > len(packet):
            raise ProtocolError(f"An OSC bundle's element claims {size} of {len(packet) - at}.")
        _decode(packet[at : at + size], messages, depth + 1)
        at += size


def _message(packet: bytes) -> Message:
    address, at = _text(packet, 0)
    if not address.startswith("/"):
        raise ProtocolError(f"An OSC address starts with a slash, this is {address[:40]!r}.")
    if at == len(packet):  # senders of old leave the types out where there is nothing to type
        return Message(address)
    types, at = _text(packet, at)
    if not types.startswith(","):
        raise ProtocolError(f"{address[:40]!r} has no list of types.")
    arguments: list[Argument] = []
    for letter in types[1:]:
        if letter in _CONSTANT:
            arguments.append(_CONSTANT[letter])
            continue
        if letter in _FIXED:
            kind = _FIXED[letter]
            if at + kind.size > len(packet):
                raise ProtocolError(f"{address[:40]!r} ends before its {letter!r} does.")
            arguments.append(kind.unpack_from(packet, at)[0])
            at += kind.size
        elif letter in "sS":
            text, at = _text(packet, at)
            arguments.append(text)
        elif letter == "b":
            blob, at = _blob(packet, at)
            arguments.append(blob)
        else:
            raise ProtocolError(f"{address[:40]!r} has an argument of unknown type {letter!r}.")
    return Message(address, tuple(arguments))


def _text(packet: bytes, at: int) -> tuple[str, int]:
    """The string that starts here, and where what follows it starts."""
    end = packet.find(b"\0", at)
    if end < 0:
        raise ProtocolError("An OSC string runs past the end of its packet.")
    try:
        text = packet[at:end].decode()
    except UnicodeDecodeError:
        raise ProtocolError("An OSC string is not UTF-8.") from None
    after = (end + 4) & ~3
    if after > len(packet):
        raise ProtocolError("An OSC string is not padded to four bytes.")
    return text, after


def _blob(packet: bytes, at: int) -> tuple[bytes, int]:
    if at + 4 > len(packet):
        raise ProtocolError("An OSC blob ends before its length does.")
    (size,) = struct.unpack_from(">i", packet, at)
    after = at + 4 + ((size + 3) & ~3)
    if size < 0 or after > len(packet):
        raise ProtocolError(f"An OSC blob claims {size} bytes and has {len(packet) - at - 4}.")
    return packet[at + 4 : at + 4 + size], after


def text(value: str) -> bytes:
    """A string with its end and its padding."""
    raw = value.encode()
    if b"\0" in raw:
        raise ProtocolError(f"OSC strings hold no zero byte, {value[:40]!r} does.")
    return raw + b"\0" * (4 - len(raw) % 4)


def encode(address: str, *arguments: float | int | str) -> bytes:
    """One message: whole numbers as i, others as f, text as s, what every receiver reads."""
    types, body = ",", b""
    for value in arguments:
        if isinstance(value, str):
            types, body = types + "s", body + text(value)
        elif isinstance(value, int):
            if not -(2**31) <= value < 2**31:
                raise ProtocolError(f"OSC carries whole numbers of 32 bits, {value} is longer.")
            types, body = types + "i", body + struct.pack(">i", value)
        else:
            try:
                types, body = types + "f", body + struct.pack(">f", value)
            except OverflowError:
                raise ProtocolError(f"OSC's floats have 32 bits, {value:g} is larger.") from None
    return text(address) + text(types) + body


def bundle(messages: Iterable[bytes]) -> bytes:
    """Messages as one packet, to be taken at once."""
    parts = [struct.pack(">i", len(message)) + message for message in messages]
    return BUNDLE + IMMEDIATELY + b"".join(parts)
