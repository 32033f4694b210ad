"""Colours that mean something can be told apart, and light gets them without a display's curve."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from understudy.runtime.core.palette import LEFT, RIGHT, STATE_COLOUR, linear
from understudy.runtime.core.pose import State


def test_every_state_has_a_colour_and_red_is_who_is_moved_by_nobody() -> None:
    assert set(STATE_COLOUR) == set(State)
    red, green, blue = STATE_COLOUR[State.HOLD]
    assert red > 0.9 and max(green, blue) < 0.4
    assert STATE_COLOUR[State.LOST] == STATE_COLOUR[State.HOLD]
    meanings = [STATE_COLOUR[s] for s in (State.LIVE, State.TAKEOVER, State.HOLD)]
    for a, b in itertools.combinations([*meanings, RIGHT], 2):
        assert np.linalg.norm(np.subtract(a, b)) > 0.25


def test_left_is_warm_and_right_is_cool() -> None:
    assert LEFT[0] - LEFT[2] > 0.5 and RIGHT[2] - RIGHT[0] > 0.3


def test_linear_is_srgbs_curve() -> None:
    assert linear((0.0, 0.5, 1.0)) == pytest.approx((0.0, 0.2140, 1.0), abs=1e-4)
