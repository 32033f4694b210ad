"""Rigs as products write them, whole: who has which role, and whether motion comes over right."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.runtime.core.product_rigs import RIGS, rig
from understudy.runtime.core import rotation
from understudy.runtime.core.roles import ARM, LEG, SIDES, guess, roles
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.retarget.drivers import drivers
from understudy.runtime.retarget.fingers import fingers
from understudy.runtime.retarget.fitting import Figure, Fitting
from understudy.runtime.retarget.profile import Profile

BONES = [
    (f"{side}_{a}", f"{side}_{b}")
    for side in SIDES
    for limb in (LEG[:3], ARM[1:])
    for a, b in itertools.pairwise(limb)
]


@pytest.mark.parametrize("name", RIGS)
def test_every_joint_has_the_role_that_its_product_gives_it(name):
    skeleton, expected, _ = rig(name)
    found = {role: skeleton.names[j] for role, j in roles(skeleton).items()}
    assert found == expected
    assert not any("--map" in note for note in guess(skeleton).notes)


@pytest.mark.parametrize("name", RIGS)
@pytest.mark.parametrize("suffix", ["_end", "_leaf"])
def test_ends_that_exporters_hang_on_every_bone_change_nothing(name, suffix):
    """Blender's exporter, FBX and Assimp end chains so; fingers have up to five joints then."""
    skeleton, expected, joints = rig(name)
    leaves = [j for j in range(len(skeleton)) if not skeleton.children(j)]
    more = Skeleton(
        (*skeleton.names, *(f"{skeleton.names[j]}{suffix}" for j in leaves)),
        np.array([*skeleton.parents, *leaves]),
        np.concatenate([skeleton.rest_positions, [[0.0, 0.03, 0.0]] * len(leaves)]),
    )
    assert {role: more.names[j] for role, j in roles(more).items()} == expected
    driven = drivers(more, more)
    for bones in joints.values():  # each finger's own bones are its own, from knuckle to tip
        for bone in bones:
            assert more.names[driven.first[more.index(bone)]] == bone


@pytest.mark.parametrize("name", RIGS)
def test_fingers_are_found_by_their_names_without_palms_and_tips(name):
    skeleton, _, expected = rig(name)
    found = fingers(skeleton)
    for (side, finger), joints in expected.items():
        mine = [j for (s, f, _), j in sorted(found.items()) if (s, f) == (side, finger)]
        names = [skeleton.names[j] for j in mine]
        assert [one for one in names if one in joints] == joints, (side, finger, names)


@pytest.mark.parametrize("name", RIGS)
def test_a_pose_comes_over_to_a_rig_that_stands_otherwise(name):
    """An A-pose, Z up, in centimetres, onto which a bent body with a fist is carried."""
    source, _, bent_fingers = rig("Mixamo")
    target, _, own_fingers = rig(name, down_rad=np.radians(40))
    stand = rotation.from_axis_angle([1.0, 0.0, 0.0], np.pi / 2)
    target = Skeleton(target.names, target.parents,
                      100.0 * rotation.rotate(stand, target.rest_positions))  # fmt: skip
    rng, there = np.random.default_rng(5), roles(source)
    turns = source.rest_rotations.copy()
    for part in ("hips", "spine", "chest", "neck", "head", *(a for a, _ in BONES)):
        turns[there[part]] = rotation.from_rotation_vector(0.5 * rng.standard_normal(3))
    for (side, finger), joints in bent_fingers.items():
        if finger != "thumb":
            curl = rotation.from_axis_angle([0.0, 0.0, -1.0 if side == "left" else 1.0], 0.8)
            turns[[source.index(joint) for joint in joints]] = curl
    fitting = Fitting(source, Figure(target, Profile(feet=False, hands=False)))
    moved, turned = fitting.apply(source.rest_positions, turns)
    world_s = source.globals(source.rest_positions, turns)[0]
    world_t = target.globals(moved, turned)[0]
    ours = roles(target)
    for a, b in BONES:
        one = rotation.normalize(world_s[there[b]] - world_s[there[a]])
        other = rotation.normalize(world_t[ours[b]] - world_t[ours[a]])
        assert np.degrees(np.arccos(np.clip(one @ other, -1, 1))) < 1.5, (a, b)
    # What hangs beside a bone and has no part of its own follows the joint above it.
    driven = fitting.retarget.driven.own | np.isin(np.arange(len(target)), fitting._twist.joints)
    beside = [j for j in range(1, len(target)) if not driven[j]]
    followed = rotation.angle_between(turned[beside], target.rest_rotations[beside])
    assert followed.max(initial=0.0) < 1e-6, [
        target.names[beside[k]] for k in np.flatnonzero(followed > 1e-6)
    ]
    for which in own_fingers:
        if which[1] == "thumb":  # nobody agrees where a straight one points
            continue
        one, other = (
            _bones(world, [body.index(n) for n in joints[which]])
            for world, body, joints in (
                (world_s, source, bent_fingers),
                (world_t, target, own_fingers),
            )
        )
        off = np.degrees(np.arccos(np.clip((one * other).sum(-1), -1, 1)))
        assert off.max() < 3.0, which


def _bones(world: np.ndarray, joints: list[int]) -> np.ndarray:
    return rotation.normalize(np.diff(world[joints], axis=0))
