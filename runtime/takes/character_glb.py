"""A character's own .glb or .vrm with a motion in it: mesh, materials, nodes stay as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from understudy.runtime.characters import glb
from understudy.runtime.characters.gltf_document import opened
from understudy.runtime.characters.gltf_schema import Node
from understudy.runtime.characters.gltf_skeleton import rig
from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.rotation import Array

from .clip import Clip

SUFFIXES = (".glb", ".vrm")


def write(out: Path, clip: Clip, character: Path) -> None:
    """Writes the character's file anew with the clip, on its skeleton, as its one animation."""
    if character.suffix.lower() not in SUFFIXES:
        raise UnderstudyError(
            f"{character.name} cannot be written into {out.name}: a .glb or .vrm can; write a .bvh."
        )
    bones = rig(opened(character))
    tree, chunk = glb.read(character)
    if len(bones.order) != len(clip.skeleton):
        raise UnderstudyError(f"The motion is on another skeleton than that of {character.name}.")
    nodes = opened(character).tree.nodes
    turns, moves = _local(bones.order, bones.parent, bones.world, nodes, clip)
    data = bytearray(chunk)
    times = np.arange(len(clip)) * clip.frame_time_s
    input_ = _put(tree, data, times[:, None], bounds=True)
    samplers: list[dict[str, Any]] = []
    channels: list[dict[str, Any]] = []
    for j, node in enumerate(bones.order):
        own = tree["nodes"][node]
        still_p, still_r, scale = nodes[node].parts()
        if own.pop("matrix", None) is not None:  # nodes that move have their parts apart
            own["translation"], own["rotation"] = still_p.tolist(), still_r.tolist()
            own["scale"] = scale.tolist()
        for path, values, still in (
            ("translation", moves[:, j], still_p),
            ("rotation", rotation.continuous(turns[:, j]), still_r),
        ):
            if path == "translation" and np.abs(values - still).max() < 1e-6:
                continue
            samplers.append({"input": input_, "output": _put(tree, data, values)})
            target = {"node": node, "path": path}
            channels.append({"sampler": len(samplers) - 1, "target": target})
    tree["animations"] = [{"name": clip.name, "samplers": samplers, "channels": channels}]
    tree["buffers"][0]["byteLength"] = len(data)
    glb.write(out, tree, data)


def _local(
    order: tuple[int, ...], parent: tuple[int, ...], world: Array, nodes: list[Node], clip: Clip
) -> tuple[Array, Array]:
    """Rotations (T, J, 4) and translations (T, J, 3) of the nodes, each to its parent node.

    Between a joint and the joint above it there may be nodes that are no joints, and scales: they
    stay as they are at rest.
    """
    rows = {node: j for j, node in enumerate(order)}
    world_p, world_r = clip.skeleton.globals(clip.positions, clip.rotations)
    rest_p, rest_r = clip.skeleton.rest_globals
    moved, rest = _matrices(world_p, world_r), _matrices(rest_p, rest_r)
    turns, moves = np.empty_like(world_r), np.empty_like(world_p)
    # The file's own world: it may have been turned and made smaller to stand in ours.
    raw, at = np.eye(4), order[0]
    while at >= 0:
        raw, at = nodes[at].transform() @ raw, parent[at]
    place = world[order[0]] @ np.linalg.inv(raw)
    for j, node in enumerate(order):
        up = parent[node]
        above = up
        while above >= 0 and above not in rows:
            above = parent[above]
        carrier = world[up] if up >= 0 else place
        if above >= 0:
            carrier = moved[:, rows[above]] @ (np.linalg.inv(rest[rows[above]]) @ carrier)
        own = moved[:, j] @ (np.linalg.inv(rest[j]) @ world[node])
        local = np.linalg.inv(carrier) @ own
        moves[:, j] = local[:, :3, 3]
        axes = local[:, :3, :3] / np.linalg.norm(local[:, :3, :3], axis=1, keepdims=True)
        turns[:, j] = rotation.normalize(rotation.from_matrix(axes))
    return turns, moves


def _matrices(positions: Array, rotations: Array) -> Array:
    """(..., 4, 4) of positions (..., 3) and rotations (..., 4)."""
    out = np.zeros((*positions.shape[:-1], 4, 4))
    out[..., :3, :3] = rotation.to_matrix(rotations)
    out[..., :3, 3] = positions
    out[..., 3, 3] = 1.0
    return out


def _put(tree: dict[str, Any], data: bytearray, values: Array, bounds: bool = False) -> int:
    """A new accessor of values (N, K) behind what the file has."""
    data.extend(b"\0" * (-len(data) % 4))
    flat = np.ascontiguousarray(values, "<f4")
    view = {"buffer": 0, "byteOffset": len(data), "byteLength": flat.nbytes}
    data.extend(flat.tobytes())
    tree.setdefault("bufferViews", []).append(view)
    kind = {1: "SCALAR", 3: "VEC3", 4: "VEC4"}[flat.shape[1]]
    accessor: dict[str, Any] = {
        "bufferView": len(tree["bufferViews"]) - 1,
        "componentType": 5126,
        "count": len(flat),
        "type": kind,
    }
    if bounds:
        accessor["min"], accessor["max"] = flat.min(0).tolist(), flat.max(0).tolist()
    tree.setdefault("accessors", []).append(accessor)
    return len(tree["accessors"]) - 1
