"""Retargeting: directions agree, feet stand, left stays left."""

from __future__ import annotations

import numpy as np
import pytest

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER, roles
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.retarget import retarget as module
from understudy.runtime.retarget.retarget import Retarget, t_pose
from understudy.runtime.takes import bvh
from understudy.runtime.takes.clip import without_tpose

ROLE = roles(PERFORMER)
BONES = [
    (f"{side}_{a}", f"{side}_{b}")
    for side in ("left", "right")
    for a, b in (
        ("upper_leg", "lower_leg"),
        ("lower_leg", "foot"),
        ("upper_arm", "lower_arm"),
        ("lower_arm", "hand"),
    )
]


def motion(frames: int = 40, seed: int = 3):
    """Wild but continuous motion of the performer."""
    rng = np.random.default_rng(seed)
    knots = rng.normal(scale=0.5, size=(4, len(PERFORMER), 3))
    t = np.linspace(0, 3, frames)
    vectors = np.stack([np.stack([np.interp(t, range(4), knots[:, j, a]) for a in range(3)], -1)
                        for j in range(len(PERFORMER))], axis=1)  # fmt: skip
    positions = np.repeat(PERFORMER.rest_positions[None], frames, axis=0)
    positions[:, 0, [0, 2]] += np.cumsum(rng.normal(scale=0.01, size=(frames, 2)), axis=0)
    return positions, rotation.from_rotation_vector(vectors)


def variant(turn: np.ndarray, scale: float = 1.0) -> Skeleton:
    """The performer's body with other joint axes (turn (J, 4) in the world) and another size."""
    world_p, world_r = PERFORMER.rest_globals
    axes = rotation.multiply(world_r, turn)
    local_p, local_r = PERFORMER.locals(world_p * scale, axes)
    return Skeleton(PERFORMER.names, PERFORMER.parents, local_p, local_r)


def test_onto_itself_nothing_changes():
    positions, rotations = motion()
    moved, turned = Retarget(PERFORMER, PERFORMER).apply(positions, rotations)
    assert np.allclose(moved, positions, atol=1e-9)
    assert rotation.angle_between(turned, rotations).max() < 1e-6


def test_there_and_back_over_other_axes_and_another_size_nothing_is_lost():
    rng = np.random.default_rng(0)
    other = variant(rotation.normalize(rng.normal(size=(len(PERFORMER), 4))), scale=1.3)
    positions, rotations = motion()
    there = Retarget(PERFORMER, other)
    assert there.scale == pytest.approx(1.3)
    moved, turned = Retarget(other, PERFORMER).apply(*there.apply(positions, rotations))
    assert rotation.angle_between(turned, rotations).max() < 1e-6
    assert np.allclose(moved, positions, atol=1e-9)


def test_a_rest_pose_with_the_arms_down_gives_the_same_motion():
    down = rotation.identity(len(PERFORMER))
    rest = down.copy()
    for side, sign in (("left", -1.0), ("right", 1.0)):
        rest[ROLE[f"{side}_upper_arm"]] = rotation.from_axis_angle([0, 0, 1.0], sign * 1.2)
    a_pose = Skeleton(PERFORMER.names, PERFORMER.parents, PERFORMER.rest_positions, rest)
    positions, rotations = motion()
    _, turned = Retarget(a_pose, PERFORMER).apply(positions, rotations)
    off = rotation.angle_between(
        PERFORMER.globals(positions, turned)[1], PERFORMER.globals(positions, rotations)[1]
    )
    assert off.max() < 1e-6


def test_any_leading_axes_and_a_single_pose():
    positions, rotations = motion(6)
    retarget = Retarget(PERFORMER, PERFORMER)
    whole = retarget.apply(positions, rotations)
    grid = retarget.apply(positions.reshape(2, 3, 22, 3), rotations.reshape(2, 3, 22, 4))
    one = retarget.apply(positions[4], rotations[4])
    assert np.allclose(grid[1].reshape(6, 22, 4), whole[1])
    assert np.allclose(one[0], whole[0][4]) and np.allclose(one[1], whole[1][4])


def test_what_is_no_humanoid_is_refused_in_a_sentence():
    crane = Skeleton(("base", "boom", "hook"), np.array([-1, 0, 1]), np.ones((3, 3)))
    with pytest.raises(UnderstudyError, match=r"3 joints is no humanoid .*base, boom, hook"):
        Retarget(crane, PERFORMER)


def test_the_t_pose_stands_up_whatever_the_axes():
    for axis in np.eye(3):
        lay = rotation.from_axis_angle(axis, 0.5 * np.pi)
        rest = PERFORMER.rest_positions.copy()
        lying = Skeleton(PERFORMER.names, PERFORMER.parents, rotation.rotate(lay, rest))
        world = t_pose(lying)[0]
        assert world[ROLE["head"], 1] - world[ROLE["left_foot"], 1] > 1.3
        assert world[ROLE["left_hand"], 0] - world[ROLE["right_hand"], 0] > 1.2


def load(mocap, name):
    clip = without_tpose(bvh.read(mocap / f"{name}.bvh"))
    retarget = Retarget(clip.skeleton, PERFORMER)
    moved, turned = retarget.grounded(clip.positions, clip.rotations, clip.rate_hz)
    source = clip.skeleton.globals(clip.positions, clip.rotations)[0]
    return clip, retarget, source, PERFORMER.globals(moved, turned)[0]


REAL = ["cmu/walking_1", "cmu/running_1", "cmu/jumping_1", "cmu_dance/salsa_01",
        "cmu_dance/martial_03", "cc_rig/002_01", "cc_rig/007_04", "cc_rig/006_01"]  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_limbs_point_where_the_source_s_point_and_left_stays_left(mocap, name):
    clip, _, source, target = load(mocap, name)
    theirs = roles(clip.skeleton)
    for a, b in BONES:
        x = rotation.normalize(source[:, theirs[b]] - source[:, theirs[a]])
        y = rotation.normalize(target[:, ROLE[b]] - target[:, ROLE[a]])
        off_deg = np.rad2deg(np.arccos(np.clip(np.sum(x * y, axis=-1), -1, 1)))
        # Arms to the bit; legs bend by a few degrees to keep the feet out of the floor.
        assert np.median(off_deg) < (0.01 if "arm" in a else 6.0)
    for part in ("upper_leg", "hand"):
        x = source[:, theirs[f"left_{part}"]] - source[:, theirs[f"right_{part}"]]
        y = target[:, ROLE[f"left_{part}"]] - target[:, ROLE[f"right_{part}"]]
        assert np.mean(np.sum(x * y, axis=-1) > 0.0) > 0.98


@pytest.mark.parametrize("name", REAL)
def test_feet_stand_on_the_ground_and_never_in_it(mocap, name):
    clip, _, _, target = load(mocap, name)
    stood = []
    for side in ("left", "right"):
        toes, ankle = target[:, ROLE[f"{side}_toes"]], target[:, ROLE[f"{side}_foot"]]
        assert toes[:, 1].min() > 0.015 - 0.002 and ankle[:, 1].min() > 0.07 - 0.002
        speed = np.linalg.norm(np.gradient(toes, 1 / clip.rate_hz, axis=0), axis=-1)
        standing = speed <= np.percentile(speed, 20)
        stood.append(np.minimum(toes[standing, 1] - 0.015, ankle[standing, 1] - 0.07))
    assert np.median(np.concatenate(stood)) < 0.025


def test_a_run_on_the_spot_is_not_pushed_into_the_ground():
    frames = 120
    phase = np.linspace(0.0, 8.0 * np.pi, frames)
    rotations = rotation.identity((frames, len(PERFORMER)))
    for side, shift in (("left", 0.0), ("right", np.pi)):
        swing = np.sin(phase + shift)
        lift = np.maximum(0.0, np.cos(phase + shift))
        for part, angle in (("upper_leg", -0.6 * swing - 0.6 * lift), ("lower_leg", 1.6 * lift)):
            rotations[:, ROLE[f"{side}_{part}"]] = rotation.from_axis_angle([1.0, 0, 0], angle)
    positions = np.repeat(PERFORMER.rest_positions[None], frames, axis=0)
    retarget = Retarget(PERFORMER, PERFORMER)
    retarget.level(positions, rotations)
    assert abs(retarget.lift_m) < 0.06


def test_knees_do_not_snap_when_feet_are_lifted(mocap):
    knees = [ROLE[f"{side}_lower_leg"] for side in ("left", "right")]
    for name in ("cmu/walking_33", "cmu/walking_26", "cmu/walking_50"):
        clip = without_tpose(bvh.read(mocap / f"{name}.bvh"))
        retarget = Retarget(clip.skeleton, PERFORMER)
        _, lifted = retarget.grounded(clip.positions, clip.rotations, clip.rate_hz)
        _, plain = retarget.apply(clip.positions, clip.rotations)
        fast = [rotation.angle_between(q[1:, knees], q[:-1, knees]).max() for q in (lifted, plain)]
        assert fast[0] < 1.3 * fast[1]


def test_travel_is_scaled_with_the_legs(mocap):
    clip, retarget, source, target = load(mocap, "cmu_dance/salsa_01")
    hips = roles(clip.skeleton)["hips"]
    theirs = np.diff(source[[0, -1], hips][:, [0, 2]], axis=0)
    ours = np.diff(target[[0, -1], ROLE["hips"]][:, [0, 2]], axis=0)
    assert np.allclose(ours, theirs * retarget.scale, atol=1e-9)
    assert 1.0 < retarget.scale < 1.3


def test_a_long_clip_in_pieces_is_the_clip_and_its_progress_is_told(monkeypatch):
    rng = np.random.default_rng(3)
    count = 300
    turns = rotation.from_rotation_vector(rng.normal(0.0, 0.1, (1, len(PERFORMER), 3)))
    swing = np.sin(np.linspace(0.0, 9.0, count))[:, None, None]
    turns = rotation.from_rotation_vector(swing * rotation.to_rotation_vector(turns))
    places = np.broadcast_to(PERFORMER.rest_positions, (count, len(PERFORMER), 3)).copy()
    places[:, 0, 1] -= 0.1 * np.abs(swing[:, 0, 0])  # feet go through the floor
    whole_p, whole_r = Retarget(PERFORMER, PERFORMER).grounded(places, turns, 60.0)
    monkeypatch.setattr(module, "PIECE", 7)
    told: list[tuple[int, int]] = []
    piece_p, piece_r = Retarget(PERFORMER, PERFORMER).grounded(
        places, turns, 60.0, lambda done, total: told.append((done, total))
    )
    np.testing.assert_allclose(piece_p, whole_p, atol=1e-12)
    np.testing.assert_allclose(piece_r, whole_r, atol=1e-9)
    assert told[0] == (7, count) and told[-1] == (count, count)


def test_joints_that_carry_no_role_are_not_worked_on():
    fingers = 40
    names = (*PERFORMER.names, *(f"LeftHandIndex{k}" for k in range(fingers)))
    parents = [*PERFORMER.parents, *[PERFORMER.index("LeftHand")] * fingers]
    rest = np.concatenate([PERFORMER.rest_positions, np.full((fingers, 3), 0.05)])
    retarget = Retarget(Skeleton(names, np.array(parents), rest), PERFORMER)
    assert len(retarget._carriers) == len(PERFORMER)
