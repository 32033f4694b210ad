"""An actor's measures out of a skeleton: lengths of limbs and trunk, and a height."""

from __future__ import annotations

import numpy as np

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.roles import roles
from understudy.runtime.core.skeleton import Skeleton

# measure -> the roles between which it lies, on both sides.
_LIMBS = {
    "upper arm length": ("upper_arm", "lower_arm"), "forearm length": ("lower_arm", "hand"),
    "upper leg length": ("upper_leg", "lower_leg"), "lower leg length": ("lower_leg", "foot"),
}  # fmt: skip
ANKLE_M, CROWN = 0.075, 1.38  # how high an ankle is; the head's height beside its neck's length


def of(skeleton: Skeleton) -> dict[str, float]:
    """measure -> metres; what the skeleton has no joints for is left out."""
    role, (at, _) = roles(skeleton), skeleton.rest_globals
    out: dict[str, float] = {}
    for name, (a, b) in _LIMBS.items():
        sides = [
            float(np.linalg.norm(at[role[f"{s}_{a}"]] - at[role[f"{s}_{b}"]]))
            for s in ("left", "right") if f"{s}_{a}" in role and f"{s}_{b}" in role
        ]  # fmt: skip
        if sides:
            out[name] = sum(sides) / len(sides)
    if not {"upper leg length", "lower leg length"} <= out.keys() or "head" not in role:
        raise UnderstudyError(
            "The skeleton has no whole legs and head by which an actor's height could be told."
        )
    hips = np.mean([at[role[f"{s}_upper_leg"]] for s in ("left", "right")], axis=0)
    trunk = float(np.linalg.norm(at[role["head"]] - hips))
    legs = out["upper leg length"] + out["lower leg length"]
    # From the head's joint to the crown is a tenth of a person.
    out["height"] = (legs + trunk + ANKLE_M) / 0.913
    if not 1.2 <= out["height"] <= 2.15:
        raise UnderstudyError(
            f"The actor would be {out['height']:.2f} m tall; people of 1.2 to 2.15 m can be made."
        )
    return out
