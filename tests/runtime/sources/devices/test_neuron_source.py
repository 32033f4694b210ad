"""Perception Neuron in: avatars, their skeletons with and without positions, whatever comes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bridge.protocols.mutations import mutations
from tests.bridge.protocols.test_neuron import GOLDEN
from tests.runtime.sources.receivers import BOB, TICK_S, source
from understudy.bridge.protocols import neuron
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.roles import missing, roles
from understudy.runtime.sources.devices import neuron_skeleton
from understudy.runtime.sources.streams import Kind

JOINTS = list(neuron.JOINTS["studio"])


def frame(
    number: int, turn_rad: float = 0.0, at_x: float = 0.0, avatar: int = 0, scale: float = 1.0,
    placed: bool = True,
) -> neuron.Frame:  # fmt: skip
    """A body that turns head, arm and knee, at a place."""
    turns = rotation.identity(neuron.COUNT)
    for name in ("Head", "LeftArm", "RightLeg"):
        turns[JOINTS.index(name)] = rotation.from_yaw(turn_rad)
    at = scale * neuron_skeleton.STANDARD["studio"] * (1.0 if placed else 0.0)
    at[0] = (at_x, 0.95, 0.0)
    return neuron.Frame(avatar, "ann", at, turns, placed, number)


def play(one, receiver, frames, first: int = 0, made=neuron.encode, peer=None) -> list:
    packets = []
    for tick, said in enumerate(frames, first):
        receiver.wait(tick * TICK_S)
        receiver.say(*(made(each) for each in said), **({"peer": peer} if peer else {}))
        packets += one.poll(tick * TICK_S)
    return packets


@pytest.mark.parametrize("made", [neuron.encode, neuron.encode_text])
@pytest.mark.parametrize("placed", [True, False])
def test_a_body_streams_with_and_without_positions(made, placed):
    one, receiver = source("neuron://?name=ann")
    said = [[frame(n, 0.5, 0.3, placed=placed)] for n in range(4)]
    packets = play(one, receiver, said, made=made)
    (stream,) = one.streams
    assert (stream.kind, stream.known, one.name) == (Kind.BODY, True, "ann")
    skeleton = stream.of.skeleton
    assert set(missing(roles(skeleton))) <= {"left_toes", "right_toes"}
    standard = neuron_skeleton.STANDARD["studio"]
    np.testing.assert_allclose(skeleton.rest_positions[1:], standard[1:], atol=1e-6)
    assert skeleton.rest_positions[0, 1] == pytest.approx(PERFORMER.rest_positions[0, 1], abs=0.05)
    assert packets[-1].positions[0] == pytest.approx((0.3, 0.95, 0.0), abs=1e-5)
    head = skeleton.index("Head")
    np.testing.assert_allclose(packets[-1].rotations[head], rotation.from_yaw(0.5), atol=1e-5)
    assert ("Displacement" in one.notice) == (not placed)


def test_axis_neurons_spine_is_another():
    one, receiver = source("neuron://?joints=neuron")
    play(one, receiver, [[frame(n)] for n in range(3)])
    skeleton = one.streams[0].of.skeleton
    assert skeleton.names[10] == "Spine3" and set(missing(roles(skeleton))) <= {
        "left_toes", "right_toes",
    }  # fmt: skip


def test_a_body_of_another_size_is_another_skeleton_after_a_while_and_a_wince_is_not():
    one, receiver = source("neuron://")
    play(one, receiver, [[frame(n)] for n in range(3)])
    first = one.streams[0].of.skeleton
    play(one, receiver, [[frame(n, scale=1.2)] for n in range(3, 13)], 3)
    play(one, receiver, [[frame(13)]], 13)
    assert one.streams[0].of.skeleton is first
    play(one, receiver, [[frame(n, scale=1.2)] for n in range(14, 40)], 14)
    assert one.streams[0].of.skeleton is not first


def test_two_avatars_are_two_bodies_and_one_may_be_asked_for():
    said = [[frame(n, avatar=1), frame(n, at_x=2.0, avatar=2)] for n in range(3)]
    one, receiver = source("neuron://?name=ann")
    packets = play(one, receiver, said)
    assert [s.key for s in one.streams] == ["", "ann 2"]
    assert {p.key: round(p.positions[0, 0]) for p in packets} == {"": 0, "ann 2": 2}
    one, receiver = source("neuron://?avatar=2")
    assert all(p.positions[0, 0] > 1.0 for p in play(one, receiver, said))
    assert len(one.streams) == 1 and one.elsewhere == 3


def test_a_second_sender_is_not_followed():
    one, receiver = source("neuron://")
    for tick in range(20):
        receiver.wait(tick * TICK_S)
        receiver.say(neuron.encode(frame(tick)))
        receiver.say(neuron.encode(replace(frame(tick, at_x=5.0), number=tick)), peer=BOB)
        assert all(p.positions[0, 0] < 1.0 for p in one.poll(tick * TICK_S))
    assert one.reception.others == 20


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(mutations(GOLDEN), st.sampled_from(GOLDEN), st.binary()), max_size=12))
def test_whatever_comes_is_counted_and_poses_are_rotations(heard):
    one, receiver = source("neuron://")
    for number, data in enumerate(heard):
        receiver.say(data)
        for packet in one.poll(number * TICK_S):
            np.testing.assert_allclose((packet.rotations**2).sum(-1), 1.0, atol=1e-5)
        assert one.notice and one.streams
    assert one.figures()["datagrams"] == len(heard)
