"""Animations of a glTF file: properties of nodes over time, and where nodes are in the world."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from understudy.runtime.characters.gltf_numbers import Numbers
from understudy.runtime.characters.gltf_schema import Animation, Channel, Node
from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array

_WIDE = {"translation": 3, "rotation": 4, "scale": 3, "yfov": 1}
_YFOV = re.compile(r"/cameras/(\d+)/perspective/yfov")


def upward(nodes: Sequence[int], parent: Sequence[int]) -> list[int]:
    """These nodes and all above them, parents first."""
    seen: dict[int, None] = {}
    for n in nodes:
        way = []
        while n >= 0 and n not in seen:
            way.append(n)
            n = parent[n]
        seen.update(dict.fromkeys(reversed(way)))
    return list(seen)


class Track:
    """A property over time: values (N, C) at keys (N,), of a spline (3N, C); turns: quaternions."""

    def __init__(self, keys_s: Array, values: Array, way: str, turns: bool = False) -> None:
        self.keys_s, self.values, self.way, self.turns = keys_s, values, way, turns

    def at(self, times_s: Array) -> Array:
        """(T, C) at times (T,); before the first key and after the last those are held."""
        keys, cubic = self.keys_s, self.way == "CUBICSPLINE"
        values = self.values.reshape(len(keys), 3, -1) if cubic else self.values
        # Keys are 32-bit floats: what lies within their last bits of a key is on it.
        near = 2e-6 + 1e-6 * np.abs(times_s)
        a = np.clip(np.searchsorted(keys, times_s + near, side="right") - 1, 0, len(keys) - 1)
        b = np.minimum(a + 1, len(keys) - 1)
        step = np.where(b > a, keys[b] - keys[a], 1.0)
        on = np.abs(times_s - keys[a]) <= near
        t = np.where(on, 0.0, np.clip((times_s - keys[a]) / step, 0.0, 1.0))
        if self.way == "STEP":
            return values[a]
        if cubic:
            u, out, into = t[:, None], values[a, 2], values[b, 0]
            d = step[:, None]
            q = (
                (2 * u**3 - 3 * u**2 + 1) * values[a, 1] + d * (u**3 - 2 * u**2 + u) * out
                + (-2 * u**3 + 3 * u**2) * values[b, 1] + d * (u**3 - u**2) * into
            )  # fmt: skip
            return rotation.normalize(q) if self.turns else q
        if self.turns:
            return rotation.slerp(values[a], values[b], t)
        return (1.0 - t[:, None]) * values[a] + t[:, None] * values[b]


def _target(channel: Channel) -> tuple[int, str]:
    """The node and its property that a channel moves, or a camera and "yfov"; (-1, "") else."""
    node, path = channel.target.node, channel.target.path
    pointer = channel.target.extensions.KHR_animation_pointer.pointer
    if path == "pointer" and (camera := _YFOV.fullmatch(pointer)):
        return int(camera[1]), "yfov"
    known = node >= 0 and (path in _WIDE or path == "weights")
    return (node, path) if known else (-1, "")


def tracks_of(numbers: Numbers, animation: Animation) -> dict[tuple[int, str], Track]:
    """By node and property; "weights" are of a node, "yfov" of a camera."""
    tracks = {}
    for channel in animation.channels:
        node, path = _target(channel)
        if not path:
            continue
        if not 0 <= channel.sampler < len(animation.samplers):
            raise numbers.file.damaged(f"a channel names sampler {channel.sampler}")
        sampler = animation.samplers[channel.sampler]
        keys = numbers.values(sampler.input)[:, 0]
        values = numbers.values(sampler.output)
        wide = 3 * len(keys) if sampler.interpolation == "CUBICSPLINE" else len(keys)
        if path == "weights" and wide and values.size % wide == 0:
            values = values.reshape(wide, -1)
        fits = path == "weights" or values.shape[1] == _WIDE[path]
        if len(values) != wide or not fits or not len(keys):
            raise numbers.file.damaged(f"{len(values)} values of {path} for {len(keys)} keys")
        if (np.diff(keys) < 0.0).any():
            raise numbers.file.damaged("its keys go back in time")
        if path == "rotation" and sampler.interpolation != "CUBICSPLINE":
            values = rotation.normalize(values)
        tracks[node, path] = Track(keys, values, sampler.interpolation, path == "rotation")
    return tracks


def world(
    nodes: Sequence[Node],
    parent: Sequence[int],
    order: Sequence[int],
    tracks: Mapping[tuple[int, str], Track],
    times_s: Array,
) -> tuple[Array, Array]:
    """Positions (T, J, 3) and rotations (T, J, 4) of the nodes of `order`, in the file's world.

    A scale that differs along its axes is taken along the axes of the node that has it.
    """
    count = len(times_s)
    done: dict[int, tuple[Array, Array, Array]] = {}

    for n in upward(order, parent):
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
