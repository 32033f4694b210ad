"""Light before the tone map: kept linear for the camera's optics, a user's effect, EXR files."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import moderngl

from . import gl
from .gbuffer import LIT_BY, GBuffer
from .optics import Optics


class LinearLight:
    """A linear picture and what works on it: light pass before, tone map after.

    shown  the light that the last picture was made of
    """

    def __init__(
        self, ctx: moderngl.Context, size: tuple[int, int], words: dict[str, object]
    ) -> None:
        """words: what the passes that light are compiled with."""
        self._ctx, self._size = ctx, size
        self.effect: Any = None
        self.optics: Optics | None = None
        self.texture = ctx.texture(size, 4, dtype="f2")
        self.texture.repeat_x = self.texture.repeat_y = False
        self.target = ctx.framebuffer([self.texture])
        self.shown = self.texture
        self._compile(words)

    def _compile(self, words: dict[str, object]) -> None:
        self.light = gl.Pass(self._ctx, "light.glsl", LIT_BY, LINEAR=1, **words)
        self.present = gl.Pass(self._ctx, "present.glsl", ("light_map",), **words)

    def set_effect(self, folder: Path) -> None:
        """A user's effect, a folder of effect.toml and a network."""
        module = importlib.import_module("understudy.runtime.viewport.effects.onnx_effect")
        self.effect = module.OnnxEffect(self._ctx, self._size, folder)

    def mix(self, share: float) -> None:
        """How much of the effect is seen, 0 to 1."""
        if self.effect is not None:
            self.effect.mix(share)

    def light_by(self, words: dict[str, object]) -> None:
        """Compiles the light and the tone map with these words."""
        self.light.release()
        self.present.release()
        self._compile(words)

    def render(self, gbuffer: GBuffer, lens: bool, shutter: bool, effect: bool) -> moderngl.Texture:
        """The light in `target`, worked on by the lens, the shutter and the effect; linear."""
        light = self.texture
        if lens or shutter:
            self.optics = self.optics or Optics(self._ctx, self._size)
            light = self.optics.focus(light, gbuffer) if lens else light
            light = self.optics.expose(light, gbuffer) if shutter else light
        if effect and self.effect is not None:
            light = self.effect.render(light, gbuffer.depth, gbuffer.normal)
        self.shown = light
        return light

    def release(self) -> None:
        for thing in (self.effect, self.optics):
            if thing is not None:
                thing.release()
        for thing in (self.light, self.present, self.target, self.texture):
            thing.release()
