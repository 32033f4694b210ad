"""One output in one line: `vmc://host:39539?dialect=vrm4u&rate=60&delay=0.05`, or a table in TOML.

A file of outputs has the same words:

    [[output]]
    to = "vmc://127.0.0.1:39539?dialect=vrm4u"
    rate = 60
    delay = 0.05
"""

from __future__ import annotations

import difflib
import math
import socket
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from understudy.runtime.core.errors import UnderstudyError

# What every output takes.
COMMON = ("rate", "delay", "interface", "ttl")
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
    """The target that a line describes.

    known maps a scheme to what has its default PORT and its OPTIONS; extra are options from beside
    the line.
    """
    scheme, mark, rest = text.partition("://")
    example = "vmc://127.0.0.1:39539"
    if not mark:
        raise UnderstudyError(f"{text!r} is no output; write it like {example}.")
    if scheme not in known:
        raise UnderstudyError(
            f"There is no output {scheme!r}{_nearest(scheme, known)}; there are "
            f"{', '.join(sorted(known))}."
        )
    protocol = known[scheme]
    # urlsplit knows hosts and ports of schemes that it knows; any of them will do.
    try:
        parts = urlsplit(f"http://{rest}")
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise UnderstudyError(f"{text!r} is no output: {error}; write it like {example}.") from None
    if parts.path not in ("", "/") or parts.username is not None:
        raise UnderstudyError(f"{text!r} has more than a host and a port; write it like {example}.")
    options = _options(text, scheme, parts.query, protocol.OPTIONS)
    for name, value in (extra or {}).items():
        _known_option(name, scheme, protocol.OPTIONS)
        options[name] = _plain(value)
    host = host or protocol.HOST
    if not host:
        raise UnderstudyError(f"{text!r} names no host; write {scheme}://HOST:{protocol.PORT}.")
    port = protocol.PORT if port is None else port
    if not 0 < port < 65536:
        raise UnderstudyError(f"{text!r} has port {port}; ports are 1 to 65535.")
    return Target(
        text=text,
        scheme=scheme,
        host=host,
        port=port,
        rate_hz=number(options, "rate", 0.0, 0.0, HIGHEST_RATE_HZ),
        delay_s=number(options, "delay", 0.0, 0.0, LONGEST_DELAY_S),
        interface=options.pop("interface", ""),
        ttl=int(number(options, "ttl", 1, 0, 255)),
        options={name: value for name, value in options.items() if name not in COMMON},
    )


def _options(text: str, scheme: str, query: str, own: Mapping[str, str]) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError:
        raise UnderstudyError(
            f"The options in {text!r} cannot be read; write them like ?rate=60&delay=0.05."
        ) from None
    options: dict[str, str] = {}
    for name, value in pairs:
        _known_option(name, scheme, own)
        if name in options:
            raise UnderstudyError(f"{text!r} has the option {name!r} twice.")
        options[name] = value
    return options


def _known_option(name: str, scheme: str, own: Mapping[str, str]) -> None:
    there = (*own, *COMMON)
    if name not in there:
        raise UnderstudyError(
            f"An output {scheme}:// has no option {name!r}{_nearest(name, there)}; it has "
            f"{', '.join(there)}."
        )


def _nearest(word: str, there: Mapping[str, Any] | tuple[str, ...]) -> str:
    near = difflib.get_close_matches(word, list(there), 1)
    return f", did you mean {near[0]!r}" if near else ""


def _plain(value: Any) -> str:
    return {True: "1", False: "0"}[value] if isinstance(value, bool) else str(value)


def number(options: Mapping[str, str], name: str, default: float, low: float, high: float) -> float:
    """The option as a number between low and high."""
    said = options.get(name)
    if said is None:
        return default
    try:
        value = float(said)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise UnderstudyError(
            f"Option {name} is {said!r}; it is a number from {low:g} to {high:g}."
        )
    return value


def choice(options: Mapping[str, str], name: str, default: str, choices: Any) -> str:
    """The option as one of the choices."""
    said = options.get(name, default)
    if said not in choices:
        raise UnderstudyError(
            f"Option {name} is {said!r}{_nearest(said, tuple(choices))}; it is one of "
            f"{', '.join(choices)}."
        )
    return said


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
    try:
        tree = tomllib.loads(path.read_text())
    except OSError as error:
        raise UnderstudyError(f"Cannot read {path}: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnderstudyError(f"{path} is not TOML: {error}.") from None
    tables = tree.pop("output", None)
    if tree or not isinstance(tables, list) or not tables:
        raise UnderstudyError(
            f"{path} is no list of outputs: it needs a table [[output]] with to = "
            '"vmc://127.0.0.1:39539" for each, and nothing else.'
        )
    targets = []
    for count, table in enumerate(tables, 1):
        to = table.pop("to", None) if isinstance(table, dict) else None
        if not isinstance(to, str):
            raise UnderstudyError(f'{path}, output {count}: it has no to = "SCHEME://HOST:PORT".')
        try:
            targets.append(parse(to, known, table))
        except UnderstudyError as error:
            raise UnderstudyError(f"{path}, output {count}: {error}") from None
    return targets
