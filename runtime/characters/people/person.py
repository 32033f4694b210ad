"""A recipe becomes pieces: surfaces with their skinning, morphs and materials."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from understudy.runtime.core.rotation import Array

from . import clothes, hair, pattern, skin
from .body import Body
from .pattern import Pattern

FACE_LEAST_M = 2e-4  # less than that no morph moves


@dataclass(frozen=True, eq=False)
class Piece:
    """A surface of one material.

    joints, shares  (V, 4) rows of the skeleton, and how much of each
    morphs  name -> rows (N,), moves (N, 3) and what is added to normals (N, 3)
    """

    name: str
    material: str
    points: Array
    normals: Array
    uvs: Array
    triangles: np.ndarray
    joints: np.ndarray
    shares: Array
    morphs: dict[str, tuple[np.ndarray, Array, Array]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Person:
    """joints (J, 3) in the world at rest; parents, names of them; pieces; materials."""

    names: tuple[str, ...]
    parents: tuple[int, ...]
    joints: Array
    pieces: tuple[Piece, ...]


def mixed_weights(body: Body, flat: Pattern) -> tuple[np.ndarray, Array]:
    """(V, 4) joints and shares of a pattern's points."""
    count = len(body.words.parents)
    dense = np.zeros((len(flat.first), count), np.float32)
    rows = np.arange(len(flat.first))[:, None]
    for ends, share in ((flat.first, 1.0 - flat.share), (flat.second, flat.share)):
        np.add.at(dense, (rows, body.joints[ends]), body.weights[ends] * share[:, None])
    most = np.argsort(-dense, axis=1, kind="stable")[:, :4]
    shares = np.take_along_axis(dense, most, 1)
    return most, shares / shares.sum(1, keepdims=True)


class Maker:
    """Pieces while they are put together, on a body of points (K + J, 3)."""

    def __init__(self, body: Body, points: Array) -> None:
        self.body, self.points = body, points
        self.pieces: list[Piece] = []
        groups = tuple(body.quads)
        self.skin_groups = groups[: groups.index("helper-tongue")]
        flat = np.concatenate([body.quads[name] for name in groups])
        self._triangles = np.concatenate([flat[:, [0, 1, 2]], flat[:, [0, 2, 3]]])
        self.normals = pattern.normals(points[: body.count], self._triangles)
        self._morphs = self._faces()

    def _faces(self) -> dict[str, tuple[Array, Array]]:
        """name -> what is added to every baked point and normal."""
        body, out = self.body, {}
        base = self.points[: body.count]
        for k, name in enumerate(body.words.faces):
            rows, moves = body.face.moved(k)
            real = rows < body.count
            dense = np.zeros_like(base)
            dense[rows[real]] = moves[real] * self._grown()
            near = np.zeros(body.count, bool)
            near[rows[real]] = True
            faces = self._triangles[near[self._triangles].any(1)]
            used, place = np.unique(faces, return_inverse=True)
            local = place.reshape(-1, 3)
            turned = np.zeros_like(base)
            turned[used] = pattern.normals((base + dense)[used], local) - pattern.normals(
                base[used], local
            )
            turned[~near] = 0.0
            out[name] = (dense, turned)
        return out

    def _grown(self) -> float:
        """How large this head is, beside the one that the face's shapes were made on."""
        rows = self.body.rows("head")
        return float(np.ptp(self.points[rows, 0]) / np.ptp(self.body.points[rows, 0]))

    def skin(self, name: str, material: str, flat: Pattern, morphs: bool = False, **more) -> None:
        """A piece of the baked mesh itself."""
        joints, shares = mixed_weights(self.body, flat)
        points = more.pop("points", None)
        at = flat.of(self.points) if points is None else points
        out = more.pop("normals", None)
        if out is None:
            out = flat.of(self.normals)
        out = out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)
        uvs = more.pop("uvs", flat.uvs)
        self.pieces.append(
            Piece(name, material, at, out, uvs, flat.triangles, joints, shares,
                  self._worn(flat) if morphs else {})
        )  # fmt: skip

    def _worn(self, flat: Pattern) -> dict[str, tuple[np.ndarray, Array, Array]]:
        out = {}
        for name, (dense, turned) in self._morphs.items():
            moves = flat.of(dense)
            rows = np.flatnonzero(np.abs(moves).max(1) > FACE_LEAST_M)
            if len(rows):
                out[name] = (rows, moves[rows], flat.of(turned)[rows])
        return out


def person(body: Body, points: Array, worn: tuple[clothes.Cut, ...], style: str) -> Person:
    """Everything of a body with clothes of these cuts and hair of this style."""
    make = Maker(body, points)
    (u0, v0), (u1, v1) = skin.HEAD_UV
    drawn_in = clothes.tucked_m(body, worn)[:, None] * make.normals
    skin_points = points.copy()
    skin_points[: body.count] -= drawn_in
    head = clothes.bare(body, worn, ("head",))
    uvs = (head.uvs - (u0, v0)) / (u1 - u0, v1 - v0) * (1, -1) + (0, 1)
    make.skin("face", "face", head, True, uvs=uvs, points=head.of(skin_points))
    limbs = tuple(n for n in make.skin_groups if n.startswith(("trunk", "hand", "foot")))
    rest = clothes.bare(body, worn, limbs)
    if len(rest.triangles):
        make.skin("skin", "skin", rest, points=rest.of(skin_points))
    inner = [n for n in make.skin_groups if n.startswith(("mouth", "socket"))]
    make.skin("mouth", "mouth", pattern.whole(body, inner), True)
    make.skin("tongue", "tongue", pattern.whole(body, ["helper-tongue"]), True)
    make.skin(
        "teeth", "teeth", pattern.whole(body, ["helper-upper-teeth", "helper-lower-teeth"]), True
    )
    for side, word in (("l", "left"), ("r", "right")):
        ball = pattern.whole(body, [f"helper-{side}-eye"])
        seen = skin.eye_uvs(ball.of(points), body.at(points, f"eye_{side}"))
        make.skin(f"{word} eye", "eye", ball, True, uvs=seen)
    strips = [n for n in body.quads if n.endswith("eyelashes-2")]
    make.skin("lashes", "lashes", pattern.whole(body, strips), True)
    for at, flat in hair.grown(body, style, points):
        out = _joined(at, flat.triangles)
        make.skin("hair", "hair", flat, True, points=at, normals=out)
    for cut in worn:
        at, triangles, of = clothes.hang(body, cut, points)
        flat = clothes.cut_of(body, cut)
        picked = Pattern(flat.first[of], flat.second[of], flat.share[of], triangles, flat.uvs[of])
        make.skin(cut.name, cut.name, picked, points=at, normals=pattern.normals(at, triangles))
    count = len(body.words.parents)
    lift = clothes.SOLE_M if any(cut.kind == "shoes" for cut in worn) else 0.0
    joints = points[body.count : body.count + count] + np.array([0.0, lift, 0.0])
    root = joints.copy()
    root[0] = 0.0
    pieces = tuple(_lifted(piece, lift) for piece in make.pieces)
    return Person(tuple(body.words.names[:count]), tuple(body.words.parents), root, pieces)


def _joined(points: Array, triangles: np.ndarray) -> Array:
    """Normals that are one where points lie on one another."""
    _, one, place = np.unique(np.round(points, 6), axis=0, return_index=True, return_inverse=True)
    place = place.reshape(-1)
    return pattern.normals(points[one], place[triangles])[place]


def _lifted(piece: Piece, lift: float) -> Piece:
    piece.points[:, 1] += lift
    return piece
