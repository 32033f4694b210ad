"""A character out of a .glb, .gltf or .vrm file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from understudy.runtime.core.errors import UnderstudyError

from . import gltf_springs, made
from .character import Character, Expression
from .gltf_document import SUFFIXES, File, opened
from .gltf_materials import Materials, unread
from .gltf_meshes import Meshes
from .gltf_numbers import Numbers
from .gltf_skeleton import Rig, rig, said_bones
from .vrm_schema import Bind


def load(path: Path | str) -> Character:
    """Everything that we read of a character's file; its pictures are decoded when asked for."""
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise UnderstudyError(
            f"{path.name} is no character that is read: .glb, .gltf and .vrm files are."
        )
    return of_file(opened(path))


def of_file(file: File) -> Character:
    """The character of a file that is open."""
    bones = rig(file)
    materials = Materials(file)
    meshes = Meshes(file, Numbers(file), bones, materials)
    meshes.read()
    mesh, joints, unbind, morphs = meshes.finish()
    known = {n: j for j, n in enumerate(bones.order)}
    said = {bone: known[n] for bone, n in said_bones(file.tree).items() if n in known}
    rows = {morph.name: k for k, morph in enumerate(morphs)}
    notes = [*bones.notes, *meshes.notes, *materials.notes, *_painted(file), *unread(file)]
    springs, colliders = gltf_springs.read(file, bones)
    colliders = colliders or made.colliders(file.tree.asset.extras, bones.skeleton)
    return Character(
        _name(file),
        bones.skeleton,
        mesh,
        joints,
        unbind,
        tuple(materials.made),
        tuple(materials.images),
        morphs,
        _expressions(file, bones, meshes.targets, rows),
        said,
        springs,
        colliders,
        _look(file),
        tuple(notes),
    )


def _look(file: File) -> tuple[float, float] | None:
    """How far a VRM's eye joints turn when they look as far as they can; radians, aside and up."""
    vrm = file.tree.vrm
    if vrm is None:
        return None
    if file.tree.extensions.VRM is not None:
        old = vrm.firstPerson
        turns = (old.lookAtHorizontalOuter.yRange, old.lookAtVerticalUp.yRange)
    else:
        new = vrm.lookAt
        turns = (new.rangeMapHorizontalOuter.outputScale, new.rangeMapVerticalUp.outputScale)
    aside, up = (float(np.radians(np.clip(turn, 0.0, 45.0))) for turn in turns)
    return aside, up


def _painted(file: File) -> list[str]:
    """A sentence where expressions change materials too."""
    vrm = file.tree.vrm
    if vrm is None:
        return []
    tables = [*vrm.expressions.preset.values(), *vrm.expressions.custom.values()]
    new = any(one.materialColorBinds or one.textureTransformBinds for one in tables)
    old = any(group.materialValues for group in vrm.blendShapeMaster.blendShapeGroups)
    return ["Its expressions change materials too, which is not read."] if new or old else []


def _name(file: File) -> str:
    meta = file.tree.vrm.meta if file.tree.vrm is not None else None
    said = (meta.name or meta.title).strip() if meta is not None else ""
    return said or file.path.stem


def _expressions(
    file: File, bones: Rig, targets: dict[tuple[int, int], str], rows: dict[str, int]
) -> tuple[Expression, ...]:
    """A VRM's words for its morphs, of version 0 and 1."""
    vrm = file.tree.vrm
    if vrm is None:
        return ()
    out: list[Expression] = []

    def add(
        name: str,
        binds: list[Bind],
        whole: float,
        binary: bool,
        silences: tuple[tuple[str, bool], ...] = (),
    ) -> None:
        shares: dict[int, float] = {}
        for bind in binds:
            mesh = bind.mesh
            if 0 <= bind.node < len(file.tree.nodes):
                worn = file.tree.nodes[bind.node].mesh
                mesh = -1 if worn is None else worn
            if (target := targets.get((mesh, bind.index))) is not None:
                shares[rows[target]] = bind.weight / whole
        if shares:
            out.append(Expression(name, tuple(shares.items()), binary, silences))

    for group in vrm.blendShapeMaster.blendShapeGroups:
        plain = group.presetName if group.presetName != "unknown" else ""
        add(plain or group.name, group.binds, 100.0, group.isBinary)
    for table in (vrm.expressions.preset, vrm.expressions.custom):
        for name, one in table.items():
            said = (("blink", one.overrideBlink), ("look", one.overrideLookAt),
                    ("mouth", one.overrideMouth))  # fmt: skip
            silences = tuple((what, how == "block") for what, how in said if how != "none")
            add(name, one.morphTargetBinds, 1.0, one.isBinary, silences)
    return tuple(out)
