"""A take as USD: UsdSkel bodies with blend shapes, cameras with lens, props, a sample a row.

Metres, +Y up, timeCodesPerSecond is the stage's rate and row 0 is time code 0. What USD has no word
for (timecode, slate, markers, cuts) is in the default prim's customData.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from understudy.runtime.core import distribution, rotation
from understudy.runtime.core.errors import Failure
from understudy.runtime.core.files import whole
from understudy.runtime.core.rotation import Array
from understudy.runtime.viewport.mesh.paint import colours

from . import take_body
from .take_motion import Motion, Rigid, Track, description, unique_names

# USD gives focal length and aperture in tenths of a scene unit, which is a metre here.
MM = 0.01


def ready() -> None:
    """Refuses where USD's library is not installed."""
    try:
        import pxr.UsdSkel  # noqa: F401
    except ImportError:
        raise Failure(distribution.lacking("pxr")) from None


def write(path: Path, motion: Motion) -> None:
    """Writes everything of a take into one file."""
    with whole(path) as part:
        part.unlink(missing_ok=True)
        _write(part, motion)


def _write(path: Path, motion: Motion) -> None:
    from pxr import Kind, Usd, UsdGeom

    stage = Usd.Stage.CreateNew(str(path))
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    stage.SetTimeCodesPerSecond(motion.rate_hz)
    stage.SetFramesPerSecond(motion.rate_hz)
    stage.SetStartTimeCode(0.0)
    stage.SetEndTimeCode(len(motion) - 1.0)
    root = UsdGeom.Xform.Define(stage, "/Take").GetPrim()
    Usd.ModelAPI(root).SetKind(Kind.Tokens.assembly)
    root.SetCustomDataByKey("understudy", _plain(description(motion)))
    stage.SetDefaultPrim(root)
    names = _Names()
    for name, track in zip(unique_names(motion), motion.tracks, strict=True):
        _subject(stage, names.of(name), motion, name, track)
    for one in motion.cameras:
        prim = UsdGeom.Camera.Define(stage, f"/Take/{names.of(one.name)}")
        _place(prim, motion, one)
        _lens(prim, motion, one)
    for one in motion.props:
        _place(UsdGeom.Xform.Define(stage, f"/Take/{names.of(one.name)}"), motion, one)
    stage.GetRootLayer().Save()


class _Names:
    """Names that a prim can have, each once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def of(self, name: str) -> str:
        from pxr import Sdf, Tf

        plain = name if Sdf.Path.IsValidIdentifier(name) else Tf.MakeValidIdentifier(name)
        unique, number = plain, 1
        while unique in self._taken:
            number += 1
            unique = f"{plain}_{number}"
        self._taken.add(unique)
        return unique


def _plain(value: Any) -> Any:
    """As customData can hold it: lists of tables by their number, an empty list not at all."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items() if one != []}
    if isinstance(value, list):
        return {f"n{number}": _plain(one) for number, one in enumerate(value)}
    return value


def _samples(attribute: Any, values: Iterable[Any]) -> None:
    for row, value in enumerate(values):
        attribute.Set(value, row)


def _absence(prim: Any, own: np.ndarray) -> None:
    """Who is not there is not seen; what is held over missing ticks is."""
    from pxr import UsdGeom

    if own.all():
        return
    visibility = UsdGeom.Imageable(prim).CreateVisibilityAttr()
    for row in np.flatnonzero(np.diff(own, prepend=~own[:1])):
        word = UsdGeom.Tokens.inherited if own[row] else UsdGeom.Tokens.invisible
        visibility.Set(word, int(row))


def _quaternions(q: Array) -> Any:
    """x y z w is how USD has them in memory."""
    from pxr import Vt

    return Vt.QuatfArray.FromNumpy(np.ascontiguousarray(q, np.float32))


def _subject(stage: Any, plain: str, motion: Motion, name: str, track: Track) -> None:
    from pxr import Gf, Usd, UsdGeom, UsdSkel, Vt

    skeleton, path = track.skeleton, f"/Take/{plain}"
    positions, rotations, own = motion.poses(track)
    rotations = rotation.continuous(rotations)
    root = UsdSkel.Root.Define(stage, path)
    root.GetPrim().SetDisplayName(name)
    Usd.ModelAPI(root.GetPrim()).SetKind("component")
    there = np.ones(len(motion), bool)
    for first, last in motion.absent(own):
        there[first : last + 1] = False
    _absence(root.GetPrim(), there)
    joints: list[str] = []
    unique = _Names()
    for joint, parent in zip(skeleton.names, skeleton.parents, strict=True):
        above = f"{joints[parent]}/" if parent >= 0 else ""
        joints.append(above + unique.of(joint))
    mesh, bind = take_body.mannequin(skeleton)

    rig = UsdSkel.Skeleton.Define(stage, f"{path}/{plain}_Skeleton")
    rig.CreateJointsAttr(joints)
    rig.CreateJointNamesAttr(list(skeleton.names))
    rig.CreateBindTransformsAttr([Gf.Matrix4d(m.T.tolist()) for m in bind])
    rest = np.tile(np.eye(4), (len(skeleton), 1, 1))
    rest[:, :3, :3] = rotation.to_matrix(skeleton.rest_rotations)
    rest[:, :3, 3] = skeleton.rest_positions
    rig.CreateRestTransformsAttr([Gf.Matrix4d(m.T.tolist()) for m in rest])
    moves = UsdSkel.Animation.Define(stage, f"{path}/{plain}_Animation")
    moves.CreateJointsAttr(joints)
    moves.CreateScalesAttr(Vt.Vec3hArray(len(joints), Gf.Vec3h(1.0)))
    floats = np.ascontiguousarray(positions, np.float32)
    _samples(moves.CreateTranslationsAttr(), map(Vt.Vec3fArray.FromNumpy, floats))
    _samples(moves.CreateRotationsAttr(), map(_quaternions, rotations))
    UsdSkel.BindingAPI.Apply(rig.GetPrim()).CreateAnimationSourceRel().AddTarget(moves.GetPath())

    body = _mesh(stage, f"{path}/{plain}_Body", rig, mesh.positions, mesh.triangles)
    body.CreateNormalsAttr(Vt.Vec3fArray.FromNumpy(np.asarray(mesh.normals, np.float32)))
    body.SetNormalsInterpolation(UsdGeom.Tokens.vertex)
    shade = UsdGeom.PrimvarsAPI(body).CreatePrimvar(
        "displayColor", _types().Color3fArray, UsdGeom.Tokens.vertex
    )
    shade.Set(Vt.Vec3fArray.FromNumpy(colours(mesh.positions, mesh.paint)))
    _bind(body, np.where(mesh.weights > 0.0, mesh.joints, 0), mesh.weights)
    if not (names := track.curve_names):
        return
    tokens = _Names()
    shapes = [tokens.of(curve) for curve in names]
    moves.CreateBlendShapesAttr(shapes)
    values = track.curves()[motion.rows(track)[0]].astype(np.float32)
    _samples(moves.CreateBlendShapeWeightsAttr(), map(Vt.FloatArray.FromNumpy, values))
    chart = take_body.chart(skeleton, bind, len(names))
    face = _mesh(stage, f"{path}/{plain}_Face", rig, chart.points, chart.triangles)
    face.CreateDoubleSidedAttr(True)
    binding = _bind(
        face, np.full((len(chart.points), 1), chart.joint), np.ones((len(chart.points), 1))
    )
    binding.CreateBlendShapesAttr(shapes)
    targets = binding.CreateBlendShapeTargetsRel()
    for k, (shape, rise) in enumerate(zip(shapes, chart.rise, strict=True)):
        blend = UsdSkel.BlendShape.Define(stage, f"{path}/{plain}_Face/{shape}")
        blend.GetPrim().SetDisplayName(names[k])
        blend.CreateOffsetsAttr(Vt.Vec3fArray.FromNumpy(rise.astype(np.float32)))
        blend.CreatePointIndicesAttr(list(range(4 * k, 4 * k + 4)))
        targets.AddTarget(blend.GetPath())


def _types() -> Any:
    from pxr import Sdf

    return Sdf.ValueTypeNames


def _mesh(stage: Any, path: str, rig: Any, points: Array, triangles: np.ndarray) -> Any:
    from pxr import UsdGeom, UsdSkel, Vt

    mesh = UsdGeom.Mesh.Define(stage, path)
    floats = np.ascontiguousarray(points, np.float32)
    mesh.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(floats))
    mesh.CreateFaceVertexCountsAttr(Vt.IntArray(len(triangles), 3))
    indices = np.ascontiguousarray(triangles.reshape(-1), np.int32)
    mesh.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(indices))
    mesh.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    mesh.CreateExtentAttr(Vt.Vec3fArray.FromNumpy(np.stack([floats.min(0), floats.max(0)])))
    UsdSkel.BindingAPI.Apply(mesh.GetPrim()).CreateSkeletonRel().AddTarget(rig.GetPath())
    return mesh


def _bind(mesh: Any, joints: np.ndarray, weights: Array) -> Any:
    """joints (V, N) and weights (V, N) that sum to 1."""
    from pxr import Gf, UsdSkel, Vt

    binding = UsdSkel.BindingAPI(mesh.GetPrim())
    binding.CreateGeomBindTransformAttr(Gf.Matrix4d(1.0))
    wide = joints.shape[1]
    indices = np.ascontiguousarray(joints.reshape(-1), np.int32)
    shares = np.ascontiguousarray(weights.reshape(-1), np.float32)
    binding.CreateJointIndicesPrimvar(False, wide).Set(Vt.IntArray.FromNumpy(indices))
    binding.CreateJointWeightsPrimvar(False, wide).Set(Vt.FloatArray.FromNumpy(shares))
    return binding


def _place(prim: Any, motion: Motion, one: Rigid) -> None:
    from pxr import Gf, UsdGeom

    positions, rotations, _ = motion.poses(one)
    prim.GetPrim().SetDisplayName(one.name)
    double = UsdGeom.XformOp.PrecisionDouble
    move, turn = prim.AddTranslateOp(), prim.AddOrientOp(double)
    _samples(move, (Gf.Vec3d(*p) for p in positions.tolist()))
    turns = rotation.normalize(rotation.continuous(rotations)).tolist()
    _samples(turn, (Gf.Quatd(w, x, y, z) for x, y, z, w in turns))


def _lens(prim: Any, motion: Motion, one: Rigid) -> None:
    from pxr import Gf

    lens = np.array(one.lens)[motion.rows(one)[0]]
    prim.CreateClippingRangeAttr(Gf.Vec2f(0.01, 10000.0))
    for attribute, values in (
        (prim.CreateFocalLengthAttr(), lens[:, 0] * MM),
        (prim.CreateHorizontalApertureAttr(), lens[:, 1] * MM),
        (prim.CreateVerticalApertureAttr(), lens[:, 2] * MM),
        (prim.CreateFocusDistanceAttr(), lens[:, 3]),
        (prim.CreateFStopAttr(), lens[:, 4]),
    ):
        if (values == values[0]).all():
            attribute.Set(float(values[0]))
        else:
            _samples(attribute, values.tolist())
