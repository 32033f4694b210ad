"""What the add-on does without Blender: axes, bones, rigs, names, timecode, takes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.bridge.clients.blender.addon import bones, faces, rig, space, take, timecode
from understudy.bridge.clients.blender.addon.receiver import Recorded
from understudy.bridge.wire.encoder import FrameEncoder
from understudy.runtime.core import rotation
from understudy.runtime.core import timecode as core_timecode
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Frame, Pose, State, Subject
from understudy.runtime.core.skeleton import Skeleton

seeds = st.integers(0, 2**32 - 1)


def some_turns(rng: np.random.Generator, *lead: int) -> np.ndarray:
    return rotation.normalize(rng.normal(size=(*lead, 4)))


# ------------------------------------------------------------------ axes


@given(seeds)
def test_axes_agree_for_points_and_turns(seed):
    rng = np.random.default_rng(seed)
    q, v = some_turns(rng), rng.normal(size=3)
    there = rotation.rotate(space.rotations(q), space.positions(v))
    assert there == pytest.approx(space.positions(rotation.rotate(q, v)), abs=1e-9)


@given(seeds)
def test_cameras_look_and_stand_the_same_way(seed):
    q = some_turns(np.random.default_rng(seed))
    for own in ([0.0, 0.0, -1.0], [0.0, 1.0, 0.0]):  # ahead and up, in a camera's own axes
        ours = space.positions(rotation.rotate(q, np.array(own)))
        theirs = rotation.rotate(space.views(q), np.array(own))
        assert theirs == pytest.approx(ours, abs=1e-9)


def test_the_performer_stands_up_and_faces_minus_y():
    laid = bones.lay(PERFORMER)
    at = dict(zip(PERFORMER.names, laid.heads))
    assert at["Head"][2] > 1.4 and abs(at["Head"][1]) < 0.1
    assert at["LeftHand"][0] > 0.5
    assert laid.tails[PERFORMER.index("LeftToeBase")][1] < at["LeftFoot"][1] - 0.1


# ------------------------------------------------------------------ bones


def test_bones_point_at_the_joint_that_continues_the_body():
    laid = bones.lay(PERFORMER)
    at = dict(zip(PERFORMER.names, laid.heads))
    for bone, next_joint in (
        ("Hips", "Spine"),
        ("Spine2", "Neck"),
        ("LeftUpLeg", "LeftLeg"),
        ("RightShoulder", "RightArm"),
    ):
        assert laid.tails[PERFORMER.index(bone)] == pytest.approx(at[next_joint])
    head = PERFORMER.index("Head")
    assert laid.tails[head] == pytest.approx(laid.heads[head] + [0, 0, 0.19])


def test_a_hand_points_at_the_middle_finger():
    names = ("Hand", "Thumb", "Index", "Middle", "Ring", "Pinky")
    offsets = [[0, 1, 0], [0.03, 0, 0.05], [0.1, 0, 0.02], [0.1, 0, 0], [0.1, 0, -0.02],
               [0.09, 0, -0.04]]  # fmt: skip
    hand = Skeleton(names, np.array([-1, 0, 0, 0, 0, 0]), np.array(offsets))
    laid = bones.lay(hand)
    assert laid.tails[0] == pytest.approx(laid.heads[3])


@given(seeds, st.integers(1, 12))
def test_every_bone_has_a_length_and_a_normal_across_it(seed, joints):
    rng = np.random.default_rng(seed)
    parents = np.array([-1, *(int(rng.integers(0, j)) for j in range(1, joints))])
    offsets = rng.normal(size=(joints, 3)) * rng.choice([0.0, 1e-3, 0.3], size=(joints, 1))
    skeleton = Skeleton(tuple(map(str, range(joints))), parents, offsets, some_turns(rng, joints))
    laid = bones.lay(skeleton)
    along = laid.tails - laid.heads
    length = np.linalg.norm(along, axis=-1)
    assert length.min() >= bones.SHORTEST_M * 0.99
    assert np.abs(np.sum(along * laid.normals, -1) / length).max() < 0.72


# ------------------------------------------------------------------ rigs


def as_rig(skeleton: Skeleton, turns: np.ndarray, names=None, file=None, size=1.0) -> rig.Rig:
    """An armature of this skeleton, its bones turned at random, lying as `file` says."""
    file = np.array([0, 0, 0, 1.0]) if file is None else file
    count = len(skeleton)
    return rig.Rig(
        names or skeleton.names,
        skeleton.parents.astype(int),
        size * rotation.rotate(file, space.positions(skeleton.rest_globals[0])),
        turns,
        np.ones(count, bool),
        np.ones(count, bool),
    )


def posed(bound: rig.Binding, locations, turns):
    """Where Blender puts bones with these channels: positions and rotations in the armature."""
    theirs, (local_p, local_r) = bound.rig, bound.rig.local
    at, turned = np.zeros_like(theirs.positions), np.zeros_like(theirs.rotations)
    for b, parent in enumerate(theirs.parents):
        base_p, base_r = local_p[b], local_r[b]
        if parent >= 0:
            base_p = at[parent] + rotation.rotate(turned[parent], base_p)
            base_r = rotation.multiply(turned[parent], base_r)
        if not theirs.turns[b]:
            base_r = theirs.rotations[b]
        at[b] = base_p + rotation.rotate(base_r, locations[b])
        turned[b] = rotation.multiply(base_r, turns[b])
    return at, turned


def rest(count: int):
    return np.zeros((count, 3)), rotation.identity(count)


@given(seeds)
def test_the_same_skeleton_takes_the_pose_whatever_its_bones_axes(seed):
    rng = np.random.default_rng(seed)
    bound = rig.bind(as_rig(PERFORMER, some_turns(rng, 22)), PERFORMER)
    assert bound.same and not bound.missing
    pose = Pose(PERFORMER.rest_positions + rng.normal(size=(22, 3)) * 0.1, some_turns(rng, 22))
    at, turned = posed(bound, *bound.solve(pose.positions, pose.rotations, *rest(22)))
    world_p, world_r = PERFORMER.globals(pose.positions, pose.rotations)
    assert np.abs(at - space.positions(world_p)).max() < 1e-9
    expected = rotation.multiply(space.rotations(world_r), bound.rig.rotations)
    assert rotation.angle_between(turned, expected).max() < 1e-6


@given(seeds, st.sampled_from(["X", "Z", "stand"]), st.sampled_from([0.6, 1.2, 100.0]))
def test_another_rig_turns_alike_however_it_lies_in_its_file(seed, lies, size):
    rng = np.random.default_rng(seed)
    axis = {"X": [1.0, 0, 0], "Z": [0, 0, 1.0], "stand": [0, 0, 1.0]}[lies]
    file = rotation.from_axis_angle(axis, 0.0 if lies == "stand" else -np.pi / 2)
    names = tuple(f"mixamorig:{name}" for name in PERFORMER.names)
    bound = rig.bind(as_rig(PERFORMER, some_turns(rng, 22), names, file, size), PERFORMER)
    assert not bound.missing
    pose = Pose(PERFORMER.rest_positions, some_turns(rng, 22))
    at, turned = posed(bound, *bound.solve(pose.positions, pose.rotations, *rest(22)))
    world_p, world_r = PERFORMER.globals(pose.positions, pose.rotations)
    delta = rotation.multiply(turned, rotation.conjugate(bound.rig.rotations))
    stood = rotation.multiply(rotation.multiply(rotation.conjugate(file), delta), file)
    assert rotation.angle_between(stood, space.rotations(world_r)).max() < 1e-5
    hips = size * rotation.rotate(file, space.positions(world_p[0]))
    assert np.abs(at[0] - hips).max() < 1e-6 * size


def test_an_a_pose_rig_holds_its_arms_as_the_performer_does():
    arms = {"LeftArm": -0.8, "RightArm": 0.8}
    rest_turns = rotation.identity(22)
    for name, angle in arms.items():
        rest_turns[PERFORMER.index(name)] = rotation.from_axis_angle([0, 0, 1.0], angle)
    lowered = Skeleton(PERFORMER.names, PERFORMER.parents, PERFORMER.rest_positions, rest_turns)
    bound = rig.bind(as_rig(lowered, rotation.identity(22)), PERFORMER)
    assert not bound.same
    at, _ = posed(
        bound, *bound.solve(PERFORMER.rest_positions, PERFORMER.rest_rotations, *rest(22))
    )
    assert np.abs(at - space.positions(PERFORMER.rest_globals[0])).max() < 1e-6


def test_a_metarig_of_rigify_is_found_from_hips_to_head():
    spine = ("spine", "spine.001", "spine.002", "spine.003", "spine.004", "spine.005", "spine.006")
    limbs = ("thigh.L", "thigh.R", "shin.L", "shin.R", "foot.L", "foot.R", "upper_arm.L")
    parents = [-1, 0, 1, 2, 3, 4, 5, 0, 0, 7, 8, 9, 10, 3]
    names, count = (*spine, *limbs), len(parents)
    flags = np.ones(count, bool)
    metarig = rig.Rig(
        names, np.array(parents), np.zeros((count, 3)), rotation.identity(count), flags, flags
    )
    bound = rig.bind(metarig, PERFORMER)
    pairs = {PERFORMER.names[j]: names[b] for j, b in zip(bound.joints, bound.bones)}
    assert pairs == {
        "Hips": "spine",
        "Spine": "spine.001",
        "Spine1": "spine.002",
        "Spine2": "spine.003",
        "Neck": "spine.004",
        "Head": "spine.006",
        "LeftArm": "upper_arm.L",
        "LeftUpLeg": "thigh.L",
        "LeftLeg": "shin.L",
        "LeftFoot": "foot.L",
        "RightUpLeg": "thigh.R",
        "RightLeg": "shin.R",
        "RightFoot": "foot.R",
    }
    assert bound.placed.tolist() == [name == "Hips" for name in pairs]


def test_what_a_rig_lacks_is_named_and_what_it_has_besides_is_left():
    kept = [j for j, name in enumerate(PERFORMER.names) if name != "LeftToeBase"]
    new = {old: i for i, old in enumerate(kept)}
    parents = [new.get(int(PERFORMER.parents[j]), -1) for j in kept] + [new[9]]
    heads = space.positions(PERFORMER.rest_globals[0])[kept]
    extra = rig.Rig(
        (*(PERFORMER.names[j] for j in kept), "Watch"),
        np.array(parents),
        np.concatenate([heads, heads[-1:]]),
        rotation.identity(22),
        np.ones(22, bool),
        np.ones(22, bool),
    )
    bound = rig.bind(extra, PERFORMER)
    assert bound.missing == ("LeftToeBase",)
    held = rest(22)
    held[1][21] = [1.0, 0, 0, 0]
    _, turns = bound.solve(PERFORMER.rest_positions, PERFORMER.rest_rotations, *held)
    assert turns[21].tolist() == [1.0, 0, 0, 0]


def test_a_whole_take_is_solved_as_its_frames_are():
    rng = np.random.default_rng(1)
    bound = rig.bind(as_rig(PERFORMER, some_turns(rng, 22)), PERFORMER)
    p = PERFORMER.rest_positions + rng.normal(size=(5, 22, 3)) * 0.1
    q = some_turns(rng, 5, 22)
    at_once = bound.solve(p, q, *rest(22))
    for i in range(5):
        one = bound.solve(p[i], q[i], *rest(22))
        assert np.allclose(at_once[0][i], one[0]) and np.allclose(at_once[1][i], one[1])


# ------------------------------------------------------------------ names and times


def test_shape_keys_find_their_curves_in_the_spelling_of_their_tools():
    curves = ("eyeBlinkLeft", "eyeBlinkRight", "jawOpen")
    keys = ("Basis", "EyeBlink_L", "blendShape1.eyeBlink_R", "JAWOPEN", "jaw_open", "jawOpenish")
    assert faces.match(curves, keys) == [(0, 1), (1, 2), (2, 3), (2, 4)]


@given(
    st.sampled_from(["23.976", "24", "25", "29.97", "29.97df", "30", "59.94df", "60"]),
    st.integers(0, 86399 * 23),
)
def test_timecode_is_the_time_that_the_stage_means(name, number):
    rate = core_timecode.rate(name)
    label = core_timecode.label(number, name)
    at_s = timecode.seconds(label, rate.numerator, rate.denominator)
    assert at_s == pytest.approx(number / rate, abs=1e-6)
    assert timecode.between("00:00:00:00", label, rate.numerator, rate.denominator) == at_s
    assert timecode.between("noon", label, rate.numerator, rate.denominator) is None


# ------------------------------------------------------------------ takes


def recorded(*frames: Frame, session: int = 7) -> list[Recorded]:
    encoder = FrameEncoder(session)
    return [Recorded(frame.received_ns, bytes(encoder.encode(frame))) for frame in frames]


def frame(number: int, capture_s: float, state: State = State.LIVE) -> Frame:
    subject = Subject("Ann", PERFORMER, Pose.rest(PERFORMER), state)
    stamp = round(capture_s * 1e9)
    one = Frame(number, stamp, stamp + 1000, 24, 1, f"01:00:00:{number:02d}", [subject])
    one.received_ns = stamp + 5000
    return one


KNOWN = {PERFORMER.id: PERFORMER}


def test_a_take_has_times_of_capture_and_marks_of_states():
    states = [State.LIVE, State.LIVE, State.TAKEOVER, State.LIVE]
    frames = [frame(i, 10 + i / 24 + 0.001 * (i % 2), state) for i, state in enumerate(states)]
    one = take.assemble(recorded(*frames), KNOWN)
    assert one.bodies["Ann"].times_s == pytest.approx([0, 1 / 24 + 0.001, 2 / 24, 3 / 24 + 0.001])
    assert [mark.text for mark in one.marks] == [
        "START 01:00:00:00",
        "TAKEOVER 01:00:00:02",
        "LIVE 01:00:00:03",
        "STOP 01:00:00:03",
    ]


def test_a_pad_that_fell_silent_does_not_stop_the_time():
    frames = [frame(i, 10 + i / 60) for i in range(4)]
    for late in frames[2:]:
        late.capture_ns = frames[1].capture_ns
    one = take.assemble(recorded(*frames), KNOWN)
    assert one.bodies["Ann"].times_s == pytest.approx(np.arange(4) / 60, abs=1e-6)


def test_a_stage_that_was_restarted_goes_on_where_its_frames_arrived():
    first = [frame(i, 1000 + i / 60) for i in range(3)]
    second = [frame(i, 5 + i / 60) for i in range(3)]  # another clock
    for late in second:
        late.received_ns = first[-1].received_ns + round((late.capture_ns - 5e9) + 2e9)
    one = take.assemble(recorded(*first) + recorded(*second, session=8), KNOWN)
    assert one.bodies["Ann"].times_s == pytest.approx(
        [0, 1 / 60, 2 / 60, 2 + 2 / 60, 2 + 3 / 60, 2 + 4 / 60], abs=1e-6
    )
    assert [mark.text[:7] for mark in one.marks] == ["START 0", "RESTART", "STOP 01"]


def test_damage_and_nothing_make_no_take():
    assert take.assemble([], KNOWN).frames == 0
    assert take.assemble([Recorded(0, b"FRAM\1\0\0\0" + b"\xff" * 20)], KNOWN).frames == 0
    assert take.assemble(recorded(frame(0, 1.0)), {}).frames == 0
