"""A camera of each frame as FreeD.

FreeD's zoom and focus are a lens's encoder counts and mean what both sides agree on. Here they are
hundredths of a millimetre and tenths of a millimetre, and the user word hundredths of an f-number,
unless the options say otherwise: Unreal stretches whatever counts it sees to 0..1.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from understudy.bridge.protocols import freed
from understudy.runtime.core.pose import Frame

from . import scene
from .target import OutputOptions, Target

PORT = freed.PORT
HOST = ""


class Options(OutputOptions, frozen=True, kw_only=True):
    """What a FreeD output takes."""

    camera: Annotated[str, Meta(description="which camera (the first)")] = ""
    id: Annotated[int, Meta(ge=0, le=255, description="FreeD's number of the camera")] = 0
    zoom: Annotated[
        float, Meta(ge=0.0, le=1e6, description="counts a millimetre of focal length")
    ] = 100.0
    focus: Annotated[
        float, Meta(ge=0.0, le=1e6, description="counts a metre of focus distance")
    ] = 10000.0
    iris: Annotated[
        float, Meta(ge=0.0, le=1e6, description="counts an f-stop in the user word")
    ] = 100.0


class FreedOutput:
    """One camera."""

    def __init__(self, target: Target) -> None:
        self._options: Options = target.options
        self.camera, self.number = self._options.camera, self._options.id

    def datagrams(self, frame: Frame, time_s: float) -> list[bytes]:
        return [freed.encode(self.message(frame, time_s))]

    def message(self, frame: Frame, time_s: float) -> freed.Tracking:
        seen = scene.camera(frame, self.camera)
        return freed.tracking(
            self.number,
            seen.position,
            seen.rotation,
            zoom=round(seen.focal_mm * self._options.zoom),
            focus=round(seen.focus_m * self._options.focus),
            user=round(seen.iris * self._options.iris),
        )


OUTPUT = FreedOutput
