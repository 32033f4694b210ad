"""Axis, unit, origin and rest pose of files that say none of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.roles import roles
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.performer.takeover.transfer import Transfer
from understudy.runtime.retarget.retarget import Retarget
from understudy.runtime.takes import bvh, placement
from understudy.runtime.takes.placement import AXES

from .bodies import ROLE, stance, write_bvh

LIMBS = [
    (f"{side}_{a}", f"{side}_{b}")
    for side in ("left", "right")
    for a, b in (("upper_leg", "lower_leg"), ("lower_leg", "foot"),
                 ("upper_arm", "lower_arm"), ("lower_arm", "hand"))
]  # fmt: skip


def without(*parts: str) -> Skeleton:
    """PERFORMER less the joints of these roles and what hangs on them."""
    gone = {ROLE[p] for p in parts}
    for j in range(len(PERFORMER)):
        if int(PERFORMER.parents[j]) in gone:
            gone.add(j)
    keep = [j for j in range(len(PERFORMER)) if j not in gone]
    parents = [keep.index(int(PERFORMER.parents[j])) if j else -1 for j in keep]
    return Skeleton(
        tuple(PERFORMER.names[j] for j in keep),
        np.array(parents),
        PERFORMER.rest_positions[keep],
        tips=PERFORMER.tips[keep],
    )


def part_of(skeleton: Skeleton, positions: np.ndarray, rotations: np.ndarray):
    keep = [PERFORMER.names.index(name) for name in skeleton.names]
    return positions[:, keep], rotations[:, keep]


def limbs_off_deg(clip, positions, rotations) -> float:
    """The largest angle between limbs of the performer, carried over, and the true ones."""
    moved, turned = Retarget(clip.skeleton, PERFORMER).apply(clip.positions, clip.rotations)
    ours, true = (PERFORMER.globals(p, q)[0] for p, q in ((moved, turned), (positions, rotations)))
    worst = 0.0
    for a, b in LIMBS:
        one, two = (rotation.normalize(w[:, ROLE[b]] - w[:, ROLE[a]]) for w in (ours, true))
        worst = max(worst, float(np.arccos(np.clip((one * two).sum(-1), -1, 1)).max()))
    return float(np.rad2deg(worst))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    motion_up=st.sampled_from(AXES),
    rest_up=st.sampled_from(["same", "Y", "Z"]),
    unit_m=st.sampled_from([1.0, 0.01, 0.001, 0.0254]),
    travel_m=st.sampled_from([0.0, 3.0]),
)
def test_any_axes_and_unit_give_the_same_body(tmp_path, motion_up, rest_up, unit_m, travel_m):
    positions, rotations = stance(travel_m=travel_m)
    rest_up = motion_up if rest_up == "same" else rest_up
    clip = bvh.read(
        write_bvh(tmp_path / "body.bvh", positions, rotations, unit_m=unit_m,
                  motion_up=motion_up, rest_up=rest_up)
    )  # fmt: skip
    assert (clip.placement.up, clip.unit_m) == (motion_up, unit_m)
    assert roles(clip.skeleton) == {
        r: clip.skeleton.index(PERFORMER.names[j]) for r, j in ROLE.items()
    }
    assert limbs_off_deg(clip, positions, rotations) < 0.1
    assert np.allclose(clip.positions[:, 0], positions[:, 0], atol=1e-4)
    # The rest pose stands and faces +Z, whatever axes the pose of zero angles has.
    rest = clip.skeleton.rest_globals[0]
    role = roles(clip.skeleton)
    assert rest[role["head"], 1] - rest[role["left_foot"], 1] > 1.3
    assert rest[role["left_upper_leg"], 0] > rest[role["right_upper_leg"], 0]
    said = any("taken for up" in note for note in clip.notes)
    assert said == (motion_up != "Y" or rest_up != motion_up)


@pytest.mark.parametrize("up", ["Z", "-Y", "X"])
@pytest.mark.parametrize(
    "parts",
    [("head",), ("neck",), ("left_toes", "right_toes"), ("left_shoulder", "right_shoulder"),
     ("left_foot", "right_foot"), ("left_upper_leg", "right_upper_leg")],
)  # fmt: skip
def test_a_body_without_some_part_is_stood_up_as_well(tmp_path, up, parts):
    body = without(*parts)
    positions, rotations = part_of(body, *stance(travel_m=2.0))
    path = write_bvh(tmp_path / "part.bvh", positions, rotations, body, motion_up=up, rest_up=up)
    clip = bvh.read(path)
    assert clip.placement.up == up
    assert clip.unit_m == 0.01
    assert any("taken for up" in note for note in clip.notes)


def test_who_lies_down_lies_and_it_is_said(tmp_path):
    positions, rotations = stance()
    lie = rotation.from_axis_angle((1.0, 0.0, 0.0), -0.5 * np.pi)
    rotations[:, 0] = lie
    positions[:, 0] = (0.0, 0.15, 0.0)
    clip = bvh.read(write_bvh(tmp_path / "nap.bvh", positions, rotations))
    assert clip.placement.up == "Y"
    assert any("lies along" in note and "--up" in note for note in clip.notes)


def test_the_user_decides(tmp_path):
    positions, rotations = stance()
    path = write_bvh(tmp_path / "body.bvh", positions, rotations)
    for up in AXES:
        clip = bvh.read(path, up=up, unit_m=0.5)
        assert (clip.placement.up, clip.unit_m) == (up, 0.5)
        assert not any("taken for" in note for note in clip.notes)
    with pytest.raises(UnderstudyError, match="'W' is unknown; it is one of Y, Z, X"):
        bvh.read(path, up="W")


@pytest.mark.parametrize("unit_m", [1.0, 0.01, 0.001, 0.0254])
@pytest.mark.parametrize("size", [0.5, 0.6, 0.8, 1.0, 1.1])
def test_children_and_adults_have_their_unit(tmp_path, unit_m, size):
    if (unit_m, size) == (0.0254, 0.5):
        return  # a leg of 16.5 inches is an adult's in CMU's units
    positions, rotations = stance()
    body = Skeleton(PERFORMER.names, PERFORMER.parents, PERFORMER.rest_positions * size,
                    tips=PERFORMER.tips * size)  # fmt: skip
    path = write_bvh(tmp_path / "child.bvh", positions * size, rotations, body, unit_m=unit_m)
    clip = bvh.read(path)
    assert clip.unit_m == unit_m
    assert any("--unit" in note for note in clip.notes) == (size < 0.75)


def test_a_hand_alone_has_its_unit(tmp_path):
    names, parents, offsets = ["RightHand"], [-1], [(0.0, 0.0, 0.0)]
    for n, finger in enumerate(("Thumb", "Index", "Middle", "Ring", "Pinky")):
        for part in range(1, 4):
            names.append(f"RightHand{finger}{part}")
            parents.append(0 if part == 1 else len(names) - 2)
            offsets.append((-0.09, 0.0, 0.04 - 0.02 * n) if part == 1 else (-0.04, 0.0, 0.0))
    hand = Skeleton(tuple(names), np.array(parents), np.array(offsets), tips=np.full((16, 3), 0.01))
    positions = np.repeat(hand.rest_positions[None], 4, axis=0)
    for unit_m in (0.01, 1.0, 0.001):
        path = write_bvh(tmp_path / "hand.bvh", positions, rotation.identity((4, 16)), hand,
                         unit_m=unit_m)  # fmt: skip
        clip = bvh.read(path)
        assert clip.unit_m == unit_m
        assert any("by its hand" in note for note in clip.notes)
        assert any("which way is up" in note and "--up" in note for note in clip.notes)


@pytest.mark.parametrize("root_unit_m, unit_m", [(0.01, 1.0), (1.0, 0.01), (0.001, 1.0)])
def test_a_root_in_another_unit_is_brought_into_the_skeletons(tmp_path, root_unit_m, unit_m):
    positions, rotations = stance(travel_m=2.0)
    path = write_bvh(tmp_path / "root.bvh", positions, rotations, unit_m=unit_m,
                     root_unit_m=root_unit_m)  # fmt: skip
    clip = bvh.read(path)
    assert clip.unit_m == unit_m
    assert np.allclose(clip.positions[:, 0], positions[:, 0], atol=1e-3)
    assert any("root's positions" in note for note in clip.notes)


def test_kilometres_from_the_origin_is_brought_to_it_and_back(tmp_path):
    positions, rotations = stance(travel_m=3.0)
    path = write_bvh(tmp_path / "far.bvh", positions, rotations, unit_m=1.0, motion_up="Z",
                     rest_up="Z", origin_m=(512_000.0, 300.0, 5_400_000.0))  # fmt: skip
    clip = bvh.read(path)
    assert np.abs(clip.positions[:, 0]).max() < 5.0
    assert any("km from the origin" in note for note in clip.notes)
    back = clip.placement.to_file(clip.positions[:, 0], clip.unit_m)
    assert np.allclose(back, clip.raw.values[:, :3], atol=1e-6)


def test_zero_offsets_take_the_lengths_of_their_channels(tmp_path):
    head = ["HIERARCHY"]
    positions, _ = stance(4)
    names = PERFORMER.names

    def joint(j: int, depth: int) -> None:
        head.append(f"{'ROOT' if j == 0 else 'JOINT'} {names[j]}\n{{\nOFFSET 0 0 0\nCHANNELS 6 "
                    "Xposition Yposition Zposition Zrotation Xrotation Yrotation")  # fmt: skip
        walk.append(j)
        for child in PERFORMER.children(j):
            joint(child, depth + 1)
        head.append("}")

    walk: list[int] = []
    joint(0, 0)
    row = " ".join(f"{v:.4f}" for j in walk for v in (*positions[0, j] * 100, 0, 0, 0))
    path = tmp_path / "zero.bvh"
    path.write_text("\n".join([*head, "MOTION", "Frames: 3", "Frame Time: 0.03", *[row] * 3]))
    clip = bvh.read(path)
    role = roles(clip.skeleton)
    bone = clip.skeleton.rest_positions
    leg = sum(np.linalg.norm(bone[role[f"left_{p}"]]) for p in ("lower_leg", "foot"))
    assert leg == pytest.approx(0.84, abs=1e-3) and clip.unit_m == 0.01
    assert any("OFFSETs of 21 joints are zero" in note for note in clip.notes)
    Transfer(clip.skeleton)


def baked(turns: dict[str, np.ndarray]) -> Skeleton:
    """PERFORMER's body with a pose as the pose of zero angles."""
    pose = rotation.identity(len(PERFORMER))
    for role, turn in turns.items():
        pose[ROLE[role]] = turn
    world = PERFORMER.globals(PERFORMER.rest_positions, pose)[0]
    parents = np.maximum(PERFORMER.parents, 0)
    offsets = world - world[parents]
    offsets[0] = world[0]
    return Skeleton(PERFORMER.names, PERFORMER.parents, offsets)


def as_seen_from(rest: dict[str, np.ndarray], rotations: np.ndarray) -> np.ndarray:
    """Local rotations of the same motion on the body whose zero pose is `rest`."""
    pose = rotation.identity(len(PERFORMER))
    for role, turn in rest.items():
        pose[ROLE[role]] = turn
    zero = PERFORMER.globals(PERFORMER.rest_positions, pose)[1]
    world = PERFORMER.globals(np.zeros(3), rotations)[1]
    delta = rotation.multiply(world, rotation.conjugate(zero))
    return PERFORMER.locals(np.zeros((*delta.shape[:-1], 3)), delta)[1]


@pytest.mark.parametrize(
    "rest, says",
    [
        ({"spine": rotation.from_axis_angle((1, 0, 0), np.radians(15))}, "trunk leans"),
        ({"left_upper_arm": rotation.multiply(
            rotation.from_axis_angle((0, 1, 0), -1.0), rotation.from_axis_angle((0, 0, 1), -0.9)
        )}, "left arm"),
        ({"left_upper_arm": rotation.from_axis_angle((1, 0, 0), 1.05),
          "left_lower_arm": rotation.from_axis_angle((0, 1, 0), -0.9)}, "left elbow is bent"),
    ],
    ids=["lean", "arm ahead", "arm rolled, elbow bent"],
)  # fmt: skip
def test_a_rest_pose_that_stands_and_is_no_t_pose_is_said_and_straightened(tmp_path, rest, says):
    positions, rotations = stance(travel_m=2.0)
    body = baked(rest)
    moved = np.repeat(body.rest_positions[None], len(positions), axis=0)
    moved[:, 0] = positions[:, 0]
    clip = bvh.read(write_bvh(tmp_path / "odd.bvh", moved, as_seen_from(rest, rotations), body))
    assert any(says in note and "--rest" in note for note in clip.notes)
    assert limbs_off_deg(clip, positions, rotations) < 0.5
    _, turned = Retarget(clip.skeleton, PERFORMER).apply(clip.positions, clip.rotations)
    ours, true = (PERFORMER.globals(np.zeros(3), q)[1] for q in (turned, rotations))
    off = np.rad2deg(rotation.angle_between(ours, true)).max(axis=0)
    trunk = [ROLE[r] for r in ("hips", "spine", "chest", "upper_chest")]
    assert off[trunk].max() < 4.0
    arms = [ROLE[r] for r in ("left_upper_arm", "left_lower_arm")]
    assert off[arms].max() < 20.0


def test_a_frame_or_the_zero_pose_can_be_the_rest(tmp_path):
    positions, rotations = stance(travel_m=2.0)
    rotations[7] = rotation.identity(len(PERFORMER))
    lean = {"spine": rotation.from_axis_angle((1, 0, 0), np.radians(15))}
    body = baked(lean)
    moved = np.repeat(body.rest_positions[None], len(positions), axis=0)
    moved[:, 0] = positions[:, 0]
    path = write_bvh(tmp_path / "odd.bvh", moved, as_seen_from(lean, rotations), body)
    clip = bvh.read(path, rest=7)
    _, turned = Retarget(clip.skeleton, PERFORMER).apply(clip.positions, clip.rotations)
    assert np.rad2deg(rotation.angle_between(turned, rotations)).max() < 0.1
    plain = bvh.read(path, rest="t-pose")
    assert np.allclose(plain.skeleton.rest_rotations, rotation.identity(len(PERFORMER)))
    with pytest.raises(UnderstudyError, match=r"frame 99 cannot be the rest .* 0 to 29"):
        bvh.read(path, rest=99)


def test_a_body_with_a_mans_names_on_four_legs_is_no_humanoid(tmp_path):
    positions, _ = stance(travel_m=2.0)
    down = rotation.from_axis_angle((1.0, 0.0, 0.0), 0.5 * np.pi)
    spine, legs = rotation.identity(len(PERFORMER)), rotation.conjugate(down)
    spine[0] = down
    for side, sign in (("left", 1.0), ("right", -1.0)):
        spine[ROLE[f"{side}_upper_leg"]] = legs
        arm = rotation.from_axis_angle((0.0, 0.0, 1.0), -0.5 * np.pi * sign)
        spine[ROLE[f"{side}_upper_arm"]] = rotation.multiply(legs, arm)
    world = PERFORMER.globals(PERFORMER.rest_positions, spine)[0]
    offsets = world - world[np.maximum(PERFORMER.parents, 0)]
    beast = Skeleton(PERFORMER.names, PERFORMER.parents, offsets)
    moved = np.repeat(offsets[None], 30, axis=0)
    moved[:, 0] = positions[:, 0] * [1.0, 0.8, 1.0]
    clip = bvh.read(write_bvh(tmp_path / "dog.bvh", moved, rotation.identity((30, 22)), beast))
    assert roles(clip.skeleton) == {}
    assert clip.placement.up == "Y" and clip.unit_m == 0.01
    assert any("no humanoid" in note for note in clip.notes)


def test_what_a_body_lacks_is_said(tmp_path):
    body = without("left_upper_arm")
    positions, rotations = part_of(body, *stance())
    clip = bvh.read(write_bvh(tmp_path / "arm.bvh", positions, rotations, body))
    assert any("left_upper_arm" in note and "--map" in note for note in clip.notes)
    # The arm that is not known does not swing with its clavicle.
    shrug = clip.rotations.copy()
    shrug[:, clip.skeleton.index("LeftShoulder")] = rotation.from_axis_angle((0, 0, 1), 0.5)
    one, two = (
        Retarget(clip.skeleton, PERFORMER).apply(clip.positions, q)[1]
        for q in (clip.rotations, shrug)
    )
    world = [PERFORMER.globals(np.zeros(3), q)[1][:, ROLE["left_upper_arm"]] for q in (one, two)]
    assert rotation.angle_between(*world).max() < 1e-6


def test_another_users_clip_keeps_its_placement_when_cut(tmp_path):
    positions, rotations = stance()
    clip = bvh.read(write_bvh(tmp_path / "z.bvh", positions, rotations, motion_up="Z"))
    assert clip.cut(3).placement.up == "Z"
    assert replace(clip, name="x").placement is clip.placement


@pytest.mark.parametrize("leg_m", [0.38, 0.55, 0.85, 1.13])
@pytest.mark.parametrize("unit_m", [1.0, 0.1, 0.01, 0.0254, 0.3048])
def test_the_unit_of_an_unusual_body_is_guessed_or_said_to_be_uncertain(leg_m, unit_m):
    """The note names what --unit to give wherever the guess is wrong."""
    scale = leg_m / 0.84 / unit_m  # the performer's leg, hip to ankle
    rest = PERFORMER.rest_positions * scale
    body = Skeleton(PERFORMER.names, PERFORMER.parents, rest)
    guessed, note = placement.guess_unit(body, float(np.ptp(body.rest_globals[0][:, 1])))
    assert guessed == pytest.approx(unit_m) or f"(--unit {unit_m:g})" in note


@pytest.mark.parametrize("unit_m", [1.0, 0.01, 0.001, 0.0254])
@pytest.mark.parametrize("neck_m", [0.0, 0.09])
def test_a_head_is_as_high_as_heads_are(unit_m, neck_m):
    """Of a head alone, with a neck or without, the height over the ground tells the unit."""
    names = ("Neck", "Head") if neck_m else ("Head",)
    offsets = np.array([[0.0, 0.0, 0.0], [0.0, neck_m / unit_m, 0.0]])[: len(names)]
    head = Skeleton(names, np.arange(len(names)) - 1, offsets)
    guessed, note = placement.guess_unit(head, neck_m / unit_m, 1.6 / unit_m)
    assert guessed == pytest.approx(unit_m) or f"(--unit {unit_m:g})" in note
    assert guessed * 1.6 / unit_m < 2.0
