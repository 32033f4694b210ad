"""Hair: the scalp's own skin grown out, or MakeHuman's long hair (CC0), behind a hairline."""

from __future__ import annotations

import functools

import numpy as np

from understudy.runtime.core.rotation import Array

from . import pattern
from .body import Body
from .pattern import Pattern

# thickness at the crown and at the sides, metres
STYLES: dict[str, tuple[float, float]] = {
    "bald": (0.0, 0.0),
    "buzz": (0.0, 0.0),
    "short": (0.014, 0.005),
    "crop": (0.024, 0.010),
    "full": (0.034, 0.024),
    "bun": (0.012, 0.010),
    "bob": (0.018, 0.016),
    "long": (0.018, 0.016),
}
HANGING_M = {"bob": 0.085, "long": 0.19}  # how far below the eyes


def line_m(points: Array, eye: Array) -> Array:
    """(N,) metres that points of the base head lie within the hair's line."""
    back = np.array([-0.22, -0.165, -0.13, -0.118, -0.108, -0.095, -0.08, -0.06, -0.03, 0.0, 0.05])
    line = np.array([-0.085, -0.085, -0.06, -0.02, 0.0, 0.002, -0.004, 0.03, 0.054, 0.062, 0.066])
    up, ahead = points[:, 1] - eye[1], points[:, 2] - eye[2]
    corner = 0.012 * np.exp(-(((np.abs(points[:, 0]) - 0.045) / 0.018) ** 2)) * (ahead > -0.05)
    return up - np.interp(ahead, back, line) - corner


@functools.cache
def cap(body: Body) -> Pattern:
    flat = pattern.whole(body, ["head"])
    eye = body.at(body.points, "eye_l")
    return pattern.cut(flat, flat.of(line_m(body.points[: body.count], eye)))


def grown(body: Body, style: str, points: Array) -> list[tuple[Array, Pattern]]:
    """Pieces of hair on a body of points (K + J, 3): where their points (V, 3) are."""
    top, sides = STYLES[style]
    if top == 0.0:
        return []
    out = [_cap(body, points, top, sides)]
    eye = 0.5 * (body.at(points, "eye_l") + body.at(points, "eye_r"))
    if style in HANGING_M:
        out.append(_curtain(body, out[0][0], eye, HANGING_M[style]))
    if style == "bun":
        out.append(_bun(body, out[0][0], eye))
    return out


def _free(body: Body, points: Array, rows: int, columns: int, uvs: Array) -> tuple[Array, Pattern]:
    """A grid of points (rows * columns, 3) that the head alone carries."""
    head = body.words.names.index("head")
    carried = np.flatnonzero((body.joints[:, 0] == head) & (body.weights[:, 0] > 0.99))[0]
    at = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = at[:-1, :-1], at[:-1, 1:], at[1:, :-1], at[1:, 1:]
    faces = np.concatenate([np.stack([a, c, b], -1), np.stack([b, c, d], -1)]).reshape(-1, 3)
    first = np.full(len(points), carried)
    return points, Pattern(first, first, np.zeros(len(points), np.float32), faces, uvs)


def _curtain(body: Body, cap_at: Array, eye: Array, below_m: float) -> tuple[Array, Pattern]:
    """Hair that hangs from the cap round the back, from temple to temple."""
    axis = eye + np.array([0.0, 0.0, -0.085])
    off = cap_at - axis
    turn = np.arctan2(off[:, 0], -off[:, 2])  # 0 is the back
    far = np.hypot(off[:, 0], off[:, 2])
    turns = np.linspace(-2.2, 2.2, 53)
    level = np.abs(off[:, 1] - 0.045) < 0.03
    wide = np.array([far[level & (np.abs(turn - t) < 0.3)].max(initial=0.07) for t in turns])
    for _ in range(3):
        wide[1:-1] = 0.5 * wide[1:-1] + 0.25 * (wide[:-2] + wide[2:])
    down = np.linspace(0.0, 1.0, 9)
    scale = np.interp(down, [0.0, 0.15, 0.5, 0.85, 1.0], [0.80, 1.03, 1.06, 1.04, 0.97])
    top = 0.092
    # Longer at the back than at the temples, and never quite even.
    long = (below_m + top) * (0.86 + 0.14 * np.cos(turns * 0.75))
    r = wide[None, :] * scale[:, None]
    r[:2] *= 1.0 - 0.16 * (np.abs(turns) / 2.2) ** 4  # comes out of the cap at the temples
    y = top - down[:, None] * long[None, :]
    at = np.stack([r * np.sin(turns), y, -r * np.cos(turns)], -1) + axis
    u, v = np.meshgrid(turns / 14.0, down, indexing="xy")
    uvs = np.stack([v.ravel() * 0.2, u.ravel()], 1)
    return _free(body, at.reshape(-1, 3), len(down), len(turns), uvs)


def _bun(body: Body, cap_at: Array, eye: Array) -> tuple[Array, Pattern]:
    back = cap_at[np.argmin(cap_at[:, 2] - 0.4 * cap_at[:, 1])]
    v, u = np.meshgrid(np.linspace(0, np.pi, 9), np.linspace(0, 2 * np.pi, 15), indexing="ij")
    way = np.stack([np.sin(v) * np.cos(u), np.cos(v), np.sin(v) * np.sin(u)], -1)
    at = back + np.array([0.0, 0.004, -0.014]) + way * (0.036, 0.032, 0.03)
    uvs = np.stack([u.ravel() / 6.0, v.ravel() / 3.0], 1)
    return _free(body, at.reshape(-1, 3)[:, :], 9, 15, uvs)


def _cap(body: Body, points: Array, top: float, sides: float) -> tuple[Array, Pattern]:
    """The scalp grown out, by how far at the crown and at the sides."""
    flat = cap(body)
    at = flat.of(points)
    base = flat.of(body.points)
    eye = body.at(body.points, "eye_l")
    _, one, place = np.unique(np.round(at, 6), axis=0, return_index=True, return_inverse=True)
    place = place.reshape(-1)
    joined = place[flat.triangles]
    out = pattern.normals(at[one], joined)
    out = pattern.smoothed(out, joined, 6)
    out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)
    within = np.clip(line_m(base, eye)[one] / 0.022, 0.0, 1.0)
    crown = np.clip((base[one, 1] - eye[1]) / 0.09, 0.0, 1.0)
    thick = (sides + (top - sides) * crown) * np.sqrt(within) + 0.0006
    held = np.zeros(len(one), bool)
    held[pattern.rim(joined)] = True
    return pattern.smoothed(at[one] + out * thick[:, None], joined, 3, held)[place], flat
