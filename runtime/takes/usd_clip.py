"""Skeletal animation of USD files as clips, by USD's own library."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.rotation import Array

from . import surroundings, usd_scene
from .bvh_clip import Given
from .clip import Clip
from .scene_clip import MOST_FRAMES, MOST_JOINTS, Moving, Which, chosen, clip_of, even_rate, told


def read(path: Path, given: Given, which: Which, frame_time_s: float | None = None) -> Clip:
    """The clip of one body of a file."""
    stage = usd_scene.opened(path)
    from pxr import Usd, UsdGeom, UsdSkel

    cache = UsdSkel.Cache()
    found = {}
    for prim in stage.Traverse():
        if not prim.IsA(UsdSkel.Root):
            continue
        root = UsdSkel.Root(prim)
        cache.Populate(root, Usd.PrimDefaultPredicate)
        for skeleton in (p for p in Usd.PrimRange(prim) if p.IsA(UsdSkel.Skeleton)):
            query = cache.GetSkelQuery(UsdSkel.Skeleton(skeleton))
            if (
                query
                and query.GetAnimQuery()
                and query.GetAnimQuery().JointTransformsMightBeTimeVarying()
            ):
                name = prim.GetDisplayName() or prim.GetName()
                while name in found:
                    name += "'"
                found[name] = query
    if not found:
        raise UnderstudyError(
            f"{path.name} has no skeleton that moves: no SkelRoot with a SkelAnimation in it."
        )
    names = list(found)
    at = chosen(path.name, "body", "body", which.body, names, 0)
    query = found[names[at]]
    clips = [query.GetAnimQuery().GetPrim().GetName()]
    chosen(path.name, "animation", "clip", which.clip, clips, 0)
    codes = np.array(query.GetAnimQuery().GetJointTransformTimeSamples())
    a_second = float(stage.GetTimeCodesPerSecond())
    rate_hz, note = even_rate(codes / a_second)
    count = round((codes[-1] - codes[0]) / a_second * rate_hz) + 1
    joints = list(query.GetJointOrder())
    if not (len(joints) <= MOST_JOINTS and count <= MOST_FRAMES):
        raise UnderstudyError(
            f"{path.name} has {len(joints):,} joints and {count:,} frames; {MOST_JOINTS:,} and "
            f"{MOST_FRAMES:,} are the most."
        )
    prim = query.GetPrim()
    positions, rotations = np.empty((count, len(joints), 3)), np.empty((count, len(joints), 4))
    sampled = codes[0] + np.arange(count) * a_second / rate_hz
    for row, code in enumerate(sampled.tolist()):
        to_world = UsdGeom.Xformable(prim).ComputeLocalToWorldTransform(code)
        placed = np.array(query.ComputeJointSkelTransforms(code)) @ np.array(to_world)
        positions[row], rotations[row] = usd_scene.parts(placed)
    still = query.ComputeJointSkelTransforms(codes[0], True)
    rest_p, rest_r = usd_scene.parts(np.array(still) @ np.array(to_world))
    parents = np.array([query.GetTopology().GetParent(j) for j in range(len(joints))])
    said = query.GetSkeleton().GetJointNamesAttr().Get()
    plain = list(said) if said and len(said) == len(joints) else [j.split("/")[-1] for j in joints]
    unit_m = given.unit_m or float(UsdGeom.GetStageMetersPerUnit(stage))
    curves = usd_scene.face(query, sampled)
    around, more = surroundings.of(count, curves, usd_scene.things(stage, unit_m, sampled))
    body = Moving(
        tuple(plain), parents, rest_p, rest_r, positions, rotations, rate_hz,
        told("bodies", "body", names, at) + ([note] if note else []) + more, around=around,
    )  # fmt: skip
    up = given.up or str(UsdGeom.GetStageUpAxis(stage)).upper()
    return clip_of(path, _sorted(body), replace(given, unit_m=unit_m, up=up), frame_time_s)


def _sorted(body: Moving) -> Moving:
    """With one root: several get one more above them, where the skeleton stands."""
    roots = np.flatnonzero(body.parents < 0)
    if len(roots) == 1 and roots[0] == 0:
        return body

    def more(values: Array, first: Array) -> Array:
        return np.concatenate(
            [np.broadcast_to(first, (*values.shape[:-2], 1, len(first))), values], -2
        )

    zero, none = np.zeros(3), rotation.identity()
    return replace(
        body,
        names=("root", *body.names),
        parents=np.concatenate([[-1], body.parents + 1]),
        rest_p=more(body.rest_p, zero),
        rest_r=more(body.rest_r, none),
        positions=more(body.positions, zero),
        rotations=more(body.rotations, none),
    )
