"""A glTF or VRM file as typed structs: its JSON, its tree checked, its buffers at hand.

Field names are those of the glTF 2.0 specification and of VRM 0 and 1.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec
import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.files import shown
from understudy.runtime.core.rotation import Array

from . import glb

MOST_BYTES = 1 << 30
MOST_NODES = 1 << 16
SUFFIXES = (".glb", ".gltf", ".vrm")


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


class Target(msgspec.Struct):
    node: int = -1
    path: str = ""


class Channel(msgspec.Struct):
    target: Target
    sampler: int = -1


class Animation(msgspec.Struct):
    samplers: list[Sampler]
    channels: list[Channel]
    name: str = ""


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


class Bone(msgspec.Struct):
    node: int = -1
    bone: str = ""


class Humanoid(msgspec.Struct):
    # VRM 1 has a table by bone, VRM 0 a list.
    humanBones: dict[str, Bone] | list[Bone] = []


class Meta(msgspec.Struct):
    name: str = ""
    title: str = ""


class Bind(msgspec.Struct):
    """A morph target: of a mesh by its number (VRM 0), of a node's mesh (VRM 1)."""

    index: int = -1
    weight: float = 1.0
    mesh: int = -1
    node: int = -1


class Expression(msgspec.Struct):
    morphTargetBinds: list[Bind] = []
    materialColorBinds: list[Any] = []
    textureTransformBinds: list[Any] = []
    isBinary: bool = False
    overrideBlink: str = "none"
    overrideLookAt: str = "none"
    overrideMouth: str = "none"


class Expressions(msgspec.Struct):
    preset: dict[str, Expression] = {}
    custom: dict[str, Expression] = {}


class BlendShapeGroup(msgspec.Struct):
    name: str = ""
    presetName: str = ""
    binds: list[Bind] = []
    materialValues: list[Any] = []
    isBinary: bool = False


class BlendShapeMaster(msgspec.Struct):
    blendShapeGroups: list[BlendShapeGroup] = []


class RangeMap(msgspec.Struct):
    """VRM 1's words for how far a look of so many degrees turns an eye; VRM 0's beside them."""

    inputMaxValue: float = 90.0
    outputScale: float = 10.0
    xRange: float = 90.0
    yRange: float = 10.0


class LookAt(msgspec.Struct):
    type: str = "bone"
    rangeMapHorizontalOuter: RangeMap = msgspec.field(default_factory=RangeMap)
    rangeMapVerticalUp: RangeMap = msgspec.field(default_factory=RangeMap)


class FirstPerson(msgspec.Struct):
    lookAtTypeName: str = "Bone"
    lookAtHorizontalOuter: RangeMap = msgspec.field(default_factory=RangeMap)
    lookAtVerticalUp: RangeMap = msgspec.field(default_factory=RangeMap)


class Point(msgspec.Struct):
    x: float = 0.0
    y: float = 0.0
    z: float = 0.0


class OldCollider(msgspec.Struct):
    offset: Point = msgspec.field(default_factory=Point)
    radius: float = 0.0


class OldColliderGroup(msgspec.Struct):
    node: int = -1
    colliders: list[OldCollider] = []


class BoneGroup(msgspec.Struct):
    """VRM 0's springs: all joints below `bones`; the misspelling is the format's."""

    stiffiness: float = 1.0
    gravityPower: float = 0.0
    gravityDir: Point = msgspec.field(default_factory=lambda: Point(0.0, -1.0, 0.0))
    dragForce: float = 0.4
    hitRadius: float = 0.02
    bones: list[int] = []
    colliderGroups: list[int] = []


class SecondaryAnimation(msgspec.Struct):
    boneGroups: list[BoneGroup] = []
    colliderGroups: list[OldColliderGroup] = []


class Shape(msgspec.Struct):
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    tail: tuple[float, float, float] | None = None
    radius: float = 0.0


class Shapes(msgspec.Struct):
    sphere: Shape | None = None
    capsule: Shape | None = None


class Collider(msgspec.Struct):
    node: int = -1
    shape: Shapes = msgspec.field(default_factory=Shapes)


class ColliderGroup(msgspec.Struct):
    colliders: list[int] = []


class SpringJoint(msgspec.Struct):
    node: int = -1
    hitRadius: float = 0.0
    stiffness: float = 1.0
    gravityPower: float = 0.0
    gravityDir: tuple[float, float, float] = (0.0, -1.0, 0.0)
    dragForce: float = 0.5


class Spring(msgspec.Struct):
    joints: list[SpringJoint] = []
    colliderGroups: list[int] = []


class SpringBone(msgspec.Struct):
    colliders: list[Collider] = []
    colliderGroups: list[ColliderGroup] = []
    springs: list[Spring] = []


class Vrm(msgspec.Struct):
    lookAt: LookAt = msgspec.field(default_factory=LookAt)
    firstPerson: FirstPerson = msgspec.field(default_factory=FirstPerson)
    secondaryAnimation: SecondaryAnimation = msgspec.field(default_factory=SecondaryAnimation)
    humanoid: Humanoid = msgspec.field(default_factory=Humanoid)
    meta: Meta = msgspec.field(default_factory=Meta)
    expressions: Expressions = msgspec.field(default_factory=Expressions)
    blendShapeMaster: BlendShapeMaster = msgspec.field(default_factory=BlendShapeMaster)


class Extensions(msgspec.Struct):
    VRMC_vrm: Vrm | None = None
    VRMC_vrm_animation: Vrm | None = None
    VRM: Vrm | None = None
    VRMC_springBone: SpringBone | None = None


class Document(msgspec.Struct):
    scene: int | None = None
    scenes: list[Scene] = []
    nodes: list[Node] = []
    meshes: list[Mesh] = []
    skins: list[Skin] = []
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


class File:
    """A glTF file that is open: `tree`, its JSON, and the bytes that it speaks of."""

    def __init__(self, path: Path, tree: Document, chunk: bytes) -> None:
        self.path, self.name, self.tree, self._chunk = path, path.name, tree, chunk
        self._buffers: dict[int, bytes] = {}
        self._left = MOST_BYTES

    def damaged(self, what: str) -> UnderstudyError:
        return UnderstudyError(f"{self.name} is damaged: {what}.")

    def buffer(self, index: int) -> bytes:
        """A buffer's bytes: of the file itself, of its text, or of a file beside it."""
        if index not in self._buffers:
            buffers = self.tree.buffers
            if index == 0 and not (buffers and buffers[0].uri):
                self._buffers[0] = self._chunk
            elif 0 <= index < len(buffers) and buffers[index].uri:
                self._buffers[index] = self.beside(buffers[index].uri)
            else:
                raise self.damaged(f"there is no buffer {index}")
        return self._buffers[index]

    def view(self, index: int) -> bytes:
        """The bytes of a view, whole."""
        if not 0 <= index < len(self.tree.bufferViews):
            raise self.damaged(f"there is no view {index}")
        one = self.tree.bufferViews[index]
        data, stop = self.buffer(one.buffer), one.byteOffset + one.byteLength
        if not 0 <= one.byteOffset <= stop <= len(data):
            raise self.damaged(f"view {index} lies outside of its buffer")
        return data[one.byteOffset : stop]

    def beside(self, uri: str) -> bytes:
        """The bytes behind a URI: base64 within it, or a file named from where this one lies."""
        if uri.startswith("data:"):
            try:
                return base64.b64decode(uri.partition(",")[2], validate=True)
            except (binascii.Error, ValueError):
                raise self.damaged("a data URI in it is no base64") from None
        name = unquote(uri)
        said = shown(name)
        if "://" in name or "\0" in name or Path(name).is_absolute():
            raise UnderstudyError(
                f"{self.name} names {said!r}, which is no file beside it; export it as one .glb."
            )
        path = self.path.parent / name
        try:
            if not path.is_file():
                raise UnderstudyError(
                    f"{self.name} needs the file {said}, which is not beside it; bring it there "
                    "or export one .glb."
                )
            self._left -= path.stat().st_size
            if self._left < 0:
                raise too_large(self.name)
            return path.read_bytes()
        except OSError as error:
            raise UnderstudyError(f"{said} cannot be read: {error.strerror or error}.") from None


def has_mesh(path: Path) -> bool:
    """Whether a character's file is of a kind that has something to draw."""
    return path.suffix.lower() in SUFFIXES


def too_large(name: str) -> UnderstudyError:
    return UnderstudyError(f"{name} has more than {MOST_BYTES >> 20} MB; export less.")


def opened(path: Path) -> File:
    """A .glb, .gltf, .vrm or .vrma, its JSON read and its nodes known to be few enough."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise too_large(path.name)
        data = path.read_bytes()
        text, chunk = (data, b"") if _is_text(data) else glb.split(path.name, data)
        tree = msgspec.json.decode(text, type=Document)
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, msgspec.DecodeError | RecursionError | UnicodeDecodeError):
            said = f"{path.name}: its JSON is damaged or no glTF: {error}."
        else:
            why = getattr(error, "strerror", None) or str(error)
            said = f"{shown(path)} cannot be read: {why}."
        raise UnderstudyError(said) from None
    if len(tree.nodes) > MOST_NODES:
        raise UnderstudyError(f"{path.name} has more than {MOST_NODES:,} nodes; export less.")
    return File(path, tree, chunk)


def _is_text(data: bytes) -> bool:
    return data[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")


def parents_of(name: str, nodes: list[Node]) -> list[int]:
    """The parent of every node, -1 for none; what is no tree is refused."""
    parent = [-1] * len(nodes)
    for n, node in enumerate(nodes):
        for child in node.children:
            if not 0 <= child < len(nodes) or parent[child] >= 0 or child == n:
                raise UnderstudyError(f"{name}: its nodes are no tree (node {n}).")
            parent[child] = n
    sound = [False] * len(nodes)
    for n in range(len(nodes)):
        way: dict[int, None] = {}
        while n >= 0 and not sound[n]:
            if n in way:
                raise UnderstudyError(f"{name}: its nodes are no tree (node {n}).")
            way[n] = None
            n = parent[n]
        for passed in way:
            sound[passed] = True
    return parent


def extension(table: dict[str, Any], name: str, kind: type) -> Any:
    """An extension's table as a struct, None where there is none or where it is damaged."""
    if not isinstance(table.get(name), dict):
        return None
    try:
        return msgspec.convert(table[name], kind)
    except msgspec.ValidationError:
        return None


def names_in(extras: Any, key: str) -> list[str]:
    """A list of names in somebody's `extras`, [] where there is none."""
    found = extras.get(key) if isinstance(extras, dict) else None
    sound = isinstance(found, list) and all(isinstance(name, str) for name in found)
    return found if sound and found is not None else []
