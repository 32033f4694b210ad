"""What takeover is made of: transfer, stream, blend, forecast."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.runtime.performer.rigs import PARTS, bones_along_x, part_of, root_above_hips, walk
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.kinematics import world_positions, world_rotations
from understudy.runtime.performer.takeover.blend import FadingOffset, PoseBlend
from understudy.runtime.performer.takeover.forecast import Forecast
from understudy.runtime.performer.takeover.stream import Stream
from understudy.runtime.performer.takeover.transfer import Transfer
from understudy.runtime.retarget.retarget import NotHumanoid, Retarget

RIGS = {"performer": lambda: PERFORMER, "along x": bones_along_x, "root": root_above_hips} | {
    name: lambda kept=kept: part_of(walk(), kept).skeleton for name, kept in PARTS.items()
}
WHOLE = ("performer", "along x", "root")


def poses(skeleton, seed: int, count: int = 5):
    """Random poses (count, J, 3) and (count, J, 4) about the rest pose."""
    rng = np.random.default_rng(seed)
    turn = rotation.from_rotation_vector(rng.normal(0.0, 0.5, (count, len(skeleton), 3)))
    positions = np.repeat(skeleton.rest_positions[None], count, axis=0)
    positions[:, 0] += rng.normal(0.0, 1.0, (count, 3))
    return positions, rotation.multiply(skeleton.rest_rotations, turn)


@pytest.mark.parametrize("rig", RIGS)
@given(seed=st.integers(0, 10**6))
@settings(max_examples=10)
def test_there_and_back_is_the_pose_again(rig, seed):
    skeleton = RIGS[rig]()
    transfer = Transfer(skeleton)
    positions, rotations = poses(skeleton, seed)
    hips, turns = transfer.there(positions, rotations)
    out_p, out_r = positions.copy(), rotations.copy()
    out_p[..., transfer.hips, :] = 7.0
    out_r[..., transfer.joints, :] = rotation.identity()
    transfer.back(hips, turns, out_p, out_r)
    assert np.abs(out_p - positions).max() < 1e-9
    assert rotation.angle_between(out_r, rotations).max() < 1e-6


@pytest.mark.parametrize("name", PARTS)
def test_what_a_part_lacks_stands_upright_below_it(name):
    """A whole walk and a part of it are the same body there, but for what the part lacks."""
    clip = part_of(walk(), PARTS[name])
    hips, turns = Transfer(clip.skeleton).there(clip.positions, clip.rotations)
    whole_hips, whole = Transfer(PERFORMER).there(walk().positions, walk().rotations)
    positions = np.repeat(PERFORMER.rest_positions[None], len(hips), 0)
    positions[:, 0] = hips
    there = PERFORMER.globals(positions, turns)
    positions[:, 0] = whole_hips
    truth = PERFORMER.globals(positions, whole)
    known = [PERFORMER.index(joint) for joint in clip.skeleton.names]
    assert rotation.angle_between(there[1][:, known], truth[1][:, known]).max() < 1e-6
    first = known[0]
    assert np.abs(there[0][:, first] - truth[0][:, first]).max() < 1e-6
    feet = [PERFORMER.index(f"{side}Foot") for side in ("Left", "Right")]
    below = there[0][:, feet] - there[0][:, [first]]
    assert (below[..., 1] < -0.5).all()


@pytest.mark.parametrize("rig", WHOLE)
def test_there_is_what_retargeting_says(rig):
    skeleton = RIGS[rig]()
    positions, rotations = poses(skeleton, 1)
    hips, turns = Transfer(skeleton).there(positions, rotations)
    moved, turned = Retarget(skeleton, PERFORMER).apply(positions, rotations)
    assert np.abs(hips - moved[:, 0]).max() < 1e-9
    assert rotation.angle_between(turns, turned).max() < 1e-6


def test_world_by_doubling_is_forward_kinematics():
    skeleton = bones_along_x()
    positions, rotations = poses(skeleton, 2)
    steps = Transfer(skeleton).steps
    world_p, world_r = skeleton.globals(positions, rotations)
    ours = world_rotations(rotations, steps)
    assert np.abs(ours[:, :-1] - world_r).max() < 1e-9
    assert np.abs(world_positions(positions, ours, steps) - world_p).max() < 1e-9


def test_what_is_no_humanoid_has_no_way_there():
    from understudy.runtime.core.skeleton import Skeleton

    with pytest.raises(NotHumanoid):
        Transfer(Skeleton(("a", "b"), np.array([-1, 0]), np.zeros((2, 3))))


@given(x=st.floats(-1, 1), v=st.floats(-5, 5), a=st.floats(-50, 50), lasts_s=st.floats(0.05, 1.0))
def test_an_offset_begins_as_it_was_and_ends_at_nothing(x, v, a, lasts_s):
    offset = FadingOffset(1, 1)
    row, at = np.array([0]), np.array([[1.0]])
    offset.plan(row, 3.0, x * at, v * at, a * at, 3.0 + lasts_s)
    assert np.allclose([float(k[0, 0]) for k in offset.at(row, 3.0)], [x, v, a], atol=1e-9)
    near = [float(k[0, 0]) for k in offset.at(row, 3.0 + lasts_s * (1 - 1e-6))]
    assert abs(near[0]) < 1e-4 and abs(near[1]) < 1e-3
    assert offset.place(row, 3.0 + lasts_s)[0, 0] == 0.0  # exactly
    assert abs(offset.place(row, 3.0 + lasts_s / 2)[0, 0]) <= abs(x) + abs(v) + abs(a)


def test_a_jump_is_shown_where_it_was_and_then_where_it_is_to_be():
    rng = np.random.default_rng(0)
    old, new = poses(PERFORMER, 3, 2), poses(PERFORMER, 4, 2)
    blend, joints = PoseBlend(2, len(PERFORMER)), np.arange(len(PERFORMER))
    pairs = [tuple((p[k], q[k]) for k in (0, 1)) for p, q in (old, new)]
    blend.jump(1, joints, 5.0, rng.uniform(0.01, 0.02), *pairs)
    positions, rotations = new[0][:1].copy(), new[1][:1].copy()
    fading = blend.under_way(np.array([5.0, 5.0]))
    assert not fading[0].any()  # the other body
    blend.apply(np.array([1]), fading[1:], np.array([5.0]), positions, rotations)
    positions, rotations = positions[0], rotations[0]
    apart = np.linalg.norm(positions - old[0][0], axis=-1)
    assert apart.max() < 0.004  # a difference that nobody sees is let go
    assert rotation.angle_between(rotations, old[1][0]).max() < 0.01
    assert not blend.under_way(np.array([6.5, 6.5])).any()  # a root glides for 1.2 s at most


def test_a_forecast_goes_through_its_knots_without_a_kink():
    positions, rotations = poses(PERFORMER, 5, 6)
    rotations = rotation.continuous(rotations)
    forecast = Forecast()
    for k in range(6):
        forecast.add(0.1 * k, positions[k], rotations[k], np.full(4, 0.1 * k), 0.01 * k)
    for k in range(6):
        assert np.abs(forecast.at(0.1 * k)[0] - positions[k]).max() < 1e-9
    for t in (0.2, 0.3):
        before, at, after = (forecast.at(t + d)[0] for d in (-1e-5, 0.0, 1e-5))
        assert np.abs((after - at) - (at - before)).max() < 1e-7
    assert forecast.contacts_at(0.25) == pytest.approx(0.25)
    assert forecast.errors_at(0.25).mean() == pytest.approx(0.025)


def pose(k: int):
    return np.full((2, 3), 0.1 * k), rotation.identity(2)


def test_a_stream_sorts_what_comes_and_counts_what_is_wrong():
    stream = Stream()
    shown = (np.zeros((2, 3)), rotation.identity(2))
    for k in (0, 1, 3, 2, 2):
        stream.add(k / 60, *pose(k), None, shown)
    stream.add(np.nan, *pose(4), None, shown)
    stream.add(4 / 60, np.full((2, 3), np.nan), rotation.identity(2), None, shown)
    assert [round(p.time_s * 60) for p in stream.packets] == [0, 1, 2, 3]
    assert (stream.late, stream.repeated, stream.broken) == (1, 1, 2)
    stream.add(40.0, *pose(5), None, shown)
    stream.add(5 / 60, *pose(5), None, shown)
    assert stream.stale == 1


def test_the_playhead_follows_the_quickest_packets():
    stream = Stream()
    shown = (np.zeros((2, 3)), rotation.identity(2))
    for k in range(60):
        stream.add(100.0 + k / 60, *pose(k), None, shown)
        stream.advance(k / 60 + 0.2)
        assert not stream.overdue
    stream.advance(60 / 60 + 0.2)
    assert stream.overdue
    assert stream.playhead_s == pytest.approx(101.0)


def test_between_packets_a_stream_interpolates():
    stream = Stream()
    shown = (np.zeros((2, 3)), rotation.identity(2))
    for k in (0, 2):
        stream.add(k / 60, *pose(k), np.array([True, k == 0]), shown)
    positions, _, seen = stream.sample(1 / 60)
    assert positions[0, 0] == pytest.approx(0.1)
    assert seen is not None and seen.tolist() == [True, False]
