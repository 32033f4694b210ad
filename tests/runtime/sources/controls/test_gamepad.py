"""The gamepad, over a GLFW that the test holds in its hands."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import pytest

from understudy.runtime.sources.controls.gamepad import Gamepad, GamepadSource, from_gamepad


def state(axes=(0, 0, 0, 0, -1, -1), pressed=()):
    return SimpleNamespace(
        axes=[float(a) for a in axes], buttons=[int(n in pressed) for n in range(15)]
    )


class GLFWError(Exception):
    """pyGLFW's own has this name."""


class FakeGlfw:
    """Joysticks by number; None in `pads` is a joystick that is no gamepad."""

    def __init__(self, pads=None, works=True) -> None:
        self.pads = pads or {}
        self.works = works
        self.polled = 0

    def init(self):
        if not self.works:
            warnings.warn("X11: The DISPLAY environment variable is missing", stacklevel=1)
        return self.works

    def poll_events(self):
        self.polled += 1

    def joystick_is_gamepad(self, joystick):
        return self.pads.get(joystick) is not None

    def get_gamepad_state(self, joystick):
        return self.pads.get(joystick)

    def get_gamepad_name(self, joystick):
        return b"Test Pad"


def test_buttons_triggers_and_sticks_have_their_meaning():
    pad = from_gamepad([0.0, -1.0, 1.0, 0.0, -1.0, 0.5], state(pressed=(0, 3)).buttons, 9)
    assert pad.left_stick == (0.0, 1.0)  # GLFW's y points down
    assert pad.right_stick == (1.0, 0.0)
    assert pad.buttons == {"jump", "action3", "run"}
    assert pad.capture_ns == 9
    assert from_gamepad(state().axes, state().buttons, 0).buttons == frozenset()


@pytest.mark.parametrize(
    ("index", "name"),
    [
        *enumerate(("jump", "action1", "action2", "action3", "strafe", "action4")),
        (9, "run"),
        (10, "mirror"),
        *enumerate(("action5", "action6", "action7", "action8"), 11),
    ],
)
def test_every_button(index, name):
    assert from_gamepad(state().axes, state(pressed=(index,)).buttons, 0).buttons == {name}


@pytest.mark.parametrize(
    ("held", "index", "name"), [(6, 1, "action9"), (6, 14, "action16"), (7, 5, "action20")]
)
def test_back_and_start_turn_to_other_actions(held, index, name):
    pressed = state(pressed=(held, index)).buttons
    assert from_gamepad(state().axes, pressed, 0).buttons == {name}


def test_a_stick_that_does_not_quite_centre_is_centred():
    assert from_gamepad([0.08, 0.05, -0.1, 0.1, -1, -1], [0] * 15, 0).left_stick == (0.0, 0.0)


def test_a_pad_may_come_late_go_and_come_back_on_another_number():
    library = FakeGlfw({0: None})
    pad = Gamepad(library, now=lambda: 5)
    assert pad.read() is None and pad.reason == "No gamepad is plugged in."
    library.pads[2] = state(axes=(0, -1, 0, 0, -1, -1))
    seen = pad.read()
    assert seen is not None and seen.left_stick == (0.0, 1.0)
    assert pad.name == "Test Pad" and pad.reason == ""
    library.pads = {}
    assert pad.read() is None and pad.reason
    library.pads[5] = state(pressed=(0,))
    assert pad.read().buttons == {"jump"}


def test_the_window_s_owner_may_poll_itself():
    library = FakeGlfw({0: state()})
    Gamepad(library, poll=False).read()
    assert library.polled == 0


def test_without_a_display_there_is_a_reason_and_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pad = Gamepad(FakeGlfw(works=False))
        assert pad.read() is None
    assert "no display" in pad.reason and pad.reason.endswith(".")


def test_errors_of_glfw_are_no_errors_of_ours():
    library = FakeGlfw({0: state()})

    def fails(*_):
        raise GLFWError("joystick lost")

    pad = Gamepad(library)
    assert pad.read() is not None
    library.get_gamepad_state = library.joystick_is_gamepad = fails
    assert pad.read() is None


def test_the_source_rests_while_there_is_no_pad_and_after_it_is_closed():
    source = GamepadSource(Gamepad(FakeGlfw({0: state(axes=(0, -1, 0, 0, -1, -1))})))
    assert source.intent(0.0).travel.tolist() == [0.0, 1.0]
    source.close()
    assert source.intent(1.0).travel.tolist() == [0.0, 0.0]
    assert source.reason


def test_the_real_library_never_raises_here():
    pad = Gamepad()
    assert pad.read() is None or pad.name
    assert pad.reason or pad.name
