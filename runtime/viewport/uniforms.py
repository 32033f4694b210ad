"""The uniform block `Frame` (shaders/frame.glsl), and the look it carries."""

from __future__ import annotations

from dataclasses import dataclass, field

import moderngl
import numpy as np

from understudy.runtime.core.rotation import Array, normalize

from . import gl
from .camera import Camera

_LAYOUT = np.dtype(
    [
        ("view", "f4", (4, 4)),
        ("projection", "f4", (4, 4)),
        ("view_projection", "f4", (4, 4)),
        ("camera_to_world", "f4", (4, 4)),
        ("sun_projection", "f4", (4, 4)),
        ("camera_position", "f4", 4),
        ("sun_direction", "f4", 4),
        ("sun_colour", "f4", 4),
        ("sky_zenith", "f4", 4),
        ("sky_horizon", "f4", 4),
        ("ground_bounce", "f4", 4),
        ("size", "f4", 4),
        ("lens", "f4", 4),
    ]
)


def direction(azimuth_rad: float, elevation_rad: float) -> Array:
    """(3,) unit vector; azimuth 0 is +Z, and grows towards +X."""
    flat = np.cos(elevation_rad)
    return np.array([np.sin(azimuth_rad) * flat, np.sin(elevation_rad), np.cos(azimuth_rad) * flat])


@dataclass
class Look:
    """Light and air. Colours are linear."""

    sun: Array = field(default_factory=lambda: normalize(direction(0.95, np.radians(43.0))))
    sun_colour: tuple[float, float, float] = (3.35, 3.06, 2.68)
    sun_half_angle_rad: float = np.radians(1.4)
    sky_zenith: tuple[float, float, float] = (0.34, 0.44, 0.58)
    sky_horizon: tuple[float, float, float] = (0.62, 0.655, 0.69)
    ground_bounce: tuple[float, float, float] = (0.23, 0.215, 0.20)
    exposure: float = 1.0
    fade_m: float = 70.0


class FrameBlock:
    """The block on the GPU, written once a frame."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self._data = np.zeros((), _LAYOUT)
        self._buffer = ctx.buffer(reserve=_LAYOUT.itemsize, dynamic=True)

    def write(
        self,
        camera: Camera,
        look: Look,
        sun_projection: Array,
        box_m: tuple[float, float],
        contact: float,
        time_s: float,
    ) -> None:
        data = self._data
        data["view"], data["projection"] = camera.view, camera.projection
        data["view_projection"] = camera.projection @ camera.view
        data["camera_to_world"] = camera.to_world
        data["sun_projection"] = sun_projection
        data["camera_position"] = (*camera.position, camera.far_m)
        data["sun_direction"] = (*look.sun, np.tan(look.sun_half_angle_rad))
        data["sun_colour"] = (*look.sun_colour, look.exposure)
        data["sky_zenith"] = (*look.sky_zenith, box_m[0])
        data["sky_horizon"] = (*look.sky_horizon, box_m[1])
        data["ground_bounce"] = (*look.ground_bounce, look.fade_m)
        data["size"] = (camera.width, camera.height, 1 / camera.width, 1 / camera.height)
        half = np.tan(camera.fov_y_rad / 2)
        data["lens"] = (half * camera.aspect, half, contact, time_s)
        self._buffer.write(data.tobytes())
        self._buffer.bind_to_uniform_block(gl.FRAME_BINDING)

    def release(self) -> None:
        self._buffer.release()
