"""Rokoko Studio in: our own output as a peer, several actors, gloves, faces, props, silences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bridge.protocols.mutations import mutations
from tests.bridge.protocols.test_rokoko_reader import GOLDEN, V3, bone, text
from tests.runtime.sources.receivers import BOB, TICK_S, source
from understudy.bridge.protocols.livelinkface import ARKIT
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER, roles
from understudy.runtime.core.pose import Frame, Pose, Prop, Subject
from understudy.runtime.core.roles import missing
from understudy.runtime.outputs import sender, target
from understudy.runtime.sources.streams import Kind

ANN = replace(PERFORMER, curve_names=ARKIT)


def subject(name: str = "Ann", turn_rad: float = 0.4, at_x: float = 0.3, face: bool = True):
    pose = Pose.rest(PERFORMER)
    pose.positions[0, 0] = at_x
    for joint in ("Head", "LeftArm", "RightLeg"):
        turn = rotation.from_rotation_vector(turn_rad * np.array([0.5, 1.0, -0.3]))
        pose.rotations[PERFORMER.index(joint)] = turn
    curves = np.zeros(len(ARKIT), np.float32)
    curves[ARKIT.index("jawOpen")] = 0.5
    return Subject(name, ANN if face else PERFORMER, pose, curves=curves if face else curves[:0])


def scene(*subjects: Subject, time_s: float = 0.0, lz4: bool = False, props=()) -> list[bytes]:
    """What our output sends."""
    to = target.parse(f"rokoko://127.0.0.1?lz4={lz4}".lower(), sender.known())
    frame = Frame(1, 0, 0, 60, 1, "00:00:00:00", subjects=list(subjects), props=list(props))
    return sender.known()["rokoko"].OUTPUT(to).datagrams(frame, 100.0 + time_s)


def play(one, receiver, frames, first: int = 0) -> list:
    packets = []
    for tick, datagrams in enumerate(frames, first):
        receiver.wait(tick * TICK_S)
        receiver.say(*datagrams)
        packets += one.poll(tick * TICK_S)
    return packets


@pytest.mark.parametrize("lz4", [False, True])
def test_a_body_and_its_face_come_as_our_output_sent_them(lz4):
    one, receiver = source("rokoko://?name=ann")
    said = subject()
    packets = play(one, receiver, [scene(said, time_s=n * TICK_S, lz4=lz4) for n in range(30)])
    body, face = one.streams
    assert (body.kind, body.key, body.known) == (Kind.BODY, "", True)
    assert (face.kind, face.wearer) == (Kind.FACE, "ann")
    skeleton = body.of.skeleton
    assert missing(roles(skeleton)) == []
    world_p, world_r = skeleton.globals(packets[-1].positions, packets[-1].rotations)
    wanted_p, wanted_r = PERFORMER.globals(said.pose.positions, said.pose.rotations)
    own = roles(PERFORMER)
    for role, joint in roles(skeleton).items():
        assert np.abs(world_p[joint] - wanted_p[own[role]]).max() < 1e-4, role  # 0.1 mm
        apart = rotation.angle_between(world_r[joint], wanted_r[own[role]])
        assert np.degrees(apart) < 0.05, role
    shown = dict(zip(face.of.names, face.of.shown, strict=True))
    assert shown["jawOpen"] == pytest.approx(0.5) and packets[-1].seen is None


def test_actors_come_by_name_and_go_on_when_one_leaves():
    one, receiver = source("rokoko://?name=ann")
    both = [
        scene(subject("Ann"), subject("Bob", at_x=-1.0), time_s=n * TICK_S) for n in range(10)
    ]  # fmt: skip
    packets = play(one, receiver, both)
    bodies = [stream for stream in one.streams if stream.kind is Kind.BODY]
    assert [stream.key for stream in bodies] == ["", "Bob"]
    assert {p.key: round(p.positions[0, 0], 3) for p in packets} == {"": 0.3, "Bob": -1.0}
    play(one, receiver, [scene(subject(), time_s=n * TICK_S) for n in range(10, 70)], 10)
    assert bodies[0].of.silence == "" and "actor 'Bob' is not in" in bodies[1].of.silence
    only, ear = source("rokoko://?actor=Bob")
    play(only, ear, both)
    assert [s.of.label for s in only.streams if s.kind is Kind.BODY] == ["Bob"]
    assert only.figures()["elsewhere"] == 10


def test_gloves_without_a_suit_are_hands_and_fingers_have_joints():
    data = {**V3, "scene": {**V3["scene"], "actors": [dict(V3["scene"]["actors"][0])]}}
    (actor,) = data["scene"]["actors"]
    actor["body"] = {**actor["body"], "leftHand": bone(-0.5, -0.5, -0.5, 0.5, (-0.6, 1.4, 0.0))}
    one, receiver = source("rokoko://")
    play(one, receiver, [[text(data)]])
    assert one.streams[0].kind is Kind.BODY
    assert "leftThumbProximal" in one.skeleton.names
    actor["meta"] = {"hasGloves": True, "hasBody": False, "hasFace": False}
    gloves, ear = source("rokoko://")
    play(gloves, ear, [[text(data)]])
    assert [s.kind for s in gloves.streams][:1] == [Kind.HANDS]


def test_props_stand_where_they_are():
    one, receiver = source("rokoko://")
    sword = Prop("sword", np.array([0.5, 1.0, 2.0]), rotation.from_yaw(0.7))
    play(one, receiver, [scene(subject(), time_s=n * TICK_S, props=[sword]) for n in range(3)])
    (thing,) = [s.of for s in one.streams if s.kind is Kind.PROP]
    np.testing.assert_allclose(thing.position, sword.position, atol=1e-4)
    np.testing.assert_allclose(thing.rotation, sword.rotation, atol=1e-4)


def test_a_second_studio_is_not_followed():
    one, receiver = source("rokoko://")
    for tick in range(20):
        receiver.wait(tick * TICK_S)
        receiver.say(*scene(subject("Ann"), time_s=tick * TICK_S))
        receiver.say(*scene(subject("Eve"), time_s=tick * TICK_S), peer=BOB)
        one.poll(tick * TICK_S)
    assert one.figures()["actors"] == ["Ann"] and one.reception.others == 20


def test_another_body_of_the_same_name_gets_its_own_skeleton():
    one, receiver = source("rokoko://")
    play(one, receiver, [scene(subject(), time_s=n * TICK_S) for n in range(10)])
    small = subject()
    short = replace(PERFORMER, rest_positions=0.7 * PERFORMER.rest_positions)
    small.skeleton, small.pose = short, Pose(0.7 * small.pose.positions, small.pose.rotations)
    small.curves = small.curves[:0]
    before = one.skeleton
    play(one, receiver, [scene(small, time_s=n * TICK_S) for n in range(10, 60)], 10)
    arm = before.index("leftLowerArm")
    ratio = one.skeleton.rest_positions[arm] / before.rest_positions[arm]
    assert ratio[0] == pytest.approx(0.7, abs=0.01)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(mutations(GOLDEN), st.sampled_from(GOLDEN), st.binary()), max_size=12))
def test_whatever_comes_is_counted_and_poses_are_rotations(heard):
    one, receiver = source("rokoko://")
    for number, data in enumerate(heard):
        receiver.say(data)
        for packet in one.poll(number * TICK_S):
            np.testing.assert_allclose((packet.rotations**2).sum(-1), 1.0, atol=1e-5)
            assert np.isfinite(packet.positions).all()
        assert one.notice
        assert one.streams is not None
    figures = one.figures()
    assert figures["damaged"] + figures["frames"] == figures["datagrams"] == len(heard)
