"""A pad over the control socket."""

from __future__ import annotations

import numpy as np
import pytest

from understudy.bridge.requests import Pad
from understudy.runtime.sources.controls.remote_pad import RemotePad


def message(**changes):
    plain = {
        "left_stick": (0.0, 1.0),
        "right_stick": (0.0, 0.0),
        "buttons": ["run"],
        "camera_heading_rad": 0.0,
        "capture_ns": 900,
    }
    return Pad(**{**plain, **changes})


class Time:
    ns = 1000


def remote() -> tuple[RemotePad, Time]:
    time = Time()
    return RemotePad(now=lambda: time.ns), time


def test_it_rests_until_the_first_word():
    pad, _ = remote()
    assert not pad.intent(0.0).travel.any() and pad.silences == 0


def test_the_last_message_holds_and_keeps_its_capture_time():
    pad, time = remote()
    pad.put(message(camera_heading_rad=0.5 * np.pi))
    time.ns += 400_000_000
    intent = pad.intent(3.0)
    assert np.allclose(intent.travel, [1.0, 0.0])  # forward for a camera that looks along +X
    assert intent.buttons == {"run"} and intent.capture_ns == 900


def test_half_a_second_of_silence_lets_go_and_is_counted_once():
    pad, time = remote()
    pad.put(message())
    time.ns += 500_000_001
    for _ in range(5):
        intent = pad.intent(0.0)
        assert not intent.travel.any() and not intent.buttons
    assert pad.silences == 1
    pad.put(message())
    assert pad.intent(0.0).travel.tolist() == [0.0, 1.0]


def test_sticks_beyond_the_rim_and_unknown_buttons_are_cut():
    pad, _ = remote()
    pad.put(message(left_stick=(30.0, 40.0), buttons=["fly", "jump"]))
    intent = pad.intent(0.0)
    assert np.linalg.norm(intent.travel) == pytest.approx(1.0)
    assert intent.buttons == {"jump"}


def test_a_sender_with_another_clock_is_stamped_on_arrival():
    pad, time = remote()
    pad.put(message(capture_ns=10**18))
    assert pad.intent(0.0).capture_ns == time.ns
