"""Characters of files made ready for the GPU, beside the frame loop."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from understudy.runtime.characters.character import Character, Texture, without
from understudy.runtime.characters.faces import FaceRig
from understudy.runtime.characters.gltf_document import has_mesh
from understudy.runtime.characters.levels import Level, levels, whole
from understudy.runtime.characters.loading import load
from understudy.runtime.characters.springs import Springs
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import Pose
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.retarget import profile as profiles
from understudy.runtime.retarget.retarget import Retarget

VERTEX = np.dtype(
    [("position", "f4", 3), ("normal", "f4", 3), ("uvs", "f4", 4), ("tone", "u1", 4),
     ("joints", "u2", 4), ("weights", "f4", 4), ("slot", "i4")]
)  # fmt: skip
MAPS = ("colour_map", "rough_map", "normal_map", "occlusion_map", "emissive_map")
DECODERS = 4
COLOURS = ("colour_map", "emissive_map")  # kept in sRGB


@dataclass(frozen=True, eq=False)
class Picture:
    """Pixels (H, W, 4), row 0 at v = 0, that a texture's wrapping is already in."""

    pixels: np.ndarray
    repeat: tuple[bool, bool]
    nearest: bool
    srgb: bool


@dataclass(eq=False)
class Outfit:
    """A character with its buffers' bytes.

    pictures  until they are on the GPU
    slots   how many vertices any morph moves; moves: for each morph its slots and (N, 6) float32
    looks   for each material its pictures' rows in `pictures` by name, and the UV's way to each
    levels  the mesh itself alone at first; coarser ones follow
    """

    character: Character
    vertices: np.ndarray
    slots: int
    moves: list[tuple[np.ndarray, Array]]
    pictures: list[Picture]
    looks: list[dict[str, tuple[int, Texture]]]
    levels: list[Level]
    face: FaceRig
    springs: Springs
    notes: list[str] = field(default_factory=list)
    reach_m: float = 0.0  # of its mesh from its joints
    tall_m: float = 0.0
    above_m: float = 0.27  # its top and a bit over its highest joint


def made(character: Character, most_pixels: int) -> Outfit:
    """The outfit of a character, with the mesh itself as its one level."""
    mesh = character.mesh
    vertices = np.zeros(len(mesh.positions), VERTEX)
    vertices["position"], vertices["normal"] = mesh.positions, mesh.normals
    vertices["uvs"], vertices["tone"] = mesh.uvs, mesh.colours
    vertices["joints"], vertices["weights"] = mesh.joints, mesh.weights
    moved = np.zeros(len(vertices), bool)
    for morph in character.morphs:
        moved[morph.vertices] = True
    slot = np.where(moved, np.cumsum(moved) - 1, -1)
    vertices["slot"] = slot
    moves = [
        (slot[m.vertices], np.concatenate([m.positions, m.normals], axis=1).astype(np.float32))
        for m in character.morphs
    ]
    outfit = Outfit(character, vertices, int(moved.sum()), moves, [], [], [whole(mesh)],
                    FaceRig(character), Springs(character))  # fmt: skip
    _dress(outfit, most_pixels)
    at = character.vertices()
    from_joint = at - character.skeleton.rest_globals[0][character.vertex_joints()]
    if len(at):
        outfit.tall_m = float(np.ptp(at[:, 1]))
        top_m = at[:, 1].max() - character.skeleton.rest_globals[0][:, 1].max()
        outfit.above_m = max(float(top_m), 0.0) + 0.08
    outfit.reach_m = float(np.linalg.norm(from_joint, axis=1).max(initial=0.0))
    return outfit


def is_drawn(path: Path) -> bool:
    """Whether a character's file, or that of a profile, is of a kind that has a mesh."""
    if path.suffix.lower() == profiles.SUFFIX:
        path = Path(profiles.load(path).file)
    return has_mesh(path)


def _dress(outfit: Outfit, most_pixels: int) -> None:
    """Decodes the pictures that the materials use."""
    character = outfit.character
    used = {t.image for m in character.materials for n in MAPS if (t := getattr(m, n)) is not None}
    with ThreadPoolExecutor(DECODERS) as pool:  # pillow decodes without the interpreter's lock
        pixels = dict(zip(used, pool.map(lambda k: _decoded(outfit, k, most_pixels), used)))
    rows: dict[tuple, int] = {}
    for material in character.materials:
        look: dict[str, tuple[int, Texture]] = {}
        for name in MAPS:
            texture: Texture | None = getattr(material, name)
            if texture is None or (found := pixels[texture.image]) is None:
                continue
            key = (texture.image, texture.wrap, texture.nearest, name in COLOURS)
            if key not in rows:
                rows[key] = len(outfit.pictures)
                outfit.pictures.append(_picture(found, texture, name in COLOURS))
            look[name] = rows[key], _halved(texture)
        outfit.looks.append(look)


def _decoded(outfit: Outfit, image: int, most_pixels: int) -> np.ndarray | None:
    """A picture's pixels; None and a note where it cannot be shown."""
    try:
        return outfit.character.images[image].pixels(most_pixels)
    except UnderstudyError as error:
        outfit.notes.append(f"{outfit.character.name}: {error}")
        return None


def _picture(pixels: np.ndarray, texture: Texture, srgb: bool) -> Picture:
    """Mirrored repeats are written out: the picture and its mirror image side by side."""
    if texture.wrap[0] == "mirror":
        pixels = np.concatenate([pixels, pixels[:, ::-1]], axis=1)
    if texture.wrap[1] == "mirror":
        pixels = np.concatenate([pixels, pixels[::-1]], axis=0)
    u, v = (way != "clamp" for way in texture.wrap)
    return Picture(np.ascontiguousarray(pixels), (u, v), texture.nearest, srgb)


def _halved(texture: Texture) -> Texture:
    if "mirror" not in texture.wrap:
        return texture
    u, v = (
        tuple(0.5 * k for k in row) if way == "mirror" else row
        for row, way in zip(texture.turn, texture.wrap, strict=True)
    )
    return Texture(texture.image, texture.uv, (u, v), texture.wrap, texture.nearest)  # type: ignore[arg-type]


def turned(look: dict[str, tuple[int, Texture]]) -> bool:
    """Whether any picture of a material needs more than the first UV set as it is."""
    plain = ((1, 0, 0), (0, 1, 0))
    return any(t.uv != 0 or t.turn != plain for _, t in look.values())


class Fit:
    """How a skeleton wears a character: joint by joint by name, or carried over by roles.

    lacks  the character's joints that the skeleton does not have, where neither will do
    """

    def __init__(self, outfit: Outfit, skeleton: Skeleton) -> None:
        rows = {name: j for j, name in enumerate(skeleton.names)}
        own = outfit.character.skeleton
        self.above_m = outfit.above_m
        self.joints = np.array([rows.get(name, 0) for name in own.names])
        self.lacks = tuple(name for name in own.names if name not in rows)
        self._carry: Retarget | None = None
        if self.lacks:
            with contextlib.suppress(UnderstudyError):
                self._carry, self.lacks = Retarget(skeleton, own), ()
        self._skeleton = own

    def world(self, pose: Pose, world_p: Array, world_r: Array) -> tuple[Array, Array]:
        """Where the character's joints are: positions (J, 3), rotations (J, 4)."""
        if self._carry is None:
            return world_p[self.joints], world_r[self.joints]
        local = self._carry.apply(
            np.asarray(pose.positions, np.float64), np.asarray(pose.rotations, np.float64)
        )
        return self._skeleton.globals(*local)


class Outfits:
    """Outfits by character's name, of their files or profiles.

    With `wait` false they are made beside the frame loop.
    """

    def __init__(self, wait: bool = True, most_pixels: int = 2048) -> None:
        self.files: dict[str, Path] = {}
        self.notes: list[str] = []
        self._wait, self.most_pixels = wait, most_pixels
        self._ready: dict[str, tuple[Path, Outfit | None]] = {}
        self._making: dict[str, tuple[Path, Future[Outfit]]] = {}
        self._pool = ThreadPoolExecutor(1, "character")

    def outfit(self, name: str) -> Outfit | None:
        """The outfit of a character; None while it is being made, or where it cannot be."""
        path = self.files.get(name)
        if path is None:
            return None
        path = Path(path)
        known = self._ready.get(name)
        if known is not None and known[0] == path:
            return known[1]
        if name not in self._making or self._making[name][0] != path:
            self._making[name] = path, self._pool.submit(self._make, path)
        future = self._making[name][1]
        if not (self._wait or future.done()):
            return None
        del self._making[name]
        try:
            outfit = future.result()
        except UnderstudyError as error:
            self._ready[name] = path, None
            self.notes.append(f"The character {name} is not drawn: {error}")
            return None
        self._ready[name] = path, outfit
        self.notes += outfit.notes
        coarser = self._pool.submit(_coarsen, outfit)
        if self._wait:
            coarser.result()
        return outfit

    def tall_m(self, name: str) -> float:
        """How tall a character stands at rest; 0 where it is not ready."""
        known = self._ready.get(name)
        return known[1].tall_m if known is not None and known[1] is not None else 0.0

    @property
    def making(self) -> bool:
        return bool(self._making)

    def prepare(self, names: Sequence[str] | None = None) -> None:
        """Begins to make the outfits of these, or of all, before they are asked for."""
        for name in self.files if names is None else names:
            self.outfit(name)

    def forget(self, name: str) -> None:
        """Lets a character go; its pictures are with whoever drew it."""
        self._ready.pop(name, None)

    def _make(self, path: Path) -> Outfit:
        if path.suffix.lower() != profiles.SUFFIX:
            return made(load(path), self.most_pixels)
        profile = profiles.load(path)
        return made(without(load(path.parent / profile.file), profile.hide), self.most_pixels)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def _coarsen(outfit: Outfit) -> None:
    character = outfit.character
    outfit.levels = levels(character.mesh, character.vertices())
