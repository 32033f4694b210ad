"""What MVN says of a character that stands still ("scale", type 13): its segments and its points.

A message has segments and no points, or points and no segments. i32 segments, each a name and the
place of its origin in the T-pose; i32 points, each u16 segment, u16 number within it, a name, u32
flags and the place from the segment's origin. Names have their length before them; +Z up.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from understudy.runtime.core.rotation import Array

from .error import ProtocolError

LONGEST_NAME, MOST_NAMES, MOST_POINTS = 128, 96, 256
LARGEST = 1e6
_COUNT, _PLACE, _FLAGS = struct.Struct(">i"), struct.Struct(">3f"), struct.Struct(">I3f")
_NUMBERS = struct.Struct(">HH")


class Point(NamedTuple):
    """A point on a segment: the numbers of both, its name, and its place (3,) from the segment's
    origin in the T-pose."""

    segment: int
    number: int
    name: str
    place: tuple[float, float, float]


@dataclass(slots=True)
class Scale:
    """Segments in the T-pose, +Z up: names and places (N, 3); none where it holds points alone."""

    names: tuple[str, ...]
    places: Array
    points: list[Point] = field(default_factory=list)


def pack_scale(scale: Scale) -> bytes:
    """The bytes of a message."""
    parts = [_COUNT.pack(len(scale.names))]
    for name, place in zip(scale.names, scale.places, strict=True):
        parts += [_text(name), _PLACE.pack(*place)]
    parts.append(_COUNT.pack(len(scale.points)))
    for point in scale.points:
        parts += [_NUMBERS.pack(point.segment, point.number), _text(point.name)]
        parts.append(_FLAGS.pack(0, *point.place))
    return b"".join(parts)


def read_scale(payload: bytes) -> Scale:
    """Of a message's bytes."""
    try:
        count, at = _counted(payload, 0, MOST_NAMES, "segments")
        names, places = [], []
        for _ in range(count):
            name, at = _name(payload, at)
            names.append(name)
            places.append(_PLACE.unpack_from(payload, at))
            at += _PLACE.size
        points = []
        if at + _COUNT.size <= len(payload):  # some versions end here
            count, at = _counted(payload, at, MOST_POINTS, "points")
            for _ in range(count):
                segment, number = _NUMBERS.unpack_from(payload, at)
                name, at = _name(payload, at + _NUMBERS.size)
                _, *place = _FLAGS.unpack_from(payload, at)
                at += _FLAGS.size
                points.append(Point(segment, number, name, (place[0], place[1], place[2])))
    except struct.error:
        raise ProtocolError("An MVN T-pose ends within its segments or points.") from None
    where = np.array(places, float).reshape(-1, 3)
    every = np.concatenate([where, np.array([p.place for p in points], float).reshape(-1, 3)])
    if not np.isfinite(every).all() or np.abs(every).max(initial=0.0) > LARGEST:
        raise ProtocolError("An MVN T-pose has a number that is not finite, or beyond all rooms.")
    return Scale(tuple(names), where, points)


def _text(name: str) -> bytes:
    raw = name.encode()
    return _COUNT.pack(len(raw)) + raw


def _counted(payload: bytes, at: int, most: int, what: str) -> tuple[int, int]:
    (count,) = _COUNT.unpack_from(payload, at)
    if not 0 <= count <= most:
        raise ProtocolError(f"An MVN T-pose has up to {most} {what}, this one {count}.")
    return count, at + _COUNT.size


def _name(payload: bytes, at: int) -> tuple[str, int]:
    (length,) = _COUNT.unpack_from(payload, at)
    at += _COUNT.size
    if not 0 <= length <= LONGEST_NAME or at + length > len(payload):
        raise ProtocolError("An MVN T-pose ends within its segments or points.")
    return payload[at : at + length].decode("utf-8", "replace"), at + length
