"""Xsens MVN in: bodies by character, their skeletons, props, what is lost, who is heard."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bridge.protocols.mutations import mutations
from tests.bridge.protocols.test_mvn import ALL
from tests.runtime.sources.receivers import BOB, TICK_S, source
from understudy.bridge.protocols import axes, mvn, mvn_scale
from understudy.runtime.core import rotation
from understudy.runtime.core.roles import missing, roles
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.sources.devices import mvn_skeleton
from understudy.runtime.sources.streams import Kind

NAMES = mvn.BODY
STANDING = Skeleton(
    NAMES,
    np.array(mvn_skeleton.parents(NAMES)),
    np.array([mvn_skeleton.STANDARD[name] for name in NAMES]),
)


def body(turn_rad: float = 0.0, at_x: float = 0.0, local: bool = False, **more) -> mvn.Body:
    """A body that turns head, arm and knee, at a place."""
    rotations = rotation.identity(len(NAMES))
    for name in ("Head", "LeftUpperArm", "RightLowerLeg"):
        rotations[NAMES.index(name)] = rotation.from_yaw(turn_rad)
    positions = STANDING.rest_positions.copy()
    positions[0, 0] += at_x
    seen = np.ones(len(NAMES), bool)
    if not local:
        positions, rotations = STANDING.globals(positions, rotations)
    return mvn.Body(NAMES, positions, rotations, seen, local, **more)


def said(
    sample: int, pose: mvn.Body, kind: int = mvn.QUATERNION, character: int = 0, most: int = 1472
) -> list[bytes]:
    header = mvn.Header(
        kind, sample, time_ms=1000 + round(1000 * sample * TICK_S), character=character,
        props=len(pose.props),
    )  # fmt: skip
    return mvn.datagrams(kind, header, mvn.items(kind, pose), most)


def tpose(scale: float, character: int = 0) -> bytes:
    places, _ = axes.to_z_up(STANDING.rest_globals[0] * scale, rotation.identity(len(NAMES)))
    payload = mvn_scale.pack_scale(mvn_scale.Scale(NAMES, places))
    return mvn.encode(mvn.Header(mvn.SCALE, 0, 0, False, 23, character=character), payload)


def play(one, receiver, frames, first: int = 0) -> list:
    packets = []
    for tick, datagrams in enumerate(frames, first):
        receiver.wait(tick * TICK_S)
        receiver.say(*datagrams)
        packets += one.poll(tick * TICK_S)
    return packets


@pytest.mark.parametrize("kind", mvn.POSES)
def test_each_kind_of_pose_shows_the_same_body_on_its_own_skeleton(kind):
    one, receiver = source("mvn://?name=ann")
    pose = body(0.5, 0.3, local=kind == mvn.UNITY)
    packets = play(one, receiver, [said(n, pose, kind) for n in range(5)])
    (stream,) = one.streams
    assert (stream.kind, stream.key, stream.known, one.name) == (Kind.BODY, "", True, "ann")
    skeleton = stream.of.skeleton
    np.testing.assert_allclose(skeleton.rest_positions[1:], STANDING.rest_positions[1:], atol=2e-6)
    assert skeleton.rest_positions[0, 1] == pytest.approx(STANDING.rest_positions[0, 1], abs=0.03)
    assert missing(roles(skeleton)) == []
    shown = skeleton.globals(packets[-1].positions, packets[-1].rotations)
    wanted = body(0.5, 0.3)
    assert np.abs(shown[0] - wanted.positions).max() < 1e-4  # 0.1 mm
    assert np.degrees(rotation.angle_between(shown[1], wanted.rotations)).max() < 0.05
    assert packets[-1].seen is None


def test_the_streamed_t_pose_is_the_skeleton_and_another_one_changes_it():
    one, receiver = source("mvn://")
    play(one, receiver, [[tpose(1.1), *said(n, body())] for n in range(3)])
    first = one.skeleton
    np.testing.assert_allclose(first.rest_positions, 1.1 * STANDING.rest_positions, atol=1e-5)
    play(one, receiver, [said(n, body(0.1)) for n in range(3, 6)], 3)
    assert one.skeleton is first
    play(one, receiver, [[tpose(0.9), *said(n, body(0.1))] for n in range(6, 9)], 6)
    np.testing.assert_allclose(
        one.skeleton.rest_positions, 0.9 * STANDING.rest_positions, atol=1e-5
    )


def test_rotations_alone_stand_on_a_guessed_skeleton_and_it_is_said():
    one, receiver = source("mvn://")
    pose = body(local=True)
    pose.positions[:] = 0.0
    play(one, receiver, [said(n, pose, mvn.UNITY) for n in range(3)])
    np.testing.assert_allclose(one.skeleton.rest_positions[1:], STANDING.rest_positions[1:])
    assert "offsets of its skeleton are guessed" in one.notice


def test_characters_of_one_port_are_bodies_of_their_own():
    one, receiver = source("mvn://?name=ann")
    packets = play(
        one,
        receiver,
        [
            [*said(n, body(at_x=0.5)), *said(n, body(at_x=-0.5), character=3)]
            for n in range(10)
        ],
    )  # fmt: skip
    assert [(s.key, s.known) for s in one.streams] == [("", True), ("ann 4", True)]
    assert {p.key: p.positions[0, 0] for p in packets} == pytest.approx({"": 0.5, "ann 4": -0.5})
    # One that disconnects is silent, and the other goes on.
    play(one, receiver, [said(n, body()) for n in range(10, 70)], 10)
    first, second = (stream.of for stream in one.streams)
    assert first.silence == "" and "character 3 is not in what comes" in second.silence


def test_a_character_may_be_the_only_one():
    one, receiver = source("mvn://?character=3")
    play(one, receiver, [[*said(n, body()), *said(n, body(), character=3)] for n in range(4)])
    assert [s.key for s in one.streams] == [""]
    assert one.figures()["elsewhere"] == 4 and one.figures()["characters"] == [3]


def test_fingers_and_props_come_too():
    names = mvn.BODY + mvn.FINGERS
    standing = Skeleton(
        names,
        np.array(mvn_skeleton.parents(names)),
        np.array([mvn_skeleton.STANDARD[name] for name in names]),
    )
    places, turns = standing.rest_globals
    prop = ("Prop 1", np.array([0.1, 1.0, 0.5]), rotation.from_yaw(1.0))
    pose = mvn.Body(names, places, turns, np.ones(63, bool), props=[prop])
    header = mvn.Header(mvn.QUATERNION, 1, time_ms=1, props=1, fingers=40)
    one, receiver = source("mvn://")
    datagrams = mvn.datagrams(2, header, mvn.items(2, pose))
    assert len(datagrams) == 2
    (packet,) = play(one, receiver, [datagrams])
    assert one.skeleton.names == names and packet.seen is None
    thing = next(s.of for s in one.streams if s.kind is Kind.PROP)
    np.testing.assert_allclose(thing.position, (0.1, 1.0, 0.5), atol=1e-6)
    np.testing.assert_allclose(thing.rotation, rotation.from_yaw(1.0), atol=1e-6)


def test_a_lost_piece_loses_its_frame_and_is_counted():
    one, receiver = source("mvn://")
    frames = [said(n, body(0.01 * n), most=400) for n in range(60)]
    assert len(frames[0]) == 3
    frames[20] = frames[20][:2]
    frames[40] = frames[40][1:]
    packets = play(one, receiver, frames)
    assert len(packets) == 58 and one.figures()["lost"] == 2 and one.poses == 58


def test_of_several_kinds_the_one_that_says_most_is_read():
    one, receiver = source("mvn://")
    both = [[*said(n, body(0.2), mvn.EULER), *said(n, body(0.2))] for n in range(10)]
    assert len(play(one, receiver, both)) == 10
    # Euler angles are taken again when quaternions have gone.
    late = play(one, receiver, [said(n, body(0.2), mvn.EULER) for n in range(10, 130)], 10)
    assert 50 < len(late) < 70


def test_points_alone_are_told_what_is_missing():
    one, receiver = source("mvn://")
    play(one, receiver, [[ALL[-1]]] * 30)
    assert "Position + Orientation" in one.notice and one.figures()["unread kinds"] == 30


def test_kinematics_and_trackers_beside_the_poses_are_passed_over():
    """Types 20 to 24 of MVN's streamer: joint angles, linear, angular, trackers, centre of mass."""
    one, receiver = source("mvn://")
    sizes = {20: (28, 20), 21: (23, 40), 22: (23, 44), 23: (17, 44), 24: (1, 12)}
    frames = [
        [
            *said(n, body(0.01 * n)),
            *(
                mvn.encode(mvn.Header(kind, n, items=items), bytes([n]) * items * size)
                for kind, (items, size) in sizes.items()
            ),
        ]
        for n in range(20)
    ]
    assert len(play(one, receiver, frames)) == 20
    assert one.figures()["unread kinds"] == 100 and one.reception.damaged == 0


def test_names_and_time_code_are_told():
    one, receiver = source("mvn://?character=2")
    play(one, receiver, [[*ALL[1:4], *said(n, body(), character=2)] for n in range(3)])
    assert "character 2 is Anna" in one.notice
    assert one.figures()["timecode"] == "10:20:30.040"


def test_a_second_sender_of_a_character_is_not_followed():
    one, receiver = source("mvn://")
    for tick in range(20):
        receiver.wait(tick * TICK_S)
        receiver.say(*said(tick, body(at_x=1.0)))
        receiver.say(*said(tick, body(at_x=-1.0)), peer=BOB)
        for packet in one.poll(tick * TICK_S):
            assert packet.positions[0, 0] == pytest.approx(1.0)
    assert one.reception.others == 20 and "is not followed" in one.notice


def test_a_segment_without_a_rotation_is_not_seen():
    one, receiver = source("mvn://")
    play(one, receiver, [said(0, body())])
    broken = body()
    broken.rotations[NAMES.index("LeftForearm")] = 0.0
    (packet,) = play(one, receiver, [said(1, broken)], 1)
    assert [NAMES[j] for j in np.flatnonzero(~packet.seen)] == ["LeftForearm"]
    np.testing.assert_allclose((packet.rotations**2).sum(-1), 1.0, atol=1e-6)


MANY = [*ALL, *said(1, body(0.3)), *said(2, body(0.3), most=300), tpose(1.0)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(mutations(MANY), st.sampled_from(MANY), st.binary()), max_size=12))
def test_whatever_comes_is_counted_and_poses_are_rotations(heard):
    one, receiver = source("mvn://")
    for number, data in enumerate(heard):
        receiver.say(data)
        for packet in one.poll(number * TICK_S):
            np.testing.assert_allclose((packet.rotations**2).sum(-1), 1.0, atol=1e-5)
            assert np.isfinite(packet.positions).all()
        assert one.notice and one.streams
    figures = one.figures()
    assert figures["damaged"] + figures["frames"] == figures["datagrams"] == len(heard)


def test_more_characters_than_a_stage_has_are_refused():
    one, receiver = source("mvn://")
    for number in range(40):
        receiver.say(*said(0, body(), character=number))
    one.poll(0.0)
    assert len(one.streams) == 16 and one.reception.damaged == 24


def test_a_pelvis_that_never_comes_is_stood_in_for():
    one, receiver = source("mvn://")
    header = mvn.Header(mvn.QUATERNION, 1, time_ms=1)
    items = mvn.items(mvn.QUATERNION, body(0.4))
    part = mvn.Items(items.numbers[4:], items.positions[4:], items.rotations[4:])
    (packet,) = play(one, receiver, [mvn.datagrams(2, replace(header, segments=19), part)])
    assert one.skeleton.names[0] == "Pelvis" and not packet.seen[0]
