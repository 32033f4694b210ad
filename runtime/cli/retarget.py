"""`understudy retarget`: a motion file onto a character."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from understudy.runtime.core.progress import loading

from .file_options import add_file_options, decided

SUMMARY = "carry a motion file onto a character: feet on its floor, hands that touch"
EXAMPLES = """understudy retarget walk.bvh --to knight.glb --out knight-walk.glb
understudy retarget walk.bvh --to knight.glb --out walk.bvh --preview sheet.png
understudy retarget walk.bvh --to knight.glb --save-profile knight.toml
understudy retarget walk.bvh --to knight.toml --out knight-walk.glb"""
OUTS = (".bvh", ".glb", ".usd", ".usda", ".usdc", ".fbx")


def arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("motion", type=Path, help="a BVH, glTF, USD or FBX file with the motion of one body")
    add(
        "--to",
        type=Path,
        required=True,
        metavar="CHARACTER",
        help=".glb, .gltf or .vrm, a motion file whose skeleton is meant, or a profile (.toml)",
    )
    add(
        "--out",
        type=Path,
        metavar="FILE",
        help="x.bvh, x.usd, x.usda, x.usdc, x.fbx (by Blender): the motion on the character's "
        "skeleton; x.glb: the character itself, with it",
    )
    add("--preview", type=Path, metavar="FILE.png", help="a sheet of source and character")
    add(
        "--save-profile",
        type=Path,
        metavar="FILE.toml",
        help="the roles that were found and all that can be set, to edit and give as --to",
    )
    add_file_options(parser)


def run(args: argparse.Namespace) -> int:
    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.core.files import writable
    from understudy.runtime.retarget import profile as profiles
    from understudy.runtime.stage import figures
    from understudy.runtime.takes.carrying import carried

    if args.out is None and args.preview is None and args.save_profile is None:
        raise UnderstudyError("Nothing is asked for: give --out, --preview or --save-profile.")
    if args.out is not None and args.out.suffix.lower() not in OUTS:
        raise UnderstudyError(f"--out {args.out.name} ends in none of {', '.join(OUTS)}.")
    for path in (args.out, args.preview, args.save_profile):
        if path is not None:
            writable(path)
    if args.out is not None and (kind := _exporter(args.out)) is not None:
        kind.ready()
    figure = figures.load(args.to)
    if args.save_profile is not None:
        file, profile = profiles.file_of(args.to)
        profiles.save(args.save_profile, file, profile, figure.skeleton)
        print(f"{args.save_profile}: the profile of {figure.skeleton.character}")
        if args.out is None and args.preview is None:
            return 0
    from understudy.runtime.takes import motion_file

    with loading(args.motion) as bar:
        source = motion_file.read(args.motion, progress=bar("reading"), **decided(args))
        for note in source.notes:
            print(note)
        clip = carried(source, figure, bar("carrying over"), _floor_m(args.motion))
    if args.out is not None:
        _write(args.out, clip, profiles.file_of(args.to)[0])
        print(f"{args.out}: {len(clip)} frames at {clip.rate_hz:g} Hz on {clip.name}")
    if args.preview is not None:
        from understudy.runtime.viewport import preview

        preview.sheet(args.preview, source, clip, args.to)
        print(f"{args.preview}: source above, {clip.name} below")
    return 0


def _floor_m(motion: Path) -> float | None:
    """How high the floor lies under a source that brings its mesh."""
    from understudy.runtime.characters.gltf_document import has_mesh
    from understudy.runtime.core.errors import UnderstudyError
    from understudy.runtime.stage import figures

    if not has_mesh(motion):
        return None
    try:
        return figures.load(motion).floor_m
    except UnderstudyError:  # as a character it cannot be read; its motion was
        return None


def _exporter(out: Path) -> Any:
    """The module that writes USD or FBX; None for what is written without a library."""
    suffix = out.suffix.lower()
    if suffix not in (".usd", ".usda", ".usdc", ".fbx"):
        return None
    from understudy.runtime.takes import take_fbx, take_usd

    return take_fbx if suffix == ".fbx" else take_usd


def _write(out: Path, clip: Any, character: Path) -> None:
    """The carried clip as a file; the character's own file with it where that is glTF."""
    from understudy.runtime.takes import bvh
    from understudy.runtime.takes.carrying import upright

    if out.suffix.lower() == ".bvh":
        bvh.write(out, upright(clip))
        return
    if (kind := _exporter(out)) is not None:
        from understudy.runtime.takes import take_motion

        for note in kind.write(out, take_motion.of_clip(clip)) or []:
            print(note)
        return
    from understudy.runtime.takes import character_glb

    character_glb.write(out, clip, character)
