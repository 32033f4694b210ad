"""The fixed-step clock on a time that the test owns."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.runtime.core.clock import Clock, Histogram
from understudy.runtime.core.errors import UnderstudyError


class Time:
    """Nanoseconds that pass when somebody sleeps, works or looks at them."""

    def __init__(self, oversleep_ns: int = 0, look_ns: int = 100) -> None:
        self.ns = 5_000_000_000
        self.oversleep_ns, self.look_ns = oversleep_ns, look_ns

    def now(self) -> int:
        self.ns += self.look_ns
        return self.ns

    def sleep(self, seconds: float) -> None:
        self.ns += int(seconds * 1e9) + self.oversleep_ns


def run(work_ns, rate_hz=100.0, time=None):
    """Ticks, the times at which they ran, and the clock, for a loop body that takes work_ns."""
    time = time or Time()
    clock = Clock(rate_hz, now=time.now, sleep=time.sleep)
    ticks, at_ns = [], []
    for cost_ns, tick in zip(work_ns, clock.ticks(), strict=False):
        ticks.append(tick)
        at_ns.append(time.ns - clock.start_ns)
        time.ns += cost_ns
    return ticks, np.array(at_ns), clock


def test_ticks_keep_to_absolute_deadlines_however_long_they_run():
    ticks, at_ns, clock = run([1_000_000] * 1000, rate_hz=59.94)
    assert ticks == list(range(1000))
    assert np.abs(at_ns - np.arange(1000) * 1e9 / 59.94).max() < 2_000
    assert clock.late == 0 and clock.skipped == 0


def test_a_slow_tick_makes_the_next_one_late_and_nothing_is_run_twice():
    work = [1_000_000] * 10
    work[3] = 14_000_000  # of a period of 10 ms
    ticks, at_ns, clock = run(work)
    assert ticks == list(range(10))
    assert clock.late == 1 and clock.skipped == 0
    assert 40_000_000 < at_ns[4] < 45_000_000
    assert at_ns[5] == pytest.approx(50_000_000, abs=2_000)


def test_a_hang_skips_the_ticks_it_cost_and_says_how_many():
    work = [1_000_000] * 10
    work[3] = 75_000_000  # from 30 ms to 105 ms: the deadlines of 4 to 10 pass, tick 10 is due
    ticks, _, clock = run(work)
    assert ticks == [0, 1, 2, 3, 10, 11, 12, 13, 14, 15]
    assert clock.skipped == 6 and clock.late == 1


@settings(max_examples=50)
@given(st.lists(st.integers(0, 60_000_000), min_size=2, max_size=60), st.integers(0, 3_000_000))
def test_no_tick_runs_early_none_twice_and_each_is_run_or_skipped(work, oversleep_ns):
    ticks, at_ns, clock = run([*work, 0], time=Time(oversleep_ns))
    assert all(b > a for a, b in itertools.pairwise(ticks))
    assert np.all(at_ns >= np.floor(np.array(ticks) * 1e7))
    assert clock.skipped == ticks[-1] + 1 - len(ticks)
    assert len(clock.lateness) == len(ticks)


def test_lateness_is_in_the_histogram():
    _, _, clock = run([1_000_000] * 200, time=Time(oversleep_ns=650_000))
    # The sleeper is woken SPIN_NS ahead, which takes 150 of the 650 us.
    assert clock.lateness.percentile_ms(50) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("rate_hz", [0.0, -60.0, float("nan"), float("inf")])
def test_a_rate_that_cannot_tick_is_refused(rate_hz):
    with pytest.raises(UnderstudyError, match="Hz"):
        Clock(rate_hz)


@given(st.lists(st.integers(1_000, 50_000_000_000), min_size=1, max_size=300))
def test_histogram_percentiles_are_right_to_three_digits(values_ns):
    histogram = Histogram()
    for value in values_ns:
        histogram.add_ns(value)
    exact_ms = np.sort(values_ns)[int(np.ceil(0.5 * len(values_ns))) - 1] / 1e6
    assert histogram.percentile_ms(50) == pytest.approx(exact_ms, rel=2e-3, abs=1.1e-3)
    assert histogram.maximum_ms == max(values_ns) / 1e6
    assert len(histogram) == len(values_ns)


def test_an_empty_histogram_has_zeros():
    assert Histogram().summary_ms() == {"p50": 0.0, "p99": 0.0, "max": 0.0}
