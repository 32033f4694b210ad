"""What a body measures, by points that are the same on every body. Metres, as it stands."""

from __future__ import annotations

import functools

import numpy as np

from understudy.runtime.core.rotation import Array

from . import pattern
from .body import Body
from .clothes import lines

# girth -> how high above the base's pelvis the tape lies, or how far down which limb.
_TRUNK = {"chest": 0.30, "waist": 0.115, "hips": -0.035}
_LIMB = {"upper arm": ("arm", 0.12), "thigh": ("leg", 0.17), "calf": ("leg", 0.54)}


@functools.cache
def _rings(body: Body) -> dict[str, tuple[np.ndarray, np.ndarray, Array]]:
    """girth -> two baked points and a share of the second, in order round the body."""
    at = lines(body)
    flat = pattern.whole(body, ["helper-tights"])
    base = body.points[: body.count]
    out = {}
    for name, high in _TRUNK.items():
        away = np.where(at.arm > 0.0, 1.0, at.up - high)
        out[name] = _ring(flat, flat.of(away), base, np.array([0, 2]))
    for name, (limb, far) in _LIMB.items():
        along = at.arm if limb == "arm" else at.leg
        away = np.where((along > 0.01) & (base[:, 0] > 0), along - far, -1.0)
        out[name] = _ring(flat, flat.of(away), base, None)
    return out


def _ring(flat, away: Array, base: Array, axes) -> tuple[np.ndarray, np.ndarray, Array]:
    triangles = flat.triangles
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    edges = np.unique(np.sort(edges, 1), axis=0)
    a, b = edges.T
    crossing = (away[a] > 0) != (away[b] > 0)
    crossing &= np.abs(away[a] - away[b]) < 0.2  # no step at a limb's end
    a, b = a[crossing], b[crossing]
    share = away[a] / (away[a] - away[b])
    points = base[flat.first[a]] * (1 - share[:, None]) + base[flat.first[b]] * share[:, None]
    middle = points.mean(0)
    if axes is None:  # across the limb
        _, _, v = np.linalg.svd(points - middle)
        plane = (points - middle) @ v[:2].T
    else:
        plane = (points - middle)[:, axes]
    order = np.argsort(np.arctan2(plane[:, 1], plane[:, 0]))
    return flat.first[a][order], flat.first[b][order], share[order]


@functools.cache
def _shoulder(body: Body) -> int:
    """The point of the upper arm that is farthest aside."""
    at = lines(body)
    near = np.flatnonzero((at.arm > 0.0) & (at.arm < 0.06) & (body.points[: body.count, 0] > 0))
    near = near[near < body.quads["helper-tongue"].min()]
    return int(near[np.argmax(body.points[near, 0])])


NAMES = ("height", "shoulders", "chest", "waist", "hips", "upper arm", "thigh", "calf",
         "upper arm length", "forearm length", "hand length", "upper leg length",
         "lower leg length", "foot length", "trunk length", "neck length",
         "head height")  # fmt: skip


def of(body: Body, points: Array) -> dict[str, float]:
    """name -> metres, of a body's points (K + J, 3)."""

    def far(a: str, b: str) -> float:
        return float(np.linalg.norm(body.at(points, a) - body.at(points, b)))

    head, foot = points[_rows(body, "head")], points[_rows(body, "foot_l")]
    out = {
        "height": float(head[:, 1].max() - foot[:, 1].min()),
        "shoulders": 2.0 * float(points[_shoulder(body), 0]),
    }
    for name, (a, b, share) in _rings(body).items():
        ring = points[a] * (1 - share[:, None]) + points[b] * share[:, None]
        out[name] = float(np.linalg.norm(ring - np.roll(ring, 1, 0), axis=1).sum())
    out |= {
        "upper arm length": far("upperarm_l", "lowerarm_l"),
        "forearm length": far("lowerarm_l", "hand_l"),
        "hand length": far("hand_l", "middle_03_l_end"),
        "upper leg length": far("thigh_l", "calf_l"),
        "lower leg length": far("calf_l", "foot_l"),
        "foot length": float(np.ptp(foot[:, 2])),
        "trunk length": far("pelvis", "neck_01"),
        "neck length": far("neck_01", "head"),
        "head height": float(head[:, 1].max() - body.at(points, "head")[1]),
    }
    return out


@functools.cache
def _rows(body: Body, group: str) -> np.ndarray:
    return body.rows(group)
