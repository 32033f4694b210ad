"""Cameras, props and faces: objects made and moved, shape keys set."""

from __future__ import annotations

from functools import lru_cache

import bpy
import numpy as np

from understudy.runtime.core.pose import Camera, Prop, Subject
from understudy.runtime.core.rotation import Array

from . import faces, space
from .settings import collection

# Curve names and key names -> pairs; the same for every frame of a subject.
_matched = lru_cache(maxsize=256)(faces.match)


def make_camera(scene: bpy.types.Scene, camera: Camera) -> bpy.types.Object:
    """A camera object; it has depth of field where the stage knows the lens."""
    data = bpy.data.cameras.new(camera.name)
    data.dof.use_dof = camera.focus_m > 0 and camera.iris > 0
    made = bpy.data.objects.new(camera.name, data)
    collection(scene).objects.link(made)
    if scene.camera is None:
        scene.camera = made
    return made


def make_prop(scene: bpy.types.Scene, prop: Prop) -> bpy.types.Object:
    """An empty that shows its axes."""
    made = bpy.data.objects.new(prop.name, None)
    made.empty_display_type = "ARROWS"
    made.empty_display_size = 0.2
    collection(scene).objects.link(made)
    return made


def move_camera(target: bpy.types.Object, camera: Camera) -> None:
    """Places the object, and sets the lens where it is a camera."""
    _place(target, camera.position, space.views(np.asarray(camera.rotation)))
    if target.type == "CAMERA":
        for name, value in lens(camera.focal_mm, *camera.sensor_mm, camera.focus_m, camera.iris):
            owner = target.data.dof if name in ("focus_distance", "aperture_fstop") else target.data
            if getattr(owner, name) != value:
                setattr(owner, name, value)
        if target.data.sensor_fit != "HORIZONTAL":
            target.data.sensor_fit = "HORIZONTAL"


def lens(
    focal_mm: float, width_mm: float, height_mm: float, focus_m: float, iris: float
) -> list[tuple[str, float]]:
    """Blender's names and values of what is known of a lens; 0 is what nobody knows."""
    values = {
        "lens": focal_mm,
        "sensor_width": width_mm,
        "sensor_height": height_mm,
        "focus_distance": focus_m,
        "aperture_fstop": iris,
    }
    return [(name, float(value)) for name, value in values.items() if value > 0]


def move_prop(target: bpy.types.Object, prop: Prop) -> None:
    _place(target, prop.position, space.rotations(np.asarray(prop.rotation)))


def _place(target: bpy.types.Object, position: Array, turn: Array) -> None:
    if target.rotation_mode != "QUATERNION":
        target.rotation_mode = "QUATERNION"
    target.location = space.positions(np.asarray(position)).tolist()
    target.rotation_quaternion = space.wxyz(turn).tolist()


def matched(mesh: bpy.types.Object, curves: tuple[str, ...]) -> list[tuple[int, int]]:
    """Pairs of a curve's and a shape key's index."""
    keys = mesh.data.shape_keys if mesh.type == "MESH" else None
    return _matched(curves, tuple(keys.key_blocks.keys())) if keys else []


def move_face(mesh: bpy.types.Object, subject: Subject) -> None:
    """Sets the shape keys that have a curve; the others stay."""
    pairs = matched(mesh, subject.skeleton.curve_names)
    if not pairs or not len(subject.curves):
        return
    keys = mesh.data.shape_keys
    values = np.empty(len(keys.key_blocks), np.float32)
    keys.key_blocks.foreach_get("value", values)
    curves, blocks = np.array(pairs).T
    values[blocks] = subject.curves[curves]
    keys.key_blocks.foreach_set("value", values)
    keys.update_tag()
    mesh.data.update_tag()
