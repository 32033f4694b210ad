"""What the tests of network sources share: a receiver that is told what to hear, ports."""

from __future__ import annotations

import socket

from understudy.runtime.sources import endpoint, registry
from understudy.runtime.sources.datagrams import Datagram

ANN, BOB = ("10.0.0.7", 5001), ("10.0.0.8", 5002)
TICK_S = 1 / 60


class Told:
    """A receiver that hears what a test says, each datagram 1 ms after the one before."""

    where = "udp 39539"

    def __init__(self) -> None:
        self._said: list[Datagram] = []
        self._now_ns = 10**12
        self.tick_ns = 10**15
        self.closed = False
        self.sent: list[tuple[bytes, tuple]] = []

    def say(self, *datagrams: bytes, peer: tuple = ANN, after_s: float = 0.001) -> None:
        for data in datagrams:
            self._now_ns += round(after_s * 1e9)
            self._said.append(Datagram(data, peer, self._now_ns))

    def wait(self, until_s: float) -> None:
        """What is said next comes at a time since the first."""
        self._now_ns = max(self._now_ns, 10**12 + round(until_s * 1e9))

    def poll(self, now_s: float) -> list[Datagram]:
        said, self._said = self._said, []
        return said

    def send(self, data: bytes, to: tuple) -> None:
        self.sent.append((data, to))

    def close(self) -> None:
        self.closed = True


def source(line: str):
    """The source of a line, and the receiver that it has."""
    named = endpoint.parse(line, registry.KNOWN)
    receiver = Told()
    return registry.KNOWN[named.scheme].SOURCE(named, receiver), receiver


def free_udp_ports(count: int) -> list[int]:
    """UDP ports of the loopback interface that nobody listens on at this moment."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
