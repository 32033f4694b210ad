"""Small glTF files by code: a board on two joints, and what is put on it."""

from __future__ import annotations

import base64
import io
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from understudy.runtime.characters import glb

# A board 1 m wide and 2 m high that looks along +Z: its upper half hangs on a joint at y = 1.
CORNERS = np.array([[x, y, 0.0] for y in (0.0, 1.0, 2.0) for x in (-0.5, 0.5)], np.float32)
FACES = np.array([[0, 1, 2], [1, 3, 2], [2, 3, 4], [3, 5, 4]], np.uint16)
UVS = np.array([[x, 1.0 - y / 2.0] for y in (0.0, 1.0, 2.0) for x in (0.0, 1.0)], np.float32)


def png(colours: Any = ((255, 0, 0), (0, 0, 255))) -> bytes:
    """A picture of one column, from above: red over blue."""
    out = io.BytesIO()
    Image.fromarray(np.array(colours, np.uint8)[:, None]).save(out, "PNG")
    return out.getvalue()


class Board:
    """The board's JSON and numbers, to be changed before it is written."""

    def __init__(self, normals: bool = True) -> None:
        self.chunk = glb.Chunk()
        put = self.chunk.put
        self.attributes = {
            "POSITION": put(CORNERS, bounds=True),
            "TEXCOORD_0": put(UVS),
            "JOINTS_0": put(np.array([[y > 0, 0, 0, 0] for y in CORNERS[:, 1]], np.uint8)),
            "WEIGHTS_0": put(np.tile(np.array([1, 0, 0, 0], np.float32), (6, 1))),
        }
        if normals:
            self.attributes["NORMAL"] = put(np.tile(np.array([0, 0, 1], np.float32), (6, 1)))
        self.primitive: dict[str, Any] = {
            "attributes": self.attributes,
            "indices": put(FACES.reshape(-1)),
        }
        down = np.eye(4, dtype=np.float32)
        down[3, 1] = -1.0  # glTF stores columns
        bind = put(np.stack([np.eye(4, dtype=np.float32), down]).reshape(2, 16))
        self.tree: dict[str, Any] = {
            "asset": {"version": "2.0"},
            "nodes": [
                {"name": "low", "children": [1]},
                {"name": "high", "translation": [0.0, 1.0, 0.0]},
                {"name": "board", "mesh": 0, "skin": 0},
            ],
            "meshes": [{"name": "board", "primitives": [self.primitive]}],
            "skins": [{"joints": [0, 1], "inverseBindMatrices": bind}],
        }

    @property
    def nodes(self) -> list[dict[str, Any]]:
        return self.tree["nodes"]

    def put(self, values: Any, kind: str = "f4") -> int:
        return self.chunk.put(np.asarray(values, kind))

    def view(self, data: bytes) -> int:
        """A view of bytes that are no numbers."""
        self.chunk.put(np.frombuffer(data, np.uint8))
        self.chunk.accessors.pop()
        return len(self.chunk.views) - 1

    def material(self, picture: bytes | None = None, **more: Any) -> dict[str, Any]:
        """The board's material, with a picture as its colour where one is given."""
        surface = more.setdefault("pbrMetallicRoughness", {})
        if picture is not None:
            self.tree["images"] = [{"bufferView": self.view(picture), "mimeType": "image/png"}]
            self.tree["textures"] = [{"source": 0}]
            surface["baseColorTexture"] = {"index": 0}
        self.tree["materials"] = [more]
        self.primitive["material"] = 0
        return more

    def target(self, name: str, moves: Any) -> None:
        """A morph target of moves (6, 3)."""
        self.primitive.setdefault("targets", []).append({"POSITION": self.put(moves)})
        extras = self.tree["meshes"][0].setdefault("extras", {"targetNames": []})
        extras["targetNames"].append(name)

    def whole(self) -> dict[str, Any]:
        return {**self.tree, **self.chunk.parts()}

    def data(self) -> bytes:
        """The bytes of a .glb."""
        return packed(self.whole(), bytes(self.chunk.data))

    def save(self, path: Path) -> Path:
        """A .glb or .vrm, or by its suffix a .gltf with its numbers in a .bin beside it."""
        if path.suffix == ".gltf":
            path.with_suffix(".bin").write_bytes(self.chunk.data)
            tree = self.whole()
            tree["buffers"][0]["uri"] = path.with_suffix(".bin").name
            path.write_text(json.dumps(tree))
        else:
            path.write_bytes(self.data())
        return path


def packed(tree: dict[str, Any], chunk: bytes = b"") -> bytes:
    """The bytes of a .glb."""
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    out = struct.pack("<I4s", len(text), b"JSON") + text
    if chunk:
        out += struct.pack("<I4s", len(chunk), b"BIN\0") + chunk
    return struct.pack("<4sII", b"glTF", 2, 12 + len(out)) + out


def as_data_uri(data: bytes) -> str:
    return "data:application/octet-stream;base64," + base64.b64encode(data).decode()
