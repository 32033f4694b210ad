"""Who holds a port of this machine."""

from __future__ import annotations


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
