"""A rest pose for files whose zero pose is none.

BVH has no rest rotations: with all angles zero a skeleton stands as its OFFSETs say. Some exporters
write offsets along each bone's own axis (Character Creator: every bone along +Y, the feet above the
head). Retargeting needs a pose that it can compare, and it is found in the motion: in the T-pose
frame where there is one, else in how the body holds itself on average.
"""

from __future__ import annotations

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

SAMPLES = 240
# In a T-pose with the palms down a bending elbow takes the hand forward and 30 degrees up: so it is
# in CMU's skeletons by definition, and to 2 degrees in Character Creator's.
_ELBOW = (0.0, 0.5, 0.5 * 3.0**0.5)
# From ankle to toes: down by so much on a foot that stands flat.
_FLAT_RAD = (-0.45, -0.09)
_KNEE = (0.0, 0.0, -1.0)


def stands(skeleton: Skeleton, world: Array) -> bool:
    """Whether in world positions (J, 3) the feet are opposite to the head, as seen from the hips.

    True for what is no humanoid: then nobody asks.
    """
    role = roles(skeleton)
    feet = [role[f"{side}_foot"] for side in ("left", "right") if f"{side}_foot" in role]
    top = role.get("head", role.get("neck"))
    if top is None or not feet or "hips" not in role:
        return True
    hips = world[role["hips"]]
    up = rotation.normalize(world[top] - hips)
    return all(np.dot(up, rotation.normalize(world[foot] - hips)) < -0.5 for foot in feet)


def rest_of_motion(skeleton: Skeleton, positions: Array, rotations: Array) -> Array:
    """(J, 4) local rest rotations: the average bearing of the body, its soles flat on the ground.

    positions (T, J, 3) and rotations (T, J, 4) are local, +Y up. Frames count by how upright they
    are; a gait's left and right cancel out.
    """
    role = roles(skeleton)
    some = slice(None, None, max(1, len(rotations) // SAMPLES))
    local = rotations[some].copy()
    world_p, world_r = skeleton.globals(positions[some], local)
    heading = _heading(world_p, role)
    local[:, 0] = rotation.multiply(rotation.from_yaw(-heading), local[:, 0])
    top = role.get("head", role.get("neck", 0))
    spine = rotation.normalize(world_p[:, top] - world_p[:, role["hips"]])
    weight = np.exp(-np.square((1.0 - spine[:, 1]) / 0.05)) + 1e-6
    rest = _mean(local, weight)
    for side, x in (("left", 1.0), ("right", -1.0)):
        _straighten(skeleton, role, rest, local, f"{side}_upper_leg", "foot", (0, -1, 0), _KNEE)
        _straighten(skeleton, role, rest, local, f"{side}_upper_arm", "hand", (x, 0, 0), _ELBOW)
        foot, toes = role.get(f"{side}_foot"), role.get(f"{side}_toes")
        if foot is None:
            continue
        planted = _planted(world_p[:, [j for j in (foot, toes) if j is not None]])
        way = heading
        if toes is not None:
            ahead = world_p[:, toes] - world_p[:, foot]
            way = np.arctan2(ahead[:, 0], ahead[:, 2])
            rest[toes] = _mean(local[planted][:, [toes]], np.ones(planted.sum()))[0]
        level = rotation.multiply(rotation.from_yaw(-way), world_r[:, foot])[planted]
        flat = _mean(level[:, None], np.ones(len(level)))[0]
        if toes is not None:
            sole = rotation.rotate(flat, skeleton.rest_positions[toes])
            pitch = np.arctan2(sole[1], sole[2])
            # Of a foot that never stands in the clip, the average says nothing.
            nod = rotation.from_axis_angle([1.0, 0.0, 0.0], pitch - np.clip(pitch, *_FLAT_RAD))
            flat = rotation.multiply(nod, flat)
        above = _world(skeleton, rest, int(skeleton.parents[foot]))
        rest[foot] = rotation.multiply(rotation.conjugate(above), flat)
    return rest


def _straighten(
    skeleton: Skeleton,
    role: dict[str, int],
    rest: Array,
    local: Array,
    name: str,
    end_name: str,
    along: tuple[float, float, float],
    bent: tuple[float, float, float],
) -> None:
    """Turns a limb of `rest` so that its upper bone points along, and its joint bends towards bent.

    Elbows and knees are hinges: where the far bone goes when they bend tells how the upper bone is
    twisted about itself, which no average over a pose does.
    """
    side = name.split("_")[0]
    upper = role.get(name)
    middle = role.get(name.replace("upper", "lower"))
    end = role.get(f"{side}_{end_name}")
    if upper is None or middle is None or end is None or skeleton.parents[middle] != upper:
        return
    bone = rotation.normalize(skeleton.rest_positions[middle])
    far = rotation.rotate(local[:, middle], skeleton.rest_positions[end])
    far = rotation.normalize(far)
    away = np.mean(far - np.sum(far * bone, axis=-1, keepdims=True) * bone, axis=0)
    if np.linalg.norm(away) < 0.1:
        return
    away = rotation.normalize(away)
    ours = np.stack([bone, away, np.cross(bone, away)], axis=-1)
    wanted = np.stack([along, bent, np.cross(along, bent)], axis=-1).astype(float)
    world = rotation.from_matrix(wanted @ ours.T)
    above = _world(skeleton, rest, int(skeleton.parents[upper]))
    rest[upper] = rotation.multiply(rotation.conjugate(above), world)


def _world(skeleton: Skeleton, local: Array, joint: int) -> Array:
    """(4,) world rotation of one joint under local rotations (J, 4)."""
    turn = rotation.identity()
    while joint >= 0:
        turn = rotation.multiply(local[joint], turn)
        joint = int(skeleton.parents[joint])
    return turn


def _heading(world_p: Array, role: dict[str, int]) -> Array:
    """(T,) heading in radians of bodies (T, J, 3), by the line through the hip joints."""
    left = world_p[:, role["left_upper_leg"]] - world_p[:, role["right_upper_leg"]]
    return np.arctan2(-left[:, 2], left[:, 0])


def _planted(world_p: Array) -> np.ndarray:
    """(T,) bool: frames in which a foot's joints (T, N, 3) stand: low and slow, among their own."""
    height = world_p[..., 1].sum(axis=1)
    speed = np.linalg.norm(np.gradient(world_p, axis=0), axis=-1).sum(axis=1)
    rank = height.argsort().argsort() + speed.argsort().argsort()
    return rank <= np.percentile(rank, 15)


def _mean(q: Array, weight: Array) -> Array:
    """(J, 4) weighted mean rotations of (T, J, 4): the chief eigenvector (Markley et al. 2007)."""
    scatter = np.einsum("t,tji,tjk->jik", weight, q, q)
    return np.linalg.eigh(scatter)[1][..., -1]
