"""Live Link Face: bytes laid out by hand, PyLiveLinkFace as a peer, bytes gone bad."""

from __future__ import annotations

import struct
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pylivelinkface import FaceBlendShape, PyLiveLinkFace

from tests.bridge.protocols.mutations import mutations, survives, takes_little
from understudy.bridge.protocols import ProtocolError, livelinkface

DEVICE = "D0D5A8F2-3D8A-4C4C-9A0E-123456789ABC"
VALUES = np.arange(61, dtype=np.float32) / 64
# Field by field, as Unreal's ARKit source reads them: big-endian, a length before each string.
GOLDEN = (
    b"\x06"
    + b"\x00\x00\x00\x24" + DEVICE.encode()
    + b"\x00\x00\x00\x05" + b"Phone"
    + b"\x00\x01\x51\x80"  # frame 86400
    + b"\x3e\x80\x00\x00"  # and a quarter
    + b"\x00\x00\xea\x60" + b"\x00\x00\x03\xe9"  # 60000 / 1001
    + b"\x3d" + struct.pack(">61f", *VALUES)
)  # fmt: skip
SAID = livelinkface.Face(DEVICE, "Phone", 86400, 0.25, Fraction(60000, 1001), VALUES)


def test_the_bytes_read_and_write():
    assert livelinkface.encode(SAID) == GOLDEN
    heard = livelinkface.decode(GOLDEN)
    assert (heard.device, heard.subject) == (DEVICE, "Phone")
    assert (heard.frame, heard.subframe, heard.rate) == (86400, 0.25, Fraction(60000, 1001))
    assert np.array_equal(heard.curves, VALUES)


def test_our_packet_reads_in_pylivelinkface():
    has_face, peer = PyLiveLinkFace.decode(GOLDEN)
    assert has_face
    assert (peer.name, peer._frames, peer._sub_frame) == ("Phone", 86400, 0.25)
    assert (peer.fps, peer._denominator) == (60000, 1001)
    for shape in FaceBlendShape:  # by name: their order is ours
        name = shape.name[0].lower() + shape.name[1:]
        assert peer.get_blendshape(shape) == VALUES[livelinkface.INDEX[name]], name


def test_a_packet_of_pylivelinkface_reads_here():
    peer = PyLiveLinkFace("Müller", DEVICE, 60)
    peer.set_blendshape(FaceBlendShape.JawOpen, 0.75, no_filter=True)
    peer.set_blendshape(FaceBlendShape.HeadYaw, -0.25, no_filter=True)
    # It counts letters where the protocol counts bytes: an umlaut is its fault, not ours.
    peer.name = "Mueller"
    heard = livelinkface.decode(peer.encode())
    assert (heard.device, heard.subject, heard.rate) == (DEVICE, "Mueller", 60)
    named = dict(zip(livelinkface.CURVES, heard.curves.tolist(), strict=True))
    assert named["jawOpen"] == 0.75
    assert named["headYaw"] == -0.25
    assert sum(map(abs, named.values())) == 1.0


def test_names_are_arkits():
    assert len(livelinkface.ARKIT) == 52 and len(set(livelinkface.CURVES)) == 61
    values = livelinkface.curves({"tongueOut": 1.0, "no such curve": 2.0})
    assert values[51] == 1.0 and values.sum() == 1.0


def test_without_a_face_there_are_no_curves():
    faceless = livelinkface.Face(DEVICE, "Phone", 1, 0.0, Fraction(60), None)
    assert livelinkface.decode(livelinkface.encode(faceless)).curves is None
    short = GOLDEN[: 1 + 4 + 36 + 4 + 5]
    assert livelinkface.decode(short).curves is None


@given(
    st.text(min_size=1, max_size=40),
    st.integers(-(2**31), 2**31 - 1),
    st.floats(0, 0.984375, width=32),
    st.integers(1, 2**31 - 1),
    st.integers(1, 2**31 - 1),
    st.lists(st.floats(-2, 2, width=32), min_size=61, max_size=61),
)
def test_round_trip(name, frame, subframe, num, den, values):
    said = livelinkface.Face(
        DEVICE, name, frame, subframe, Fraction(num, den), np.array(values, np.float32)
    )
    heard = livelinkface.decode(livelinkface.encode(said))
    assert np.array_equal(heard.curves, said.curves)
    said.curves = heard.curves = None
    assert heard == said


def test_what_cannot_be_sent_is_refused():
    for wrong in (
        livelinkface.Face("", "Phone"),
        livelinkface.Face(DEVICE, "x" * 300),
        livelinkface.Face(DEVICE, "Phone", frame=2**31),
        livelinkface.Face(DEVICE, "Phone", curves=np.zeros(52)),
        livelinkface.Face(DEVICE, "Phone", curves=np.full(61, np.nan)),
    ):
        with pytest.raises(ProtocolError):
            livelinkface.encode(wrong)


def test_another_version_and_another_count_are_named():
    with pytest.raises(ProtocolError, match="version 6, this one 5"):
        livelinkface.decode(b"\x05" + GOLDEN[1:])
    at = GOLDEN.index(b"\x3d", 60)
    with pytest.raises(ProtocolError, match="61 curves; this one says 52"):
        livelinkface.decode(GOLDEN[:at] + b"\x34" + GOLDEN[at + 1 : at + 1 + 52 * 4])


@given(mutations([GOLDEN]) | st.binary(max_size=80).map(lambda b: b"\x06" + b))
def test_bad_bytes_are_one_sentence(data):
    survives(livelinkface.decode, data)


def test_a_promise_of_gigabytes_allocates_nothing():
    takes_little(livelinkface.decode, b"\x06\x7f\xff\xff\xff" + b"x" * 1000)
