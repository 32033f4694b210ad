"""The core against a live stage and its bad days, over both transports."""

from __future__ import annotations

import os
import socket as sockets
import time
from collections.abc import Callable

import numpy as np
import pytest
import zmq

from tests.bridge.things import ARM, small_frame
from understudy.bridge import Publisher, Subscriber
from understudy.bridge.wire.encoder import FrameEncoder, encode_skeletons
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.event import Event
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Frame

from .conftest import Stage
from .mono import Client, libzmq

pytestmark = pytest.mark.clients

ANYWHERE = "tcp://127.0.0.1:*"
PATIENCE_S = 30.0
TRANSPORTS = [
    "managed",
    pytest.param(
        "libzmq",
        marks=pytest.mark.skipif(libzmq() is None, reason="no libzmq: apt install libzmq5"),
    ),
]


def until(done: Callable[[], object], step: Callable[[], object] = lambda: None) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline, "waited in vain"
        step()


def stamped(sequence: int, subjects: int = 1) -> Frame:
    frame = small_frame(sequence, PERFORMER, subjects)
    frame.capture_ns = frame.publish_ns = time.monotonic_ns()
    return frame


class Feed:
    """Publishes a frame with the next number at every call."""

    def __init__(self, publisher: Publisher) -> None:
        self.publisher, self.sequence = publisher, 0

    def __call__(self) -> None:
        self.publisher.publish(stamped(self.sequence))
        self.sequence += 1

    def first(self, client: Client) -> dict:
        """Publishes until the client, which has just joined, has a frame."""
        got: list[dict] = []

        def step() -> None:
            self()
            if frame := client.ask("receive", 20):
                got.append(frame)

        until(lambda: got, step)
        return got[0]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_poses_of_a_live_stage_are_those_that_python_reads_bit_for_bit(client, stage, transport):
    with Subscriber(stage.address, timeout_s=PATIENCE_S) as python:
        client.open(stage.address, "every", transport)
        theirs = [client.ask("receive", 10000) for _ in range(60)]
        ours: dict[int, Frame] = {}
        for frame in python:
            ours[frame.sequence] = frame
            if frame.sequence >= theirs[-1]["sequence"]:
                break
    stats = client.ask("stats")
    common = [(frame, ours[frame["sequence"]]) for frame in theirs if frame["sequence"] in ours]
    assert len(common) > 40
    for got, frame in common:
        subject, other = got["subjects"][0], frame.subjects[0]
        assert subject["positions"].tobytes() == other.pose.positions.tobytes()
        assert subject["rotations"].tobytes() == other.pose.rotations.tobytes()
        assert tuple(subject["joints"]) == other.skeleton.names
        assert subject["skeleton"] == other.skeleton.id
        assert (got["timecode"], got["publish_ns"]) == (frame.timecode, frame.publish_ns)
        # One clock on one machine: it came after it was sent, and is not hours old.
        assert 0 < got["received_ns"] - got["publish_ns"] < 60e9
    assert not np.array_equal(
        theirs[0]["subjects"][0]["rotations"], theirs[-1]["subjects"][0]["rotations"]
    )
    sequences = [frame["published"] for frame in theirs]
    assert stats["lost"] == sequences[-1] - sequences[0] + 1 - len(sequences)
    assert stats["malformed"] == stats["restarts"] == stats["other_version"] == 0


@pytest.fixture
def publisher():
    with Publisher(ANYWHERE) as one:
        yield one


@pytest.mark.parametrize("mode", ["every", "newest"])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_twenty_late_joiners_of_twenty_get_a_resolved_frame(client, stage, transport, mode):
    for _ in range(20):
        client.open(stage.address, mode, transport)
        frame = client.ask("receive", 10000)
        assert frame is not None
        assert tuple(frame["subjects"][0]["joints"]) == PERFORMER.names
        if mode == "every":
            assert client.ask("stats")["unresolved"] == 0


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_after_a_second_without_reading_the_newest_is_two_ticks_old_at_most(
    client, publisher, transport
):
    feed = Feed(publisher)
    client.open(publisher.address, "newest", transport)
    feed.first(client)
    for _ in range(120):  # a second at 120 Hz, in which the client does not read
        feed()
    behind = []

    def fresh() -> bool:
        feed()
        feed()
        frame = client.ask("receive", 20)
        behind.append(feed.sequence - 1 - frame["sequence"] if frame else 1000)
        return behind[-1] <= 2

    until(fresh)
    stats = client.ask("stats")
    assert stats["passed_over"] > 100
    assert stats["lost"] == stats["malformed"] == 0


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_client_of_a_live_stage_that_sleeps_a_second_goes_on_where_the_stage_is(
    client, stage, transport
):
    with Subscriber(stage.address, newest=True, timeout_s=PATIENCE_S) as python:
        client.open(stage.address, "newest", transport)
        assert client.ask("receive", 10000)
        start = next(python).sequence
        for frame in python:  # it sleeps as long as the stage takes for a second's ticks
            if frame.sequence >= start + 60:
                break
        before = next(python).sequence
        got = client.ask("receive", 10000)
        after = next(python).sequence
    # What it reads first is at most two ticks older than what the stage had sent when it woke.
    assert before - 2 <= got["sequence"] <= after


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_who_wants_every_frame_gets_what_was_kept_and_counts_the_rest(client, publisher, transport):
    feed = Feed(publisher)
    client.open(publisher.address, "every", transport)
    first = feed.first(client)
    until(lambda: client.ask("receive", 50) is None)
    for _ in range(100):
        feed()
    client.ask("skip", 1000, 200)
    feed()  # a burst may have been more than the stage keeps for one; the next frame tells
    assert client.ask("receive", 10000)["sequence"] == feed.sequence - 1
    stats = client.ask("stats")
    assert stats["frames"] + stats["lost"] == feed.sequence - first["sequence"]
    assert stats["frames"] > 30


def reopened(address: str) -> Publisher:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return Publisher(address)
        except UnderstudyError:
            assert time.monotonic() < deadline


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_restarted_stage_is_noticed_said_and_followed(client, transport):
    with Publisher(ANYWHERE) as first:
        address = first.address
        client.open(address, "every", transport)
        feed = Feed(first)
        feed.first(client)
        client.ask("skip", 1000, 100)
    with reopened(address) as second:
        feed = Feed(second)
        feed.first(client)
        stats = client.ask("stats")
    assert stats["restarts"] == 1
    assert stats["lost"] == 0
    said = " ".join(stats["said"])
    assert "was restarted" in said
    if transport == "managed":
        assert stats["reconnects"] >= 1
        assert "Trying again" in said and said.count("Connected to the stage") == 2


def test_a_stage_that_is_killed_and_started_again_is_followed(client, walk):
    first = Stage(walk)
    client.open(first.address)
    assert client.ask("receive", 10000)
    first.kill()
    second = Stage(walk, first.address)
    try:
        client.ask("skip", 10000, 50)
        assert client.ask("receive", 20000)["subjects"][0]["joints"]
        assert client.ask("stats")["restarts"] == 1
    finally:
        second.close()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_garbage_from_a_publisher_is_counted_and_the_next_frame_is_read(client, transport):
    with zmq.Context.instance().socket(zmq.XPUB) as raw:
        raw.linger = 0
        raw.bind(ANYWHERE)
        client.open(raw.last_endpoint.decode(), "every", transport)
        client.send("receive", 20000)
        assert raw.poll(PATIENCE_S * 1e3)
        raw.recv()
        frame = bytes(FrameEncoder(1).encode(small_frame()))
        garbage = [os.urandom(50), b"", b"FRAM", frame[:200], b"FRAM\x01\0\0\0" + b"\xff" * 90]
        for message in [*garbage, os.urandom(300_000)]:
            raw.send(message)
        raw.send_multipart([frame, b"more"])
        raw.send(encode_skeletons([ARM]))
        raw.send(frame)
        assert client.answer()["sequence"] == 7
        assert client.ask("stats")["malformed"] == len(garbage) + 2


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_another_schema_version_is_counted_and_told_in_one_sentence(client, transport):
    with zmq.Context.instance().socket(zmq.XPUB) as raw:
        raw.linger = 0
        raw.bind(ANYWHERE)
        client.open(raw.last_endpoint.decode(), "every", transport)
        client.send("receive", 1000)
        assert raw.poll(PATIENCE_S * 1e3)
        for _ in range(5):
            raw.send(b"FRAM\x09\0\0\0" + bytes(64))
        assert client.answer() is None
        until(lambda: client.ask("stats")["other_version"] == 5, lambda: client.ask("receive", 50))
        told = [s for s in client.ask("stats")["said"] if "version" in s]
    assert len(told) == 1
    assert "version 9" in told[0] and "same version" in told[0]


def test_what_listens_but_is_no_stage_is_said_and_left_alone(client):
    """A wrong port: bytes that are no ZeroMQ, and a ZeroMQ socket that publishes nothing."""
    said = []
    for answer in (b"HTTP/1.1 400 Bad Request\r\n\r\n", os.urandom(4000), b"\xff" * 3):
        with sockets.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(PATIENCE_S)
            client.open(f"tcp://127.0.0.1:{server.getsockname()[1]}")
            client.send("receive", 400)
            peer, _ = server.accept()
            with peer:
                peer.sendall(answer)
                assert client.answer() is None
            said.append(client.ask("trouble"))
    with zmq.Context.instance().socket(zmq.ROUTER) as control:
        control.linger = 0
        control.bind(ANYWHERE)
        client.open(control.last_endpoint.decode())
        until(lambda: "control port" in client.ask("trouble"), lambda: client.ask("receive", 50))
    assert "no stage" in said[0]
    assert all(said)


def test_a_message_larger_than_any_frame_hangs_up_and_costs_no_memory(client):
    """A peer that speaks ZMTP and announces 2^62 bytes."""
    greeting = b"\xff" + bytes(8) + b"\x7f\x03\x01NULL" + bytes(48)
    ready = b"\x05READY\x0bSocket-Type\0\0\0\x04XPUB"
    with sockets.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE_S)
        client.open(f"tcp://127.0.0.1:{server.getsockname()[1]}")
        client.send("receive", 1000)
        peer, _ = server.accept()
        with peer:
            peer.sendall(greeting + b"\x04" + bytes([len(ready)]) + ready)
            peer.sendall(b"\x02" + (2**62).to_bytes(8, "big") + bytes(1000))
            assert client.answer() is None
    assert client.ask("trouble") != ""


def test_keys_need_libzmq_and_a_wrong_address_is_a_sentence(client):
    for words, sentence in (
        (("open", "tcp://127.0.0.1:5570", "every", "managed", "x" * 40), "libzmq"),
        (("open", "127.0.0.1:5570", "every", "managed"), "is not an address"),
        (("open", "tcp://127.0.0.1:99999", "every", "libzmq"), "is not an address"),
    ):
        client.send(*words)
        with pytest.raises(AssertionError, match=sentence):
            client.answer()


def test_the_receivers_thread_gives_a_display_time_that_only_goes_forward(client, stage):
    """A display at about 250 Hz over a stage at 60: every sample between frames, none back."""
    seen = client.ask("receiver", stage.address, 250)
    assert seen["samples"] == 250
    assert seen["backwards"] == 0
    assert seen["sentence"].startswith("Connected to the stage")
    # What was measured is this stage's: ticks of 1/60 s, and a delay of one and the jitter.
    assert 0.012 < seen["interval"] < 0.05
    assert seen["delay"] == pytest.approx(min(0.25, seen["interval"] + seen["jitter"]))


@pytest.mark.parametrize("mode", ["newest", "every"])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_what_happens_is_told(client, publisher, transport, mode):
    feed = Feed(publisher)
    step = Event(
        "step", "ann", "LeftFoot", "floor", "", "rubber", "wood", (1.5, 0.0, -2.25),
        (0.0, 1.0, 0.0), 0.75, 0.25, 3.5, 1_234_567_890_123, 1,
    )  # fmt: skip
    client.ask("open", publisher.address, mode, transport)
    feed.first(client)
    publisher.tell([step, Event("cue", "rain", number=2)], 7)

    def read() -> None:
        feed()
        client.ask("receive", 20)

    until(lambda: len(client.ask("happened")) >= 2, read)
    one, cue = client.ask("happened")
    assert one[:7] == ["step", "ann", "LeftFoot", "floor", "", "rubber", "wood"]
    assert one[7:] == [1.5, 0, -2.25, 0, 1, 0, 0.75, 0.25, 3.5, 1_234_567_890_123, 1]
    assert cue[:2] == ["cue", "rain"]
    assert client.ask("stats")["malformed"] == 0
