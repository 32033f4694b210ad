"""A .glb or .vrm file as typed structs, its tree checked and its numbers behind accessors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.files import shown
from understudy.runtime.core.rotation import Array

from . import glb

MOST_BYTES = 1 << 30
MOST_VALUES = 1 << 28


class Node(msgspec.Struct):
    name: str = ""
    children: list[int] = []
    translation: tuple[float, float, float] = (0.0, 0.0, 0.0)
    rotation: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 1.0)
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    matrix: list[float] | None = None
    camera: int | None = None

    def parts(self) -> tuple[Array, Array, Array]:
        """Translation (3,), rotation (4,) and scale (3,), of a matrix too."""
        if self.matrix is not None and len(self.matrix) == 16:
            m = np.array(self.matrix, float).reshape(4, 4).T
            scale = np.linalg.norm(m[:3, :3], axis=0)
            if np.linalg.det(m[:3, :3]) < 0.0:
                scale[0] = -scale[0]
            axes = m[:3, :3] / np.where(scale == 0.0, 1.0, scale)
            return m[:3, 3], rotation.from_matrix(axes), scale
        turn = rotation.normalize(np.array(self.rotation, float))
        return np.array(self.translation, float), turn, np.array(self.scale, float)


class Skin(msgspec.Struct):
    joints: list[int]


class Sampler(msgspec.Struct):
    input: int
    output: int = -1
    interpolation: str = "LINEAR"


class Target(msgspec.Struct):
    node: int = -1
    path: str = ""


class Channel(msgspec.Struct):
    target: Target
    sampler: int = -1


class Animation(msgspec.Struct):
    samplers: list[Sampler]
    channels: list[Channel]
    name: str = ""


class Accessor(msgspec.Struct):
    count: int
    componentType: int = 5126
    type: str = "SCALAR"
    bufferView: int | None = None
    byteOffset: int = 0
    normalized: bool = False
    sparse: Any = None
    min: list[float] = []
    max: list[float] = []


class View(msgspec.Struct):
    byteLength: int
    buffer: int = 0
    byteOffset: int = 0
    byteStride: int = 0


class Buffer(msgspec.Struct):
    uri: str = ""


class Bone(msgspec.Struct):
    node: int = -1
    bone: str = ""


class Humanoid(msgspec.Struct):
    # VRM 1 has a table by bone, VRM 0 a list.
    humanBones: dict[str, Bone] | list[Bone] = []


class Vrm(msgspec.Struct):
    humanoid: Humanoid = msgspec.field(default_factory=Humanoid)


class Extensions(msgspec.Struct):
    VRMC_vrm: Vrm | None = None
    VRMC_vrm_animation: Vrm | None = None
    VRM: Vrm | None = None


class Document(msgspec.Struct):
    nodes: list[Node] = []
    skins: list[Skin] = []
    animations: list[Animation] = []
    accessors: list[Accessor] = []
    bufferViews: list[View] = []
    buffers: list[Buffer] = []
    extensions: Extensions = msgspec.field(default_factory=Extensions)


def document(path: Path) -> tuple[Document, bytes]:
    """The structs of a file, and the bytes of its chunk of numbers."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UnderstudyError(f"{path.name} has more than {MOST_BYTES >> 20} MB; export less.")
        text, chunk = glb.split(path.name, path.read_bytes())
        return msgspec.json.decode(text, type=Document), chunk
    except (OSError, ValueError) as error:
        if isinstance(error, msgspec.DecodeError):
            said = f"{path.name}: its JSON is damaged or no glTF: {error}."
        else:
            why = getattr(error, "strerror", None) or str(error)
            said = f"{shown(path)} cannot be read: {why}."
        raise UnderstudyError(said) from None


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


class Numbers:
    """The values behind a file's accessors, as float64."""

    def __init__(self, name: str, tree: Document, chunk: bytes) -> None:
        self._name, self._tree, self._chunk = name, tree, chunk

    def damaged(self, what: str) -> UnderstudyError:
        return UnderstudyError(f"{self._name} is damaged: {what}.")

    def _accessor(self, index: int) -> Accessor:
        if not 0 <= index < len(self._tree.accessors):
            raise self.damaged(f"there is no accessor {index}")
        return self._tree.accessors[index]

    def bounds(self, index: int) -> tuple[float, float]:
        """The least and the greatest of a SCALAR accessor."""
        said = self._accessor(index)
        if said.min and said.max:
            return said.min[0], said.max[0]
        values = self.values(index)
        return (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)

    def values(self, index: int) -> Array:
        """(count, components)"""
        said = self._accessor(index)
        dtype, wide = glb.COMPONENTS.get(said.componentType), glb.WIDTHS.get(said.type)
        if dtype is None or wide is None or not 0 <= said.count * wide <= MOST_VALUES:
            raise self.damaged(f"accessor {index} holds no numbers that glTF knows")
        if said.sparse is not None:
            raise UnderstudyError(
                f"{self._name} has sparse accessors in its animation, which are not read; export "
                "it without."
            )
        if said.bufferView is None:
            return np.zeros((said.count, wide))
        if not 0 <= said.bufferView < len(self._tree.bufferViews):
            raise self.damaged(f"there is no view {said.bufferView}")
        view = self._tree.bufferViews[said.bufferView]
        buffers = self._tree.buffers
        if view.buffer != 0 or (buffers and buffers[0].uri):
            raise UnderstudyError(
                f"{self._name} keeps its numbers in another file; export it as one .glb."
            )
        size = dtype.itemsize * wide
        stride = view.byteStride or size
        start = view.byteOffset + said.byteOffset
        stop = start + stride * (said.count - 1) + size
        if said.count and not (start >= 0 and size <= stride and stop <= len(self._chunk)):
            raise self.damaged(f"accessor {index} lies outside of the file")
        if not said.count:
            return np.zeros((0, wide))
        raw = np.ndarray((said.count, wide), dtype, self._chunk, start, (stride, dtype.itemsize))
        values = raw.astype(np.float64)
        if said.normalized and dtype.kind in "iu":
            values = np.maximum(values / np.iinfo(dtype).max, -1.0)
        if not np.isfinite(values).all():
            raise self.damaged(f"accessor {index} has a number that is not finite")
        return values
