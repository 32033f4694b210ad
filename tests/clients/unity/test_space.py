"""Into Unity's space, and onto rigs: goldens, mirrors and bodies that stand as the stage's do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from understudy.bridge.wire.encoder import encode_skeletons
from understudy.runtime.core.humanoid import PERFORMER, roles
from understudy.runtime.core.skeleton import Skeleton

from .mono import Client, raw

pytestmark = pytest.mark.clients

quick = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
MIRROR = np.diag([-1.0, 1.0, 1.0])


@st.composite
def turns(draw: st.DrawFn) -> np.ndarray:
    return Rotation.random(random_state=draw(st.integers(0, 2**32 - 1))).as_quat()


def converted(client: Client, what: str, numbers) -> np.ndarray:
    return client.ask("convert", what, raw(numbers))["numbers"]


def test_golden_positions(client):
    """One metre to the character's left is one to the left in Unity too, where that is -X."""
    got = converted(client, "positions", [1, 2, 3, -4, 5, -6])
    assert got.tolist() == [-1, 2, 3, 4, 5, -6]


@pytest.mark.parametrize(
    "axis, stage, unity",
    [
        ("x", [0.6, 0, 0, 0.8], [0.6, 0, 0, 0.8]),
        ("y", [0, 0.6, 0, 0.8], [0, -0.6, 0, 0.8]),
        ("z", [0, 0, 0.6, 0.8], [0, 0, -0.6, 0.8]),
        ("all", [0.5, -0.5, 0.5, 0.5], [0.5, 0.5, -0.5, 0.5]),
    ],
)
def test_golden_rotations(client, axis, stage, unity):
    np.testing.assert_array_equal(converted(client, "rotations", stage), np.float32(unity))


@quick
@given(q=turns(), v=st.tuples(*[st.floats(-3, 3)] * 3))
def test_a_turned_vector_is_the_mirror_of_the_stages(client: Client, q, v):
    turned = Rotation.from_quat(converted(client, "rotations", q)).apply(MIRROR @ v)
    np.testing.assert_allclose(turned, MIRROR @ Rotation.from_quat(q).apply(v), atol=1e-5)


@quick
@given(q=turns())
def test_a_camera_looks_and_stands_up_as_on_the_stage(client: Client, q):
    """The stage's looks along its -Z, Unity's along its +Z; both with +Y up, +X to the right."""
    stage, unity = Rotation.from_quat(q), Rotation.from_quat(converted(client, "camera", q))
    for theirs, ours in (
        ([0, 0, 1], [0, 0, -1]),
        ([0, 1, 0], [0, 1, 0]),
        ([1, 0, 0], [1, 0, 0]),
    ):
        np.testing.assert_allclose(unity.apply(theirs), MIRROR @ stage.apply(ours), atol=1e-5)


# ---------------------------------------------------------------------------- human bones

UNITY_NAME = {
    role: "".join(word.capitalize() for word in role.split("_"))
    for role in (
        *("hips", "spine", "chest", "upper_chest", "neck", "head"),
        *(
            f"{side}_{part}"
            for side in ("left", "right")
            for part in ("upper_leg", "lower_leg", "foot", "toes")
        ),
        *(
            f"{side}_{part}"
            for side in ("left", "right")
            for part in ("shoulder", "upper_arm", "lower_arm", "hand")
        ),
    )
}
TREES = {
    "performer": [(n, int(p)) for n, p in zip(PERFORMER.names, PERFORMER.parents)],
    "unreal": [
        ("pelvis", -1),
        ("spine_01", 0),
        ("spine_02", 1),
        ("spine_03", 2),
        ("clavicle_l", 3),
        ("upperarm_l", 4),
        ("lowerarm_l", 5),
        ("hand_l", 6),
        ("neck_01", 3),
        ("head", 8),
        ("thigh_l", 0),
        ("calf_l", 10),
        ("foot_l", 11),
        ("ball_l", 12),
        ("thigh_r", 0),
        ("calf_r", 14),
        ("foot_r", 15),
    ],
    "mixamo": [(f"mixamorig:{n}", int(p)) for n, p in zip(PERFORMER.names, PERFORMER.parents)],
    "anatomy": [
        ("Hips", -1),
        ("Chest", 0),
        ("LeftCollar", 1),
        ("LeftShoulder", 2),
        ("LeftElbow", 3),
        ("LeftWrist", 4),
        ("Neck", 1),
        ("Head", 6),
        ("LeftHip", 0),
        ("LeftKnee", 8),
        ("LeftAnkle", 9),
        ("RightHip", 0),
        ("RightKnee", 11),
        ("RightAnkle", 12),
    ],
    "vrm": [
        ("J_Bip_C_Hips", -1),
        ("J_Bip_C_Spine", 0),
        ("J_Bip_C_Chest", 1),
        ("J_Bip_C_UpperChest", 2),
        ("J_Bip_C_Neck", 3),
        ("J_Bip_C_Head", 4),
        ("J_Bip_L_Shoulder", 3),
        ("J_Bip_L_UpperArm", 6),
        ("J_Bip_L_LowerArm", 7),
        ("J_Bip_L_Hand", 8),
        ("J_Bip_L_UpperLeg", 0),
        ("J_Bip_L_LowerLeg", 10),
        ("J_Bip_L_Foot", 11),
        ("J_Bip_L_ToeBase", 12),
    ],
    "no human": [("root", -1), ("a", 0), ("b", 1)],
}


@pytest.mark.parametrize("tree", TREES)
def test_human_bones_are_found_as_the_stage_finds_them(client, tree):
    names, parents = zip(*TREES[tree])
    skeleton = Skeleton(names, np.array(parents), np.zeros((len(names), 3)))
    expected = {UNITY_NAME[role]: joint for role, joint in roles(skeleton).items()}
    assert client.ask("roles", ",".join(names), ",".join(map(str, parents))) == expected


# ---------------------------------------------------------------------------- retargeting


def unity_world(skeleton: Skeleton, positions, rotations) -> tuple[np.ndarray, list[Rotation]]:
    """World positions and rotations in Unity's space, by scipy: an own way to the same place."""
    world_p, world_q = skeleton.globals(np.asarray(positions), np.asarray(rotations))
    matrices = Rotation.from_quat(world_q).as_matrix()
    return world_p @ MIRROR, [Rotation.from_matrix(MIRROR @ m @ MIRROR) for m in matrices]


def rig_line(bones: dict[str, tuple[int, np.ndarray, Rotation]]) -> tuple[str, str]:
    roles_ = ",".join(f"{role}={joint}" for role, (joint, _, _) in bones.items())
    return roles_, raw(*[np.concatenate((p, q.as_quat())) for _, p, q in bones.values()])


def pose_line(positions, rotations) -> str:
    return raw(np.asarray(positions) * [-1, 1, 1], np.asarray(rotations) * [1, -1, -1, 1])


def performer_bones(twist: Rotation | None = None) -> dict:
    """PERFORMER as a rig of Unity's; `twist`: bone axes of the rig's own, as every rig has."""
    at, turn = unity_world(PERFORMER, *[PERFORMER.rest_positions, PERFORMER.rest_rotations])
    return {
        UNITY_NAME[role]: (joint, at[joint], turn[joint] * (twist or Rotation.identity()))
        for role, joint in roles(PERFORMER).items()
    }


@quick
@given(seed=st.integers(0, 2**31))
def test_the_same_body_with_other_bone_axes_stands_as_the_stage_does(client: Client, seed):
    random = np.random.default_rng(seed)
    client.decode(encode_skeletons([PERFORMER]))
    twist = Rotation.random(random_state=seed)
    rotations = Rotation.random(len(PERFORMER), random_state=seed + 1).as_quat()
    positions = PERFORMER.rest_positions.copy()
    positions[0] += random.normal(size=3)
    bones = performer_bones(twist)
    got = client.ask("retarget", PERFORMER.id, *rig_line(bones), pose_line(positions, rotations))
    at, turn = unity_world(PERFORMER, positions, rotations)
    for (joint, _, _), q in zip(bones.values(), got["rotations"]):
        assert (Rotation.from_quat(q).inv() * turn[joint] * twist).magnitude() < 1e-3
    np.testing.assert_allclose(got["position"], at[0], atol=1e-4)
    assert got["scale"] == pytest.approx(1)


def test_a_rig_in_an_a_pose_has_its_arms_where_the_stages_are(client):
    """The rig rests with arms 45 degrees down; when the stage stands in its T-pose, so does it."""
    client.decode(encode_skeletons([PERFORMER]))
    bones = performer_bones()
    down = {"Left": Rotation.from_euler("z", 45, degrees=True)}
    down["Right"] = down["Left"].inv()
    for side in ("Left", "Right"):
        shoulder = bones[side + "UpperArm"][1]
        for part in ("UpperArm", "LowerArm", "Hand"):
            joint, at, turn = bones[side + part]
            bones[side + part] = (
                joint,
                shoulder + down[side].apply(at - shoulder),
                down[side] * turn,
            )
    assert bones["LeftHand"][1][1] < bones["LeftUpperArm"][1][1] - 0.3
    got = client.ask(
        "retarget",
        PERFORMER.id,
        *rig_line(bones),
        pose_line(PERFORMER.rest_positions, PERFORMER.rest_rotations),
    )
    for role, q in zip(bones, got["rotations"]):
        if role.endswith(("UpperArm", "LowerArm")):
            assert Rotation.from_quat(q).magnitude() < 1e-3, role


def test_a_smaller_rig_takes_smaller_steps(client):
    client.decode(encode_skeletons([PERFORMER]))
    bones = {role: (j, at * 0.5, turn) for role, (j, at, turn) in performer_bones().items()}
    positions = PERFORMER.rest_positions.copy()
    positions[0] += [0.0, 0.0, 2.0]
    got = client.ask(
        "retarget",
        PERFORMER.id,
        *rig_line(bones),
        pose_line(positions, PERFORMER.rest_rotations),
    )
    assert got["scale"] == pytest.approx(0.5, rel=1e-4)
    np.testing.assert_allclose(got["position"], [0, 0.485, 1.0], atol=1e-4)


# ---------------------------------------------------------------------------- names and times


def test_face_shapes_are_matched_loosely(client):
    shapes = (
        "blendShape1.eyeBlink_L,EyeBlinkRight,jaw_Open,Fcl_ALL_Joy,ARKit_mouthSmileLeft,JAWOPEN"
    )
    curves = "eyeBlinkLeft,eyeBlinkRight,jawOpen,mouthSmileLeft"
    assert client.ask("faces", shapes, curves) == [0, 1, 2, -1, 3, 2]


@pytest.mark.parametrize(
    "text, rate, expected",
    [
        ("01:00:00:00", (25, 1), [1, 0, 0, 0, False, 90000]),
        ("00:01:00;02", (30000, 1001), [0, 1, 0, 2, True, 1800]),
        ("00:10:00;00", (30000, 1001), [0, 10, 0, 0, True, 17982]),
        ("23:59:59:23", (24000, 1001), [23, 59, 59, 23, False, 2073599]),
        ("00:01:00;04", (60000, 1001), [0, 1, 0, 4, True, 3600]),
        ("nonsense", (30, 1), None),
        ("00:00:00", (30, 1), None),
        ("0a:00:00:00", (30, 1), None),
    ],
)
def test_timecodes(client, text, rate, expected):
    assert client.ask("timecode", text, *rate) == expected


def test_the_core_leans_on_nothing_of_an_engine(client):
    assert set(client.ask("references")) == {"mscorlib", "System", "System.Core"}
