"""Each output's datagrams, read back with the codec: the frame is in them, in its own places."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from tests.runtime.outputs.things import frame, to
from understudy.bridge.protocols import (
    freed,
    livelinkface,
    opentrackio,
    opentrackio_packet,
    osc,
    rokoko,
    vmc,
)
from understudy.bridge.protocols.vmc_accumulator import Accumulator
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Pose, State, Subject
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.outputs import scene
from understudy.runtime.outputs.body import body
from understudy.runtime.outputs.sender import KNOWN
from understudy.runtime.retarget.retarget import NotHumanoid


def encoder(line: str):
    one = to(line)
    return KNOWN[one.scheme].OUTPUT(one)


def performed(line: str, said) -> vmc.Performance:
    ears = Accumulator()
    (heard,) = [p for data in encoder(line).datagrams(said, 1.5) for p in ears.feed(data)]
    return heard


def test_vmc_has_the_body_the_camera_and_the_props():
    said = frame()
    heard = performed("vmc://h", said)
    shape = body(PERFORMER)
    positions, rotations = shape.local(shape.added(said.subjects[0].pose))
    assert heard.names == shape.vmc_names
    assert np.allclose(heard.positions, positions, atol=1e-5)
    assert rotation.angle_between(heard.rotations, rotations).max() < 1e-3
    assert heard.time_s == 1.5
    assert heard.camera.name == "A"
    assert heard.camera.fov_deg == pytest.approx(np.degrees(2 * np.arctan(12 / 35)))
    assert rotation.angle_between(heard.camera.rotation, said.cameras[0].rotation) < 1e-3
    assert [(d.kind, d.serial) for d in heard.devices] == [("Tra", "sword")]


def test_vmc_in_unity_looks_and_stands_as_it_should():
    said = frame()
    said.subjects[0].pose = Pose.rest(PERFORMER)
    messages = {
        (m.address, m.arguments[0]): m.arguments[1:]
        for data in encoder("vmc://h").datagrams(said, 0.0)
        for m in osc.decode(data)
        if m.arguments
    }
    # Left is -x in Unity; the forearm lies 28 cm further out than the elbow's parent.
    assert messages["/VMC/Ext/Bone/Pos", "LeftLowerArm"][:3] == pytest.approx((-0.28, 0, 0))
    # A camera that looks forward has no rotation in Unity, where +Z is forward for cameras too.
    cam = messages["/VMC/Ext/Cam", "A"]
    assert cam[:3] == pytest.approx((1.0, 1.5, 2.0))
    assert abs(cam[6]) == pytest.approx(1.0)


def test_travel_by_the_root_is_the_same_pose():
    said = frame()
    by_hips, by_root = performed("vmc://h", said), performed("vmc://h?travel=root", said)
    at, turn = by_root.root
    assert at[1] == 0.0 and np.linalg.norm(at) > 0.1
    assert np.allclose(by_root.positions[0][[0, 2]], 0.0, atol=1e-6)
    whole = at + rotation.rotate(turn, by_root.positions[0])
    assert np.allclose(whole, by_hips.positions[0], atol=1e-5)
    turned = rotation.multiply(turn, by_root.rotations[0])
    assert rotation.angle_between(turned, by_hips.rotations[0]) < 1e-3
    assert np.allclose(by_hips.root[0], 0.0)


@pytest.mark.parametrize(
    ("state", "tracking"),
    [(State.LIVE, 1), (State.TAKEOVER, 1), (State.HOLD, 0), (State.LOST, 0)],
)
def test_vmc_says_whether_anybody_moves_the_body(state, tracking):
    said = frame()
    said.subjects[0].state = state
    assert performed("vmc://h", said).tracking == tracking


def test_who_is_sent_is_chosen_by_name():
    said = frame(subjects=("Ann", "Bob"))
    assert not np.allclose(
        performed("vmc://h", said).positions, performed("vmc://h?subject=Bob", said).positions
    )
    with pytest.raises(scene.Absent, match="no subject 'Cid'; it has Ann, Bob"):
        encoder("vmc://h?subject=Cid").datagrams(said, 0.0)
    with pytest.raises(scene.Absent, match="no camera 'C'; it has A, B"):
        encoder("freed://h?camera=C").datagrams(said, 0.0)
    said.cameras = []
    with pytest.raises(scene.Absent, match="no camera"):
        encoder("opentrackio://h").datagrams(said, 0.0)
    assert performed("vmc://h", said).camera is None


def test_freed_has_the_camera_and_its_lens():
    (data,) = encoder("freed://h?id=7&zoom=1000&camera=A").datagrams(frame(), 0.0)
    heard = freed.decode(data)
    assert heard.camera == 7
    assert (heard.pan_deg, heard.tilt_deg, heard.roll_deg) == pytest.approx((0, 0, 0), abs=1e-4)
    # Forward is y and right is x: our (-1, 1.5, 2) is one metre to the right.
    assert (heard.x_mm, heard.y_mm, heard.z_mm) == pytest.approx((1000, 2000, 1500), abs=0.02)
    assert (heard.zoom, heard.focus, heard.user) == (35_000, 40_000, 280)


@pytest.mark.parametrize("encoding", ["json", "cbor"])
def test_opentrackio_has_the_camera_its_lens_and_its_time(encoding):
    output = encoder(f"opentrackio://h?source=3&encoding={encoding}&rate=50")
    joiner = opentrackio_packet.Reassembler()
    read = {"json": opentrackio.from_json, "cbor": opentrackio.from_cbor}[encoding]
    samples, sequence = [], []
    for number in range(3):
        said = frame(sequence=number, timecode="01:02:03;04", rate=(30000, 1001))
        for data in output.datagrams(said, number * 1.5):
            sequence.append(int.from_bytes(data[6:8], "big"))
            whole = joiner.feed(data, 0.0)
        samples.append(read(whole[1]))
    assert joiner.dropped == 0
    # A receiver takes 0 for a sender that has just started over.
    assert sequence == list(range(1, len(sequence) + 1))
    first = samples[0]
    assert first.source_number == 3
    assert first.protocol.version == [1, 0, 1]  # Unreal takes 1.0.x alone
    assert first.transforms[0].translation == opentrackio.Translation(
        pytest.approx(1.0), pytest.approx(2.0), pytest.approx(1.5)
    )
    assert first.lens.pinhole_focal_length == 35.0
    assert (first.lens.focus_distance, first.lens.f_stop) == (4.0, 2.8)
    assert first.timing.sample_rate == opentrackio.Rate(50, 1)
    assert first.timing.timecode == opentrackio.Timecode(1, 2, 3, 4, opentrackio.Rate(30000, 1001))
    # Static data with the first sample and two seconds later; samples differ, the source does not.
    assert [sample.static is not None for sample in samples] == [True, False, True]
    assert samples[0].static.camera.active_sensor_physical_dimensions.width == 36.0
    assert len({sample.sample_id for sample in samples}) == 3
    assert len({sample.source_id for sample in samples}) == 1


@pytest.mark.parametrize(
    ("name", "said"), [("A", "Camera A"), ("Camera", "Camera"), ("CineCamera B", "CineCamera B")]
)
def test_smpte_s_receiver_finds_the_camera_among_the_transforms(name, said):
    """It looks for the word in the transform's id."""
    seen = frame()
    seen.cameras[0].name = name
    (transform,) = encoder("opentrackio://h").message(seen, 0.0).transforms
    assert transform.id == said


@pytest.mark.parametrize(
    ("rate", "exact"), [("59.94", (60000, 1001)), ("23.976", (24000, 1001)), ("50", (50, 1))]
)
def test_a_rate_is_said_exactly(rate, exact):
    said = encoder(f"opentrackio://h?rate={rate}").message(frame(), 0.0)
    assert said.timing.sample_rate == opentrackio.Rate(*exact)


def test_live_link_face_turns_the_head_against_the_chest():
    said = frame(timecode="01:00:00:10", rate=(25, 1))
    pose = Pose.rest(PERFORMER)
    pose.rotations[0] = rotation.from_yaw(1.0)  # the whole body turns: no matter
    turn = rotation.from_euler(np.array([0.5, -0.25, 0.125]), "YXZ")
    pose.rotations[PERFORMER.index("Head")] = turn
    said.subjects[0].pose = pose
    (data,) = encoder("livelinkface://h?name=Face").datagrams(said, 0.0)
    heard = livelinkface.decode(data)
    assert heard.subject == "Face"
    assert (heard.frame, heard.rate) == (3600 * 25 + 10, Fraction(25))
    values = dict(zip(livelinkface.CURVES, heard.curves, strict=True))
    assert values["headYaw"] * np.pi == pytest.approx(0.5, abs=1e-6)
    assert values["headPitch"] * np.pi == pytest.approx(-0.25, abs=1e-6)
    assert values["headRoll"] * np.pi == pytest.approx(0.125, abs=1e-6)


@pytest.mark.parametrize(
    ("label", "rate", "number"),
    [
        # SMPTE ST 12-1: two labels are left out each minute, but for every tenth.
        ("00:01:00;02", (30000, 1001), 1800),
        ("00:10:00;00", (30000, 1001), 17982),
        ("01:00:00;00", (60000, 1001), 215784),
        ("01:00:00:00", (30000, 1001), 108000),
    ],
)
def test_frames_of_the_day(label, rate, number):
    said = scene.timecode(frame(timecode=label, rate=rate))
    assert scene.frame_of_day(said) == number


def test_rokoko_has_everybody():
    said = frame(subjects=("Ann", "Bob"))
    (data,) = encoder("rokoko://h").datagrams(said, 2.0)
    heard = rokoko.decode(data)
    assert [actor.name for actor in heard.actors] == ["Ann", "Bob"]
    shape = body(PERFORMER)
    positions, turns = shape.added(said.subjects[1].pose)
    bob = heard.actors[1]
    bones = list(rokoko.BONES)
    for bone, role in (("hip", "hips"), ("leftToe", "left_toes"), ("rightHand", "right_hand")):
        assert np.allclose(
            bob.positions[bones.index(bone)], positions[shape.index[role]], atol=1e-4
        )
        angle = rotation.angle_between(bob.turns[bones.index(bone)], turns[shape.index[role]])
        assert angle < 1e-3
    assert 1.6 < bob.height_m < 1.95 and bob.hip_height_m == pytest.approx(0.97)
    assert [prop.name for prop in heard.props] == ["sword"]
    (data,) = encoder("rokoko://h?subject=Bob").datagrams(said, 2.0)
    assert [actor.name for actor in rokoko.decode(data).actors] == ["Bob"]


def test_what_is_no_humanoid_is_passed_over_and_said_where_it_is_alone():
    said = frame(subjects=("Ann",))
    snake = Skeleton(("a", "b"), np.array([-1, 0]), np.ones((2, 3)))
    said.subjects.insert(0, Subject("Snake", snake, Pose.rest(snake)))
    assert len(performed("vmc://h", said).names) == 22
    (data,) = encoder("rokoko://h").datagrams(said, 0.0)
    assert [actor.name for actor in rokoko.decode(data).actors] == ["Ann"]
    said.subjects = said.subjects[:1]
    for scheme in ("vmc", "rokoko", "livelinkface"):
        with pytest.raises(NotHumanoid, match="no humanoid"):
            encoder(f"{scheme}://h").datagrams(said, 0.0)
        with pytest.raises(NotHumanoid, match="no humanoid"):
            encoder(f"{scheme}://h?subject=Snake").datagrams(said, 0.0)
