"""One subscriber of a stage that is the publisher of many: libzmq's own proxy, and a greeting.

A frame goes from the stage's socket to the listeners' without a line of Python. What Python does
is beside it: it keeps the stage's skeletons and makes them the greeting of every connection, so
that a late joiner has them before its first pose here too.
"""

from __future__ import annotations

import contextlib
import secrets
import struct
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import zmq

from understudy.runtime.core.errors import UnderstudyError

from .publisher import EVENTS_A_TICK, QUEUE
from .security import address as addresses
from .security.access import AccessControl, ConnectionMonitor, SocketMonitor, readable
from .security.handshake import AGAIN_S, Handshake
from .security.keys import Key, read_for_stage
from .security.rights import LISTEN
from .subscriber import LARGEST_MESSAGE
from .wire.envelope import SKELETONS

# Messages from the stage that wait for the proxy; it is there for the moment of a new greeting.
INLET_QUEUE = 128
_GIVEN_UP = zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL


@dataclass(slots=True)
class Passed:
    """What went through: messages and bytes from the stage, each counted once."""

    messages: int = 0
    bytes: int = 0


class Relay:
    """Listens to a stage and publishes the same messages. `turn` it until it is to end.

    here          whether the stage is connected
    trouble       why the stage does not let the relay in, or ""
    stage_connections   how often a stage was connected; from the second on, it was gone in between
    greetings     how often the skeletons changed
    connections          who listens, and who was turned away
    """

    def __init__(
        self,
        source: str,
        publish: str,
        key: Key | str | Path | None = None,
        access: AccessControl | None = None,
        insecure: bool = False,
    ) -> None:
        self.here = False
        self.stage_connections = self.greetings = 0
        self._key = key if isinstance(key, Key) or key is None else read_for_stage(key)
        self._before = Passed()
        self._reopen_s = float("inf")
        self._greeting = b""
        self._thread: threading.Thread | None = None
        context = access.context if access is not None else zmq.Context.instance()
        with contextlib.ExitStack() as undo:

            def opened(kind: int) -> zmq.Socket:
                socket: zmq.Socket = context.socket(kind)
                socket.linger = 0
                undo.callback(socket.close)
                return socket

            # Who listens. Every subscription and its end is told to the stage, which sends the
            # skeletons anew, and sends nothing where nobody is left.
            self._outlet = opened(zmq.XPUB)
            self._outlet.setsockopt(zmq.XPUB_VERBOSER, 1)
            self._outlet.sndhwm = QUEUE
            self._outlet.rcvhwm = EVENTS_A_TICK
            self._outlet.setsockopt(zmq.MAXMSGSIZE, 1024)
            addresses.notice_the_dead(self._outlet)
            self.connections = ConnectionMonitor(self._outlet, access, LISTEN)
            undo.callback(self.connections.close)
            self.address = addresses.bind(
                self._outlet, publish, insecure, "relay", access is not None
            )
            if addresses.is_itself(source, self.address):
                raise UnderstudyError(
                    f"A relay from {source} to {publish} would hear itself; give the stage's "
                    "address with --from and another one with --publish."
                )
            # The stage: one socket for everything, and a small one for the skeletons.
            self._inlet, self._skeletons = opened(zmq.XSUB), opened(zmq.SUB)
            for socket in (self._inlet, self._skeletons):
                socket.rcvhwm = INLET_QUEUE
                socket.setsockopt(zmq.MAXMSGSIZE, LARGEST_MESSAGE)
                socket.reconnect_ivl = 50
                socket.reconnect_ivl_max = 1000
                addresses.notice_the_dead(socket)
            self._skeletons.subscribe(SKELETONS)
            self._handshake = Handshake(self._skeletons, source, self._key)
            undo.callback(self._handshake.close)
            self.source = self._handshake.address
            # Connected last: the proxy's thread has the inlet from now on, and `turn` only hears
            # what libzmq tells of it.
            self._monitor = SocketMonitor(
                self._inlet,
                zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED | _GIVEN_UP,
                kept=0,
            )
            undo.callback(self._monitor.close)
            self._connect()
            steering = f"inproc://relay-{secrets.token_hex(8)}"
            self._steer, self._steered = opened(zmq.PAIR), opened(zmq.PAIR)
            self._steered.bind(steering)
            self._steer.connect(steering)
            self._poller = zmq.Poller()
            for socket in (
                self._skeletons,
                self._handshake.events,
                self._monitor.socket,
                *self.connections.sockets,
            ):
                self._poller.register(socket, zmq.POLLIN)
            self._start()
            undo.callback(self._stop)
            self._undo = undo.pop_all()

    def _connect(self) -> None:
        if self._key is not None:
            self._inlet.curve_serverkey = self._key.server.encode()
            self._inlet.curve_publickey = self._key.public.encode()
            self._inlet.curve_secretkey = self._key.secret.encode()
        addresses.connect(self._inlet, self.source)

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._carry, name="relay", daemon=True)
        self._thread.start()

    def _carry(self) -> None:
        zmq.proxy_steerable(self._inlet, self._outlet, None, self._steered)

    def _stop(self) -> None:
        """Takes the sockets back from the proxy."""
        if self._thread is not None:
            self._before = self.passed
            self._steer.send(b"TERMINATE")
            self._thread.join()
            self._thread = None
            while self._steer.poll(0):  # the proxy's goodbye, an empty message
                self._steer.recv()

    @property
    def trouble(self) -> str:
        return self._handshake.trouble

    @property
    def passed(self) -> Passed:
        """What went through so far; the proxy counts."""
        self._steer.send(b"STATISTICS")
        if not self._steer.poll(1000):
            return self._before
        counts = [struct.unpack("=Q", part)[0] for part in self._steer.recv_multipart()]
        return Passed(self._before.messages + counts[0], self._before.bytes + counts[1])

    def turn(self, timeout_s: float) -> None:
        """Does what is due, and waits at most so long for more."""
        self._poller.poll(int(min(timeout_s, self._handshake.wait_s) * 1e3) + 1)
        self.connections.poll()
        self._handshake.poll()
        while (told := self._monitor.next()) is not None:
            if told[0] & _GIVEN_UP:
                self._reopen_s = time.monotonic() + AGAIN_S
            else:
                self.here = told[0] == zmq.EVENT_HANDSHAKE_SUCCEEDED
                self.stage_connections += self.here
        greeting = self._newest_skeletons()
        again = time.monotonic() >= self._reopen_s
        if greeting != self._greeting or again:
            self._stop()
            if greeting != self._greeting:
                self.greetings += 1
                self._greeting = greeting
                self._outlet.setsockopt(zmq.XPUB_WELCOME_MSG, greeting)
            if again:  # libzmq has given it up
                self._reopen_s = float("inf")
                with contextlib.suppress(zmq.ZMQError):
                    self._inlet.disconnect(self.source)
                self._connect()
            self._start()

    def _newest_skeletons(self) -> bytes:
        greeting = self._greeting
        while readable(self._skeletons):
            parts = self._skeletons.recv_multipart(zmq.NOBLOCK)
            if len(parts) == 1:
                greeting = parts[0]
        return greeting

    def figures(self) -> dict[str, Any]:
        """Everything that was counted so far."""
        return {
            "from": self.source,
            "publish": self.address,
            "stage_connections": self.stage_connections,
            **asdict(self.passed),
            "greetings": self.greetings,
            "listeners": self.connections.standing,
            "connections": self.connections.made,
            "refused_connections": self.connections.refused,
            "refusals": dict(self.connections.refusals),
        }

    def close(self) -> None:
        self._undo.close()

    def __enter__(self) -> Relay:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
