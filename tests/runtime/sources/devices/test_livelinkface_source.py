"""Live Link Face in: PyLiveLinkFace as the phone, who is heard, and the head of a face alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pylivelinkface import FaceBlendShape, PyLiveLinkFace

from tests.bridge.protocols.mutations import mutations
from tests.runtime.sources.receivers import ANN, BOB, TICK_S, source
from understudy.bridge.protocols import livelinkface
from understudy.runtime.core import rotation
from understudy.runtime.sources.devices.livelinkface import head_turn


def phone(name: str = "Phone", **values: float) -> bytes:
    """A packet as PyLiveLinkFace makes it."""
    face = PyLiveLinkFace(name=name)
    for curve, value in values.items():
        face.set_blendshape(FaceBlendShape[curve], value, True)
    return face.encode()


def packet(name: str, **values: float) -> bytes:
    return livelinkface.encode(
        livelinkface.Face("device", name, curves=livelinkface.curves(values))
    )


def test_a_foreign_phone_s_curves_arrive_as_they_are():
    face_source, receiver = source("livelinkface://?subject=ann")
    for tick in range(30):
        receiver.say(phone(JawOpen=0.625, HeadYaw=-0.25))
        face_source.poll(tick * TICK_S)
    shown = dict(zip(face_source.face.names, face_source.face.shown, strict=True))
    assert shown["jawOpen"] == 0.625 and shown["headYaw"] == -0.25
    assert sum(value != 0.0 for value in shown.values()) == 2
    assert face_source.name == "ann"


def test_the_head_of_a_face_alone_turns_as_the_phone_says():
    face_source, receiver = source("livelinkface://")
    receiver.say(packet("Phone", headYaw=0.25, headPitch=0.1, headRoll=-0.05))
    (one,) = face_source.poll(0.0)
    turn = rotation.from_euler(np.pi * np.array([0.25, 0.1, -0.05]), "YXZ")
    np.testing.assert_allclose(one.rotations[1], turn, atol=1e-6)
    ahead = rotation.rotate(one.rotations[1], np.array([0.0, 0.0, 1.0]))
    assert ahead[0] > 0.5 and ahead[1] < 0.0  # to its left, and down
    assert head_turn(livelinkface.curves({"headYaw": 40.0})) == pytest.approx(
        rotation.from_yaw(np.pi), abs=1e-9
    )


def test_of_several_phones_on_a_port_each_source_hears_its_own():
    faces = [source(f"livelinkface://?name={name}") for name in ("one", "two")]
    first, first_ear = source("livelinkface://")
    for tick in range(20):
        for _, receiver in (*faces, (first, first_ear)):
            receiver.say(packet("one", jawOpen=0.25), peer=ANN)
            receiver.say(packet("two", jawOpen=0.75), peer=BOB)
        for one, _ in (*faces, (first, first_ear)):
            one.poll(tick * TICK_S)
    jaw = livelinkface.INDEX["jawOpen"]
    assert [one.face.shown[jaw] for one, _ in faces] == [0.25, 0.75]
    assert faces[0][0].elsewhere == 20
    assert first.face.shown[jaw] == 0.25 and first.reception.others == 20


def test_a_phone_that_sees_no_face_is_heard_but_its_face_rests():
    face_source, receiver = source("livelinkface://")
    for tick in range(120):
        receiver.say(packet("Phone", jawOpen=1.0) if tick < 30 else livelinkface.encode(
            livelinkface.Face("device", "Phone", curves=None)
        ))  # fmt: skip
        face_source.poll(tick * TICK_S)
    assert face_source.silence == "" and face_source.empty == 90
    assert not face_source.face.shown.any()


GOLDEN = [phone(JawOpen=0.5), packet("Phone", headYaw=0.3)]


@settings(max_examples=60)
@given(st.lists(st.one_of(mutations(GOLDEN), st.binary()), max_size=12))
def test_whatever_comes_is_counted_and_curves_are_numbers(said):
    face_source, receiver = source("livelinkface://")
    for number, data in enumerate(said):
        receiver.say(data)
        for one in face_source.poll(number * TICK_S):
            np.testing.assert_allclose((one.rotations**2).sum(-1), 1.0, atol=1e-6)
    assert np.isfinite(face_source.face.shown).all()
    figures = face_source.figures()
    assert figures["damaged"] + figures["frames"] == figures["datagrams"] == len(said)
