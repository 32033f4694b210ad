"""Keys as a pad."""

from __future__ import annotations

import math

import pytest

from understudy.runtime.sources.controls.keyboard import (
    FULL_THROW_S,
    LEFT,
    LEFT_SHIFT,
    SPACE,
    UP,
    Keyboard,
)


class Desk:
    """Keys and mouse buttons that the test holds, and its clock."""

    def __init__(self) -> None:
        self.keys: set[int] = set()
        self.mouse: set[int] = set()
        self.ns = 0
        self.keyboard = Keyboard(
            pressed=self.keys.__contains__, clicked=self.mouse.__contains__, now=lambda: self.ns
        )

    def after(self, seconds: float):
        self.ns += round(seconds * 1e9)
        return self.keyboard.read()


def test_the_stick_takes_its_time_and_then_holds():
    desk = Desk()
    desk.keys.add(ord("W"))
    half = desk.after(FULL_THROW_S / 2).left_stick
    assert half == (0.0, pytest.approx(0.5))
    assert desk.after(FULL_THROW_S).left_stick == (0.0, 1.0)
    desk.keys.clear()
    assert 0.0 < desk.after(FULL_THROW_S / 3).left_stick[1] < 1.0
    assert desk.after(1.0).left_stick == (0.0, 0.0)


def test_two_keys_go_diagonally_no_faster_and_opposite_keys_cancel():
    desk = Desk()
    desk.keys |= {UP, LEFT}
    x, y = desk.after(1.0).left_stick
    assert x < 0 < y and math.hypot(x, y) == pytest.approx(1.0)
    desk.keys |= {ord("D"), ord("S")}
    assert desk.after(1.0).left_stick == (0.0, 0.0)


def test_keys_and_mouse_are_buttons():
    desk = Desk()
    desk.keys |= {SPACE, ord("3"), ord("0"), ord("Q")}
    desk.mouse.add(1)
    assert desk.after(0.1).buttons == {"jump", "action3", "action10", "mirror", "strafe"}
    desk.keys.clear()
    desk.keys.add(LEFT_SHIFT)
    desk.mouse.clear()
    assert desk.after(0.1).buttons == {"run"}
    desk.keys.add(ord("3"))  # with Shift it is another ten, and no run
    assert desk.after(0.1).buttons == {"action13"}
    assert desk.after(0.1).capture_ns == desk.ns
