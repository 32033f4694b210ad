"""A file plays on its own skeleton, every joint of it, or on the performer's where asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.runtime.takes.bodies import stance, write_bvh
from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.roles import roles
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.performer.takeover.transfer import Transfer
from understudy.runtime.sources.files.bvh import BvhSource


def with_fingers() -> Skeleton:
    names = [*PERFORMER.names, "LeftHandIndex1", "LeftHandIndex2"]
    hand = PERFORMER.index("LeftHand")
    offsets = np.concatenate([PERFORMER.rest_positions, [[0.09, 0.0, 0.0], [0.04, 0.0, 0.0]]])
    parents = np.append(PERFORMER.parents, [hand, len(PERFORMER)])
    return Skeleton(tuple(names), parents, offsets)


@pytest.fixture
def take(tmp_path):
    """A walk of a body with a finger that bends, in a file with Z up and inches."""
    positions, rotations = stance(travel_m=1.0)
    body = with_fingers()
    frames = len(positions)
    positions = np.concatenate(
        [positions, np.broadcast_to(body.rest_positions[-2:], (frames, 2, 3))], axis=1
    )
    bend = rotation.from_axis_angle((0.0, 0.0, 1.0), np.linspace(0.0, 1.0, frames))
    rotations = np.concatenate([rotations, bend[:, None], bend[:, None]], axis=1)
    path = write_bvh(tmp_path / "take.bvh", positions, rotations, body, unit_m=0.0254,
                     motion_up="Z", rest_up="Z")  # fmt: skip
    return path, positions, rotations


def test_by_default_every_joint_comes_in_metres_standing_and_facing_z(take):
    path, positions, rotations = take
    source = BvhSource(path)
    assert set(source.skeleton.names) == set(with_fingers().names)
    pose = source.sample(10 / 30)
    world = source.skeleton.globals(pose.positions, pose.rotations)[0]
    order = [with_fingers().names.index(name) for name in source.skeleton.names]
    wanted = with_fingers().globals(positions[10], rotations[10])[0][order]
    assert np.allclose(world, wanted, atol=1e-4)
    rest = source.skeleton.rest_globals[0]
    role = roles(source.skeleton)
    assert rest[role["head"], 1] > rest[role["hips"], 1] > rest[role["left_foot"], 1]
    assert rest[role["left_hand"], 0] > 0.5 and rest[role["left_toes"], 2] > 0.05
    assert Transfer(source.skeleton).scale == pytest.approx(1.0, abs=1e-3)


def test_the_performers_is_asked_for(take):
    source = BvhSource(take[0], skeleton="performer")
    assert source.skeleton is PERFORMER
    assert BvhSource(take[0], target=PERFORMER).skeleton is PERFORMER
    with pytest.raises(UnderstudyError, match="'mine' is unknown; it is one of own, performer"):
        BvhSource(take[0], skeleton="mine")


def test_joints_go_by_the_performers_names_too(tmp_path, take):
    names = {"LeftArm": "lShldr", "LeftForeArm": "lForeArm", "LeftHand": "lHand"}
    body = with_fingers()
    called = tuple(names.get(name, name) for name in body.names)
    path = write_bvh(tmp_path / "daz.bvh", take[1], take[2], replace(body, names=called))
    source = BvhSource(path)
    assert (
        source.joint("LeftForeArm")
        == source.joint("lForeArm")
        == (source.skeleton.index("lForeArm"))
    )


def test_a_body_that_counts_from_its_hips_is_put_on_the_ground(tmp_path):
    positions, rotations = stance()
    positions[:, 0] = 0.0
    source = BvhSource(write_bvh(tmp_path / "hips.bvh", positions, rotations))
    pose = source.sample(0.0)
    lowest = source.skeleton.globals(pose.positions, pose.rotations)[0][:, 1].min()
    assert 0.0 <= lowest < 0.03
    assert any("off the ground" in note for note in source.notes)


def test_what_the_user_decides_reaches_the_file(take):
    source = BvhSource(take[0], up="Z", unit_m=0.5, frame_time_s=0.01, rest=0,
                       roles={"head": ""})  # fmt: skip
    assert source.rate_hz == 100.0 and "head" not in roles(source.skeleton)
    assert not any("taken for" in note for note in source.notes)
