"""Gamepads through GLFW, which maps the buttons of some hundred models onto one layout."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from understudy.runtime.core.buttons import named
from understudy.runtime.core.pose import Intent

from .pad import PadState, dead_zone, to_intent

# Positions in GLFW's gamepad state.
A, B, X, Y, LEFT_BUMPER, RIGHT_BUMPER, BACK, START = 0, 1, 2, 3, 4, 5, 6, 7
LEFT_THUMB, RIGHT_THUMB, UP, RIGHT, DOWN, LEFT = 9, 10, 11, 12, 13, 14
LEFT_TRIGGER, RIGHT_TRIGGER = 4, 5
_BY_BUTTON = {A: "jump", LEFT_BUMPER: "strafe", LEFT_THUMB: "run", RIGHT_THUMB: "mirror"}
# Eight buttons of actions, and as many again while Back is held; with Start four more.
ACTION_BUTTONS = (B, X, Y, RIGHT_BUMPER, UP, RIGHT, DOWN, LEFT)
_BY_TRIGGER = {RIGHT_TRIGGER: "run", LEFT_TRIGGER: "strafe"}
JOYSTICKS = 16
# Triggers rest at -1; half pulled counts as held.
TRIGGER_HELD = 0.0


def from_gamepad(axes: Sequence[float], buttons: Sequence[int], capture_ns: int) -> PadState:
    """The pad state of GLFW's six axes (y down, triggers last) and fifteen buttons."""
    held = {name for index, name in _BY_BUTTON.items() if buttons[index]}
    page = 8 if buttons[BACK] else 16 if buttons[START] else 0
    pressed = (page + k for k, index in enumerate(ACTION_BUTTONS, 1) if buttons[index])
    held |= named(f"action{k}" for k in pressed)
    held |= {name for index, name in _BY_TRIGGER.items() if axes[index] > TRIGGER_HELD}
    return PadState(
        dead_zone((axes[0], -axes[1])),
        dead_zone((axes[2], -axes[3])),
        frozenset(held),
        capture_ns,
    )


class Gamepad:
    """The first gamepad that is plugged in, whenever it comes or goes.

    Without a gamepad, or where GLFW finds no display to work with, `read` gives None and `reason`
    says why in a sentence.
    """

    def __init__(
        self, library: Any = None, now: Callable[[], int] = time.monotonic_ns, poll: bool = True
    ) -> None:
        """poll: asks GLFW for news of plugs; a process whose window does so passes False."""
        self.reason = ""
        self.name = ""
        self._now = now
        self._poll = poll
        self._joystick: int | None = None
        self._glfw = library if library is not None else _glfw()
        if self._glfw is None:
            self.reason = "GLFW is not installed, so no gamepad can be read: pip install glfw."
        elif not _quietly(self._glfw.init):
            self._glfw = None
            self.reason = (
                "GLFW finds no display, so no gamepad can be read in this process: start it in a "
                "desktop session or use the pad of `understudy viewport`."
            )
        else:
            self.reason = "No gamepad is plugged in."
            own = os.environ.get("SDL_GAMECONTROLLERCONFIG")  # a user's mapping for a rare pad
            if own:
                _quietly(self._glfw.update_gamepad_mappings, own)

    def read(self) -> PadState | None:
        """The pad now, or None."""
        if self._glfw is None:
            return None
        if self._poll:
            _quietly(self._glfw.poll_events)  # GLFW learns of plugged pads here
        state = self._state(self._joystick) if self._joystick is not None else None
        if state is None:
            self._joystick = next((j for j in range(JOYSTICKS) if self._is_gamepad(j)), None)
            if self._joystick is None:
                self.name, self.reason = "", "No gamepad is plugged in."
                return None
            name = self._glfw.get_gamepad_name(self._joystick)
            self.name = name.decode(errors="replace") if isinstance(name, bytes) else str(name)
            self.reason = ""
            state = self._state(self._joystick)
        return None if state is None else from_gamepad(state.axes, state.buttons, self._now())

    def _is_gamepad(self, joystick: int) -> bool:
        return bool(_quietly(self._glfw.joystick_is_gamepad, joystick))

    def _state(self, joystick: int) -> Any:
        return _quietly(self._glfw.get_gamepad_state, joystick)

    def close(self) -> None:
        """Lets go of the pad. GLFW itself stays: a window of this process may live on it."""
        self._glfw = None
        self.reason = "The gamepad was closed."


class GamepadSource:
    """The gamepad of this process as an intent source; at rest while there is none."""

    def __init__(self, gamepad: Gamepad | None = None) -> None:
        self.gamepad = gamepad if gamepad is not None else Gamepad()

    @property
    def reason(self) -> str:
        """Why there is no gamepad, or an empty text."""
        return self.gamepad.reason

    def intent(self, time_s: float) -> Intent:
        """What the player asks for now."""
        return to_intent(self.gamepad.read() or PadState())

    def close(self) -> None:
        self.gamepad.close()


def _glfw() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import glfw
    except (ImportError, OSError):
        return None
    return glfw


def _quietly(call: Callable[..., Any], *args: Any) -> Any:
    """The call's result without pyGLFW's warnings; None where it reports an error by raising."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return call(*args)
        except Exception as error:
            if type(error).__name__ != "GLFWError":
                raise
            return None
