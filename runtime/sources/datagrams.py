"""A UDP port that the stage listens on, and what one source has heard there.

A tick never waits for the network and never reads more than a set number of datagrams. Each comes
with the moment at which the kernel had it, not the tick's: motion is sampled at uneven times
otherwise, and two frames that came within one tick would seem to be of one moment. What came after
a tick was due is the next one's, even if this one is late: else a late tick would seem to show that
datagrams can come sooner than they do, and those after it would be missed.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from understudy.bridge.protocols import ProtocolError
from understudy.runtime.core import ports
from understudy.runtime.core.errors import UnderstudyError

from .endpoint import Endpoint

# A VMC frame of single messages is 120 datagrams; a tick of 30 Hz holds two such frames.
MOST_A_TICK = 256
BUFFER_BYTES = 1 << 20
LARGEST = 65535
# The sender that was there first is followed until it has been silent for so long.
SILENT_S = 1.0
# From another port of the same address, after so long a silence of the one that is followed, it is
# the same sender: some programs open a socket for every message.
MOVED_NS, MOST_PORTS = 10**8, 256
# Shorter silences need no word for the crew: the subject's state tells them.
QUIET_S = 0.5
# Linux: the kernel's time of arrival comes along as ancillary data, a timespec.
_STAMPS = 35 if sys.platform == "linux" else 0
_TIMESPEC = struct.Struct("qq")
_ROOM = 64


@dataclass(slots=True)
class Datagram:
    """What came, from whom, and when, on the monotonic clock."""

    data: bytes
    peer: tuple
    arrived_ns: int


class Receiver(Protocol):
    """Where datagrams come from: a port, or a test."""

    where: str
    tick_ns: int  # when the tick was due, on the monotonic clock

    def poll(self, now_s: float) -> list[Datagram]: ...

    def send(self, data: bytes, to: tuple[str, int]) -> None: ...

    def close(self) -> None: ...


# Where, when the tick was due, and what was heard by then.
Heard = Callable[[str, int, list[Datagram]], None]


class Due:
    """When ticks are due, on the monotonic clock: one for all ports of a stage.

    Ticks are due at even times, and the one that was least late tells when. A port that is read
    after others would else show a later moment than they do.
    """

    def __init__(self) -> None:
        self._start_ns = 1 << 62

    def ns(self, now_s: float) -> int:
        """When the tick of this time was due."""
        after_ns = round(now_s * 1e9)
        self._start_ns = min(self._start_ns, time.monotonic_ns() - after_ns)
        return self._start_ns + after_ns


class Port:
    """A UDP socket that is read once a tick, however many sources hang on it.

    group is a multicast group to join, by the network card of address `card`; heard is told at
    every tick what came.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        group: str = "",
        card: str = "",
        heard: Heard | None = None,
        due: Due | None = None,
    ) -> None:
        self._tell, self._due = heard, due or Due()
        self.where = f"udp {endpoint.port} of {group}" if group else endpoint.where
        self._buffer = bytearray(LARGEST)
        self._view = memoryview(self._buffer)
        self._now_s, self._heard = float("nan"), list[Datagram]()
        self._early: list[Datagram] = []
        self.tick_ns = 0
        self._group, self._card = group, card
        self._mouth: socket.socket | None = None
        family, address = _address(endpoint, group)
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
            if group:
                _join(self._socket, endpoint, group, card)
            self._socket.bind(address)
            _stamp(self._socket)
        except OSError as error:
            self._socket.close()
            raise UnderstudyError(refusal(endpoint, error)) from None
        except BaseException:
            self._socket.close()
            raise

    def poll(self, now_s: float) -> list[Datagram]:
        """What came since the tick before; the same again when asked again in the same tick."""
        if now_s != self._now_s:
            self._now_s, self.tick_ns = now_s, self._due.ns(now_s)
            came = self._early + self._read()
            self._heard = [one for one in came if one.arrived_ns <= self.tick_ns]
            self._early = [one for one in came if one.arrived_ns > self.tick_ns]
            if self._tell is not None:
                self._tell(self.where, self.tick_ns, self._heard)
        return self._heard

    def send(self, data: bytes, to: tuple[str, int]) -> None:
        """Asks somebody for something, once; what is answered is heard here.

        A group's port hears what is sent to the group alone, so it asks by a socket of its own.
        """
        if self._group and self._mouth is None:
            self._mouth = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._mouth.setblocking(False)
            with contextlib.suppress(OSError):
                self._mouth.bind((self._card, 0))
            _stamp(self._mouth)
        with contextlib.suppress(OSError):  # no way to it now: whoever asks will ask again
            (self._mouth or self._socket).sendto(data, to)

    def _read(self) -> list[Datagram]:
        heard = self._read_from(self._socket)
        return heard + self._read_from(self._mouth) if self._mouth is not None else heard

    def _read_from(self, one: socket.socket) -> list[Datagram]:
        heard: list[Datagram] = []
        now_ns, wall_ns = time.monotonic_ns(), time.time_ns()
        for _ in range(MOST_A_TICK):
            try:
                if _STAMPS:
                    size, stamps, _, peer = one.recvmsg_into([self._buffer], _ROOM)
                else:  # Windows has no recvmsg
                    stamps, (size, peer) = [], one.recvfrom_into(self._buffer)
            except OSError:  # nothing more; or news of what somebody else sent, which is not ours
                break
            # Without the kernel's word all came just in time, one after the other.
            arrived_ns = self.tick_ns + len(heard) - MOST_A_TICK
            for level, kind, data in stamps:
                if (level, kind) == (socket.SOL_SOCKET, _STAMPS) and len(data) == _TIMESPEC.size:
                    seconds, rest_ns = _TIMESPEC.unpack(data)
                    age_ns = wall_ns - (seconds * 10**9 + rest_ns)
                    # Below 0: it came while we read. A wall clock that was set tells nothing.
                    if -(10**7) < age_ns < 10**9:
                        arrived_ns = now_ns - age_ns
            heard.append(Datagram(bytes(self._view[:size]), peer[:2], arrived_ns))
        return heard

    def close(self) -> None:
        self._socket.close()
        if self._mouth is not None:
            self._mouth.close()


def _stamp(one: socket.socket) -> None:
    """Has the kernel say when each datagram came, where it can."""
    if _STAMPS:
        with contextlib.suppress(OSError):
            one.setsockopt(socket.SOL_SOCKET, _STAMPS, 1)


class SharedPort:
    """A port that several sources read; it closes with the last of them."""

    def __init__(self, port: Port) -> None:
        self.port, self.users, self.closed = port, 0, False

    def share(self) -> Share:
        """A receiver for one more source."""
        self.users += 1
        return Share(self)

    def leave(self) -> None:
        """One source less."""
        self.users -= 1
        if not self.users:
            self.closed = True
            self.port.close()


class Share:
    """One source's share of a port: a Receiver."""

    def __init__(self, shared: SharedPort) -> None:
        self._shared, self._open = shared, True
        self.where = shared.port.where
        self.poll, self.send = shared.port.poll, shared.port.send

    @property
    def tick_ns(self) -> int:
        return self._shared.port.tick_ns

    @property
    def trouble(self) -> str:
        """Why nothing can come, of a port that can tell; else ""."""
        return str(getattr(self._shared.port, "trouble", ""))

    def close(self) -> None:
        if self._open:
            self._open = False
            self._shared.leave()


def _address(endpoint: Endpoint, group: str) -> tuple[socket.AddressFamily, Any]:
    if group:
        # Bound to the group itself, a socket hears nothing of other groups on the same port;
        # Windows cannot do that.
        return socket.AF_INET, ("" if sys.platform == "win32" else group, endpoint.port)
    try:
        found = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_DGRAM)
    except (socket.gaierror, UnicodeError):
        raise UnderstudyError(
            f"No address is known for host {endpoint.host!r} of {endpoint.text}; give the address "
            "of one of this machine's network cards, or 0.0.0.0 for all of them."
        ) from None
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    return found[0][0], found[0][4]


def _join(sock: socket.socket, endpoint: Endpoint, group: str, card: str) -> None:
    # Every program that has joined hears all, so several may.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        membership = socket.inet_aton(group) + socket.inet_aton(card or "0.0.0.0")
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
    except OSError:
        if card:
            raise UnderstudyError(
                f"Option interface is {card!r}, and no network card of this machine that takes "
                f"multicast has that address{_cards()}."
            ) from None
        raise UnderstudyError(
            f"{endpoint.text}: no network card of this machine takes multicast; name one with "
            f"interface={_cards()}."
        ) from None


def _cards() -> str:
    there = ", ".join(f"{address} ({name})" for name, address in ports.cards())
    return f"; there are {there}" if there else ""


def refusal(endpoint: Endpoint, error: OSError, kind: str = "udp") -> str:
    """The sentence about a port that cannot be listened on."""
    if error.errno == errno.EADDRINUSE:
        who = ports.owner(endpoint.port, kind) or "another program"
        return (
            f"Port {endpoint.port} of {endpoint.text} is taken by {who}, and two programs cannot "
            f"hear one {kind.upper()} port; end that program, or let the sender send to another "
            "port."
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return (
            f"{endpoint.text}: this machine has no address {endpoint.host}{_cards()}; 0.0.0.0 is "
            "all of them."
        )
    return f"{endpoint.text} cannot be listened on: {error.strerror}."


class Reception:
    """What one source makes of its port: whom it follows, and what it counts.

    A source that hears several things, such as cameras with numbers, follows one sender for each:
    that is their key.

    datagrams  all that came to the port
    frames     whole messages, whatever the protocol calls them
    damaged    datagrams that are not of the protocol
    others     datagrams of a sender that is not followed, since another was there first
    repeated   frames that came before: by two ways, or from a sender that says all twice
    heard_ns   when the last good one came, on the monotonic clock; 0: never
    """

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self.datagrams = self.frames = self.damaged = self.others = self.repeated = 0
        self.heard_ns = 0
        self.fault, self.unread = "", b""  # of what could not be read last
        self.remarks: list[str] = []  # what else a source has to say of what it hears
        self._fault_peer: tuple = ()
        self._other_peer: tuple = ()
        self._last_peer: tuple = ()  # of who is followed
        self._senders: dict[int, tuple[tuple, float]] = {}
        self._ports: dict[tuple, tuple[int, int]] = {}  # of everybody: first and last heard, ns
        self._roaming: set[str] = set()  # hosts that send from another port every time
        self._heard_s = self._now_s = float("-inf")
        self._fault_s = self._other_s = float("-inf")

    def poll(self, now_s: float) -> list[Datagram]:
        """What came since the tick before."""
        self._now_s = now_s
        heard = self.receiver.poll(now_s)
        self.datagrams += len(heard)
        return heard

    def sender(self, key: int = 0) -> tuple:
        """Who is followed; () where nobody was yet, or the one who was has fallen silent."""
        peer, heard_s = self._senders.get(key, ((), float("-inf")))
        return peer if self._now_s - heard_s <= SILENT_S else ()

    def who(self, datagram: Datagram) -> tuple:
        """Whose it is: address and port, port 0 of one who has another for every message."""
        host = datagram.peer[0]
        return (host, 0) if host in self._roaming else datagram.peer

    def may_follow(self, datagram: Datagram, key: int = 0) -> bool:
        """Whether it is of the sender that is followed, or of one that may be from now on."""
        followed = self.sender(key)
        if followed in ((), datagram.peer, self.who(datagram)):
            return True
        if followed[0] == datagram.peer[0] and self._moved(followed, datagram):
            return True
        self._note_port(datagram)
        self.others += 1
        self._other_peer, self._other_s = datagram.peer, self._now_s
        return False

    def _moved(self, followed: tuple, datagram: Datagram) -> bool:
        """Whether who is followed speaks from another port now: silent there, and new here."""
        _, last_ns = self._ports.get(followed, (0, 0))
        first_ns = self._ports.get(datagram.peer, (datagram.arrived_ns, 0))[0]
        if first_ns < last_ns or datagram.arrived_ns - last_ns < MOVED_NS:
            return False
        self._roaming.add(followed[0])
        for key, (peer, heard_s) in self._senders.items():
            if peer == followed:
                self._senders[key] = (followed[0], 0), heard_s
        return True

    def _note_port(self, datagram: Datagram) -> None:
        now_ns, peer = datagram.arrived_ns, datagram.peer
        first_ns, last_ns = self._ports.get(peer, (now_ns, now_ns))
        if now_ns - last_ns > SILENT_S * 1e9:
            first_ns = now_ns
        if peer[0] in self._roaming:
            # One that comes back after another spoke, or stays, is a sender with a port of its own.
            between = any(
                other[0] == peer[0] and other != peer and heard_ns > last_ns
                for other, (_, heard_ns) in self._ports.items()
            )
            if now_ns - first_ns > (MOVED_NS if between else SILENT_S * 1e9):
                self._roaming.discard(peer[0])
                for key, (followed, heard_s) in self._senders.items():
                    if followed == (peer[0], 0):
                        self._senders[key] = peer, heard_s
        self._ports.pop(peer, None)  # the longest unheard is the first
        self._ports[peer] = first_ns, now_ns
        while len(self._ports) > MOST_PORTS:
            del self._ports[next(iter(self._ports))]

    def follow(self, datagram: Datagram, key: int = 0) -> None:
        """Notes that it was good."""
        self._note_port(datagram)
        self._senders[key] = self.who(datagram), self._now_s
        self._last_peer = datagram.peer
        self._heard_s, self.heard_ns = self._now_s, datagram.arrived_ns
        self.frames += 1

    def forget(self, key: int) -> None:
        """Nobody is followed for this any more."""
        self._senders.pop(key, None)

    def damage(self, datagram: Datagram, error: ProtocolError) -> None:
        """Counts what could not be read."""
        self.damaged += 1
        self.fault, self._fault_peer, self._fault_s = str(error), datagram.peer, self._now_s
        self.unread = datagram.data

    @property
    def silent_s(self) -> float:
        """Since when nothing good has come; infinite: it never did."""
        return self._now_s - self._heard_s

    @property
    def silence(self) -> str:
        """Why nothing comes, in a few words; "" while something does."""
        if self.silent_s < QUIET_S:
            return ""
        if self._now_s - self._fault_s < SILENT_S:
            return f"what comes on {self.receiver.where} from {at(self._fault_peer)} cannot be read"
        yet = not self.heard_ns
        return f"nothing {'has come' if yet else 'comes'} on {self.receiver.where}{' yet' * yet}"

    @property
    def notice(self) -> str:
        """What a crew should know of the source now; it changes only when that does."""
        if said := self.silence:
            if self._now_s - self._fault_s < SILENT_S:
                return f"{said}: {self.fault}"
            if self._last_peer:
                said += f"; last from {at(self._last_peer)}: is its streaming on?"
            return said
        heard = sorted({at(peer) for key in self._senders if (peer := self.sender(key))})
        said = f"hears {', '.join(heard)} on {self.receiver.where}"
        if self._now_s - self._other_s < SILENT_S:
            said += f"; {at(self._other_peer)} sends there too and is not followed"
        if self._now_s - self._fault_s < SILENT_S:
            said += f"; damaged datagrams come from {at(self._fault_peer)}"
        return "; ".join([said, *self.remarks])

    def figures(self) -> dict[str, Any]:
        """The counts, for `stats`."""
        return {
            "where": self.receiver.where,
            "senders": [at(peer) for peer, _ in self._senders.values()],
            "datagrams": self.datagrams,
            "frames": self.frames,
            "damaged": self.damaged,
            "others": self.others,
            "repeated": self.repeated,
            "fault": self.fault,
            "notice": self.notice,
        }

    def close(self) -> None:
        self.receiver.close()


def at(peer: tuple) -> str:
    """Address and port of a sender."""
    return f"{peer[0]}:{peer[1]}" if peer[1] else f"{peer[0]} (a new port each time)"
