"""A set of a USD stage: its meshes where they stand, instances and all, and its lamps."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from understudy.runtime.characters.character import Character, Mesh, Part
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.takes import usd_scene

from . import polygons
from .scenery import MOST_LAMPS, Lamp, Scenery
from .set_file import floor_of
from .usd_surface import Surfaces

MOST_TRIANGLES = 4_000_000
NO_REACH_M = 25.0
# What a lamp of ours gives at 1 m for one of theirs: nits over a square metre, by the eye.
NITS = 40.0
USUAL = ("st", "UVMap", "map1")


def read(path: Path) -> Scenery:
    """The set that a file is, as it stands at its first moment."""
    from pxr import UsdGeom

    stage = usd_scene.opened(path)
    unit_m = float(UsdGeom.GetStageMetersPerUnit(stage))
    to_ours = np.eye(4) * [unit_m, unit_m, unit_m, 1.0]
    if UsdGeom.GetStageUpAxis(stage) == UsdGeom.Tokens.z:
        to_ours = to_ours @ [[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]]
    found = _Found(stage, to_ours)
    for prim in stage.GetPseudoRoot().GetChildren():
        found.walk(prim, None)
    if not found.corners:
        raise UnderstudyError(f"{path.name} shows nothing: it has no mesh.")
    body = found.character(path.stem)
    notes = list(body.notes)
    if found.suns:
        notes.append("Its sun is not read: --sun says where it stands.")
    lamps = sorted(found.lamps, key=lambda one: -max(one.colour) * one.reach_m)
    if len(lamps) > MOST_LAMPS:
        notes.append(f"It has {len(lamps)} lamps: the {MOST_LAMPS} strongest are lit.")
    lamps = lamps[:MOST_LAMPS]
    return Scenery(path.stem, body, tuple(lamps), floor_of(body), notes=tuple(notes))


class _Found:
    """What was come across on the way through a stage. Matrices (4, 4) are for row vectors."""

    def __init__(self, stage: Any, to_ours: Array) -> None:
        from pxr import Usd, UsdGeom

        self._stage, self._to_ours = stage, to_ours
        start = stage.GetStartTimeCode()
        self._time = Usd.TimeCode(start) if stage.HasAuthoredTimeCodeRange() else Usd.TimeCode(0)
        self._cache = UsdGeom.XformCache(self._time)
        self.surfaces = Surfaces()
        # By material: corners (N, 3, 11) of triangles: place, normal, picture's place, colour.
        self.corners: dict[int, list[Array]] = {}
        self.lamps: list[Lamp] = []
        self.suns = 0
        self._count = 0
        self._unread: dict[str, None] = {}

    def walk(self, prim: Any, placed: Array | None) -> None:
        """A prim and what hangs on it. placed: where an instancer puts it, from its own frame."""
        from pxr import Usd, UsdGeom, UsdLux

        if not prim.IsActive() or prim.IsAbstract():
            return
        if prim.IsA(UsdGeom.Imageable):
            shown = UsdGeom.Imageable(prim)
            if shown.GetVisibilityAttr().Get(self._time) == UsdGeom.Tokens.invisible:
                return
            if shown.ComputePurpose() in (UsdGeom.Tokens.proxy, UsdGeom.Tokens.guide):
                return
        own = np.array(self._cache.GetLocalToWorldTransform(prim))
        world = own if placed is None else own @ placed
        if prim.IsA(UsdGeom.PointInstancer):
            self._instances(UsdGeom.PointInstancer(prim), world)
            return
        if prim.IsA(UsdGeom.Mesh):
            self._mesh(UsdGeom.Mesh(prim), world)
        elif prim.IsA(UsdGeom.Gprim):
            self._solid(prim, world)
        elif prim.HasAPI(UsdLux.LightAPI):
            self._light(prim, world)
        for child in prim.GetFilteredChildren(Usd.TraverseInstanceProxies()):
            self.walk(child, placed)

    def _instances(self, instancer: Any, world: Array) -> None:
        indices = np.array(instancer.GetProtoIndicesAttr().Get(self._time) or [], int)
        matrices = instancer.ComputeInstanceTransformsAtTime(
            self._time, self._time, instancer.IncludeProtoXform
        )
        prototypes = instancer.GetPrototypesRel().GetForwardedTargets()
        for index, matrix in zip(indices.tolist(), matrices, strict=False):
            if not 0 <= index < len(prototypes):
                continue
            prototype = self._stage.GetPrimAtPath(prototypes[index])
            if prototype:
                # Its own place is in the instance's already.
                out = np.linalg.inv(np.array(self._cache.GetLocalToWorldTransform(prototype)))
                self.walk(prototype, out @ np.array(matrix) @ world)

    def _add(self, material: int, corners: Array, world: Array, flip: bool) -> None:
        """Corners (N, 3, 11) in a frame that `world` takes to the stage's."""
        self._count += len(corners)
        if self._count > MOST_TRIANGLES:
            raise UnderstudyError(
                f"The set has more than the {MOST_TRIANGLES:,} triangles that can be drawn."
            )
        m = world @ self._to_ours.T
        out = corners.copy()
        out[..., :3] = corners[..., :3] @ m[:3, :3] + m[3, :3]
        out[..., 3:6] = corners[..., 3:6] @ np.linalg.inv(m[:3, :3]).T
        long = np.linalg.norm(out[..., 3:6], axis=-1, keepdims=True)
        out[..., 3:6] /= np.maximum(long, 1e-12)
        if flip != (np.linalg.det(m[:3, :3]) < 0.0):
            out = out[:, ::-1]
        self.corners.setdefault(material, []).append(out)

    def _mesh(self, mesh: Any, world: Array) -> None:
        from pxr import UsdGeom

        prim = mesh.GetPrim()
        points = polygons.triples(mesh.GetPointsAttr().Get(self._time))
        counts = np.array(mesh.GetFaceVertexCountsAttr().Get(self._time) or [], int)
        indices = np.array(mesh.GetFaceVertexIndicesAttr().Get(self._time) or [], int)
        sound = len(points) and len(indices) and counts.sum() == len(indices)
        if not sound or indices.min() < 0 or indices.max() >= len(points):
            if len(points):
                self._unread[f"The mesh {prim.GetName()} is damaged and left out."] = None
            return
        face, corner = polygons.fan(counts)
        if not len(face):
            return
        flip = mesh.GetOrientationAttr().Get() == UsdGeom.Tokens.leftHanded
        out = np.zeros((len(face), 3, 11))
        out[..., :3] = points[indices[corner]]
        api = UsdGeom.PrimvarsAPI(prim)
        normals = self._normals(mesh, api, indices, face, corner)
        smooth = str(mesh.GetSubdivisionSchemeAttr().Get()) != "none"
        out[..., 3:6] = (
            normals if normals is not None else polygons.made(out, indices[corner], smooth, flip)
        )

        @functools.cache
        def lies(name: str) -> Array | None:
            """Where pictures lie, (F, 3, 2), by a primvar, or by the usual one."""
            return self._varying(api, (name, *USUAL), indices, face, corner, 2)

        colour = self._varying(api, ("displayColor",), indices, face, corner, 3)
        double = bool(mesh.GetDoubleSidedAttr().Get())
        done = np.zeros(len(counts), bool)
        for subset in UsdGeom.Subset.GetAllGeomSubsets(mesh):
            mine = np.zeros(len(counts), bool)
            some = np.array(subset.GetIndicesAttr().Get(self._time) or [], int)
            mine[some[(some >= 0) & (some < len(counts))]] = True
            self._paint(out, subset.GetPrim(), double, colour, mine[face], world, flip, lies)
            done |= mine
        if not done.all():
            self._paint(out, prim, double, colour, ~done[face], world, flip, lies)

    def _paint(
        self, corners: Array, prim: Any, double: bool, colour: Array | None, mine: np.ndarray,
        world: Array, flip: bool, lies: Callable[[str], Array | None] = lambda _: None,
    ) -> None:  # fmt: skip
        """Triangles `mine` in the surface of a prim; displayColor where it has none."""
        row = self.surfaces.row(prim, double)
        some = corners[mine]
        if (st := lies(self.surfaces.lies_by.get(row, ""))) is not None:
            some[..., 6], some[..., 7] = st[mine, :, 0], 1.0 - st[mine, :, 1]
        plain = not self.surfaces.made[row].name.startswith("/")
        some[..., 8:] = colour[mine] if plain and colour is not None else 0.5 if plain else 1.0
        self._add(row, some, world, flip)

    def _normals(
        self, mesh: Any, api: Any, indices: np.ndarray, face: np.ndarray, corner: np.ndarray
    ) -> Array | None:
        found = self._varying(api, ("normals",), indices, face, corner, 3)
        if found is not None:
            return found
        values = polygons.triples(mesh.GetNormalsAttr().Get(self._time))
        return polygons.spread(values, str(mesh.GetNormalsInterpolation()), indices, face, corner)

    def _varying(
        self,
        api: Any,
        names: tuple[str, ...],
        indices: Array,
        face: Array,
        corner: Array,
        width: int,
    ) -> Array | None:
        """The first primvar that there is of these names, at the corners (F, 3, width)."""
        for name in names:
            primvar = api.FindPrimvarWithInheritance(name)
            if not (primvar and primvar.HasValue()):
                continue
            values = np.array(primvar.ComputeFlattened(self._time), float)
            if values.ndim != 2 or values.shape[1] != width:
                continue
            how = str(primvar.GetInterpolation())
            if (out := polygons.spread(values, how, indices, face, corner)) is not None:
                return out
        return None

    def _solid(self, prim: Any, world: Array) -> None:
        """Cubes, balls and tubes that a stage names and does not model."""
        from pxr import UsdGeom

        corners = None
        if prim.IsA(UsdGeom.Cube):
            size = float(UsdGeom.Cube(prim).GetSizeAttr().Get(self._time))
            corners = polygons.box(0.5 * size)
        elif prim.IsA(UsdGeom.Sphere):
            radius = float(UsdGeom.Sphere(prim).GetRadiusAttr().Get(self._time))
            lat = np.linspace(-0.5 * np.pi, 0.5 * np.pi, polygons.SIDES // 2 + 1)
            corners = polygons.turned(radius * np.cos(lat), radius * np.sin(lat))
        elif prim.IsA(UsdGeom.Cylinder) or prim.IsA(UsdGeom.Cone):
            solid = UsdGeom.Cylinder(prim) if prim.IsA(UsdGeom.Cylinder) else UsdGeom.Cone(prim)
            radius = float(solid.GetRadiusAttr().Get(self._time))
            half = 0.5 * float(solid.GetHeightAttr().Get(self._time))
            top = radius if prim.IsA(UsdGeom.Cylinder) else 0.0
            corners = polygons.turned(
                np.array([0, radius, top, 0]), np.array([-half, -half, half, half])
            )
            axis = str(solid.GetAxisAttr().Get())
            corners = polygons.along(corners, axis)
        elif prim.IsA(UsdGeom.Capsule):
            solid = UsdGeom.Capsule(prim)
            radius = float(solid.GetRadiusAttr().Get(self._time))
            half = 0.5 * float(solid.GetHeightAttr().Get(self._time))
            lat = np.linspace(-0.5 * np.pi, 0.5 * np.pi, polygons.SIDES // 2 + 2)
            height = radius * np.sin(lat) + np.where(lat < 0.0, -half, half)
            corners = polygons.along(
                polygons.turned(radius * np.cos(lat), height), str(solid.GetAxisAttr().Get())
            )
        elif prim.IsA(UsdGeom.Plane):
            plane = UsdGeom.Plane(prim)
            x = 0.5 * float(plane.GetWidthAttr().Get(self._time))
            y = 0.5 * float(plane.GetLengthAttr().Get(self._time))
            square = np.array([[-x, -y, 0.0], [x, -y, 0.0], [x, y, 0.0], [-x, y, 0.0]])
            corners = polygons.along(square[[[0, 1, 2], [0, 2, 3]]], str(plane.GetAxisAttr().Get()))
        if corners is None:
            self._unread[f"{prim.GetTypeName()} prims are not drawn."] = None
            return
        from_api = UsdGeom.PrimvarsAPI(prim).FindPrimvarWithInheritance("displayColor")
        said = from_api.ComputeFlattened(self._time) if from_api and from_api.HasValue() else None
        out = np.zeros((len(corners), 3, 11))
        out[..., :3] = corners
        out[..., 3:6] = polygons.made(out, None, False, False)
        colour = None
        if said is not None and len(said):
            colour = np.broadcast_to(np.array(said[0], float), (len(out), 3, 3))
        self._paint(out, prim, False, colour, np.ones(len(out), bool), world, False)

    def _light(self, prim: Any, world: Array) -> None:
        from pxr import UsdLux

        if prim.IsA(UsdLux.DistantLight) or prim.IsA(UsdLux.DomeLight):
            self.suns += prim.IsA(UsdLux.DistantLight)
            return
        api = UsdLux.LightAPI(prim)
        m = world @ self._to_ours.T
        strength = float(api.GetIntensityAttr().Get(self._time))
        strength *= 2.0 ** float(api.GetExposureAttr().Get(self._time))
        if not api.GetNormalizeAttr().Get(self._time):
            strength *= _area(prim, self._time) * abs(np.linalg.det(m[:3, :3])) ** (2.0 / 3.0)
        tone = np.array(api.GetColorAttr().Get(self._time), float)
        red, green, blue = np.clip(strength / NITS * tone, 0.0, 1e4).tolist()
        x, y, z = m[3, :3].tolist()
        shaping = UsdLux.ShapingAPI(prim)
        angle = shaping.GetShapingConeAngleAttr().Get(self._time) if shaping else None
        flat = prim.IsA(UsdLux.RectLight) or prim.IsA(UsdLux.DiskLight)
        if angle is None or angle >= 90.0:
            if not flat:
                self.lamps.append(Lamp((x, y, z), (red, green, blue), NO_REACH_M))
                return
            angle = 85.0
        way = -m[2, :3] / max(float(np.linalg.norm(m[2, :3])), 1e-12)
        a, b, c = way.tolist()
        outer = float(np.cos(np.radians(angle)))
        sharp = 1.0 / max((1.0 - outer) * (0.8 if flat else 0.4), 1e-3)
        self.lamps.append(Lamp((x, y, z), (red, green, blue), NO_REACH_M, (a, b, c), outer, sharp))

    def character(self, name: str) -> Character:
        """All of it, on the one joint that stands still."""
        parts, pieces, first = [], [], 0
        for row, some in self.corners.items():
            joined = np.concatenate(some)
            parts.append(Part(f"{name} {row}", row, first, len(joined)))
            pieces.append(joined.reshape(-1, 11))
            first += len(joined)
        shared, faces = polygons.shared(np.concatenate(pieces).astype(np.float32))
        count = len(shared)
        weights = np.zeros((count, 4), np.float32)
        weights[:, 0] = 1.0
        uvs, tones = np.zeros((count, 4), np.float32), np.full((count, 4), 255, np.uint8)
        uvs[:, :2] = shared[:, 6:8]
        tones[:, :3] = np.round(255.0 * np.clip(shared[:, 8:], 0.0, 1.0))
        mesh = Mesh(
            shared[:, :3].copy(), shared[:, 3:6].copy(), uvs, tones,
            np.zeros((count, 4), np.uint16), weights, faces.astype(np.uint32).reshape(-1, 3),
            tuple(parts),
        )  # fmt: skip
        return Character(
            name, Skeleton(("set",), np.array([-1]), np.zeros((1, 3))), mesh, np.array([0]),
            np.eye(4, dtype=np.float32)[None], tuple(self.surfaces.made),
            tuple(self.surfaces.images), notes=(*self._unread, *self.surfaces.notes),
        )  # fmt: skip


def _area(prim: Any, time: Any) -> float:
    """How large a light's face is, in its own units squared."""
    from pxr import UsdLux

    if prim.IsA(UsdLux.SphereLight):
        return float(4.0 * np.pi * UsdLux.SphereLight(prim).GetRadiusAttr().Get(time) ** 2)
    if prim.IsA(UsdLux.DiskLight):
        return float(np.pi * UsdLux.DiskLight(prim).GetRadiusAttr().Get(time) ** 2)
    if prim.IsA(UsdLux.RectLight):
        rect = UsdLux.RectLight(prim)
        return float(rect.GetWidthAttr().Get(time) * rect.GetHeightAttr().Get(time))
    return 1.0
