"""Writing BVH: what is read back is what was written."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.takes import bvh
from understudy.runtime.takes.bvh import continuous_euler
from understudy.runtime.takes.clip import Clip

from .files import save, text, values


def clip_of(skeleton: Skeleton, frames: int, seed: int = 0, move_all: bool = False) -> Clip:
    """Random motion, smooth enough to look at."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(scale=0.2, size=(frames, len(skeleton), 3))
    rotations = rotation.from_rotation_vector(np.cumsum(steps, axis=0))
    positions = np.repeat(skeleton.rest_positions[None], frames, axis=0)
    moving = slice(None) if move_all else slice(0, 1)
    positions[:, moving] += rng.normal(size=positions[:, moving].shape)
    return Clip(skeleton, positions, rotations, 1 / 60, "take")


def reordered(clip: Clip, like: Skeleton) -> Clip:
    """The clip with its joints in another skeleton's order."""
    order = [clip.skeleton.index(name) for name in like.names]
    return replace(clip, positions=clip.positions[:, order], rotations=clip.rotations[:, order])


def test_a_take_of_the_performer_comes_back(tmp_path):
    take = clip_of(PERFORMER, 50)
    bvh.write(tmp_path / "take.bvh", take)
    back = reordered(bvh.read(tmp_path / "take.bvh"), PERFORMER)
    assert rotation.angle_between(back.rotations, take.rotations).max() < 1e-6
    assert np.abs(back.positions - take.positions).max() < 1e-7
    assert back.rate_hz == 60.0


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_tree_comes_back(tmp_path_factory, data):
    count = data.draw(st.integers(1, 9))
    parents = [-1] + [data.draw(st.integers(0, j - 1)) for j in range(1, count)]
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    skeleton = Skeleton(
        tuple(f"joint {j}" for j in range(count)), np.array(parents), rng.normal(size=(count, 3))
    )
    take = clip_of(skeleton, 3, count, move_all=data.draw(st.booleans()))
    path = tmp_path_factory.mktemp("takes") / "take.bvh"
    bvh.write(path, take)
    back = reordered(bvh.read(path, unit_m=0.01, up="Y"), skeleton)
    assert np.abs(back.positions - take.positions).max() < 1e-7
    assert rotation.angle_between(back.rotations, take.rotations).max() < 1e-6


def test_an_unchanged_file_keeps_its_values_and_layout(tmp_path):
    rows = values(6)
    clip = bvh.read(save(tmp_path, text(rows)))
    bvh.write(tmp_path / "copy.bvh", clip)
    copy = bvh.read(tmp_path / "copy.bvh")
    assert copy.raw is not None and np.array_equal(copy.raw.values, rows)
    assert copy.channels == clip.channels
    assert copy.skeleton.id == clip.skeleton.id


def test_a_changed_clip_is_written_as_changed(tmp_path):
    clip = bvh.read(save(tmp_path, text(values(6))))
    with pytest.raises(ValueError, match="read-only"):
        clip.rotations[0] = 0.0  # a silent change would be lost on writing
    higher = clip.positions.copy()
    higher[:, 0, 1] += 0.5
    bvh.write(tmp_path / "copy.bvh", replace(clip, positions=higher))
    copy = bvh.read(tmp_path / "copy.bvh", unit_m=clip.unit_m)
    assert np.allclose(copy.positions, higher, atol=1e-7)
    assert rotation.angle_between(copy.rotations, clip.rotations).max() < 1e-6
    assert copy.channels == clip.channels


def test_the_same_clip_gives_the_same_bytes_and_no_minus_zero(tmp_path):
    take = clip_of(PERFORMER, 20)
    take.rotations[5] = rotation.identity()
    take.positions[3, 0] = -1e-12
    contents = set()
    for name in ("a.bvh", "b.bvh"):
        bvh.write(tmp_path / name, take)
        contents.add((tmp_path / name).read_bytes())
    assert len(contents) == 1
    assert b"-0.000000" not in contents.pop()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["ZYX", "ZXY", "XYZ", "YXZ", "YZX", "XZY"]))
def test_angles_run_on_without_jumps(seed, order):
    rng = np.random.default_rng(seed)
    spin = np.cumsum(rng.normal(scale=0.02, size=(600, 3)), axis=0) + rng.uniform(-3, 3, 3)
    q = rotation.from_euler(spin, order)
    angles = continuous_euler(q, order)
    assert rotation.angle_between(rotation.from_euler(angles, order), q).max() < 1e-5
    # The angles that made the motion, but for whole turns and for which of the two triples began.
    twin = np.stack([spin[:, 0] + np.pi, np.pi - spin[:, 1], spin[:, 2] + np.pi], axis=-1)
    steps = np.diff(angles, axis=0)
    assert (
        min(
            np.abs(steps - np.diff(spin, axis=0)).max(), np.abs(steps - np.diff(twin, axis=0)).max()
        )
        < 1e-6
    )


def test_a_spinning_character_turns_on_past_half_a_turn(tmp_path):
    frames = 240
    rotations = rotation.identity((frames, len(PERFORMER)))
    rotations[:, 0] = rotation.from_yaw(np.linspace(0.0, 6.0 * np.pi, frames))
    positions = np.repeat(PERFORMER.rest_positions[None], frames, axis=0)
    bvh.write(tmp_path / "spin.bvh", Clip(PERFORMER, positions, rotations, 1 / 60))
    raw = bvh.read(tmp_path / "spin.bvh").raw
    assert raw is not None
    # Three turns in the root's three angles, none of them in leaps.
    assert np.abs(np.diff(raw.values[:, 3:6], axis=0)).max() < 10.0


def test_names_that_a_file_cannot_hold_are_made_plain(tmp_path):
    odd = Skeleton(("a {b}", "two\nlines"), np.array([-1, 0]), np.zeros((2, 3)))
    bvh.write(tmp_path / "odd.bvh", clip_of(odd, 2))
    assert bvh.read(tmp_path / "odd.bvh").skeleton.names == ("a (b)", "two lines")


def test_a_rope_of_two_thousand_joints(tmp_path):
    count = 2000
    rope = Skeleton(tuple(f"r{j}" for j in range(count)), np.arange(count) - 1, np.ones((count, 3)))
    bvh.write(tmp_path / "rope.bvh", clip_of(rope, 1))
    assert len(bvh.read(tmp_path / "rope.bvh").skeleton) == count


def test_nothing_half_written_stays_behind(tmp_path, monkeypatch):
    path = tmp_path / "take.bvh"
    take = clip_of(PERFORMER, 2)
    bvh.write(path, take)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(UnderstudyError, match=r"cannot be written \(No space left"):
        bvh.write(path, clip_of(PERFORMER, 3))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UnderstudyError, match="cannot be written"):
        bvh.write(tmp_path / "file" / "take.bvh", clip_of(PERFORMER, 2))


def test_motion_that_is_not_finite_is_refused(tmp_path):
    take = clip_of(PERFORMER, 4)
    take.rotations[2, 3, 0] = np.nan
    with pytest.raises(UnderstudyError, match=r"frame 2 .*not finite"):
        bvh.write(tmp_path / "take.bvh", take)
    assert not list(tmp_path.iterdir())


def test_real_files_come_back(mocap, tmp_path):
    for name in ("cmu/walking_1", "cmu_dance/salsa_01", "cc_rig/002_01"):
        clip = bvh.read(mocap / f"{name}.bvh")
        bvh.write(tmp_path / "copy.bvh", replace(clip, raw=None))
        back = bvh.read(tmp_path / "copy.bvh")
        assert rotation.angle_between(back.rotations, clip.rotations).max() < 1e-5
        assert np.abs(back.positions - clip.positions).max() < 1e-6
        bvh.write(tmp_path / "same.bvh", clip)
        same = bvh.read(tmp_path / "same.bvh").raw
        assert same is not None and clip.raw is not None
        assert np.abs(same.values - clip.raw.values).max() <= 5.1e-7
