"""A set of a .glb or .gltf file, with the lamps of KHR_lights_punctual."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from understudy.runtime.characters.character import Character
from understudy.runtime.characters.gltf_document import File, extension, opened, parents_of
from understudy.runtime.characters.loading import of_file

from .scenery import MOST_LAMPS, Lamp, Scenery

LIGHTS = "KHR_lights_punctual"
# Candela for what a lamp of ours gives at 1 m: 100 W of Blender, 5,435 cd, light a room.
CANDELA = 1200.0
NO_REACH_M = 25.0
# The floor of a set that reaches further down than this is not at its lowest point.
DEEPEST_M = 0.5


class _Cone(msgspec.Struct):
    innerConeAngle: float = 0.0
    outerConeAngle: float = np.pi / 4.0


class _Light(msgspec.Struct):
    type: str = "point"
    color: tuple[float, float, float] = (1.0, 1.0, 1.0)
    intensity: float = 1.0
    range: float | None = None
    spot: _Cone = msgspec.field(default_factory=_Cone)


class _Lights(msgspec.Struct):
    lights: list[_Light] = []


class _Use(msgspec.Struct):
    light: int = -1


def read(path: Path) -> Scenery:
    """The set that a file is; its lamps that are suns are left to `--sun`."""
    file = opened(path)
    body = of_file(file)
    lamps, notes = _lamps(file)
    notes = [*body.notes, *notes]
    return Scenery(path.stem, body, tuple(lamps), floor_of(body), notes=tuple(notes))


def floor_of(body: Character) -> float:
    """Where the ground beyond a set lies, m."""
    low = float(body.vertices()[:, 1].min(initial=0.0))
    return (low if low > -DEEPEST_M else 0.0) - 0.02


def _lamps(file: File) -> tuple[list[Lamp], list[str]]:
    tree = file.tree
    said = extension({LIGHTS: tree.extensions.KHR_lights_punctual}, LIGHTS, _Lights)
    if said is None:
        return [], []
    parents, lamps, suns = parents_of(file.name, tree.nodes), [], 0
    for number, node in enumerate(tree.nodes):
        there = node.extensions if isinstance(node.extensions, dict) else {}
        use = extension(there, LIGHTS, _Use)
        if use is None or not 0 <= use.light < len(said.lights):
            continue
        light, world, at = said.lights[use.light], np.eye(4), number
        if light.type == "directional":
            suns += 1
            continue
        while at >= 0:
            world, at = tree.nodes[at].transform() @ world, parents[at]
        lamps.append(_lamp(light, world))
    notes = ["Its sun is not read: --sun says where it stands."] * bool(suns)
    if len(lamps) > MOST_LAMPS:
        lamps.sort(key=lambda one: -max(one.colour) * one.reach_m)
        notes.append(f"It has {len(lamps)} lamps: the {MOST_LAMPS} strongest are lit.")
    return lamps[:MOST_LAMPS], notes


def _lamp(light: _Light, world: np.ndarray) -> Lamp:
    strength = max(light.intensity, 0.0) / CANDELA
    red, green, blue = (float(strength * c) for c in light.color)
    reach = light.range if light.range and light.range > 0.0 else NO_REACH_M
    x, y, z = world[:3, 3].tolist()
    if light.type != "spot":
        return Lamp((x, y, z), (red, green, blue), reach)
    way = -world[:3, 2] / max(float(np.linalg.norm(world[:3, 2])), 1e-9)
    outer, inner = np.cos(light.spot.outerConeAngle), np.cos(light.spot.innerConeAngle)
    a, b, c = way.tolist()
    sharp = 1.0 / max(float(inner - outer), 1e-3)
    return Lamp((x, y, z), (red, green, blue), reach, (a, b, c), float(outer), sharp)
