"""Sets by code: boxes, panels, tubes and turned shapes, each of one material, as one mesh."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from understudy.runtime.characters.character import Character, Image, Material, Mesh, Part, Texture
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

from . import pictures

Vec3 = tuple[float, float, float]
Colour = tuple[float, float, float]
# Corners of a box's faces, counter-clockwise from outside; x, y and z are 0 or 1.
_FACES = {
    "left": ((0, 0, 0), (0, 0, 1), (0, 1, 1), (0, 1, 0)),
    "right": ((1, 0, 1), (1, 0, 0), (1, 1, 0), (1, 1, 1)),
    "below": ((0, 0, 0), (1, 0, 0), (1, 0, 1), (0, 0, 1)),
    "above": ((0, 1, 1), (1, 1, 1), (1, 1, 0), (0, 1, 0)),
    "back": ((1, 0, 0), (0, 0, 0), (0, 1, 0), (1, 1, 0)),
    "front": ((0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)),
}


@dataclass(frozen=True)
class Paint:
    """A surface. glow: linear, what it sends by itself; picture: a name of `pictures.SURFACES`."""

    colour: Colour
    rough: float = 0.7
    metal: float = 0.0
    glow: Colour = (0.0, 0.0, 0.0)
    alpha: float = 1.0
    picture: str = ""


def shade(paint: Paint, by: float) -> Paint:
    """The paint, darker or lighter."""
    red, green, blue = (min(1.0, max(0.0, by * c)) for c in paint.colour)
    return replace(paint, colour=(red, green, blue))


class Builder:
    """Triangles as they are put together. Shapes are turned about +Y, in degrees, about their
    own middle."""

    def __init__(self) -> None:
        self._points: dict[Paint, list[Array]] = {}
        self._normals: dict[Paint, list[Array]] = {}

    def triangles(self, paint: Paint, points: Array, normals: Array | None = None) -> None:
        """(N, 3, 3) corners; flat where no normals (N, 3, 3) are given."""
        points = np.asarray(points, np.float64).reshape(-1, 3, 3)
        if normals is None:
            flat = np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0])
            flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-12)
            normals = np.repeat(flat[:, None], 3, axis=1)
        self._points.setdefault(paint, []).append(points)
        self._normals.setdefault(paint, []).append(normals)

    def quad(self, paint: Paint, corners: ArrayLike) -> None:
        """(4, 3) corners, counter-clockwise from the side that is seen."""
        a, b, c, d = np.asarray(corners, np.float64)
        self.triangles(paint, np.array([[a, b, c], [a, c, d]]))

    def box(
        self, paint: Paint, at: Vec3, size: Vec3, turn_deg: float = 0.0, without: str = ""
    ) -> None:
        """A box that stands on `at`, the middle of its foot; `without` names faces, in words."""
        lacks = set(without.split())
        extent = np.array(size)
        for name, corners in _FACES.items():
            if name not in lacks:
                own = (np.array(corners, float) - (0.5, 0.0, 0.5)) * extent
                self.quad(paint, _turned(own, turn_deg) + at)

    def cylinder(
        self, paint: Paint, at: Vec3, radius: float, height: float, sides: int = 12,
        top: float | None = None,
    ) -> None:  # fmt: skip
        """An upright tube with lids, round to the eye; `top` is its radius there."""
        self.turned(paint, at, [(radius, 0.0), (radius if top is None else top, height)], sides)

    def turned(
        self, paint: Paint, at: Vec3, outline: list[tuple[float, float]], sides: int = 16
    ) -> None:
        """A shape turned about +Y: outline of (radius, height), from below; its ends are closed."""
        angle = np.linspace(0.0, 2.0 * np.pi, sides + 1)
        ring = np.stack([np.cos(angle), np.zeros_like(angle), -np.sin(angle)], axis=1)
        up = np.array([0.0, 1.0, 0.0])
        for (r0, y0), (r1, y1) in pairwise(outline):
            low, high = ring * r0 + up * y0 + at, ring * r1 + up * y1 + at
            lean = np.array([y1 - y0, r0 - r1]) / max(np.hypot(y1 - y0, r0 - r1), 1e-9)
            out = ring * lean[0] + up * lean[1]
            corners, ways = [], []
            for k in range(sides):
                corners += [[low[k], low[k + 1], high[k + 1]], [low[k], high[k + 1], high[k]]]
                ways += [[out[k], out[k + 1], out[k + 1]], [out[k], out[k + 1], out[k]]]
            self.triangles(paint, np.array(corners), np.array(ways))
        for (radius, height), way in ((outline[0], -1.0), (outline[-1], 1.0)):
            if radius > 1e-6:
                rim = ring[:-1] * radius + up * height + at
                middle = up * height + np.array(at)
                after = np.roll(rim, -1, axis=0)
                fan = np.stack([np.broadcast_to(middle, rim.shape), rim, after], axis=1)
                self.triangles(paint, fan if way > 0 else fan[:, [0, 2, 1]])

    def panel(
        self, paint: Paint, at: Vec3, width: float, height: float, turn_deg: float = 0.0
    ) -> None:
        """An upright sheet that looks along +Z, turned; both its sides are seen."""
        own = np.array([[-0.5, 0, 0], [0.5, 0, 0], [0.5, 1, 0], [-0.5, 1, 0]], float)
        corners = _turned(own * (width, height, 1.0), turn_deg) + at
        self.quad(paint, corners)
        self.quad(paint, corners[::-1])

    def floor(self, paint: Paint, low: tuple[float, float], high: tuple[float, float],
              at_m: float = 0.0) -> None:  # fmt: skip
        """A flat piece from x, z to x, z."""
        (x0, z0), (x1, z1) = low, high
        self.quad(paint, [[x0, at_m, z1], [x1, at_m, z1], [x1, at_m, z0], [x0, at_m, z0]])

    def add(self, other: Builder, at: Vec3, turn_deg: float = 0.0) -> None:
        """All of another's, turned about its origin and put there."""
        for paint, pieces in other._points.items():
            ways = other._normals[paint]
            for points, normals in zip(pieces, ways, strict=True):
                self.triangles(paint, _turned(points, turn_deg) + at, _turned(normals, turn_deg))

    def character(self, name: str) -> Character:
        """All of it, on the one joint that stands still."""
        # One material for all that differs by colour alone: that is on the vertices.
        alike: dict[Paint, list[Paint]] = {}
        for paint in self._points:
            alike.setdefault(replace(paint, colour=(1.0, 1.0, 1.0)), []).append(paint)
        shown = list(dict.fromkeys(paint.picture for paint in alike if paint.picture))
        materials, parts, points, normals, uvs, tones, first = [], [], [], [], [], [], 0
        for row, (look, paints) in enumerate(alike.items()):
            before = first
            for paint in paints:
                corners = np.concatenate(self._points[paint]).reshape(-1, 3)
                metres = pictures.SURFACES[look.picture][1] if look.picture else 1.0
                points.append(corners)
                normals.append(np.concatenate(self._normals[paint]).reshape(-1, 3))
                uvs.append(_uvs(corners, metres))
                tone = np.round(255.0 * np.array([*paint.colour, 1.0]))
                tones.append(np.tile(tone.astype(np.uint8), (len(corners), 1)))
                first += len(corners) // 3
            materials.append(
                Material(
                    name=f"{name} {row}",
                    colour=(1.0, 1.0, 1.0, look.alpha),
                    colour_map=Texture(shown.index(look.picture)) if look.picture else None,
                    metallic=look.metal,
                    roughness=look.rough,
                    emissive=look.glow,
                    alpha="BLEND" if look.alpha < 1.0 else "OPAQUE",
                )
            )
            parts.append(Part(f"{name} {row}", row, before, first - before))
        # Corners that several triangles share are one vertex.
        every = np.concatenate(
            [np.concatenate(part) for part in (points, normals, uvs, tones)], axis=1
        ).astype(np.float32)
        shared, faces = np.unique(every, axis=0, return_inverse=True)
        count = len(shared)
        weights = np.zeros((count, 4), np.float32)
        weights[:, 0] = 1.0
        mesh = Mesh(
            shared[:, :3].copy(), shared[:, 3:6].copy(), shared[:, 6:10].copy(),
            shared[:, 10:].astype(np.uint8), np.zeros((count, 4), np.uint16), weights,
            faces.astype(np.uint32).reshape(-1, 3), tuple(parts),
        )  # fmt: skip
        skeleton = Skeleton(("set",), np.array([-1]), np.zeros((1, 3)))
        unbind = np.eye(4, dtype=np.float32)[None]
        images = tuple(Image(name, pictures.png(name)) for name in shown)
        return Character(name, skeleton, mesh, np.array([0]), unbind, tuple(materials), images)


def _uvs(corners: Array, metres: float) -> Array:
    """(3N, 4) of triangles' corners (3N, 3): each lies flat on the plane that it is nearest to."""
    one = corners.reshape(-1, 3, 3)
    way = np.abs(np.cross(one[:, 1] - one[:, 0], one[:, 2] - one[:, 0])).argmax(1)
    across, along = np.array([2, 0, 0])[way], np.array([1, 2, 1])[way]
    rows = np.arange(len(one))[:, None]
    corner = np.arange(3)[None]
    u, v = one[rows, corner, across[:, None]], one[rows, corner, along[:, None]]
    out = np.zeros((len(corners), 4))
    out[:, 0], out[:, 1] = u.reshape(-1) / metres, 1.0 - v.reshape(-1) / metres
    return out


def _turned(points: Array, turn_deg: float) -> Array:
    """(..., 3) points turned about +Y."""
    c, s = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    return points @ np.array([[c, 0.0, -s], [0.0, 1.0, 0.0], [s, 0.0, c]])
