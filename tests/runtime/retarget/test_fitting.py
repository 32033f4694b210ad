"""A body onto a character: feet on its floor, hands that touch, other spines and fingers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.runtime.retarget.test_retarget import motion, variant
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER, roles
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.retarget.fitting import Figure, Fitting
from understudy.runtime.retarget.profile import Profile
from understudy.runtime.takes import bvh
from understudy.runtime.takes.carrying import carried
from understudy.runtime.takes.clip import without_tpose

ROLE = roles(PERFORMER)


def stretched(**by: float) -> Skeleton:
    """The performer with bones of other lengths: role of the joint at a bone's end -> factor."""
    offsets = PERFORMER.rest_positions.copy()
    for role, factor in by.items():
        for side in ("left", "right"):
            offsets[ROLE[f"{side}_{role}"]] *= factor
    leg = sum(offsets[ROLE[f"left_{p}"], 1] for p in ("upper_leg", "lower_leg", "foot", "toes"))
    offsets[0, 1] = 0.015 - leg
    return Skeleton(PERFORMER.names, PERFORMER.parents, offsets, tips=PERFORMER.tips)


def test_onto_itself_nothing_changes():
    positions, rotations = motion()
    positions[:, 0, 1] += 1.0  # off the floor, which feet do not enter
    moved, turned = Fitting(PERFORMER, Figure(PERFORMER)).apply(positions, rotations)
    assert np.allclose(moved, positions, atol=1e-9)
    assert rotation.angle_between(turned, rotations).max() < 1e-6


def test_there_and_back_over_other_axes_and_another_size():
    rng = np.random.default_rng(1)
    other = variant(rotation.normalize(rng.normal(size=(len(PERFORMER), 4))), scale=1.4)
    back = rotation.conjugate(other.rest_globals[1])
    other = replace(other, tips=1.4 * rotation.rotate(back, PERFORMER.tips))
    positions, rotations = stepping(40)
    there = Fitting(PERFORMER, Figure(other)).apply(positions, rotations)
    moved, turned = Fitting(other, Figure(PERFORMER)).apply(*there)
    world, _ = PERFORMER.globals(moved, turned)
    truth, _ = PERFORMER.globals(positions, rotations)
    assert np.linalg.norm(world - truth, axis=-1).max() < 0.005
    assert np.degrees(rotation.angle_between(turned, rotations).max()) < 2.0


def stepping(frames: int) -> tuple[np.ndarray, np.ndarray]:
    """A body that moves as bodies do: knees and elbows are hinges."""
    positions, rotations = motion(frames, seed=9)
    positions[:, 0, 1] += 1.0
    swing = 0.2 + 0.8 * np.abs(np.sin(np.linspace(0, 6, frames)))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        for part, axis in (("lower_leg", [1.0, 0.0, 0.0]), ("lower_arm", [0.0, -sign, 0.0])):
            rotations[:, ROLE[f"{side}_{part}"]] = rotation.from_axis_angle(axis, swing)
    return positions, rotations


def test_many_at_once_are_as_one_by_one():
    positions, rotations = motion(8)
    fitting = Fitting(PERFORMER, Figure(stretched(lower_leg=0.8, hand=1.2)))
    many = fitting.apply(positions, rotations)
    for n in (0, 7):
        one = fitting.apply(positions[n], rotations[n])
        assert np.allclose(one[0], many[0][n]) and np.allclose(one[1], many[1][n])


BODIES = {
    "short shins": stretched(foot=0.7),
    "short thighs": stretched(lower_leg=0.7),
    "long legs": stretched(lower_leg=1.2, foot=1.3),
    "big feet": stretched(toes=1.6),
}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("name", ["walking_1", "running_1"])
def test_feet_stand_on_the_floor_and_slide_no_more_than_the_actors(mocap, body, name):
    clip = without_tpose(bvh.read(mocap / "cmu" / f"{name}.bvh"))
    target = BODIES[body]
    shown = carried(clip, Figure(target))
    scale = Fitting(clip.skeleton, Figure(target)).scale
    world = target.globals(shown.positions, shown.rotations)[0]
    truth = clip.skeleton.globals(clip.positions, clip.rotations)[0]
    role = roles(clip.skeleton)
    soles = Fitting(target, Figure(target)).soles_m(shown.positions, shown.rotations)
    for side in ("left", "right"):
        ball, theirs = world[:, ROLE[f"{side}_toes"]], truth[:, role[f"{side}_toes"]]
        step = np.linalg.norm(np.diff(ball[:, [0, 2]], axis=0), axis=-1)
        actor = np.linalg.norm(np.diff(theirs[:, [0, 2]], axis=0), axis=-1)
        stands = theirs[1:, 1] < np.percentile(theirs[:, 1], 30)
        stands &= actor * clip.rate_hz < 0.4
        assert abs(np.median(soles[1:, int(side == "right")][stands])) < 0.01
        assert np.mean(step[stands]) < 1.2 * scale * np.mean(actor[stands]) + 1e-4


def slide(skeleton: Skeleton, positions: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """(T - 1, 2) how far the balls of both feet move on the ground, in lengths of the leg."""
    own = Fitting(skeleton, Figure(skeleton))
    role, rest_p = own.retarget.target_role, own.retarget.target_p
    leg = [rest_p[role[f"left_{part}"]] for part in ("upper_leg", "lower_leg", "foot")]
    leg_m = np.linalg.norm(np.diff(leg, axis=0), axis=-1).sum()
    balls = own.soles(positions, rotations)[:, :, 1]
    return np.linalg.norm(np.diff(balls[..., [0, 2]], axis=0), axis=-1) / leg_m


def test_a_toy_with_hips_as_wide_as_its_legs_are_short_slides_no_more_than_the_actor(mocap):
    toy = stretched(lower_leg=0.45, foot=0.45, toes=1.5, upper_leg=2.0)
    clip = without_tpose(bvh.read(mocap / "cmu" / "02_05.bvh")).cut(0, 480)
    shown = carried(clip, Figure(toy))
    there = slide(clip.skeleton, clip.positions, clip.rotations)
    here = slide(toy, shown.positions, shown.rotations)
    high = Fitting(clip.skeleton, Figure(clip.skeleton)).soles(clip.positions, clip.rotations)
    high = high[1:, :, 1, 1]
    stands = (there * clip.rate_hz < 0.3) & (high < np.percentile(high, 30, axis=0))
    assert stands.sum() > 200
    assert here[stands].mean() < 1.2 * there[stands].mean()


def test_hips_of_such_a_toy_know_the_way_back(mocap):
    """They come down where legs under hips so wide would not reach, and went only half way up."""
    toy = stretched(lower_leg=0.45, foot=0.45, toes=1.5, upper_leg=2.0)
    clip = without_tpose(bvh.read(mocap / "cmu" / "walking_1.bvh")).cut(0, 240)
    back = carried(carried(clip, Figure(toy)), Figure(clip.skeleton))
    truth, truth_r = clip.skeleton.globals(clip.positions, clip.rotations)
    world, world_r = clip.skeleton.globals(back.positions, back.rotations)
    high = (world - truth)[:, roles(clip.skeleton)["hips"], 1]
    assert high.std() < 0.01
    thighs = [roles(clip.skeleton)[f"{side}_upper_leg"] for side in ("left", "right")]
    assert np.degrees(rotation.angle_between(world_r, truth_r)[:, thighs]).mean() < 2.5


def test_soles_that_a_mesh_tells_are_undone_on_the_way_back(mocap):
    """A character in thick boots, whose motion is carried back with and without its floor."""
    clip = without_tpose(bvh.read(mocap / "cmu" / "walking_1.bvh")).cut(0, 240)
    boots = Figure(PERFORMER, floor_m=-0.05)
    shown = carried(clip, boots)
    truth = clip.skeleton.globals(clip.positions, clip.rotations)[0]
    role, off_m = roles(clip.skeleton), []
    for floor_m in (boots.floor_m, None):
        back = carried(shown, Figure(clip.skeleton), None, floor_m)
        world = clip.skeleton.globals(back.positions, back.rotations)[0]
        feet = (world - truth)[:, [role["left_toes"], role["right_toes"]]][..., [0, 2]]
        off_m.append(np.linalg.norm(feet, axis=-1).mean())
    assert off_m[0] < 0.002 and off_m[1] > 3.0 * off_m[0], off_m


def prayer(gap_m: float) -> np.ndarray:
    """(J, 4) hands in front of the chest, so far from each other, by bent elbows."""
    rotations = rotation.identity(len(PERFORMER))
    low, high = 0.0, 2.4
    for _ in range(40):
        bend = 0.5 * (low + high)
        for side, sign in (("left", 1.0), ("right", -1.0)):
            ahead = rotation.from_axis_angle([0.0, -sign, 0.0], 0.9)
            down = rotation.from_axis_angle([0.0, 0.0, -sign], 0.7)
            rotations[ROLE[f"{side}_upper_arm"]] = rotation.multiply(ahead, down)
            rotations[ROLE[f"{side}_lower_arm"]] = rotation.from_axis_angle([0.0, -sign, 0.0], bend)
        apart = palms(PERFORMER, PERFORMER.rest_positions, rotations)
        low, high = (bend, high) if apart > gap_m else (low, bend)
    return rotations


def palms(skeleton: Skeleton, positions: np.ndarray, rotations: np.ndarray) -> float:
    world, turn = skeleton.globals(positions, rotations)
    left, right = ROLE["left_hand"], ROLE["right_hand"]
    reach = np.array([0.09, 0.0, 0.0])
    return float(
        np.linalg.norm(
            world[left] + rotation.rotate(turn[left], reach)
            - world[right] - rotation.rotate(turn[right], -reach)
        )
    )  # fmt: skip


@pytest.mark.parametrize("body", [{"hand": 1.4}, {"upper_arm": 1.3}, {"lower_arm": 0.8}])
def test_hands_that_touched_still_touch(body):
    rotations = prayer(0.06)
    there = palms(PERFORMER, PERFORMER.rest_positions, rotations)
    assert there == pytest.approx(0.06, abs=0.01)
    target = stretched(**body)
    with_goals = Fitting(PERFORMER, Figure(target)).apply(PERFORMER.rest_positions, rotations)
    free = Figure(target, Profile(hands=False))
    without = Fitting(PERFORMER, free).apply(PERFORMER.rest_positions, rotations)
    assert abs(palms(target, *with_goals) - there) < 0.02
    assert abs(palms(target, *without) - there) > 0.03  # or it proves nothing


def test_a_spine_of_five_bends_as_one_of_three_all_along():
    spine = [f"spine_0{n}" for n in range(1, 6)]
    names = ["Hips", *spine, *PERFORMER.names[4:]]
    parents, offsets = [-1, *range(5)], [PERFORMER.rest_positions[0]]
    offsets += [np.array([0.0, 0.066, -0.003])] * 5
    for j in range(4, len(PERFORMER)):
        above = PERFORMER.names[PERFORMER.parents[j]]
        parents.append(5 if above == "Spine2" else names.index(above))
        offsets.append(PERFORMER.rest_positions[j])
    target = Skeleton(tuple(names), np.array(parents), np.array(offsets))
    rotations = rotation.identity(len(PERFORMER))
    for role in ("spine", "chest", "upper_chest"):
        rotations[ROLE[role]] = rotation.from_axis_angle([1.0, 0.0, 0.0], 0.3)
    _, turned = Fitting(PERFORMER, Figure(target)).apply(PERFORMER.rest_positions, rotations)
    bent = rotation.to_rotation_vector(turned[1:6])[:, 0]
    assert bent.sum() == pytest.approx(0.9, abs=1e-6)
    assert bent.min() > 0.05 and bent.max() < 0.35


def handed(joints: int, curl_rad: float = 0.0) -> Skeleton:
    """The performer with a left index finger of so many joints, curled at rest."""
    names, parents = list(PERFORMER.names), PERFORMER.parents.tolist()
    offsets = [*PERFORMER.rest_positions]
    at, turn = ROLE["left_hand"], np.array([1.0, 0.0, 0.0])
    for n in range(joints):
        names.append(f"LeftIndex{n + 1}")
        parents.append(at)
        offsets.append(turn * (0.09 if n == 0 else 0.09 / joints))
        turn = rotation.rotate(rotation.from_axis_angle([0.0, 0.0, -1.0], curl_rad), turn)
        at = len(names) - 1
    names.append("LeftIndexTip")
    parents.append(at)
    offsets.append(turn * 0.03)
    return Skeleton(tuple(names), np.array(parents), np.array(offsets))


@pytest.mark.parametrize(("source", "target"), [(3, 3), (3, 2), (2, 3)])
def test_fingers_point_where_the_actors_do_however_many_joints_and_curled_at_rest(source, target):
    glove, hand = handed(source), handed(target, curl_rad=0.2)
    rotations = rotation.identity(len(glove))
    for n in range(source):
        joint = glove.index(f"LeftIndex{n + 1}")
        rotations[joint] = rotation.from_axis_angle([0.0, 0.0, -1.0], 0.9 / source)
    moved, turned = Fitting(glove, Figure(hand)).apply(glove.rest_positions, rotations)
    for skeleton, pose in ((glove, (glove.rest_positions, rotations)), (hand, (moved, turned))):
        world, _ = skeleton.globals(*pose)
        last = world[skeleton.index("LeftIndexTip")] - world[-2]
        angle = np.arctan2(-last[1], last[0])
        assert angle == pytest.approx(0.9, abs=0.02)


def test_a_twist_joint_takes_its_share_of_the_hands_turn():
    elbow = ROLE["left_lower_arm"]
    names = (*PERFORMER.names, "LeftForeArmTwist")
    target = Skeleton(
        names,
        np.array([*PERFORMER.parents, elbow]),
        np.array([*PERFORMER.rest_positions, 0.6 * PERFORMER.rest_positions[ROLE["left_hand"]]]),
    )
    rotations = rotation.identity(len(PERFORMER))
    rotations[ROLE["left_hand"]] = rotation.from_axis_angle([1.0, 0.0, 0.0], 1.0)
    _, turned = Fitting(PERFORMER, Figure(target)).apply(PERFORMER.rest_positions, rotations)
    assert rotation.to_rotation_vector(turned[-1]) == pytest.approx([0.6, 0.0, 0.0], abs=1e-6)


def test_knees_and_elbows_never_bend_the_wrong_way():
    positions, rotations = stepping(60)
    for target in (stretched(foot=1.4), stretched(hand=0.6), stretched(upper_arm=2.0)):
        moved, turned = Fitting(PERFORMER, Figure(target)).apply(positions, rotations)
        world, turn = target.globals(moved, turned)
        for side in ("left", "right"):
            hip, knee, ankle = (
                world[:, ROLE[f"{side}_{p}"]] for p in ("upper_leg", "lower_leg", "foot")
            )
            ahead = rotation.rotate(turn[:, ROLE[f"{side}_upper_leg"]], np.array([0.0, 0.0, 1.0]))
            middle = hip + (ankle - hip) * 0.5
            assert ((knee - middle) * ahead).sum(-1).min() > -0.02


def test_a_profile_turns_the_rest_pose_and_is_one_sentence_where_it_is_wrong():
    profile = Profile(offsets_deg={"left_upper_arm": (0.0, 0.0, -30.0)})
    plain = Fitting(PERFORMER, Figure(PERFORMER, Profile(hands=False)))
    turned = Fitting(PERFORMER, Figure(PERFORMER, replace_profile(profile)))
    pose = PERFORMER.rest_positions, rotation.identity(len(PERFORMER))
    arm = ROLE["left_upper_arm"]
    between = rotation.angle_between(plain.apply(*pose)[1][arm], turned.apply(*pose)[1][arm])
    assert np.degrees(between) == pytest.approx(30.0)
    with pytest.raises(Exception, match="'nose', which is no role and no joint"):
        Fitting(PERFORMER, Figure(PERFORMER, Profile(offsets_deg={"nose": (0.0, 0.0, 1.0)})))


def replace_profile(profile: Profile) -> Profile:
    return Profile(offsets_deg=profile.offsets_deg, hands=False)


def test_contacts_go_to_the_characters_joints():
    other = replace(PERFORMER, names=tuple(reversed_names()))
    fitting = Fitting(PERFORMER, Figure(other))
    said = np.array([[ROLE["left_toes"], 0.7], [ROLE["right_foot"], 0.2]])
    assert fitting.contacts(said)[:, 0].tolist() == [ROLE["left_toes"], ROLE["right_foot"]]


def reversed_names() -> list[str]:
    return [f"rig_{name}" for name in PERFORMER.names]
