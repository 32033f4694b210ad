"""A GLFW window: opening it, its keys and its mouse, and showing a picture in it."""

from __future__ import annotations

import os
import re
import sys
import warnings
from typing import Any

# Before glfw: imgui_bundle points pyGLFW at its own library, and there must be one only.
import imgui_bundle  # noqa: F401
import moderngl

from understudy.runtime.core.errors import Failure

CLICK = 4.0  # points within which a press and its release are no drag
NO_DISPLAY = (
    "No window can be opened{why}: start it in a desktop session, or run with --headless --out DIR."
)


def _glfw() -> Any:
    # Under Wayland a hidden window blocks its swap for ever (glfw #1350); X11 does not.
    if sys.platform == "linux" and os.environ.get("DISPLAY"):
        os.environ.setdefault("PYGLFW_LIBRARY_VARIANT", "x11")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import glfw
        except ImportError as error:
            raise Failure(NO_DISPLAY.format(why=f" ({error})")) from None
    return glfw


class Window:
    """Owns GLFW's window, and collects what was pressed since it was last asked."""

    def __init__(self, width: int, height: int, title: str, visible: bool = True) -> None:
        self.glfw = glfw = _glfw()
        if sys.platform == "linux" and not (
            os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
        ):
            raise Failure(NO_DISPLAY.format(why=": there is no display"))
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            ready = glfw.init()
            if ready:
                for hint, value in (
                    (glfw.CONTEXT_VERSION_MAJOR, 3),
                    (glfw.CONTEXT_VERSION_MINOR, 3),
                    (glfw.OPENGL_PROFILE, glfw.OPENGL_CORE_PROFILE),
                    (glfw.OPENGL_FORWARD_COMPAT, True),
                    (glfw.VISIBLE, visible),
                    (glfw.DEPTH_BITS, 0),
                ):
                    glfw.window_hint(hint, value)
                self.handle = glfw.create_window(width, height, title, None, None)
            if not ready or not self.handle:
                told = re.sub(r"^\(\d+\) b?|['\"]", "", str(said[-1].message)) if said else ""
                why = f" ({told.strip()})" if told else ""
                raise Failure(NO_DISPLAY.format(why=why))
        glfw.make_context_current(self.handle)
        self.pressed: list[int] = []
        self.dragged = [0.0, 0.0]
        self.scrolled = 0.0
        self.dropped: list[str] = []
        self._cursor: tuple[float, float] | None = None
        self._pressed_at: tuple[float, float] | None = None
        self._clicked: tuple[float, float] | None = None
        self._place = (0, 0, width, height)  # before it filled the screen
        glfw.set_key_callback(self.handle, self._key)
        glfw.set_scroll_callback(self.handle, self._scroll)
        glfw.set_drop_callback(self.handle, self._drop)

    def _key(self, _window: object, key: int, _code: int, action: int, _mods: int) -> None:
        if action == self.glfw.PRESS:
            self.pressed.append(key)

    def _scroll(self, _window: object, _dx: float, dy: float) -> None:
        self.scrolled += dy

    def _drop(self, _window: object, paths: list[str]) -> None:
        self.dropped += paths

    def dropped_files(self) -> list[str]:
        """Files that were dropped onto the window since last asked."""
        out, self.dropped = self.dropped, []
        return out

    def poll(self) -> None:
        """Takes the events that wait; follows a drag with the left button."""
        self.glfw.poll_events()
        at = self.glfw.get_cursor_pos(self.handle)
        held = self.glfw.get_mouse_button(self.handle, self.glfw.MOUSE_BUTTON_LEFT)
        if held and self._cursor is not None:
            self.dragged[0] += at[0] - self._cursor[0]
            self.dragged[1] += at[1] - self._cursor[1]
        if held and self._cursor is None:
            self._pressed_at = at
        elif not held and self._pressed_at is not None:
            far = max(abs(at[0] - self._pressed_at[0]), abs(at[1] - self._pressed_at[1]))
            self._clicked = at if far < CLICK else None
            self._pressed_at = None
        self._cursor = at if held else None

    def click(self) -> tuple[float, float] | None:
        """Where the left button was clicked and not dragged since last asked, in points."""
        out, self._clicked = self._clicked, None
        return out

    def taken(self) -> tuple[list[int], tuple[float, float], float]:
        """Keys pressed, drag in pixels and scroll in clicks since last asked."""
        out = (self.pressed, (self.dragged[0], self.dragged[1]), self.scrolled)
        self.pressed, self.dragged, self.scrolled = [], [0.0, 0.0], 0.0
        return out

    def fill_screen(self) -> None:
        """Over the whole of the screen that it is most on, or back to where it was."""
        glfw, handle = self.glfw, self.handle
        if glfw.get_window_monitor(handle):
            glfw.set_window_monitor(handle, None, *self._place, 0)
            return
        x, y = glfw.get_window_pos(handle)
        wide, high = glfw.get_window_size(handle)
        self._place = x, y, wide, high

        def shared(monitor: Any) -> float:
            left, top, w, h = glfw.get_monitor_workarea(monitor)
            across = min(x + wide, left + w) - max(x, left)
            return float(max(across, 0) * max(min(y + high, top + h) - max(y, top), 0))

        if monitors := glfw.get_monitors():
            monitor = max(monitors, key=shared)
            mode = glfw.get_video_mode(monitor)
            glfw.set_window_monitor(
                handle, monitor, 0, 0, mode.size.width, mode.size.height, mode.refresh_rate
            )

    def holds(self, key: int) -> bool:
        return bool(self.glfw.get_key(self.handle, key) == self.glfw.PRESS)

    @property
    def size(self) -> tuple[int, int]:
        """In pixels; (0, 0) while it is minimised."""
        width, height = self.glfw.get_framebuffer_size(self.handle)
        return int(width), int(height)

    @property
    def points(self) -> tuple[int, int]:
        """As the mouse counts; on some systems several pixels are one point."""
        width, height = self.glfw.get_window_size(self.handle)
        return int(width), int(height)

    @property
    def density(self) -> float:
        """How much larger than usual the system wants things, in points."""
        scale, _ = self.glfw.get_window_content_scale(self.handle)
        pixels, points = self.size[0], self.points[0]
        return max(1.0, scale * points / pixels) if pixels and points else 1.0

    @property
    def wants_to_close(self) -> bool:
        return bool(self.glfw.window_should_close(self.handle))

    def show(self, ctx: moderngl.Context, picture: moderngl.Framebuffer) -> None:
        """Copies the picture into the window and swaps."""
        width, height = self.size
        if width and height:
            screen = ctx.detect_framebuffer(0)
            screen.viewport = (0, 0, width, height)
            ctx.copy_framebuffer(screen, picture)
        self.glfw.swap_buffers(self.handle)

    def pace(self, interval: int) -> None:
        """0: swap at once; 1: wait for the screen."""
        self.glfw.swap_interval(interval)

    def close(self) -> None:
        if self.handle:
            self.glfw.destroy_window(self.handle)
            self.handle = None
            self.glfw.terminate()
