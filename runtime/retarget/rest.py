"""A rest pose for files whose zero pose is none.

BVH has no rest rotations: with all angles zero a skeleton stands as its OFFSETs say. Some exporters
write offsets along each bone's own axis (Character Creator: every bone along +Y, the feet above the
head). Retargeting needs a pose that it can compare, and it is found in the motion: in the T-pose
frame where there is one, else in how the body holds itself on average.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.roles import roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

SAMPLES = 120
# In a T-pose with the palms down a bending elbow takes the hand forward and 30 degrees up: so it is
# in CMU's skeletons by definition, and to 2 degrees in Character Creator's.
_ELBOW = (0.0, 0.5, 0.5 * 3.0**0.5)
# From ankle to toes: down by so much on a foot that stands flat.
_FLAT_RAD = (-0.45, -0.09)
_KNEE = (0.0, 0.0, -1.0)
SIDES = ("left", "right")
# Standing skeletons are drawn leaning back by two degrees, give or take six; more is a pose.
UPRIGHT = (0.0, 0.9994, -0.0349)
LEAN_RAD = np.radians(7.0)
ODD_RAD = np.radians(20.0)


def stands(skeleton: Skeleton, world: Array) -> bool:
    """Whether in world positions (J, 3) the feet are opposite to the head, as seen from the hips.

    True for what is no humanoid: then nobody asks.
    """
    role = roles(skeleton)
    feet = [role[f"{side}_foot"] for side in ("left", "right") if f"{side}_foot" in role]
    top = next((role[n] for n in ("head", "neck", "upper_chest", "chest") if n in role), None)
    if top is None or not feet or "hips" not in role:
        return True
    hips = world[role["hips"]]
    up = rotation.normalize(world[top] - hips)
    return all(np.dot(up, rotation.normalize(world[foot] - hips)) < -0.5 for foot in feet)


def stood(skeleton: Skeleton, turn: Array) -> Array:
    """(J, 4) rest rotations of the pose of zero angles, its root turned to stand and face +Z.

    turn (4,) is how the file's world was stood up: the rest pose of many files has an axis of its
    own. Where no body part tells how it stands, it is turned with the world.
    """
    rest = rotation.identity(len(skeleton))
    rest[0] = turn
    world = replace(skeleton, rest_rotations=rotation.identity(len(skeleton))).rest_globals[0]
    role = roles(skeleton)
    if "hips" in role and (rows := axes(world, role)) is not None:
        rest[0] = rotation.from_matrix(rows)
    return rest


def axes(world: Array, role: dict[str, int]) -> Array | None:
    """(3, 3) the body's left, up and ahead as the nearest axes of the world; None between axes.

    A spine that leans at rest must not tilt the whole body, so it is snapped to an axis.
    """
    top = next((role[n] for n in ("head", "neck", "upper_chest", "chest") if n in role), None)
    pair = [role.get(f"{side}_{part}") for part in ("upper_leg", "upper_arm") for side in SIDES]
    pair = pair[:2] if None not in pair[:2] else pair[2:]
    if top is None or None in pair:
        return None
    up = rotation.normalize(world[top] - world[role["hips"]])
    left: Array = world[pair[0]] - world[pair[1]]
    left = rotation.normalize(left - np.dot(left, up) * up)
    rows = np.stack([left, up, np.cross(left, up)])
    snapped = np.round(rows)
    near = np.sum(np.abs(snapped), axis=1) == 1
    return snapped if near.all() and np.all(np.sum(rows * snapped, axis=1) > 0.8) else None


def facing(skeleton: Skeleton, rotations: Array) -> Array:
    """(J, 4) the local rotations of a frame, turned about +Y so that the body faces +Z."""
    rest = rotations.copy()
    role = roles(skeleton)
    if {"left_upper_leg", "right_upper_leg"} <= role.keys():
        world = skeleton.globals(skeleton.rest_positions, rest)[0]
        rest[0] = rotation.multiply(rotation.from_yaw(-_heading(world[None], role)[0]), rest[0])
    return rest


def trunk(world: Array, role: dict[str, int]) -> Array | None:
    """(3,) direction from the lowest joint of the spine to between the shoulder joints (J, 3)."""
    base = next((world[role[n]] for n in ("spine", "chest", "upper_chest") if n in role), None)
    for part in ("upper_arm", "shoulder"):
        ends = [f"{side}_{part}" for side in SIDES]
        if base is not None and all(name in role for name in ends):
            a, b = (world[role[name]] for name in ends)
            return rotation.normalize(0.5 * (a + b) - base)
    return None


def oddities(skeleton: Skeleton) -> str:
    """What makes a rest pose that stands, and faces +Z, no T-pose that limbs are told from."""
    role = roles(skeleton)
    world = skeleton.rest_globals[0]
    found = []
    spine = trunk(world, role)
    if spine is not None and (lean := angle(spine, UPRIGHT)) > LEAN_RAD:
        found.append(f"the trunk leans {np.degrees(lean):.0f} degrees")
    for side in SIDES:
        for upper, lower, end, part, joint in (
            ("upper_arm", "lower_arm", "hand", "arm", "elbow"),
            ("upper_leg", "lower_leg", "foot", "leg", "knee"),
        ):
            names = [f"{side}_{n}" for n in (upper, lower, end)]
            if not set(names) <= role.keys():
                continue
            a, b, c = (world[role[name]] for name in names)
            bone = rotation.normalize(b - a)
            ahead = abs(float(np.arcsin(np.clip(bone[2], -1.0, 1.0))))
            if ahead > ODD_RAD:
                found.append(f"the {side} {part} is {np.degrees(ahead):.0f} degrees off its plane")
            if (bend := angle(c - b, bone)) > ODD_RAD:
                found.append(f"the {side} {joint} is bent by {np.degrees(bend):.0f} degrees")
    return ", ".join(found)


def angle(a: Array, b: Array | tuple[float, float, float]) -> float:
    cosine = np.dot(rotation.normalize(a), rotation.normalize(np.asarray(b, float)))
    return float(np.arccos(np.clip(cosine, -1.0, 1.0)))


def straightened(skeleton: Skeleton, rotations: Array) -> Array:
    """(J, 4) local rest rotations with arms and legs on their T-pose's lines, told by hinges.

    The least turn that brings a limb there may twist it. Elbows bend ahead and knees back: where
    they do at rest, or else in the motion (T, J, 4), tells by how much.
    """
    role = roles(skeleton)
    rest = skeleton.rest_rotations.copy()
    local = rotations[:: -(-len(rotations) // SAMPLES)]
    for side, x in (("left", 1.0), ("right", -1.0)):
        for upper, lower, end, along, bent, least, most in (
            ("upper_arm", "lower_arm", "hand", (x, 0.0, 0.0), (0.0, 0.0, 1.0), -0.35, 0.9),
            ("upper_leg", "lower_leg", "foot", (0.0, -1.0, 0.0), (0.0, 0.0, -1.0), -0.7, 0.7),
        ):
            names = [f"{side}_{n}" for n in (upper, lower, end)]
            if not set(names) <= role.keys():
                continue
            a, b, c = (role[name] for name in names)
            if skeleton.parents[b] != a or skeleton.parents[c] != b:
                continue
            bone = rotation.normalize(skeleton.rest_positions[b])
            far = [rotation.rotate(q, skeleton.rest_positions[c]) for q in (rest[b], local[:, b])]
            away = next((v for f in far if (v := _across(f, bone)) is not None), None)
            above = _world(skeleton, rest, int(skeleton.parents[a]))
            world = rotation.multiply(above, rest[a])
            line = np.array(along)
            world = rotation.multiply(rotation.between(rotation.rotate(world, bone), line), world)
            if away is not None:
                goes = rotation.rotate(world, away)
                side_on = np.cross(np.array(bent), line) * x  # up for arms, on either side
                twist = float(np.arctan2(np.dot(goes, side_on), np.dot(goes, bent)))
                if not least <= twist <= most:
                    wanted = 0.5 * (least + most)
                    axis = np.cross(np.array(bent), side_on)
                    turn = rotation.from_axis_angle(axis, wanted - twist)
                    world = rotation.multiply(turn, world)
            rest[a] = rotation.multiply(rotation.conjugate(above), world)
    return rest


def _across(far: Array, bone: Array) -> Array | None:
    """(3,) where far bones (..., 3) bend away from a bone (3,); None where they hardly do."""
    far = rotation.normalize(np.atleast_2d(far))
    away = np.mean(far - np.sum(far * bone, axis=-1, keepdims=True) * bone, axis=0)
    return rotation.normalize(away) if np.linalg.norm(away) > 0.2 else None


def rest_of_motion(skeleton: Skeleton, positions: Array, rotations: Array) -> Array:
    """(J, 4) local rest rotations: the average bearing of the body, its soles flat on the ground.

    positions (T, J, 3) and rotations (T, J, 4) are local, +Y up. Frames count by how upright they
    are; a gait's left and right cancel out.
    """
    role = roles(skeleton)
    some = slice(None, None, -(-len(rotations) // SAMPLES))
    local = rotations[some].copy()
    world_p, world_r = skeleton.globals(positions[some], local)
    heading = _heading(world_p, role)
    local[:, 0] = rotation.multiply(rotation.from_yaw(-heading), local[:, 0])
    top = next((role[n] for n in ("head", "neck", "upper_chest", "chest") if n in role), 0)
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
