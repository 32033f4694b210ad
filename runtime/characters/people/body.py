"""The baked body: shapes added up into the points and joints of one person.

MakeHuman's body (CC0), baked by `models/people/bake.py`. A target of age, sex, build and height
counts by the product of its words' shares, as MakeHuman has it. Metres, +Y up, facing +Z.
"""

from __future__ import annotations

import functools
import io
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
import numpy as np

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.networks import WEIGHTS
from understudy.runtime.core.rotation import Array

FILE = WEIGHTS / "people.npz"
# Years at which MakeHuman's ages were sculpted.
CHILD, YOUNG, OLD = 12.0, 25.0, 80.0


class Words(msgspec.Struct, frozen=True):
    """The names of what the arrays hold."""

    names: list[str]
    parents: list[int]
    macros: list[str]
    locals: list[str]
    faces: list[str]
    groups: dict[str, int]


@dataclass(frozen=True, eq=False)
class Sparse:
    """Targets that move some points: T runs of rows and moves (metres)."""

    rows: np.ndarray
    moves: np.ndarray
    starts: np.ndarray
    scales: Array

    def add(self, points: Array, target: int, share: float) -> None:
        """Adds a target to points (K, 3), in place."""
        run = slice(self.starts[target], self.starts[target + 1])
        points[self.rows[run]] += self.moves[run] * np.float32(share * self.scales[target])

    def moved(self, target: int) -> tuple[np.ndarray, Array]:
        """Rows (N,) and moves (N, 3) of a target."""
        run = slice(self.starts[target], self.starts[target + 1])
        return self.rows[run].astype(int), self.moves[run] * np.float32(self.scales[target])


@dataclass(frozen=True)
class Shape:
    """What a body is like, each from 0 to 1 but for the years, and the local changes -1 to 1.

    sex     0 is a woman's, 1 a man's
    origin  shares of the three faces that MakeHuman has, of which only their ratio counts
    """

    age: float = 30.0
    sex: float = 0.5
    muscle: float = 0.5
    weight: float = 0.5
    height: float = 0.5
    ideal: float = 0.5
    origin: tuple[float, float, float] = (1.0, 1.0, 1.0)
    local: Mapping[str, float] = field(default_factory=dict)


def _three(value: float, words: tuple[str, str, str]) -> dict[str, float]:
    """Shares of what lies at 0, 0.5 and 1."""
    v = 2.0 * min(max(value, 0.0), 1.0)
    return {words[0]: max(1.0 - v, 0.0), words[1]: 1.0 - abs(v - 1.0), words[2]: max(v - 1.0, 0.0)}


def shares(shape: Shape) -> dict[str, float]:
    """word -> share, whose products count."""
    year = float(np.interp(shape.age, [CHILD, YOUNG, OLD], [0.0, 0.5, 1.0]))
    origin = np.maximum(np.asarray(shape.origin, float), 0.0)
    origin = origin / origin.sum() if origin.sum() > 0 else np.full(3, 1 / 3)
    return {
        **_three(year, ("child", "young", "old")),
        **_three(shape.muscle, ("minmuscle", "averagemuscle", "maxmuscle")),
        **_three(shape.weight, ("minweight", "averageweight", "maxweight")),
        "female": 1.0 - shape.sex, "male": shape.sex,
        "minheight": max(1.0 - 2.0 * shape.height, 0.0),
        "maxheight": max(2.0 * shape.height - 1.0, 0.0),
        "ideal": shape.ideal,
        "african": float(origin[0]), "asian": float(origin[1]), "caucasian": float(origin[2]),
    }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Body:
    """points (K + J, 3): the mesh's points, and behind them what is regressed (`words.names`)."""

    words: Words
    points: Array
    basis: np.ndarray
    mix: Array
    local: Sparse
    face: Sparse
    uvs: Array
    quads: dict[str, np.ndarray]
    quad_uvs: dict[str, np.ndarray]
    joints: np.ndarray
    weights: Array
    masks: bytes

    @property
    def count(self) -> int:
        """How many points the mesh has."""
        return len(self.joints)

    def rows(self, group: str) -> np.ndarray:
        """The points of a group."""
        return np.unique(self.quads[group])

    def macro(self, shape: Shape) -> Array:
        """(R,) how much of each kept shape there is."""
        share = shares(shape)
        each = np.array([
            np.prod([share[word] for word in name.split("-")]) for name in self.words.macros
        ])  # fmt: skip
        return each.astype(np.float32) @ self.mix

    def shaped(self, shape: Shape) -> Array:
        """(K + J, 3) float32: a person's points and joints, its lowest point of the feet at 0."""
        basis = self.basis.reshape(len(self.basis), -1)
        moved = self.macro(shape) @ basis
        points = self.points + moved.reshape(-1, 3)
        for name, share in shape.local.items():
            if name not in self.words.locals:
                raise UnderstudyError(f"A body has no {name!r} to change.")
            if share:
                at = 2 * self.words.locals.index(name) + (share > 0)
                self.local.add(points, at, abs(share))
        points[:, 1] -= points[self.rows("foot_l"), 1].min()
        return points

    def at(self, points: Array, name: str) -> Array:
        """(3,) where a joint is, or what else is regressed."""
        return points[self.count + self.words.names.index(name)]


@functools.cache
def load() -> Body:
    """The body that is shipped. Its shapes take 24 MB as floats, read once."""
    try:
        file = np.load(io.BytesIO(FILE.read_bytes()))
    except OSError as error:
        raise UnderstudyError(f"{FILE} cannot be read: {error.strerror}.") from None
    words = msgspec.json.decode(bytes(file["words"]), type=Words)
    ends = np.cumsum([0, *words.groups.values()])
    spans = dict(zip(words.groups, itertools.pairwise(ends)))

    def sparse(name: str) -> Sparse:
        parts = ("rows", "moves", "starts", "scales")
        return Sparse(*(file[f"{name}_{part}"] for part in parts))

    quads, quad_uvs = file["quads"].astype(int), file["quad_uvs"].astype(int)
    return Body(
        words,
        file["points"],
        file["macro_basis"].astype(np.float32),
        file["macro_mix"],
        sparse("local"),
        sparse("face"),
        file["uvs"] / np.float32(65535),
        {name: quads[a:b] for name, (a, b) in spans.items()},
        {name: quad_uvs[a:b] for name, (a, b) in spans.items()},
        file["joints"].astype(int),
        file["shares"] / np.float32(255),
        bytes(file["masks"]),
    )
