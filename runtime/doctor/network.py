"""The network as a stage meets it: cards, firewall, and every port of ours, each tried."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import select
import socket
import struct
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from understudy.runtime.core import ports
from understudy.runtime.core.errors import UnderstudyError

from . import firewall, sources
from .checks import LACKING, OK, Check
from .firewall import Firewall, Port
from .stages import Running

# What each port of ours is for.
USES: dict[Port, str] = {
    ("tcp", 5570): "poses",
    ("tcp", 5571): "control",
    ("tcp", 8080): "monitor",
    ("udp", 39539): "VMC, renderer's",
    ("udp", 39540): "VMC, performer's",
    ("udp", 40000): "FreeD",
    ("udp", 55555): "OpenTrackIO",
    ("udp", 11111): "Live Link Face",
    ("udp", 14043): "Rokoko",
    ("udp", 9763): "Xsens MVN",
    ("udp", 1511): "OptiTrack NatNet",
    ("udp", 1512): "triggers",
    ("udp", 51001): "Vicon objects",
    ("udp", 7012): "Perception Neuron",
    ("udp", 6454): "Art-Net timecode",
    ("udp", 5065): "landmarks",
    ("udp", 9000): "trackers by OSC",
    ("udp", 9001): "controllers by OSC",
    ("udp", 12351): "mocopi",
    ("udp", 49983): "iFacialMocap",
    ("udp", 49993): "Facemotion3d",
}
# Where a stage is asked for its sources, where none of this user's is known to run.
CONTROL = 5571
# How long something sent to this machine's own card is waited for.
PATIENCE_S = 0.3
# What stands alone comes last.
_ORDER = ("ports free", "ports blocked", "")
# Of OpenTrackIO's range of groups, the last.
_GROUP = "239.135.1.200"


def examine(
    named: Iterable[Port] | None = None,
    there: Sequence[Running] = (),
    more: Mapping[Port, str] | None = None,
) -> Iterator[Check]:
    """Cards, firewall and ports in the order in which a user reads them.

    named: the only ports to look at; there: the stages that run here, whose sources are asked for;
    more: ports besides the usual ones, and what each is for.
    """
    cards = interfaces()
    yield from (card.check() for card in cards)
    if not any(card.beyond for card in cards):
        yield Check(
            "network",
            LACKING,
            "no card but this machine's own loopback has an address",
            "Only programs on this machine are reached; connect a cable or a wireless network.",
        )
    walls = firewall.find()
    yield from map(wall_check, walls)
    if not walls:
        yield Check("firewall", OK, f"none found of {', '.join(firewall.LOOKED_FOR)}")
    asked = list(there) or [Running(f"tcp://127.0.0.1:{CONTROL}", None, {})]
    for stage in asked:
        yield from sources.examine(stage.control, walls, stage.key)
    uses = USES | dict(more or {})
    for stage in reversed(asked):
        uses |= stage.ports
    yield from port_checks(list(named or uses), [card.beyond for card in cards], walls, uses)


@dataclass(frozen=True, slots=True)
class Interface:
    """A network card that is up; kind "loopback", "wired", "wireless", "virtual" or "" (unknown);
    multicast "yes", or why not."""

    name: str
    addresses: tuple[str, ...]
    kind: str
    multicast: str

    @property
    def beyond(self) -> str:
        """Its IPv4 address, where other machines can be at its other end; else ""."""
        own = [a for a in self.addresses if ":" not in a]
        return own[0] if own and self.kind != "loopback" else ""

    def check(self) -> Check:
        told = [", ".join(self.addresses), self.kind]
        told += ["multicast comes back" if self.multicast == "yes" else self.multicast]
        found = "; ".join(word for word in told if word)
        if not self.beyond or self.multicast == "yes":
            return Check(f"interface {self.name}", OK, found)
        return Check(
            f"interface {self.name}",
            LACKING,
            found,
            "OpenTrackIO reaches receivers on this network by their address: opentrackio://HOST.",
        )


def interfaces() -> list[Interface]:
    """The cards that are up and have an address, this machine's own last."""
    states = psutil.net_if_stats()
    found = []
    for name, addresses in psutil.net_if_addrs().items():
        if name not in states or not states[name].isup:
            continue
        numbers = [a.address for a in addresses if a.family in (socket.AF_INET, socket.AF_INET6)]
        # Link-local IPv6 is on every card and of use to nobody here.
        plain = [a for a in numbers if not a.lower().startswith("fe80")]
        if not plain:
            continue
        kind = _kind(name, plain)
        own = next((a for a in plain if ":" not in a), "")
        multicast = "" if kind == "loopback" or not own else _multicast(own)
        found.append(Interface(name, tuple(sorted(plain, key=_version)), kind, multicast))
    return sorted(found, key=lambda card: card.kind == "loopback")


def _version(address: str) -> int:
    return ipaddress.ip_address(address.partition("%")[0]).version


def _kind(name: str, addresses: list[str]) -> str:
    if any(ipaddress.ip_address(a.partition("%")[0]).is_loopback for a in addresses):
        return "loopback"
    if sys.platform != "linux":
        return ""
    card = Path("/sys/class/net") / name
    if (card / "wireless").exists() or (card / "phy80211").exists():
        return "wireless"
    return "wired" if (card / "device").exists() else "virtual"


def _multicast(card: str) -> str:
    """Whether a datagram to a group comes back by this card: "yes", or what stood in the way."""
    one = socket.inet_aton(card)
    try:
        with _udp() as ears, _udp() as mouth:
            ears.bind(("", 0))
            group = socket.inet_aton(_GROUP) + one
            ears.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
            mouth.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, one)
            mouth.sendto(b"understudy", (_GROUP, ears.getsockname()[1]))
            return "yes" if select.select([ears], [], [], PATIENCE_S)[0] else "no multicast back"
    except OSError as error:
        return f"no multicast ({error.strerror})"


def _udp() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def wall_check(wall: Firewall) -> Check:
    """What a firewall says, in a line."""
    if wall.unread:
        return Check(
            "firewall",
            LACKING,
            f"{wall.name}: {wall.unread}",
            "sudo understudy doctor tells which of our ports it bars; the ports below are tried "
            "from this machine alone.",
        )
    if wall.closed:
        return Check("firewall", OK, f"{wall.name}: turns away what no rule of its lets in")
    return Check("firewall", OK, f"{wall.name}: lets in what no rule of its turns away")


def port_checks(
    named: list[Port], cards: list[str], walls: list[Firewall], uses: Mapping[Port, str] = USES
) -> Iterator[Check]:
    """Each port: free, taken and by whom, or blocked and by what."""
    tried = [card for card in cards if card]
    with contextlib.ExitStack() as stack:
        bound: dict[Port, socket.socket] = {}
        refused: dict[Port, OSError] = {}
        for port in named:
            try:
                bound[port] = stack.enter_context(_bound(port))
            except OSError as error:
                refused[port] = error
        lost = _lost(bound, tried)
    checks = [
        _port_check(port, refused.get(port), lost.get(port, []), walls, uses) for port in named
    ]
    yield from sorted(checks, key=lambda check: _ORDER.index(check.group))


def _port_check(
    port: Port,
    refused: OSError | None,
    lost: list[str],
    walls: list[Firewall],
    uses: Mapping[Port, str],
) -> Check:
    kind, number = port
    use = f" ({uses[port]})" if port in uses else ""
    name = f"{kind} {number}"
    if refused is not None and refused.errno == errno.EADDRINUSE:
        return _taken(name, use, port)
    if refused is not None:
        return Check(
            name, LACKING, f"blocked{use}: {refused.strerror}", "Take another port, above 1023."
        )
    barred = [wall.name for wall in walls if wall.bars(port)]
    if lost:
        by = f" by {barred[0]}" if barred else ""
        return Check(
            name,
            LACKING,
            f"blocked{use}{by}: what this machine sends to its own {lost[0]} does not arrive",
            f"Let {kind} {number} in, in this machine's firewall.",
        )
    if barred:
        return Check(
            name,
            LACKING,
            f"blocked{use} for other machines by {barred[0]}",
            f"{barred[0]} has no rule that lets other machines in: add one where others are to "
            "reach this one; programs on this machine need none.",
            "ports blocked",
            f"{name}{use}",
        )
    return Check(name, OK, f"free{use}", group="ports free", item=f"{name}{use}")


def _taken(name: str, use: str, port: Port) -> Check:
    kind, number = port
    holder = ports.holder(number, kind)
    who = str(holder) if holder else "a program of another user, whose name needs root"
    if holder is not None and holder.ours:
        return Check(name, OK, f"taken{use} by {who}")
    if kind == "udp":
        return Check(name, OK, f"taken{use} by {who}; what is sent here is heard there")
    return Check(
        name,
        LACKING,
        f"taken{use} by {who}",
        "End that program, or take other ports (--publish and --control of the stage).",
    )


def _bound(port: Port) -> socket.socket:
    """A socket that holds the port on every card, as whoever listens there would."""
    kind, number = port
    one = socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    try:
        if kind == "tcp" and sys.platform != "win32":
            # A port whose last connection has just ended is free for the next who listens.
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(("", number))
        if kind == "tcp":
            one.listen()
        one.setblocking(False)
    except OSError:
        one.close()
        raise
    return one


def _lost(bound: dict[Port, socket.socket], cards: list[str]) -> dict[Port, list[str]]:
    """Cards by whose own address a port is not reached from this very machine.

    A firewall that lets a machine talk to itself passes this and still bars others; one that does
    not is found out.
    """
    wanted = {(port, card) for port in bound for card in cards}
    with contextlib.ExitStack() as stack:
        for (kind, number), card in wanted:
            one = socket.socket(
                socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM
            )
            stack.enter_context(one).setblocking(False)
            with contextlib.suppress(OSError):
                if kind == "tcp":
                    # Closed at once and without farewell, so that no port is kept busy by it.
                    linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    one.bind((card, 0))
                    one.connect((card, number))
                else:
                    one.sendto(socket.inet_aton(card), (card, number))
        until_s = time.monotonic() + PATIENCE_S
        came: set[tuple[Port, str]] = set()
        places = {ears: port for port, ears in bound.items()}
        while came < wanted and (left_s := until_s - time.monotonic()) > 0:
            for ears in select.select(list(places), [], [], left_s)[0]:
                with contextlib.suppress(OSError, ValueError):
                    came.add((places[ears], _heard(places[ears], ears)))
    missing = wanted - came
    return {port: [card for p, card in missing if p == port] for port in bound}


def _heard(port: Port, ears: socket.socket) -> str:
    """The card that was written to, of one datagram or connection."""
    if port[0] == "udp":
        return socket.inet_ntoa(ears.recv(64)[:4])
    other, address = ears.accept()
    other.close()
    return str(address[0])


def read_port(text: str) -> Port:
    """Of "5570", "tcp:5570" or "udp:39539"."""
    kind, mark, number = text.rpartition(":")
    kind = kind.lower() if mark else "tcp"
    if kind not in ("tcp", "udp") or not number.isdigit() or not 0 < int(number) < 65536:
        raise UnderstudyError(
            f"--port is {text}; write it like 5570 or udp:39539, with a number from 1 to 65535."
        )
    return kind, int(number)
