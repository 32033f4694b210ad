"""The takeover network at run time: what is seen of a body in, the whole body out, tick by tick."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from understudy.runtime.core import networks, quaternion, rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.kinematics import doubling, world_rotations
from understudy.runtime.core.rotation import Array

from . import flight

RATE_HZ = 30.0
JOINTS = len(PERFORMER)
COLUMNS = 1 + 3 * JOINTS
# Further out single precision begins to show, and nobody performs there.
FARTHEST_M = 1000.0
# Hips that look straight up or down have a heading all the same, told by their other axis.
LEAST_AHEAD = 1e-4
_STEPS = doubling(PERFORMER.parents)


# What goes in, what comes out, and what runs it.
Run = tuple[dict[str, Array], dict[str, Array], Callable[[], None]]
# What counts of a body that is seen whole: nothing is to be foretold.
WATCHED = ("next", "next_memory", "was", "came_now", "known_now")


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
        self._runs: dict[tuple[int, bool], Run] = {}
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
        # Of bodies in the air: how their hips were last seen to be accelerated, upwards.
        self._flying, self._pull_mps2 = np.zeros(count, bool), np.zeros(count)
        self._fresh = np.ones(count, bool)
        self._all = np.arange(count)

    def reset(self, i: int) -> None:
        """Forgets body i; the next pose that is seen whole is where it begins."""
        self._memory[i], self._past["known"][i] = 0.0, 0.0
        self.contacts[i], self.error_m[i] = 0.0, 0.0
        self._flying[i], self._pull_mps2[i] = False, 0.0
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
        self._flying[i] = self._fresh[i] = False

    def lift(self, rows: np.ndarray, metres: Array) -> None:
        """Bodies `rows` (n,) are metres (n,) higher than they were told to be."""
        for bodies in (self._now, self._before):
            bodies[rows, 1, 0] += metres
        self.hips[rows, 1] += metres

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
        whole = seen[rows].all(-1)
        if whole.any():
            self._watch(rows[whole], hips, rotations)
            rows = rows[~whole]
        if len(rows):
            self._foretell(rows, hips, rotations, seen[rows])

    def _given(self, rows: np.ndarray, watches: bool) -> Run:
        """Buffers for bodies `rows`, with what is known of them so far."""
        inputs, outputs, run = self._bound(len(rows), watches)
        inputs["now"][:], inputs["before"][:] = self._now[rows], self._before[rows]
        inputs["memory"][:] = self._memory[rows]
        return inputs, outputs, run

    def _watch(self, rows: np.ndarray, hips: Array, rotations: Array) -> None:
        """A tick of bodies that are seen whole: they are remembered, which is half of the work."""
        inputs, outputs, run = self._given(rows, True)
        inputs["seen"][:] = 1.0
        inputs["hips"][:], inputs["rotations"][:] = hips[rows], rotations[rows]
        run()
        sound = np.isfinite(outputs["next_memory"].sum(1)) & (
            np.abs(outputs["next"][:, :, 0]).max(-1) < FARTHEST_M
        )
        if not sound.all():
            self.faults += int((~sound).sum())
            rows, outputs = rows[sound], {name: a[sound] for name, a in outputs.items()}
            inputs = {"now": inputs["now"][sound]}
        heights = [a[:, 1, 0] for a in (self._before[rows], inputs["now"], outputs["next"])]
        self._pull_mps2[rows] = (heights[2] - 2.0 * heights[1] + heights[0]) * RATE_HZ**2
        self._before[rows], self._now[rows] = inputs["now"], outputs["next"]
        self._remember(rows, outputs)
        self.error_m[rows] = 0.0
        self.hips[rows], self.rotations[rows] = hips[rows], rotations[rows]

    def _remember(self, rows: np.ndarray, outputs: dict[str, Array]) -> None:
        self._memory[rows] = outputs["next_memory"]
        known = outputs["known_now"][:, 0] > 0.0
        if known.any():
            some, ring = rows[known], self._past
            at = self._newest[some]
            ring["like"][some, :, :, at] = outputs["was"][known]
            ring["came"][some, :, :, at] = outputs["came_now"][known]
            ring["known"][some, at] = 1.0
            self._newest[some] = (at + 1) % ring["known"].shape[1]

    def _foretell(self, rows: np.ndarray, hips: Array, rotations: Array, mask: np.ndarray) -> None:
        """A tick of bodies of which only joints `mask` (n, J) are seen."""
        inputs, outputs, run = self._given(rows, False)
        if len(rows) < self.count:
            for name, past in self._past.items():
                np.take(past, rows, axis=0, out=inputs[name])
        inputs["seen"][:] = mask
        inputs["hips"][:] = np.where(mask[:, :1], hips[rows], self.hips[rows])
        inputs["rotations"][:] = np.where(mask[..., None], rotations[rows], self.rotations[rows])
        run()
        after = outputs["next"]
        lost = np.flatnonzero(~mask[:, 0])
        if len(lost):
            some, then = rows[lost], after[lost]
            was, here = inputs["before"][lost], inputs["now"][lost]
            flying, pull_mps2 = self._flying[some], self._pull_mps2[some]
            self._flying[some] = flight.fall(flying, pull_mps2, was, here, then, 1.0 / RATE_HZ)
            after[lost] = then
        sound = np.isfinite(after.sum((1, 2))) & (np.abs(after[:, :, 0]).max(-1) < FARTHEST_M)
        if not sound.all():
            self.faults += int((~sound).sum())
            rows, mask = rows[sound], mask[sound]
            outputs = {name: array[sound] for name, array in outputs.items()}
            inputs = {name: array[sound] for name, array in inputs.items()}
        self._before[rows], self._now[rows] = inputs["now"], outputs["next"]
        self._memory[rows] = outputs["next_memory"]
        self.contacts[rows], self.error_m[rows] = outputs["contacts"], outputs["error_m"]
        self.hips[rows] = np.where(mask[:, :1], hips[rows], outputs["next"][:, :, 0])
        self.rotations[rows] = np.where(mask[..., None], rotations[rows], outputs["next_rotations"])

    def _bound(self, count: int, watches: bool) -> Run:
        """Buffers for so many bodies and the network, or what watches of it, bound to them."""
        if (count, watches) not in self._runs:
            card = self._network.card
            inputs, outputs = (
                {
                    name: np.zeros((count, *entry["shape"][1:]), np.float32)
                    for name, entry in card[side].items()
                }
                for side in ("inputs", "outputs")
            )
            if watches:
                outputs = {name: outputs[name] for name in WATCHED}
            if count == self.count:
                inputs |= self._past  # all of them, as they lie
            self._runs[count, watches] = inputs, outputs, self._network.bind(inputs, outputs)
        return self._runs[count, watches]

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
    world = world_rotations(rotations, _STEPS)[:, :-1]
    flat = np.swapaxes(quaternion.matrices(world), 1, 2).reshape(len(hips), 3, -1)
    out = np.concatenate([hips[..., None], flat], -1, dtype=np.float32)
    ahead = out[:, ::2, 3]
    upright = (ahead * ahead).sum(-1) < LEAST_AHEAD**2
    if upright.any():  # the network turns a body into its heading
        back = np.sign(out[upright, 1:2, 3]) * out[upright, ::2, 2]
        out[upright, ::2, 3] -= LEAST_AHEAD * back
    return out
