"""Joint roles: which joint of a skeleton is the left knee; and our own performer's skeleton.

Roles are VRM's humanoid bone names in snake case. Every part that needs to know a body part goes
through `roles`: retargeting, feet, the mannequin, protocols.
"""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np

from .skeleton import Skeleton

# role -> parent role, parents first
HIERARCHY: dict[str, str | None] = {
    "hips": None,
    "spine": "hips",
    "chest": "spine",
    "upper_chest": "chest",
    "neck": "upper_chest",
    "head": "neck",
    **{
        f"{side}_{part}": (parent if parent in ("hips", "upper_chest") else f"{side}_{parent}")
        for side in ("left", "right")
        for part, parent in (
            ("upper_leg", "hips"),
            ("lower_leg", "upper_leg"),
            ("foot", "lower_leg"),
            ("toes", "foot"),
            ("shoulder", "upper_chest"),
            ("upper_arm", "shoulder"),
            ("lower_arm", "upper_arm"),
            ("hand", "lower_arm"),
        )
    },
}

# What a name says once side marks and punctuation are gone, most telling first.
_PARTS: tuple[tuple[str, str], ...] = (
    (r"upleg|upperleg|thigh\d*$|thighbend|femur", "upper_leg"),
    (r"^(rig|base)?(leg|lowerleg|calf|shin|tibia|lowleg|knee)\d*$", "lower_leg"),
    (r"^(rig|base)?(foot|ankle)\d*$", "foot"),
    (r"^(rig|base)?(toe|toes|toebase|ball)\d*$", "toes"),
    (r"^(rig|base)?(shoulder|collar|clavicle|clav|scapula|thorax)\d*$", "shoulder"),
    (r"^(rig|base)?(arm|upperarm|uparm|uarm|shldr|shldrbend|humerus)\d*$", "upper_arm"),
    (r"^(rig|base)?(forearm|forearmbend|lowerarm|lowarm|farm|elbow|radius)\d*$", "lower_arm"),
    (r"^(rig|base)?(hand|wrist)\d*$", "hand"),
)
_HIPS = re.compile(r"^(rig|base)?(hips?|pelvis)$")
_NECK = re.compile(r"^(rig|base)?neck(twist|lower)?0*1?$")
_HEAD = re.compile(r"^(rig|base)?head$")
_SPINE = re.compile(r"spine|abdomen|chest|waist|lowerback|torso")


def _plain(name: str) -> tuple[str, str]:
    """Side ("left", "right" or "") and what is left of the name, lower case, no punctuation."""
    bare = re.sub(r"^(.*[:|])", "", name)
    bare = re.sub(r"^(CC_Base|mixamorig\d*|Bip\d+|DEF|ORG|J_Bip|Character1)[_\- ]?", "", bare)
    bare = re.sub(r"^(b|bn|jnt|bone|joint)[_\-. ]|^C[_\-. ]|[_\-. ]M$", "", bare)
    for side, letters in (("left", ("l", "L")), ("right", ("r", "R"))):
        a, b = letters
        for pattern in (
            rf"(?i)^{side}[_\-. ]?",
            rf"(?i)[_\-. ]?{side}$",
            rf"^[{a}{b}][_\-. ]",
            rf"[_\-. ][{a}{b}]$",
            rf"^{a}(?=[A-Z])",
            rf"^{b}(?=[A-Z][a-z]|[UF]Arm)",
            rf"(?<=[a-z]){b}$",
        ):
            cut, times = re.subn(pattern, "", bare, count=1)
            if times and cut:
                return side, re.sub(r"[^a-z0-9]", "", cut.lower())
    return "", re.sub(r"[^a-z0-9]", "", bare.lower())


def _bones_for_joints(names: set[str]) -> dict[str, str]:
    """What names mean on a skeleton that calls its joints by anatomy, not by the bone below.

    Old BVH, SMPL and Maya rigs do: there a shoulder is where the upper arm hangs and a foot is
    where the toes begin. What a word means depends on which others are there.
    """
    mean: dict[str, str] = {}
    if "elbow" in names:
        mean["elbow"] = "forearm"
        if not names & {"arm", "upperarm"}:
            mean["shoulder"] = "upperarm"
        if "wrist" in names:
            mean |= {"wrist": "hand", "hand": "palm"}
    if "knee" in names:
        mean["knee"] = "lowerleg"
        mean["leg" if "leg" in names else "hip"] = "upleg"
    if "ankle" in names:
        mean |= {"ankle": "foot", "foot": "toes"}
    return mean


def roles(skeleton: Skeleton) -> dict[str, int]:
    """Role -> joint index, for the roles that the skeleton's names and tree reveal.

    Works on the names of CMU, Mixamo, Character Creator, DAZ, Unreal, VRM and their like. A role
    that is not found is not in the dict; what is no humanoid gives a small dict or an empty one.
    """
    return dict(_roles(skeleton.names, tuple(skeleton.parents.tolist())))


@lru_cache(maxsize=64)
def _roles(names: tuple[str, ...], parents: tuple[int, ...]) -> dict[str, int]:
    found: dict[str, int] = {}
    plain = [_plain(n) for n in names]
    by_joint = _bones_for_joints({name for side, name in plain if side})
    plain = [(side, by_joint.get(name, name) if side else name) for side, name in plain]
    for part, role in _PARTS:
        for j, (side, name) in enumerate(plain):
            if side and f"{side}_{role}" not in found and re.search(part, name):
                found[f"{side}_{role}"] = j
    for side in ("left", "right"):  # CMU's "LeftLeg" is a shin, "LeftArm" an upper arm
        _order_chain(parents, found, side, ("upper_leg", "lower_leg", "foot", "toes"))
        _order_chain(parents, found, side, ("shoulder", "upper_arm", "lower_arm", "hand"))
    for j, (side, name) in enumerate(plain):
        if side:
            continue
        for role, pattern in (("hips", _HIPS), ("neck", _NECK), ("head", _HEAD)):
            if role not in found and pattern.search(name):
                found[role] = j
    legs = [found.get("left_upper_leg"), found.get("right_upper_leg")]
    if all(leg is not None for leg in legs):
        common = [j for j in _ancestors(parents, legs[0]) if j in _ancestors(parents, legs[1])]
        if "hips" not in found and common:
            found["hips"] = common[0]
    if "hips" in found and "head" in found:
        _spine(names, parents, found)
    return found


def _ancestors(parents: tuple[int, ...], joint: int | None) -> list[int]:
    """The joints above, nearest first."""
    path: list[int] = []
    j = parents[joint] if joint is not None else -1
    while j >= 0:
        path.append(j)
        j = parents[j]
    return path


def _order_chain(
    parents: tuple[int, ...], found: dict[str, int], side: str, parts: tuple[str, ...]
) -> None:
    """Drops a role whose joint does not hang below the chain's part before it."""
    above: int | None = None
    for part in parts:
        joint = found.get(f"{side}_{part}")
        if joint is None:
            continue
        if above is not None and above not in _ancestors(parents, joint):
            del found[f"{side}_{part}"]
            continue
        above = joint


def _spine(names: tuple[str, ...], parents: tuple[int, ...], found: dict[str, int]) -> None:
    """Names the joints between hips and neck spine, chest, upper_chest: first, middle, last."""
    top = found.get("neck", found["head"])
    path = _ancestors(parents, top)
    if found["hips"] in path:
        path = path[: path.index(found["hips"])]
    else:  # hips and spine are siblings below a common root (CMU, DAZ, Character Creator)
        path = [j for j in path if _SPINE.search(_plain(names[j])[1])]
    path = path[::-1]
    if path:
        found["spine"] = path[0]
        found["upper_chest"] = path[-1]
    if len(path) > 2:
        found["chest"] = path[len(path) // 2]
    if len(path) == 1:
        del found["upper_chest"]
        found["chest"] = found.pop("spine")


def _performer() -> Skeleton:
    rows: list[tuple[str, str | None, tuple[float, float, float]]] = [
        ("Hips", None, (0.0, 0.97, 0.0)),
        ("Spine", "Hips", (0.0, 0.09, -0.01)),
        ("Spine1", "Spine", (0.0, 0.12, -0.005)),
        ("Spine2", "Spine1", (0.0, 0.12, 0.0)),
        ("Neck", "Spine2", (0.0, 0.19, -0.005)),
        ("Head", "Neck", (0.0, 0.10, 0.02)),
    ]
    for side, x in (("Left", 1.0), ("Right", -1.0)):
        rows += [
            (f"{side}Shoulder", "Spine2", (0.025 * x, 0.15, 0.0)),
            (f"{side}Arm", f"{side}Shoulder", (0.155 * x, 0.0, -0.01)),
            (f"{side}ForeArm", f"{side}Arm", (0.28 * x, 0.0, 0.0)),
            (f"{side}Hand", f"{side}ForeArm", (0.25 * x, 0.0, 0.0)),
            (f"{side}UpLeg", "Hips", (0.095 * x, -0.06, 0.0)),
            (f"{side}Leg", f"{side}UpLeg", (0.0, -0.43, 0.0)),
            (f"{side}Foot", f"{side}Leg", (0.0, -0.41, 0.0)),
            (f"{side}ToeBase", f"{side}Foot", (0.0, -0.055, 0.125)),
        ]
    names = [name for name, _, _ in rows]
    parents = [-1 if parent is None else names.index(parent) for _, parent, _ in rows]
    tips = np.full((len(rows), 3), np.nan)
    tips[names.index("Head")] = (0.0, 0.19, 0.0)
    for side, x in (("Left", 1.0), ("Right", -1.0)):
        tips[names.index(f"{side}Hand")] = (0.18 * x, 0.0, 0.0)
        tips[names.index(f"{side}ToeBase")] = (0.0, -0.005, 0.075)
    return Skeleton(tuple(names), np.array(parents), np.array([p for _, _, p in rows]), tips=tips)


# Our own performer: 22 joints in a T-pose that faces +Z, 1.76 m tall, every rest rotation identity.
PERFORMER = _performer()


def joint(skeleton: Skeleton, name: str) -> int:
    """The joint of that name; of a humanoid also by the name of PERFORMER's joint that is as it.

    So "LeftArm" finds a rig's CC_Base_L_Upperarm. Raises UnderstudyError where neither is there.
    """
    if name not in skeleton.names and name in PERFORMER.names:
        ours = PERFORMER.index(name)
        role = next((r for r, j in roles(PERFORMER).items() if j == ours), "")
        if role in (found := roles(skeleton)):
            return found[role]
    return skeleton.index(name)
