"""Animations of .glb and .vrm files as clips: sampled at an even rate, in the world."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from understudy.runtime.characters.gltf_document import opened, parents_of
from understudy.runtime.characters.gltf_numbers import Numbers
from understudy.runtime.characters.gltf_schema import Animation, Document
from understudy.runtime.characters.gltf_skeleton import joints_of, named, ordered, said_roles
from understudy.runtime.core.errors import UnderstudyError

from . import gltf_scene, surroundings
from .bvh_clip import Given
from .clip import Clip
from .gltf_track import tracks_of, upward, world
from .scene_clip import MOST_FRAMES, MOST_JOINTS, Moving, Which, chosen, clip_of, even_rate, told


def read(path: Path, given: Given, which: Which, frame_time_s: float | None = None) -> Clip:
    """The clip of one body and one animation of a file."""
    file = opened(path)
    tree, numbers = file.tree, Numbers(file)
    lengths = [_span(numbers, one) for one in tree.animations]
    if not tree.animations:
        raise UnderstudyError(f"{path.name} has no animation; it is a character and no motion.")
    names = [one.name or f"animation {n}" for n, one in enumerate(tree.animations)]
    best = max(range(len(names)), key=lambda n: lengths[n][1] - lengths[n][0])
    at = chosen(path.name, "animation", "clip", which.clip, names, best)
    notes = told("animations", "clip", names, at)
    parent = parents_of(path.name, tree.nodes)
    bodies = _bodies(tree, parent)
    if not bodies:
        raise UnderstudyError(f"{path.name} has no skin and no animated node: no skeleton in it.")
    labels = list(bodies)
    number = chosen(path.name, "body", "body", which.body, labels, 0)
    notes += told("bodies", "body", labels, number)
    joints = bodies[labels[number]]
    if len(joints) > MOST_JOINTS:
        raise UnderstudyError(f"{path.name}: more than {MOST_JOINTS:,} joints is no body.")
    order, above = ordered(tree.nodes, joints, parent)
    rows = {n: row for row, n in enumerate(order)}
    parents = np.array([rows.get(above[n], -1) for n in order])
    parents[1:] = np.where(parents[1:] < 0, 0, parents[1:])

    tracks = tracks_of(numbers, tree.animations[at])
    keys = [t.keys_s for (n, _), t in tracks.items() if n in set(upward(order, parent))]
    if not keys:
        raise UnderstudyError(
            f"{path.name}: the animation {names[at]!r} moves no joint of {labels[number]!r}."
        )
    rate_hz, note = even_rate(max(keys, key=len))
    begin_s, end_s = min(k[0] for k in keys), max(k[-1] for k in keys)
    count = round((end_s - begin_s) * rate_hz) + 1
    if not 2 <= count <= MOST_FRAMES:
        raise UnderstudyError(
            f"{path.name}: the animation {names[at]!r} is {end_s - begin_s:g} s long: no motion."
        )
    times_s = begin_s + np.arange(count) / rate_hz
    positions, rotations = world(tree.nodes, parent, order, tracks, times_s)
    rest_p, rest_r = world(tree.nodes, parent, order, {}, np.zeros(1))
    plain = named(tree.nodes, order)
    every = {n for found in bodies.values() for n in found}
    curves = gltf_scene.faces(tree, parent, {*order, *joints}, len(bodies) == 1, tracks, times_s)
    things = gltf_scene.things(tree, parent, every, tracks, times_s)
    around, more = surroundings.of(count, curves, things)
    body = Moving(
        tuple(plain), parents, rest_p[0], rest_r[0], positions, rotations, rate_hz,
        notes + ([note] if note else []) + more, said_roles(tree, order, plain), around,
    )  # fmt: skip
    return clip_of(path, body, given, frame_time_s)


def _bodies(tree: Document, parent: list[int]) -> dict[str, list[int]]:
    """Joints by the name of the body that they are: joints under one root, or one node, are one."""
    joints = joints_of(tree)
    chosen_ = set(joints)
    groups: dict[int, list[int]] = {}
    for n in joints:
        root = next(at for at in upward([n], parent) if at in chosen_)
        key = parent[root] if parent[root] >= 0 else -root - 1
        groups.setdefault(key, []).append(n)
    out: dict[str, list[int]] = {}
    for key, found in groups.items():
        name = tree.nodes[key if key >= 0 else -key - 1].name or f"body {len(out)}"
        while name in out:
            name += "'"
        out[name] = found
    return out


def _span(numbers: Numbers, animation: Animation) -> tuple[float, float]:
    """First and last key of an animation, in seconds."""
    spans = [numbers.bounds(one.input) for one in animation.samplers]
    return (min(s[0] for s in spans), max(s[1] for s in spans)) if spans else (0.0, 0.0)
