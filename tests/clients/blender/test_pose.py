"""Bone by bone, a real Blender against the stage's stream as another subscriber has it."""

from __future__ import annotations

import numpy as np
import pytest

from understudy.bridge import Subscriber
from understudy.bridge.clients.blender.addon import space
from understudy.runtime.core import rotation
from understudy.runtime.core.pose import Frame

pytestmark = pytest.mark.clients

FRAMES = 40
CLOSE_M = 1e-4
CLOSE_RAD = np.radians(0.05)


def expected(frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    """Places (J, 3) and turns against rest (J, 4) in the world, in Blender's axes."""
    subject = frame.subjects[0]
    world_p, world_r = subject.skeleton.globals(
        subject.pose.positions.astype(float), subject.pose.rotations.astype(float)
    )
    turn = rotation.multiply(world_r, rotation.conjugate(subject.skeleton.rest_globals[1]))
    return space.positions(world_p), space.rotations(turn)


def follow(stage, scene, kind: str) -> tuple[dict, list[tuple[dict, Frame]]]:
    """What the scene says, and its frames beside ours."""
    running = scene("follow", stage.publish, FRAMES, kind)
    running.read("ready")
    ours = {}
    with Subscriber(stage.publish, timeout_s=10) as subscriber:
        first = next(subscriber)
        ours[first.sequence] = first
        running.tell("go")
        while running.process.poll() is None:
            frame = subscriber.receive(0.5)
            if frame is not None:
                ours[frame.sequence] = frame
    said = running.said
    pairs = [(theirs, ours[theirs["sequence"]]) for theirs in said["frames"]]
    moved = np.array([frame.subjects[0].pose.rotations for _, frame in pairs])
    assert np.ptp(moved, axis=0).max() > 0.05, "nobody moved: this proves nothing"
    return said, pairs


def turns(theirs: dict, names) -> np.ndarray:
    return np.array([theirs["bones"][name]["turn"] for name in names])


@pytest.mark.parametrize("kind", ["made", "rolled"])
def test_bones_are_where_the_stream_has_them(stage, scene, kind):
    said, pairs = follow(stage, scene, kind)
    worst_m = worst_rad = 0.0
    for theirs, frame in pairs:
        names = frame.subjects[0].skeleton.names
        assert set(theirs["bones"]) == set(names)
        places, turned = expected(frame)
        heads = np.array([theirs["bones"][name]["head"] for name in names])
        worst_m = max(worst_m, np.abs(heads - places).max())
        apart = rotation.angle_between(turns(theirs, names), turned)
        worst_rad = max(worst_rad, apart.max())
    print(f"{kind}: {worst_m * 1e3:.4f} mm, {np.degrees(worst_rad):.5f} degrees")
    assert worst_m < CLOSE_M
    assert worst_rad < CLOSE_RAD
    assert len(said["armatures"]) == 1
    assert said["said"]["random-walk"] == ["22 of 22 bones, the stage's own skeleton."]


def test_a_rig_of_a_game_turns_as_the_performer_does(stage, scene):
    """Other names, a bone between, a fifth taller, centimetres, lying in its file."""
    said, pairs = follow(stage, scene, "game")
    assert said["said"]["random-walk"] == ["22 of 22 joints, retargeted by turns and hips."]
    for theirs, frame in pairs:
        bones = theirs["bones"]
        by_joint = dict(zip(frame.subjects[0].skeleton.names, range(22)))
        places, turned = expected(frame)
        for bone, joint in (
            ("pelvis", "Hips"),
            ("spine_03", "Spine2"),
            ("head", "Head"),
            ("lowerarm_l", "LeftForeArm"),
            ("hand_r", "RightHand"),
            ("thigh_r", "RightUpLeg"),
            ("ball_l", "LeftToeBase"),
        ):
            turn = np.array(bones[bone]["turn"])
            assert rotation.angle_between(turn, turned[by_joint[joint]]) < CLOSE_RAD, bone
        assert np.abs(bones["pelvis"]["head"] - 1.2 * places[0]).max() < CLOSE_M
        # Its own bones, not the stage's: a fifth longer, and still one piece.
        reach = np.linalg.norm(np.subtract(bones["calf_l"]["head"], bones["thigh_l"]["head"]))
        length = np.linalg.norm(places[by_joint["LeftLeg"]] - places[by_joint["LeftUpLeg"]])
        assert reach == pytest.approx(1.2 * length, rel=1e-4)
