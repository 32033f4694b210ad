"""The takes of a folder, searched in an index that is made from the files.

The index is SQLite in the user's cache folder: it works for takes that can only be read, nothing is
lost with it, and it is made anew whenever it is missing, damaged or of another version. At each
look only files of another size or time are read again.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import os
import sqlite3
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import platformdirs

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.files import shown

from . import slate
from .contents import overview

VERSION = 1
# A file without its end that was written to so lately is being recorded: it is read when it rests.
RECORDING_S = 3.0
_TABLE = (
    "CREATE TABLE IF NOT EXISTS takes (file TEXT PRIMARY KEY, stamp TEXT, project TEXT, scene TEXT,"
    " shot TEXT, take INTEGER, circled INTEGER, begun_s REAL, people TEXT, said TEXT, row BLOB)"
)
_INSERT = "INSERT OR REPLACE INTO takes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class Row(msgspec.Struct, omit_defaults=False):
    """A take in a list; the words are those of `contents.Contents`.

    error  what is wrong with it, "" where nothing is
    """

    file: str
    seconds: float = 0.0
    frames: int = 0
    rate_hz: float = 0.0
    timecode_in: str = ""
    timecode_out: str = ""
    subjects: dict[str, dict[str, int]] = {}
    takeover: float = 0.0
    worst_gap_s: float = 0.0
    lost: int = 0
    skipped: int = 0
    markers: int = 0
    complete: bool = False
    recording: bool = False
    begun_s: float = 0.0
    slate: slate.Note = msgspec.field(default_factory=slate.Note)
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Query:
    """Which takes: each word narrows it; "" and None ask for nothing.

    text   words that stand anywhere in slate, notes, file name or subjects, each of them
    since  begun at or after this, in seconds since 1970
    """

    project: str = ""
    scene: str = ""
    shot: str = ""
    take: int | None = None
    circled: bool = False
    text: str = ""
    since_s: float | None = None
    subject: str = ""


def cache_folder() -> Path:
    """Where indexes and pictures of takes are kept; UNDERSTUDY_CACHE names another place."""
    own = os.environ.get("UNDERSTUDY_CACHE")
    return Path(own or platformdirs.user_cache_dir("understudy", appauthor=False)) / "takes"


def cache_of(folder: Path) -> Path:
    """The part of it that belongs to one folder of takes."""
    name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:24]
    return cache_folder() / name


class Library:
    """A folder of takes. `refresh` looks which have changed, `find` searches."""

    def __init__(self, folder: Path, index: Path | None = None) -> None:
        if not folder.is_dir():
            raise UnderstudyError(f"{shown(folder)} is no folder; give one with takes in it.")
        self.folder = folder
        self.index = index or cache_of(folder) / "library.sqlite"
        self._base = self._opened()

    def _opened(self) -> sqlite3.Connection:
        """The index; one that is damaged or of another version is thrown away."""
        with contextlib.suppress(OSError):
            self.index.parent.mkdir(parents=True, exist_ok=True)
        for _ in range(2):
            with contextlib.suppress(sqlite3.Error):
                base = sqlite3.connect(self.index, timeout=5.0, check_same_thread=False)
                if self._fits(base):
                    return base
                base.close()
            with contextlib.suppress(OSError):
                self.index.unlink()
        base = sqlite3.connect(":memory:", check_same_thread=False)  # no place of ours to write to
        base.execute(_TABLE)
        return base

    @staticmethod
    def _fits(base: sqlite3.Connection) -> bool:
        (version,) = base.execute("PRAGMA user_version").fetchone()
        if version not in (0, VERSION):
            return False
        with base:
            base.execute(_TABLE)
            base.execute(f"PRAGMA user_version = {VERSION}")
        return base.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)

    def refresh(self) -> list[str]:
        """Brings the index up to date with the files; gives the names of those that were read."""
        try:
            return self._refresh()
        except sqlite3.Error:
            with contextlib.suppress(sqlite3.Error):
                self._base.close()
            with contextlib.suppress(OSError):
                self.index.unlink()
            self._base = self._opened()
            return self._refresh()

    def _refresh(self) -> list[str]:
        known = dict(self._base.execute("SELECT file, stamp FROM takes"))
        there = stamps(self.folder)
        changed = [name for name, stamp in there.items() if known.get(name) != stamp]
        gone = [(name,) for name in known.keys() - there.keys()]
        if not changed and not gone:
            return []
        rows = [self._line(name, there[name]) for name in changed]
        with self._base:
            self._base.executemany("DELETE FROM takes WHERE file = ?", gone)
            self._base.executemany(_INSERT, rows)
        return changed

    def _line(self, name: str, stamp: str) -> tuple[Any, ...]:
        row = read(self.folder / name)
        if row.recording:
            stamp = ""  # it is looked at again
        said = row.slate
        words = [name, said.project, said.scene, said.shot, said.description, said.notes]
        people = "".join(f"\n{one.casefold()}\n" for one in row.subjects)
        return (
            name,
            stamp,
            *(str(word or "").casefold() for word in (said.project, said.scene, said.shot)),
            said.take,
            bool(said.circled),
            row.begun_s,
            people,
            "\n".join(word for word in words if word).casefold() + people,
            msgspec.json.encode(row),
        )

    def find(self, query: Query | None = None) -> list[Row]:
        """The takes that fit, by project, scene, shot and take, then by name."""
        query = query or Query()
        terms: list[tuple[str, Any]] = [
            (f"{word} = ?", value.casefold())
            for word in ("project", "scene", "shot")
            if (value := getattr(query, word))
        ]
        terms += [("instr(said, ?)", word) for word in query.text.casefold().split()]
        if query.subject:
            terms.append(("instr(people, ?)", f"\n{query.subject.casefold()}\n"))
        if query.take is not None:
            terms.append(("take = ?", query.take))
        if query.since_s is not None:
            terms.append(("begun_s >= ?", query.since_s))
        if query.circled:
            terms.append(("circled = ?", 1))
        where = " AND ".join(term for term, _ in terms)
        found = self._base.execute(
            f"SELECT row FROM takes {'WHERE ' + where if where else ''} "
            "ORDER BY project, scene, shot, take, file",
            [value for _, value in terms],
        )
        return [_decoded(row) for (row,) in found]

    def close(self) -> None:
        self._base.close()

    def __enter__(self) -> Library:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_decoded = msgspec.json.Decoder(Row).decode


def stamps(folder: Path) -> dict[str, str]:
    """Of every take of a folder by which it is known whether it, or its notes, have changed."""
    takes: dict[str, str] = {}
    notes: dict[str, str] = {}
    try:
        for entry in os.scandir(folder):
            name = entry.name
            if name.startswith(".") or not name.endswith((".mcap", slate.SIDECAR)):
                continue
            with contextlib.suppress(OSError):
                told = entry.stat()
                if stat.S_ISREG(told.st_mode):
                    into = takes if name.endswith(".mcap") else notes
                    into[name] = f"{told.st_size} {told.st_mtime_ns}"
    except OSError as error:
        raise UnderstudyError(f"{shown(folder)} cannot be read ({error.strerror}).") from None
    return {
        name: f"{stamp} {notes.get(name.removesuffix('.mcap') + slate.SIDECAR, '')}"
        for name, stamp in takes.items()
    }


def read(path: Path) -> Row:
    """A take as it stands in a list; what cannot be read is a row that says so."""
    try:
        told = path.stat()
        found = overview(path, wait_s=RECORDING_S)
    except UnderstudyError as error:  # a file of others does not hide the takes
        return Row(path.name, error=str(error))
    except OSError as error:
        return Row(path.name, error=f"{shown(path)} cannot be read ({error.strerror}).")
    names = set(Row.__struct_fields__) - {"file", "slate", "recording", "error", "begun_s"}
    return Row(
        file=path.name,
        **{name: getattr(found, name) for name in names},
        recording=not found.complete and abs(time.time() - told.st_mtime) < RECORDING_S,
        begun_s=found.begun_s or told.st_mtime - found.seconds,
        slate=slate.Note(**found.slate),
        error=" ".join(found.damage[:3]),
    )


def since(text: str) -> float:
    """A date, or a date and a time, of this machine's clock, in seconds since 1970."""
    try:
        return datetime.datetime.fromisoformat(text).astimezone().timestamp()
    except (ValueError, OverflowError):
        raise UnderstudyError(
            f"--since is {text!r}; give a date as 2026-03-14, or with a time 2026-03-14T10:30."
        ) from None


def remove(take: Path) -> Path:
    """Moves a take and what was noted of it into the folder .trash beside it; gives its place."""
    if not take.is_file() or take.suffix != ".mcap":
        raise UnderstudyError(f"There is no take {shown(take)}; `understudy take ls` lists them.")
    if read(take).recording:
        raise UnderstudyError(f"{shown(take)} is being recorded; stop it first.")
    trash = take.parent / slate.TRASH
    number, target = 1, trash / take.name
    while os.path.lexists(target) or os.path.lexists(slate.sidecar(target)):
        number += 1
        target = trash / f"{take.stem}-{number}.mcap"
    try:
        trash.mkdir(exist_ok=True)
        if os.path.lexists(slate.sidecar(take)):
            os.replace(slate.sidecar(take), slate.sidecar(target))
        os.replace(take, target)
    except OSError as error:
        raise UnderstudyError(f"{shown(take)} cannot be moved ({error.strerror}).") from None
    return target
