"""Random scenes for the references: people in mocap poses among boxes, walls, poles and furniture.

Everything follows from a seed. Training scenes and held-out scenes differ in seeds, in the clips
that pose the people and, for the `unseen` kind, in the props: stairs, tables, chairs and rings
occur there only.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.rotation import Array

from .shapes import Mesh, box, capsule, cylinder, join, sphere, stairs, table, torus

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
