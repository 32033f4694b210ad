"""Animations of .glb and .vrm files as clips: sampled at an even rate, in the world."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from understudy.runtime.characters.gltf_document import opened, parents_of
from understudy.runtime.characters.gltf_numbers import Numbers
from understudy.runtime.characters.gltf_schema import Animation, Document, Node
from understudy.runtime.characters.gltf_skeleton import joints_of, named, ordered, said_roles
from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.rotation import Array

from .bvh_clip import Given
from .clip import Clip
from .scene_clip import MOST_FRAMES, MOST_JOINTS, Moving, Which, chosen, clip_of, even_rate, told

Sampler = Callable[[Array], Array]


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

    tracks = _tracks(numbers, tree.animations[at])
    keys = [t.keys_s for (n, _), t in tracks.items() if n in set(_upward(order, parent))]
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
    positions, rotations = _world(tree.nodes, parent, order, tracks, times_s)
    rest_p, rest_r = _world(tree.nodes, parent, order, {}, np.zeros(1))
    plain = named(tree.nodes, order)
    body = Moving(
        tuple(plain), parents, rest_p[0], rest_r[0], positions, rotations, rate_hz,
        notes + ([note] if note else []), said_roles(tree, order, plain),
    )  # fmt: skip
    return clip_of(path, body, given, frame_time_s)


def _bodies(tree: Document, parent: list[int]) -> dict[str, list[int]]:
    """Joints by the name of the body that they are: joints under one root, or one node, are one."""
    joints = joints_of(tree)
    chosen_ = set(joints)
    groups: dict[int, list[int]] = {}
    for n in joints:
        root = next(at for at in _upward([n], parent) if at in chosen_)
        key = parent[root] if parent[root] >= 0 else -root - 1
        groups.setdefault(key, []).append(n)
    out: dict[str, list[int]] = {}
    for key, found in groups.items():
        name = tree.nodes[key if key >= 0 else -key - 1].name or f"body {len(out)}"
        while name in out:
            name += "'"
        out[name] = found
    return out


def _upward(nodes: list[int], parent: list[int]) -> list[int]:
    """These nodes and all above them, parents first."""
    seen: dict[int, None] = {}
    for n in nodes:
        way = []
        while n >= 0 and n not in seen:
            way.append(n)
            n = parent[n]
        seen.update(dict.fromkeys(reversed(way)))
    return list(seen)


class _Track:
    """A property of a node over time."""

    def __init__(self, keys_s: Array, values: Array, way: str) -> None:
        self.keys_s, self.values, self.way = keys_s, values, way

    def at(self, times_s: Array) -> Array:
        """(T, C) at times (T,); before the first key and after the last those are held."""
        keys, cubic = self.keys_s, self.way == "CUBICSPLINE"
        values = self.values.reshape(len(keys), 3, -1) if cubic else self.values
        # Keys are 32-bit floats: what lies within their last bits of a key is on it.
        near = 2e-6 + 1e-6 * np.abs(times_s)
        a = np.clip(np.searchsorted(keys, times_s + near, side="right") - 1, 0, len(keys) - 1)
        b = np.minimum(a + 1, len(keys) - 1)
        step = np.where(b > a, keys[b] - keys[a], 1.0)
        t = np.clip((times_s - keys[a]) / step, 0.0, 1.0)
        turns = values.shape[-1] == 4
        if self.way == "STEP":
            return values[a]
        if cubic:
            u, out, into = t[:, None], values[a, 2], values[b, 0]
            d = step[:, None]
            q = (
                (2 * u**3 - 3 * u**2 + 1) * values[a, 1] + d * (u**3 - 2 * u**2 + u) * out
                + (-2 * u**3 + 3 * u**2) * values[b, 1] + d * (u**3 - u**2) * into
            )  # fmt: skip
            return rotation.normalize(q) if turns else q
        if turns:
            return rotation.slerp(values[a], values[b], t)
        return (1.0 - t[:, None]) * values[a] + t[:, None] * values[b]


_WIDE = {"translation": 3, "rotation": 4, "scale": 3}


def _tracks(numbers: Numbers, animation: Animation) -> dict[tuple[int, str], _Track]:
    tracks = {}
    for channel in animation.channels:
        node, path = channel.target.node, channel.target.path
        if path not in _WIDE or node < 0:
            continue
        if not 0 <= channel.sampler < len(animation.samplers):
            raise numbers.file.damaged(f"a channel names sampler {channel.sampler}")
        sampler = animation.samplers[channel.sampler]
        keys = numbers.values(sampler.input)[:, 0]
        values = numbers.values(sampler.output)
        wide = 3 * len(keys) if sampler.interpolation == "CUBICSPLINE" else len(keys)
        if len(values) != wide or values.shape[1] != _WIDE[path] or not len(keys):
            raise numbers.file.damaged(f"{len(values)} values of {path} for {len(keys)} keys")
        if (np.diff(keys) < 0.0).any():
            raise numbers.file.damaged("its keys go back in time")
        if path == "rotation" and sampler.interpolation != "CUBICSPLINE":
            values = rotation.normalize(values)
        tracks[node, path] = _Track(keys, values, sampler.interpolation)
    return tracks


def _span(numbers: Numbers, animation: Animation) -> tuple[float, float]:
    """First and last key of an animation, in seconds."""
    spans = [numbers.bounds(one.input) for one in animation.samplers]
    return (min(s[0] for s in spans), max(s[1] for s in spans)) if spans else (0.0, 0.0)


def _world(
    nodes: list[Node],
    parent: list[int],
    order: list[int],
    tracks: dict[tuple[int, str], _Track],
    times_s: Array,
) -> tuple[Array, Array]:
    """Positions (T, J, 3) and rotations (T, J, 4) of the nodes of `order`, in the file's world.

    A scale that differs along its axes is taken along the axes of the node that has it.
    """
    count = len(times_s)
    done: dict[int, tuple[Array, Array, Array]] = {}

    for n in _upward(order, parent):
        values = []
        for path, still in zip(("translation", "rotation", "scale"), nodes[n].parts(), strict=True):
            track = tracks.get((n, path))
            held = np.broadcast_to(still, (count, len(still)))
            values.append(held if track is None else track.at(times_s))
        p, q, s = values
        if parent[n] >= 0:
            up_p, up_q, up_s = done[parent[n]]
            p = up_p + rotation.rotate(up_q, up_s * p)
            q, s = rotation.multiply(up_q, q), up_s * s
        done[n] = p, q, s
    found = [done[n] for n in order]
    positions = np.stack([p for p, _, _ in found], axis=1)
    return positions, np.stack([q for _, q, _ in found], axis=1)
