"""NatNet frames and models as bytes, of any version: what a simulated Motive says."""

from __future__ import annotations

import struct

from .natnet import ASSET, FRAME, MODELS, RIGID_BODY, VALID, Bodies, Frame, Model, Version, message


def _text(said: str) -> bytes:
    return said.encode()[:255] + b"\0"


def _list(version: Version, count: int, content: bytes = b"") -> bytes:
    size = struct.pack("<I", len(content)) if version >= (4, 1) else b""
    return struct.pack("<I", count) + size + content


def _bodies(version: Version, said: Bodies) -> bytes:
    found = b""
    for one, at, turn, valid in zip(
        said.ids, said.positions, said.rotations, said.valid, strict=True
    ):
        found += struct.pack("<i7f", one, *at, *turn)
        if version < (3, 0):
            found += struct.pack("<I", 0)  # markers
        found += struct.pack("<f", 0.0)
        if version >= (2, 6):
            found += struct.pack("<h", VALID * bool(valid))
    return found


def frame(said: Frame, version: Version) -> bytes:
    """The message of a frame, without markers."""
    empty = _list(version, 0)
    content = struct.pack("<i", said.number) + empty + empty
    content += _list(version, len(said.bodies.ids), _bodies(version, said.bodies))
    if version >= (2, 1):
        skeletons = b"".join(
            struct.pack("<iI", number, len(bones.ids)) + _bodies(version, bones)
            for number, bones in said.skeletons
        )
        content += _list(version, len(said.skeletons), skeletons)
    for since in ((4, 1), (2, 3), (2, 9), (2, 11)):  # assets, markers, force plates, devices
        content += empty if version >= since else b""
    content += struct.pack("<II", said.timecode, 0)
    content += struct.pack("<d" if version >= (2, 7) else "<f", said.time_s)
    if version >= (3, 0):
        content += struct.pack("<QQQ", said.exposed, said.received, said.sent)
    if version >= (4, 1):
        content += bytes(8)
    bits = said.recording * 1 + said.changed * 2
    return message(FRAME, content + struct.pack("<hI", bits, 0))


def models(said: list[Model], version: Version) -> bytes:
    """The message of what there is."""
    content = struct.pack("<I", len(said))
    for one in said:
        bones = b"".join(_bone(one, i, version) for i in range(len(one.bones)))
        if one.kind != RIGID_BODY:
            kind = struct.pack("<i", 0) if one.kind == ASSET else b""
            bones = _text(one.name) + kind + struct.pack("<iI", one.id, len(one.bones)) + bones
            bones += struct.pack("<I", 0) if one.kind == ASSET else b""
        size = struct.pack("<I", len(bones)) if version >= (4, 1) else b""
        content += struct.pack("<i", one.kind) + size + bones
    return message(MODELS, content)


def _bone(of: Model, i: int, version: Version) -> bytes:
    said = _text(of.bones[i]) + struct.pack("<ii3f", of.ids[i], of.parents[i], *of.positions[i])
    if version >= (4, 2):
        said += struct.pack("<4f", *of.rotations[i])
    return said + (struct.pack("<I", 0) if version >= (3, 0) else b"")
