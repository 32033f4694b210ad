"""Noitom's Axis Studio, played: everybody's joints by its BVH broadcast."""

from __future__ import annotations

import numpy as np

from understudy.bridge.protocols import neuron
from understudy.runtime.core import rotation
from understudy.runtime.core.pose import Frame
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.outputs.body import Added, Body, body
from understudy.runtime.sources.devices.neuron_skeleton import STANDARD, roles_of

KIND = "studio"
JOINTS = neuron.JOINTS[KIND]
ROLES = roles_of(JOINTS)
_OURS = {"Thumb": "thumb", "Index": "index", "Middle": "middle", "Ring": "ring", "Pinky": "little"}
_TREE = Skeleton(
    tuple(JOINTS),
    np.array([list(JOINTS).index(up) if up else -1 for up in JOINTS.values()]),
    STANDARD[KIND],
)


def _role(name: str) -> str:
    """LeftHandIndex1 -> left_index_proximal; "" of what we have no word for."""
    side, _, part = name.partition("Hand")
    if not part or part[:-1] not in _OURS:
        return ROLES.get(name, "")
    words = ("proximal", "intermediate", "distal")
    return f"{side.lower()}_{_OURS[part[:-1]]}_{words[int(part[-1]) - 1]}"


def pose(shape: Body, added: Added) -> tuple[Array, Array]:
    """Positions (59, 3) and rotations (59, 4) in their parents; what a body has not hangs still."""
    whole = shape.whole(added, list(ROLES.values()))
    known = dict(zip(ROLES, zip(*whole, strict=True), strict=True))
    at, turns = np.zeros((neuron.COUNT, 3)), np.zeros((neuron.COUNT, 4))
    for j, name in enumerate(JOINTS):
        bone = shape.index.get(_role(name))
        if name in known:
            at[j], turns[j] = known[name]
        elif bone is not None:
            at[j], turns[j] = added.positions[bone], added.rotations[bone]
        else:  # where its parent has it
            up = int(_TREE.parents[j])
            turns[j] = turns[up]
            at[j] = at[up] + rotation.rotate(turns[up], _TREE.rest_positions[j])
    return _TREE.locals(at, turns)


class NeuronSimulator:
    """Everybody in a frame, each an avatar."""

    def __init__(self) -> None:
        self._number = 0

    def datagrams(self, frame: Frame, time_s: float) -> list[bytes]:
        self._number += 1
        found = []
        for avatar, one in enumerate(frame.subjects):
            shape = body(one.skeleton)
            positions, rotations = pose(shape, shape.added(one.pose))
            said = neuron.Frame(avatar, one.name, positions, rotations, True, self._number)
            found.append(neuron.encode(said))
        return found
