"""Vicon Tracker, played: hips, head, hands and feet of everybody as rigid bodies."""

from __future__ import annotations

import numpy as np

from understudy.bridge.protocols import vicon
from understudy.runtime.core.pose import Frame
from understudy.runtime.outputs.body import body

WORN = ("hips", "head", "left_hand", "right_hand", "left_foot", "right_foot")


class ViconSimulator:
    """Everybody's objects."""

    def __init__(self) -> None:
        self._number = 0

    def datagrams(self, frame: Frame, time_s: float) -> list[bytes]:
        self._number += 1
        names: list[str] = []
        places, turns = [], []
        for one in frame.subjects:
            shape = body(one.skeleton)
            there = shape.whole(shape.added(one.pose), WORN)
            names += [f"{one.name} {role}" for role in WORN]
            places.append(there.positions)
            turns.append(there.rotations)
        said = vicon.Objects(
            self._number, tuple(names), np.concatenate(places), np.concatenate(turns)
        )
        return vicon.encode(said)
