"""The legs of any humanoid skeleton: reached, never stretched, all bodies as one alone."""

from __future__ import annotations

import numpy as np
import pytest

from tests.runtime.performer.rigs import bones_along_x, root_above_hips
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.kinematics import doubling, world_positions, world_rotations
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.performer.ik.rig_legs import RigLegs

RIGS = {"performer": lambda: PERFORMER, "along x": bones_along_x, "root": root_above_hips}


@pytest.mark.parametrize("rig", RIGS)
def test_legs_reach_without_being_stretched(rig):
    skeleton = RIGS[rig]()
    legs, steps = RigLegs(skeleton), doubling(skeleton.parents)
    both = np.array([True, True])
    positions, rotations = skeleton.rest_positions.copy(), skeleton.rest_rotations.copy()
    world_r = world_rotations(rotations, steps)
    world_p = world_positions(positions, world_r, steps)
    goal = world_p[legs.ankle] + np.array([0.03, 0.12, 0.1])
    feet = world_r[legs.ankle].copy()
    legs.reach(world_p, world_r, goal, feet, rotations, both)
    out_p, out_r = skeleton.globals(positions, rotations)
    assert np.abs(out_p[legs.ankle] - goal).max() < 1e-6
    assert rotation.angle_between(out_r[legs.ankle], feet).max() < 1e-6
    assert (out_p[legs.knee, 2] > out_p[legs.hip, 2] + 0.05).all()  # knees bend forward
    legs.reach(world_p, world_r, goal - [0.0, 0.9, 0.0], feet, rotations, both)
    out_p = skeleton.globals(positions, rotations)[0]
    for a, b in ((legs.hip, legs.knee), (legs.knee, legs.ankle)):
        was = np.linalg.norm(world_p[a] - world_p[b], axis=-1)
        assert np.linalg.norm(out_p[a] - out_p[b], axis=-1) == pytest.approx(was)


def test_many_bodies_are_bent_as_each_alone():
    skeleton, rng = bones_along_x(), np.random.default_rng(0)
    legs, steps = RigLegs(skeleton), doubling(skeleton.parents)
    turn = rotation.from_rotation_vector(rng.normal(0.0, 0.3, (5, len(skeleton), 3)))
    rotations = rotation.multiply(skeleton.rest_rotations, turn)
    world_r = world_rotations(rotations, steps)
    positions = np.repeat(skeleton.rest_positions[None], 5, axis=0)
    world_p = world_positions(positions, world_r, steps)
    goal = world_p[:, legs.ankle] + rng.normal(0.0, 0.1, (5, 2, 3))
    feet, which = world_r[:, legs.ankle], rng.random((5, 2)) < 0.7
    together = rotations.copy()
    legs.reach(world_p, world_r, goal, feet, together, which)
    for k in range(5):
        alone = rotations[k].copy()
        legs.reach(world_p[k], world_r[k], goal[k], feet[k], alone, which[k])
        assert np.abs(alone - together[k]).max() < 1e-12
    untouched = legs.joints[:, ~which[0]]
    assert (together[0, untouched] == rotations[0, untouched]).all()


def test_a_side_without_a_whole_leg_has_no_column():
    whole = bones_along_x()
    keep = [j for j, name in enumerate(whole.names) if name not in ("RightFoot", "RightToe")]
    number = {j: k for k, j in enumerate(keep)}
    skeleton = Skeleton(
        tuple(whole.names[j] for j in keep),
        np.array([number.get(int(whole.parents[j]), -1) for j in keep]),
        whole.rest_positions[keep],
        whole.rest_rotations[keep],
    )
    legs = RigLegs(skeleton)
    assert legs.columns.tolist() == [0]
    assert [skeleton.names[j] for j in legs.joints[:, 0]] == ["LeftUpLeg", "LeftLeg", "LeftFoot"]


def test_a_leg_that_stays_as_it_is_keeps_its_knee():
    """Knees that are bent aside by a centimetre do not jump ahead when a foot is held in place."""
    legs = RigLegs(PERFORMER)
    rotations = rotation.identity((len(PERFORMER),))
    for side, turn in (("Left", 0.03), ("Right", -0.02)):
        rotations[PERFORMER.index(f"{side}UpLeg")] = rotation.from_axis_angle([0, 0, 1.0], turn)
        rotations[PERFORMER.index(f"{side}Leg")] = rotation.from_axis_angle([0, 0, 1.0], -2 * turn)
    before, world_r = PERFORMER.globals(PERFORMER.rest_positions, rotations)
    extended = np.concatenate([world_r, rotation.identity((1,))])
    goal = before[legs.ankle] + np.array([0.0003, 0.0, 0.0])
    out = rotations.copy()
    legs.reach(before, extended, goal, world_r[legs.ankle], out, np.ones(2, bool))
    after = PERFORMER.globals(PERFORMER.rest_positions, out)[0]
    assert np.abs(after - before).max() < 0.002
    # A leg that is nearly straight gives out its last length slowly: a hundredth of 9 mm is left.
    np.testing.assert_allclose(after[legs.ankle], goal, atol=1e-4)
