"""glTF 2.0's JSON as structs; their names are the specification's."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array

from .vrm_schema import SpringBone, Vrm


class Node(msgspec.Struct):
    name: str = ""
    children: list[int] = []
    translation: tuple[float, float, float] = (0.0, 0.0, 0.0)
    rotation: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 1.0)
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    matrix: list[float] | None = None
    camera: int | None = None
    mesh: int | None = None
    skin: int | None = None
    weights: list[float] = []
    extras: Any = None
    extensions: Any = None

    def parts(self) -> tuple[Array, Array, Array]:
        """Translation (3,), rotation (4,) and scale (3,), of a matrix too."""
        if self.matrix is not None and len(self.matrix) == 16:
            m = np.array(self.matrix, float).reshape(4, 4).T
            scale = np.linalg.norm(m[:3, :3], axis=0)
            if np.linalg.det(m[:3, :3]) < 0.0:
                scale[0] = -scale[0]
            axes = m[:3, :3] / np.where(scale == 0.0, 1.0, scale)
            return m[:3, 3], rotation.from_matrix(axes), scale
        turn = rotation.normalize(np.array(self.rotation, float))
        return np.array(self.translation, float), turn, np.array(self.scale, float)

    def transform(self) -> Array:
        """(4, 4) from the node's own frame into its parent's."""
        if self.matrix is not None and len(self.matrix) == 16:
            return np.array(self.matrix, float).reshape(4, 4).T
        out = np.eye(4)
        turn = rotation.normalize(np.array(self.rotation, float))
        out[:3, :3] = rotation.to_matrix(turn) * np.array(self.scale)
        out[:3, 3] = self.translation
        return out


class Scene(msgspec.Struct):
    nodes: list[int] = []


class Primitive(msgspec.Struct):
    attributes: dict[str, int] = {}
    indices: int | None = None
    material: int | None = None
    mode: int = 4
    targets: list[dict[str, int]] = []
    extensions: dict[str, Any] = {}
    extras: Any = None


class Mesh(msgspec.Struct):
    primitives: list[Primitive] = []
    name: str = ""
    weights: list[float] = []
    extras: Any = None


class Skin(msgspec.Struct):
    joints: list[int]
    inverseBindMatrices: int | None = None


class TextureInfo(msgspec.Struct):
    index: int = -1
    texCoord: int = 0
    scale: float = 1.0
    strength: float = 1.0
    extensions: dict[str, Any] = {}


class Surface(msgspec.Struct):
    """pbrMetallicRoughness, and the old KHR_materials_pbrSpecularGlossiness."""

    baseColorFactor: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    baseColorTexture: TextureInfo | None = None
    metallicFactor: float = 1.0
    roughnessFactor: float = 1.0
    metallicRoughnessTexture: TextureInfo | None = None
    diffuseFactor: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    diffuseTexture: TextureInfo | None = None
    glossinessFactor: float = 1.0


class Material(msgspec.Struct):
    name: str = ""
    pbrMetallicRoughness: Surface = msgspec.field(default_factory=Surface)
    normalTexture: TextureInfo | None = None
    occlusionTexture: TextureInfo | None = None
    emissiveTexture: TextureInfo | None = None
    emissiveFactor: tuple[float, float, float] = (0.0, 0.0, 0.0)
    alphaMode: str = "OPAQUE"
    alphaCutoff: float = 0.5
    doubleSided: bool = False
    extensions: dict[str, Any] = {}


class Texture(msgspec.Struct):
    source: int | None = None
    sampler: int | None = None
    extensions: dict[str, Any] = {}


class TextureSampler(msgspec.Struct):
    magFilter: int = 9729
    wrapS: int = 10497
    wrapT: int = 10497


class Image(msgspec.Struct):
    uri: str = ""
    bufferView: int | None = None
    mimeType: str = ""
    name: str = ""


class Sampler(msgspec.Struct):
    input: int
    output: int = -1
    interpolation: str = "LINEAR"


class Pointer(msgspec.Struct):
    pointer: str = ""


class Pointed(msgspec.Struct):
    KHR_animation_pointer: Pointer = msgspec.field(default_factory=Pointer)


class Target(msgspec.Struct):
    node: int = -1
    path: str = ""
    extensions: Pointed = msgspec.field(default_factory=Pointed)


class Channel(msgspec.Struct):
    target: Target
    sampler: int = -1


class Animation(msgspec.Struct):
    samplers: list[Sampler]
    channels: list[Channel]
    name: str = ""


class Perspective(msgspec.Struct):
    yfov: float = 0.0
    aspectRatio: float = 0.0


class Camera(msgspec.Struct):
    perspective: Perspective | None = None


class SparseIndices(msgspec.Struct):
    bufferView: int
    byteOffset: int = 0
    componentType: int = 5125


class SparseValues(msgspec.Struct):
    bufferView: int
    byteOffset: int = 0


class Sparse(msgspec.Struct):
    count: int
    indices: SparseIndices
    values: SparseValues


class Accessor(msgspec.Struct):
    count: int
    componentType: int = 5126
    type: str = "SCALAR"
    bufferView: int | None = None
    byteOffset: int = 0
    normalized: bool = False
    sparse: Sparse | None = None
    min: list[float] = []
    max: list[float] = []


class View(msgspec.Struct):
    byteLength: int
    buffer: int = 0
    byteOffset: int = 0
    byteStride: int = 0
    extensions: dict[str, Any] = {}


class Buffer(msgspec.Struct):
    uri: str = ""


class Extensions(msgspec.Struct):
    VRMC_vrm: Vrm | None = None
    VRMC_vrm_animation: Vrm | None = None
    VRM: Vrm | None = None
    VRMC_springBone: SpringBone | None = None
    KHR_lights_punctual: Any = None  # of sets


class Asset(msgspec.Struct):
    extras: Any = None


class Document(msgspec.Struct):
    asset: Asset = msgspec.field(default_factory=Asset)
    scene: int | None = None
    scenes: list[Scene] = []
    nodes: list[Node] = []
    meshes: list[Mesh] = []
    skins: list[Skin] = []
    cameras: list[Camera] = []
    materials: list[Material] = []
    textures: list[Texture] = []
    samplers: list[TextureSampler] = []
    images: list[Image] = []
    animations: list[Animation] = []
    accessors: list[Accessor] = []
    bufferViews: list[View] = []
    buffers: list[Buffer] = []
    extensionsUsed: list[str] = []
    extensionsRequired: list[str] = []
    extensions: Extensions = msgspec.field(default_factory=Extensions)

    @property
    def vrm(self) -> Vrm | None:
        said = self.extensions
        return said.VRMC_vrm or said.VRMC_vrm_animation or said.VRM

    @property
    def expression_nodes(self) -> dict[str, int]:
        """Of a VRM animation: the node that moves an expression, by its name."""
        vrm = self.extensions.VRMC_vrm_animation
        said = vrm.expressions if vrm is not None else None
        both = {**said.preset, **said.custom} if said is not None else {}
        return {name: one.node for name, one in both.items() if 0 <= one.node < len(self.nodes)}

    def shown_nodes(self) -> list[int]:
        """The nodes of the scene that is shown, parents first; all where no scene is told."""
        at = self.scene if self.scene is not None else 0
        roots = self.scenes[at].nodes if 0 <= at < len(self.scenes) else []
        if not roots:
            return list(range(len(self.nodes)))
        seen: dict[int, None] = {}
        stack = [n for n in reversed(roots) if 0 <= n < len(self.nodes)]
        while stack:
            n = stack.pop()
            if n not in seen:
                seen[n] = None
                stack += reversed(self.nodes[n].children)
        return list(seen)
