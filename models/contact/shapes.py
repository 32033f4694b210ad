"""Triangle meshes of simple things: capsules, boxes, cylinders, rings, tables, stairs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array


@dataclass(frozen=True)
class Mesh:
    """Triangles with smooth normals: vertices (V, 3), normals (V, 3), faces (F, 3)."""

    vertices: Array
    normals: Array
    faces: np.ndarray

    def moved(self, offset: Array, yaw_rad: float = 0.0) -> Mesh:
        """Turned about +Y, then moved."""
        q = rotation.from_yaw(yaw_rad)
        return Mesh(
            rotation.rotate(q, self.vertices) + offset,
            rotation.rotate(q, self.normals),
            self.faces,
        )


def join(meshes: list[Mesh]) -> Mesh:
    """All meshes as one."""
    starts = np.cumsum([0] + [len(m.vertices) for m in meshes[:-1]])
    return Mesh(
        np.concatenate([m.vertices for m in meshes]),
        np.concatenate([m.normals for m in meshes]),
        np.concatenate([m.faces + s for m, s in zip(meshes, starts, strict=True)]),
    )


def _grid_faces(rows: int, columns: int) -> np.ndarray:
    """(F, 3) triangles of a grid of vertices whose columns close into a ring."""
    r, c = np.meshgrid(np.arange(rows - 1), np.arange(columns), indexing="ij")
    a, b = r * columns + c, r * columns + (c + 1) % columns
    d, e = a + columns, b + columns
    return np.stack([np.stack([a, d, b], -1), np.stack([b, d, e], -1)], -2).reshape(-1, 3)


@lru_cache(maxsize=4)
def _ring(segments: int) -> Array:
    turn = np.arange(segments) * (2 * math.pi / segments)
    return np.stack([np.cos(turn), np.sin(turn)], -1)


def capsule(a: Array, b: Array, radius_a: float, radius_b: float, segments: int = 28) -> Mesh:
    """A tapered capsule from a to b: the hull of two spheres."""
    axis = b - a
    length = float(np.linalg.norm(axis))
    z = axis / max(length, 1e-9) if length > 1e-6 else np.array([0.0, 1.0, 0.0])
    x = np.cross(z, [1.0, 0.0, 0.0] if abs(z[0]) < 0.9 else [0.0, 1.0, 0.0])
    x /= np.linalg.norm(x)
    y = np.cross(z, x)
    # Where the cone touches both spheres its normal leans by this sine.
    lean = math.asin(min(0.999, max(-0.999, (radius_a - radius_b) / max(length, 1e-6))))
    first = np.linspace(-0.5 * math.pi, lean, 7)
    second = np.linspace(lean, 0.5 * math.pi, 7)
    angle = np.concatenate([first, second])
    along = np.concatenate([np.zeros(7), np.full(7, length)])
    radius = np.concatenate([np.full(7, radius_a), np.full(7, radius_b)])
    ring = _ring(segments)
    around = ring[:, :1] * x + ring[:, 1:] * y
    normals = np.cos(angle)[:, None, None] * around + np.sin(angle)[:, None, None] * z
    vertices = a + along[:, None, None] * z + radius[:, None, None] * normals
    return Mesh(vertices.reshape(-1, 3), normals.reshape(-1, 3), _grid_faces(14, segments))


def box(size: tuple[float, float, float]) -> Mesh:
    """A box on the ground, centred in x and z, with hard edges."""
    vertices: list[Array] = []
    normals: list[Array] = []
    faces: list[np.ndarray] = []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            u, v = (axis + 1) % 3, (axis + 2) % 3
            corner = np.zeros((4, 3))
            corner[:, axis] = sign
            corner[:, u] = sign * np.array([-1.0, 1.0, 1.0, -1.0])
            corner[:, v] = [-1.0, -1.0, 1.0, 1.0]
            normal = np.zeros(3)
            normal[axis] = sign
            faces.append(np.array([[0, 1, 2], [0, 2, 3]]) + 4 * len(faces))
            vertices.append(corner)
            normals.append(np.tile(normal, (4, 1)))
    out = 0.5 * np.concatenate(vertices) * np.array(size)
    out[:, 1] += 0.5 * size[1]
    return Mesh(out, np.concatenate(normals), np.concatenate(faces))


def cylinder(radius_m: float, height_m: float, segments: int = 32) -> Mesh:
    """An upright cylinder on the ground, capped."""
    ring = _ring(segments)
    flat = np.stack([ring[:, 0], np.zeros(segments), ring[:, 1]], -1)
    low, high = flat * radius_m, flat * radius_m + [0.0, height_m, 0.0]
    up = np.tile([0.0, 1.0, 0.0], (segments + 1, 1))
    centre = np.array([[0.0, height_m, 0.0]])
    k = np.arange(segments)
    lid = np.stack([k, (k + 1) % segments, np.full(segments, segments)], -1) + 2 * segments
    return Mesh(
        np.concatenate([low, high, high, centre]),
        np.concatenate([flat, flat, up]),
        np.concatenate([_grid_faces(2, segments), lid]),
    )


def sphere(radius_m: float) -> Mesh:
    """A sphere that lies on the ground."""
    middle = np.array([0.0, radius_m, 0.0])
    return capsule(middle, middle, radius_m, radius_m, segments=32)


def torus(radius_m: float, tube_m: float) -> Mesh:
    """A ring that stands upright on the ground."""
    ring, tube = _ring(40), _ring(20)
    outward = np.stack([ring[:, 0], ring[:, 1], np.zeros(40)], -1)[:, None, :]
    normals = tube[None, :, :1] * outward + tube[None, :, 1:] * np.array([0.0, 0.0, 1.0])
    vertices = radius_m * outward + tube_m * normals + np.array([0.0, radius_m + tube_m, 0.0])
    r, c = np.meshgrid(np.arange(40), np.arange(20), indexing="ij")
    a, b = r * 20 + c, r * 20 + (c + 1) % 20
    d, e = (r + 1) % 40 * 20 + c, (r + 1) % 40 * 20 + (c + 1) % 20
    faces = np.stack([np.stack([a, d, b], -1), np.stack([b, d, e], -1)], -2).reshape(-1, 3)
    return Mesh(vertices.reshape(-1, 3), normals.reshape(-1, 3), faces)


def table(rng: np.random.Generator) -> Mesh:
    """A table, or a chair where it is low and has a back."""
    width, depth, height = rng.uniform(0.45, 1.6), rng.uniform(0.4, 0.9), rng.uniform(0.42, 0.9)
    leg = 0.05
    parts = [box((width, 0.05, depth)).moved(np.array([0.0, height - 0.05, 0.0]))]
    for x in (-1, 1):
        for z in (-1, 1):
            at = np.array([x * (width - leg) / 2, 0.0, z * (depth - leg) / 2])
            parts.append(box((leg, height - 0.05, leg)).moved(at))
    if height < 0.55:
        back = np.array([0.0, height, 0.5 * (0.04 - depth)])
        parts.append(box((width, 0.5, 0.04)).moved(back))
    return join(parts)


def stairs(rng: np.random.Generator) -> Mesh:
    """Three to six steps."""
    rise, run, width = rng.uniform(0.12, 0.2), rng.uniform(0.25, 0.35), rng.uniform(0.8, 1.6)
    steps = int(rng.integers(3, 7))
    return join(
        [box((width, rise * (i + 1), run)).moved(np.array([0, 0, run * i])) for i in range(steps)]
    )
