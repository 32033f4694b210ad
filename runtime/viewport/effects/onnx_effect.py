"""Image effects that users bring: a folder with one ONNX network and effect.toml.

The G-buffer is drawn as planes above one another, which is the memory of an NCHW tensor: read back,
it is the network's input without a copy. This executor runs ONNX Runtime on the CPU; others
will read the same planes from the GPU.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import moderngl
import numpy as np
from msgspec import Meta

from understudy.runtime.core import distribution, typed
from understudy.runtime.core.errors import Failure, UnderstudyError
from understudy.runtime.core.typed import Table
from understudy.shaders import source

from .contact import VERTEX

CHANNELS = {"colour": (0, 1, 2), "normal": (3, 4, 5), "depth": (6,)}
BLENDS = ("replace", "multiply", "add")
MAX_PLANES = 16


@dataclass(frozen=True)
class Card:
    """What effect.toml says."""

    name: str
    model: Path
    channels: tuple[str, ...]
    downscale: int = 1
    depth_scale_m: float = 10.0
    history: bool = False
    blend: str = "replace"
    strength: float = 1.0

    @property
    def planes(self) -> tuple[int, ...]:
        """The kind of each plane that the shader draws."""
        return tuple(kind for channel in self.channels for kind in CHANNELS[channel])


class _Input(Table, frozen=True, kw_only=True):
    """[input] of effect.toml."""

    channels: Annotated[tuple[Literal["colour", "normal", "depth"], ...], Meta(min_length=1)]
    downscale: Literal[1, 2, 4] = 1
    depth_scale_m: Annotated[float, Meta(gt=0.0, le=1e4)] = 10.0
    history: bool = False


class _Output(Table, frozen=True, kw_only=True):
    """[output] of effect.toml."""

    blend: Literal["replace", "multiply", "add"] = "replace"
    strength: Annotated[float, Meta(gt=0.0, le=1.0)] = 1.0


class _File(Table, frozen=True, kw_only=True):
    """effect.toml."""

    model: Annotated[str, Meta(description="the network's file", examples=["ink.onnx"])]
    input: _Input
    output: _Output = _Output()
    name: str = ""
    what: str = ""


def read_card(folder: Path) -> Card:
    """The card of an effect's folder, checked."""
    path = folder / "effect.toml"
    if not os.path.exists(path):
        raise UnderstudyError(
            f"{folder} has no effect.toml; an effect is a folder with effect.toml and one .onnx."
        )
    said = typed.read_toml(path, _File, "effect's card")
    card = Card(
        said.name or folder.name,
        folder / said.model,
        said.input.channels,
        said.input.downscale,
        said.input.depth_scale_m,
        said.input.history,
        said.output.blend,
        said.output.strength,
    )
    if len(card.planes) > MAX_PLANES:
        raise UnderstudyError(
            f"{path}, input.channels make {len(card.planes)} planes; {MAX_PLANES} are possible."
        )
    if not card.model.is_file():
        raise UnderstudyError(f"{path}: model {said.model!r} is not in the folder.")
    return card


class OnnxCpu:
    """ONNX Runtime on the CPU, its input and output bound to arrays that stay where they are.

    input   (1, C, h, w) float32 C-contiguous; planes first, then the history where there is one
    output  (1, K, h, w) float32
    """

    def __init__(self, card: Card, size: tuple[int, int], threads: int = 1) -> None:
        try:
            import onnxruntime
        except ImportError:
            raise Failure(distribution.lacking("onnxruntime")) from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        file = card.model
        try:
            session = onnxruntime.InferenceSession(
                str(file), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            first = (str(error).splitlines() or [repr(error)])[0]
            raise UnderstudyError(f"{file} is not a network that loads: {first}") from None
        inputs, outputs = session.get_inputs(), session.get_outputs()
        if len(inputs) != 1 or len(outputs) != 1:
            raise UnderstudyError(
                f"{file} has {len(inputs)} inputs and {len(outputs)} outputs; an effect has one of "
                "each, NCHW."
            )
        width, height = size
        shape_out = outputs[0].shape
        if len(shape_out) != 4 or shape_out[1] not in (1, 3) or outputs[0].type != "tensor(float)":
            raise UnderstudyError(
                f"{file}: output {shape_out} of {outputs[0].type}, expected (1, 1 or 3, h, w) of "
                "tensor(float)."
            )
        self.channels = int(shape_out[1])
        self.planes = len(card.planes)
        wanted = [1, self.planes + (self.channels if card.history else 0), height, width]
        have = inputs[0].shape
        fits = len(have) == 4 and all(
            not isinstance(h, int) or h == w for h, w in zip(have, wanted, strict=True)
        )
        if not fits or inputs[0].type != "tensor(float)":
            made = " + ".join([*card.channels, *(["history"] if card.history else [])])
            raise UnderstudyError(
                f"{file}: input {have} of {inputs[0].type}; {made} at this size is {wanted} of "
                "tensor(float)."
            )
        self.input = np.zeros(wanted, np.float32)
        self.output = np.zeros((1, self.channels, height, width), np.float32)
        self._history = card.history
        self._session = session
        self._binding = session.io_binding()
        self._binding.bind_input(
            inputs[0].name, "cpu", 0, np.float32, self.input.shape, self.input.ctypes.data
        )
        self._binding.bind_output(
            outputs[0].name, "cpu", 0, np.float32, self.output.shape, self.output.ctypes.data
        )
        try:  # a network whose output has another size than its input shows itself here
            self._session.run_with_iobinding(self._binding)
        except Exception as error:
            first = (str(error).splitlines() or [repr(error)])[0]
            raise UnderstudyError(f"{file} does not run at {width}x{height}: {first}") from None
        self.output[:] = 0.0

    def run(self) -> None:
        """One picture: input to output, in place."""
        if self._history:
            self.input[:, self.planes :] = self.output
        self._session.run_with_iobinding(self._binding)


class OnnxEffect:
    """One user's effect on one picture size. `render` gives the new picture, linear, RGBA16F."""

    def __init__(
        self, ctx: moderngl.Context, size: tuple[int, int], folder: Path | str, threads: int = 1
    ) -> None:
        self.ctx, self.size = ctx, size
        self.card = card = read_card(Path(folder))
        step = card.downscale
        small = ((size[0] + step - 1) // step, (size[1] + step - 1) // step)
        self.network = OnnxCpu(card, small, threads)
        planes, channels = self.network.planes, self.network.channels
        self._made: list[Any] = []
        self._tensor = self._texture((small[0], small[1] * planes), 1, "f4")
        self._planes = self._texture((small[0], small[1] * channels), 1, "f4")
        self._picture = self._texture(size, 4, "f2")
        self._gather = self._pass(
            self._tensor,
            "effect_tensor.glsl",
            kinds=[*card.planes, *[0] * (MAX_PLANES - planes)],
            plane_height=small[1],
            downscale=step,
            depth_scale=card.depth_scale_m,
        )
        self._blend = self._pass(
            self._picture,
            "effect_blend.glsl",
            plane_size=small,
            channels=channels,
            downscale=step,
            blend=BLENDS.index(card.blend),
            strength=card.strength,
        )
        # Exactly the part of the input that the shader draws, as bytes: read_into fills it.
        self._into = self.network.input[:, :planes].reshape(-1).view(np.uint8)
        self._from = self.network.output.reshape(-1).view(np.uint8)

    def mix(self, share: float) -> None:
        """How much of the effect is seen, 0 to 1 of what its card says."""
        self._blend[1].program["strength"] = self.card.strength * min(max(share, 0.0), 1.0)

    def _texture(self, size: tuple[int, int], components: int, dtype: str) -> moderngl.Texture:
        limit = self.ctx.info["GL_MAX_TEXTURE_SIZE"]
        if max(size) > limit:
            raise UnderstudyError(
                f"Effect {self.card.name!r} needs a texture of {size[0]}x{size[1]}, this renderer's"
                f" limit is {limit}; raise input.downscale in effect.toml."
            )
        texture = self.ctx.texture(size, components, dtype=dtype)
        texture.filter = (moderngl.NEAREST, moderngl.NEAREST)
        self._made.append(texture)
        return texture

    def _pass(self, target: moderngl.Texture, file: str, **uniforms: Any) -> tuple[Any, Any]:
        program = self.ctx.program(vertex_shader=VERTEX, fragment_shader=source(file))
        units = {"colour_texture": 0, "normal_texture": 1, "depth_texture": 2, "planes": 3}
        for name, value in (units | uniforms).items():
            if name in program:
                program[name] = value
        framebuffer = self.ctx.framebuffer([target])
        triangle = self.ctx.vertex_array(program, [])
        scope = self.ctx.scope(framebuffer, moderngl.NOTHING)
        self._made += [program, framebuffer, triangle, scope]
        return scope, triangle

    def render(
        self, colour: moderngl.Texture, depth: moderngl.Texture, normal: moderngl.Texture
    ) -> moderngl.Texture:
        """The picture (linear colour) with the effect on it."""
        colour.use(0)
        normal.use(1)
        depth.use(2)
        self._draw(self._gather)
        self._tensor.read_into(self._into)
        self.network.run()
        self._planes.write(self._from)
        colour.use(0)
        self._planes.use(3)
        self._draw(self._blend)
        return self._picture

    def _draw(self, one: tuple[Any, Any]) -> None:
        scope, triangle = one
        with scope:
            triangle.render(moderngl.TRIANGLES, vertices=3)

    def release(self) -> None:
        """Gives the GPU memory back."""
        for item in reversed(self._made):
            item.release()
        self._made.clear()

    close = release

    def __enter__(self) -> OnnxEffect:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
