"""Times of a sender: even where they make sense, those of arrival where they do not."""

from __future__ import annotations

import numpy as np
import pytest

from understudy.runtime.sources.frame_clock import FrameClock


def stamps(said, arrived: np.ndarray) -> np.ndarray:
    clock = FrameClock()
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
        lambda t: np.where(np.arange(len(t)) % 2, t, 1e3 + t),
        lambda t: np.floor(30 * t) / 30,
        lambda t: 0.5 * t,
    ],
    ids=["none", "backwards", "two clocks", "of half the rate", "slower"],
)
def test_what_is_no_time_is_not_used_and_frames_are_even_by_their_number(jittery, said):
    taken, arrived = jittery
    got = stamps(said(taken), arrived)
    assert np.abs(got - arrived).max() < 0.3
    assert np.abs(np.diff(got)[500:] - 1 / 60).max() < 2e-3


def test_two_frames_at_once_are_a_period_apart():
    """A program that draws at 30 Hz and sends what it heard at 60 Hz, two frames at a time."""
    arrived = np.repeat(np.arange(1, 151) / 30, 2) + np.tile([0.0, 1e-4], 150)
    got = np.diff(stamps([None] * 300, arrived))
    assert np.abs(got[60:] - 1 / 60).max() < 1e-3


def test_a_frame_that_was_left_out_is_a_hole_of_a_steady_sender():
    taken = np.delete(np.arange(300) / 60, [150, 200, 201])
    got = stamps([None] * 297, taken)
    np.testing.assert_allclose(got - got[0], taken - taken[0], atol=1e-6)


def test_one_that_was_overtaken_is_from_before_the_last(jittery):
    taken, arrived = jittery
    order = np.arange(600)
    order[[300, 301]] = 301, 300
    got = stamps(taken[order] + 77.0, np.sort(arrived))
    assert got[300] > got[301] > got[299]


def test_a_clock_that_starts_again_is_followed(jittery):
    taken, arrived = jittery
    got = stamps(np.where(np.arange(600) < 300, taken + 100.0, taken - 5.0), arrived)
    assert np.abs(got - arrived).max() < 0.1
    assert np.abs(np.diff(got)[500:] - 1 / 60).max() < 1e-3


@pytest.mark.parametrize("ppm", [-80.0, 0.0, 120.0])
def test_the_offset_and_the_drift_of_a_senders_clock_are_told(ppm):
    clock, random = FrameClock(), np.random.default_rng(4)
    assert clock.offset_s is None and clock.drift_ppm is None
    for n in range(40 * 60):
        sent_s = 500.0 + n / 60.0
        said_s = 20.0 + (n / 60.0) * (1.0 + 1e-6 * ppm)
        clock.captured_s(said_s, sent_s + 0.02 * float(random.random()))
    assert clock.offset_s == pytest.approx(480.0, abs=0.01)
    assert clock.drift_ppm == pytest.approx(ppm, abs=40.0)
    clock.captured_s(1.0, 541.0)  # its program was started anew
    assert clock.drift_ppm is None
