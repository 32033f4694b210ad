"""Polygons as files have them, taken apart into triangles; and shapes that files only name.

F triangles are (F, 3, 3) corners in the file's own units, counter-clockwise from outside.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from understudy.runtime.core.rotation import Array

SIDES = 24


def fan(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of polygons with so many corners: the face (F,) and the corners (F, 3) of each triangle."""
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    more = np.maximum(counts - 2, 0)
    face = np.repeat(np.arange(len(counts)), more)
    nth = np.arange(len(face)) - np.repeat(np.concatenate([[0], np.cumsum(more)[:-1]]), more)
    first = starts[face]
    return face, np.stack([first, first + nth + 1, first + nth + 2], axis=1)


def spread(
    values: Array, how: str, indices: np.ndarray, face: np.ndarray, corner: np.ndarray
) -> Array | None:
    """Values of a primvar at triangles' corners; None where they are too few."""
    at = {
        "faceVarying": corner, "vertex": indices[corner], "varying": indices[corner],
        "uniform": np.repeat(face[:, None], 3, axis=1), "constant": np.zeros(corner.shape, int),
    }.get(how)  # fmt: skip
    if at is None or not len(values) or at.max(initial=0) >= len(values):
        return None
    return np.asarray(values[at])


def made(corners: Array, points: np.ndarray | None, smooth: bool, flip: bool) -> Array:
    """(F, 3, 3) normals of triangles: flat, or the mean about each point (F, 3)."""
    at = corners[..., :3]
    flat = np.cross(at[:, 1] - at[:, 0], at[:, 2] - at[:, 0]) * (-1.0 if flip else 1.0)
    every = np.repeat(flat[:, None], 3, axis=1)
    if smooth and points is not None:
        sums = np.zeros((int(points.max()) + 1, 3))
        np.add.at(sums, points.reshape(-1), every.reshape(-1, 3))
        every = sums[points]
    return np.asarray(every / np.maximum(np.linalg.norm(every, axis=-1, keepdims=True), 1e-12))


def triples(values: Any) -> Array:
    """(N, 3) of an attribute; none where it is of another type than it should be."""
    try:
        return np.array(values if values is not None else [], float).reshape(-1, 3)
    except (TypeError, ValueError):
        return np.zeros((0, 3))


def shared(rows: Array) -> tuple[Array, np.ndarray]:
    """Rows (N, K) float32 that differ, and for each row which of them it is.

    They are compared by a hash of 64 bits: sorting whole rows takes ten times as long.
    """
    words = (rows + 0.0).view(np.uint32).astype(np.uint64)  # -0 is 0
    odd = np.random.default_rng(5).integers(0, 1 << 63, words.shape[1], np.uint64) * 2 + 1
    mixed = words * odd
    mixed = ((mixed ^ (mixed >> np.uint64(29))) * odd[::-1]).sum(1, dtype=np.uint64)
    _, first, of = np.unique(mixed, return_index=True, return_inverse=True)
    return rows[first], of


def box(half: float) -> Array:
    """(12, 3, 3) corners."""
    out = []
    for axis in range(3):
        for way in (-1.0, 1.0):
            a, b, c = np.roll(np.eye(3), axis, axis=1) * half
            square = [a * way - b - c, a * way + b - c, a * way + b + c, a * way - b + c]
            square = square if way > 0 else square[::-1]
            out += [[square[0], square[1], square[2]], [square[0], square[2], square[3]]]
    return np.array(out)


def turned(radius: Array, height: Array) -> Array:
    """(F, 3, 3) of an outline turned about +Z, from below."""
    angle = np.linspace(0.0, 2.0 * np.pi, SIDES + 1)
    ring = np.stack([np.cos(angle), np.sin(angle), 0.0 * angle], axis=1)
    up, out = np.array([0.0, 0.0, 1.0]), []
    for k in range(len(radius) - 1):
        low, high = ring * radius[k] + up * height[k], ring * radius[k + 1] + up * height[k + 1]
        for s in range(SIDES):
            if radius[k] > 0.0:
                out.append([low[s], low[s + 1], high[s + 1]])
            if radius[k + 1] > 0.0:
                out.append([low[s], high[s + 1], high[s]])
    return np.array(out)


def along(corners: Array, axis: str) -> Array:
    """Corners that stand along +Z, along another axis."""
    order = {"X": [2, 0, 1], "Y": [1, 2, 0]}.get(axis, [0, 1, 2])
    return corners[..., order]
