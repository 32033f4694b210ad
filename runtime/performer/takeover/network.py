"""The takeover network at run time: what is seen of a body in, the whole body out, tick by tick."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from understudy.runtime.core import networks, rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.rotation import Array

RATE_HZ = 30.0
JOINTS = len(PERFORMER)
COLUMNS = 1 + 3 * JOINTS
# Further out single precision begins to show, and nobody performs there.
FARTHEST_M = 1000.0


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
    distance from the truth, 0 where the place is known.
    """

    skeleton = PERFORMER
    rate_hz = RATE_HZ

    def __init__(self, count: int, weights: Path | None = None, provider: str = "auto") -> None:
        if count < 1:
            raise UnderstudyError(f"An understudy watches at least one body, not {count}.")
        self._network = networks.open_network(
            weights or networks.WEIGHTS / "takeover.onnx", provider, PERFORMER, kind="takeover"
        )
        card = self._network.card
        shapes = {name: entry.get("shape", [])[1:] for name, entry in card["inputs"].items()}
        if shapes.get("now") != [3, COLUMNS] or len(shapes.get("like", [])) != 4:
            raise UnderstudyError(
                f"{card['file']} was trained for poses of another form; train it again with this "
                "version."
            )
        self.count = count
        self.provider_name = self._network.provider_name
        self.faults = 0  # bodies that left the realm of numbers and stood still instead
        self._runs: dict[int, tuple[dict[str, Array], dict[str, Array], Callable[[], None]]] = {}
        self.hips = np.repeat(PERFORMER.rest_positions[None, 0], count, 0)
        self.rotations = rotation.identity((count, JOINTS))
        self.contacts: Array = np.zeros((count, 4), np.float32)
        self.error_m: Array = np.zeros((count, JOINTS), np.float32)
        self._now: Array = np.zeros((count, 3, COLUMNS), np.float32)
        self._before: Array = np.zeros((count, 3, COLUMNS), np.float32)
        self._memory: Array = np.zeros((count, *shapes["memory"]), np.float32)
        # The last moments that were seen whole, in a ring.
        self._past: dict[str, Array] = {
            name: np.zeros((count, *shapes[name]), np.float32) for name in ("like", "came", "known")
        }
        self._newest = np.zeros(count, int)
        self._fresh = np.ones(count, bool)
        self._all = np.arange(count)

    def reset(self, i: int) -> None:
        """Forgets body i; the next pose that is seen whole is where it begins."""
        self._memory[i], self._past["known"][i] = 0.0, 0.0
        self.contacts[i], self.error_m[i] = 0.0, 0.0
        self._fresh[i] = True

    def place(
        self, i: int, hips: Array, rotations: Array, hips_before: Array, rotations_before: Array
    ) -> None:
        """Sets body i's last tick to a true pose, and one a tick earlier as its past.

        The two may lie anywhere between the ticks so far; the memory is kept, less the ticks for
        which joints have been missing.
        """
        self.hips[i], self.rotations[i] = hips, rotations
        both = _bodies(
            np.stack([hips, hips_before]).astype(float),
            np.stack([rotations, rotations_before]).astype(float),
        )
        self._now[i], self._before[i] = both
        self._memory[i, -JOINTS:] = 0.0
        self.error_m[i] = 0.0
        self._fresh[i] = False

    def step(
        self,
        hips: Array,
        rotations: Array,
        seen: np.ndarray,
        which: Sequence[int] | np.ndarray | None = None,
    ) -> None:
        """Advances bodies `which` (all) by a tick, from what is seen of them now.

        hips (count, 3), rotations (count, J, 4), seen (count, J) bool. What stands at joints that
        are not seen is not read; the hips' place belongs to the hips' joint.
        """
        rows = self._all if which is None else np.asarray(which, int)
        if self._fresh[rows].any():
            for i in rows[self._fresh[rows] & seen[rows].all(-1)]:
                self.place(i, hips[i], rotations[i], hips[i], rotations[i])
                self._fresh[i] = True
            begun = ~self._fresh[rows]
            self._fresh[rows[seen[rows].all(-1)]] = False
            rows = rows[begun]
        if not len(rows):
            return
        inputs, outputs, run = self._bound(len(rows))
        mask = seen[rows]
        inputs["now"][:], inputs["before"][:] = self._now[rows], self._before[rows]
        inputs["memory"][:] = self._memory[rows]
        for name, past in self._past.items():
            np.take(past, rows, axis=0, out=inputs[name])
        inputs["seen"][:] = mask
        inputs["hips"][:] = np.where(mask[:, :1], hips[rows], self.hips[rows])
        inputs["rotations"][:] = np.where(mask[..., None], rotations[rows], self.rotations[rows])
        run()
        after = outputs["next"]
        sound = np.isfinite(after.sum((1, 2))) & (np.abs(after[:, :, 0]).max(-1) < FARTHEST_M)
        if not sound.all():
            self.faults += int((~sound).sum())
            rows, mask = rows[sound], mask[sound]
            outputs = {name: array[sound] for name, array in outputs.items()}
            inputs = {name: array[sound] for name, array in inputs.items()}
        self._before[rows], self._now[rows] = inputs["now"], outputs["next"]
        self._memory[rows] = outputs["next_memory"]
        known = outputs["known_now"][:, 0] > 0.0
        if known.any():
            some, ring = rows[known], self._past
            at = self._newest[some]
            ring["like"][some, :, :, at] = outputs["was"][known]
            ring["came"][some, :, :, at] = outputs["came_now"][known]
            ring["known"][some, at] = 1.0
            self._newest[some] = (at + 1) % ring["known"].shape[1]
        self.contacts[rows], self.error_m[rows] = outputs["contacts"], outputs["error_m"]
        self.hips[rows] = np.where(mask[:, :1], hips[rows], outputs["next"][:, :, 0])
        self.rotations[rows] = np.where(mask[..., None], rotations[rows], outputs["next_rotations"])

    def _bound(self, count: int) -> tuple[dict[str, Array], dict[str, Array], Callable[[], None]]:
        """Buffers for so many bodies and the network bound to them."""
        if count not in self._runs:
            card = self._network.card
            sides = [
                {
                    name: np.zeros((count, *entry["shape"][1:]), np.float32)
                    for name, entry in card[side].items()
                }
                for side in ("inputs", "outputs")
            ]
            self._runs[count] = (sides[0], sides[1], self._network.bind(sides[0], sides[1]))
        return self._runs[count]

    def snapshot(self, i: int) -> Snapshot:
        """Body i as it is, for `restore`; what was seen meanwhile stays in its past."""
        return Snapshot(tuple(a[i].copy() for a in self._arrays()), bool(self._fresh[i]))

    def restore(self, i: int, snapshot: Snapshot) -> None:
        """Takes body i back to a snapshot."""
        for array, kept in zip(self._arrays(), snapshot.arrays, strict=True):
            array[i] = kept
        self._fresh[i] = snapshot.fresh

    def _arrays(self) -> tuple[Array, ...]:
        return (
            *(self.hips, self.rotations, self.contacts, self.error_m),
            *(self._now, self._before, self._memory),
        )

    def close(self) -> None:
        """Lets the network go."""
        self._runs.clear()
        self._network.close()

    def __enter__(self) -> Understudy:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _bodies(hips: Array, rotations: Array) -> Array:
    """(B, 3, 67) what the network takes, from world hips (B, 3) and local rotations (B, J, 4)."""
    positions = np.repeat(PERFORMER.rest_positions[None], len(hips), 0)
    turns = rotation.to_matrix(PERFORMER.globals(positions, rotations)[1])
    flat = np.swapaxes(turns, 1, 2).reshape(len(hips), 3, -1)
    return np.concatenate([hips[..., None], flat], -1).astype(np.float32)
