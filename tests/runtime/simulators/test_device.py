"""What a simulated device sends comes back through real sockets as it was."""

from __future__ import annotations

import time

import numpy as np
import pytest

from tests.runtime.sources.receivers import free_udp_ports
from understudy.bridge.protocols import landmarks, mvn, trackers
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER, roles
from understudy.runtime.simulators import cameras
from understudy.runtime.simulators import device as devices
from understudy.runtime.simulators.device import DEVICES, Performance
from understudy.runtime.simulators.line import Line
from understudy.runtime.sources import endpoint, registry
from understudy.runtime.sources.controls import faders
from understudy.runtime.sources.devices.landmarks_body import ROW
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


@pytest.fixture
def desk():
    """MIDI without hardware."""
    mido = pytest.importorskip("mido")
    before = mido.backend
    mido.set_backend("tests.runtime.sources.midi_backend")
    yield
    mido.set_backend(before)


def heard(scheme: str, performance: Performance, options: str = ""):
    """The source after the whole clip was sent to it, and the packets that it gave."""
    (port,) = free_udp_ports(1)
    line = f"{scheme.partition('-')[0]}://127.0.0.1:{port}?delay=0{options}"
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


# Bones whose turn a protocol does not say: those with a single point on them.
UNTURNED = {"mvn-points": {"left_toes", "right_toes", "spine", "chest"}}


@pytest.mark.parametrize(
    "scheme", ["mvn", "mvn-points", "natnet", "neuron", "rokoko", "vmc", "mocopi"]
)
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
        apart = 0.0 if role in UNTURNED.get(scheme, ()) else apart
        assert apart_m < MOST_M and np.degrees(apart) < MOST_DEG, (role, apart_m, apart)


def test_landmarks_and_trackers_come_back_where_they_were_worn():
    performance = Performance(clip())
    (sent,) = performance.frame(FRAMES - 1).subjects
    own = roles(PERFORMER)
    at, turns = PERFORMER.globals(sent.pose.positions, sent.pose.rotations)
    (data,) = DEVICES["landmarks"].made().datagrams(performance.frame(FRAMES - 1), 1.0)
    points = landmarks.decode(data).points
    hips = (at[own["left_upper_leg"]] + at[own["right_upper_leg"]]) / 2.0
    for point, role in (("left_wrist", "left_hand"), ("right_ankle", "right_foot")):
        assert np.abs(points[ROW[point]] + hips - at[own[role]]).max() < MOST_M, point
    (data,) = DEVICES["trackers"].made().datagrams(performance.frame(FRAMES - 1), 1.0)
    worn = trackers.decode(data)
    for number, role in (("1", "hips"), ("2", "left_foot"), ("head", "head")):
        assert np.abs(worn.places[number] - at[own[role]]).max() < MOST_M, number
        apart = rotation.angle_between(worn.turns[number], turns[own[role]])
        assert np.degrees(apart) < MOST_DEG, number


@pytest.mark.parametrize("scheme", ["landmarks", "trackers"])
def test_points_of_a_recording_are_a_body(scheme):
    source, packets = heard(scheme, Performance(clip()))
    (stream,) = source.streams
    assert stream.kind is Kind.BODY and stream.known and len(packets) >= FRAMES // 2
    assert source.reception.damaged == 0


@pytest.mark.parametrize("scheme", ["freed", "opentrackio"])
def test_a_camera_comes_back_where_the_eyes_were(scheme):
    performance = Performance(clip(), actors=2 if scheme == "freed" else 1)
    source, _ = heard(scheme, performance)
    found = {s.of.name: s.of for s in source.streams if s.kind is Kind.CAMERA}
    assert set(found) == {f"Camera {n}" for n in range(1, performance.actors + 1)}
    for number, one in enumerate(performance.frame(FRAMES - 1).subjects, 1):
        wanted, there = cameras.camera(one, number), found[f"Camera {number}"]
        assert np.abs(there.position - wanted.position).max() < MOST_M
        apart = rotation.angle_between(there.rotation, wanted.rotation)
        assert np.degrees(apart) < MOST_DEG
        assert there.focal_mm == pytest.approx(cameras.FOCAL_MM, abs=0.01)
        assert there.iris == pytest.approx(cameras.IRIS, abs=0.01)


def test_vicons_objects_come_back_and_two_actors_have_their_own():
    performance = Performance(clip(), actors=2)
    source, _ = heard("vicon", performance)
    found = {s.of.name: s.of for s in source.streams if s.kind is Kind.PROP}
    assert len(found) == 12
    for one in performance.frame(FRAMES - 1).subjects:
        at, turns = PERFORMER.globals(one.pose.positions, one.pose.rotations)
        joint = roles(PERFORMER)["left_hand"]
        prop = found[f"{one.name} left_hand"]
        assert np.abs(prop.position - at[joint]).max() < MOST_M
        assert np.degrees(rotation.angle_between(prop.rotation, turns[joint])) < MOST_DEG


def test_a_desk_is_moved_by_hands_and_feet(desk):
    performance = Performance(clip())
    (port,) = free_udp_ports(1)
    by_midi, by_osc = faders.opened("midi://"), faders.opened(f"osc://127.0.0.1:{port}")
    try:
        for device, to in (("midi", ""), ("osc", "127.0.0.1")):
            to_port = port if device == "osc" else 0
            devices.play(performance, DEVICES[device], (to, to_port), Line(), 0.2)
        moved = by_midi.poll(1.0)
        shown = by_osc.poll(time.monotonic())
    finally:
        by_midi.close()
        by_osc.close()
    height = performance.frame(0).subjects[0]
    at, _ = PERFORMER.globals(height.pose.positions, height.pose.rotations)
    first = {one.control: one.value for one in reversed(moved)}
    high_m = at[roles(PERFORMER)["left_hand"], 1]
    assert first["cc 16"] == pytest.approx(high_m / 2.0, abs=0.01) and "cc 17" in first
    words = {
        "cc 16": "/1/fader1",
        "cc 17": "/1/fader2",
        "note 36": "/1/push1",
        "note 37": "/1/push2",
    }
    wanted = [(words[one.control], one.value) for one in moved]
    assert [(one.control, pytest.approx(one.value, abs=1e-6)) for one in shown] == wanted
    assert ("note 36", 1.0) in [(one.control, one.value) for one in moved]


@pytest.mark.parametrize("scheme", ["mvn", "mvn-points", "natnet", "neuron", "rokoko"])
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
