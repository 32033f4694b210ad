"""A body out of some trackers: our performer, whose feet and knees go where theirs are.

Hips stand where their tracker is and feet where theirs are: the performer's own inverse kinematics
bends the legs between them, the knees to the side on which theirs are. Trunk and head are turned as
their trackers are, upper arms point at the elbows. What no tracker says is not seen.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER, roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.ik import legs

ROLES = roles(PERFORMER)
# Which tracker is where, in the order of SlimeVR's numbers, and the head's.
PLACES = (
    *("hips", "left_foot", "right_foot", "left_knee", "right_knee", "chest"),
    *("left_elbow", "right_elbow"),
)
HEAD = "head"
_SPINE = [j for role in ("spine", "chest", "upper_chest") if (j := ROLES.get(role)) is not None]
_SIDES = ("left", "right")
_REST = PERFORMER.rest_globals[0]


def pose(
    places: Mapping[str, Array], turns: Mapping[str, Array], scale: float
) -> tuple[Array, Array, Array]:
    """Positions (J, 3), rotations (J, 4) on PERFORMER, and seen (J,).

    places (3,) of PLACES and HEAD in metres, turns (4,) away from a T-pose that faces +Z; scale:
    our performer's height over the actor's.
    """
    at = {name: scale * place for name, place in places.items()}
    positions, rotations = PERFORMER.rest_positions.copy(), PERFORMER.rest_rotations.copy()
    seen = np.zeros(len(PERFORMER), bool)
    hips, chest = ROLES["hips"], _SPINE[-1]
    if "hips" in at:
        positions[0] = at["hips"]
        seen[hips] = True
    low = turns.get("hips", _facing(at))
    high = turns.get("chest", low)
    rotations[hips] = low
    between = rotation.multiply(rotation.conjugate(low), high)
    step = rotation.slerp(rotation.identity(), between, np.float64(1.0 / len(_SPINE)))
    rotations[_SPINE] = step
    seen[_SPINE] = "chest" in turns or "chest" in at
    if HEAD in turns and "head" in ROLES:
        rotations[ROLES["head"]] = rotation.multiply(rotation.conjugate(high), turns[HEAD])
        seen[[ROLES["head"], ROLES["neck"]]] = True
    _arms(at, positions, rotations, seen, chest)
    _legs(at, turns, positions, rotations, seen)
    return positions, rotations, seen


def _facing(at: Mapping[str, Array]) -> Array:
    """(4,) the way that a body faces whose hips say none: across its feet, or its knees."""
    for part in ("knee", "foot", "elbow"):
        if f"left_{part}" in at and f"right_{part}" in at:
            x, _, z = at[f"left_{part}"] - at[f"right_{part}"]
            if x * x + z * z > 1e-4:
                return np.asarray(rotation.from_yaw(float(np.arctan2(-z, x))))
    return rotation.identity()


def _arms(
    at: Mapping[str, Array], positions: Array, rotations: Array, seen: Array, chest: int
) -> None:
    """Upper arms point at their elbows; the rest hangs on them, unseen."""
    world_p, world_r = PERFORMER.globals(positions, rotations)
    for side in _SIDES:
        if f"{side}_elbow" not in at:
            continue
        arm, fore = ROLES[f"{side}_upper_arm"], ROLES[f"{side}_lower_arm"]
        way = at[f"{side}_elbow"] - world_p[arm]
        if way @ way < 1e-4:
            continue
        above = world_r[PERFORMER.parents[arm]]
        now = rotation.rotate(above, _REST[fore] - _REST[arm])
        turned = rotation.multiply(rotation.between(now, way), above)
        rotations[arm] = rotation.multiply(rotation.conjugate(above), turned)
        seen[[arm, ROLES[f"{side}_shoulder"]]] = True


def _legs(
    at: Mapping[str, Array], turns: Mapping[str, Array], positions: Array, rotations: Array,
    seen: Array,
) -> None:  # fmt: skip
    """Feet come to their trackers; a leg whose foot has none goes on from its knee, or hangs."""
    hips = positions[0]
    base = rotations[ROLES["hips"]]
    world_p, world_r = PERFORMER.globals(positions, rotations)
    for side in _SIDES:  # the side on which a knee is, before the leg is bent to its foot
        if f"{side}_knee" not in at:
            continue
        thigh, shin = ROLES[f"{side}_upper_leg"], ROLES[f"{side}_lower_leg"]
        way = at[f"{side}_knee"] - world_p[thigh]
        if way @ way > 1e-4:
            now = rotation.rotate(base, _REST[shin] - _REST[thigh])
            turned = rotation.multiply(rotation.between(now, way), base)
            rotations[thigh] = rotation.multiply(rotation.conjugate(base), turned)
            seen[thigh] = True
    if not all(f"{side}_foot" in at for side in _SIDES):
        return
    world_p, world_r = legs.forward(hips, rotations)
    foot = np.array([turns.get(f"{side}_foot", _flat(base)) for side in _SIDES])
    ankle = np.array([at[f"{side}_foot"] for side in _SIDES])
    legs.reach(hips, rotations, world_p, world_r, ankle, foot, 0.0)
    seen[legs.LEGS.ravel()] = True


def _flat(base: Array) -> Array:
    """(4,) a foot that lies flat and looks as the hips do."""
    return np.asarray(rotation.from_yaw(float(rotation.yaw(base))))
