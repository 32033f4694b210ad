"""What comes from outside, TOML, JSON and plain mappings, read into typed structs.

What does not fit is one sentence that names the file, the key, the value found and what is allowed:

    show.toml, [[event]] 2, ramp_s is -1; it must be a number of at least 0 (seconds).

A struct says the rest itself: `Annotated[float, Meta(ge=0.0, extra={"unit": "seconds"})]`. Rules
that join fields go into its `__post_init__`, as a ValueError that says what is wrong without a
full stop.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from .errors import UnderstudyError
from .files import shown
from .typed_errors import custom, join_words, nearest, one_line, sentence, words_of
from .typed_words import show

__all__ = [
    "LARGEST_BYTES",
    "Table",
    "convert",
    "nearest",
    "path_in_words",
    "read_json",
    "read_text",
    "read_toml",
]

T = TypeVar("T")
# Of numbers that a person or a trainer writes there are fewer; a film named by mistake has more.
LARGEST_BYTES = 16 << 20
_DEEP = "its tables and lists lie too deep in one another"


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table whose keys are all known: a key that is not is a spelling mistake, and said.

    Subclasses say frozen=True, kw_only=True again; type checkers inherit neither.
    """


def read_toml(path: Path, kind: type[T], what: str) -> T:
    """The struct that a TOML file holds; `what` is what such a file is called, "pad script"."""
    text = read_text(path, what)
    try:
        tree = tomllib.loads(text)
    except RecursionError:
        raise UnderstudyError(
            f"{path_in_words(path)} is not TOML that can be read: {_DEEP}."
        ) from None
    except ValueError as error:  # TOMLDecodeError, and int() of more digits than it takes
        cause = _place_in_words(one_line(str(error)), text)
        raise UnderstudyError(f"{path_in_words(path)} is not TOML: {cause}.") from None
    return convert(tree, kind, path_in_words(path))


def read_json(path: Path, kind: type[T], what: str, remedy: str = "") -> T:
    """The struct that a JSON file holds; `what` is what such a file is called, "weights card".

    remedy ends a sentence on what is wrong in it, for files that no person writes.
    """
    text = read_text(path, what)
    try:
        return _decoded(text, kind, path_in_words(path))
    except UnderstudyError as error:
        if not remedy:
            raise
        raise UnderstudyError(f"{str(error).removesuffix('.')}; {remedy}.") from None


def _decoded(text: str, kind: type[T], where: str) -> T:
    data = text.encode()
    try:
        try:
            return msgspec.json.decode(data, type=kind, dec_hook=custom)
        except msgspec.ValidationError as error:
            tree = msgspec.json.decode(data)  # damaged further on, this says so instead
            raise sentence(error, tree, kind, where, True, brackets=False) from None
    except RecursionError:
        raise UnderstudyError(f"{where} is not JSON that can be read: {_DEEP}.") from None
    except msgspec.DecodeError as error:
        cause = str(error).removeprefix("JSON is malformed: ")
        if at := re.search(r" \(byte (\d+)\)$", cause):
            before = data[: int(at[1])].decode(errors="replace")
            cause = f"{cause[: at.start()]} ({_line_and_column(before)})"
        elif "truncated" in cause:
            cause = f"it ends too early ({_line_and_column(text)})"
        raise UnderstudyError(f"{where} is not JSON: {one_line(cause)}.") from None


def convert(value: object, kind: type[T], where: str, strict: bool = True) -> T:
    """The struct that a plain mapping holds.

    where says in a sentence's first words where it stands: "show.toml". Not strict, text counts as
    the number or the truth that it spells.
    """
    try:
        try:
            made = msgspec.convert(value, kind, strict=strict, dec_hook=custom)
        except msgspec.ValidationError as error:
            raise sentence(error, value, kind, where, strict, brackets=True) from None
        for path, number in _numbers(msgspec.to_builtins(made, enc_hook=lambda _: None), ()):
            if not math.isfinite(number):
                place = join_words(where, words_of(path, inspect.type_info(kind), True))
                raise UnderstudyError(f"{place} is {number}; it must be a finite number.")
    except RecursionError:
        raise UnderstudyError(f"{where} cannot be read: {_DEEP}.") from None
    return made


def read_text(path: Path, what: str) -> str:
    """The text of a file in UTF-8, of at most LARGEST_BYTES."""
    named = path_in_words(path)
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except IsADirectoryError:
        raise UnderstudyError(
            f"Cannot read the {what} {named}: it is a folder; name a file in it."
        ) from None
    except OSError as error:
        cause = (error.strerror or str(error)).lower()
        raise UnderstudyError(f"Cannot read the {what} {named}: {one_line(cause)}.") from None
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


def path_in_words(path: Path) -> str:
    """A path for a sentence of one line."""
    text = shown(path)
    return text if text.isprintable() else repr(text)


def _line_and_column(before: str) -> str:
    """Where text ends that stands before a fault."""
    lines = before.split("\n")
    return f"line {len(lines)}, column {len(lines[-1]) + 1}"


def _place_in_words(cause: str, text: str) -> str:
    """tomllib's message with line and column, also where it says "end of document"; the line."""
    if cause.endswith("(at end of document)"):
        cause = cause.removesuffix("(at end of document)")
        return f"{cause}({_line_and_column(text)}, where the file ends)"
    if at := re.search(r"\(at line (\d+), column \d+\)$", cause):
        line = text.split("\n")[int(at[1]) - 1].strip()
        return f"{cause.replace('(at line ', '(line ')}: {show(line)}"
    return cause
