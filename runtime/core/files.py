"""Files that are written: refused before the work begins, not after it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import UnderstudyError


def writable(path: Path) -> None:
    """Makes the folder of a file that will be written later, and says at once if it cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        refused = "it is a folder" if path.is_dir() else ""
        if not refused:
            part = path.with_name(f".{path.name}.part")
            part.touch()
            part.unlink()
    except OSError as error:
        refused = error.strerror or str(error)
    except ValueError as error:  # a NUL, or no name at all
        refused = str(error)
    if refused:
        raise UnderstudyError(f"{shown(path)} cannot be written ({refused}): choose another place.")


def named(text: str) -> Path:
    """The path that somebody asks for, once it is known that there can be one; asks no disk."""
    fault = ""
    if not text:
        fault = "it is empty"
    elif "\0" in text:
        fault = "it holds a NUL character"
    elif len(text.encode()) > 4000 or any(len(p.encode()) > 250 for p in Path(text).parts):
        fault = "it is too long"
    if fault:
        raise UnderstudyError(f"{shown(text)!r} is no path ({fault}): choose another.")
    return Path(text)


def shown(path: Path | str) -> str:
    """A path for a sentence: a screenful of it is none."""
    text = str(path).replace("\0", "\\0")
    return text if len(text) <= 200 else f"{text[:200]}..."


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A file beside `path` that takes its place at the end; whatever goes wrong, it is gone."""
    part = path.with_name(f".{path.stem}.part{path.suffix}")  # some writers go by the suffix
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        os.replace(part, path)
    except OSError as error:
        raise UnderstudyError(
            f"{shown(path)} cannot be written ({error.strerror or error}): choose another place."
        ) from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
