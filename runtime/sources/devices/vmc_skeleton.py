"""The skeleton of a VMC sender, from the bones that it sends.

VMC never says what the body looks like. But bones are local to their parent in a T-pose without
rotations, so their positions are the skeleton's, and the names tell who hangs on whom. What comes
without a position takes our performer's. Of a body without legs, or of a head alone, as programs
for virtual presenters send it, the limbs that never come are our performer's too, and stand still.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from understudy.bridge.protocols import vmc
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import HIERARCHY, PERFORMER, roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

# A bone at its parent's own place was sent without a position.
NOWHERE_M = 1e-4
# Between a toe's joint and the ground, as in PERFORMER.
_SOLE_M = 0.015
_ANKLE_M = 0.055
# From the hand's joint, on the left: along the arm, down, forward, for each part of a finger.
_FINGERS_M: dict[str, tuple[tuple[float, float, float], ...]] = {
    "Thumb": ((0.03, -0.01, 0.03), (0.06, -0.015, 0.045), (0.085, -0.015, 0.055)),
    "Index": ((0.09, 0.0, 0.025), (0.13, 0.0, 0.025), (0.155, 0.0, 0.025)),
    "Middle": ((0.09, 0.0, 0.0), (0.135, 0.0, 0.0), (0.165, 0.0, 0.0)),
    "Ring": ((0.085, 0.0, -0.02), (0.125, 0.0, -0.02), (0.15, 0.0, -0.02)),
    "Little": ((0.08, 0.0, -0.04), (0.11, 0.0, -0.04), (0.13, 0.0, -0.04)),
}
_PARTS = ("Proximal", "Intermediate", "Distal")


def _name(role: str) -> str:
    """left_upper_leg -> LeftUpperLeg"""
    return "".join(word.title() for word in role.split("_"))


def _tables() -> tuple[dict[str, str], dict[str, Array], dict[str, Array]]:
    """Of each bone: its parent's name, its place in our performer's T-pose, the tip below it."""
    parents = {_name(role): _name(above) for role, above in HIERARCHY.items() if above}
    world, own = PERFORMER.rest_globals[0], roles(PERFORMER)
    places = {_name(role): world[joint] for role, joint in own.items()}
    tips = {_name(role): PERFORMER.tips[joint] for role, joint in own.items()}
    head = places["Head"]
    for bone, offset in (
        ("LeftEye", (0.032, 0.08, 0.08)),
        ("RightEye", (-0.032, 0.08, 0.08)),
        ("Jaw", (0.0, 0.01, 0.03)),
    ):
        parents[bone], places[bone] = "Head", head + offset
    for side, x in (("Left", 1.0), ("Right", -1.0)):
        for finger, offsets in _FINGERS_M.items():
            above = f"{side}Hand"
            for part, offset in zip(_PARTS, offsets, strict=True):
                bone = f"{side}{finger}{part}"
                parents[bone] = above
                places[bone] = places[f"{side}Hand"] + np.array(offset) * (x, 1.0, 1.0)
                above = bone
    return parents, places, tips


_PARENTS, _PLACES, _TIPS = _tables()
assert set(_PLACES) == set(vmc.BONES)


# What a body has to have, each as a whole: what of it is sent in part is taken as it is.
_PARTS_OF_A_BODY: dict[str, tuple[str, ...]] = {
    "trunk": ("Spine", "Chest", "UpperChest"),
    "head": ("Neck", "Head"),
    **{
        f"{side} {limb}": tuple(f"{side.title()}{bone}" for bone in bones)
        for limb, bones in (
            ("arm", ("Shoulder", "UpperArm", "LowerArm", "Hand")),
            ("leg", ("UpperLeg", "LowerLeg", "Foot", "Toes")),
        )
        for side in ("left", "right")
    },
}
# Arms that nobody moves hang down.
_HANGS_RAD = np.radians(75.0)


def lacking(sent: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The parts of a body of which no bone is among those sent, and their bones."""
    return {
        part: bones
        for part, bones in _PARTS_OF_A_BODY.items()
        if not any(bone in sent for bone in bones)
    }


def at_rest(body: Skeleton, sent: Collection[str]) -> Array:
    """(J, 4) the pose of a body whose sender sends nothing: arms that it never sends hang down."""
    rotations = body.rest_rotations.copy()
    for bone, turn in (("LeftUpperArm", -_HANGS_RAD), ("RightUpperArm", _HANGS_RAD)):
        if any(bone in bones for bones in lacking(sent).values()):
            turned = rotation.from_rotation_vector(np.array([0.0, 0.0, turn]))
            rotations[body.index(bone)] = turned
    return rotations


def skeleton(performance: vmc.Performance) -> Skeleton:
    """The skeleton whose joints are the bones of this performance, and the parts that it lacks."""
    sent = {name: i for i, name in enumerate(performance.names) if name in _PLACES}
    added = {"Hips", *(bone for bones in lacking(sent).values() for bone in bones)}
    names = [name for name in vmc.BONES if name in sent or name in added]
    parents, offsets = [-1], [_PLACES["Hips"]]
    for name in names[1:]:
        above = _PARENTS[name]
        while above not in names:
            above = _PARENTS[above]
        parents.append(names.index(above))
        at = performance.positions[sent[name]] if name in sent else np.zeros(3)
        placed = float(np.abs(at).max()) > NOWHERE_M
        offsets.append(at if placed else _PLACES[name] - _PLACES[above])
    rest = np.array(offsets)
    rest[0] = (0.0, _hip_height_m(names, rest), 0.0)
    tips = np.full((len(names), 3), np.nan)
    for j, name in enumerate(names):
        if j not in parents and name in _TIPS:
            tips[j] = _TIPS[name]
    return Skeleton(tuple(names), np.array(parents), rest, tips=tips)


def _hip_height_m(names: list[str], rest: Array) -> float:
    """How high the hips of rest offsets (J, 3) are when the body stands with straight legs."""
    leg = [f"Left{part}" for part in ("UpperLeg", "LowerLeg", "Foot")]
    if not all(name in names for name in leg):
        return float(_PLACES["Hips"][1])
    down_m = -sum(float(rest[names.index(name), 1]) for name in leg)
    if "LeftToes" in names:
        return down_m - float(rest[names.index("LeftToes"), 1]) + _SOLE_M
    return down_m + _ANKLE_M + _SOLE_M
