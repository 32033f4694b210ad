"""What stands still: the level ground, a floor file's steps and ramps, the solids of a set."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from understudy.runtime.core import floor, rotation, typed
from understudy.runtime.core.rotation import Array

from .shapes import Solid, connected, hull_volume, of_points, volume

# A step or a block reaches so far down, so that nothing gets under it or through it.
DEEP_M = 1.0
_RELIEF_M = 0.05
_MOST_CELLS = 400
# Of a set: what is further away, flatter than the floor is uneven, or more than this, is left out.
FURTHEST_M, _LEAST_M, MOST_SOLIDS = 25.0, 0.03, 400
_THICK_M = 0.08
_FULL = 0.6  # a piece that fills less of its hull is hollow


@dataclass(frozen=True, eq=False)
class Relief:
    """A height field about at_m (x, z): rows along -Z, columns along +X."""

    at_m: tuple[float, float]
    size_m: tuple[float, float]
    heights_m: Array


@dataclass(eq=False)
class Ground:
    """The ground is level at level_m; solids have a name and are in the room."""

    level_m: float = 0.0
    solids: list[tuple[str, Solid]] = field(default_factory=list)
    reliefs: list[Relief] = field(default_factory=list)


def of_floor(path: Path) -> Ground:
    """The blocks, ramps, steps and images of a floor file; a pit is level."""
    layout: floor.Layout = typed.read_toml(path, floor.Layout, "floor")
    ground = Ground()
    for block in layout.block:
        ground.solids.append(
            ("floor", _block(block.at_m, block.size_m, block.height_m, block.heading_deg))
        )
    for ramp in layout.ramp:
        ground.solids.append(("floor", _wedge(ramp)))
    for flight in layout.steps:
        ground.solids += [("floor", solid) for solid in _treads(flight)]
    for picture in layout.image:
        ground.reliefs.append(_relief(picture, path.parent))
    return ground


def _block(
    at: tuple[float, float], size: tuple[float, float], top_m: float, heading_deg: float
) -> Solid:
    half = (0.5 * size[0], 0.5 * (max(top_m, 0.0) + DEEP_M), 0.5 * size[1])
    turn = tuple(rotation.from_yaw(np.radians(heading_deg)).tolist())
    return Solid("box", half, at=(at[0], top_m - half[1], at[1]), turn=turn)


def _wedge(ramp: floor.Flight) -> Solid:
    """A ramp as the hull of its corners."""
    way = np.subtract(ramp.to_m, ramp.from_m)
    aside = 0.5 * ramp.width_m * np.array([way[1], -way[0]]) / np.hypot(*way)
    corners = []
    for (x, z), top_m in ((ramp.from_m, ramp.base_m), (ramp.to_m, ramp.base_m + ramp.rise_m)):
        for sign in (-1.0, 1.0):
            for y in (top_m, -DEEP_M):
                corners.append([x + sign * aside[0], y, z + sign * aside[1]])
    return Solid("hull", corners=np.array(corners))


def _treads(flight: floor.Steps) -> list[Solid]:
    way = np.subtract(flight.to_m, flight.from_m)
    deep = float(np.hypot(*way)) / flight.count
    heading = float(np.degrees(np.arctan2(way[0], way[1])))
    out = []
    for n in range(flight.count):
        x, z = np.add(flight.from_m, way * (n + 0.5) / flight.count).tolist()
        top_m = flight.base_m + flight.rise_m * (n + 1) / flight.count
        out.append(_block((x, z), (flight.width_m, deep), top_m, heading))
    return out


def _relief(picture: floor.Picture, base: Path) -> Relief:
    one = floor.Floor(floor.Layout(image=(picture,)), base)
    wide, deep = picture.size_m
    columns = int(np.clip(wide / _RELIEF_M, 2, _MOST_CELLS))
    rows = int(np.clip(deep / _RELIEF_M, 2, _MOST_CELLS))
    x = picture.at_m[0] + wide * (np.linspace(-0.5, 0.5, columns) * (1.0 - 1e-9))
    z = picture.at_m[1] - deep * (np.linspace(-0.5, 0.5, rows) * (1.0 - 1e-9))
    heights = one.heights(*np.meshgrid(x, z))
    return Relief(picture.at_m, picture.size_m, heights)


def of_mesh(vertices: Array, triangles: np.ndarray) -> list[tuple[str, Solid]]:
    """The solids of a set, the nearest and largest: vertices (V, 3), triangles (F, 3).

    Each connected piece of its mesh is a hull. One that is hollow, as a room of one mesh, is taken
    apart into its flat sides, each a plate behind what is seen.
    """
    found: list[tuple[float, Solid]] = []
    for piece in connected(vertices, triangles):
        if not _matters(piece.reshape(-1, 3)):
            continue
        hull = of_points(np.unique(piece.reshape(-1, 3), axis=0))
        if hull is not None and _fills(piece, hull):
            found.append((_worth(hull), Solid("hull", corners=hull)))
            continue
        for side in _sides(piece):
            if _matters(side) and (plate := of_points(side)) is not None:
                found.append((_worth(plate), Solid("hull", corners=plate)))
    found.sort(key=lambda one: -one[0])
    return [("set", solid) for _, solid in found[:MOST_SOLIDS]]


def _matters(points: Array) -> bool:
    """Whether a piece of these points (N, 3) is near enough and no mere mark on the floor."""
    low, high = points.min(0), points.max(0)
    apart = np.maximum(np.maximum(low, -high), 0.0)
    near = np.hypot(apart[0], apart[2]) <= FURTHEST_M
    return bool(near and high[1] >= _LEAST_M and (high - low).max() >= _LEAST_M)


def _worth(hull: Array) -> float:
    """Large and near things come first, where there are too many."""
    low, high = hull.min(0), hull.max(0)
    apart = np.maximum(np.maximum(low, -high), 0.0)
    return float(np.linalg.norm(high - low)) / (1.0 + float(np.hypot(apart[0], apart[2])))


def _fills(piece: Array, hull: Array) -> bool:
    """Whether a piece (T, 3, 3) is about its hull, and seen from outside."""
    return volume(piece) > _FULL * hull_volume(hull)


def _sides(piece: Array) -> list[Array]:
    """Corners (N, 3) of a plate behind each flat side of a piece (T, 3, 3)."""
    normal = rotation.normalize(np.cross(piece[:, 1] - piece[:, 0], piece[:, 2] - piece[:, 0]))
    off = np.einsum("ij,ij->i", normal, piece[:, 0])
    key = np.round(np.column_stack([20.0 * normal, 20.0 * off])).astype(int)
    _, which = np.unique(key, axis=0, return_inverse=True)
    which = which.reshape(-1)
    out = []
    for number in range(which.max() + 1):
        mine = which == number
        way = normal[mine].mean(0)
        if np.linalg.norm(way) < 0.5:
            continue
        back = _THICK_M * rotation.normalize(way)
        # The tops of walls around a room are no ceiling.
        flat = piece[mine]
        sides = [flat.reshape(-1, 3)] if _is_whole(flat, way) else list(flat)
        out += [np.concatenate([side, side - back]) for side in sides]
    return out


def _is_whole(flat: Array, way: Array) -> bool:
    """Whether triangles (T, 3, 3) of one plane are about the hull around them."""
    if len(flat) == 1:
        return True
    keep = np.delete(np.arange(3), np.abs(way).argmax())
    points = flat[..., keep]
    a, b = points[:, 1] - points[:, 0], points[:, 2] - points[:, 0]
    area = 0.5 * float(np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum())
    return area > _FULL * hull_volume(points.reshape(-1, 2))
