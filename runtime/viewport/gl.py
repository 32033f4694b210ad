"""The GL context and what is made of it: programs, targets; one sentence where there is no GL."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator

import moderngl

from understudy import shaders
from understudy.runtime.core.errors import Failure, UnderstudyError

FRAME_BINDING = 0
# Mesa's, Windows' and Apple's renderers on the processor, by a word of their names.
SOFTWARE = ("llvmpipe", "softpipe", "swrast", "gdi generic", "basic render", "apple software")


def headless() -> moderngl.Context:
    """A context without a window: through EGL, or of a hidden window where there is no EGL."""
    if sys.platform in ("win32", "darwin"):
        return _of_hidden_window()
    try:
        return moderngl.create_context(standalone=True, require=330, backend="egl")  # type: ignore[arg-type]
    except Exception as error:
        raise Failure(
            f"No OpenGL 3.3 through EGL ({_short(error)}): install your GPU's driver, or Mesa's "
            "software renderer with `apt-get install libegl1 libgl1-mesa-dri`."
        ) from None


def _of_hidden_window() -> moderngl.Context:
    from .window import Window

    try:
        window = Window(64, 64, "Understudy", visible=False)
        context = of_window()
    except UnderstudyError as error:
        why = re.search(r"\((.*)\)", str(error))
        raise Failure(
            f"No OpenGL 3.3 in a hidden window ({why[1] if why else error}): install your GPU's "
            "driver, and start it in a session that has a desktop."
        ) from None
    context.extra = window  # lives as long as what is drawn in it
    return context


def of_window() -> moderngl.Context:
    """The context of the window that is current."""
    try:
        return moderngl.create_context(require=330)
    except Exception as error:
        raise Failure(
            f"The window has no OpenGL 3.3 ({_short(error)}): install your GPU's driver, or run "
            "with --headless --out DIR."
        ) from None


def _short(error: Exception) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__


def renderer_name(ctx: moderngl.Context) -> str:
    return str(ctx.info["GL_RENDERER"])


def is_software(ctx: moderngl.Context) -> bool:
    return any(word in renderer_name(ctx).lower() for word in SOFTWARE)


def spare_the_cores() -> None:
    """Call before the context is made: a software renderer otherwise takes every core there is."""
    cores = os.cpu_count() or 1
    os.environ.setdefault("LP_NUM_THREADS", str(max(1, min(cores - 1, 8))))
    if hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(5)


def program(ctx: moderngl.Context, name: str, **defines: object) -> moderngl.Program:
    """Compiles a pass's file and binds its Frame block."""
    made = ctx.program(
        vertex_shader=shaders.stage(name, "VERTEX", **defines),
        fragment_shader=shaders.stage(name, "FRAGMENT", **defines),
    )
    assert isinstance(made, moderngl.Program)
    made.label = name
    if "Frame" in made:
        made["Frame"].binding = FRAME_BINDING  # type: ignore[union-attr]
    return made


class Pass:
    """A full-screen pass: one shader file, named textures in, one target out."""

    def __init__(
        self, ctx: moderngl.Context, name: str, inputs: tuple[str, ...], **defines: object
    ) -> None:
        self.program = program(ctx, name, **defines)
        self._vao = ctx.vertex_array(self.program, [])
        for unit, texture in enumerate(inputs):
            if texture in self.program:
                self.program[texture].value = unit  # type: ignore[union-attr]

    def render(self, target: moderngl.Framebuffer, *textures: moderngl.Texture) -> None:
        target.use()
        for unit, texture in enumerate(textures):
            texture.use(unit)
        self._vao.render(moderngl.TRIANGLES, vertices=3)

    def release(self) -> None:
        self._vao.release()
        self.program.release()


@contextlib.contextmanager
def checked(ctx: moderngl.Context, what: str) -> Iterator[None]:
    """Turns a GL error inside into an exception that says where."""
    yield
    error = ctx.error
    if error != "GL_NO_ERROR":
        raise RuntimeError(f"{error} in {what}")
