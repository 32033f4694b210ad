"""What comes from outside, TOML, JSON and plain mappings, read into typed structs.

What does not fit is one sentence that names the file, the key, the value found and what is allowed:

    show.toml, [[event]] 2, ramp_s is -1; it must be a number of at least 0 (seconds).

A struct says the rest itself: `Annotated[float, Meta(ge=0.0, extra={"unit": "seconds"})]`. Rules
that join fields go into its `__post_init__`, as a ValueError that says what is wrong without a
full stop.
"""

from __future__ import annotations

import bisect
import difflib
import math
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from .errors import UnderstudyError
from .typed_words import allowed, is_table_list, members, show

__all__ = ["LARGEST_BYTES", "Table", "convert", "nearest", "read_json", "read_text", "read_toml"]

T = TypeVar("T")
# Of numbers that a person or a trainer writes there are fewer; a film named by mistake has more.
LARGEST_BYTES = 16 << 20


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table whose keys are all known: a key that is not is a spelling mistake, and said.

    Subclasses are frozen too, and say kw_only=True again where defaults come before others.
    """


def read_toml(path: Path, kind: type[T], what: str) -> T:
    """The struct that a TOML file holds; `what` is what such a file is called, "pad script"."""
    text = read_text(path, what)
    try:
        tree = tomllib.loads(text)
    except RecursionError:
        raise UnderstudyError(f"{_name(path)} is not TOML that can be read: {_DEEP}.") from None
    except ValueError as error:  # TOMLDecodeError, and int() of more digits than it takes
        cause = _place_in_words(_one_line(str(error)), text)
        raise UnderstudyError(f"{_name(path)} is not TOML: {cause}.") from None
    return convert(tree, kind, _name(path))


def read_json(path: Path, kind: type[T], what: str) -> T:
    """The struct that a JSON file holds; `what` is what such a file is called, "weights card"."""
    text = read_text(path, what)
    data = text.encode()
    try:
        try:
            return msgspec.json.decode(data, type=kind, dec_hook=_custom)
        except msgspec.ValidationError as error:
            tree = msgspec.json.decode(data)  # damaged further on, this says so instead
            raise _sentence(error, tree, kind, _name(path), True, brackets=False) from None
    except RecursionError:
        raise UnderstudyError(f"{_name(path)} is not JSON that can be read: {_DEEP}.") from None
    except msgspec.DecodeError as error:
        cause = str(error).removeprefix("JSON is malformed: ")
        if at := re.search(r" \(byte (\d+)\)$", cause):
            before = data[: int(at[1])].decode(errors="replace")
            cause = f"{cause[: at.start()]} ({_line_and_column(before)})"
        elif "truncated" in cause:
            cause = f"it ends too early ({_line_and_column(text)})"
        raise UnderstudyError(f"{_name(path)} is not JSON: {_one_line(cause)}.") from None


def convert(value: object, kind: type[T], where: str, strict: bool = True) -> T:
    """The struct that a plain mapping holds.

    where says in a sentence's first words where it stands: "show.toml". Not strict, text counts as
    the number or the truth that it spells.
    """
    try:
        try:
            made = msgspec.convert(value, kind, strict=strict, dec_hook=_custom)
        except msgspec.ValidationError as error:
            raise _sentence(error, value, kind, where, strict, brackets=True) from None
        for path, number in _numbers(msgspec.to_builtins(made, enc_hook=lambda _: None), ()):
            if not math.isfinite(number):
                place = _join(where, _words(path, inspect.type_info(kind), True))
                raise UnderstudyError(f"{place} is {number}; it must be a finite number.")
    except RecursionError:
        raise UnderstudyError(f"{where} cannot be read: {_DEEP}.") from None
    return made


def read_text(path: Path, what: str) -> str:
    """The text of a file in UTF-8, of at most LARGEST_BYTES."""
    named = _name(path)
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except IsADirectoryError:
        raise UnderstudyError(
            f"Cannot read the {what} {named}: it is a folder; name a file in it."
        ) from None
    except OSError as error:
        cause = (error.strerror or str(error)).lower()
        raise UnderstudyError(f"Cannot read the {what} {named}: {_one_line(cause)}.") from None
    except ValueError:  # a NUL, which no path has
        raise UnderstudyError(
            f"Cannot read the {what} {named}: the path has a character that no path can have."
        ) from None
    if len(data) > LARGEST_BYTES:
        raise UnderstudyError(
            f"Cannot read the {what} {named}: it has more than {LARGEST_BYTES >> 20} MiB, so it is "
            "another kind of file."
        )
    try:
        return data.decode("utf-8-sig")  # some editors put a mark before UTF-8
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        raise UnderstudyError(
            f"{named} is not text in UTF-8 (byte 0x{data[error.start]:02x}, "
            f"{_line_and_column(before)}); save the {what} as UTF-8."
        ) from None


def nearest(word: str, there: Iterable[str]) -> str:
    """ ", did you mean 'x'" where something is spelt alike."""
    near = difflib.get_close_matches(word, list(there), 1)
    return f", did you mean {near[0]!r}" if near else ""


_DEEP = "its tables and lists lie too deep in one another"
# The path at the end of msgspec's message, and whether it speaks of a key there.
_PATH = re.compile(r" - at (`key` in )?`\$([^`]*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
_Step = str | int | None  # None: some entry of a table that is free in its keys


def _custom(kind: type, value: Any) -> Any:
    """A type that msgspec does not know reads itself; ValueError if it cannot."""
    return kind.read(value)  # type: ignore[attr-defined]


def _sentence(
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
        there = members(top, tree)
        value = tree
        for step in path[:-1] if of_key else path:
            there, value = _below(there, step, value), value[step]
    except (LookupError, TypeError):  # a key that is written like a path
        return UnderstudyError(f"{where} does not fit: {_one_line(message)}.")
    words = _words(path, top, brackets)
    if error.__cause__ is not None:  # raised by a struct or a type of ours
        return UnderstudyError(f"{_join(where, words)}: {_one_line(str(error.__cause__))}.")
    if of_key:
        above = _join(where, _words(path[:-1], top, brackets))
        known = [t.key_type for t in there if isinstance(t, inspect.DictType)]
        options = [str(v) for t in known if isinstance(t, inspect.LiteralType) for v in t.values]
        if options:
            return _unknown(above, path[-1], options)
        said = f"the key {show(path[-1])} must be {allowed(known)}" if known else "has an odd key"
        return UnderstudyError(f"{above}: {said}.")
    for table in there:
        if isinstance(table, inspect.StructType) and isinstance(value, Mapping):
            fields = {field.encode_name: field for field in table.fields}
            known_keys = [*([table.tag_field] if table.tag_field else []), *fields]
            for key in value if table.forbid_unknown_fields else ():
                if key not in known_keys:
                    return _unknown(_join(where, words), key, known_keys)
            for key, field in fields.items():
                if field.required and key not in value:
                    return _missing(_join(where, words), key, field.type, brackets)
            if table.tag_field and table.tag_field not in value:
                return UnderstudyError(f"{_join(where, words)}: {table.tag_field} is missing.")
    if not there:
        return UnderstudyError(f"{_join(where, words)} does not fit: {_one_line(message)}.")
    place = _join(where, words) if words else f"{where}: it"
    return UnderstudyError(f"{place} is {show(value)}; it must be {allowed(there)}.")


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
            msgspec.convert(tree, kind, strict=strict, dec_hook=_custom)
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
    for kind in kinds:
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


def _words(path: Iterable[Any], kind: inspect.Type, brackets: bool) -> str:
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
            words.append(_one_line(str(step)))
            numbered, named = False, True
        else:
            words[-1] += f".{_one_line(str(step))}"
        kinds = _below(kinds, step, _Anything())
    return ", ".join(words)


class _Anything:
    """Stands for a value that is not at hand."""

    def __getitem__(self, step: Any) -> Any:
        return None


def _join(where: str, words: str) -> str:
    return f"{where}, {words}" if words else where


def _numbers(tree: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], float]]:
    """Every float of a tree with where it stands."""
    if isinstance(tree, float):
        yield path, tree
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield from _numbers(value, (*path, key))
    elif isinstance(tree, list | tuple):
        for index, value in enumerate(tree):
            yield from _numbers(value, (*path, index))


def _name(path: Path) -> str:
    """A path for a sentence of one line."""
    return str(path) if str(path).isprintable() else repr(str(path))


def _one_line(text: str) -> str:
    """Text without breaks, and without a full stop of its own."""
    return " ".join(text.split()).rstrip(".")


def _line_and_column(before: str) -> str:
    """Where text ends that stands before a fault."""
    lines = before.split("\n")
    return f"line {len(lines)}, column {len(lines[-1]) + 1}"


def _place_in_words(cause: str, text: str) -> str:
    """tomllib's message with line and column, also where it says "end of document"."""
    at_end = f"({_line_and_column(text)}, where the file ends)"
    return cause.replace("(at end of document)", at_end).replace("(at line ", "(line ")
