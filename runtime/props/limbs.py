"""Bodies as capsules, from any skeleton; palms, and how far fingers are closed.

Radii are those of an adult of 1.76 m, and grow with the legs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.roles import SIDES, roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.retarget.fingers import fingers

# role -> the role that its limb ends at, and its radius, m
_LIMBS: dict[str, tuple[str, float]] = {
    **{f"{side}_upper_arm": (f"{side}_lower_arm", 0.048) for side in SIDES},
    **{f"{side}_lower_arm": (f"{side}_hand", 0.038) for side in SIDES},
    **{f"{side}_upper_leg": (f"{side}_lower_leg", 0.075) for side in SIDES},
    **{f"{side}_lower_leg": (f"{side}_foot", 0.052) for side in SIDES},
    **{f"{side}_foot": (f"{side}_toes", 0.042) for side in SIDES},
}
_TRUNK_M, _PELVIS_M, _HEAD_M, _HAND_M = 0.13, 0.11, 0.095, 0.035
_LEG_M = 0.84  # thigh and shin of who has these radii
_SHORTEST_M, _MOST_BONES = 0.04, 24
# Fingers that are bent by so much, the mean of their joints, hold; by less than that, they let go.
CLOSED_RAD, OPEN_RAD = 0.55, 0.4


@dataclass(frozen=True, eq=False)
class Limb:
    """A capsule on a joint: its middle and its turn, which takes +Y to its axis, in the joint's
    frame; half_m is half its straight part."""

    joint: int
    name: str
    at: Array
    turn: Array
    radius_m: float
    half_m: float

    @property
    def is_hand(self) -> bool:
        return self.name.endswith("_hand")


def limbs(skeleton: Skeleton) -> list[Limb]:
    """The capsules of a body; of one that is no humanoid, its longest bones."""
    role = roles(skeleton)
    if "hips" not in role or not {"left_upper_leg", "right_upper_arm"} & role.keys():
        return _bones(skeleton)
    world_p, world_r = skeleton.rest_globals
    grown = _growth(role, world_p)

    def limb(name: str, joint: int, start: Array, end: Array, radius_m: float) -> Limb:
        """From start to end, both in the room at rest."""
        into = rotation.conjugate(world_r[joint])
        a, b = (rotation.rotate(into, p - world_p[joint]) for p in (start, end))
        radius_m *= grown
        length = float(np.linalg.norm(b - a))
        turn = rotation.between(np.array([0.0, 1.0, 0.0]), b - a) if length > 1e-6 else _STILL
        return Limb(joint, name, 0.5 * (a + b), turn, radius_m, max(0.5 * length - radius_m, 1e-3))

    found: list[Limb] = []
    neck = role.get("neck", role.get("head"))
    chest = next((role[r] for r in ("upper_chest", "chest", "spine") if r in role), role["hips"])
    legs = [world_p[role[f"{s}_upper_leg"]] for s in SIDES if f"{s}_upper_leg" in role]
    if len(legs) == 2:
        out = 0.35 * (legs[0] - legs[1])
        found.append(limb("hips", role["hips"], legs[1] - out, legs[0] + out, _PELVIS_M))
    if neck is not None:
        foot, top = world_p[chest], world_p[neck]
        found.append(limb("chest", chest, foot - 0.1 * (top - foot), top, _TRUNK_M))
        if chest != role["hips"]:
            found.append(limb("spine", role["hips"], world_p[role["hips"]], foot, _TRUNK_M))
    if "head" in role:
        head = world_p[role["head"]]
        found.append(
            limb("head", role["head"], head, head + np.array([0.0, 0.16 * grown, 0.01]), _HEAD_M)
        )
    for name, (end, radius_m) in _LIMBS.items():
        if name not in role:
            continue
        start = world_p[role[name]]
        if end in role:
            stop = world_p[role[end]]
        elif name.endswith("foot"):
            stop = start + np.array([0.0, -0.05 * grown, 0.15 * grown])
        else:
            continue
        if name.endswith("foot"):  # to the tips of the toes
            stop = stop + 0.45 * (stop - start)
        found.append(limb(name, role[name], start, stop, radius_m))
    for side in SIDES:
        if (hand := role.get(f"{side}_hand")) is not None:
            start, way = world_p[hand], _hand_way(skeleton, role, side)
            stop = start + 0.17 * grown * way
            found.append(limb(f"{side}_hand", hand, start, stop, _HAND_M))
    return found


_STILL = rotation.identity()


def _growth(role: dict[str, int], world_p: Array) -> float:
    """How much larger than an adult a body is, by its legs."""
    for side in SIDES:
        leg = [role.get(f"{side}_{part}") for part in ("upper_leg", "lower_leg", "foot")]
        if None not in leg:
            upper, lower, foot = (world_p[j] for j in leg)
            long_m = np.linalg.norm(upper - lower) + np.linalg.norm(lower - foot)
            return float(np.clip(long_m / _LEG_M, 0.2, 5.0))
    return 1.0


def _hand_way(skeleton: Skeleton, role: dict[str, int], side: str) -> Array:
    """(3,) along a hand at rest: to its fingers, or on from the forearm."""
    world_p = skeleton.rest_globals[0]
    hand = role[f"{side}_hand"]
    first = [
        j for (s, f, n), j in fingers(skeleton).items() if s == side and f != "thumb" and n < 1
    ]
    if first:
        way = world_p[first].mean(0) - world_p[hand]
    elif (arm := role.get(f"{side}_lower_arm")) is not None:
        way = world_p[hand] - world_p[arm]
    else:
        way = np.array([1.0 if side == "left" else -1.0, 0.0, 0.0])
    return rotation.normalize(way)


def _bones(skeleton: Skeleton) -> list[Limb]:
    """Bones as capsules, the longest ones."""
    found = []
    for joint in range(1, len(skeleton)):
        parent, end = int(skeleton.parents[joint]), skeleton.rest_positions[joint]
        length = float(np.linalg.norm(end))
        if parent > 0 and length > _SHORTEST_M:  # what hangs on the root may be anywhere
            radius_m = float(np.clip(0.15 * length, 0.015, 0.1))
            turn = rotation.between(np.array([0.0, 1.0, 0.0]), end)
            half_m = max(0.5 * length - radius_m, 1e-3)
            found.append(Limb(parent, skeleton.names[parent], 0.5 * end, turn, radius_m, half_m))
    found.sort(key=lambda one: -one.half_m)
    return found[:_MOST_BONES]


def palm(limb: Limb) -> Array:
    """(3,) where a hand holds, in its joint's frame."""
    return limb.at.copy()


class Fingers:
    """How far the fingers of a skeleton's two hands are bent."""

    def __init__(self, skeleton: Skeleton) -> None:
        self._rest = skeleton.rest_rotations
        found = fingers(skeleton)
        self._joints = {
            side: [j for (s, finger, _), j in found.items() if s == side and finger != "thumb"]
            for side in SIDES
        }

    def bent_rad(self, side: str, rotations: Array) -> float | None:
        """The mean of its joints, of local rotations (J, 4); None of a hand without fingers."""
        joints = self._joints[side]
        if len(joints) < 2:
            return None
        return float(rotation.angle_between(rotations[joints], self._rest[joints]).mean())


def poses(found: Sequence[Limb], joint_p: Array, joint_r: Array) -> tuple[Array, Array]:
    """Positions (..., L, 3) and rotations (..., L, 4) of capsules on joints that are there."""
    at, turn = np.array([one.at for one in found]), np.array([one.turn for one in found])
    return joint_p + rotation.rotate(joint_r, at), rotation.multiply(joint_r, turn)
