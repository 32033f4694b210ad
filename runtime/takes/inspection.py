"""What a motion file or a character holds, as we understand it: found, guessed and dropped."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from understudy.runtime.characters import loading
from understudy.runtime.characters.character import Character
from understudy.runtime.characters.gltf_document import SUFFIXES, opened
from understudy.runtime.characters.gltf_schema import Document
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.joint_map import with_roles
from understudy.runtime.core.progress import Progress
from understudy.runtime.core.roles import LEG, SIDES, guess, helpers
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.retarget.retarget import NotHumanoid, t_pose

from . import motion_file
from .clip import Clip


class Worn(msgspec.Struct):
    """What hangs on a character's skeleton; pictures: name -> width and height."""

    name: str
    triangles: int
    vertices: int
    meshes: list[str]
    materials: list[str]
    pictures: dict[str, tuple[int, int]]
    morphs: list[str]
    expressions: list[str]


class Inspection(msgspec.Struct):
    """roles: role -> joint's name; unmapped: the joints without a role; notes: sentences.

    leg_m is None where no leg is known, frames and rate_hz are 0 where nothing moves.
    """

    frames: int
    rate_hz: float
    up: str
    unit_m: float
    height_m: float
    leg_m: float | None
    humanoid: bool
    roles: dict[str, str]
    unmapped: list[str]
    notes: list[str]
    character: Worn | msgspec.UnsetType = msgspec.UNSET  # of glTF files and VRMs alone


def inspect(path: Path, progress: Progress | None = None, **given) -> tuple[Inspection, Skeleton]:
    """A motion file, or a character (.glb, .gltf, .vrm); given as for `bvh.read`."""
    if path.suffix.lower() in SUFFIXES:
        return _of_character(path, given)
    if path.suffix.lower() in (".c3d", ".dae", ".trc"):
        raise UnderstudyError(
            f"{path.name}: {path.suffix} files are not read; export BVH, .glb, USD or FBX for "
            "motion, .glb for a character."
        )
    clip = motion_file.read(path, progress=progress, **given)
    return of_clip(clip), clip.skeleton


def of_clip(clip: Clip) -> Inspection:
    """What was understood of a clip that was read from a file."""
    world = clip.skeleton.globals(clip.positions[:1], clip.rotations[:1])[0][0]
    return _about(
        clip.skeleton, world, len(clip), clip.rate_hz, clip.placement.up, clip.unit_m,
        list(clip.notes),
    )  # fmt: skip


def _of_character(path: Path, given: dict) -> tuple[Inspection, Skeleton]:
    file = opened(path)
    character = loading.of_file(file)
    skeleton = with_roles(character.skeleton, given.get("roles"), path.name)
    frames, length_s = _longest(file.tree)
    rate_hz = (frames - 1) / length_s if length_s > 0.0 and frames > 1 else 0.0
    notes = list(character.notes)
    if moves := file.tree.animations:
        shown = ", ".join(repr(one.name) for one in moves[:4]) + (" ..." if len(moves) > 4 else "")
        notes.append(f"It has {len(moves)} animation{'s' * (len(moves) > 1)}: {shown}.")
    notes += guess(skeleton).notes
    about = _about(skeleton, skeleton.rest_globals[0], frames, rate_hz, "Y", 1.0, notes)
    about.character = _worn(character, about.notes)
    return about, skeleton


def _longest(document: Document) -> tuple[int, float]:
    """Keys and seconds of the longest animation; some of its joints may have two keys alone."""
    best = (0, 0.0)
    for one in document.animations:
        at = [s.input for s in one.samplers if 0 <= s.input < len(document.accessors)]
        times = [document.accessors[i] for i in at if document.accessors[i].max]
        if times:
            keys = max(t.count for t in times)
            # Many exporters let the first key be at 1/24 s.
            begin_s = min(t.min[0] if t.min else 0.0 for t in times)
            length_s = max(t.max[0] for t in times) - begin_s
            best = max(best, (keys, length_s), key=lambda b: b[1])
    return best


def _worn(character: Character, notes: list[str]) -> Worn:
    """What a character wears; a picture that cannot be shown becomes a note."""
    pictures: dict[str, tuple[int, int]] = {}
    for image in character.images:
        try:
            pictures[image.name] = image.size()
        except UnderstudyError as error:
            notes.append(str(error))
    mesh = character.mesh
    return Worn(
        name=character.name,
        triangles=len(mesh.triangles),
        vertices=len(mesh.positions),
        meshes=list(dict.fromkeys(part.name for part in mesh.parts)),
        materials=[m.name or "(no name)" for m in character.materials],
        pictures=pictures,
        morphs=[morph.name for morph in character.morphs],
        expressions=[one.name for one in character.expressions],
    )


def _about(
    skeleton: Skeleton,
    world: Array,
    frames: int,
    rate_hz: float,
    up: str,
    unit_m: float,
    notes: list[str],
) -> Inspection:
    found = guess(skeleton).roles
    try:
        stand: Array = t_pose(skeleton)[0]
        humanoid = True
    except NotHumanoid:
        stand, humanoid = world, False
    taken = set(found.values())
    if beside := helpers(skeleton):
        some = ", ".join(beside[:3]) + (" ..." if len(beside) > 3 else "")
        are = "1 joint is a helper" if len(beside) == 1 else f"{len(beside)} joints are helpers"
        notes = [
            *notes,
            f"{are} of a limb and no part of it, such as twist bones: {some}. No role is theirs; "
            "they turn as the file says.",
        ]
    return Inspection(
        frames=frames,
        rate_hz=round(rate_hz, 4),
        up=up,
        unit_m=unit_m,
        height_m=round(height_m(skeleton, stand), 3),
        leg_m=leg_m(skeleton),
        humanoid=humanoid,
        roles={role: skeleton.names[joint] for role, joint in found.items()},
        unmapped=[name for j, name in enumerate(skeleton.names) if j not in taken],
        notes=notes,
    )


def height_m(skeleton: Skeleton, world: Array) -> float:
    """How far a pose (J, 3) reaches along +Y, ends of bones included as far as they go up or down.

    Bone ends count by their length at the head and the toes alone: their directions at rest are
    not known in every pose.
    """
    heights = world[:, 1]
    tip = np.nan_to_num(np.linalg.norm(skeleton.tips, axis=1))
    role = guess(skeleton).roles
    top = heights.max()
    if "head" in role:
        top = max(top, heights[role["head"]] + tip[role["head"]])
    elif not role:
        top = top + tip[int(np.argmax(heights))]
    return float(top - heights.min())


def leg_m(skeleton: Skeleton) -> float | None:
    """Hip joint to ankle along the bones, of the longer leg."""
    role = guess(skeleton).roles
    world = skeleton.rest_globals[0]
    lengths = []
    for side in SIDES:
        joints = [role.get(f"{side}_{part}") for part in LEG[:3]]
        if None not in joints:
            steps = np.diff(world[np.array(joints, int)], axis=0)
            lengths.append(float(np.linalg.norm(steps, axis=1).sum()))
    return round(max(lengths), 4) if lengths else None
