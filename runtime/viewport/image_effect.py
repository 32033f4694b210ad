"""A user's image effect in the frame: between the light and the tone map."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import moderngl

from . import gl
from .gbuffer import LIT_BY, GBuffer


class ImageEffect:
    """A user's effect and what stands around it: light kept linear before, the tone map after.

    shown  the light that the last picture was made of, linear
    """

    def __init__(self, ctx: moderngl.Context, size: tuple[int, int], folder: Path | None) -> None:
        """folder: None is no effect; the light is kept linear all the same."""
        self._effect: Any = None
        if folder is not None:
            module = importlib.import_module("understudy.runtime.viewport.effects.onnx_effect")
            self._effect = module.OnnxEffect(ctx, size, folder)
        self.light = gl.Pass(ctx, "light.glsl", LIT_BY, LINEAR=1)
        self.present = gl.Pass(ctx, "present.glsl", ("light_map",))
        self._ctx = ctx
        self.texture = ctx.texture(size, 4, dtype="f2")
        self.target = ctx.framebuffer([self.texture])
        self.shown = self.texture

    def mix(self, share: float) -> None:
        """How much of the effect is seen, 0 to 1."""
        if self._effect is not None:
            self._effect.mix(share)

    def light_by(self, words: dict[str, object]) -> None:
        """Compiles the light and the tone map with these words."""
        self.light.release()
        self.present.release()
        self.light = gl.Pass(self._ctx, "light.glsl", LIT_BY, LINEAR=1, **words)
        self.present = gl.Pass(self._ctx, "present.glsl", ("light_map",), **words)

    def render(self, gbuffer: GBuffer) -> moderngl.Texture:
        """The light in `target`, worked on; linear."""
        if self._effect is not None:
            self.shown = self._effect.render(self.texture, gbuffer.depth, gbuffer.normal)
        return self.shown

    def release(self) -> None:
        if self._effect is not None:
            self._effect.release()
        for thing in (self.light, self.present, self.target, self.texture):
            thing.release()
