"""`understudy inspect`: what we make of a motion file or a character."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from understudy.runtime.core.progress import loading

from .file_options import add_file_options, decided

if TYPE_CHECKING:
    from understudy.runtime.takes.inspection import Inspection, Worn

SUMMARY = "show what is understood of a motion file or character: axis, unit, joints, guesses"
EXAMPLES = """understudy inspect walk.bvh
understudy inspect walk.bvh --json
understudy inspect walk.bvh --save-map walk.toml
understudy play --bvh walk.bvh --map walk.toml
understudy inspect hero.vrm"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="a BVH, glTF, USD or FBX file, or a VRM"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument(
        "--save-map", type=Path, metavar="FILE.toml", help="write the joints' roles, to be edited"
    )
    add_file_options(parser)


def run(args: argparse.Namespace) -> int:
    import msgspec

    from understudy.runtime.core.joint_map import write_map
    from understudy.runtime.takes.inspection import inspect

    with loading(args.file) as bar:
        found, skeleton = inspect(args.file, bar("reading"), **decided(args))
    if args.json:
        print(msgspec.json.encode(found).decode())
    else:
        print("\n".join(lines(args.file.name, len(skeleton), found)))
    if args.save_map is not None:
        write_map(args.save_map, skeleton)
        if not args.json:
            print(f"wrote {args.save_map}")
    return 0


def lines(name: str, joints: int, found: Inspection) -> list[str]:
    """The same for a person to read."""
    motion = (
        f"{found.frames} frames at {found.rate_hz:g} Hz, {found.frames / found.rate_hz:.2f} s, "
        if found.rate_hz
        else ""
    )
    leg = "" if found.leg_m is None else f", a leg {found.leg_m:.2f} m"
    known = "1 role" if len(found.roles) == 1 else f"{len(found.roles)} roles"
    out = [
        f"{name}: {motion}{'1 joint' if joints == 1 else f'{joints} joints'}",
        f"  up {found.up}, unit {found.unit_m:g} m, {found.height_m:.2f} m tall{leg}",
        f"  {_what(found)}, {known} known",
    ]
    width = max((len(role) for role in found.roles), default=0)
    out += [f"    {role:{width}}  {joint}" for role, joint in found.roles.items()]
    if found.unmapped:
        out.append(f"  without a role: {', '.join(found.unmapped)}")
    if found.character:
        out += [f"  {line}" for line in _worn(found.character)]
    return out + [f"  {note}" for note in found.notes]


def _worn(worn: Worn) -> list[str]:
    """What a character wears: triangles, materials, pictures, morphs."""
    if not worn.triangles:
        return ["no mesh"]
    out = [f"{worn.triangles:,} triangles, {worn.vertices:,} vertices: {_few(worn.meshes)}"]
    out.append(f"materials: {_few(worn.materials)}")
    if worn.pictures:
        sized = [f"{name} ({w} x {h})" for name, (w, h) in worn.pictures.items()]
        out.append(f"pictures: {_few(sized)}")
    for what, names in (("morphs", worn.morphs), ("expressions", worn.expressions)):
        if names:
            out.append(f"{len(names)} {what}: {_few(names, 60)}")
    return out


def _few(names: list[str], most: int = 16) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _what(found: Inspection) -> str:
    from understudy.runtime.core.roles import is_part

    if found.humanoid:
        return "a humanoid"
    return "a part of a humanoid" if is_part(found.roles) else "no humanoid"
