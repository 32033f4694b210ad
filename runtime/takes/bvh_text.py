"""The text of a BVH file: its encoding, its head, and its motion in pieces of bounded size."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from understudy.runtime.core.errors import UnderstudyError

from .bvh_hierarchy import read_hierarchy

MOST_HEAD = 16 << 20  # bytes before MOTION: twenty times the largest rig's
PIECE = 1 << 19  # stays in a processor's cache
_MOTION = re.compile(rb"(?im)^[ \t]*MOTION[ \t\r]*$")
_MARKS = (  # the longer ones first: UTF-32's begins as UTF-16's does
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Joints that old Japanese tools name; they tell Shift-JIS from Latin-1.
_JAPANESE = re.compile("[左右足腕頭首腰肩半身]")


@dataclass
class Text:
    """A file that is read up to its line MOTION; head is what stands before it."""

    name: str
    head: str
    size: int
    lines_before: int
    _stream: BinaryIO
    _pending: bytes
    _start: int

    def pieces(self, first: int = PIECE) -> Iterator[bytes]:
        """What follows, in whole lines; the first piece may be a small one."""
        left, size = self._pending, first
        self._pending = b""
        while True:
            more = self._stream.read(size)
            size = PIECE
            if not more:
                if left:
                    yield left
                return
            left += more
            cut = left.rfind(b"\n") + 1
            if cut:
                yield left[:cut]
                left = left[cut:]

    def rest(self) -> bytes:
        """All of the motion at once, from its first byte again."""
        self._stream.seek(self._start)
        return self._stream.read()


@contextmanager
def opened(path: Path) -> Iterator[Text]:
    """The file at its line MOTION; raises one sentence where there is none."""
    try:
        with open(path, "rb") as file:
            yield _text(path, file)
    except OSError as error:
        raise UnderstudyError(f"{path} cannot be read: {error.strerror}.") from None


def _text(path: Path, file: BinaryIO) -> Text:
    stream = _as_utf8(path.name, file)
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    content = b""
    while True:
        piece = stream.read(1 << 16)
        content += piece
        # Only what is new is searched, from the start of its first line.
        found = _MOTION.search(content, content.rfind(b"\n", 0, len(content) - len(piece)) + 1)
        if not found and len(content) > MOST_HEAD:
            raise UnderstudyError(
                f"{path.name} has no line MOTION in its first {MOST_HEAD >> 20} MB; is this a BVH?"
            )
        # A match at the end of what was read may be the start of a longer line.
        if found and (found.end() < len(content) or not piece):
            break
        if not piece:
            read_hierarchy(path.name, _decoded(content))  # a damaged one is the first fault
            raise UnderstudyError(
                f"{path.name} has no line MOTION: the file ends with its hierarchy or was cut "
                "there."
            )
    head = _decoded(content[: found.start()])
    before = content.count(b"\n", 0, found.end())
    return Text(path.name, head, size, before, stream, content[found.end() :], found.end())


def _as_utf8(name: str, file: BinaryIO) -> BinaryIO:
    """The file itself, or its content with line ends \\n and one byte a letter."""
    start = file.read(1 << 12)
    file.seek(0)
    wide = next((code for mark, code in _MARKS if start.startswith(mark)), "")
    if not wide and start.count(b"\0") > len(start) // 4:
        wide = "utf-16-le" if start[1:2] == b"\0" else "utf-16-be"
    if wide:
        try:
            text = file.read().decode(wide)
        except UnicodeDecodeError:
            raise UnderstudyError(
                f"{name} begins as {wide.upper()} text and goes on as something else."
            ) from None
        return io.BytesIO(text.replace("\r\n", "\n").replace("\r", "\n").encode())
    if b"\r" in start and b"\n" not in start:
        return io.BytesIO(file.read().replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
    return file


def _decoded(head: bytes) -> str:
    try:
        return head.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        text = head.decode("cp932")
        if _JAPANESE.search(text):
            return text
    except UnicodeDecodeError:
        pass
    return head.decode("latin-1")
