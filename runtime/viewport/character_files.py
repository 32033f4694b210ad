"""Which files the characters of a stage are, and what its props are made of.

The stage is asked when one that is not known is on the wire.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import msgspec

from understudy.runtime.characters.gltf_document import SUFFIXES
from understudy.runtime.core import typed
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import Frame
from understudy.runtime.props.table import PropTable
from understudy.runtime.retarget import profile as profiles

from .outfit import is_drawn

AGAIN_S = 3.0  # a stage that could not say is asked again


class Client(Protocol):
    """What of a ControlClient is needed."""

    def session(self) -> dict[str, Any]: ...
    def close(self) -> None: ...


class _Row(msgspec.Struct):
    name: str
    character: str = ""


class _Session(msgspec.Struct):
    prop: list[PropTable] = []


class _Told(msgspec.Struct):
    subjects: list[_Row] = []
    session: _Session = msgspec.field(default_factory=_Session)


class CharacterFiles:
    """Files by character's name: those that a user gave, and those that the stage says.

    open_client  makes the connection; called in a thread of its own, so that no picture waits
    """

    def __init__(self, open_client: Callable[[], Client] | None = None) -> None:
        self.given: dict[str, Path] = {}
        self.files: dict[str, Path] = {}
        self.props: dict[str, PropTable] = {}  # as far as the stage has any
        self.notes: list[str] = []
        self._strange: frozenset[str] = frozenset()  # props that it does not know
        self._open = open_client
        self._thread: threading.Thread | None = None
        self._asked_s = float("-inf")
        self._worn: dict[str, str] = {}  # a subject's name -> its character's, as last asked for

    def follow(self, frame: Frame | None) -> dict[str, Path]:
        """The files as they are known now; asks the stage where a frame has another character."""
        worn = {s.name: s.character for s in frame.subjects if s.character} if frame else {}
        unknown = {n: c for n, c in worn.items() if c not in self.files and c not in self.given}
        things = {prop.name for prop in frame.props} if frame else set()
        strange = frozenset(things - self.props.keys() - self._strange)
        if (unknown or strange) and self._open is not None and (self._thread is None):
            now_s = time.monotonic()
            if unknown != self._worn or strange or now_s - self._asked_s > AGAIN_S:
                self._worn, self._asked_s = unknown, now_s
                self._strange |= strange
                self._thread = threading.Thread(target=self._ask, args=(unknown,), daemon=True)
                self._thread.start()
        return {**self.files, **self.given}

    def _ask(self, unknown: dict[str, str]) -> None:
        assert self._open is not None
        try:
            client = self._open()
            try:
                told = typed.convert(client.session(), _Told, "the stage's session")
            finally:
                client.close()
            self.props = {table.name: table for table in told.session.prop}
            self._strange = frozenset(self._strange - self.props.keys())
            for row in told.subjects:
                name = unknown.get(row.name, "")
                if name and row.character:
                    self._take(name, Path(row.character))
        except UnderstudyError:
            pass  # without the right to ask it stays the mannequin
        finally:
            self._thread = None

    def _take(self, name: str, path: Path) -> None:
        if path.is_file():
            if is_drawn(path):  # a motion file's skeleton has no mesh
                self.files = {**self.files, name: path}
            return
        note = (
            f"The file of {name}, {path.name}, is not on this machine: bring it here and add "
            f"--character {name}=FILE."
        )
        if note not in self.notes:
            self.notes.append(note)


def parse(said: str) -> tuple[str, Path]:
    """[NAME=]FILE; without a name the file's own."""
    name, equals, file = said.partition("=")
    if not equals:
        name, file = "", said
    path = Path(file)
    if not file or (equals and not name):
        raise UnderstudyError(f"--character {said!r} names nothing; write NAME=FILE.")
    kinds = (*SUFFIXES, profiles.SUFFIX)
    if path.suffix.lower() not in kinds:
        raise UnderstudyError(
            f"--character {said}: {path.name} is no character that can be drawn; "
            f"{', '.join(kinds)} files are."
        )
    if not path.is_file():
        raise UnderstudyError(f"--character {said}: there is no file {path}.")
    return name or path.stem, path
