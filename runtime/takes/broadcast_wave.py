"""Sound as a Broadcast Wave file: WAV that says when it was recorded, and of which take it is.

The chunk `bext` is EBU Tech 3285 version 1, `iXML` is that of ixml.info: editing programs lay the
file by its time of day, and show scene, take and the names of its channels.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.files import whole
from understudy.runtime.core.sound import RATE_HZ, Samples

MOST_BYTES = (1 << 32) - (1 << 16)  # lengths are 32 bits
PIECE = 1 << 20
_BEXT = struct.Struct("<256s32s32s10s8sQH64s190s")


@dataclass(frozen=True)
class Origin:
    """What a sound says of itself.

    since_midnight_s  when its first sample was heard
    begun             date and time, as 2026-03-14 and 10:31:04
    slate             words of the slate: project, scene, take, notes
    timecode_rate     its exact rate, as 30000/1001, and whether frames are dropped
    """

    since_midnight_s: float = 0.0
    begun: tuple[str, str] = ("", "")
    slate: Mapping[str, str] | None = None
    timecode_rate: str = ""
    drop_frame: bool = False


def write(path: Path, channels: Mapping[str, Samples], origin: Origin) -> None:
    """Writes channels (N,) int16 by their names, all equally long."""
    names, columns = list(channels), [np.asarray(one, "<i2") for one in channels.values()]
    count, wide = len(columns[0]), 2 * len(columns)
    if count * wide > MOST_BYTES:
        raise UnderstudyError(
            f"{path.name} would hold {count * wide / 2**30:.1f} GB of sound, and a WAV at most 4: "
            "trim the take first."
        )
    chunks = [
        (b"fmt ", struct.pack("<HHIIHH", 1, len(columns), RATE_HZ, RATE_HZ * wide, wide, 16)),
        (b"bext", _bext(origin)),
        (b"iXML", _ixml(names, origin)),
    ]
    head = b"".join(
        name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
        for name, data in chunks
    )
    with whole(path) as part, part.open("wb") as file:
        file.write(b"RIFF" + struct.pack("<I", 4 + len(head) + 8 + count * wide) + b"WAVE" + head)
        file.write(b"data" + struct.pack("<I", count * wide))
        for begin in range(0, count, PIECE):
            rows = [column[begin : begin + PIECE] for column in columns]
            file.write(np.stack(rows, axis=1).tobytes())


def _bext(origin: Origin) -> bytes:
    slate = origin.slate or {}
    said = " ".join(f"{name}={value}" for name, value in slate.items() if value)

    def text(value: str) -> bytes:
        return value.encode("ascii", "replace")

    samples = max(round(origin.since_midnight_s * RATE_HZ), 0)
    date, time = origin.begun
    return _BEXT.pack(
        text(said)[:256], b"Understudy", b"", text(date), text(time), samples, 1, b"", b""
    )


def _ixml(names: list[str], origin: Origin) -> bytes:
    slate = origin.slate or {}
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<BWFXML>"]
    lines.append("<IXML_VERSION>1.61</IXML_VERSION>")
    words = {"PROJECT": "project", "SCENE": "scene", "TAKE": "take", "NOTE": "notes"}
    for tag, word in words.items():
        if value := slate.get(word, ""):
            lines.append(f"<{tag}>{escape(value)}</{tag}>")
    if origin.timecode_rate:
        flag = "DF" if origin.drop_frame else "NDF"
        lines.append(
            f"<SPEED><TIMECODE_RATE>{origin.timecode_rate}</TIMECODE_RATE>"
            f"<TIMECODE_FLAG>{flag}</TIMECODE_FLAG></SPEED>"
        )
    lines.append(f"<TRACK_LIST><TRACK_COUNT>{len(names)}</TRACK_COUNT>")
    for number, name in enumerate(names, 1):
        lines.append(
            f"<TRACK><CHANNEL_INDEX>{number}</CHANNEL_INDEX>"
            f"<INTERLEAVE_INDEX>{number}</INTERLEAVE_INDEX><NAME>{escape(name)}</NAME></TRACK>"
        )
    return "\n".join([*lines, "</TRACK_LIST>", "</BWFXML>", ""]).encode()
