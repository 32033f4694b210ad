"""Vicon in: objects by UDP, bodies by the SDK's own module, what is not there is a sentence."""

from __future__ import annotations

import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings

from tests.bridge.protocols.mutations import mutations
from tests.bridge.protocols.test_vicon import GOLDEN, MODEL
from tests.runtime.sources import vicon_dssdk
from tests.runtime.sources.receivers import TICK_S, source
from understudy.bridge.protocols import vicon
from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.sources import endpoint, registry
from understudy.runtime.sources.streams import Kind
from understudy.runtime.sources.vicon_sdk import SdkPort


def moving(count: int) -> list:
    """Poses of somebody who turns and bends."""
    poses = []
    for n in range(count):
        positions, turns = PERFORMER.rest_positions.copy(), PERFORMER.rest_rotations.copy()
        positions[0, 2] += 0.01 * n
        turns[0] = rotation.from_yaw(0.02 * n)
        turns[PERFORMER.index("LeftArm")] = rotation.from_yaw(0.03 * n)
        poses.append((positions, turns))
    return poses


@pytest.fixture
def sdk(monkeypatch):
    """The module as it lies in Vicon's SDK, with ten frames in it."""
    client = vicon_dssdk.Client
    monkeypatch.setattr(client, "poses", moving(10))
    monkeypatch.setattr(client, "unseen", set())
    monkeypatch.setattr(client, "refuses", "")
    monkeypatch.setitem(sys.modules, "vicon_dssdk", vicon_dssdk)
    return client


def opened():
    line = "vicon://?sdk=10.0.0.9&name=ann&delay=0"
    return registry.Ports().open(endpoint.parse(line, registry.KNOWN))


def played(one, until) -> list:
    packets, began_s = [], time.monotonic()
    while not until(packets) and time.monotonic() - began_s < 5.0:
        packets += one.poll(time.monotonic() - began_s)
    return packets


def test_objects_are_props_that_hold_when_they_are_gone():
    one, receiver = source("vicon://")
    receiver.say(GOLDEN)
    assert one.poll(0.0) == []
    (stream,) = one.streams
    assert (stream.kind, stream.of.name) == (Kind.PROP, "Wand")
    one.poll(1.0)
    assert one.streams[0].of.state.name == "HOLD" and "nothing comes" in one.notice


def test_a_subject_of_the_sdk_is_a_body_and_a_wand_a_prop(sdk):
    one = opened()
    packets = played(one, lambda found: len(found) >= 10)
    one.close()
    bodies = [s for s in one.streams if s.kind is Kind.BODY]
    assert [(s.key, s.known) for s in bodies] == [("", True)]
    assert [s.of.name for s in one.streams if s.kind is Kind.PROP] == ["Wand"]
    skeleton = bodies[0].of.skeleton
    assert skeleton.names == PERFORMER.names
    at, turns = skeleton.globals(packets[-1].positions, packets[-1].rotations)
    # Its thread may have fetched more than was played.
    wanted = [PERFORMER.globals(*pose) for pose in sdk.poses]
    wanted_p, wanted_r = min(wanted, key=lambda pose: np.abs(at - pose[0]).max())
    assert np.abs(at - wanted_p).max() < 1e-4
    assert np.degrees(rotation.angle_between(turns, wanted_r).max()) < 0.05
    assert one.figures()["latency_s"] == 0.006 and one.quality == "2 of 2 subjects seen"


def test_what_cameras_do_not_see_is_not_seen(sdk):
    sdk.unseen = {"LeftHand"}
    one = opened()
    packets = played(one, lambda found: len(found) >= 5)
    one.close()
    seen = packets[-1].seen
    assert not seen[PERFORMER.index("LeftHand")] and seen.sum() == len(PERFORMER) - 1


def test_a_server_that_refuses_and_a_module_that_is_not_there_are_sentences(sdk, monkeypatch):
    sdk.refuses = "Client connection failed"
    one = opened()
    played(one, lambda _: one.reception.receiver.trouble)
    assert "Client connection failed" in one.notice and "10.0.0.9" in one.notice
    one.close()
    monkeypatch.setitem(sys.modules, "vicon_dssdk", None)
    with pytest.raises(UnderstudyError, match="vicon_dssdk of Vicon's DataStream SDK"):
        opened()


def test_what_nobody_takes_is_lost_the_oldest_first(sdk, monkeypatch):
    sdk.poses = moving(3) * 300
    port = SdkPort("10.0.0.9")
    began_s = time.monotonic()
    while port._came.qsize() < 512 and time.monotonic() - began_s < 5.0:
        pass
    port.close()
    assert len(port.poll(1.0)) <= 512


@given(mutations([GOLDEN, MODEL]))
@settings(max_examples=60, deadline=None)
def test_whatever_comes_is_counted(data):
    one, receiver = source("vicon://")
    for tick in range(3):
        receiver.say(data)
        one.poll(tick * TICK_S)
    assert one.reception.damaged in (0, 3) and isinstance(one.notice, str)


def test_a_model_without_a_root_is_damage():
    one, receiver = source("vicon://")
    rest = vicon.packed(np.zeros((2, 3)), rotation.identity(2))
    receiver.say(vicon.message(vicon.Model("Ann", ["a", "b"], [1, 0], rest)))
    one.poll(0.0)
    assert one.reception.damaged == 1 and "one root" in one.reception.fault
