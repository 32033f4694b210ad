"""Blender reads an exported file: FILE OUT.npz ROWS RATE_HZ. Joints, face, camera and props a row.

What it finds is turned from Blender's +Z up to +Y up, and is in metres.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix

path, out, rows, rate_hz = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.render.fps = math.ceil(rate_hz - 1e-3)
# The importer of glTF takes fps_base for its inverse, that of FBX leaves it out.
whole = path.suffix in (".glb", ".fbx")
if not whole:
    scene.render.fps_base = scene.render.fps / rate_hz
first = 1 if path.suffix == ".bvh" else 0  # its importer counts from 1
match path.suffix:
    case ".glb":
        bpy.ops.import_scene.gltf(filepath=str(path), bone_heuristic="BLENDER")
    case ".fbx":
        bpy.ops.import_scene.fbx(
            filepath=str(path), primary_bone_axis="Y", secondary_bone_axis="X", anim_offset=0.0
        )
    case ".bvh":
        bpy.ops.import_anim.bvh(
            filepath=str(path), global_scale=0.01, frame_start=0, use_fps_scale=False,
            rotate_mode="NATIVE", axis_forward="-Z", axis_up="Y",
        )  # fmt: skip
    case _:
        bpy.ops.wm.usd_import(filepath=str(path), apply_unit_conversion_scale=True)
UP = Matrix(((1, 0, 0, 0), (0, 0, 1, 0), (0, -1, 0, 0), (0, 0, 0, 1)))
found: dict[str, list] = {}


def see(key: str, value) -> None:
    found.setdefault(key, []).append(value)


def matrix(m) -> list:
    return [list(row) for row in UP @ m]


for row in range(rows):
    at = first + row
    if whole:
        at = row * scene.render.fps / rate_hz
    scene.frame_set(int(at), subframe=at - int(at))
    depsgraph = bpy.context.evaluated_depsgraph_get()
    for thing in scene.objects:
        seen = thing.evaluated_get(depsgraph)
        if thing.type == "ARMATURE":
            for bone in seen.pose.bones:
                see(f"bone/{thing.name}/{bone.name}", matrix(seen.matrix_world @ bone.matrix))
        elif thing.type == "MESH" and thing.data.shape_keys:
            for key in seen.data.shape_keys.key_blocks[1:]:
                see(f"shape/{thing.name}/{key.name}", key.value)
        elif thing.type == "CAMERA":
            lens = seen.data
            see(f"camera/{thing.name}", matrix(seen.matrix_world))
            # The vertical field of view, and the rest as it stands.
            see(f"lens/{thing.name}", [lens.angle_y, lens.lens, lens.sensor_width,
                lens.sensor_height, lens.dof.focus_distance, lens.dof.aperture_fstop])  # fmt: skip
        elif thing.type == "EMPTY":
            # From glTF its own axes are turned with the world's.
            own = UP.inverted() if path.suffix == ".glb" else Matrix()
            see(f"empty/{thing.name}", matrix(seen.matrix_world @ own))
rest = {
    f"rest/{thing.name}/{bone.name}": matrix(thing.matrix_world @ bone.matrix_local)
    for thing in scene.objects
    if thing.type == "ARMATURE"
    for bone in thing.data.bones
}
np.savez(out, **{key: np.array(value) for key, value in (found | rest).items()})
