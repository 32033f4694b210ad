"""A person as a binary glTF file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from understudy.runtime.characters import glb
from understudy.runtime.characters.glb import ARRAY_BUFFER, INDEX_BUFFER
from understudy.runtime.core.rotation import Array

from .person import Person, Piece

# material -> colour (linear) or a picture, and how rough; a picture is its bytes
Surface = tuple[tuple[float, float, float] | bytes, float]


class _File:
    def __init__(self) -> None:
        self.chunk = glb.Chunk()
        self.images: list[dict[str, Any]] = []
        self.materials: list[dict[str, Any]] = []

    def material(self, name: str, surface: Surface) -> int:
        colour, rough = surface
        look: dict[str, Any] = {"metallicFactor": 0.0, "roughnessFactor": rough}
        more: dict[str, Any] = {}
        if isinstance(colour, bytes):
            png = colour[:4] == b"\x89PNG"
            self.chunk.put(np.frombuffer(colour, np.uint8))
            self.chunk.accessors.pop()
            view = len(self.chunk.views) - 1
            kind = "image/png" if png else "image/jpeg"
            self.images.append({"bufferView": view, "mimeType": kind, "name": name})
            look["baseColorTexture"] = {"index": len(self.images) - 1}
            more = {"alphaMode": "BLEND", "doubleSided": True} if png else {}
        else:
            look["baseColorFactor"] = [*colour, 1.0]
        more |= {"doubleSided": True} if name in ("hair", "mouth", "teeth") else {}
        self.materials.append({"name": name, "pbrMetallicRoughness": look, **more})
        return len(self.materials) - 1

    def target(self, count: int, rows: np.ndarray, values: Array) -> int:
        """The accessor of what a few of `count` points move by."""
        chunk, values = self.chunk, values.astype("f4")
        order = np.argsort(rows)
        chunk.put(rows[order].astype("<u2" if count < 65536 else "<u4"))
        chunk.put(values[order])
        places, moves = chunk.accessors.pop(-2), chunk.accessors.pop()
        low, high = np.minimum(values.min(0), 0), np.maximum(values.max(0), 0)
        chunk.accessors.append({
            "componentType": 5126, "count": count, "type": "VEC3",
            "min": low.tolist(), "max": high.tolist(),
            "sparse": {
                "count": len(rows),
                "indices": {k: places[k] for k in ("bufferView", "componentType")},
                "values": {"bufferView": moves["bufferView"]},
            },
        })  # fmt: skip
        return len(chunk.accessors) - 1

    def mesh(self, piece: Piece, material: int) -> dict[str, Any]:
        put, count = self.chunk.put, len(piece.points)
        shares = np.round(piece.shares * 255).astype(int)
        shares[:, 0] += 255 - shares.sum(1)
        attributes = {
            "POSITION": put(piece.points.astype("f4"), ARRAY_BUFFER, bounds=True),
            "NORMAL": put(piece.normals.astype("f4"), ARRAY_BUFFER),
            "TEXCOORD_0": put(piece.uvs.astype("f4"), ARRAY_BUFFER),
            "JOINTS_0": put(piece.joints.astype("u1"), ARRAY_BUFFER),
            "WEIGHTS_0": put(shares.astype("u1"), ARRAY_BUFFER),
        }
        self.chunk.accessors[attributes["WEIGHTS_0"]]["normalized"] = True
        primitive: dict[str, Any] = {
            "attributes": attributes,
            "indices": put(piece.triangles.astype("<u2").reshape(-1), INDEX_BUFFER),
            "material": material,
        }
        mesh: dict[str, Any] = {"name": piece.name, "primitives": [primitive]}
        if piece.morphs:
            primitive["targets"] = [
                {"POSITION": self.target(count, rows, moves),
                 "NORMAL": self.target(count, rows, turned)}
                for rows, moves, turned in piece.morphs.values()
            ]  # fmt: skip
            mesh["extras"] = {"targetNames": list(piece.morphs)}
        return mesh


def write(path: Path, person: Person, surfaces: dict[str, Surface], extras: dict[str, Any]) -> None:
    """Writes the file, whole or not at all."""
    file = _File()
    materials = {}
    for piece in person.pieces:
        if piece.material not in materials:
            materials[piece.material] = file.material(piece.material, surfaces[piece.material])
    meshes = [file.mesh(piece, materials[piece.material]) for piece in person.pieces]
    count = len(person.names)
    unbind = np.tile(np.eye(4), (count, 1, 1)).astype("f4")
    unbind[:, :3, 3] = -person.joints
    binds = file.chunk.put(np.swapaxes(unbind, 1, 2).reshape(-1, 16))
    nodes: list[dict[str, Any]] = []
    for j, name in enumerate(person.names):
        parent = person.parents[j]
        offset = person.joints[j] - (person.joints[parent] if parent >= 0 else 0.0)
        children = [k for k in range(count) if person.parents[k] == j]
        node: dict[str, Any] = {"name": name, "translation": offset.astype(float).tolist()}
        nodes.append(node | ({"children": children} if children else {}))
    nodes += [{"name": m["name"], "mesh": k, "skin": 0} for k, m in enumerate(meshes)]
    tree = {
        "asset": {"version": "2.0", "generator": "understudy", "extras": extras},
        "scene": 0,
        "scenes": [{"nodes": [0, *range(count, len(nodes))]}],
        "nodes": nodes,
        "meshes": meshes,
        "skins": [{"joints": list(range(count)), "inverseBindMatrices": binds}],
        "materials": file.materials,
        "images": file.images,
        "textures": [{"source": k} for k in range(len(file.images))],
        **file.chunk.parts(),
    }
    glb.write(path, tree, file.chunk.data)
