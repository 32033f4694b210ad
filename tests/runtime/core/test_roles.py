"""Roles from names, tree and geometry, on the rigs that people have."""

# ruff: noqa: E501

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.roles import guess, helpers, roles
from understudy.runtime.core.skeleton import Skeleton

ROLES = roles(PERFORMER)


def renamed(names: str, sides: tuple[str, str] = ("Left", "Right")) -> Skeleton:
    """PERFORMER's body under the names of a rig: hips, spine x3, neck, head, leg x4, arm x4.

    % stands for the side, ~ for a space; "-" leaves the joint out, its children go to its parent.
    """
    trunk = names.split()
    assert len(trunk) == 14
    order = ["hips", "spine", "chest", "upper_chest", "neck", "head"]
    limbs = ["upper_leg", "lower_leg", "foot", "toes", "shoulder", "upper_arm", "lower_arm", "hand"]
    called = {ROLES[role]: name for role, name in zip(order, trunk[:6], strict=True)}
    for side, mark in zip(("left", "right"), sides, strict=True):
        for part, name in zip(limbs, trunk[6:], strict=True):
            called[ROLES[f"{side}_{part}"]] = name.replace("%", mark)
    keep = [j for j in range(len(PERFORMER)) if called[j] != "-"]
    at = PERFORMER.rest_globals[0]
    parents = []
    for j in keep:
        above = int(PERFORMER.parents[j])
        while above >= 0 and above not in keep:
            above = int(PERFORMER.parents[above])
        parents.append(keep.index(above) if above >= 0 else -1)
    offsets = [at[j] - (at[keep[p]] if p >= 0 else 0.0) for j, p in zip(keep, parents, strict=True)]
    return Skeleton(
        tuple(called[j].replace("~", " ") for j in keep),
        np.array(parents),
        np.array(offsets),
        tips=PERFORMER.tips[keep],
    )


L, SHORT, LOWER = ("Left", "Right"), ("L", "R"), ("l", "r")
RIGS = {
    "Actor01_": ("Actor01_Hips Actor01_Spine Actor01_Spine1 Actor01_Spine2 Actor01_Neck "
        "Actor01_Head Actor01_%UpLeg Actor01_%Leg Actor01_%Foot Actor01_%ToeBase "
        "Actor01_%Shoulder Actor01_%Arm Actor01_%ForeArm Actor01_%Hand", L),
    "a name that is a body part": ("ArmHead_Hips ArmHead_Spine ArmHead_Spine1 ArmHead_Spine2 "
        "ArmHead_Neck ArmHead_Head ArmHead_%UpLeg ArmHead_%Leg ArmHead_%Foot ArmHead_%ToeBase "
        "ArmHead_%Shoulder ArmHead_%Arm ArmHead_%ForeArm ArmHead_%Hand", L),
    "namespace": ("Bob:Hips Bob:Spine Bob:Spine1 Bob:Spine2 Bob:Neck Bob:Head Bob:%UpLeg Bob:%Leg "
        "Bob:%Foot Bob:%ToeBase Bob:%Shoulder Bob:%Arm Bob:%ForeArm Bob:%Hand", L),
    "mixamorig1": ("mixamorig1:Hips mixamorig1:Spine mixamorig1:Spine1 mixamorig1:Spine2 "
        "mixamorig1:Neck mixamorig1:Head mixamorig1:%UpLeg mixamorig1:%Leg mixamorig1:%Foot "
        "mixamorig1:%ToeBase mixamorig1:%Shoulder mixamorig1:%Arm mixamorig1:%ForeArm "
        "mixamorig1:%Hand", L),
    "Sketchfab": ("mixamorig:Hips_01 mixamorig:Spine_02 mixamorig:Spine1_03 mixamorig:Spine2_04 "
        "mixamorig:Neck_05 mixamorig:Head_06 mixamorig:%UpLeg_055 mixamorig:%Leg_056 "
        "mixamorig:%Foot_057 mixamorig:%ToeBase_058 mixamorig:%Shoulder_08 mixamorig:%Arm_09 "
        "mixamorig:%ForeArm_010 mixamorig:%Hand_011", L),
    "ValveBiped": ("ValveBiped.Bip01_Pelvis ValveBiped.Bip01_Spine ValveBiped.Bip01_Spine1 "
        "ValveBiped.Bip01_Spine2 ValveBiped.Bip01_Neck1 ValveBiped.Bip01_Head1 "
        "ValveBiped.Bip01_%_Thigh ValveBiped.Bip01_%_Calf ValveBiped.Bip01_%_Foot "
        "ValveBiped.Bip01_%_Toe0 ValveBiped.Bip01_%_Clavicle ValveBiped.Bip01_%_UpperArm "
        "ValveBiped.Bip01_%_Forearm ValveBiped.Bip01_%_Hand", SHORT),
    "Bip001": ("Bip001~Pelvis Bip001~Spine Bip001~Spine1 Bip001~Spine2 Bip001~Neck Bip001~Head "
        "Bip001~%~Thigh Bip001~%~Calf Bip001~%~Foot Bip001~%~Toe0 Bip001~%~Clavicle "
        "Bip001~%~UpperArm Bip001~%~Forearm Bip001~%~Hand", SHORT),
    "CC_Base": ("CC_Base_Hip CC_Base_Waist CC_Base_Spine01 CC_Base_Spine02 CC_Base_NeckTwist01 "
        "CC_Base_Head CC_Base_%_Thigh CC_Base_%_Calf CC_Base_%_Foot CC_Base_%_ToeBase "
        "CC_Base_%_Clavicle CC_Base_%_Upperarm CC_Base_%_Forearm CC_Base_%_Hand", SHORT),
    "suffix _JNT": ("Hips_JNT Spine_JNT Spine1_JNT Spine2_JNT Neck_JNT Head_JNT %UpLeg_JNT %Leg_JNT "
        "%Foot_JNT %ToeBase_JNT %Shoulder_JNT %Arm_JNT %ForeArm_JNT %Hand_JNT", L),
    "ARKit": ("hips_joint spine_1_joint spine_4_joint spine_7_joint neck_1_joint head_joint "
        "%_upLeg_joint %_leg_joint %_foot_joint %_toes_joint %_shoulder_1_joint %_arm_joint "
        "%_forearm_joint %_hand_joint", ("left", "right")),
    "lowercase": ("hip abdomen chest1 chest2 neck head %thigh %shin %foot %toe %collar %shldr "
        "%forearm %hand", LOWER),
    "lowercase anatomy": ("hip abdomen chest1 chest2 neck head %hip %knee %ankle %toe %collar "
        "%shoulder %elbow %wrist", LOWER),
    "side at the end, glued": ("hip spine1 spine2 chest neck head thigh% shin% foot% toe% "
        "clavicle% upperarm% forearm% hand%", SHORT),
    "all lower case, glued": ("hips spine spine1 spine2 neck head %upleg %leg %foot %toebase "
        "%shoulder %arm %forearm %hand", ("left", "right")),
    "all upper case": ("HIPS SPINE SPINE1 SPINE2 NECK HEAD %_UPLEG %_LEG %_FOOT %_TOE "
        "%_SHOULDER %_ARM %_FOREARM %_HAND", ("LEFT", "RIGHT")),
    "Leg and Shin": ("Hips Spine Spine1 Spine2 Neck Head %Leg %Shin %Foot %ToeBase %Shoulder %Arm "
        "%ForeArm %Hand", L),
    "Leg1 and Leg2": ("Hips Spine Spine1 Spine2 Neck Head %Leg1 %Leg2 %Foot %Toe %Shoulder %Arm1 "
        "%Arm2 %Hand", L),
    "part before side": ("Hips Spine Chest UpperChest Neck Head Leg_Upper_% Leg_Lower_% Foot_% "
        "Toes_% Shoulder_% Arm_Upper_% Arm_Lower_% Hand_%", SHORT),
    "iPi": ("Hip LowerSpine MiddleSpine Chest Neck Head %Thigh %Shin %Foot %Toe %Clavicle %Shoulder "
        "%Forearm %Hand", SHORT),
    "Rigify": ("DEF-spine DEF-spine.001 DEF-spine.002 DEF-spine.003 DEF-spine.004 DEF-spine.006 "
        "DEF-thigh.% DEF-shin.% DEF-foot.% DEF-toe.% DEF-shoulder.% DEF-upper_arm.% DEF-forearm.% "
        "DEF-hand.%", SHORT),
    "MMD": ("センター 上半身 上半身2 上半身3 首 頭 %足 %ひざ %足首 %つま先 %肩 %腕 %ひじ %手首",
        ("左", "右")),
    "MMD in Blender": ("センター 上半身 上半身2 上半身3 首 頭 足.% ひざ.% 足首.% 足先EX.% 肩.% 腕.% "
        "ひじ.% 手首.%", SHORT),
    "Second Life": ("mPelvis mSpine1 mTorso mChest mNeck mHead mHip% mKnee% mAnkle% mFoot% mCollar% "
        "mShoulder% mElbow% mWrist%", L),
    "Second Life, BVH": ("hip abdomen torso chest neck head %Thigh %Shin %Foot %Toe %Collar %Shldr "
        "%ForeArm %Hand", LOWER),
    "DAZ Genesis 8": ("hip abdomenLower abdomenUpper chestLower neckLower head %ThighBend %Shin "
        "%Foot %Toe %Collar %ShldrBend %ForearmBend %Hand", LOWER),
    "DAZ Genesis 9": ("hip spine1 spine2 spine3 neck1 head %_thigh %_shin %_foot %_toes %_shoulder "
        "%_upperarm %_forearm %_hand", LOWER),
    "Poser": ("Hip Abdomen Waist Chest Neck Head %~Thigh %~Shin %~Foot %~Toe %~Collar %~Shoulder "
        "%~Forearm %~Hand", L),
    "SMPL": ("pelvis spine1 spine2 spine3 neck head %_hip %_knee %_ankle %_foot %_collar %_shoulder "
        "%_elbow %_wrist", ("left", "right")),
    "SMPL in Blender": ("m_avg_Pelvis m_avg_Spine1 m_avg_Spine2 m_avg_Spine3 m_avg_Neck m_avg_Head "
        "m_avg_%_Hip m_avg_%_Knee m_avg_%_Ankle m_avg_%_Foot m_avg_%_Collar m_avg_%_Shoulder "
        "m_avg_%_Elbow m_avg_%_Wrist", SHORT),
    "MVN": ("Pelvis L5 L3 T8 Neck Head %UpperLeg %LowerLeg %Foot %Toe %Shoulder %UpperArm %ForeArm "
        "%Hand", L),
    "MVN, BVH": ("Hips Chest Chest2 Chest4 Neck Head %Hip %Knee %Ankle %Toe %Collar %Shoulder "
        "%Elbow %Wrist", L),
    "Perception Neuron": ("Robot_Hips Robot_Spine Robot_Spine1 Robot_Spine2 Robot_Neck Robot_Head "
        "Robot_%UpLeg Robot_%Leg Robot_%Foot Robot_%Toe Robot_%Shoulder Robot_%Arm "
        "Robot_%ForeArm Robot_%Hand", L),
    "Motive": ("Ann_Hip Ann_Ab Ann_Spine Ann_Chest Ann_Neck Ann_Head Ann_%Thigh Ann_%Shin Ann_%Foot "
        "Ann_%Toe Ann_%Shoulder Ann_%UArm Ann_%FArm Ann_%Hand", SHORT),
    "Rokoko": ("Hips Spine1 Spine2 Spine3 Neck Head %Thigh %Shin %Foot %Toe %Shoulder %Arm "
        "%ForeArm %Hand", L),
    "Unreal": ("pelvis spine_01 spine_02 spine_03 neck_01 head thigh_% calf_% foot_% ball_% "
        "clavicle_% upperarm_% lowerarm_% hand_%", LOWER),
    "Unity": ("Hips Spine Chest UpperChest Neck Head %UpperLeg %LowerLeg %Foot %Toes %Shoulder "
        "%UpperArm %LowerArm %Hand", L),
    "VRM": ("hips spine chest upperChest neck head %UpperLeg %LowerLeg %Foot %Toes %Shoulder "
        "%UpperArm %LowerArm %Hand", ("left", "right")),
    "VRoid": ("J_Bip_C_Hips J_Bip_C_Spine J_Bip_C_Chest J_Bip_C_UpperChest J_Bip_C_Neck "
        "J_Bip_C_Head J_Bip_%_UpperLeg J_Bip_%_LowerLeg J_Bip_%_Foot J_Bip_%_ToeBase "
        "J_Bip_%_Shoulder J_Bip_%_UpperArm J_Bip_%_LowerArm J_Bip_%_Hand", SHORT),
    "mocopi": ("root torso_1 torso_4 torso_7 neck_1 head %_up_leg %_low_leg %_foot %_toes "
        "%_shoulder %_up_arm %_low_arm %_hand", LOWER),
    "Kinect": ("PELVIS SPINE_LOW SPINE_NAVEL SPINE_CHEST NECK HEAD HIP_% KNEE_% ANKLE_% FOOT_% "
        "CLAVICLE_% SHOULDER_% ELBOW_% WRIST_%", ("LEFT", "RIGHT")),
    "Maya": ("Root_M Spine1_M Spine2_M Chest_M Neck_M Head_M Hip_% Knee_% Ankle_% Toes_% Scapula_% "
        "Shoulder_% Elbow_% Wrist_%", SHORT),
    "a prefix that is glued on": ("herohip heroabdomen herochest1 herochest2 heroneck herohead hero%thigh "
        "hero%shin hero%foot hero%toe hero%collar hero%shldr hero%forearm hero%hand", LOWER),
    "Actor01, glued on": ("Actor01Hips Actor01Spine Actor01Spine1 Actor01Spine2 Actor01Neck "
        "Actor01Head Actor01%UpLeg Actor01%Leg Actor01%Foot Actor01%ToeBase Actor01%Shoulder "
        "Actor01%Arm Actor01%ForeArm Actor01%Hand", L),
    "a suffix that is glued on": ("HipsJNT SpineJNT Spine1JNT Spine2JNT NeckJNT HeadJNT %UpLegJNT "
        "%LegJNT %FootJNT %ToeBaseJNT %ShoulderJNT %ArmJNT %ForeArmJNT %HandJNT", L),
    "MMD in English": ("center upper_body upper_body2 upper_body3 neck head leg_% knee_% ankle_% toe_% "
        "shoulder_% arm_% elbow_% wrist_%", SHORT),
    "Kinect 1": ("HipCenter Spine Spine2 ShoulderCenter Neck Head Hip% Knee% Ankle% Foot% Collar% "
        "Shoulder% Elbow% Wrist%", L),
    "CMU's ASF": ("root lowerback upperback thorax lowerneck head %femur %tibia %foot %toes %clavicle "
        "%humerus %radius %hand", LOWER),
    "anatomy": ("Pelvis Lumbar Thorax1 Thorax2 Cervical Skull %Femur %Tibia %Foot %Toes %Clavicle "
        "%Humerus %Radius %Hand", SHORT),
    "numbered limbs": ("Hips Spine Spine1 Spine2 Neck Head %_leg1 %_leg2 %_leg3 %_leg4 %_arm1 "
        "%_arm2 %_arm3 %_arm4", L),
    "numbered limbs with ends": ("Hips Spine Spine1 Spine2 Neck Head %_leg1 %_leg2 %_leg3 %_toe "
        "%_arm1 %_arm2 %_arm3 %_hand", SHORT),
    "numbered arms below a clavicle": ("Hips Spine Spine1 Spine2 Neck Head leg_01_% leg_02_% "
        "foot_01_% foot_02_% clavicle_% arm_01_% arm_02_% arm_03_%", LOWER),
    "numbered by Blender": ("Hips Spine Spine1 Spine2 Neck Head Leg.% Leg.%.001 Leg.%.002 "
        "Leg.%.003 Arm.% Arm.%.001 Arm.%.002 Arm.%.003", SHORT),
    "limbs by letters": ("Hips Spine Spine1 Spine2 Neck Head %_leg_a %_leg_b %_leg_c %_leg_d "
        "%_arm_a %_arm_b %_arm_c %_arm_d", LOWER),
    "a face for a head": ("pelvis spine spine.001 spine.002 neck face thigh.% shin.% foot.% toe.% "
        "shoulder.% upper_arm.% forearm.% hand.%", SHORT),
    "numbers alone": (" ".join(f"joint{n}" for n in range(1, 7)) + " "
        + " ".join(f"joint%{n}" for n in range(7, 15)), ("1", "2")),
}  # fmt: skip


@pytest.mark.parametrize("rig", RIGS)
def test_every_rig_of_the_same_body_has_the_same_roles(rig):
    found = guess(renamed(*RIGS[rig])).roles
    assert found == ROLES


@pytest.mark.parametrize(
    "leg, arm",
    [("Hip Knee Ankle -", "- Shoulder Elbow Wrist"), ("Thigh Shin Foot -", "- UpperArm Forearm Hand"),
     ("Leg Knee Foot -", "- Arm Elbow Hand"), ("UpLeg Leg Foot -", "- Shoulder ForeArm Hand")],
)  # fmt: skip
def test_a_shoulder_is_the_upper_arm_where_the_forearm_hangs_on_it(leg, arm):
    parts = [name if name == "-" else f"%{name}" for name in f"{leg} {arm}".split()]
    skeleton = renamed(f"Hips Spine Spine1 Spine2 Neck Head {' '.join(parts)}")
    found = {role: skeleton.names[j] for role, j in roles(skeleton).items()}
    first, second, third = arm.split()[1:]
    assert found["left_upper_arm"] == f"Left{first}"
    assert found["right_lower_arm"] == f"Right{second}"
    assert found["left_hand"] == f"Left{third}"
    assert "left_shoulder" not in found and "left_toes" not in found


def test_three_numbered_joints_begin_with_the_upper_arm():
    numbered = renamed(
        "Hips Spine Spine1 Spine2 Neck Head %_leg1 %_leg2 %_leg3 - - %_arm1 %_arm2 %_arm3"
    )
    found = guess(numbered)
    parts = {r: numbered.names[j] for r, j in found.roles.items() if r.startswith("left")}
    assert parts == {
        "left_upper_leg": "Left_leg1", "left_lower_leg": "Left_leg2", "left_foot": "Left_leg3",
        "left_upper_arm": "Left_arm1", "left_lower_arm": "Left_arm2", "left_hand": "Left_arm3",
    }  # fmt: skip
    assert any("Left_arm1 to Left_arm3" in n and "--map" in n for n in found.notes)


def test_four_numbered_joints_with_a_finger_begin_with_the_upper_arm():
    # Bones tell: a clavicle is short beside an upper arm, and so is a palm.
    body = renamed(
        "Hips Spine Spine1 Spine2 Neck Head %_leg1 %_leg2 %_leg3 - - %_arm1 %_arm2 %_arm3"
    )
    n = len(body)
    hands = [body.index("Left_arm3"), body.index("Right_arm3")]
    fingers = Skeleton(
        (*body.names, "Left_arm4", "Right_arm4"),
        np.array([*body.parents, *hands]),
        np.concatenate([body.rest_positions, [[0.08, 0.0, 0.0], [-0.08, 0.0, 0.0]]]),
    )
    found = roles(fingers)
    assert fingers.names[found["left_upper_arm"]] == "Left_arm1"
    assert found["left_hand"] == hands[0] and not {n, n + 1} & set(found.values())


def test_where_bones_do_not_tell_a_numbered_limb_is_said_to_be_told_by_its_number():
    body = renamed(*RIGS["numbered limbs"])
    rest = body.rest_positions.copy()
    rest[[body.index(f"{side}_arm{k}") for side in L for k in (2, 3, 4)]] = 0.0
    found = guess(Skeleton(body.names, body.parents, rest))
    assert found.roles == ROLES
    assert any("arm1 to Left_arm4" in n and "their number alone" in n for n in found.notes)


@pytest.mark.parametrize(
    "helper", ["b_l_foot_twist", "b_r_upleg_twist1_proc", "LeftArmRoll", "l_forearm_twist_01",
               "CalfTwist_R", "ik_hand_l"],
)  # fmt: skip
@pytest.mark.parametrize("between", [False, True])
def test_helpers_with_a_side_take_no_role_and_are_told(helper, between):
    body = renamed(*RIGS["Unreal"])
    foot, n = body.index("foot_l"), len(body)
    order = [*range(foot), n, *range(foot, n)]  # parents come first
    names = [*body.names, helper]
    parents = [*body.parents, body.parents[foot]]
    rest = np.concatenate([body.rest_positions, [[0.0, 0.0, 0.0]]])
    if between:
        parents[foot] = n
    new = {old: k for k, old in enumerate(order)}
    found = Skeleton(
        tuple(names[j] for j in order),
        np.array([new.get(parents[j], -1) for j in order]),
        rest[order],
    )
    assert {r: found.names[j] for r, j in roles(found).items()} == {
        r: body.names[j] for r, j in ROLES.items()
    }
    assert helpers(found) == [helper]


def test_joints_beside_the_bones_take_no_role():
    names = [*PERFORMER.names, "LeftUpLegTwist", "ik_LeftFoot", "LeftForeArmRoll", "HeadTop_End",
             "LeftHandIndex1", "LeftHandSlot", "Skirt_Leg_L", "LeftToe_End",
             "J_Sec_L_SkirtFront1", "J_Sec_R_SkirtFront1"]  # fmt: skip
    hang = [*PERFORMER.parents, *(PERFORMER.index(n) for n in (
        "LeftUpLeg", "Hips", "LeftForeArm", "Head", "LeftHand", "LeftHand", "Hips", "LeftToeBase", "Hips",
        "Hips",
    ))]  # fmt: skip
    more = np.full((len(names) - len(PERFORMER), 3), 0.05)
    offsets = np.concatenate([PERFORMER.rest_positions, more])
    assert roles(Skeleton(tuple(names), np.array(hang), offsets)) == ROLES


def test_what_is_a_guess_is_said():
    assert guess(PERFORMER).notes == ()
    assert "'DEF-spine.006'" in guess(renamed(*RIGS["Rigify"])).notes[0]
    assert any("--map" in note for note in guess(renamed(*RIGS["numbers alone"])).notes)


def test_roles_that_are_given_are_the_roles():
    given = {"hips": 0, "head": 3}
    skeleton = Skeleton(PERFORMER.names, PERFORMER.parents, PERFORMER.rest_positions,
                        given_roles=given)  # fmt: skip
    assert roles(skeleton) == given


def test_beasts_are_no_humanoids():
    beast = Skeleton(
        ("Root", "Spine", "Head", "FrontLeg_L", "FrontLeg_R", "HindLeg_L", "HindLeg_R"),
        np.array([-1, 0, 1, 1, 1, 0, 0]),
        np.ones((7, 3)),
    )
    found = guess(beast)
    assert found.roles == {} and found.notes


@settings(max_examples=60, deadline=None)
@given(
    rig=st.sampled_from(["Rokoko", "Unreal", "SMPL", "DAZ Genesis 8", "MMD", "numbers alone"]),
    prefix=st.sampled_from(["", "Actor01_", "Hero:", "npc-", "Bip007 "]),
    suffix=st.sampled_from(["", "_JNT", "_joint", "_06", ".001", "_bind"]),
    axes=st.tuples(*[st.floats(-3.0, 3.0)] * 3),
    scale=st.sampled_from([0.01, 1.0, 39.37, 100.0]),
)
def test_prefix_suffix_axes_and_size_make_no_difference(rig, prefix, suffix, axes, scale):
    body = renamed(*RIGS[rig])
    turn = rotation.from_rotation_vector(np.array(axes))
    turned = Skeleton(
        tuple(f"{prefix}{name}{suffix}" for name in body.names),
        body.parents,
        rotation.rotate(turn, body.rest_positions) * scale,
        tips=rotation.rotate(turn, body.tips) * scale,
    )
    assert roles(turned) == ROLES
