"""Writes a skinned mesh as binary glTF 2.0, so that others can take the mannequin elsewhere.

Rules: the glTF 2.0 specification, sections 3.7.3 (skins). Conventions are our own already: metres,
+Y up, the character faces +Z, quaternions x y z w.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from understudy.runtime.characters import glb
from understudy.runtime.characters.glb import ARRAY_BUFFER, INDEX_BUFFER
from understudy.runtime.characters.glb import array as array
from understudy.runtime.characters.glb import read as read
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.skeleton import Skeleton

from .mesh.mannequin import Mesh
from .mesh.paint import colours as colours


def document(skeleton: Skeleton, mesh: Mesh, name: str = "Mannequin") -> tuple[dict, bytes]:
    """The JSON part and the binary part."""
    chunk = glb.Chunk()
    put = chunk.put
    used = mesh.weights > 0.0
    primitive = {
        "attributes": {
            "POSITION": put(mesh.positions.astype("f4"), ARRAY_BUFFER, bounds=True),
            "NORMAL": put(mesh.normals.astype("f4"), ARRAY_BUFFER),
            "COLOR_0": put(colours(mesh.positions, mesh.paint), ARRAY_BUFFER),
            "JOINTS_0": put(np.where(used, mesh.joints, 0).astype("u2"), ARRAY_BUFFER),
            "WEIGHTS_0": put(mesh.weights.astype("f4"), ARRAY_BUFFER),
        },
        "indices": put(mesh.triangles.astype("u4").reshape(-1), INDEX_BUFFER),
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
        **chunk.parts(),
    }
    return tree, bytes(chunk.data)


def write(path: Path, skeleton: Skeleton, mesh: Mesh, name: str = "Mannequin") -> None:
    """Writes a .glb, whole or not at all."""
    path = Path(path)
    if path.suffix.lower() != ".glb":
        raise UnderstudyError(f"{path.name} does not end in .glb, the one kind that is written.")
    tree, chunk = document(skeleton, mesh, name)
    glb.write(path, tree, chunk)
