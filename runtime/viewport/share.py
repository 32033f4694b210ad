"""The viewport's own camera on stage: a camera for receivers where no rig is tracked."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from understudy.bridge import ControlClient
from understudy.runtime.core import pose, rotation

from .camera import SENSOR_HEIGHT_MM, Camera


class SharedCamera:
    """Sends a camera under a name; a stage lets it go 2 s after the last."""

    def __init__(self, name: str, control: str, key: Path | None = None) -> None:
        self.name = name
        self.heard = False  # did a stage take the last one
        self._client = ControlClient(control, key=key)

    def send(self, camera: Camera) -> None:
        """Sends the camera as it is now, on a sensor of full-frame height."""
        m = camera.to_world
        self.heard = self._client.send_camera(
            self.name,
            m[:3, 3],
            rotation.from_matrix(m[:3, :3]),
            focal_mm=0.5 * SENSOR_HEIGHT_MM / np.tan(0.5 * camera.fov_y_rad),
            sensor_mm=(SENSOR_HEIGHT_MM * camera.aspect, SENSOR_HEIGHT_MM),
        )

    def own(self, cameras: list[pose.Camera]) -> str | None:
        """Under which name the stage sends this camera back; one that was taken got a number."""
        like = re.compile(re.escape(self.name) + r"(-\d+)?")
        names = [camera.name for camera in cameras if like.fullmatch(camera.name)]
        return names[-1] if names and self.heard else None  # shared ones come after the sources'

    def close(self) -> None:
        self._client.close()
