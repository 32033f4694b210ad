"""Landmarks in: points of a pose give the pose again, what is hidden, JSON and OSC, bad bytes."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bridge.protocols.mutations import mutations, survives
from tests.runtime.sources.receivers import BOB, TICK_S, source
from understudy.bridge.protocols import ProtocolError, landmarks
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.sources.devices.landmarks_body import ROLES, ROW

# Role whose joint a point is, and how far from it in the T-pose.
JOINTS = {
    **{f"{s}_shoulder": (f"{s}_upper_arm", (0, 0, 0)) for s in ("left", "right")},
    **{f"{s}_elbow": (f"{s}_lower_arm", (0, 0, 0)) for s in ("left", "right")},
    **{f"{s}_wrist": (f"{s}_hand", (0, 0, 0)) for s in ("left", "right")},
    **{f"{s}_hip": (f"{s}_upper_leg", (0, 0, 0)) for s in ("left", "right")},
    **{f"{s}_knee": (f"{s}_lower_leg", (0, 0, 0)) for s in ("left", "right")},
    **{f"{s}_ankle": (f"{s}_foot", (0, 0, 0)) for s in ("left", "right")},
    **{f"{s}_heel": (f"{s}_foot", (0, -0.05, -0.05)) for s in ("left", "right")},
    "left_index": ("left_hand", (0.1, 0, 0)),
    "right_index": ("right_hand", (-0.1, 0, 0)),
    "left_ear": ("head", (0.07, 0.08, 0)),
    "right_ear": ("head", (-0.07, 0.08, 0)),
    "nose": ("head", (0, 0.08, 0.1)),
}


def points(turns: dict[str, np.ndarray] | None = None, scale: float = 1.0) -> landmarks.Landmarks:
    """Where a tracker sees the points of our performer, with some joints turned."""
    local = rotation.identity(len(PERFORMER))
    for role, turn in (turns or {}).items():
        local[ROLES[role]] = turn
    at, world = PERFORMER.globals(PERFORMER.rest_positions, local)
    found = np.zeros((landmarks.COUNT, 3))
    for name, (role, offset) in JOINTS.items():
        j = ROLES[role]
        found[ROW[name]] = at[j] + rotation.rotate(world[j], np.array(offset, float))
    for side in ("left", "right"):  # as far from the heel as the toes, as high
        foot, toes = ROLES[f"{side}_foot"], ROLES[f"{side}_toes"]
        way = PERFORMER.rest_globals[0][toes] - PERFORMER.rest_globals[0][foot]
        step = rotation.rotate(world[foot], way * (1.0, 0.0, 1.0))
        found[ROW[f"{side}_foot_index"]] = found[ROW[f"{side}_heel"]] + step
    hips = (found[ROW["left_hip"]] + found[ROW["right_hip"]]) / 2
    return landmarks.Landmarks(scale * (found - hips), np.ones(landmarks.COUNT))


def shown(said: landmarks.Landmarks, line: str = "landmarks://", made=landmarks.encode):
    one, receiver = source(line)
    packets = []
    for tick in range(3):
        said.time_s = 1.0 + tick * TICK_S
        receiver.wait(tick * TICK_S)
        receiver.say(made(said))
        packets += one.poll(tick * TICK_S)
    return one, packets[-1]


POSE = {
    "left_upper_arm": rotation.from_axis_angle(np.array([0.0, 0, 1.0]), -1.2),
    "left_lower_arm": rotation.from_axis_angle(np.array([0.0, 1.0, 0]), -1.0),
    "right_upper_leg": rotation.from_axis_angle(np.array([1.0, 0, 0]), -0.9),
    "right_lower_leg": rotation.from_axis_angle(np.array([1.0, 0, 0]), 1.1),
    "head": rotation.from_yaw(0.4),
    "hips": rotation.from_yaw(0.7),
}


@pytest.mark.parametrize("made", [landmarks.encode, landmarks.encode_osc])
@pytest.mark.parametrize("scale", [1.0, 0.6])
def test_the_points_of_a_pose_are_that_pose_whatever_the_size(made, scale):
    one, packet = shown(points(POSE, scale), made=made)
    at, world = PERFORMER.globals(packet.positions, packet.rotations)
    local = rotation.identity(len(PERFORMER))
    for role, turn in POSE.items():
        local[ROLES[role]] = turn
    wanted, turned = PERFORMER.globals(PERFORMER.rest_positions, local)
    for role in ROLES:
        j = ROLES[role]
        apart = (at[j] - at[0]) - (wanted[j] - wanted[0])
        assert np.abs(apart).max() < 0.01, role
    head = rotation.angle_between(world[ROLES["head"]], turned[ROLES["head"]])
    assert np.degrees(head) < 2.0 and one.streams[0].known
    feet = [ROLES[f"{s}_{p}"] for s in ("left", "right") for p in ("foot", "toes")]
    assert at[feet, 1].min() == pytest.approx(PERFORMER.rest_globals[0][feet, 1].min())


def test_what_is_hidden_is_not_seen():
    said = points()
    said.visible[[ROW["left_wrist"], ROW["left_index"]]] = 0.1
    _, packet = shown(said)
    names = {name for name, seen in zip(PERFORMER.names, packet.seen, strict=True) if not seen}
    assert names == {"LeftForeArm", "LeftHand"}


def test_whoever_travels_is_where_the_points_are():
    said = points()
    said.points += (0.5, 0.0, 0.25)
    _, still = shown(said)
    _, there = shown(said, "landmarks://?travels=1")
    assert still.positions[0, 0] == pytest.approx(0.0) and there.positions[0, [0, 2]] == (
        pytest.approx((0.5, 0.25), abs=1e-6)
    )


def test_a_second_sender_is_not_followed():
    one, receiver = source("landmarks://?travels=1")
    far = points()
    far.points += (5.0, 0.0, 0.0)
    for tick in range(10):
        receiver.wait(tick * TICK_S)
        said = points()
        said.time_s = far.time_s = 1.0 + tick
        receiver.say(landmarks.encode(said))
        receiver.say(landmarks.encode(far), peer=BOB)
        assert all(p.positions[0, 0] < 1.0 for p in one.poll(tick * TICK_S))
    assert one.reception.others == 10


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"{}", "are {"),
        (b'{"landmarks": [[1, 2, 3]]}', "33 points"),
        (json.dumps([["x", 1, 2]] * 33).encode(), "is none"),
        (json.dumps([[1e5, 1, 2]] * 33).encode(), "place"),
        (b'{"landmarks"', "cannot be read"),
    ],
)
def test_what_is_wrong_is_a_sentence(data, words):
    with pytest.raises(ProtocolError, match=words):
        landmarks.decode(data)


def test_points_by_name_are_read():
    rows = [{"x": 0.1, "y": 0.2, "z": 0.3, "visibility": 0.9, "presence": 1.0}] * 33
    said = landmarks.decode(json.dumps({"landmarks": rows}).encode())
    assert said.points[0] == pytest.approx((0.1, -0.2, -0.3)) and said.visible[0] == 0.9


GOLDEN = [landmarks.encode(points()), landmarks.encode_osc(points(POSE))]


@given(mutations(GOLDEN) | st.binary(max_size=80))
def test_bad_bytes_are_one_sentence(data):
    survives(landmarks.decode, data)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=99, max_size=99))
def test_whatever_points_come_are_rotations(numbers):
    said = landmarks.Landmarks(np.array(numbers).reshape(33, 3), np.ones(33))
    one, receiver = source("landmarks://")
    receiver.say(landmarks.encode(said))
    for packet in one.poll(0.0):
        np.testing.assert_allclose((packet.rotations**2).sum(-1), 1.0, atol=1e-5)
