"""Frames by their numbers: jitter, loss, silences, senders that begin anew, no numbers at all."""

from __future__ import annotations

import numpy as np
import pytest

from understudy.runtime.sources.counted_clock import CountedClock

RATE_HZ, LATE_S = 120.0, 0.02


def network(seconds: float, seed: int = 3, first: int = 1, from_s: float = 0.0):
    """(number, taken, arrived) of what comes through, by arrival: 2 % are lost, each is late by up
    to 20 ms, and half a second in five is silent."""
    random = np.random.default_rng(seed)
    found = []
    for n in range(round(seconds * RATE_HZ)):
        taken_s = from_s + n / RATE_HZ
        if random.random() > 0.02 and taken_s % 5.0 > 0.5:
            found.append((first + n, taken_s, taken_s + LATE_S * random.random()))
    return sorted(found, key=lambda one: one[2])


def off_s(clock: CountedClock, frames) -> np.ndarray:
    told = [(taken_s, clock.taken_s(number, at_s)) for number, taken_s, at_s in frames]
    return np.array([np.nan if said is None else said - taken_s for taken_s, said in told])


@pytest.mark.parametrize("seed", range(4))
def test_frames_lie_within_two_milliseconds_through_silences(seed):
    clock, frames = CountedClock(), network(20.0, seed)
    off = off_s(clock, frames)
    later = np.array([taken_s for _, taken_s, _ in frames]) > 1.5
    assert np.isfinite(off[later]).all()
    assert np.quantile(np.abs(off[later]), 0.99) < 0.002


def test_a_sender_that_counts_anew_is_known_again_at_once():
    clock = CountedClock()
    off_s(clock, network(8.0))
    again = network(4.0, seed=5, from_s=10.6)
    off = off_s(clock, again)
    assert np.isfinite(off).all(), "the time between two frames is still known"
    assert np.abs(off[20:]).max() < 0.003
    assert not clock.given_up


def test_clocks_that_drift_are_followed():
    clock = CountedClock()
    frames = [(n, t * (1.0 + 5e-5), a * (1.0 + 5e-5)) for n, t, a in network(60.0, 7)]
    assert np.abs(off_s(clock, frames)[-1200:]).max() < 0.003


def test_numbers_that_are_none_are_given_up():
    random, clock = np.random.default_rng(1), CountedClock()
    for n in range(600):
        clock.taken_s(int(random.integers(0, 10**6)), n / RATE_HZ)
    assert clock.given_up and clock.taken_s(1, 10.0) is None


def test_numbers_that_stand_still_tell_nothing():
    clock = CountedClock()
    assert all(clock.taken_s(5, n / RATE_HZ) is None for n in range(100))
