"""Joints that the network does not know, such as fingers and twist bones: how they go on alone.

Each runs out and then eases to where it was in the mean of the last moments, as quickly as it used
to move: a joint that swings comes back, one that creeps goes on for a little, one that rests stays.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from understudy.runtime.core import quaternion, rotation
from understudy.runtime.core.rotation import Array

from .stream import Packet

LOOKS = 12  # of the last moments
FASTEST_RAD_S = 10.0  # and no faster: a joint that flips does not go on flipping
# A joint takes so many of its own times: how far it strays from its mean, over its speed.
COASTS, EASES = 0.3, 3.0
SHORTEST_S, LONGEST_S = 0.02, 5.0
# What is slower creeps, and its mean of a moment says nothing of where it will be.
CREEPS_RAD_S = np.radians(3.0)
CREEPS_FOR_S = 0.15


class Coast:
    """`count` joints of one body that have no role, each since it was lost."""

    def __init__(self, count: int) -> None:
        self.last: Array = rotation.identity(count)
        self.from_s: Array = np.zeros(count)
        self.rate: Array = np.zeros((count, 3))
        self.toward: Array = np.zeros((count, 3))
        self.coasts_s: Array = np.ones((count, 1))
        self.eases_s: Array = np.ones((count, 1))

    def lose(
        self, which: np.ndarray, joints: np.ndarray, packets: list[Packet], rate: Array | None
    ) -> None:
        """Of these joints `which` (k,), the source's `joints` (k,), were seen last in the last
        packet, when they turned by rate (k, 3) rad/s; None: nobody knows how fast."""
        last = packets[-1]
        self.last[which], self.from_s[which] = last.rotations[joints], last.time_s
        self.rate[which] = self.toward[which] = 0.0
        if rate is None:
            return
        fast = np.sqrt(np.sum(rate * rate, axis=-1, keepdims=True))
        rate = rate * np.minimum(1.0, FASTEST_RAD_S / np.maximum(fast, FASTEST_RAD_S))
        some = packets[:: -max(1, len(packets) // LOOKS)]
        turns = np.array([packet.rotations[joints] for packet in some])  # from the last one back
        spans_s = -np.diff([packet.time_s for packet in some])[:, None]
        step = quaternion.multiply(turns[:-1], quaternion.conjugate(turns[1:]))
        speed = np.square(rotation.to_rotation_vector(step) / spans_s[..., None]).sum(-1)
        speed = np.sqrt(speed.mean(axis=0))[:, None]
        same = np.where((turns * turns[0]).sum(-1, keepdims=True) < 0.0, -turns, turns)
        mean = quaternion.unit(same.mean(axis=0))
        off = rotation.to_rotation_vector(quaternion.multiply(same, quaternion.conjugate(mean)))
        strays = np.sqrt(np.square(off).sum(-1).mean(axis=0))[:, None]
        own_s = quaternion.clamp(strays / np.maximum(speed, 1e-6), SHORTEST_S, LONGEST_S)
        creeps = np.exp(-np.square(speed / CREEPS_RAD_S))
        self.rate[which], self.toward[which] = rate, (creeps - 1.0) * off[0]
        self.coasts_s[which] = creeps * CREEPS_FOR_S + (1.0 - creeps) * COASTS * own_s
        self.eases_s[which] = EASES * own_s


def turned(coasts: Sequence[Coast], times_s: Sequence[float]) -> Array:
    """(n, K, 4) the local rotations of each body's joints at its time."""
    since_s = np.array(times_s)[:, None] - np.array([one.from_s for one in coasts])
    since_s = np.maximum(since_s, 0.0)[..., None]
    coasts_s = np.array([one.coasts_s for one in coasts])
    eases_s = np.array([one.eases_s for one in coasts])
    turn = np.array([one.rate for one in coasts]) * coasts_s * -np.expm1(-since_s / coasts_s)
    turn += np.array([one.toward for one in coasts]) * -np.expm1(-since_s / eases_s)
    return quaternion.multiply(
        rotation.from_rotation_vector(turn), np.array([one.last for one in coasts])
    )
