"""msgspec's complaint about data from outside, as our sentence (`typed.py`).

msgspec tells the path to the fault, but no keys of free tables, neither the value found nor the
whole of what is allowed; the data and the type tell the rest.
"""

from __future__ import annotations

import bisect
import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec
from msgspec import inspect

from .errors import UnderstudyError
from .typed_words import allowed, choices, is_table_list, members, plain, show

# The path at the end of msgspec's message, and whether it speaks of a key there.
_PATH = re.compile(r" - at (`key` in )?`\$([^`]*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
_Step = str | int | None  # None: some entry of a table that is free in its keys


def custom(kind: type, value: Any) -> Any:
    """A type that msgspec does not know reads itself; ValueError if it cannot."""
    return kind.read(value)  # type: ignore[attr-defined]


def nearest(word: str, there: Iterable[str]) -> str:
    """ ", did you mean 'x'" where something is spelt alike."""
    near = difflib.get_close_matches(word, list(there), 1)
    return f", did you mean {near[0]!r}" if near else ""


def sentence(
    error: msgspec.ValidationError, tree: Any, kind: Any, where: str, strict: bool, brackets: bool
) -> UnderstudyError:
    """msgspec's error about a tree in our words; brackets: its lists of tables are TOML's."""
    message = str(error)
    found = _PATH.search(message)
    of_key = bool(found and found[1])
    steps: list[_Step] = []
    for name, index in _STEP.findall(found[2]) if found else []:
        steps.append(name or (None if index == "..." else int(index)))
    top = inspect.type_info(kind)
    try:
        path = _path(steps, of_key, tree, kind, message, strict)
        key = path.pop() if of_key else None
        there, value = members(top, tree), tree
        for step in path:
            there, value = _below(there, step, value), value[step]
    except (LookupError, TypeError):  # a key that is written like a path
        there, path = [], []
    place = join_words(where, words_of(path, top, brackets))
    kinds = [plain(one) for one in there]
    if error.__cause__ is not None and not any(hasattr(one, "ALLOWED") for one in map(_cls, kinds)):
        return UnderstudyError(f"{place}: {one_line(str(error.__cause__))}.")
    if not there:
        return UnderstudyError(f"{place} does not fit: {one_line(message)}.")
    if of_key:
        return _wrong_key(
            place, key, [t.key_type for t in kinds if isinstance(t, inspect.DictType)]
        )
    tables = [one for one in kinds if isinstance(one, inspect.StructType)]
    for table in tables if isinstance(value, Mapping) else ():
        if said := _wrong_keys(place, table, value, brackets):
            return said
    must, near = allowed(there), ""
    if brackets and path and is_table_list(there[0]):
        if not value and isinstance(value, list):
            above = join_words(where, words_of(path[:-1], top, True))
            return _missing(above, path[-1], there[0], True)
        must = f"a list of tables, [[{path[-1]}]]"
    if isinstance(value, str):
        near = nearest(value, choices(there))
    subject = place if path else f"{where}: it"
    return UnderstudyError(f"{subject} is {show(value)}{near}; it must be {must}.")


def _cls(kind: inspect.Type) -> type | None:
    """The class of a type of ours that reads itself."""
    return kind.cls if isinstance(kind, inspect.CustomType) else None


def _wrong_key(where: str, key: Any, kinds: list[inspect.Type]) -> UnderstudyError:
    if known := choices(kinds):
        return _unknown(where, key, known)
    must = f"; it must be {allowed(kinds)}" if kinds else ", which is no text"
    return UnderstudyError(f"{where} has the key {show(key)}{must}.")


def _wrong_keys(
    where: str, table: inspect.StructType, value: Mapping[Any, Any], brackets: bool
) -> UnderstudyError | None:
    """What is wrong with a table's keys, where that is what is wrong."""
    fields = {field.encode_name: field for field in table.fields}
    known = [*([table.tag_field] if table.tag_field else []), *fields]
    for key in value if table.forbid_unknown_fields else ():
        if key not in known:
            return _unknown(where, key, known)
    for key, field in fields.items():
        if field.required and key not in value:
            return _missing(where, key, field.type, brackets)
    if table.tag_field and table.tag_field not in value:
        return UnderstudyError(f"{where}: {table.tag_field} is missing; it must be {table.tag}.")
    return None


def _unknown(where: str, key: Any, known: Collection[str]) -> UnderstudyError:
    near = nearest(key, known) if isinstance(key, str) else ""
    return UnderstudyError(f"{where}: {show(key)} is unknown{near}; known are {', '.join(known)}.")


def _missing(where: str, key: str, kind: inspect.Type, brackets: bool) -> UnderstudyError:
    if brackets and is_table_list(kind):
        return UnderstudyError(f"{where} has no [[{key}]]; it needs at least one.")
    return UnderstudyError(f"{where}: {key} is missing; it must be {allowed([kind], True)}.")


def _path(
    steps: list[_Step], of_key: bool, tree: Any, kind: Any, message: str, strict: bool
) -> list[Any]:
    """The steps with the keys that msgspec does not tell."""

    def fails(tree: Any) -> bool:
        try:
            msgspec.convert(tree, kind, strict=strict, dec_hook=custom)
        except msgspec.ValidationError as error:
            return str(error) == message
        return False

    path: list[Any] = []
    for step in [*steps, None] if of_key else steps:
        if step is None:
            # The entry that is wrong is the last of the shortest beginning that fails alike.
            entries = list(_at(tree, path).items())
            count = bisect.bisect_left(
                range(1, len(entries)),
                True,
                key=lambda n: fails(_with(tree, path, dict(entries[:n]))),
            )
            step = entries[count][0]
        path.append(step)
    return path


def _at(tree: Any, path: Iterable[Any]) -> Any:
    for step in path:
        tree = tree[step]
    return tree


def _with(tree: Any, path: list[Any], value: Any) -> Any:
    """A copy of the tree with another value at a path."""
    if not path:
        return value
    copy = dict(tree) if isinstance(tree, Mapping) else list(tree)
    copy[path[0]] = _with(tree[path[0]], path[1:], value)
    return copy


def _below(kinds: list[inspect.Type], step: Any, value: Any) -> list[inspect.Type]:
    """The types that may stand one step below these, where this value is."""
    found: list[inspect.Type] = []
    for kind in map(plain, kinds):
        if isinstance(kind, inspect.StructType):
            for field in kind.fields:
                if field.encode_name == step:
                    found += members(field.type, value[step])
            if kind.tag_field == step:
                found.append(inspect.LiteralType((kind.tag,)))
        elif isinstance(kind, inspect.DictType):
            found += members(kind.value_type, value[step])
        elif isinstance(kind, inspect.TupleType):
            found += members(kind.item_types[step], value[step])
        elif isinstance(kind, inspect.CollectionType):
            found += members(kind.item_type, value[step])
    return found


def words_of(path: Iterable[Any], kind: inspect.Type, brackets: bool) -> str:
    """A path for people: "[[event]] 2, style.energy" or "left_stick, entry 2"."""
    words: list[str] = []
    kinds = members(kind, None)
    numbered = named = False
    for step in path:
        tables = any(is_table_list(one) for one in kinds)
        if isinstance(step, int):
            if tables and words and named:
                words[-1] = f"[[{words[-1]}]] {step + 1}" if brackets else f"{words[-1]} {step + 1}"
            else:
                words.append(f"entry {step + 1}")
            numbered, named = True, False
        elif numbered or not words:
            words.append(one_line(str(step)))
            numbered, named = False, True
        else:
            words[-1] += f".{one_line(str(step))}"
        kinds = _below(kinds, step, _Anything())
    return ", ".join(words)


class _Anything:
    """Stands for a value that is not at hand."""

    def __getitem__(self, step: Any) -> Any:
        return None


def join_words(where: str, words: str) -> str:
    return f"{where}, {words}" if words else where


def one_line(text: str) -> str:
    """Text without breaks, and without a full stop of its own."""
    return " ".join(text.split()).rstrip(".")
