"""Faces, cameras and props of a USD file: blend shapes of a SkelAnimation, and prims that move."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from understudy.runtime.core import distribution, rotation
from understudy.runtime.core.errors import Failure, UnderstudyError
from understudy.runtime.core.files import shown
from understudy.runtime.core.rotation import Array

from .surroundings import Placed

# USD gives focal length and aperture in tenths of a scene unit.
TENTH = 0.1
MM = 1000.0


def opened(path: Path) -> Any:
    """The stage of a file; raises what is wrong with it in a sentence."""
    try:
        from pxr import Tf, Usd
    except ImportError:
        raise Failure(distribution.lacking("pxr")) from None
    if not path.is_file():
        raise UnderstudyError(f"{shown(path)} cannot be read: there is no such file.")
    try:
        return Usd.Stage.Open(str(path))
    except Tf.ErrorException as error:
        # Its last line ends in the reason, after where in USD's own source that came up.
        said = str(error).strip().splitlines()[-1].strip().rpartition(" : ")[2].strip("' ")
        raise UnderstudyError(
            f"{path.name} is no USD file that can be read: {said[:200]}"
        ) from None


def face(query: Any, codes: Array) -> list[tuple[str, Array]]:
    """Blend shape weights (T,) by name, of a skeleton's animation at time codes (T,)."""
    animation = query.GetAnimQuery()
    names = list(animation.GetBlendShapeOrder())
    if not names:
        return []
    values = np.zeros((len(codes), len(names)))
    for row, code in enumerate(codes):
        weights = animation.ComputeBlendShapeWeights(code)
        if weights is not None and len(weights) == len(names):
            values[row] = weights
    said = _said_names(query.GetPrim())
    return [(said.get(name, name), values[:, k]) for k, name in enumerate(names)]


def _said_names(skeleton: Any) -> dict[str, str]:
    """What blend shapes are called for people, where a file says so, by their tokens."""
    from pxr import Usd, UsdSkel

    found = {}
    root = UsdSkel.Root.Find(skeleton)
    for prim in Usd.PrimRange(root.GetPrim()) if root else ():
        if prim.IsA(UsdSkel.BlendShape) and prim.GetDisplayName():
            found[prim.GetName()] = prim.GetDisplayName()
    return found


def things(stage: Any, unit_m: float, codes: Array) -> list[Placed]:
    """Cameras, and prims that move by themselves and carry no body and no camera."""
    from pxr import Usd, UsdGeom, UsdSkel

    cameras, moving, carry = [], [], set()
    for prim in stage.Traverse(Usd.TraverseInstanceProxies()):
        if prim.IsA(UsdGeom.Camera):
            cameras.append(prim)
        elif (
            prim.IsA(UsdGeom.Xformable)
            and not UsdSkel.Root.Find(prim)
            and UsdGeom.Xformable(prim).TransformMightBeTimeVarying()
        ):
            moving.append(prim)
        if prim.IsA(UsdGeom.Camera) or prim.IsA(UsdSkel.Root):
            carry |= set(prim.GetPath().GetPrefixes()[:-1])
    props = [prim for prim in moving if prim.GetPath() not in carry]
    found = []
    for prim in (*cameras, *props):
        positions, rotations = _way(prim, codes)
        lens = _lens(UsdGeom.Camera(prim), unit_m, codes) if prim.IsA(UsdGeom.Camera) else None
        name = prim.GetDisplayName() or prim.GetName()
        found.append(Placed(name, positions, rotations, lens))
    return found


def _way(prim: Any, codes: Array) -> tuple[Array, Array]:
    """Where a prim is in the stage's world: positions (T, 3) and rotations (T, 4)."""
    from pxr import UsdGeom

    place = UsdGeom.Xformable(prim)
    rows = np.array([np.array(place.ComputeLocalToWorldTransform(code)) for code in codes])
    return parts(rows)


def parts(rows: Array) -> tuple[Array, Array]:
    """Positions (..., 3) and rotations (..., 4) of matrices for row vectors (..., 4, 4)."""
    m = np.swapaxes(rows, -1, -2)
    turns = m[..., :3, :3] / np.linalg.norm(m[..., :3, :3], axis=-2, keepdims=True)
    return m[..., :3, 3], rotation.from_matrix(turns)


def _lens(camera: Any, unit_m: float, codes: Array) -> Array:
    attributes = (
        (camera.GetFocalLengthAttr(), TENTH * unit_m * MM),
        (camera.GetHorizontalApertureAttr(), TENTH * unit_m * MM),
        (camera.GetVerticalApertureAttr(), TENTH * unit_m * MM),
        (camera.GetFocusDistanceAttr(), 1.0),
        (camera.GetFStopAttr(), 1.0),
    )
    lens = np.empty((len(codes), len(attributes)))
    for column, (attribute, scale) in enumerate(attributes):
        if attribute.ValueMightBeTimeVarying():
            lens[:, column] = [scale * float(attribute.Get(code)) for code in codes]
        else:
            lens[:, column] = scale * float(attribute.Get())
    return lens
