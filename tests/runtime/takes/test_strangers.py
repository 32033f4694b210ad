"""Other people's files: rest poses, axes, names and damage of every kind."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.roles import guess, roles
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.takes import bvh, bvh_hierarchy, bvh_text
from understudy.runtime.takes.placement import AXES

from .bodies import ROLE, stance, write_bvh
from .files import save, text, values
from .test_placement import limbs_off_deg

PARTS = ("upper_leg", "lower_leg", "foot", "toes", "shoulder", "upper_arm", "lower_arm", "hand")
TRUNK = ("hips", "spine", "chest", "upper_chest", "neck", "head")
LIMITS = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
# role -> axis and degrees on the left; the right is its mirror image
RESTS = {
    "A": {"upper_arm": ("z", -45.0)},
    "A with bent elbows": {"shoulder": ("z", -10.0), "upper_arm": ("z", -50.0),
                           "lower_arm": ("y", -15.0)},
    "arms down": {"upper_arm": ("z", -88.0)},
    "arms forward": {"upper_arm": ("y", -90.0)},
    "bent elbows": {"lower_arm": ("y", -90.0)},
    "sits": {"upper_leg": ("x", -90.0), "lower_leg": ("x", 90.0)},
    "straddles": {"upper_leg": ("z", 15.0)},
}  # fmt: skip


def resting(kind: str, positions: np.ndarray, rotations: np.ndarray):
    """The same motion of a body whose pose of zero angles is another: skeleton and local motion."""
    rest = rotation.identity((len(PERFORMER),))
    for part, (axis, deg) in RESTS[kind].items():
        for side, sign in (("left", 1.0), ("right", -1.0)):
            mirrored = np.radians(deg) * (sign if axis != "x" else 1.0)
            rest[ROLE[f"{side}_{part}"]] = rotation.from_axis_angle(
                np.eye(3)["xyz".index(axis)], mirrored
            )
    place, turned = PERFORMER.globals(PERFORMER.rest_positions, rest)
    world = PERFORMER.globals(positions, rotations)[1]
    above = PERFORMER.parents[1:]
    offsets = place.copy()
    offsets[1:] -= place[above]
    tips = rotation.rotate(turned, PERFORMER.tips)
    world = rotation.multiply(world, rotation.conjugate(turned)[None])
    local = world.copy()
    local[:, 1:] = rotation.multiply(rotation.conjugate(world[:, above]), world[:, 1:])
    moved = np.repeat(offsets[None], len(positions), axis=0)
    moved[:, 0] = positions[:, 0]
    return Skeleton(PERFORMER.names, PERFORMER.parents, offsets, tips=tips), moved, local


@LIMITS
@example(kind="sits", motion_up="-Z", rest_up="Z", travel_m=0.0)
@given(
    kind=st.sampled_from(sorted(RESTS)),
    motion_up=st.sampled_from(AXES),
    rest_up=st.sampled_from(AXES),
    travel_m=st.sampled_from([0.0, 3.0]),
)
def test_any_rest_pose_on_any_axis_gives_the_same_limbs(
    tmp_path, kind, motion_up, rest_up, travel_m
):
    true = stance(travel_m=travel_m)
    body, positions, rotations = resting(kind, *true)
    clip = bvh.read(
        write_bvh(tmp_path / "rest.bvh", positions, rotations, body,
                  motion_up=motion_up, rest_up=rest_up)
    )  # fmt: skip
    assert (clip.placement.up, clip.unit_m) == (motion_up, 0.01)
    assert {r: clip.skeleton.names[j] for r, j in roles(clip.skeleton).items()} == {
        r: PERFORMER.names[j] for r, j in ROLE.items()
    }
    assert limbs_off_deg(clip, *true) < 2.0


# trunk, limbs (as TRUNK and PARTS), a limb's form, sides, a form for every joint
SCHEMES = {
    "jnt_L_thigh_01": ("pelvis spine chest upperchest neck head",
                       "thigh calf foot toe clavicle upperarm forearm hand", "{s}_{p}", "L R",
                       "jnt_{}_01"),
    "L_UpLeg_jnt": ("Hips Spine Spine1 Spine2 Neck Head",
                    "UpLeg Leg Foot Toe Shoulder Arm ForeArm Hand", "{s}_{p}", "L R", "{}_jnt"),
    "Armature|mixamorig:": ("Hips Spine Spine1 Spine2 Neck Head",
                            "UpLeg Leg Foot ToeBase Shoulder Arm ForeArm Hand", "{s}{p}",
                            "Left Right", "Armature|mixamorig:{}"),
    "rig:lThighBend": ("hip abdomenLower chestLower chestUpper neckLower head",
                       "ThighBend Shin Foot Toe Collar ShldrBend ForearmBend Hand", "{s}{p}", "l r",
                       "rig:{}"),
    "hip.L": ("root spine chest upper_chest neck head",
              "hip knee ankle ball clavicle shoulder elbow wrist", "{p}.{s}", "L R", "{}"),
    "b_l_upleg": ("b_root b_spine0 b_spine1 b_spine2 b_neck0 b_head",
                  "upleg leg foot ball shoulder arm forearm wrist", "b_{s}_{p}", "l r", "{}"),
    "thigh_left": ("pelvis spine_1 spine_2 spine_3 neck head",
                   "thigh calf foot toe clavicle upper_arm lower_arm hand", "{p}_{s}", "left right",
                   "{}"),
    "Spanish": ("Cadera Columna Pecho PechoSuperior Cuello Cabeza",
                "Muslo Pantorrilla Pie Dedos Clavicula Brazo Antebrazo Mano", "{p}{s}",
                "Izquierdo Derecho", "{}"),
    "German": ("Becken Wirbelsäule Brust Oberkörper Hals Kopf",
               "Oberschenkel Unterschenkel Fuß Zehen Schlüsselbein Oberarm Unterarm Hand",
               "{p}_{s}", "links rechts", "{}"),
    "Japanese, MikuMikuDance": ("下半身 上半身 上半身2 上半身3 首 頭",
                                "足 ひざ 足首 つま先 肩 腕 ひじ 手首", "{s}{p}", "左 右", "{}"),
    "Japanese, anatomy": ("腰 背骨 胸 上胸 首 頭", "太もも すね 足 つま先 鎖骨 上腕 前腕 手",
                          "{s}{p}", "左 右", "{}"),
    "numbers": ("0 1 2 3 4 5", "10 11 12 13 14 15 16 17", "{s}{p}", "1 2", "{}"),
}  # fmt: skip


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_joints_of_other_naming_schemes_are_known(scheme):
    trunk, limbs, form, sides, every = SCHEMES[scheme]
    words = dict(zip((*TRUNK, *PARTS), (*trunk.split(), *limbs.split()), strict=True))
    of_joint = {joint: role for role, joint in ROLE.items()}
    names = []
    for j in range(len(PERFORMER)):
        side, _, part = of_joint[j].partition("_")
        name = words[of_joint[j]] if of_joint[j] in words else form.format(
            s=sides.split()[side == "right"], p=words[part])  # fmt: skip
        names.append(every.format(name))
    body = Skeleton(tuple(names), PERFORMER.parents, PERFORMER.rest_positions, tips=PERFORMER.tips)
    assert guess(body).roles == ROLE


def test_comments_and_the_ends_of_dos_files_are_left_out(tmp_path):
    plain = bvh.read(save(tmp_path, text(values())))
    lines = text(values()).replace("OFFSET 0.0 90.0 0.0", "OFFSET 0.0 90.0 0.0 # hips").split("\n")
    lines[-2:-2] = ["// the last frame"]
    noted = "# by hand\n" + "\n".join(lines).replace("Time: 0.01", "Time: 0.01 # 100 Hz") + "\0\x1a"
    clip = bvh.read(save(tmp_path, noted))
    assert np.array_equal(clip.positions, plain.positions)
    assert clip.frame_time_s == plain.frame_time_s
    named = text(values()).replace("ROOT Hips", "ROOT Bip #1 //2")
    assert bvh.read(save(tmp_path, named)).skeleton.names[0] == "Bip #1 //2"


@pytest.mark.parametrize("value", ["1e11", "-1e300", "9" * 30])
@pytest.mark.parametrize("plain", [True, False])
def test_numbers_that_are_no_place_and_no_angle_are_named(tmp_path, value, plain):
    rows = text(values()).split("\n")
    words = rows[-3].split()
    words[4] = value
    rows[-3] = (" " if plain else "  ").join(words)
    with pytest.raises(UnderstudyError, match=r"line \d+: value 5 is .* no place and no angle"):
        bvh.read(save(tmp_path, "\n".join(rows)))
    with pytest.raises(UnderstudyError, match="longer than any bone"):
        bvh.read(save(tmp_path, text(values()).replace("OFFSET 0.0 30.0", f"OFFSET {value} 30.0")))


def test_a_skeleton_without_lengths_is_refused(tmp_path):
    body = Skeleton(PERFORMER.names, PERFORMER.parents, np.zeros((len(PERFORMER), 3)))
    with pytest.raises(UnderstudyError, match=r"every OFFSET is zero.*Export it with bone lengths"):
        bvh.read(write_bvh(tmp_path / "flat.bvh", *stance(), body))


def test_a_hierarchy_that_never_ends_takes_no_time_and_no_memory(tmp_path, monkeypatch):
    head = "HIERARCHY\nROOT a\n{\nOFFSET 0 0 0\nCHANNELS 1 Xrotation\n"
    many = "".join(f"JOINT j{n}\n{{\nOFFSET 0 1 0\n}}\n" for n in range(bvh_hierarchy.MOST_JOINTS))
    with pytest.raises(UnderstudyError, match="more than 2,000 joints"):
        bvh.read(save(tmp_path, f"{head}{many}}}\nMOTION\nFrames: 1\nFrame Time: 0.1\n0\n"))
    monkeypatch.setattr(bvh_text, "MOST_HEAD", 1 << 17)
    with pytest.raises(UnderstudyError, match="no line MOTION in its first"):
        bvh.read(save(tmp_path, head + "JOINT j {" * (1 << 16)))


@pytest.mark.parametrize("unit_m", [1.0, 0.01, 0.001])
@pytest.mark.parametrize("size", [1.2, 1.35])
def test_a_giant_in_metric_units_is_no_child_in_feet(tmp_path, unit_m, size):
    positions, rotations = stance()
    giant = Skeleton(
        PERFORMER.names,
        PERFORMER.parents,
        PERFORMER.rest_positions * size,
        tips=PERFORMER.tips * size,
    )
    path = write_bvh(tmp_path / "giant.bvh", positions * size, rotations, giant, unit_m=unit_m)
    assert bvh.read(path).unit_m == unit_m


@pytest.mark.parametrize("written", ["EndSite", "END_SITE", "end effector"])
def test_an_end_site_is_written_in_several_ways(tmp_path, written):
    plain = bvh.read(save(tmp_path, text(values())))
    other = bvh.read(save(tmp_path, text(values()).replace("End Site", written)))
    assert np.array_equal(other.skeleton.tips, plain.skeleton.tips, equal_nan=True)
