"""A set: what stands around the cast, its lamps, marks and the light that it is meant for.

Metres, +Y up; the action is about the origin, and the front of a stage is at +Z.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

import numpy as np

from understudy.runtime.characters.character import Character
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.files import shown
from understudy.runtime.core.rotation import Array, normalize
from understudy.runtime.core.typed import nearest

MOST_LAMPS = 16
OURS = ("stage", "street", "flat")
USD = (".usd", ".usda", ".usdc", ".usdz")
FILES = (".glb", ".gltf", *USD)
DOWN = (0.0, -1.0, 0.0)
Vec3 = tuple[float, float, float]


@dataclass(frozen=True)
class Lamp:
    """A light of a set: a point, or a cone along `way`.

    colour   linear, what it gives at 1 m head on; the sun at noon gives about 3
    outer    cosine of the angle at which its cone ends, -2 where it has none
    sharpness  1 over how much the cosine grows until it is full
    """

    at: Vec3
    colour: Vec3
    reach_m: float = 12.0
    way: Vec3 = DOWN
    outer: float = -2.0
    sharpness: float = 1.0


def spot(at: Vec3, to: Vec3, colour: Vec3, angle_deg: float, reach_m: float = 15.0) -> Lamp:
    """A lamp that looks at a point; angle_deg is the whole cone's, its outer third is soft."""
    way = normalize(np.subtract(to, at))
    outer = float(np.cos(np.radians(0.5 * angle_deg)))
    inner = float(np.cos(np.radians(angle_deg / 3.0)))
    return Lamp(at, colour, reach_m, tuple(way.tolist()), outer, 1.0 / max(inner - outer, 1e-3))


@dataclass(frozen=True, eq=False)
class Scenery:
    """A set.

    floor_m    where the ground beyond it lies
    sky_share  how much of the sky's light comes in
    sun        the light that it is meant for, as `look.parse` takes it
    marks      places on its floor by name, x and z, and the heading of who stands there
    """

    name: str
    body: Character
    lamps: tuple[Lamp, ...] = ()
    floor_m: float = -0.02
    sky_share: float = 1.0
    sun: str = ""
    marks: tuple[tuple[str, float, float, float], ...] = ()
    notes: tuple[str, ...] = ()

    def bounds(self) -> tuple[Array, Array]:
        """Its least and greatest corner, (3,) each."""
        at = self.body.vertices()
        return (at.min(0), at.max(0)) if len(at) else (np.zeros(3), np.zeros(3))


def load(said: str) -> Scenery:
    """A set of ours, "street" or "street?seed=3", or that of a glTF or USD file."""
    check(said)
    name, _, query = said.partition("?")
    if name in OURS:
        make: Callable[[int], Scenery] = importlib.import_module(f".{name}", __package__).make
        return make(_seed(said, query))
    path = Path(said)
    reader = ".usd_set" if path.suffix.lower() in USD else ".set_file"
    read: Callable[[Path], Scenery] = importlib.import_module(reader, __package__).read
    return read(path)


def check(said: str) -> None:
    """Refuses what is no set, as far as that is known without reading it."""
    name, _, query = said.partition("?")
    if name in OURS:
        _seed(said, query)
        return
    path = Path(said)
    if path.suffix.lower() not in FILES:
        raise UnderstudyError(
            f"The set {said!r} is none{nearest(name, OURS)}: there are {', '.join(OURS)}, and "
            f"files that end in {', '.join(FILES)}."
        )
    if not path.is_file():
        raise UnderstudyError(f"There is no set {shown(path)}.")


def _seed(said: str, query: str) -> int:
    words = dict(parse_qsl(query, keep_blank_values=True))
    seed = words.pop("seed", "1")
    if words or not seed.isdigit() or int(seed) > 10**9:
        raise UnderstudyError(f"The set {said!r} takes ?seed=NUMBER alone.")
    return int(seed)
