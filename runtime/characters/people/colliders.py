"""Capsules along a made body's limbs and balls in its trunk, as thick as its skin."""

from __future__ import annotations

from typing import Any

import numpy as np

from understudy.runtime.core.rotation import Array

from .body import Body

# joint -> the joint at the capsule's other end, or none for a ball.
_LIMBS = {"upperarm": "lowerarm", "lowerarm": "hand", "thigh": "calf", "calf": "foot"}
_TRUNK = {"pelvis": "spine_01", "spine_02": "spine_03", "spine_03": "neck_01", "head": ""}


def of(body: Body, points: Array, joints: Array) -> list[dict[str, Any]]:
    """Each by its joint: {"joint", "at", "tail", "radius_m"} in the joint's own frame."""
    names = body.words.names
    wanted = dict(_TRUNK)
    for side in "lr":
        wanted |= {f"{a}_{side}": f"{b}_{side}" for a, b in _LIMBS.items()}
    skin = points[np.unique(np.concatenate([body.rows("trunk"), body.rows("head")]))]
    out = []
    for name, to in wanted.items():
        at = body.at(points, name)
        tail = body.at(points, to) if to else at + np.array([0.0, 0.09, 0.03])
        start = at if to else tail
        way = tail - start
        long2 = max(float(way @ way), 1e-12)
        t = (skin - start) @ way / long2
        near = (t > 0.2) & (t < 0.8) if to else np.ones(len(skin), bool)
        far = np.linalg.norm(skin[near] - start - np.clip(t[near], 0, 1)[:, None] * way, axis=1)
        close = far[far < 0.22] if to else far[far < 0.13]
        radius = float(np.quantile(close, 0.3 if name.startswith(("spine", "pelvis")) else 0.4))
        j = names.index(name)
        one: dict[str, Any] = {
            "joint": name,
            "at": _rounded(start - at),
            "radius_m": round(radius, 4),
        }
        if to and j < len(joints):
            one["tail"] = _rounded(tail - at)
        out.append(one)
    return out


def _rounded(values: Array) -> list[float]:
    return [round(float(x), 4) for x in np.asarray(values)]
