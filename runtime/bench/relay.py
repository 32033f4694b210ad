"""What a relay adds to a frame's way, and what keys do, against the direct way in the same run."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from understudy.bridge import Publisher
from understudy.bridge.door import Gate
from understudy.bridge.keys import Keyring
from understudy.runtime import processes
from understudy.runtime.core.clock import Clock

from .figure import Figure
from .wire import ANYWHERE, cast

# Prints how late its frames came, and the processor time that it took for one.
_LISTENS = """
import sys, json, time
from understudy.bridge import Subscriber
late = []
with Subscriber(sys.argv[1], timeout_s=20, key=sys.argv[3] or None) as subscriber:
    next(subscriber)
    print("in", flush=True)
    began = time.process_time()
    for frame in subscriber:
        late.append(time.monotonic_ns() - frame.publish_ns)
        if len(late) == int(sys.argv[2]):
            break
    spent = (time.process_time() - began) / len(late)
    print(json.dumps({"late": late, "lost": subscriber.statistics.lost, "spent_s": spent}))
"""
# Listens with so many sockets and throws away what comes.
_CROWD = """
import sys, zmq
poller, context = zmq.Poller(), zmq.Context()
for _ in range(int(sys.argv[2])):
    socket = context.socket(zmq.SUB)
    socket.subscribe(b"")
    socket.connect(sys.argv[1])
    poller.register(socket)
print("in", flush=True)
while True:
    for socket, _ in poller.poll():
        socket.recv()
"""


def measure(quick: bool) -> list[Figure]:
    """Latency through a relay for 1 and 16 listeners at 120 Hz, and with keys at 60 Hz."""
    seconds = 3 if quick else 20
    figures = []
    for crowd in (1, 16):
        figures += through_a_relay(crowd, 120, seconds)
    return figures + with_keys(60, seconds)


def through_a_relay(crowd: int, rate_hz: int, seconds: float) -> list[Figure]:
    """One listener at the stage and one at a relay, `crowd - 1` more there."""
    with ExitStack() as stack:
        publisher = stack.enter_context(Publisher(ANYWHERE))
        address = f"tcp://127.0.0.1:{processes.free_ports(1)[0]}"
        program = [sys.executable, "-m", "understudy.runtime.cli.main", "relay"]
        relay = subprocess.Popen(
            [*program, "--from", publisher.address, "--publish", address],
            stdout=subprocess.DEVNULL,
        )
        stack.callback(processes.end, [relay])
        extra = [(_CROWD, address, crowd - 1, "")] if crowd > 1 else []
        ways = {"direct": (publisher.address, ""), "relay": (address, "")}
        heard = _heard([publisher], ways, rate_hz, seconds, extra)
    where = f"{crowd} listener(s) at the relay, {rate_hz} Hz, 60 joints, loopback"
    return _figures(heard, "direct", "relay", where)


def with_keys(rate_hz: int, seconds: float) -> list[Figure]:
    """The same frames over a socket with keys and over one without."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ring = Keyring(folder)
        ring.found()
        open_ = stack.enter_context(Publisher(ANYWHERE))
        keyed = stack.enter_context(Publisher(ANYWHERE, gate=stack.enter_context(Gate(ring))))
        ways = {"no keys": (open_.address, ""), "keys": (keyed.address, str(ring.local))}
        heard = _heard([open_, keyed], ways, rate_hz, seconds, [])
    return _figures(heard, "no keys", "keys", f"{rate_hz} Hz, 60 joints, loopback")


def _heard(publishers, ways, rate_hz: int, seconds: float, extra) -> dict[str, dict]:
    """Publishes to a listener process for each way until all have heard enough."""
    count = int(rate_hz * seconds)
    programs = [(_LISTENS, address, count, key) for address, key in ways.values()]
    children = [
        subprocess.Popen(
            [sys.executable, "-c", source, address, str(number), key], stdout=subprocess.PIPE
        )
        for source, address, number, key in programs + extra
    ]
    listeners = children[: len(ways)]
    frame = cast(1)
    try:
        for number in Clock(float(rate_hz)).ticks():
            frame.sequence = number
            for publisher in publishers:
                frame.publish_ns = time.monotonic_ns()
                publisher.publish(frame)
            if number % rate_hz == 0 and all(one.poll() is not None for one in listeners):
                break
        return {
            way: json.loads(one.communicate()[0].splitlines()[-1])
            for way, one in zip(ways, listeners, strict=True)
        }
    finally:
        for one in children:
            one.kill()
            one.wait()


def _figures(heard: dict[str, dict], plain: str, other: str, where: str) -> list[Figure]:
    figures = []
    for percent in (50, 99):
        ms = {way: float(np.percentile(one["late"], percent)) / 1e6 for way, one in heard.items()}
        for way in (plain, other):
            figures.append(Figure(f"latency, {way}, p{percent}", ms[way], "ms", conditions=where))
        added = ms[other] - ms[plain]
        figures.append(Figure(f"{other} adds, p{percent}", added, "ms", conditions=where))
    for way in (plain, other):
        spent_ms = 1e3 * heard[way]["spent_s"]
        name = f"a listener's processor time a frame, {way}"
        figures.append(Figure(name, spent_ms, "ms", conditions=where))
    lost = sum(one["lost"] for one in heard.values())
    figures.append(Figure("frames lost", float(lost), "", "0", lost == 0, where))
    return figures
