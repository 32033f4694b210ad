"""OpenTrackIO 1.0 (SMPTE RIS-OSVP): camera tracking as a JSON or CBOR sample.

A sample has what this side uses of the schema; what else a sender puts in is passed over. Units are
the schema's: transforms in metres and degrees (x right, y forward, z up; pan left, tilt up, roll
clockwise, applied in this order), focal length, sensor and projection offset in millimetres,
distances in metres, encoders 0..1. How a sample crosses the network is in opentrackio_packet.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Annotated, Any

import cbor2
import msgspec
import numpy as np
from msgspec import Meta

from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array

from . import axes
from .error import ProtocolError

VERSION = (1, 0, 1)
_CBOR_DEPTH = 12  # the schema's own is 6

Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Number = Annotated[float, Meta(ge=-1e12, le=1e12)]  # bounded, so that it is finite
Text = Annotated[str, Meta(max_length=1023)]


class _Struct(msgspec.Struct, rename="camel", omit_defaults=True):
    """What has no default is always written; the schema asks for it."""


class Rate(_Struct):
    """A rational number of frames a second."""

    num: Annotated[int, Meta(ge=0, le=2**32 - 1)]
    denom: Annotated[int, Meta(ge=1, le=2**32 - 1)]

    @staticmethod
    def of(rate: Fraction) -> Rate:
        return Rate(rate.numerator, rate.denominator)


class Protocol(_Struct):
    name: str
    version: Annotated[list[Count], Meta(min_length=3, max_length=3)]


class Timestamp(_Struct):
    seconds: Annotated[int, Meta(ge=0, le=2**48 - 1)]
    nanoseconds: Annotated[int, Meta(ge=0, le=2**32 - 1)]


class TimecodeFormat(_Struct):
    """Where versions before 1.0 have the rate."""

    frame_rate: Rate


class Timecode(_Struct):
    """A label and its rate; drop-frame is not said, 30000/1001 implies it."""

    hours: Annotated[int, Meta(ge=0, le=23)]
    minutes: Annotated[int, Meta(ge=0, le=59)]
    seconds: Annotated[int, Meta(ge=0, le=59)]
    frames: Annotated[int, Meta(ge=0, le=119)]
    frame_rate: Rate | None = None
    format: TimecodeFormat | None = None

    def rate(self) -> Rate | None:
        """The rate, wherever the sender's version has it."""
        return self.frame_rate or (self.format.frame_rate if self.format else None)


class Synchronization(_Struct):
    locked: bool
    source: Text


class Timing(_Struct):
    mode: Text | None = None
    sample_rate: Rate | None = None
    sample_timestamp: Timestamp | None = None
    timecode: Timecode | None = None
    sequence_number: Count | None = None
    synchronization: Synchronization | None = None


class Tracker(_Struct):
    recording: bool | None = None
    slate: Text | None = None
    status: Text | None = None
    notes: Text | None = None


class Encoders(_Struct):
    focus: Number | None = None
    iris: Number | None = None
    zoom: Number | None = None


class Offset(_Struct):
    x: Number
    y: Number


class Distortion(_Struct):
    radial: Annotated[list[Number], Meta(max_length=16)]
    tangential: Annotated[list[Number], Meta(max_length=16)] | None = None
    overscan: Number | None = None
    model: Text | None = None


class Lens(_Struct):
    pinhole_focal_length: Number | None = None
    focal_length: Number | None = None  # its name before 1.0
    focus_distance: Number | None = None
    f_stop: Number | None = None
    t_stop: Number | None = None
    entrance_pupil_offset: Number | None = None
    projection_offset: Offset | None = None
    encoders: Encoders | None = None
    distortion: Annotated[list[Distortion], Meta(max_length=8)] | None = None


class Translation(msgspec.Struct):
    x: Number = 0.0
    y: Number = 0.0
    z: Number = 0.0


class Rotation(msgspec.Struct):
    pan: Number = 0.0
    tilt: Number = 0.0
    roll: Number = 0.0


class Transform(_Struct):
    translation: Translation
    rotation: Rotation
    id: Text | None = None


class Dimensions(_Struct):
    width: Number
    height: Number


class StaticCamera(_Struct):
    active_sensor_physical_dimensions: Dimensions | None = None
    label: Text | None = None


class Static(_Struct):
    camera: StaticCamera | None = None


class Sample(_Struct):
    """One sample of one source."""

    protocol: Protocol
    sample_id: Text | None = None
    source_id: Text | None = None
    source_number: Count | None = None
    timing: Timing | None = None
    tracker: Tracker | None = None
    lens: Lens | None = None
    transforms: Annotated[list[Transform], Meta(max_length=64)] | None = None
    static: Static | None = None


def protocol() -> Protocol:
    """What this side writes; Unreal takes 1.0.x and nothing else."""
    return Protocol("OpenTrackIO", list(VERSION))


_JSON_DECODER = msgspec.json.Decoder(Sample)
_JSON_ENCODER = msgspec.json.Encoder()


def to_json(sample: Sample) -> bytes:
    return _JSON_ENCODER.encode(sample)


def to_cbor(sample: Sample) -> bytes:
    return cbor2.dumps(msgspec.to_builtins(sample))


def from_json(data: bytes, odd: list[str] | None = None) -> Sample:
    """The sample in JSON. Fields that are not as the schema has them are left out, and told in odd;

    all but the pose and the protocol, without which there is no sample.
    """
    try:
        try:
            return _checked(_JSON_DECODER.decode(data))
        except msgspec.ValidationError:
            return _checked(_forgiving(msgspec.json.decode(data), odd))
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise ProtocolError(f"Not an OpenTrackIO sample in JSON: {error}.") from None


# What stands below these is the sample; a name of a transform is not.
_NEEDED = ("protocol", "transforms")
_MOST_ODD = 32
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")


def _forgiving(tree: Any, odd: list[str] | None) -> Sample:
    """The sample of a tree, without the fields that are odd; whole numbers may be written 5.0."""
    for _ in range(_MOST_ODD):
        try:
            return msgspec.convert(tree, Sample, strict=False)
        except msgspec.ValidationError as error:
            what, at, where = str(error).rpartition(" - at `$")
            path = [name or int(index) for name, index in _STEP.findall(where.rstrip("`"))]
            if not at or not path or (path[0] in _NEEDED and path[-1] != "id"):
                raise
            if odd is not None:
                odd.append(f"{where[1:-1]}: {what}")
            holder = tree
            try:
                for step in path[:-1]:
                    holder = holder[step]
                del holder[path[-1]]
            except (LookupError, TypeError):
                raise error from None
    raise ValueError(f"more than {_MOST_ODD} fields are not as the schema has them")


def _refuse_tag(*_: Any) -> Any:
    raise ValueError("tags have no place in a sample")


# Tags make dates, big numbers, regular expressions and cycles; the schema has none of them.
_TAGS = (0, 1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 100, 256, 258, 260, 261, 1004, 43000)
_REFUSED = dict.fromkeys(_TAGS, _refuse_tag)


def from_cbor(data: bytes, odd: list[str] | None = None) -> Sample:
    """The same in CBOR."""
    try:
        tree = cbor2.loads(
            data,
            max_depth=_CBOR_DEPTH,
            strict_hashable_types=True,
            semantic_decoders=_REFUSED,
            tag_hook=_refuse_tag,
        )
        try:
            return _checked(msgspec.convert(tree, Sample))
        except msgspec.ValidationError:
            return _checked(_forgiving(tree, odd))
    except (cbor2.CBORError, msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise ProtocolError(f"Not an OpenTrackIO sample in CBOR: {error}.") from None


def _checked(sample: Sample) -> Sample:
    said = sample.protocol
    if said.name != "OpenTrackIO" or said.version[0] > VERSION[0]:
        version = ".".join(map(str, said.version))
        raise ProtocolError(
            f"The sample is {said.name[:40]!r} {version[:40]}; OpenTrackIO up to 1 is read here."
        )
    return sample


def transform(position: Array, turn: Array, name: str = "Camera") -> Transform:
    """From a camera in our axes: position (3,) in metres, rotation (4,)."""
    metres, q = axes.to_studio(position, turn)
    return Transform(
        Translation(*(float(v) for v in metres)),
        Rotation(*map(math.degrees, axes.pan_tilt_roll(q))),
        name,
    )


def place(transforms: list[Transform]) -> tuple[Array, Array]:
    """Our position (3,) and rotation (4,) of the camera at the end of a chain of transforms."""
    at, q = np.zeros(3), rotation.identity()
    for link in transforms:
        t, r = link.translation, link.rotation
        at = at + rotation.rotate(q, np.array([t.x, t.y, t.z]))
        angles = map(math.radians, (r.pan, r.tilt, r.roll))
        q = rotation.multiply(q, axes.from_pan_tilt_roll(*angles))
    return axes.from_studio(at, q)
