"""A character's mesh, materials, pictures and morphs, written into a glTF file that is being made.

Names of glTF's properties: the glTF 2.0 specification, and KHR_texture_transform,
KHR_materials_unlit, KHR_materials_emissive_strength.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from understudy.runtime.characters import glb
from understudy.runtime.characters.character import Character, Image, Material, Morph, Texture
from understudy.runtime.core.rotation import Array

TRANSFORM, UNLIT = "KHR_texture_transform", "KHR_materials_unlit"
STRENGTH, WEBP = "KHR_materials_emissive_strength", "EXT_texture_webp"
_WRAP = {"repeat": 10497, "mirror": 33648, "clamp": 33071}
_PLAIN = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
_KINDS = {b"\x89PNG": "image/png", b"RIFF": "image/webp"}
NEAREST, LINEAR = 9728, 9729


class Wardrobe:
    """Materials and pictures of a file's characters; each character's are written once."""

    def __init__(self, chunk: glb.Chunk, materials: list[dict[str, Any]]) -> None:
        self.chunk, self.materials = chunk, materials
        self.images: list[dict[str, Any]] = []
        self.textures: list[dict[str, Any]] = []
        self.samplers: list[dict[str, Any]] = []
        self.extensions: dict[str, None] = {}
        self._known: dict[int, dict[str, Any]] = {}
        self._still: dict[int, int] = {}  # accessors of targets that move nothing, by their length
        self._rows: dict[tuple[int, Texture], int] = {}
        self._pictures: dict[int, int] = {}

    def mesh(self, character: Character) -> dict[str, Any]:
        """Primitives and morph targets: all of a mesh but its weights."""
        if id(character) not in self._known:
            self._known[id(character)] = self._mesh(character)
            self.materials += [self._material(m, character.images) for m in character.materials]
        return self._known[id(character)]

    def _mesh(self, character: Character) -> dict[str, Any]:
        mesh, first = character.mesh, len(self.materials)
        primitives = []
        for part in mesh.parts:
            rows, faces = np.unique(
                mesh.triangles[part.first : part.first + part.count], return_inverse=True
            )
            one = {
                "attributes": self._attributes(character, rows),
                "indices": self.chunk.put(faces.astype("<u4").reshape(-1), glb.INDEX_BUFFER),
                "material": first + part.material,
            }
            targets = [self._target(morph, rows) for morph in character.morphs]
            primitives.append(one | ({"targets": targets} if targets else {}))
        names = [morph.name for morph in character.morphs]
        return {"primitives": primitives} | ({"extras": {"targetNames": names}} if names else {})

    def _attributes(self, character: Character, rows: np.ndarray) -> dict[str, int]:
        """Of the vertices at rows (N,)."""
        put, mesh = self.chunk.put, character.mesh
        weights, uvs, colours = mesh.weights[rows], mesh.uvs[rows], mesh.colours[rows]
        bones = np.where(weights > 0.0, mesh.joints[rows], 0)
        out = {
            "POSITION": put(mesh.positions[rows].astype("<f4"), glb.ARRAY_BUFFER, bounds=True),
            "NORMAL": put(_unit(mesh.normals[rows]), glb.ARRAY_BUFFER),
            "TEXCOORD_0": put(uvs[:, :2].astype("<f4"), glb.ARRAY_BUFFER),
            "JOINTS_0": put(bones.astype("<u2"), glb.ARRAY_BUFFER),
            "WEIGHTS_0": put(weights.astype("<f4"), glb.ARRAY_BUFFER),
        }
        if uvs[:, 2:].any():
            out["TEXCOORD_1"] = put(uvs[:, 2:].astype("<f4"), glb.ARRAY_BUFFER)
        if (colours != 255).any():
            out["COLOR_0"] = put((colours / 255.0).astype("<f4"), glb.ARRAY_BUFFER)
        return out

    def _target(self, morph: Morph, rows: np.ndarray) -> dict[str, int]:
        """A morph on the vertices at rows (N,), which are in their order."""
        at = np.minimum(np.searchsorted(rows, morph.vertices), len(rows) - 1)
        mine = rows[at] == morph.vertices
        if not mine.any():
            if len(rows) not in self._still:
                zeros = np.zeros((len(rows), 3), "<f4")
                self._still[len(rows)] = self.chunk.put(zeros, glb.ARRAY_BUFFER, bounds=True)
            # A normal too: readers take the attributes of one target for those of all.
            return dict.fromkeys(("POSITION", "NORMAL"), self._still[len(rows)])
        moved = np.zeros((2, len(rows), 3), "<f4")
        moved[0, at[mine]], moved[1, at[mine]] = morph.positions[mine], morph.normals[mine]
        return {
            "POSITION": self.chunk.put(moved[0], glb.ARRAY_BUFFER, bounds=True),
            "NORMAL": self.chunk.put(moved[1], glb.ARRAY_BUFFER),
        }

    def _material(self, said: Material, images: tuple[Image, ...]) -> dict[str, Any]:
        surface: dict[str, Any] = {
            "baseColorFactor": list(said.colour),
            "metallicFactor": said.metallic,
            "roughnessFactor": said.roughness,
        }
        out: dict[str, Any] = {"name": said.name, "pbrMetallicRoughness": surface}
        strongest = max(1.0, *said.emissive)
        out["emissiveFactor"] = [glow / strongest for glow in said.emissive]
        for where, word, texture, more in (
            (surface, "baseColorTexture", said.colour_map, {}),
            (surface, "metallicRoughnessTexture", said.rough_map, {}),
            (out, "normalTexture", said.normal_map, {"scale": said.normal_scale}),
            (out, "occlusionTexture", said.occlusion_map, {"strength": said.occlusion}),
            (out, "emissiveTexture", said.emissive_map, {}),
        ):
            if texture is not None:
                where[word] = self._texture(texture, images) | more
        if said.alpha != "OPAQUE":
            out["alphaMode"] = said.alpha
        if said.alpha == "MASK":
            out["alphaCutoff"] = said.cutoff
        if said.double_sided:
            out["doubleSided"] = True
        if said.unlit:
            self._extend(out, UNLIT, {})
        if strongest > 1.0:
            self._extend(out, STRENGTH, {"emissiveStrength": strongest})
        return out

    def _texture(self, said: Texture, images: tuple[Image, ...]) -> dict[str, Any]:
        image = images[said.image]
        if (id(image), said) not in self._rows:
            filters = NEAREST if said.nearest else LINEAR
            self.samplers.append(
                {"magFilter": filters, "wrapS": _WRAP[said.wrap[0]], "wrapT": _WRAP[said.wrap[1]]}
            )
            texture: dict[str, Any] = {"sampler": len(self.samplers) - 1}
            row = self._picture(image)
            if self.images[row]["mimeType"] == "image/webp":
                self._extend(texture, WEBP, {"source": row})
            else:
                texture["source"] = row
            self.textures.append(texture)
            self._rows[id(image), said] = len(self.textures) - 1
        out: dict[str, Any] = {"index": self._rows[id(image), said], "texCoord": said.uv}
        if said.turn != _PLAIN:
            (a, b, u), (c, d, v) = said.turn
            turned = {
                "offset": [u, v],
                "rotation": float(np.arctan2(-c, a)),
                "scale": [float(np.hypot(a, c)), float(np.hypot(b, d))],
            }
            self._extend(out, TRANSFORM, turned)
        return out

    def _picture(self, image: Image) -> int:
        if id(image) not in self._pictures:
            kind = _KINDS.get(image.data[:4], "image/jpeg")
            data = np.frombuffer(image.data, np.uint8)
            self.images.append(
                {"name": image.name, "mimeType": kind, "bufferView": self.chunk.view(data)}
            )
            self._pictures[id(image)] = len(self.images) - 1
        return self._pictures[id(image)]

    def _extend(self, where: dict[str, Any], name: str, said: dict[str, Any]) -> None:
        where.setdefault("extensions", {})[name] = said
        self.extensions[name] = None


def _unit(normals: Array) -> Array:
    """(V, 3) float32 of length 1, as the specification asks."""
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    out = np.where(lengths > 1e-6, normals / np.maximum(lengths, 1e-6), (0.0, 0.0, 1.0))
    return out.astype("<f4")
