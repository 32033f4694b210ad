"""Bones without rotation in a T-pose, whatever the skeleton: what VMC and Rokoko receivers have."""

from __future__ import annotations

import numpy as np
import pytest

from tests.runtime.outputs.things import HALF, HEAD, posed, turned_at_rest, with_fingers
from understudy.bridge.protocols import vmc
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER, roles
from understudy.runtime.core.pose import Pose
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.outputs.body import body
from understudy.runtime.retarget.retarget import NotHumanoid, t_pose
from understudy.runtime.takes import bvh

TURNED = turned_at_rest(PERFORMER)


def assembled(shape, positions, rotations):
    """World positions as a receiver makes them: bone by bone, parents first."""
    world_p, world_r = positions.copy(), rotations.copy()
    for b in range(1, len(positions)):
        up = shape.parents[b]
        world_p[b] = world_p[up] + rotation.rotate(world_r[up], positions[b])
        world_r[b] = rotation.multiply(world_r[up], rotations[b])
    return world_p, world_r


@pytest.mark.parametrize("skeleton", [PERFORMER, TURNED], ids=["performer", "turned"])
def test_a_receiver_puts_every_joint_where_it_is(skeleton):
    shape, pose = body(skeleton), posed(skeleton, 3)
    world_p, _ = _shape_p, shape_r = assembled(shape, *shape.local(shape.added(pose)))
    assert np.allclose(world_p, skeleton.globals(pose.positions, pose.rotations)[0][shape.joints])
    assert np.allclose(shape_r, shape.added(pose).rotations)


@pytest.mark.parametrize("skeleton", [PERFORMER, TURNED], ids=["performer", "turned"])
def test_the_t_pose_has_no_rotation_and_real_offsets(skeleton):
    shape = body(skeleton)
    at, turned = t_pose(skeleton)
    positions, rotations = skeleton.locals(at, turned)
    local_p, local_r = shape.local(shape.added(Pose(positions, rotations)))
    assert rotation.angle_between(local_r, rotation.identity(len(local_r))).max() < 1e-6
    # VMC4UE applies positions: zeros would crush the body.
    assert np.linalg.norm(local_p[1:], axis=1).min() > 0.02
    assert np.allclose(local_p[shape.index["left_lower_arm"]], [0.28, 0.0, 0.0], atol=1e-6)


def test_a_skeleton_of_any_axes_looks_the_same_from_outside():
    """The same motion of the same body, whatever the joints' own axes, sends the same bones."""
    pose = posed(PERFORMER, 5)
    world_p, world_r = PERFORMER.globals(pose.positions, pose.rotations)
    own = rotation.multiply(rotation.conjugate(PERFORMER.rest_globals[1]), TURNED.rest_globals[1])
    local = TURNED.locals(world_p, rotation.multiply(world_r, own))
    one, other = body(PERFORMER), body(TURNED)
    at, turn = one.local(one.added(pose))
    other_at, other_turn = other.local(other.added(Pose(*local)))
    assert np.allclose(at, other_at, atol=1e-6)
    assert rotation.angle_between(turn, other_turn).max() < 1e-6


def test_names_are_unitys():
    shape = body(PERFORMER)
    assert len(shape.vmc_names) == 22 and set(shape.vmc_names) <= set(vmc.BONES)
    joint = dict(zip(shape.vmc_names, shape.joints, strict=True))
    assert PERFORMER.names[joint["LeftUpperArm"]] == "LeftArm"
    assert PERFORMER.names[joint["RightToes"]] == "RightToeBase"


@pytest.mark.parametrize(
    "names",
    [
        ("LeftHandThumb1", "LeftHandThumb2", "LeftHandThumb3", "LeftHandThumb4"),
        ("thumb_01_l", "thumb_02_l", "thumb_03_l"),
        ("J_Bip_L_Thumb1", "J_Bip_L_Thumb2", "J_Bip_L_Thumb3"),
    ],
)
def test_fingers_are_found_by_their_chains(names):
    skeleton = with_fingers(tuple(n.replace("_l", "") if n.endswith("_l") else n for n in names))
    shape = body(skeleton)
    parts = ["Proximal", "Intermediate", "Distal"]
    assert shape.vmc_names[22:] == tuple(f"LeftThumb{part}" for part in parts)
    assert shape.parents[22] == shape.index["left_hand"]
    assert [int(up) for up in shape.parents[23:25]] == [22, 23]


def test_two_spine_joints_are_spine_and_chest():
    gone = PERFORMER.index("Spine2")
    keep = [i for i in range(len(PERFORMER)) if i != gone]
    above = [int(PERFORMER.parents[i]) for i in keep]
    above = [int(PERFORMER.parents[gone]) if up == gone else up for up in above]
    skeleton = Skeleton(
        tuple(PERFORMER.names[i] for i in keep),
        np.array([-1 if up < 0 else keep.index(up) for up in above]),
        PERFORMER.rest_positions[keep],
    )
    names = body(skeleton).vmc_names
    # Unity takes an upper chest only where there is a chest.
    assert "Chest" in names and "UpperChest" not in names
    assert len(names) == 21


def test_what_is_no_humanoid_says_so():
    snake = Skeleton(("a", "b"), np.array([-1, 0]), np.ones((2, 3)))
    with pytest.raises(NotHumanoid, match="no humanoid"):
        body(snake)


def test_real_mocap_is_carried_whole(mocap):
    path = sorted(mocap.rglob("*.bvh"))[0]
    clip = bvh.read(path)
    skeleton = clip.skeleton
    shape = body(skeleton)
    assert len(roles(skeleton)) <= len(shape.vmc_names)
    pose = Pose(clip.positions[len(clip.positions) // 2], clip.rotations[len(clip.rotations) // 2])
    world_p, _ = assembled(shape, *shape.local(shape.added(pose)))
    wanted = skeleton.globals(pose.positions, pose.rotations)[0][shape.joints]
    assert np.allclose(world_p, wanted, atol=1e-6)


@pytest.mark.parametrize("skeleton", [HALF, HEAD, turned_at_rest(HALF), turned_at_rest(HEAD)])
def test_a_part_of_a_body_turns_as_the_whole_does(skeleton):
    """What its bones add to the T-pose is what those of the whole body add."""
    rng = np.random.default_rng(4)
    extra = rotation.from_rotation_vector(rng.normal(scale=0.3, size=(len(PERFORMER), 3)))
    extra[: PERFORMER.index("Neck")] = rotation.identity()
    whole, part = body(PERFORMER), body(skeleton)
    pose = Pose(PERFORMER.rest_positions, extra)
    wanted = whole.added(pose)
    # The same turns in the world, on the part's own axes.
    same = [PERFORMER.index(name) for name in skeleton.names]
    world = rotation.multiply(
        PERFORMER.globals(pose.positions, pose.rotations)[1][same], skeleton.rest_globals[1]
    )
    local = skeleton.locals(skeleton.rest_globals[0], world)[1]
    got = part.added(Pose(skeleton.rest_positions, local))
    for role, bone in part.index.items():
        other = wanted.rotations[whole.index[role]]
        assert rotation.angle_between(got.rotations[bone], other) < 1e-6, role
    assert part.hip_height_m == pytest.approx(0.97)
    assert part.height_m == pytest.approx(whole.height_m, abs=0.15)


def test_a_head_alone_hangs_where_a_receivers_own_chest_has_it():
    shape = body(HEAD)
    positions, _ = shape.local(shape.added(Pose.rest(HEAD)))
    assert shape.vmc_names == ("Neck", "Head")
    assert np.linalg.norm(positions[0]) < 0.3  # and not 1.4 m above its chest


def test_what_a_part_lacks_hangs_where_our_performer_has_it():
    shape = body(HALF)
    pose = Pose.rest(HALF)
    pose.positions[0] = (1.0, 0.97, 2.0)
    at, turns = shape.whole(shape.added(pose), ["hips", "left_foot", "left_hand"])
    assert np.allclose(at[0], pose.positions[0])
    assert at[1, 1] < 0.2 and np.allclose(turns, rotation.identity(3))
    head = body(HEAD)
    at, turns = head.whole(head.added(Pose.rest(HEAD)), ["hips", "head"])
    assert at[0, 1] == pytest.approx(0.97) and np.allclose(turns, rotation.identity(2))
