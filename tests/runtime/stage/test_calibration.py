"""Putting a subject right: its mirror image, its T-pose, where its root may go."""

from __future__ import annotations

import numpy as np
import pytest

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER, roles
from understudy.runtime.core.pose import Pose
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.sources.packet import Packet
from understudy.runtime.stage import calibration

ROLES = roles(PERFORMER)


def posed(skeleton: Skeleton = PERFORMER, seed: int = 4) -> Packet:
    random = np.random.default_rng(seed)
    bends = rotation.from_rotation_vector(0.5 * random.normal(size=(len(skeleton), 3)))
    positions = skeleton.rest_positions.copy()
    positions[0] = (0.4, 0.9, 1.2)
    return Packet(1.0, positions, rotation.multiply(skeleton.rest_rotations, bends))


def askew() -> Skeleton:
    """The performer whose joints have axes of their own."""
    random = np.random.default_rng(1)
    axes = rotation.normalize(random.normal(size=(len(PERFORMER), 4)))
    at, turns = PERFORMER.rest_globals
    places, locals_ = PERFORMER.locals(at, rotation.multiply(turns, axes))
    return Skeleton(PERFORMER.names, PERFORMER.parents, places, locals_, given_roles=ROLES)


@pytest.mark.parametrize("skeleton", [PERFORMER, askew()], ids=["plain", "own axes"])
def test_a_mirror_shows_left_as_right_whatever_axes_joints_have(skeleton):
    packet = posed(skeleton)
    there = calibration.mirrored(packet, skeleton)
    at, _ = skeleton.globals(packet.positions, packet.rotations)
    seen, _ = skeleton.globals(there.positions, there.rotations)
    for role in ROLES:
        other = role.replace("left", "?").replace("right", "left").replace("?", "right")
        wanted = at[ROLES[other]] * (-1.0, 1.0, 1.0)
        # The performer's own two sides differ by less than this.
        np.testing.assert_allclose(seen[ROLES[role]], wanted, atol=2e-3, err_msg=role)
    again = calibration.mirrored(there, skeleton)
    assert rotation.angle_between(again.rotations, packet.rotations).max() < 1e-6


def test_what_is_not_seen_is_not_seen_at_the_other_side():
    seen = np.ones(len(PERFORMER), bool)
    seen[ROLES["left_hand"]] = False
    packet = posed()
    packet.seen = seen
    mirrored = calibration.mirrored(packet, PERFORMER).seen
    assert not mirrored[ROLES["right_hand"]] and mirrored.sum() == len(PERFORMER) - 1


@pytest.mark.parametrize(
    ("one", "other"),
    [("LeftArm", "RightArm"), ("l_foot", "r_foot"), ("Arm_L", "Arm_R"), ("mixamorig:LeftEye",) * 2],
)
def test_sides_are_told_by_names(one, other):
    names = tuple(dict.fromkeys(("Hips", one, other)))
    parents = np.array([-1, *[0] * (len(names) - 1)])
    skeleton = Skeleton(names, parents, np.zeros((len(names), 3)))
    assert names[calibration.partners(skeleton)[1]] == other


def test_sensors_that_sit_askew_are_put_right_in_every_pose_after_a_t_pose():
    random = np.random.default_rng(7)
    slips = rotation.from_rotation_vector(0.2 * random.normal(size=(len(PERFORMER), 3)))
    slips[0] = rotation.identity()  # the heading is the room's

    def measured(packet: Packet) -> Packet:
        at, turns = PERFORMER.globals(packet.positions, packet.rotations)
        _, rotations = PERFORMER.locals(at, rotation.multiply(turns, slips))
        return Packet(packet.capture_s, packet.positions, rotations)

    straight = Packet(1.0, PERFORMER.rest_positions.copy(), PERFORMER.rest_rotations.copy())
    straight.rotations[0] = rotation.from_yaw(0.6)  # whoever stands there faces anywhere
    off = calibration.off_t_pose(measured(straight), PERFORMER)
    reset = calibration.TPose(off)
    truth = posed()
    right = reset.applied(measured(truth), PERFORMER)
    assert np.degrees(rotation.angle_between(right.rotations, truth.rotations).max()) < 0.01
    before = rotation.angle_between(measured(truth).rotations, truth.rotations)
    assert np.degrees(before.max()) > 5.0


def test_who_stands_straight_has_nothing_to_put_right():
    straight = Packet(1.0, PERFORMER.rest_positions.copy(), PERFORMER.rest_rotations.copy())
    assert calibration.off_t_pose(straight, PERFORMER) == {}


@pytest.mark.parametrize(("root", "high"), [("in place", 0.9), ("hips only", None)])
def test_a_root_stays_over_its_mark(root, high):
    packet = posed()
    pose = Pose(packet.positions.copy(), packet.rotations.copy())
    calibration.rooted(pose, PERFORMER, root, np.array([2.0, 0.5, -1.0]))
    at, _ = calibration.hips(PERFORMER, pose)
    rest = PERFORMER.rest_positions[0, 1] + 0.5
    np.testing.assert_allclose(at, (2.0, rest if high is None else high, -1.0), atol=1e-9)
    np.testing.assert_array_equal(pose.rotations, packet.rotations)
