"""Writes a skinned mesh as binary glTF 2.0, so that others can take the mannequin elsewhere.

Layout and rules: the glTF 2.0 specification, sections 3.6 (accessors), 3.7.3 (skins), 4.4 (GLB).
Conventions are our own already: metres, +Y up, the character faces +Z, quaternions x y z w.
"""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import numpy as np

from understudy.runtime.core import palette
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.palette import linear
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

from .mesh.mannequin import Mesh
from .mesh.paint import sleeve_m

_COMPONENT: dict[np.dtype, int] = {np.dtype("u2"): 5123, np.dtype("u4"): 5125, np.dtype("f4"): 5126}
_TYPE = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
_ARRAY_BUFFER, _INDEX_BUFFER = 34962, 34963
# As in shaders/body.glsl, linear.
SHELL, JOINT, VISOR = (0.76, 0.74, 0.70), (0.055, 0.060, 0.070), (0.012, 0.016, 0.022)


def colours(mesh: Mesh) -> Array:
    """(V, 3) linear colours of a mesh's vertices, from its paint."""
    out = np.tile(np.array(SHELL, np.float32), (len(mesh.positions), 1))
    right = mesh.positions[:, :1] < -sleeve_m(mesh.positions)
    stripe = np.where(right, linear(palette.RIGHT), linear(palette.LEFT))
    for column, colour in ((1, stripe), (0, JOINT), (2, VISOR)):
        share = np.clip(0.5 - mesh.paint[:, column : column + 1] / 0.004, 0.0, 1.0)
        out = out + share * (np.asarray(colour) - out)
    return out.astype(np.float32)


def document(skeleton: Skeleton, mesh: Mesh, name: str = "Mannequin") -> tuple[dict, bytes]:
    """The JSON part and the binary part."""
    chunk = bytearray()
    views: list[dict] = []
    accessors: list[dict] = []

    def put(array: Array, target: int | None = None, bounds: bool = False) -> int:
        data = np.ascontiguousarray(array)
        flat = data.reshape(len(data), -1)
        view = {"buffer": 0, "byteOffset": len(chunk), "byteLength": data.nbytes}
        if target is not None:
            view["target"] = target
        views.append(view)
        chunk.extend(data.tobytes())
        chunk.extend(b"\0" * (-len(chunk) % 4))
        accessor = {
            "bufferView": len(views) - 1,
            "componentType": _COMPONENT[data.dtype],
            "count": len(data),
            "type": _TYPE[flat.shape[1]],
        }
        if bounds:
            accessor["min"], accessor["max"] = flat.min(0).tolist(), flat.max(0).tolist()
        accessors.append(accessor)
        return len(accessors) - 1

    used = mesh.weights > 0.0
    primitive = {
        "attributes": {
            "POSITION": put(mesh.positions.astype("f4"), _ARRAY_BUFFER, bounds=True),
            "NORMAL": put(mesh.normals.astype("f4"), _ARRAY_BUFFER),
            "COLOR_0": put(colours(mesh), _ARRAY_BUFFER),
            "JOINTS_0": put(np.where(used, mesh.joints, 0).astype("u2"), _ARRAY_BUFFER),
            "WEIGHTS_0": put(mesh.weights.astype("f4"), _ARRAY_BUFFER),
        },
        "indices": put(mesh.triangles.astype("u4").reshape(-1), _INDEX_BUFFER),
        "material": 0,
    }
    # glTF stores matrices by columns.
    unbind = put(np.swapaxes(mesh.unbind, 1, 2).astype("f4").reshape(-1, 16))
    nodes: list[dict] = []
    for j, joint in enumerate(skeleton.names):
        node: dict = {
            "name": joint,
            "translation": [float(v) for v in skeleton.rest_positions[j]],
            "rotation": [float(v) for v in skeleton.rest_rotations[j]],
        }
        if children := skeleton.children(j):
            node["children"] = children
        nodes.append(node)
    nodes.append({"name": name, "mesh": 0, "skin": 0})
    tree = {
        "asset": {"version": "2.0", "generator": "understudy"},
        "scene": 0,
        "scenes": [{"nodes": [0, len(nodes) - 1]}],
        "nodes": nodes,
        "meshes": [{"name": name, "primitives": [primitive]}],
        "skins": [
            {
                "name": name,
                "inverseBindMatrices": unbind,
                "joints": list(range(len(skeleton))),
                "skeleton": 0,
            }
        ],
        "materials": [
            {
                "name": "Shell",
                "pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 0.55},
            }
        ],
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": len(chunk)}],
    }
    return tree, bytes(chunk)


def write(path: Path, skeleton: Skeleton, mesh: Mesh, name: str = "Mannequin") -> None:
    """Writes a .glb, whole or not at all."""
    path = Path(path)
    if path.suffix.lower() != ".glb":
        raise UnderstudyError(f"{path.name} does not end in .glb, the one kind that is written.")
    tree, chunk = document(skeleton, mesh, name)
    text = json.dumps(tree, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    total = 12 + 8 + len(text) + 8 + len(chunk)
    part = path.with_name(f".{path.name}.part")
    try:
        with open(part, "wb") as file:
            file.write(struct.pack("<4sII", b"glTF", 2, total))
            file.write(struct.pack("<I4s", len(text), b"JSON") + text)
            file.write(struct.pack("<I4s", len(chunk), b"BIN\0") + chunk)
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UnderstudyError(
            f"{path} cannot be written ({error.strerror}): choose another place."
        ) from None


def read(path: Path) -> tuple[dict, bytes]:
    """The JSON and binary parts of a .glb, its structure checked."""
    data = Path(path).read_bytes()
    if len(data) < 20 or data[:4] != b"glTF":
        raise UnderstudyError(f"{path} is no binary glTF: it does not begin with 'glTF'.")
    _, version, total = struct.unpack_from("<4sII", data)
    length, kind = struct.unpack_from("<I4s", data, 12)
    if version != 2 or total != len(data) or kind != b"JSON" or 20 + length > total:
        raise UnderstudyError(f"{path} is damaged: its header does not agree with its length.")
    tree = json.loads(data[20 : 20 + length])
    return tree, data[20 + length + 8 :]


def array(tree: dict, chunk: bytes, accessor: int) -> Array:
    """The values (count, components) behind an accessor."""
    meta = tree["accessors"][accessor]
    view = tree["bufferViews"][meta["bufferView"]]
    dtype = next(d for d, code in _COMPONENT.items() if code == meta["componentType"])
    wide = next(n for n, kind in _TYPE.items() if kind == meta["type"])
    values = np.frombuffer(chunk, np.dtype(dtype), meta["count"] * wide, view["byteOffset"])
    return values.reshape(meta["count"], wide)
