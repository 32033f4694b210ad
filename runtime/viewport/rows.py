"""Skin matrices on the GPU: a row of texels for each subject, as shaders/skin.glsl reads them."""

from __future__ import annotations

import moderngl
import numpy as np

from understudy.runtime.core.rotation import Array

MATRICES_UNIT = 8


class Rows:
    """Matrices and veils of all who wear one mesh; room for them grows by doubling."""

    def __init__(self, ctx: moderngl.Context) -> None:
        self._ctx = ctx
        self._texture: moderngl.Texture | None = None

    def write(self, matrices: Array, veils: Array) -> None:
        """matrices (N, J, 4, 4), veils (N, J, 4)."""
        count, width = len(matrices), 4 * matrices.shape[1]
        if self._texture is None or self._texture.height < count:
            self.release()
            room = max(4, 1 << (count - 1).bit_length())
            self._texture = self._ctx.texture((width, room), 4, dtype="f4")
            self._texture.filter = (moderngl.NEAREST, moderngl.NEAREST)
        rows = np.concatenate([matrices[:, :, :3, :], veils[:, :, None, :]], 2).astype("f4")
        self._texture.write(rows.tobytes(), (0, 0, width, count))

    def use(self) -> None:
        if self._texture is not None:
            self._texture.use(MATRICES_UNIT)

    def release(self) -> None:
        if self._texture is not None:
            self._texture.release()
            self._texture = None
