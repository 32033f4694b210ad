"""Frames out to any number of outputs, each at its own rate and delay, none holding up another.

An output is a module with PORT, HOST, Options (a struct over `target.OutputOptions`) and OUTPUT, a
class of (target) that is an `Encoder`. Those of other packages join by an entry point of the group
`understudy.outputs`, whose name is the scheme: docs/architecture.md.

UDP to a full or missing receiver never waits: the datagram is lost and counted; a host's name is
asked for in a thread. What an output cannot send costs that output the frame and nobody else
anything.
"""

from __future__ import annotations

import functools
import socket
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from understudy.bridge.protocols import ProtocolError, opentrackio_packet
from understudy.runtime.core import plugins, ports
from understudy.runtime.core.clock import Histogram
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import Frame

from . import freed, livelinkface, opentrackio, rokoko, target, vmc
from .resolver import Address, Resolver, is_number
from .scene import Absent
from .target import Target

# Frames that wait for their delay; ten seconds at 200 Hz.
LONGEST_QUEUE = 2048


class Encoder(Protocol):
    """What a protocol brings; time_s is the sender's own, from its start."""

    def message(self, frame: Frame, time_s: float) -> Any:
        """The frame in the protocol's own dataclass."""

    def datagrams(self, frame: Frame, time_s: float) -> list[bytes]:
        """The same, packed."""
        ...


KNOWN: dict[str, Any] = {
    "vmc": vmc,
    "freed": freed,
    "opentrackio": opentrackio,
    "livelinkface": livelinkface,
    "rokoko": rokoko,
}
# What a module of another package must have.
MEMBERS = ("PORT", "HOST", "Options", "OUTPUT")


@functools.cache
def known() -> dict[str, Any]:
    """Our protocols, and those of other packages; one that cannot be loaded costs itself alone."""
    return KNOWN | plugins.load(plugins.OUTPUTS, KNOWN, MEMBERS)


def targets(lines: Iterable[str], file: Path | None = None) -> list[Target]:
    """The outputs that a user names: lines of the command, and a TOML file."""
    named = [target.parse(line, known()) for line in lines]
    return named + (target.read(file, known()) if file else [])


@dataclass(slots=True)
class Counts:
    """What an output has done.

    passed   frames left out for the rate
    late     frames that the queue of delayed ones had no room for
    refused  answers that nobody listens there
    """

    frames: int = 0
    datagrams: int = 0
    bytes: int = 0
    passed: int = 0
    late: int = 0
    errors: int = 0
    refused: int = 0


class Output:
    """One target: what it sends, its socket, when its next frame is due. Owns the socket.

    address  where it sends; () until the host's name is known
    reason   why the last frame was not sent, "" when it was
    age      from a frame's capture to its sending; means something on the stage's machine
    """

    def __init__(self, to: Target) -> None:
        self.target = to
        self.counts = Counts()
        self.reason = ""
        self.age = Histogram()
        module = known()[to.scheme]
        self.encoder: Encoder = plugins.made(lambda: module.OUTPUT(to), to.text)
        if to.scheme == "opentrackio" and to.host == "multicast":
            source = getattr(self.encoder, "source", 1)
            to = target.renamed(to, opentrackio_packet.GROUP.format(source))
        self._waiting: deque[tuple[float, Frame]] = deque()
        self._next_s = float("-inf")
        self._interval_s = 0.0
        self._last_s: float | None = None
        self._connected = False
        self._interface, self._ttl = to.options.interface, to.options.ttl
        self.address: tuple = ()
        self._socket: socket.socket | None = None
        self._resolver: Resolver | None = None
        if is_number(to.host):
            self._open(target.resolve(to))
        else:
            self._resolver = Resolver(to)
            if self._interface:  # a wrong one is known before the name is
                family = socket.AF_INET6 if ":" in self._interface else socket.AF_INET
                with socket.socket(family, socket.SOCK_DGRAM) as trial:
                    self._prepare(trial, family)

    def _open(self, found: Address) -> socket.socket:
        """The socket to an address; one, and so one source port, for good: receivers tell senders
        apart by it."""
        family, self.address = found
        one = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._prepare(one, family)
        except BaseException:
            one.close()
            raise
        self._socket = one
        return one

    def _prepare(self, one: socket.socket, family: socket.AddressFamily) -> None:
        one.setblocking(False)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        card = self._interface
        try:
            if family == socket.AF_INET:
                one.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, self._ttl)
                if card:
                    one.setsockopt(
                        socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(card)
                    )
            if card:
                one.bind((card, 0))
        except OSError:
            there = ", ".join(f"{address} ({name})" for name, address in ports.cards())
            raise UnderstudyError(
                f"Option interface is {card!r}, and no network card of this machine has that "
                f"address{f'; there are {there}' if there else ''}."
            ) from None

    def offer(self, frame: Frame, now_s: float) -> None:
        """Takes a frame that came just now; it waits here for its delay, unless the rate is met."""
        if not self._is_wanted(now_s):
            self.counts.passed += 1
            return
        if len(self._waiting) >= LONGEST_QUEUE:
            self._waiting.popleft()
            self.counts.late += 1
        self._waiting.append((now_s + self.target.options.delay_s, frame))

    def _is_wanted(self, now_s: float) -> bool:
        """Whether a frame that comes now is the nearest to this output's next moment."""
        if self._last_s is not None:
            gap_s = min(1.0, now_s - self._last_s)
            self._interval_s += 0.1 * (gap_s - self._interval_s) if self._interval_s else gap_s
        self._last_s = now_s
        if not self.target.options.rate_hz:
            return True
        # Half a frame early is nearer than half a frame late; so equal rates pass every frame.
        if now_s < self._next_s - 0.5 * self._interval_s:
            return False
        period_s = 1.0 / self.target.options.rate_hz
        self._next_s += period_s
        if self._next_s < now_s:  # the first frame, or one after a silence
            self._next_s = now_s + period_s
        return True

    @property
    def due_s(self) -> float | None:
        """When its next frame is to go; None where none waits."""
        return self._waiting[0][0] if self._waiting else None

    def send_due(self, now_s: float) -> None:
        """Sends what is due. Never waits and never raises."""
        while self._waiting and self._waiting[0][0] <= now_s:
            _, frame = self._waiting.popleft()
            self._send(frame, now_s)

    def _send(self, frame: Frame, now_s: float) -> None:
        line = self._line(now_s)
        if line is None:
            return
        try:
            datagrams = self.encoder.datagrams(frame, now_s)
        except Absent as absent:
            self.reason = str(absent)
            return
        except (UnderstudyError, ProtocolError) as error:
            self.counts.errors += 1
            self.reason = str(error)
            return
        except Exception as error:  # a fault in one output must not silence the others
            self.counts.errors += 1
            self.reason = f"The frame cannot be encoded: {type(error).__name__}: {error}."
            return
        reason = ""
        for data in datagrams:
            try:
                self._put(line, data)
                self.counts.datagrams += 1
                self.counts.bytes += len(data)
            except BlockingIOError:
                self.counts.errors += 1
                reason = "The network takes no more for now, and what it does not take is lost."
            except OSError as error:
                self.counts.errors += 1
                reason = f"The network refuses to send there: {error.strerror}."
        self.reason = reason
        if not reason:
            self.counts.frames += 1
            self.age.add_ns(time.monotonic_ns() - frame.capture_ns)

    def _line(self, now_s: float) -> socket.socket | None:
        """The socket, once the address is known."""
        if self._socket is None and self._resolver is not None:
            found = self._resolver.poll(now_s)
            if found is None:
                self.reason = self._resolver.reason
                self.counts.errors += self._resolver.failed
                return None
            try:
                return self._open(found)
            except (UnderstudyError, OSError) as error:
                self.reason = str(error)
                self.counts.errors += 1
        return self._socket

    def _put(self, line: socket.socket, data: bytes) -> None:
        # Connected, the socket tells when a machine answers that nobody listens there.
        if not self._connected:
            line.connect(self.address)
            self._connected = True
        try:
            line.send(data)
        except ConnectionRefusedError:  # the answer to an earlier datagram; this one was not sent
            self.counts.refused += 1
            line.send(data)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()


class Sender:
    """All outputs, in one loop of one thread."""

    def __init__(self, named: Iterable[Target]) -> None:
        self.outputs: list[Output] = []
        self._start_s = time.monotonic()
        try:
            for one in named:
                self.outputs.append(Output(one))
        except BaseException:
            self.close()
            raise

    def now_s(self) -> float:
        return time.monotonic() - self._start_s

    def offer(self, frame: Frame) -> None:
        """Hands a frame to every output, and sends what is due."""
        now_s = self.now_s()
        for output in self.outputs:
            output.offer(frame, now_s)
        self.send_due()

    def send_due(self) -> None:
        for output in self.outputs:
            output.send_due(self.now_s())

    def wait_s(self, longest_s: float) -> float:
        """How long the loop may wait for a frame before something is due."""
        due = [output.due_s for output in self.outputs if output.due_s is not None]
        return max(0.0, min([longest_s, *(at - self.now_s() for at in due)]))

    def close(self) -> None:
        for output in self.outputs:
            output.close()

    def __enter__(self) -> Sender:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
