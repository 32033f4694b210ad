"""The skeleton of Noitom's 59 joints: as they are placed, or our performer's proportions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from understudy.bridge.protocols import neuron
from understudy.runtime.core.humanoid import PERFORMER, roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

_SOLE_M, _ANKLE_M = 0.02, 0.07
# From the hand along the arm and forward, for each part of a finger; the thumb has no palm.
_FINGERS_M = {
    "Thumb": ((0.03, 0.03), (0.03, 0.015), (0.025, 0.01)),
    "Index": ((0.035, 0.02), (0.055, 0.005), (0.035, 0.0), (0.025, 0.0)),
    "Middle": ((0.035, 0.005), (0.055, 0.0), (0.04, 0.0), (0.025, 0.0)),
    "Ring": ((0.035, -0.01), (0.05, -0.005), (0.035, 0.0), (0.025, 0.0)),
    "Pinky": ((0.035, -0.025), (0.045, -0.01), (0.025, 0.0), (0.02, 0.0)),
}


def roles_of(joints: Mapping[str, str]) -> dict[str, str]:
    """Joint -> role."""
    chest = joints["RightShoulder"]
    found = {"Hips": "hips", "Spine": "spine", "Spine1": "chest", chest: "upper_chest"}
    found |= {"Neck": "neck", "Head": "head"}
    for side in ("Left", "Right"):
        for part, role in (
            *(("UpLeg", "upper_leg"), ("Leg", "lower_leg"), ("Foot", "foot")),
            *(("Shoulder", "shoulder"), ("Arm", "upper_arm")),
            *(("ForeArm", "lower_arm"), ("Hand", "hand")),
        ):
            found[f"{side}{part}"] = f"{side.lower()}_{role}"
    return found


def standard(joints: Mapping[str, str]) -> Array:
    """(59, 3) offsets of our performer's, for what comes without any."""
    own, world = roles(PERFORMER), PERFORMER.rest_globals[0]
    own |= {"chest": PERFORMER.index("Spine1"), "upper_chest": PERFORMER.index("Spine2")}
    role = roles_of(joints)
    at = {name: world[own[role[name]]] for name in joints if name in role}
    for name in ("Spine2", "Neck1"):
        if name in joints and name not in at:
            above = joints[name]
            below = next(child for child, up in joints.items() if up == name)
            at[name] = (at[above] + at[below]) / 2.0
    for side, x in (("Left", 1.0), ("Right", -1.0)):
        for finger, ways in _FINGERS_M.items():
            chain = [n for n in joints if n.startswith(side) and finger in n]
            for name, (along, forward) in zip(chain, ways, strict=True):
                at[name] = at[joints[name]] + np.array([x * along, 0.0, forward])
    return np.array([at[name] - at[up] if (up := joints[name]) else at[name] for name in joints])


def skeleton(joints: Mapping[str, str], offsets: Array) -> Skeleton:
    """The skeleton of offsets (59, 3); the root stands on straight legs."""
    names = tuple(joints)
    above = np.array([names.index(up) if up else -1 for up in joints.values()])
    rest = offsets.copy()
    rest[0] = 0.0
    made = Skeleton(names, above, rest)
    rest[0, 1] = _ANKLE_M + _SOLE_M - float(made.rest_globals[0][:, 1].min())
    own = roles(PERFORMER)
    tips = np.full((len(names), 3), np.nan)
    tips[names.index("Head")] = PERFORMER.tips[own["head"]]
    for side in ("Left", "Right"):  # from the ankle to where toes would begin
        foot = names.index(f"{side}Foot")
        tips[foot] = PERFORMER.rest_positions[own[f"{side.lower()}_toes"]]
    given = {role: names.index(name) for name, role in roles_of(joints).items()}
    return Skeleton(names, above, rest, tips=tips, given_roles=given)


STANDARD = {kind: standard(joints) for kind, joints in neuron.JOINTS.items()}
