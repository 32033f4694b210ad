"""Random scenes for the references: people in mocap poses among boxes, walls, poles and furniture.

Everything follows from a seed. Training scenes and held-out scenes differ in seeds, in the clips
that pose the people and, for the `unseen` kind, in the props: stairs, tables, chairs and rings
occur there only.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.rotation import Array

CLIP_STRIDE = 8  # poses of a clip are taken this many frames apart
HELD_OUT_EVERY = 5  # every fifth clip, by sorted name, is held out

# from joint, to joint ("+" is the bone's tip), radius at the first end, at the second (metres)
BODY: tuple[tuple[str, str, float, float], ...] = (
    ("LeftUpLeg", "RightUpLeg", 0.105, 0.105),
    ("Hips", "Spine", 0.125, 0.118),
    ("Spine", "Spine1", 0.118, 0.128),
    ("Spine1", "Spine2", 0.128, 0.13),
    ("Spine2", "Neck", 0.125, 0.062),
    ("LeftShoulder", "LeftArm", 0.085, 0.062),
    ("RightShoulder", "RightArm", 0.085, 0.062),
    ("Neck", "Head", 0.056, 0.06),
    ("Head", "Head+", 0.085, 0.092),
    *(
        (side + a, side + b, ra, rb)
        for side in ("Left", "Right")
        for a, b, ra, rb in (
            ("Arm", "ForeArm", 0.055, 0.042),
            ("ForeArm", "Hand", 0.044, 0.03),
            ("Hand", "Hand+", 0.036, 0.02),
            ("UpLeg", "Leg", 0.088, 0.058),
            ("Leg", "Foot", 0.06, 0.04),
            ("Foot", "ToeBase", 0.045, 0.035),
            ("ToeBase", "ToeBase+", 0.035, 0.024),
        )
    ),
)


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


@dataclass(frozen=True)
class View:
    """A camera: position (3,), world axes right, up, back in the rows of (3, 3), vertical angle."""

    position: Array
    axes: Array
    fov_y_rad: float


@dataclass(frozen=True)
class Scene:
    """One mesh of everything and where it is seen from."""

    mesh: Mesh
    view: View


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


def capsule_person(world_p: Array, world_r: Array, girth: float = 1.0) -> Mesh:
    """A person of tapered capsules on PERFORMER's joints, world positions (J, 3), turns (J, 4)."""
    at = {name: world_p[j] for j, name in enumerate(PERFORMER.names)}
    for j, name in enumerate(PERFORMER.names):
        if np.isfinite(PERFORMER.tips[j]).all():
            at[name + "+"] = world_p[j] + 0.6 * rotation.rotate(world_r[j], PERFORMER.tips[j])
    return join([capsule(at[a], at[b], ra * girth, rb * girth) for a, b, ra, rb in BODY])


class Poses:
    """Where people's poses come from: BVH clips brought onto PERFORMER, or random joint angles."""

    def __init__(self, folder: Path | None, held_out: bool) -> None:
        self.clips: list[Path] = []
        if folder is not None:
            found = sorted(folder.rglob("*.bvh"))
            self.clips = [p for i, p in enumerate(found) if (i % HELD_OUT_EVERY == 0) == held_out]
        self._loaded: dict[Path, tuple[Array, Array]] = {}

    def draw(self, rng: np.random.Generator) -> tuple[Array, Array]:
        """World positions (J, 3) and rotations (J, 4) of one pose, hips above the origin."""
        if self.clips:
            positions, rotations = self._clip(self.clips[int(rng.integers(len(self.clips)))])
            frame = int(rng.integers(len(rotations)))
            world_p, world_r = PERFORMER.globals(positions[frame], rotations[frame])
        else:
            world_p, world_r = PERFORMER.globals(PERFORMER.rest_positions, random_turns(rng))
            world_p = world_p - [0.0, world_p[:, 1].min() - 0.02, 0.0]
        return world_p - world_p[0] * [1.0, 0.0, 1.0], world_r

    def _clip(self, path: Path) -> tuple[Array, Array]:
        if path not in self._loaded:
            from understudy.runtime.retarget.retarget import Retarget
            from understudy.runtime.takes import bvh

            clip = bvh.read(path)
            retarget = Retarget(clip.skeleton, PERFORMER)
            positions, rotations = clip.positions[1::CLIP_STRIDE], clip.rotations[1::CLIP_STRIDE]
            retarget.level(positions, rotations)
            self._loaded[path] = retarget.apply(positions, rotations)
        return self._loaded[path]


def random_turns(rng: np.random.Generator) -> Array:
    """(J, 4) local rotations of a plausible standing or striding pose."""
    turns = rotation.identity(len(PERFORMER))
    spread = {"Spine": 0.15, "Neck": 0.2, "Head": 0.2, "UpLeg": 0.5, "Leg": 0.3, "Arm": 0.5}
    for j, name in enumerate(PERFORMER.names):
        sigma = next((s for part, s in spread.items() if name.endswith(part)), 0.08)
        turns[j] = rotation.from_euler(rng.normal(0.0, sigma, 3) * [1.0, 0.5, 0.5], "XYZ")
        if name in ("LeftArm", "RightArm"):
            down = rng.uniform(0.2, 1.4) * (-1.0 if name == "LeftArm" else 1.0)
            turns[j] = rotation.multiply(rotation.from_axis_angle([0.0, 0.0, 1.0], down), turns[j])
        if name in ("LeftLeg", "RightLeg"):  # knees bend one way
            turns[j] = rotation.from_axis_angle([1.0, 0.0, 0.0], abs(rng.normal(0.0, 0.6)))
    turns[0] = rotation.from_yaw(rng.uniform(-math.pi, math.pi))
    return turns


def _prop(rng: np.random.Generator, unseen: bool) -> Mesh:
    """One thing that stands about."""
    kinds: list[Callable[[], Mesh]]
    if unseen:
        kinds = [
            lambda: table(rng),
            lambda: stairs(rng),
            lambda: torus(rng.uniform(0.2, 0.6), rng.uniform(0.03, 0.12)),
        ]
    else:
        kinds = [
            lambda: box(tuple(rng.uniform(0.12, 1.1, 3))),
            lambda: box((rng.uniform(0.4, 1.5), rng.uniform(0.5, 1.8), rng.uniform(0.02, 0.08))),
            lambda: cylinder(rng.uniform(0.02, 0.4), rng.uniform(0.2, 1.8)),
            lambda: sphere(rng.uniform(0.08, 0.5)),
            # a slab on two blocks: something to look under
            lambda: join(
                [
                    box((1.3, 0.06, 0.6)).moved(np.array([0.0, 0.5, 0.0])),
                    box((0.12, 0.5, 0.5)).moved(np.array([-0.5, 0.0, 0.0])),
                    box((0.12, 0.5, 0.5)).moved(np.array([0.5, 0.0, 0.0])),
                ]
            ),
        ]
    return kinds[int(rng.integers(len(kinds)))]()


def look_at(position: Array, target: Array, fov_y_rad: float) -> View:
    """A camera at a point that looks at another, upright."""
    back = position - target
    back = back / np.linalg.norm(back)
    right = np.cross([0.0, 1.0, 0.0], back)
    right /= np.linalg.norm(right)
    return View(position, np.stack([right, np.cross(back, right), back]), fov_y_rad)


def scene(
    rng: np.random.Generator,
    poses: Poses,
    unseen: bool = False,
    person: Callable[[Array, Array, np.random.Generator], Mesh] | None = None,
) -> Scene:
    """One random scene. `person` makes a body from world joints; capsules where it is None."""
    parts = [box((40.0, 0.1, 40.0)).moved(np.array([0.0, -0.1, 0.0]))]
    count = int(rng.integers(1, 4))
    middle = np.zeros(3)
    for i in range(count):
        world_p, world_r = poses.draw(rng)
        yaw = rng.uniform(-math.pi, math.pi)
        place = np.append(rng.normal(0.0, 0.75, 2), 0.0)[[0, 2, 1]] * (i > 0)
        turn = rotation.from_yaw(yaw)
        world_p = rotation.rotate(turn, world_p) + place
        world_r = rotation.multiply(np.broadcast_to(turn, world_r.shape), world_r)
        if person is not None and rng.random() < 0.7:
            parts.append(person(world_p, world_r, rng))
        else:
            parts.append(capsule_person(world_p, world_r, rng.uniform(0.85, 1.2)))
        if i == 0:
            middle = world_p[int(rng.integers(len(world_p)))]
    for _ in range(int(rng.integers(0, 6))):
        spread = rng.normal(0.0, 1.1, 2)
        at = np.array([spread[0], 0.0, spread[1]])
        parts.append(_prop(rng, unseen).moved(at, rng.uniform(-math.pi, math.pi)))
    back = rng.uniform(-math.pi, math.pi)
    for wall in range(int(rng.integers(0, 3))):
        heading = back + wall * 0.5 * math.pi
        away = np.array([math.sin(heading), 0.0, math.cos(heading)]) * rng.uniform(0.5, 2.0)
        parts.append(box((12.0, 3.0, 0.1)).moved(away, heading))
    distance = math.exp(rng.uniform(math.log(1.0), math.log(7.0)))
    # The camera stands on the open side of the walls.
    around = back + math.pi * (1.25 + rng.uniform(-0.3, 0.3))
    height = max(0.15, middle[1] + distance * rng.uniform(-0.15, 0.7))
    side = math.sqrt(max(0.1, distance**2 - (height - middle[1]) ** 2))
    eye = np.array(
        [middle[0] + side * math.sin(around), height, middle[2] + side * math.cos(around)]
    )
    return Scene(join(parts), look_at(eye, middle, math.radians(rng.uniform(25.0, 60.0))))
