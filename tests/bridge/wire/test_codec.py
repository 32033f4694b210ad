"""Bytes of messages: the contract, the way back, and what damage does."""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bridge.things import ARM, FACE, frames, skeletons, small_frame
from understudy.bridge.schema.understudy_fb.Frame import Frame as FlatFrame
from understudy.bridge.schema.understudy_fb.SkeletonSet import SkeletonSet
from understudy.bridge.wire import envelope
from understudy.bridge.wire.buttons import BUTTONS
from understudy.bridge.wire.decoder import UnknownSkeleton, decode_frame, decode_skeletons
from understudy.bridge.wire.encoder import FrameEncoder, encode_skeletons
from understudy.bridge.wire.envelope import VersionError, WireError
from understudy.runtime.core.buttons import BUTTONS as PAD_BUTTONS
from understudy.runtime.core.pose import Camera, Frame, Prop, State
from understudy.runtime.core.skeleton import Skeleton

KNOWN = {ARM.id: ARM}
GOLDEN_FRAME = (
    "4652414d0100000028000000000000002000540048004000380030002800240020001c001b00140010000c00"
    "0800040020000000500000006400000084000000880000008c00000000000001e90300003075000084000000"
    "03ca9a3b0000000002ca9a3b0000000000000000000000000500000000000000070000000000000000000000"
    "020000000000000000000840000000000000f43f00000000020000001400000004000000070000007469636b"
    "5f6d7300040000006c617465000000000100000008020000010000007001000001000000380000000b000000"
    "30313a30303a30303b3032002400000000001e0044004000340033002c002800240020001c00180014000000"
    "100004001e00000004ca9a3b00000000000000000000803d3c0000005c0000006c0000007000000074000000"
    "94000000ac00000000000001d876ac4c838ea2b700000000c00000000c0024001c001400100004000c000000"
    "01ca9a3b000000000000000041000000000000000000803f0000803e0000403f040000000000803f00000040"
    "000000000000803f010000000000003f0100000001000000080000000000003f000000bf0000003f0000003f"
    "0000003f000000bf0000003f0000003f06000000000000000000003e0000803e0000c03e0000003f0000203f"
    "0b0000007369676e616c206c6f73740000000000000000000000000000000000000000000000000005000000"
    "416e6e2030000000240000000000000000001a004c0048003c002c002800240020001c001800170010000400"
    "1a00000005ca9a3b00000000000000003c000000000000023333b340000020400000c0410000104200004842"
    "0000000000000000000000000000803f0000000000000040000080402c0000000600000073696c656e740000"
    "0000000000000000000000000000000000000000000000000000000001000000410000001400000010003800"
    "3400280018001700100004001000000006ca9a3b000000000000000028000000000000030000000000000000"
    "000000000000803f0000803f0000803f0000803f2c0000000c0000006f7574206f6620736967687400000000"
    "00000000000000000000000000000000000000000500000073776f7264000000"
)
# The same frame before cameras and props had a state, and everything a time of its own.
FRAME_BEFORE_STATES = (
    "4652414d0100000028000000000000002000540048004000380030002800240020001c001b00140010000c00"
    "0800040020000000500000006400000084000000880000008c00000000000001e90300003075000084000000"
    "03ca9a3b0000000002ca9a3b0000000000000000000000000500000000000000070000000000000000000000"
    "020000000000000000000840000000000000f43f00000000020000001400000004000000070000007469636b"
    "5f6d7300040000006c6174650000000001000000ac010000010000005401000001000000340000000b000000"
    "30313a30303a30303b303200200000001c00380034002800270020001c001800140010000c00080000000400"
    "1c0000000000803d3c0000005c0000006c000000700000007400000094000000ac00000000000001d876ac4c"
    "838ea2b700000000c00000000c0024001c001400100004000c00000001ca9a3b000000000000000041000000"
    "000000000000803f0000803e0000403f040000000000803f00000040000000000000803f010000000000003f"
    "0100000001000000080000000000003f000000bf0000003f0000003f0000003f000000bf0000003f0000003f"
    "06000000000000000000003e0000803e0000c03e0000003f0000203f0b0000007369676e616c206c6f737400"
    "00000000000000000000000000000000000000000000000005000000416e6e20300000001800000014003800"
    "340028001800140010000c00080004001400000000000000000000000000c041000010420000484200000000"
    "00000000000000000000803f0000000000000040000080400400000001000000410000001000000000000a00"
    "24002000140004000a0000000000000000000000000000000000803f0000803f0000803f0000803f04000000"
    "0500000073776f7264000000"
)
# The same frame by release 0.1, before subjects had an uncertainty.
FRAME_OF_0_1 = (
    "4652414d0100000028000000000000002000540048004000380030002800240020001c001b00140010000c00"
    "0800040020000000500000006400000084000000880000008c00000000000001e90300003075000084000000"
    "03ca9a3b0000000002ca9a3b0000000000000000000000000500000000000000070000000000000000000000"
    "020000000000000000000840000000000000f43f00000000020000001400000004000000070000007469636b"
    "5f6d7300040000006c61746500000000010000008c010000010000003401000001000000300000000b000000"
    "30313a30303a30303b3032001c000000180034003000240023001c001800140010000c000800040018000000"
    "3c0000005c0000006c000000700000007400000094000000ac00000000000001d876ac4c838ea2b700000000"
    "a80000000c0024001c001400100004000c00000001ca9a3b000000000000000041000000000000000000803f"
    "0000803e0000403f040000000000803f00000040000000000000803f010000000000003f0100000001000000"
    "080000000000003f000000bf0000003f0000003f0000003f000000bf0000003f0000003f0600000000000000"
    "0000003e0000803e0000c03e0000003f0000203f0b0000007369676e616c206c6f73740005000000416e6e20"
    "300000001800000014003800340028001800140010000c00080004001400000000000000000000000000c041"
    "00001042000048420000000000000000000000000000803f0000000000000040000080400400000001000000"
    "410000001000000000000a0024002000140004000a0000000000000000000000000000000000803f0000803f"
    "0000803f0000803f040000000500000073776f7264000000"
)
GOLDEN_SKELETONS = (
    "534b454c01000000100000000000000000000600080004000600000004000000010000001800000000001200"
    "28001c001800140010000c000800040012000000e8000000200000005400000098000000cc000000d8000000"
    "d876ac4c838ea2b70000000006000000000000000000f87f000000000000f87f000000000000f87f00000000"
    "0000d03f00000000000000000000000000000000000000000800000000000000000000000000000000000000"
    "0000000000000000000000000000f03f00000000000000000000000000000000000000000000000000000000"
    "0000f03f00000000060000000000000000000000000000000000f03f0000000000000000000000000000e03f"
    "000000000000000000000000000000000000000002000000ffffffff00000000000000000200000014000000"
    "040000000400000068616e640000000004000000726f6f7400000000"
)


def message(frame: Frame, session: int = 5) -> bytes:
    return bytes(FrameEncoder(session).encode(frame))


def assert_same(a: Frame, b: Frame) -> None:
    """Equal in everything that travels."""
    for name in ("sequence", "capture_ns", "publish_ns", "rate_num", "rate_den", "timecode"):
        assert getattr(a, name) == getattr(b, name), name
    assert a.stats == b.stats
    assert list(a.stats) == list(b.stats)
    for x, y in zip(a.subjects, b.subjects, strict=True):
        assert (x.skeleton.id, x.uncertainty_m) == (y.skeleton.id, y.uncertainty_m)
        np.testing.assert_array_equal(x.pose.positions, y.pose.positions)
        np.testing.assert_array_equal(x.pose.rotations, y.pose.rotations)
        np.testing.assert_array_equal(x.contacts, y.contacts)
        np.testing.assert_array_equal(x.trajectory, y.trajectory)
        np.testing.assert_array_equal(x.curves, y.curves)
        assert (x.intent is None) == (y.intent is None)
        if x.intent is not None and y.intent is not None:
            np.testing.assert_array_equal(x.intent.travel, y.intent.travel)
            np.testing.assert_array_equal(x.intent.facing, y.intent.facing)
            assert x.intent.buttons == y.intent.buttons
            assert x.intent.capture_ns == y.intent.capture_ns
    for p, q in zip((*a.cameras, *a.props), (*b.cameras, *b.props), strict=True):
        np.testing.assert_array_equal(p.position, q.position)
        np.testing.assert_array_equal(np.float32(p.rotation), np.float32(q.rotation))
    for c, d in zip(a.cameras, b.cameras, strict=True):
        lens = [np.float32((x.focal_mm, *x.sensor_mm, x.focus_m, x.iris)) for x in (c, d)]
        np.testing.assert_array_equal(*lens)
    everything = zip((*a.subjects, *a.cameras, *a.props), (*b.subjects, *b.cameras, *b.props))
    for one, other in everything:
        for name in ("name", "state", "reason", "capture_ns"):
            assert getattr(one, name) == getattr(other, name), name


def test_the_envelope_is_a_topic_and_a_little_endian_version():
    assert envelope.seal(envelope.FRAME) == b"FRAM\x01\x00\x00\x00"
    assert envelope.seal(envelope.SKELETONS) == b"SKEL\x01\x00\x00\x00"


def test_how_sure_the_network_is_of_each_joint_comes_and_goes():
    frame, encoder = small_frame(), FrameEncoder(5)
    (subject,) = frame.subjects
    joints = len(subject.skeleton)
    for each in ([], np.arange(joints) / 8.0, [], np.full(joints, np.nan)):
        subject.joint_uncertainty_m = np.array(each)
        back = decode_frame(encoder.encode(frame), KNOWN)[0].subjects[0]
        np.testing.assert_array_equal(back.joint_uncertainty_m, np.nan_to_num(each))
        np.testing.assert_array_equal(back.pose.rotations, np.float32(subject.pose.rotations))


def test_golden_bytes_of_a_frame():
    assert message(small_frame()).hex() == GOLDEN_FRAME


@pytest.mark.parametrize(
    "message, uncertainty_m", [(FRAME_OF_0_1, 0.0), (FRAME_BEFORE_STATES, 0.0625)]
)
def test_a_frame_of_an_older_stage_still_reads(message, uncertainty_m):
    """What a stage does not know yet is as if it knew nothing of it."""
    back, _ = decode_frame(bytes.fromhex(message), KNOWN)
    expected = small_frame()
    (subject,), (camera,) = expected.subjects, expected.cameras
    subject.uncertainty_m, subject.capture_ns = uncertainty_m, 0
    expected.cameras = [Camera("A", camera.position, camera.rotation, 50.0)]
    expected.props = [Prop("sword", np.ones(3), camera.rotation)]
    assert_same(back, expected)


def test_golden_bytes_of_skeletons():
    assert encode_skeletons([ARM]).hex() == GOLDEN_SKELETONS


def test_flatc_reads_what_we_write():
    flat = FlatFrame.GetRootAs(message(small_frame(subjects=2)), envelope.SIZE)
    assert (flat.Sequence(), flat.Session(), flat.Published()) == (7, 5, 0)
    assert (flat.CaptureNs(), flat.PublishNs()) == (1_000_000_002, 1_000_000_003)
    assert (flat.Timecode(), flat.RateNum(), flat.RateDen()) == (b"01:00:00;02", 30000, 1001)
    assert flat.DropFrame()
    assert [flat.StatNames(i) for i in range(flat.StatNamesLength())] == [b"late", b"tick_ms"]
    assert flat.StatValuesAsNumpy().tolist() == [3.0, 1.25]
    assert flat.SubjectsLength() == 2
    subject = flat.Subjects(1)
    assert (subject.Name(), subject.Reason()) == (b"Ann 1", b"signal lost")
    assert (subject.SkeletonId(), subject.State()) == (ARM.id, State.TAKEOVER)
    assert subject.PositionsAsNumpy().tolist() == [0.0, 0.125, 0.25, 0.375, 0.5, 0.625]
    assert subject.RotationsAsNumpy().tolist() == [0.5, -0.5, 0.5, 0.5] * 2
    assert subject.ContactJointsAsNumpy().tolist() == [1]
    assert subject.ContactWeightsAsNumpy().tolist() == [0.5]
    assert subject.TrajectoryAsNumpy().tolist() == [1.0, 2.0, 0.0, 1.0]
    assert (subject.Intent().Travel().X(), subject.Intent().Travel().Z()) == (0.25, 0.75)
    assert subject.UncertaintyM() == 0.0625
    assert subject.Intent().Buttons() == BUTTONS["run"] | BUTTONS["action4"]
    camera = flat.Cameras(0)
    assert (camera.Name(), camera.FocalMm(), camera.SensorWidthMm()) == (b"A", 50.0, 36.0)
    assert (camera.Position().Y(), camera.Rotation().W()) == (2.0, 1.0)
    assert (camera.State(), camera.Reason(), camera.CaptureNs()) == (2, b"silent", 1_000_000_005)
    prop = flat.Props(0)
    assert (prop.Name(), prop.State(), prop.Reason()) == (b"sword", 3, b"out of sight")
    assert (subject.CaptureNs(), prop.CaptureNs()) == (1_000_000_004, 1_000_000_006)


def test_flatc_reads_our_skeletons():
    flat = SkeletonSet.GetRootAs(encode_skeletons([ARM]), envelope.SIZE).Skeletons(0)
    assert flat.SkeletonId() == ARM.id
    assert [flat.Names(i) for i in range(2)] == [b"root", b"hand"]
    assert flat.ParentsAsNumpy().tolist() == [-1, 0]
    assert flat.RestPositionsAsNumpy().tolist() == [0.0, 1.0, 0.0, 0.5, 0.0, 0.0]


def test_numbers_lie_aligned_for_readers_that_map_them():
    data = message(small_frame(subjects=3))
    flat = FlatFrame.GetRootAs(data, envelope.SIZE)
    for i in range(3):
        subject = flat.Subjects(i)
        for array in (subject.PositionsAsNumpy(), subject.RotationsAsNumpy()):
            offset = (
                array.__array_interface__["data"][0]
                - np.frombuffer(data, np.uint8).__array_interface__["data"][0]
            )
            assert offset % 4 == 0


def test_flatc_reads_faces():
    flat = FlatFrame.GetRootAs(message(small_frame(skeleton=FACE)), envelope.SIZE)
    assert flat.Subjects(0).CurvesAsNumpy().tolist() == [0.25, 0.5]
    skeleton = SkeletonSet.GetRootAs(encode_skeletons([FACE]), envelope.SIZE).Skeletons(0)
    names = [skeleton.CurveNames(i) for i in range(skeleton.CurveNamesLength())]
    assert names == [b"jawOpen", b"eyeBlinkLeft"]
    assert skeleton.SkeletonId() != ARM.id


def test_every_pad_button_has_a_bit():
    assert set(PAD_BUTTONS) == set(BUTTONS)
    assert len(set(BUTTONS.values())) == len(BUTTONS)


@given(frames())
@settings(max_examples=100, deadline=None)
def test_any_frame_comes_back(frame):
    known = {
        s.id: s for s in decode_skeletons(encode_skeletons(s.skeleton for s in frame.subjects))
    }
    back, origin = decode_frame(message(frame, 99), known)
    assert (origin.session, origin.published) == (99, 0)
    assert_same(frame, back)


@given(st.lists(frames([ARM]), min_size=2, max_size=5))
@settings(max_examples=40, deadline=None)
def test_a_stream_of_changing_frames_comes_back(stream):
    encoder = FrameEncoder(1)
    for published, frame in enumerate([*stream, *reversed(stream)]):
        back, origin = decode_frame(bytes(encoder.encode(frame)), KNOWN)
        assert origin.published == published
        assert_same(frame, back)


@given(st.lists(skeletons(), max_size=3))
@settings(max_examples=80, deadline=None)
def test_any_skeletons_come_back(cast):
    back = decode_skeletons(encode_skeletons(cast))
    assert len(back) == len(cast)
    for a, b in zip(cast, back):
        assert (a.names, a.id) == (b.names, b.id)
        # The id that travels is the one that the other side would compute.
        assert replace(b).id == a.id
        assert a.curve_names == b.curve_names
        np.testing.assert_array_equal(a.parents, b.parents)
        np.testing.assert_array_equal(a.rest_positions, b.rest_positions)
        np.testing.assert_array_equal(a.rest_rotations, b.rest_rotations)
        np.testing.assert_array_equal(a.tips, b.tips)


def test_moving_numbers_cost_no_new_layout():
    encoder = FrameEncoder(1)
    frame = small_frame(subjects=3)
    encoder.encode(frame)
    before = encoder.layouts
    for tick in range(10):
        frame.sequence = tick
        frame.timecode = f"01:00:00;{tick:02d}"
        frame.subjects[0].pose.positions[:] = tick
        frame.subjects[1].state = State(tick % 4)
        frame.stats["late"] = float(tick)
        encoder.encode(frame)
    assert encoder.layouts == before


def test_a_reason_that_counts_costs_no_layout_and_a_longer_one_only_its_subject_s():
    encoder = FrameEncoder(1)
    frame = small_frame(subjects=20)
    encoder.encode(frame)
    before = encoder.layouts
    for reason in ("mocap silent for 0.1 s", "äöü", "x" * 32, "signal lost", "y"):
        frame.subjects[7].reason = reason
        assert_same(decode_frame(encoder.encode(frame), KNOWN)[0], frame)
    assert encoder.layouts == before
    frame.subjects[7].reason = "z" * 33
    assert_same(decode_frame(encoder.encode(frame), KNOWN)[0], frame)
    assert encoder.layouts == before + 2  # the subject and the head
    frame.subjects[7].reason = ""
    assert_same(decode_frame(encoder.encode(frame), KNOWN)[0], frame)
    assert encoder.layouts == before + 4
    for reason in ("signal lost", "z" * 40, ""):
        frame.subjects[7].reason = reason
        assert_same(decode_frame(encoder.encode(frame), KNOWN)[0], frame)
    assert encoder.layouts == before + 7  # heads alone: the subject's blocks were kept


def test_decoded_arrays_are_views_that_cannot_be_written():
    data = message(small_frame())
    frame, _ = decode_frame(data, KNOWN)
    assert not frame.subjects[0].pose.positions.flags.writeable
    assert np.shares_memory(frame.subjects[0].pose.rotations, np.frombuffer(data, np.uint8))


def test_an_unknown_skeleton_is_named():
    with pytest.raises(UnknownSkeleton) as caught:
        decode_frame(message(small_frame()), {})
    assert caught.value.skeleton_id == ARM.id


def test_another_version_is_told_apart_from_damage():
    data = b"FRAM" + struct.pack("<I", 2) + message(small_frame())[8:]
    with pytest.raises(VersionError, match="version 2"):
        decode_frame(data, KNOWN)


def test_a_pose_for_another_joint_count_is_damage():
    other = Skeleton(("root",), np.array([-1]), np.zeros((1, 3)))
    other.__dict__["id"] = ARM.id
    with pytest.raises(WireError, match="1 joints"):
        decode_frame(message(small_frame()), {ARM.id: other})


def test_a_short_message_asking_for_endless_work_is_refused():
    data = bytearray(message(small_frame()))
    flat = FlatFrame.GetRootAs(data, envelope.SIZE)
    vector = flat._tab.Vector(flat._tab.Offset(4 + 2 * 9))
    struct.pack_into("<I", data, vector - 4, 0xFFFFFFFF)
    with pytest.raises(WireError):
        decode_frame(bytes(data), KNOWN)


def survived(read, data: bytes) -> bool:
    """Whether the bytes could be read; anything but our own errors fails the test."""
    try:
        read(data)
    except (WireError, UnknownSkeleton):
        return False
    return True


def read_frame(data: bytes) -> Frame:
    return decode_frame(data, KNOWN)[0]


@given(st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_garbage_raises_nothing_but_our_own_errors(data):
    assert not survived(read_frame, data)
    assert not survived(decode_skeletons, data)
    # A lucky empty table may read as a frame of nothing behind a good envelope.
    survived(read_frame, envelope.seal(envelope.FRAME) + data)
    survived(decode_skeletons, envelope.seal(envelope.SKELETONS) + data)


def test_every_truncation_is_damage():
    for good, read in (
        (message(small_frame()), read_frame),
        (encode_skeletons([ARM]), decode_skeletons),
    ):
        # The last eight bytes hold a string's final zero and padding, which nobody reads.
        for cut in range(len(good) - 8):
            assert not survived(read, good[:cut]), cut


def test_every_flipped_bit_is_survived():
    good = message(small_frame())
    for at in range(len(good)):
        for bit in range(8):
            bad = bytearray(good)
            bad[at] ^= 1 << bit
            survived(read_frame, bytes(bad))


def test_few_bytes_do_not_ask_for_much_memory():
    # One table of a subject with a long name, pointed at a thousand times: 1 GB of names, if read.
    frame = small_frame(subjects=1)
    frame.subjects[0].name = "x" * 100_000
    sound = FrameEncoder(5).encode(frame)
    assert decode_frame(sound, KNOWN)[0].subjects[0].name == frame.subjects[0].name
    root = envelope.SIZE + struct.unpack_from("<I", sound, envelope.SIZE)[0]
    vtable = root - struct.unpack_from("<i", sound, root)[0]
    field = root + struct.unpack_from("<H", sound, vtable + 4 + 2 * 9)[0]
    vector = field + struct.unpack_from("<I", sound, field)[0]
    subject = vector + 4 + struct.unpack_from("<I", sound, vector + 4)[0]
    # The vector of subjects moves to a place before the root: at the front, with room made for it.
    count = 1000
    end = len(sound) + -len(sound) % 4
    forged = bytearray(sound.ljust(end, b"\0"))
    forged += struct.pack("<I", count)
    # Offsets are unsigned, so the table must lie behind the vector: a copy of the whole message.
    shift = end + 4 + 4 * count
    for i in range(count):
        forged += struct.pack("<I", shift + subject - (end + 4 + 4 * i))
    forged += sound
    struct.pack_into("<I", forged, field, end - field)
    with pytest.raises(WireError, match="overlap"):
        decode_frame(bytes(forged), KNOWN)
