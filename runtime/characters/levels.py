"""Levels of detail: the same vertices with fewer triangles, each level with how far it is off.

Simplified by quadrics (Garland and Heckbert 1997, `fast-simplification`) over welded positions, so
that seams of normals and UVs stay closed; each corner then takes the vertex of its own chart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from understudy.runtime.core.rotation import Array

from .character import Mesh, Part

LEAST_TRIANGLES = 1500
SHARES = (0.4, 0.15, 0.05)
SEAM_UV = 1e-3


@dataclass(frozen=True, eq=False)
class Level:
    """triangles (F, 3) in the order of parts; error_m: how far its surface is off."""

    triangles: np.ndarray
    parts: tuple[Part, ...]
    error_m: float


def whole(mesh: Mesh) -> Level:
    return Level(mesh.triangles, mesh.parts, 0.0)


def levels(mesh: Mesh, points: Array) -> list[Level]:
    """The mesh itself and coarser ones; points (V, 3) are its vertices in the world at rest."""
    out = [whole(mesh)]
    if len(mesh.triangles) < LEAST_TRIANGLES:
        return out
    weld, spots = _welded(points)
    faces = weld[mesh.triangles]
    rows = np.flatnonzero(_alive(faces))
    # Points that no face has are none of the simplifier's.
    used, flat = np.unique(faces[rows], return_inverse=True)
    faces, spots = flat.reshape(-1, 3).astype(np.int32), spots[used]
    compact = np.zeros(int(weld.max()) + 1, np.int64)
    compact[used] = np.arange(len(used))
    weld = compact[weld]
    part_of = np.repeat(np.arange(len(mesh.parts)), [p.count for p in mesh.parts])[rows]
    chart = _charts(mesh.triangles, len(points))
    seams, ends = _seams(mesh, mesh.triangles[rows], part_of, weld)
    fins, posts = _fins(seams, weld, spots, mesh.normals)
    held = np.concatenate([spots, posts]).astype(np.float32)
    kept_faces = np.concatenate([faces, fins]).astype(np.int32)
    painted = points[np.concatenate([seams, ends])]
    for share in SHARES:
        if share * len(mesh.triangles) < 0.3 * LEAST_TRIANGLES:
            break
        made = collapsed(spots, faces, share, held, kept_faces)
        if made is None:
            break
        keep, to, alive, off_m = made
        stand_in = _corners(mesh, chart, weld, keep[to[weld]])
        triangles = stand_in[mesh.triangles[rows[alive]]].astype(np.uint32)
        if len(triangles) > 0.85 * len(out[-1].triangles):
            continue
        after = np.concatenate(_seams(mesh, triangles, part_of[alive], weld))
        error_m = max(off_m, _strayed(painted, points[after]))
        out.append(Level(triangles, _parts(mesh, part_of[alive]), error_m))
    return out


def collapsed(
    spots: Array,
    faces: np.ndarray,
    share: float,
    held: Array | None = None,
    held_faces: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float] | None:
    """A share of faces (F, 3) over distinct points (P, 3): which points stay, and for whom.

    held, held_faces  the same and more after them, which hold others in place

    Returns keep (S,), the points that stay; to (P,), for each point its place among them; alive
    (F,), the faces that stay faces; and how far the surface is off, in metres. None: none could go.
    """
    import fast_simplification

    held = spots if held is None else held
    held_faces = faces if held_faces is None else held_faces
    held, held_faces = held.astype(np.float32), held_faces.astype(np.int32)
    _, _, collapses = fast_simplification.simplify(
        held, held_faces, target_reduction=1.0 - share, return_collapses=True
    )
    if not len(collapses):
        return None
    simple, _, to = fast_simplification.replay_simplification(held, held_faces, collapses)
    to = to[: len(spots)]
    keep = _nearest_in(to, spots, simple)
    new = to[faces]
    alive = _alive(new)
    alive[np.flatnonzero(alive)[_repeated(new[alive])]] = False
    return keep, to, alive, _error(spots, spots[keep], to, new[alive])


def _alive(faces: np.ndarray) -> np.ndarray:
    """(F,) whether a face (F, 3) has three corners."""
    a, b, c = faces.T
    return (a != b) & (b != c) & (a != c)


def _welded(points: Array) -> tuple[np.ndarray, Array]:
    """(V,) which of the distinct points (W, 3) each vertex is at."""
    size = float(np.ptp(points, axis=0).max()) or 1.0
    _, first, weld = np.unique(
        np.round(points / (1e-5 * size)).astype(np.int64), axis=0, return_index=True,
        return_inverse=True,
    )  # fmt: skip
    return weld.reshape(-1), points[first].astype(np.float64)


def _charts(triangles: np.ndarray, count: int) -> np.ndarray:
    """(V,) the connected piece of surface that each vertex belongs to; seams part them."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    a, b = triangles[:, [0, 1]].reshape(-1), triangles[:, [1, 2]].reshape(-1)
    graph = coo_array((np.ones(len(a), np.int8), (a, b)), (count, count))
    return connected_components(graph, directed=False)[1]


def _nearest_in(to: np.ndarray, spots: Array, simple: Array) -> np.ndarray:
    """(S,) the original point nearest to each simplified one, of those that it stands for."""
    away = np.linalg.norm(spots - simple[to], axis=1)
    order = np.lexsort((away, to))
    out = np.zeros(len(simple), np.int64)
    first = np.unique(to[order], return_index=True)
    out[first[0]] = order[first[1]]
    return out


def _repeated(faces: np.ndarray) -> np.ndarray:
    """(F,) whether a face has the corners of an earlier one."""
    _, first = np.unique(np.sort(faces, axis=1), axis=0, return_index=True)
    out = np.ones(len(faces), bool)
    out[first] = False
    return out


def _corners(mesh: Mesh, chart: np.ndarray, weld: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """(V,) what stands in for each vertex: of those at its goal, the one most like it."""
    order = np.argsort(weld, kind="stable")
    count = np.bincount(weld)
    start = np.concatenate([[0], np.cumsum(count)[:-1]])
    best = order[start[goal]]
    cost = np.full(len(weld), np.inf)
    for k in range(int(min(count.max(), 12))):
        has = count[goal] > k
        other = order[np.where(has, start[goal] + k, start[goal])]
        unlike = 1.0 - np.sum(mesh.normals * mesh.normals[other], axis=1)
        unlike += 4.0 * np.abs(mesh.uvs[:, :2] - mesh.uvs[other, :2]).sum(1)
        unlike += 100.0 * (chart != chart[other])
        better = has & (unlike < cost)
        best, cost = np.where(better, other, best), np.where(better, unlike, cost)
    return best


def _error(spots: Array, kept: Array, to: np.ndarray, faces: np.ndarray) -> float:
    """How far the original points lie from the planes of the faces around what they became."""
    a, b, c = (kept[faces[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-30)
    around = faces.reshape(-1)
    order = np.argsort(around, kind="stable")
    count = np.bincount(around, minlength=len(kept))
    start = np.concatenate([[0], np.cumsum(count)[:-1]])
    least = np.full(len(spots), np.inf)
    for k in range(int(min(count.max(initial=0), 8))):
        has = count[to] > k
        face = order[np.where(has, start[to] + k, 0)] // 3
        off = np.abs(np.sum((spots - a[face]) * normal[face], axis=1))
        least = np.where(has, np.minimum(least, off), least)
    least = np.where(np.isfinite(least), least, np.linalg.norm(spots - kept[to], axis=1))
    return float(np.percentile(least, 98.0))


def _seams(
    mesh: Mesh, triangles: np.ndarray, part_of: np.ndarray, weld: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(E, 2) edges at which paint changes (UVs, colours, materials), and (F, 2) where it ends.

    Of triangles (T, 3) of the parts (T,); an edge is told by two vertices of one of its sides.
    """
    edges = triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).astype(np.int64)
    edges = np.where(weld[edges[:, :1]] < weld[edges[:, 1:]], edges, edges[:, ::-1])
    material = np.array([p.material for p in mesh.parts])[np.repeat(part_of, 3)]
    spot = weld[edges]
    order = np.lexsort((spot[:, 1], spot[:, 0]))
    edges, spot, material = edges[order], spot[order], material[order]
    alike = (spot[1:] == spot[:-1]).all(axis=1)
    first = np.concatenate([[True], ~alike]) & np.concatenate([~alike, [True]])
    a, b = edges[:-1][alike], edges[1:][alike]
    other = material[:-1][alike] != material[1:][alike]
    other |= (np.abs(mesh.uvs[a, :2] - mesh.uvs[b, :2]) > SEAM_UV).any(axis=(1, 2))
    other |= (np.abs(mesh.colours[a].astype(int) - mesh.colours[b]) > 8).any(axis=(1, 2))
    return a[other], edges[first]


def _fins(
    seams: np.ndarray, weld: np.ndarray, spots: Array, normals: Array
) -> tuple[np.ndarray, Array]:
    """Faces (E, 3) that stand on seams, and their own points (E, 3) behind `spots`.

    They hold a seam where it is: moving it aside bends a fin (Garland and Heckbert's boundary
    constraints). They are no part of what comes out.
    """
    a, b = weld[seams[:, 0]], weld[seams[:, 1]]
    long_m = np.linalg.norm(spots[a] - spots[b], axis=1, keepdims=True)
    posts = 0.5 * (spots[a] + spots[b]) + 0.5 * long_m * normals[seams[:, 0]]
    return np.stack([a, b, len(spots) + np.arange(len(seams))], axis=1), posts


def _strayed(before: Array, after: Array) -> float:
    """How far seams before (E, 2, 3) lie from those after (F, 2, 3).

    Paint that moves along its surface is seen, though the surface stays.
    """
    from scipy.spatial import KDTree

    if not len(before) or not len(after):
        return 0.0 if len(before) == len(after) else float("inf")
    along = np.linspace(0.0, 1.0, 5)[:, None, None]
    spread = after[:, 0] * (1.0 - along) + after[:, 1] * along
    away, _ = KDTree(spread.reshape(-1, 3)).query(before.mean(axis=1))
    return float(np.percentile(away, 95.0))


def _parts(mesh: Mesh, part_of: np.ndarray) -> tuple[Part, ...]:
    out, first = [], 0
    for k, count in enumerate(np.bincount(part_of, minlength=len(mesh.parts)).tolist()):
        out.append(Part(mesh.parts[k].name, mesh.parts[k].material, first, count))
        first += count
    return tuple(out)
