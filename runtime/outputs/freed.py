"""A camera of each frame as FreeD.

FreeD's zoom and focus are a lens's encoder counts and mean what both sides agree on. Here they are
hundredths of a millimetre and tenths of a millimetre, and the user word hundredths of an f-number,
unless the options say otherwise: Unreal stretches whatever counts it sees to 0..1.
"""

from __future__ import annotations

from understudy.bridge.protocols import freed
from understudy.runtime.core.pose import Frame

from . import scene
from .target import Target, number

PORT = freed.PORT
HOST = ""
OPTIONS = {
    "camera": "which camera (the first)",
    "id": "FreeD's number of the camera, 0 to 255 (0)",
    "zoom": "counts a millimetre of focal length (100)",
    "focus": "counts a metre of focus distance (10000)",
    "iris": "counts an f-stop in the user word (100)",
}


class FreedOutput:
    """One camera."""

    def __init__(self, target: Target) -> None:
        options = target.options
        self.camera = options.get("camera", "")
        self.number = int(number(options, "id", 0, 0, 255))
        self._zoom = number(options, "zoom", 100.0, 0.0, 1e6)
        self._focus = number(options, "focus", 10000.0, 0.0, 1e6)
        self._iris = number(options, "iris", 100.0, 0.0, 1e6)

    def datagrams(self, frame: Frame, time_s: float) -> list[bytes]:
        return [freed.encode(self.message(frame, time_s))]

    def message(self, frame: Frame, time_s: float) -> freed.Tracking:
        seen = scene.camera(frame, self.camera)
        return freed.tracking(
            self.number,
            seen.position,
            seen.rotation,
            zoom=round(seen.focal_mm * self._zoom),
            focus=round(seen.focus_m * self._focus),
            user=round(seen.iris * self._iris),
        )
