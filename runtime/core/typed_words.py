"""What a type allows and what a value is, in words for a sentence (`typed.py`)."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import inspect

LONGEST = 60


def members(kind: inspect.Type, value: Any) -> list[inspect.Type]:
    """The types that a type stands for, the likeliest for a value where they are tagged."""
    if isinstance(kind, inspect.Metadata):
        # Its words stay with it where it is plain; of a union they belong to every member.
        inner = kind.type
        return members(inner, value) if isinstance(inner, inspect.UnionType) else [kind]
    if isinstance(kind, inspect.UnionType):
        found = [one for member in kind.types for one in members(member, value)]
        if isinstance(value, Mapping):
            tagged = [t for t in found if isinstance(t, inspect.StructType) and t.tag_field]
            if told := [t for t in tagged if value.get(t.tag_field) == t.tag]:
                return [*told]
        return found
    return [kind]


def is_table_list(kind: inspect.Type) -> bool:
    """Whether it is a list of tables: what TOML writes as [[name]]."""
    kind = plain(kind)
    tables = inspect.StructType | inspect.DictType
    return isinstance(kind, inspect.CollectionType) and isinstance(plain(kind.item_type), tables)


def plain(kind: inspect.Type) -> inspect.Type:
    """The type without the words that it is described with."""
    return kind.type if isinstance(kind, inspect.Metadata) else kind


def choices(kinds: Iterable[inspect.Type]) -> list[str]:
    """The words that these types are out of; none where other values are allowed."""
    literals = [one for one in map(plain, kinds) if isinstance(one, inspect.LiteralType)]
    return [str(value) for one in literals for value in one.values]


def values(kind: inspect.Type) -> str:
    """The values of a type, short: "0 to 10 mm", "json, cbor"; "" where nothing bounds them."""
    parts = []
    unit = str((kind.extra or {}).get("unit", "")) if isinstance(kind, inspect.Metadata) else ""
    for one in members(kind, None):
        inner = plain(one)
        if isinstance(one, inspect.Metadata):
            unit = unit or str((one.extra or {}).get("unit", ""))
        if isinstance(inner, inspect.FloatType | inspect.IntType):
            parts.append(_range(inner).strip().removeprefix("from ").removeprefix("of "))
        elif isinstance(inner, inspect.LiteralType):
            parts.append(", ".join(choices([inner])))
        elif isinstance(inner, inspect.BoolType):
            parts.append("1 or 0")
        elif isinstance(inner, inspect.CustomType):
            parts.append(_one(inner))
    return " ".join(filter(None, (" or ".join(filter(None, parts)), unit)))


def allowed(kinds: Iterable[inspect.Type], described: bool = False) -> str:
    """What these types take: "a number from 0 to 10 (seconds)"; described: and what it means."""
    words = [_one(kind, described) for kind in kinds if not isinstance(kind, inspect.NoneType)]
    return " or ".join(dict.fromkeys(words)) or "nothing"


def _one(kind: inspect.Type, described: bool = False) -> str:
    if isinstance(kind, inspect.Metadata):
        said, schema = _one(kind.type), kind.extra_json_schema or {}
        notes = [str((kind.extra or {}).get("unit", ""))]
        notes += [f"as {example}" for example in schema.get("examples", [])[:1]]
        if described:
            notes.append(str(schema.get("description", "")))
        notes = [note for note in notes if note]
        return f"{said} ({', '.join(notes)})" if notes else said
    if isinstance(kind, inspect.FloatType):
        return f"a number{_range(kind)}"
    if isinstance(kind, inspect.IntType):
        return f"a whole number{_range(kind)}"
    if isinstance(kind, inspect.BoolType):
        return "true or false"
    if isinstance(kind, inspect.StrType):
        like = f" like {kind.pattern}" if kind.pattern else ""
        return f"text{_length(kind, 'character')}{like}"
    if isinstance(kind, inspect.LiteralType):
        return _choice(kind.values)
    if isinstance(kind, inspect.EnumType):
        return _choice([member.value for member in kind.cls])
    if isinstance(kind, inspect.TupleType):
        items = list(dict.fromkeys(_many(item) for item in kind.item_types))
        if len(items) == 1:
            return f"a list of {len(kind.item_types)} {items[0]}"
        return f"a list of {len(kind.item_types)} values"
    if isinstance(kind, inspect.CollectionType):
        return f"a list{_length(kind, 'entry', 'entries')} of {_many(kind.item_type)}"
    if isinstance(kind, inspect.DictType):
        free = isinstance(plain(kind.value_type), inspect.AnyType)
        return "a table" if free else f"a table of {_many(kind.value_type)}"
    if isinstance(kind, inspect.CustomType) and hasattr(kind.cls, "ALLOWED"):
        return str(kind.cls.ALLOWED)
    if isinstance(kind, inspect.AnyType):
        return "anything"
    return "a table" if isinstance(kind, inspect.StructType) else "another kind of value"


def _many(kind: inspect.Type) -> str:
    """The same of several."""
    if isinstance(words := plain(kind), inspect.LiteralType):
        return "words out of " + ", ".join(map(str, words.values))
    said = _one(kind)
    for one in ("whole number", "number", "table", "list", "text"):
        if said.startswith((f"a {one}", one)):
            return f"{one}s{said.removeprefix('a ')[len(one) :]}"
    return "values"


def _choice(values: Iterable[Any]) -> str:
    words = [str(value) for value in values]
    return f"one of {', '.join(words)}" if len(words) > 1 else "".join(words)


def _range(kind: inspect.IntType | inspect.FloatType) -> str:
    low, above, high, below = kind.ge, kind.gt, kind.le, kind.lt
    if low is not None and high is not None:
        return f" from {low:.10g} to {high:.10g}"
    parts = [f"of at least {low:.10g}"] if low is not None else []
    parts += [f"above {above:.10g}"] if above is not None else []
    parts += [f"of at most {high:.10g}"] if high is not None else []
    parts += [f"below {below:.10g}"] if below is not None else []
    return f" {' and '.join(parts)}" if parts else ""


def _length(kind: inspect.StrType | inspect.CollectionType, one: str, many: str = "") -> str:
    low, high, many = kind.min_length or 0, kind.max_length, many or f"{one}s"
    if high is not None:
        bounds = f"{low}" if low == high else f"{low} to {high}" if low else f"at most {high}"
    else:
        bounds = f"at least {low}" if low else ""
    return f" of {bounds} {one if (high or low) == 1 else many}" if bounds else ""


def show(value: Any, depth: int = 0) -> str:
    """A value as its writer knows it, short and on one line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() > 200:
        return "a number of very many digits"
    if isinstance(value, int | float | str):
        said = repr(value)
    elif isinstance(value, datetime.date | datetime.time):
        said = value.isoformat()
    elif isinstance(value, Mapping):
        return "a table" if value else "an empty table"
    elif isinstance(value, list | tuple):
        if depth > 2:
            return "[...]"
        entries = [show(one, depth + 1) for one in value[:8]] + ["..."] * (len(value) > 8)
        said = f"[{', '.join(entries)}]"
    else:
        said = type(value).__name__
    return said if len(said) <= LONGEST else f"{said[: LONGEST - 3]}..."
