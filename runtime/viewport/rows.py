"""Skin matrices on the GPU: a row of texels for each subject, as shaders/skin.glsl reads them."""

from __future__ import annotations

from collections.abc import Sequence

import moderngl
import numpy as np

from understudy.runtime.core.rotation import Array

MATRICES_UNIT, LAST_UNIT = 8, 16
# Who is further from where it was in the picture before did not go there: it was put there.
JUMP_M = 1.5


class Rows:
    """Matrices and veils of all who wear one mesh; room for them grows by doubling.

    moving  whether it keeps those of the picture before, which tell how everything moves
    """

    def __init__(self, ctx: moderngl.Context) -> None:
        self._ctx = ctx
        self.moving = False
        self._textures: list[moderngl.Texture] = []  # of now, and of the picture before
        self._were: dict[str, Array] = {}

    def write(
        self, names: Sequence[str], matrices: Array, veils: Array, numbers: Sequence[int] = ()
    ) -> None:
        """matrices (N, J, 4, 4), veils (N, J, 4); numbers: of the subjects, from 1."""
        count, width = len(matrices), 4 * matrices.shape[1]
        wanted = 2 if self.moving else 1
        if len(self._textures) < wanted or self._textures[0].height < count:
            self.release()
            room = max(4, 1 << (count - 1).bit_length())
            self._textures = [
                self._ctx.texture((width, room), 4, dtype="f4") for _ in range(wanted)
            ]
            for texture in self._textures:
                texture.filter = (moderngl.NEAREST, moderngl.NEAREST)
        self._put(0, matrices, veils)
        if not self.moving:
            self._were = {}
            return
        were = np.stack([self._was(name, now) for name, now in zip(names, matrices, strict=True)])
        ids = np.zeros(veils.shape)
        ids[:, 0, 0] = numbers if len(numbers) else 0.0
        self._put(1, were, ids)
        self._were = dict(zip(names, matrices, strict=True))

    def _put(self, which: int, matrices: Array, fourth: Array) -> None:
        rows = np.concatenate([matrices[:, :, :3, :], fourth[:, :, None, :]], 2).astype("f4")
        size = 4 * matrices.shape[1], len(matrices)
        self._textures[which].write(rows.tobytes(), (0, 0, *size))

    def _was(self, name: str, now: Array) -> Array:
        was = self._were.get(name)
        if was is None or was.shape != now.shape:
            return now
        return now if np.abs(was[:, :3, 3] - now[:, :3, 3]).max() > JUMP_M else was

    def forget(self) -> None:
        """Nobody has moved since the picture before: it was another place."""
        self._were = {}

    def use(self) -> None:
        for unit, texture in zip((MATRICES_UNIT, LAST_UNIT), self._textures, strict=False):
            texture.use(unit)

    def release(self) -> None:
        for texture in self._textures:
            texture.release()
        self._textures = []
