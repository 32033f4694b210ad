"""Axes and names: what one number and one bone become in Godot."""

from __future__ import annotations

import numpy as np
import pytest

from understudy.bridge.protocols import axes, vmc
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER

from .words import random_turns, rows

pytestmark = pytest.mark.clients


def test_what_comes_in_unitys_axes_is_ours_again(godot):
    turns = random_turns(64, 1)
    places = np.random.default_rng(2).normal(size=(64, 3))
    theirs = np.concatenate(axes.unity(places, turns), axis=1)
    got = godot.ask("convert_poses", theirs.tolist())
    assert np.allclose([p for p, _, _ in got], places, atol=1e-6)
    assert np.allclose([q for _, q, _ in got], turns, atol=1e-6)
    # The packer turns a camera by half a turn into Unity's; the add-on turns it back.
    sent = axes.unity(places, rotation.multiply(turns, vmc.ABOUT))
    got = godot.ask("convert_poses", np.concatenate(sent, axis=1).tolist())
    same = np.abs(np.sum(np.array([c for _, _, c in got]) * turns, axis=1))
    assert np.allclose(same, 1.0, atol=1e-6)


def test_every_bone_of_the_profile_is_one_of_vmcs(godot):
    profile = [name for name, _ in godot.ask("profile")]
    godot.ask("mannequin")
    found = godot.ask("bones")
    assert set(found) == set(vmc.BONES)
    assert set(found.values()) == set(profile) - {"Root"}
    others = {vmc: name for vmc, name in found.items() if vmc != name}
    assert others == {
        f"{side}Thumb{unity}": f"{side}Thumb{own}"
        for side in ("Left", "Right")
        for unity, own in (("Proximal", "Metacarpal"), ("Intermediate", "Proximal"))
    }


def chain(names: str) -> list[tuple[str, str]]:
    """`a > b > c` as child and parent."""
    parts = names.split(" > ")
    return [(part, parts[i - 1] if i else "") for i, part in enumerate(parts)]


RIGS = {
    "mixamo": (
        "mixamorig_Hips > mixamorig_Spine > mixamorig_Spine1 > mixamorig_Spine2 > mixamorig_Neck "
        "> mixamorig_Head",
        "mixamorig_Hips > mixamorig_LeftUpLeg > mixamorig_LeftLeg > mixamorig_LeftFoot "
        "> mixamorig_LeftToeBase",
        "mixamorig_Spine2 > mixamorig_RightShoulder > mixamorig_RightArm > mixamorig_RightForeArm "
        "> mixamorig_RightHand > mixamorig_RightHandThumb1 > mixamorig_RightHandThumb2",
        "mixamorig_RightHand > mixamorig_RightHandPinky1",
    ),
    "unreal": (
        "root > pelvis > spine_01 > spine_02 > spine_03 > spine_04 > spine_05 > neck_01 > neck_02 "
        "> head",
        "pelvis > thigh_l > calf_l > foot_l > ball_l",
        "thigh_l > thigh_twist_01_l",
        "spine_05 > clavicle_r > upperarm_r > lowerarm_r > hand_r > thumb_01_r > thumb_02_r",
        "hand_r > pinky_metacarpal_r > pinky_01_r",
    ),
    "vroid": (
        "J_Bip_C_Hips > J_Bip_C_Spine > J_Bip_C_Chest > J_Bip_C_UpperChest > J_Bip_C_Neck "
        "> J_Bip_C_Head",
        "J_Bip_C_Hips > J_Bip_L_UpperLeg > J_Bip_L_LowerLeg > J_Bip_L_Foot > J_Bip_L_ToeBase",
        "J_Bip_C_UpperChest > J_Bip_R_Shoulder > J_Bip_R_UpperArm > J_Bip_R_LowerArm "
        "> J_Bip_R_Hand > J_Bip_R_Thumb1 > J_Bip_R_Thumb2",
        "J_Bip_R_Hand > J_Bip_R_Little1",
    ),
    "character creator": (
        "CC_Base_Hip > CC_Base_Pelvis > CC_Base_L_Thigh > CC_Base_L_Calf > CC_Base_L_Foot "
        "> CC_Base_L_ToeBase",
        "CC_Base_Hip > CC_Base_Waist > CC_Base_Spine01 > CC_Base_Spine02 > CC_Base_NeckTwist01 "
        "> CC_Base_Head",
        "CC_Base_Spine02 > CC_Base_R_Clavicle > CC_Base_R_Upperarm > CC_Base_R_Forearm "
        "> CC_Base_R_Hand > CC_Base_R_Thumb1 > CC_Base_R_Thumb2",
        "CC_Base_R_Hand > CC_Base_R_Pinky1",
    ),
    "blender": (
        "hips > spine > chest > neck > head",
        "hips > thigh.L > shin.L > foot.L > toe.L",
        "chest > shoulder.R > upper_arm.R > forearm.R > hand.R > thumb.01.R > thumb.02.R",
        "hand.R > f_pinky.01.R",
    ),
}


@pytest.mark.parametrize("kind", RIGS)
def test_usual_names_are_found(godot, kind):
    pairs = list(dict.fromkeys(pair for line in RIGS[kind] for pair in chain(line)))
    above: dict[str, str] = {}
    for name, parent in pairs:
        above[name] = above.get(name) or parent
    names = list(above)
    parents = [names.index(above[name]) if above[name] else -1 for name in names]
    still = np.tile([0.0, 0.0, 0.0, 1.0], (len(names), 1))
    godot.ask("rig", rows(names, parents, np.zeros((len(names), 3)), still))
    found = godot.ask("bones")
    spine = {"Spine", "Chest"} if kind in ("blender",) else {"Spine", "Chest", "UpperChest"}
    arm = {"RightShoulder", "RightUpperArm", "RightLowerArm", "RightHand"}
    leg = {"LeftUpperLeg", "LeftLowerLeg", "LeftFoot", "LeftToes"}
    fingers = {"RightThumbProximal", "RightThumbIntermediate", "RightLittleProximal"}
    assert set(found) == {"Hips", "Neck", "Head"} | spine | arm | leg | fingers
    assert "twist" not in found["LeftUpperLeg"]
    assert "meta" not in found["RightLittleProximal"]
    assert len(set(found.values())) == len(found)


def test_our_own_performer_is_found(godot):
    p = PERFORMER
    godot.ask("rig", rows(p.names, p.parents, *p.rest_globals))
    assert len(godot.ask("bones")) >= 20
