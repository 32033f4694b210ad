"""NatNet: messages laid out by hand, every version there and back, bytes gone bad."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bridge.protocols.mutations import mutations, survives, takes_little
from understudy.bridge.protocols import ProtocolError, natnet, natnet_packer
from understudy.runtime.core import rotation

VERSIONS = [(2, 4), (2, 6), (2, 7), (2, 9), (2, 11), (3, 0), (3, 1), (4, 0), (4, 1), (4, 2)]
BODY = struct.pack("<i7ffh", 5, 1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 1.0, 0.001, 1)
BONE = struct.pack("<i7ffh", 0x10002, 0.5, 0.25, 0.125, 0.0, 1.0, 0.0, 0.0, 0.0, 0)
STAMPS = struct.pack("<IIdQQQ", 7, 0, 12.5, 1000, 1010, 1040)


def by_hand(sized: bool) -> bytes:
    """A frame with one of everything: of 3.0, or of 4.1 where each list says its size."""

    def some(count: int, content: bytes = b"") -> bytes:
        return struct.pack("<I", count) + struct.pack("<I", len(content)) * sized + content

    marker = struct.pack("<i3ffhf", 1, 0.0, 0.0, 0.0, 0.01, 2, 0.0)
    plate = struct.pack("<iIIf", 1, 1, 1, 0.5)
    content = struct.pack("<i", 42)
    content += some(1, b"all\0" + struct.pack("<I3f", 1, 0.1, 0.2, 0.3))
    content += some(2, struct.pack("<6f", *range(6))) + some(1, BODY)
    content += some(1, struct.pack("<iI", 1, 1) + BONE)
    if sized:  # an asset with a bone and a marker
        content += some(1, struct.pack("<iI", 2, 1) + BONE + struct.pack("<I", 1) + marker)
    content += some(1, marker) + some(1, plate) + some(1, plate) + STAMPS
    content += bytes(8) * sized + struct.pack("<hI", 3, 0)
    return struct.pack("<HH", 7, len(content)) + content


def bodies(count: int, first: int = 1) -> natnet.Bodies:
    random = np.random.default_rng(count)
    turns = rotation.normalize(random.normal(size=(count, 4)))
    valid = np.arange(count) % 3 != 1
    return natnet.Bodies(
        np.arange(first, first + count), random.normal(size=(count, 3)), turns, valid
    )


def frame(number: int = 3) -> natnet.Frame:
    return natnet.Frame(
        number, bodies(2), [(1, bodies(21, 0x10001))], 9.5, 100, 110, 130, 5, True, True
    )


def models() -> list[natnet.Model]:
    names = ["ann_Hip", "ann_Ab", "ann_Chest"]
    at = np.array([(0.0, 0.9, 0.0), (0.0, 0.1, 0.0), (0.0, 0.2, 0.01)])
    one, three = rotation.identity(1), rotation.identity(3)
    return [
        natnet.Model(natnet.RIGID_BODY, "sword", 5, ["sword"], [5], [-1], np.zeros((1, 3)), one),
        natnet.Model(natnet.SKELETON, "ann", 1, names, [1, 2, 3], [0, 1, 2], at, three),
    ]


@pytest.mark.parametrize(("sized", "version"), [(False, (3, 0)), (True, (4, 1)), (True, (4, 2))])
@pytest.mark.parametrize("known", [True, False])
def test_a_frame_laid_out_by_hand_reads_and_shows_its_version(sized, version, known):
    kind, content = natnet.split(by_hand(sized))
    said, found = natnet.fitting(natnet.frame, content, version if known else None)
    assert kind == natnet.FRAME and (found >= (4, 1)) == sized
    assert (said.number, said.timecode, said.time_s, said.recording, said.changed) == (
        42, 7, 12.5, True, True,
    )  # fmt: skip
    assert (said.exposed, said.received, said.sent) == (1000, 1010, 1040)
    np.testing.assert_allclose(said.bodies.positions, [(1.0, 2.0, 3.0)])
    assert said.bodies.valid.tolist() == [True] and said.bodies.ids.tolist() == [5]
    number, bones = said.skeletons[0]
    assert (number, bones.ids.tolist(), bones.valid.tolist()) == (1, [0x10002], [False])
    np.testing.assert_allclose(bones.rotations, [(0.0, 1.0, 0.0, 0.0)])


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_sent_comes_back_by_every_version(version):
    said = frame()
    _, content = natnet.split(natnet_packer.frame(said, version))
    heard, _ = natnet.fitting(natnet.frame, content, version)
    assert heard.number == 3 and heard.time_s == pytest.approx(9.5)
    for own, theirs in ((said.bodies, heard.bodies), (said.skeletons[0][1], heard.skeletons[0][1])):
        np.testing.assert_allclose(theirs.positions, own.positions, atol=1e-6)
        np.testing.assert_allclose(theirs.rotations, own.rotations, atol=1e-6)
        assert theirs.ids.tolist() == own.ids.tolist()
        if version >= (2, 6):
            assert theirs.valid.tolist() == own.valid.tolist()
    _, content = natnet.split(natnet_packer.models(models(), version))
    sword, ann = natnet.models(content, version)
    assert (sword.kind, sword.name, sword.id) == (natnet.RIGID_BODY, "sword", 5)
    assert (ann.name, ann.bones, ann.parents) == ("ann", models()[1].bones, [0, 1, 2])
    np.testing.assert_allclose(ann.positions, models()[1].positions, atol=1e-6)


def test_bones_without_markers_are_read_in_a_3_0_stream_too():
    said = models()
    content = struct.pack("<I", 1) + struct.pack("<i", natnet.SKELETON) + b"ann\0"
    content += struct.pack("<iI", 1, 3)
    for name, number, up, at in zip(
        said[1].bones, said[1].ids, said[1].parents, said[1].positions, strict=True
    ):
        content += name.encode() + b"\0" + struct.pack("<ii3f", number, up, *at)
    (ann,) = natnet.models(content, (3, 0))
    assert ann.bones == said[1].bones


def test_what_is_of_no_use_is_passed_over():
    plate = struct.pack("<i", natnet.FORCE_PLATE) + struct.pack("<i", 1) + b"S1\0" + bytes(652)
    plate += struct.pack("<I", 2) + b"Fx\0Fy\0"
    device = struct.pack("<i", natnet.DEVICE) + struct.pack("<i", 2) + b"NI\0S2\0" + bytes(8)
    device += struct.pack("<I", 1) + b"ai0\0"
    camera = struct.pack("<i", natnet.CAMERA) + b"Prime\0" + bytes(28)
    markers = struct.pack("<i", natnet.MARKERS) + b"all\0" + struct.pack("<I", 1) + b"m1\0"
    content = struct.pack("<I", 4) + plate + device + camera + markers
    assert natnet.models(content, (3, 0)) == []


def test_who_serves_is_read():
    said = natnet.Server("Motive", (3, 1, 0, 0), (4, 1), 10_000_000, 1511, "239.255.42.99")
    kind, content = natnet.split(natnet.pack_server(said))
    assert kind == natnet.SERVER_INFO and natnet.server(content) == said
    old = natnet.Server("Motive", (1, 7, 0, 0), (2, 7))
    assert natnet.server(natnet.split(natnet.pack_server(old))[1]) == old


def test_connect_says_ping_and_our_version_where_each_server_looks_for_it():
    data = natnet.connect()
    assert data[:9] == b"\0\0" + struct.pack("<H", len(data) - 4) + b"Ping\0"
    assert data[4 + 256 : 4 + 264] == bytes([4, 2, 0, 0] * 2)
    assert data[4 + 264 : 4 + 269] == bytes([0, 4, 2, 0, 0])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x07", "header"),
        (by_hand(False)[:-30], "says"),
        (b"\x07\0\x04\0" + bytes(4), "ends elsewhere"),
    ],
)
def test_what_is_wrong_is_a_sentence(data, words):
    with pytest.raises(ProtocolError, match=words):
        natnet.fitting(natnet.frame, natnet.split(data)[1], None)


GOLDEN = [
    by_hand(False),
    by_hand(True),
    natnet.pack_server(natnet.Server("Motive", (3, 1, 0, 0), (4, 1), 10**7, 1511, "239.1.2.3")),
    *(natnet_packer.frame(frame(), v) for v in VERSIONS[:1] + VERSIONS[-2:]),
    *(natnet_packer.models(models(), v) for v in VERSIONS[:1] + VERSIONS[-3:]),
]


def decode(data: bytes) -> None:
    kind, content = natnet.split(data)
    if kind == natnet.SERVER_INFO:
        natnet.server(content)
    natnet.fitting(natnet.models if kind == natnet.MODELS else natnet.frame, content, (4, 1))


@given(mutations(GOLDEN) | st.binary(max_size=80))
def test_bad_bytes_are_one_sentence(data):
    survives(decode, data)


@given(mutations(GOLDEN))
def test_bad_bytes_take_little(data):
    takes_little(decode, data)
