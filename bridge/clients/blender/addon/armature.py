"""Armatures: made for a skeleton, read at rest, posed."""

from __future__ import annotations

import contextlib

import bpy
import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import Pose
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

from . import bones, space
from .rig import Binding, Rig, bind
from .settings import collection


def can_make(context: bpy.types.Context) -> bool:
    """Bones are made in edit mode: not while somebody sculpts, paints or edits."""
    return bool(context.mode == "OBJECT")


def make(scene: bpy.types.Scene, name: str, skeleton: Skeleton) -> bpy.types.Object:
    """An armature of this skeleton, at rest, where the stage has its origin."""
    data = bpy.data.armatures.new(name)
    rig = bpy.data.objects.new(name, data)
    rig.show_in_front = True
    collection(scene).objects.link(rig)
    windows = bpy.context.window_manager.windows
    window = next((w for w in windows if w.scene == scene), None)
    # A timer has no window of its own, and modes belong to one.
    place = bpy.context.temp_override(window=window) if window else contextlib.nullcontext()
    with place:
        layer = bpy.context.view_layer
        active = layer.objects.active
        try:
            layer.objects.active = rig
            bpy.ops.object.mode_set(mode="EDIT")
        except RuntimeError:
            where = rig.users_collection[0].name
            bpy.data.armatures.remove(data)
            raise UnderstudyError(
                f"No armature can be made: the collection {where!r} is excluded or hidden; show it."
            ) from None
        try:
            _lay(data, skeleton)
        finally:
            bpy.ops.object.mode_set(mode="OBJECT")
            layer.objects.active = active
    for bone in rig.pose.bones:
        bone.rotation_mode = "QUATERNION"
    return rig


def _lay(data: bpy.types.Armature, skeleton: Skeleton) -> None:
    made: list[bpy.types.EditBone] = []
    for j, (head, tail, normal) in enumerate(zip(*bones.lay(skeleton))):
        bone = data.edit_bones.new(skeleton.names[j])
        bone.head, bone.tail = head.tolist(), tail.tolist()
        bone.align_roll(normal.tolist())
        if j:
            bone.parent = made[int(skeleton.parents[j])]
        made.append(bone)


def read(rig: bpy.types.Object) -> Rig:
    """An armature at rest, bones in the order of its pose."""
    order = list(rig.pose.bones)
    index = {bone.name: i for i, bone in enumerate(order)}
    rest = np.array([bone.bone.matrix_local for bone in order]).reshape(-1, 4, 4)
    return Rig(
        names=tuple(index),
        parents=np.array([index[b.parent.name] if b.parent else -1 for b in order], int),
        positions=rest[:, :3, 3],
        rotations=rotation.from_matrix(rest[:, :3, :3]),
        turns=np.array([b.bone.use_inherit_rotation for b in order], bool),
        moves=np.array([not b.bone.use_connect and b.bone.use_local_location for b in order], bool),
    )


def bound(rig: bpy.types.Object, skeleton: Skeleton) -> Binding:
    """Which joint moves which bone; the driven bones are set to take quaternions."""
    binding = bind(read(rig), skeleton)
    for index in binding.bones:
        bone = rig.pose.bones[int(index)]
        if bone.rotation_mode != "QUATERNION":
            bone.rotation_mode = "QUATERNION"
    return binding


def report(rig: bpy.types.Object, binding: Binding) -> list[str]:
    """What a user should know about this pairing."""
    joints = len(binding.skeleton)
    if binding.same:
        said = [f"{joints} of {joints} bones, the stage's own skeleton."]
    else:
        said = [f"{len(binding.bones)} of {joints} joints, retargeted by turns and hips."]
    if binding.missing:
        said.append(f"No bone for {', '.join(binding.missing)}.")
    if not binding.same and not binding.placed.any():
        said.append("It stays in place: no bone was found that carries the hips.")
    if binding.stuck:
        said.append(f"{', '.join(binding.stuck)} cannot travel: it is connected to its parent.")
    held = [
        rig.pose.bones[int(b)].name
        for b in binding.bones
        if any(not c.mute and c.influence > 0 for c in rig.pose.bones[int(b)].constraints)
    ]
    if held:
        said.append(f"Constraints have the last word on {', '.join(held)}.")
    return said


def basis(rig: bpy.types.Object, binding: Binding) -> tuple[Array, Array]:
    """Locations (B, 3) and rotations (B, 4) of all bones against their rest, as they are now.

    They matter only where there are bones that no joint drives.
    """
    count = len(rig.pose.bones)
    if len(binding.bones) == count:
        return np.zeros((count, 3)), rotation.identity(count)
    flat = np.empty(16 * count, np.float32)
    rig.pose.bones.foreach_get("matrix_basis", flat)
    columns = flat.reshape(count, 4, 4)  # a matrix lies in memory column by column
    turn = rotation.normalize(columns[:, :3, :3].astype(float)).swapaxes(1, 2)
    return columns[:, 3, :3].astype(float), rotation.from_matrix(turn)


def pose(rig: bpy.types.Object, binding: Binding, pose: Pose) -> None:
    """Poses the driven bones; all others stay as they are."""
    locations, turns = binding.solve(pose.positions, pose.rotations, *basis(rig, binding))
    channels = (("location", 3, locations), ("rotation_quaternion", 4, space.wxyz(turns)))
    for name, width, solved in channels:
        flat = np.empty(width * len(rig.pose.bones), np.float32)
        rig.pose.bones.foreach_get(name, flat)
        flat.reshape(-1, width)[binding.bones] = solved[binding.bones]
        rig.pose.bones.foreach_set(name, flat)
    # Not the animation: an action would be evaluated over the pose again.
    rig.update_tag(refresh={"DATA"})
