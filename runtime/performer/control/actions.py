"""Actions on buttons: a small network's takes laid over the gait, blended in and back.

A take that is the whole body's takes pose, root and contacts, and the gait's network stands by. Of
the others the legs are the gait's, as is an arm that the take does not need; the chest keeps the
way that it had in the take, which holds what a hand carries still. From the moment at which a take
says that the body is free, a stick that is pushed ends it, and another button goes straight on to
its own; one that is pressed earlier waits. A take with a hold stays there until its button is
pressed again. With the button mirror held, left and right are exchanged.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from understudy.runtime.core import networks, quaternion, rotation
from understudy.runtime.core.buttons import ACTIONS
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.rotation import Array
from understudy.runtime.performer.ik import legs

from .card import ActionsCard
from .inertialization import Inertialization
from .layout import JOINTS, RATE_HZ
from .limits import Limits

BLEND_IN_S = 0.2
BLEND_OUT_S = 0.32
# What the arms alone do has no weight to shift: it may come and go more softly.
ARMS_IN_S, ARMS_OUT_S = 0.3, 0.5
# A body slower than this acts with its whole body.
STANDS_MPS = 0.6
BUTTONS = tuple(ACTIONS)
HOLD_PERIOD_S = 4.0  # of the slow way to and fro in a hold
_LEGS = np.zeros(JOINTS, bool)
_LEGS[[legs.HIPS, *legs.LEGS.reshape(-1)]] = True
_SPINE = PERFORMER.index("Spine")
_ARM = {
    side: np.array([n.startswith(side) and n[len(side) :] in ("Shoulder", "Arm", "ForeArm", "Hand")
                    for n in PERFORMER.names])
    for side in ("Left", "Right")
}  # fmt: skip
_TRUNK = [PERFORMER.index(n) for n in ("Hips", "Spine", "Spine1", "Spine2")]
_CHAIN = {s: [PERFORMER.index(s + "Shoulder"), PERFORMER.index(s + "Arm")] for s in _ARM}
_UPPER_ARM = {side: chain[-1] for side, chain in _CHAIN.items()}
# Of the trunk, what a take for one arm takes: the rest walks on.
TRUNK_SHARE = 0.6
SWAP = np.array(
    [
        PERFORMER.index(n.replace("Left", "~").replace("Right", "Left").replace("~", "Right"))
        for n in PERFORMER.names
    ]
)
_FLIP_Q = np.array([1.0, -1.0, -1.0, 1.0], np.float32)
_FLIP_P = np.array([-1.0, 1.0, 1.0], np.float32)
_FLIP_T = np.array([-1.0, 1.0, -1.0], np.float32)


def masks() -> dict[str, Array]:
    """(J,) how much of each joint a take for these arms takes, on another's legs."""
    out = {"both": (~_LEGS).astype(float)}
    for side in ("left", "right"):
        trunk = ~(_LEGS | _ARM["Left"] | _ARM["Right"])
        out[side] = TRUNK_SHARE * trunk + _ARM[side.capitalize()]
    return out


class Actions:
    """Which take each of `count` bodies plays, how far into it and how firmly."""

    def __init__(self, count: int, weights: Path) -> None:
        self._network = networks.open_network(
            weights, "cpu", PERFORMER, kind="actions", parts=ActionsCard
        )
        card = self._network.card
        takes = card["takes"]
        self.count = count
        self._of: dict[str, list[int]] = {}
        for k, take in enumerate(takes):
            self._of.setdefault(take["action"], []).append(k)
        self._seconds = np.array([t["seconds"] for t in takes])
        self._free_s = np.array([t["free_s"] for t in takes])
        self._legs = [t.get("legs", "standing") for t in takes]
        never = (np.inf, np.inf)
        self._hold = np.array([t.get("hold_s") or never for t in takes], float)
        of_arms = masks()
        sides = [of_arms[t.get("arms", "both")] for t in takes]
        # A mirrored take's mask is its mask mirrored.
        self._mask = np.array([sides, [mask[SWAP] for mask in sides]])
        self.seats = {t["action"]: t["seat"] for t in takes if t.get("seat")}
        self._limits = Limits(card)
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
        self.weight = np.zeros(count)  # of the take
        self.grip = np.zeros(count)  # of the take on hips and legs
        self.whole = np.zeros(count, bool)
        self.mirrored = np.zeros(count, bool)
        self._leaving = np.zeros(count, bool)
        self._held = np.zeros((count, len(BUTTONS)), bool)
        self._holding = np.zeros(count)  # seconds in a hold
        self._waits: list[tuple[int, bool] | None] = [
            None
        ] * count  # a button, and whether mirrored
        self._next = np.zeros(count, int)
        self._still = np.zeros(count, bool)  # in a hold nobody travels
        self._mix = np.zeros((count, JOINTS))  # the masks in use, which turn into each other
        # From one take straight to the next.
        self._seam = Inertialization(count, JOINTS)
        self._chained: dict[int, tuple[Array, Array]] = {}

    def reset(self, i: int) -> None:
        """Ends the action of body i at once."""
        self.take[i], self.weight[i], self.grip[i] = -1, 0.0, 0.0
        self._leaving[i] = False
        self._waits[i] = None
        self._inputs["take"][i] = 0.0
        self._seam.clear(i)
        self._chained.pop(i, None)

    def rise(self, i: int) -> None:
        """Ends the hold of a body whose feet belong to a take: who sits gets up."""
        if self.busy[i] and self._is_held(i):
            self._holding[i] = -np.inf

    def takes_of(self, action: str) -> list[int]:
        """The takes that answer an action."""
        return list(self._of.get(action, ()))

    def rolled(self, take: int) -> tuple[Array, Array]:
        """World hips (T, 3) and rotations (T, J, 4) of a whole take at 60 Hz, as its root saw them
        when it began."""
        ticks = int(self._seconds[take] * RATE_HZ) + 1
        times_s = np.arange(ticks, dtype=np.float32) / np.float32(RATE_HZ)
        inputs = {
            "take": np.zeros((len(times_s), len(self._legs)), np.float32),
            "time": times_s[:, None],
        }
        inputs["take"][:, take] = 1.0
        played = {
            name: np.zeros((len(times_s), *array.shape[1:]), np.float32)
            for name, array in self._played.items()
        }
        self._network.bind(inputs, played)()
        travel = played["travel"].astype(float) / RATE_HZ
        yaw = np.cumsum(travel[:, 2])
        step = np.zeros((len(times_s), 3))
        step[:, [0, 2]] = travel[:, :2]
        facing = quaternion.about_y(yaw)
        root = np.cumsum(quaternion.rotate(facing, step), axis=0)
        rotations = played["rotations"].astype(float)
        rotations[:, 0] = quaternion.multiply(facing, rotations[:, 0])
        return root + quaternion.rotate(facing, played["hips"].astype(float)), rotations

    @property
    def busy(self) -> np.ndarray:
        """(N,) bodies whose feet belong to an action."""
        return (self.take >= 0) & self.whole & ~self._leaving

    def press(
        self, pressed: np.ndarray, moving: np.ndarray, speed: Array, mirror: np.ndarray
    ) -> np.ndarray:
        """Takes buttons (N, B), pushed sticks (N,), speeds (N,) and whether to mirror (N,).

        Returns (N, B) the presses that no take answers: the caller's to answer.
        """
        fresh = pressed & ~self._held
        self._held = pressed
        refused = np.zeros_like(fresh)
        for i, b in zip(*np.nonzero(fresh), strict=True):
            if self.take[i] >= 0 and not (self._leaving[i] or self._is_free(int(i))):
                if self._is_held(int(i)):
                    self._holding[i] = -np.inf  # its own button, or another: it goes on
                if not (self._is_held(int(i)) and self._is_of(int(i), int(b))):
                    self._waits[i] = int(b), bool(mirror[i])
                continue
            refused[i, b] = not self._answer(int(i), int(b), bool(mirror[i]), speed[i])
        for i, waiting in enumerate(self._waits) if any(self._waits) else ():
            if waiting is not None and (self.take[i] < 0 or self._is_free(i)):
                self._waits[i] = None
                self._answer(i, *waiting, speed[i])
        ended = (self.take >= 0) & moving & self.whole
        for i in np.flatnonzero(ended):
            if self._is_held(int(i)):
                self._holding[i] = -np.inf
            self._leaving[i] |= self._is_free(int(i))
        return refused

    def _answer(self, i: int, button: int, mirrored: bool, speed: float) -> bool:
        """Begins what a button means; False where no take may begin."""
        takes = self._of.get(ACTIONS[BUTTONS[button]])
        stands = speed < STANDS_MPS or (self.busy[i] and self.grip[i] > 0.5)
        if takes is None or (self._legs[takes[0]] == "stand" and not stands):
            return False
        whose = self._legs[takes[0]]
        whole = whose == "always" or (bool(stands) and whose in ("standing", "stand"))
        self._begin(i, takes[self._next[i] % len(takes)], whole, mirrored)  # another one each time
        self._next[i] += 1
        return True

    def _is_free(self, i: int) -> bool:
        return bool(self.time_s[i] >= self._free_s[self.take[i]])

    def _is_held(self, i: int) -> bool:
        return bool(self.take[i] >= 0 and self.time_s[i] <= self._hold[self.take[i], 1] < np.inf)

    def _is_of(self, i: int, button: int) -> bool:
        return self.take[i] in self._of.get(ACTIONS[BUTTONS[button]], ())

    def _begin(self, i: int, take: int, whole: bool, mirrored: bool) -> None:
        if self.take[i] >= 0:
            played = self._played
            self._chained[i] = played["hips"][i].copy(), played["rotations"][i].copy()
        else:
            self._mix[i] = self._mask[int(mirrored), take]
        self.take[i], self.time_s[i], self._holding[i] = take, 0.0, 0.0
        self.whole[i], self.mirrored[i], self._leaving[i] = whole, mirrored, False
        self._inputs["take"][i] = 0.0
        self._inputs["take"][i, take] = 1.0

    def step(self, dt_s: float) -> np.ndarray:
        """Plays on by dt_s; returns the bodies (K,) that act."""
        who = np.flatnonzero(self.take >= 0)
        if not len(who):
            return who
        take = self.take[who]
        at = self.time_s[who] + dt_s
        # In a hold the time goes slowly to and fro, until the hold is over.
        first, last = self._hold[take].T
        held = (at >= first) & (self._holding[who] >= 0.0)
        self._holding[who] = np.where(held, self._holding[who] + dt_s, self._holding[who])
        with np.errstate(invalid="ignore"):
            swing = 0.5 - 0.5 * np.cos(2.0 * np.pi * self._holding[who] / HOLD_PERIOD_S)
            at = np.where(held, first + (last - first) * swing, at)
        self.time_s[who] = at
        self._still[who] = held
        self._leaving[who] |= self._seconds[take] - at <= np.where(
            self.whole[who], BLEND_OUT_S, ARMS_OUT_S
        )
        leaving, whole = self._leaving[who], self.whole[who]
        come = np.where(whole, BLEND_IN_S, ARMS_IN_S)
        go = np.where(whole, BLEND_OUT_S, ARMS_OUT_S)
        rate = np.where(leaving, -dt_s / go, dt_s / come)
        self.weight[who] = np.clip(self.weight[who] + rate, 0.0, 1.0)
        grip = np.where(leaving | ~whole, -dt_s / BLEND_OUT_S, dt_s / BLEND_IN_S)
        self.grip[who] = np.clip(self.grip[who] + grip, 0.0, 1.0)
        wanted = self._mask[self.mirrored[who].astype(int), take]
        self._mix[who] += (wanted - self._mix[who]) * min(1.0, 6.0 * dt_s)
        over = leaving & (self.weight[who] <= 0.0) & (self.grip[who] <= 0.0)
        for i in who[over]:
            waiting = self._waits[i]
            self.reset(int(i))
            self._waits[i] = waiting
        who = who[~over]
        if len(who):
            self._play(who, dt_s)
        return who

    def _play(self, who: np.ndarray, dt_s: float) -> None:
        played = self._played
        self._inputs["time"][:, 0] = np.minimum(
            self.time_s, self._seconds[np.maximum(self.take, 0)]
        )
        self._run()
        played["travel"][who[self._still[who]]] = 0.0
        flip = who[self.mirrored[who]]
        if len(flip):
            played["hips"][flip] *= _FLIP_P
            played["rotations"][flip] = played["rotations"][flip][:, SWAP] * _FLIP_Q
            played["contacts"][flip] = played["contacts"][flip][:, [2, 3, 0, 1]]
            played["travel"][flip] *= _FLIP_T
        for i, shown in self._chained.items():
            if self.take[i] >= 0:
                self._seam.jump(i, shown, (played["hips"][i], played["rotations"][i]))
        self._chained.clear()
        self._seam.apply(played["hips"], played["rotations"], dt_s)

    def travel(self, who: np.ndarray, travel: Array) -> None:
        """Mixes the takes' root velocity into travel (N, 3), in place."""
        w = ease(self.grip[who])[:, None]
        travel[who] += w * (self._played["travel"][who] - travel[who])

    def apply(self, who: np.ndarray, hips: Array, local: Array, contacts: Array) -> None:
        """Lays the takes over hips (N, 3), rotations (N, J, 4) in the root's frame and contacts."""
        w, grip = ease(self.weight[who])[:, None], ease(self.grip[who])[:, None]
        played = self._played["rotations"][who].astype(float)
        under = local[who]
        goal = played.copy()
        # On another's legs the chest keeps the way that it had in the take.
        chest = quaternion.multiply(played[:, legs.HIPS], played[:, _SPINE])
        carried = rotation.slerp(under[:, legs.HIPS], played[:, legs.HIPS], grip[:, 0])
        goal[:, _SPINE] = quaternion.multiply(quaternion.conjugate(carried), chest)
        upper = w * (self._mix[who] + grip * (1.0 - self._mix[who]))
        done = rotation.slerp(under, goal, np.where(_LEGS, grip, upper))
        self._hang(who, under, done, grip)
        local[who] = done
        hips[who] += grip * (self._played["hips"][who] - hips[who])
        # Both must agree before a foot is planted while one pose turns into the other.
        planted = self._played["contacts"][who]
        both = np.minimum(planted, contacts[who])
        contacts[who] = np.where(grip > 0.98, planted, np.where(grip > 0.0, both, contacts[who]))

    def _hang(self, who: np.ndarray, under: Array, done: Array, grip: Array) -> None:
        """Has an arm that no take takes hang as it did, whatever the chest does under it."""
        arms = [(side, self._mix[who, arm]) for side, arm in _UPPER_ARM.items()]
        if all((taken > 0.99).all() for _, taken in arms):
            return
        chest = [_turn(pose, _TRUNK) for pose in (under, done)]
        for side, taken in arms:
            before = quaternion.multiply(chest[0], _turn(under, _CHAIN[side]))
            above = quaternion.multiply(chest[1], _turn(done, _CHAIN[side][:-1]))
            hangs = quaternion.multiply(quaternion.conjugate(above), before)
            arm = _UPPER_ARM[side]
            free = (1.0 - taken) * (1.0 - grip[:, 0])
            done[:, arm] = rotation.slerp(done[:, arm], hangs, free)

    def limit(self, who: np.ndarray, local: Array, share: Array, free: Array) -> bool:
        """Takes rotations (N, J, 4) of bodies that act back to the takes' limits, in place.

        share (N,) and free (N, 2) as `Limits.apply` takes them.
        """
        acting = local[who]
        beyond = self._limits.apply(acting, share[who], free[who])
        local[who] = acting
        return beyond

    def close(self) -> None:
        """Lets the network go."""
        self._network.close()


def _turn(local: Array, chain: Sequence[int]) -> Array:
    """(N, 4) what a chain of joints of rotations (N, J, 4) turns by together."""
    turn = local[:, chain[0]]
    for joint in chain[1:]:
        turn = quaternion.multiply(turn, local[:, joint])
    return turn


def ease(t: Array) -> Array:
    """(...) smooth step from 0 to 1."""
    return t * t * (3.0 - 2.0 * t)
