"""What the C++ client makes of bytes from outside: refused, counted, and never a crash."""

from __future__ import annotations

import json
import random
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import flatbuffers
import msgspec
import numpy as np
import pytest
import zmq
from hypothesis import HealthCheck, given, settings

from tests.bridge.things import ARM, FACE, frames, small_frame
from understudy.bridge.schema.understudy_fb import Frame as fb_frame
from understudy.bridge.schema.understudy_fb import Skeleton as fb_skeleton
from understudy.bridge.schema.understudy_fb import SkeletonSet as fb_set
from understudy.bridge.schema.understudy_fb import Subject as fb_subject
from understudy.bridge.wire.decoder import UnknownSkeleton, decode_frame
from understudy.bridge.wire.encoder import FrameEncoder, encode_skeletons
from understudy.bridge.wire.envelope import WireError
from understudy.runtime.core.clock import Clock
from understudy.runtime.core.humanoid import PERFORMER

pytestmark = pytest.mark.clients


@contextmanager
def rogue(
    send: Callable[[zmq.Socket, int], None], keys: tuple[bytes, bytes] | None = None
) -> Iterator[str]:
    """A PUB socket that lets `send` do as it likes a hundred times a second."""
    done = threading.Event()
    with zmq.Context() as context, context.socket(zmq.PUB) as socket:
        socket.linger = 0
        if keys is not None:
            socket.curve_server = True
            socket.curve_publickey, socket.curve_secretkey = keys
        address = f"tcp://127.0.0.1:{socket.bind_to_random_port('tcp://127.0.0.1')}"

        def loop() -> None:
            for tick in Clock(100.0).ticks():
                if done.is_set():
                    break
                send(socket, tick)

        thread = threading.Thread(target=loop)
        thread.start()
        try:
            yield address
        finally:
            done.set()
            thread.join()


def mutated(message: bytes, chance: random.Random) -> bytes:
    """The message with a few bytes of another kind, cut off, or grown."""
    data = bytearray(message)
    for _ in range(chance.choice((1, 1, 2, 8))):
        at = chance.randrange(len(data))
        match chance.randrange(4):
            case 0:
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                data[at : at + 4] = struct.pack(
                    "<I", chance.choice((0, 1, 4, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, len(data)))
                )
            case 2:
                data[at : at + 2] = chance.randbytes(2)
            case 3:
                data = data[:at] if chance.random() < 0.5 else data + data[at:]
        if not data:
            break
    return bytes(data)


def decoded(program, path, messages: list[bytes]) -> dict[str, int]:
    """How many of these messages were what, without a socket in between."""
    path.write_bytes(b"".join(struct.pack("<I", len(m)) + m for m in messages))
    done = subprocess.run(
        [str(program), "--messages", str(path)], capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    verdicts = json.loads(done.stdout)
    assert sum(verdicts.values()) == len(messages)
    return verdicts


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(frames())
def test_whatever_a_stage_can_say_is_read(program, tmp_path, frame):
    cast = {subject.skeleton.id: subject.skeleton for subject in frame.subjects}
    messages = [encode_skeletons(cast.values()), FrameEncoder(7).encode(frame)]
    verdicts = decoded(program, tmp_path / "messages", messages)
    assert (verdicts["skeletons"], verdicts["frames"]) == (1, 1)


def test_mutated_messages_are_refused_or_read_and_the_sanitizers_are_silent(program, tmp_path):
    chance = random.Random(1)
    golden = [encode_skeletons([ARM]), FrameEncoder(7).encode(small_frame(subjects=3))]
    golden += [encode_skeletons([ARM, PERFORMER]), *with_curves()]
    messages = list(golden)
    messages += [message[:n] for message in golden for n in range(200)]
    messages += [mutated(chance.choice(golden), chance) for _ in range(20000)]
    messages += [chance.choice((b"FRAM", b"SKEL")) + b"\1\0\0\0" + chance.randbytes(64)] * 200
    verdicts = decoded(program, tmp_path / "messages", messages)
    assert verdicts["malformed"] > 1000  # the rest hit padding or a number
    assert verdicts["frames"] > 100


def test_few_bytes_cannot_ask_for_much_memory(program, tmp_path):
    """Ten thousand subjects that are all the same table, which has a name of 100 kB."""
    builder = flatbuffers.Builder(1 << 20)
    name = builder.CreateString("x" * 100_000)
    positions = builder.CreateNumpyVector(np.zeros(6, np.float32))
    rotations = builder.CreateNumpyVector(np.zeros(8, np.float32))
    fb_subject.Start(builder)
    fb_subject.AddName(builder, name)
    fb_subject.AddSkeletonId(builder, ARM.id)
    fb_subject.AddPositions(builder, positions)
    fb_subject.AddRotations(builder, rotations)
    subject = fb_subject.End(builder)
    builder.StartVector(4, 10_000, 4)
    for _ in range(10_000):
        builder.PrependUOffsetTRelative(subject)
    subjects = builder.EndVector()
    fb_frame.Start(builder)
    fb_frame.AddSubjects(builder, subjects)
    builder.Finish(fb_frame.End(builder))
    bomb = b"FRAM\1\0\0\0" + bytes(builder.Output())
    verdicts = decoded(program, tmp_path / "messages", [encode_skeletons([ARM]), bomb])
    assert (verdicts["skeletons"], verdicts["malformed"]) == (1, 1)


def test_a_number_that_is_none_is_refused_wherever_python_refuses_it(program, tmp_path):
    """Every word of a frame in turn is not a number."""
    good, messages = FrameEncoder(7).encode(small_frame(skeleton=FACE)), []
    for at in range(8, len(good) - 3, 4):
        bad = bytearray(good)
        struct.pack_into("<f", bad, at, np.nan)
        try:
            decode_frame(bytes(bad), {FACE.id: FACE})
        except (WireError, UnknownSkeleton) as refusal:
            if "not finite" in str(refusal):
                messages.append(bytes(bad))
    assert len(messages) == 45  # of the pose, face, contact, path, intent, camera and prop
    messages = [encode_skeletons([FACE]), *messages, good]
    verdicts = decoded(program, tmp_path / "messages", messages)
    assert (verdicts["malformed"], verdicts["frames"]) == (45, 1)


def test_a_rogue_publisher_is_counted_and_frames_go_on(probe):
    encoder, chance = FrameEncoder(7), random.Random(2)
    skeletons = encode_skeletons([ARM])
    good = encoder.encode(small_frame())

    def send(socket: zmq.Socket, tick: int) -> None:
        socket.send(skeletons)
        socket.send(chance.randbytes(chance.randrange(200)))
        socket.send(good[: chance.randrange(len(good))])
        socket.send(mutated(good, chance))
        socket.send(b"JUNK" + good[4:])
        socket.send_multipart([good[:8], good[8:]])
        socket.send(encoder.encode(small_frame(tick)))

    with rogue(send) as address:
        with probe(address, "--every", "--seconds", 2) as client:
            got, said, seen = client.finish()
    assert len(got) > 50 and seen["malformed"] > 200
    assert any(frame["subjects"][0]["reason"] == "signal lost" for frame in got)
    assert all("schema version" in one or "restarted" in one for one in said)


def test_another_schema_version_is_said_once_and_nothing_of_it_is_read(probe):
    later = b"FRAM\2\0\0\0" + FrameEncoder(7).encode(small_frame())[8:]
    with rogue(lambda socket, _: socket.send(later)) as address:
        with probe(address, "--seconds", 0.7) as client:
            got, said, seen = client.finish()
    assert got == [] and seen["other_version"] > 3
    (sentence,) = said
    assert "schema version 2" in sentence and "same version" in sentence


@pytest.mark.parametrize(
    "line",
    ["nowhere", "tcp://nowhere", "tcp://127.0.0.1:1 server_key=short public_key=x secret_key=x"],
)
def test_what_cannot_be_connected_is_one_sentence(program, line):
    done = subprocess.run([str(program), line], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and done.stderr.endswith(".\n")


def with_curves() -> tuple[bytes, bytes]:
    """A character of one joint with two face shapes, and a frame of it: as flatc's code writes."""
    builder = flatbuffers.Builder(1024)
    texts = [builder.CreateString(text) for text in ("head", "JawOpen", "EyeBlinkLeft")]

    def strings(*offsets: int) -> int:
        builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            builder.PrependUOffsetTRelative(offset)
        return builder.EndVector()

    names, shapes = strings(texts[0]), strings(texts[1], texts[2])
    parents = builder.CreateNumpyVector(np.array([-1], "<i4"))
    rest = builder.CreateNumpyVector(np.zeros(3))
    turn = builder.CreateNumpyVector(np.array([0.0, 0.0, 0.0, 1.0]))
    tips = builder.CreateNumpyVector(np.full(3, np.nan))
    fb_skeleton.Start(builder)
    fb_skeleton.AddSkeletonId(builder, 5)
    fb_skeleton.AddNames(builder, names)
    fb_skeleton.AddParents(builder, parents)
    fb_skeleton.AddRestPositions(builder, rest)
    fb_skeleton.AddRestRotations(builder, turn)
    fb_skeleton.AddTips(builder, tips)
    fb_skeleton.AddCurveNames(builder, shapes)
    whole = strings(fb_skeleton.End(builder))
    fb_set.Start(builder)
    fb_set.AddSkeletons(builder, whole)
    builder.Finish(fb_set.End(builder))
    skeletons = b"SKEL\1\0\0\0" + bytes(builder.Output())

    builder = flatbuffers.Builder(1024)
    name = builder.CreateString("Ann")
    positions = builder.CreateNumpyVector(np.zeros(3, "<f4"))
    rotations = builder.CreateNumpyVector(np.array([0, 0, 0, 1], "<f4"))
    values = builder.CreateNumpyVector(np.array([0.75, 0.125], "<f4"))
    fb_subject.Start(builder)
    fb_subject.AddName(builder, name)
    fb_subject.AddSkeletonId(builder, 5)
    fb_subject.AddPositions(builder, positions)
    fb_subject.AddRotations(builder, rotations)
    fb_subject.AddCurves(builder, values)
    subject = fb_subject.End(builder)
    builder.StartVector(4, 1, 4)
    builder.PrependUOffsetTRelative(subject)
    subjects = builder.EndVector()
    fb_frame.Start(builder)
    fb_frame.AddSubjects(builder, subjects)
    builder.Finish(fb_frame.End(builder))
    return skeletons, b"FRAM\1\0\0\0" + bytes(builder.Output())


def test_face_shapes_come_by_name(probe):
    skeletons, frame = with_curves()

    def send(socket: zmq.Socket, _: int) -> None:
        socket.send(frame)  # before its skeleton, as it can happen on two sockets
        socket.send(skeletons)

    with rogue(send) as address, probe(address, "--frames", 1) as client:
        (got,), _, _ = client.finish()
    subject = got["subjects"][0]
    assert dict(zip(subject["curve_names"], subject["curves"])) == {
        "JawOpen": 0.75,
        "EyeBlinkLeft": 0.125,
    }


def test_curve_keys_pass_through(probe):
    (public, secret), (ours, our_secret) = zmq.curve_keypair(), zmq.curve_keypair()
    skeletons, frame = encode_skeletons([ARM]), FrameEncoder(7).encode(small_frame())

    def send(socket: zmq.Socket, _: int) -> None:
        socket.send(skeletons)
        socket.send(frame)

    def line(server: bytes) -> str:
        return f"{address} server_key={server.decode()} public_key={ours.decode()} " + (
            f"secret_key={our_secret.decode()} control=none"
        )

    with rogue(send, (public, secret)) as address:
        with probe(line(public), "--frames", 3) as client:
            got, _, _ = client.finish()
        assert len(got) == 3
        for stranger in (line(ours), address):  # a wrong key, and none
            with probe(stranger, "--seconds", 0.8, "--quiet-after", 0.4) as client:
                got, said, _ = client.finish()
            assert got == [] and "key" in said[0]


def test_the_offset_of_another_clock_is_found_among_garbage(probe):
    """A stage behind a tunnel, whose clock is five seconds ahead."""
    skeletons, encoder = encode_skeletons([ARM]), FrameEncoder(7)
    ahead_ns, chance = 5_000_000_000, random.Random(3)
    with zmq.Context() as context, context.socket(zmq.ROUTER) as control:
        control.linger = 0
        port = control.bind_to_random_port("tcp://127.0.0.1")

        def send(socket: zmq.Socket, tick: int) -> None:
            while control.poll(0):
                peer, request = control.recv_multipart()
                asked = msgspec.msgpack.decode(request)
                assert asked["op"] == "ping"
                told = {"stage_ns": time.monotonic_ns() + ahead_ns, "more": [1.5, None, {"a": b""}]}
                reply = {"op": "ping", "number": asked["number"], "error": "", "result": told}
                sound = msgspec.msgpack.encode(reply)
                control.send_multipart([peer, sound[: chance.randrange(len(sound))]])
                control.send_multipart([peer, chance.randbytes(40)])
                control.send_multipart([peer, mutated(sound, chance), b"part"])
                control.send_multipart([peer, sound])
            frame = small_frame(tick)
            frame.capture_ns = frame.publish_ns = time.monotonic_ns() + ahead_ns
            socket.send(skeletons)
            socket.send(encoder.encode(frame))

        with rogue(send) as address:
            line = f"{address} control=tcp://127.0.0.1:{port}"
            with probe(line, "--seconds", 2) as client:
                _, _, seen = client.finish()
    assert seen["clocks_agree"]
    assert abs(seen["clock_offset_ns"] - ahead_ns) < 30_000_000  # three of these ticks


def test_loss_is_counted_to_the_frame(probe):
    encoder, skeletons = FrameEncoder(7), encode_skeletons([ARM])

    def send(socket: zmq.Socket, tick: int) -> None:
        if tick % 10 == 0:
            encoder.published += 3  # as if three messages had been lost
        socket.send(skeletons)
        socket.send(encoder.encode(small_frame(tick)))

    with rogue(send) as address, probe(address, "--every", "--frames", 60) as client:
        got, said, seen = client.finish()
    published = [frame["published"] for frame in got]
    assert seen["lost"] == published[-1] - published[0] - 59 and seen["lost"] >= 15
    assert seen["restarts"] == 0 and said == []
