"""Levels of detail of a mannequin: the same vertices with fewer triangles."""

from __future__ import annotations

import numpy as np

from understudy.runtime.characters.levels import collapsed
from understudy.runtime.core.rotation import Array

SHARES = (0.4, 0.15, 0.05)
# Of a body of this height; those of others go with theirs.
TALL_M = 1.8
# Paint is a distance from a border; it is looked at so near to one.
NEAR_M = 0.015
MOST_FACES = 10
# How far a colour stands out, and on how much of the way.
RELIEF_M, SLOPE_M = 0.012, 0.004


def coarser(
    points: Array, normals: Array, triangles: np.ndarray, paint: Array
) -> list[tuple[np.ndarray, float]]:
    """Fewer and fewer triangles (F, 3) over the same points (V, 3), each with its error in metres.

    The surface is closed and every point is there once, as marching cubes leave it. paint (V, 4)
    are distances from borders of colours: a border that moves is seen as a surface that does. So
    what is simplified is a relief, in which each colour stands out a little from the next.
    """
    out = []
    spots = points.astype(np.float64)
    size = float(np.ptp(spots, axis=0).max()) / TALL_M
    high = np.clip(0.5 - paint / (2.0 * SLOPE_M * size), 0.0, 1.0).sum(axis=1, keepdims=True)
    relief = spots + RELIEF_M * size * high * normals
    for share in SHARES:
        if (made := collapsed(relief, triangles, share)) is not None:
            keep, to, alive, error_m = made
            faces = to[triangles[alive]]
            error_m = max(error_m, _moved_paint(spots, paint, keep, to, faces, NEAR_M * size))
            out.append((keep[faces].astype(np.uint32), error_m))
    return out


def _moved_paint(
    spots: Array, paint: Array, keep: np.ndarray, to: np.ndarray, faces: np.ndarray, near_m: float
) -> float:
    """How far borders of paint have moved on faces (F, 3) of the points that stay, in metres."""
    near = np.flatnonzero(np.abs(paint).min(axis=1) < near_m)
    if not len(near):
        return 0.0
    corners, colours = spots[keep][faces], paint[keep][faces].astype(np.float64)
    around = faces.reshape(-1)
    order = np.argsort(around, kind="stable")
    count = np.bincount(around, minlength=len(keep))
    start = np.cumsum(count) - count
    least, off = np.full(len(near), np.inf), np.zeros((len(near), paint.shape[1]))
    goal = to[near]
    for k in range(min(int(count.max(initial=0)), MOST_FACES)):
        has = count[goal] > k
        face = order[np.where(has, start[goal] + k, 0)] // 3
        share = _shares(spots[near], corners[face])
        there = np.einsum("nk,nkd->nd", share, corners[face])
        away = np.where(has, np.linalg.norm(there - spots[near], axis=1), np.inf)
        better = away < least
        least = np.where(better, away, least)
        now = np.einsum("nk,nkd->nd", share, colours[face])
        off = np.where(better[:, None], np.abs(now - paint[near]), off)
    off = np.where(np.abs(paint[near]) < near_m, off, 0.0).max(axis=1)
    return float(np.percentile(off[np.isfinite(least)], 95.0))


def _shares(points: Array, corners: Array) -> Array:
    """(N, 3) shares of corners (N, 3, 3) that make the point of a face nearest to points (N, 3).

    Beside the face they are those of a point on its border.
    """
    a, b, c = (corners[:, k] for k in range(3))
    u, v, w = b - a, c - a, points - a
    uu, uv, vv = (np.sum(x * y, axis=1) for x, y in ((u, u), (u, v), (v, v)))
    wu, wv = np.sum(w * u, axis=1), np.sum(w * v, axis=1)
    area = np.maximum(uu * vv - uv * uv, 1e-30)
    second, third = (vv * wu - uv * wv) / area, (uu * wv - uv * wu) / area
    share = np.clip(np.stack([1.0 - second - third, second, third], axis=1), 0.0, 1.0)
    return share / np.maximum(share.sum(axis=1, keepdims=True), 1e-30)
