"""What the page is sent: frames, meshes and skeletons as bytes. No sockets, no clocks.

A frame or a mesh is one block: uint32 length of its head, the head (JSON), zeros up to a multiple
of 4, then arrays, little-endian, in the order that the head gives.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np

from understudy.runtime.core.palette import LEFT, RIGHT, STATE_COLOUR, linear
from understudy.runtime.core.pose import Camera, Frame, Prop, Subject
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.viewport.mesh.mannequin import Mesh

# Curves shown of a subject: its strongest.
CURVES = 4
# Paint is a distance from a region's border, of interest near it only.
PAINT_M = 0.5

_json = msgspec.json.Encoder(enc_hook=lambda value: value.item())


def pack_frame(frame: Frame | None, others: dict[str, Any]) -> bytes:
    """A frame for the page; `others` are further parts of its head. None: nothing new to show.

    For each subject whose pose is finite ("sound"): positions (J, 3) float32, then rotations (J, 4)
    int16, 32767 for 1, of its joints in the world.
    """
    if frame is None:
        return _block(others, ())
    head: dict[str, Any] = {
        **others,
        "timecode": frame.timecode,
        "timecode_rate": rate_name(frame),
        "sequence": frame.sequence,
        "stats": frame.stats,
        "subjects": [_subject(subject) for subject in frame.subjects],
        "cameras": [_camera(camera) for camera in frame.cameras if _sound(camera)],
        "props": [_thing(prop) for prop in frame.props if _sound(prop)],
    }
    arrays: list[np.ndarray] = []
    for described, placed in zip(head["subjects"], in_world(frame.subjects), strict=True):
        described["sound"] = placed is not None
        if placed is not None:
            arrays.append(placed[0].astype("<f4"))
            arrays.append(np.round(np.clip(placed[1], -1.0, 1.0) * 32767.0).astype("<i2"))
    return _block(head, arrays)


def in_world(subjects: list[Subject]) -> list[tuple[Array, Array] | None]:
    """World positions (J, 3) and rotations (J, 4) of each subject; None for a pose not finite."""
    alike: dict[int, list[int]] = {}
    for number, subject in enumerate(subjects):
        alike.setdefault(subject.skeleton.id, []).append(number)
    placed: list[tuple[Array, Array] | None] = [None] * len(subjects)
    for numbers in alike.values():  # one pass of kinematics for all who share a skeleton
        poses = [subjects[number].pose for number in numbers]
        world_p, world_r = subjects[numbers[0]].skeleton.globals(
            np.stack([np.asarray(pose.positions, np.float64) for pose in poses]),
            np.stack([np.asarray(pose.rotations, np.float64) for pose in poses]),
        )
        sound = np.isfinite(world_p.sum((1, 2)) + world_r.sum((1, 2)))
        for row, number in enumerate(numbers):
            if sound[row]:
                placed[number] = world_p[row], world_r[row]
    return placed


def pack_mesh(mesh: Mesh) -> bytes:
    """A skinned mesh for the page.

    Arrays: unbind (J, 3, 4) float32, triangles (F, 3) uint32, positions (V, 3) float32, joints
    (V, 4) uint16, paint (V, 4) int16 of +-PAINT_M, normals (V, 4) int8, weights (V, 4) uint8.
    """
    normals = np.zeros((len(mesh.normals), 4), np.int8)
    normals[:, :3] = np.round(np.clip(mesh.normals, -1.0, 1.0) * 127.0)
    head = {
        "vertices": len(mesh.positions),
        "triangles": len(mesh.triangles),
        "joints": len(mesh.unbind),
    }
    arrays = (
        mesh.unbind[:, :3, :].astype("<f4"),
        mesh.triangles.astype("<u4"),
        mesh.positions.astype("<f4"),
        mesh.joints.astype("<u2"),
        np.round(np.clip(mesh.paint / PAINT_M, -1.0, 1.0) * 32767.0).astype("<i2"),
        normals,
        np.round(np.clip(mesh.weights, 0.0, 1.0) * 255.0).astype(np.uint8),
    )
    return _block(head, arrays)


def skeleton_json(skeleton: Skeleton) -> bytes:
    """Names and parents of a skeleton's joints, and where the bones of its leaves end."""
    tips = [tip.tolist() if np.isfinite(tip).all() else None for tip in skeleton.tips]
    return _json.encode(
        {"names": skeleton.names, "parents": skeleton.parents.tolist(), "tips": tips}
    )


def palette_js() -> bytes:
    """The colours that mean something, as the page's module: states in sRGB, sleeves linear."""
    states = {state.name: colour for state, colour in STATE_COLOUR.items()}
    sleeves = {
        side: [round(c, 4) for c in linear(colour)]
        for side, colour in (("LEFT", LEFT), ("RIGHT", RIGHT))
    }
    told = (("STATE_COLOUR", states), ("SLEEVE", sleeves))
    return b"".join(b"export const %s = %s;\n" % (n.encode(), _json.encode(v)) for n, v in told)


def key_of(skeleton: Skeleton) -> str:
    """The skeleton's id as the page writes it."""
    return f"{skeleton.id:016x}"


def rate_name(frame: Frame) -> str:
    """The timecode's rate as people say it: "25", "29.97 DF"."""
    if not frame.rate_den:
        return ""
    rate = f"{frame.rate_num / frame.rate_den:.3f}".rstrip("0").rstrip(".")
    return f"{rate} DF" if ";" in frame.timecode else rate


def _subject(subject: Subject) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": subject.name,
        "state": subject.state.name,
        "reason": subject.reason,
        "error_m": round(subject.uncertainty_m, 4),
        "least_sure": [
            (subject.skeleton.names[j], round(float(subject.joint_uncertainty_m[j]), 3))
            for j in np.argsort(-np.asarray(subject.joint_uncertainty_m))[:3]
        ],
        "skeleton": key_of(subject.skeleton),
        "joints": len(subject.skeleton),
    }
    if len(subject.curves):
        values = np.nan_to_num(np.asarray(subject.curves, float))
        strongest = np.argsort(-np.abs(values), kind="stable")[:CURVES]
        names = subject.skeleton.curve_names
        described["curves"] = [(names[i], round(float(values[i]), 3)) for i in strongest]
    return described


def _camera(camera: Camera) -> dict[str, Any]:
    return {
        **_thing(camera),
        "focal_mm": round(camera.focal_mm, 2),
        "sensor_mm": camera.sensor_mm,
        "focus_m": round(camera.focus_m, 3),
    }


def _thing(thing: Camera | Prop) -> dict[str, Any]:
    return {
        "name": thing.name,
        "state": thing.state.name,
        "reason": thing.reason,
        "position": np.asarray(thing.position, float).tolist(),
        "rotation": np.asarray(thing.rotation, float).tolist(),
    }


def _sound(thing: Camera | Prop) -> bool:
    return bool(np.isfinite(thing.position).all() and np.isfinite(thing.rotation).all())


def _block(head: dict[str, Any], arrays: Iterable[np.ndarray]) -> bytes:
    text = _json.encode(head)
    padding = bytes(-len(text) % 4)
    parts = [len(text).to_bytes(4, "little"), text, padding]
    return b"".join([*parts, *(array.tobytes() for array in arrays)])
