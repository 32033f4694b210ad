"""A user's image effect in the frame: between the light and the tone map."""

from __future__ import annotations

import importlib
from pathlib import Path

import moderngl

from . import gl
from .gbuffer import LIT_BY, GBuffer


class ImageEffect:
    """A user's effect and what stands around it: light kept linear before, the tone map after."""

    def __init__(self, ctx: moderngl.Context, size: tuple[int, int], folder: Path) -> None:
        module = importlib.import_module("understudy.runtime.viewport.effects.onnx_effect")
        self._effect = module.OnnxEffect(ctx, size, folder)
        self.light = gl.Pass(ctx, "light.glsl", LIT_BY, LINEAR=1)
        self.present = gl.Pass(ctx, "present.glsl", ("light_map",))
        self._ctx = ctx
        self.texture = ctx.texture(size, 4, dtype="f2")
        self.target = ctx.framebuffer([self.texture])

    def mix(self, share: float) -> None:
        """How much of the effect is seen, 0 to 1."""
        self._effect.mix(share)

    def light_by(self, words: dict[str, object]) -> None:
        """Compiles the light and the tone map with these words."""
        self.light.release()
        self.present.release()
        self.light = gl.Pass(self._ctx, "light.glsl", LIT_BY, LINEAR=1, **words)
        self.present = gl.Pass(self._ctx, "present.glsl", ("light_map",), **words)

    def render(self, gbuffer: GBuffer) -> moderngl.Texture:
        """The light in `target`, worked on; linear."""
        picture: moderngl.Texture = self._effect.render(self.texture, gbuffer.depth, gbuffer.normal)
        return picture

    def release(self) -> None:
        for thing in (self._effect, self.light, self.present, self.target, self.texture):
            thing.release()
