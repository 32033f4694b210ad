"""[[prop]]: what a session says of a thing that moves by physics, and `--prop` as the same."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta

from understudy.runtime.core import typed
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.files import shown
from understudy.runtime.core.typed import nearest

from .materials import MATERIALS, Material, Word

Name = Annotated[str, Meta(min_length=1, max_length=256)]
Metres = Annotated[float, Meta(ge=-1e4, le=1e4)]
Length = Annotated[float, Meta(ge=1e-3, le=100.0)]
Vec3 = tuple[Metres, Metres, Metres]
Unit = Annotated[float, Meta(ge=-1.0, le=1.0)]
Way = tuple[Unit, Unit, Unit]
Degrees = Annotated[float, Meta(ge=-3600.0, le=3600.0)]
Swing = Annotated[float, Meta(ge=-360.0, le=360.0)]

# A shape's word -> how many numbers its size has, and which they are.
SIZES = {
    "box": (3, "width, height and depth"),
    "sphere": (1, "the diameter"),
    "cylinder": (2, "diameter and height"),
    "capsule": (2, "diameter and height, its round ends included"),
}
FILES = (".glb", ".gltf")
USUAL_M = 0.3
# mujoco's inertia has to be well above nothing.
LEAST_KG = 0.01


class Table(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """As the other tables of a session: exact in their words, short when they are written."""


class Hinge(Table):
    """A door's: about an axis through at_m, both from the prop's own middle, in its own axes."""

    at_m: Vec3 = (0.0, 0.0, 0.0)
    axis: Way = (0.0, 1.0, 0.0)
    range_deg: tuple[Swing, Swing] = (0.0, 110.0)

    def __post_init__(self) -> None:
        _check(self.axis, self.range_deg, "range_deg")


class Slide(Table):
    """A drawer's: along an axis of the prop's own."""

    axis: Way = (0.0, 0.0, 1.0)
    range_m: tuple[Metres, Metres] = (0.0, 0.4)

    def __post_init__(self) -> None:
        _check(self.axis, self.range_m, "range_m")


def _check(axis: Way, between: tuple[float, float], word: str) -> None:
    if not 0.5 < math.hypot(*axis) < 2.0:
        raise ValueError("axis has no length: write a way such as [0, 1, 0]")
    if not between[0] <= 0.0 <= between[1] or between[0] == between[1]:
        raise ValueError(f"{word} is from below 0 to above it: 0 is where the prop stands")


class PropTable(Table):
    """[[prop]]: a name on stage, its shape, what it is made of, and where it stands.

    shape     box, sphere, cylinder, capsule, or a .glb or .gltf file, in the file's own axes
    size_m    of a box width, height and depth; of a sphere its diameter; of the others diameter
              and height; scale is a file's
    at_m      its foot's middle: [x, z] on the floor, or [x, y, z]
    rotation  x y z w, after which it is turned about +Y by heading_deg
    static    it stands where it is; tracked: a source moves the prop of this name
    """

    name: Name
    shape: Annotated[str, Meta(max_length=4096)] = "box"
    size_m: Annotated[list[Length], Meta(max_length=3)] = []
    scale: Annotated[float, Meta(ge=1e-4, le=1e4)] = 1.0
    material: Word = "wood"
    mass_kg: Annotated[float, Meta(ge=LEAST_KG, le=1e5)] | None = None
    at_m: Annotated[list[Metres], Meta(min_length=2, max_length=3)] = msgspec.field(
        default_factory=lambda: [0.0, 0.0]
    )
    heading_deg: Degrees = 0.0
    rotation: tuple[Unit, Unit, Unit, Unit] = (0.0, 0.0, 0.0, 1.0)
    hinge: Hinge | None = None
    slide: Slide | None = None
    static: bool = False
    tracked: bool = False

    def __post_init__(self) -> None:
        if not self.is_file and self.shape not in SIZES:
            raise ValueError(
                f"shape is {self.shape!r}{nearest(self.shape, SIZES)}; there are "
                f"{', '.join(SIZES)}, and {' and '.join(FILES)} files"
            )
        if self.is_file and self.size_m:
            raise ValueError("size_m is of plain shapes; a file has scale")
        if not self.is_file:
            count, which = SIZES[self.shape]
            if self.scale != 1.0:
                raise ValueError("scale is of files; a plain shape has size_m")
            if self.size_m and len(self.size_m) != count:
                raise ValueError(f"size_m of a {self.shape} is {which}: {count} of them")
            if self.shape == "capsule" and self.size_m and self.size_m[1] < self.size_m[0]:
                raise ValueError("a capsule is at least as high as it is wide")
        if not 0.25 < sum(v * v for v in self.rotation) < 4.0:
            raise ValueError("rotation is no quaternion x y z w")
        kinds = [w for w in ("hinge", "slide", "static", "tracked") if getattr(self, w)]
        if len(kinds) > 1:
            raise ValueError(f"{' and '.join(kinds)} exclude each other")

    @property
    def is_file(self) -> bool:
        """Whether its shape is that of a file."""
        return Path(self.shape).suffix.lower() in FILES

    @property
    def size(self) -> tuple[float, ...]:
        """Of a plain shape its numbers, metres."""
        usual = {"capsule": (USUAL_M, 2.0 * USUAL_M)}.get(self.shape, (USUAL_M,) * 3)
        return tuple(self.size_m or usual)[: SIZES[self.shape][0]]

    @property
    def made_of(self) -> Material:
        return MATERIALS[self.material]

    @property
    def moves(self) -> bool:
        """Whether physics moves it."""
        return not (self.static or self.tracked)

    def followed(self) -> PropTable:
        """The same shape, moved by a source."""
        return msgspec.structs.replace(self, static=False, hinge=None, slide=None, tracked=True)

    def settle(self, folder: Path) -> None:
        """Its file's path from a folder."""
        if self.is_file:
            self.shape = str(folder / self.shape)


def check(tables: list[PropTable], where: str = "") -> None:
    """Raises the sentence about props that cannot be: two of one name, a file that is not there."""
    at, names = f"{where}: " if where else "", set[str]()
    for table in tables:
        if table.name in names:
            raise UnderstudyError(f"{at}Two props are called {table.name!r}; names are unique.")
        names.add(table.name)
        if table.is_file and not Path(table.shape).is_file():
            raise UnderstudyError(
                f"{at}The prop {table.name!r} is {shown(table.shape)}, and there is no such file."
            )


# A word of `--prop` -> that of the table.
_WORDS = {
    "size": "size_m",
    "at": "at_m",
    "mass": "mass_kg",
    "heading": "heading_deg",
    **{word: word for word in ("material", "scale", "rotation", "static", "tracked")},
}
EXAMPLE = "crate=box?size=0.4,0.4,0.4&at=0,1&material=wood"


def parse(said: str) -> PropTable:
    """NAME=SHAPE[?word=value&...] as a table."""
    name, equals, rest = said.partition("=")
    shape, mark, query = rest.partition("?")
    if not (name and equals and shape):
        raise UnderstudyError(f"--prop {said!r} is none; write NAME=SHAPE, such as {EXAMPLE}.")
    table: dict[str, Any] = {"name": name, "shape": shape}
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(mark))
    except ValueError:
        raise UnderstudyError(
            f"The options of --prop {said!r} cannot be read; write them like {EXAMPLE}."
        ) from None
    for word, value in pairs:
        if word not in _WORDS:
            raise UnderstudyError(
                f"--prop {name} has no option {word!r}{nearest(word, _WORDS)}; there are "
                f"{', '.join(_WORDS)}."
            )
        listed = word in ("size", "at", "rotation")
        table[_WORDS[word]] = value.split(",") if listed else value
    made = typed.convert(table, PropTable, f"--prop {name}", strict=False)
    made.settle(Path.cwd())
    check([made], "--prop")
    return made
