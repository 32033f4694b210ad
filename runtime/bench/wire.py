"""The wire: what a frame costs to send, and how late it comes, against bare pyzmq in one run."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import zmq

from understudy.bridge import Publisher, Subscriber
from understudy.bridge.wire.encoder import FrameEncoder
from understudy.runtime.core import rotation
from understudy.runtime.core.clock import Clock
from understudy.runtime.core.errors import Failure
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Frame, Intent, Pose, State, Subject
from understudy.runtime.core.skeleton import Skeleton

from .figure import Figure

ANYWHERE = "tcp://127.0.0.1:*"
# Subjects, and the milliseconds that one frame of them may take to encode and publish.
TARGETS = ((1, 0.15), (100, 2.0))
# The performer, and as many joints more as make 60: fingers and face bones, by their number.
BODY = Skeleton(
    (*PERFORMER.names, *(f"more {i}" for i in range(60 - len(PERFORMER)))),
    np.append(PERFORMER.parents, np.arange(len(PERFORMER) - 1, 59)),
    np.append(PERFORMER.rest_positions, np.full((60 - len(PERFORMER), 3), 0.02), axis=0),
)

# A subscriber on bare pyzmq: what the same bytes cost without us. Messages start with a time.
_BARE = """
import sys, time, json, struct, zmq
socket = zmq.Context().socket(zmq.SUB)
socket.subscribe(b"")
socket.connect(sys.argv[1])
late = []
while socket.poll(5000) and len(late) < int(sys.argv[2]):
    message = socket.recv()
    late.append(time.monotonic_ns() - struct.unpack_from("<q", message)[0])
print(json.dumps(late))
"""
_OURS = """
import sys, json, time
from understudy.bridge import Subscriber
late, ages = [], []
with Subscriber(sys.argv[1], timeout_s=5) as subscriber:
    for frame in subscriber:
        late.append(time.monotonic_ns() - frame.publish_ns)
        if len(late) == int(sys.argv[2]):
            break
    print(json.dumps({"late": late, "lost": subscriber.statistics.lost}))
"""


def measure(quick: bool) -> list[Figure]:
    """Cost of one and of a hundred subjects, latency at 60 and 120 Hz, late joiners."""
    figures: list[Figure] = []
    for count, limit_ms in TARGETS:
        figures += cost(count, limit_ms, 300 if quick else 1500)
    for rate_hz in (60, 120):
        figures += latency(rate_hz, 3 if quick else 20)
    figures.append(late_joiners(10 if quick else 40))
    return figures


def cast(count: int) -> Frame:
    """A frame of so many bodies of 60 joints with everything that a stage sends."""
    rng = np.random.default_rng(1)
    subjects = []
    for i in range(count):
        pose = Pose.rest(BODY)
        pose.rotations[:] = rotation.normalize(rng.normal(size=(len(BODY), 4)))
        intent = Intent(np.array([0.0, 1.0]), np.zeros(2), frozenset({"run"}), 1)
        contacts = np.array([[12, 1.0], [13, 1.0], [16, 0.0], [17, 0.0]], np.float32)
        path = rng.normal(size=(12, 4)).astype(np.float32)
        subjects.append(
            Subject(f"performer {i}", BODY, pose, State.LIVE, "", intent, contacts, path)
        )
    return Frame(0, 1, 1, 30, 1, "01:00:00:00", subjects, {"late": 0.0, "tick_ms": 1.0})


def cost(count: int, limit_ms: float, times: int) -> list[Figure]:
    """Encode and publish with one subscriber, and the same bytes over bare pyzmq, by turns."""
    frame = cast(count)
    encoder = FrameEncoder(1)
    where = f"{count} subject(s) of {len(BODY)} joints, float64 in, of {times}"
    spent: dict[str, list[int]] = {"encode": [], "publish": [], "bare": []}
    context: zmq.Context = zmq.Context.instance()
    with (
        Publisher(ANYWHERE) as publisher,
        Subscriber(publisher.address, newest=True) as subscriber,
        context.socket(zmq.PUB) as bare,
        context.socket(zmq.SUB) as sink,
    ):
        bare.linger = sink.linger = 0
        bare.sndhwm = 32
        sink.conflate = True
        sink.subscribe(b"")
        bare.bind(ANYWHERE)
        sink.connect(bare.last_endpoint)
        until(lambda: subscriber.receive(0.01), lambda: publisher.publish(frame))
        message = bytes(encoder.encode(frame))
        until(lambda: sink.poll(10), lambda: bare.send(message))
        for sequence in range(times):
            frame.sequence = sequence
            spent["encode"].append(_timed(lambda: encoder.encode(frame)))
            spent["publish"].append(_timed(lambda: publisher.publish(frame)))
            spent["bare"].append(_timed(lambda: bare.send(message)))
            time.sleep(0.0005)  # room for the sockets' threads, as between two ticks
    figures = []
    for percent in (50, 99):
        ms = {name: float(np.percentile(values, percent)) / 1e6 for name, values in spent.items()}
        judged = percent == 50
        figures += [
            Figure(f"encode, {count} subject(s), p{percent}", ms["encode"], "ms", "", None, where),
            Figure(
                f"encode and publish, {count} subject(s), p{percent}",
                ms["publish"],
                "ms",
                f"<= {limit_ms:g} ms" if judged else "",
                ms["publish"] <= limit_ms if judged else None,
                where,
            ),
            Figure(
                f"the same against bare pyzmq, {count} subject(s), p{percent}",
                ms["publish"] / ms["bare"],
                "x",
                "",
                None,
                f"bare send {ms['bare']:.4f} ms of the same {len(message)} bytes, in turns",
            ),
        ]
    return [
        *figures,
        Figure(
            f"bytes a frame, {count} subject(s)",
            len(message),
            "B",
            "",
            None,
            f"{len(message) * 60 * 8 / 1e6:.2f} Mbit/s at 60 Hz",
        ),
    ]


def latency(rate_hz: int, seconds: int) -> list[Figure]:
    """From publishing to a frame decoded in another process; bare pyzmq at the same ticks."""
    frame, count = cast(1), rate_hz * seconds
    size = len(FrameEncoder(1).encode(frame))
    context: zmq.Context = zmq.Context.instance()
    with Publisher(ANYWHERE) as publisher, context.socket(zmq.XPUB) as bare:
        bare.linger = 0
        bare.bind(ANYWHERE)
        peers = [
            subprocess.Popen(
                [sys.executable, "-c", program, address, str(count)],
                stdout=subprocess.PIPE,
                text=True,
            )
            for program, address in (
                (_OURS, publisher.address),
                (_BARE, bare.getsockopt_string(zmq.LAST_ENDPOINT)),
            )
        ]
        try:
            if not bare.poll(30_000):
                raise Failure("The subscriber on bare pyzmq did not start within 30 s.")
            until(lambda: publisher.subscriptions, lambda: publisher.publish(frame))
            for tick in Clock(rate_hz).ticks():
                if all(peer.poll() is not None for peer in peers) or tick > 3 * count + 60:
                    break
                frame.sequence = tick
                frame.capture_ns = frame.publish_ns = time.monotonic_ns()
                publisher.publish(frame)
                bare.send(time.monotonic_ns().to_bytes(8, "little") + bytes(size - 8))
            outputs = [peer.communicate(timeout=30)[0] for peer in peers]
        finally:
            for peer in peers:
                peer.kill()
                peer.wait()
    ours, theirs = json.loads(outputs[0]), np.array(json.loads(outputs[1])[1:]) / 1e6
    late_ms = np.array(ours["late"][1:]) / 1e6
    figures = []
    for percent, limit_ms in ((50, 2.0), (99, 5.0)):
        value, against = np.percentile(late_ms, percent), np.percentile(theirs, percent)
        figures.append(
            Figure(
                f"publish to decoded frame at {rate_hz} Hz, p{percent}",
                float(value),
                "ms",
                f"<= {limit_ms:g} ms",
                bool(value <= limit_ms),
                f"another process, {len(late_ms)} frames of {size} B, {ours['lost']} lost; "
                f"bare pyzmq {against:.3f} ms",
            )
        )
    return figures


def late_joiners(count: int) -> Figure:
    """How many of so many that join a running stream get a whole frame as their first."""
    frame, whole, waited = cast(1), 0, 0
    with Publisher(ANYWHERE) as publisher:
        for _ in range(count):
            with Subscriber(publisher.address) as subscriber:
                until(partial(subscriber.receive, 0.004), partial(publisher.publish, frame))
                whole += subscriber.statistics.unresolved == 0
                waited += subscriber.statistics.unresolved
    return Figure(
        "late joiners whose first frame had its skeleton",
        whole,
        f"of {count}",
        f"{count}",
        whole == count,
        f"a stream at up to 250 Hz; {waited} frames came before their skeleton",
    )


def _timed(what: Callable[[], object]) -> int:
    before = time.perf_counter_ns()
    what()
    return time.perf_counter_ns() - before


def until(done: Callable[[], object], step: Callable[[], object], patience_s: float = 20.0) -> None:
    deadline = time.monotonic() + patience_s
    step()
    while not done():
        step()
        if time.monotonic() > deadline:
            raise Failure(f"No frame crossed the loopback within {patience_s:g} s.")
