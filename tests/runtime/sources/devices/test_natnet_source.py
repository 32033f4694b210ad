"""OptiTrack in: who is asked, skeletons and rigid bodies, what is not tracked, whatever comes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bridge.protocols.mutations import mutations
from tests.bridge.protocols.test_natnet import GOLDEN, VERSIONS
from tests.runtime.sources.receivers import ANN, BOB, TICK_S, source
from understudy.bridge.protocols import natnet, natnet_packer
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Frame, Pose, State, Subject
from understudy.runtime.core.roles import missing, roles
from understudy.runtime.outputs.body import body
from understudy.runtime.simulators import natnet as simulated
from understudy.runtime.simulators.natnet import NatNetSimulator
from understudy.runtime.sources.devices.natnet_skeleton import Figure
from understudy.runtime.sources.streams import Kind

SHAPE = body(PERFORMER)
MODEL = simulated.model(1, "ann", SHAPE)
FIGURE = Figure(MODEL)
TURNED = ("Head", "LeftArm", "RightLeg")


def subject(turn_rad: float = 0.0, at_x: float = 0.0) -> Subject:
    """Our performer, who turns head, arm and knee, at a place."""
    pose = Pose(PERFORMER.rest_positions.copy(), rotation.identity(len(PERFORMER)))
    for name in TURNED:
        pose.rotations[PERFORMER.index(name)] = rotation.from_yaw(turn_rad)
    pose.positions[0, 0] += at_x
    return Subject("ann", PERFORMER, pose)


def frame(
    number: int, turn_rad: float = 0.0, at_x: float = 0.0, timed: bool = True
) -> natnet.Frame:
    """A frame of Motive with her and a sword."""
    one = subject(turn_rad, at_x)
    _, at, turns = simulated.bones(SHAPE, SHAPE.added(one.pose))
    ids = (1 << 16) + np.arange(1, len(at) + 1)
    bones = natnet.Bodies(ids, at, turns, np.ones(len(at), bool))
    sword = natnet.Bodies(
        np.array([5]), np.array([[0.5 + at_x, 1.0, 0.0]]), rotation.from_yaw(np.array([0.3])),
        np.ones(1, bool),
    )  # fmt: skip
    exposed = (10**7 + round(1e7 * number * TICK_S)) * timed
    return natnet.Frame(
        number, sword, [(1, bones)], (1.0 + number * TICK_S) * timed, exposed, exposed,
        exposed + 40_000,
    )  # fmt: skip


SERVER = natnet.Server("Motive", (3, 1, 0, 0), (4, 1), 10**7, natnet.PORT, "")
SWORD = natnet.Model(
    natnet.RIGID_BODY, "sword", 5, ["sword"], [5], [-1], np.zeros((1, 3)), rotation.identity(1)
)
MODELS = natnet_packer.models([SWORD, MODEL], (4, 1))


def packed(said: natnet.Frame, version=(4, 1)) -> bytes:
    return natnet_packer.frame(said, version)


def play(one, receiver, frames, first: int = 0, peer=ANN) -> list:
    packets = []
    for tick, datagrams in enumerate(frames, first):
        receiver.wait(tick * TICK_S)
        receiver.say(*datagrams, peer=peer)
        packets += one.poll(tick * TICK_S)
    return packets


def opening() -> list[bytes]:
    return [natnet.pack_server(SERVER), MODELS]


def test_a_skeleton_streams_on_what_motive_says_of_it():
    one, receiver = source("natnet://?name=ann")
    packets = play(one, receiver, [[*opening(), packed(frame(n, 0.5, 0.3))] for n in range(5)])
    (stream, sword) = one.streams
    assert (stream.kind, stream.key, stream.known, one.name) == (Kind.BODY, "", True, "ann")
    skeleton = stream.of.skeleton
    assert missing(roles(skeleton)) == []
    shown_p, shown_r = skeleton.globals(packets[-1].positions, packets[-1].rotations)
    sent = frame(4, 0.5, 0.3).skeletons[0][1]
    for name, role in simulated.ROLES.items():
        j, i = roles(skeleton)[role], MODEL.bones.index(f"ann_{name}")
        assert np.abs(shown_p[j] - sent.positions[i]).max() < 1e-4
        assert np.degrees(rotation.angle_between(shown_r[j], sent.rotations[i])) < 0.05
    assert packets[-1].seen is None
    assert sword.kind is Kind.PROP and sword.of.name == "sword"
    assert sword.of.position == pytest.approx((0.8, 1.0, 0.0)) and sword.of.state is State.LIVE
    assert one.figures()["latency_s"] == pytest.approx(0.004)


def local(said: natnet.Frame) -> natnet.Frame:
    """The same frame as Motive sends it with bones in their parents."""
    number, bones = said.skeletons[0]
    of = FIGURE
    order = [number - 1 for number in of.joint]  # bones are numbered as they come
    at, turns = of.skeleton.locals(bones.positions[order], bones.rotations[order])
    back = np.argsort(order)
    return replace(
        said, skeletons=[(number, replace(bones, positions=at[back], rotations=turns[back]))]
    )


def test_bones_in_their_parents_are_the_same_body():
    shown = []
    for made in (lambda f: f, local):
        one, receiver = source("natnet://")
        play(one, receiver, [opening()])
        packets = play(one, receiver, [[packed(made(frame(n, 0.5, 0.3)))] for n in range(1, 4)], 1)
        shown.append(packets[-1])
    np.testing.assert_allclose(shown[0].rotations, shown[1].rotations, atol=1e-5)
    np.testing.assert_allclose(shown[0].positions, shown[1].positions, atol=1e-5)


def test_z_up_stands_upright():
    def lying(said: natnet.Frame) -> natnet.Frame:
        turn = rotation.from_axis_angle(np.array([1.0, 0, 0]), np.pi / 2)
        number, bones = said.skeletons[0]
        turns = rotation.multiply(
            rotation.multiply(turn, bones.rotations), rotation.conjugate(turn)
        )
        at = rotation.rotate(turn, bones.positions)
        return replace(said, skeletons=[(number, replace(bones, positions=at, rotations=turns))])

    turn = rotation.from_axis_angle(np.array([1.0, 0, 0]), np.pi / 2)
    model = replace(MODEL, positions=rotation.rotate(turn, MODEL.positions))
    models = natnet_packer.models([model], (4, 1))
    one, receiver = source("natnet://?up=z")
    said = [[natnet.pack_server(SERVER), models, packed(lying(frame(n, 0.5)))] for n in range(3)]
    packets = play(one, receiver, said)
    skeleton = one.streams[0].of.skeleton
    np.testing.assert_allclose(
        skeleton.rest_positions[1:], FIGURE.skeleton.rest_positions[1:], atol=1e-5
    )
    head = skeleton.index("Head")
    np.testing.assert_allclose(packets[-1].rotations[head], rotation.from_yaw(0.5), atol=1e-5)
    two, receiver = source("natnet://")
    play(two, receiver, said)
    assert "say up=z" in two.notice


def test_bones_that_are_not_tracked_are_not_seen_and_a_body_that_is_not_holds():
    one, receiver = source("natnet://")
    play(one, receiver, [[*opening(), packed(frame(n))] for n in range(3)])
    said = frame(3)
    said.bodies.valid[:] = False
    said.skeletons[0][1].valid[-3:] = False
    (packet,) = play(one, receiver, [[packed(said)]], 3)
    assert (~packet.seen).sum() == 3
    play(one, receiver, [[packed(replace(said, number=n, time_s=n))] for n in range(4, 40)], 4)
    assert one.props[0].state is State.HOLD
    said.skeletons[0][1].valid[:] = False
    assert play(one, receiver, [[packed(replace(said, number=40))]], 40) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_a_stream_that_says_no_version_is_read_all_the_same(version):
    one, receiver = source("natnet://")
    models = natnet_packer.models([SWORD, MODEL], version)
    said = [[packed(frame(n), version), models] for n in range(4)]
    assert len(play(one, receiver, said)) == 3
    assert one.reception.damaged == 0 and one.streams[0].known


def kinds(receiver) -> list[int]:
    return [natnet.split(data)[0] for data, _ in receiver.sent]


def test_in_unicast_motive_is_asked_until_it_streams_and_then_told_that_we_listen():
    one, receiver = source("natnet://?server=10.0.0.7")
    for tick in range(121):
        one.poll(tick * TICK_S)
    assert kinds(receiver).count(natnet.CONNECT) == 3
    assert {to for _, to in receiver.sent} == {("10.0.0.7", natnet.COMMANDS)}
    assert "does not answer" in one.notice
    receiver.sent.clear()
    said = [[packed(frame(n))] for n in range(180)]
    said[0] = [*opening(), *said[0]]
    play(one, receiver, said, 121)
    assert (
        kinds(receiver).count(natnet.KEEP_ALIVE) >= 2 and natnet.CONNECT not in kinds(receiver)[1:]
    )
    one.close()
    assert kinds(receiver)[-1] == natnet.DISCONNECT and receiver.closed


def test_in_multicast_whoever_is_heard_is_asked_for_names():
    one, receiver = source("natnet://multicast")
    play(one, receiver, [[packed(frame(n))] for n in range(130)])
    assert {to for _, to in receiver.sent} == {(ANN[0], natnet.COMMANDS)}
    assert natnet.ASK_MODELS in kinds(receiver) and natnet.KEEP_ALIVE not in kinds(receiver)
    assert "has not said what its skeletons are" in one.notice
    assert [p.name for p in one.props] == ["rigid body 5"]
    play(one, receiver, [[MODELS, packed(frame(130))]], 130)
    assert [p.name for p in one.props] == ["sword"]


@pytest.mark.parametrize(
    ("line", "group", "words"),
    [
        ("natnet://?server=10.0.0.7", "239.255.42.99", "take natnet://multicast"),
        ("natnet://multicast?server=10.0.0.7", "", "Transmission Type is Unicast"),
        ("natnet://multicast?server=10.0.0.7", "239.1.1.1", "group=239.1.1.1"),
        ("natnet://?server=10.0.0.7", "", "sends no frames"),
    ],
)
def test_what_is_set_otherwise_in_motive_is_said(line, group, words):
    one, receiver = source(line)
    one.poll(0.0)
    receiver.say(natnet.pack_server(replace(SERVER, group=group)))
    one.poll(1.0)
    assert words in one.notice


def test_a_newer_motive_is_asked_for_the_stream_that_is_known():
    one, receiver = source("natnet://?server=10.0.0.7")
    receiver.say(natnet.pack_server(replace(SERVER, stream=(4, 9))))
    one.poll(0.0)
    assert (natnet.request("Bitstream,4.2"), ("10.0.0.7", 1510)) in receiver.sent


def test_another_skeleton_takes_the_place_of_the_first_and_one_more_has_its_own_stream():
    one, receiver = source("natnet://")
    play(one, receiver, [[*opening(), packed(frame(n))] for n in range(3)])
    first = one.streams[0].of.skeleton
    taller = replace(MODEL, positions=1.1 * MODEL.positions)
    bob = replace(MODEL, name="bob", id=2, bones=[f"bob_{n[4:]}" for n in MODEL.bones])
    play(one, receiver, [[natnet_packer.models([taller, bob], (4, 1)), packed(frame(3))]], 3)
    bodies = [s for s in one.streams if s.kind is Kind.BODY]
    assert bodies[0].of.skeleton is not first and [s.key for s in bodies] == ["", "bob"]


def test_a_second_sender_is_not_followed():
    one, receiver = source("natnet://")
    play(one, receiver, [opening()])
    for tick in range(1, 20):
        receiver.wait(tick * TICK_S)
        receiver.say(packed(frame(tick)))
        receiver.say(packed(frame(tick, at_x=5.0)), peer=BOB)
        assert all(p.positions[0, 0] == pytest.approx(0.0) for p in one.poll(tick * TICK_S))
    assert one.reception.others == 19


def test_a_simulated_motive_answers_who_asks():
    motive = NatNetSimulator()
    motive.datagrams(Frame(0, 0, 0, 0, 0, "", subjects=[subject()]), 0.0)
    (server,) = motive.answers(natnet.connect())
    assert natnet.server(natnet.split(server)[1]).name == "Motive"
    assert natnet.server(natnet.split(motive.answers(b"\0\0\x05\0Ping\0")[0])[1]).name == "Motive"
    (models,) = motive.answers(natnet.message(natnet.ASK_MODELS))
    assert natnet.models(natnet.split(models)[1], motive.version)[0].name == "ann"
    assert motive.answers(natnet.message(natnet.DISCONNECT)) is None
    assert motive.answers(b"?") == []


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(mutations([*GOLDEN, MODELS]), st.sampled_from([*GOLDEN, MODELS]), st.binary()),
        max_size=12,
    )
)
def test_whatever_comes_is_counted_and_poses_are_rotations(heard):
    one, receiver = source("natnet://")
    for number, data in enumerate(heard):
        receiver.say(data)
        for packet in one.poll(number * TICK_S):
            np.testing.assert_allclose((packet.rotations**2).sum(-1), 1.0, atol=1e-5)
        assert one.notice and one.streams
    figures = one.figures()
    assert figures["damaged"] + figures["frames"] <= figures["datagrams"] == len(heard)
