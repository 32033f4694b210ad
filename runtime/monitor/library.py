"""The library page: takes of a folder of this machine, their pictures, notes, and BVH."""

from __future__ import annotations

import asyncio
import contextlib
import io
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from understudy.runtime.core import processes
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.takes import export_process, slate
from understudy.runtime.takes.library import Library, Query, Row, read, since, stamps

T = TypeVar("T")
# Sheets that are missing are made so often, at most.
SHEETS_AGAIN_S = 5.0
MOST_ROWS = 500


class Shelf:
    """One folder of takes. What reads files is done on a thread, one thing at a time."""

    def __init__(
        self,
        folder: Path,
        launch: Callable[..., subprocess.Popen[bytes]] = processes.start,
    ) -> None:
        self.folder = folder
        self._launch = launch
        self._thread = ThreadPoolExecutor(1, "library")
        self._exporting = ThreadPoolExecutor(1, "export")
        self._library: Library | None = None
        self._drawing: subprocess.Popen[bytes] | None = None
        self._drawn_s = float("-inf")

    async def found(self, words: dict[str, str]) -> bytes:
        """The takes that fit the words of an address, as JSON for the page."""
        return await self._beside(lambda: self._found(query_of(words)))

    def _found(self, query: Query) -> bytes:
        try:
            if self._library is None:
                self._library = Library(self.folder)
            self._library.refresh()
            rows = self._library.find(query)
            there = stamps(self.folder)
        except UnderstudyError as error:
            return msgspec.json.encode({"folder": str(self.folder), "error": str(error)})
        self._draw(there)
        return msgspec.json.encode(
            {
                "folder": str(self.folder.absolute()),
                "error": "",
                "count": len(rows),
                "all": len(there),
                "takes": [described(row) for row in rows[:MOST_ROWS]],
            }
        )

    def _draw(self, there: dict[str, str]) -> None:
        """Has the sheets made that are missing, beside everything else."""
        from understudy.runtime.takes.sheet import path_of

        busy = self._drawing is not None and self._drawing.poll() is None
        if busy or time.monotonic() - self._drawn_s < SHEETS_AGAIN_S:
            return
        if all(path_of(self.folder / name, stamp).exists() for name, stamp in there.items()):
            return
        self._drawn_s = time.monotonic()
        self._drawing = self._launch("take", "sheets", self.folder, stdout=subprocess.DEVNULL)

    async def sheet(self, name: str) -> bytes | None:
        """The picture of a take, None where there is none yet."""
        return await self._beside(lambda: self._sheet(name))

    def _sheet(self, name: str) -> bytes | None:
        from understudy.runtime.takes.sheet import path_of

        if (take := self._take(name)) is None:
            return None
        stamp = stamps(self.folder).get(name, "")
        with contextlib.suppress(OSError):
            return path_of(take, stamp).read_bytes()
        return None

    async def note(self, name: str, words: dict[str, Any]) -> dict[str, Any]:
        """Notes something of a take; gives its row as it is then. Raises a sentence."""

        def noted() -> dict[str, Any]:
            if (take := self._take(name)) is None:
                raise UnderstudyError(f"There is no take {name!r} any more.")
            slate.note(take, words)
            return described(read(take))

        return await self._beside(noted)

    async def bvh(self, name: str) -> tuple[str, bytes] | None:
        """A take as BVH: a file's name and content; of several subjects a ZIP of them."""
        if (take := self._take(name)) is None:
            return None
        return await asyncio.get_running_loop().run_in_executor(self._exporting, _bvh, take)

    def _take(self, name: str) -> Path | None:
        """The file of that name in the folder, and no other."""
        take = self.folder / name
        if Path(name).name != name or name.startswith(".") or take.suffix != ".mcap":
            return None
        return take if take.is_file() else None

    async def _beside(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        if self._drawing is not None:
            processes.end([self._drawing])
        self._exporting.shutdown(wait=False, cancel_futures=True)
        self._thread.shutdown()
        if self._library is not None:
            self._library.close()


def query_of(words: dict[str, str]) -> Query:
    """What an address asks for; raises a sentence."""
    return Query(
        project=words.get("project", ""),
        scene=words.get("scene", ""),
        shot=words.get("shot", ""),
        text=words.get("text", "")[:200],
        subject=words.get("with", ""),
        circled=words.get("circled", "") == "1",
        since_s=since(words["since"]) if words.get("since") else None,
    )


def described(row: Row) -> dict[str, Any]:
    """A row for the page."""
    return {**msgspec.to_builtins(row), "slate": row.slate.said}


def _bvh(take: Path) -> tuple[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        files = export_process.export([take], Path(folder) / f"{take.stem}.bvh").files
        if not files:
            raise UnderstudyError(f"{take.name} holds nobody who could be exported.")
        if len(files) == 1:
            return files[0].name, files[0].read_bytes()
        whole = io.BytesIO()
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as packed:
            for file in files:
                packed.write(file, file.name)
        return f"{take.stem}.zip", whole.getvalue()
