"""The skeleton of a .glb or .vrm file: its joints as they stand in the bind pose."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.roles import HIERARCHY
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

from .gltf_document import Document, Node, document, parents_of
from .joint_map import with_roles


@dataclass(frozen=True)
class Character:
    """A character's skeleton, and the keys and rate of its longest animation; 0 where none is."""

    skeleton: Skeleton
    frames: int
    rate_hz: float
    notes: tuple[str, ...]


def read(path: Path, roles: Mapping[str, str] | None = None) -> Character:
    """The skeleton of a glTF binary file, its roles as a VRM says, as given, or guessed."""
    tree, _ = document(path)
    joints = joints_of(tree)
    if not joints:
        raise UnderstudyError(f"{path.name} has no skin and no animated node: no skeleton in it.")
    parent = parents_of(path.name, tree.nodes)
    world = _world(tree.nodes, parent)
    order, above = ordered(tree.nodes, joints, parent)
    names, notes = named(tree.nodes, order), []
    at = np.array([world[n][:3, 3] for n in order])
    parents = np.array([order.index(above[n]) if above[n] in order else -1 for n in order])
    if (parents[1:] < 0).any():
        loose = [names[i] for i in np.flatnonzero(parents < 0)[1:]]
        notes.append(f"{', '.join(loose)} hang on no joint; they are taken to hang on {names[0]}.")
        parents[1:] = np.where(parents[1:] < 0, 0, parents[1:])
    offsets = at - np.where(parents[:, None] < 0, 0.0, at[parents])
    skeleton = Skeleton(tuple(names), parents, offsets)
    said = said_roles(tree, order, names)
    if said:
        notes.append(f"The file says itself which joints are {len(said)} roles (VRM).")
    if said or roles is not None:
        skeleton = with_roles(skeleton, said | dict(roles or {}), path.name)
    frames, length_s = _longest(tree)
    if tree.animations:
        shown = ", ".join(repr(one.name) for one in tree.animations[:4])
        more = " ..." if len(tree.animations) > 4 else ""
        notes.append(f"It has {len(tree.animations)} animations: {shown}{more}.")
    rate_hz = (frames - 1) / length_s if length_s > 0.0 and frames > 1 else 0.0
    return Character(skeleton, frames, rate_hz, tuple(notes))


def _longest(document: Document) -> tuple[int, float]:
    """Keys and seconds of the longest animation; some of its joints may have two keys alone."""
    best = (0, 0.0)
    for one in document.animations:
        at = [s.input for s in one.samplers if 0 <= s.input < len(document.accessors)]
        times = [document.accessors[i] for i in at if document.accessors[i].max]
        if times:
            keys = max(t.count for t in times)
            # Many exporters let the first key be at 1/24 s.
            begin_s = min(t.min[0] if t.min else 0.0 for t in times)
            length_s = max(t.max[0] for t in times) - begin_s
            best = max(best, (keys, length_s), key=lambda b: b[1])
    return best


def joints_of(document: Document) -> list[int]:
    """Nodes that are joints: of all skins, or what the animations move where there is no skin."""
    skinned = [n for skin in document.skins for n in skin.joints]
    moved = [c.target.node for one in document.animations for c in one.channels]
    chosen = [n for n in dict.fromkeys(skinned or moved) if 0 <= n < len(document.nodes)]
    return [n for n in chosen if skinned or document.nodes[n].camera is None]


def _world(nodes: list[Node], parent: list[int]) -> list[Array]:
    """World matrices (4, 4) of all nodes."""
    world: list[Array | None] = [None] * len(nodes)
    for n in range(len(nodes)):
        path, at = [], n
        while at >= 0 and world[at] is None:
            path.append(at)
            at = parent[at]
        for at in reversed(path):
            above = world[parent[at]] if parent[at] >= 0 else None
            own = _matrix(nodes[at])
            world[at] = own if above is None else above @ own
    return [w for w in world if w is not None]


def _matrix(node: Node) -> Array:
    if node.matrix is not None and len(node.matrix) == 16:
        return np.array(node.matrix, float).reshape(4, 4).T
    out = np.eye(4)
    turn = rotation.normalize(np.array(node.rotation, float))
    out[:3, :3] = rotation.to_matrix(turn) * np.array(node.scale)
    out[:3, 3] = node.translation
    return out


def ordered(
    nodes: list[Node], joints: list[int], parent: list[int]
) -> tuple[list[int], dict[int, int]]:
    """The joints, parents first, and for each the joint above it, -1 for none."""
    chosen = set(joints)

    def above(n: int) -> int:
        at = parent[n]
        while at >= 0 and at not in chosen:
            at = parent[at]
        return at

    over = {n: above(n) for n in joints}
    roots = [n for n in joints if over[n] < 0]
    if len(roots) > 1:  # one root: the node that they hang on, where it is one
        shared = parent[roots[0]]
        if shared >= 0 and all(parent[n] == shared for n in roots):
            over |= dict.fromkeys(roots, shared) | {shared: -1}
            roots = [shared]
    below: dict[int, list[int]] = {}
    for n, up in over.items():
        below.setdefault(up, []).append(n)
    order, stack = [], roots[::-1]
    while stack:
        n = stack.pop()
        order.append(n)
        stack += below.get(n, [])[::-1]
    return order, over


def named(nodes: list[Node], order: list[int]) -> list[str]:
    names: list[str] = []
    for n in order:
        plain = re.sub(r"\s+", " ", nodes[n].name).strip() or f"node{n}"
        unique, number = plain, 1
        while unique in names:
            number += 1
            unique = f"{plain}.{number}"
        names.append(unique)
    return names


def said_roles(document: Document, order: list[int], names: list[str]) -> dict[str, str]:
    """Role -> joint's name, as a VRM says."""
    said = document.extensions
    vrm = said.VRMC_vrm or said.VRMC_vrm_animation or said.VRM
    if vrm is None:
        return {}
    bones = vrm.humanoid.humanBones
    pairs = bones.items() if isinstance(bones, dict) else ((b.bone, b) for b in bones)
    bones_of = {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", bone).lower(): one.node for bone, one in pairs}
    return {r: names[order.index(n)] for r, n in bones_of.items() if r in HIERARCHY and n in order}
