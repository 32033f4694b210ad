"""A take as binary glTF: skinned bodies, faces as morph weights, cameras, props, one animation.

Metres, +Y up, quaternions x y z w: glTF's conventions are ours. Every sampler has a key at every
row, at row / rate seconds. What glTF has no word for (timecode, lens, markers, cuts, who was not
there) is in `extras`; a lens that changes moves the picture through KHR_animation_pointer.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from understudy.runtime.characters import glb
from understudy.runtime.characters.character import Character
from understudy.runtime.characters.faces import FaceRig
from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.viewport.mesh.paint import colours

from . import take_body, take_characters
from .gltf_worn import Wardrobe
from .take_motion import Motion, Rigid, Track, description, unique_names

LENS = ("focal_mm", "sensor_width_mm", "sensor_height_mm", "focus_m", "iris")
POINTER = "KHR_animation_pointer"


def ready() -> None:
    """It needs no other package."""


def write(path: Path, motion: Motion, characters: Mapping[str, Path] | None = None) -> list[str]:
    """Writes everything of a take into one file; sentences on who is not dressed as he was.

    characters  files by subject's name, or "*", instead of those that the take says
    """
    scene = _Scene(motion)
    worn = take_characters.worn(motion, characters or {})
    for name, track, one in zip(unique_names(motion), motion.tracks, worn, strict=True):
        scene.add_subject(name, track, one.character)
    for camera in motion.cameras:
        scene.add_camera(camera)
    for prop in motion.props:
        node = scene.add_rigid(prop)
        scene.nodes[node]["extras"] = {"prop": prop.name, "absent": scene.absent(prop)}
    glb.write(path, scene.tree(), scene.chunk.data)
    return [one.note for one in worn if one.note]


class _Scene:
    """The file while it is put together."""

    def __init__(self, motion: Motion) -> None:
        self.motion, self.chunk = motion, glb.Chunk()
        self.nodes: list[dict[str, Any]] = []
        self.roots: list[int] = []
        self.meshes: list[dict[str, Any]] = []
        self.skins: list[dict[str, Any]] = []
        self.cameras: list[dict[str, Any]] = []
        self.samplers: list[dict[str, Any]] = []
        self.channels: list[dict[str, Any]] = []
        shell = {"metallicFactor": 0.0, "roughnessFactor": 0.55}
        self.wardrobe = Wardrobe(
            self.chunk,
            [
                {"name": "Shell", "pbrMetallicRoughness": shell},
                {"name": "Face", "pbrMetallicRoughness": shell, "doubleSided": True},
            ],
        )
        self._times = self.chunk.put(motion.times_s.astype("<f4"), bounds=True)

    def absent(self, one: Track | Rigid) -> list[list[int]]:
        return self.motion.absent(self.motion.rows(one)[1])

    def _animate(self, values: Array, target: dict[str, Any]) -> None:
        """values (T, ...): what the target is at every row."""
        output = self.chunk.put(np.asarray(values, "<f4"))
        self.samplers.append({"input": self._times, "output": output, "interpolation": "LINEAR"})
        self.channels.append({"sampler": len(self.samplers) - 1, "target": target})

    def add_subject(self, name: str, track: Track, character: Character | None) -> None:
        positions, rotations, own = self.motion.poses(track)
        skeleton, first = track.skeleton, len(self.nodes)
        face = FaceRig(character) if character is not None else None
        names, curves = track.curve_names, track.curves()[self.motion.rows(track)[0]]
        if face is not None and face.eyes and names:
            rotations = _glancing(face, skeleton, positions, rotations, names, curves)
        rotations = rotation.continuous(rotations)
        for j, joint in enumerate(skeleton.names):
            node: dict[str, Any] = {
                "name": joint,
                "translation": skeleton.rest_positions[j].tolist(),
                "rotation": skeleton.rest_rotations[j].tolist(),
            }
            if children := skeleton.children(j):
                node["children"] = [first + child for child in children]
            self.nodes.append(node)
            for what, values, rest in (
                ("translation", positions[:, j], skeleton.rest_positions[j]),
                ("rotation", rotations[:, j], skeleton.rest_rotations[j]),
            ):
                if j == 0 or np.abs(values - rest).max() > 1e-7:
                    self._animate(values, {"node": first + j, "path": what})
        extras = {"subject": track.name, "absent": self.motion.absent(own)}
        self.nodes.append({"name": name, "children": [first], "extras": extras})
        self.roots.append(len(self.nodes) - 1)
        joints = list(range(first, first + len(skeleton)))
        if character is not None and face is not None:
            self._put_on(name, character, joints)
            if names and character.morphs:
                weights = np.array([face.weights(names, row) for row in curves])
                self._animate(weights.reshape(-1), {"node": len(self.nodes) - 1, "path": "weights"})
        else:
            self._dress(name, track, joints)

    def _put_on(self, name: str, character: Character, joints: list[int]) -> None:
        """A character's mesh on its joints.

        Meshes of a file are bound in different poses: each further bone of a joint is a node of
        its own there, for a skin may not name a joint twice.
        """
        joints = list(joints)
        for joint in character.bones[len(joints) :].tolist():
            self.nodes.append({"name": f"{self.nodes[joints[joint]]['name']} bind {len(joints)}"})
            self.nodes[joints[joint]].setdefault("children", []).append(len(self.nodes) - 1)
            joints.append(len(self.nodes) - 1)
        unbind = np.swapaxes(character.unbind, 1, 2).astype("<f4").reshape(-1, 16)
        self.skins.append(
            {"name": name, "inverseBindMatrices": self.chunk.put(unbind), "joints": joints,
             "skeleton": joints[0]}
        )  # fmt: skip
        worn = self.wardrobe.mesh(character)
        self._wear(f"{name} body", worn["primitives"])
        if character.morphs:
            rest = [morph.rest for morph in character.morphs]
            self.meshes[-1] |= {"weights": rest, "extras": worn["extras"]}

    def _dress(self, name: str, track: Track, joints: list[int]) -> None:
        put, skeleton = self.chunk.put, track.skeleton
        mesh, bind = take_body.mannequin(skeleton)
        unbind = put(np.swapaxes(mesh.unbind, 1, 2).astype("<f4").reshape(-1, 16))
        self.skins.append(
            {"name": name, "inverseBindMatrices": unbind, "joints": joints, "skeleton": joints[0]}
        )
        used = mesh.weights > 0.0
        attributes = {
            "POSITION": put(mesh.positions.astype("<f4"), glb.ARRAY_BUFFER, bounds=True),
            "NORMAL": put(mesh.normals.astype("<f4"), glb.ARRAY_BUFFER),
            "COLOR_0": put(colours(mesh.positions, mesh.paint).astype("<f4"), glb.ARRAY_BUFFER),
            "JOINTS_0": put(np.where(used, mesh.joints, 0).astype("<u2"), glb.ARRAY_BUFFER),
            "WEIGHTS_0": put(mesh.weights.astype("<f4"), glb.ARRAY_BUFFER),
        }
        indices = put(mesh.triangles.astype("<u4").reshape(-1), glb.INDEX_BUFFER)
        self._wear(f"{name} body", [{"attributes": attributes, "indices": indices, "material": 0}])
        if not (names := track.curve_names):
            return
        chart = take_body.chart(skeleton, bind, len(names))
        count = len(chart.points)
        bones = np.zeros((count, 4), "<u2")
        bones[:, 0] = chart.joint
        weights = np.zeros((count, 4), "<f4")
        weights[:, 0] = 1.0
        ahead = np.tile(np.array([0.0, 0.0, 1.0], "<f4"), (count, 1))
        targets = []
        for k, rise in enumerate(chart.rise):
            offsets = np.zeros((count, 3), "<f4")
            offsets[4 * k : 4 * k + 4] = rise
            targets.append({"POSITION": put(offsets, glb.ARRAY_BUFFER, bounds=True)})
        face = {
            "attributes": {
                "POSITION": put(chart.points.astype("<f4"), glb.ARRAY_BUFFER, bounds=True),
                "NORMAL": put(ahead, glb.ARRAY_BUFFER),
                "JOINTS_0": put(bones, glb.ARRAY_BUFFER),
                "WEIGHTS_0": put(weights, glb.ARRAY_BUFFER),
            },
            "indices": put(chart.triangles.astype("<u4").reshape(-1), glb.INDEX_BUFFER),
            "material": 1,
            "targets": targets,
        }
        node = self._wear(f"{name} face", [face])
        self.meshes[-1] |= {"weights": [0.0] * len(names), "extras": {"targetNames": list(names)}}
        values = track.curves()[self.motion.rows(track)[0]]
        self._animate(values.reshape(-1), {"node": node, "path": "weights"})

    def _wear(self, name: str, primitives: list[dict[str, Any]]) -> int:
        self.meshes.append({"name": name, "primitives": primitives})
        worn = {"name": name, "mesh": len(self.meshes) - 1, "skin": len(self.skins) - 1}
        self.nodes.append(worn)
        self.roots.append(len(self.nodes) - 1)
        return len(self.nodes) - 1

    def add_rigid(self, one: Rigid) -> int:
        positions, rotations, _ = self.motion.poses(one)
        self.nodes.append(
            {
                "name": one.name,
                "translation": positions[0].tolist(),
                "rotation": rotations[0].tolist(),
            }
        )
        node = len(self.nodes) - 1
        self.roots.append(node)
        self._animate(positions, {"node": node, "path": "translation"})
        self._animate(rotation.continuous(rotations), {"node": node, "path": "rotation"})
        return node

    def add_camera(self, camera: Rigid) -> None:
        """A camera looks along its own -Z in glTF, as ours do."""
        node = self.add_rigid(camera)
        lens = np.array(camera.lens)[self.motion.rows(camera)[0]]
        fov_rad = 2.0 * np.arctan2(0.5 * lens[:, 2], lens[:, 0])
        perspective = {
            "yfov": float(fov_rad[0]),
            "aspectRatio": float(lens[0, 1] / lens[0, 2]),
            "znear": 0.01,
        }
        number = len(self.cameras)
        self.cameras.append(
            {"name": camera.name, "type": "perspective", "perspective": perspective}
        )
        said = {
            name: values[0].item() if (values == values[0]).all() else np.round(values, 5).tolist()
            for name, values in zip(LENS, lens.T, strict=True)
        }
        extras = {"camera": camera.name, "lens": said, "absent": self.absent(camera)}
        self.nodes[node] |= {"camera": number, "extras": extras}
        if (fov_rad != fov_rad[0]).any():
            pointer = {"pointer": f"/cameras/{number}/perspective/yfov"}
            self._animate(fov_rad, {"path": "pointer", "extensions": {POINTER: pointer}})

    def tree(self) -> dict[str, Any]:
        pointed = any(c["target"]["path"] == "pointer" for c in self.channels)
        said = description(self.motion)
        animation = {"name": said["take"], "samplers": self.samplers, "channels": self.channels}
        extensions = [POINTER] * pointed + list(self.wardrobe.extensions)
        tree = {
            "asset": {"version": "2.0", "generator": "understudy"},
            "extensionsUsed": extensions,
            "scene": 0,
            "scenes": [{"name": said["take"], "nodes": self.roots, "extras": said}],
            "nodes": self.nodes,
            "cameras": self.cameras,
            "meshes": self.meshes,
            "skins": self.skins,
            "animations": [animation] if self.channels else [],
            "materials": self.wardrobe.materials,
            "textures": self.wardrobe.textures,
            "images": self.wardrobe.images,
            "samplers": self.wardrobe.samplers,
            **self.chunk.parts(),
        }
        return {key: value for key, value in tree.items() if value != []}


def _glancing(
    face: FaceRig, skeleton: Skeleton, positions: Array, rotations: Array,
    names: tuple[str, ...], curves: Array,
) -> Array:  # fmt: skip
    """(T, J, 4) local rotations with the eyes turned as the curves (T, K) say."""
    _, world_r = skeleton.globals(positions, rotations)
    out = rotations.copy()
    for row, values in enumerate(curves):
        turned = face.turned(names, values, world_r[row])
        for eye in face.eyes:
            above = rotation.conjugate(turned[eye.parent])
            out[row, eye.joint] = rotation.multiply(above, turned[eye.joint])
    return out
