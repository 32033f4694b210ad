"""What moves in an FBX file, as arrays: FILE OUT.npz CLIP, run as a program of its own.

The library ufbx is young: a file that makes it fall costs this process and not the stage.
"""

from __future__ import annotations

import contextlib
import json
import math
import sys
from typing import Any

import numpy as np

from understudy.runtime.takes.scene_clip import even_rate

# Fewer frames than that are no motion; more would not end.
MOST_SAMPLES = 50_000_000
# What counts of ufbx's kinds of nodes.
_KINDS = {5: "bone", 4: "camera"}
_LOCAL = ("Translation", "Rotation", "Scaling")


def arrays(file: str, clip: str) -> dict[str, Any]:
    """Local transforms of all nodes at an even rate, lenses, blend shapes, and what to say."""
    import ufbx

    # Cameras of FBX look along +X, and ours along -Z.
    axes = ufbx.axes_right_handed_y_up
    scene = ufbx.load_file(
        file, target_axes=axes, target_camera_axes=axes, target_unit_meters=1.0,
        ignore_embedded=True,
    )  # fmt: skip
    held = _Held()
    nodes, stacks = held(scene.nodes), held(scene.anim_stacks)
    names = [stack.name for stack in stacks]
    if not stacks:
        return {"error": "has no animation"}
    spans = [stack.time_end - stack.time_begin for stack in stacks]
    at = names.index(clip) if clip in names else int(np.argmax(spans))
    if clip and clip not in names:
        return {"error": f"has no animation {clip!r} (clip=); it has {', '.join(names)}"}
    stack, anim = stacks[at], stacks[at].anim
    index = {node.typed_id: n for n, node in enumerate(nodes)}
    above = held.each(node.parent for node in nodes)
    parents = [-1 if up is None else index[up.typed_id] for up in above]
    kinds = [_KINDS.get(int(node.attrib_type), "") for node in nodes]
    if "bone" not in kinds:
        return {"error": "has no bone: no skeleton in it"}
    keys: list[float] = []
    for curve in held(scene.anim_curves):
        frames = held(curve.keyframes)
        if len(frames) > len(keys):
            keys = [key.time for key in frames]
    rate_hz, note = even_rate(np.array(keys) if keys else np.zeros(1))
    begin_s, end_s = stack.time_begin, stack.time_end
    if end_s <= begin_s and keys:  # a file that does not say how long it is
        begin_s, end_s = keys[0], keys[-1]
    count = round((end_s - begin_s) * rate_hz) + 1
    around = _Around(scene, held, nodes, anim, [begin_s + k / rate_hz for k in range(count)])
    carry = {up for n, kind in enumerate(kinds) if kind for up in _upward(parents, n)}
    for n, node in enumerate(nodes):
        if not kinds[n] and n not in carry | around.skinned and around.moves(node):
            kinds[n] = "prop"
    wanted = {at for n, kind in enumerate(kinds) if kind for at in (n, *_upward(parents, n))}
    order = sorted(wanted)  # ufbx has parents before their children
    place = {n: column for column, n in enumerate(order)}
    if not 2 <= count <= MOST_SAMPLES // len(order):
        return {"error": f"has {count:,} frames in its animation {names[at]!r}"}
    values = np.empty((count + 1, len(order), 10))
    for column, n in enumerate(order):
        values[:-1, column] = around.way(nodes[n])
        values[count, column] = _ten(nodes[n].local_transform)
    still = np.abs(values[:-1, :, :7] - values[0, :, :7]).max(axis=(0, 2)) < 1e-6
    return {
        "values": values,
        "parents": [place.get(parents[n], -1) for n in order],
        "kinds": ["" if kinds[n] == "prop" and still[place[n]] else kinds[n] for n in order],
        "names": [nodes[n].name for n in order],
        "clips": names,
        "clip": at,
        "rate_hz": rate_hz,
        "note": note,
        "lens": {place[n]: lens for n, lens in around.lenses().items()},
        "curves": [
            (name, [place[up] for n in hangs for up in (n, *_upward(parents, n)) if up in place],
             weights)
            for name, hangs, weights in around.curves()
        ],
    }  # fmt: skip


class _Held:
    """Lists of the library's objects: it forgets what nobody holds, and falls."""

    def __init__(self) -> None:
        self._all: list[Any] = []

    def __call__(self, found: Any) -> list[Any]:
        return self.each(found, found)

    def each(self, found: Any, source: Any = None) -> list[Any]:
        items = list(found)
        self._all.append((source, items))
        return items


def _upward(parents: list[int], n: int) -> list[int]:
    way = []
    while (n := parents[n]) >= 0:
        way.append(n)
    return way


class _Around:
    """How nodes, cameras and faces of a scene are at every frame."""

    def __init__(
        self, scene: Any, held: _Held, nodes: list[Any], anim: Any, times_s: list[float]
    ) -> None:
        self._anim, self._times_s, self._held = anim, times_s, held
        self._index = {node.typed_id: n for n, node in enumerate(nodes)}
        self._cameras, self._unit_m = held(scene.cameras), scene.settings.original_unit_meters
        self._nodes = nodes
        layers = held(scene.anim_layers)
        moved = [one for layer in layers for one in held(layer.anim_props)]
        of = held.each(one.element for one in moved)
        self._animated = {
            (element.element_id, one.prop_name): one.anim_value
            for element, one in zip(of, moved, strict=True)
        }
        held.each(self._animated.values())
        self._meshes = held(scene.meshes)
        self._bones = [self._worn(mesh) for mesh in self._meshes]
        self.skinned = {
            n
            for mesh, bones in zip(self._meshes, self._bones, strict=True)
            if bones
            for n in self._instances(mesh)
        }

    def _instances(self, element: Any) -> list[int]:
        return [self._index[node.typed_id] for node in self._held(element.instances)]

    def _worn(self, mesh: Any) -> list[int]:
        """The bones that a mesh hangs on."""
        found: list[int] = []
        for skin in self._held(mesh.skin_deformers):
            for node in self._held.each(one.bone_node for one in self._held(skin.clusters)):
                if node is not None:
                    found.append(self._index[node.typed_id])
        return found

    def _values(self, element: Any, name: str, still: float) -> list[float]:
        import ufbx

        moved = self._animated.get((element.element_id, name))
        if moved is None:
            return [still] * len(self._times_s)
        return [ufbx.evaluate_anim_value_real(moved, time_s) for time_s in self._times_s]

    def moves(self, node: Any) -> bool:
        """Whether a node has keys of its own."""
        return any((node.element_id, f"Lcl {what}") in self._animated for what in _LOCAL)

    def way(self, node: Any) -> Any:
        """(T, 10) local transforms, or (10,) of a node that stands still."""
        import ufbx

        times_s = self._times_s if self.moves(node) else self._times_s[:1]
        rows = [_ten(ufbx.evaluate_transform(self._anim, node, time_s)) for time_s in times_s]
        return np.array(rows) if len(rows) > 1 else rows[0]

    def lenses(self) -> dict[int, list[list[float]]]:
        """By the node of a camera: focal length, width, height (mm), focus (m), iris, each (T,)."""
        found: dict[int, list[list[float]]] = {}
        for camera in self._cameras:
            film = camera.film_size_inch
            wide, high = 25.4 * film.x, 25.4 * film.y
            props = {one.name: one.value_vec4.x for one in self._held(camera.props.props)}
            focal = self._values(camera, "FocalLength", camera.focal_length_mm)
            angle = (camera.element_id, "FieldOfView")
            if angle in self._animated and (camera.element_id, "FocalLength") not in self._animated:
                seen = self._values(camera, "FieldOfView", 0.0)
                focal = [0.5 * wide / math.tan(math.radians(0.5 * one)) for one in seen]
            focus = self._values(camera, "FocusDistance", props.get("FocusDistance", 0.0))
            focus = [one * self._unit_m for one in focus]
            if not props.get("UseDepthOfField", 0.0):
                focus = [0.0] * len(focus)
            count = len(self._times_s)
            for n in self._instances(camera):
                iris = self._iris(self._nodes[n], props)
                found[n] = [focal, [wide] * count, [high] * count, focus, iris]
        return found

    def _iris(self, node: Any, props: dict[str, float]) -> list[float]:
        """FBX has no word for it: FStop is what we and others call it, and ours has every frame."""
        count = len(self._times_s)
        own = {one.name: (one.value_vec4.x, one.value_str) for one in self._held(node.props.props)}
        with contextlib.suppress(ValueError, TypeError, KeyError):
            said = json.loads(own["understudy"][1])["lens"]["iris"]
            if isinstance(said, list) and len(said) == count:
                return [float(one) for one in said]
        return [float(own.get("FStop", (props.get("FStop", 0.0),))[0])] * count

    def curves(self) -> list[tuple[str, list[int], list[float]]]:
        """Blend shapes: the name, the bones that the mesh hangs on, the weight (T,)."""
        import ufbx

        found = []
        for mesh, bones in zip(self._meshes, self._bones, strict=True):
            hangs = bones or self._instances(mesh)
            for deformer in self._held(mesh.blend_deformers):
                for channel in self._held(deformer.channels):
                    weights = [
                        ufbx.evaluate_blend_weight(self._anim, channel, time_s)
                        for time_s in self._times_s
                    ]
                    # Maya writes the deformer's name before the shape's.
                    found.append((channel.name.rpartition(".")[2], hangs, weights))
        return found


def _ten(t: Any) -> tuple[float, ...]:
    p, q, s = t.translation, t.rotation, t.scale
    return (p.x, p.y, p.z, q.x, q.y, q.z, q.w, s.x, s.y, s.z)


def main(file: str, out: str, clip: str) -> None:
    try:
        found = arrays(file, clip)
    except Exception as error:  # whatever the library says of a file
        found = {"error": f"is no FBX that can be read ({type(error).__name__}: {error})"}
    values = found.pop("values", np.zeros(0))
    np.savez(out, values=values, said=np.array(json.dumps(found)))


if __name__ == "__main__":
    main(*sys.argv[1:4])
