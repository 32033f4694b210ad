"""The passes that light: what is solid, what is translucent or glows over it, and the tone map."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import moderngl
import numpy as np

from . import gl
from .character_costume import NEAR_UNIT, SET_UNIT, SHADOW_UNIT, SKY_UNIT, Programs
from .gbuffer import LIT_BY, GBuffer
from .linear_light import LinearLight
from .look import Look
from .options import Options
from .particles import Particles
from .shadow import ShadowMap
from .sky_map import SkyMap
from .stand import Stand

KEEP_LUMA = (moderngl.SRC_ALPHA, moderngl.ONE_MINUS_SRC_ALPHA, moderngl.ZERO, moderngl.ONE)


class Body(Protocol):
    """What is drawn of subjects and of props."""

    @property
    def is_over(self) -> bool: ...
    def render(self, name: str) -> None: ...


class LightPasses:
    """Compiled for the look and the set that there are. `begin` each picture first.

    linear         the light before the tone map, where something works on it
    effect_folder  of a user's effect, as of the next `resize`
    keeps_linear   the light is kept linear whether anything works on it or not
    """

    def __init__(self, ctx: moderngl.Context, idle: moderngl.Framebuffer) -> None:
        """idle: to be in use while targets are made."""
        self._ctx, self._idle = ctx, idle
        self._words: dict[str, object] = {}  # that the passes are compiled with
        self._light = gl.Pass(ctx, "light.glsl", LIT_BY)
        self._sky: tuple[SkyMap, moderngl.Texture] | None = None
        self.open = ctx.texture((1, 1), 1, b"\xff")
        self.linear: LinearLight | None = None
        self.effect_folder: Path | None = None
        self.keeps_linear = False
        self._size = (1, 1)
        self._options, self._lens, self._is_linear = Options(), False, False

    def resize(self, size: tuple[int, int]) -> None:
        """For a picture of a size."""
        self._size = size
        if self.linear is not None:
            self.linear.release()
        self.linear = None
        if self.effect_folder is not None or self.keeps_linear:
            self._keep()

    def _keep(self) -> None:
        if self.linear is None:
            self._idle.use()
            self.linear = LinearLight(self._ctx, self._size, self._words)
            if self.effect_folder is not None:
                self.linear.set_effect(self.effect_folder)

    def compile(self, look: Look, stand: Stand | None, variants: Programs) -> None:
        """With what this look and set need and no more."""
        words = look.defines()
        if stand is not None:
            words |= {"SET": 1} | ({"LAMPS": 1} if stand.scenery.lamps else {})
        if words == self._words:
            return
        self._words = words
        self._light.release()
        self._light = gl.Pass(self._ctx, "light.glsl", LIT_BY, **words)
        variants.light_by(words)
        if self.linear is not None:
            self.linear.light_by(words)

    def begin(self, options: Options, lens: bool) -> None:
        """What this picture is drawn with; lens: whether anything is out of focus."""
        self._options, self._lens = options, lens
        if lens or options.shutter_deg:
            self._keep()
        effect = self.linear is not None and options.image_effect and self.linear.effect is not None
        self._is_linear = bool(effect or self.keeps_linear or lens or options.shutter_deg)

    def light(
        self,
        target: moderngl.Framebuffer,
        gbuffer: GBuffer,
        contact: moderngl.Texture,
        shadow: ShadowMap,
        stand: Stand | None,
    ) -> None:
        """What is solid, into a target, or into the light that is kept linear."""
        still = stand.shadow if stand is not None else shadow.depth
        sky = self._sky_texture(self._options.look)
        lit_by = (gbuffer.albedo, gbuffer.normal, gbuffer.depth, contact, shadow.depth,
                  shadow.near, still, sky)  # fmt: skip
        if self.linear is not None and self._is_linear:
            self.linear.light.render(self.linear.target, *lit_by)
        else:
            self._light.render(target, *lit_by)

    def over(
        self,
        picture: moderngl.Texture,
        gbuffer: GBuffer,
        shadow: ShadowMap,
        stand: Stand | None,
        bodies: Sequence[Body],
        particles: Particles | None = None,
    ) -> None:
        """What is translucent or glows, over what does not, in the same light."""
        glows = stand is not None and stand.is_over
        flies = particles is not None and particles.is_there
        if not (glows or flies or any(body.is_over for body in bodies)):
            return
        linear = self.linear if self._is_linear else None
        shown = linear.texture if linear is not None else picture
        target = self._ctx.framebuffer([shown], gbuffer.zbuffer)
        target.use()
        self._ctx.enable_only(moderngl.DEPTH_TEST | moderngl.CULL_FACE | moderngl.BLEND)
        # The fourth number is the luma that the anti-aliasing goes by, and stays as it is.
        self._ctx.blend_func = KEEP_LUMA  # type: ignore[assignment]
        target.depth_mask = False
        self._ctx.depth_func = "<="
        shadow.depth.use(SHADOW_UNIT)
        shadow.near.use(NEAR_UNIT)
        self._sky_texture(self._options.look).use(SKY_UNIT)
        name = "over linear" if linear is not None else "over"
        if stand is not None:
            stand.shadow.use(SET_UNIT)
            if glows:
                stand.render(name)
        for body in bodies:
            body.render(name)
        if particles is not None and flies:
            self._ctx.enable_only(moderngl.DEPTH_TEST | moderngl.BLEND)
            textures = {"depth_map": gbuffer.depth, "shadow_map": shadow.depth}
            textures |= {"set_shadow_map": stand.shadow} if stand is not None else {}
            particles.draw(linear is not None, stand is not None, textures)
        self._ctx.enable_only(moderngl.NOTHING)
        self._ctx.blend_func = moderngl.DEFAULT_BLENDING  # type: ignore[assignment]
        self._ctx.depth_func = "<"
        self._idle.use()
        target.release()

    def develop(self, target: moderngl.Framebuffer, gbuffer: GBuffer) -> None:
        """The lens, the shutter and the effect on linear light, then the tone map."""
        if self.linear is not None and self._is_linear:
            options = self._options
            light = self.linear.render(
                gbuffer, self._lens, options.shutter_deg > 0.0, options.image_effect
            )
            self._ctx.enable_only(moderngl.NOTHING)
            self.linear.present.render(target, light)

    def _sky_texture(self, look: Look) -> moderngl.Texture:
        """The sky of a picture; one texel where there is none."""
        sky = look.sky_map
        if sky is None:
            return self.open
        if self._sky is None or self._sky[0] is not sky:
            if self._sky is not None:
                self._sky[1].release()
            height, width = sky.pixels.shape[:2]
            rows = np.minimum(sky.pixels[::-1], 6e4).astype("f2")
            texture = self._ctx.texture((width, height), 3, rows.tobytes(), dtype="f2")
            texture.repeat_y = False
            texture.build_mipmaps()
            texture.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
            self._sky = sky, texture
        return self._sky[1]

    def release(self) -> None:
        if self.linear is not None:
            self.linear.release()
        if self._sky is not None:
            self._sky[1].release()
        self._light.release()
        self.open.release()
