"""Keyboard and mouse as a pad: WASD or arrows to go, Shift to run, right mouse button to strafe."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from .pad import CENTRED, PadState, approach, round_stick

# GLFW's numbers, so that nothing needs the library to import this.
SPACE, UP, DOWN, LEFT, RIGHT = 32, 265, 264, 263, 262
LEFT_SHIFT, LEFT_CONTROL, RIGHT_SHIFT, RIGHT_CONTROL = 340, 341, 344, 345
RIGHT_MOUSE_BUTTON = 1
_WAYS: tuple[tuple[tuple[int, ...], tuple[float, float]], ...] = (
    ((ord("W"), UP), (0.0, 1.0)),
    ((ord("S"), DOWN), (0.0, -1.0)),
    ((ord("A"), LEFT), (-1.0, 0.0)),
    ((ord("D"), RIGHT), (1.0, 0.0)),
)
_BY_KEY: dict[int, str] = {
    LEFT_SHIFT: "run",
    RIGHT_SHIFT: "run",
    LEFT_CONTROL: "strafe",
    RIGHT_CONTROL: "strafe",
    SPACE: "jump",
    ord("Q"): "mirror",
}
# Ten actions, and with Shift the next ten.
_ACTIONS = {ord(str(n % 10)): n for n in range(1, 11)}
# A thumb takes about this long from rest to rim; a key that jumps there looks like a robot.
FULL_THROW_S = 0.15


class Keyboard:
    """Reads a GLFW window's keys as a pad whose stick takes its time.

    pressed(key) and clicked(button) say what is held; left out, GLFW is asked about the window.
    """

    def __init__(
        self,
        window: Any = None,
        pressed: Callable[[int], bool] | None = None,
        clicked: Callable[[int], bool] | None = None,
        now: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        if pressed is None or clicked is None:
            import glfw

            pressed = pressed or (lambda key: glfw.get_key(window, key) == glfw.PRESS)
            clicked = clicked or (
                lambda button: glfw.get_mouse_button(window, button) == glfw.PRESS
            )
        self._pressed, self._clicked, self._now = pressed, clicked, now
        self._stick = CENTRED
        self._read_ns = now()

    def read(self) -> PadState:
        """The pad now."""
        now_ns = self._now()
        passed_s, self._read_ns = (now_ns - self._read_ns) / 1e9, now_ns
        ways = [way for keys, way in _WAYS if any(self._pressed(key) for key in keys)]
        target = round_stick((sum(x for x, _ in ways), sum(y for _, y in ways)))
        self._stick = approach(self._stick, target, max(0.0, passed_s) / FULL_THROW_S)
        buttons = {name for key, name in _BY_KEY.items() if self._pressed(key)}
        actions = [n for key, n in _ACTIONS.items() if self._pressed(key)]
        if actions:
            shift = "run" in buttons
            buttons |= {f"action{n + 10 * shift}" for n in actions}
            buttons -= {"run"} if shift else set()
        if self._clicked(RIGHT_MOUSE_BUTTON):
            buttons.add("strafe")
        return PadState(self._stick, CENTRED, frozenset(buttons), now_ns)

    def close(self) -> None:
        """The window is its owner's."""
