"""Who is on the network: stages, monitors and simulators announce themselves by mDNS, others look.

A service of the type `_understudy._tcp.local.` says what it is (`kind`), where its control socket
is (`control`) and whether it asks for keys (`keys`). It is announced by those network cards alone
on which its owner listens; of one that hears this machine alone nobody is told.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from . import ports
from .errors import UnderstudyError

TYPE = "_understudy._tcp.local."
LOOK_S = 1.5
LOOPBACK = "127.0.0.1"
_HOST = re.compile(r"^(?:tcp|http)://(?:\[(?P<six>[^\]]+)\]|(?P<four>[^:/]*)):(?P<port>\d+)")


class Found(NamedTuple):
    """Somebody on the network. kind: stage, monitor, simulator; words: what else it says."""

    name: str
    kind: str
    host: str
    port: int
    words: dict[str, str]

    @property
    def address(self) -> str:
        """Where it is: tcp://10.0.0.5:5570 of a stage."""
        scheme = {"monitor": "http", "simulator": self.words.get("device", "udp")}
        return f"{scheme.get(self.kind, 'tcp')}://{self.host}:{self.port}"

    @property
    def control(self) -> str:
        """A stage's control socket, at the same host; "" where it says none."""
        port = port_of(self.words.get("control", ""))
        return f"tcp://{self.host}:{port}" if port else ""


def cards_of(address: str) -> list[str]:
    """The IPv4 addresses by which others reach an address that is listened on.

    tcp://0.0.0.0:5570 is all cards, tcp://127.0.0.1:5570 this machine's own alone.
    """
    found = _HOST.match(address)
    host = (found["four"] or found["six"] or "") if found else address
    if host in ("", "*", "0.0.0.0", "::"):
        there = [one for _, one in ports.cards()]
        beyond = [one for one in there if not one.startswith("127.")]
        return beyond or there
    return [host] if re.fullmatch(r"[\d.]+", host) else [LOOPBACK]


def port_of(address: str) -> int:
    """The port of tcp://HOST:PORT; 0 where there is none."""
    found = _HOST.match(address)
    return int(found["port"]) if found else 0


class Announcement:
    """Tells of a service until it is closed, in a thread of its own: nobody waits for the network.

    trouble  why nobody is told; "" where all is well
    """

    def __init__(self, kind: str, address: str, name: str = "", **words: str) -> None:
        self.trouble = ""
        self._kind, self._words = kind, {"kind": kind, **words}
        self._cards, self._port = cards_of(address), port_of(address)
        host = socket.gethostname().partition(".")[0] or "machine"
        self.name = f"{name or kind} on {host} {os.getpid()}"[:63].replace(".", "-")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="announcement", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            from zeroconf import IPVersion, ServiceInfo, Zeroconf

            with contextlib.closing(
                Zeroconf(interfaces=self._cards, ip_version=IPVersion.V4Only)
            ) as zeroconf:
                info = ServiceInfo(
                    TYPE, f"{self.name}.{TYPE}", self._port, properties=self._words,
                    parsed_addresses=self._cards, server=f"{self.name.replace(' ', '-')}.local.",
                )  # fmt: skip
                zeroconf.register_service(info)
                self._ended.wait()
                zeroconf.unregister_service(info)
        except Exception as error:  # a network without multicast, or none at all
            self.trouble = f"{type(error).__name__}: {error}"

    def close(self) -> None:
        """Says good-bye; whoever waits for that no longer than a moment."""
        self._ended.set()
        self._thread.join(1.0)

    def __enter__(self) -> Announcement:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def announced(
    wanted: bool, kind: str, address: str, name: str = "", **words: str
) -> contextlib.AbstractContextManager[Any]:
    """An announcement where one is wanted and there is somebody to tell: who hears this machine
    alone is where programs look by themselves."""
    beyond = any(not card.startswith("127.") for card in cards_of(address))
    if not wanted or not port_of(address) or not beyond:
        return contextlib.nullcontext()
    return Announcement(kind, address, name, **words)


def look(
    seconds: float = LOOK_S, kinds: Iterable[str] = (), cards: Iterable[str] = ()
) -> list[Found]:
    """Who is there, of these kinds or of all, after so long; cards: by which it is looked."""
    try:
        from zeroconf import IPVersion, ServiceBrowser, Zeroconf
    except ImportError:
        raise UnderstudyError(
            "To look for stages the package zeroconf is needed: pip install zeroconf."
        ) from None
    names: set[str] = set()

    def heard(zeroconf: Any, service_type: str, name: str, state_change: Any) -> None:
        names.add(name)

    by = list(cards) or [one for _, one in ports.cards()]
    try:
        zeroconf = Zeroconf(interfaces=by or [LOOPBACK], ip_version=IPVersion.V4Only)
    except OSError as error:
        raise UnderstudyError(f"No network card takes multicast: {error.strerror}.") from None
    found: list[Found] = []
    with contextlib.closing(zeroconf):
        browser = ServiceBrowser(zeroconf, TYPE, handlers=[heard])
        time.sleep(seconds)
        for name in sorted(names):
            info = zeroconf.get_service_info(TYPE, name, 500)
            if info is not None and (one := _read(name, info)) is not None:
                found.append(one)
        browser.cancel()
    wanted = set(kinds)
    return [one for one in found if not wanted or one.kind in wanted]


def _read(name: str, info: Any) -> Found | None:
    words = {
        key.decode("utf-8", "replace")[:64]: (value or b"").decode("utf-8", "replace")[:256]
        for key, value in info.properties.items()
    }
    hosts = info.parsed_addresses()
    if not hosts or not info.port or "kind" not in words:
        return None
    own = {address for _, address in ports.cards()}
    # Of several the one by which this machine reaches it: its own first, then of its own network.
    host = min(hosts, key=lambda one: (one not in own, not any(_near(one, o) for o in own)))
    return Found(name.removesuffix(f".{TYPE}"), words.pop("kind"), host, info.port, words)


def _near(one: str, other: str) -> bool:
    return one.rpartition(".")[0] == other.rpartition(".")[0]


def chosen(
    found: list[Found], kind: str, ask: Callable[[str], str], tell: Callable[[str], None]
) -> Found:
    """The one that a user picks from a list; of one alone, that."""
    if not found:
        raise UnderstudyError(
            f"Nobody on this network announces a {kind}; one is announced that listens beyond its "
            "own machine. Give its address, or look at `understudy doctor --network`."
        )
    if len(found) == 1:
        return found[0]
    for number, one in enumerate(found, 1):
        more = "  asks for a key" if one.words.get("keys") else ""
        tell(f"{number}  {one.name}  {one.address}{more}")
    said = ask("Which? ").strip()
    if not said.isdecimal() or not 1 <= int(said) <= len(found):
        raise UnderstudyError(f"{said!r} is none of 1 to {len(found)}.")
    return found[int(said) - 1]
