"""Strips and what is made from them."""

import numpy as np
import pytest

pytest.importorskip("scipy")

from understudy.models.motion import augment, data, library
from understudy.models.motion.director import Database, direct, gait
from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.performer.control.controller import WALK_MPS
from understudy.runtime.performer.ik import legs

from .gait import folder, walk


@pytest.fixture(scope="module")
def strip():
    return data.strip(walk(4.0, 1.2, stand_s=1.0))


@pytest.fixture(scope="module")
def strips(tmp_path_factory):
    return data.load(folder(tmp_path_factory.mktemp("bvh")))


def test_a_strip_knows_speed_heading_and_contacts(strip):
    speed = library.speed(strip)
    assert speed[150:220].mean() == pytest.approx(1.2, rel=0.05)
    assert np.abs(strip.yaw).max() < 0.05
    assert strip.contacts[:40].all()
    toes = strip.contacts[120:, [1, 3]]
    assert 0.45 < toes.mean() < 0.75
    assert (toes.sum(axis=1) >= 1).mean() > 0.95


def test_world_gives_back_the_clip(strip):
    hips, _ = data.world(strip)
    clip = walk(4.0, 1.2, stand_s=1.0)
    flat = np.linalg.norm((hips - clip.positions[:, 0])[:, [0, 2]], axis=-1)
    assert flat.max() < 0.01


def test_turning_the_whole_clip_changes_no_strip(strip):
    clip = walk(4.0, 1.2, stand_s=1.0)
    turn = rotation.from_yaw(2.0)
    positions, rotations = clip.positions.copy(), clip.rotations.copy()
    positions[:, 0] = rotation.rotate(turn, positions[:, 0])
    rotations[:, 0] = rotation.multiply(turn, rotations[:, 0])
    hips, turns = data.ground(positions[:, 0], rotations)
    other = data.relative(
        "", hips, turns, data.smooth(hips[:, [0, 2]], 9.6), np.full(len(hips), 2.0), strip.contacts
    )
    np.testing.assert_allclose(other.hips[:, 1], strip.hips[:, 1], atol=0.02)
    assert rotation.angle_between(other.rotations[:, 0], rotation.identity(())).max() < 0.05


def test_a_heading_that_tumbles_is_bridged():
    rotations = rotation.identity((120, 3))
    rotations[:, 0] = rotation.from_yaw(np.linspace(0, 1, 120))
    rotations[60:63, 0] = rotation.from_axis_angle([1.0, 0, 0], np.array([1.0, 2.5, 1.2]))
    mended = data.mend(rotations)
    assert rotation.angle_between(mended[1:, 0], mended[:-1, 0]).max() < 0.05
    assert np.abs(rotation.yaw(mended[:, 0]) - np.linspace(0, 1, 120)).max() < 0.05


def test_an_empty_folder_is_one_sentence(tmp_path):
    with pytest.raises(UnderstudyError, match="holds no BVH"):
        data.load(tmp_path)
    with pytest.raises(UnderstudyError, match="is no folder"):
        data.load(tmp_path / "none")


def test_mirror_and_reverse_undo_themselves(strip):
    for function in (augment.mirror, augment.reverse):
        twice = function(function(strip))
        np.testing.assert_allclose(twice.hips, strip.hips)
        assert rotation.angle_between(twice.rotations, strip.rotations).max() < 1e-6
        np.testing.assert_array_equal(twice.contacts, strip.contacts)


def test_a_mirrored_left_ankle_is_the_right_one(strip):
    p = legs.forward(strip.hips, strip.rotations)[0]
    q = legs.forward(*(lambda m: (m.hips, m.rotations))(augment.mirror(strip)))[0]
    np.testing.assert_allclose(q[:, 0], p[:, 1] * [-1, 1, 1], atol=1e-9)


def test_a_bent_path_keeps_its_speed_and_turns(strip):
    bent = augment.bend(strip, 1.0)
    np.testing.assert_allclose(library.speed(bent)[5:-5], library.speed(strip)[5:-5], atol=0.02)
    assert bent.yaw[-1] - strip.yaw[-1] == pytest.approx((len(strip) - 1) / 60, rel=1e-6)


@pytest.mark.parametrize(("angle", "stride"), [(0.0, 0.5), (np.pi / 2, 0.4), (0.8, 0.7)])
def test_steered_steps_go_where_they_are_told(strip, angle, stride):
    out = augment.steer(strip, stride, angle)
    way = out.root[-1] - out.root[100]
    assert np.arctan2(way[0], way[1]) == pytest.approx(angle, abs=0.05)
    assert np.linalg.norm(way) == pytest.approx(
        stride * np.linalg.norm(strip.root[-1] - strip.root[100]), rel=0.03
    )
    p = legs.forward(out.hips, out.rotations)[0]
    assert p[..., 3, 1].min() > -0.03


def test_the_phase_means_the_same_foot_everywhere(strip):
    for s in (strip, augment.tempo(strip, 1.3), augment.reverse(strip)):
        phase = gait(s)[:, 0]
        assert (np.diff(phase) > -1e-9).all()
        moving = slice(120, -60) if "reverse" not in s.kind else slice(40, 100)
        left = np.cos(phase[moving]) > 0.9
        assert s.contacts[moving][left, :2].max(axis=-1).mean() > 0.95


def test_the_director_follows_the_pad_with_planted_feet(strips):
    database = Database(library.build(strips))
    take = direct(database, 8, 240, seed=3)
    again = direct(database, 8, 240, seed=3)
    np.testing.assert_array_equal(take.rotations, again.rotations)
    for array in (take.hips, take.rotations, take.root, take.yaw, take.path, take.phase):
        assert np.isfinite(array).all()
    gap = np.linalg.norm(take.root - take.path[:, :, 0, :2], axis=-1)
    assert np.median(gap) < 0.25
    assert WALK_MPS > 1.0
