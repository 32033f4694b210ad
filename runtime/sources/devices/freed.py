"""FreeD as a source of cameras: every head that sends to a port, or one of them.

What the counts of zoom, focus and iris mean is between the sender and us; the options say it in the
words of the output (`runtime/outputs/freed.py`).
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, field

from understudy.bridge.protocols import ProtocolError, freed
from understudy.runtime.core.pose import Camera, Prop
from understudy.runtime.core.typed import Table
from understudy.runtime.sources.datagrams import Receiver, Reception
from understudy.runtime.sources.endpoint import Endpoint, SensorSize
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
        self._seen = TrackedObjects[Camera]()
        self.elsewhere = 0  # messages of numbers that are not asked for
        self.name = self._label or f"Camera {max(self._only, 0)}"

    @property
    def silence(self) -> str:
        return self.reception.silence

    def poll(self, now_s: float) -> list[Packet]:
        """Reads what came; cameras are in `cameras`, packets of motion there are none."""
        for datagram in self.reception.poll(now_s):
            try:
                said = freed.decode(datagram.data)
            except ProtocolError as error:
                self.reception.damage(datagram, error)
                continue
            if self._only < 0 and self._label:
                self._only = said.camera
            if self._only not in (-1, said.camera):
                self.elsewhere += 1
                continue
            # Several heads come from several machines; one number is one head.
            if not self.reception.may_follow(datagram, said.camera):
                continue
            self.reception.follow(datagram, said.camera)
            self._seen.see(self._camera(said, datagram.arrived_ns), now_s)
        self.cameras = self._seen.judged(now_s, self.silence)
        return []

    def _camera(self, said: freed.Tracking, arrived_ns: int) -> Camera:
        position, turn = freed.transform(said)
        return Camera(
            self._label or f"Camera {said.camera}",
            position,
            turn,
            _measure(said.zoom, self._zoom) or self._focal_mm,
            self._sensor_mm,
            _measure(said.focus, self._focus),
            _measure(said.user, self._iris),
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
        return {**self.reception.figures(), "elsewhere": self.elsewhere}

    def close(self) -> None:
        self.reception.close()


def _measure(count: int, counts_each: float) -> float:
    """What a count stands for; 0 where nobody knows."""
    return count / counts_each if counts_each else 0.0


SOURCE = FreedSource
