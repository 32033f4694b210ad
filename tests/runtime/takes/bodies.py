"""A synthetic body in any axes, unit and names, as a BVH file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER, roles
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.takes.placement import turn_of

ROLE = roles(PERFORMER)
ORDER = "ZXY"


def stance(frames: int = 30, travel_m: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """The performer with its arms down and an elbow bent, standing or walking along +Z."""
    positions = np.repeat(PERFORMER.rest_positions[None], frames, axis=0)
    positions[:, 0, 2] += np.linspace(0.0, travel_m, frames)
    rotations = rotation.identity((frames, len(PERFORMER)))
    swing = 0.35 * np.sin(np.linspace(0.0, 12.0, frames)) * (travel_m > 0.0)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        rotations[:, ROLE[f"{side}_upper_arm"]] = rotation.from_axis_angle((0, 0, 1), -1.4 * sign)
        rotations[:, ROLE[f"{side}_lower_arm"]] = rotation.from_axis_angle((0, 1, 0), -1.0 * sign)
        leg = rotation.from_axis_angle((1.0, 0.0, 0.0), swing * sign)
        rotations[:, ROLE[f"{side}_upper_leg"]] = leg
    return positions, rotations


def write_bvh(
    path: Path,
    positions: np.ndarray,
    rotations: np.ndarray,
    skeleton: Skeleton = PERFORMER,
    *,
    unit_m: float = 0.01,
    motion_up: str = "Y",
    rest_up: str = "Y",
    root_unit_m: float | None = None,
    origin_m: tuple[float, float, float] = (0.0, 0.0, 0.0),
    names: tuple[str, ...] | None = None,
) -> Path:
    """Writes motion (T, J, ...) in metres, +Y up, as a file of other axes and units.

    rest_up turns the pose of zero angles, motion_up the world.
    """
    names = names or skeleton.names
    out = rotation.conjugate(turn_of(motion_up))
    lay = rotation.conjugate(turn_of(rest_up))
    # With every joint's own axes turned by `lay`, offsets stand along rest_up.
    local = rotation.multiply(rotation.multiply(lay, rotations), rotation.conjugate(lay))
    local[:, 0] = rotation.multiply(
        rotation.multiply(out, rotations[:, 0]), rotation.conjugate(lay)
    )
    offsets = rotation.rotate(lay, skeleton.rest_positions) / unit_m
    tips = rotation.rotate(lay, skeleton.tips) / unit_m
    offsets[0] = 0.0
    root = rotation.rotate(out, positions[:, 0] + np.array(origin_m)) / (root_unit_m or unit_m)
    lines = ["HIERARCHY"]

    def joint(j: int, depth: int) -> None:
        tab = "\t" * depth
        place = "Xposition Yposition Zposition " if j == 0 else ""
        count = 6 if j == 0 else 3
        lines.append(f"{tab}{'ROOT' if j == 0 else 'JOINT'} {names[j]}")
        lines.append(tab + "{")
        lines.append(f"{tab}\tOFFSET " + " ".join(f"{v:.6f}" for v in offsets[j]))
        lines.append(f"{tab}\tCHANNELS {count} {place}Zrotation Xrotation Yrotation")
        for child in skeleton.children(j):
            joint(child, depth + 1)
        if not skeleton.children(j):
            end = np.nan_to_num(tips[j])
            lines.append(f"{tab}\tEnd Site")
            lines.append(f"{tab}\t" + "{")
            lines.append(f"{tab}\t\tOFFSET " + " ".join(f"{v:.6f}" for v in end))
            lines.append(f"{tab}\t" + "}")
        lines.append(tab + "}")
        order.append(j)

    order: list[int] = []
    joint(0, 0)
    walk = []
    stack = [0]
    while stack:
        j = stack.pop()
        walk.append(j)
        stack += skeleton.children(j)[::-1]
    angles = np.rad2deg(rotation.to_euler(local, ORDER))
    values = np.concatenate([root, *(angles[:, j] for j in walk)], axis=1)
    lines += ["MOTION", f"Frames: {len(values)}", "Frame Time: 0.033333"]
    lines += [" ".join(f"{v:.6f}" for v in row) for row in values]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
