"""What a relay adds to a frame's way, and what keys do, against the direct way in the same run."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import numpy as np

from understudy.bridge import Publisher, Subscriber
from understudy.bridge.security.access import AccessControl
from understudy.bridge.security.keys import Keyring
from understudy.runtime.core import processes
from understudy.runtime.core.clock import Clock

from .figure import Figure
from .wire import ANYWHERE, cast

# Stamps what comes on two sockets, the plain way and the other, and only then looks into it: so
# many frames each. A third word is a key for the second.
_LISTENS = """
import sys, json, time, zmq
from understudy.bridge.security.handshake import Handshake
from understudy.bridge.schema.understudy_fb.Frame import Frame
poller, came, knocks = zmq.Poller(), {}, []
for address, key in ((sys.argv[1], None), (sys.argv[2], sys.argv[4] or None)):
    socket = zmq.Context.instance().socket(zmq.SUB)
    socket.subscribe(b"FRAM")
    knocks.append(Handshake(socket, address, key))
    poller.register(socket)
    came[socket] = []
while min(map(len, came.values())) < int(sys.argv[3]):
    for socket, _ in poller.poll():
        message = socket.recv()
        came[socket].append((time.monotonic_ns(), message))
late = []
for messages in came.values():
    frames = [(at, Frame.GetRootAs(message, 8)) for at, message in messages]
    late.append({frame.Sequence(): at - frame.PublishNs() for at, frame in frames})
print(json.dumps(late))
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


def through_a_relay(crowd: int, rate_hz: int, seconds: int) -> list[Figure]:
    """A listener with a socket at the stage and one at a relay, where `crowd - 1` more listen."""
    with ExitStack() as stack:
        publisher = stack.enter_context(Publisher(ANYWHERE))
        address = f"tcp://127.0.0.1:{processes.free_ports(1)[0]}"
        understudy = ("-m", "understudy.runtime.cli.main")
        _child(stack, *understudy, "relay", "--from", publisher.address, "--publish", address)
        if crowd > 1:
            _child(stack, "-c", _CROWD, address, crowd - 1)
        late = _late([publisher], (publisher.address, address, ""), rate_hz, seconds)
    where = f"{crowd} listener(s) at the relay, {rate_hz} Hz, 60 joints, loopback"
    return _figures(late, ("direct", "relay"), where)


def with_keys(rate_hz: int, seconds: int) -> list[Figure]:
    """The same frames over a socket without keys and over one with them."""
    with ExitStack() as stack:
        ring = Keyring(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        ring.found()
        plain = stack.enter_context(Publisher(ANYWHERE))
        keyed = stack.enter_context(
            Publisher(ANYWHERE, access=stack.enter_context(AccessControl(ring)))
        )
        ways = (plain.address, keyed.address, str(ring.local))
        late = _late([plain, keyed], ways, rate_hz, seconds)
        where = f"{rate_hz} Hz, 60 joints, loopback"
        figures = _figures(late, ("no keys", "keys"), where)
        for name, publisher, key in (("no keys", plain, None), ("keys", keyed, ring.local)):
            spent_ms = processor_ms(publisher, key)
            label = f"processor time a frame, both ends, {name}"
            figures.append(Figure(label, spent_ms, "ms", conditions="60 joints, one process"))
    return figures


def processor_ms(publisher: Publisher, key: Path | None, times: int = 2000) -> float:
    """What sending and receiving one frame takes of all this process's threads."""
    frame = cast(1)
    with Subscriber(publisher.address, key=key) as subscriber:
        while subscriber.receive(0.005) is None:
            publisher.publish(frame)
        began = time.process_time()
        for frame.sequence in range(times):
            publisher.publish(frame)
            subscriber.receive(1.0)
        return 1e3 * (time.process_time() - began) / times


def _child(
    stack: ExitStack, *words: object, out: IO[bytes] | int = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    child = subprocess.Popen([sys.executable, *map(str, words)], stdout=out)
    stack.callback(processes.end, [child])
    return child


def _late(publishers, ways, rate_hz: int, seconds: int) -> np.ndarray:
    """Nanoseconds from publishing to reception, a row a frame, plain and other side by side."""
    plain, other, key = ways
    frame = cast(1)
    with ExitStack() as stack:
        heard = stack.enter_context(tempfile.TemporaryFile())  # a pipe would fill and hold it up
        count = rate_hz * seconds
        listener = _child(stack, "-c", _LISTENS, plain, other, count, key, out=heard)
        for number in Clock(float(rate_hz)).ticks():
            frame.sequence = number
            # By turns, so that none is always behind the other.
            for publisher in publishers if number % 2 else reversed(publishers):
                frame.publish_ns = time.monotonic_ns()
                publisher.publish(frame)
            if number % rate_hz == 0 and listener.poll() is not None:
                break
        heard.seek(0)
        first, second = json.load(heard)
    return np.array([(first[n], second[n]) for n in first.keys() & second.keys()])


def _figures(late: np.ndarray, names: tuple[str, str], where: str) -> list[Figure]:
    figures = []
    for percent in (50, 99):
        for name, values in zip(names, late.T, strict=True):
            ms = float(np.percentile(values, percent)) / 1e6
            figures.append(Figure(f"latency, {name}, p{percent}", ms, "ms", "", None, where))
        added_ms = float(np.percentile(late[:, 1] - late[:, 0], percent)) / 1e6
        label = f"{names[1]} later than {names[0]}, frame by frame, p{percent}"
        figures.append(Figure(label, added_ms, "ms", "", None, where))
    return figures
