"""Access to a listening socket: who is let in by which key, and what is turned away, counted.

`AccessControl` answers libzmq's question whether a public key is let in (ZAP,
rfc.zeromq.org/spec/27). `ConnectionMonitor` reads what libzmq tells of connections on one socket
(zmq_socket_monitor). Both are polled by the sockets' own thread, between frames: a bounded piece of
work, and no thread beside the loop.
"""

from __future__ import annotations

import contextlib
import secrets
import socket as tcp
import struct
import threading
import time

import zmq
from zmq.utils import z85

from .keys import Key, Keyring

# Work a tick: an event takes some 5 us, a question about a key 50.
EVENTS_A_TICK = 64
QUESTIONS_A_TICK = 8
# How soon a key that is taken off the list is cut off.
RENEWAL_S = 1.0
# A peer that has not said who it is by then is hung up on.
HANDSHAKE_MS = 10_000
# Told and not yet read. When it is full, libzmq waits for the reader instead of taking memory.
_EVENTS_KEPT = 20_000

GARBAGE = "that spoke no ZeroMQ"
BROKEN_OFF = "that broke off the greeting"
BROKEN_OFF_KEYED = "that broke off the greeting, perhaps for want of a key"
KEYLESS = "without a key"
NEEDLESS_KEY = "with a key, where none is asked for"
FALSE = "with a key for another stage, or with bytes sent before"
UNLISTED = "with a key that is not let in"

_FAILURES = {
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL,
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL,
    zmq.EVENT_HANDSHAKE_FAILED_AUTH,
}
_HEARD = zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_SUCCEEDED
for _event in _FAILURES:
    _HEARD |= _event


class SocketMonitor:
    """What libzmq tells of a socket's connections, read without waiting."""

    def __init__(self, socket: zmq.Socket, events: int, kept: int) -> None:
        self._told = socket
        address = f"inproc://monitor-{secrets.token_hex(8)}"
        self.socket: zmq.Socket = socket.context.socket(zmq.PAIR)
        self.socket.linger = 0
        self.socket.rcvhwm = kept
        socket.monitor(address, events)
        self.socket.connect(address)

    def next(self) -> tuple[int, int] | None:
        """The next event and its value; None when nothing happened."""
        if not readable(self.socket):
            return None
        told, _ = self.socket.recv_multipart(zmq.NOBLOCK)
        event, value = struct.unpack("=Hi", told)
        return event, value

    def close(self) -> None:
        """Before the socket itself closes."""
        if not self.socket.closed:
            self._told.disable_monitor()
            self.socket.close()


class AccessControl:
    """Lets in the keys of a keyring's list, which may change at any time.

    It guards the sockets of one context, its own where none is given; libzmq asks one a
    context. A key that is taken off the list is cut off within a second: connections from where it
    came are closed, and whoever is still let in is back at once.

    admitted, denied   connections by their keys
    last_denied        the beginning of the last key that was not let in, and its address
    """

    def __init__(self, keyring: Keyring, context: zmq.Context | None = None) -> None:
        self.key: Key = keyring.stage()
        self.admitted = self.denied = 0
        self.last_denied = ("", "")
        self.context = context or zmq.Context()
        self._owns_context = context is None
        self._keyring = keyring
        self._fingerprint = keyring.fingerprint()
        self._names = {public: name for name, public in keyring.allowed().items()}
        self._came_from: dict[str, set[str]] = {}
        self._monitors: list[ConnectionMonitor] = []
        self._renewal_s = 0.0
        self._mutex = threading.Lock()  # sockets that share it may be of different threads
        self.questions: zmq.Socket = self.context.socket(zmq.REP)
        self.questions.linger = 0
        self.questions.bind("inproc://zeromq.zap.01")

    def __len__(self) -> int:
        """How many keys are let in."""
        return len(self._names)

    def guard(self, socket: zmq.Socket, connections: ConnectionMonitor) -> None:
        """Makes a socket ask for keys; before it binds."""
        socket.curve_server = True
        socket.curve_publickey = self.key.public.encode()
        socket.curve_secretkey = self.key.secret.encode()
        socket.zap_domain = b"understudy"
        self._monitors.append(connections)

    def poll(self) -> None:
        """Answers what waits, a bounded piece of it."""
        if not self._mutex.acquire(blocking=False):
            return
        try:
            if time.monotonic() >= self._renewal_s:
                self.renew()
            for _ in range(QUESTIONS_A_TICK):
                if not readable(self.questions):
                    return
                self._answer(self.questions.recv_multipart(zmq.NOBLOCK))
        finally:
            self._mutex.release()

    def _answer(self, question: list[bytes]) -> None:
        self.renew()
        version, number, _, address, _, mechanism, *credentials = question
        public = ""
        if mechanism == b"CURVE" and credentials and len(credentials[0]) == 32:
            public = z85.encode(credentials[0]).decode()
        name = self._names.get(public)
        if name is None:
            self.denied += 1
            self.last_denied = (public[:6], address.decode("ascii", "replace"))
            reply = [b"400", b"This key is not let in.", b"", b""]
        else:
            self.admitted += 1
            self._came_from.setdefault(public, set()).add(_plain(address.decode("ascii")))
            reply = [b"200", b"", name.encode(), b""]
        self.questions.send_multipart([version, number, *reply])

    def renew(self) -> None:
        """Reads the list again if it has changed, and cuts off who is no longer on it."""
        self._renewal_s = time.monotonic() + RENEWAL_S
        fingerprint = self._keyring.fingerprint()
        if fingerprint == self._fingerprint:
            return
        self._fingerprint = fingerprint
        self._names = {public: name for name, public in self._keyring.allowed().items()}
        for public in self._came_from.keys() - self._names.keys():
            addresses = self._came_from.pop(public)
            for connections in self._monitors:
                connections.cut(addresses)

    def close(self) -> None:
        """After the sockets that it guards."""
        self.questions.close()
        if self._owns_context:
            self.context.term()

    def __enter__(self) -> AccessControl:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class ConnectionMonitor:
    """Counts who comes through a listening socket and who does not. To be made before it binds.

    made, left   connections that came to stand, and those of them that ended
    refusals     connections turned away, by the words above
    """

    def __init__(self, socket: zmq.Socket, access: AccessControl | None = None) -> None:
        self.made = self.left = 0
        self.refusals: dict[str, int] = {}
        self._access = access
        self._told: dict[str, int] = {}
        self._open: dict[int, bool] = {}  # by file descriptor: whether its greeting is done
        self._blamed = False
        socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
        self._monitor = SocketMonitor(socket, _HEARD, _EVENTS_KEPT)
        if access is not None:
            access.guard(socket, self)

    @property
    def refused(self) -> int:
        return sum(self.refusals.values())

    @property
    def standing(self) -> int:
        """Connections whose greeting is done."""
        return sum(self._open.values())

    @property
    def sockets(self) -> list[zmq.Socket]:
        """Readable when there is something to poll for."""
        return [self._monitor.socket] + ([] if self._access is None else [self._access.questions])

    def poll(self) -> None:
        """Reads what happened, a bounded piece of it. Never waits."""
        for _ in range(EVENTS_A_TICK):
            told = self._monitor.next()
            if told is None:
                break
            self._note(*told)
        if self._access is not None:
            self._access.poll()

    def _note(self, event: int, value: int) -> None:
        """Of a greeting's end libzmq does not tell whose it was.

        A failure is followed by its connection's end. A success is the newest connection's whose
        greeting is not done; if that one then fails, it was another's.
        """
        if event == zmq.EVENT_ACCEPTED:
            self._open[value] = False
        elif event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            self.made += 1
            self._greeted()
        elif event in _FAILURES:
            self._blamed = True
            self._refuse(self._why(event, value))
        elif event == zmq.EVENT_DISCONNECTED:
            blamed, self._blamed = self._blamed, False
            greeted = self._open.pop(value, True)
            if blamed and greeted:
                self._greeted()
            elif greeted:
                self.left += 1
            elif not blamed:
                self._refuse(GARBAGE)

    def _greeted(self) -> None:
        for number in reversed(self._open):
            if not self._open[number]:
                self._open[number] = True
                return

    def _why(self, event: int, value: int) -> str:
        if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
            return UNLISTED
        if event == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL:
            return BROKEN_OFF if self._access is None else BROKEN_OFF_KEYED
        if value == zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH:
            return NEEDLESS_KEY if self._access is None else KEYLESS
        return GARBAGE if self._access is None else FALSE

    def _refuse(self, why: str) -> None:
        self.refusals[why] = self.refusals.get(why, 0) + 1

    def news(self) -> str:
        """What was turned away since the last call, for people; "" where nothing was."""
        new = {why: n - self._told.get(why, 0) for why, n in self.refusals.items()}
        self._told = dict(self.refusals)
        parts = []
        for why, count in new.items():
            if count:
                parts.append(f"{count} {why}")
                if why == UNLISTED and self._access is not None:
                    parts[-1] += " ({}... from {})".format(*self._access.last_denied)
        return "refused connections: " + ", ".join(parts) if parts else ""

    def cut(self, addresses: set[str]) -> None:
        """Ends all connections from these addresses; libzmq notices and cleans up."""
        for number in list(self._open):
            with contextlib.suppress(OSError, ValueError):
                # libzmq's descriptor, borrowed: never closed here.
                connection = tcp.socket(fileno=number)
                try:
                    if _plain(str(connection.getpeername()[0])) in addresses:
                        connection.shutdown(tcp.SHUT_RDWR)
                finally:
                    connection.detach()

    def close(self) -> None:
        """Before the socket itself closes."""
        self._monitor.close()


def readable(socket: zmq.Socket) -> bool:
    """Whether a message waits; a microsecond, where an attempt to receive takes several."""
    return bool(int(socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN)


def take(socket: zmq.Socket) -> bytes | None:
    """A message that has come; None when none has."""
    try:
        message: bytes = socket.recv(zmq.NOBLOCK)
    except zmq.Again:
        return None
    while socket.getsockopt(zmq.RCVMORE):  # ours have one part; whatever this is, it is not ours
        message = b"?"
        socket.recv()
    return message


def _plain(address: str) -> str:
    return address.removeprefix("::ffff:")
