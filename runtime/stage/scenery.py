"""The scenery: cameras and props of the frame, from sources and from whoever shows us a camera."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.pose import Camera, Prop
from understudy.runtime.sources.streams import Kind, Stream

# A camera that somebody shares is theirs: it leaves with them.
LEAVES_AFTER_S = 2.0
MOST_SHARED = 16

Thing = TypeVar("Thing", Camera, Prop)


class Scenery:
    """Cameras and props by name, each name once: a second "A" is "A-2"."""

    def __init__(self) -> None:
        self._shared: dict[str, tuple[Camera, float]] = {}
        self.refused = 0
        self.cameras: list[Camera] = []
        self.props: list[Prop] = []

    def share(self, request: Any, now_s: float, now_ns: int) -> None:
        """Takes a camera that came over the control socket; one that makes no sense is counted."""
        turn = np.array(request.rotation, float)
        room = request.name in self._shared or len(self._shared) < MOST_SHARED
        if not (request.name and room and 0.25 < np.dot(turn, turn) < 4.0):
            self.refused += 1
            return
        camera = Camera(
            request.name,
            np.array(request.position, float),
            rotation.normalize(turn),
            request.focal_mm,
            request.sensor_mm,
            request.focus_m,
            request.iris,
            capture_ns=now_ns,
        )
        self._shared[request.name] = camera, now_s

    def sense(self, now_s: float, streams: Iterable[Stream]) -> None:
        """What stands there at this tick, of the streams that the sources have."""
        shared = self._shared
        for name in [n for n, (_, at_s) in shared.items() if now_s - at_s > LEAVES_AFTER_S]:
            del shared[name]
        cameras, props = [], []
        for stream in streams:
            if stream.kind is Kind.CAMERA:
                cameras.append(stream.of)
            elif stream.kind is Kind.PROP:
                props.append(stream.of)
        self.cameras = unique(cameras + [camera for camera, _ in shared.values()])
        self.props = unique(props)


def unique(things: list[Thing]) -> list[Thing]:
    """The things under names that are each there once."""
    taken: set[str] = set()
    out = []
    for thing in things:
        name, number = thing.name, 1
        while name in taken:
            number += 1
            name = f"{thing.name}-{number}"
        taken.add(name)
        out.append(thing if name == thing.name else replace(thing, name=name))
    return out
