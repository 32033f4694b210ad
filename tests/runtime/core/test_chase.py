"""Chasing timecode: late labels, another clock, silences, a tape that is wound."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.runtime.core.chase import SLEW, Chase, Lock

FRAME_S, TICK_S = 1 / 25, 1 / 60


def run(chase: Chase, seconds: float, start_s: float = 0.0, offset_s: float = 36000.0, *,
        jitter_s: float = 0.0, faster: float = 0.0, silent=(), seed: int = 1):  # fmt: skip
    """What is shown at every tick beside what is true; labels come late by up to jitter_s."""
    random, label, out = np.random.default_rng(seed), 0, []
    for tick in range(round(seconds / TICK_S)):
        now_s = start_s + tick * TICK_S
        while start_s + label * FRAME_S <= now_s:
            at_s = start_s + label * FRAME_S
            label += 1
            if not any(a <= at_s - start_s < b for a, b in silent):
                chase.heard(at_s * (1 + faster) + offset_s, at_s + random.uniform(0, jitter_s))
        shown = chase.at(now_s)
        out.append((shown, now_s * (1 + faster) + offset_s))
    return np.array(out)


def test_before_any_label_nothing_is_shown():
    chase = Chase(FRAME_S)
    assert chase.at(0.0) is None and chase.lock(0.0) is Lock.WAITS


def test_the_first_label_is_taken_at_once():
    shown = run(Chase(FRAME_S), 2.0)
    np.testing.assert_allclose(shown[:, 0], shown[:, 1], atol=1e-9)


@settings(max_examples=10, deadline=None)
@given(st.floats(0.0, 0.02), st.floats(-2e-4, 2e-4), st.integers(0, 99))
def test_it_never_jumps_and_stays_within_a_frame(jitter_s, faster, seed):
    chase = Chase(FRAME_S)
    shown = run(chase, 20.0, jitter_s=jitter_s, faster=faster, seed=seed)
    steps = np.diff(shown[:, 0])
    assert np.abs(steps - TICK_S).max() <= SLEW * TICK_S + 1e-9, "and so never backwards"
    assert np.abs(shown[300:, 0] - shown[300:, 1]).max() < FRAME_S / 2 and chase.jumps == 0


def test_a_silence_is_a_free_run_at_the_pace_that_it_had():
    chase = Chase(FRAME_S)
    shown = run(chase, 40.0, faster=1e-4, silent=[(20.0, 40.0)])
    assert chase.lock(40.0) is Lock.FREE
    assert chase.drift == pytest.approx(100.0, abs=5.0)
    assert np.abs(shown[1200:, 0] - shown[1200:, 1]).max() < 1e-3  # a clock alone: 2 ms
    assert np.abs(np.diff(shown[:, 0]) - TICK_S).max() < 0.01 * TICK_S


def test_one_wrong_label_is_passed_over_and_a_tape_that_is_wound_is_followed():
    chase = Chase(FRAME_S)
    run(chase, 5.0)
    chase.heard(99.0, 5.0)
    assert chase.at(5.0) == pytest.approx(36005.0, abs=0.01)
    shown = run(chase, 5.0, 5.1, offset_s=7200.0)
    assert chase.jumps == 1 and shown[-1, 0] == pytest.approx(shown[-1, 1], abs=0.01)


def test_midnight_is_no_jump():
    chase = Chase(FRAME_S)
    shown = run(chase, 20.0, offset_s=86400.0 - 10.0)
    assert chase.jumps == 0 and shown[-1, 0] == pytest.approx(10.0, abs=0.05)
