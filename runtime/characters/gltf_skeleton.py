"""The skeleton of a glTF or VRM file: its joints as they stand in the file's own rest pose."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.roles import HIERARCHY, guess
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

from .gltf_document import File, parents_of
from .gltf_schema import Document, Node

MOST_JOINTS = 2000
# A leg that is longer is told in centimetres, whatever glTF says of metres.
MOST_LEG_M = 10.0


@dataclass(frozen=True)
class Rig:
    """Joints of a file, and where all its nodes are.

    order   (J,) node of each joint, parents first
    parent  (N,) parent of each node, -1 for none
    world   (N, 4, 4) of each node at rest, scales and all, in metres, the body facing +Z
    """

    skeleton: Skeleton
    order: tuple[int, ...]
    parent: tuple[int, ...]
    world: Array
    notes: tuple[str, ...]

    @cached_property
    def rows(self) -> dict[int, int]:
        """Node -> joint."""
        return {n: j for j, n in enumerate(self.order)}

    def joint(self, node: int) -> int:
        """The joint that a node is, or hangs on; the root where it hangs on none."""
        while node >= 0:
            if node in self.rows:
                return self.rows[node]
            node = self.parent[node]
        return 0


def rig(file: File) -> Rig:
    """The joints of a file, roles as a VRM says; one joint for a thing that has none."""
    tree = file.tree
    parent = parents_of(file.name, tree.nodes)
    joints = joints_of(tree, parent)
    if not joints:
        raise UnderstudyError(
            f"{file.name} has no skin, no animated node and no mesh: no character in it."
        )
    if len(joints) > MOST_JOINTS:
        raise UnderstudyError(f"{file.name}: more than {MOST_JOINTS:,} joints is no body.")
    with np.errstate(over="ignore", invalid="ignore"):
        world = _world(tree.nodes, parent)
    if not (np.isfinite(world).all() and np.abs(world).max() < 1e9):
        raise file.damaged("its nodes are beyond all bounds")
    order, above = ordered(tree.nodes, joints, parent)
    names, notes = named(tree.nodes, order), []
    rows = {n: j for j, n in enumerate(order)}
    parents = np.array([rows.get(above[n], -1) for n in order])
    if (parents[1:] < 0).any():
        loose = [names[i] for i in np.flatnonzero(parents < 0)[1:]]
        hang, taken = ("hangs", "it is") if len(loose) == 1 else ("hang", "they are")
        notes.append(f"{_some(loose)} {hang} on no joint; {taken} taken to hang on {names[0]}.")
        parents[1:] = np.where(parents[1:] < 0, 0, parents[1:])
    said = {r: names.index(name) for r, name in said_roles(tree, order, names).items()}
    if said:
        notes.append(f"The file says itself which joints are {len(said)} roles (VRM).")
    skeleton = _skeleton(names, parents, world[order], said)
    place, told = _placed(skeleton, tree.extensions.VRM is not None)
    if told:
        notes.append(told)
        world = place @ world
        skeleton = _skeleton(names, parents, world[order], said)
    if uneven := _uneven(world[order], names):
        notes.append(
            f"{_some(uneven)} {'is' if len(uneven) == 1 else 'are'} mirrored or scaled unevenly: "
            "what they carry is exact at rest, and nearly so in motion."
        )
    return Rig(skeleton, tuple(order), tuple(parent), world, tuple(notes))


def _skeleton(
    names: list[str], parents: np.ndarray, world: Array, said: dict[str, int]
) -> Skeleton:
    positions, rotations = world[:, :3, 3], _rotations(world)
    bare = Skeleton(tuple(names), parents, np.zeros((len(names), 3)))
    rest_p, rest_r = bare.locals(positions, rotations)
    skeleton = Skeleton(tuple(names), parents, rest_p, rotation.normalize(rest_r))
    if not said:
        return skeleton
    taken = set(said.values())
    found = {r: j for r, j in guess(skeleton).roles.items() if j not in taken} | said
    given = {role: found[role] for role in HIERARCHY if role in found}
    return Skeleton(tuple(names), parents, rest_p, rotation.normalize(rest_r), given_roles=given)


def _rotations(world: Array) -> Array:
    """(J, 4) the rotations nearest to matrices (J, 4, 4), scales left out."""
    u, _, vt = np.linalg.svd(world[:, :3, :3])
    # A mirrored frame keeps its turn and loses its mirror, along the axis that is least.
    u[:, :, 2] *= np.sign(np.linalg.det(u @ vt))[:, None]
    return rotation.from_matrix(u @ vt)


def _uneven(world: Array, names: list[str]) -> list[str]:
    """The joints whose frames are mirrored or not of one scale."""
    lengths = np.linalg.norm(world[:, :3, :3], axis=1)
    off = lengths.max(axis=1) > 1.01 * lengths.min(axis=1) + 1e-9
    off |= np.linalg.det(world[:, :3, :3]) < 0.0
    return [names[j] for j in np.flatnonzero(off)]


def _some(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _placed(skeleton: Skeleton, vrm0: bool) -> tuple[Array, str]:
    """(4, 4) that stands a body up in metres, facing +Z, and what is to be said of it."""
    role, world = guess(skeleton).roles, skeleton.rest_globals[0]
    place = np.eye(4)
    if vrm0:  # by VRM 0's rules its characters look along -Z
        place[0, 0] = place[2, 2] = -1.0
        return place, "It is a VRM 0: it looks along -Z, and is turned to +Z."
    sides = [
        role.get(f"{side}_{part}") for part in ("upper_leg", "foot") for side in ("left", "right")
    ]
    top = role.get("head", role.get("neck", role.get("upper_chest", role.get("chest"))))
    if None in sides or top is None or "hips" not in role:
        return place, ""
    left_hip, right_hip, left_foot, right_foot = (world[j] for j in sides if j is not None)
    notes = []
    leg_m = float(np.linalg.norm(left_hip - left_foot))
    if leg_m > MOST_LEG_M:
        place[:3, :3] *= 0.01
        notes.append(f"A leg of {leg_m:.0f} m is taken for one in centimetres.")
    up = 0.5 * (left_hip + right_hip - left_foot - right_foot)
    across = left_hip - right_hip
    rows = np.zeros((3, 3))
    rows[0], rows[1] = _axis(across), _axis(up)
    rows[2] = np.cross(rows[0], rows[1])
    if abs(np.dot(rows[0], rows[1])) < 0.5 and not np.allclose(rows, np.eye(3)):
        place[:3, :3] = place[:3, :3] @ rows
        notes.append("It does not stand along +Y and look along +Z at rest; it is turned so.")
    return place, " ".join(notes)


def _axis(v: Array) -> Array:
    """(3,) the axis of the world that a vector goes along most."""
    out = np.zeros(3)
    k = int(np.argmax(np.abs(v)))
    out[k] = np.sign(v[k]) or 1.0
    return out


def joints_of(document: Document, parent: list[int] | None = None) -> list[int]:
    """Nodes that are joints: of all skins and a VRM's body, or what the animations move.

    Where there is neither, with the nodes' parents given: what carries a mesh, and all above it.
    """
    nodes = document.nodes
    skinned = [n for skin in document.skins for n in skin.joints]
    skinned += said_bones(document).values()
    if (springs := document.extensions.VRMC_springBone) is not None and skinned:
        skinned += [joint.node for spring in springs.springs for joint in spring.joints]
    channels = [channel for one in document.animations for channel in one.channels]
    moved = [one.target.node for one in channels if one.target.path != "weights"]
    chosen = [n for n in dict.fromkeys(skinned or moved) if 0 <= n < len(nodes)]
    chosen = [n for n in chosen if skinned or nodes[n].camera is None]
    if chosen or parent is None:
        return chosen
    carried: dict[int, None] = {}
    for n in document.shown_nodes():
        at = n if nodes[n].mesh is not None else -1
        while at >= 0 and at not in carried:
            carried[at] = None
            at = parent[at]
    return list(carried)


def _world(nodes: list[Node], parent: list[int]) -> Array:
    """(N, 4, 4) world matrices of all nodes."""
    world: list[Array | None] = [None] * len(nodes)
    for n in range(len(nodes)):
        path, at = [], n
        while at >= 0 and world[at] is None:
            path.append(at)
            at = parent[at]
        for at in reversed(path):
            above = world[parent[at]] if parent[at] >= 0 else None
            own = nodes[at].transform()
            world[at] = own if above is None else above @ own
    return np.array(world).reshape(-1, 4, 4)


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
    """A name for each joint, no two alike."""
    names: dict[str, None] = {}
    for n in order:
        plain = re.sub(r"\s+", " ", nodes[n].name).strip() or f"node{n}"
        unique, number = plain, 1
        while unique in names:
            number += 1
            unique = f"{plain}.{number}"
        names[unique] = None
    return list(names)


def said_bones(document: Document) -> dict[str, int]:
    """Bone in snake case -> node, as a VRM says; with fingers, eyes and jaw."""
    if document.vrm is None:
        return {}
    bones = document.vrm.humanoid.humanBones
    pairs = bones.items() if isinstance(bones, dict) else ((b.bone, b) for b in bones)
    return {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", bone).lower(): one.node for bone, one in pairs}


def said_roles(document: Document, order: list[int], names: list[str]) -> dict[str, str]:
    """Role -> joint's name, as a VRM says."""
    bones = said_bones(document).items()
    return {r: names[order.index(n)] for r, n in bones if r in HIERARCHY and n in order}
