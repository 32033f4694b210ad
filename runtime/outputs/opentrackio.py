"""A camera of each frame as OpenTrackIO."""

from __future__ import annotations

import time
import uuid
from fractions import Fraction
from typing import Annotated, Literal

from msgspec import Meta

from understudy.bridge.protocols import opentrackio as ot
from understudy.bridge.protocols import opentrackio_packet as packet
from understudy.runtime.core.pose import Camera, Frame, State
from understudy.runtime.core.timecode import RATES

from . import scene
from .target import OutputOptions, Target

PORT = packet.PORT
HOST = "multicast"
STATIC_PERIOD_S = 2.0


class Options(OutputOptions, frozen=True, kw_only=True):
    """What an OpenTrackIO output takes."""

    camera: Annotated[str, Meta(description="which camera (the first)")] = ""
    source: Annotated[
        int,
        Meta(
            ge=packet.SOURCES[0],
            le=packet.SOURCES[-1],
            description="number of the source, also the last of the multicast group's",
        ),
    ] = 1
    encoding: Annotated[Literal["json", "cbor"], Meta(description="how samples are packed")] = (
        "json"
    )


class OpenTrackIOOutput:
    """One camera; sensor and label go with every sample that is two seconds after the last such."""

    def __init__(self, target: Target) -> None:
        options: Options = target.options
        self.camera, self.source = options.camera, options.source
        self._encoding = packet.Encoding[options.encoding.upper()]
        self._rate = _exact(options.rate_hz) if options.rate_hz else None
        self._source_id = uuid.uuid4().urn
        self._sequence = 1  # receivers take 0 for a sender that has just started over
        self._static_s = -STATIC_PERIOD_S

    def datagrams(self, frame: Frame, time_s: float) -> list[bytes]:
        sample = self.message(frame, time_s)
        data = ot.to_json(sample) if self._encoding == packet.Encoding.JSON else ot.to_cbor(sample)
        packets = packet.encode(data, self._encoding, self._sequence)
        self._sequence = (self._sequence + len(packets)) & 0xFFFF
        return packets

    def message(self, frame: Frame, time_s: float) -> ot.Sample:
        seen = scene.camera(frame, self.camera)
        static = None
        if time_s - self._static_s >= STATIC_PERIOD_S:
            self._static_s = time_s
            sensor = ot.Dimensions(*map(float, seen.sensor_mm))
            static = ot.Static(ot.StaticCamera(sensor, seen.name or "Camera"))
        return ot.Sample(
            ot.protocol(),
            sample_id=uuid.uuid4().urn,
            source_id=self._source_id,
            source_number=self.source,
            timing=self._timing(frame, seen),
            tracker=ot.Tracker(
                recording=False,
                status="tracking" if seen.state == State.LIVE else seen.state.name.lower(),
                notes=seen.reason or None,
            ),
            lens=_lens(seen),
            transforms=[ot.transform(seen.position, seen.rotation, _transform_id(seen.name))],
            static=static,
        )

    def _timing(self, frame: Frame, seen: Camera) -> ot.Timing:
        label = scene.timecode(frame)
        said = None
        if label is not None:
            hours, minutes, seconds, frames, _, rate = label
            said = ot.Timecode(hours, minutes, seconds, frames, ot.Rate.of(rate))
        captured_ns = _captured_wall_ns(frame, seen.capture_ns or frame.capture_ns)
        return ot.Timing(
            mode="internal",
            sample_rate=ot.Rate.of(self._rate) if self._rate else None,
            sample_timestamp=ot.Timestamp(captured_ns // 10**9, captured_ns % 10**9),
            timecode=said,
            sequence_number=frame.sequence & 0xFFFFFFFF,
        )


def _transform_id(name: str) -> str:
    """The camera's name, with the word by which SMPTE's receiver finds a camera's transform."""
    return name if "Camera" in name else f"Camera {name}".rstrip()


def _exact(rate_hz: float) -> Fraction:
    """59.94 means 60000/1001."""
    near = [rate for rate in RATES.values() if abs(rate_hz - rate) < 0.005]
    return near[0] if near else Fraction(rate_hz).limit_denominator(1000)


def _lens(seen: Camera) -> ot.Lens:
    return ot.Lens(
        pinhole_focal_length=float(seen.focal_mm),
        focus_distance=float(seen.focus_m) if seen.focus_m > 0.0 else None,
        f_stop=float(seen.iris) if seen.iris > 0.0 else None,
    )


def _captured_wall_ns(frame: Frame, capture_ns: int) -> int:
    """When that was, since 1970; when the frame came, where its clock is another machine's."""
    now_ns = time.monotonic_ns()
    came_ns = frame.received_ns or now_ns
    age_ns = came_ns - capture_ns
    if not 0 <= age_ns < 10**10:
        age_ns = 0
    return time.time_ns() - (now_ns - came_ns) - age_ns


OUTPUT = OpenTrackIOOutput
