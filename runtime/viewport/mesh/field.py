"""Signed distance shapes in metres, and how they melt together.

Shapes take broadcastable coordinates, so the same code fills a block of a grid (three axes) and a
list of points (one axis). Formulas follow Inigo Quilez, "Distance functions" and "Smooth minimum".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from understudy.runtime.core.rotation import Array, normalize

# A shape is not evaluated further from its surface than this; smooth unions are narrower.
REACH_M = 0.07
FAR_M = 1.0


def smooth_min(a: Array, b: Array, k: float) -> Array:
    """(...) union of two distances, rounded over about k metres (quadratic)."""
    h = np.maximum(k - np.abs(a - b), 0.0)
    return np.minimum(a, b) - h * h * (0.25 / k)


def smooth_max(a: Array, b: Array, k: float) -> Array:
    """(...) intersection of two distances, rounded over about k metres."""
    return -smooth_min(-a, -b, k)


def exclusive(a: Array, b: Array) -> Array:
    """(...) inside one of two regions but not both: its zero lines are those of a and of b."""
    return np.maximum(np.minimum(a, b), -np.maximum(a, b))


@dataclass(frozen=True)
class Limb:
    """A capsule from a to b whose radius runs through three values, flattened along one axis.

    `flat` is thickness by width across `flat_axis`; 1 is round.
    """

    a: Array
    b: Array
    radii: tuple[float, float, float]
    flat: float = 1.0
    flat_axis: tuple[float, float, float] | Array = (0.0, 0.0, 1.0)
    blend_m: float = 0.02

    def distance(self, x: Array, y: Array, z: Array) -> Array:
        ba = self.b - self.a
        px, py, pz = x - self.a[0], y - self.a[1], z - self.a[2]
        t = np.clip((px * ba[0] + py * ba[1] + pz * ba[2]) / max(float(ba @ ba), 1e-9), 0.0, 1.0)
        qx, qy, qz = px - t * ba[0], py - t * ba[1], pz - t * ba[2]
        if self.flat != 1.0:
            n = normalize(np.asarray(self.flat_axis, float))
            more = (qx * n[0] + qy * n[1] + qz * n[2]) * (1.0 / self.flat - 1.0)
            qx, qy, qz = qx + more * n[0], qy + more * n[1], qz + more * n[2]
        start, middle, end = self.radii
        bulge = 2.0 * middle - 0.5 * (start + end)  # the parabola through the three radii
        radius = (1 - t) ** 2 * start + 2 * t * (1 - t) * bulge + t * t * end
        inside = np.sqrt(qx * qx + qy * qy + qz * qz) - radius
        return inside * (0.5 + 0.5 * self.flat)

    def bounds(self) -> tuple[Array, Array]:
        most = max(self.radii) * 1.15
        return np.minimum(self.a, self.b) - most, np.maximum(self.a, self.b) + most


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid; `axes` (3, 3) has its own axes as rows."""

    center: Array
    radii: tuple[float, float, float]
    axes: Array | None = None
    blend_m: float = 0.02

    def distance(self, x: Array, y: Array, z: Array) -> Array:
        p = [x - self.center[0], y - self.center[1], z - self.center[2]]
        if self.axes is not None:
            p = [row[0] * p[0] + row[1] * p[1] + row[2] * p[2] for row in self.axes]
        r = self.radii
        k0 = np.sqrt(sum((p[i] / r[i]) ** 2 for i in range(3)))
        k1 = np.sqrt(sum((p[i] / r[i] ** 2) ** 2 for i in range(3)))
        return k0 * (k0 - 1.0) / np.maximum(k1, 1e-6)

    def bounds(self) -> tuple[Array, Array]:
        most = np.full(3, max(self.radii)) if self.axes is not None else np.array(self.radii)
        return self.center - most, self.center + most


Shape = Limb | Ellipsoid


@dataclass(frozen=True)
class Group:
    """Shapes that melt into one another: a torso, an arm, a leg.

    Groups melt into the group at index `onto` over `blend_m`, and meet all others with a crease.
    `floor_m` cuts the group flat at that height (the soles).
    """

    name: str
    shapes: tuple[Shape, ...]
    onto: int = -1
    blend_m: float = 0.03
    floor_m: float | None = None


def group_distances(groups: list[Group], x: Array, y: Array, z: Array) -> list[Array]:
    """One (...) distance for each group at points with coordinates x, y, z (N,) each."""
    out = []
    points = np.stack([x, y, z], axis=-1)
    for group in groups:
        d = np.full(x.shape, FAR_M)
        for shape in group.shapes:
            low, high = shape.bounds()
            near = np.all((points > low - REACH_M) & (points < high + REACH_M), axis=-1)
            part = shape.distance(x[near], y[near], z[near])
            d[near] = smooth_min(d[near], part, shape.blend_m)
        if group.floor_m is not None:
            d = smooth_max(d, group.floor_m - y, 0.012)
        out.append(d)
    return out


def union(groups: list[Group], distances: list[Array]) -> Array:
    """(...) the whole body from its groups' distances."""
    whole = distances[0].copy()
    for group, d in zip(groups[1:], distances[1:], strict=True):
        joined = smooth_min(distances[group.onto], d, group.blend_m) if group.onto >= 0 else d
        np.minimum(whole, joined, out=whole)
    return whole


def fill_grid(groups: list[Group], axes: tuple[Array, Array, Array]) -> Array:
    """(X, Y, Z) float32 distance on a grid; each shape touches only the block around it."""
    shape = tuple(len(a) for a in axes)
    distances = []
    for group in groups:
        d = np.full(shape, FAR_M, np.float32)
        for part in group.shapes:
            low, high = part.bounds()
            block = tuple(
                slice(*np.searchsorted(a, (lo - REACH_M, hi + REACH_M)))
                for a, lo, hi in zip(axes, low, high, strict=True)
            )
            x, y, z = (a[s].astype(np.float32) for a, s in zip(axes, block, strict=True))
            value = part.distance(x[:, None, None], y[None, :, None], z[None, None, :])
            d[block] = smooth_min(d[block], value.astype(np.float32), part.blend_m)
        if group.floor_m is not None:
            y = axes[1].astype(np.float32)[None, :, None]
            d = smooth_max(d, group.floor_m - y, 0.012).astype(np.float32)
        distances.append(d)
    return union(groups, distances)


def grid_axes(groups: list[Group], step_m: float) -> tuple[Array, Array, Array]:
    """Three axes of grid coordinates around all shapes, symmetrical about x = 0."""
    lows, highs = zip(*(s.bounds() for g in groups for s in g.shapes), strict=True)
    low, high = np.min(lows, 0) - 3 * step_m, np.max(highs, 0) + 3 * step_m
    half = np.ceil(max(-low[0], high[0]) / step_m - 0.5) + 0.5
    x = np.arange(-half, half + 0.5) * step_m
    return (
        x,
        np.arange(np.floor(low[1] / step_m), np.ceil(high[1] / step_m) + 1) * step_m,
        np.arange(np.floor(low[2] / step_m), np.ceil(high[2] / step_m) + 1) * step_m,
    )
