"""A publisher that ticks and subscribers that listen, each a process of its own.

    python -m tests.bridge.crowd publish ADDRESS RATE_HZ SUBJECTS    until its input closes
    python -m tests.bridge.crowd listen ADDRESS FRAMES               FRAMES 0: until it is ended
    python -m tests.bridge.crowd stamps ADDRESS FRAMES               reads nothing but the stamps

A listener prints a line with its first frame and one at the end.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from typing import Any

import zmq

from understudy.bridge import Publisher, Subscriber
from understudy.bridge.schema.understudy_fb.Frame import Frame
from understudy.runtime.bench.processes import resident_mb
from understudy.runtime.core.clock import Clock, Histogram
from understudy.runtime.core.processes import free_ports

from .things import SIXTY, small_frame

PATIENCE_S = 120.0


def publish(address: str, rate_hz: str, subjects: str) -> None:
    """Ticks by absolute deadlines, as a stage does; every subject has 60 joints and moves."""
    done = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), done.set()), daemon=True).start()
    frame = small_frame(0, SIXTY, int(subjects))
    clock = Clock(float(rate_hz))
    with Publisher(address) as publisher:
        print(json.dumps({"address": publisher.address}), flush=True)
        for tick in clock.ticks():
            if done.is_set():
                break
            frame.sequence = tick
            frame.subjects[0].pose.positions[0, 0] = tick / 1e3
            frame.capture_ns = frame.publish_ns = time.monotonic_ns()
            publisher.publish(frame)
        print(json.dumps({"published": publisher.published, "late": clock.late}), flush=True)


def listen(address: str, frames: str) -> None:
    """Reads so many ticks, and tells what it got and lost."""
    first = last = None
    with Subscriber(address, timeout_s=PATIENCE_S) as subscriber:
        for frame in subscriber:
            if first is None:
                first = frame.sequence
                print(json.dumps({"first": first}), flush=True)
            last = frame.sequence
            if 0 < int(frames) <= last - first:
                break
        seen = subscriber.statistics
        told = {name: getattr(seen, name) for name in ("frames", "lost", "unresolved", "malformed")}
        print(json.dumps(told | {"first": first, "last": last}), flush=True)


def stamps(address: str, frames: str) -> None:
    """As `listen`, but its latency is the wire's alone: a hundred subjects take ms to decode."""
    latency, lost, last = Histogram(), 0, None
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.linger = 0
        socket.subscribe(b"FRAM")
        socket.connect(address)
        while len(latency) < int(frames):
            message = socket.recv()
            now_ns, frame = time.monotonic_ns(), Frame.GetRootAs(message, 8)
            if last is None:
                print(json.dumps({"first": frame.Sequence()}), flush=True)
            else:
                lost += frame.Published() - last - 1
            last = frame.Published()
            latency.add_ns(now_ns - frame.PublishNs())
    print(json.dumps({"lost": lost, "latency_ms": latency.summary_ms()}), flush=True)


class Program:
    """One of these as a process, its lines as they come; ended with the block."""

    def __init__(self, *words: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.bridge.crowd", *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"ended with status {self.process.wait()}"
        return json.loads(line)

    def finish(self) -> dict[str, Any]:
        """Closes its input; its last line."""
        out, _ = self.process.communicate(timeout=PATIENCE_S)
        return json.loads(out.splitlines()[-1])

    @property
    def resident_mb(self) -> float:
        return resident_mb(self.process.pid)

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()


class Station(Program):
    """A publisher at so many ticks a second; `address` is where."""

    def __init__(self, rate_hz: float = 120.0, subjects: int = 1, address: str = "") -> None:
        address = address or f"tcp://127.0.0.1:{free_ports(1)[0]}"
        super().__init__("publish", address, rate_hz, subjects)
        self.address = self.line()["address"]


class Crowd:
    """So many subscribers that listen, each a process; all have their first frame at the start."""

    def __init__(self, address: str, count: int, frames: int = 0) -> None:
        self.members = [Program("listen", address, frames) for _ in range(count)]

    def __enter__(self) -> Crowd:
        for member in self.members:
            member.line()
        return self

    def finish(self) -> list[dict[str, Any]]:
        return [member.finish() for member in self.members]

    def __exit__(self, *_: object) -> None:
        for member in self.members:
            member.__exit__()


if __name__ == "__main__":
    {"publish": publish, "listen": listen, "stamps": stamps}[sys.argv[1]](*sys.argv[2:])
