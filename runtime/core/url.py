"""Lines that name a place and its options, `vmc://host:39539?rate=60`, or tables of a TOML file.

What outputs (`runtime/outputs/target.py`) and sources (`runtime/sources/endpoint.py`) share.
"""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .errors import UnderstudyError


@dataclass(frozen=True, slots=True)
class Kind:
    """What such a line is called to users, its word in a TOML table, and options that all have."""

    noun: str
    word: str
    common: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Url:
    """A line taken apart; host is "" and port None where it has none."""

    text: str
    scheme: str
    host: str
    port: int | None
    options: dict[str, str]


def parse(
    text: str, kind: Kind, known: Mapping[str, Any], extra: Mapping[str, Any] | None = None
) -> Url:
    """Takes a line apart.

    known maps a scheme to what has its default PORT and its OPTIONS; extra are options from beside
    the line.
    """
    scheme, mark, rest = text.partition("://")
    example = "vmc://127.0.0.1:39539"
    if not mark:
        raise UnderstudyError(f"{text!r} is no {kind.noun}; write it like {example}.")
    if scheme not in known:
        raise UnderstudyError(
            f"There is no {kind.noun} {scheme!r}{nearest(scheme, known)}; there are "
            f"{', '.join(sorted(known))}."
        )
    own = known[scheme].OPTIONS
    # urlsplit knows hosts and ports of schemes that it knows; any of them will do.
    try:
        parts = urlsplit(f"http://{rest}")
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise UnderstudyError(
            f"{text!r} is no {kind.noun}: {error}; write it like {example}."
        ) from None
    if parts.path not in ("", "/") or parts.username is not None:
        raise UnderstudyError(f"{text!r} has more than a host and a port; write it like {example}.")
    if port is not None and not 0 < port < 65536:
        raise UnderstudyError(f"{text!r} has port {port}; ports are 1 to 65535.")
    try:
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise UnderstudyError(
            f"The options in {text!r} cannot be read; write them like ?rate=60&delay=0.05."
        ) from None
    options: dict[str, str] = {}
    for name, value in pairs:
        _known_option(name, scheme, kind, own)
        if name in options:
            raise UnderstudyError(f"{text!r} has the option {name!r} twice.")
        options[name] = value
    for name, value in (extra or {}).items():
        _known_option(name, scheme, kind, own)
        options[name] = _plain(value)
    return Url(text, scheme, host, port, options)


def _known_option(name: str, scheme: str, kind: Kind, own: Mapping[str, str]) -> None:
    there = (*own, *kind.common)
    if name not in there:
        article = "An" if kind.noun[0] in "aeiou" else "A"
        raise UnderstudyError(
            f"{article} {kind.noun} {scheme}:// has no option {name!r}{nearest(name, there)}; it "
            f"has {', '.join(there)}."
        )


def nearest(word: str, there: Mapping[str, Any] | tuple[str, ...]) -> str:
    """ ", did you mean 'x'" where something is spelt alike."""
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
            f"Option {name} is {said!r}{nearest(said, tuple(choices))}; it is one of "
            f"{', '.join(choices)}."
        )
    return said


def read(path: Path, kind: Kind) -> list[tuple[str, dict[str, Any], str]]:
    """The tables of a TOML file: each one's line, its other words, and where it stands."""
    try:
        tree = tomllib.loads(path.read_text())
    except OSError as error:
        raise UnderstudyError(f"Cannot read {path}: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnderstudyError(f"{path} is not TOML: {error}.") from None
    tables = tree.pop(kind.noun, None)
    if tree or not isinstance(tables, list) or not tables:
        raise UnderstudyError(
            f"{path} is no list of {kind.noun}s: it needs a table [[{kind.noun}]] with "
            f'{kind.word} = "vmc://127.0.0.1:39539" for each, and nothing else.'
        )
    found = []
    for count, table in enumerate(tables, 1):
        where = f"{path}, {kind.noun} {count}"
        line = table.pop(kind.word, None) if isinstance(table, dict) else None
        if not isinstance(line, str):
            raise UnderstudyError(f'{where}: it has no {kind.word} = "SCHEME://HOST:PORT".')
        found.append((line, table, where))
    return found
