"""FreeD as a source of cameras: every head that sends to a port, or one of them.

What the counts of zoom, focus and iris mean is between the sender and us; the options say it in the
words of the output (`runtime/outputs/freed.py`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, field

from understudy.bridge.protocols import ProtocolError, freed
from understudy.runtime.core.pose import Camera, Prop
from understudy.runtime.core.typed import Table
from understudy.runtime.sources import interpolation
from understudy.runtime.sources.copies import Copies
from understudy.runtime.sources.datagrams import SILENT_S, Datagram, Receiver, Reception
from understudy.runtime.sources.endpoint import Delay, Endpoint, SensorSize
from understudy.runtime.sources.jitter_buffer import JitterBuffer, delays, timing
from understudy.runtime.sources.lens_table import LensTable
from understudy.runtime.sources.packet import Packet
from understudy.runtime.sources.streams import Kind, Stream
from understudy.runtime.sources.tracked import TrackedObjects

PORT = freed.PORT
KINDS = (Kind.CAMERA,)


class Options(Table, frozen=True, kw_only=True):
    """What a FreeD source takes."""

    camera: Annotated[str, Meta(description="the camera's name (Camera N by FreeD's number)")] = ""
    id: Annotated[
        Annotated[int, Meta(ge=0, le=255)] | None,
        Meta(description="the only FreeD number that is heard (all; with camera= the first)"),
    ] = None
    zoom: Annotated[
        float,
        Meta(
            ge=0.0,
            le=1e6,
            description="counts a millimetre of focal length; 0: the count means nothing",
        ),
    ] = 100.0
    focus: Annotated[
        float, Meta(ge=0.0, le=1e6, description="counts a metre of focus distance")
    ] = 10000.0
    iris: Annotated[
        float, Meta(ge=0.0, le=1e6, description="counts an f-stop in the user word")
    ] = 100.0
    focal_mm: Annotated[
        float,
        Meta(
            ge=1.0,
            le=10000.0,
            description="focal length where zoom tells none",
            extra={"unit": "mm"},
        ),
    ] = field(default=35.0, name="focal")
    sensor: Annotated[SensorSize, Meta(description="the camera's sensor")] = SensorSize()
    iris_mask: Annotated[
        Annotated[int, Meta(ge=1, le=0xFFFF)] | None,
        Meta(description="bits of the user word that are the iris, as 4095 (all)"),
    ] = None
    lens: Annotated[
        str,
        Meta(description="CSV file of counts: zoom,focal_mm, focus,focus_m or iris,f_stop columns"),
    ] = ""
    delay: Annotated[Delay, Meta(description=Delay.WORDS)] = Delay()


class Head:
    """One camera head: when its messages were sent, and what is to be shown of it."""

    def __init__(self, delay_s: float | None) -> None:
        self.copies = Copies()
        self.buffer = JitterBuffer[Camera](delay_s, interpolation.placed)


class FreedSource:
    """Cameras by their numbers. Each keeps the sender that was there first."""

    def __init__(self, endpoint: Endpoint, receiver: Receiver) -> None:
        options: Options = endpoint.options
        self.endpoint = endpoint
        self.reception = Reception(receiver)
        self.cameras: list[Camera] = []
        self.props: list[Prop] = []
        self._label = options.camera
        self._only = -1 if options.id is None else options.id
        self._zoom, self._focus, self._iris = options.zoom, options.focus, options.iris
        self._focal_mm, self._sensor_mm = options.focal_mm, options.sensor.mm
        self._mask = options.iris_mask or 0xFFFF
        self._shift = (self._mask & -self._mask).bit_length() - 1
        self._lens = LensTable.read(Path(options.lens)) if options.lens else LensTable()
        self._delay_s = options.delay.seconds
        self._heads: dict[int, Head] = {}
        self._seen = TrackedObjects[Camera]()
        self.unsummed = 0  # messages whose checksum is 0 and should not be
        self._unsummed_s = self._summed_s = float("-inf")
        self._unsummed_since_s = float("inf")
        self.elsewhere = 0  # messages of numbers that are not asked for
        self.name = self._label or f"Camera {max(self._only, 0)}"

    @property
    def silence(self) -> str:
        return self.reception.silence

    def poll(self, now_s: float) -> list[Packet]:
        """Reads what came; cameras are in `cameras`, packets of motion there are none."""
        reception = self.reception
        for datagram in reception.poll(now_s):
            try:
                said = freed.decode(datagram.data, summed=False)
                if said.summed:
                    self._summed_s, self._unsummed_since_s = now_s, float("inf")
                else:
                    self._without_sum(datagram, now_s)
            except ProtocolError as error:
                reception.damage(datagram, error)
                continue
            if self._only < 0 and self._label:
                self._only = said.camera
            if self._only not in (-1, said.camera):
                self.elsewhere += 1
                continue
            # Several heads come from several machines; one number is one head.
            if not reception.may_follow(datagram, said.camera):
                continue
            if reception.sender(said.camera) == () or said.camera not in self._heads:
                self._heads[said.camera] = Head(self._delay_s)
            reception.follow(datagram, said.camera)
            self._take(said, datagram, now_s)
        self._seen.show(self._buffers, reception.receiver.tick_ns * 1e-9, now_s)
        self.cameras = self._seen.judged(now_s, self.silence)
        reception.remarks = delays(self._buffers)
        if now_s - self._unsummed_s < SILENT_S:
            reception.remarks.append("its checksums are 0 and are not looked at")
        return []

    @property
    def _buffers(self) -> list[JitterBuffer[Camera]]:
        return [head.buffer for head in self._heads.values()]

    def _without_sum(self, datagram: Datagram, now_s: float) -> None:
        """A checksum of 0 is a sender's that makes none, where no other comes for a second."""
        if datagram.data[-1] or self._summed_s > now_s - SILENT_S:
            raise ProtocolError(freed.wrong_sum(datagram.data))
        self._unsummed_since_s = min(self._unsummed_since_s, now_s)
        if now_s - self._unsummed_since_s < SILENT_S:
            raise ProtocolError(freed.wrong_sum(datagram.data))
        self.unsummed += 1
        self._unsummed_s = now_s

    def _take(self, said: freed.Tracking, datagram: Datagram, now_s: float) -> None:
        """A message of a head that is followed."""
        head, arrived_s = self._heads[said.camera], datagram.arrived_ns * 1e-9
        camera = self._camera(said, datagram.arrived_ns)
        if head.copies.has(datagram.data, arrived_s, head.buffer.clock.period_s):
            self.reception.repeated += 1
            self._seen.hear(camera.name, now_s)
            return
        head.buffer.add(None, arrived_s, camera)

    def _camera(self, said: freed.Tracking, arrived_ns: int) -> Camera:
        position, turn = freed.transform(said)
        lens, user = self._lens, (said.user & self._mask) >> self._shift
        focal_mm = lens.focal_mm(said.zoom) or _measure(said.zoom, self._zoom)
        return Camera(
            self._label or f"Camera {said.camera}",
            position,
            turn,
            focal_mm or self._focal_mm,
            self._sensor_mm,
            lens.focus_m(said.focus) or _measure(said.focus, self._focus),
            lens.f_stop(user) or _measure(user, self._iris),
            capture_ns=arrived_ns,
        )

    @property
    def notice(self) -> str:
        """What a crew should know of it now."""
        return self.reception.notice

    @property
    def streams(self) -> list[Stream]:
        """What it has now."""
        return [Stream(Kind.CAMERA, camera, camera.name) for camera in self.cameras]

    def figures(self) -> dict[str, Any]:
        return {
            **self.reception.figures(),
            "elsewhere": self.elsewhere,
            "without a checksum": self.unsummed,
            **timing(self._buffers),
        }

    def close(self) -> None:
        self.reception.close()


def _measure(count: int, counts_each: float) -> float:
    """What a count stands for; 0 where nobody knows."""
    return count / counts_each if counts_each else 0.0


SOURCE = FreedSource
