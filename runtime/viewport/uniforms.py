"""The uniform block `Frame` (shaders/frame.glsl)."""

from __future__ import annotations

from collections.abc import Sequence

import moderngl
import numpy as np

from understudy.runtime.core.rotation import Array

from . import gl
from .camera import Camera
from .look import Look
from .sets.scenery import MOST_LAMPS, Lamp

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
        ("set_projection", "f4", (4, 4)),
        ("air", "f4", 4),
        ("floor_plane", "f4", 4),
        ("lamp_place", "f4", (MOST_LAMPS, 4)),
        ("lamp_colour", "f4", (MOST_LAMPS, 4)),
        ("lamp_way", "f4", (MOST_LAMPS, 4)),
        ("last_view_projection", "f4", (4, 4)),
        ("sky_light", "f4", (9, 4)),
        ("sky_turn", "f4", 4),
        ("aside", "f4", 4),
        ("optics", "f4", 4),
    ]
)


class FrameBlock:
    """The block on the GPU, written once a frame."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self._data = np.zeros((), _LAYOUT)
        self._buffer = ctx.buffer(reserve=_LAYOUT.itemsize, dynamic=True)
        self.jitter_px = (0.0, 0.0)  # by which the picture is drawn aside
        self.last_view_projection: Array | None = None  # of the picture before; None: there is none
        self.optics = (0.0, 1.0, 0.0, 0.0)  # as shaders/frame.glsl has them

    def write(
        self,
        camera: Camera,
        look: Look,
        sun_projection: Array,
        box_m: tuple[float, float],
        contact: float,
        time_s: float,
        floor_m: float = 0.0,
        lamps: Sequence[Lamp] = (),
        set_box: tuple[Array, float] | None = None,
    ) -> None:
        """set_box: world to the clip space of the set's shadow map, and its depth in metres."""
        data = self._data
        straight = camera.projection
        data["view_projection"] = straight @ camera.view
        last = self.last_view_projection
        data["last_view_projection"] = data["view_projection"] if last is None else last
        data["optics"] = self.optics
        x, y = 2.0 * self.jitter_px[0] / camera.width, 2.0 * self.jitter_px[1] / camera.height
        straight[0, 2] -= x
        straight[1, 2] -= y
        data["aside"] = (x, y, 0.0, 0.0)
        data["view"], data["projection"] = camera.view, straight
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
        data["air"] = (look.fog, look.clouds, look.sky_share, look.wet)
        if look.sky_map is not None:
            sky = look.sky_map
            turn = np.radians(sky.turn_deg)
            levels = np.log2(sky.pixels.shape[1]) - 2.0
            data["sky_light"][:, :3] = look.sky_share * sky.harmonics
            data["sky_turn"] = (np.cos(turn), np.sin(turn), levels, 0.0)
        lamps = lamps[:MOST_LAMPS]
        data["set_projection"], depth_m = set_box or (np.eye(4), 1.0)
        data["floor_plane"] = (floor_m, look.grid, len(lamps), depth_m)
        for row, lamp in enumerate(lamps):
            data["lamp_place"][row] = (*lamp.at, 1.0 / lamp.reach_m**2)
            data["lamp_colour"][row] = (*lamp.colour, lamp.sharpness)
            data["lamp_way"][row] = (*lamp.way, lamp.outer)
        self._buffer.write(data.tobytes())
        self._buffer.bind_to_uniform_block(gl.FRAME_BINDING)

    def release(self) -> None:
        self._buffer.release()
