"""The viewport's own camera on stage: a camera for receivers where no rig is tracked."""

from __future__ import annotations

import re
from pathlib import Path

from understudy.bridge import ControlClient
from understudy.runtime.core import pose, rotation

from .camera import Camera


class SharedCamera:
    """Sends a camera under a name; a stage lets it go 2 s after the last."""

    def __init__(self, name: str, control: str, key: Path | None = None) -> None:
        self.name = name
        self.heard = False  # did a stage take the last one
        self._client = ControlClient(control, key=key)

    def send(self, camera: Camera, lens: bool = False) -> None:
        """Sends the camera as it is now; with its stop and focus where it has a lens."""
        m = camera.to_world
        self.heard = self._client.send_camera(
            self.name,
            m[:3, 3],
            rotation.from_matrix(m[:3, :3]),
            focal_mm=camera.focal_mm,
            sensor_mm=(camera.sensor_mm * camera.aspect, camera.sensor_mm),
            focus_m=camera.focus_m if lens else 0.0,
            iris=camera.stop if lens else 0.0,
        )

    def own(self, cameras: list[pose.Camera]) -> str | None:
        """Under which name the stage sends this camera back; one that was taken got a number."""
        like = re.compile(re.escape(self.name) + r"(-\d+)?")
        names = [camera.name for camera in cameras if like.fullmatch(camera.name)]
        return names[-1] if names and self.heard else None  # shared ones come after the sources'

    def close(self) -> None:
        self._client.close()
