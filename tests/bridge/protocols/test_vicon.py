"""Vicon: Tracker's object stream, byte by byte; bad bytes."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from hypothesis import given, settings

from tests.bridge.protocols.mutations import mutations, survives
from understudy.bridge.protocols import ProtocolError, vicon
from understudy.bridge.protocols.recognition import recognised
from understudy.runtime.core import rotation

# Laid out after the table of the stream in public readers of it: u32 frame, u8 items; u8 kind, u16
# size; 24 letters; millimetres and radians, filled up to 256 bytes.
ITEM = struct.pack("<24s6d", b"Wand", 1000.0, 2000.0, 1500.0, 0.0, 0.0, math.pi / 2)
GOLDEN = (struct.pack("<IB", 77, 1) + struct.pack("<BH", 0, 72) + ITEM).ljust(256, b"\0")


def test_an_object_comes_into_our_axes_and_metres():
    said = vicon.decode(GOLDEN)
    assert (said.number, said.names) == (77, ("Wand",))
    # Theirs x ahead, y left, z up; a quarter turn about up.
    np.testing.assert_allclose(said.positions[0], (2.0, 1.5, 1.0))
    ahead = rotation.rotate(said.rotations[0], np.array([0.0, 0.0, 1.0]))
    np.testing.assert_allclose(ahead, (1.0, 0.0, 0.0), atol=1e-12)
    assert recognised(GOLDEN) == ("vicon", "Vicon's object stream")
    (again,) = vicon.encode(said, 256)
    assert again == GOLDEN


def test_many_objects_are_several_datagrams_of_one_frame():
    random = np.random.default_rng(2)
    turns = rotation.normalize(random.normal(size=(30, 4)))
    said = vicon.Objects(5, tuple(f"o{n}" for n in range(30)), random.normal(size=(30, 3)), turns)
    found = [vicon.decode(data) for data in vicon.encode(said, 1024)]
    assert len(found) == 3 and {one.number for one in found} == {5}
    assert sum((one.names for one in found), ()) == said.names
    np.testing.assert_allclose(np.concatenate([one.positions for one in found]), said.positions)
    both = np.concatenate([one.rotations for one in found])
    assert float(rotation.angle_between(both, turns).max()) < 1e-9


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\1", "5 bytes"),
        (GOLDEN[:40], "72 bytes"),
        (GOLDEN[:4] + b"\xff" + GOLDEN[5:], "object"),
        (GOLDEN[:32] + struct.pack("<d", math.nan) + GOLDEN[40:], "none"),
        (b"VDSS\xc1", "SDK"),
    ],
)
def test_what_is_wrong_is_a_sentence(data, words):
    with pytest.raises(ProtocolError, match=words):
        vicon.decode(data)


MODEL = vicon.message(
    vicon.Model("Ann", ["Hips"], [-1], vicon.packed(np.zeros((1, 3)), rotation.identity(1)))
)


@given(mutations([GOLDEN, MODEL]))
@settings(max_examples=100)
def test_bad_bytes_are_one_sentence(data):
    survives(vicon.decode, data)
