"""A set on the GPU: its mesh as it stands, and a shadow map that is drawn once for a sun."""

from __future__ import annotations

import moderngl
import numpy as np

from understudy.runtime.core.rotation import Array

from . import gl
from .cast import MOVING
from .character_costume import CharacterCostume, Programs
from .outfit import made
from .sets.scenery import Scenery
from .shadow import sun_box

TEXELS = 2048
# A set that is larger has its shadow about the action.
FURTHEST_M = 30.0


class Stand:
    """A set as it is drawn. Release it with its context current."""

    def __init__(
        self, ctx: moderngl.Context, scenery: Scenery, programs: Programs, most_pixels: int
    ) -> None:
        self.scenery = scenery
        outfit = made(scenery.body, most_pixels)
        self.notes = [*scenery.notes, *outfit.notes]
        self._costume = CharacterCostume(ctx, outfit, programs)
        self.shadow = ctx.depth_texture((TEXELS, TEXELS))
        self.shadow.compare_func = ""
        self.shadow.filter = (moderngl.NEAREST, moderngl.NEAREST)
        self.shadow.repeat_x = self.shadow.repeat_y = False
        self._target = ctx.framebuffer(depth_attachment=self.shadow)
        self._ctx = ctx
        self._sun: Array | None = None
        self.projection: Array = np.eye(4)
        self.depth_m = 1.0
        matrices = scenery.body.skin_matrices(*scenery.body.skeleton.rest_globals)
        veils = np.zeros((1, len(scenery.body.bones), 4))
        none: list[Array | None] = [None]
        self._worn = [scenery.name], matrices[None], veils, none, [float("inf")], [0]
        self._costume.write(*self._worn)

    def aim(self, sun: Array) -> bool:
        """Fits the shadow's box to a sun; whether it is to be drawn anew."""
        if self._sun is not None and np.array_equal(self._sun, sun):
            return False
        low, high = self.scenery.bounds()
        low, high = np.maximum(low, -FURTHEST_M), np.minimum(high, FURTHEST_M)
        middle = 0.5 * (low + high)
        radius_m = float(np.linalg.norm(high - middle))
        self.projection, box_m = sun_box(sun, middle, radius_m, TEXELS)
        self.depth_m, self._sun = box_m[1], sun.copy()
        return True

    def draw_shadow(self) -> None:
        """Into its own map; the block has to hold `projection` as the sun's."""
        self._target.use()
        self._target.clear(depth=1.0)
        with gl.checked(self._ctx, "the set's shadow"):
            self._costume.render("shadow")

    def render(self, name: str) -> None:
        """ "body" and "body motion" into the G-buffer, "over" and "over linear" over it."""
        if name == MOVING and not self._costume.rows.moving:
            self._costume.rows.moving = True
            self._costume.write(*self._worn)
        self._costume.render(name)

    @property
    def is_over(self) -> bool:
        """Whether anything of it glows or is translucent."""
        return self._costume.is_over

    def release(self) -> None:
        self._costume.release()
        self._target.release()
        self.shadow.release()
