"""A stream over TCP, as datagrams: whoever sends connects to us, or we to whoever sends.

It is read once a tick without waiting, like a UDP port, and gives what a source reads there: whole
messages, which the codec cuts out of the stream. A connection that ends is made or awaited anew.
"""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Callable
from typing import Any

from understudy.bridge.protocols import ProtocolError
from understudy.runtime.core.errors import UnderstudyError

from .datagrams import BUFFER_BYTES, Datagram, Due, Heard, refusal
from .endpoint import Endpoint

# What is whole of a stream, and how many bytes that takes; raises ProtocolError where nothing can
# be cut out of it.
Cut = Callable[[bytes], tuple[list[bytes], int]]
# At most so much is read a tick, and kept of a message that is not whole.
MOST_BYTES, LARGEST = 1 << 18, 1 << 20
MOST_PEERS = 16
# A connection that fails is tried again after so long.
AGAIN_S = 1.0
_WAITS = (errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN, errno.EALREADY)


class _Peer:
    """One connection."""

    def __init__(self, one: socket.socket, address: tuple) -> None:
        self.socket, self.address = one, address
        self.rest = b""


class TcpPort:
    """A `datagrams.Receiver` over TCP. server: whom we connect to, "" where they connect to us."""

    def __init__(
        self,
        endpoint: Endpoint,
        server: str,
        cut: Cut,
        heard: Heard | None = None,
        due: Due | None = None,
    ) -> None:
        self._tell, self._cut, self._due = heard, cut, due or Due()
        self.where = where(endpoint, server)
        self.tick_ns = 0
        self._now_s, self._heard = float("nan"), list[Datagram]()
        self._peers: list[_Peer] = []
        self._ears: socket.socket | None = None
        self._coming: socket.socket | None = None
        self._server, self._again_s = server, float("-inf")
        self._address: tuple[socket.AddressFamily, Any] = _resolved(endpoint, server)
        if not server:
            family, address = self._address
            self._ears = socket.socket(family, socket.SOCK_STREAM)
            try:
                self._ears.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                self._ears.setblocking(False)
                self._ears.bind(address)
                self._ears.listen(MOST_PEERS)
            except OSError as error:
                self._ears.close()
                raise UnderstudyError(refusal(endpoint, error, "tcp")) from None

    def poll(self, now_s: float) -> list[Datagram]:
        """The whole messages that came since the tick before."""
        if now_s != self._now_s:
            self._now_s, self.tick_ns = now_s, self._due.ns(now_s)
            self._meet(now_s)
            self._heard = [one for peer in list(self._peers) for one in self._read(peer)]
            if self._tell is not None:
                self._tell(self.where, self.tick_ns, self._heard)
        return self._heard

    def send(self, data: bytes, to: tuple[str, int]) -> None:
        """Nobody is asked over a stream."""

    def _meet(self, now_s: float) -> None:
        """Takes who comes, or goes on connecting."""
        if self._ears is not None:
            with contextlib.suppress(OSError):
                while True:
                    one, address = self._ears.accept()
                    if len(self._peers) >= MOST_PEERS:
                        one.close()
                        continue
                    self._welcome(one, address)
            return
        if self._peers:
            return
        if self._coming is None and now_s >= self._again_s:
            self._again_s = now_s + AGAIN_S
            self._coming = socket.socket(self._address[0], socket.SOCK_STREAM)
            self._coming.setblocking(False)
        if self._coming is not None:
            state = self._coming.connect_ex(self._address[1])
            if state in (0, errno.EISCONN):
                one, self._coming = self._coming, None
                self._welcome(one, self._address[1])
            elif state not in _WAITS or now_s > self._again_s + 4.0 * AGAIN_S:
                self._coming.close()
                self._coming = None

    def _welcome(self, one: socket.socket, address: tuple) -> None:
        one.setblocking(False)
        with contextlib.suppress(OSError):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self._peers.append(_Peer(one, address[:2]))

    def _read(self, peer: _Peer) -> list[Datagram]:
        came, ended = peer.rest, False
        try:
            while len(came) < MOST_BYTES:
                more = peer.socket.recv(MOST_BYTES)
                if not more:
                    ended = True
                    break
                came += more
        except BlockingIOError:
            pass
        except OSError:
            ended = True
        # Messages of one tick are stamped one after the other: a stream has no kernel's stamps.
        now_ns = self.tick_ns
        try:
            found, used = self._cut(came)
            peer.rest = came[used:]
            if len(peer.rest) > LARGEST:
                raise ProtocolError("A message in a stream is longer than any of its protocol.")
        except ProtocolError:
            # What the stream says there is shown by the source, which cannot read it either.
            found, ended = [came[:256]], True
        if ended:
            peer.socket.close()
            self._peers.remove(peer)
            self._again_s = self._now_s + AGAIN_S
        return [
            Datagram(data, peer.address, now_ns + n - len(found)) for n, data in enumerate(found)
        ]

    def close(self) -> None:
        for one in (self._ears, self._coming, *(peer.socket for peer in self._peers)):
            if one is not None:
                one.close()


def where(endpoint: Endpoint, server: str) -> str:
    """The port in words: "tcp 9763", of whom we connect to with the address."""
    return f"tcp {endpoint.port} of {server}" if server else endpoint.where.replace("udp", "tcp", 1)


def _resolved(endpoint: Endpoint, server: str) -> tuple[socket.AddressFamily, Any]:
    host = server or endpoint.host
    try:
        found = socket.getaddrinfo(host, endpoint.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        raise UnderstudyError(
            f"No address is known for host {host!r} of {endpoint.text}."
        ) from None
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    return found[0][0], found[0][4]
