"""A file's materials and pictures: metal-rough, and what is near enough to be drawn as such."""

from __future__ import annotations

import msgspec
import numpy as np

from . import gltf_schema as gltf
from .character import Image, Material, Texture
from .gltf_document import File, extension

_WRAP = {33071: "clamp", 33648: "mirror", 10497: "repeat"}
_WEBP, _TRANSFORM = "EXT_texture_webp", "KHR_texture_transform"
_OLD = "KHR_materials_pbrSpecularGlossiness"
_READ = frozenset(
    (_WEBP, _TRANSFORM, _OLD, "KHR_materials_unlit", "KHR_materials_emissive_strength",
     "KHR_mesh_quantization", "VRM", "VRMC_vrm", "VRMC_vrm_animation",
     "VRMC_springBone", "VRMC_materials_mtoon", "KHR_lights_punctual")
)  # fmt: skip


class _Source(msgspec.Struct):
    source: int = -1


class _Turn(msgspec.Struct):
    offset: tuple[float, float] = (0.0, 0.0)
    rotation: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)
    texCoord: int | None = None


class _Strength(msgspec.Struct):
    emissiveStrength: float = 1.0


class Materials:
    """Materials as they are asked for, and the pictures that they need."""

    def __init__(self, file: File) -> None:
        self.file = file
        self.images: list[Image] = []
        self.made: list[Material] = []
        self.notes: dict[str, None] = {}
        self._known: dict[int, int] = {}
        self._image_rows: dict[int, int | None] = {}

    def row(self, index: int | None) -> int:
        """The row in `made` of a file's material; None is glTF's own default."""
        at = -1 if index is None else index
        if at >= len(self.file.tree.materials) or at < -1:
            raise self.file.damaged(f"there is no material {at}")
        if at not in self._known:
            self._known[at] = len(self.made)
            self.made.append(
                self._material(self.file.tree.materials[at]) if at >= 0 else Material()
            )
        return self._known[at]

    def _material(self, said: gltf.Material) -> Material:
        pbr, metallic, roughness = said.pbrMetallicRoughness, 0.0, 1.0
        old = extension(said.extensions, _OLD, gltf.Surface)
        if old is not None:
            self.notes["Its specular-glossiness materials are drawn as what is not metal."] = None
            colour, colour_map, roughness = old.diffuseFactor, old.diffuseTexture, 1.0
            roughness -= old.glossinessFactor
        else:
            colour, colour_map = pbr.baseColorFactor, pbr.baseColorTexture
            metallic, roughness = pbr.metallicFactor, pbr.roughnessFactor
        glow = extension(said.extensions, "KHR_materials_emissive_strength", _Strength)
        strength = glow.emissiveStrength if glow is not None else 1.0
        toon = "VRMC_materials_mtoon" in said.extensions
        if toon:
            self.notes["Its toon materials (MToon) are drawn in their plain colours."] = None
        normal, occlusion = said.normalTexture, said.occlusionTexture
        alpha = said.alphaMode if said.alphaMode in ("MASK", "BLEND") else "OPAQUE"
        emissive = np.clip(np.array(said.emissiveFactor) * strength, 0.0, 100.0)
        return Material(
            name=said.name,
            colour=tuple(np.clip(colour, 0.0, 1.0).tolist()),
            colour_map=self._texture(colour_map),
            metallic=float(np.clip(metallic, 0.0, 1.0)),
            roughness=float(np.clip(roughness, 0.0, 1.0)),
            rough_map=self._texture(pbr.metallicRoughnessTexture) if old is None else None,
            normal_map=self._texture(normal),
            normal_scale=float(np.clip(normal.scale, -10.0, 10.0)) if normal is not None else 1.0,
            occlusion_map=self._texture(occlusion),
            occlusion=float(np.clip(occlusion.strength, 0.0, 1.0))
            if occlusion is not None
            else 1.0,
            emissive=tuple(emissive.tolist()),
            emissive_map=self._texture(said.emissiveTexture),
            alpha=alpha,
            cutoff=float(np.clip(said.alphaCutoff, 0.0, 1.0)),
            double_sided=said.doubleSided,
            unlit=toon or "KHR_materials_unlit" in said.extensions,
        )

    def _texture(self, said: gltf.TextureInfo | None) -> Texture | None:
        if said is None:
            return None
        tree = self.file.tree
        if not 0 <= said.index < len(tree.textures):
            raise self.file.damaged(f"there is no texture {said.index}")
        texture = tree.textures[said.index]
        better = extension(texture.extensions, _WEBP, _Source)
        source = better.source if better is not None else texture.source
        if source is None:
            other = ", ".join(texture.extensions) or "no picture"
            self.notes[f"A texture of it is kept as {other}, which is not read."] = None
            return None
        row = self._image(source)
        if row is None:
            return None
        sampler = gltf.TextureSampler()
        if texture.sampler is not None and 0 <= texture.sampler < len(tree.samplers):
            sampler = tree.samplers[texture.sampler]
        turn = extension(said.extensions, _TRANSFORM, _Turn)
        uv, matrix = said.texCoord, ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
        if turn is not None:
            uv = said.texCoord if turn.texCoord is None else turn.texCoord
            matrix = _matrix(turn)
        if uv not in (0, 1):
            self.notes["A texture of it lies on a third UV set, which is not read."] = None
            return None
        wrap = (_WRAP.get(sampler.wrapS, "repeat"), _WRAP.get(sampler.wrapT, "repeat"))
        return Texture(row, uv, matrix, wrap, nearest=sampler.magFilter == 9728)

    def _image(self, index: int) -> int | None:
        """The row in `images` of a file's picture; None of a kind that is not read."""
        tree = self.file.tree
        if not 0 <= index < len(tree.images):
            raise self.file.damaged(f"there is no picture {index}")
        if index not in self._image_rows:
            said = tree.images[index]
            name = said.name or (said.uri if not said.uri.startswith("data:") else "")
            kind = said.mimeType or name
            if kind.endswith(("ktx2", "basis", "dds")):
                self.notes[f"Its pictures of the kind {kind} are not read."] = None
                self._image_rows[index] = None
            else:
                data = (
                    self.file.view(said.bufferView)
                    if said.bufferView is not None
                    else self.file.beside(said.uri)
                )
                self._image_rows[index] = len(self.images)
                self.images.append(Image(name or f"picture {index}", data))
        return self._image_rows[index]


def _matrix(turn: _Turn) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Offset times rotation times scale, as KHR_texture_transform has it."""
    s, c = float(np.sin(turn.rotation)), float(np.cos(turn.rotation))
    (x, y), (u, v) = turn.scale, turn.offset
    return (c * x, s * y, u), (-s * x, c * y, v)


def unread(file: File) -> list[str]:
    """A sentence on the extensions of a file that nothing here reads."""
    tree = file.tree
    strange = [name for name in dict.fromkeys(tree.extensionsUsed) if name not in _READ]
    if not strange:
        return []
    need = [name for name in strange if name in tree.extensionsRequired]
    must = f" ({', '.join(need)} by its own word a must)" if need else ""
    return [f"Not read of it: {', '.join(strange)}{must}."]
