"""Writes a character of our own: the mannequin in a striped suit, with eyes, brows and a mouth.

    python demos/character.py out/actor.glb

What a character's file can hold is in it, small: a picture, a metal, something translucent, a lamp,
eye joints, and morphs with ARKit's names.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import numpy as np
from PIL import Image

from understudy.runtime.characters import glb
from understudy.runtime.characters.glb import ARRAY_BUFFER, INDEX_BUFFER
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.rotation import Array
from understudy.runtime.viewport.mesh import anatomy, mannequin

EYE_M, APART_M = 0.0175, 0.033
PICTURE = 128
SKIN = (206, 152, 122)
GLASS_M = (0.078, 0.03, 0.095)
Shape = tuple[Array, Array, Array, np.ndarray]  # positions, normals, UVs, triangles


def ball(
    centre: Array, radii: tuple[float, float, float], rings: int = 14, around: int = 20
) -> Shape:
    """An ellipsoid; v runs from its +Z pole (0) to the other (1), u around it."""
    v, u = np.meshgrid(np.linspace(0, 1, rings), np.linspace(0, 1, around), indexing="ij")
    polar, turn = np.pi * v, 2 * np.pi * u
    way = np.stack([np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), np.cos(polar)], -1)
    normal = way / np.array(radii)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    at = np.arange(rings * around).reshape(rings, around)
    a, b, c, d = at[:-1, :-1], at[:-1, 1:], at[1:, :-1], at[1:, 1:]
    faces = np.concatenate([np.stack([a, c, b], -1), np.stack([b, c, d], -1)]).reshape(-1, 3)
    flat = (centre + way * radii).reshape(-1, 3)
    return flat, normal.reshape(-1, 3), np.stack([u, v], -1).reshape(-1, 2), faces


def picture() -> bytes:
    """Skin beside the suit's stripes on the left, an eye on the right: PNG."""
    out = np.zeros((PICTURE, 2 * PICTURE, 3), np.uint8)
    rows = np.arange(PICTURE)[:, None]
    half = PICTURE // 2
    out[:, :half] = SKIN
    out[:, half:PICTURE] = np.where(rows % 32 < 6, (226, 120, 70), (62, 78, 92))[:, None]
    v = rows / PICTURE  # an eye, by how far a point is from its pole
    iris = np.where(v < 0.22, (46, 118, 150), (246, 244, 240))
    out[:, PICTURE:] = np.where(v < 0.10, (12, 12, 16), iris)[:, None]
    data = io.BytesIO()
    Image.fromarray(out).save(data, "PNG")
    return data.getvalue()


class Actor:
    """The file while it is put together."""

    def __init__(self, grid_m: float) -> None:
        self.chunk = glb.Chunk()
        self.mesh = mannequin.build(PERFORMER, grid_m)
        self.world_p, _ = anatomy.bind_pose(PERFORMER)
        self.mark = anatomy.landmarks(PERFORMER, self.world_p)
        self.names = [*PERFORMER.names, "LeftEye", "RightEye"]
        self.meshes: list[dict] = []
        up = self.mark["crown"][1] - self.mark["skull"][1]
        self.eye_y = float(self.mark["crown"][1] - 0.56 * up)
        self.front_z = self._front(self.eye_y)
        self.eyes = {
            side: np.array([sign * APART_M, self.eye_y, self.front_z - 0.012])
            for side, sign in (("Left", 1.0), ("Right", -1.0))
        }

    def _front(self, y: float) -> float:
        """How far ahead the face reaches at a height."""
        p = self.mesh.positions
        near = (np.abs(p[:, 1] - y) < 0.012) & (np.abs(p[:, 0]) < 0.03)
        return float(p[near, 2].max())

    def add(
        self, name: str, shape: Shape, joint: str, material: int,
        morphs: dict[str, Array] | None = None, turns: dict[str, Array] | None = None,
    ) -> None:  # fmt: skip
        """A shape that hangs on one joint.

        morphs, turns  name -> where its points (N, 3) go, and where its normals then point
        """
        points, normals, uvs, faces = shape
        put, count = self.chunk.put, len(points)
        joints = np.zeros((count, 4), "u2")
        joints[:, 0] = self.names.index(joint)
        weights = np.tile(np.array([1, 0, 0, 0], "f4"), (count, 1))
        attributes = {
            "POSITION": put(points.astype("f4"), ARRAY_BUFFER, bounds=True),
            "NORMAL": put(normals.astype("f4"), ARRAY_BUFFER),
            "TEXCOORD_0": put(uvs.astype("f4"), ARRAY_BUFFER),
            "JOINTS_0": put(joints, ARRAY_BUFFER),
            "WEIGHTS_0": put(weights, ARRAY_BUFFER),
        }
        self._mesh(name, attributes, faces, material, points, morphs or {})
        for k, turned in enumerate((turns or {}).values()):
            target = self.meshes[-1]["primitives"][0]["targets"][k]
            target["NORMAL"] = put((turned - normals).astype("f4"), ARRAY_BUFFER)

    def _mesh(self, name, attributes, faces, material, points, morphs) -> None:
        put = self.chunk.put
        primitive = {
            "attributes": attributes,
            "indices": put(faces.astype("u4").reshape(-1), INDEX_BUFFER),
            "material": material,
        }
        mesh = {"name": name, "primitives": [primitive]}
        if morphs:
            primitive["targets"] = [
                {"POSITION": put((to - points).astype("f4"), ARRAY_BUFFER, bounds=True)}
                for to in morphs.values()
            ]
            mesh["extras"] = {"targetNames": list(morphs)}
        self.meshes.append(mesh)

    def body(self) -> None:
        mesh, put = self.mesh, self.chunk.put
        # How far from where the suit ends, so that its edge is sharper than the triangles.
        u = np.clip(0.25 + 2.0 * self._suit(mesh.positions), 0.02, 0.48)
        uvs = np.stack([u, mesh.positions[:, 1] * 2.0], axis=1)
        attributes = {
            "POSITION": put(mesh.positions.astype("f4"), ARRAY_BUFFER, bounds=True),
            "NORMAL": put(mesh.normals.astype("f4"), ARRAY_BUFFER),
            "TEXCOORD_0": put(uvs.astype("f4"), ARRAY_BUFFER),
            "JOINTS_0": put(np.where(mesh.weights > 0, mesh.joints, 0).astype("u2"), ARRAY_BUFFER),
            "WEIGHTS_0": put(mesh.weights.astype("f4"), ARRAY_BUFFER),
        }
        self._mesh("body", attributes, mesh.triangles, 0, mesh.positions, {})

    def _suit(self, p: Array) -> Array:
        """(N,) metres inside the suit, which ends at the neck and at the wrists."""
        neck = self.mark["neck"]
        out = neck[1] + 0.012 - 0.35 * (p[:, 2] - neck[2]) - p[:, 1]
        for side in ("left", "right"):
            away, along = self.mark[f"{side}_hand"] - p, self.mark[f"{side}_along"]
            beyond = np.where(np.linalg.norm(away, axis=1) < 0.3, away @ along, 1.0)
            out = np.minimum(out, beyond)
        return out

    def face(self) -> None:
        for side, centre in self.eyes.items():
            points, normals, uvs, faces = ball(centre, (EYE_M,) * 3)
            uvs = np.stack([0.5 + 0.5 * uvs[:, 0], uvs[:, 1]], axis=1)
            self.add(f"{side} eye", (points, normals, uvs, faces), f"{side}Eye", 1)
            self._lid(side, centre)
            self._brow(side, centre)
        y, z = self.eye_y - 0.078, self._front(self.eye_y - 0.078) + 0.001
        points, normals, uvs, faces = ball(np.array([0.0, y, z]), (0.026, 0.0045, 0.004))
        x, low = points[:, 0] / 0.026, points[:, 1] < y
        wide = np.maximum(1.0 - x * x, 0.0)
        opened, left, right, pucker = (points.copy() for _ in range(4))
        opened[low, 1] -= 0.03 * np.sqrt(wide[low])
        left[:, 1] += 0.014 * np.maximum(x, 0.0) ** 2
        left[:, 0] += 0.006 * np.maximum(x, 0.0)
        right[:, 1] += 0.014 * np.maximum(-x, 0.0) ** 2
        right[:, 0] -= 0.006 * np.maximum(-x, 0.0)
        pucker[:, 0] *= 0.45
        pucker[:, 1] = y + 2.2 * (pucker[:, 1] - y)
        self.add("mouth", (points, normals, uvs, faces), "Head", 2,
                 {"jawOpen": opened, "mouthSmileLeft": left, "mouthSmileRight": right,
                  "mouthPucker": pucker})  # fmt: skip

    def _lid(self, side: str, centre: Array) -> None:
        """A hemisphere above the eye, which a blink turns down over it."""
        points, normals, uvs, faces = ball(np.zeros(3), (1.16 * EYE_M,) * 3)
        faces = faces[normals[faces].mean(1)[:, 1] > -0.05]

        def turned(degrees: float) -> Array:
            s, c = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
            return points @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]]).T

        rest, morphs, turns = turned(-28.0), {}, {}
        for name, degrees in ((f"eyeBlink{side}", 72.0), (f"eyeWide{side}", -52.0)):
            morphs[name] = turned(degrees) + centre
            turns[name] = turned(degrees) / (1.16 * EYE_M)
        shape = (rest + centre, rest / (1.16 * EYE_M), uvs * 0.2, faces)
        self.add(f"{side} lid", shape, "Head", 3, morphs, turns)

    def _brow(self, side: str, centre: Array) -> None:
        sign = 1.0 if side == "Left" else -1.0
        shape = ball(centre + np.array([0.0, 0.034, 0.014]), (0.02, 0.0035, 0.005))
        points = shape[0]
        raised, lowered, inner = (points.copy() for _ in range(3))
        towards = np.clip(0.5 - 0.5 * sign * (points[:, 0] - centre[0]) / 0.02, 0.0, 1.0)
        raised[:, 1] += 0.012 * (1.0 - towards)
        lowered[:, 1] -= 0.012 * towards + 0.003
        inner[:, 1] += 0.014 * towards
        self.add(f"{side} brow", shape, "Head", 4,
                 {f"browOuterUp{side}": raised, f"browDown{side}": lowered,
                  "browInnerUp": inner})  # fmt: skip

    def things(self) -> None:
        """A metal badge that mirrors, a lamp that shines, a visor that one sees through."""
        chest = self.mark.spine(0.62)
        at = np.array([0.075, chest[1] + 0.02, self._front(chest[1] + 0.02) - 0.012])
        self.add("badge", ball(at, (0.024, 0.024, 0.008)), "Spine2", 5)
        self.add("lamp", ball(at * [-1, 1, 1], (0.012, 0.012, 0.007)), "Spine2", 6)
        visor = ball(np.array([0.0, self.eye_y, self.front_z - 0.055]), GLASS_M)
        keep = visor[0][visor[3]].mean(1)[:, 2] > self.front_z - 0.05
        self.add("visor", (*visor[:3], visor[3][keep]), "Head", 7)

    def tree(self) -> dict:
        put = self.chunk.put
        unbind = np.concatenate([self.mesh.unbind, np.tile(np.eye(4), (2, 1, 1))]).astype("f4")
        for row, centre in enumerate(self.eyes.values()):
            unbind[len(PERFORMER) + row, :3, 3] = -centre
        binds = put(np.swapaxes(unbind, 1, 2).reshape(-1, 16))
        head = PERFORMER.index("Head")
        nodes: list[dict] = []
        for j, name in enumerate(PERFORMER.names):
            node: dict = {"name": name, "translation": PERFORMER.rest_positions[j].tolist()}
            children = PERFORMER.children(j)
            if j == head:
                children = [*children, len(PERFORMER), len(PERFORMER) + 1]
            nodes.append(node | ({"children": children} if children else {}))
        for side, centre in self.eyes.items():
            offset = centre - self.world_p[head]
            nodes.append({"name": f"{side}Eye", "translation": offset.tolist()})
        count = len(nodes)
        nodes += [{"name": m["name"], "mesh": k, "skin": 0} for k, m in enumerate(self.meshes)]
        self.chunk.put(np.frombuffer(picture(), np.uint8))
        self.chunk.accessors.pop()
        plain = {"metallicFactor": 0.0, "roughnessFactor": 0.6}
        painted = {**plain, "baseColorTexture": {"index": 0}}

        def surface(name: str, colour: tuple, **more) -> dict:
            return {
                "name": name,
                "pbrMetallicRoughness": {**plain, "baseColorFactor": colour},
            } | more

        return {
            "asset": {"version": "2.0", "generator": "understudy"},
            "scene": 0,
            "scenes": [{"nodes": [0, *range(count, len(nodes))]}],
            "nodes": nodes,
            "meshes": self.meshes,
            "skins": [{"joints": list(range(count)), "inverseBindMatrices": binds}],
            "images": [{"bufferView": len(self.chunk.views) - 1, "mimeType": "image/png"}],
            "textures": [{"source": 0}],
            "materials": [
                {"name": "suit", "pbrMetallicRoughness": painted},
                {"name": "eye", "pbrMetallicRoughness": {**painted, "roughnessFactor": 0.15}},
                surface("mouth", (0.18, 0.03, 0.03, 1.0)),
                surface("lid", (0.58, 0.29, 0.18, 1.0), doubleSided=True),
                surface("brow", (0.05, 0.04, 0.04, 1.0)),
                {"name": "badge", "pbrMetallicRoughness": {
                    "baseColorFactor": (1.0, 0.78, 0.34, 1.0), "metallicFactor": 1.0,
                    "roughnessFactor": 0.25}},
                surface("lamp", (0.02, 0.02, 0.02, 1.0), emissiveFactor=[0.2, 0.9, 1.0]),
                surface("visor", (0.25, 0.55, 0.75, 0.28), alphaMode="BLEND", doubleSided=True),
            ],
            **self.chunk.parts(),
        }  # fmt: skip


def write(path: Path, grid_m: float = 0.0125) -> None:
    """Writes the actor, whole or not at all."""
    actor = Actor(grid_m)
    actor.body()
    actor.face()
    actor.things()
    tree = actor.tree()
    glb.write(path, tree, actor.chunk.data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("file", type=Path, metavar="FILE.glb")
    write(parser.parse_args().file)


if __name__ == "__main__":
    main()
