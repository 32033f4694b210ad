"""Whole skeletons as products write them: their joints' own names, with all that hangs beside them.

A line is a joint, the one above it, and where it stands: a place of the body, `a~b` between two
places, or `=a` at one. A joint at a place that is a role has that role, or is that part of a
finger. % is the side, in the words that follow the rig's name.
"""

# ruff: noqa: E501

from __future__ import annotations

import numpy as np

from understudy.runtime.core.roles import HIERARCHY
from understudy.runtime.core.skeleton import Skeleton

BODY = {
    "floor": (0, 0, 0), "hips": (0, 0.96, 0), "spine": (0, 1.06, 0.0), "chest": (0, 1.18, 0.0),
    "upper_chest": (0, 1.3, -0.01), "neck": (0, 1.48, -0.01), "head": (0, 1.56, 0.01), "crown": (0, 1.76, 0.01),
    "upper_leg": (0.09, 0.92, 0), "lower_leg": (0.09, 0.5, 0.01), "foot": (0.09, 0.09, -0.02),
    "toes": (0.09, 0.02, 0.11), "toe_end": (0.09, 0.02, 0.18), "shoulder": (0.03, 1.43, 0),
    "upper_arm": (0.17, 1.43, 0), "lower_arm": (0.45, 1.43, 0), "hand": (0.7, 1.43, 0),
    "eye": (0.03, 1.63, 0.09), "breast": (0.08, 1.3, 0.1), "buttock": (0.08, 0.95, -0.1),
    "thumb1": (0.73, 1.42, 0.03), "thumb2": (0.76, 1.41, 0.05), "thumb3": (0.785, 1.4, 0.065), "thumb4": (0.81, 1.39, 0.08),
    **{f"{finger}{n}": (0.73 + 0.06 * (n > 0) + 0.035 * max(n - 1, 0), 1.43, z)
       for finger, z in (("index", 0.03), ("middle", 0.01), ("ring", -0.01), ("little", -0.03)) for n in range(5)},
}  # fmt: skip
FINGERS = ("thumb", "index", "middle", "ring", "little")
ARMS = ("upper_arm", "lower_arm", "hand", *FINGERS)


def hand(names: str, parent: str, first: int = 1, last: int = 3, palm: str = "") -> str:
    """Lines of five fingers: names has {finger} {n}, of palms {finger}."""
    lines = []
    words = dict(zip(FINGERS, names.split("|")[1].split(), strict=True))
    pattern = names.split("|")[0]
    for finger, word in words.items():
        above = parent
        if palm and finger != "thumb":
            lines.append(f"{palm.format(finger=word)} {above} ={finger}0")
            above = palm.format(finger=word)
        for place, n in enumerate(range(first, last + 1), 1):
            name = pattern.format(finger=word, n=n)
            lines.append(f"{name} {above} {finger}{place}")
            above = name
    return "\n".join(lines)


RIGS: dict[str, tuple[tuple[str, str], str]] = {
    "Mixamo": (("Left", "Right"), """
mixamorig:Hips - hips
mixamorig:Spine mixamorig:Hips spine
mixamorig:Spine1 mixamorig:Spine chest
mixamorig:Spine2 mixamorig:Spine1 upper_chest
mixamorig:Neck mixamorig:Spine2 neck
mixamorig:Head mixamorig:Neck head
mixamorig:HeadTop_End mixamorig:Head crown
mixamorig:%Eye mixamorig:Head eye
mixamorig:%Shoulder mixamorig:Spine2 shoulder
mixamorig:%Arm mixamorig:%Shoulder upper_arm
mixamorig:%ForeArm mixamorig:%Arm lower_arm
mixamorig:%Hand mixamorig:%ForeArm hand
""" + hand("mixamorig:%Hand{finger}{n}|Thumb Index Middle Ring Pinky", "mixamorig:%Hand", last=4) + """
mixamorig:%UpLeg mixamorig:Hips upper_leg
mixamorig:%Leg mixamorig:%UpLeg lower_leg
mixamorig:%Foot mixamorig:%Leg foot
mixamorig:%ToeBase mixamorig:%Foot toes
mixamorig:%Toe_End mixamorig:%ToeBase toe_end"""),
    "Ready Player Me": (("Left", "Right"), """
Armature - floor
Hips Armature hips
Spine Hips spine
Spine1 Spine chest
Spine2 Spine1 upper_chest
Neck Spine2 neck
Head Neck head
HeadTop_End Head crown
%Eye Head eye
%Shoulder Spine2 shoulder
%Arm %Shoulder upper_arm
%ForeArm %Arm lower_arm
%Hand %ForeArm hand
""" + hand("%Hand{finger}{n}|Thumb Index Middle Ring Pinky", "%Hand", last=4) + """
%UpLeg Hips upper_leg
%Leg %UpLeg lower_leg
%Foot %Leg foot
%ToeBase %Foot toes
%Toe_End %ToeBase toe_end"""),
    "VRoid": (("L", "R"), """
Root - floor
J_Bip_C_Hips Root hips
J_Bip_C_Spine J_Bip_C_Hips spine
J_Bip_C_Chest J_Bip_C_Spine chest
J_Bip_C_UpperChest J_Bip_C_Chest upper_chest
J_Sec_%_Bust1 J_Bip_C_UpperChest breast
J_Sec_%_Bust2 J_Sec_%_Bust1 =breast
J_Bip_C_Neck J_Bip_C_UpperChest neck
J_Bip_C_Head J_Bip_C_Neck head
J_Adj_%_FaceEye J_Bip_C_Head eye
J_Sec_Hair1_01 J_Bip_C_Head crown
J_Sec_Hair2_01 J_Sec_Hair1_01 =crown
J_Sec_Hair1_01_end J_Sec_Hair2_01 =crown
J_Bip_%_Shoulder J_Bip_C_UpperChest shoulder
J_Bip_%_UpperArm J_Bip_%_Shoulder upper_arm
J_Sec_%_TopsUpperArmInside J_Bip_%_UpperArm upper_arm~lower_arm
J_Bip_%_LowerArm J_Bip_%_UpperArm lower_arm
J_Bip_%_Hand J_Bip_%_LowerArm hand
""" + hand("J_Bip_%_{finger}{n}|Thumb Index Middle Ring Little", "J_Bip_%_Hand") + """
J_Bip_%_Index3_end J_Bip_%_Index3 index4
J_Bip_%_UpperLeg J_Bip_C_Hips upper_leg
J_Sec_%_CoatSkirtFront_01 J_Bip_C_Hips upper_leg~lower_leg
J_Bip_%_LowerLeg J_Bip_%_UpperLeg lower_leg
J_Bip_%_Foot J_Bip_%_LowerLeg foot
J_Bip_%_ToeBase J_Bip_%_Foot toes
J_Bip_%_ToeBase_end J_Bip_%_ToeBase toe_end"""),
    "Character Creator": (("L", "R"), """
RL_BoneRoot - floor
CC_Base_Hip RL_BoneRoot hips
CC_Base_Pelvis CC_Base_Hip =hips
CC_Base_%_Thigh CC_Base_Pelvis upper_leg
CC_Base_%_ThighTwist01 CC_Base_%_Thigh =upper_leg
CC_Base_%_ThighTwist02 CC_Base_%_Thigh upper_leg~lower_leg
CC_Base_%_Calf CC_Base_%_Thigh lower_leg
CC_Base_%_KneeShareBone CC_Base_%_Calf =lower_leg
CC_Base_%_CalfTwist01 CC_Base_%_Calf =lower_leg
CC_Base_%_CalfTwist02 CC_Base_%_Calf lower_leg~foot
CC_Base_%_Foot CC_Base_%_Calf foot
CC_Base_%_ToeBaseShareBone CC_Base_%_Foot =toes
CC_Base_%_ToeBase CC_Base_%_Foot toes
CC_Base_%_BigToe1 CC_Base_%_ToeBase toe_end
CC_Base_%_PinkyToe1 CC_Base_%_ToeBase toe_end
CC_Base_Waist CC_Base_Hip spine
CC_Base_Spine01 CC_Base_Waist chest
CC_Base_Spine02 CC_Base_Spine01 upper_chest
CC_Base_%_RibsTwist CC_Base_Spine02 breast
CC_Base_%_Breast CC_Base_%_RibsTwist =breast
CC_Base_NeckTwist01 CC_Base_Spine02 neck
CC_Base_NeckTwist02 CC_Base_NeckTwist01 neck~head
CC_Base_Head CC_Base_NeckTwist02 head
CC_Base_FacialBone CC_Base_Head =head
CC_Base_JawRoot CC_Base_FacialBone =head
CC_Base_%_Eye CC_Base_FacialBone eye
CC_Base_%_Clavicle CC_Base_Spine02 shoulder
CC_Base_%_Upperarm CC_Base_%_Clavicle upper_arm
CC_Base_%_UpperarmTwist01 CC_Base_%_Upperarm =upper_arm
CC_Base_%_UpperarmTwist02 CC_Base_%_Upperarm upper_arm~lower_arm
CC_Base_%_Forearm CC_Base_%_Upperarm lower_arm
CC_Base_%_ElbowShareBone CC_Base_%_Forearm =lower_arm
CC_Base_%_ForearmTwist01 CC_Base_%_Forearm =lower_arm
CC_Base_%_ForearmTwist02 CC_Base_%_Forearm lower_arm~hand
CC_Base_%_Hand CC_Base_%_Forearm hand
""" + hand("CC_Base_%_{finger}{n}|Thumb Index Mid Ring Pinky", "CC_Base_%_Hand")),
    "MetaHuman": (("l", "r"), """
root - floor
pelvis root hips
spine_01 pelvis spine
spine_02 spine_01 spine~chest
spine_03 spine_02 chest
spine_04 spine_03 chest~upper_chest
spine_04_latissimus_% spine_04 breast
spine_05 spine_04 upper_chest
clavicle_pec_% spine_05 breast
clavicle_% spine_05 shoulder
clavicle_out_% clavicle_% shoulder~upper_arm
clavicle_scap_% clavicle_% shoulder~upper_arm
upperarm_% clavicle_% upper_arm
upperarm_correctiveRoot_% upperarm_% =upper_arm
upperarm_bck_% upperarm_correctiveRoot_% =upper_arm
upperarm_twist_01_% upperarm_% =upper_arm
upperarm_twistCor_01_% upperarm_twist_01_% =upper_arm
upperarm_twist_02_% upperarm_% upper_arm~lower_arm
upperarm_bicep_% upperarm_twist_02_% upper_arm~lower_arm
lowerarm_% upperarm_% lower_arm
lowerarm_correctiveRoot_% lowerarm_% =lower_arm
lowerarm_in_% lowerarm_correctiveRoot_% =lower_arm
lowerarm_twist_02_% lowerarm_% lower_arm~hand
lowerarm_twist_01_% lowerarm_% =hand
hand_% lowerarm_% hand
wrist_inner_% hand_% =hand
""" + hand("{finger}_0{n}_%|thumb index middle ring pinky", "hand_%", palm="{finger}_metacarpal_%") + """
neck_01 spine_05 neck
neck_02 neck_01 neck~head
head neck_02 head
thigh_% pelvis upper_leg
thigh_correctiveRoot_% thigh_% =upper_leg
thigh_fwd_% thigh_correctiveRoot_% =upper_leg
thigh_twist_01_% thigh_% =upper_leg
thigh_twist_02_% thigh_% upper_leg~lower_leg
calf_% thigh_% lower_leg
calf_correctiveRoot_% calf_% =lower_leg
calf_kneeBack_% calf_correctiveRoot_% =lower_leg
calf_twist_02_% calf_% lower_leg~foot
calf_twist_01_% calf_% =foot
foot_% calf_% foot
ankle_fwd_% foot_% =foot
ball_% foot_% toes
bigtoe_01_% ball_% toe_end
ik_foot_root root =floor
ik_foot_% ik_foot_root =foot
ik_hand_root root =floor
ik_hand_gun ik_hand_root =floor
ik_hand_% ik_hand_gun =hand
center_of_mass root =hips
interaction root =floor"""),
    "CMU": (("Left", "Right"), """
Hips - hips
LHipJoint Hips =hips
LeftHip LHipJoint left_upper_leg
LeftKnee LeftHip left_lower_leg
LeftAnkle LeftKnee left_foot
LeftToe LeftAnkle left_toes
RHipJoint Hips =hips
RightHip RHipJoint right_upper_leg
RightKnee RightHip right_lower_leg
RightAnkle RightKnee right_foot
RightToe RightAnkle right_toes
LowerBack Hips spine
Spine LowerBack chest
Spine1 Spine upper_chest
Neck Spine1 neck
Neck1 Neck neck~head
Head Neck1 head
%Shoulder Spine1 shoulder
%Arm %Shoulder upper_arm
%ForeArm %Arm lower_arm
%Hand %ForeArm hand
%FingerBase %Hand =middle1
%HandIndex1 %FingerBase =middle2
%Thumb %Hand =thumb1"""),
    "Rigify": (("L", "R"), """
DEF-spine - hips
DEF-pelvis.% DEF-spine buttock
DEF-spine.001 DEF-spine spine
DEF-spine.002 DEF-spine.001 chest
DEF-spine.003 DEF-spine.002 upper_chest
DEF-breast.% DEF-spine.003 breast
DEF-spine.004 DEF-spine.003 neck
DEF-spine.005 DEF-spine.004 neck~head
DEF-spine.006 DEF-spine.005 head
DEF-shoulder.% DEF-spine.003 shoulder
DEF-upper_arm.% DEF-shoulder.% upper_arm
DEF-upper_arm.%.001 DEF-upper_arm.% upper_arm~lower_arm
DEF-forearm.% DEF-upper_arm.%.001 lower_arm
DEF-forearm.%.001 DEF-forearm.% lower_arm~hand
DEF-hand.% DEF-forearm.%.001 hand
DEF-palm.01.% DEF-hand.% =index0
DEF-palm.02.% DEF-hand.% =middle0
DEF-palm.03.% DEF-hand.% =ring0
DEF-palm.04.% DEF-hand.% =little0
DEF-thumb.01.% DEF-palm.01.% thumb1
DEF-thumb.02.% DEF-thumb.01.% thumb2
DEF-thumb.03.% DEF-thumb.02.% thumb3
DEF-f_index.01.% DEF-palm.01.% index1
DEF-f_index.02.% DEF-f_index.01.% index2
DEF-f_index.03.% DEF-f_index.02.% index3
DEF-f_middle.01.% DEF-palm.02.% middle1
DEF-f_middle.02.% DEF-f_middle.01.% middle2
DEF-f_middle.03.% DEF-f_middle.02.% middle3
DEF-f_ring.01.% DEF-palm.03.% ring1
DEF-f_ring.02.% DEF-f_ring.01.% ring2
DEF-f_ring.03.% DEF-f_ring.02.% ring3
DEF-f_pinky.01.% DEF-palm.04.% little1
DEF-f_pinky.02.% DEF-f_pinky.01.% little2
DEF-f_pinky.03.% DEF-f_pinky.02.% little3
DEF-thigh.% DEF-spine upper_leg
DEF-thigh.%.001 DEF-thigh.% upper_leg~lower_leg
DEF-shin.% DEF-thigh.%.001 lower_leg
DEF-shin.%.001 DEF-shin.% lower_leg~foot
DEF-foot.% DEF-shin.%.001 foot
DEF-toe.% DEF-foot.% toes"""),
    "Daz Genesis 8": (("l", "r"), """
Genesis8Female - floor
hip Genesis8Female hips
pelvis hip =hips
%ThighBend pelvis upper_leg
%ThighTwist %ThighBend upper_leg~lower_leg
%Shin %ThighTwist lower_leg
%Foot %Shin foot
%Metatarsals %Foot foot~toes
%Toe %Metatarsals toes
%BigToe %Toe toe_end
%SmallToe1 %Toe toe_end
%Heel %Foot =foot
abdomenLower hip spine
abdomenUpper abdomenLower spine~chest
chestLower abdomenUpper chest
chestUpper chestLower upper_chest
%Pectoral chestLower breast
%Collar chestUpper shoulder
%ShldrBend %Collar upper_arm
%ShldrTwist %ShldrBend upper_arm~lower_arm
%ForearmBend %ShldrTwist lower_arm
%ForearmTwist %ForearmBend lower_arm~hand
%Hand %ForearmTwist hand
%Thumb1 %Hand thumb1
%Thumb2 %Thumb1 thumb2
%Thumb3 %Thumb2 thumb3
%Carpal1 %Hand =index0
%Index1 %Carpal1 index1
%Index2 %Index1 index2
%Index3 %Index2 index3
%Carpal2 %Hand =middle0
%Mid1 %Carpal2 middle1
%Mid2 %Mid1 middle2
%Mid3 %Mid2 middle3
%Carpal3 %Hand =ring0
%Ring1 %Carpal3 ring1
%Ring2 %Ring1 ring2
%Ring3 %Ring2 ring3
%Carpal4 %Hand =little0
%Pinky1 %Carpal4 little1
%Pinky2 %Pinky1 little2
%Pinky3 %Pinky2 little3
neckLower chestUpper neck
neckUpper neckLower neck~head
head neckUpper head
upperFaceRig head =head
%Eye head eye
lowerJaw head =head"""),
    "MikuMikuDance": (("左", "右"), """
全ての親 - floor
センター 全ての親 spine~hips
グルーブ センター =hips
腰 グルーブ hips
下半身 腰 =hips
上半身 腰 spine
上半身2 上半身 upper_chest
首 上半身2 neck
頭 首 head
両目 頭 crown
%目 頭 eye
%肩P 上半身2 =shoulder
%肩 %肩P shoulder
%肩C %肩 =upper_arm
%腕 %肩C upper_arm
%腕捩 %腕 upper_arm~lower_arm
%腕捩1 %腕 upper_arm~lower_arm
%ひじ %腕捩 lower_arm
%手捩 %ひじ lower_arm~hand
%手捩1 %ひじ lower_arm~hand
%手首 %手捩 hand
%ダミー %手首 =hand
%親指０ %手首 thumb1
%親指１ %親指０ thumb2
%親指２ %親指１ thumb3
%人指１ %手首 index1
%人指２ %人指１ index2
%人指３ %人指２ index3
%中指１ %手首 middle1
%中指２ %中指１ middle2
%中指３ %中指２ middle3
%薬指１ %手首 ring1
%薬指２ %薬指１ ring2
%薬指３ %薬指２ ring3
%小指１ %手首 little1
%小指２ %小指１ little2
%小指３ %小指２ little3
腰キャンセル% 下半身 =upper_leg
%足 腰キャンセル% upper_leg
%ひざ %足 lower_leg
%足首 %ひざ foot
%つま先 %足首 toes
%足D 腰キャンセル% =upper_leg
%ひざD %足D =lower_leg
%足首D %ひざD =foot
%足先EX %足首D =toes
%足IK親 全ての親 =floor
%足ＩＫ %足IK親 =foot
%つま先ＩＫ %足ＩＫ =toes"""),
}  # fmt: skip


def mirrored(place: np.ndarray, side: int) -> np.ndarray:
    return place * np.array([1.0, 1.0, 1.0]) if side == 0 else place * np.array([-1.0, 1.0, 1.0])


def _at(said: str) -> np.ndarray:
    one, mark, other = said.removeprefix("=").partition("~")
    at = np.array(BODY[one], float)
    return 0.5 * (at + np.array(BODY[other], float)) if mark else at


def _lowered(at: np.ndarray, said: str, down_rad: float) -> np.ndarray:
    """A place of a left arm in an A-pose."""
    part = said.removeprefix("=").partition("~")[0].rstrip("01234")
    if part not in ARMS:
        return at
    top = np.array(BODY["upper_arm"])
    x, y, z = at - top
    c, s = np.cos(down_rad), np.sin(down_rad)
    return top + np.array([c * x + s * y, c * y - s * x, z])


def rig(
    name: str, down_rad: float = 0.0
) -> tuple[Skeleton, dict[str, str], dict[tuple[str, str], list[str]]]:
    """The skeleton, who has which role, and the joints of each finger; arms hang down by so much."""
    marks, text = RIGS[name]
    joints: dict[str, tuple[str, np.ndarray]] = {}
    found: dict[str, str] = {}
    fingers: dict[tuple[str, str], list[str]] = {}
    for line in text.strip().splitlines():
        joint, parent, place = line.split()
        both = "%" in joint
        if place.startswith(("left_", "right_")):
            joints[joint] = parent, mirrored(_at(place.partition("_")[2]), place[0] == "r")
            found[place] = joint
            continue
        for number, side in enumerate(("left", "right")[: 2 if both else 1]):
            called, above = (word.replace("%", marks[number]) for word in (joint, parent))
            at = mirrored(_lowered(_at(place), place, down_rad), number)
            joints[called] = above, at
            role = f"{side}_{place}" if both else place
            if role in HIERARCHY:
                found[role] = called
            if place[-1:].isdigit() and place[:-1] in FINGERS and place[-1] in "123":
                fingers.setdefault((side, place[:-1]), []).append(called)
    ordered: list[str] = []
    while len(ordered) < len(joints):  # those above come first
        ordered += [j for j, (above, _) in joints.items()
                    if j not in ordered and (above == "-" or above in ordered)]  # fmt: skip
    parents = [ordered.index(joints[j][0]) if joints[j][0] != "-" else -1 for j in ordered]
    at = np.array([joints[j][1] for j in ordered])
    offsets = at - np.where(np.array(parents)[:, None] >= 0, at[parents], 0.0)
    return Skeleton(tuple(ordered), np.array(parents), offsets), found, fingers
