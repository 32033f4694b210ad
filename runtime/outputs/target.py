"""One output in one line: `vmc://host:39539?dialect=vrm4u&rate=60&delay=0.05`, or a table in TOML.

A file of outputs has the same words:

    [[output]]
    to = "vmc://127.0.0.1:39539?dialect=vrm4u"
    rate = 60
    delay = 0.05
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, field

from understudy.runtime.core import url
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.typed import Table

KIND = url.Kind("output", "to")


class OutputOptions(Table, frozen=True, kw_only=True):
    """What every output takes; a protocol's own Options are these and more."""

    rate_hz: Annotated[
        float,
        Meta(
            ge=0.0,
            le=1000.0,
            description="the most frames that are sent; 0: every frame",
            extra={"unit": "a second"},
        ),
    ] = field(default=0.0, name="rate")
    delay_s: Annotated[
        float,
        Meta(
            ge=0.0,
            le=10.0,
            description="how long after a frame's arrival it is sent",
            extra={"unit": "seconds"},
        ),
    ] = field(default=0.0, name="delay")
    interface: Annotated[
        str, Meta(description="address of the network card to send by (the system's choice)")
    ] = ""
    ttl: Annotated[int, Meta(ge=0, le=255, description="routers that multicast may pass")] = 1


@dataclass(frozen=True, slots=True)
class Target:
    """Where an output goes and how.

    options  the protocol's Options
    """

    text: str
    scheme: str
    host: str
    port: int
    options: Any


def parse(
    text: str, known: Mapping[str, Any], extra: Mapping[str, Any] | None = None, where: str = ""
) -> Target:
    """The target that a line describes; known, extra and where as in `url.parse`."""
    said = url.parse(text, KIND, known, extra, where)
    protocol = known[said.scheme]
    host = said.host or protocol.HOST
    if not host:
        raise UnderstudyError(
            f"{f'{where}: ' if where else ''}{text!r} names no host; write "
            f"{said.scheme}://HOST:{protocol.PORT}."
        )
    port = protocol.PORT if said.port is None else said.port
    return Target(text, said.scheme, host, port, said.options)


def renamed(target: Target, host: str) -> Target:
    """The target with another host."""
    return replace(target, host=host)


def resolve(target: Target) -> tuple[socket.AddressFamily, tuple]:
    """The address family and the address of a target's host; asks the network once, at the start.

    IPv4 first: that is where receivers listen.
    """
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_DGRAM)
    except (socket.gaierror, UnicodeError):
        raise UnderstudyError(
            f"No address is known for host {target.host!r} of {target.text}; check its spelling, "
            "or give its number."
        ) from None
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    family, _, _, _, address = found[0]
    return family, address


def read(path: Path, known: Mapping[str, Any]) -> list[Target]:
    """The outputs of a TOML file."""
    tables = url.read(path, KIND)
    return [parse(line, known, options, where) for line, options, where in tables]
