"""Takes: every frame that came between start and stop, as actions and markers of the scene."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import bpy
import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

from . import armature, scenery, session, space, timecode
from .actions import Channels
from .receiver import Recorded
from .settings import present
from .take import Body, Thing, assemble

# Blender's own limit, of half a day at 24 frames a second.
LAST_FRAME = 1_048_574


@dataclass(frozen=True, slots=True)
class Raw:
    """A take as it came, and where it begins; outlives undo, disconnecting and loading a file."""

    recorded: Sequence[Recorded]
    skeletons: Mapping[int, Skeleton]
    begin: float


last: Raw | None = None


def start(scene: bpy.types.Scene) -> None:
    """From now on every frame is kept, in `last`, which grows while the take runs."""
    global last
    if session.current is not None:
        receiver = session.current.receiver
        last = Raw(receiver.start_take(), receiver.skeletons, scene.frame_current_final)


def stop() -> None:
    """Ends the take."""
    if session.current is not None:
        session.current.receiver.stop_take()


def write(scene: bpy.types.Scene) -> str:
    """Writes the last take into the connected scene, or this one; returns a sentence about it.

    Raises UnderstudyError where the take is empty.
    """
    connected = session.current.scene() if session.current is not None else None
    scene = connected or scene
    raw = last or Raw((), {}, 0.0)
    take = assemble(raw.recorded, raw.skeletons)
    if not take.frames:
        raise UnderstudyError("The take is empty: no frame came between start and stop.")
    settings = scene.understudy
    fps = scene.render.fps / scene.render.fps_base
    begin = raw.begin
    notes = ""
    if settings.place == "TIMECODE":
        after_s = timecode.between(settings.zero, take.timecode, *take.rate)
        if after_s is None or not 0 <= (after_s + take.marks[-1].time_s) * fps <= LAST_FRAME:
            notes = f" It begins at frame {begin:g}: with frame 0 at {settings.zero!r} "
            notes += f"Blender has no frame for {take.timecode}."
        else:
            begin = after_s * fps
    name = _name(settings.take_name or "take")
    written, left_out = [], 0
    for subject, body in take.bodies.items():
        entry = settings.subjects.get(subject)
        if entry is None:
            continue
        frames = begin + body.times_s * fps
        if present(scene, entry.rig):
            _body(entry.rig, f"{name} {subject}", frames, body)
            written.append(subject)
        for face in entry.faces:
            if face.mesh is not None:
                _face(face.mesh, f"{name} {subject} face", frames, body)
        left_out += body.left_out
    for links, things in ((settings.cameras, take.cameras), (settings.props, take.props)):
        for thing, track in things.items():
            entry = links.get(thing)
            if entry is not None and present(scene, entry.target):
                _thing(entry.target, f"{name} {thing}", begin + track.times_s * fps, track)
                written.append(thing)
    for mark in take.marks:
        scene.timeline_markers.new(mark.text, frame=round(begin + mark.time_s * fps))
    end = begin + take.marks[-1].time_s * fps
    scene.frame_end = max(scene.frame_end, int(np.ceil(end)))
    if left_out:
        notes += f" {left_out} frames were left out, because the skeleton changed."
    return f"{name}: {take.frames} frames of {', '.join(written) or 'nobody'}.{notes}"


def _name(stem: str) -> str:
    """The next number of that name."""
    pattern = re.compile(rf"{re.escape(stem)} (\d+)\b")
    numbers = [int(m[1]) for m in map(pattern.match, bpy.data.actions.keys()) if m]
    return f"{stem} {max(numbers, default=0) + 1:03d}"


def _body(rig: bpy.types.Object, name: str, frames: Array, body: Body) -> None:
    binding = armature.bound(rig, body.skeleton)
    locations, turns = binding.solve(body.positions, body.rotations, *armature.basis(rig, binding))
    turns = space.wxyz(rotation.continuous(turns))
    channels = Channels(rig, name)
    placed = set(binding.bones[binding.placed].tolist())
    for index in binding.bones.tolist():
        bone = binding.rig.names[index]
        path = f'pose.bones["{bpy.utils.escape_identifier(bone)}"]'
        channels.key(f"{path}.rotation_quaternion", frames, turns[:, index], bone)
        if index in placed:
            channels.key(f"{path}.location", frames, locations[:, index], bone)


def _face(mesh: bpy.types.Object, name: str, frames: Array, body: Body) -> None:
    pairs = scenery.matched(mesh, body.skeleton.curve_names)
    if not pairs:
        return
    keys = mesh.data.shape_keys
    channels = Channels(keys, name)
    for curve, block in pairs:
        key = keys.key_blocks[block].name
        path = f'key_blocks["{bpy.utils.escape_identifier(key)}"].value'
        channels.key(path, frames, body.curves[:, curve], "Face")


def _thing(target: bpy.types.Object, name: str, frames: Array, track: Thing) -> None:
    camera = track.lens is not None
    turns = space.views(track.rotations) if camera else space.rotations(track.rotations)
    channels = Channels(target, name)
    target.rotation_mode = "QUATERNION"
    channels.key("location", frames, space.positions(track.positions), "Place")
    turns = space.wxyz(rotation.continuous(turns))
    channels.key("rotation_quaternion", frames, turns, "Place")
    if track.lens is None or target.type != "CAMERA":
        return
    lens = Channels(target.data, f"{name} lens")
    for column, path in enumerate(
        ("lens", "sensor_width", "sensor_height", "dof.focus_distance", "dof.aperture_fstop")
    ):
        known = track.lens[:, column] > 0
        if known.any():
            lens.key(path, frames[known], track.lens[known, column], "Lens")
