"""What rides in a file that `understudy character` made: its recipe and its colliders.

asset.extras.understudy = {"version": 1, "recipe": {...}, "colliders": [...], "licence": "..."}
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.skeleton import Skeleton

from . import glb
from .character import Collider, Vec3

KEY, VERSION = "understudy", 1
MOST = 256


class _Collider(msgspec.Struct):
    joint: str
    at: Vec3
    radius_m: float
    tail: Vec3 | None = None


def recipe_table(path: Path) -> dict[str, Any]:
    """The recipe of a file, as it is written."""
    tree, _ = glb.read(path)
    asset = tree.get("asset") if isinstance(tree, dict) else None
    extras = asset.get("extras") if isinstance(asset, dict) else None
    ours = extras.get(KEY) if isinstance(extras, dict) else None
    table = ours.get("recipe") if isinstance(ours, dict) else None
    if not isinstance(table, dict):
        raise UnderstudyError(
            f"{path.name} has no recipe: `understudy character new` writes files that have one."
        )
    return table


def recipe_of(path: Path) -> dict[str, Any] | None:
    """The same; None for a file that has none."""
    if path.suffix.lower() != ".glb":
        return None
    try:
        return recipe_table(path)
    except UnderstudyError:
        return None


def colliders(extras: Any, skeleton: Skeleton) -> tuple[Collider, ...]:
    """The balls and capsules that ride in a made file; none where nothing is said."""
    ours = extras.get(KEY) if isinstance(extras, dict) else None
    said = ours.get("colliders") if isinstance(ours, dict) else None
    try:
        found = msgspec.convert(said or [], list[_Collider])
    except msgspec.ValidationError:
        return ()
    joints = {name: j for j, name in enumerate(skeleton.names)}
    return tuple(
        Collider(joints[one.joint], one.at, one.radius_m, one.tail)
        for one in found[:MOST]
        if one.joint in joints and 0.0 < one.radius_m < 10.0
    )
