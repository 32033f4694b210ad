"""What a camera does to light: depth of field by its lens, motion blur by its shutter.

Both work on one sharp picture in linear light, with its depth and how everything in it moves.
"""

from __future__ import annotations

from typing import Any

import moderngl

from . import gl
from .camera import Camera
from .gbuffer import GBuffer

TILE = 16
# Of the picture's height: how far light is gathered.
MOST_CIRCLE, LONGEST_WAY = 0.03, 0.05
# Circles that are smaller than this at their largest are not worth a pass, px.
LEAST_CIRCLE = 0.5


def circle_px(camera: Camera) -> float:
    """The radius, in pixels, that a point far away is drawn with; 0 where all is in focus.

    A thin lens: the circle's diameter on the sensor is f^2 / (N (s - f)) for a focal length f, a
    stop N and a distance s in focus, times 1 - s / z for what is z away.
    """
    focus_mm = 1000.0 * camera.focus_m
    if not (camera.stop > 0.0 and focus_mm > 1.05 * camera.focal_mm):
        return 0.0
    wide_mm = camera.focal_mm**2 / (camera.stop * (focus_mm - camera.focal_mm))
    return 0.5 * wide_mm / camera.sensor_mm * camera.height


class Optics:
    """The passes for one picture size."""

    def __init__(self, ctx: moderngl.Context, size: tuple[int, int]) -> None:
        half = (size[0] + 1) // 2, (size[1] + 1) // 2
        tiles = -(-size[0] // TILE), -(-size[1] // TILE)
        self._made: list[Any] = []
        self._ctx, self._longest = ctx, LONGEST_WAY * size[1]
        depth, moved = ("depth_map",), ("depth_map", "motion_map")
        self._tiles, self._into_tiles = self._target(tiles, 2)
        self._near, self._into_near = self._target(tiles, 2)
        self._half, self._into_half = self._target(half, 4)
        self._soft, self._into_soft = self._target(half, 4)
        self._mixed, self._into_mixed = self._target(size, 4)
        self._moving, self._into_moving = self._target(size, 4)
        self._circles = self._pass("tiles.glsl", depth, LENS=1)
        self._circles_near = self._pass("tiles.glsl", ("tiles",), LENS=1, NEIGHBOURS=1)
        self._pack = self._pass("lens_blur.glsl", ("light_map", "depth_map"), PACK=1)
        self._gather = self._pass("lens_blur.glsl", ("bundle", "largest"))
        self._mix = self._pass("lens_mix.glsl", ("light_map", "depth_map", "blurred"))
        self._ways = self._pass("tiles.glsl", moved, MOTION=1)
        self._ways_near = self._pass("tiles.glsl", ("tiles",), MOTION=1, NEIGHBOURS=1)
        self._smear = self._pass("motion_blur.glsl", ("light_map", *moved, "fastest"))

    def _target(
        self, size: tuple[int, int], components: int
    ) -> tuple[moderngl.Texture, moderngl.Framebuffer]:
        texture = self._ctx.texture(size, components, dtype="f2")
        texture.repeat_x = texture.repeat_y = False
        framebuffer = self._ctx.framebuffer([texture])
        self._made += [framebuffer, texture]
        return texture, framebuffer

    def _pass(self, name: str, inputs: tuple[str, ...], **defines: object) -> gl.Pass:
        made = gl.Pass(self._ctx, name, inputs, **defines)
        for word, value in (("stride", TILE), ("longest", self._longest)):
            if word in made.program:
                made.program[word].value = value  # type: ignore[union-attr]
        self._made.append(made)
        return made

    def focus(self, light: moderngl.Texture, gbuffer: GBuffer) -> moderngl.Texture:
        """The light as the lens lets it through: what is out of focus, blurred."""
        self._circles.render(self._into_tiles, gbuffer.depth)
        self._circles_near.render(self._into_near, self._tiles)
        self._pack.render(self._into_half, light, gbuffer.depth)
        self._gather.render(self._into_soft, self._half, self._near)
        self._mix.render(self._into_mixed, light, gbuffer.depth, self._soft)
        return self._mixed

    def expose(self, light: moderngl.Texture, gbuffer: GBuffer) -> moderngl.Texture:
        """The light as it comes while the shutter is open: what moves, smeared along its way."""
        assert gbuffer.motion is not None
        self._ways.render(self._into_tiles, gbuffer.depth, gbuffer.motion)
        self._ways_near.render(self._into_near, self._tiles)
        self._smear.render(self._into_moving, light, gbuffer.depth, gbuffer.motion, self._near)
        return self._moving

    def release(self) -> None:
        for thing in self._made:
            thing.release()
        self._made.clear()
