"""Pieces of the baked body's surface, cut along lines, as mixtures of its points.

A pattern is cut once on the base body and then worn by any: its points are (1 - t) of one baked
point and t of another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from understudy.runtime.core.rotation import Array

from .body import Body


@dataclass(frozen=True, eq=False)
class Pattern:
    """first, second (V,) baked points, share (V,) of the second; triangles (F, 3); uvs (V, 2)."""

    first: np.ndarray
    second: np.ndarray
    share: Array
    triangles: np.ndarray
    uvs: Array

    def of(self, values: Array) -> Array:
        """(V, ...) of values of the baked points (K, ...)."""
        share = self.share.reshape(-1, *([1] * (values.ndim - 1)))
        return values[self.first] * (1 - share) + values[self.second] * share


def whole(body: Body, groups: Iterable[str]) -> Pattern:
    """Groups of the body with their UVs, a point of several UVs once for each."""
    quads = np.concatenate([body.quads[name] for name in groups])
    at = np.concatenate([body.quad_uvs[name] for name in groups])
    pairs, place = np.unique(
        np.stack([quads.ravel(), at.ravel()], 1), axis=0, return_inverse=True
    )  # fmt: skip
    corners = place.reshape(quads.shape)
    triangles = np.concatenate([corners[:, [0, 1, 2]], corners[:, [0, 2, 3]]])
    flat = triangles[:, 0] == triangles[:, 2]
    flat |= (triangles[:, 0] == triangles[:, 1]) | (triangles[:, 1] == triangles[:, 2])
    return Pattern(
        pairs[:, 0], pairs[:, 0], np.zeros(len(pairs), np.float32), triangles[~flat],
        body.uvs[pairs[:, 1]],
    )  # fmt: skip


def _tidy(pattern: Pattern) -> Pattern:
    """Without points that no triangle has."""
    used, place = np.unique(pattern.triangles, return_inverse=True)
    return Pattern(
        pattern.first[used], pattern.second[used], pattern.share[used],
        place.reshape(-1, 3), pattern.uvs[used],
    )  # fmt: skip


def kept(pattern: Pattern, keep: np.ndarray) -> Pattern:
    """The triangles that have a point to keep (V,)."""
    return _tidy(replace(pattern, triangles=pattern.triangles[keep[pattern.triangles].any(1)]))


def cut(pattern: Pattern, inside: Array) -> Pattern:
    """What lies inside (V,) > 0, cut through its triangles. Takes a pattern that is not cut yet."""
    triangles = pattern.triangles
    signs = inside[triangles] > 0.0
    count = signs.sum(1)
    out = [triangles[count == 3]]
    parts: list[np.ndarray] = []
    for mixed in (1, 2):
        rows, marks = triangles[count == mixed], signs[count == mixed]
        lone = np.argmax(marks if mixed == 1 else ~marks, axis=1)
        turn = (lone[:, None] + np.arange(3)) % 3
        parts.append(np.take_along_axis(rows, turn, 1))  # the lone corner first
    edges = np.concatenate([part[:, [0, k]] for part in parts for k in (1, 2)])
    unique, place = np.unique(np.sort(edges, axis=1), axis=0, return_inverse=True)
    a, b = unique.T
    share = inside[a] / (inside[a] - inside[b])
    new = len(inside) + place.reshape(-1)
    ends = np.cumsum([len(parts[0])] * 2 + [len(parts[1])] * 2)[:-1]
    one_b, one_c, two_b, two_c = np.split(new, ends)
    out.append(np.stack([parts[0][:, 0], one_b, one_c], 1))
    _, b1, c1 = parts[1].T
    out += [np.stack([two_b, b1, c1], 1), np.stack([two_b, c1, two_c], 1)]
    new_uvs = pattern.uvs[a] + share[:, None] * (pattern.uvs[b] - pattern.uvs[a])
    return _tidy(
        Pattern(
            np.concatenate([pattern.first, pattern.first[a]]),
            np.concatenate([pattern.second, pattern.first[b]]),
            np.concatenate([pattern.share, share.astype(np.float32)]),
            np.concatenate(out),
            np.concatenate([pattern.uvs, new_uvs]),
        )
    )  # fmt: skip


def rim(triangles: np.ndarray) -> np.ndarray:
    """(E, 2) the directed edges that one triangle alone has."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    key, back = edges[:, 0] << 32 | edges[:, 1], edges[:, 1] << 32 | edges[:, 0]
    return edges[~np.isin(key, back)]


def normals(points: Array, triangles: np.ndarray) -> Array:
    """(V, 3) unit normals, of each triangle as much as its area."""
    a, b, c = points[triangles].transpose(1, 0, 2)
    face = np.cross(b - a, c - a)
    out = np.stack([
        np.bincount(triangles.ravel(), np.repeat(face[:, k], 3), len(points)) for k in range(3)
    ], 1)  # fmt: skip
    return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12)


def along_rim(values: Array, edges: np.ndarray, rounds: int) -> Array:
    """(V, 3) those at the rim's edges (E, 2) smoothed along it, so that a cut is an even line."""
    count, out = len(values), values.copy()
    before, after = np.arange(count), np.arange(count)
    after[edges[:, 0]], before[edges[:, 1]] = edges[:, 1], edges[:, 0]
    for _ in range(rounds):
        out = 0.5 * out + 0.25 * (out[before] + out[after])
    return out


def smoothed(
    points: Array, triangles: np.ndarray, rounds: int, held: np.ndarray | None = None
) -> Array:
    """(V, 3) each point moved half way to the mean of its neighbours, `rounds` times.

    held (V,) bool: points that stay
    """
    from scipy import sparse

    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    edges = np.concatenate([edges, edges[:, ::-1]])
    links = sparse.coo_matrix((np.ones(len(edges)), edges.T), shape=(len(points),) * 2).tocsr()
    links.data[:] = 1.0
    share = np.maximum(np.asarray(links.sum(1)), 1.0)
    out = points.copy()
    for _ in range(rounds):
        moved = 0.5 * out + 0.5 * (links @ out) / share
        out = moved if held is None else np.where(held[:, None], out, moved)
    return out
