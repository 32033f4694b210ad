"""Skeletons as other laboratories write them, and motion for them that needs no mocap."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER, roles
from understudy.runtime.core.pose import Intent
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.retarget.retarget import Retarget
from understudy.runtime.takes.clip import Clip


def _columns(x, y) -> np.ndarray:
    """(4,) rotation whose local x and y axes point along x and about y."""
    return rotation.from_6d(np.array([*x, *y], float))


def bones_along_x() -> Skeleton:
    """As in Ubisoft's LaFAN1: every bone along its own +X, so that the zero pose is no pose."""
    rows = [
        ("Hips", None, (0, 0.95, 0), ((0, 1, 0), (1, 0, 0))),
        ("Spine", "Hips", (0.07, -0.026, 0), ((0, 1, 0), (1, 0, 0))),
        ("Spine1", "Spine", (0.126, 0, 0), ((0, 1, 0), (1, 0, 0))),
        ("Spine2", "Spine1", (0.123, 0, 0), ((0, 1, 0), (1, 0, 0))),
        ("Neck", "Spine2", (0.258, 0, 0), ((0, 1, 0), (1, 0, 0))),
        ("Head", "Neck", (0.118, 0, 0), ((0, 1, 0), (1, 0, 0))),
    ]
    for side, s in (("Left", 1.0), ("Right", -1.0)):
        arm = ((s, 0, 0), (0, 0, 1))
        rows += [
            (f"{side}Shoulder", "Spine2", (0.197, s * 0.06, 0.0), arm),
            (f"{side}Arm", f"{side}Shoulder", (0.113, 0, 0), arm),
            (f"{side}ForeArm", f"{side}Arm", (0.33, 0, 0), arm),
            (f"{side}Hand", f"{side}ForeArm", (0.252, 0, 0), arm),
            (f"{side}UpLeg", "Hips", (0.001, s * 0.105, 0.018), ((0, -1, 0), (0, 0, 1))),
            (f"{side}Leg", f"{side}UpLeg", (0.435, 0, 0), ((0, -1, 0), (0, 0, 1))),
            (f"{side}Foot", f"{side}Leg", (0.424, 0, 0), ((0, -0.5, 0.87), (0, 0.87, 0.5))),
            (f"{side}Toe", f"{side}Foot", (0.173, 0, 0), ((0, 0, 1), (0, 1, 0))),
        ]
    return _skeleton(rows)


def root_above_hips() -> Skeleton:
    """As in Bandai Namco's data: a root on the ground above the hips, sides as suffixes."""
    rows = [
        ("joint_Root", None, (0, 0, 0), None),
        ("Hips", "joint_Root", (0, 0.92, 0), None),
        ("Spine", "Hips", (0, 0.11, 0), None),
        ("Chest", "Spine", (0, 0.23, 0), None),
        ("Neck", "Chest", (0, 0.22, 0), None),
        ("Head", "Neck", (0, 0.09, 0.01), None),
    ]
    for side, s in (("L", 1.0), ("R", -1.0)):
        rows += [
            (f"Shoulder_{side}", "Chest", (0.03 * s, 0.16, 0), None),
            (f"UpperArm_{side}", f"Shoulder_{side}", (0.12 * s, 0, 0), None),
            (f"LowerArm_{side}", f"UpperArm_{side}", (0.26 * s, 0, 0), None),
            (f"Hand_{side}", f"LowerArm_{side}", (0.24 * s, 0, 0), None),
            (f"UpperLeg_{side}", "Hips", (0.09 * s, -0.04, 0), None),
            (f"LowerLeg_{side}", f"UpperLeg_{side}", (0, -0.4, 0), None),
            (f"Foot_{side}", f"LowerLeg_{side}", (0, -0.39, 0), None),
            (f"Toes_{side}", f"Foot_{side}", (0, -0.07, 0.13), None),
        ]
    return _skeleton(rows)


def _skeleton(rows) -> Skeleton:
    names = [row[0] for row in rows]
    parents = [-1 if row[1] is None else names.index(row[1]) for row in rows]
    world = np.array([rotation.identity() if row[3] is None else _columns(*row[3]) for row in rows])
    local = world.copy()
    for j, parent in enumerate(parents):
        if parent >= 0:
            local[j] = rotation.multiply(rotation.conjugate(world[parent]), world[j])
    offsets = np.array([row[2] for row in rows], float)
    return Skeleton(tuple(names), np.array(parents), offsets, local)


@lru_cache(maxsize=4)
def walk(seconds: float = 5.0, rate_hz: float = 60.0) -> Clip:
    """A walk in a curve on PERFORMER, which the control network acts."""
    from understudy.runtime.performer.control.performer import Performer

    positions, rotations = [], []
    with Performer(1) as performer:
        for k in range(round((seconds + 1.0) * rate_hz)):
            turn = 0.25 * k / rate_hz
            travel = 0.6 * np.array([np.sin(turn), np.cos(turn)])
            performer.step([Intent(travel=travel)], 1.0 / rate_hz)
            positions.append(performer.positions[0].astype(float))
            rotations.append(rotation.normalize(performer.rotations[0].astype(float)))
    first = round(rate_hz)
    return Clip(
        PERFORMER, np.array(positions)[first:], np.array(rotations)[first:], 1.0 / rate_hz, "walk"
    )


def on(skeleton: Skeleton, clip: Clip) -> Clip:
    """A clip on another skeleton."""
    positions, rotations = Retarget(clip.skeleton, skeleton).apply(clip.positions, clip.rotations)
    if skeleton.names[0] == "Root":
        positions[:, 0, [0, 2]] = positions[:, 1, [0, 2]]
        positions[:, 1, [0, 2]] = 0.0
    return Clip(skeleton, positions, rotations, clip.frame_time_s, clip.name)


def carried_root() -> Skeleton:
    """Like `root_above_hips`; `on` lets its root go along on the ground below the hips."""
    skeleton = root_above_hips()
    return Skeleton(
        ("Root", *skeleton.names[1:]),
        skeleton.parents,
        skeleton.rest_positions,
        skeleton.rest_rotations,
    )


TRUNK = ("spine", "chest", "upper_chest", "neck", "head")
PARTS: dict[str, tuple[str, ...]] = {
    "upper body": ("hips", *TRUNK, "shoulder", "upper_arm", "lower_arm", "hand"),
    "from the chest up": ("chest", "upper_chest", "neck", "head", "shoulder", "upper_arm", "hand"),
    "head and neck": ("neck", "head"),
    "head": ("head",),
    "legs": ("hips", "upper_leg", "lower_leg", "foot", "toes"),
    "no arms": ("hips", *TRUNK, "upper_leg", "lower_leg", "foot"),
    "one leg": ("hips", *TRUNK, "left_upper_leg", "left_lower_leg", "left_foot"),
}


def part_of(clip: Clip, kept: tuple[str, ...]) -> Clip:
    """The joints of a clip on PERFORMER that have these roles, of both sides where none is said."""
    role = roles(PERFORMER)
    both = {one for name in kept for one in (name, f"left_{name}", f"right_{name}")}
    joints = sorted(joint for name, joint in role.items() if name in both)
    row = {joint: k for k, joint in enumerate(joints)}
    parents = []
    for joint in joints:
        above = int(PERFORMER.parents[joint])
        while above >= 0 and above not in row:
            above = int(PERFORMER.parents[above])
        parents.append(row.get(above, -1))
    rest_p = PERFORMER.rest_globals[0][joints]
    world_p, world_r = (x[:, joints] for x in PERFORMER.globals(clip.positions, clip.rotations))
    positions, rotations, offsets = world_p.copy(), world_r.copy(), rest_p.copy()
    for k, parent in enumerate(parents):
        if parent >= 0:
            back = rotation.conjugate(world_r[:, parent])
            positions[:, k] = rotation.rotate(back, world_p[:, k] - world_p[:, parent])
            rotations[:, k] = rotation.multiply(back, world_r[:, k])
            offsets[k] = rest_p[k] - rest_p[parent]
    names = tuple(PERFORMER.names[j] for j in joints)
    found = {name: row[joint] for name, joint in role.items() if joint in row}
    skeleton = Skeleton(names, np.array(parents), offsets, given_roles=found)
    return Clip(skeleton, positions, rotations, clip.frame_time_s, clip.name)
