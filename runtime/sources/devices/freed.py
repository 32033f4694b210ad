"""FreeD as a source of cameras: every head that sends to a port, or one of them.

What the counts of zoom, focus and iris mean is between the sender and us; the options say it in the
words of the output (`runtime/outputs/freed.py`).
"""

from __future__ import annotations

from typing import Any

from understudy.bridge.protocols import ProtocolError, freed
from understudy.runtime.core.pose import Camera, Prop
from understudy.runtime.core.url import number
from understudy.runtime.sources.datagrams import Receiver, Reception
from understudy.runtime.sources.endpoint import Endpoint, sensor_mm
from understudy.runtime.sources.packet import Packet
from understudy.runtime.sources.tracked import TrackedObjects

PORT = freed.PORT
OPTIONS = {
    "camera": "the camera's name (Camera N by FreeD's number)",
    "id": "the only FreeD number that is heard, 0 to 255 (all; with camera= the first)",
    "zoom": "counts a millimetre of focal length (100); 0: the count means nothing",
    "focus": "counts a metre of focus distance (10000)",
    "iris": "counts an f-stop in the user word (100)",
    "focal": "focal length in mm where zoom tells none (35)",
    "sensor": "width x height in mm (36x24)",
}


class FreedSource:
    """Cameras by their numbers. Each keeps the sender that was there first."""

    def __init__(self, endpoint: Endpoint, receiver: Receiver) -> None:
        options = endpoint.options
        self.endpoint = endpoint
        self.reception = Reception(receiver)
        self.cameras: list[Camera] = []
        self.props: list[Prop] = []
        self._label = options.get("camera", "")
        self._only = int(number(options, "id", -1, 0, 255))
        self._zoom = number(options, "zoom", 100.0, 0.0, 1e6)
        self._focus = number(options, "focus", 10000.0, 0.0, 1e6)
        self._iris = number(options, "iris", 100.0, 0.0, 1e6)
        self._focal_mm = number(options, "focal", 35.0, 1.0, 10000.0)
        self._sensor_mm = sensor_mm(options)
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

    def figures(self) -> dict[str, Any]:
        return {**self.reception.figures(), "elsewhere": self.elsewhere}

    def close(self) -> None:
        self.reception.close()


def _measure(count: int, counts_each: float) -> float:
    """What a count stands for; 0 where nobody knows."""
    return count / counts_each if counts_each else 0.0
