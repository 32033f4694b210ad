"""Axis' BVH broadcast: headers laid out by hand, both forms there and back, bytes gone bad."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bridge.protocols.mutations import mutations, survives
from understudy.bridge.protocols import ProtocolError, neuron
from understudy.runtime.core import rotation

# Hips 10, 95 and 20 cm away, turned by 90 degrees about Y; the rest is 1 cm above its parent.
VALUES = [10.0, 95.0, 20.0, 90.0, 0.0, 0.0] + [0.0, 1.0, 0.0, 0.0, 0.0, 0.0] * 58
FLOATS = struct.pack("<354f", *VALUES)
NEW = struct.pack(
    "<HBBBBHBBI32sIIIIH", 0xDDFF, 0, 0, 1, 1, 354, 1, 0, 2, b"chr00", 77, 0, 0, 0, 0xEEFF
)
OLD = struct.pack("<HBBBBIiiI32sIIH", 0xDDFF, 0, 0, 0, 1, 354, 1, 0, 2, b"chr00", 0, 0, 0xEEFF)
TEXT = ("2 chr00 " + " ".join(f"{value:g}" for value in VALUES) + " ||").encode()


def frame(placed: bool = True, number: int = 3) -> neuron.Frame:
    random = np.random.default_rng(5)
    at = random.normal(size=(neuron.COUNT, 3))
    if not placed:
        at[1:] = 0.0
    turns = rotation.normalize(random.normal(size=(neuron.COUNT, 4)) + np.array([0, 0, 0, 2]))
    return neuron.Frame(1, "ann", at, turns, placed, number)


@pytest.mark.parametrize(("data", "number"), [(NEW + FLOATS, 77), (OLD + FLOATS, 0), (TEXT, 0)])
def test_a_frame_laid_out_by_hand_reads(data, number):
    (said,) = neuron.decode(data)
    assert (said.avatar, said.name, said.number, said.placed) == (2, "chr00", number, True)
    assert said.positions[0] == pytest.approx((0.1, 0.95, 0.2))
    assert said.positions[1] == pytest.approx((0.0, 0.01, 0.0))
    np.testing.assert_allclose(said.rotations[0], rotation.from_yaw(np.pi / 2), atol=1e-6)


def test_a_reference_before_the_hips_is_passed_over():
    header = NEW[:6] + struct.pack("<HBB", 360, 1, 1) + NEW[10:]
    (said,) = neuron.decode(header + struct.pack("<6f", *range(6)) + FLOATS)
    assert said.positions[0] == pytest.approx((0.1, 0.95, 0.2))
    (said,) = neuron.decode(b"2 chr00 " + b"0 " * 6 + TEXT[8:])
    assert said.positions[0] == pytest.approx((0.1, 0.95, 0.2))


@pytest.mark.parametrize("order", neuron.ORDERS)
@pytest.mark.parametrize("placed", [True, False])
def test_what_is_sent_comes_back(order, placed):
    said = frame(placed)
    for data in (
        neuron.encode(said, order),
        neuron.encode(said, order, old=True),
        neuron.encode_text(said, order),
    ):
        (heard,) = neuron.decode(data, order)
        assert (heard.avatar, heard.name, heard.placed) == (1, "ann", placed)
        np.testing.assert_allclose(heard.positions, said.positions, atol=1e-6)
        apart = rotation.angle_between(heard.rotations, said.rotations)
        assert np.degrees(apart).max() < 1e-3


def test_text_may_hold_two_avatars():
    assert [f.avatar for f in neuron.decode(TEXT + b"\n" + TEXT.replace(b"2", b"3", 1))] == [2, 3]


def test_the_hands_are_where_the_values_say():
    for joints in neuron.JOINTS.values():
        names = list(joints)
        assert names[13] == "RightShoulder" and names[36] == "LeftShoulder"
        assert names[20] == "RightInHandIndex" and joints[names[20]] == "RightHand"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (NEW + FLOATS[:-1], "fewer"),
        (NEW[:60], "header"),
        (NEW[:6] + struct.pack("<H", 10) + NEW[8:] + FLOATS, "has 10 values"),
        (b"hello", "no frame of Axis"),
        (b"0 ann 1 2 x ||", "values"),
        (TEXT.replace(b"95", b"9x"), "word"),
        (TEXT.replace(b"95", b"nan"), "none"),
    ],
)
def test_what_is_wrong_is_a_sentence(data, words):
    with pytest.raises(ProtocolError, match=words):
        neuron.decode(data)


GOLDEN = [NEW + FLOATS, OLD + FLOATS, TEXT, neuron.encode(frame(False))]


@given(mutations(GOLDEN) | st.binary(max_size=80))
def test_bad_bytes_are_one_sentence(data):
    survives(neuron.decode, data)
