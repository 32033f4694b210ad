"""Figures: the characters that subjects can be given, out of files and profiles."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from understudy.runtime.characters import made
from understudy.runtime.characters.gltf_document import has_mesh
from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.files import shown
from understudy.runtime.core.joint_map import with_roles
from understudy.runtime.core.roles import SIDES, roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.retarget import profile as profiles
from understudy.runtime.retarget.fitting import Figure
from understudy.runtime.retarget.retarget import t_pose
from understudy.runtime.sources.registry import free

if TYPE_CHECKING:
    from understudy.runtime.characters.character import Character

Girths = dict[str, tuple[Array, Array]]


def load(said: Path | str, name: str = "") -> Figure:
    """The figure of a character's file (.glb, .gltf, .vrm, or any motion file), or of a profile.

    Raises UnderstudyError where the file cannot be read or is no humanoid.
    """
    said = Path(said)
    path, profile = profiles.file_of(said)
    skeleton, floor_m, girths, person = _read(path)
    if profile.roles:
        skeleton = with_roles(skeleton, profile.roles, said.name)
    skeleton = replace(skeleton, character=name or path.stem)
    if not profile.map:
        t_pose(skeleton)  # what is no humanoid is said now, and not on stage
    return Figure(skeleton, profile, floor_m, girths, person)


class Figures:
    """Figures by their files: one for all who wear it, under a name that no other has."""

    def __init__(self) -> None:
        self._known: dict[tuple[Path, int], Figure] = {}

    def load(self, said: str) -> Figure:
        """The figure of a file; it is read again where it has changed."""
        path = Path(said).resolve()
        try:
            changed_ns = path.stat().st_mtime_ns
        except OSError:
            raise UnderstudyError(f"There is no character {shown(path)}.") from None
        if (path, changed_ns) not in self._known:
            others = {f.skeleton.character for (p, _), f in self._known.items() if p != path}
            self._known[path, changed_ns] = load(path, free(profiles.file_of(path)[0].stem, others))
        return self._known[path, changed_ns]

    def replace(self, old: Figure, new: Figure) -> None:
        """Who wears this file from now on gets the new figure."""
        self._known = {key: new if one is old else one for key, one in self._known.items()}


def _read(path: Path) -> tuple[Skeleton, float | None, Girths, dict[str, Any] | None]:
    """Skeleton, floor and girths of a file, and the recipe where it is a person that was made."""
    if not path.is_file():
        raise UnderstudyError(f"There is no character {shown(path)}.")
    if has_mesh(path):
        from understudy.runtime.characters.character import sole_heights
        from understudy.runtime.characters.loading import load as read_character

        character = read_character(path)
        soles = sole_heights(character)
        floor_m = min(soles.values()) if soles else None
        return character.skeleton, floor_m, _girths(character), made.recipe_of(path)
    from understudy.runtime.takes import motion_file

    return motion_file.read(path).skeleton, None, {}, None


def _girths(character: Character) -> Girths:
    """How thick head, hips and chest are: a head by what it carries, a trunk by a slice of it."""
    role = roles(character.skeleton)
    world_p, world_r = character.skeleton.rest_globals
    vertices, carrier = character.vertices(), character.vertex_joints()
    limbs = {role[n] for n in role if n.endswith(("_arm", "_hand", "_leg", "_foot", "_toes"))}
    trunk = np.array([not _under(character.skeleton, j, limbs) for j in range(len(world_p))])
    found: Girths = {}
    for name, pair in (("head", ""), ("hips", "upper_leg"), ("upper_chest", "upper_arm")):
        if name not in role:
            continue
        joint = role[name]
        if pair:
            sides = [role[f"{side}_{pair}"] for side in SIDES if f"{side}_{pair}" in role]
            if len(sides) < 2:
                continue
            apart = float(np.linalg.norm(world_p[sides[0]] - world_p[sides[1]]))
            height = world_p[sides].mean(0)[1] + (0.15 if name == "hips" else -0.35) * apart
            slab = np.abs(vertices[:, 1] - height) < 0.25 * apart
            own = vertices[slab & trunk[carrier]]
        else:
            own = vertices[carrier == joint]
        if len(own) < 8:
            continue
        low, high = np.percentile(own, 2, axis=0), np.percentile(own, 98, axis=0)
        half = 0.5 * (high - low)
        if pair:
            half[1] = 0.5 * (half[0] + half[2])
        if half.min() > 1e-3:
            back = rotation.conjugate(world_r[joint])
            found[name] = rotation.rotate(back, 0.5 * (low + high) - world_p[joint]), half
    return found


def _under(skeleton: Skeleton, joint: int, others: set[int]) -> bool:
    """Whether a joint is one of these, or hangs on one."""
    while joint >= 0 and joint not in others:
        joint = int(skeleton.parents[joint])
    return joint >= 0
