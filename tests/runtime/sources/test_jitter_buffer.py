"""The jitter buffer alone: when it waits, when it lets go, and in which order things were taken."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from understudy.runtime.core import rotation
from understudy.runtime.sources import interpolation
from understudy.runtime.sources.jitter_buffer import JitterBuffer
from understudy.runtime.sources.packet import Packet


def numbers(delay_s: float | None = None) -> JitterBuffer[float]:
    """A buffer of numbers: each is the time at which it was taken."""
    return JitterBuffer[float](delay_s, lambda a, b, share: a + share * (b - a))


def shown(
    buffer: JitterBuffer[float], arrivals: list[tuple[float, float]], seconds: float
) -> np.ndarray:
    """What each tick of 60 Hz shows, nan where nothing; arrivals are when and what was taken."""
    out = []
    coming = sorted(arrivals)
    for tick in range(1, round(seconds * 60)):
        now_s = tick / 60
        while coming and coming[0][0] <= now_s:
            came_s, taken_s = coming.pop(0)
            buffer.add(taken_s, came_s, taken_s)
        got = buffer.take(now_s)
        out.append(got[-1][1] if got else np.nan)
    return np.array(out)


def test_who_sends_ten_frames_a_second_in_pairs_is_shown_between_them():
    """The delay is that of a pair and more, and no tick is without a pose once it is found."""
    buffer = numbers()
    arrivals = [((k // 2 * 2 + 1) / 10, k / 10) for k in range(60)]
    out = shown(buffer, arrivals, 6.0)
    assert not np.isnan(out[90:]).any()
    steps = np.diff(out[150:])
    assert steps.min() > 0.0 and np.abs(steps - 1 / 60).max() < 1e-3
    assert 0.19 < buffer.late_s < 0.25


def test_a_slow_sender_is_shown_without_steps():
    out = shown(numbers(), [(k / 12 + 1e-3, k / 12) for k in range(72)], 6.0)
    assert np.abs(np.diff(out[120:]) - 1 / 60).max() < 1e-3


def test_until_the_delay_is_found_the_next_is_awaited_and_nothing_is_passed():
    """What is shown never goes back, and never further than what came."""
    arrivals = [((k // 3 * 3 + 2) / 30, k / 30) for k in range(180)]
    buffer, newest_s, last = numbers(), 0.0, -1.0
    coming = sorted(arrivals)
    for tick in range(1, 350):
        now_s = tick / 60
        while coming and coming[0][0] <= now_s:
            came_s, taken_s = coming.pop(0)
            buffer.add(taken_s, came_s, taken_s)
            newest_s = max(newest_s, taken_s)
        for _, value, _ in buffer.take(now_s):
            assert last - 1e-9 <= value <= newest_s + 1e-9
            last = value


def test_a_sender_that_falls_silent_is_missed_when_its_delay_is_over():
    arrivals = [((k // 2 * 2 + 1) / 30, k / 30) for k in range(120)]
    out = shown(numbers(), arrivals, 6.0)
    gone = np.flatnonzero(~np.isnan(out))[-1] / 60
    assert 4.0 < gone < 4.1 and np.isnan(out[round(60 * 4.1) :]).all()


def pose(time_s: float, swings_hz: float) -> Packet:
    """A neck and an arm that swing, and a root that sways."""
    rotations = rotation.identity(20)
    turn = 0.5 * np.sin(2 * np.pi * swings_hz * time_s)
    rotations[3] = rotation.from_rotation_vector(np.array([0.0, turn, 0.0]))
    rotations[5] = rotation.from_rotation_vector(np.array([0.5 * turn, 0.0, 0.0]))
    positions = np.zeros((20, 3))
    positions[0, 0] = 0.3 * np.sin(np.pi * swings_hz * time_s)
    return Packet(time_s, positions, rotations)


def bodies() -> JitterBuffer[Packet]:
    return JitterBuffer[Packet](None, interpolation.packets, interpolation.apart)


@pytest.mark.parametrize("rate_hz", [15.0, 30.0, 60.0, 120.0])
@pytest.mark.parametrize("swings_hz", [0.0, 1.0, 3.0, 5.0, 8.0])
def test_of_frames_that_come_evenly_none_was_overtaken(rate_hz, swings_hz):
    """However quickly a body turns back: what it does is no disorder of its frames."""
    buffer = bodies()
    for k in range(round(4 * rate_hz)):
        buffer.add(None, k / rate_hz, pose(k / rate_hz, swings_hz))
    assert buffer.overtaken == 0


@pytest.mark.parametrize("rate_hz", [60.0, 120.0])
@pytest.mark.parametrize("seed", range(4))
def test_frames_without_a_time_are_shown_in_the_order_of_their_motion(rate_hz, seed):
    random, buffer, out = np.random.default_rng(seed), bodies(), []
    taken = np.arange(round(5 * rate_hz)) / rate_hz
    coming = sorted(zip(taken + np.minimum(random.exponential(0.02, len(taken)), 0.05), taken))
    for tick in range(1, 300):
        while coming and coming[0][0] <= tick / 60:
            came_s, taken_s = coming.pop(0)
            buffer.add(None, came_s, pose(taken_s, 1.0))
        out += [packet.positions[0, 0] for _, packet, _ in buffer.take(tick / 60)[-1:]]
    fastest_m = 0.3 * np.pi / 60
    assert np.abs(np.diff(out[60:])).max() < 2.0 * fastest_m


@pytest.mark.parametrize("delay_s", [None, 0.06])
def test_a_sender_that_goes_on_leaves_nothing_behind(delay_s):
    """Whether or not the delay sets itself: a set one asks nobody what frames needed."""
    buffer, random = numbers(delay_s), np.random.default_rng(2)

    def sent(first: int, frames: int) -> None:
        for n in range(first, first + frames):
            taken_s = n / 120.0
            buffer.add(taken_s, taken_s + 0.02 * float(random.random()), taken_s)
            if n % 2:
                buffer.take(taken_s + 0.02)

    sent(0, 1800)
    tracemalloc.start()
    try:
        sent(1800, 3600)
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    kept = 3600 * 2 // 3  # frames of the last eight seconds may be remembered anew
    assert grown < 150 * kept * (delay_s is None) + 20_000
