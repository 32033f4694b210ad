"""One source in one line: `vmc://0.0.0.0:39539?name=ann`, or a table in TOML.

A file of sources has the same words:

    [[source]]
    from = "vmc://0.0.0.0:39539"
    name = "ann"

Without a host a source listens on this machine alone: 127.0.0.1.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from understudy.runtime.core import url

KIND = url.Kind("source", "from")
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a source listens, or the path of its file; and its protocol's own options."""

    text: str
    scheme: str
    host: str
    port: int
    options: Any
    path: str = ""

    @property
    def where(self) -> str:
        """The port in words: "udp 39539", with the address where it is not this machine's own."""
        beyond = "" if self.host == LOOPBACK else f" of {self.host}"
        return f"udp {self.port}{beyond}"


def parse(
    text: str, known: Mapping[str, Any], extra: Mapping[str, Any] | None = None, where: str = ""
) -> Endpoint:
    """The source that a line describes; known, extra and where as in `url.parse`."""
    said = url.parse(text, KIND, known, extra, where)
    port = said.port
    if port is None and (usual := getattr(known[said.scheme], "usual_port", None)) is not None:
        port = usual(said.options)
    port = known[said.scheme].PORT if port is None else port
    return Endpoint(text, said.scheme, said.host or LOOPBACK, port, said.options)


def endpoints(lines: Iterable[str], file: Path | None, known: Mapping[str, Any]) -> list[Endpoint]:
    """The sources that a user names: lines of the command, and a TOML file."""
    found = [parse(line, known) for line in lines]
    for line, options, where in url.read(file, KIND) if file else []:
        found.append(parse(line, known, options, where))
    return found


class SensorSize:
    """The option sensor=WIDTHxHEIGHT: a camera's sensor in millimetres."""

    ALLOWED = "width x height in mm, 1 to 100 each, as 36x24"

    def __init__(self, width_mm: float = 36.0, height_mm: float = 24.0) -> None:
        self.mm = width_mm, height_mm

    @classmethod
    def read(cls, value: object) -> SensorSize:
        width, height = (float(word) for word in str(value).split("x"))
        if not (1.0 <= width <= 100.0 and 1.0 <= height <= 100.0):
            raise ValueError
        return cls(width, height)

    def __str__(self) -> str:
        return f"{self.mm[0]:g}x{self.mm[1]:g}"


class Tcp:
    """The option tcp=: "" is UDP; listen: whoever sends connects to us; else whom we connect to."""

    ALLOWED = "listen, or the address of whoever sends"
    WORDS = (
        "TCP in place of UDP. listen: whoever sends connects to us; an address: we connect to it"
    )

    def __init__(self, text: str = "") -> None:
        self.text = text

    @classmethod
    def read(cls, value: object) -> Tcp:
        text = str(value)
        if not text or len(text) > 253 or not text.isprintable() or " " in text:
            raise ValueError
        return cls(text)

    @property
    def server(self) -> str:
        """Whom we connect to; "": they connect to us."""
        return "" if self.text == "listen" else self.text

    def __str__(self) -> str:
        return self.text


class Address:
    """An option that is a machine's address, "" where nobody is named."""

    ALLOWED = "an address in numbers, as 192.168.1.20"

    def __init__(self, text: str = "") -> None:
        self.text = text

    @classmethod
    def read(cls, value: object) -> Address:
        return cls(str(ipaddress.ip_address(str(value))))

    def __str__(self) -> str:
        return self.text


class Delay:
    """The option delay=SECONDS, or auto: seconds is None where it sets itself."""

    LONGEST_S = 1.0
    ALLOWED = "auto, or seconds from 0 to 1"
    WORDS = (
        "what comes is shown so much later, interpolated; auto: as long as its frames need, and "
        "not at all where they come when they are due"
    )

    def __init__(self, seconds: float | None = None) -> None:
        self.seconds = seconds

    @classmethod
    def read(cls, value: object) -> Delay:
        if value == "auto":
            return cls()
        seconds = float(str(value))
        if not 0.0 <= seconds <= cls.LONGEST_S:
            raise ValueError
        return cls(seconds)

    def __str__(self) -> str:
        return "auto" if self.seconds is None else f"{self.seconds:g}"
