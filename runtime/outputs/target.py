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
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from understudy.runtime.core import url
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.url import choice, number

__all__ = ["Target", "choice", "number", "parse", "read", "renamed", "resolve"]

# What every output takes.
COMMON = ("rate", "delay", "interface", "ttl")
KIND = url.Kind("output", "to", COMMON)
HIGHEST_RATE_HZ = 1000.0
LONGEST_DELAY_S = 10.0


@dataclass(frozen=True, slots=True)
class Target:
    """Where an output goes and how.

    rate_hz    the most frames a second, 0: every frame
    delay_s    how long after its arrival a frame is sent
    interface  address of the network card that multicast leaves by, "": the system chooses
    options    the protocol's own words
    """

    text: str
    scheme: str
    host: str
    port: int
    rate_hz: float = 0.0
    delay_s: float = 0.0
    interface: str = ""
    ttl: int = 1
    options: Mapping[str, str] = field(default_factory=dict)


def parse(text: str, known: Mapping[str, Any], extra: Mapping[str, Any] | None = None) -> Target:
    """The target that a line describes; known and extra as in `url.parse`."""
    said = url.parse(text, KIND, known, extra)
    protocol, options = known[said.scheme], said.options
    host = said.host or protocol.HOST
    if not host:
        raise UnderstudyError(
            f"{text!r} names no host; write {said.scheme}://HOST:{protocol.PORT}."
        )
    return Target(
        text=text,
        scheme=said.scheme,
        host=host,
        port=protocol.PORT if said.port is None else said.port,
        rate_hz=number(options, "rate", 0.0, 0.0, HIGHEST_RATE_HZ),
        delay_s=number(options, "delay", 0.0, 0.0, LONGEST_DELAY_S),
        interface=options.get("interface", ""),
        ttl=int(number(options, "ttl", 1, 0, 255)),
        options={name: value for name, value in options.items() if name not in COMMON},
    )


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
    targets = []
    for line, options, where in url.read(path, KIND):
        try:
            targets.append(parse(line, known, options))
        except UnderstudyError as error:
            raise UnderstudyError(f"{where}: {error}") from None
    return targets
