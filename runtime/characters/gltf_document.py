"""A glTF or VRM file that is open: its JSON as structs, its tree checked, its bytes at hand."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.files import shown

from . import glb
from .gltf_schema import Document, Node

MOST_BYTES = 1 << 30
MOST_NODES = 1 << 16
SUFFIXES = (".glb", ".gltf", ".vrm")


class File:
    """A glTF file that is open: `tree`, its JSON, and the bytes that it speaks of."""

    def __init__(self, path: Path, tree: Document, chunk: bytes) -> None:
        self.path, self.name, self.tree, self._chunk = path, path.name, tree, chunk
        self._buffers: dict[int, bytes] = {}
        self._left = MOST_BYTES

    def damaged(self, what: str) -> UnderstudyError:
        return UnderstudyError(f"{self.name} is damaged: {what}.")

    def buffer(self, index: int) -> bytes:
        """A buffer's bytes: of the file itself, of its text, or of a file beside it."""
        if index not in self._buffers:
            buffers = self.tree.buffers
            if index == 0 and not (buffers and buffers[0].uri):
                self._buffers[0] = self._chunk
            elif 0 <= index < len(buffers) and buffers[index].uri:
                self._buffers[index] = self.beside(buffers[index].uri)
            else:
                raise self.damaged(f"there is no buffer {index}")
        return self._buffers[index]

    def view(self, index: int) -> bytes:
        """The bytes of a view, whole."""
        if not 0 <= index < len(self.tree.bufferViews):
            raise self.damaged(f"there is no view {index}")
        one = self.tree.bufferViews[index]
        data, stop = self.buffer(one.buffer), one.byteOffset + one.byteLength
        if not 0 <= one.byteOffset <= stop <= len(data):
            raise self.damaged(f"view {index} lies outside of its buffer")
        return data[one.byteOffset : stop]

    def beside(self, uri: str) -> bytes:
        """The bytes behind a URI: base64 within it, or a file named from where this one lies."""
        if uri.startswith("data:"):
            try:
                return base64.b64decode(uri.partition(",")[2], validate=True)
            except (binascii.Error, ValueError):
                raise self.damaged("a data URI in it is no base64") from None
        name = unquote(uri)
        said = shown(name)
        if "://" in name or "\0" in name or Path(name).is_absolute():
            raise UnderstudyError(
                f"{self.name} names {said!r}, which is no file beside it; export it as one .glb."
            )
        path = self.path.parent / name
        try:
            if not path.is_file():
                raise UnderstudyError(
                    f"{self.name} needs the file {said}, which is not beside it; bring it there "
                    "or export one .glb."
                )
            self._left -= path.stat().st_size
            if self._left < 0:
                raise too_large(self.name)
            return path.read_bytes()
        except OSError as error:
            raise UnderstudyError(f"{said} cannot be read: {error.strerror or error}.") from None


def has_mesh(path: Path) -> bool:
    """Whether a character's file is of a kind that has something to draw."""
    return path.suffix.lower() in SUFFIXES


def too_large(name: str) -> UnderstudyError:
    return UnderstudyError(f"{name} has more than {MOST_BYTES >> 20} MB; export less.")


def opened(path: Path) -> File:
    """A .glb, .gltf, .vrm or .vrma, its JSON read and its nodes known to be few enough."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise too_large(path.name)
        data = path.read_bytes()
        text, chunk = (data, b"") if _is_text(data) else glb.split(path.name, data)
        tree = msgspec.json.decode(text, type=Document)
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, msgspec.DecodeError | RecursionError | UnicodeDecodeError):
            said = f"{path.name}: its JSON is damaged or no glTF: {error}."
        else:
            why = getattr(error, "strerror", None) or str(error)
            said = f"{shown(path)} cannot be read: {why}."
        raise UnderstudyError(said) from None
    if len(tree.nodes) > MOST_NODES:
        raise UnderstudyError(f"{path.name} has more than {MOST_NODES:,} nodes; export less.")
    return File(path, tree, chunk)


def _is_text(data: bytes) -> bool:
    return data[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")


def parents_of(name: str, nodes: list[Node]) -> list[int]:
    """The parent of every node, -1 for none; what is no tree is refused."""
    parent = [-1] * len(nodes)
    for n, node in enumerate(nodes):
        for child in node.children:
            if not 0 <= child < len(nodes) or parent[child] >= 0 or child == n:
                raise UnderstudyError(f"{name}: its nodes are no tree (node {n}).")
            parent[child] = n
    sound = [False] * len(nodes)
    for n in range(len(nodes)):
        way: dict[int, None] = {}
        while n >= 0 and not sound[n]:
            if n in way:
                raise UnderstudyError(f"{name}: its nodes are no tree (node {n}).")
            way[n] = None
            n = parent[n]
        for passed in way:
            sound[passed] = True
    return parent


def extension(table: dict[str, Any], name: str, kind: type) -> Any:
    """An extension's table as a struct, None where there is none or where it is damaged."""
    if not isinstance(table.get(name), dict):
        return None
    try:
        return msgspec.convert(table[name], kind)
    except msgspec.ValidationError:
        return None


def names_in(extras: Any, key: str) -> list[str]:
    """A list of names in somebody's `extras`, [] where there is none."""
    found = extras.get(key) if isinstance(extras, dict) else None
    sound = isinstance(found, list) and all(isinstance(name, str) for name in found)
    return found if sound and found is not None else []
