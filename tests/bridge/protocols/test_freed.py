"""FreeD: the manual's own figures, a vector worked by hand, round trips, bytes gone bad."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bridge.protocols.mutations import mutations, survives
from understudy.bridge.protocols import ProtocolError, freed
from understudy.runtime.core import rotation

# Worked by hand from the layout in Vinten Radamec's manual (and in Z-CAM's and Unreal's documents):
# camera 1, pan 90, tilt -1, at (1000, -2000, 1500) mm.
GOLDEN = bytes.fromhex("d1012d0000ff800000000000fa00fe0c000177001234566543210000e1")
SAID = freed.Tracking(1, 90.0, -1.0, 0.0, 1000.0, -2000.0, 1500.0, 0x123456, 0x654321, 0)


def test_the_vector_reads_and_writes():
    assert freed.decode(GOLDEN) == SAID
    assert freed.encode(SAID) == GOLDEN


@pytest.mark.parametrize(
    ("field", "at", "value", "bits"),
    [
        # Appendix B of the manual gives the ends of each range.
        ("pan_deg", 2, -180.0, "a60000"),
        ("pan_deg", 2, 180.0, "5a0000"),
        ("tilt_deg", 5, -90.0, "d30000"),
        ("tilt_deg", 5, 90.0, "2d0000"),
        ("roll_deg", 8, -180.0, "a60000"),
        ("roll_deg", 8, 180.0, "5a0000"),
    ],
)
def test_the_manuals_ends_of_the_ranges(field, at, value, bits):
    data = freed.encode(freed.Tracking(**{field: value}))
    assert data[at : at + 3].hex() == bits
    assert getattr(freed.decode(data), field) == value


@given(
    st.integers(0, 255),
    st.tuples(*[st.floats(-180, 180)] * 3),
    st.tuples(*[st.floats(-131_000, 131_000)] * 3),
    st.tuples(*[st.integers(0, 2**24 - 1)] * 2),
    st.integers(0, 65535),
)
def test_round_trip_to_half_a_step(camera, angles, at_mm, lens, user):
    said = freed.Tracking(camera, *angles, *at_mm, *lens, user)
    data = freed.encode(said)
    assert (sum(data) - 0x40) % 256 == 0  # as the manual words the checksum
    heard = freed.decode(data)
    assert (heard.camera, heard.zoom, heard.focus, heard.user) == (camera, *lens, user)
    assert heard.pan_deg == pytest.approx(said.pan_deg, abs=0.5 / 32768 + 1e-9)
    assert heard.z_mm == pytest.approx(said.z_mm, abs=0.5 / 64 + 1e-9)


@given(st.tuples(*[st.floats(-3, 3)] * 3), st.tuples(*[st.floats(-50, 50)] * 3))
def test_a_camera_comes_back_where_it_was(turn, at):
    q = rotation.from_rotation_vector(np.array(turn))
    sent = freed.tracking(3, np.array(at), q)
    position, back = freed.transform(freed.decode(freed.encode(sent)))
    assert np.allclose(position, at, atol=1e-5)
    assert rotation.angle_between(q, back) < 2e-4


# Our camera looks along its own -Z: half a turn about +Y makes it look forward, along +Z.
FORWARD = rotation.from_yaw(np.pi)


def turned(axis, degrees):
    """The forward camera, turned about an axis of the world."""
    return rotation.multiply(rotation.from_axis_angle(axis, np.radians(degrees)), FORWARD)


@pytest.mark.parametrize(
    ("turn", "angles"),
    [
        (FORWARD, (0, 0, 0)),  # positive y is forward
        (turned([0, 1, 0], -30), (30, 0, 0)),  # +X is left of forward: this is to the right
        (turned([1, 0, 0], -20), (0, 20, 0)),  # up
        (turned([0, 0, 1], 10), (0, 0, 10)),  # clockwise, seen from behind
    ],
)
def test_pan_right_tilt_up_roll_clockwise(turn, angles):
    t = freed.tracking(0, np.array([-1.0, 1.5, 2.0]), turn)
    assert (t.pan_deg, t.tilt_deg, t.roll_deg) == pytest.approx(angles, abs=1e-9)
    assert (t.x_mm, t.y_mm, t.z_mm) == pytest.approx((1000.0, 2000.0, 1500.0))


@pytest.mark.parametrize(
    "wrong",
    [
        freed.Tracking(camera=256),
        freed.Tracking(x_mm=131_073.0),
        freed.Tracking(pan_deg=float("nan")),
        freed.Tracking(zoom=2**24),
        freed.Tracking(focus=-1),
        freed.Tracking(user=2**16),
    ],
)
def test_what_does_not_fit_is_refused_not_clipped(wrong):
    with pytest.raises(ProtocolError):
        freed.encode(wrong)


def test_each_fault_has_its_sentence():
    with pytest.raises(ProtocolError, match="29 bytes"):
        freed.decode(GOLDEN[:-1])
    with pytest.raises(ProtocolError, match="type D1"):
        freed.decode(b"\xd0" + GOLDEN[1:])
    with pytest.raises(ProtocolError, match="checksum is E2 and should be E1"):
        freed.decode(GOLDEN[:-1] + b"\xe2")


@given(mutations([GOLDEN]) | st.binary(min_size=29, max_size=29))
def test_bad_bytes_are_one_sentence(data):
    survives(freed.decode, data)
