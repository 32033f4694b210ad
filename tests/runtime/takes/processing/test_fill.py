"""Gaps filled from both sides, and feet that stand."""

from __future__ import annotations

import numpy as np
import pytest

from tests.runtime.performer.rigs import walk
from understudy.runtime.core import rotation
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.takes.clip import Clip
from understudy.runtime.takes.processing.fill import fill, gaps_of
from understudy.runtime.takes.processing.skate import feet, planted, slide, without_skate


@pytest.fixture(scope="module")
def clip() -> Clip:
    whole = walk()
    return Clip(
        whole.skeleton, whole.positions[:240:2], whole.rotations[:240:2], 2.0 * whole.frame_time_s
    )


def lost(clip: Clip, *spans: tuple[int, int], joints: slice | list[int] = slice(None)):
    seen = np.ones((len(clip), len(clip.skeleton)), bool)
    for a, b in spans:
        rows = seen[a:b]
        rows[:, joints] = False
    return seen


def world(clip: Clip) -> np.ndarray:
    return clip.skeleton.globals(clip.positions, clip.rotations)[0]


def test_what_was_seen_stays_and_a_gap_ends_where_the_truth_goes_on(clip):
    a, b = 50, 80
    rate = clip.rate_hz
    filled, gaps = fill(clip, lost(clip, (a, b)))
    assert [(gap.start, gap.stop, gap.filled) for gap in gaps] == [(a, b, True)]
    outside = np.r_[0:a, b : len(clip)]
    assert (filled.positions[outside] == clip.positions[outside]).all()
    assert (filled.rotations[outside] == clip.rotations[outside]).all()
    # No jump at either end: no step in the gap is larger than the truth's largest and a third.
    step = np.linalg.norm(np.diff(world(filled), axis=0), axis=-1) * rate
    usual = np.linalg.norm(np.diff(world(clip), axis=0), axis=-1).max() * rate
    assert step[a - 1 : b + 1].max() < 1.33 * usual
    straight = np.linspace(0.0, 1.0, b - a + 2)[1:-1, None, None]
    between = world(clip)[a - 1] + straight * (world(clip)[b] - world(clip)[a - 1])
    error = np.linalg.norm(world(filled) - world(clip), axis=-1)[a:b].mean()
    assert error < 0.5 * np.linalg.norm(between - world(clip)[a:b], axis=-1).mean()


def test_joints_that_were_seen_in_a_gap_are_kept(clip):
    arm = [clip.skeleton.index(name) for name in ("LeftArm", "LeftForeArm", "LeftHand")]
    seen = lost(clip, (40, 60), joints=arm)
    filled, (gap,) = fill(clip, seen)
    assert np.flatnonzero(gap.joints).tolist() == sorted(arm)
    assert (filled.rotations[seen] == clip.rotations[seen]).all()
    assert (filled.positions[seen] == clip.positions[seen]).all()
    assert (filled.rotations[40:60, arm] != clip.rotations[40:60, arm]).any()


@pytest.mark.parametrize("span", [(0, 20), (100, 120)])
def test_a_gap_at_the_beginning_or_the_end_is_acted_from_its_one_side(clip, span):
    filled, (gap,) = fill(clip, lost(clip, span))
    assert gap.filled and np.isfinite(filled.rotations).all()
    edge = span[1] if span[0] == 0 else span[0]
    step = np.linalg.norm(np.diff(world(filled), axis=0), axis=-1)
    usual = np.linalg.norm(np.diff(world(clip), axis=0), axis=-1).max()
    assert step[edge - 1].max() < 1.33 * usual


def test_what_nobody_could_know_is_left_and_marked(clip):
    same, (gap,) = fill(clip, np.zeros((len(clip), len(clip.skeleton)), bool))
    assert not gap.filled and (same.rotations == clip.rotations).all()
    same, (gap,) = fill(clip, lost(clip, (30, 90)), longest_s=0.5)
    assert not gap.filled and (same.rotations == clip.rotations).all()


def test_what_is_no_humanoid_is_interpolated():
    skeleton = Skeleton(("a", "b"), np.array([-1, 0]), np.zeros((2, 3)), rotation.identity((2,)))
    turn = rotation.from_axis_angle([0.0, 1.0, 0.0], np.linspace(0.0, 1.0, 21))
    rotations = np.stack([turn, rotation.identity((21,))], axis=1)
    clip = Clip(skeleton, np.zeros((21, 2, 3)), rotations, 1 / 30)
    seen = np.ones((21, 2), bool)
    seen[10] = False
    filled, _ = fill(clip, seen)
    assert rotation.angle_between(filled.rotations[10], rotations[10]).max() < 1e-6


def test_gaps_are_runs_of_frames_with_the_joints_that_none_has():
    seen = np.ones((6, 2), bool)
    seen[1:3, 0] = False
    seen[4] = False
    one, two = gaps_of(seen)
    assert (one.start, one.stop, one.joints.tolist()) == (1, 3, [True, False])
    assert (two.start, two.stop, two.joints.tolist()) == (4, 5, [True, True])


def test_feet_that_slide_stand_and_the_rest_stays(clip):
    """A walk whose root drifts aside slides; without skate most of what came with it is gone."""
    drift = np.zeros((len(clip), 3))
    drift[:, 0] = 0.03 * np.sin(np.arange(len(clip)) / clip.rate_hz * 9.0)
    positions = clip.positions.copy()
    positions[:, 0] += drift
    sliding = Clip(clip.skeleton, positions, clip.rotations, clip.frame_time_s)
    stands = without_skate(sliding)
    joints = feet(clip.skeleton)
    own, before, after = (
        slide(world(clip), world(one), joints, clip.rate_hz).mean()
        for one in (clip, sliding, stands)
    )
    assert after - own < 0.35 * (before - own)
    assert (stands.positions == sliding.positions).all()
    upper = clip.skeleton.index("Head")
    assert (stands.rotations[:, upper] == sliding.rotations[:, upper]).all()


def test_a_foot_is_planted_while_it_is_low_and_slow():
    ball = np.zeros((60, 3))
    ball[20:40, 2] = np.linspace(0.0, 1.0, 20)
    ball[40:, 2] = 1.0
    ball[20:40, 1] = 0.1
    assert planted(ball, 60.0) == [(0, 19), (41, 60)] or planted(ball, 60.0) == [(0, 20), (40, 60)]
