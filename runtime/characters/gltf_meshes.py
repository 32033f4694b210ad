"""The meshes of a file as one: every primitive of the scene on the bones that carry it.

A skin's vertices follow its joints. What has no skin hangs rigidly on the joint above it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.rotation import Array

from .character import Mesh, Morph, Part
from .gltf_bones import Bones
from .gltf_document import File, names_in
from .gltf_draco import unpack
from .gltf_materials import Materials
from .gltf_numbers import Numbers
from .gltf_schema import Node, Primitive
from .gltf_skeleton import Rig

MOST_VERTICES = MOST_TRIANGLES = 2_000_000
LEAST_MOVE = 1e-6  # of a mesh's size: what a morph moves less, it does not move


@dataclass
class _Vertices:
    """One primitive, or all of them put together."""

    positions: Array
    normals: Array
    uvs: Array
    colours: np.ndarray
    joints: np.ndarray
    weights: Array
    triangles: np.ndarray


class _Move(NamedTuple):
    """A morph target of one primitive: what is added to some of its vertices."""

    name: str
    rest: float
    vertices: np.ndarray
    positions: Array
    normals: Array


class Meshes:
    """Reads the primitives of a file one after the other; `mesh`, `bones` and `unbind` at the end.

    targets  (mesh, target) -> name of the morph
    """

    def __init__(self, file: File, numbers: Numbers, rig: Rig, materials: Materials) -> None:
        self.file, self._numbers, self._rig, self._materials = file, numbers, rig, materials
        self.targets: dict[tuple[int, int], str] = {}
        self.notes: dict[str, None] = {}
        self._moves: dict[str, list[_Move]] = {}
        self._read: list[tuple[int, str, _Vertices]] = []  # material, name, in the file's order
        self._count = self._faces = self._at = 0
        self._bones = Bones(file, numbers, rig)

    def read(self) -> None:
        """Every mesh that the scene shows."""
        tree = self.file.tree
        for n in tree.shown_nodes():
            node = tree.nodes[n]
            if node.mesh is None:
                continue
            if not 0 <= node.mesh < len(tree.meshes):
                raise self.file.damaged(f"there is no mesh {node.mesh}")
            for primitive in tree.meshes[node.mesh].primitives:
                self._add(n, node, primitive)

    # -- primitives

    def _add(self, n: int, node: Node, primitive: Primitive) -> None:
        if primitive.mode not in (4, 5, 6):
            self.notes["Points and lines of it are not drawn."] = None
            return
        at = primitive.attributes
        if "POSITION" not in at:
            return
        count = self._numbers.accessor(at["POSITION"]).count
        self._count += count
        if self._count > MOST_VERTICES:
            raise self._too_many("vertices", MOST_VERTICES)
        primitive = unpack(self._numbers, primitive)
        positions = self._numbers.floats(at["POSITION"], 3)
        triangles = self._triangles(primitive, count)
        self._faces += len(triangles)
        if self._faces > MOST_TRIANGLES:
            raise self._too_many("triangles", MOST_TRIANGLES)
        if not len(triangles):
            return
        joints, weights = self._binding(n, node, primitive, count)
        made = _Vertices(
            positions,
            self._optional(at, "NORMAL", 3, count),
            np.concatenate([self._optional(at, f"TEXCOORD_{k}", 2, count) for k in (0, 1)], axis=1),
            self._colours(at, count),
            joints,
            weights,
            triangles,
        )
        moves = self._targets(node, primitive, count)
        if "NORMAL" not in at:
            made, moves = _flat(made, moves)
            self._count += len(made.positions) - count
            if self._count > MOST_VERTICES:
                raise self._too_many("vertices", MOST_VERTICES)
        if self._mirrored(made):
            made.triangles = made.triangles[:, [0, 2, 1]]
        self._gather(moves)
        self._at += len(made.positions)
        row = self._materials.row(primitive.material)
        self._read.append((row, node.name or self._mesh_name(node), made))

    def _too_many(self, what: str, most: int) -> UnderstudyError:
        return UnderstudyError(
            f"{self.file.name} has more than {most:,} {what}: too many for a live picture; "
            "export it with fewer."
        )

    def _mesh_name(self, node: Node) -> str:
        assert node.mesh is not None
        return self.file.tree.meshes[node.mesh].name or f"mesh {node.mesh}"

    def _optional(self, at: dict[str, int], name: str, wide: int, count: int) -> Array:
        """(count, wide) float32 of an attribute; zeros where there is none."""
        if name not in at:
            return np.zeros((count, wide), np.float32)
        values = self._numbers.floats(at[name], wide)
        if len(values) != count:
            raise self.file.damaged(f"{name} has {len(values)} values for {count} vertices")
        return values

    def _colours(self, at: dict[str, int], count: int) -> np.ndarray:
        out = np.full((count, 4), 255, np.uint8)
        if "COLOR_0" in at:
            values = self._numbers.floats(at["COLOR_0"])
            if len(values) != count or values.shape[1] not in (3, 4):
                raise self.file.damaged(f"COLOR_0 has {len(values)} values for {count} vertices")
            out[:, : values.shape[1]] = np.clip(values * 255.0 + 0.5, 0, 255)
        return out

    def _triangles(self, primitive: Primitive, count: int) -> np.ndarray:
        """(F, 3) uint32"""
        if primitive.indices is None:
            flat = np.arange(count)
        else:
            stored = self._numbers.integers(primitive.indices)
            if stored.shape[-1] != 1:
                raise self.file.damaged("its triangles are no list of vertices")
            flat = stored.reshape(-1).astype(np.int64)
            if len(flat) and not 0 <= flat.min() <= flat.max() < count:
                raise self.file.damaged(f"a triangle of it names a vertex beyond its {count}")
        if primitive.mode == 4:
            faces = flat[: len(flat) // 3 * 3].reshape(-1, 3)
        elif len(flat) < 3:
            faces = np.zeros((0, 3), np.int64)
        elif primitive.mode == 5:
            faces = np.stack([flat[:-2], flat[1:-1], flat[2:]], axis=1)
            faces[1::2] = faces[1::2][:, [1, 0, 2]]
        else:
            faces = np.stack([flat[1:-1], flat[2:], np.full(len(flat) - 2, flat[0])], axis=1)
        a, b, c = faces.T
        return faces[(a != b) & (b != c) & (a != c)].astype(np.uint32)

    def _binding(
        self, n: int, node: Node, primitive: Primitive, count: int
    ) -> tuple[np.ndarray, Array]:
        """Bones (count, 4) and weights (count, 4) of a primitive."""
        at = primitive.attributes
        if node.skin is None or "JOINTS_0" not in at or "WEIGHTS_0" not in at:
            bone = self._bones.rigid(n)
            weights = np.zeros((count, 4), np.float32)
            weights[:, 0] = 1.0
            return np.full((count, 4), bone), weights
        bones = self._bones.skin(node.skin)
        sets = [k for k in range(8) if f"JOINTS_{k}" in at and f"WEIGHTS_{k}" in at]
        if len(sets) > 2:
            self.notes["Of more than eight joints at a vertex the first eight count."] = None
        joints: list[np.ndarray] = []
        shares: list[Array] = []
        for k in sets[:2]:
            values = self._numbers.integers(at[f"JOINTS_{k}"])
            if values.shape != (count, 4):
                raise self.file.damaged(f"JOINTS_{k} has {len(values)} values for {count} vertices")
            joints.append(values.astype(np.int64))
            shares.append(self._optional(at, f"WEIGHTS_{k}", 4, count))
        index, share = np.concatenate(joints, 1), np.maximum(np.concatenate(shares, 1), 0.0)
        index = np.where(share > 0.0, index, 0)  # exporters leave rubbish where nothing weighs
        if not len(bones) or (count and not 0 <= index.min() <= index.max() < len(bones)):
            raise self.file.damaged(
                f"a vertex of it follows a joint beyond its skin's {len(bones)}"
            )
        if share.shape[1] > 4:
            if (np.count_nonzero(share, axis=1) > 4).any():
                self.notes["Of more than four joints at a vertex the four strongest count."] = None
            best = np.argsort(-share, axis=1, kind="stable")[:, :4]
            index, share = (np.take_along_axis(a, best, axis=1) for a in (index, share))
        total = share.sum(axis=1, keepdims=True)
        share = np.where(total > 0.0, share / np.where(total > 0.0, total, 1.0), [1.0, 0, 0, 0])
        return bones[index], share.astype(np.float32)

    def _mirrored(self, made: _Vertices) -> bool:
        """Whether the bones of a primitive turn it inside out."""
        return self._bones.mirrors(int(np.bincount(made.joints[:, 0]).argmax()))

    # -- morphs

    def _targets(self, node: Node, primitive: Primitive, count: int) -> list[_Move]:
        assert node.mesh is not None
        mesh = self.file.tree.meshes[node.mesh]
        names = names_in(mesh.extras, "targetNames") or names_in(primitive.extras, "targetNames")
        weights = node.weights or mesh.weights
        out = []
        for k, target in enumerate(primitive.targets):
            plain = names[k].strip() if k < len(names) else ""
            name = plain or f"{self._mesh_name(node)}.{k}"
            self.targets[node.mesh, k] = name
            moved = self._optional(target, "POSITION", 3, count)
            turned = self._optional(target, "NORMAL", 3, count)
            size = float(np.abs(moved).max(initial=0.0))
            least = max(LEAST_MOVE, 1e-4 * size)
            mine = np.flatnonzero((np.abs(moved) > least).any(1) | (np.abs(turned) > 1e-3).any(1))
            rest = float(weights[k]) if k < len(weights) else 0.0
            out.append(_Move(name, rest, mine, moved[mine], turned[mine]))
        return out

    def _gather(self, moves: list[_Move]) -> None:
        for move in moves:
            self._moves.setdefault(move.name, []).append(
                move._replace(vertices=move.vertices + self._at)
            )

    # -- the whole

    def finish(self) -> tuple[Mesh, np.ndarray, Array, tuple[Morph, ...]]:
        """The mesh, the joint (B,) of each bone, its unbind (B, 4, 4), and the morphs."""
        mesh, place = self._joined()
        bones, unbind, row = self._bones.all()
        mesh.joints[:] = row[mesh.joints]
        morphs = []
        for name, moves in self._moves.items():
            vertices = np.concatenate([place[m.vertices] for m in moves]).astype(np.uint32)
            positions = np.concatenate([m.positions for m in moves])
            normals = np.concatenate([m.normals for m in moves])
            morphs.append(Morph(name, vertices, positions, normals, moves[0].rest))
        return mesh, bones, unbind.astype(np.float32), tuple(morphs)

    def _joined(self) -> tuple[Mesh, np.ndarray]:
        """All primitives, those of one material beside each other; and where each vertex went."""
        starts = np.cumsum([0, *(len(v.positions) for _, _, v in self._read)])
        place = np.zeros(self._at, np.int64)
        parts, triangles, whole = [], [], []
        at = face = 0
        for k in sorted(range(len(self._read)), key=lambda k: self._read[k][0]):
            row, name, v = self._read[k]
            place[starts[k] : starts[k + 1]] = at + np.arange(len(v.positions))
            parts.append(Part(name, row, face, len(v.triangles)))
            triangles.append(v.triangles + np.uint32(at))
            whole.append(v)
            at, face = at + len(v.positions), face + len(v.triangles)

        def joined(name: str, wide: int, kind: str) -> np.ndarray:
            arrays = [getattr(v, name) for v in whole]
            return np.concatenate([np.zeros((0, wide), kind), *arrays]).astype(kind, copy=False)

        mesh = Mesh(
            joined("positions", 3, "f4"),
            joined("normals", 3, "f4"),
            joined("uvs", 4, "f4"),
            joined("colours", 4, "u1"),
            joined("joints", 4, "i8").astype("u2"),
            joined("weights", 4, "f4"),
            np.concatenate([np.zeros((0, 3), np.uint32), *triangles]),
            tuple(parts),
        )
        return mesh, place


def _flat(made: _Vertices, moves: list[_Move]) -> tuple[_Vertices, list[_Move]]:
    """A primitive without normals: each triangle gets vertices and a normal of its own."""
    at = made.triangles.reshape(-1)
    corner = made.positions[at].reshape(-1, 3, 3)
    face = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    face = face / np.maximum(np.linalg.norm(face, axis=1, keepdims=True), 1e-30)
    whole = _Vertices(
        made.positions[at],
        np.repeat(face, 3, axis=0).astype(np.float32),
        made.uvs[at],
        made.colours[at],
        made.joints[at],
        made.weights[at],
        np.arange(len(at), dtype=np.uint32).reshape(-1, 3),
    )
    out = []
    for move in moves:
        row = np.full(len(made.positions), -1)
        row[move.vertices] = np.arange(len(move.vertices))
        found = row[at]
        mine = np.flatnonzero(found >= 0)
        positions = move.positions[found[mine]]
        out.append(move._replace(vertices=mine, positions=positions, normals=0.0 * positions))
    return whole, out
