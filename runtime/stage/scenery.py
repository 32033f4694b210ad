"""The scenery: cameras and props of the frame.

They come from sources, from whoever shows us a camera, and from the simulation of props.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from understudy.bridge.requests import PropPlace
from understudy.runtime.core import rotation
from understudy.runtime.core.pose import Camera, Prop, State, Subject
from understudy.runtime.props import grips
from understudy.runtime.props.grips import Grip
from understudy.runtime.sources.streams import Kind, Stream

# A camera that somebody shares is theirs: it leaves with them.
LEAVES_AFTER_S = 2.0
MOST_SHARED = 16
# A simulation that is silent for longer holds its props.
SILENT_S = 0.5
SILENT = "the simulation of props is silent"

Thing = TypeVar("Thing", Camera, Prop)


class Scenery:
    """Cameras and props by name, each name once: a second "A" is "A-2"."""

    def __init__(self) -> None:
        self._shared: dict[str, tuple[Camera, float]] = {}
        self.refused = 0
        self._simulated: list[Prop] = []
        self._grips: dict[str, list[Grip]] = {}
        self._simulated_s = 0.0
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

    def simulate(self, places: Sequence[PropPlace], now_s: float, now_ns: int) -> None:
        """Takes where a simulation's props are; one that makes no sense is counted."""
        self._simulated, self._grips, self._simulated_s = [], {}, now_s
        for place in places:
            turn = np.array(place.rotation, float)
            if not 0.25 < np.dot(turn, turn) < 4.0:
                self.refused += 1
                continue
            at = np.array(place.position, float)
            self._simulated.append(
                Prop(place.name, at, rotation.normalize(turn), capture_ns=now_ns)
            )
            if place.grips:
                self._grips[place.name] = [
                    Grip(
                        one.who, one.joint, np.array(one.position),
                        rotation.normalize(np.array(one.rotation)), np.array(one.palm),
                    )
                    for one in place.grips
                ]  # fmt: skip

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
        held = bool(self._simulated) and now_s - self._simulated_s > SILENT_S
        if held:
            self._simulated = [
                prop if prop.state is State.HOLD else replace(prop, state=State.HOLD, reason=SILENT)
                for prop in self._simulated
            ]
        self.props = unique(props + self._simulated)

    def in_hands(self, subjects: Sequence[Subject]) -> list[Prop]:
        """The props of this tick, those that are held in the hands of these subjects.

        The simulation has seen the frame before; a hand has gone on since.
        """
        if not self._grips:
            return self.props
        there = {subject.name: subject for subject in subjects}
        return [grips.put(prop, self._grips.get(prop.name, ()), there) for prop in self.props]


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
