"""The floor: how high it is at a place, from a small TOML file of steps, ramps and blocks.

    [[block]]                       # a platform
    at_m = [0.0, 3.0]               # its middle, x and z
    size_m = [2.0, 2.0]
    height_m = 0.4
    heading_deg = 0.0

    [[ramp]]
    from_m = [0.0, 1.0]             # the middle of its foot, then of its top
    to_m = [0.0, 3.0]
    width_m = 1.5
    rise_m = 0.5
    base_m = 0.0                    # the height at its foot

    [[steps]]                       # each a tread as deep as the flight's length over their number
    from_m = [0.0, 4.0]
    to_m = [0.0, 6.4]
    width_m = 1.5
    rise_m = 1.2
    count = 8

    [[image]]                       # a height field: black is 0, white height_m
    file = "terrain.png"
    at_m = [0.0, 0.0]
    size_m = [10.0, 10.0]
    height_m = 1.0

Elsewhere it is at 0; of two things the higher counts. Every floor is a function of x and z alone:
what is under a bridge is not there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from . import typed
from .errors import UnderstudyError
from .rotation import Array

_Metres = Annotated[float, Meta(ge=-1e4, le=1e4)]
_Length = Annotated[float, Meta(gt=0.0, le=1e4)]
_Height = Annotated[float, Meta(ge=-100.0, le=100.0)]
_Place = tuple[_Metres, _Metres]
_LEAST = -np.inf  # where a thing is not


class Block(typed.Table, frozen=True, kw_only=True):
    """A platform."""

    at_m: _Place
    size_m: tuple[_Length, _Length]
    height_m: _Height
    heading_deg: Annotated[float, Meta(ge=-3600.0, le=3600.0)] = 0.0

    def heights(self, x: Array, z: Array) -> Array:
        angle = np.radians(self.heading_deg)
        c, s = np.cos(angle), np.sin(angle)
        dx, dz = x - self.at_m[0], z - self.at_m[1]
        aside, along = np.abs(c * dx - s * dz), np.abs(s * dx + c * dz)
        inside = (aside <= 0.5 * self.size_m[0]) & (along <= 0.5 * self.size_m[1])
        return np.where(inside, self.height_m, _LEAST)


class Flight(typed.Table, frozen=True, kw_only=True):
    """What rises from one place to another: a ramp."""

    from_m: _Place
    to_m: _Place
    width_m: _Length
    rise_m: _Height
    base_m: _Height = 0.0

    def __post_init__(self) -> None:
        if self.from_m == self.to_m:
            raise ValueError("from_m and to_m are one place")

    def along(self, x: Array, z: Array) -> tuple[Array, Array]:
        """How far along (0..1) places lie, and whether they are on it."""
        way = np.subtract(self.to_m, self.from_m)
        length = float(np.hypot(*way))
        dx, dz = x - self.from_m[0], z - self.from_m[1]
        t = (dx * way[0] + dz * way[1]) / length**2
        aside = np.abs(dx * way[1] - dz * way[0]) / length
        return t, (t >= 0.0) & (t <= 1.0) & (aside <= 0.5 * self.width_m)

    def heights(self, x: Array, z: Array) -> Array:
        t, inside = self.along(x, z)
        return np.where(inside, self.base_m + self.rise_m * t, _LEAST)


class Steps(Flight, frozen=True, kw_only=True):
    """A flight of steps, up or down; the last tread is as high as the top."""

    count: Annotated[int, Meta(ge=1, le=1000)]

    def heights(self, x: Array, z: Array) -> Array:
        t, inside = self.along(x, z)
        number = np.clip(np.floor(t * self.count) + 1.0, 1.0, self.count)
        return np.where(inside, self.base_m + self.rise_m * number / self.count, _LEAST)


class Picture(typed.Table, frozen=True, kw_only=True):
    """A height field from an image; its rows go along -z, as a map does with z up."""

    file: str
    at_m: _Place = (0.0, 0.0)
    size_m: tuple[_Length, _Length] = (10.0, 10.0)
    height_m: _Height = 1.0


class Layout(typed.Table, frozen=True, kw_only=True):
    """A floor file."""

    block: tuple[Block, ...] = ()
    ramp: tuple[Flight, ...] = ()
    steps: tuple[Steps, ...] = ()
    image: tuple[Picture, ...] = ()


def _field(picture: Picture, base: Path) -> Callable[[Array, Array], Array]:
    """The heights of an image, between its pixels too."""
    from PIL import Image

    path = base / picture.file
    try:
        with Image.open(path) as image:
            grey = np.asarray(image.convert("F"), float)
    except Exception as error:
        raise UnderstudyError(f"{path} is no image for a floor: {error}") from None
    most = float(grey.max()) if grey.max() > 255.0 else 255.0
    from scipy.ndimage import map_coordinates  # 30 MB and half of a start, for pictures alone

    values = picture.height_m * grey / most
    rows, columns = values.shape
    (across, deep), (middle_x, middle_z) = picture.size_m, picture.at_m

    def heights(x: Array, z: Array) -> Array:
        column = ((x - middle_x) / across + 0.5) * (columns - 1)
        row = (0.5 - (z - middle_z) / deep) * (rows - 1)
        inside = (column >= 0) & (column <= columns - 1) & (row >= 0) & (row <= rows - 1)
        found = map_coordinates(values, [row.ravel(), column.ravel()], order=1, mode="nearest")
        return np.where(inside, found.reshape(np.shape(x)), _LEAST)

    return heights


class Floor:
    """Heights of places on the ground."""

    def __init__(self, layout: Layout, base: Path = Path()) -> None:
        things: list[Block | Flight] = [*layout.block, *layout.ramp, *layout.steps]
        if not things and not layout.image:
            raise UnderstudyError("A floor needs a [[block]], [[ramp]], [[steps]] or [[image]].")
        self._parts: list[Callable[[Array, Array], Array]] = []
        self._parts += [thing.heights for thing in things]
        self._parts += [_field(picture, base) for picture in layout.image]

    def heights(self, x: Array, z: Array) -> Array:
        """(...) metres above the stage's zero at places x, z (...)."""
        out = np.full(np.shape(x), _LEAST)
        for part in self._parts:
            np.maximum(out, part(x, z), out=out)
        return np.where(np.isfinite(out), out, 0.0)


def read(path: Path) -> Floor:
    """A floor file; UnderstudyError says what is wrong with it."""
    layout: Layout = typed.read_toml(path, Layout, "floor")
    try:
        return Floor(layout, path.parent)
    except UnderstudyError as error:
        if str(error).startswith(str(path)):
            raise
        raise UnderstudyError(f"{path}: {error}") from None


def of_tables(tables: dict[str, object]) -> Floor:
    """A floor of plain tables, for tests and demos."""
    return Floor(msgspec.convert(tables, Layout))
