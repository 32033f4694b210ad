"""iFacialMocap's text, and Facemotion3d's: a phone's 52 ARKit shapes, head and eyes.

Fields between bars. A shape is NAME-VALUE, or NAME&VALUE in version 2 and of Facemotion3d, 0 to
100, with _L and _R for left and right. `=head#` has three angles in degrees and a place, `leftEye#`
and `rightEye#` three angles. They are Unity's: about x, y and z, left-handed, y outermost, then x.
Over TCP the phone connects to us, and ___iFacialMocap or ___FACEMOTION3D lies between messages.
Before a phone sends, it is asked to, by UDP: `hello`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from understudy.runtime.core.rotation import Array

from .error import ProtocolError
from .livelinkface import ARKIT, COUNT, INDEX

PORT = 49983
FACEMOTION3D_PORT = 49993
TCP_PORT = 49986  # of both
HELLO = b"iFacialMocap_sahuasouryya9218sauhuiayeta91555dy3719|sendDataVersion=v2"
FACEMOTION3D_HELLO = b"FACEMOTION3D_OtherStreaming"
TCP_HELLO = HELLO.replace(b"iFacialMocap_", b"iFacialMocap_UDPTCP_", 1)
FACEMOTION3D_TCP_HELLO = FACEMOTION3D_HELLO + b"|protocol=tcp"
_BETWEEN = re.compile(rb"___(?:iFacialMocap|FACEMOTION3D)")
MOST_BYTES, MOST_FIELDS = 16384, 160

_PLACES = {name.lower(): INDEX[name] for name in ARKIT} | {
    name.lower().removesuffix(side) + mark: INDEX[name]
    for name in ARKIT
    for side, mark in (("left", "_l"), ("right", "_r"))
    if name.lower().endswith(side)
}
_TURNS = {"head": "head", "lefteye": "leftEye", "righteye": "rightEye"}


@dataclass(slots=True)
class Face:
    """One message: Live Link Face's 61 curves (61,), of which head and eyes turn by parts of half a
    turn, and the head's place as the phone says it; unknown: shapes that ARKit does not have."""

    curves: Array
    head_place: tuple[float, float, float] = (0.0, 0.0, 0.0)
    unknown: int = 0


def encode(curves: Mapping[str, float], version: int = 2) -> bytes:
    """The message of curves by their names in Live Link Face."""
    mark = "&" if version == 2 else "-"
    fields = []
    for name in ARKIT:
        value = 100.0 * float(curves.get(name, 0.0))
        said = f"{value:.4f}" if version == 2 else f"{min(max(round(value), 0), 100)}"
        short = name
        for side, letter in (("Left", "_L"), ("Right", "_R")):
            if name.endswith(side) and name not in (
                "jawLeft",
                "jawRight",
                "mouthLeft",
                "mouthRight",
            ):
                short = name.removesuffix(side) + letter
        fields.append(f"{short}{mark}{said}")
    turns = []
    for key, stem in (("=head", "head"), ("rightEye", "rightEye"), ("leftEye", "leftEye")):
        yaw, pitch, roll = (float(curves.get(f"{stem}{t}", 0.0)) for t in ("Yaw", "Pitch", "Roll"))
        angles = [180.0 * pitch, -180.0 * yaw, -180.0 * roll] + [0.0] * (3 if stem == "head" else 0)
        turns.append(f"{key}#{','.join(f'{angle:.6f}' for angle in angles)}")
    return ("|".join([*fields, *turns]) + "|").encode()


def decode(data: bytes) -> Face:
    """The message in a datagram."""
    if len(data) > MOST_BYTES:
        raise ProtocolError(f"A face in text has up to {MOST_BYTES} bytes, this {len(data)}.")
    try:
        fields = data.decode("utf-8").replace("=", "|").split("|")
    except UnicodeDecodeError:
        raise ProtocolError("A face in text is UTF-8, and this is not.") from None
    if len(fields) > MOST_FIELDS:
        raise ProtocolError(f"A face in text has up to {MOST_FIELDS} fields, not {len(fields)}.")
    face, found = Face(np.zeros(COUNT, np.float32)), 0
    for field in fields:
        field = field.strip("\0 \r\n")
        if not field or field.startswith("___"):
            continue
        name, hash_, angles = field.partition("#")
        if hash_:
            found += _turn(face, name, angles)
            continue
        name, mark, value = field.partition("&") if "&" in field else field.partition("-")
        if mark and (place := _PLACES.get(name.strip().lower())) is not None:
            face.curves[place] = _number(value, field) / 100.0
            found += 1
        elif mark:
            face.unknown += 1
    if not found:
        raise ProtocolError("A face in text has shapes as jawOpen-25 between bars, this has none.")
    return face


def cut(stream: bytes) -> tuple[list[bytes], int]:
    """The whole messages at the beginning of a stream, and how many bytes they take."""
    found, used = [], 0
    for mark in _BETWEEN.finditer(stream):
        if stream[used : mark.start()].strip(b"|\0 \r\n"):  # some senders have a mark on both sides
            found.append(stream[used : mark.start()])
        used = mark.end()
    if len(stream) - used > MOST_BYTES:
        raise ProtocolError(f"A face in text has up to {MOST_BYTES} bytes, and this has no end.")
    return found, used


def _turn(face: Face, name: str, text: str) -> int:
    """Head or eye; how many of them this was."""
    stem = _TURNS.get(name.strip().lower())
    values = text.split(",")
    if stem is None:
        return 0
    if len(values) < 3:
        raise ProtocolError(f"{stem} has three angles in a face in text, not {text[:40]!r}.")
    pitch, yaw, roll = (_number(value, text) / 180.0 for value in values[:3])
    # Unity's axes are ours mirrored in x: turns about y and z are the other way round.
    for turn, value in (("Yaw", -yaw), ("Pitch", pitch), ("Roll", -roll)):
        face.curves[INDEX[f"{stem}{turn}"]] = value
    if stem == "head" and len(values) >= 6:
        face.head_place = tuple(_number(value, text) for value in values[3:6])  # type: ignore
    return 1


def _number(text: str, field: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not abs(value) <= 1e6:
        raise ProtocolError(f"A face in text has a number in each field, not {field[:40]!r}.")
    return value
