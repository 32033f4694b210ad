"""What is no number and what is no rotation: never sent, and refused where others send it."""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bridge.things import ARM, FACE, frames, small_frame
from understudy.bridge import Publisher, Subscriber
from understudy.bridge.wire.decoder import UnknownSkeleton, decode_frame, decode_skeletons
from understudy.bridge.wire.encoder import FrameEncoder, encode_skeletons
from understudy.bridge.wire.envelope import WireError
from understudy.bridge.wire.validation import REASON
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import Frame, State
from understudy.runtime.core.skeleton import Skeleton

KNOWN = {ARM.id: ARM, FACE.id: FACE}
NO_NUMBERS = [np.nan, np.inf, -np.inf, 1e39]


def sent(encoder: FrameEncoder, frame: Frame) -> Frame:
    return decode_frame(encoder.encode(frame), KNOWN)[0]


@pytest.mark.parametrize("bad", NO_NUMBERS)
@pytest.mark.parametrize("part", ["positions", "rotations"])
def test_a_subject_without_a_pose_keeps_its_last_one_and_says_so(part, bad):
    encoder = FrameEncoder(1)
    first = sent(encoder, small_frame(1, subjects=3))
    frame = small_frame(2, subjects=3)
    frame.subjects[1].pose = frame.subjects[1].pose.copy()
    getattr(frame.subjects[1].pose, part)[1, 2] = bad
    frame.subjects[1].state = State.LIVE
    for _ in range(3):
        got = sent(encoder, frame)
        assert [s.state for s in got.subjects] == [State.TAKEOVER, State.HOLD, State.TAKEOVER]
        assert got.subjects[1].reason == REASON
        held, before = got.subjects[1].pose, first.subjects[1].pose
        np.testing.assert_array_equal(held.positions, before.positions)
        np.testing.assert_array_equal(held.rotations, before.rotations)
    assert encoder.held == 3 and encoder.published == 4
    assert frame.subjects[1].state == State.LIVE  # the stage's own frame is as it was
    got = sent(encoder, small_frame(3, subjects=3))
    assert got.subjects[1].state == State.TAKEOVER and got.subjects[1].reason == "signal lost"
    assert encoder.held == 3


def test_who_never_had_a_pose_stands_at_rest():
    frame = small_frame()
    frame.subjects[0].pose.positions[:] = np.nan
    got = sent(FrameEncoder(1), frame)
    np.testing.assert_array_equal(got.subjects[0].pose.positions, ARM.rest_positions)
    assert got.subjects[0].state == State.HOLD


def test_a_pose_of_another_skeleton_is_none_to_keep():
    encoder = FrameEncoder(1)
    encoder.encode(small_frame(1, FACE))
    frame = small_frame(2)
    frame.subjects[0].pose.rotations[0] = 0.0
    np.testing.assert_array_equal(
        sent(encoder, frame).subjects[0].pose.positions, ARM.rest_positions
    )


def test_rotations_of_another_length_are_normalised_and_nobody_is_held():
    encoder, frame = FrameEncoder(1), small_frame()
    frame.subjects[0].pose.rotations[1] *= 3.0
    frame.cameras[0].rotation = frame.cameras[0].rotation * 2.0
    frame.props[0].rotation = frame.props[0].rotation * 0.5
    got, sound = sent(encoder, frame), small_frame()
    expected = sound.subjects[0].pose.rotations
    np.testing.assert_allclose(got.subjects[0].pose.rotations, expected, atol=1e-6)
    np.testing.assert_allclose(got.cameras[0].rotation, sound.cameras[0].rotation, atol=1e-6)
    np.testing.assert_allclose(got.props[0].rotation, sound.props[0].rotation, atol=1e-6)
    assert got.subjects[0].state == State.TAKEOVER and encoder.held == 0


@pytest.mark.parametrize("rotation", [(0, 0, 0, 0), (np.nan, 0, 0, 1), (np.inf, 0, 0, 1)])
def test_a_camera_and_a_prop_without_a_place_stay_where_they_were(rotation):
    encoder = FrameEncoder(1)
    first = sent(encoder, small_frame(1))
    frame = small_frame(2)
    frame.cameras[0].rotation = np.array(rotation, float)
    frame.props[0].position = np.array([0.0, np.nan, 0.0])
    got = sent(encoder, frame)
    for one, before in ((got.cameras[0], first.cameras[0]), (got.props[0], first.props[0])):
        np.testing.assert_array_equal(one.position, before.position)
        np.testing.assert_array_equal(one.rotation, before.rotation)
        assert (one.state, one.reason) == (State.HOLD, REASON)
    assert encoder.held == 2


def test_other_numbers_that_are_none_are_0_and_nobody_is_held():
    encoder, frame = FrameEncoder(1), small_frame(skeleton=FACE)
    (subject,), (camera,) = frame.subjects, frame.cameras
    subject.curves[1] = subject.trajectory[0, 0] = subject.contacts[0, 1] = np.nan
    subject.uncertainty_m, camera.focal_mm, camera.sensor_mm = np.inf, 1e39, (np.nan, 24.0)
    subject.intent.facing[0] = np.nan
    got = sent(encoder, frame)
    assert got.subjects[0].curves.tolist() == [0.25, 0.0]
    assert got.subjects[0].trajectory[0].tolist() == [0.0, 2.0, 0.0, 1.0]
    assert got.subjects[0].contacts.tolist() == [[1.0, 0.0]]
    assert got.subjects[0].uncertainty_m == 0.0
    assert got.subjects[0].intent.facing.tolist() == [0.0, 1.0]
    assert (got.cameras[0].focal_mm, got.cameras[0].sensor_mm) == (0.0, (0.0, 24.0))
    assert encoder.held == 0


@given(frames([FACE]), st.data())
@settings(max_examples=100, deadline=None)
def test_no_frame_makes_the_encoder_send_what_a_reader_refuses(frame, data):
    for subject in frame.subjects:
        for array in (subject.pose.positions, subject.pose.rotations, subject.curves):
            if data.draw(st.booleans()):
                array.reshape(-1)[data.draw(st.integers(0, array.size - 1))] = data.draw(
                    st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 3e38])
                )
    for thing in (*frame.cameras, *frame.props):
        thing.rotation = thing.rotation * data.draw(st.sampled_from([0.0, 1.0, 2.0, np.nan]))
    encoder = FrameEncoder(1)
    for _ in range(2):
        for subject in sent(encoder, frame).subjects:
            norms = np.linalg.norm(subject.pose.rotations, axis=-1)
            np.testing.assert_allclose(norms, 1.0, atol=1e-3)


def test_a_frame_with_a_number_that_is_none_is_refused_by_the_reader():
    """Written by somebody else: every word of the frame in turn is not a number."""
    message, refused = FrameEncoder(5).encode(small_frame(skeleton=FACE)), 0
    for at in range(8, len(message) - 3, 4):
        bad = bytearray(message)
        struct.pack_into("<f", bad, at, np.nan)
        try:
            frame, _ = decode_frame(bytes(bad), KNOWN)
        except (WireError, UnknownSkeleton):
            refused += 1
            continue
        for one in frame.subjects:
            for array in (
                one.pose.positions,
                one.pose.rotations,
                one.curves,
                one.trajectory,
                one.contacts,
            ):
                assert np.isfinite(array).all()
            wish = (*one.intent.travel, *one.intent.facing) if one.intent else ()
            assert np.isfinite((one.uncertainty_m, *wish)).all()
        for thing in (*frame.cameras, *frame.props):
            assert np.isfinite((*thing.position, *thing.rotation)).all()
    # 6 + 8 of the pose, 1 weight, 4 of the path, 2 curves, 1 uncertainty, 4 of the intent,
    # 12 of the camera and 7 of the prop.
    assert refused >= 45


def test_a_skeleton_at_rest_is_finite():
    with pytest.raises(UnderstudyError, match="not finite"):
        Skeleton(("a",), np.array([-1]), np.array([[0.0, np.nan, 0.0]]))
    message = bytearray(encode_skeletons([ARM]))
    at = message.index(struct.pack("<d", 0.5))  # the hand's offset
    struct.pack_into("<d", message, at, np.nan)
    with pytest.raises(WireError, match="not finite"):
        decode_skeletons(bytes(message))
    bare = replace(ARM, tips=np.full((2, 3), np.nan))  # tips alone may be none
    assert decode_skeletons(encode_skeletons([bare]))[0].names == ARM.names


def test_over_the_sockets_a_broken_suit_freezes_nobody_else():
    with Publisher("tcp://127.0.0.1:*") as publisher:
        with Subscriber(publisher.address, timeout_s=20) as subscriber:
            got = None
            while got is None:
                publisher.publish(small_frame(0, subjects=2))
                got = subscriber.receive(0.01)
            while subscriber.receive(0.01) is not None:
                pass
            frame = small_frame(1, subjects=2)
            frame.subjects[0].pose = frame.subjects[0].pose.copy()
            frame.subjects[0].pose.positions[:] = np.nan
            frame.subjects[1].pose.positions[0] = 7.0
            publisher.publish(frame)
            got = next(subscriber)
            assert [s.state for s in got.subjects] == [State.HOLD, State.TAKEOVER]
            assert got.subjects[1].pose.positions[0].tolist() == [7.0, 7.0, 7.0]
            assert subscriber.statistics.malformed == 0
            assert publisher.held == 1
