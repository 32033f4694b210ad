"""One source in one line: `vmc://0.0.0.0:39539?name=ann`, or a table in TOML.

A file of sources has the same words:

    [[source]]
    from = "vmc://0.0.0.0:39539"
    name = "ann"

Without a host a source listens on this machine alone: 127.0.0.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from understudy.runtime.core import url
from understudy.runtime.core.errors import UnderstudyError

KIND = url.Kind("source", "from", ())
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a source listens, and its protocol's own options."""

    text: str
    scheme: str
    host: str
    port: int
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """The port in words: "udp 39539", with the address where it is not this machine's own."""
        beyond = "" if self.host == LOOPBACK else f" of {self.host}"
        return f"udp {self.port}{beyond}"


def parse(text: str, known: Mapping[str, Any], extra: Mapping[str, Any] | None = None) -> Endpoint:
    """The source that a line describes; known and extra as in `url.parse`."""
    said = url.parse(text, KIND, known, extra)
    port = known[said.scheme].PORT if said.port is None else said.port
    return Endpoint(text, said.scheme, said.host or LOOPBACK, port, said.options)


def endpoints(lines: Iterable[str], file: Path | None, known: Mapping[str, Any]) -> list[Endpoint]:
    """The sources that a user names: lines of the command, and a TOML file."""
    found = [parse(line, known) for line in lines]
    for line, options, where in url.read(file, KIND) if file else []:
        try:
            found.append(parse(line, known, options))
        except UnderstudyError as error:
            raise UnderstudyError(f"{where}: {error}") from None
    return found


def sensor_mm(options: Mapping[str, str]) -> tuple[float, float]:
    """The option sensor=WIDTHxHEIGHT in millimetres; a full frame where it is not given."""
    said = options.get("sensor", "36x24")
    try:
        width, height = (float(word) for word in said.split("x"))
    except ValueError:
        width = height = 0.0
    if not (1.0 <= width <= 100.0 and 1.0 <= height <= 100.0):
        raise UnderstudyError(
            f"Option sensor is {said!r}; it is width x height in millimetres, as 36x24."
        )
    return width, height
