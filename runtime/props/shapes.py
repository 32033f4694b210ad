"""Shapes: plain ones by their sizes, those of files as convex hulls, which are kept on the disk.

Convex decomposition is CoACD's (Wei et al., "Approximate convex decomposition for 3D meshes with
collision-aware concavity", 2022); it takes seconds for a chair, so its hulls are kept by a hash of
the mesh.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import platformdirs

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.files import shown, whole
from understudy.runtime.core.rotation import Array

from .table import PropTable

# A hull with more corners costs more at every step than it tells.
MOST_CORNERS, MOST_HULLS = 48, 24
# How far a hull may be off, as a share of the shape's size; CoACD's own word.
CONCAVITY = 0.05
MOST_TRIANGLES = 200_000
# Raised when hulls of before are no longer those that would be made now.
VERSION = 2
NEEDS = "pip install 'understudy-stage[props]'"


@dataclass(frozen=True, eq=False)
class Solid:
    """One convex piece in its prop's axes: a box by half its size, a ball by (radius,), an upright
    cylinder or capsule by (radius, half the height of its straight part), a hull by its corners."""

    kind: Literal["box", "sphere", "cylinder", "capsule", "hull"]
    size: tuple[float, ...] = ()
    corners: Array | None = None  # (N, 3)
    at: tuple[float, float, float] = (0.0, 0.0, 0.0)
    turn: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 1.0)

    @property
    def volume(self) -> float:
        """m3; of a hull about, by the box around it where it has no volume of its own."""
        if self.kind == "box":
            return 8.0 * float(np.prod(self.size))
        if self.kind == "hull":
            return hull_volume(self.corners)
        radius = self.size[0]
        ball, disc = 4.0 / 3.0 * np.pi * radius**3, np.pi * radius**2
        straight = 2.0 * self.size[1] * disc if len(self.size) > 1 else 0.0
        return straight + (ball if self.kind != "cylinder" else 0.0)

    def reach(self, way: Array) -> float:
        """How far it reaches from the prop's origin along a unit vector (3,) in its axes."""
        own = rotation.rotate(rotation.conjugate(np.array(self.turn)), np.asarray(way, float))
        middle = float(np.dot(self.at, way))
        if self.kind == "box":
            return middle + float(np.abs(own) @ np.array(self.size))
        if self.kind == "hull":
            assert self.corners is not None
            return middle + float((self.corners @ own).max())
        radius = self.size[0]
        straight = abs(own[1]) * self.size[1] if len(self.size) > 1 else 0.0
        if self.kind == "cylinder":
            return middle + straight + radius * float(np.hypot(own[0], own[2]))
        return middle + straight + radius


def hull_volume(corners: Array | None) -> float:
    """m3 of the hull of points (N, 3); 0 of flat ones."""
    from scipy.spatial import ConvexHull, QhullError

    try:
        return float(ConvexHull(corners).volume)
    except (QhullError, ValueError):
        return 0.0


def solids(table: PropTable) -> list[Solid]:
    """The convex pieces of a prop."""
    if table.is_file:
        return [Solid("hull", corners=hull) for hull in hulls(Path(table.shape), table.scale)]
    size = table.size
    if table.shape == "box":
        return [Solid("box", tuple(0.5 * s for s in size))]
    radius = 0.5 * size[0]
    if table.shape == "sphere":
        return [Solid("sphere", (radius,))]
    round_m = radius if table.shape == "capsule" else 0.0
    return [Solid(table.shape, (radius, 0.5 * size[1] - round_m))]  # type: ignore[arg-type]


def thickness_m(pieces: list[Solid]) -> float:
    """The least that the pieces together measure along one of their axes."""
    low, high = bounds(pieces)
    return float((high - low).min())


def bounds(pieces: list[Solid]) -> tuple[Array, Array]:
    """Least and greatest corner (3,) of the box around the pieces, in their prop's axes."""
    high = np.array([max(piece.reach(way) for piece in pieces) for way in np.eye(3)])
    low = np.array([-max(piece.reach(-way) for piece in pieces) for way in np.eye(3)])
    return low, high


def mark(table: PropTable, pieces: list[Solid]) -> tuple[Array, Array]:
    """Where a prop stands by its table: its origin (3,) and rotation (4,), the foot on at_m."""
    turn = rotation.multiply(
        rotation.from_yaw(np.radians(table.heading_deg)),
        rotation.normalize(np.array(table.rotation, float)),
    )
    down = rotation.rotate(rotation.conjugate(turn), np.array([0.0, -1.0, 0.0]))
    foot_m = max(piece.reach(down) for piece in pieces)
    x, y, z = table.at_m if len(table.at_m) == 3 else (table.at_m[0], 0.0, table.at_m[1])
    return np.array([x, y + foot_m, z]), turn


def hulls(path: Path, scale: float = 1.0) -> list[Array]:
    """Convex hulls (N, 3) of a .glb or .gltf file, in its own axes times scale."""
    corners, triangles = _mesh(path)
    digest = hashlib.blake2b(digest_size=12)
    for part in (corners, triangles, np.array([VERSION, MOST_HULLS, MOST_CORNERS, CONCAVITY])):
        digest.update(np.ascontiguousarray(part).tobytes())
    kept = folder() / f"{digest.hexdigest()}.npz"
    found = _kept(kept)
    if found is None:
        found = decomposed(corners, triangles)
        if not found:
            raise UnderstudyError(f"{shown(path)} has no solid shape: its triangles are all flat.")
        with whole(kept) as file:
            np.savez(file, **{f"hull{n}": hull for n, hull in enumerate(found)})  # type: ignore[arg-type]
    return [scale * hull for hull in found]


def folder() -> Path:
    """Where hulls are kept; UNDERSTUDY_CACHE names another folder."""
    own = os.environ.get("UNDERSTUDY_CACHE")
    return Path(own or platformdirs.user_cache_dir("understudy", appauthor=False)) / "hulls"


def _kept(path: Path) -> list[Array] | None:
    """Hulls that were kept; None where there are none that can be read."""
    try:
        with np.load(path) as file:
            return [file[f"hull{n}"] for n in range(len(file.files))] or None
    except (OSError, ValueError, KeyError, EOFError):
        return None


def _mesh(path: Path) -> tuple[Array, np.ndarray]:
    """Corners (V, 3) and triangles (F, 3) of everything in a file."""
    try:
        import trimesh
    except ImportError as error:
        raise UnderstudyError(f"Props of files need {error.name}: {NEEDS}.") from None
    try:
        scene = trimesh.load_scene(path)
        mesh = scene.to_mesh()
        corners, triangles = np.array(mesh.vertices, float), np.array(mesh.faces, np.int64)
    except Exception as error:  # readers of files raise whatever their parts raise
        why = str(error).split("\n")[0][:160] or type(error).__name__
        raise UnderstudyError(f"The shape of {shown(path)} cannot be read: {why}.") from None
    if not len(triangles) or not np.isfinite(corners).all():
        raise UnderstudyError(f"{shown(path)} has no triangles, so a prop has no shape of it.")
    if len(triangles) > MOST_TRIANGLES:
        raise UnderstudyError(
            f"{shown(path)} has {len(triangles)} triangles; a prop's shape can have "
            f"{MOST_TRIANGLES}: export a simpler mesh."
        )
    return corners, triangles


def decomposed(corners: Array, triangles: np.ndarray) -> list[Array]:
    """Hulls (N, 3) that together are about the mesh: corners (V, 3), triangles (F, 3).

    A piece that is about its hull is that; the others are taken apart.
    """
    found: list[Array] = []
    for piece in connected(corners, triangles):
        points, faces = np.unique(piece.reshape(-1, 3), axis=0, return_inverse=True)
        hull = of_points(points)
        if hull is None:
            continue
        full = abs(volume(piece)) > (1.0 - CONCAVITY) * hull_volume(hull)
        room = len(found) < MOST_HULLS
        found += [hull] if full or not room else _taken_apart(points, faces.reshape(-1, 3))
    return found


def _taken_apart(corners: Array, triangles: np.ndarray) -> list[Array]:
    try:
        import coacd
    except ImportError as error:
        raise UnderstudyError(f"Props of files need {error.name}: {NEEDS}.") from None
    coacd.set_log_level("error")
    parts = coacd.run_coacd(
        coacd.Mesh(corners, triangles),
        threshold=CONCAVITY,
        max_convex_hull=MOST_HULLS,
        decimate=True,
        max_ch_vertex=MOST_CORNERS,
        # Coarser than its own defaults, which take a minute for a chair.
        resolution=1000,
        mcts_nodes=12,
        mcts_iterations=60,
        seed=1,
    )
    found = [of_points(np.array(points, float)) for points, _ in parts]
    return [hull for hull in found if hull is not None]


def connected(vertices: Array, triangles: np.ndarray) -> list[Array]:
    """Corners (T, 3, 3) of the triangles of each connected piece; corners of one place are one."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    if not len(triangles):
        return []
    places, same = np.unique(np.round(vertices, 3), axis=0, return_inverse=True)
    faces = same.reshape(-1)[triangles]
    a, b = faces[:, [0, 1]].ravel(), faces[:, [1, 2]].ravel()
    graph = coo_matrix((np.ones(len(a), bool), (a, b)), (len(places), len(places)))
    label = connected_components(graph, directed=False)[1][faces[:, 0]]
    order = np.argsort(label, kind="stable")
    cuts = np.flatnonzero(np.diff(label[order])) + 1
    return np.split(places[faces[order]], cuts)


def of_points(points: Array) -> Array | None:
    """The corners (N, 3) of the hull of points, thinned to MOST_CORNERS; None of flat ones."""
    from scipy.spatial import ConvexHull, QhullError

    try:
        corners = points[ConvexHull(points).vertices]
    except (QhullError, ValueError):
        return None
    if len(corners) <= MOST_CORNERS:
        return corners
    # Those that reach furthest along ways that are spread evenly over the ball.
    n = np.arange(8 * MOST_CORNERS) + 0.5
    up, around = 1.0 - 2.0 * n / len(n), np.pi * (1.0 + 5.0**0.5) * n
    flat = np.sqrt(1.0 - up * up)
    ways = np.stack([flat * np.cos(around), up, flat * np.sin(around)], 1)
    votes = np.bincount((corners @ ways.T).argmax(0), minlength=len(corners))
    most = np.sort(np.argsort(-votes, kind="stable")[:MOST_CORNERS])
    return corners[most[votes[most] > 0]]


def volume(piece: Array) -> float:
    """m3 that triangles (T, 3, 3) enclose; below 0 where they are seen from within."""
    middle = piece.reshape(-1, 3).mean(0)
    a, b, c = (piece[:, k] - middle for k in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum()) / 6.0
