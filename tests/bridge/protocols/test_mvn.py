"""Xsens MVN: bytes laid out by hand from the specification, axes, pieces, bytes gone bad."""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bridge.protocols.mutations import mutations, survives, takes_little
from understudy.bridge.protocols import ProtocolError, mvn, mvn_scale
from understudy.runtime.core import rotation

# MV0305P, 2.4: the header's fields one by one.
HEAD = (
    b"MXTP02"
    b"\x00\x00\x01\x00"  # sample 256
    b"\x80"  # the only datagram
    b"\x17"  # 23 items
    b"\x00\x00\x03\xe8"  # 1000 ms
    b"\x02"  # character 2
    b"\x17\x00\x00"  # 23 segments, no props, no fingers
    b"\x00\x00"
    b"\x02\xe0"  # 736 bytes follow
)
# A pelvis 1 m ahead, 2 m to the left, 0.9 m up, turned a quarter to the left.
H = 0.70710678
ITEMS = struct.pack(">i7f", 1, 1.0, 2.0, 0.9, H, 0.0, 0.0, H) + b"".join(
    struct.pack(">i7f", n, 1.0, 2.0, 0.9 + 0.01 * n, H, 0.0, 0.0, H) for n in range(2, 24)
)
GOLDEN = HEAD + ITEMS
POINTS = (
    b"MXTP03" + HEAD[6:11] + b"\x01" + HEAD[12:22] + b"\x00\x10" + struct.pack(">i3f", 269, 1, 2, 3)
)
NAMES = b"MXTP12" + HEAD[6:22] + b"\x00\x1b" + b"name:Anna\nxmid:7\ncolor:ff00"
TPOSE = (
    b"MXTP13" + HEAD[6:10] + b"\x00" + HEAD[11:22] + b"\x00\x37"
    + b"\x00\x00\x00\x02"
    + b"\x00\x00\x00\x06Pelvis" + struct.pack(">3f", 0.0, 0.0, 0.95)
    + b"\x00\x00\x00\x09Left Foot" + struct.pack(">3f", 0.0, 0.1, 0.08)
    + b"\x00\x00\x00\x00"
)  # fmt: skip
TIME = b"MXTP25" + HEAD[6:22] + b"\x00\x0c" + b"10:20:30.040"
EULER = (
    b"MXTP01"
    + HEAD[6:11]
    + b"\x01"
    + HEAD[12:22]
    + b"\x00\x1c"
    + struct.pack(">i6f", 1, 10.0, 90.0, 20.0, 0.0, 90.0, 0.0)
)
ALL = [GOLDEN, NAMES, TPOSE, TIME, EULER, POINTS]


def test_the_header_reads_and_writes():
    heard = mvn.decode(GOLDEN)
    said = mvn.Header(2, 256, 0, True, 23, 1000, 2, 23, 0, 0)
    assert heard.header == said
    assert mvn.encode(said, ITEMS) == GOLDEN


def test_z_up_and_forward_along_x_becomes_ours():
    message = mvn.decode(GOLDEN)
    body = mvn.body(message.header, message.said)
    assert body.names == mvn.BODY and body.seen.all() and not body.local
    np.testing.assert_allclose(body.positions[0], (2.0, 0.9, 1.0), atol=1e-6)
    ahead = rotation.rotate(body.rotations[0], np.array([0.0, 0.0, 1.0]))
    np.testing.assert_allclose(ahead, (1.0, 0.0, 0.0), atol=1e-6)  # to its left, which is our +X


def test_euler_is_in_centimetres_and_y_up():
    message = mvn.decode(EULER)
    # One segment has no size: the unit is the user's to say.
    body = mvn.body(message.header, message.said, 0.01)
    np.testing.assert_allclose(body.positions[0], (0.1, 0.9, 0.2), atol=1e-6)
    np.testing.assert_allclose(body.rotations[0], rotation.from_yaw(np.pi / 2), atol=1e-6)


def test_the_unit_is_told_by_the_size_of_the_body():
    feet = np.array([[0.0, 0.0, 0.1], [0.0, 0.3, 1.7]])
    assert mvn.unit_m(feet) == 1.0 and mvn.unit_m(100.0 * feet) == 0.01


def test_names_t_pose_and_time_code():
    assert mvn.decode(NAMES).said == {"name": "Anna", "xmid": "7", "color": "ff00"}
    tpose = mvn.decode(TPOSE).said
    assert tpose.names == ("Pelvis", "Left Foot")
    np.testing.assert_allclose(tpose.places[1], (0.0, 0.1, 0.08), atol=1e-6)
    assert mvn.decode(TIME).said == "10:20:30.040"
    points = mvn.decode(POINTS)
    assert points.header.kind == mvn.POINTS
    assert points.said.numbers.tolist() == [256 * 1 + 13], "the sacrum, as the specification has it"
    np.testing.assert_allclose(points.said.positions, [(1.0, 2.0, 3.0)])


def test_the_points_of_a_t_pose_come_behind_its_segments():
    points = [mvn_scale.Point(1, 13, "pSacrum", (-0.1, 0.0, 0.03))]
    said = mvn_scale.Scale((), np.zeros((0, 3)), points)
    data = mvn.encode(mvn.Header(mvn.SCALE, 0, 0, False, 1), mvn_scale.pack_scale(said))
    (point,) = mvn.decode(data).said.points
    assert point[:3] == (1, 13, "pSacrum")
    np.testing.assert_allclose(point.place, (-0.1, 0.0, 0.03), atol=1e-7)
    cut = mvn.encode(mvn.Header(mvn.SCALE, 0, 0, False, 1), mvn_scale.pack_scale(said)[:-4])
    with pytest.raises(ProtocolError, match="points"):
        mvn.decode(cut)


def body(fingers: bool = False, props: int = 0, local: bool = False, seed: int = 1) -> mvn.Body:
    random = np.random.default_rng(seed)
    names = mvn.BODY + (mvn.FINGERS if fingers else ())
    turns = rotation.normalize(random.normal(size=(len(names), 4)))
    things = [
        (f"Prop {i + 1}", random.uniform(-1, 1, 3), rotation.normalize(random.normal(size=4)))
        for i in range(props)
    ]
    places = random.uniform(-1, 1, (len(names), 3))
    return mvn.Body(names, places, turns, np.ones(len(names), bool), local, things)


def pieces(kind: int, said: mvn.Body, sample: int = 1, most_bytes: int = 1472) -> list[bytes]:
    fingers = len(said.names) - 23 if kind != mvn.UNITY else 0
    header = mvn.Header(kind, sample, props=len(said.props), fingers=fingers)
    return mvn.datagrams(kind, header, mvn.items(kind, said), most_bytes)


def joined(datagrams: list[bytes]) -> tuple[mvn.Header, mvn.Items] | None:
    assembler, whole = mvn.Assembler(), None
    for data in datagrams:
        whole = assembler.feed(mvn.decode(data)) or whole
    return whole


@pytest.mark.parametrize("kind", mvn.POSES)
@pytest.mark.parametrize("most_bytes", [300, 1472, 65507])
def test_a_body_with_fingers_and_props_comes_back(kind, most_bytes):
    said = body(fingers=kind != mvn.UNITY, props=2, local=kind == mvn.UNITY)
    datagrams = pieces(kind, said, most_bytes=most_bytes)
    assert all(len(data) <= most_bytes for data in datagrams)
    heard = mvn.body(*joined(datagrams), None if kind != mvn.EULER else 0.01)
    assert heard.names == said.names and heard.local == said.local
    np.testing.assert_allclose(heard.positions, said.positions, atol=1e-6)
    assert np.degrees(rotation.angle_between(heard.rotations, said.rotations)).max() < 1e-3
    if kind != mvn.UNITY:
        assert [name for name, _, _ in heard.props] == ["Prop 1", "Prop 2"]
        np.testing.assert_allclose(heard.props[1][1], said.props[1][1], atol=1e-6)


def test_of_a_pose_in_pieces_the_order_does_not_matter_and_a_lost_one_loses_it():
    first, second, third = (
        pieces(mvn.QUATERNION, body(fingers=True, seed=n), n, 700) for n in (1, 2, 3)
    )
    assert len(first) == 3
    assembler = mvn.Assembler()
    feed = [assembler.feed(mvn.decode(data)) for data in (*first[::-1], *first)]
    assert [whole is not None for whole in feed] == [False, False, True, False, False, False]
    assert assembler.repeated == 3
    for data in second[1:]:
        assert assembler.feed(mvn.decode(data)) is None
    assert assembler.feed(mvn.decode(third[0])) is None
    assert assembler.feed(mvn.decode(third[1])) is None
    assert assembler.feed(mvn.decode(third[2])) is not None
    assert assembler.lost == 1


def test_an_old_mvn_says_no_counts_and_no_size():
    header = mvn.Header(mvn.QUATERNION, 1, segments=0)
    (data,) = mvn.datagrams(mvn.QUATERNION, header, mvn.items(mvn.QUATERNION, body(props=1)))
    message = mvn.decode(data[:22] + b"\0\0" + data[24:])
    heard = mvn.body(message.header, message.said)
    assert heard.names == mvn.BODY and len(heard.props) == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "begins with MXTP"),
        (b"OSC" * 20, "begins with MXTP"),
        (b"MXTPxx" + HEAD[6:], "two digits"),
        (GOLDEN[:-1], "cut on its way"),
        (GOLDEN[:11] + b"\x7f" + GOLDEN[12:], "127"),
        (GOLDEN[:28] + b"\x7f\xc0\x00\x00" + GOLDEN[32:], "not finite"),
        (TPOSE[:24] + b"\x7f\xff\xff\xff" + TPOSE[28:], "segments"),
    ],
)
def test_what_is_wrong_is_a_sentence(data, words):
    with pytest.raises(ProtocolError, match=words):
        mvn.decode(data)


def read(data: bytes) -> None:
    message = mvn.decode(data)
    if isinstance(message.said, mvn.Items):
        whole = mvn.Assembler().feed(message)
        if whole:
            mvn.body(*whole)


@given(mutations(ALL) | st.binary(max_size=80).map(lambda b: b"MXTP02" + b))
def test_bad_bytes_are_one_sentence(data):
    survives(read, data)


def test_pieces_of_many_samples_are_forgotten():
    assembler, message = mvn.Assembler(), mvn.decode(GOLDEN)

    def flood(_: bytes) -> None:
        for n in range(3000):
            header = replace(
                message.header, sample=n, piece=n % 120, last=False, character=n % 256, segments=0
            )
            assembler.feed(mvn.Message(header, message.said))

    takes_little(flood, b"")
    assert assembler.lost > 2000
