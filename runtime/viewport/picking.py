"""Who is under the pointer."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .camera import Camera
from .cast import Placed

# A body is so thick around its bones, and is hit from so near on the screen however far it is.
THICK_M, NEAR_PX = 0.11, 7.0


def picked(placed: Iterable[Placed], camera: Camera, at_px: tuple[float, float]) -> str | None:
    """The nearest subject's name at a place of the picture, from its top left; None: nobody."""
    found: tuple[float, str] | None = None
    focal_px = 0.5 * camera.height / np.tan(0.5 * camera.fov_y_rad)
    for one in placed:
        parents = np.asarray(one.subject.skeleton.parents)
        seen, depth_m = camera.project(one.world_p)
        bones = np.flatnonzero(parents >= 0) if len(parents) > 1 else np.zeros(1, int)
        begin = parents[bones] if len(parents) > 1 else bones
        there = np.minimum(depth_m[bones], depth_m[begin]) > camera.near_m
        if not there.any():
            continue
        a, b = seen[begin[there]], seen[bones[there]]
        way, to = b - a, np.asarray(at_px) - a
        along = np.clip((to * way).sum(-1) / np.maximum((way * way).sum(-1), 1e-9), 0.0, 1.0)
        off_px = np.linalg.norm(to - along[:, None] * way, axis=-1)
        away_m = depth_m[begin[there]] + along * (depth_m[bones[there]] - depth_m[begin[there]])
        hits = off_px < np.maximum(THICK_M * focal_px / away_m, NEAR_PX)
        if hits.any() and (found is None or away_m[hits].min() < found[0]):
            found = float(away_m[hits].min()), one.subject.name
    return found[1] if found is not None else None
