"""Skin weights: smooth along each chain of joints, and smooth between a limb and the torso."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from understudy.runtime.core.humanoid import roles
from understudy.runtime.core.rotation import Array, normalize
from understudy.runtime.core.skeleton import Skeleton

from .anatomy import SIDES, Landmarks, top_joint


@dataclass(frozen=True)
class Chain:
    """Joints from the body outward. A point passes from one to the next at a plane.

    planes  (K, 3) a point on each plane, normals (K, 3) outward, half_m (K,) half the blend width
    """

    joints: tuple[int, ...]
    planes: Array
    normals: Array
    half_m: Array

    def weights(self, points: Array) -> Array:
        """(N, K) shares that sum to 1: being past a plane, and not yet past the next."""
        t = np.einsum("nkc,kc->nk", points[:, None] - self.planes[None], self.normals)
        past = np.clip(0.5 + 0.5 * t / self.half_m, 0.0, 1.0)
        past = past * past * (3.0 - 2.0 * past)
        past[:, 0] = 1.0
        past = np.cumprod(past, axis=1)
        after = np.concatenate([past[:, 1:], np.zeros((len(points), 1))], axis=1)
        return past - after


def chains(skeleton: Skeleton, mark: Landmarks, world_p: Array) -> list[Chain]:
    """Torso, left arm, right arm, left leg, right leg, in the order of `anatomy.groups`."""
    role, s = roles(skeleton), mark.s
    up = np.array([0.0, 1.0, 0.0])
    crown = top_joint(role)
    assert crown is not None  # `landmarks` has asked for one
    spine, j = [crown], int(skeleton.parents[crown])
    lowest = mark["hip_line"][1] + 0.03 * s
    while j >= 0 and j != role["hips"] and world_p[j, 1] > lowest:
        spine.append(j)
        j = int(skeleton.parents[j])
    torso = [role["hips"], *spine[::-1]]
    planes = world_p[torso].copy()
    planes[-1] = mark["skull"] + np.array([0.0, 0.01, -0.01]) * s
    half = np.full(len(torso), 0.06 * s)
    half[-1] = 0.028 * s
    out = [Chain(tuple(torso), planes, np.tile(up, (len(torso), 1)), half)]

    for side, sign in SIDES:
        top, elbow, wrist = (mark[f"{side}_{n}"] for n in ("upper_arm", "lower_arm", "hand"))
        upper, fore = normalize(elbow - top), mark[f"{side}_along"]
        rows = [
            (f"{side}_upper_arm", top, normalize(upper + np.array([sign, 0.0, 0.0])), 0.06),
            (f"{side}_lower_arm", elbow, normalize(upper + fore), 0.042),
            (f"{side}_hand", wrist, fore, 0.03),
        ]
        if f"{side}_shoulder" in role:
            rows.insert(0, (f"{side}_shoulder", top, upper, 0.05))
        out.append(_chain(role, rows, s))
    for side, _ in SIDES:
        knee, ankle, ball = (mark[f"{side}_{n}"] for n in ("lower_leg", "foot", "toes"))
        ahead = mark[f"{side}_ahead"]
        rows = [
            (f"{side}_upper_leg", mark[f"{side}_upper_leg"], -up, 0.05),
            (f"{side}_lower_leg", knee, -up, 0.05),
            (f"{side}_foot", ankle + up * 0.008 * s, normalize(0.3 * ahead - up), 0.03),
        ]
        if f"{side}_toes" in role:
            rows.append((f"{side}_toes", ball - ahead * 0.008 * s, ahead, 0.022))
        out.append(_chain(role, rows, s))
    return out


def _chain(role: dict[str, int], rows: list[tuple[str, Array, Array, float]], s: float) -> Chain:
    names, planes, normals, half = zip(*rows, strict=True)
    return Chain(
        tuple(role[n] for n in names),
        np.array(planes),
        np.array(normals),
        np.array(half) * s,
    )


def bind(
    chain_list: list[Chain], distances: list[Array], points: Array, joints: int, width_m: float
) -> tuple[Array, Array]:
    """Four joints (N, 4) uint16 and weights (N, 4) for points (N, 3) of the bind pose.

    distances  one (N,) per chain, to its group's surface: a point near two groups belongs to both,
               over width_m; left and right limbs never share a point.
    """
    d = np.stack(distances, axis=1)
    share = np.exp(-np.clip(d - d.min(axis=1, keepdims=True), 0.0, 0.5) / width_m)
    for left, right in ((1, 2), (3, 4)):
        if right < d.shape[1]:
            lose_left = d[:, left] > d[:, right]
            share[lose_left, left] = 0.0
            share[~lose_left, right] = 0.0
    share /= share.sum(axis=1, keepdims=True)
    full = np.zeros((len(points), joints))
    for c, chain in enumerate(chain_list):
        weights = chain.weights(points) * share[:, c : c + 1]
        for k, joint in enumerate(chain.joints):
            full[:, joint] += weights[:, k]
    if joints < 4:
        full = np.pad(full, ((0, 0), (0, 4 - joints)))
    best = np.argsort(-full, axis=1, kind="stable")[:, :4]
    weights = np.take_along_axis(full, best, axis=1)
    weights[weights < 1e-3] = 0.0
    weights /= weights.sum(axis=1, keepdims=True)
    best = np.where(weights > 0.0, best, best[:, :1])
    return best.astype(np.uint16), weights.astype(np.float32)
