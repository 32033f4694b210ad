"""Motion onto a character of any shape, by a map that a person wrote: which joint follows which.

Each named joint turns in the room as its source does, from its own rest pose; where it is said, its
bone points where the source's points. What is not named follows the joint above it. The body
travels as the first named joint does, scaled by how high both stand. Nothing is known of feet and
hands here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.roles import roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

from .profile import Profile


@dataclass
class Placed:
    """Poses as they are going out, (..., K, 3) and (..., K, 4); no soles and no palms are known."""

    positions: Array
    rotations: Array
    soles_m: Array
    palms: Array
    palms_there: Array
    moved: Array | None = None


class Mapped:
    """Poses of one skeleton onto another by `map`: target joint -> source joint, by names."""

    def __init__(
        self, source: Skeleton, target: Skeleton, names: Mapping[str, str], profile: Profile
    ) -> None:
        whose = profile.file or "The profile"
        known = {name: j for j, name in enumerate(source.names)} | roles(source)
        for told, there, who in (
            ([*names, *profile.pointing], target.names, "character"),
            (names.values(), known, "motion"),
        ):
            if lacks := [name for name in told if name not in there]:
                raise UnderstudyError(
                    f"{whose}: map names {lacks[0]!r}, and the {who} has {', '.join(there)}."
                )
        self.source, self.target, self._lift_m = source, target, profile.lift_m
        mates = {target.index(a): known[b] for a, b in names.items()}
        self._joints = sorted(mates)
        self._mates = [mates[j] for j in self._joints]
        self._source_rest, self._target_rest = source.rest_globals, target.rest_globals
        self._turned = np.array(profile.offset(target, self._target_rest[1]))
        for joint in (target.index(name) for name in profile.pointing):
            self._turned[joint] = rotation.multiply(self._aside(joint, mates), self._turned[joint])
        first, mate = self._joints[0], self._mates[0]
        tall = [float(rest[0][j, 1] - rest[0][:, 1].min())
                for rest, j in ((self._target_rest, first), (self._source_rest, mate))]  # fmt: skip
        if min(tall) < 1e-3:
            raise UnderstudyError(
                f"{whose}: map begins with {target.names[first]!r}, which "
                "stands on the floor: name the hips first, by which travel is scaled."
            )
        self.scale = profile.scale * tall[0] / tall[1]

    def _aside(self, joint: int, mates: dict[int, int]) -> Array:
        """(4,) what takes a bone at rest to where the source's points at rest."""
        target, source = self.target, self.source
        if joint not in mates:
            raise UnderstudyError(f"pointing names {target.names[joint]!r}, which map does not.")
        mine = [k for k in target.children(joint) if k in mates] or list(target.children(joint))
        its = mates[mine[0]] if mine and mine[0] in mates else None
        theirs = [its] if its is not None else list(source.children(mates[joint]))
        if not mine or not theirs:
            return rotation.identity()
        here, there = self._target_rest[0], self._source_rest[0]
        return rotation.between(here[mine[0]] - here[joint], there[theirs[0]] - there[mates[joint]])

    hands_ratio = 1.0

    def begin(self, positions: Array, rotations: Array) -> Placed:
        """The same as `Fitting` has it, for a stage."""
        none = np.zeros((*rotations.shape[:-2], 0, 3))
        return Placed(*self.apply(positions, rotations), none[..., 0], none, none)

    def finish(self, placed: Placed) -> tuple[Array, Array]:
        return placed.positions, placed.rotations

    def contacts(self, said: Array) -> Array:
        """Of feet that nobody knows: none."""
        return said[:0]

    def apply(self, positions: Array, rotations: Array) -> tuple[Array, Array]:
        """Local positions (..., K, 3) and rotations (..., K, 4) of the target's joints."""
        there_p, there_r = self.source.globals(positions, rotations)
        back = rotation.conjugate(self._source_rest[1][self._mates])
        turn = rotation.multiply(there_r[..., self._mates, :], back)
        wanted = rotation.multiply(turn, self._turned[self._joints])
        target, rest_r = self.target, self.target.rest_rotations
        shape = (*positions.shape[:-2], len(target))
        world, out = np.zeros((*shape, 4)), np.zeros((*shape, 4))
        rows = {joint: k for k, joint in enumerate(self._joints)}
        for j, parent in enumerate(target.parents):
            above = world[..., parent, :] if parent >= 0 else rotation.identity(shape[:-1])
            if j in rows:
                world[..., j, :] = wanted[..., rows[j], :]
                out[..., j, :] = rotation.multiply(rotation.conjugate(above), world[..., j, :])
            else:
                out[..., j, :] = rest_r[j]
                world[..., j, :] = rotation.multiply(above, rest_r[j])
        places = np.broadcast_to(target.rest_positions, (*shape, 3)).copy()
        first, mate = self._joints[0], self._mates[0]
        moved = self.scale * there_p[..., mate, :]
        moved[..., 1] += self._lift_m
        # The root goes where its joint is to be; what lies between them turns with the root.
        here = target.globals(places, out)[0][..., first, :]
        places[..., 0, :] += moved - here
        return places, out
