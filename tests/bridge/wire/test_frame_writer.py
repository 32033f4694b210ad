"""What is written into the last message is what would have been laid out anew, byte for byte."""

from __future__ import annotations

import numpy as np
import pytest

from tests.bridge.things import FACE, small_frame
from understudy.bridge.wire.decoder import decode_frame
from understudy.bridge.wire.encoder import FrameEncoder
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Frame, Pose, State


def anew(frame: Frame, published: int) -> bytes:
    """The message of an encoder that has seen nothing yet."""
    encoder = FrameEncoder(5)
    encoder.published = published
    return encoder.encode(frame)


def change(frame: Frame, tick: int) -> None:
    """Everything that may change without a new layout."""
    random = np.random.default_rng(tick)
    frame.sequence, frame.capture_ns, frame.timecode = tick, 7 * tick, f"01:00:00:{tick:02}"
    frame.stats = {name: random.random() for name in frame.stats}
    for i, subject in enumerate(frame.subjects):
        joints = len(subject.skeleton)
        dtype = np.float32 if i % 2 else np.float64
        turns = rotation.normalize(random.normal(size=(joints, 4))).astype(dtype)
        subject.pose = Pose(random.normal(size=(joints, 3)).astype(dtype), turns)
        subject.state, subject.reason = State(tick % 4), f"silent for 0.{tick} s" if i else ""
        subject.trajectory = random.normal(size=subject.trajectory.shape)
        subject.curves = random.random(len(subject.curves))
        subject.contacts = np.column_stack(
            [subject.contacts[:, 0], random.random(len(subject.contacts))]
        )
        subject.uncertainty_m, subject.capture_ns = random.random(), 3 * tick
        if subject.intent is not None:
            subject.intent.travel, subject.intent.facing = random.normal(size=2), [0.5, float(tick)]
            subject.intent.buttons = frozenset({"run", "jump"} if tick % 2 else ())
            subject.intent.capture_ns = tick
    for thing in (*frame.cameras, *frame.props):
        thing.position = random.normal(size=3)


def ensemble() -> Frame:
    """Bodies of several skeletons, with and without a face, a pad and a reason."""
    frame = small_frame(subjects=3)
    frame.subjects += small_frame(skeleton=FACE).subjects + small_frame(skeleton=PERFORMER).subjects
    frame.subjects[1].intent = None
    frame.subjects[3].joint_uncertainty_m = np.full(len(FACE), 0.1)
    return frame


def test_a_stream_is_byte_for_byte_what_new_encoders_make(monkeypatch):
    encoder, frame = FrameEncoder(5), ensemble()
    for tick in range(8):
        change(frame, tick)
        if tick == 3:  # the third and later ones need no block of any subject
            monkeypatch.setattr(
                "understudy.bridge.wire.blocks.SubjectBlock.write",
                lambda *_: pytest.fail("a subject was written by itself"),
            )
        message = encoder.encode(frame)
        monkeypatch.undo() if tick == 7 else None
        if tick < 3 or tick == 7:
            assert message == anew(frame, tick)


@pytest.mark.parametrize(
    "what",
    ["name", "reason", "contacts", "trajectory", "intent", "doubts", "joints", "order", "gone"],
)
def test_another_shape_is_laid_out_anew(what):
    encoder, frame = FrameEncoder(5), ensemble()
    for tick in range(4):
        change(frame, tick)
        encoder.encode(frame)
    one = frame.subjects[1]
    match what:
        case "name":
            one.name = "another"
        case "reason":
            one.reason = "a reason that is longer than there is room for" * 3
        case "contacts":
            one.contacts = np.zeros((0, 2), np.float32)
        case "trajectory":
            one.trajectory = np.zeros((5, 4), np.float32)
        case "intent":
            one.intent = frame.subjects[0].intent
        case "doubts":
            one.joint_uncertainty_m = np.full(len(one.skeleton), 0.2)
        case "joints":
            one.skeleton = PERFORMER
            one.pose = Pose.rest(PERFORMER)
        case "order":
            frame.subjects.reverse()
        case "gone":
            del frame.subjects[1]
    for tick in range(4, 8):
        assert encoder.encode(frame) == anew(frame, tick)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e39])
@pytest.mark.parametrize("where", ["positions", "rotations", "trajectory", "curves", "uncertainty"])
def test_what_may_not_be_sent_is_held_and_what_comes_after_is_sent(bad, where):
    encoder, frame = FrameEncoder(5), ensemble()
    for tick in range(4):
        change(frame, tick)
        encoder.encode(frame)
    one = frame.subjects[3]
    match where:
        case "positions":
            one.pose.positions = one.pose.positions.astype(np.float64)
            one.pose.positions[1, 1] = bad
        case "rotations":
            one.pose.rotations[1] *= 1.1 if bad == bad else bad
        case "trajectory":
            one.trajectory[0, 0] = bad
        case "curves":
            one.curves[0] = bad
        case "uncertainty":
            one.uncertainty_m = bad
    sent = decode_frame(encoder.encode(frame), {s.skeleton.id: s.skeleton for s in frame.subjects})[
        0
    ]
    for subject in sent.subjects:
        turns = subject.pose.rotations
        assert np.allclose(np.linalg.norm(turns, axis=1), 1.0, atol=1e-3)
        for values in (subject.pose.positions, subject.trajectory, subject.curves):
            assert np.isfinite(values).all()
        assert np.isfinite(subject.uncertainty_m)
    change(frame, 6)
    assert encoder.encode(frame) == anew(frame, 5)
