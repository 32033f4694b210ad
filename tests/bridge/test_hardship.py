"""Minutes at full rate, with listeners that stall, never read, or lose their stage."""

from __future__ import annotations

import contextlib
import socket as sockets
import struct
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
import zmq

from understudy.bridge import Subscriber
from understudy.runtime.core.processes import end, free_ports, start

from .crowd import Crowd, Program, Station

pytestmark = pytest.mark.slow

RATE_HZ = 120.0
SECONDS = 60


def test_sixteen_listeners_at_120_hz_lose_nothing_in_a_minute():
    ticks = int(RATE_HZ * SECONDS)
    with Station(RATE_HZ) as station, Crowd(station.address, 16, ticks) as crowd:
        for told in crowd.finish():
            assert (told["lost"], told["unresolved"], told["malformed"]) == (0, 0, 0)
            # Where the machine is busy the publisher skips ticks; what it sent was read.
            assert told["last"] - told["first"] >= ticks
        assert station.finish()["published"] >= 0.9 * ticks


def test_after_a_second_without_reading_the_newest_is_two_ticks_old_at_most():
    ages = []
    with Station(RATE_HZ) as station:
        with Subscriber(station.address, newest=True, timeout_s=20) as subscriber:
            next(subscriber)
            for _ in range(7):
                time.sleep(1.0)  # the stall itself
                frame = next(subscriber)
                ages.append((frame.received_ns - frame.publish_ns) * 1e-9 * RATE_HZ)
            assert subscriber.statistics.passed_over > 7 * 30
            assert subscriber.statistics.lost == 0
    print("ages in ticks", [round(age, 2) for age in ages])
    # A queue would make each of them 120; a busy machine may be late once.
    assert np.median(ages) <= 2.0


@contextlib.contextmanager
def mute(address: str, pulse: bool) -> Iterator[None]:
    """A peer that shakes hands, subscribes to everything and reads no further.

    With a pulse it says every half second that it lives, so that no heartbeat lets it go.
    """
    host, port = address.removeprefix("tcp://").split(":")
    ready = b"\x05READY\x0bSocket-Type" + struct.pack(">I", 3) + b"SUB"
    done = threading.Event()
    with sockets.socket() as peer:
        peer.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        peer.connect((host, int(port)))
        # ZMTP 3.0: signature, version, mechanism, client; then READY and a subscription to "".
        peer.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32))
        peer.sendall(b"\x04" + bytes([len(ready)]) + ready + b"\x00\x01\x01")

        def beat() -> None:
            with contextlib.suppress(OSError):
                while not done.wait(0.5):
                    peer.sendall(b"\x04\x05\x04PONG")

        thread = threading.Thread(target=beat)
        if pulse:
            thread.start()
        try:
            yield
        finally:
            done.set()
            if pulse:
                thread.join()


@contextlib.contextmanager
def deaf(address: str) -> Iterator[None]:
    """A SUB socket that nobody ever reads."""
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.linger = 0
        socket.rcvhwm = 1
        socket.subscribe(b"")
        socket.connect(address)
        yield


def test_listeners_that_never_read_cost_bounded_memory_and_nobody_elses_frames():
    """A hundred subjects at 120 Hz: what is not read would be 28 MB more a second, for each."""
    ticks, latencies = int(RATE_HZ * SECONDS / 4), []
    with Station(RATE_HZ, subjects=100) as station:
        for others in (False, True, False, True):
            with contextlib.ExitStack() as stack:
                before_mb = station.resident_mb
                if others:
                    for peer in (deaf, deaf):
                        stack.enter_context(peer(station.address))
                    stack.enter_context(mute(station.address, pulse=True))
                    stack.enter_context(mute(station.address, pulse=False))
                with Program("stamps", station.address, ticks) as listener:
                    most_mb = before_mb
                    while listener.process.poll() is None:
                        most_mb = max(most_mb, station.resident_mb)
                        time.sleep(0.1)  # between two looks at its memory
                    told, grown_mb = listener.finish(), most_mb - before_mb
                assert told["lost"] == 0
                assert grown_mb < 60, grown_mb
                latencies.append((others, told["latency_ms"], round(grown_mb, 1)))
    for row in latencies:
        print(*row)
    alone, beside = (
        min(ms["p50"] for others, ms, _ in latencies if others == which) for which in (False, True)
    )
    print(f"median latency alone {alone:.3f} ms, beside four who never read {beside:.3f} ms")
    assert beside < 2.0 * alone + 0.5


def test_a_stage_that_is_killed_and_started_again_is_followed_counted_and_told(tmp_path, caplog):
    pad = tmp_path / "walk.toml"
    pad.write_text("rate_hz = 60\n[[event]]\nat_s = 0.0\nleft_stick = [0.3, 0.8]\n")
    publish, control = (f"tcp://127.0.0.1:{port}" for port in free_ports(2))
    words = ("stage", "--pad", pad, "--no-realtime", "--publish", publish, "--control", control)
    stages = [start(*words)]
    with (
        Subscriber(publish, timeout_s=60) as every,
        Subscriber(publish, newest=True, timeout_s=60) as newest,
    ):
        try:
            before = [next(every), next(newest)]
            stages[0].kill()
            stages[0].wait()
            stages.append(start(*words))
            for subscriber, frame in zip((every, newest), before):
                after = frame
                while subscriber.statistics.restarts == 0:
                    after = next(subscriber)
                assert after.subjects[0].skeleton is frame.subjects[0].skeleton
                assert after.publish_ns > frame.publish_ns
                assert (subscriber.statistics.restarts, subscriber.statistics.lost) == (1, 0)
            assert caplog.text.count("was restarted") == 2
        finally:
            end(stages)
