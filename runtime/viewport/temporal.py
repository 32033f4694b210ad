"""Anti-aliasing over time: pictures that are each drawn a part of a pixel aside become one."""

from __future__ import annotations

import moderngl

from . import gl
from .gbuffer import GBuffer

# Of the history; a still picture is then the mean of about its last ten.
KEEPS = 0.9


def halton(index: int, base: int) -> float:
    """The index-th number, from 1, of the sequence that fills 0..1 evenly for a prime base."""
    value, share = 0.0, 1.0
    while index:
        share /= base
        value += share * (index % base)
        index //= base
    return value


# Where in a pixel each picture of a round is drawn, from its middle.
PATTERN = [(halton(i, 2) - 0.5, halton(i, 3) - 0.5) for i in range(1, 9)]


class Temporal:
    """The history of one picture size. Release it with its context current."""

    def __init__(self, ctx: moderngl.Context, size: tuple[int, int]) -> None:
        self._textures = [ctx.texture(size, 4, dtype="f2") for _ in range(2)]
        for texture in self._textures:
            texture.repeat_x = texture.repeat_y = False
        self._targets = [ctx.framebuffer([texture]) for texture in self._textures]
        self._pass = gl.Pass(ctx, "taa.glsl", ("picture", "history", "depth_map", "motion_map"))
        self._turn, self._has = 0, False

    @property
    def jitter_px(self) -> tuple[float, float]:
        """By how much the next picture is to be drawn aside."""
        return PATTERN[self._turn % len(PATTERN)]

    def forget(self) -> None:
        """The next picture is another place: a cut."""
        self._has = False

    def render(self, picture: moderngl.Texture, gbuffer: GBuffer) -> moderngl.Texture:
        """The picture joined with those before it."""
        assert gbuffer.motion is not None
        into, history = self._turn % 2, self._textures[1 - self._turn % 2]
        self._pass.program["keeps"].value = KEEPS if self._has else 0.0  # type: ignore[union-attr]
        self._pass.render(self._targets[into], picture, history, gbuffer.depth, gbuffer.motion)
        self._turn, self._has = self._turn + 1, True
        return self._textures[into]

    def release(self) -> None:
        self._pass.release()
        for target, texture in zip(self._targets, self._textures, strict=True):
            target.release()
            texture.release()
