"""What the geometry passes leave behind for those that light it."""

from __future__ import annotations

import moderngl

# The textures of the light pass, in its order.
LIT_BY = ("albedo_map", "normal_map", "depth_map", "contact_map", "shadow_map", "near_map",
          "set_shadow_map", "sky_map")  # fmt: skip


class GBuffer:
    """Albedo and gloss, view-space normal, linear depth in metres (0: sky).

    The normal's fourth number: up to 1 how much of the ground is left before the sky, 1 to 2 how
    much of a metal a body is, 3 what needs no light.
    With `motion` also how far what is seen moved since the picture before, in shares of the picture
    (x to the right, y up), and the number of its subject, from 1.
    """

    def __init__(self, ctx: moderngl.Context, size: tuple[int, int], motion: bool = False) -> None:
        self.albedo = ctx.texture(size, 4)
        self.normal = ctx.texture(size, 4, dtype="f2")  # GL promises RGBA16F to be drawable
        self.depth = ctx.texture(size, 1, dtype="f4")
        self.zbuffer = ctx.depth_renderbuffer(size)
        self.motion = ctx.texture(size, 4, dtype="f2") if motion else None
        self._textures = [self.albedo, self.normal, self.depth]
        self._textures += [self.motion] if self.motion is not None else []
        for texture in self._textures:
            texture.filter = (moderngl.NEAREST, moderngl.NEAREST)
            texture.repeat_x = texture.repeat_y = False
        self.target = ctx.framebuffer(self._textures, self.zbuffer)

    def release(self) -> None:
        for texture in self._textures:
            texture.release()
        self.target.release()
        self.zbuffer.release()
