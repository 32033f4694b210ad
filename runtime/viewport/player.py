"""The player's pad at the viewport: gamepad or keyboard, sent over the side channel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from understudy.bridge import ControlClient
from understudy.runtime.sources.controls.gamepad import Gamepad
from understudy.runtime.sources.controls.keyboard import Keyboard
from understudy.runtime.sources.controls.pad import CENTRED, PadState

from .window import Window

# Plain digits choose the camera; with Alt they are the pad's actions.
DIGITS = range(ord("0"), ord("9") + 1)


class PlayerPad:
    """Sends the pad as it is now. The gamepad wins while it is there and touched."""

    def __init__(self, control: str, window: Window, key: Path | None = None) -> None:
        self._client = ControlClient(control, key=key)
        self._gamepad = Gamepad(poll=False)
        glfw = window.glfw

        def pressed(key: int) -> bool:
            alt = window.holds(glfw.KEY_LEFT_ALT) or window.holds(glfw.KEY_RIGHT_ALT)
            return window.holds(key) and (key not in DIGITS or alt)

        def clicked(button: int) -> bool:
            return bool(glfw.get_mouse_button(window.handle, button) == glfw.PRESS)

        self._keyboard = Keyboard(window.handle, pressed=pressed, clicked=clicked)
        self.heard = False  # did a stage take the last pad
        self.moved = False  # has the player touched anything yet

    @property
    def device(self) -> str:
        return self._gamepad.name or "keyboard"

    @property
    def refusal(self) -> str:
        """Why the stage does not take the pad, such as for want of a right; "" where it does."""
        return self._client.refusal

    def send(self, camera_heading_rad: float, typing: bool = False) -> None:
        """Reads the devices and sends what they say. typing: the keys mean letters."""
        keys = self._keyboard.read()
        if typing:
            keys = PadState(capture_ns=keys.capture_ns)
        pad: PadState = self._gamepad.read() or keys
        if not _touched(pad):
            pad = keys
        self.moved = self.moved or _touched(pad)
        self.heard = self._client.send_pad(
            pad.left_stick, pad.right_stick, pad.buttons, camera_heading_rad, pad.capture_ns
        )

    def close(self) -> None:
        self._gamepad.close()
        self._keyboard.close()
        self._client.close()

    def __enter__(self) -> PlayerPad:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def _touched(pad: PadState) -> bool:
    return pad.left_stick != CENTRED or pad.right_stick != CENTRED or bool(pad.buttons)
