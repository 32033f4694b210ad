"""The C# decoder beside Python's: equal numbers from equal bytes, and no harm from bad ones."""

from __future__ import annotations

import base64
import random
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.bridge.things import ARM, FACE, frames, skeletons, small_frame
from understudy.bridge.wire.decoder import UnknownSkeleton, decode_frame, decode_skeletons
from understudy.bridge.wire.encoder import FrameEncoder, encode_skeletons
from understudy.bridge.wire.envelope import WireError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Camera, Frame, Prop, Subject

from .messages import frame_with_curves, skeletons_with_curves
from .mono import Client

pytestmark = pytest.mark.clients

quick = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def check_equal(got: dict, frame: Frame) -> None:
    """Every number the very bits, every text the same letters."""
    assert got["sequence"] == frame.sequence
    assert (got["capture_ns"], got["publish_ns"]) == (frame.capture_ns, frame.publish_ns)
    assert (got["timecode"], tuple(got["rate"])) == (
        frame.timecode,
        (frame.rate_num, frame.rate_den),
    )
    assert got["stat_names"] == list(frame.stats)
    assert np.array_equal(got["stat_values"], list(frame.stats.values()))
    assert len(got["subjects"]) == len(frame.subjects)
    for one, subject in zip(got["subjects"], frame.subjects):
        check_state(one, subject)
        assert one["skeleton"] == subject.skeleton.id
        assert tuple(one["joints"]) == subject.skeleton.names
        assert one["positions"].tobytes() == np.float32(subject.pose.positions).tobytes()
        assert one["rotations"].tobytes() == np.float32(subject.pose.rotations).tobytes()
        assert np.array_equal(one["contact_joints"], subject.contacts[:, 0])
        assert np.array_equal(one["contact_weights"], np.float32(subject.contacts[:, 1]))
        assert np.array_equal(one["curves"], np.float32(subject.curves))
        assert np.array_equal(one["trajectory"], np.float32(subject.trajectory).reshape(-1, 4))
        assert one["uncertainty_m"] == np.float32(subject.uncertainty_m)
        assert (one["intent"] is None) == (subject.intent is None)
        if subject.intent is not None:
            assert np.array_equal(one["intent"]["travel"], np.float32(subject.intent.travel))
            assert np.array_equal(one["intent"]["facing"], np.float32(subject.intent.facing))
            assert bin(one["intent"]["buttons"]).count("1") == len(subject.intent.buttons)
            assert one["intent"]["capture_ns"] == subject.intent.capture_ns
    for one, camera in zip(got["cameras"], frame.cameras, strict=True):
        lens = (camera.focal_mm, *camera.sensor_mm, camera.focus_m, camera.iris)
        check_state(one, camera)
        assert np.array_equal(one["position"], np.float32(camera.position))
        assert np.array_equal(one["rotation"], np.float32(camera.rotation))
        assert np.array_equal(one["lens"], np.float32(lens))
    for one, prop in zip(got["props"], frame.props, strict=True):
        check_state(one, prop)
        assert np.array_equal(one["position"], np.float32(prop.position))
        assert np.array_equal(one["rotation"], np.float32(prop.rotation))


def check_state(got: dict, thing: Subject | Camera | Prop) -> None:
    for name in ("name", "state", "reason", "capture_ns"):
        assert got[name] == getattr(thing, name), name


@quick
@given(frame=frames())
def test_any_frame_comes_out_as_it_went_in(client: Client, frame: Frame):
    cast = list({s.skeleton.id: s.skeleton for s in frame.subjects}.values())
    assert client.decode(encode_skeletons(cast))["verdict"] == "Skeletons"
    answer = client.decode(bytes(FrameEncoder(5).encode(frame)))
    assert answer["verdict"] == "Frame"
    check_equal(answer["frame"], frame)


@quick
@given(cast=st.lists(skeletons(), min_size=1, max_size=4, unique_by=lambda s: s.id))
def test_any_skeletons_are_read(client: Client, cast):
    assert client.decode(encode_skeletons(cast))["verdict"] == "Skeletons"


def test_the_bytes_that_flatc_writes_are_read_with_curves(client):
    """Tables in flatc's own layout, with fields left out."""
    skeletons_ = skeletons_with_curves(ARM, ["jawOpen", "browInnerUp"], 99)
    assert client.decode(skeletons_)["verdict"] == "Skeletons"
    answer = client.decode(frame_with_curves(ARM, [0.25, 0.75], 99))
    subject = answer["frame"]["subjects"][0]
    assert subject["curve_names"] == ["jawOpen", "browInnerUp"]
    assert subject["curves"].tolist() == [0.25, 0.75]
    assert subject["state"] == 0 and answer["frame"]["timecode"] == ""
    assert client.decode(frame_with_curves(ARM, [0.25], 99))["verdict"] == "Malformed"


def mutated(source: bytes, random_: random.Random) -> bytes:
    data = bytearray(source)
    for _ in range(random_.choice((1, 1, 2, 8))):
        kind = random_.randrange(4)
        at = random_.randrange(len(data))
        if kind == 0:
            data[at] = random_.randrange(256)
        elif kind == 1:
            data[at] ^= 1 << random_.randrange(8)
        elif kind == 2:
            at = at // 4 * 4
            word = random_.choice((0, 1, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, len(data), 0xFFFF))
            data[at : at + 4] = struct.pack("<I", word)
        else:
            del data[max(9, random_.randrange(len(data))) :]
    return bytes(data)


def verdict_of_python(message: bytes, known: dict) -> str:
    try:
        if message[:4] == b"SKEL":
            decode_skeletons(message)
            return "Skeletons"
        decode_frame(message, known)
        return "Frame"
    except UnknownSkeleton:
        return "Unresolved"
    except WireError:
        return "refused"


@pytest.mark.parametrize("seed", range(4))
def test_damaged_messages_are_refused_without_an_exception_and_never_less_strictly_than_in_python(
    client, seed
):
    random_ = random.Random(seed)
    frame = small_frame(3, PERFORMER, 2)
    good = [bytes(FrameEncoder(1).encode(frame)), encode_skeletons([PERFORMER, ARM])]
    client.decode(good[1])
    known = {s.id: s for s in (PERFORMER, ARM)}
    refused = 0
    for _ in range(500):
        message = mutated(random_.choice(good), random_)
        answer = client.decode(message)
        expected = verdict_of_python(message, known)
        refused += answer["verdict"] in ("Malformed", "OtherVersion")
        if answer["verdict"] == "Frame":
            # Whatever is still read, Python reads too, unless a text is no UTF-8, which costs a
            # reader of text its text but a mover of bones nothing.
            assert expected == "Frame" or not clean_text(answer["frame"])
    assert refused > 100
    client.decode(good[1])
    answer = client.decode(good[0])
    assert answer["verdict"] == "Frame"
    check_equal(answer["frame"], frame)


def clean_text(frame: dict) -> bool:
    texts = [frame["timecode"], *frame["stat_names"]]
    for thing in (*frame["subjects"], *frame["cameras"], *frame["props"]):
        texts += [thing["name"], thing.get("reason", "")]
    return not any("\ufffd" in text for text in texts)


@quick
@given(data=st.binary(max_size=300), topic=st.sampled_from([b"FRAM\1\0\0\0", b"SKEL\1\0\0\0", b""]))
def test_random_bytes_do_no_harm(client: Client, data: bytes, topic: bytes):
    verdict = client.decode(topic + data)["verdict"]
    assert verdict in ("Malformed", "OtherVersion", "Frame", "Skeletons", "Unresolved")


def test_few_bytes_cannot_ask_for_much_memory(client):
    """A vector of 16000 tables that are all one table with one long text: 4 MB of letters each."""
    names = 16000
    text = b"x" * 60000
    body = bytearray(struct.pack("<I", 16))  # root at 16
    body += bytes(4)
    body += struct.pack("<HHHH", 8, 8, 0, 4)  # at 8: vtable: size 8, table 8, fields: none, names
    body += struct.pack("<iI", 8, 4)  # at 16: table: vtable 8 before, names 4 behind
    vector_at = len(body)
    body += struct.pack("<I", names)
    text_at = vector_at + 4 + 4 * names
    for i in range(names):
        body += struct.pack("<I", text_at - (vector_at + 4 + 4 * i))
    body += struct.pack("<I", len(text)) + text
    one = bytes(body)
    # The same table as the only skeleton of a set.
    head = struct.pack("<I", 12) + bytes(2) + struct.pack("<HHH", 6, 8, 4)
    head += struct.pack("<iI", 6, 4) + struct.pack("<I", 1) + struct.pack("<I", 4 + 16)
    assert client.decode(b"SKEL\1\0\0\0" + head + one)["verdict"] == "Malformed"
    assert (
        client.ask("allocated", base64.b64encode(b"SKEL\1\0\0\0" + head + one).decode(), 5)["bytes"]
        < 50e6
    )


def test_a_number_that_is_none_is_refused_wherever_python_refuses_it(client):
    """Every word of a frame in turn is not a number."""
    client.decode(encode_skeletons([FACE]))
    known, refused = {FACE.id: FACE}, 0
    good = FrameEncoder(5).encode(small_frame(skeleton=FACE))
    for at in range(8, len(good) - 3, 4):
        bad = bytearray(good)
        struct.pack_into("<f", bad, at, np.nan)
        answer, expected = client.decode(bytes(bad)), verdict_of_python(bytes(bad), known)
        if answer["verdict"] == "Frame":  # a text that is no UTF-8 costs it only the text
            assert expected == "Frame" or not clean_text(answer["frame"]), at
        else:
            assert expected != "Frame", at
        refused += answer["verdict"] == "Malformed"
    assert refused >= 45
    assert client.decode(good)["verdict"] == "Frame"


def test_reading_frames_costs_the_garbage_collector_nothing(client):
    client.decode(encode_skeletons([PERFORMER]))
    message = bytes(FrameEncoder(1).encode(small_frame(1, PERFORMER, 4)))
    seen = client.ask("allocated", base64.b64encode(message).decode(), 2000)
    assert seen["bytes"] < 20000, seen  # ten bytes a frame would be as much
    assert seen["collections"] == 0
