"""Each touchdown is told once and ahead, at any rate."""

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from understudy.runtime.contact.features import PIECE_S, PIECES
from understudy.runtime.contact.foretelling import Foretelling

STANCE_S, STRIDE_S = 0.6, 1.0


def known(step_s: float, now_s: float) -> tuple[np.ndarray, np.ndarray]:
    """What a network that knows everything says: chances (1, PIECES + 1), standing (1,)."""
    chances = np.zeros((1, PIECES + 1))
    left = step_s - now_s
    piece = int(left / PIECE_S) if left >= 0.0 else PIECES
    chances[0, min(piece, PIECES)] = 1.0
    return chances, np.array([float(0.0 <= now_s - step_s < STANCE_S)])


@given(st.floats(24.0, 240.0), st.floats(0.0, 0.1), st.floats(0.0, 1.0), st.floats(0.0, 0.4))
@settings(deadline=None)
def test_each_step_is_told_once_and_in_time(
    rate_hz: float, lead_s: float, phase_s: float, uneven: float
) -> None:
    assume(lead_s >= 2.0 * uneven / rate_hz)  # a tick that is later than the lead tells nothing
    steps = phase_s + STRIDE_S * np.arange(1, 6)
    foretelling = Foretelling(1, lead_s)
    draw = np.random.default_rng(4)
    told, now_s = [], 0.0
    while now_s < steps[-1] + 0.3:
        dt_s = (1.0 + uneven * draw.uniform(-1.0, 1.0)) / rate_hz
        now_s += dt_s
        coming = steps[steps + STANCE_S > now_s]
        chances, standing = known(coming[0] if len(coming) else 1e9, now_s)
        due_s = foretelling.step(chances, standing, now_s, dt_s)
        if np.isfinite(due_s[0]):
            told.append((now_s, float(due_s[0])))
    assert len(told) == len(steps)
    slip_s = 2.0 * uneven / rate_hz  # a tick that comes later than any that was looked for
    for (at_s, due_s), step_s in zip(told, steps):
        assert abs(due_s - step_s) <= PIECE_S + slip_s
        # So early that the lead is kept, and no tick earlier than that takes.
        assert step_s - at_s > lead_s - PIECE_S - slip_s
        assert step_s - at_s < lead_s + (1.0 + uneven) / rate_hz + PIECE_S


def test_a_foot_that_never_came_down_is_foretold_again() -> None:
    foretelling = Foretelling(1, 0.05)
    chances = np.zeros((1, PIECES + 1))
    chances[0, 2] = 1.0
    times = np.arange(0.0, 1.0, 1 / 60)
    told = [
        t for t in times
        if np.isfinite(foretelling.step(chances, np.zeros(1), float(t), 1 / 60)[0])
    ]  # fmt: skip
    assert 2 <= len(told) <= 4


def test_a_foot_that_is_another_body_s_knows_nothing_of_before() -> None:
    foretelling = Foretelling(2, 0.05)
    chances = np.zeros((2, PIECES + 1))
    chances[:, 2] = 1.0
    assert np.isfinite(foretelling.step(chances, np.zeros(2), 1.0, 1 / 60)).all()
    foretelling.forget(slice(0, 1))
    due_s = foretelling.step(chances, np.zeros(2), 1.01, 1 / 60)
    assert np.isfinite(due_s).tolist() == [True, False]
