"""Lines that name a place and its options, `vmc://host:39539?rate=60`, or tables of a TOML file.

What outputs (`runtime/outputs/target.py`) and sources (`runtime/sources/endpoint.py`) share. A
protocol's options are one struct: their types, ranges, units and words for people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
from msgspec import Meta, inspect

from . import typed
from .errors import UnderstudyError
from .plugins import Broken
from .typed import nearest
from .typed_words import plain, values

EXAMPLE = "vmc://127.0.0.1:39539"


@dataclass(frozen=True, slots=True)
class Kind:
    """What such a line is called to users, and its word in a TOML table."""

    noun: str
    word: str


@dataclass(frozen=True, slots=True)
class Url:
    """A line taken apart; host is "" and port None where it has none. options: the scheme's."""

    text: str
    scheme: str
    host: str
    port: int | None
    options: Any


def parse(
    text: str,
    kind: Kind,
    known: Mapping[str, Any],
    extra: Mapping[str, Any] | None = None,
    where: str = "",
) -> Url:
    """Takes a line apart.

    known maps a scheme to what has its default PORT and its Options; extra are options from beside
    the line; where says where the line stands, where that is no command.
    """
    at = f"{where}: " if where else ""
    scheme, mark, rest = text.partition("://")
    if not mark:
        raise UnderstudyError(f"{at}{text!r} is no {kind.noun}; write it like {EXAMPLE}.")
    if scheme not in known:
        raise UnderstudyError(
            f"{at}There is no {kind.noun} {scheme!r}{nearest(scheme, known)}; there are "
            f"{', '.join(sorted(known))}."
        )
    if isinstance(known[scheme], Broken):
        raise UnderstudyError(f"{at}{known[scheme]}")
    # urlsplit knows hosts and ports of schemes that it knows; any of them will do.
    try:
        parts = urlsplit(f"http://{rest}")
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise UnderstudyError(
            f"{at}{text!r} is no {kind.noun}: {error}; write it like {EXAMPLE}."
        ) from None
    if parts.path not in ("", "/") or parts.username is not None:
        raise UnderstudyError(
            f"{at}{text!r} has more than a host and a port; write it like {EXAMPLE}."
        )
    if port is not None and not 0 < port < 65536:
        raise UnderstudyError(f"{at}{text!r} has port {port}; ports are 1 to 65535.")
    try:
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise UnderstudyError(
            f"{at}The options in {text!r} cannot be read; write them like ?rate=60&delay=0.05."
        ) from None
    said: dict[str, Any] = {}
    for name, value in pairs:
        if name in said:
            raise UnderstudyError(f"{at}{text!r} has the option {name!r} twice.")
        said[name] = value
    place = where or (text if text.isprintable() else repr(text))
    return Url(
        text, scheme, host, port, options(known[scheme].Options, said | dict(extra or {}), place)
    )


def options(kind: type[Any], said: Mapping[str, Any], where: str) -> Any:
    """The struct of options that were said in a line, as text, or in a table, as they are."""
    texts = {f.encode_name for f in _fields(kind) if isinstance(plain(f.type), inspect.StrType)}
    plain_text = {
        name: str(value) if name in texts and type(value) in (int, float) else value
        for name, value in said.items()
    }
    return typed.convert(plain_text, kind, where, strict=False)


def _fields(kind: type) -> tuple[inspect.Field, ...]:
    struct = inspect.type_info(kind)
    assert isinstance(struct, inspect.StructType)
    return struct.fields


def listing(kind: type, below: type | None = None) -> list[str]:
    """The options of a struct for people, a line each; without those of the struct below it."""
    known = {f.encode_name for f in _fields(below)} if below else set()
    lines = []
    for field in _fields(kind):
        if field.encode_name not in known:
            described = field.type if isinstance(field.type, inspect.Metadata) else None
            schema = (described and described.extra_json_schema) or {}
            words = "; ".join(filter(None, (schema.get("description", ""), values(field.type))))
            said = field.default if field.default not in (None, "", msgspec.NODEFAULT) else None
            default = "" if said is None else f" ({_spelt(said)})"
            lines.append(f"    {field.encode_name:<10} {words}{default}")
    return lines


def _spelt(value: Any) -> str:
    """A value as a line has it."""
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:.10g}" if isinstance(value, int | float) else str(value)


def read(path: Path, kind: Kind) -> list[tuple[str, dict[str, Any], str]]:
    """The tables of a TOML file: each one's line, its other words, and where it stands."""
    tables = Annotated[list[dict[str, Any]], Meta(min_length=1)]
    file = msgspec.defstruct("File", [(kind.noun, tables)], forbid_unknown_fields=True)
    tree: Any = typed.read_toml(path, file, f"list of {kind.noun}s")
    return [
        line(table, kind, f"{typed.path_in_words(path)}, [[{kind.noun}]] {number}")
        for number, table in enumerate(getattr(tree, kind.noun), 1)
    ]


def line(table: Mapping[str, Any], kind: Kind, where: str) -> tuple[str, dict[str, Any], str]:
    """One table: its line, its other words, and where it stands."""
    text = Annotated[str, Meta(examples=[EXAMPLE])]
    said: Any = typed.convert(
        table, msgspec.defstruct("Line", [("text", text, msgspec.field(name=kind.word))]), where
    )
    return said.text, {k: v for k, v in table.items() if k != kind.word}, where
