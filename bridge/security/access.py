"""Access to a listening socket: who is let in by which key, for what, and who is turned away.

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

from . import rights
from .keys import Key, Keyring

# Work a tick: an event takes some 5 us, a question about a key 50.
EVENTS_A_TICK = 64
QUESTIONS_A_TICK = 8
# How soon a list that has changed holds.
RENEWAL_S = 0.5
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
FORBIDDEN = "with a key that may not {}"

# What libzmq is told of a key, and tells its owner. Only these two codes travel; the second is for
# a key that is let in elsewhere (RFC 27 has none for that), and says so on both sides.
NOT_LET_IN, NOT_HERE = 400, 500
# The domain of a socket that judges every request by itself: any right opens it.
_POLLIN = int(zmq.POLLIN)  # as a number: an enumeration's operators take microseconds
_ANY = "any"

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
    """Lets in the keys of a keyring's list, each for its rights; both may change at any time.

    It guards the sockets of one context, its own where none is given; libzmq asks one a
    context. A key that is taken off the list, or loses the right that a socket needs, is cut off
    within a second: connections from where it came are closed, and whoever is still let in is back
    at once. A message's User-Id is the public key that it came with.

    admitted, denied   connections by their keys
    last_denied        by the reason: the last key that was turned away, and its address
    """

    def __init__(self, keyring: Keyring, context: zmq.Context | None = None) -> None:
        self.key: Key = keyring.stage()
        self.admitted = self.denied = 0
        self.last_denied: dict[str, tuple[str, str]] = {}
        self.context = context or zmq.Context()
        self._owns_context = context is None
        self._keyring = keyring
        self._fingerprint = keyring.fingerprint()
        self._news: list[str] = []
        self._told: set[str] = set()
        self._listed = self._read()
        self._came_from: dict[tuple[str, str], set[str]] = {}  # by domain and public key
        self._monitors: list[tuple[str, ConnectionMonitor]] = []
        self._renewal_s = 0.0
        self._mutex = threading.Lock()  # sockets that share it may be of different threads
        self.questions: zmq.Socket = self.context.socket(zmq.REP)
        self.questions.linger = 0
        self.questions.bind("inproc://zeromq.zap.01")

    def __len__(self) -> int:
        """How many keys are let in."""
        return len(self._listed)

    def guard(self, socket: zmq.Socket, connections: ConnectionMonitor, right: str) -> None:
        """Makes a socket ask for keys that have a right, "" for any; before it binds."""
        socket.curve_server = True
        socket.curve_publickey = self.key.public.encode()
        socket.curve_secretkey = self.key.secret.encode()
        socket.zap_domain = (right or _ANY).encode()
        self._monitors.append((right or _ANY, connections))

    def may(self, public: str) -> frozenset[str]:
        """What a key may do at this moment; nothing, where it is not on the list."""
        key = self._listed.get(public)
        return frozenset() if key is None or key.may is None else key.may

    def refusal(self, public: str, right: str) -> str:
        """ "" where a key has a right ("": any), else a sentence."""
        may = self.may(public)
        if right in may or (not right and may):
            return ""
        if not may:
            return "This key is let in no more."
        name = self.name(public)
        lets = rights.text({*may, right}).replace(", ", ",")
        return (
            f"The key {name!r} may {rights.text(may)}, and not {right}: on the stage's machine "
            f"`understudy keys may {name} {lets}` lets it."
        )

    def name(self, public: str) -> str:
        """What a key is called on the list, or its beginning."""
        return self._listed[public].name if public in self._listed else f"{public[:6]}..."

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
        version, number, domain, address, _, mechanism, *credentials = question
        public = ""
        if mechanism == b"CURVE" and credentials and len(credentials[0]) == 32:
            public = z85.encode(credentials[0]).decode()
        asked, where = domain.decode("ascii", "replace"), address.decode("ascii", "replace")
        if self._opens(public, asked):
            self.admitted += 1
            self._came_from.setdefault((asked, public), set()).add(_plain(where))
            reply = [b"200", b"", public.encode(), b""]
        else:
            self.denied += 1
            listed = bool(self.may(public))
            self.last_denied[FORBIDDEN.format(asked) if listed else UNLISTED] = (
                self.name(public),
                where,
            )
            code = str(NOT_HERE if listed else NOT_LET_IN).encode()
            reply = [code, b"This key is not let in.", b"", b""]
        self.questions.send_multipart([version, number, *reply])

    def _opens(self, public: str, domain: str) -> bool:
        may = self.may(public)
        return domain in may or (domain == _ANY and bool(may))

    def renew(self) -> None:
        """Reads the list again if it has changed, and cuts off whom it no longer lets in."""
        self._renewal_s = time.monotonic() + RENEWAL_S
        fingerprint = self._keyring.fingerprint()
        if fingerprint == self._fingerprint:
            return
        self._fingerprint = fingerprint
        self._listed = self._read()
        for domain, public in list(self._came_from):
            if self._opens(public, domain):
                continue
            addresses = self._came_from.pop((domain, public))
            for theirs, connections in self._monitors:
                if theirs == domain:
                    connections.cut(addresses)

    def _read(self) -> dict[str, Key]:
        """The list by public keys; what is wrong with it is news."""
        listed, sentences = self._keyring.listed()
        self._news += [one for one in sentences if one not in self._told]
        self._told.update(sentences)
        return {key.public: key for key in listed.values()}

    def news(self) -> list[str]:
        """What is to be said of the list's files, each sentence once."""
        news, self._news = self._news, []
        return news

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

    def __init__(
        self, socket: zmq.Socket, access: AccessControl | None = None, right: str = ""
    ) -> None:
        """right: what a key needs for the whole socket; "" where any right opens it."""
        self.made = self.left = 0
        self.refusals: dict[str, int] = {}
        self._access = access
        self._forbidden = FORBIDDEN.format(right)
        self._told: dict[str, int] = {}
        self._open: dict[int, bool] = {}  # by file descriptor: whether its greeting is done
        self._blamed = False
        socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
        self._monitor = SocketMonitor(socket, _HEARD, _EVENTS_KEPT)
        if access is not None:
            access.guard(socket, self, right)

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
            return self._forbidden if value == NOT_HERE else UNLISTED
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
                if self._access is not None and why in self._access.last_denied:
                    parts[-1] += " ({} from {})".format(*self._access.last_denied[why])
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
    return int(socket.getsockopt(zmq.EVENTS)) & _POLLIN != 0


def take(socket: zmq.Socket) -> bytes | None:
    """A message that has come; None when none has."""
    if not readable(socket):
        return None
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
