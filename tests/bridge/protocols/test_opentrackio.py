"""OpenTrackIO: published values, bytes by hand, another CBOR codec, bytes gone bad."""

from __future__ import annotations

import json
import struct

import cbor2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bridge.protocols.mutations import mutations, survives, takes_little
from understudy.bridge.protocols import ProtocolError
from understudy.bridge.protocols import opentrackio as ot
from understudy.bridge.protocols import opentrackio_packet as packet
from understudy.runtime.core import rotation

# The values of the schema's published examples (SMPTE RIS-OSVP, "complete static example"), with
# things that this side does not use, to be passed over.
PUBLISHED = {
    "static": {
        "duration": {"num": 1, "denom": 25},
        "camera": {
            "activeSensorPhysicalDimensions": {"height": 24.0, "width": 36.0},
            "activeSensorResolution": {"height": 2160, "width": 3840},
            "label": "A",
        },
    },
    "tracker": {"notes": "Example generated sample.", "recording": False, "slate": "A101_A_4"},
    "timing": {
        "mode": "internal",
        "sampleRate": {"num": 24000, "denom": 1001},
        "sampleTimestamp": {"seconds": 1718806554, "nanoseconds": 500000000},
        "synchronization": {"locked": True, "source": "ptp", "ptp": {"domain": 1}},
        "timecode": {
            "hours": 1, "minutes": 2, "seconds": 3, "frames": 4,
            "frameRate": {"num": 24000, "denom": 1001},
        },
    },
    "lens": {
        "distortion": [{"radial": [1.0, 2.0, 3.0], "tangential": [1.0, 2.0], "overscan": 3.0}],
        "encoders": {"focus": 0.1, "iris": 0.2, "zoom": 0.3},
        "entrancePupilOffset": 0.123,
        "fStop": 4.0,
        "pinholeFocalLength": 24.305,
        "focusDistance": 10.0,
        "projectionOffset": {"x": 0.1, "y": 0.2},
    },
    "protocol": {"name": "OpenTrackIO", "version": [1, 0, 0]},
    "sampleId": "urn:uuid:0a7a7520-3740-439d-aec8-19c5b4a8de84",
    "sourceId": "urn:uuid:3a90a5d3-0374-47aa-a308-cfa6c67e937d",
    "sourceNumber": 1,
    "transforms": [
        {
            "translation": {"x": 1.0, "y": 2.0, "z": 3.0},
            "rotation": {"pan": 180.0, "tilt": 90.0, "roll": 45.0},
            "id": "Camera",
        }
    ],
    "custom": {"pot1": 2435, "button1": False},
}  # fmt: skip
JSON = json.dumps(PUBLISHED).encode()
CBOR = cbor2.dumps(PUBLISHED)
# By RFC 8949: a map of one, its key, a map of two, texts, an array of three.
SMALL_CBOR = bytes.fromhex(
    "a1 68 70726f746f636f6c a2 64 6e616d65 6b 4f70656e547261636b494f67 76657273696f6e 83 01 00 01"
)


@pytest.mark.parametrize(("decode", "data"), [(ot.from_json, JSON), (ot.from_cbor, CBOR)])
def test_the_published_example_reads(decode, data):
    sample = decode(data)
    assert sample.source_number == 1
    assert sample.timing.timecode == ot.Timecode(1, 2, 3, 4, ot.Rate(24000, 1001))
    assert sample.timing.synchronization == ot.Synchronization(True, "ptp")
    assert sample.lens.pinhole_focal_length == 24.305
    assert sample.lens.encoders == ot.Encoders(0.1, 0.2, 0.3)
    assert sample.lens.distortion[0].tangential == [1.0, 2.0]
    assert sample.static.camera.active_sensor_physical_dimensions == ot.Dimensions(36.0, 24.0)
    (transform,) = sample.transforms
    assert transform.translation == ot.Translation(1.0, 2.0, 3.0)
    assert transform.rotation == ot.Rotation(180.0, 90.0, 45.0)


def test_versions_before_1_read_too():
    """0.9 had the timecode's rate one level down and another name for the focal length."""
    early = json.loads(JSON)
    early["protocol"]["version"] = [0, 9, 3]
    rate = early["timing"]["timecode"].pop("frameRate")
    early["timing"]["timecode"]["format"] = {"frameRate": rate}
    early["lens"]["focalLength"] = early["lens"].pop("pinholeFocalLength")
    sample = ot.from_json(json.dumps(early).encode())
    assert sample.timing.timecode.rate() == ot.Rate(24000, 1001)
    assert sample.lens.focal_length == 24.305
    assert ot.from_json(JSON).timing.timecode.rate() == ot.Rate(24000, 1001)


def test_what_is_written_has_the_published_names():
    sample = ot.from_json(JSON)
    for written in (json.loads(ot.to_json(sample)), cbor2.loads(ot.to_cbor(sample))):
        for part in ("protocol", "sampleId", "sourceId", "sourceNumber", "transforms", "lens"):
            assert written[part] == PUBLISHED[part], part
        assert written["timing"]["timecode"] == PUBLISHED["timing"]["timecode"]
        assert written["timing"]["sampleRate"] == PUBLISHED["timing"]["sampleRate"]
        assert written["tracker"] == PUBLISHED["tracker"]


def test_the_smallest_sample_in_cbor():
    assert ot.to_cbor(ot.Sample(ot.protocol())) == SMALL_CBOR
    assert ot.from_cbor(SMALL_CBOR) == ot.Sample(ot.protocol())


numbers = st.floats(-1e6, 1e6)
samples = st.builds(
    ot.Sample,
    st.just(ot.protocol()),
    source_number=st.none() | st.integers(0, 200),
    timing=st.none()
    | st.builds(
        ot.Timing,
        timecode=st.none()
        | st.builds(
            ot.Timecode,
            st.integers(0, 23),
            st.integers(0, 59),
            st.integers(0, 59),
            st.integers(0, 59),
            st.just(ot.Rate(30000, 1001)),
        ),
        sequence_number=st.none() | st.integers(0, 2**40),
    ),
    lens=st.none() | st.builds(ot.Lens, numbers, numbers, f_stop=st.none() | numbers),
    transforms=st.none()
    | st.lists(
        st.builds(
            ot.Transform,
            st.builds(ot.Translation, numbers, numbers, numbers),
            st.builds(ot.Rotation, numbers, numbers, numbers),
            st.text(max_size=8),
        ),
        max_size=3,
    ),
)


@given(samples)
def test_round_trip(sample):
    assert ot.from_json(ot.to_json(sample)) == sample
    assert ot.from_cbor(ot.to_cbor(sample)) == sample


@given(st.tuples(*[st.floats(-3, 3)] * 3), st.tuples(*[st.floats(-50, 50)] * 3))
def test_a_camera_comes_back_where_it_was(turn, at):
    q = rotation.from_rotation_vector(np.array(turn))
    position, back = ot.place([ot.transform(np.array(at), q)])
    assert np.allclose(position, at, atol=1e-9)
    assert rotation.angle_between(q, back) < 1e-6


def test_pan_is_left_tilt_up_roll_clockwise():
    forward = rotation.from_yaw(np.pi)
    for axis, angles in (
        ([0, 1, 0], (10, 0, 0)),
        ([1, 0, 0], (0, -10, 0)),
        ([0, 0, 1], (0, 0, 10)),
    ):
        turn = rotation.from_axis_angle(axis, np.radians(10))
        said = ot.transform(np.array([-1.0, 1.5, 2.0]), rotation.multiply(turn, forward))
        assert (said.rotation.pan, said.rotation.tilt, said.rotation.roll) == pytest.approx(angles)
        at = said.translation
        assert (at.x, at.y, at.z) == pytest.approx((1.0, 2.0, 1.5))


def test_a_chain_of_transforms_is_followed_to_its_end():
    dolly = ot.Transform(ot.Translation(0.0, 1.0, 0.0), ot.Rotation(90.0, 0.0, 0.0), "Dolly")
    head = ot.Transform(ot.Translation(0.0, 2.0, 1.5), ot.Rotation(0.0, 0.0, 0.0), "Camera")
    position, turn = ot.place([dolly, head])
    # One metre ahead, then two to the left of where the dolly was set out; ours: +X left, +Z ahead.
    assert np.allclose(position, [2.0, 1.5, 1.0])
    assert np.allclose(rotation.rotate(turn, np.array([0.0, 0.0, -1.0])), [1.0, 0.0, 0.0])


def test_another_version_is_refused_by_name():
    with pytest.raises(ProtocolError, match=r"2\.0\.0"):
        ot.from_json(JSON.replace(b"[1, 0, 0]", b"[2, 0, 0]"))


@given(mutations([JSON]) | mutations([CBOR, SMALL_CBOR]))
@settings(max_examples=200)
def test_bad_samples_are_one_sentence(data):
    survives(ot.from_json, data)
    survives(ot.from_cbor, data)


@pytest.mark.parametrize(
    "data",
    [
        b"\x9b\x00\x00\xff\xff\xff\xff\xff\xff",  # an array of 2^48
        b"\xbb\x00\x00\xff\xff\xff\xff\xff\xff",  # a map
        b"\x5b\x00\x00\x00\x1f\xff\xff\xff\xff",  # bytes
        b"\x81" * 60_000,  # arrays in arrays
        b"\xc5\x82\x1b\x7f\xff\xff\xff\xff\xff\xff\xff\x03",  # three times two to the 2^63
        b"\xa1\x68protocol\xd8\x1c\x81\xd8\x1d\x00",  # a list that holds itself
        b'{"a":' * 20_000,
        b"[" * 60_000,
    ],
)
def test_promises_and_depths_cost_nothing(data):
    takes_little(ot.from_cbor, data)
    takes_little(ot.from_json, data)


def sums(data: bytes) -> int:
    """Fletcher's two sums as the specification words them, byte by byte."""
    first = second = 0
    for byte in data:
        first = (first + byte) % 256
        second = (second + first) % 256
    return second << 8 | first


@given(st.binary(max_size=1500))
def test_the_checksum_is_fletchers(data):
    assert packet.fletcher16(data) == sums(data)


def test_a_packet_is_laid_out_as_the_specification_draws_it():
    (data,) = packet.encode(b"{}", packet.Encoding.JSON, 0x1234)
    assert data[:14] == bytes.fromhex("4f54726b 00 01 1234 00000000 8002")
    assert data[14:16] == struct.pack(">H", sums(data[:14] + b"{}"))
    assert data[16:] == b"{}"
    first, last = packet.encode(b"abcdef", packet.Encoding.CBOR, 0xFFFF, segment=4)
    assert first[4:14] == bytes.fromhex("00 02 ffff 00000000 0004")
    assert last[4:14] == bytes.fromhex("00 02 0000 00000004 8002")


@given(st.binary(max_size=5000), st.integers(1, 1456), st.integers(0, 65535))
def test_segments_join(payload, size, sequence):
    joiner = packet.Reassembler()
    *early, last = packet.encode(payload, packet.Encoding.CBOR, sequence, size)
    assert all(joiner.feed(data, 0.0) is None for data in early)
    assert joiner.feed(last, 0.0) == (packet.Encoding.CBOR, payload)
    assert joiner.dropped == 0


def test_every_packet_fits_what_unreal_reads():
    for data in packet.encode(bytes(20_000), packet.Encoding.JSON, 0):
        assert len(data) <= 1472


def test_a_sender_that_counts_samples_is_joined_too():
    joiner = packet.Reassembler()
    for number in (65534, 65535, 0, 1):  # over the end of sixteen bits
        a, b, c = (
            packet.encode(bytes([number & 255]) * 300, packet.Encoding.JSON, number, 100)[i]
            for i in range(3)
        )
        parts = [data[:6] + struct.pack(">H", number) + data[8:14] for data in (a, b, c)]
        parts = [
            head + struct.pack(">H", sums(head + data[16:])) + data[16:]
            for head, data in zip(parts, (a, b, c), strict=True)
        ]
        assert joiner.feed(parts[0], 0.0) is None
        assert joiner.feed(parts[1], 0.0) is None
        assert joiner.feed(parts[2], 0.0) is not None


def test_a_lost_segment_costs_one_sample():
    joiner = packet.Reassembler()
    a = packet.encode(b"a" * 300, packet.Encoding.JSON, 0, 100)
    b = packet.encode(b"b" * 300, packet.Encoding.JSON, 3, 100)
    heard = [joiner.feed(data, 0.0) for data in (a[0], a[2], *b)]
    assert heard == [None, None, None, None, (packet.Encoding.JSON, b"b" * 300)]
    assert joiner.dropped == 1


def test_old_packets_are_dropped_until_the_sender_was_silent():
    joiner = packet.Reassembler()
    (late,) = packet.encode(b"{}", packet.Encoding.JSON, 4)
    (now,) = packet.encode(b"{}", packet.Encoding.JSON, 5)
    assert joiner.feed(now, 0.0)
    assert joiner.feed(late, 0.05) is None
    assert joiner.dropped == 1
    assert joiner.feed(late, 0.5)  # it started over


PACKETS = [
    *packet.encode(JSON, packet.Encoding.JSON, 7),
    *packet.encode(CBOR, packet.Encoding.CBOR, 9, 300),
]


def with_checksum(data: bytes) -> bytes:
    """So that what is wrong inside gets past the checksum."""
    if len(data) < 16:
        return data
    return data[:14] + struct.pack(">H", sums(data[:14] + data[16:])) + data[16:]


@given(st.lists(mutations(PACKETS) | mutations(PACKETS).map(with_checksum), max_size=6))
@settings(max_examples=50)
def test_bad_packets_are_one_sentence_and_bounded(packets):
    joiner = packet.Reassembler()
    for data in packets:
        survives(lambda d: joiner.feed(d, 0.0), data)
        assert len(joiner._parts) <= packet.LARGEST_SAMPLE


def test_a_sample_without_end_is_let_go():
    joiner = packet.Reassembler()
    head = packet.encode(bytes(100_000)[: packet.LARGEST_SAMPLE], packet.Encoding.JSON, 0)
    for data in head[:-1]:
        joiner.feed(data, 0.0)
    longest = len(joiner._parts)
    for number in range(100):
        part = struct.pack(
            ">4sBBHIH", b"OTrk", 0, 1, len(head) + number, longest + 1456 * number, 1456
        )
        data = part + b"\0\0" + bytes(1456)
        assert joiner.feed(with_checksum(data), 0.0) is None
        assert len(joiner._parts) <= packet.LARGEST_SAMPLE
