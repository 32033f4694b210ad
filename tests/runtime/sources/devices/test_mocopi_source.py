"""Sony mocopi in: its skeleton, poses before it, another phone, whatever comes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bridge.protocols.mutations import mutations
from tests.bridge.protocols.test_mocopi import GOLDEN, pose, skeleton
from tests.runtime.sources.receivers import BOB, TICK_S, source
from understudy.bridge.protocols import mocopi
from understudy.runtime.core import rotation
from understudy.runtime.core.roles import missing, roles


def play(one, receiver, frames, first: int = 0) -> list:
    packets = []
    for tick, said in enumerate(frames, first):
        receiver.wait(tick * TICK_S)
        receiver.say(*(mocopi.encode(each) for each in said))
        packets += one.poll(tick * TICK_S)
    return packets


def test_a_body_streams_on_the_skeleton_that_it_sends():
    one, receiver = source("mocopi://")
    assert play(one, receiver, [[pose(0)]] * 3) == []
    assert "skeleton has not come" in one.notice and not one.streams[0].known
    packets = play(one, receiver, [[skeleton(), pose(n, 0.5, 0.3)] for n in range(3, 6)], 3)
    assert missing(roles(one.skeleton)) == [] and one.streams[0].known
    offsets = dict(zip(mocopi.NAMES, skeleton().positions, strict=True))
    for name, offset in list(zip(one.skeleton.names, one.skeleton.rest_positions, strict=True))[1:]:
        np.testing.assert_allclose(offset, offsets[name], atol=1e-6)
    head = one.skeleton.index("head")
    np.testing.assert_allclose(packets[-1].rotations[head], rotation.from_yaw(0.5), atol=1e-6)
    assert packets[-1].positions[0] == pytest.approx((0.3, 0.9, 0.0)) and packets[-1].seen is None


def test_another_skeleton_replaces_the_first_and_the_same_does_not():
    one, receiver = source("mocopi://")
    play(one, receiver, [[skeleton(), pose(n)] for n in range(3)])
    first = one.skeleton
    play(one, receiver, [[skeleton(), pose(3)]], 3)
    assert one.skeleton is first
    play(one, receiver, [[skeleton(0.5), pose(4)]], 4)
    assert one.skeleton is not first


@pytest.mark.parametrize(
    ("bone", "parent", "good"), [(0, 0, True), (3, 5, False), (5, 999, False), (5, 5, False)]
)
def test_a_skeleton_is_one_tree(bone, parent, good):
    one, receiver = source("mocopi://")
    said = skeleton()
    said.parents[bone] = parent
    play(one, receiver, [[said]])
    assert one.reception.damaged == (not good) and one.streams[0].known == good


def test_a_second_phone_is_not_followed():
    one, receiver = source("mocopi://")
    for tick in range(20):
        receiver.wait(tick * TICK_S)
        receiver.say(mocopi.encode(skeleton()), mocopi.encode(pose(tick)))
        receiver.say(mocopi.encode(pose(tick, at_x=5.0)), peer=BOB)
        assert all(p.positions[0, 0] == 0.0 for p in one.poll(tick * TICK_S))
    assert one.reception.others == 20


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(mutations(GOLDEN), st.sampled_from(GOLDEN), st.binary()), max_size=12))
def test_whatever_comes_is_counted_and_poses_are_rotations(heard):
    one, receiver = source("mocopi://")
    for number, data in enumerate(heard):
        receiver.say(data)
        for packet in one.poll(number * TICK_S):
            np.testing.assert_allclose((packet.rotations**2).sum(-1), 1.0, atol=1e-5)
        assert one.notice and one.streams
    figures = one.figures()
    assert figures["damaged"] + figures["frames"] == figures["datagrams"] == len(heard)
