"""This machine's network cards, and who holds a port of it."""

from __future__ import annotations

import socket


def owner(port: int, kind: str = "udp") -> str:
    """Name and id of the process that listens on a "udp" or "tcp" port; "" where it is hidden."""
    try:
        import psutil
    except ImportError:
        return ""
    try:
        found = psutil.net_connections(kind)
    except (psutil.Error, OSError):  # macOS shows this to the administrator only
        return ""
    for one in found:
        if one.laddr and one.laddr.port == port and one.pid and one.status in ("NONE", "LISTEN"):
            try:
                process = psutil.Process(one.pid)
                words = " ".join(process.cmdline()) or process.name()
            except psutil.Error:
                words = ""
            return f"process {one.pid}{f' ({words[:120]})' if words else ''}"
    return ""


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
