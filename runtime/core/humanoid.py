"""Our own performer's skeleton, and joints by its names."""

from __future__ import annotations

import numpy as np

from .roles import HIERARCHY as HIERARCHY
from .roles import roles as roles
from .skeleton import Skeleton


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
