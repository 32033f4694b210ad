"""The decoder that remembers layouts reads what the one that follows every offset reads."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from tests.bridge.things import ARM, FACE, small_frame
from understudy.bridge.wire.decoder import UnknownSkeleton, decode_frame
from understudy.bridge.wire.encoder import FrameEncoder
from understudy.bridge.wire.envelope import WireError
from understudy.bridge.wire.frame_decoder import FrameDecoder
from understudy.runtime.core.pose import State
from understudy.runtime.core.skeleton import Skeleton

from .golden import FRAMES, KNOWN
from .test_fuzz import damaged


def told(thing: Any) -> Any:
    """Everything in a frame, comparable."""
    if isinstance(thing, Skeleton):
        return thing.id
    if isinstance(thing, np.ndarray):
        return thing.shape, str(thing.dtype), thing.tobytes()
    if dataclasses.is_dataclass(thing):
        return [told(getattr(thing, field.name)) for field in dataclasses.fields(thing)]
    if isinstance(thing, list | tuple):
        return [told(one) for one in thing]
    return repr(thing)


def outcome(decode: Any, message: bytes) -> Any:
    try:
        return told(decode(message, KNOWN))
    except (WireError, UnknownSkeleton) as error:
        return type(error), str(error)


def knowing(messages: list[bytes]) -> FrameDecoder:
    """A decoder that knows the layout of each of these."""
    decoder = FrameDecoder()
    for message in messages:
        for _ in range(2):
            decoder.decode(message, KNOWN)
    return decoder


@pytest.fixture
def offsets_are_not_followed(monkeypatch):
    """Fails the test where the decoder needs the one that follows every offset."""

    def refuse(*_: object) -> None:
        raise AssertionError("it was read offset by offset")

    def forbid() -> None:
        monkeypatch.setattr("understudy.bridge.wire.frame_decoder.decode_frame", refuse)

    return forbid


def test_every_kind_of_message_is_read_as_before_once_it_is_known(offsets_are_not_followed):
    wanted = [told(decode_frame(message, KNOWN)) for message in FRAMES]
    decoder = knowing(FRAMES)
    offsets_are_not_followed()
    assert [told(decoder.decode(message, KNOWN)) for message in FRAMES] == wanted


def test_a_stream_whose_numbers_states_times_and_reasons_change(offsets_are_not_followed):
    frame, encoder = small_frame(skeleton=FACE, subjects=2), FrameEncoder(5)
    messages = []
    for tick in range(6):
        frame.sequence, frame.capture_ns, frame.timecode = tick, 1000 + tick, f"01:00:00:0{tick}"
        for subject in frame.subjects:
            subject.pose.positions += 0.01 * tick
            subject.state, subject.reason = State(tick % 4), f"silent for 0.{tick} s"
            subject.curves, subject.uncertainty_m = subject.curves * 0.5, 0.1 * tick
        messages.append(encoder.encode(frame))
    wanted = [told(decode_frame(message, KNOWN)) for message in messages]
    decoder = knowing(messages[:1])
    offsets_are_not_followed()
    assert [told(decoder.decode(message, KNOWN)) for message in messages] == wanted


@given(damaged(FRAMES))
@settings(max_examples=400, deadline=None)
def test_a_damaged_message_is_refused_or_read_as_by_the_one_that_follows_offsets(message):
    decoder = knowing(FRAMES)
    assert outcome(decoder.decode, message) == outcome(decode_frame, message)


@pytest.mark.parametrize("at", range(0, len(FRAMES[0]), 4))
def test_no_word_of_a_message_changes_unnoticed(at):
    decoder, data = knowing(FRAMES[:1]), bytearray(FRAMES[0])
    for word in (b"\xff\xff\xff\x7f", b"\x01\x00\x00\x00", b"\xff\xff\xff\xff"):
        data[at : at + 4] = word
        assert outcome(decoder.decode, bytes(data)) == outcome(decode_frame, bytes(data))


def test_a_skeleton_that_is_not_known_any_more_is_asked_for():
    decoder = knowing(FRAMES[:1])
    with pytest.raises(UnknownSkeleton):
        decoder.decode(FRAMES[0], {})
    again = replace(ARM)
    frame, _ = decoder.decode(FRAMES[0], {ARM.id: again})
    assert frame.subjects[0].skeleton is again


def test_layouts_of_a_thousand_lengths_are_not_all_kept():
    decoder = FrameDecoder()
    for letters in range(1000):
        frame = small_frame()
        frame.subjects[0].name = "a" * letters
        message = FrameEncoder(1).encode(frame)
        decoder.decode(message, KNOWN)
        decoder.decode(message, KNOWN)
    assert len(decoder._known) <= 16
