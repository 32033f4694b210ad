"""Times of a sender: even where they make sense, those of arrival where they do not."""

from __future__ import annotations

import numpy as np
import pytest

from understudy.runtime.sources.sender_clock import LONGEST_S, SenderClock


def stamps(said: np.ndarray, arrived: np.ndarray) -> np.ndarray:
    clock = SenderClock()
    return np.array([clock.captured_s(a, b) for a, b in zip(said, arrived, strict=True)])


@pytest.fixture
def jittery() -> tuple[np.ndarray, np.ndarray]:
    """When frames were taken at 60 Hz, and when they came over a bad way."""
    taken = np.arange(600) / 60
    return taken, taken + 5.0 + np.random.default_rng(1).exponential(0.004, 600)


def test_a_senders_times_take_the_jitter_out(jittery):
    taken, arrived = jittery
    got = np.diff(stamps(taken + 77.0, arrived))[180:]
    assert np.abs(got - 1 / 60).max() < 1e-3
    assert np.abs(np.diff(arrived)[180:] - 1 / 60).max() > 5e-3


@pytest.mark.parametrize(
    "said",
    [
        lambda t: np.zeros_like(t),
        lambda t: -t,
        lambda t: t + LONGEST_S,
        lambda t: np.where(np.arange(len(t)) % 2, t, 1e3 + t),
    ],
    ids=["none", "backwards", "too coarse", "two clocks"],
)
def test_what_is_no_time_is_not_used(jittery, said):
    taken, arrived = jittery
    off = np.abs(stamps(said(taken), arrived) - arrived)
    assert np.median(off) < 1e-9


def test_a_clock_that_runs_slower_is_given_up(jittery):
    taken, arrived = jittery
    off = np.abs(stamps(0.5 * taken, arrived) - arrived)
    assert off.max() < 0.3 and off[-100:].max() == 0.0


def test_a_clock_that_starts_again_is_followed(jittery):
    taken, arrived = jittery
    got = stamps(np.where(np.arange(600) < 300, taken + 100.0, taken - 5.0), arrived)
    assert np.abs(got - arrived).max() < 0.1
    assert np.abs(np.diff(got)[500:] - 1 / 60).max() < 1e-3
