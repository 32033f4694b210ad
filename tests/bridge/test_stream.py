"""Publisher and subscribers over real sockets, and their bad days."""

from __future__ import annotations

import logging
import os
import socket as sockets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import pytest
import zmq

from understudy.bridge import Publisher, Subscriber
from understudy.bridge.wire.encoder import FrameEncoder, encode_skeletons
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.event import Event
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Frame, Pose, Subject
from understudy.runtime.core.skeleton import Skeleton

from .things import ARM, small_frame

ANYWHERE = "tcp://127.0.0.1:*"
PATIENCE_S = 20.0


def stamped(sequence: int, skeleton: Skeleton = ARM, subjects: int = 1) -> Frame:
    frame = small_frame(sequence, skeleton, subjects)
    frame.capture_ns = frame.publish_ns = time.monotonic_ns()
    return frame


def until(done: Callable[[], object], step: Callable[[], object] = lambda: None) -> None:
    """Steps until it is done; fails after a while that no sound run takes."""
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline, "waited in vain"
        step()


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with Publisher(ANYWHERE) as one:
        yield one


class Feed:
    """Publishes a frame whenever a subscriber finds nothing to read."""

    def __init__(self, publisher: Publisher, skeleton: Skeleton = ARM) -> None:
        self.publisher, self.skeleton, self.sequence = publisher, skeleton, 0

    def __call__(self, subjects: int = 1) -> None:
        self.publisher.publish(stamped(self.sequence, self.skeleton, subjects))
        self.sequence += 1

    def first(self, subscriber: Subscriber) -> Frame:
        """The first frame that a subscriber that just joined gets."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            self()
            if (frame := subscriber.receive(0.01)) is not None:
                return frame
        raise AssertionError("no frame came")


def test_a_frame_crosses(publisher):
    with Subscriber(publisher.address) as subscriber:
        frame = Feed(publisher).first(subscriber)
    subject = frame.subjects[0]
    assert (subject.name, subject.skeleton.names) == ("Ann 0", ARM.names)
    np.testing.assert_array_equal(subject.pose.positions, stamped(0).subjects[0].pose.positions)
    assert frame.timecode == "01:00:00;02"
    assert frame.received_ns >= frame.publish_ns > 0


def test_a_frame_crosses_between_processes(publisher):
    listener = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys\n"
            "from understudy.bridge import Subscriber\n"
            "for frame in Subscriber(sys.argv[1], timeout_s=20):\n"
            "    print(frame.subjects[0].name, frame.subjects[0].pose.rotations.shape)\n"
            "    break\n",
            publisher.address,
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    until(lambda: publisher.subscriptions > 0, lambda: publisher.publish(stamped(0)))
    publisher.publish(stamped(1))
    assert listener.communicate(timeout=30)[0].strip() == "Ann 0 (2, 4)"


def test_every_frame_comes_once_and_in_order(publisher):
    with Subscriber(publisher.address, timeout_s=5) as subscriber:
        feed = Feed(publisher)
        first = feed.first(subscriber)
        # Well below what a publisher keeps, and a busy machine may not have sent a thing yet.
        for _ in range(20):
            feed()
        sequences = [
            frame.sequence
            for _, frame in zip(range(feed.sequence - first.sequence - 1), subscriber)
        ]
        assert [first.sequence, *sequences] == list(range(first.sequence, feed.sequence))
        assert subscriber.statistics.lost == 0


@pytest.mark.parametrize("newest", [False, True])
def test_twenty_late_joiners_of_twenty_get_a_resolved_frame_within_a_few_ticks(publisher, newest):
    feed = Feed(publisher, PERFORMER)
    for _ in range(20):
        before = publisher.subscriptions
        with Subscriber(publisher.address, newest=newest) as subscriber:
            until(lambda before=before: publisher.subscriptions > before + newest, feed)
            joined = feed.sequence
            frame = feed.first(subscriber)
        assert frame.subjects[0].skeleton.names == PERFORMER.names
        assert frame.sequence <= joined + 5
        if not newest:
            assert subscriber.statistics.unresolved == 0


def test_the_first_message_of_a_late_joiner_is_the_skeletons_twenty_times_of_twenty(publisher):
    feed = Feed(publisher)
    for _ in range(20):
        with zmq.Context.instance().socket(zmq.SUB) as raw:
            raw.linger = 0
            raw.subscribe(b"")
            raw.connect(publisher.address)
            until(lambda raw=raw: raw.poll(1), feed)
            assert raw.recv()[:4] == b"SKEL"


def test_a_new_character_brings_its_skeleton_along(publisher):
    with Subscriber(publisher.address, timeout_s=5) as subscriber:
        feed = Feed(publisher)
        feed.first(subscriber)
        feed.skeleton = PERFORMER
        feed()
        until(lambda: len(next(subscriber).subjects[0].skeleton) == len(PERFORMER))
        assert subscriber.statistics.unresolved == 0
        assert subscriber.statistics.malformed == 0


def test_several_characters_of_several_skeletons_share_a_frame(publisher):
    frame = stamped(0)
    frame.subjects.append(Subject("Bea", PERFORMER, Pose.rest(PERFORMER)))
    with Subscriber(publisher.address) as subscriber:
        until(lambda: publisher.subscriptions, lambda: publisher.publish(frame))
        publisher.publish(frame)
        got = subscriber.receive(5)
    assert got is not None
    assert [len(s.skeleton) for s in got.subjects] == [2, 22]
    assert got.subjects[1].intent is None


def test_one_skeleton_is_one_object_for_good(publisher):
    with Subscriber(publisher.address, timeout_s=5) as subscriber:
        feed = Feed(publisher)
        skeleton = feed.first(subscriber).subjects[0].skeleton
        with Subscriber(publisher.address) as other:  # makes the publisher send it again
            feed.first(other)
        assert subscriber.receive(5).subjects[0].skeleton is skeleton


def test_a_stalled_subscriber_that_wants_the_newest_resumes_fresh(publisher):
    with Subscriber(publisher.address, newest=True) as subscriber:
        feed = Feed(publisher)
        feed.first(subscriber)
        for _ in range(500):
            feed()
        got = []

        def fresh() -> bool:
            frame = subscriber.receive(0.05)
            got.append(frame.sequence if frame is not None else -1)
            return got[-1] >= feed.sequence - 2

        # However many it slept through, the next ones are of now.
        until(fresh, feed)
        assert subscriber.statistics.frames < 30
        assert subscriber.statistics.passed_over > 450
        assert subscriber.statistics.lost == 0


def test_a_frame_that_waited_for_its_skeleton_is_no_restart():
    encoder = FrameEncoder(5)
    first = encoder.encode(small_frame(1))
    second = encoder.encode(small_frame(2, PERFORMER))
    with Subscriber("tcp://127.0.0.1:9", newest=True) as subscriber:
        subscriber._read(encode_skeletons([ARM]))
        assert subscriber._read(first).sequence == 1
        assert subscriber._read(second) is None
        subscriber._read(encode_skeletons([PERFORMER]))
        assert subscriber._read(second).sequence == 2
        assert subscriber.statistics.restarts == subscriber.statistics.passed_over == 0
        assert subscriber.statistics.unresolved == 1


def test_where_a_frame_overtakes_its_skeleton_the_newest_is_held_back_until_it_is_known():
    """Two sockets have no order among them: here the skeletons come after four frames."""
    with zmq.Context.instance().socket(zmq.XPUB) as raw:
        raw.linger = 0
        raw.xpub_verbose = True
        raw.bind(ANYWHERE)
        encoder = FrameEncoder(5)
        with Subscriber(raw.last_endpoint.decode(), newest=True) as subscriber:
            topics = set()
            until(lambda: topics == {b"\1FRAM", b"\1SKEL"}, lambda: topics.add(raw.recv()))
            for sequence in range(1, 4):
                raw.send(encoder.encode(small_frame(sequence)))
            until(lambda: subscriber.statistics.unresolved, lambda: subscriber.receive(0.01))
            raw.send(encoder.encode(small_frame(4)))
            # Each on its socket: the fourth frame is not read before the skeletons are there.
            until(lambda: subscriber._frames.poll(100))
            assert subscriber.statistics.frames == 0
            raw.send(encode_skeletons([ARM]))
            until(lambda: subscriber._skeletons.poll(100))
            got = subscriber.receive(5)
            assert got is not None
            assert got.sequence == 4  # fresh, and not the one that waited
            raw.send(encoder.encode(small_frame(5)))
            assert subscriber.receive(5).sequence == 5
            assert subscriber.statistics.passed_over == subscriber.statistics.restarts == 0


def test_a_stalled_subscriber_that_wants_everything_counts_what_it_lost(publisher):
    with Subscriber(publisher.address, timeout_s=1) as subscriber:
        feed = Feed(publisher, PERFORMER)
        first = feed.first(subscriber)
        for _ in range(3000):
            feed(20)
        sequences = [first.sequence, *(frame.sequence for frame in subscriber)]
        feed(20)  # where the end was lost, a loss is known by what comes after it
        sequences += [frame.sequence for frame in subscriber]
        gaps = sum(b - a - 1 for a, b in pairwise(sequences))
        assert gaps > 0
        assert subscriber.statistics.lost == gaps


def test_a_subscriber_that_never_reads_costs_bounded_memory_and_nobody_elses_frames(publisher):
    with zmq.Context() as elsewhere, elsewhere.socket(zmq.SUB) as deaf:
        deaf.linger = 0
        deaf.rcvhwm = 1
        deaf.subscribe(b"")
        deaf.connect(publisher.address)
        until(lambda: publisher.subscriptions, lambda: publisher.publish(stamped(0)))
        with Subscriber(publisher.address, timeout_s=5) as subscriber:
            feed = Feed(publisher, PERFORMER)
            feed.first(subscriber)
            until(lambda: subscriber.receive(0.01) is None)
            start, before = feed.sequence, _resident_bytes()
            sent = publisher.bytes
            for _ in range(600):
                feed(100)
                assert next(subscriber).sequence == feed.sequence - 1
            assert publisher.bytes - sent > 45e6
            assert _resident_bytes() - before < 20e6
        assert feed.sequence - start == 600
        assert subscriber.statistics.lost == 0


def _resident_bytes() -> int:
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        pytest.skip("memory is read from /proc")


def test_a_restarted_publisher_is_followed_counted_and_told(caplog):
    with Publisher(ANYWHERE) as first, Subscriber(first.address) as subscriber:
        address = first.address
        feed = Feed(first)
        feed.first(subscriber)
        for _ in range(10):
            feed()
        until(lambda: subscriber.receive(0.05) is None)
        first.close()
        with _reopened(address) as second:
            frame = Feed(second, PERFORMER).first(subscriber)
            assert len(frame.subjects[0].skeleton) == len(PERFORMER)
            assert subscriber.statistics.restarts == 1
            assert subscriber.statistics.lost == 0
            assert f"The stage at {address} was restarted" in caplog.text


def _reopened(address: str) -> Publisher:
    """A publisher on an address that another one is about to leave: sockets close in their time."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return Publisher(address)
        except UnderstudyError:
            assert time.monotonic() < deadline


def test_garbage_from_a_publisher_is_counted_and_the_next_frame_is_read():
    with zmq.Context.instance().socket(zmq.XPUB) as raw:
        raw.linger = 0
        raw.bind(ANYWHERE)
        address = raw.last_endpoint.decode()
        with Subscriber(address) as subscriber:
            assert raw.poll(PATIENCE_S * 1e3)
            raw.recv()
            frame = bytes(FrameEncoder(1).encode(small_frame()))
            garbage = [os.urandom(50), b"", b"FRAM", frame[:200], b"FRAM\x01\0\0\0" + b"\xff" * 90]
            for message in garbage:
                raw.send(message)
            raw.send_multipart([frame, b"more"])
            raw.send(encode_skeletons([ARM]))
            raw.send(frame)
            got = subscriber.receive(PATIENCE_S)
            assert got is not None
            assert got.sequence == 7
            assert subscriber.statistics.malformed == len(garbage) + 1


def test_another_schema_version_is_counted_and_told_once(caplog):
    with zmq.Context.instance().socket(zmq.XPUB) as raw:
        raw.linger = 0
        raw.bind(ANYWHERE)
        with Subscriber(raw.last_endpoint.decode()) as subscriber:
            assert raw.poll(PATIENCE_S * 1e3)
            with caplog.at_level(logging.WARNING):
                for _ in range(5):
                    raw.send(b"FRAM\x09\0\0\0" + bytes(64))
                until(
                    lambda: subscriber.statistics.other_version == 5,
                    lambda: subscriber.receive(0.05),
                )
    assert len(caplog.records) == 1
    assert "version 9" in caplog.text and "install the same version" in caplog.text


def test_garbage_from_a_subscriber_is_counted_and_the_stream_goes_on(publisher):
    with zmq.Context.instance().socket(zmq.XSUB) as raw:
        raw.linger = 0
        raw.connect(publisher.address)
        for _ in range(20):
            raw.send(b"\x07" + os.urandom(100))
        until(lambda: publisher.malformed >= 20, lambda: publisher.publish(stamped(0)))
    # Not even ZeroMQ: libzmq hangs up by itself.
    host, port = publisher.address.removeprefix("tcp://").split(":")
    with sockets.create_connection((host, int(port))) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n" + os.urandom(500))
        with Subscriber(publisher.address) as subscriber:
            assert Feed(publisher).first(subscriber).subjects


def test_a_port_in_use_is_one_sentence_that_names_it(publisher):
    with pytest.raises(UnderstudyError, match=publisher.address.rsplit(":", 1)[1]) as caught:
        Publisher(publisher.address)
    assert "doctor" in str(caught.value)


@pytest.mark.parametrize("address", ["tcp://0.0.0.0:5599", "tcp://*:5599", "tcp://192.168.1.5:1"])
def test_listening_beyond_this_machine_is_refused_without_insecure(address):
    with pytest.raises(UnderstudyError, match="--insecure"):
        Publisher(address)


def test_listening_beyond_this_machine_works_when_asked_for():
    with Publisher("tcp://0.0.0.0:*", insecure=True) as publisher:
        with Subscriber("tcp://127.0.0.1:" + publisher.address.rsplit(":", 1)[1]) as subscriber:
            assert Feed(publisher).first(subscriber).subjects


@pytest.mark.parametrize("address", ["", "5570", "127.0.0.1:5570", "tcp://x", "tcp://a:99999"])
def test_what_is_no_address_is_one_sentence(address):
    for make in (Publisher, Subscriber):
        with pytest.raises(UnderstudyError, match="not an address"):
            make(address)


def test_a_subscriber_ends_when_nothing_comes():
    with Publisher(ANYWHERE) as silent, Subscriber(silent.address, timeout_s=0.05) as subscriber:
        assert list(subscriber) == []
        assert subscriber.receive(0) is None


def test_events_come_to_whoever_asks_and_a_lost_one_is_counted(publisher):
    with Subscriber(publisher.address, events=True) as hears, Subscriber(publisher.address) as deaf:
        feed = Feed(publisher)
        feed.first(hears), feed.first(deaf)
        told: list[Event] = []
        publisher.tell([Event("step", "ann", number=1), Event("step", "ann", number=2)], 5)
        publisher.tell([Event("hit", "crate", number=4)], 6)
        until(lambda: len(told) == 3, lambda: told.extend(hears.happened()))
        assert [event.number for event in told] == [1, 2, 4]
        assert hears.statistics.events == 3
        assert hears.statistics.lost_events == 1
        feed.first(deaf)
        assert not deaf.happened()
        assert not deaf.statistics.malformed
