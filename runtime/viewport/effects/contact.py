"""Contact shading: ambient occlusion at the scale of people, from the G-buffer, by a small network.

Four fragment passes, GL 3.3 and up, software renderers included: pack normal and depth, judge the
taps, blur, bring to full size. The judge is the network of models/contact, written out as GLSL from
its weights file; the classical estimators stand beside it for comparison and pass through the same
taps, blur and sizes. Nothing depends on the frame's number: a still picture stays still.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Protocol

import moderngl

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.viewport.effects import contact_network as network
from understudy.runtime.viewport.effects import contact_shader as shader
from understudy.runtime.viewport.effects import contact_weights as files
from understudy.runtime.viewport.gl import is_software
from understudy.shaders import source

VERTEX = """#version 330 core
void main() { gl_Position = vec4(vec2(gl_VertexID & 1, gl_VertexID >> 1) * 4.0 - 1.0, 0.0, 1.0); }
"""


class HasFov(Protocol):
    """All that is asked of a camera."""

    @property
    def fov_y_rad(self) -> float: ...


def fragment(quality: str, weights: files.Weights) -> str:
    """The estimator's GLSL.

    `quality` names a network ("16x8") or a classical estimator and its taps ("gtao-16").
    """
    if quality in weights.networks:
        text, parts = source("contact.glsl"), shader.glsl(weights.networks[quality])
        for key, value in parts.items():
            text = text.replace(f"${key}$", value)
        return text
    kind, _, taps = quality.partition("-")
    if kind not in weights.classical or not taps.isdigit() or not 4 <= int(taps) <= 256:
        raise UnderstudyError(
            f"Contact shading {quality!r} is unknown; there are {', '.join(weights.networks)}, "
            "and sao-N and gtao-N with 4 to 256 taps."
        )
    count = int(taps)
    slices = {4: 1, 8: 1, 16: 2, 32: 4}.get(count, max(1, count // 8))
    text = source(f"contact_{kind}.glsl").replace("$TAPS$", taps)
    return text.replace("$SLICES$", str(slices)).replace("$STEPS$", str(count // (2 * slices)))


class Contact:
    """The pass for one picture size. `render` gives a texture: 1 open, 0 shut, size of the picture.

    half       judge at half size and bring the result up along depth: a quarter of the cost
    quality    a network's name; None: the weights file's for graphics hardware or, where the
               renderer is software, its light one; or "sao-16", "gtao-16"
    """

    def __init__(
        self,
        ctx: moderngl.Context,
        size: tuple[int, int],
        radius_m: float = 0.5,
        quality: str | None = None,
        half: bool = True,
        weights: Path | None = None,
    ) -> None:
        stored = files.load(weights)
        self.quality = quality or (stored.light if is_software(ctx) else stored.default)
        text = fragment(self.quality, stored)
        self.ctx, self.size, self.half = ctx, size, half
        self.radius_m = radius_m
        step = 2 if half else 1
        self._step = step
        inner = ((size[0] + step - 1) // step, (size[1] + step - 1) // step)
        self._inner = inner
        self._made: list[Any] = []
        self._packed, self._pack = self._target(inner, 4, "f4", source("contact_pack.glsl"))
        self._raw, self._judge = self._target(inner, 2, "f4", text)
        self._blurred, self._blur = self._target(inner, 2, "f4", source("contact_blur.glsl"))
        self._passes = [self._pack, self._judge, self._blur]
        if half:
            upsample = source("contact_upsample.glsl")
            self._full, self._upsample = self._target(size, 1, "f2", upsample)
            self._passes.append(self._upsample)
        self._pack[1]["stride"] = step
        kind = self.quality.partition("-")[0]
        if kind in stored.classical:
            self.set_fit(*stored.classical[kind])
        for _, program, _ in self._passes:
            for unit, name in enumerate(
                ("packed_pixels", "normal_texture", "depth_texture", "raw", "half_ao")
            ):
                if name in program:
                    program[name] = unit
        self._given: tuple[float, float] | None = None

    def _target(
        self, size: tuple[int, int], components: int, dtype: str, text: str
    ) -> tuple[moderngl.Texture, tuple[moderngl.Scope, moderngl.Program, moderngl.VertexArray]]:
        """A texture and the pass that fills it."""
        texture = self.ctx.texture(size, components, dtype=dtype)
        texture.repeat_x = texture.repeat_y = False
        nearest = (moderngl.NEAREST, moderngl.NEAREST)
        texture.filter = nearest if components > 1 else (moderngl.LINEAR, moderngl.LINEAR)
        framebuffer = self.ctx.framebuffer([texture])
        program = self.ctx.program(vertex_shader=VERTEX, fragment_shader=text)
        triangle = self.ctx.vertex_array(program, [])
        scope = self.ctx.scope(framebuffer, moderngl.NOTHING)
        self._made += [scope, triangle, program, framebuffer, texture]
        return texture, (scope, program, triangle)

    def render(
        self, depth: moderngl.Texture, normal: moderngl.Texture, camera: HasFov
    ) -> moderngl.Texture:
        """Occlusion of this G-buffer: depth in metres along the view, normals in view space."""
        self._lens(float(camera.fov_y_rad))
        normal.use(1)
        depth.use(2)
        self._draw(self._pack)
        self._packed.use(0)
        self._draw(self._judge)
        self._raw.use(3)
        self._draw(self._blur)
        if not self.half:
            return self._blurred
        self._blurred.use(4)
        self._draw(self._upsample)
        return self._full

    def set_fit(self, gain: float, power: float) -> None:
        """Gain and power of a classical estimator."""
        self._judge[1]["fit"] = (gain, power)

    def _draw(self, one: tuple[moderngl.Scope, moderngl.Program, moderngl.VertexArray]) -> None:
        scope, _, triangle = one
        with scope:
            triangle.render(moderngl.TRIANGLES, vertices=3)

    def _lens(self, fov_y_rad: float) -> None:
        """Uniforms that follow from the lens and the radius, written when one of them changes."""
        if self._given == (fov_y_rad, self.radius_m):
            return
        self._given = (fov_y_rad, self.radius_m)
        width, height = self.size
        scale = 2.0 * math.tan(0.5 * fov_y_rad) / height
        slope = (
            self._step * scale,
            self._step * scale,
            (0.5 - 0.5 * width) * scale,
            (0.5 - 0.5 * height) * scale,
        )
        focal = 1.0 / (self._step * scale)
        r = self.radius_m
        lens = (focal, r, network.MAX_REACH * self._inner[1], 1.0 / r)
        for _, program, _ in self._passes:
            for name, value in (("slope", slope), ("lens", lens)):
                if name in program:
                    program[name] = value
            if "tolerance" in program:
                program["tolerance"] = 1.0 / (network.BLUR_TOLERANCE * r)

    def release(self) -> None:
        """Gives the GPU memory back."""
        for item in self._made:
            item.release()
        self._made.clear()

    close = release

    def __enter__(self) -> Contact:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
