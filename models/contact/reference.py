"""Ray-traced references (Embree): G-buffers, and ambient occlusion at every radius at once.

Ambient occlusion here is the cosine-weighted share of the hemisphere whose rays meet nothing
within the radius. A ray's distance answers that for every radius, so one trace serves all.
"""

from __future__ import annotations

import math

import numpy as np

from understudy.runtime.core import distribution
from understudy.runtime.core.errors import Failure
from understudy.runtime.core.rotation import Array

from .scenes import Scene
from .shapes import Mesh

SKY_M = 1.0e5
LIFT_M = 1.5e-3  # rays start this far off the surface
CHUNK = 1 << 20


class Tracer:
    """Embree over one mesh."""

    def __init__(self, mesh: Mesh) -> None:
        try:
            from embreex.mesh_construction import TriangleMesh
            from embreex.rtcore_scene import EmbreeScene
        except ImportError:
            raise Failure(distribution.lacking("embreex")) from None
        self.mesh = mesh
        self._scene = EmbreeScene()
        self._held = TriangleMesh(
            self._scene, mesh.vertices.astype(np.float32), mesh.faces.astype(np.int32)
        )

    def hits(self, origins: Array, directions: Array) -> tuple[Array, Array]:
        """Distance (N,), SKY_M where nothing is met, and smooth outward normals (N, 3)."""
        origins = np.ascontiguousarray(origins, np.float32)
        directions = np.ascontiguousarray(directions, np.float32)
        out = self._scene.run(origins, directions, query="INTERSECT", output=True)
        face = out["primID"]
        met = face >= 0
        corner = self.mesh.faces[np.maximum(face, 0)]
        u, v = out["u"][:, None], out["v"][:, None]
        normals = self.mesh.normals
        n = (1 - u - v) * normals[corner[:, 0]] + u * normals[corner[:, 1]]
        n = n + v * normals[corner[:, 2]]
        n /= np.maximum(np.linalg.norm(n, axis=-1, keepdims=True), 1e-9)
        n[~met] = 0.0
        return np.where(met, out["tfar"], SKY_M), n

    def distances(self, origins: Array, directions: Array, limit_m: float) -> Array:
        """Distance (N,) to the first hit, `limit_m` where there is none nearer."""
        return np.asarray(
            self._scene.run(
                np.ascontiguousarray(origins, np.float32),
                np.ascontiguousarray(directions, np.float32),
                dists=np.full(len(origins), limit_m, np.float32),
                query="DISTANCE",
            )
        )


def gbuffer(tracer: Tracer, scene: Scene, width: int, height: int) -> tuple[Array, Array]:
    """View normal and linear depth (H, W, 4), row 0 lowest; world points and normals (H, W, 6)."""
    view = scene.view
    tan_y = math.tan(0.5 * view.fov_y_rad)
    x = (2 * (np.arange(width) + 0.5) / width - 1) * tan_y * width / height
    y = (2 * (np.arange(height) + 0.5) / height - 1) * tan_y
    ray = np.stack([*np.meshgrid(x, y), np.full((height, width), -1.0)], -1).reshape(-1, 3)
    length = np.linalg.norm(ray, axis=-1)
    direction = (ray / length[:, None]) @ view.axes
    origin = np.broadcast_to(view.position, direction.shape)
    distance, normal = tracer.hits(origin, direction)
    sky = distance >= SKY_M
    out = np.empty((height * width, 4), np.float32)
    out[:, :3] = normal @ view.axes.T
    out[:, 3] = np.where(sky, SKY_M, distance / length)
    world = np.concatenate([origin + direction * distance[:, None], normal], -1)
    return out.reshape(height, width, 4), world.reshape(height, width, 6)


def hemisphere(count: int) -> Array:
    """(count, 2) points of the unit square, evenly spread (R2 sequence, Roberts 2018)."""
    g = 1.32471795724474602596
    return np.mod(0.5 + np.arange(1, count + 1)[:, None] * np.array([1 / g, 1 / g**2]), 1.0)


def occlusion(
    tracer: Tracer, world: Array, radii_m: Array, samples: int, rng: np.random.Generator
) -> Array:
    """(N, K) open share of the hemisphere over points (N, 6) at radii (N, K) in metres."""
    radii_m = np.broadcast_to(radii_m, (len(world), np.shape(radii_m)[-1]))
    limit = float(np.max(radii_m)) + 1e-3
    out = np.empty(radii_m.shape, np.float32)
    base = hemisphere(samples)
    step = max(1, CHUNK // samples)
    for start in range(0, len(world), step):
        part = slice(start, start + step)
        p, n = world[part, :3], world[part, 3:]
        u = np.mod(base[None] + rng.random((len(p), 1, 2)), 1.0)
        r, turn = np.sqrt(u[..., 0]), 2 * math.pi * u[..., 1]
        # Frisvad's frame, in the form of Duff et al. 2017: no branch near the pole.
        sign = np.where(n[:, 2] >= 0.0, 1.0, -1.0)
        a = -1.0 / (sign + n[:, 2])
        b = n[:, 0] * n[:, 1] * a
        t = np.stack([1 + sign * n[:, 0] ** 2 * a, sign * b, -sign * n[:, 0]], -1)
        s = np.stack([b, sign + n[:, 1] ** 2 * a, -n[:, 1]], -1)
        direction = (
            (r * np.cos(turn))[..., None] * t[:, None]
            + (r * np.sin(turn))[..., None] * s[:, None]
            + np.sqrt(1 - u[..., 0])[..., None] * n[:, None]
        )
        origin = np.broadcast_to((p + LIFT_M * n)[:, None], direction.shape)
        far = tracer.distances(origin.reshape(-1, 3), direction.reshape(-1, 3), limit)
        far = far.reshape(len(p), samples)
        for k in range(radii_m.shape[1]):
            out[part, k] = np.mean(far >= radii_m[part, k : k + 1], axis=1)
    return out
