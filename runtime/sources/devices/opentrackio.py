"""OpenTrackIO as a source of a camera: JSON or CBOR, in segments, multicast or unicast."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, field

from understudy.bridge.protocols import ProtocolError
from understudy.bridge.protocols import opentrackio as ot
from understudy.bridge.protocols import opentrackio_packet as packet
from understudy.runtime.core.pose import Camera, Prop
from understudy.runtime.core.typed import Table
from understudy.runtime.sources import interpolation
from understudy.runtime.sources.datagrams import SILENT_S, Datagram, Receiver, Reception
from understudy.runtime.sources.endpoint import Delay, Endpoint, SensorSize
from understudy.runtime.sources.jitter_buffer import JitterBuffer, delays, timing
from understudy.runtime.sources.packet import Packet
from understudy.runtime.sources.streams import Kind, Stream
from understudy.runtime.sources.tracked import TrackedObjects

PORT = packet.PORT
KINDS = (Kind.CAMERA,)
MULTICAST = "multicast"
_READ = {packet.Encoding.JSON: ot.from_json, packet.Encoding.CBOR: ot.from_cbor}
# Senders on one unicast port, each of which has an unfinished sample.
_MOST_SENDERS = 16


class Options(Table, frozen=True, kw_only=True):
    """What an OpenTrackIO source takes."""

    camera: Annotated[
        str, Meta(description="the camera's name (Camera N by the source's number)")
    ] = ""
    source: Annotated[
        Annotated[int, Meta(ge=packet.SOURCES[0], le=packet.SOURCES[-1])] | None,
        Meta(description="number of the only source heard (any), and of the multicast group (1)"),
    ] = None
    interface: Annotated[
        str,
        Meta(
            description="address of the network card that multicast comes by (the system's choice)"
        ),
    ] = ""
    focal_mm: Annotated[
        float,
        Meta(
            ge=1.0,
            le=10000.0,
            description="focal length where the sender tells none",
            extra={"unit": "mm"},
        ),
    ] = field(default=35.0, name="focal")
    sensor: Annotated[SensorSize, Meta(description="the sensor until the sender tells")] = (
        SensorSize()
    )
    delay: Annotated[Delay, Meta(description=Delay.WORDS)] = Delay()


def multicast(endpoint: Endpoint) -> tuple[str, str]:
    """The multicast group that a line asks for and the card that takes it; "" for unicast."""
    group = _group(endpoint)
    return group, endpoint.options.interface if group else ""


def _group(endpoint: Endpoint) -> str:
    """The multicast group that a place asks for; "" for unicast."""
    return packet.GROUP.format(endpoint.options.source or 1) if endpoint.host == MULTICAST else ""


class OpenTrackIOSource:
    """One camera; `timecode` is the label of its newest sample."""

    def __init__(self, endpoint: Endpoint, receiver: Receiver) -> None:
        self.endpoint = endpoint
        self.reception = Reception(receiver)
        self.cameras: list[Camera] = []
        self.props: list[Prop] = []
        self.timecode = self.timecode_rate = ""
        options: Options = endpoint.options
        self._label, self._only = options.camera, options.source or 0
        self._focal_mm, self._sensor_mm = options.focal_mm, options.sensor.mm
        self._seen = TrackedObjects[Camera]()
        self._joiners: dict[tuple, packet.Reassembler] = {}
        self._buffer = JitterBuffer[Camera](options.delay.seconds, interpolation.placed)
        self.elsewhere = 0  # samples of other sources
        self.odd = 0  # fields that were left out, since they are not as the schema has them
        self._odd, self._odd_s = "", float("-inf")
        self._status = ""
        self.name = self._label or f"Camera {self._only or 1}"

    @property
    def silence(self) -> str:
        return self.reception.silence

    def poll(self, now_s: float) -> list[Packet]:
        """Reads what came; the camera is in `cameras`, packets of motion there are none."""
        for datagram in self.reception.poll(now_s):
            try:
                sample = self._sample(datagram, now_s)
            except ProtocolError as error:
                self.reception.damage(datagram, error)
                continue
            if sample is not None and sample.transforms:
                self._take(sample, datagram)
        self._seen.show([self._buffer], self.reception.receiver.tick_ns * 1e-9, now_s)
        self.reception.remarks = delays([self._buffer])
        if now_s - self._odd_s < SILENT_S:
            self.reception.remarks.append(f"a field is left out ({self._odd})")
        self.cameras = self._seen.judged(now_s, self.silence)
        return []

    def _sample(self, datagram: Datagram, now_s: float) -> ot.Sample | None:
        """The sample that a datagram completes, if it is of the source that is heard."""
        reception = self.reception
        # Who sends which source shows in the sample alone; without a number the first is followed.
        if not self._only and not reception.may_follow(datagram):
            return None
        joiner = self._joiners.get(datagram.peer)
        if joiner is None:
            if len(self._joiners) >= _MOST_SENDERS:
                del self._joiners[next(iter(self._joiners))]
            joiner = self._joiners[datagram.peer] = packet.Reassembler()
        copies = joiner.repeated
        whole = joiner.feed(datagram.data, datagram.arrived_ns * 1e-9)
        if joiner.repeated > copies and reception.may_follow(datagram):
            reception.repeated += 1
            for camera in self.cameras:
                self._seen.hear(camera.name, now_s)
        if whole is None:
            return None
        odd: list[str] = []
        sample = _READ[whole[0]](whole[1], odd)
        if self._only and sample.source_number not in (None, self._only):
            self.elsewhere += 1
            return None
        if self._only and not reception.may_follow(datagram):
            return None
        if (told := sample.tracker) is not None:
            words = [word for word in (told.status, told.notes) if word]
            self._status = ", ".join(words)[:80]
        if odd:
            self.odd += len(odd)
            self._odd, self._odd_s = odd[0], now_s
        if reception.sender() == ():
            self._buffer.clear()
        reception.follow(datagram)
        return sample

    def _take(self, sample: ot.Sample, datagram: Datagram) -> None:
        static = sample.static.camera if sample.static else None
        sensor = static.active_sensor_physical_dimensions if static else None
        if sensor and min(sensor.width, sensor.height) > 0.0:
            self._sensor_mm = sensor.width, sensor.height
        lens = sample.lens or ot.Lens()
        focal_mm = lens.pinhole_focal_length or lens.focal_length or 0.0
        self._focal_mm = focal_mm if focal_mm > 0.0 else self._focal_mm
        if timecode := sample.timing.timecode if sample.timing else None:
            t, rate = timecode, timecode.rate()
            self.timecode = f"{t.hours:02}:{t.minutes:02}:{t.seconds:02}:{t.frames:02}"
            self.timecode_rate = f"{rate.num}/{rate.denom}" if rate else ""
        position, turn = ot.place(sample.transforms or [])
        name = self._label or f"Camera {sample.source_number or self._only or 1}"
        focus_m, iris = lens.focus_distance or 0.0, lens.f_stop or lens.t_stop or 0.0
        camera = Camera(
            name,
            position,
            turn,
            self._focal_mm,
            self._sensor_mm,
            max(focus_m, 0.0),
            max(iris, 0.0),
            capture_ns=datagram.arrived_ns,
        )
        stamp = sample.timing.sample_timestamp if sample.timing else None
        said_s = stamp.seconds + 1e-9 * stamp.nanoseconds if stamp else None
        arrived_s = datagram.arrived_ns * 1e-9
        self._buffer.add(said_s, arrived_s, camera)

    @property
    def notice(self) -> str:
        """What a crew should know of it now."""
        return self.reception.notice

    @property
    def streams(self) -> list[Stream]:
        """What it has now."""
        return [Stream(Kind.CAMERA, camera, camera.name) for camera in self.cameras]

    @property
    def quality(self) -> str:
        """How well it tracks, as the tracker says."""
        return self._status

    def figures(self) -> dict[str, Any]:
        return {
            **self.reception.figures(),
            "elsewhere": self.elsewhere,
            "dropped": sum(joiner.dropped for joiner in self._joiners.values()),
            "odd fields": self.odd,
            **timing([self._buffer]),
            "timecode": self.timecode,
            "timecode_rate": self.timecode_rate,
        }

    def close(self) -> None:
        self.reception.close()


SOURCE = OpenTrackIOSource
