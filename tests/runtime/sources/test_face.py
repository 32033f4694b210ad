"""Faces hold in a silence, ease to rest and come back without a jump."""

from __future__ import annotations

import numpy as np

from tests.runtime.sources.receivers import TICK_S
from understudy.runtime.sources.face import EASE_S, HOLD_S, Face


def test_curves_are_exact_while_they_come_and_at_rest_after_a_silence_without_a_jump():
    face, shown, silent_from = Face(("jawOpen",)), [], 120
    for tick in range(360):
        now_s = tick * TICK_S
        if not silent_from <= tick < 240:
            face.take(np.array([0.8], np.float32), now_s)
        face.advance(now_s)
        shown.append(float(face.shown[0]))
    held = silent_from + int(HOLD_S / TICK_S)
    rest = held + int(EASE_S / TICK_S) + 3
    assert shown[30:held] == [np.float32(0.8)] * (held - 30)
    assert shown[rest:240] == [0.0] * (240 - rest)
    assert shown[-1] == np.float32(0.8)
    assert np.abs(np.diff(shown)).max() < 0.2


def test_names_are_learned_and_what_is_left_out_stays():
    face = Face()
    face.take_named({"A": 0.25, "Blink": 1.0}, 0.0)
    face.take_named({"A": 0.5, "Joy": 0.75}, TICK_S)
    assert face.names == ("A", "Blink", "Joy")
    np.testing.assert_array_equal(face.values, np.float32([0.5, 1.0, 0.75]))
