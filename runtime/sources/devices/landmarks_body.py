"""A body out of 33 points: our performer, whose bones point where the points say.

A point says where a joint is and not how its bone is turned about itself: trunk, hips and head are
turned by three points each, limbs go from joint to joint and turn no more than they have to. Sizes
are of no account, so whoever is seen moves a body of our performer's proportions.
"""

from __future__ import annotations

import numpy as np

from understudy.bridge.protocols.landmarks import POINTS
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER, roles
from understudy.runtime.core.rotation import Array

ROLES = roles(PERFORMER)
ROW = {name: n for n, name in enumerate(POINTS)}
# A point that is seen less than this is not seen.
SEEN = 0.5
_LIMBS = tuple(
    (f"{side}_{role}", f"{side}_{one}", f"{side}_{two}")
    for side in ("left", "right")
    for role, one, two in (
        *(("upper_arm", "shoulder", "elbow"), ("lower_arm", "elbow", "wrist")),
        *(("hand", "wrist", "index"), ("upper_leg", "hip", "knee"), ("lower_leg", "knee", "ankle")),
        *(("foot", "heel", "foot_index"),),
    )
)
# Of each limb's bone the joint that it points at; a hand's own tip.
_BELOW = {"upper_arm": "lower_arm", "lower_arm": "hand", "upper_leg": "lower_leg"}
_BELOW |= {"lower_leg": "foot", "foot": "toes"}


def _rest_ways() -> dict[str, Array]:
    """Which way each limb's bone goes in our T-pose, in which no bone is turned."""
    world, found = PERFORMER.rest_globals[0], {}
    for role, _, _ in _LIMBS:
        side, _, part = role.partition("_")
        if part in _BELOW:
            way = world[ROLES[f"{side}_{_BELOW[part]}"]] - world[ROLES[role]]
        else:
            way = np.array([1.0 if side == "left" else -1.0, 0.0, 0.0])
        if part == "foot":  # heel and toes are as high
            way = way * (1.0, 0.0, 1.0)
        found[role] = rotation.normalize(way)
    return found


_WAYS = _rest_ways()


def _facing(left: Array, up: Array) -> Array:
    """(4,) the turn of what has its left and its up so."""
    y = rotation.normalize(up)
    x = rotation.normalize(left - (left @ y) * y)
    return rotation.from_matrix(np.stack([x, y, np.cross(x, y)], axis=1))


def _upright() -> Array:
    """(4,) undoes the lean that our trunk has in its T-pose."""
    at = {
        f"{side}_{part}": PERFORMER.rest_globals[0][ROLES[f"{side}_{part}"]]
        for side in ("left", "right")
        for part in ("upper_leg", "upper_arm")
    }
    up = at["left_upper_arm"] + at["right_upper_arm"] - at["left_upper_leg"]
    up = up - at["right_upper_leg"]
    return rotation.conjugate(_facing(at["left_upper_leg"] - at["right_upper_leg"], up))


_UPRIGHT = _upright()


def pose(points: Array, visible: Array, travels: bool) -> tuple[Array, Array, Array]:
    """Positions (J, 3), rotations (J, 4) on PERFORMER, and seen (J,), of points (33, 3)."""

    def at(name: str) -> Array:
        return points[ROW[name]]

    def there(*names: str) -> bool:
        return all(visible[ROW[name]] >= SEEN for name in names)

    hips = (at("left_hip") + at("right_hip")) / 2.0
    chest = (at("left_shoulder") + at("right_shoulder")) / 2.0
    count = len(PERFORMER)
    turned: dict[int, Array] = {}
    seen = np.zeros(count, bool)
    trunk = there("left_hip", "right_hip", "left_shoulder", "right_shoulder")
    spine = [j for role in ("spine", "chest", "upper_chest") if (j := ROLES.get(role)) is not None]
    up = chest - hips
    if trunk and up @ up > 1e-4:
        low, high = (
            rotation.multiply(_facing(at(f"left_{part}") - at(f"right_{part}"), up), _UPRIGHT)
            for part in ("hip", "shoulder")
        )
        turned[ROLES["hips"]] = low
        for n, j in enumerate(spine, 1):
            turned[j] = rotation.slerp(low, high, np.float64(n / len(spine)))
    if there("left_ear", "right_ear", "nose"):
        left = at("left_ear") - at("right_ear")
        ahead = at("nose") - (at("left_ear") + at("right_ear")) / 2.0
        if left @ left > 1e-6 and ahead @ ahead > 1e-6:
            turned[ROLES["head"]] = _facing(left, np.cross(ahead, left))
    ways = {role: at(two) - at(one) for role, one, two in _LIMBS if there(one, two) and trunk}
    world = np.zeros((count, 4))
    own = {ROLES[role]: role for role, _, _ in _LIMBS}
    for j in range(count):
        above = int(PERFORMER.parents[j])
        base = world[above] if above >= 0 else rotation.identity()
        world[j] = turned.get(j, base)
        way = ways.get(own.get(j, ""))
        if way is not None and way @ way > 1e-6:
            now = rotation.rotate(base, _WAYS[own[j]])
            step = rotation.between(now, rotation.normalize(way))
            world[j] = rotation.multiply(step, base)
        seen[j] = j in turned or way is not None or (j not in own and (above < 0 or seen[above]))
    rotations = world.copy()
    below = PERFORMER.parents[1:]
    rotations[1:] = rotation.multiply(rotation.conjugate(world[below]), world[1:])
    positions = PERFORMER.rest_positions.copy()
    placed, _ = PERFORMER.globals(positions, rotations)
    rest = PERFORMER.rest_globals[0]
    feet = [ROLES[f"{side}_{part}"] for side in ("left", "right") for part in ("foot", "toes")]
    # The lower foot stands: what the camera says of heights is not to be trusted.
    positions[0, 1] += float(rest[feet, 1].min() - placed[feet, 1].min())
    if travels:
        positions[0, [0, 2]] += hips[[0, 2]]
    return positions, rotations, seen
