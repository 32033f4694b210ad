"""The eight bytes before every message: what it is, and by which version of the schema."""

from __future__ import annotations

import struct

SCHEMA_VERSION = 1
FRAME = b"FRAM"
SKELETONS = b"SKEL"
EVENTS = b"EVNT"
# What came in at a tick, for recorders: msgpack, and no message of a subscriber's.
INPUTS = b"INPT"
# What was heard beside the stage, for recorders: msgpack as well.
SOUND = b"SOND"

_LAYOUT = struct.Struct("<4sI")
SIZE = _LAYOUT.size


class WireError(ValueError):
    """Bytes that are no message of ours; they are counted and left alone."""


class VersionError(WireError):
    """A message of ours, by another version of the schema."""

    def __init__(self, version: int) -> None:
        super().__init__(f"schema version {version}, this side reads {SCHEMA_VERSION}")
        self.version = version


def seal(topic: bytes) -> bytes:
    """The 8 bytes for a message of this topic."""
    return _LAYOUT.pack(topic, SCHEMA_VERSION)


def open_envelope(message: bytes) -> bytes:
    """The topic of a message, once its version is known to be ours."""
    if len(message) < SIZE:
        raise WireError(f"{len(message)} bytes, an envelope has {SIZE}")
    topic, version = _LAYOUT.unpack_from(message)
    if topic not in (FRAME, SKELETONS, EVENTS):
        raise WireError(f"unknown topic {topic!r}")
    if version != SCHEMA_VERSION:
        raise VersionError(version)
    return bytes(topic)
