"""Sony mocopi's app, played: the first actor's 27 bones, and once a second the skeleton."""

from __future__ import annotations

import numpy as np

from understudy.bridge.protocols import mocopi
from understudy.runtime.core import rotation
from understudy.runtime.core.pose import Frame
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.outputs.body import Added, Body, body
from understudy.runtime.retarget.retarget import t_pose
from understudy.runtime.sources.devices.mocopi import ROLES

EVERY_S = 1.0
_UP = np.array([mocopi.NAMES.index(up) if up else -1 for up in mocopi.BONES.values()])


def bones(shape: Body, added: Added) -> tuple[Array, Array]:
    """Places (27, 3) and turns (27, 4) in the room; bones of a chain that we have no word for lie
    evenly between those around them, and turn as the one above."""
    named = list(ROLES)
    whole = shape.whole(added, [ROLES[name] for name in named])
    at = {name: (whole.positions[n], whole.rotations[n]) for n, name in enumerate(named)}
    places, turns = np.zeros((len(_UP), 3)), np.zeros((len(_UP), 4))
    for row, name in enumerate(mocopi.NAMES):
        if name in at:
            places[row], turns[row] = at[name]
            continue
        stem, _, number = name.rpartition("_")
        before, after = int(number) - 1, int(number) + 1
        while f"{stem}_{before}" not in at:
            before -= 1
        while f"{stem}_{after}" not in at and f"{stem}_{after}" in mocopi.BONES:
            after += 1
        above, turn = at[f"{stem}_{before}"]
        below = at.get(f"{stem}_{after}", at["head"])[0]  # a neck ends at the head
        share = (int(number) - before) / (after - before)
        places[row], turns[row] = above + share * (below - above), turn
    return places, turns


class MocopiSimulator:
    """One performer."""

    def __init__(self) -> None:
        self._number, self._said_s = 0, float("-inf")

    def datagrams(self, frame: Frame, time_s: float) -> list[bytes]:
        one = frame.subjects[0]
        shape = body(one.skeleton)
        at, _ = t_pose(one.skeleton)
        rest, straight = bones(shape, Added(at[shape.joints], rotation.identity(len(shape.joints))))
        tree = Skeleton(mocopi.NAMES, _UP, rest)
        found = []
        if time_s - self._said_s >= EVERY_S:
            self._said_s = time_s
            offsets, _ = tree.locals(rest, straight)
            parents = np.where(_UP < 0, 0, _UP)
            numbers = np.arange(len(_UP))
            found.append(mocopi.encode(mocopi.Bones(numbers, offsets, straight, parents)))
        places, turns = tree.locals(*bones(shape, shape.added(one.pose)))
        said = mocopi.Bones(
            np.arange(len(_UP)), places, turns, frame=self._number, time_s=1.0 + time_s
        )
        self._number += 1
        return [*found, mocopi.encode(said)]
