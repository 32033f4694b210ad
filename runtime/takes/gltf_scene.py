"""Faces, cameras and props of a glTF file: morph weights, VRM expressions, nodes that move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from understudy.runtime.characters.gltf_schema import Document, Node
from understudy.runtime.core.rotation import Array

from .gltf_track import Track, world
from .surroundings import SENSOR_MM, Placed

LENS = ("focal_mm", "sensor_width_mm", "sensor_height_mm", "focus_m", "iris")
Tracks = Mapping[tuple[int, str], Track]


def faces(
    tree: Document,
    parent: Sequence[int],
    joints: set[int],
    alone: bool,
    tracks: Tracks,
    times_s: Array,
) -> list[tuple[str, Array]]:
    """Curves (T,) by name, of meshes that hang on these joints; of all where the body is alone."""
    found: list[tuple[str, Array]] = []
    for n, node in enumerate(tree.nodes):
        track = tracks.get((n, "weights"))
        if track is None or not (alone or _worn(tree, parent, n, joints)):
            continue
        names = _targets(tree, node)
        values = track.at(times_s)
        for k in range(values.shape[1]):
            name = names[k] if k < len(names) else f"{node.name or 'face'}.{k}"
            found.append((name, values[:, k]))
    for name, n in tree.expression_nodes.items():
        if (track := tracks.get((n, "translation"))) is not None:  # so VRM has its weights
            found.append((name, track.at(times_s)[:, 0]))
    return found


def _worn(tree: Document, parent: Sequence[int], n: int, joints: set[int]) -> bool:
    skin = tree.nodes[n].skin
    if skin is not None and 0 <= skin < len(tree.skins):
        return not joints.isdisjoint(tree.skins[skin].joints)
    while n >= 0:
        if n in joints:
            return True
        n = parent[n]
    return False


def _targets(tree: Document, node: Node) -> list[str]:
    """What the morph targets of a node's mesh are called."""
    if node.mesh is None or not 0 <= node.mesh < len(tree.meshes):
        return []
    mesh = tree.meshes[node.mesh]
    for extras in (mesh.extras, *(part.extras for part in mesh.primitives)):
        names = extras.get("targetNames") if isinstance(extras, dict) else None
        if isinstance(names, list):
            return [str(name) for name in names]
    return []


def things(
    tree: Document, parent: Sequence[int], bodies: set[int], tracks: Tracks, times_s: Array
) -> list[Placed]:
    """Cameras, and nodes that move by themselves and are no part of a body."""
    cameras = [n for n, node in enumerate(tree.nodes) if node.camera is not None]
    apart = set(tree.expression_nodes.values()) | _upward_of(parent, [*bodies, *cameras])
    moved = {n for n, path in tracks if path in ("translation", "rotation")}
    props = [n for n in sorted(moved - apart) if tree.nodes[n].skin is None]
    chosen = [*cameras, *props]
    if not chosen:
        return []
    positions, rotations = world(tree.nodes, parent, chosen, tracks, times_s)
    return [
        Placed(
            tree.nodes[n].name or f"node {n}", positions[:, at], rotations[:, at],
            _lens(tree, n, tracks, times_s) if at < len(cameras) else None,
        )
        for at, n in enumerate(chosen)
    ]  # fmt: skip


def _upward_of(parent: Sequence[int], nodes: Sequence[int]) -> set[int]:
    found: set[int] = set()
    for n in nodes:
        while n >= 0 and n not in found:
            found.add(n)
            n = parent[n]
    return found


def _lens(tree: Document, n: int, tracks: Tracks, times_s: Array) -> Array:
    """(T, 5) of a camera node: what its angle of view means, or what we wrote into `extras`."""
    node, count = tree.nodes[n], len(times_s)
    number = node.camera if node.camera is not None else -1
    said = tree.cameras[number].perspective if 0 <= number < len(tree.cameras) else None
    aspect = said.aspectRatio if said is not None and said.aspectRatio > 0.0 else 1.5
    lens = np.zeros((count, 5))
    lens[:, 1], lens[:, 2] = SENSOR_MM[0], SENSOR_MM[0] / aspect
    for column, word in enumerate(LENS):
        if column and (values := _said(node.extras, word, count)) is not None:
            lens[:, column] = values
    fov_rad = np.full(count, said.yfov if said is not None else 0.0)
    if (track := tracks.get((number, "yfov"))) is not None:
        fov_rad = track.at(times_s)[:, 0]
    seen = (fov_rad > 1e-3) & (fov_rad < 3.1)
    lens[:, 0] = np.where(seen, 0.5 * lens[:, 2] / np.tan(0.5 * np.where(seen, fov_rad, 1.0)), 35.0)
    return lens


def _said(extras: Any, word: str, count: int) -> Array | None:
    lens = extras.get("lens") if isinstance(extras, dict) else None
    value = lens.get(word) if isinstance(lens, dict) else None
    try:
        numbers = np.asarray(value, float)
    except (TypeError, ValueError):
        return None
    fits = value is not None and numbers.shape in ((), (count,)) and np.isfinite(numbers).all()
    return np.broadcast_to(numbers, count) if fits else None
