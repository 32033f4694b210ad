"""Sources that come over the network, by protocol, and the ports that they share."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

from understudy.runtime.core import url
from understudy.runtime.core.pose import Camera, Prop

from . import endpoint
from .datagrams import Port, Receiver, Reception
from .devices import freed, livelinkface, opentrackio, vmc
from .devices.freed import FreedSource
from .devices.livelinkface import LiveLinkFaceSource
from .devices.opentrackio import OpenTrackIOSource
from .devices.vmc import VmcSource
from .endpoint import Endpoint
from .packet import Packet

KNOWN = {
    "vmc": vmc,
    "freed": freed,
    "opentrackio": opentrackio,
    "livelinkface": livelinkface,
}


class NetworkSource(Protocol):
    """What the stage needs of each; bodies and faces have more (`packet.MotionSource`, `Face`)."""

    name: str
    endpoint: Endpoint
    reception: Reception
    cameras: list[Camera]
    props: list[Prop]

    def poll(self, now_s: float) -> list[Packet]: ...

    def figures(self) -> dict[str, Any]: ...

    def close(self) -> None: ...


_SOURCES: dict[str, Any] = {
    "vmc": VmcSource,
    "freed": FreedSource,
    "opentrackio": OpenTrackIOSource,
    "livelinkface": LiveLinkFaceSource,
}


def endpoints(lines: Iterable[str], file: Path | None = None) -> list[Endpoint]:
    """The sources that a user names: lines of the command, and a TOML file."""
    return endpoint.endpoints(lines, file, KNOWN)


def open_all(named: Iterable[Endpoint]) -> list[NetworkSource]:
    """The sources, listening. Those of one port share it: two phones, or two camera heads."""
    open_ports: dict[tuple, Port] = {}
    sources: list[NetworkSource] = []
    try:
        for one in named:
            group = opentrackio.group(one) if one.scheme == "opentrackio" else ""
            card = one.options.interface if group else ""
            key = (one.host, one.port, group, card)
            if key not in open_ports:
                open_ports[key] = Port(one, group, card)
            receiver: Receiver = open_ports[key]
            sources.append(_SOURCES[one.scheme](one, receiver))
    except BaseException:
        for port in open_ports.values():
            port.close()
        raise
    return sources


def listing() -> str:
    """The options of every source, for people."""
    lines = ["Without a host a source listens on this machine alone; 0.0.0.0 is every card.", ""]
    for scheme, protocol in KNOWN.items():
        lines.append(f"{scheme}://HOST:{protocol.PORT}")
        if scheme == "opentrackio":
            lines[-1] += f" or {scheme}://multicast"
        lines += url.listing(protocol.Options)
    return "\n".join(lines)
