"""Trackers by OSC, as SlimeVR and others send them to VRChat: eight of a body, and its head.

/tracking/trackers/1/position and /tracking/trackers/1/rotation with three floats each, to 8, and
/tracking/trackers/head/...: metres and degrees in Unity's axes, angles as Ry Rx Rz.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.rotation import Array

from . import axes, osc
from .error import ProtocolError

PORT = 9000
HEAD = "head"
NAMES = (*map(str, range(1, 9)), HEAD)
LARGEST_M, LARGEST_DEG = 1e3, 1e5
_ADDRESS = re.compile(r"/tracking/trackers/([1-8]|head)/(position|rotation)")


@dataclass(slots=True)
class Trackers:
    """What a datagram says: places (3,) and turns (4,) in our axes, by the tracker's name."""

    places: dict[str, Array] = field(default_factory=dict)
    turns: dict[str, Array] = field(default_factory=dict)


def decode(data: bytes) -> Trackers:
    """The trackers in a datagram, which may say some of them alone."""
    found = Trackers()
    for message in osc.decode(data):
        place = _ADDRESS.fullmatch(message.address)
        if place is None:
            continue
        numbers = message.arguments[:3]
        if len(numbers) < 3 or not all(
            isinstance(n, int | float) and not isinstance(n, bool) and math.isfinite(n)
            for n in numbers
        ):
            raise ProtocolError(f"{message.address} has three numbers, and this one not.")
        values = np.array(numbers, float)
        name = place[1]
        if place[2] == "position":
            if np.abs(values).max() > LARGEST_M:
                raise ProtocolError(f"{message.address} is beyond all rooms.")
            found.places[name] = axes.unity(values, rotation.identity())[0]
        else:
            if np.abs(values).max() > LARGEST_DEG:
                raise ProtocolError(f"{message.address} has an angle that is none.")
            turn = rotation.from_euler(np.radians(values[[1, 0, 2]]), "YXZ")
            found.turns[name] = axes.unity(np.zeros(3), turn)[1]
    if not found.places and not found.turns:
        raise ProtocolError("OSC brings trackers as /tracking/trackers/..., and this has none.")
    return found


def encode(said: Trackers) -> bytes:
    """All of them in one bundle."""
    messages = []
    for name, place in said.places.items():
        at = axes.unity(place, rotation.identity())[0]
        messages.append(osc.encode(f"/tracking/trackers/{name}/position", *map(float, at)))
    for name, turn in said.turns.items():
        theirs = axes.unity(np.zeros(3), turn)[1]
        y, x, z = np.degrees(rotation.to_euler(theirs, "YXZ")).tolist()
        messages.append(osc.encode(f"/tracking/trackers/{name}/rotation", x, y, z))
    return osc.bundle(messages)
