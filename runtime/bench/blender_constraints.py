"""Run by Blender's Python: a motion onto another armature by constraints. IN.npz OUT.npz.

It is how animators do it there, and what the free retargeting add-ons do for them: both armatures
in one T-pose, the actor's scaled to the character's legs, for each bone of the character a helper
bone on the actor's that stands as the character's does, Copy Rotation from it in the world's axes,
Copy Location for the hips, and a bake of what comes out. It imports nothing of ours.
"""

from __future__ import annotations

import sys
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Quaternion

LONG_M = 0.05


def armature(name: str, rest: np.ndarray, parents: list[int], more: list[tuple]) -> Any:
    """An armature with bones b0, b1 ... that stand as rest (J, 4, 4) says; and h0, h1 ...

    more  helper bones: which bone each hangs on, and how it stands (4, 4)
    """
    data = bpy.data.armatures.new(name)
    thing = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(thing)
    bpy.context.view_layer.objects.active = thing
    bpy.ops.object.mode_set(mode="EDIT")
    bones = []
    for number, stands in enumerate(rest):
        bones.append(_bone(data, f"b{number}", stands))
        if parents[number] >= 0:
            bones[-1].parent = bones[parents[number]]
    for number, (parent, stands) in enumerate(more):
        _bone(data, f"h{number}", stands).parent = bones[parent]
    bpy.ops.object.mode_set(mode="POSE")
    for bone in thing.pose.bones:
        bone.rotation_mode = "QUATERNION"
    return thing


def _bone(data: Any, name: str, stands: np.ndarray) -> Any:
    bone = data.edit_bones.new(name)
    bone.tail = (0.0, LONG_M, 0.0)
    bone.matrix = Matrix(stands.tolist())
    return bone


def main(source: str, target: str) -> None:
    said = np.load(source)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    pairs = said["pairs"].tolist()  # of the character's bones and the actor's, the hips first
    rest_t, scale = said["target_rest"], float(said["scale"])
    helpers = []
    for joint, mate in pairs:
        stands = said["source_rest"][mate].copy()
        stands[:3, :3] = rest_t[joint][:3, :3]
        helpers.append((mate, stands))
    actor = armature("actor", said["source_rest"], said["source_parents"].tolist(), helpers)
    actor.scale = (scale,) * 3
    worn = armature("character", rest_t, said["target_parents"].tolist(), [])
    for number, (joint, _) in enumerate(pairs):
        kinds = ("COPY_ROTATION", "COPY_LOCATION") if number == 0 else ("COPY_ROTATION",)
        for kind in kinds:
            copy = worn.pose.bones[f"b{joint}"].constraints.new(kind)
            copy.target, copy.subtarget = actor, f"h{number}"
    locations, turns = said["location"], said["turn"]
    bones = [actor.pose.bones[f"b{j}"] for j in range(locations.shape[1])]
    out = np.empty((len(locations), len(rest_t), 4, 4), np.float32)
    for frame in range(len(locations)):
        for bone, at, turn in zip(bones, locations[frame], turns[frame], strict=True):
            bone.location = at.tolist()
            x, y, z, w = turn.tolist()
            bone.rotation_quaternion = Quaternion((w, x, y, z))
        bpy.context.view_layer.update()
        shown = worn.evaluated_get(bpy.context.evaluated_depsgraph_get())
        for joint in range(len(rest_t)):
            out[frame, joint] = np.array(shown.pose.bones[f"b{joint}"].matrix)
    np.savez(target, world=out)


if __name__ == "__main__":
    words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
    main(*words)
