"""A character: a skeleton, and the mesh, materials, pictures and morphs that hang on it.

Metres, +Y up, the rest pose faces +Z, linear colours but for pictures, which are as they are kept.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.roles import roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

MOST_PIXELS = 1 << 26
Vec3 = tuple[float, float, float]


@dataclass(frozen=True)
class Texture:
    """A picture on a surface: which, by which of two UV sets, moved and turned, and repeated how.

    turn  (2, 3) from the mesh's UV to the picture's, KHR_texture_transform
    wrap  "repeat", "mirror" or "clamp", along u and v
    """

    image: int
    uv: int = 0
    turn: tuple[tuple[float, float, float], tuple[float, float, float]] = ((1, 0, 0), (0, 1, 0))
    wrap: tuple[str, str] = ("repeat", "repeat")
    nearest: bool = False


@dataclass(frozen=True)
class Material:
    """glTF's metal-rough surface. alpha is "OPAQUE", "MASK" or "BLEND"; colours are linear."""

    name: str = ""
    colour: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    colour_map: Texture | None = None
    metallic: float = 0.0
    roughness: float = 0.6
    rough_map: Texture | None = None  # green: roughness, blue: metallic
    normal_map: Texture | None = None
    normal_scale: float = 1.0
    occlusion_map: Texture | None = None  # red
    occlusion: float = 1.0
    emissive: Vec3 = (0.0, 0.0, 0.0)
    emissive_map: Texture | None = None
    alpha: str = "OPAQUE"
    cutoff: float = 0.5
    double_sided: bool = False
    unlit: bool = False


@dataclass(frozen=True, eq=False)
class Image:
    """A picture as the file keeps it: PNG, JPEG or WebP."""

    name: str
    data: bytes = field(repr=False)

    def size(self) -> tuple[int, int]:
        """Width and height, from its head."""
        return self._open().size

    def pixels(self, most: int = 4096) -> np.ndarray:
        """(H, W, 4) uint8, top row first, made smaller until no side is longer than `most`."""
        picture = self._open()
        try:
            if picture.format == "JPEG":
                picture.draft("RGB", (most, most))
            if picture.mode.startswith("I;16"):  # pillow would cut it off at 255
                deep = np.asarray(picture).astype(np.float32) / 257.0
                picture = _pillow().fromarray(deep.astype(np.uint8))
            picture = picture.convert("RGBA")
            if max(picture.size) > most:
                # Not pre-multiplied: colours under clear texels are meant to bleed.
                picture.thumbnail((most, most), _pillow().Resampling.BOX)
            return np.asarray(picture)
        except Exception as error:
            raise self._damaged(error) from None

    def _open(self):
        try:
            picture = _pillow().open(io.BytesIO(self.data), formats=("PNG", "JPEG", "WEBP"))
        except Exception as error:
            raise self._damaged(error) from None
        if picture.size[0] * picture.size[1] > MOST_PIXELS:
            raise UnderstudyError(
                f"The picture {self.name!r} has {picture.size[0]} x {picture.size[1]} pixels; "
                f"{MOST_PIXELS >> 20} million can be shown."
            )
        return picture

    def _damaged(self, error: Exception) -> UnderstudyError:
        why = str(error).split("\n")[0] or type(error).__name__
        if "cannot identify" in why:
            why = "it is no PNG, JPEG or WebP"
        elif "decompression bomb" in why:
            why = f"it has more than the {MOST_PIXELS >> 20} million pixels that can be shown"
        return UnderstudyError(f"The picture {self.name!r} cannot be shown: {why[:120]}.")


def _pillow():
    from PIL import Image as pillow

    return pillow


@dataclass(frozen=True)
class Part:
    """A run of triangles of one material."""

    name: str
    material: int
    first: int
    count: int


@dataclass(frozen=True, eq=False)
class Mesh:
    """Everything that is drawn, as one list of vertices.

    positions  (V, 3) float32 in the space of the file's mesh; `Character.unbind` takes it to a bone
    normals    (V, 3) float32        uvs      (V, 4) float32, two sets; v goes down
    colours    (V, 4) uint8, linear  joints   (V, 4) uint16, rows of `Character.bones`
    weights    (V, 4) float32, sum 1 triangles (F, 3) uint32, counter-clockwise from outside
    parts      in the order of their triangles
    """

    positions: Array
    normals: Array
    uvs: Array
    colours: np.ndarray
    joints: np.ndarray
    weights: Array
    triangles: np.ndarray
    parts: tuple[Part, ...]


@dataclass(frozen=True, eq=False)
class Morph:
    """A shape that some vertices can take: vertices (N,), and what is added to them, all float32.

    rest  the weight that the file gives it where nobody moves it
    """

    name: str
    vertices: np.ndarray
    positions: Array
    normals: Array
    rest: float = 0.0


@dataclass(frozen=True)
class Expression:
    """A VRM's word for several morphs at once: (morph, share).

    binary   all or nothing
    silences  what it holds down while it is shown: "blink", "look" or "mouth" -> all of it (True),
              or as much as it is shown itself
    """

    name: str
    morphs: tuple[tuple[int, float], ...]
    binary: bool = False
    silences: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True)
class Collider:
    """A ball on a joint, or a capsule where it has a tail; in the joint's frame, metres."""

    joint: int
    at: Vec3
    radius_m: float
    tail: Vec3 | None = None


@dataclass(frozen=True)
class SpringBone:
    """A joint that swings: hair, skirts, ears. tail: the end of its bone in its own frame."""

    joint: int
    tail: Vec3
    stiffness: float
    drag: float
    gravity: Vec3  # times its power
    radius_m: float = 0.0
    colliders: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Character:
    """What a file holds of a character.

    bones   (B,) the joint of each bone; the first J are the skeleton's joints themselves
    unbind  (B, 4, 4) float32: a vertex is at sum w * world[bones[b]] @ unbind[b] @ position, where
            world is a joint's rigid place: rotation and position alone
    named   bone in snake case -> joint, as a VRM says: eyes, jaw and fingers too
    look_rad  how far its eyes turn at most, aside and up, where a VRM says
    notes   sentences on what was guessed and what is not read
    """

    name: str
    skeleton: Skeleton
    mesh: Mesh
    bones: np.ndarray
    unbind: Array
    materials: tuple[Material, ...] = ()
    images: tuple[Image, ...] = ()
    morphs: tuple[Morph, ...] = ()
    expressions: tuple[Expression, ...] = ()
    named: dict[str, int] = field(default_factory=dict)
    springs: tuple[SpringBone, ...] = ()
    colliders: tuple[Collider, ...] = ()
    look_rad: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()

    def skin_matrices(self, world_p: Array, world_r: Array) -> Array:
        """(..., B, 4, 4) of joints at world positions (..., J, 3) and rotations (..., J, 4)."""
        m = np.zeros((*world_p.shape[:-2], len(self.bones), 4, 4))
        m[..., :3, :3] = rotation.to_matrix(world_r[..., self.bones, :])
        m[..., :3, 3] = world_p[..., self.bones, :]
        m[..., 3, 3] = 1.0
        return m @ self.unbind

    def vertices(self, world_p: Array | None = None, world_r: Array | None = None) -> Array:
        """(V, 3) in the world; at rest where no pose is given. Morphs are at rest."""
        if world_p is None or world_r is None:
            world_p, world_r = self.skeleton.rest_globals
        mesh, matrices = self.mesh, self.skin_matrices(world_p, world_r)
        blended = np.einsum("vk,vkij->vij", mesh.weights, matrices[mesh.joints])
        return np.einsum("vij,vj->vi", blended[:, :3, :3], mesh.positions) + blended[:, :3, 3]

    def vertex_joints(self) -> np.ndarray:
        """(V,) the joint that moves each vertex most."""
        most = np.argmax(self.mesh.weights, axis=1)
        return self.bones[self.mesh.joints[np.arange(len(most)), most]]


def without(character: Character, hidden: Iterable[str]) -> Character:
    """The character less the meshes of these names, each with every part of that name."""
    mesh, hidden = character.mesh, set(hidden)
    if lacks := sorted(hidden - {part.name for part in mesh.parts}):
        names = dict.fromkeys(part.name for part in mesh.parts)
        raise UnderstudyError(
            f"{character.name} has no mesh {lacks[0]!r} to hide; it has {', '.join(names)}."
        )
    parts, runs, first = [], [np.zeros((0, 3), np.uint32)], 0
    for part in mesh.parts:
        if part.name not in hidden:
            parts.append(replace(part, first=first))
            runs.append(mesh.triangles[part.first : part.first + part.count])
            first += part.count
    kept = replace(mesh, triangles=np.concatenate(runs), parts=tuple(parts))
    return replace(character, mesh=kept)


def sole_heights(character: Character) -> dict[str, float]:
    """ "left" and "right" -> height of the sole at rest: the least of what foot and toes carry.

    A side without a foot, or whose foot carries nothing, is left out.
    """
    skeleton, role = character.skeleton, roles(character.skeleton)
    height = character.vertices()[:, 1]
    carrier = character.vertex_joints()
    out: dict[str, float] = {}
    for side in ("left", "right"):
        if (foot := role.get(f"{side}_foot")) is None:
            continue
        below = np.zeros(len(skeleton), bool)
        below[foot] = True
        for j in range(foot + 1, len(skeleton)):
            below[j] = below[skeleton.parents[j]]
        if (mine := below[carrier]).any():
            out[side] = float(height[mine].min())
    return out
