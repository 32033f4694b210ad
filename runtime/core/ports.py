"""This machine's network cards, and who holds a port of it."""

from __future__ import annotations

import os
import socket
from typing import NamedTuple

# What `understudy COMMAND` is called where Python was started with the module instead.
_MODULE = "understudy.runtime.cli.main"


class Holder(NamedTuple):
    """A process that listens on a port: its command line, and our own command that it is, or ""."""

    pid: int
    words: str
    ours: str

    def __str__(self) -> str:
        if self.ours:
            return f"your `understudy {self.ours}` (process {self.pid})"
        return f"process {self.pid}{f' ({self.words[:120]})' if self.words else ''}"


def holder(port: int, kind: str = "udp") -> Holder | None:
    """The process that listens on a "udp" or "tcp" port; None where it is hidden, or none does."""
    try:
        import psutil
    except ImportError:
        return None
    try:
        found = psutil.net_connections(kind)
    except (psutil.Error, OSError):  # macOS shows this to the administrator only
        return None
    for one in found:
        if one.laddr and one.laddr.port == port and one.pid and one.status in ("NONE", "LISTEN"):
            try:
                process = psutil.Process(one.pid)
                line = process.cmdline() or [process.name()]
            except psutil.Error:
                line = []
            return Holder(one.pid, " ".join(line), _ours(line))
    return None


def _ours(line: list[str]) -> str:
    for i, word in enumerate(line[:-1]):
        name = os.path.basename(word.replace("\\", "/"))
        if word == _MODULE or name in ("understudy", "understudy.exe"):
            return line[i + 1]
    return ""


def owner(port: int, kind: str = "udp") -> str:
    """Name and id of the process that listens on a "udp" or "tcp" port; "" where it is hidden."""
    found = holder(port, kind)
    return str(found) if found else ""


def cards() -> list[tuple[str, str]]:
    """Name and IPv4 address of each network card, those that are up, this machine's own last."""
    try:
        import psutil
    except ImportError:
        return []
    up = {name for name, state in psutil.net_if_stats().items() if state.isup}
    found = [
        (name, one.address)
        for name, addresses in psutil.net_if_addrs().items()
        for one in addresses
        if one.family == socket.AF_INET and name in up
    ]
    return sorted(found, key=lambda card: card[1].startswith("127."))
