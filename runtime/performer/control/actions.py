"""Actions on buttons: a small network's takes laid over the gait, blended in and back.

A body that stands gives itself to the action whole: pose, root and contacts are the take's, and
the gait's network stands by. One that travels goes on travelling; its upper body acts. From the
moment at which a take says that the body is free, a stick that is pushed ends it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from understudy.runtime.core import networks, quaternion, rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.ik import legs

from .card import ActionsCard
from .layout import ACTIONS, JOINTS

BLEND_IN_S = 0.2
BLEND_OUT_S = 0.32
# A body slower than this acts with its whole body.
STANDS_MPS = 0.6
BUTTONS = tuple(ACTIONS)
# What never takes the legs, what always does, and what a body in stride leaves to jump.py.
UPPER_ONLY = ("wave",)
WHOLE_ONLY = ("kick",)
STANDING_ONLY = ("jump",)
_LEGS = np.zeros(JOINTS, bool)
_LEGS[[legs.HIPS, *legs.LEGS.reshape(-1)]] = True
_SPINE = PERFORMER.index("Spine")


class Actions:
    """Which take each of `count` bodies plays, how far into it and how firmly."""

    def __init__(self, count: int, weights: Path) -> None:
        self._network = networks.open_network(
            weights, "cpu", PERFORMER, kind="actions", parts=ActionsCard
        )
        takes = self._network.card["takes"]
        self.count = count
        self._of = {name: [k for k, t in enumerate(takes) if t["action"] == name]
                    for name in {t["action"] for t in takes}}  # fmt: skip
        self._seconds = np.array([t["seconds"] for t in takes])
        self._free_s = np.array([t["free_s"] for t in takes])
        self._inputs = {
            "take": np.zeros((count, len(takes)), np.float32),
            "time": np.zeros((count, 1), np.float32),
        }
        self._played = {
            "hips": np.zeros((count, 3), np.float32),
            "rotations": np.zeros((count, JOINTS, 4), np.float32),
            "contacts": np.zeros((count, 4), np.float32),
            "travel": np.zeros((count, 3), np.float32),
        }
        self._run = self._network.bind(self._inputs, self._played)
        self.take = np.full(count, -1)
        self.time_s = np.zeros(count)
        self.weight = np.zeros(count)
        self.whole = np.zeros(count, bool)
        self._leaving = np.zeros(count, bool)
        self._held = np.zeros((count, len(BUTTONS)), bool)
        self._next = np.zeros(count, int)

    def reset(self, i: int) -> None:
        """Ends the action of body i at once."""
        self.take[i], self.weight[i], self._leaving[i] = -1, 0.0, False
        self._inputs["take"][i] = 0.0

    @property
    def busy(self) -> np.ndarray:
        """(N,) bodies whose feet belong to an action."""
        return (self.take >= 0) & self.whole & ~self._leaving

    def press(self, pressed: np.ndarray, moving: np.ndarray, speed: Array) -> np.ndarray:
        """Takes buttons (N, B), pushed sticks (N,) and speeds (N,).

        Returns (N, B) the presses that no take answers: the caller's to answer.
        """
        fresh = pressed & ~self._held
        self._held = pressed
        refused = np.zeros_like(fresh)
        for i, b in zip(*np.nonzero(fresh), strict=True):
            name = ACTIONS[BUTTONS[b]]
            if self.take[i] >= 0 and not (self._leaving[i] or self._is_free(int(i))):
                continue
            stands = speed[i] < STANDS_MPS
            if name not in self._of or (name in STANDING_ONLY and not stands):
                refused[i, b] = True
                continue
            whole = name in WHOLE_ONLY or (bool(stands) and name not in UPPER_ONLY)
            self._begin(int(i), name, whole)
        ended = (self.take >= 0) & moving & self.whole
        for i in np.flatnonzero(ended):
            self._leaving[i] |= self._is_free(int(i))
        return refused

    def _is_free(self, i: int) -> bool:
        return bool(self.time_s[i] >= self._free_s[self.take[i]])

    def _begin(self, i: int, name: str, whole: bool) -> None:
        takes = self._of[name]
        self.take[i] = takes[self._next[i] % len(takes)]  # another one each time
        self._next[i] += 1
        self.time_s[i], self.weight[i] = 0.0, 0.0
        self.whole[i], self._leaving[i] = whole, False
        self._inputs["take"][i] = 0.0
        self._inputs["take"][i, self.take[i]] = 1.0

    def step(self, dt_s: float) -> np.ndarray:
        """Plays on by dt_s; returns the bodies (K,) that act."""
        who = np.flatnonzero(self.take >= 0)
        if not len(who):
            return who
        self.time_s[who] += dt_s
        left = self._seconds[self.take[who]] - self.time_s[who]
        self._leaving[who] |= left <= BLEND_OUT_S
        rate = np.where(self._leaving[who], -dt_s / BLEND_OUT_S, dt_s / BLEND_IN_S)
        self.weight[who] = np.clip(self.weight[who] + rate, 0.0, 1.0)
        over = self._leaving[who] & (self.weight[who] <= 0.0)
        for i in who[over]:
            self.reset(int(i))
        who = who[~over]
        if len(who):
            self._inputs["time"][:, 0] = np.minimum(
                self.time_s, self._seconds[np.maximum(self.take, 0)]
            )
            self._run()
        return who

    def travel(self, who: np.ndarray, travel: Array) -> None:
        """Mixes the takes' root velocity into travel (N, 3), in place."""
        who = who[self.whole[who]]
        w = _ease(self.weight[who])[:, None]
        travel[who] += w * (self._played["travel"][who] - travel[who])

    def apply(self, who: np.ndarray, hips: Array, local: Array, contacts: Array) -> None:
        """Lays the takes over hips (N, 3), rotations (N, J, 4) in the root's frame and contacts."""
        w = _ease(self.weight[who])
        whole = self.whole[who]
        played = self._played["rotations"][who].astype(float)
        under = local[who]
        goal = played.copy()
        # On another's legs the chest keeps the way that it had in the take.
        chest = quaternion.multiply(played[:, legs.HIPS], played[:, _SPINE])
        chest = quaternion.multiply(quaternion.conjugate(under[:, legs.HIPS]), chest)
        goal[:, _SPINE] = np.where(whole[:, None], goal[:, _SPINE], chest)
        share = w[:, None] * np.where(whole[:, None], True, ~_LEGS)
        local[who] = rotation.slerp(under, goal, share)
        w = w * whole
        hips[who] += w[:, None] * (self._played["hips"][who] - hips[who])
        # Both must agree before a foot is planted while one pose turns into the other.
        planted = self._played["contacts"][who]
        both = np.minimum(planted, contacts[who])
        mixed = np.where((w > 0.98)[:, None], planted, both)
        contacts[who] = np.where((w > 0.0)[:, None], mixed, contacts[who])

    def close(self) -> None:
        """Lets the network go."""
        self._network.close()


def _ease(t: Array) -> Array:
    """(...) smooth step from 0 to 1."""
    return t * t * (3.0 - 2.0 * t)
