"""Sony mocopi's UDP stream: boxes of u32 size, four letters and content, little-endian, nested.

head (ftyp, vrsn) and sndf (ipad, rcvp) begin every datagram. skdf > bons > bndt (bnid u16, pbid
u16, tran) is the skeleton, sent now and then; fram (fnum u32, time, uttm f64, btrs > btdt (bnid,
tran)) a pose. tran is seven f32: rotation x y z w and position in metres, local to the parent. The
axes are ours: right-handed, +Y up, +Z forward. Boxes that are not known are passed over.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from understudy.runtime.core.rotation import Array

from .error import ProtocolError

PORT = 12351
MOST_BONES = 64
_TRAN = struct.Struct("<7f")

# bone -> its parent, by number
BONES: dict[str, str] = {
    "root": "",
    **{f"torso_{n}": f"torso_{n - 1}" if n > 1 else "root" for n in range(1, 8)},
    "neck_1": "torso_7",
    "neck_2": "neck_1",
    "head": "neck_2",
}
for _side in "lr":
    _above = "torso_7"
    for _part in ("shoulder", "up_arm", "low_arm", "hand"):
        BONES[f"{_side}_{_part}"], _above = _above, f"{_side}_{_part}"
for _side in "lr":
    _above = "root"
    for _part in ("up_leg", "low_leg", "foot", "toes"):
        BONES[f"{_side}_{_part}"], _above = _above, f"{_side}_{_part}"
NAMES = tuple(BONES)
assert len(NAMES) == 27


@dataclass(slots=True)
class Bones:
    """numbers (N,), positions (N, 3), rotations (N, 4), local; parents (N,) numbers where it is a
    skeleton, None where it is a pose, which has a number and a time of day in seconds, or None."""

    numbers: np.ndarray
    positions: Array
    rotations: Array
    parents: np.ndarray | None = None
    frame: int = 0
    time_s: float | None = None


def box(name: str, *content: bytes) -> bytes:
    """A box of content or of boxes."""
    whole = b"".join(content)
    return struct.pack("<I", len(whole)) + name.encode() + whole


def encode(said: Bones) -> bytes:
    """The datagram of a skeleton or a pose."""
    bones = []
    for i, number in enumerate(said.numbers):
        tran = box("tran", _TRAN.pack(*said.rotations[i], *said.positions[i]))
        parts = [box("bnid", struct.pack("<H", number))]
        if said.parents is not None:
            parts.append(box("pbid", struct.pack("<H", said.parents[i])))
        bones.append(box("btdt" if said.parents is None else "bndt", *parts, tran))
    if said.parents is not None:
        body = box("skdf", box("bons", *bones))
    else:
        body = box(
            "fram",
            box("fnum", struct.pack("<I", said.frame & 0xFFFFFFFF)),
            box("time", struct.pack("<f", (said.time_s or 0.0) % 1000.0)),
            box("uttm", struct.pack("<d", said.time_s or 0.0)),
            box("btrs", *bones),
        )
    return (
        box("head", box("ftyp", b"sony motion format"), box("vrsn", b"\x01"))
        + box("sndf", box("ipad", bytes(8)), box("rcvp", struct.pack("<H", PORT)))
        + body
    )


def decode(data: bytes) -> Bones:
    """The skeleton or the pose in a datagram."""
    top = dict(_boxes(data))
    if "skdf" in top:
        bones = [
            dict(_boxes(one)) for name, one in _boxes(_in(top["skdf"], "bons")) if name == "bndt"
        ]
        return _bones(bones, True)
    if "fram" not in top:
        raise ProtocolError("A mocopi datagram has a skdf or a fram, and this one neither.")
    frame = dict(_boxes(top["fram"]))
    said = _bones(
        [dict(_boxes(one)) for name, one in _boxes(frame.get("btrs", b"")) if name == "btdt"], False
    )
    if len(frame.get("fnum", b"")) == 4:
        (said.frame,) = struct.unpack("<I", frame["fnum"])
    if len(frame.get("uttm", b"")) == 8:
        (time_s,) = struct.unpack("<d", frame["uttm"])
        said.time_s = time_s if 0.0 < time_s < 1e11 else None
    return said


def _boxes(data: bytes) -> list[tuple[str, bytes]]:
    found, at = [], 0
    while at < len(data):
        if at + 8 > len(data):
            raise ProtocolError("A mocopi datagram ends within a box.")
        (size,) = struct.unpack_from("<I", data, at)
        name = data[at + 4 : at + 8]
        if size > len(data) - at - 8 or not name.isalnum():
            raise ProtocolError(f"A mocopi box {name!r} says {size} bytes, and has fewer.")
        found.append((name.decode("ascii", "replace"), data[at + 8 : at + 8 + size]))
        at += 8 + size
    return found


def _in(data: bytes, name: str) -> bytes:
    return dict(_boxes(data)).get(name, b"")


def _bones(rows: list[dict[str, bytes]], skeleton: bool) -> Bones:
    if not 0 < len(rows) <= MOST_BONES:
        raise ProtocolError(f"A mocopi body has 1 to {MOST_BONES} bones, this one {len(rows)}.")
    numbers: list[int] = []
    parents: list[int] = []
    values: list[tuple[float, ...]] = []
    for row in rows:
        sizes = [len(row.get(name, b"")) for name in ("bnid", "tran", "pbid")]
        if sizes[:2] != [2, 28] or (skeleton and sizes[2] != 2):
            raise ProtocolError("A mocopi bone has a number and seven values, this one not.")
        numbers += struct.unpack("<H", row["bnid"])
        parents += struct.unpack("<H", row["pbid"]) if skeleton else (0,)
        values.append(_TRAN.unpack(row["tran"]))
    made = np.array(values)
    lengths = np.sqrt((made[:, :4] ** 2).sum(axis=1, keepdims=True))
    if not np.isfinite(made).all() or np.abs(made).max() > 1e4 or lengths.min() < 0.5:
        raise ProtocolError("A mocopi bone has a value that is none, or is no rotation.")
    return Bones(
        np.array(numbers),
        made[:, 4:],
        made[:, :4] / lengths,
        np.array(parents) if skeleton else None,
    )
