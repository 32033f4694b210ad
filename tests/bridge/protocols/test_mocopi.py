"""Sony mocopi: boxes laid out by hand, a pose and a skeleton there and back, bytes gone bad."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bridge.protocols.mutations import mutations, survives
from understudy.bridge.protocols import ProtocolError, mocopi
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER, roles
from understudy.runtime.sources.devices.mocopi import ROLES

# One bone, box by box: size, letters, content.
TRAN = b"\x1c\0\0\0tran" + struct.pack("<7f", 0, 0, 0, 1, 0.5, 0.9, 0.25)
BONE = b"\x2e\0\0\0btdt" + b"\x02\0\0\0bnid\x00\x00" + TRAN
BTRS = b"\x36\0\0\0btrs" + BONE
FNUM = b"\x04\0\0\0fnum\x07\0\0\0"
UTTM = b"\x08\0\0\0uttm" + struct.pack("<d", 1_700_000_000.5)
HEAD = b"\x23\0\0\0head" + b"\x12\0\0\0ftypsony motion format" + b"\x01\0\0\0vrsn\x01"
FRAME = HEAD + struct.pack("<I", len(FNUM + UTTM + BTRS)) + b"fram" + FNUM + UTTM + BTRS


def skeleton(scale: float = 1.0) -> mocopi.Bones:
    """Our performer's limbs on a trunk of seven equal parts."""
    own, at = roles(PERFORMER), PERFORMER.rest_globals[0]
    world = {name: at[own[role]] for name, role in ROLES.items()}
    for n in range(1, 8):
        world[f"torso_{n}"] = at[own["hips"]] + n / 8 * (at[own["neck"]] - at[own["hips"]])
    world["neck_2"] = (world["neck_1"] + world["head"]) / 2
    parents = [mocopi.NAMES.index(up) if up else 0xFFFF for up in mocopi.BONES.values()]
    places = [world[n] - (world[up] if up else 0.0) for n, up in mocopi.BONES.items()]
    return mocopi.Bones(
        np.arange(27), scale * np.array(places), rotation.identity(27), np.array(parents)
    )


def pose(number: int = 1, turn_rad: float = 0.0, at_x: float = 0.0) -> mocopi.Bones:
    turns = rotation.identity(27)
    for name in ("head", "l_up_arm", "r_low_leg"):
        turns[mocopi.NAMES.index(name)] = rotation.from_yaw(turn_rad)
    places = skeleton().positions
    places[0] = (at_x, 0.9, 0.0)
    return mocopi.Bones(np.arange(27), places, turns, frame=number, time_s=1.7e9 + number / 60)


def test_a_frame_laid_out_by_hand_reads():
    heard = mocopi.decode(FRAME)
    assert (heard.frame, heard.time_s, heard.parents) == (7, 1_700_000_000.5, None)
    np.testing.assert_allclose(heard.positions, [(0.5, 0.9, 0.25)], atol=1e-6)
    np.testing.assert_allclose(heard.rotations, [(0, 0, 0, 1)])


@pytest.mark.parametrize("said", [skeleton(), pose(3, 0.5)])
def test_what_is_sent_comes_back(said):
    heard = mocopi.decode(mocopi.encode(said))
    np.testing.assert_allclose(heard.positions, said.positions, atol=1e-6)
    np.testing.assert_allclose(heard.rotations, said.rotations, atol=1e-6)
    assert (heard.parents is None) == (said.parents is None) and heard.frame == said.frame


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (HEAD, "neither"),
        (FRAME[:-1], "fewer"),
        (FRAME[:-41] + FRAME[-40:], "fewer|within"),
        (FRAME.replace(TRAN[8:12], b"\0\0\xc0\x7f"), "none"),
    ],
)
def test_what_is_wrong_is_a_sentence(data, words):
    with pytest.raises(ProtocolError, match=words):
        mocopi.decode(data)


GOLDEN = [FRAME, mocopi.encode(skeleton()), mocopi.encode(pose())]


@given(mutations(GOLDEN) | st.binary(max_size=80))
def test_bad_bytes_are_one_sentence(data):
    survives(mocopi.decode, data)
