"""VMC in: whose skeleton it is, what is missing of it, and what senders do differently."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pythonosc.osc_message_builder import OscMessageBuilder

from tests.bridge.protocols.mutations import mutations
from tests.runtime.outputs.things import to as target
from tests.runtime.sources.receivers import ANN, BOB, TICK_S, source
from understudy.bridge.protocols import vmc
from understudy.bridge.protocols.vmc_packer import DIALECTS, Packer
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER, roles
from understudy.runtime.core.pose import Frame, Pose, State, Subject
from understudy.runtime.outputs.sender import KNOWN
from understudy.runtime.retarget.retarget import t_pose
from understudy.runtime.sources.datagrams import SILENT_S
from understudy.runtime.sources.devices import vmc_skeleton
from understudy.runtime.sources.devices.vmc import KEPT_FRAMES, OTHER_FRAMES
from understudy.runtime.stage.live import Live

LEGS_AND_TRUNK = tuple(
    n for n in vmc.BONES if not any(w in n for w in ("Eye", "Jaw", *vmc._FINGERS))
)
ROOT = (np.zeros(3), rotation.identity())


def offsets(bones=vmc.BONES, scale: float = 1.0) -> np.ndarray:
    """Of an avatar that is our performer, taller by `scale`."""
    places, parents = vmc_skeleton._PLACES, vmc_skeleton._PARENTS
    rows = []
    for name in bones:
        above = parents.get(name)
        while above is not None and above not in bones:
            above = parents.get(above)
        rows.append(scale * (places[name] - (places[above] if above else 0.0)))
    return np.array(rows)


def performance(number: int, bones=vmc.BONES, scale: float = 1.0, **more) -> vmc.Performance:
    """Frame `number` of a body that waves with everything it has."""
    turns = rotation.from_rotation_vector(
        np.random.default_rng(1).normal(scale=0.3, size=(len(bones), 3)) * np.sin(0.1 * number)
    )
    given = {"root": ROOT, "time_s": 10.0 + number * TICK_S, **more}
    return vmc.Performance(tuple(bones), offsets(bones, scale), turns, **given)


def play(vmc_source, receiver, performances, dialect="standard", peer=ANN, from_tick=0, **packer):
    """The packets of each tick, a frame a tick."""
    pack = Packer(DIALECTS[dialect], **packer)
    ticks = []
    for number, one in enumerate(performances, from_tick):
        if one is not None:
            receiver.say(*pack.pack(one), peer=peer)
        ticks.append(vmc_source.poll(number * TICK_S))
    return ticks


@pytest.mark.parametrize(
    ("dialect", "packer"),
    [
        *((name, {}) for name in DIALECTS),
        ("standard", {"bundled": False}),
        ("standard", {"size": 65507}),
    ],
)
def test_poses_come_through_on_the_senders_own_skeleton(dialect, packer):
    vmc_source, receiver = source("vmc://?name=ann")
    assert vmc_source.skeleton is PERFORMER and vmc_source.silence
    frames = [performance(n, scale=1.1) for n in range(20)]
    ticks = play(vmc_source, receiver, frames, dialect, **packer)
    skeleton = vmc_source.skeleton
    assert set(skeleton.names) == set(vmc.BONES)
    order = [frames[0].names.index(name) for name in skeleton.names]
    whole = [n for n, packets in enumerate(ticks) if packets]
    assert whole[0] <= 3 and whole == list(range(whole[0], 20))
    for number in whole:
        (packet,) = ticks[number]
        sent = frames[number]
        assert packet.seen is None
        np.testing.assert_allclose(packet.positions, sent.positions[order], atol=1e-5)
        gap = rotation.multiply(rotation.conjugate(packet.rotations), sent.rotations[order])
        assert 2 * np.arccos(np.clip(np.abs(gap[:, 3]), 0, 1)).max() < np.radians(0.05)


def test_the_skeleton_is_a_humanoid_in_its_t_pose_that_stands_on_the_ground():
    skeleton = vmc_skeleton.skeleton(performance(0, scale=1.2))
    assert set(roles(skeleton)) == set(roles(PERFORMER))
    world = skeleton.rest_globals[0]
    np.testing.assert_allclose(t_pose(skeleton)[0], world, atol=0.02)
    ours = PERFORMER.rest_globals[0][PERFORMER.index("Head")]
    np.testing.assert_allclose(world[skeleton.index("Head")], 1.2 * ours, atol=0.03)
    assert abs(world[skeleton.index("LeftToes"), 1]) < 0.03


def test_a_body_without_fingers_or_upper_chest_has_none():
    bones = tuple(name for name in LEGS_AND_TRUNK if name != "UpperChest")
    skeleton = vmc_skeleton.skeleton(performance(0, bones))
    assert skeleton.names == bones
    assert skeleton.names[skeleton.parents[skeleton.index("Neck")]] == "Chest"


def test_bones_that_come_without_positions_are_where_our_performers_are():
    vmc_source, receiver = source("vmc://")
    frames = [performance(n) for n in range(5)]
    for frame in frames:
        frame.positions[1:] = 0.0
    packet = play(vmc_source, receiver, frames)[-1][0]
    np.testing.assert_allclose(vmc_source.skeleton.rest_positions[1:], offsets()[1:], atol=1e-6)
    np.testing.assert_array_equal(packet.positions[1:], vmc_source.skeleton.rest_positions[1:])


UPPER = tuple(n for n in LEGS_AND_TRUNK if not any(w in n for w in ("Leg", "Foot", "Toe")))
HEAD = ("Neck", "Head")


@pytest.mark.parametrize(
    ("bones", "lacks"),
    [
        (UPPER, "it sends no left leg, no right leg: held at rest"),
        (("Head",), "it sends no trunk, no left arm, no right arm, no left leg, no right leg"),
        (HEAD, "it sends no trunk, no left arm, no right arm, no left leg, no right leg"),
    ],
)
def test_half_a_body_is_live_is_acted_in_a_silence_and_goes_out_again(bones, lacks):
    """As programs for virtual presenters send it: what never comes is held at rest, and said."""
    vmc_source, receiver = source("vmc://")
    stage = Live()
    (seat,) = stage.seats([PERFORMER])
    stage.admit([seat])
    subject, pack = Subject("ann", PERFORMER, Pose.rest(PERFORMER)), Packer()
    states, reasons, sent = [], [], performance(0, bones)
    for number in range(100):
        if number < 60:
            sent = performance(number, bones)
            receiver.say(*pack.pack(sent))
        receiver.tick_ns = 10**12 + round(number * TICK_S * 1e9)
        receiver.wait(number * TICK_S)
        stage.arrive(seat, vmc_source.skeleton, vmc_source.poll(number * TICK_S))
        stage.step(number * TICK_S)
        seat.solve(subject, None, np.zeros(3), rotation.identity())
        if seat.fitting is not None:
            seat.fitting[1].result()
        states.append(subject.state)
        reasons.append(subject.reason)
        if number == 55:
            notice, live = vmc_source.notice, vmc_source.skeleton
            head = live.index("Head")
            turn = sent.rotations[sent.names.index("Head")]
            assert abs(subject.pose.rotations[head] @ turn) > 1 - 1e-6
            world = live.globals(subject.pose.positions, subject.pose.rotations)[0]
            assert abs(world[live.index("LeftToes"), 1]) < 0.06  # it stands on the ground
            if "LeftHand" not in bones:
                assert world[live.index("LeftHand"), 1] < world[head, 1] - 0.4
            scene = Frame(number, 1, 1, 60, 1, "", subjects=[subject])
            for url in ("vmc://127.0.0.1", "rokoko://127.0.0.1"):
                one = target(url)
                assert KNOWN[one.scheme].OUTPUT(one).datagrams(scene, 1.0)
            out = KNOWN["vmc"].OUTPUT(target("vmc://127.0.0.1")).message(scene, 1.0)
            assert abs(out.rotations[out.names.index("Head")] @ turn) > 1 - 1e-6
    assert set(states[20:58]) == {State.LIVE}
    assert lacks in notice
    assert State.TAKEOVER in states[62:] and "mocap silent" in reasons[-1]
    stage.close()


@pytest.mark.parametrize("by_root", [False, True])
def test_travel_comes_by_hips_or_by_root(by_root):
    vmc_source, receiver = source("vmc://")
    turn, at = rotation.from_yaw(0.7), np.array([2.0, 0.0, -1.0])
    hips = np.array([0.1, 0.95, 0.2])
    frames = []
    for n in range(5):
        frame = performance(n)
        frame.rotations[0] = rotation.identity()
        if by_root:
            frame.positions[0], frame.root = hips, (at, turn)
        else:
            frame.positions[0] = at + rotation.rotate(turn, hips)
            frame.rotations[0] = turn
        frames.append(frame)
    packet = play(vmc_source, receiver, frames)[-1][0]
    np.testing.assert_allclose(packet.positions[0], at + rotation.rotate(turn, hips), atol=1e-5)
    np.testing.assert_allclose(np.abs(packet.rotations[0] @ turn), 1.0, atol=1e-9)


def test_a_limb_that_is_no_longer_sent_is_not_seen_and_comes_back():
    vmc_source, receiver = source("vmc://")
    arm = {"LeftLowerArm", "LeftHand"}
    less = tuple(name for name in LEGS_AND_TRUNK if name not in arm)
    frames = [performance(n, less if 20 <= n < 80 else LEGS_AND_TRUNK) for n in range(100)]
    ticks = play(vmc_source, receiver, frames)
    lacking = []
    for number, packets in enumerate(ticks):
        for packet in packets:
            if packet.seen is not None:
                gone = {vmc_source.skeleton.names[j] for j in np.flatnonzero(~packet.seen)}
                assert gone == arm
                lacking.append(number)
    # How long it takes to be known to be gone, and the frames in which it was.
    assert lacking[0] - 20 <= KEPT_FRAMES + 2
    assert lacking == list(range(lacking[0], lacking[-1] + 1)) and 79 <= lacking[-1] <= 81
    assert ticks[-1][0].seen is None


def test_one_lost_datagram_is_no_missing_limb():
    vmc_source, receiver = source("vmc://")
    pack, ticks = Packer(), []
    for number in range(30):
        datagrams = pack.pack(performance(number))
        receiver.say(*(d for i, d in enumerate(datagrams) if (number, i) != (15, 1)))
        ticks.append(vmc_source.poll(number * TICK_S))
    assert all(packet.seen is None for packets in ticks for packet in packets)
    assert sum(map(len, ticks)) >= 26


@pytest.mark.parametrize("as_frames", [False, True])
@pytest.mark.parametrize("size", [300, 1400])
def test_frames_of_many_datagrams_that_all_come_twice_are_no_alarm(size, as_frames):
    """By two network cards each datagram is there twice, or each whole frame is."""
    vmc_source, receiver = source("vmc://")
    pack, order, whole = Packer(size=size), [], 0
    for number in range(60):
        sent = performance(number)
        datagrams = pack.pack(sent)
        assert len(datagrams) > 2
        twice = (
            [*datagrams, *datagrams] if as_frames else [d for one in datagrams for d in [one] * 2]
        )
        receiver.say(*twice, after_s=0.0001)
        packets = vmc_source.poll(number * TICK_S)
        if not packets:
            assert number < 4
            continue
        order = order or [sent.names.index(name) for name in vmc_source.skeleton.names]
        for packet in packets:
            assert packet.seen is None
            assert np.abs((packet.rotations * sent.rotations[order]).sum(-1)).min() > 1 - 1e-6
        whole += 1
    assert whole >= 56
    figures = vmc_source.figures()
    assert figures["damaged"] == figures["ignored"] == figures["dropped"] == 0
    assert figures["delay_s"] == 0.0
    assert figures["notice"] == "hears 10.0.0.7:5001 on udp 39539"


def test_hand_tracking_that_is_turned_on_adds_the_fingers():
    vmc_source, receiver = source("vmc://")
    frames = [performance(n, LEGS_AND_TRUNK if n < 10 else vmc.BONES) for n in range(20)]
    ticks = play(vmc_source, receiver, frames)
    assert len(ticks[8][0].rotations) == len(LEGS_AND_TRUNK)
    assert len(ticks[-1][0].rotations) == len(vmc.BONES)
    assert all(ticks[4:])


def test_a_second_sender_is_left_out_until_the_first_is_silent():
    vmc_source, receiver = source("vmc://")
    pack = {peer: Packer() for peer in (ANN, BOB)}
    heights = {}
    for number in range(240):
        if number < 100:
            receiver.say(*pack[ANN].pack(performance(number, scale=1.0)))
        receiver.say(*pack[BOB].pack(performance(number, scale=1.3)), peer=BOB)
        for packet in vmc_source.poll(number * TICK_S):
            heights[number] = packet.positions[0, 1]
    assert {round(h, 2) for n, h in heights.items() if n < 101} == {0.97}
    after = [n for n in heights if n > 101]
    assert min(after) == pytest.approx(99 + SILENT_S / TICK_S, abs=4)
    assert {round(heights[n], 2) for n in after} == {round(0.97 * 1.3, 2)}
    assert vmc_source.reception.others > 200
    head = vmc_source.skeleton.index("Neck")
    assert vmc_source.skeleton.rest_positions[head, 1] == pytest.approx(1.3 * 0.19, abs=1e-4)


def test_a_sender_that_comes_back_as_it_was_keeps_its_skeleton():
    vmc_source, receiver = source("vmc://")
    play(vmc_source, receiver, [performance(n) for n in range(10)])
    skeleton = vmc_source.skeleton
    play(vmc_source, receiver, [None] * 120, from_tick=10)
    again = ("10.0.0.7", 6001)
    ticks = play(
        vmc_source, receiver, [performance(n) for n in range(10)], peer=again, from_tick=130
    )
    assert vmc_source.skeleton is skeleton
    assert sum(map(len, ticks)) >= 6


def test_half_a_frame_from_before_a_silence_is_not_mixed_into_the_next():
    vmc_source, receiver = source("vmc://")
    play(vmc_source, receiver, [performance(n) for n in range(10)])
    receiver.say(Packer().pack(performance(40))[0])
    vmc_source.poll(11 * TICK_S)
    frames = [performance(n) for n in range(200, 206)]
    ticks = play(vmc_source, receiver, frames, from_tick=200)
    order = [frames[0].names.index(name) for name in vmc_source.skeleton.names]
    for sent, packets in zip(frames, ticks, strict=True):
        for packet in packets:
            np.testing.assert_allclose(
                np.abs((packet.rotations * sent.rotations[order]).sum(-1)), 1.0, atol=1e-6
            )
    assert ticks[0]


def test_another_avatar_of_the_same_sender_is_noticed():
    vmc_source, receiver = source("vmc://")
    frames = [performance(n, scale=1.0 if n < 10 else 1.25) for n in range(20 + OTHER_FRAMES)]
    play(vmc_source, receiver, frames)
    neck = vmc_source.skeleton.index("Neck")
    assert vmc_source.skeleton.rest_positions[neck, 1] == pytest.approx(1.25 * 0.19, abs=1e-4)


def test_face_camera_and_trackers_come_along_and_are_held_in_a_silence():
    vmc_source, receiver = source("vmc://?camera=A&sensor=24x13.5")
    seen_from, looking = np.array([0.5, 1.5, 3.0]), rotation.from_yaw(0.4)
    more = {
        "curves": {"Joy": 0.5, "jawOpen": 0.25},
        "camera": vmc.Camera("Main", seen_from, looking, 30.0),
        "devices": [vmc.Device("Tra", "LHR-1", np.array([1.0, 0.2, 0.0]), rotation.identity())],
    }
    play(vmc_source, receiver, [performance(n, **more) for n in range(30)])
    assert vmc_source.face.names == ("Joy", "jawOpen")
    np.testing.assert_array_equal(vmc_source.face.shown, np.float32([0.5, 0.25]))
    (camera,), (prop,) = vmc_source.cameras, vmc_source.props
    assert (camera.name, prop.name) == ("A", "LHR-1")
    np.testing.assert_allclose(camera.position, seen_from, atol=1e-5)
    assert abs(camera.rotation @ looking) == pytest.approx(1.0, abs=1e-9)
    fov_deg = np.degrees(2 * np.arctan(0.5 * 13.5 / camera.focal_mm))
    assert fov_deg == pytest.approx(30.0, abs=1e-3)
    assert camera.state is prop.state is State.LIVE and camera.capture_ns > 0
    play(vmc_source, receiver, [None] * 60, from_tick=30)
    assert vmc_source.cameras[0].state is vmc_source.props[0].state is State.HOLD
    assert vmc_source.cameras[0].reason.startswith("nothing comes on udp 39539: silent for 1.0")
    play(vmc_source, receiver, [None] * 120, from_tick=90)
    assert vmc_source.props[0].state is State.LOST


def test_with_a_delay_an_uneven_sender_has_a_pose_at_every_tick():
    """45 Hz, every fifth frame left out, up to 8 ms of jitter: 60 times a second, 70 ms later."""
    vmc_source, receiver = source("vmc://?delay=0.07")
    random, pack, packets = np.random.default_rng(2), Packer(size=65507), []
    sent, number = [], 0
    for tick in range(300):
        while number / 45 < tick * TICK_S:
            if number % 5:
                at_s = number / 45 + random.uniform(0.0, 0.008)
                sent.append((number / 45, at_s, pack.pack(performance(number, time_s=number / 45))))
            number += 1
        while sent and sent[0][1] <= tick * TICK_S:
            _, at_s, datagrams = sent.pop(0)
            receiver.wait(at_s)
            receiver.say(*datagrams, after_s=0.0)
        receiver.tick_ns = 10**12 + round(tick * TICK_S * 1e9)
        packets.append(vmc_source.poll(tick * TICK_S))
    shown = [packet for one in packets[30:] for packet in one]
    assert [len(one) for one in packets[30:]] == [1] * 270
    times = np.array([packet.capture_s for packet in shown])
    np.testing.assert_allclose(np.diff(times), TICK_S, atol=1e-6)
    joint = vmc_source.skeleton.index("LeftUpperArm")
    bone = vmc.BONES.index("LeftUpperArm")
    for packet in shown[200:]:
        # The sender's clock is known to within the least jitter; the arm turns at 1 rad/s at most.
        number = 45 * (packet.capture_s - 1000.0)
        true = performance(number).rotations[bone]
        assert abs(true @ packet.rotations[joint]) > np.cos(0.5 * 0.02)


def test_of_a_second_that_comes_at_once_the_newest_is_shown():
    vmc_source, receiver = source("vmc://")
    play(vmc_source, receiver, [performance(n) for n in range(10)])
    pack = Packer()
    for number in range(10, 70):
        receiver.say(*pack.pack(performance(number)))
    packets = vmc_source.poll(70 * TICK_S)
    joint, bone = vmc_source.skeleton.index("LeftHand"), vmc.BONES.index("LeftHand")
    assert 3 <= len(packets) <= 12 and vmc_source.dropped > 150
    gap = packets[-1].rotations[joint] @ performance(69).rotations[bone]
    assert abs(gap) == pytest.approx(1.0, abs=1e-9)


def test_a_foreign_sender_of_single_messages_with_integers_for_floats():
    """python-osc's own builder; every message alone, in the order in which some senders have it."""

    def say(address: str, *arguments) -> bytes:
        builder = OscMessageBuilder(address)
        for argument in arguments:
            builder.add_arg(argument)
        return builder.build().dgram

    vmc_source, receiver = source("vmc://")
    packets = []
    for number in range(6):
        said = [say("/VMC/Ext/OK", 1), say("/VMC/Ext/T", 0.5 + number / 60)]
        for name, at in zip(LEGS_AND_TRUNK, offsets(LEGS_AND_TRUNK), strict=True):
            x, y, z = (float(v) for v in at)
            said.append(say("/VMC/Ext/Bone/Pos", name, -x, y, z, 0, 0, 0, 1))
        receiver.say(*said)
        packets += vmc_source.poll(number * TICK_S)
    assert len(packets) >= 3
    assert vmc_source.skeleton.names == LEGS_AND_TRUNK
    np.testing.assert_allclose(packets[-1].positions[1:], offsets(LEGS_AND_TRUNK)[1:], atol=1e-6)


def test_osc_of_somebody_else_is_nobody_who_is_followed():
    vmc_source, receiver = source("vmc://")
    builder = OscMessageBuilder("/1/fader1")
    builder.add_arg(0.5)
    receiver.say(builder.build().dgram, peer=BOB)
    vmc_source.poll(0.0)
    assert vmc_source.silence
    ticks = play(vmc_source, receiver, [performance(n) for n in range(5)], from_tick=1)
    assert ticks[-1]


@pytest.mark.parametrize("jitter_s", [0.0, 0.004])
def test_silence_is_acted_from_the_tick_on(jitter_s):
    """On a live stage, in the test's own time: after its last packet the very next tick is acted.

    A sender that is not in step with the stage and has jitter is live all the same.
    """
    vmc_source, receiver = source("vmc://")
    stage = Live()
    (seat,) = stage.seats([PERFORMER])
    stage.admit([seat])
    subject = Subject("ann", PERFORMER, Pose.rest(PERFORMER))
    random, pack = np.random.default_rng(4), Packer(size=65507)
    states, shown, number, last = [], [], 0, 10**9
    began_s = time.monotonic()
    while number < last + 240:
        if number < last or number >= last + 60:
            receiver.wait(number * TICK_S + 0.008 + random.uniform(0.0, jitter_s))
            receiver.say(*pack.pack(performance(number, LEGS_AND_TRUNK)), after_s=0.0)
        number += 1
        now_s = number * TICK_S
        stage.arrive(seat, vmc_source.skeleton, vmc_source.poll(now_s))
        stage.step(now_s)
        seat.solve(subject, None, np.zeros(3), rotation.identity())
        if subject.skeleton is PERFORMER:  # its skeleton is made beside the loop
            time.sleep(0.001)
            assert time.monotonic() - began_s < 30.0
            continue
        if last == 10**9:
            last = number + 300
        states.append(subject.state)
        shown.append(subject.pose.rotations.copy())
    stage.close()
    assert set(states[:300]) == {State.LIVE}
    assert set(states[301:360]) == {State.TAKEOVER}
    assert states[-1] is State.LIVE and State.HOLD not in states
    turns = np.abs((np.array(shown[1:]) * np.array(shown[:-1])).sum(-1)).clip(0, 1)
    steps = np.arccos(turns).max(-1)
    assert steps.max() < 3.5 * steps[:299].max()  # nothing pops, there and back


GOLDEN = [d for n in range(3) for d in Packer().pack(performance(n, curves={"A": 0.5}))]


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from([ANN, BOB]), st.one_of(mutations(GOLDEN), st.binary())),
        max_size=12,
    )
)
def test_whatever_comes_is_counted_and_a_pose_is_a_pose(said):
    vmc_source, receiver = source("vmc://")
    play(vmc_source, receiver, [performance(n) for n in range(4)])
    for number, (peer, data) in enumerate(said, 4):
        receiver.say(data, peer=peer)
        for packet in vmc_source.poll(number * TICK_S):
            assert packet.positions.shape == (len(vmc_source.skeleton), 3)
            assert np.isfinite(packet.positions).all()
            np.testing.assert_allclose((packet.rotations**2).sum(-1), 1.0, atol=1e-6)
        for thing in (*vmc_source.cameras, *vmc_source.props):
            assert np.isfinite(thing.position).all()
        assert np.isfinite(vmc_source.face.shown).all()
    figures = vmc_source.figures()
    assert figures["datagrams"] >= len(said)
    assert "\n" not in figures["notice"]
