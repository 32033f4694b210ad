"""Joint roles under the names that rigs have."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import HIERARCHY, PERFORMER, joint, roles
from understudy.runtime.core.skeleton import Skeleton

LEG = ("upper_leg", "lower_leg", "foot", "toes")
ARM = ("shoulder", "upper_arm", "lower_arm", "hand")


def rig(trunk: str, hips: str, chest: str, leg: str, arm: str, sides=("Left", "Right")) -> Skeleton:
    """A skeleton of a trunk's joints, in a chain, with legs on `hips` and arms on `chest`.

    In `leg` and `arm`, % stands for the side.
    """
    rows: list[tuple[str, str | None]] = []

    def chain(parent: str | None, names: list[str]) -> None:
        for name in names:
            rows.append((name, parent))
            parent = name

    chain(None, trunk.split())
    for side in sides:
        chain(hips, leg.replace("%", side).split())
        chain(chest, arm.replace("%", side).split())
    names = [name.replace("~", " ") for name, _ in rows]
    raw = [name for name, _ in rows]
    parents = [-1 if parent is None else raw.index(parent) for _, parent in rows]
    return Skeleton(tuple(names), np.array(parents), np.ones((len(rows), 3)))


# rig -> (skeleton, its left leg and arm joints by role, its hips, neck and head)
RIGS = {
    "Mixamo": rig(
        "mixamorig:Hips mixamorig:Spine mixamorig:Spine1 mixamorig:Spine2 mixamorig:Neck "
        "mixamorig:Head mixamorig:HeadTop_End",
        "mixamorig:Hips",
        "mixamorig:Spine2",
        "mixamorig:%UpLeg mixamorig:%Leg mixamorig:%Foot mixamorig:%ToeBase mixamorig:%Toe_End",
        "mixamorig:%Shoulder mixamorig:%Arm mixamorig:%ForeArm mixamorig:%Hand "
        "mixamorig:%HandIndex1",
    ),
    "Unreal": rig(
        "root pelvis spine_01 spine_02 spine_03 spine_04 spine_05 neck_01 neck_02 head",
        "pelvis",
        "spine_05",
        "thigh_% calf_% foot_% ball_%",
        "clavicle_% upperarm_% lowerarm_% hand_% index_metacarpal_%",
        ("l", "r"),
    ),
    "3ds Max Biped": rig(
        "Bip01 Bip01~Pelvis Bip01~Spine Bip01~Spine1 Bip01~Neck Bip01~Head",
        "Bip01~Pelvis",
        "Bip01~Neck",
        "Bip01~%~Thigh Bip01~%~Calf Bip01~%~Foot Bip01~%~Toe0",
        "Bip01~%~Clavicle Bip01~%~UpperArm Bip01~%~Forearm Bip01~%~Hand Bip01~%~Finger0",
        ("L", "R"),
    ),
    "Rigify": rig(
        "root DEF-hips DEF-spine.001 DEF-spine.002 DEF-spine.003 DEF-neck DEF-head",
        "DEF-hips",
        "DEF-spine.003",
        "DEF-thigh.% DEF-shin.% DEF-foot.% DEF-toe.%",
        "DEF-shoulder.% DEF-upper_arm.% DEF-forearm.% DEF-hand.% DEF-f_index.01.%",
        ("L", "R"),
    ),
    "VRoid": rig(
        "Root J_Bip_C_Hips J_Bip_C_Spine J_Bip_C_Chest J_Bip_C_UpperChest J_Bip_C_Neck "
        "J_Bip_C_Head",
        "J_Bip_C_Hips",
        "J_Bip_C_UpperChest",
        "J_Bip_%_UpperLeg J_Bip_%_LowerLeg J_Bip_%_Foot J_Bip_%_ToeBase",
        "J_Bip_%_Shoulder J_Bip_%_UpperArm J_Bip_%_LowerArm J_Bip_%_Hand",
        ("L", "R"),
    ),
    "SMPL": rig(
        "pelvis spine1 spine2 spine3 neck head",
        "pelvis",
        "spine3",
        "%_hip %_knee %_ankle %_foot",
        "%_collar %_shoulder %_elbow %_wrist %_hand",
        ("left", "right"),
    ),
    "Biovision": rig(
        "Hips Chest Chest2 Chest3 Neck Head",
        "Hips",
        "Chest3",
        "%Hip %Knee %Ankle %Toe",
        "%Collar %Shoulder %Elbow %Wrist",
        ("Right", "Left"),
    ),
    "OptiTrack": rig(
        "Hip Ab Chest Neck Head",
        "Hip",
        "Chest",
        "%Thigh %Shin %Foot %Toe",
        "%Shoulder %UArm %FArm %Hand",
        ("L", "R"),
    ),
    "Xsens": rig(
        "Pelvis L5 L3 T12 T8 Neck Head",
        "Pelvis",
        "T8",
        "%UpperLeg %LowerLeg %Foot %Toe",
        "%Shoulder %UpperArm %ForeArm %Hand",
        ("Right", "Left"),
    ),
    "Rokoko": rig(
        "Hips Spine Chest Neck Head",
        "Hips",
        "Chest",
        "%Thigh %Shin %Foot %Toe",
        "%Shoulder %Arm %ForeArm %Hand",
    ),
    "Maya": rig(
        "Root_M Spine1_M Chest_M Neck_M Head_M",
        "Root_M",
        "Chest_M",
        "Hip_% Knee_% Ankle_% Toes_%",
        "Scapula_% Shoulder_% Elbow_% Wrist_%",
        ("R", "L"),
    ),
    "DAZ Genesis": rig(
        "hip abdomenLower abdomenUpper chestLower chestUpper neckLower neckUpper head",
        "hip",
        "chestUpper",
        "%ThighBend %ThighTwist %Shin %Foot %Metatarsals %Toe",
        "%Collar %ShldrBend %ShldrTwist %ForearmBend %ForearmTwist %Hand %Thumb1",
        ("l", "r"),
    ),
    "b_l_": rig(
        "b_root b_spine0 b_spine1 b_spine2 b_neck0 b_head",
        "b_root",
        "b_spine2",
        "b_%_upleg b_%_leg b_%_foot b_%_toe",
        "b_%_shoulder b_%_arm b_%_forearm b_%_wrist",
        ("l", "r"),
    ),
}


@pytest.mark.parametrize("name", RIGS)
def test_all_limbs_are_found_on_their_own_side(name):
    skeleton = RIGS[name]
    found = roles(skeleton)
    for side in ("left", "right"):
        for part in (*LEG, *ARM):
            joint = skeleton.names[found[f"{side}_{part}"]]
            mark = {"left": "l", "right": "r"}[side]
            core = joint.replace("Bip01", "").replace("mixamorig", "").replace("J_Bip", "")
            assert mark in core.lower()
            mirrored = found[f"{'right' if side == 'left' else 'left'}_{part}"]
            assert skeleton.names[mirrored] != joint
    assert {"hips", "neck", "head"} <= found.keys()
    assert {"chest", "upper_chest"} & found.keys()


@pytest.mark.parametrize("name", RIGS)
def test_every_role_hangs_below_the_role_above_it(name):
    skeleton = RIGS[name]
    found = roles(skeleton)
    for part in (LEG, ARM):
        for side in ("left", "right"):
            chain = [found[f"{side}_{p}"] for p in part]
            for above, below in itertools.pairwise(chain):
                j = below
                while j >= 0 and j != above:
                    j = int(skeleton.parents[j])
                assert j == above


def test_golden_roles_of_one_rig():
    skeleton = RIGS["SMPL"]
    found = {role: skeleton.names[j] for role, j in roles(skeleton).items()}
    assert found["left_upper_leg"] == "left_hip"
    assert found["left_foot"] == "left_ankle"
    assert found["left_toes"] == "left_foot"
    assert found["left_upper_arm"] == "left_shoulder"
    assert found["left_hand"] == "left_wrist"
    assert (found["spine"], found["chest"], found["upper_chest"]) == ("spine1", "spine2", "spine3")


def test_the_performer_has_every_role_and_stands_on_the_ground_facing_z():
    found = roles(PERFORMER)
    assert found.keys() == HIERARCHY.keys()
    world = PERFORMER.rest_globals[0]
    assert world[found["left_hand"], 0] > 0.5  # its left is +X
    assert world[found["left_toes"], 2] > world[found["left_foot"], 2]
    assert 0.0 < world[found["left_toes"], 1] < 0.05
    assert 1.5 < world[found["head"], 1] < 1.7


def test_a_joint_goes_by_its_own_name_or_by_the_performers():
    renamed = {"LeftArm": "lShldr", "LeftForeArm": "lForeArm", "LeftHand": "lHand"}
    names = tuple(renamed.get(n, n) for n in PERFORMER.names)
    body = Skeleton(names, PERFORMER.parents, PERFORMER.rest_positions)
    for ours, theirs in renamed.items():
        assert joint(body, ours) == joint(body, theirs) == PERFORMER.index(ours)
    with pytest.raises(UnderstudyError, match="no joint 'Tail'"):
        joint(body, "Tail")
    crane = Skeleton(("base", "boom", "hook"), np.array([-1, 0, 1]), np.ones((3, 3)))
    with pytest.raises(UnderstudyError, match="no joint 'LeftArm'"):
        joint(crane, "LeftArm")


def test_what_is_no_humanoid_has_no_legs():
    crane = Skeleton(("base", "boom", "hook"), np.array([-1, 0, 1]), np.ones((3, 3)))
    assert not {"left_upper_leg", "left_hand"} & roles(crane).keys()


@pytest.mark.parametrize("folder", ["cmu", "cmu_dance", "cc_rig"])
def test_real_files(mocap, folder):
    from understudy.runtime.takes import bvh

    clip = bvh.read(sorted((mocap / folder).glob("*.bvh"))[0])
    found = roles(clip.skeleton)
    world = clip.skeleton.globals(clip.positions[-1], clip.rotations[-1])[0]
    assert len(found) >= 19
    assert world[found["head"], 1] > world[found["hips"], 1] > world[found["left_foot"], 1]
