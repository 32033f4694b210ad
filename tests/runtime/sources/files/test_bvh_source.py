"""BVH playback."""

from __future__ import annotations

import numpy as np
import pytest

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.sources.files.bvh import BvhSource
from understudy.runtime.takes import bvh
from understudy.runtime.takes.clip import Clip

RATE = 30.0
FRAMES = 31


@pytest.fixture
def path(tmp_path):
    """One second of a walk along +Z at 1 m/s, turning: frame n is at n / 30 m."""
    positions = np.repeat(PERFORMER.rest_positions[None], FRAMES, axis=0)
    positions[:, 0, 2] = np.arange(FRAMES) / RATE
    rotations = rotation.identity((FRAMES, len(PERFORMER)))
    rotations[:, 0] = rotation.from_yaw(np.arange(FRAMES) / RATE)
    bvh.write(tmp_path / "walk.bvh", Clip(PERFORMER, positions, rotations, 1 / RATE))
    return tmp_path / "walk.bvh"


def along(source, time_s):
    pose = source.sample(time_s)
    return None if pose is None else float(pose.positions[0, 2])


def test_frames_come_at_the_file_s_own_rate_exactly(path):
    source = BvhSource(path)
    clip = bvh.read(path)
    assert source.rate_hz == RATE and source.skeleton is not None
    for n in range(FRAMES):
        pose = source.sample(n / RATE)
        assert np.array_equal(pose.rotations, clip.rotations[n])
        assert np.array_equal(pose.positions, clip.positions[n])


def test_between_frames_it_is_interpolated(path):
    source = BvhSource(path)
    pose = source.sample(0.5 / RATE)
    assert pose.positions[0, 2] == pytest.approx(0.5 / RATE, abs=1e-6)
    assert rotation.yaw(pose.rotations[0]) == pytest.approx(0.5 / RATE, abs=1e-6)


def test_a_pass_lasts_as_many_frame_times_as_there_are_frames(path):
    source = BvhSource(path)
    assert source.duration_s == pytest.approx(FRAMES / RATE)
    assert along(source, 30.5 / RATE) == pytest.approx(1.0)  # the last frame is shown its time
    assert along(source, FRAMES / RATE) == pytest.approx(0.0)
    assert along(source, 1000 * FRAMES / RATE + 0.5) == pytest.approx(0.5, abs=1e-5)


def test_without_loop_it_ends_and_says_nothing_more(path):
    source = BvhSource(path, loop=False)
    assert along(source, 30 / RATE) == pytest.approx(1.0)
    assert source.sample(FRAMES / RATE) is None
    assert source.sample(99.0) is None
    assert source.sample(-0.1) is None


def test_rate_start_and_stop(path):
    source = BvhSource(path, rate=2.0, start_s=0.2, stop_s=0.6, loop=False)
    assert along(source, 0.0) == pytest.approx(0.2, abs=1e-6)
    assert along(source, 0.1) == pytest.approx(0.4, abs=1e-6)
    assert source.duration_s == pytest.approx((0.4 + 1 / RATE) / 2.0)
    assert source.sample(source.duration_s + 1e-3) is None
    looped = BvhSource(path, start_s=0.2, stop_s=0.6)
    seen = [along(looped, t) for t in np.linspace(0.0, 5.0, 500)]
    assert min(seen) >= 0.2 - 1e-6 and max(seen) <= 0.6 + 1e-6


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"rate": 0.0}, "rate 0"),
        ({"rate": -1.0}, "rate -1"),
        ({"rate": float("nan")}, "rate nan"),
        ({"start_s": 2.0}, "from 2 s"),
        ({"start_s": -1.0}, "from -1 s"),
        ({"start_s": 0.5, "stop_s": 0.2}, "from 0.5 s to 0.2 s; the file has 1.000 s"),
    ],
)
def test_a_wish_that_cannot_be_played_is_a_sentence(path, words, says):
    with pytest.raises(UnderstudyError, match=says):
        BvhSource(path, **words)


def test_poses_are_the_caller_s_own(path):
    source = BvhSource(path)
    source.sample(0.0).positions[:] = 99.0
    source.sample(0.0).rotations[:] = 99.0
    assert along(source, 0.0) == pytest.approx(0.0)


def test_a_t_pose_frame_is_not_played(mocap):
    source = BvhSource(mocap / "cmu" / "02_05.bvh")
    pose, rest = source.sample(0.0), rotation.identity(len(source.skeleton))
    assert np.rad2deg(rotation.angle_between(pose.rotations, rest)).mean() > 5.0


@pytest.mark.parametrize("name", ["cmu/walking_1", "cmu_dance/salsa_01", "cc_rig/002_01"])
def test_any_mocap_plays_on_the_performer(mocap, name):
    source = BvhSource(mocap / f"{name}.bvh", target=PERFORMER)
    assert source.skeleton is PERFORMER
    for time_s in np.linspace(0.0, source.duration_s, 20):
        pose = source.sample(float(time_s))
        world = PERFORMER.globals(pose.positions, pose.rotations)[0]
        assert world[PERFORMER.index("Head"), 1] > 0.8
        lowest = min(world[PERFORMER.index(f"{side}ToeBase"), 1] for side in ("Left", "Right"))
        assert 0.01 < lowest < 0.12
