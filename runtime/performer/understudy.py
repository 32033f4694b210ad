"""The takeover network at run time: what is seen of a body in, the whole body out, tick by tick."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.rotation import Array

RATE_HZ = 30.0
JOINTS = len(PERFORMER)
_KEEP = 0.5 ** (1.0 / (0.15 * RATE_HZ))  # of the speed, a tick


@dataclass(frozen=True)
class Snapshot:
    """What a body needs to go on from a tick once more."""

    arrays: tuple[Array, ...]
    fresh: bool


class Understudy:
    """Fills what is missing of `count` bodies of the skeleton PERFORMER, 30 times a second.

    After each `step`, in arrays that the next step overwrites: hips (count, 3) in the world,
    rotations (count, J, 4) local, the hips' in the world, contacts (count, 4) of left heel, left
    toe, right heel, right toe, 0..1, and error_m (count, J), its own estimate of each joint's
    distance from the truth, 0 where seen.
    """

    skeleton = PERFORMER
    rate_hz = RATE_HZ

    def __init__(self, count: int, weights: Path | None = None, provider: str = "auto") -> None:
        self.count = count
        self.provider_name = "CPUExecutionProvider"
        self.hips = np.repeat(PERFORMER.rest_positions[None, 0], count, 0)
        self.rotations = rotation.identity((count, JOINTS))
        self.contacts: Array = np.zeros((count, 4))
        self.error_m: Array = np.zeros((count, JOINTS))
        self._speed: Array = np.zeros((count, 3))
        self._spin: Array = np.zeros((count, JOINTS, 3))
        self._fresh = np.ones(count, bool)

    def reset(self, i: int) -> None:
        """Forgets body i; the next pose that is seen whole is where it begins."""
        self.hips[i], self.rotations[i] = PERFORMER.rest_positions[0], rotation.identity(JOINTS)
        self._speed[i], self._spin[i] = 0.0, 0.0
        self.contacts[i], self.error_m[i] = 0.0, 0.0
        self._fresh[i] = True

    def place(
        self, i: int, hips: Array, rotations: Array, hips_before: Array, rotations_before: Array
    ) -> None:
        """Sets body i's last tick to a true pose, and one a tick earlier as its past."""
        self.hips[i], self.rotations[i] = hips, rotations
        self._speed[i] = np.asarray(hips) - hips_before
        self._spin[i] = _change(np.asarray(rotations_before, float), np.asarray(rotations, float))
        self.error_m[i] = 0.0
        self._fresh[i] = False

    def step(
        self, hips: Array, rotations: Array, seen: np.ndarray, which: np.ndarray | None = None
    ) -> None:
        """Advances bodies `which` (all) by a tick, from what is seen of them now.

        hips (count, 3), rotations (count, J, 4), seen (count, J) bool. What stands at joints that
        are not seen is not read; the hips' place belongs to the hips' joint.
        """
        for i in range(self.count) if which is None else which:
            if self._fresh[i]:
                if seen[i].all():
                    self.place(i, hips[i], rotations[i], hips[i], rotations[i])
                continue
            turn = rotation.from_rotation_vector(_KEEP * self._spin[i])
            there = self.hips[i] + _KEEP * self._speed[i]
            turned = rotation.multiply(self.rotations[i], turn)
            if seen[i, 0]:
                there = hips[i].astype(float)
            turned = rotation.normalize(np.where(seen[i][:, None], rotations[i], turned))
            self._speed[i] = there - self.hips[i]
            self._spin[i] = _change(self.rotations[i], turned)
            self.hips[i], self.rotations[i] = there, turned
            self.error_m[i] = np.where(seen[i], 0.0, self.error_m[i] + 0.01)

    def snapshot(self, i: int) -> Snapshot:
        """Body i as it is, for `restore`."""
        return Snapshot(tuple(a[i].copy() for a in self._arrays()), bool(self._fresh[i]))

    def restore(self, i: int, snapshot: Snapshot) -> None:
        """Takes body i back to a snapshot."""
        for array, kept in zip(self._arrays(), snapshot.arrays, strict=True):
            array[i] = kept
        self._fresh[i] = snapshot.fresh

    def _arrays(self) -> tuple[Array, ...]:
        return (
            *(self.hips, self.rotations, self.contacts, self.error_m),
            *(self._speed, self._spin),
        )

    def close(self) -> None:
        """Lets the network go."""

    def __enter__(self) -> Understudy:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _change(before: Array, after: Array) -> Array:
    """(..., 3) rotation vector from before to after, in the joint's own frame."""
    return rotation.to_rotation_vector(rotation.multiply(rotation.conjugate(before), after))
