"""Clothes: MakeHuman's plain tights (CC0), cut into garments, smoothed and let out.

Lines are drawn on the base body, in metres: along the limbs from the shoulder and the hip, and up
from the floor of the base (the joints of `Body.points`).
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass, replace

import numpy as np

from understudy.runtime.core.rotation import Array

from . import pattern
from .body import Body
from .pattern import Pattern

SOLE_M = 0.022  # of a shoe, which lifts the body
OVERLAP_M = {"top": 0.02, "trousers": 0.03, "skirt": 0.03, "shoes": 0.008}  # of skin under an edge
NECK_M = 0.082  # how wide a neckline is, from its middle


@dataclass(frozen=True)
class Cut:
    """A garment: what of the tights it is of, and how far from the skin it hangs.

    sleeve, leg  metres down the limb; `hem` the height above the base's pelvis, of tops; `neck` how
    low the neckline is at the front; let_out_m at its ends beside off_m everywhere
    """

    name: str
    kind: str  # "top", "trousers", "shoes", "skirt"
    off_m: float
    sleeve: float = 0.0
    hem: float = 0.0
    neck: float = 0.0
    leg: float = 0.0
    let_out_m: float = 0.0
    rounds: int = 6
    tucked: bool = False


CUTS = {
    cut.name: cut
    for cut in (
        Cut("t-shirt", "top", 0.010, sleeve=0.17, hem=-0.07, let_out_m=0.014),
        Cut("v-neck", "top", 0.009, sleeve=0.15, hem=-0.06, neck=0.05, let_out_m=0.010),
        Cut("jumper", "top", 0.014, sleeve=0.42, hem=-0.08, let_out_m=0.006),
        Cut("shirt", "top", 0.011, sleeve=0.43, hem=-0.09, neck=0.03, let_out_m=0.008),
        Cut("vest", "top", 0.008, sleeve=0.03, hem=-0.05, neck=0.04, let_out_m=0.004),
        Cut("trousers", "trousers", 0.007, leg=0.793, let_out_m=0.016),
        Cut("jeans", "trousers", 0.006, leg=0.79, let_out_m=0.008),
        Cut("shorts", "trousers", 0.009, leg=0.34, let_out_m=0.022),
        Cut("skirt", "skirt", 0.010),
        Cut("shoes", "shoes", 0.010, rounds=4),
    )
}


def worn(names: tuple[str, ...]) -> tuple[Cut, ...]:
    """The cuts of these names; a top is tucked into a skirt."""
    cuts = [CUTS[name] for name in names]
    if any(cut.kind == "skirt" for cut in cuts):
        cuts = [
            replace(cut, hem=0.025, tucked=True, let_out_m=0.0) if cut.kind == "top" else cut
            for cut in cuts
        ]
    return tuple(cuts)


def _along(points: Array, line: Array) -> Array:
    """(N,) metres along a bent line (J, 3) where each point is nearest; beyond its ends too."""
    best, out, passed = np.full(len(points), np.inf), np.zeros(len(points)), 0.0
    for k, (a, b) in enumerate(itertools.pairwise(line)):
        long = float(np.linalg.norm(b - a))
        t = (points - a) @ (b - a) / long
        t = np.clip(t, -np.inf if k == 0 else 0.0, np.inf if k == len(line) - 2 else long)
        far = np.linalg.norm(points - a - t[:, None] * (b - a) / long, axis=1)
        out = np.where(far < best, passed + t, out)
        best = np.minimum(best, far)
        passed += long
    return out


@dataclass(frozen=True, eq=False)
class Lines:
    """Of every baked point (K,): metres down the arm and the leg, and how much it is of an arm."""

    arm: Array
    leg: Array
    up: Array
    front: Array
    aside: Array
    arm_long: float
    leg_long: float


@functools.cache
def lines(body: Body) -> Lines:
    """The base body's lines; a limb's metres are 0 where the trunk has the skin."""
    points = body.points[: body.count]
    side = np.where(points[:, 0] > 0.0, 1, 0)
    arm, leg = np.zeros(len(points)), np.zeros(len(points))
    names = body.words.names
    for letter, sign in (("l", 1), ("r", 0)):
        shoulder = [body.at(body.points, f"{n}_{letter}") for n in ("upperarm", "lowerarm", "hand")]
        hip = [body.at(body.points, f"{n}_{letter}") for n in ("thigh", "calf", "foot", "ball")]
        mine = side == sign
        arm[mine] = _along(points[mine], np.array(shoulder))
        leg[mine] = _along(points[mine], np.array(hip))
    arms = ("upperarm", "lowerarm", "hand", "index", "middle", "ring", "pinky", "thumb")
    legs = ("thigh", "calf", "foot", "ball")
    of_arm = np.array([name.startswith(arms) for name in names])
    of_leg = np.array([name.startswith(legs) for name in names])
    share_arm = (body.weights * of_arm[body.joints]).sum(1)
    share_leg = (body.weights * of_leg[body.joints]).sum(1)
    pelvis = body.at(body.points, "pelvis")
    spans = [[body.at(body.points, f"{n}_l") for n in chain] for chain in (
        ("upperarm", "lowerarm", "hand"), ("thigh", "calf", "foot"))]  # fmt: skip
    long = [sum(float(np.linalg.norm(b - a)) for a, b in itertools.pairwise(s)) for s in spans]
    return Lines(
        np.where(share_arm > 0.25, arm, np.minimum(arm, 0.0)),
        np.where(share_leg > 0.25, leg, np.minimum(leg, 0.0)),
        points[:, 1] - pelvis[1], points[:, 2] - pelvis[2], np.abs(points[:, 0]),
        long[0], long[1],
    )  # fmt: skip


def inside(body: Body, cut: Cut) -> Array:
    """(K,) metres that each baked point lies inside a garment's edges."""
    at = lines(body)
    if cut.kind == "top":
        # The neckline is a ring about the neck, and a V below it in front where it is low.
        ring = np.hypot(at.aside, 0.9 * (at.front - 0.012 - 0.25 * (0.5 - at.up))) - NECK_M
        low = np.interp(at.front, [-0.06, 0.05], [0.505, 0.45])
        neck = np.minimum(np.maximum(ring, low - at.up), 0.56 - at.up)
        if cut.neck > 0.0:
            vee = 0.85 * at.aside - 0.55 * (at.up - (0.455 - cut.neck))
            neck = np.minimum(neck, np.maximum(vee, 0.02 - at.front))
        return np.minimum(np.minimum(at.up - cut.hem, cut.sleeve - at.arm), neck)
    if cut.kind == "shoes":
        ankle = body.at(body.points, "foot_l")[1] - body.at(body.points, "pelvis")[1]
        return ankle + 0.03 - at.up
    waist = 0.03 - at.up
    if cut.kind == "skirt":
        return np.minimum(waist + 0.02, at.up + 0.45)
    return np.minimum(waist, cut.leg - at.leg)


@functools.cache
def cut_of(body: Body, cut: Cut) -> Pattern:
    group = "helper-skirt" if cut.kind == "skirt" else "helper-tights"
    flat = pattern.whole(body, [group])
    return pattern.cut(flat, flat.of(inside(body, cut)))


def tucked_m(body: Body, worn: tuple[Cut, ...]) -> Array:
    """(K,) how far skin is drawn in where it goes on under cloth, so that none comes through."""
    under = np.max([inside(body, cut) for cut in worn], axis=0)
    return 0.007 * np.clip(under / 0.012, 0.0, 1.0)


@functools.cache
def bare(body: Body, worn: tuple[Cut, ...], groups: tuple[str, ...]) -> Pattern:
    """The skin that clothes leave to be seen, and a little more."""
    flat = pattern.whole(body, groups)
    under = np.max([inside(body, cut) - OVERLAP_M[cut.kind] for cut in worn], axis=0)
    return pattern.kept(flat, flat.of(under) < 0.0)


def hang(body: Body, cut: Cut, points: Array) -> tuple[Array, np.ndarray, np.ndarray]:
    """A garment on a body: points (V, 3), triangles (F, 3), and of which cut point each is (V,).

    points  (K + J, 3) the body's
    """
    flat = cut_of(body, cut)
    at, triangles = flat.of(points), flat.triangles
    # UV seams of the tights are no seams here.
    _, one, place = np.unique(
        np.round(at, 6), axis=0, return_index=True, return_inverse=True
    )  # fmt: skip
    place = place.reshape(-1)
    at, joined = at[one], place[triangles]
    edge = pattern.rim(joined)
    rim = np.unique(edge)
    held = np.zeros(len(at), bool)
    held[rim] = True
    at = pattern.smoothed(at, joined, cut.rounds, held)
    at = pattern.along_rim(at, edge, 40)
    out = pattern.along_rim(pattern.normals(at, joined), edge, 40)
    limits = lines(body)
    pick = flat.of(np.stack([limits.arm, limits.leg, limits.up], 1))[one]
    end = np.zeros(len(at))
    if cut.kind == "top":
        end = np.clip(pick[:, 0] / max(cut.sleeve, 0.1), 0.0, 1.0)
        end = np.maximum(end, np.clip((0.12 - pick[:, 2]) / 0.2, 0.0, 1.0))
    elif cut.kind == "trousers":
        end = np.clip(pick[:, 1] / cut.leg, 0.0, 1.0)
    off = cut.off_m + cut.let_out_m * end
    if cut.kind == "trousers":  # close to the body where a top hangs over it
        off = off * np.clip(-0.05 - pick[:, 2], 0.0, 0.12) / 0.12
    elif cut.tucked:
        off = off * np.clip((pick[:, 2] - 0.03) / 0.1, 0.3, 1.0)
    at = at + out * off[:, None]
    if cut.kind == "shoes":
        at = _soled(at)
    # The edge is folded in, so that cloth has a thickness.
    inner = at[rim] - out[rim] * min(cut.off_m, 0.008)
    fold = np.full(len(at), -1)
    fold[rim] = len(at) + np.arange(len(rim))
    a, b = edge.T
    folded = np.concatenate([np.stack([b, a, fold[a]], 1), np.stack([b, fold[a], fold[b]], 1)])
    return (
        np.concatenate([at, inner]),
        np.concatenate([joined, folded]),
        np.concatenate([one, one[rim]]),
    )


def _soled(points: Array) -> Array:
    """A flat sole, thicker than the skin's distance; the floor is 0 there before the lift."""
    out = points.copy()
    low = np.clip((0.02 - out[:, 1]) / 0.02, 0.0, 1.0)
    out[:, 1] = np.where(out[:, 1] < 0.012, -SOLE_M, out[:, 1] - 0.3 * SOLE_M * low)
    return out
