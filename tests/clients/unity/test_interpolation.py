"""Between frames: exact at them, never back, never beyond the bound, a measured delay."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from .mono import Client, raw

pytestmark = pytest.mark.clients

quick = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
MS = 1_000_000
BOUND_S = 0.05


def pose(random: np.random.Generator, at=None) -> np.ndarray:
    """Two joints and a curve: 6 + 8 + 1 numbers."""
    turns = Rotation.random(2, random_state=int(random.integers(2**31))).as_quat()
    place = random.normal(size=6) * 0.01 if at is None else at
    return np.float32(np.concatenate((place, turns.ravel(), random.random(1))))


def parts(sample: dict) -> tuple[np.ndarray, np.ndarray]:
    subject = sample["subjects"][0]
    return subject["positions"].ravel(), subject["rotations"].ravel()


def fill(client: Client, poses, period_ns=10 * MS, start=1_000 * MS, late=None, fixed=-1.0) -> list:
    client.ask("buffer", fixed, BOUND_S)
    times = [start + i * period_ns for i in range(len(poses))]
    for i, (time_ns, one) in enumerate(zip(times, poses)):
        delay = 0 if late is None else int(late[i])
        client.ask("add", 1, time_ns, time_ns + 5 * MS + delay, raw(one))
    return times


@quick
@given(seed=st.integers(0, 2**31 - 1))
def test_at_a_frames_own_time_its_very_bits(client: Client, seed):
    random = np.random.default_rng(seed)
    poses = [pose(random) for _ in range(10)]
    for time_ns, one in zip(fill(client, poses), poses):
        positions, rotations = parts(client.ask("at", time_ns))
        assert positions.tobytes() == one[:6].tobytes()
        assert rotations.tobytes() == one[6:14].tobytes()


@quick
@given(seed=st.integers(0, 2**31 - 1), t=st.floats(0.01, 0.99))
def test_between_two_frames_straight_and_along_the_shorter_arc(client: Client, seed, t):
    random = np.random.default_rng(seed)
    a, b = pose(random), pose(random)
    b[6:10] *= -1  # the same turn by the other sign
    start, end = fill(client, [a, b])
    time_ns = start + int(t * (end - start))
    t = (time_ns - start) / (end - start)
    sample = client.ask("at", time_ns)
    positions, rotations = parts(sample)
    np.testing.assert_allclose(positions, a[:6] * (1 - t) + b[:6] * t, atol=1e-6)
    assert np.all(positions <= np.maximum(a, b)[:6] + 1e-6)
    assert np.all(positions >= np.minimum(a, b)[:6] - 1e-6)
    for at in (6, 10):
        x, y = Rotation.from_quat(a[at : at + 4]), Rotation.from_quat(b[at : at + 4])
        way = (x.inv() * y).as_rotvec() * t
        got = Rotation.from_quat(rotations[at - 6 : at - 2])
        assert (got.inv() * x * Rotation.from_rotvec(way)).magnitude() < 2e-3
        assert np.linalg.norm(rotations[at - 6 : at - 2]) == pytest.approx(1, abs=1e-6)
    curve = sample["subjects"][0]["curves"][0]
    assert curve == pytest.approx(a[14] * (1 - t) + b[14] * t, abs=1e-6)
    camera = sample["cameras"][0]
    np.testing.assert_allclose(camera["position"], positions[:3], atol=1e-6)
    assert camera["lens"][0] == pytest.approx(35 + curve, abs=1e-5)


@quick
@given(seed=st.integers(0, 2**31 - 1), ahead_ms=st.integers(0, 5000))
def test_beyond_the_last_frame_no_farther_than_its_speed_for_the_bound(
    client: Client, seed, ahead_ms
):
    random = np.random.default_rng(seed)
    velocity = random.normal(size=6) * 2.0
    poses = []
    for i in range(8):
        one = pose(np.random.default_rng(seed), at=velocity * 0.01 * i)
        poses.append(one)
    times = fill(client, poses)
    positions, rotations = parts(client.ask("at", times[-1] + ahead_ms * MS))
    allowed = min(ahead_ms / 1e3, BOUND_S)
    np.testing.assert_allclose(positions, poses[-1][:6] + velocity * allowed, atol=2e-4)
    np.testing.assert_allclose(rotations, poses[-1][6:14], atol=1e-5)


def test_a_cut_is_no_motion(client):
    """A loop that begins again 4 m away is there at its own time, not on the way before."""
    random = np.random.default_rng(1)
    here, there = pose(random, at=np.zeros(6)), pose(random, at=np.r_[4.0, np.zeros(5)])
    times = fill(client, [here, here, there])
    assert parts(client.ask("at", times[1] + 9 * MS))[0][0] == 0.0
    assert parts(client.ask("at", times[2]))[0][0] == 4.0
    assert parts(client.ask("at", times[2] + 100 * MS))[0][0] == 4.0


def test_a_stream_that_was_silent_is_not_thrown_on(client):
    random = np.random.default_rng(1)
    poses = [pose(random, at=np.r_[0.1 * i, np.zeros(5)]) for i in range(2)]
    times = fill(client, poses, period_ns=1000 * MS)
    assert parts(client.ask("at", times[-1] + 40 * MS))[0][0] == poses[-1][0]


@quick
@given(
    seed=st.integers(0, 2**31 - 1),
    jitter_ms=st.floats(0, 30),
    steps=st.lists(st.integers(0, 400), min_size=20, max_size=60),
)
def test_the_time_that_is_shown_never_goes_back(client: Client, seed, jitter_ms, steps):
    """However frames are late and a display stalls, and while the delay is still being found."""
    random = np.random.default_rng(seed)
    client.ask("buffer", -1, BOUND_S)
    now, sent, before = 1_000 * MS, 0, -1
    one = raw(pose(random))
    for step in steps:
        now += step * MS // 10
        while 1_000 * MS + sent * 8 * MS <= now:
            stamp = 1_000 * MS + sent * 8 * MS
            client.ask("add", 1, stamp, stamp + int(random.uniform(0, jitter_ms) * MS), one)
            sent += 1
        sample = client.ask("sample", now)
        if sample is not None:
            assert sample["publish_ns"] >= before
            before = sample["publish_ns"]


@pytest.mark.parametrize("jitter_ms", [0, 4, 20])
def test_the_delay_is_a_frame_and_the_jitter_that_was_measured(client, jitter_ms):
    random = np.random.default_rng(2)
    late = random.uniform(0, jitter_ms * MS, 200)
    fill(client, [pose(random)] * 200, late=late)
    seen = client.ask("measured")
    expected = np.quantile(late[-128:] - late.min(), 0.95) / 1e9
    assert seen["interval"] == pytest.approx(0.01, abs=1e-6)
    assert seen["jitter"] == pytest.approx(expected, abs=0.1 * jitter_ms / 1e3 + 1e-6)
    assert seen["delay"] == pytest.approx(seen["interval"] + seen["jitter"], abs=1e-9)


def test_with_that_delay_few_samples_lack_a_frame(client):
    """A display at 90 Hz over 100 Hz with jitter up to 15 ms: 1 sample in 10 goes on at most."""
    random = np.random.default_rng(3)
    client.ask("buffer", -1, BOUND_S)
    arrivals, last = [], 0
    for i in range(600):
        last = max(last, 1_000 * MS + i * 10 * MS + int(random.uniform(0, 15) * MS))
        arrivals.append((last, 1_000 * MS + i * 10 * MS))
    one, sent, samples = raw(pose(random)), 0, 0
    for k in range(520):
        now = 1_030 * MS + k * 11 * MS
        while sent < len(arrivals) and arrivals[sent][0] <= now:
            client.ask("add", 1, arrivals[sent][1], arrivals[sent][0], one)
            sent += 1
        if k == 100:
            settled = client.ask("measured")
        samples += client.ask("sample", now) is not None
    seen = client.ask("measured")
    went_on = seen["extrapolated"] + seen["held"] - settled["extrapolated"] - settled["held"]
    assert samples == 520
    assert went_on < 0.1 * (520 - 100)
    assert seen["delay"] < 0.026


def test_a_delay_of_the_users_own_is_kept(client):
    random = np.random.default_rng(4)
    times = fill(client, [pose(random)] * 20, fixed=0.08)
    assert client.ask("measured")["delay"] == 0.08
    assert client.ask("sample", times[-1] + 5 * MS)["publish_ns"] == times[-1] - 80 * MS


def test_a_late_frame_is_left_out_and_a_restart_begins_anew(client):
    random = np.random.default_rng(5)
    times = fill(client, [pose(random)] * 5)
    client.ask("add", 1, times[2], times[-1] + 9 * MS, raw(pose(random)))
    assert client.ask("measured")["out_of_order"] == 1
    fresh = pose(random)
    client.ask("add", 2, 7 * MS, times[-1] + 20 * MS, raw(fresh))  # its clock began anew too
    positions, _ = parts(client.ask("sample", times[-1] + 21 * MS))
    assert positions.tobytes() == fresh[:6].tobytes()
