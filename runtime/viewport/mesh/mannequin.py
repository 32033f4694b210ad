"""The mannequin: a skeleton goes in, a skinned mesh comes out.

A smooth-union distance field over the bones (anatomy.py) is meshed by marching cubes; vertices are
then drawn onto the exact surface, and take their normals from the field, not from the triangles.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from skimage.measure import marching_cubes

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.rotation import Array, normalize
from understudy.runtime.core.skeleton import Skeleton

from . import anatomy, skin
from .detail import coarser
from .field import Group, Limb, fill_grid, grid_axes, group_distances, union
from .paint import paint as paint_of

GRID_M = 0.0125
# Joint material and visor lie a little deeper than the shell, so that panels read as panels.
RECESS_M = 0.003


@dataclass(frozen=True)
class Mesh:
    """A skinned triangle mesh in its bind pose, metres.

    positions  (V, 3) float32        normals  (V, 3) float32
    joints     (V, 4) uint16         weights  (V, 4) float32, sum 1
    paint      (V, 4) float32, see paint.PAINT
    triangles  (F, 3) uint32, counter-clockwise from outside
    coarser    (G, 3) uint32, those of the levels of detail, one level after the other
    levels     (L, 2) float64, of each level how many triangles, and how far off it is in metres
    unbind     (J, 4, 4) float32, world of the bind pose to the joint's own frame
    note       why it is no mannequin but capsules over the bones; "" where it is one
    """

    positions: Array
    normals: Array
    joints: np.ndarray
    weights: Array
    paint: Array
    triangles: np.ndarray
    coarser: np.ndarray
    levels: Array
    unbind: Array
    note: str = ""


def transforms(positions: Array, rotations: Array) -> Array:
    """(..., 4, 4) matrices from translations (..., 3) and quaternions (..., 4)."""
    m = np.zeros((*positions.shape[:-1], 4, 4))
    m[..., :3, :3] = rotation.to_matrix(rotations)
    m[..., :3, 3] = positions
    m[..., 3, 3] = 1.0
    return m


def skin_matrices(skeleton: Skeleton, mesh: Mesh, positions: Array, rotations: Array) -> Array:
    """(..., J, 4, 4) that move bind-pose vertices, from local positions and rotations."""
    return transforms(*skeleton.globals(positions, rotations)) @ mesh.unbind


def skinned(mesh: Mesh, matrices: Array) -> Array:
    """(V, 3) vertices moved by skin matrices (J, 4, 4); the shaders do the same."""
    blended = np.einsum("vk,vkij->vij", mesh.weights, matrices[mesh.joints])
    return np.einsum("vij,vj->vi", blended[:, :3, :3], mesh.positions) + blended[:, :3, 3]


def build(skeleton: Skeleton, grid_m: float = GRID_M) -> Mesh:
    """The mannequin for a humanoid; plain capsules over the bones for any other skeleton."""
    try:
        world_p, world_r = anatomy.bind_pose(skeleton)
        mark = anatomy.landmarks(skeleton, world_p)
    except UnderstudyError as error:
        return replace(capsules(skeleton, grid_m), note=str(error))
    groups = anatomy.groups(mark)
    step_m = grid_m * float(np.clip(mark.s, 0.2, 5.0))
    points, triangles = _surface(groups, step_m)

    def field(p: Array) -> Array:
        whole = union(groups, group_distances(groups, p[:, 0], p[:, 1], p[:, 2]))
        zones = paint_of(mark, p)
        deep = np.clip(0.5 - np.minimum(zones[:, 0], zones[:, 2]) / (0.014 * mark.s), 0.0, 1.0)
        deep *= p[:, 1] > mark.sole_m + 0.004 * mark.s  # soles stay on the ground
        return whole + RECESS_M * mark.s * deep * deep * (3.0 - 2.0 * deep)

    points, normals = _draw_onto(field, points, triangles, step_m)
    distances = group_distances(groups, points[:, 0], points[:, 1], points[:, 2])
    chain_list = skin.chains(skeleton, mark, world_p)
    joints, weights = skin.bind(chain_list, distances, points, len(skeleton), 0.014 * mark.s)
    return _mesh(points, normals, joints, weights, paint_of(mark, points), triangles,
                 world_p, world_r)  # fmt: skip


def unfit(skeleton: Skeleton) -> str:
    """Why no mannequin fits a skeleton, in a sentence; "" where one does."""
    try:
        anatomy.landmarks(skeleton, anatomy.bind_pose(skeleton)[0])
    except UnderstudyError as error:
        return f"{error} Its bones are drawn instead."
    return ""


def capsules(skeleton: Skeleton, grid_m: float = GRID_M) -> Mesh:
    """One capsule for each bone, meshed on its own and bound to the bone's joint."""
    world_p, world_r = skeleton.rest_globals
    size = float(np.ptp(world_p, axis=0).max()) or 1.0
    bones = [(int(skeleton.parents[j]), world_p[j]) for j in range(1, len(skeleton))]
    for j in np.flatnonzero(np.all(np.isfinite(skeleton.tips), axis=1)):
        bones.append((int(j), world_p[j] + rotation.rotate(world_r[j], skeleton.tips[j])))
    bones = [(j, end) for j, end in bones if np.linalg.norm(end - world_p[j]) > 0.004 * size]
    if not bones:
        bones = [(0, world_p[0] + [0.0, 0.1 * size, 0.0])]
    pieces: list[tuple[Array, Array, np.ndarray, int]] = []
    for joint, end in bones:
        length = float(np.linalg.norm(end - world_p[joint]))
        thick = float(np.clip(0.14 * length, 0.004 * size, 0.03 * size))
        shape = Limb(world_p[joint], end, (thick, 0.8 * thick, 0.55 * thick))
        group = [Group("bone", (shape,))]
        points, triangles = _surface(group, max(0.5 * thick, grid_m * 0.2), shape)
        points, normals = _draw_onto(
            lambda p, shape=shape: shape.distance(p[:, 0], p[:, 1], p[:, 2]),
            points,
            triangles,
            0.5 * thick,
        )
        pieces.append((points, normals, triangles, joint))
    starts = np.cumsum([0, *(len(p) for p, *_ in pieces)])
    points, normals = (np.concatenate([piece[i] for piece in pieces]) for i in (0, 1))
    triangles = np.concatenate([p[2] + s for p, s in zip(pieces, starts, strict=False)])
    joints = np.repeat([p[3] for p in pieces], [len(p[0]) for p in pieces])
    weights = np.zeros((len(points), 4), np.float32)
    weights[:, 0] = 1.0
    paint = np.full((len(points), 4), 0.5)
    return _mesh(points, normals, np.repeat(joints[:, None], 4, 1).astype(np.uint16), weights,
                 paint, triangles, world_p, world_r)  # fmt: skip


def _surface(
    groups: list[Group], step_m: float, alone: Limb | None = None
) -> tuple[Array, np.ndarray]:
    """Vertices (V, 3) and triangles (F, 3) of the field's zero surface on a grid."""
    if alone is None:
        axes = grid_axes(groups, step_m)
        grid = fill_grid(groups, axes)
    else:
        low, high = alone.bounds()
        axes = tuple(  # type: ignore[assignment]
            np.arange(a - 2 * step_m, b + 3 * step_m, step_m)
            for a, b in zip(low, high, strict=True)
        )
        grid = alone.distance(axes[0][:, None, None], axes[1][None, :, None], axes[2][None, None])
    points, triangles, _, _ = marching_cubes(grid, 0.0, gradient_direction="descent")
    origin = np.array([a[0] for a in axes])
    return points.astype(np.float64) * step_m + origin, triangles.astype(np.uint32)


def _draw_onto(field, points: Array, triangles: np.ndarray, step_m: float) -> tuple[Array, Array]:
    """Vertices moved onto the field's exact surface by Newton steps, and their normals (V, 3)."""
    points = _relaxed(points, triangles)
    for _ in range(2):
        value = field(points)
        slope = _gradient(field, points, 0.25 * step_m)
        steep = np.maximum(np.sum(slope * slope, axis=1), 0.25)
        move = np.clip(value / steep, -0.5 * step_m, 0.5 * step_m)
        points = points - move[:, None] * slope
    return points, normalize(_gradient(field, points, 0.3 * step_m))


def _relaxed(points: Array, triangles: np.ndarray) -> Array:
    """Vertices (V, 3) half way to the mean of their neighbours: marching cubes leaves slivers."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    total = np.zeros_like(points)
    count = np.bincount(edges[:, 0], minlength=len(points))[:, None]
    for axis in range(3):
        total[:, axis] = np.bincount(edges[:, 0], points[edges[:, 1], axis], len(points))
    return 0.5 * points + 0.5 * total / np.maximum(count, 1)


def _gradient(field, points: Array, step_m: float) -> Array:
    """(N, 3) slope of a field by four taps on a tetrahedron (Quilez)."""
    corners = np.array([(1, -1, -1), (-1, -1, 1), (-1, 1, -1), (1, 1, 1)], float)
    return sum(c * field(points + c * step_m)[:, None] for c in corners) / (4.0 * step_m)


def _mesh(points, normals, joints, weights, paint, triangles, world_p, world_r) -> Mesh:
    unbind = np.linalg.inv(transforms(world_p, world_r))
    fewer = coarser(points, normals, triangles, paint)
    return Mesh(
        points.astype(np.float32),
        normals.astype(np.float32),
        joints,
        weights,
        paint.astype(np.float32),
        triangles,
        np.concatenate([*(some for some, _ in fewer), np.zeros((0, 3), np.uint32)]),
        np.array([(len(some), error_m) for some, error_m in fewer]).reshape(-1, 2),
        unbind.astype(np.float32),
    )
