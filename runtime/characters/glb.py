"""Binary glTF 2.0 as a container: JSON and one chunk of numbers.

Layout and rules: the glTF 2.0 specification, sections 3.6 (accessors) and 4.4 (GLB).
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.files import shown, whole
from understudy.runtime.core.rotation import Array

COMPONENTS: dict[int, np.dtype] = {
    5120: np.dtype("i1"), 5121: np.dtype("u1"), 5122: np.dtype("<i2"), 5123: np.dtype("<u2"),
    5125: np.dtype("<u4"), 5126: np.dtype("<f4"),
}  # fmt: skip
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
_CODES = {dtype: code for code, dtype in COMPONENTS.items()}
_TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
ARRAY_BUFFER, INDEX_BUFFER = 34962, 34963
MOST_BYTES = 1 << 32  # the header counts them in 32 bits


class Chunk:
    """The numbers of a file while it is put together, each array behind an accessor."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []

    def put(self, array: Array, target: int | None = None, bounds: bool = False) -> int:
        """The accessor of an array (N,) or (N, K); bounds where the specification asks for them."""
        array = np.ascontiguousarray(array)
        flat = array.reshape(len(array), -1)
        accessor = {
            "bufferView": self.view(array, target),
            "componentType": _CODES[array.dtype],
            "count": len(array),
            "type": _TYPES[flat.shape[1]],
        }
        if bounds:
            accessor["min"], accessor["max"] = flat.min(0).tolist(), flat.max(0).tolist()
        self.accessors.append(accessor)
        return len(self.accessors) - 1

    def view(self, array: np.ndarray, target: int | None = None) -> int:
        """The buffer view of an array's bytes, as they are: a picture has no accessor."""
        view = {"buffer": 0, "byteOffset": len(self.data), "byteLength": array.nbytes}
        if target is not None:
            view["target"] = target
        self.views.append(view)
        self.data.extend(array.tobytes())
        self.data.extend(b"\0" * (-len(self.data) % 4))
        return len(self.views) - 1

    def parts(self) -> dict[str, Any]:
        """What the JSON says of the chunk."""
        return {
            "accessors": self.accessors,
            "bufferViews": self.views,
            "buffers": [{"byteLength": len(self.data)}],
        }


def write(path: Path, tree: dict[str, Any], chunk: bytes | bytearray) -> None:
    """Writes a .glb, whole or not at all."""
    text = json.dumps(tree, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 4)
    total = 12 + 8 + len(text) + 8 + len(chunk)
    if total >= MOST_BYTES:
        raise UnderstudyError(
            f"{shown(path)} would have {total / 1e9:.1f} GB, and a .glb can have 4.2: export less."
        )
    with whole(path) as part, open(part, "wb") as file:
        file.write(struct.pack("<4sII", b"glTF", 2, total))
        file.write(struct.pack("<I4s", len(text), b"JSON") + text)
        file.write(struct.pack("<I4s", len(chunk), b"BIN\0"))
        file.write(chunk)


def read(path: Path) -> tuple[dict, bytes]:
    """The JSON and binary parts of a .glb, its structure checked."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UnderstudyError(f"{shown(path)} cannot be read: {error.strerror}.") from None
    text, chunk = split(Path(path).name, data)
    try:
        return json.loads(text), chunk
    except ValueError as error:
        raise UnderstudyError(f"{path.name}: its JSON is damaged: {error}.") from None


def split(name: str, data: bytes) -> tuple[bytes, bytes]:
    """The JSON's text and the numbers of a file's bytes; no chunk of numbers is an empty one."""
    if len(data) < 20 or data[:4] != b"glTF":
        raise UnderstudyError(f"{name} is no glTF binary: it does not begin with glTF.")
    _, version, total = struct.unpack_from("<4sII", data)
    length, kind = struct.unpack_from("<I4s", data, 12)
    if version != 2 or kind != b"JSON":
        raise UnderstudyError(
            f"{name} is a glTF binary of version {version} whose first chunk is no JSON; export "
            "it as glTF 2.0."
        )
    if total > len(data) or 20 + length > len(data):
        raise UnderstudyError(
            f"{name} is damaged: its header does not agree with its length, {len(data)} bytes."
        )
    start = 20 + length + 8
    size = struct.unpack_from("<I", data, 20 + length)[0] if start <= len(data) else 0
    return data[20 : 20 + length], data[start : start + size]


def array(tree: dict, chunk: bytes, accessor: int) -> Array:
    """The values (count, components) behind an accessor, as they are stored."""
    meta = tree["accessors"][accessor]
    view = tree["bufferViews"][meta["bufferView"]]
    dtype, wide = COMPONENTS[meta["componentType"]], WIDTHS[meta["type"]]
    values = np.frombuffer(chunk, dtype, meta["count"] * wide, view.get("byteOffset", 0))
    return values.reshape(meta["count"], wide)
