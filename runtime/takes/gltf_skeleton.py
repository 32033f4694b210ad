"""The skeleton of a .glb or .vrm file: its joints as they stand in the bind pose, by JSON alone."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.roles import HIERARCHY
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

from .joint_map import with_roles

_MOST_BYTES = 1 << 28


class _Node(msgspec.Struct):
    name: str = ""
    children: list[int] = []
    translation: tuple[float, float, float] = (0.0, 0.0, 0.0)
    rotation: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 1.0)
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    matrix: list[float] | None = None


class _Skin(msgspec.Struct):
    joints: list[int]


class _Sampler(msgspec.Struct):
    input: int


class _Target(msgspec.Struct):
    node: int = -1


class _Channel(msgspec.Struct):
    target: _Target


class _Animation(msgspec.Struct):
    samplers: list[_Sampler]
    channels: list[_Channel]
    name: str = ""


class _Accessor(msgspec.Struct):
    count: int
    min: list[float] = []
    max: list[float] = []


class _Bone(msgspec.Struct):
    node: int = -1
    bone: str = ""


class _Humanoid(msgspec.Struct):
    # VRM 1 has a table by bone, VRM 0 a list.
    humanBones: dict[str, _Bone] | list[_Bone] = []


class _Vrm(msgspec.Struct):
    humanoid: _Humanoid = msgspec.field(default_factory=_Humanoid)


class _Extensions(msgspec.Struct):
    VRMC_vrm: _Vrm | None = None
    VRM: _Vrm | None = None


class _Document(msgspec.Struct):
    nodes: list[_Node] = []
    skins: list[_Skin] = []
    animations: list[_Animation] = []
    accessors: list[_Accessor] = []
    extensions: _Extensions = msgspec.field(default_factory=_Extensions)


@dataclass(frozen=True)
class Character:
    """A character's skeleton, and the keys and rate of its longest animation; 0 where none is."""

    skeleton: Skeleton
    frames: int
    rate_hz: float
    notes: tuple[str, ...]


def read(path: Path, roles: Mapping[str, str] | None = None) -> Character:
    """The skeleton of a glTF binary file, its roles as a VRM says, as given, or guessed."""
    document = _document(path)
    joints = _joints(document)
    if not joints:
        raise UnderstudyError(f"{path.name} has no skin and no animated node: no skeleton in it.")
    world, parent = _world(path.name, document.nodes)
    order, above = _ordered(document.nodes, joints, parent)
    names, notes = _names(document.nodes, order)
    at = np.array([world[n][:3, 3] for n in order])
    parents = np.array([order.index(above[n]) if above[n] in order else -1 for n in order])
    if (parents[1:] < 0).any():
        loose = [names[i] for i in np.flatnonzero(parents < 0)[1:]]
        notes.append(f"{', '.join(loose)} hang on no joint; they are taken to hang on {names[0]}.")
        parents[1:] = np.where(parents[1:] < 0, 0, parents[1:])
    offsets = at - np.where(parents[:, None] < 0, 0.0, at[parents])
    skeleton = Skeleton(tuple(names), parents, offsets)
    said = _said(document, order, names)
    if said:
        notes.append(f"The file says itself which joints are {len(said)} roles (VRM).")
    if said or roles is not None:
        skeleton = with_roles(skeleton, said | dict(roles or {}), path.name)
    frames, length_s = _longest(document)
    if document.animations:
        shown = ", ".join(repr(one.name) for one in document.animations[:4])
        more = " ..." if len(document.animations) > 4 else ""
        notes.append(f"It has {len(document.animations)} animations: {shown}{more}.")
    rate_hz = (frames - 1) / length_s if length_s > 0.0 and frames > 1 else 0.0
    return Character(skeleton, frames, rate_hz, tuple(notes))


def _longest(document: _Document) -> tuple[int, float]:
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


def _document(path: Path) -> _Document:
    try:
        with open(path, "rb") as file:
            start = file.read(20)
            if len(start) < 20 or start[:4] != b"glTF":
                raise UnderstudyError(
                    f"{path.name} is no glTF binary: it does not begin with glTF."
                )
            version, _, length, kind = struct.unpack("<IIII", start[4:])
            if version != 2 or kind != 0x4E4F534A or length > _MOST_BYTES:
                raise UnderstudyError(
                    f"{path.name} is a glTF binary of version {version} whose first chunk is no "
                    "JSON; export it as glTF 2.0."
                )
            return msgspec.json.decode(file.read(length), type=_Document)
    except OSError as error:
        raise UnderstudyError(f"{path} cannot be read: {error.strerror}.") from None
    except msgspec.DecodeError as error:
        raise UnderstudyError(f"{path.name}: its JSON is damaged or no glTF: {error}.") from None


def _joints(document: _Document) -> list[int]:
    """Nodes that are joints: of all skins, or what the animations move where there is no skin."""
    skinned = [n for skin in document.skins for n in skin.joints]
    moved = [c.target.node for one in document.animations for c in one.channels]
    chosen = dict.fromkeys(skinned or moved)
    return [n for n in chosen if 0 <= n < len(document.nodes)]


def _world(name: str, nodes: list[_Node]) -> tuple[list[Array], list[int]]:
    """World matrices (4, 4) of all nodes, and their parents."""
    parent = [-1] * len(nodes)
    for n, node in enumerate(nodes):
        for child in node.children:
            if not 0 <= child < len(nodes) or parent[child] >= 0 or child == n:
                raise UnderstudyError(f"{name}: its nodes are no tree (node {n}).")
            parent[child] = n
    world: list[Array | None] = [None] * len(nodes)
    for n in range(len(nodes)):
        path, at = [], n
        while at >= 0 and world[at] is None:
            if at in path:
                raise UnderstudyError(f"{name}: its nodes are no tree (node {at}).")
            path.append(at)
            at = parent[at]
        for at in reversed(path):
            above = world[parent[at]] if parent[at] >= 0 else None
            own = _matrix(nodes[at])
            world[at] = own if above is None else above @ own
    return [w for w in world if w is not None], parent


def _matrix(node: _Node) -> Array:
    if node.matrix is not None and len(node.matrix) == 16:
        return np.array(node.matrix, float).reshape(4, 4).T
    out = np.eye(4)
    turn = rotation.normalize(np.array(node.rotation, float))
    out[:3, :3] = rotation.to_matrix(turn) * np.array(node.scale)
    out[:3, 3] = node.translation
    return out


def _ordered(
    nodes: list[_Node], joints: list[int], parent: list[int]
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


def _names(nodes: list[_Node], order: list[int]) -> tuple[list[str], list[str]]:
    names: list[str] = []
    for n in order:
        plain = re.sub(r"\s+", " ", nodes[n].name).strip() or f"node{n}"
        unique, number = plain, 1
        while unique in names:
            number += 1
            unique = f"{plain}.{number}"
        names.append(unique)
    return names, []


def _said(document: _Document, order: list[int], names: list[str]) -> dict[str, str]:
    """Role -> joint's name, as a VRM says."""
    vrm = document.extensions.VRMC_vrm or document.extensions.VRM
    if vrm is None:
        return {}
    bones = vrm.humanoid.humanBones
    pairs = bones.items() if isinstance(bones, dict) else ((b.bone, b) for b in bones)
    said = {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", bone).lower(): one.node for bone, one in pairs}
    return {r: names[order.index(n)] for r, n in said.items() if r in HIERARCHY and n in order}
