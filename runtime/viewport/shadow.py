"""The sun's shadow map: one box of space that follows the cast."""

from __future__ import annotations

import moderngl
import numpy as np

from understudy.runtime.core.rotation import Array, normalize

from . import gl

# Casters this far above the cast's middle still count; below, the ground ends the box.
DEPTH_M = 14.0
SIDE_STEP_M = 1.0


def sun_box(
    sun: Array, center: Array, radius_m: float, texels: int
) -> tuple[Array, tuple[float, float]]:
    """(4, 4) world to the sun's clip space, and the box's (side, depth) in metres.

    The box grows in whole metres and moves in whole texels, so that edges of shadows do not crawl
    when the cast moves (Valient, "Stable rendering of cascaded shadow maps", ShaderX6).
    """
    side = np.ceil(2.0 * radius_m / SIDE_STEP_M) * SIDE_STEP_M
    depth = max(DEPTH_M, 2.5 * side)
    right = normalize(np.cross([0.0, 0.0, 1.0] if abs(sun[1]) > 0.99 else [0.0, 1.0, 0.0], sun))
    axes = np.stack([right, np.cross(sun, right), sun])
    middle = axes @ center
    texel = side / texels
    middle[:2] = np.round(middle[:2] / texel) * texel
    m = np.eye(4)
    m[:3, :3] = axes * np.array([2 / side, 2 / side, -2 / depth])[:, None]
    m[:3, 3] = -middle * np.array([2 / side, 2 / side, -2 / depth])
    return m, (float(side), float(depth))


class ShadowMap:
    """Depth from the sun, and the closest caster around each block of it.

    Most pixels near the cast are in full sun: one look at `near` tells, where a search of the map
    would cost a dozen.
    """

    BLOCK = 16

    def __init__(self, ctx: moderngl.Context, texels: int) -> None:
        self.texels = texels
        self.depth = ctx.depth_texture((texels, texels))
        self.depth.compare_func = ""
        self.depth.filter = (moderngl.NEAREST, moderngl.NEAREST)
        self.depth.repeat_x = self.depth.repeat_y = False
        self.target = ctx.framebuffer(depth_attachment=self.depth)
        small = (texels // self.BLOCK, texels // self.BLOCK)
        self._block, self.near = (ctx.texture(small, 1, dtype="f4") for _ in range(2))
        for texture in (self._block, self.near):
            texture.filter = (moderngl.NEAREST, moderngl.NEAREST)
            texture.repeat_x = texture.repeat_y = False
        self._block_target = ctx.framebuffer([self._block])
        self._near_target = ctx.framebuffer([self.near])
        self._pass = gl.Pass(ctx, "near.glsl", ("from",))

    def begin(self) -> None:
        self.target.use()
        self.target.clear(depth=1.0)

    def summarize(self, side_m: float, reach_m: float = 0.11) -> None:
        """Fills `near` so that it covers every tap within reach_m."""
        self._pass.program["radius"].value = 0  # type: ignore[union-attr]
        self._pass.program["stride"].value = self.BLOCK  # type: ignore[union-attr]
        self._pass.render(self._block_target, self.depth)
        blocks = int(np.ceil(reach_m / side_m * self.texels / self.BLOCK)) + 1
        self._pass.program["radius"].value = blocks  # type: ignore[union-attr]
        self._pass.program["stride"].value = 1  # type: ignore[union-attr]
        self._pass.render(self._near_target, self._block)

    def release(self) -> None:
        for thing in (self.target, self._block_target, self._near_target, self.depth, self._block,
                      self.near, self._pass):  # fmt: skip
            thing.release()
