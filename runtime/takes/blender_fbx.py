"""Run by Blender's Python: a scene of arrays becomes FBX. SCENE.npz OUT.fbx, after a `--` if any.

It imports nothing of ours, for Blender's Python knows nothing of us. What is in SCENE.npz:
`take_fbx.py`. The scene is in centimetres, FBX's own unit, so that no object needs a scale.
"""

from __future__ import annotations

import json
import math
import sys
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Quaternion

CM = 100.0
# From +Y up to Blender's +Z up; the exporter turns the world back.
STAND = Matrix.Rotation(math.radians(90.0), 4, "X")
LINEAR = bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items["LINEAR"].value


def curve_holder(data: Any) -> Any:
    """Where the curves of a new action of an object, a camera or a mesh's keys are made."""
    data.animation_data_create()
    action = bpy.data.actions.new(data.name)
    data.animation_data.action = action
    if not hasattr(action, "layers"):  # before Blender 4.4
        return action.fcurves
    slot = action.slots.new(id_type=data.id_type, name=data.name)
    data.animation_data.action_slot = slot
    strip = action.layers.new("take").strips.new(type="KEYFRAME")
    return strip.channelbag(slot, ensure=True).fcurves


def animate(curves: Any, path: str, values: np.ndarray) -> None:
    """values (T,) or (T, N): a key at every frame."""
    columns = values.reshape(len(values), -1)
    co = np.empty((len(columns), 2), np.float32)
    co[:, 0] = np.arange(len(columns))
    for index in range(columns.shape[1]):
        curve = curves.new(path, index=index)
        curve.keyframe_points.add(len(columns))
        co[:, 1] = columns[:, index]
        curve.keyframe_points.foreach_set("co", co.ravel())
        curve.keyframe_points.foreach_set("interpolation", np.full(len(columns), LINEAR))
        curve.update()


def matrix(position: np.ndarray, turn: np.ndarray) -> Matrix:
    """Of metres and x y z w."""
    x, y, z, w = map(float, turn)
    place = Matrix.Translation([CM * float(v) for v in position])
    return place @ Quaternion((w, x, y, z)).to_matrix().to_4x4()


def link(name: str, data: Any) -> Any:
    thing = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(thing)
    return thing


def add_armature(name: str, said: dict[str, Any], part: Any) -> Any:
    """Its bones at rest are the mesh's bind pose."""
    armature = link(name, bpy.data.armatures.new(name))
    armature.matrix_world = STAND
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    bind = part("bind")
    bones: list[Any] = []
    for joint, parent in enumerate(said["parents"]):
        bone = armature.data.edit_bones.new(said["joints"][joint])
        bone.head, bone.tail = (0.0, 0.0, 0.0), (0.0, 5.0, 0.0)
        at = Matrix(bind[joint].tolist())
        at.translation *= CM
        bone.matrix = at
        if parent >= 0:
            bone.parent = bones[parent]
        bones.append(bone)
    names = [bone.name for bone in bones]
    bpy.ops.object.mode_set(mode="OBJECT")
    curves = curve_holder(armature)
    for joint, bone_name in enumerate(names):
        pose = armature.pose.bones[bone_name]
        pose.rotation_mode = "QUATERNION"
        path = f'pose.bones["{bpy.utils.escape_identifier(bone_name)}"]'
        animate(curves, f"{path}.location", CM * part("location")[:, joint])
        animate(curves, f"{path}.rotation_quaternion", part("turn")[:, joint][:, [3, 0, 1, 2]])
    return armature


def add_mesh(name: str, armature: Any, joints: list[str], part: Any, kind: str) -> Any:
    points, triangles = part(f"{kind}_points"), part(f"{kind}_triangles")
    data = bpy.data.meshes.new(name)
    data.from_pydata((CM * points).tolist(), [], triangles.tolist())
    mesh = link(name, data)
    mesh.parent = armature
    groups = [mesh.vertex_groups.new(name=joint) for joint in joints]
    bones, weights = part(f"{kind}_joints"), part(f"{kind}_weights")
    for bone in np.unique(bones[weights > 0.0]):
        mine = np.where(bones == bone, weights, 0.0).sum(axis=1)
        for value in np.unique(mine[mine > 0.0]):  # a call for all vertices of one weight
            groups[bone].add(np.flatnonzero(mine == value).tolist(), float(value), "REPLACE")
    worn = mesh.modifiers.new("Armature", "ARMATURE")
    worn.object = armature
    worn.show_viewport = False  # nobody looks while the frames go by
    return mesh


def add_face(mesh: Any, names: list[str], part: Any) -> None:
    mesh.shape_key_add(name="Basis")
    rise, values = CM * part("rise"), part("curves")
    keys = [mesh.shape_key_add(name=name) for name in names]
    for k, key in enumerate(keys):
        key.slider_min, key.slider_max = -10.0, 10.0
        for corner in range(4):
            vertex = key.data[4 * k + corner]
            vertex.co = [a + b for a, b in zip(vertex.co, rise[k, corner].tolist())]
    curves = curve_holder(mesh.data.shape_keys)
    for k, key in enumerate(keys):
        animate(
            curves, f'key_blocks["{bpy.utils.escape_identifier(key.name)}"].value', values[:, k]
        )


def add_rigid(name: str, data: Any, positions: np.ndarray, turns: np.ndarray) -> Any:
    """A camera or a prop, by its matrix at every frame."""
    thing = link(name, data)
    thing.rotation_mode = "QUATERNION"
    location, turned = np.empty((len(turns), 3)), np.empty((len(turns), 4))
    for row, (position, turn) in enumerate(zip(positions, turns, strict=True)):
        at = STAND @ matrix(position, turn)
        location[row], turned[row] = at.translation, at.to_quaternion()
    flips = np.cumprod(np.where(np.sum(turned[1:] * turned[:-1], axis=1) < 0.0, -1.0, 1.0))
    turned[1:] *= flips[:, None]
    curves = curve_holder(thing)
    animate(curves, "location", location)
    animate(curves, "rotation_quaternion", turned)
    return thing


def main(source: str, out: str) -> None:
    arrays = np.load(source)
    said = json.loads(str(arrays["said"]))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.unit_settings.scale_length = 1.0 / CM
    scene.render.fps = math.ceil(said["rate_hz"] - 1e-6)
    scene.render.fps_base = scene.render.fps / said["rate_hz"]
    scene.frame_start, scene.frame_end = 0, said["frames"] - 1
    for number, subject in enumerate(said["subjects"]):

        def part(name: str, number: int = number) -> np.ndarray:
            return arrays[f"s{number}_{name}"]

        armature = add_armature(subject["name"], subject, part)
        armature["understudy"] = json.dumps(said["description"] | {"absent": subject["absent"]})
        bones = subject["joints"]
        add_mesh(f"{subject['name']} body", armature, bones, part, "body")
        if subject["curves"]:
            face = add_mesh(f"{subject['name']} face", armature, bones, part, "face")
            add_face(face, subject["curves"], part)
    for number, name in enumerate(said["cameras"]):
        lens = arrays[f"c{number}_lens"]
        camera = bpy.data.cameras.new(name)
        camera.sensor_fit = "HORIZONTAL"
        camera.sensor_width, camera.sensor_height = lens[0, 1:3].tolist()
        camera.clip_start, camera.clip_end = 1.0, 1e6
        camera.dof.use_dof = bool(lens[0, 3])
        thing = add_rigid(name, camera, arrays[f"c{number}_positions"], arrays[f"c{number}_turns"])
        # FBX has no word for the iris; Maya and others call an attribute so.
        iris = lens[:, 4]
        thing["FStop"] = camera["FStop"] = float(iris[0])
        every = float(iris[0]) if (iris == iris[0]).all() else np.round(iris, 5).tolist()
        thing["understudy"] = json.dumps({"camera": name, "lens": {"iris": every}})
        curves = curve_holder(camera)
        animate(curves, "lens", lens[:, 0])
        # The exporter writes a thousand times the distance; FBX has it in the scene's unit.
        animate(curves, "dof.focus_distance", lens[:, 3] * CM / 1000.0)
    for number, name in enumerate(said["props"]):
        add_rigid(name, None, arrays[f"p{number}_positions"], arrays[f"p{number}_turns"])
    bpy.ops.export_scene.fbx(
        filepath=out,
        axis_forward="-Z",
        axis_up="Y",
        apply_unit_scale=True,
        use_mesh_modifiers=False,
        add_leaf_bones=False,
        primary_bone_axis="Y",
        secondary_bone_axis="X",
        use_custom_props=True,
        bake_anim=True,
        bake_anim_use_all_bones=True,
        bake_anim_use_nla_strips=False,
        bake_anim_use_all_actions=False,
        bake_anim_simplify_factor=0.0,
    )


if __name__ == "__main__":
    main(*sys.argv[-2:])
