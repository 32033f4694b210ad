"""What a simulated device sends comes back through real sockets as it was."""

from __future__ import annotations

import time

import numpy as np
import pytest

from tests.runtime.sources.receivers import free_udp_ports
from understudy.bridge.protocols import mvn
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER, roles
from understudy.runtime.simulators import device as devices
from understudy.runtime.simulators.device import DEVICES, Performance
from understudy.runtime.simulators.line import Line
from understudy.runtime.sources import endpoint, registry
from understudy.runtime.sources.streams import Kind
from understudy.runtime.takes.clip import Clip

FRAMES, RATE_HZ = 24, 60.0
MOST_M, MOST_DEG = 1e-4, 0.05


def clip() -> Clip:
    """A performer who moves every joint, and walks."""
    random = np.random.default_rng(3)
    axes = rotation.normalize(random.normal(size=(len(PERFORMER), 3)))
    swing = 0.4 * np.sin(np.arange(FRAMES) / 8.0)[:, None, None]
    positions = np.tile(PERFORMER.rest_positions, (FRAMES, 1, 1))
    positions[:, 0, 2] += 0.01 * np.arange(FRAMES)
    return Clip(
        PERFORMER, positions, rotation.from_rotation_vector(swing * axes), 1 / RATE_HZ, "walk"
    )


def heard(scheme: str, performance: Performance, options: str = ""):
    """The source after the whole clip was sent to it, and the packets that it gave."""
    (port,) = free_udp_ports(1)
    line = f"{scheme}://127.0.0.1:{port}?delay=0{options}"
    source = registry.Ports().open(endpoint.parse(line, registry.KNOWN))
    began_s = time.monotonic()
    source.poll(0.0)
    frames, sent = devices.play(
        performance, DEVICES[scheme], ("127.0.0.1", port), Line(), FRAMES / RATE_HZ
    )
    assert frames == FRAMES and sent >= FRAMES
    packets = source.poll(time.monotonic() - began_s)
    packets += source.poll(time.monotonic() - began_s + 1e-3)
    source.close()
    return source, packets


@pytest.mark.parametrize("scheme", ["mvn", "natnet", "neuron", "rokoko", "vmc"])
def test_a_body_comes_back_within_a_tenth_of_a_millimetre(scheme):
    performance = Performance(clip())
    source, packets = heard(scheme, performance)
    body = next(s.of for s in source.streams if s.kind is Kind.BODY and s.key == "").skeleton
    packet = packets[-1]
    world_p, world_r = body.globals(packet.positions, packet.rotations)
    (sent,) = performance.frame(FRAMES - 1).subjects
    wanted_p, wanted_r = PERFORMER.globals(sent.pose.positions, sent.pose.rotations)
    own, theirs = roles(PERFORMER), roles(body)
    assert len(own.keys() & theirs.keys()) >= 20
    for role in own.keys() & theirs.keys():
        apart_m = np.abs(world_p[theirs[role]] - wanted_p[own[role]]).max()
        apart = rotation.angle_between(world_r[theirs[role]], wanted_r[own[role]])
        assert apart_m < MOST_M and np.degrees(apart) < MOST_DEG, (role, apart_m, apart)


@pytest.mark.parametrize("scheme", ["mvn", "natnet", "neuron", "rokoko"])
def test_two_actors_are_two_bodies(scheme):
    source, packets = heard(scheme, Performance(clip(), actors=2), "&name=ann")
    bodies = [s for s in source.streams if s.kind is Kind.BODY]
    assert len(bodies) == 2 and all(s.known for s in bodies)
    ends = {packet.key: packet.positions[0, 0] for packet in packets}
    first, second = (ends[s.key] for s in bodies)
    assert second - first == pytest.approx(devices.APART_M, abs=2e-4)


@pytest.mark.parametrize("scheme", ["livelinkface", "ifacialmocap", "facemotion3d", "rokoko"])
def test_a_face_comes_back(scheme):
    performance = Performance(clip())
    source, _ = heard(scheme, performance)
    face = next(s.of for s in source.streams if s.kind is Kind.FACE)
    (sent,) = performance.frame(FRAMES - 1).subjects
    said = dict(zip(sent.skeleton.curve_names, sent.curves.tolist(), strict=True))
    values = dict(zip(face.names, face.values.tolist(), strict=True))
    for name in ("jawOpen", "eyeBlinkLeft"):
        assert values[name] == pytest.approx(said[name], abs=2e-4), name
    if scheme != "rokoko":
        head = sent.pose.rotations[PERFORMER.index("Head")]
        assert abs(values["headYaw"]) > 0.001 and np.abs(head[:3]).max() > 0.001


def test_mvn_says_t_pose_and_name_of_everybody_once_a_second():
    performance, simulator = Performance(clip(), actors=2), DEVICES["mvn"].made()
    kinds = [
        mvn.decode(data).header.kind
        for n in range(61)
        for data in simulator.datagrams(performance.frame(n), n / RATE_HZ)
    ]
    assert kinds.count(mvn.SCALE) == kinds.count(mvn.NAMES) == 4
    assert kinds.count(mvn.QUATERNION) == 122


def test_after_its_last_frame_a_clip_begins_again():
    performance = Performance(clip())
    first, again = (performance.frame(n).subjects[0].pose for n in (0, FRAMES))
    np.testing.assert_array_equal(first.positions, again.positions)


@pytest.mark.parametrize("scheme", ["mvn", "natnet"])
def test_a_program_that_is_started_again_is_followed_again(scheme, monkeypatch):
    monkeypatch.setattr(devices, "RESTARTS_S", 0.2)
    performance = Performance(clip())
    (port,) = free_udp_ports(1)
    source = registry.Ports().open(
        endpoint.parse(f"{scheme}://127.0.0.1:{port}?delay=0", registry.KNOWN)
    )
    began_s, peers = time.monotonic(), set()

    def running() -> bool:
        source.poll(time.monotonic() - began_s)
        peers.update(source.reception.figures()["senders"])
        return True

    frames, _ = devices.play(
        performance, DEVICES[scheme], ("127.0.0.1", port), Line(), 3.5, running, 1.0
    )
    source.poll(time.monotonic() - began_s)
    assert frames == round(3.5 * RATE_HZ) and source.reception.damaged == 0
    assert len(source.streams) == 1 and source.streams[0].known
    assert len(peers) >= 2 or scheme == "natnet", "natnet answers on a port of its own"
    source.close()
