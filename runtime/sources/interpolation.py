"""What lies between two things that a sender sent, a share of the way from one to the other."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from understudy.runtime.core import quaternion, rotation
from understudy.runtime.core.pose import Camera, Prop
from understudy.runtime.core.rotation import Array

from .packet import Packet

Thing = TypeVar("Thing", Camera, Prop)


def packets(one: Packet, two: Packet, share: float) -> Packet:
    """A pose; two of different skeletons have nothing between them, and the later is given."""
    if len(one.rotations) != len(two.rotations):
        return two
    masks = [packet.seen for packet in (one, two) if packet.seen is not None]
    return Packet(
        two.capture_s,
        one.positions + share * (two.positions - one.positions),
        quaternion.near_slerp(one.rotations, two.rotations, share),
        np.logical_and.reduce(masks) if masks else None,
        two.key,
        two.tick_s,
    )


def apart(one: Packet, two: Packet) -> float:
    """How far two poses are apart: turns of all joints in radians and the root's way in metres."""
    if len(one.rotations) != len(two.rotations):
        return math.inf
    product: Array = one.rotations * two.rotations
    alike = np.abs(np.add.reduce(product, -1))
    root = one.positions[0] - two.positions[0]
    # The square of a turn is nearly 8 (1 - the cosine of its half).
    lacks = len(alike) - float(np.add.reduce(alike))
    return math.sqrt(8.0 * max(lacks, 0.0) + float(root @ root))


def curves(one: Mapping[str, float], two: Mapping[str, float], share: float) -> dict[str, float]:
    """Values by name; a name that the first has not is the second's."""
    return {
        name: value + (1.0 - share) * (one.get(name, value) - value) for name, value in two.items()
    }


def placed(one: Thing, two: Thing, share: float) -> Thing:
    """A camera or a prop: place and turn, and a camera's lens."""
    more: dict[str, Any] = {}
    if isinstance(one, Camera) and isinstance(two, Camera):
        lens = ("focal_mm", "focus_m", "iris")
        more = {
            name: getattr(one, name) + share * (getattr(two, name) - getattr(one, name))
            for name in lens
        }
        if not (one.focus_m and two.focus_m):
            more["focus_m"] = two.focus_m
        if not (one.iris and two.iris):
            more["iris"] = two.iris
    return replace(
        two,
        position=one.position + share * (two.position - one.position),
        rotation=rotation.slerp(
            np.asarray(one.rotation), np.asarray(two.rotation), np.float64(share)
        ),
        **more,
    )


def by_name(ones: list[Thing], twos: list[Thing], share: float) -> list[Thing]:
    """Cameras or props, each with the one of its name."""
    known = {thing.name: thing for thing in ones}
    return [placed(known[two.name], two, share) if two.name in known else two for two in twos]
