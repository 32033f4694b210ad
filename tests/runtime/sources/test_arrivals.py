"""However frames come, nothing is shown that nobody sent, for every source."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.bridge.protocols import test_mocopi as mocopi_said
from tests.runtime.sources.arrivals import Way, frames, shown, ticks
from tests.runtime.sources.devices import test_landmarks_source as landmarks_said
from tests.runtime.sources.devices import test_natnet_source as natnet_said
from tests.runtime.sources.devices import test_neuron_source as neuron_said
from tests.runtime.sources.devices import test_rokoko_source as rokoko_said
from tests.runtime.sources.devices.test_mvn_source import body as mvn_body
from tests.runtime.sources.devices.test_vmc_source import LEGS_AND_TRUNK, offsets
from tests.runtime.sources.receivers import source
from understudy.bridge.protocols import (
    freed,
    ifacialmocap,
    landmarks,
    livelinkface,
    mocopi,
    mvn,
    neuron,
    osc,
    vmc,
)
from understudy.bridge.protocols import opentrackio as ot
from understudy.bridge.protocols import opentrackio_packet as otp
from understudy.bridge.protocols.vmc_packer import Packer
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import State

SWING_RAD, SWAY_M, SWINGS_HZ, SWAYS_HZ = np.radians(36.0), 0.3, 1.0, 0.5
BEYOND_DEG, BEYOND_M = 2.0, 0.02
FREE_DEG, FREE_M = 1.0, 0.005  # of a tick: what fades in or out
SECONDS = 3.0
JOINED_S = 1.0  # before that nobody knows how fast it is, nor that it comes unevenly
JOINTS = ("Head", "LeftUpperArm", "RightLowerLeg")

ways = st.builds(
    Way,
    rate_hz=st.sampled_from([10.0, 12.0, 15.0, 24.0, 30.0, 50.0, 60.0, 90.0, 120.0, 240.0]),
    at_once=st.sampled_from([1, 1, 2, 3]),
    mean_s=st.sampled_from([0.0, 0.001, 0.005, 0.01, 0.03, 0.05]),
    ordered=st.booleans(),
    twice=st.booleans(),
    seed=st.integers(0, 1000),
)
tick_rates = st.sampled_from([30.0, 60.0, 120.0])


def swing_rad(time_s: float) -> float:
    return float(SWING_RAD * np.sin(2 * np.pi * SWINGS_HZ * time_s))


def sway_m(time_s: float) -> float:
    return float(SWAY_M * np.sin(2 * np.pi * SWAYS_HZ * time_s))


def body(time_s: float, timed: bool = True, **more) -> list[bytes]:
    """A frame of a body that swings a head, an arm and a leg, and sways."""
    rotations = rotation.identity(len(LEGS_AND_TRUNK))
    for name in JOINTS:
        turn = np.array([0.0, swing_rad(time_s), 0.0])
        rotations[LEGS_AND_TRUNK.index(name)] = rotation.from_rotation_vector(turn)
    positions = offsets(LEGS_AND_TRUNK)
    positions[0, 0] += sway_m(time_s)
    one = vmc.Performance(LEGS_AND_TRUNK, positions, rotations, None, time_s=100 + time_s, **more)
    datagrams = Packer(size=65507).pack(one)
    if timed:
        return datagrams
    said = [m for data in datagrams for m in osc.decode(data) if m.address != "/VMC/Ext/T"]
    return [osc.bundle([osc.encode(m.address, *m.arguments) for m in said])]


def phone(time_s: float, number: int, rate_hz: float = 60.0) -> list[bytes]:
    curves = {"headYaw": swing_rad(time_s) / np.pi, "jawOpen": 0.5 + sway_m(time_s)}
    face = livelinkface.Face("d", "P", number, 0.0, Fraction(rate_hz), livelinkface.curves(curves))
    return [livelinkface.encode(face)]


def suit(time_s: float, number: int, timed: bool = True) -> list[bytes]:
    """A frame of an MVN suit with the motion of `body`."""
    header = mvn.Header(mvn.QUATERNION, number, time_ms=round(1000 * (100 + time_s)) * timed)
    one = mvn_body(swing_rad(time_s), sway_m(time_s))
    return mvn.datagrams(mvn.QUATERNION, header, mvn.items(mvn.QUATERNION, one))


def studio(time_s: float, number: int, timed: bool = True) -> list[bytes]:
    """A scene of Rokoko Studio with the same motion, as our output sends it."""
    one = rokoko_said.subject(face=False, turn_rad=0.0, at_x=sway_m(time_s))
    for name in ("Head", "LeftArm", "RightLeg"):
        one.pose.rotations[PERFORMER.index(name)] = rotation.from_yaw(swing_rad(time_s))
    (data,) = rokoko_said.scene(one, time_s=time_s)
    return [data if timed else re.sub(rb'"timestamp":[\d.]+', b'"timestamp":null', data)]


def phone_body(time_s: float, number: int, timed: bool = True) -> list[bytes]:
    """A frame of mocopi with the same motion."""
    one = mocopi_said.pose(number, swing_rad(time_s), sway_m(time_s))
    one.time_s = 1.7e9 + time_s if timed else None
    return [mocopi.encode(mocopi_said.skeleton()), mocopi.encode(one)]


def cameras(time_s: float, number: int, timed: bool = True) -> list[bytes]:
    """A frame of Motive with the same motion."""
    one = natnet_said.frame(number, swing_rad(time_s), sway_m(time_s), timed)
    if timed:
        exposed = 10**7 + round(1e7 * time_s)
        one = replace(one, time_s=1.0 + time_s, exposed=exposed, sent=exposed + 40_000)
    opening = natnet_said.opening() if number % 30 == 0 else []
    return [*opening, natnet_said.packed(one)]


def axis(time_s: float, number: int, timed: bool = True) -> list[bytes]:
    """A frame of Axis with the same motion; it never says its time."""
    return [neuron.encode(neuron_said.frame(number, swing_rad(time_s), sway_m(time_s)))]


def tracker(time_s: float, number: int, timed: bool = True) -> list[bytes]:
    """A frame of a tracker's points with the same motion; the leg's turn about itself is unseen."""
    turns = {"head": rotation.from_yaw(swing_rad(time_s))}
    turns["left_upper_arm"] = rotation.from_yaw(swing_rad(time_s))
    said = landmarks_said.points(turns)
    said.points[:, 0] += sway_m(time_s)
    said.time_s = 100 + time_s if timed else None
    return [landmarks.encode(said)]


# A source of a body: a frame by its time, number and whether it says its time; the joints.
BODIES = {
    "vmc": (lambda t, _, timed: body(t, timed), JOINTS),
    "mvn": (suit, ("Head", "LeftUpperArm", "RightLowerLeg")),
    "mocopi": (phone_body, ("head", "l_up_arm", "r_low_leg")),
    "natnet": (cameras, ("Head", "LUArm", "RShin")),
    "landmarks": (tracker, ("Head", "LeftArm")),
    "neuron": (axis, ("Head", "LeftArm", "RightLeg")),
    "rokoko": (studio, ("head", "leftUpperArm", "rightLeg")),
}


def turned_deg(q: np.ndarray) -> float:
    return float(np.degrees(np.linalg.norm(rotation.to_rotation_vector(q))))


# All go through one buffer; those that add no way of their own to it are tried by `make test-all`.
ALIKE = ("landmarks", "mocopi", "neuron")


@pytest.mark.parametrize(
    "scheme",
    [pytest.param(name, marks=[pytest.mark.slow] * (name in ALIKE)) for name in BODIES],
)
@settings(max_examples=4, deadline=None, derandomize=True)
@example(way=Way(at_once=2), tick_hz=60.0, timed=False)
@example(way=Way(at_once=5), tick_hz=60.0, timed=True)
@example(way=Way(mean_s=0.03, seed=1), tick_hz=60.0, timed=True)
@example(way=Way(mean_s=0.05, most_s=0.2), tick_hz=60.0, timed=True)
@example(way=Way(mean_s=0.05, most_s=0.2, ordered=False), tick_hz=60.0, timed=True)
@example(way=Way(mean_s=0.05, most_s=0.2, ordered=False), tick_hz=60.0, timed=False)
@example(way=Way(90.0, mean_s=0.03, ordered=False), tick_hz=60.0, timed=False)
@example(way=Way(10.0, mean_s=0.01, ordered=False), tick_hz=60.0, timed=False)
@example(way=Way(10.0, at_once=2, mean_s=0.05, ordered=False, seed=352), tick_hz=120.0, timed=False)
@example(way=Way(12.0, at_once=2, mean_s=0.01, ordered=False, seed=888), tick_hz=120.0, timed=False)
@example(way=Way(15.0, at_once=2, ordered=False), tick_hz=60.0, timed=False)
@example(way=Way(12.0, at_once=2, mean_s=0.001, twice=True, seed=369), tick_hz=30.0, timed=False)
@example(way=Way(10.0, at_once=3, mean_s=0.05, seed=347), tick_hz=120.0, timed=True)
@example(way=Way(12.0, mean_s=0.01, ordered=False, twice=True, seed=645), tick_hz=60.0, timed=False)
@example(way=Way(240.0, mean_s=0.03, seed=773), tick_hz=30.0, timed=True)
@example(way=Way(120.0, at_once=2, mean_s=0.03, ordered=False, seed=180), tick_hz=60.0, timed=False)
@given(way=ways, tick_hz=tick_rates, timed=st.booleans())
def test_a_body_goes_nowhere_where_its_actor_was_not_and_no_faster(scheme, way, tick_hz, timed):
    """Not further than 2 degrees and 2 cm, and no more than 1.7 times as far in a tick."""
    made, joints = BODIES[scheme]
    one, receiver = source(f"{scheme}://" + "?travels=1" * (scheme == "landmarks"))
    # Of a sender that is slower than the stage a tick shows a whole frame's way.
    longest_s = 1.7 / min(tick_hz, way.rate_hz)
    furthest_deg = np.degrees(SWING_RAD) * 2 * np.pi * SWINGS_HZ * longest_s + FREE_DEG
    furthest_m = SWAY_M * 2 * np.pi * SWAYS_HZ * longest_s + FREE_M
    before: dict[str, np.ndarray] = {}
    root_before = None
    sent = frames(way.rate_hz, SECONDS, lambda t, n: made(t, n, timed))
    for tick, subject in enumerate(shown(one, receiver, sent, way, tick_hz, SECONDS)):
        names = subject.skeleton.names
        if subject.state is State.HOLD or joints[1] not in names:  # not its own yet
            continue
        for name in joints:
            turn = subject.pose.rotations[names.index(name)]
            assert turned_deg(turn) < np.degrees(SWING_RAD) + BEYOND_DEG, name
            if name in before and tick > JOINED_S * tick_hz:
                gone = rotation.multiply(turn, rotation.conjugate(before[name]))
                assert turned_deg(gone) < furthest_deg, name
            before[name] = turn.copy()
        root = subject.pose.positions[0].copy()
        assert abs(root[0]) < SWAY_M + BEYOND_M
        if root_before is not None and tick > JOINED_S * tick_hz:
            assert np.linalg.norm(root - root_before) < furthest_m
        root_before = root


@pytest.mark.parametrize("scheme", ["livelinkface", "ifacialmocap"])
@settings(max_examples=20, deadline=None)
@example(way=Way(mean_s=0.01, ordered=False), tick_hz=60.0)
@example(way=Way(30.0, mean_s=0.05, twice=True, seed=174), tick_hz=60.0)
@example(way=Way(at_once=2, mean_s=0.005, ordered=False, twice=True, seed=1), tick_hz=30.0)
@given(way=ways, tick_hz=tick_rates)
def test_a_head_turns_no_further_than_the_phone_said(scheme, way, tick_hz):
    face_source, receiver = source(f"{scheme}://")

    def made(time_s: float, number: int) -> list[bytes]:
        if scheme == "livelinkface":
            return phone(time_s, number, way.rate_hz)
        curves = {"headYaw": swing_rad(time_s) / np.pi, "jawOpen": 0.5 + sway_m(time_s)}
        return [ifacialmocap.encode(curves)]

    sent = frames(way.rate_hz, SECONDS, made)
    jaw = livelinkface.INDEX["jawOpen"]
    for subject in shown(face_source, receiver, sent, way, tick_hz, SECONDS):
        assert turned_deg(subject.pose.rotations[1]) < np.degrees(SWING_RAD) + BEYOND_DEG
        assert -0.001 < face_source.face.shown[jaw] < 0.5 + SWAY_M + BEYOND_M


def camera(scheme: str, time_s: float, number: int) -> list[bytes]:
    at = np.array([sway_m(time_s), 1.5, 0.0])
    turn = rotation.from_yaw(swing_rad(time_s))
    if scheme == "freed":
        return [freed.encode(freed.tracking(1, at, turn, zoom=3500))]
    stamp = ot.Timestamp(1_700_000_000 + int(time_s), int(time_s % 1 * 1e9))
    sample = ot.Sample(
        ot.protocol(),
        timing=ot.Timing(sample_timestamp=stamp),
        transforms=[ot.transform(at, turn)],
    )
    return otp.encode(ot.to_json(sample), otp.Encoding.JSON, number + 1)


@pytest.mark.parametrize("scheme", ["freed", "opentrackio"])
@pytest.mark.parametrize("delay", ["auto", "0.06"])
@settings(max_examples=10, deadline=None)
@given(way=ways, tick_hz=tick_rates)
def test_a_camera_stays_between_the_places_where_it_was(scheme, delay, way, tick_hz):
    camera_source, receiver = source(f"{scheme}://?delay={delay}")
    sent = frames(way.rate_hz, SECONDS, lambda t, n: camera(scheme, t, n))
    for now_s in ticks(receiver, sent, way, tick_hz, SECONDS):
        camera_source.poll(now_s)
        for one in camera_source.cameras:
            assert turned_deg(np.asarray(one.rotation)) < np.degrees(SWING_RAD) + 0.1
            assert abs(one.position[0]) < SWAY_M + 0.001 and one.focal_mm == 35.0


@settings(max_examples=10, deadline=None)
@given(ways, tick_rates)
def test_a_tracker_and_a_camera_of_vmc_stay_between_their_places(way, tick_hz):
    vmc_source, receiver = source("vmc://")

    def made(time_s: float, _: int) -> list[bytes]:
        at, turn = np.array([sway_m(time_s), 1.0, 0.0]), rotation.from_yaw(swing_rad(time_s))
        seen = vmc.Camera("A", at, turn, 40.0)
        return body(time_s, camera=seen, devices=[vmc.Device("Tra", "T", at, turn)])

    sent = frames(way.rate_hz, SECONDS, made)
    for now_s in ticks(receiver, sent, way, tick_hz, SECONDS):
        vmc_source.poll(now_s)
        for one in (*vmc_source.cameras, *vmc_source.props):
            assert abs(one.position[0]) < SWAY_M + 0.001
            assert turned_deg(np.asarray(one.rotation)) < np.degrees(SWING_RAD) + 0.1


@pytest.mark.parametrize("rate_hz", [24.0, 30.0, 60.0, 90.0, 120.0, 240.0])
@pytest.mark.parametrize("scheme", ["vmc", "livelinkface"])
def test_who_sends_evenly_is_shown_as_it_comes(scheme, rate_hz):
    """The delay that sets itself is none, and no tick is acted."""
    one, receiver = source(f"{scheme}://")

    def made(time_s: float, number: int) -> list[bytes]:
        return phone(time_s, number, rate_hz) if scheme == "livelinkface" else body(time_s)

    way = Way(rate_hz, mean_s=2e-4, seed=3)
    states = [
        subject.state
        for subject in shown(one, receiver, frames(rate_hz, 6.0, made), way, 60.0, 5.5)
    ]
    assert one.figures()["delay_s"] == 0.0
    assert set(states[30:]) == {State.LIVE}


@pytest.mark.parametrize("way", [Way(at_once=2), Way(mean_s=0.01), Way(mean_s=0.03, seed=2)])
def test_who_sends_unevenly_is_shown_a_little_later_and_no_longer_acted(way):
    face_source, receiver = source("livelinkface://")
    states, yaws = [], []
    for subject in shown(face_source, receiver, frames(60.0, 8.0, phone), way, 60.0, 7.5):
        states.append(subject.state)
        yaws.append(np.degrees(rotation.to_rotation_vector(subject.pose.rotations[1])[1]))
    assert np.mean([state is State.LIVE for state in states[180:]]) > 0.98
    figures = face_source.figures()
    assert 0.02 < figures["delay_s"] < 0.15
    assert "unevenly" in figures["notice"]
    # A degree a tick more than what was sent, where it plays faster for a while.
    fastest = np.degrees(SWING_RAD) * 2 * np.pi * SWINGS_HZ / 60
    assert np.abs(np.diff(yaws[240:])).max() < 1.1 * fastest + 0.1
