"""Skeletons: names, parents and rest transforms, with forward kinematics."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from . import quaternion, rotation
from .errors import UnderstudyError
from .rotation import Array

IDENTITY = (0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True, eq=False)
class Skeleton:
    """A joint hierarchy at rest, parents before children, in metres, +Y up and facing +Z.

    names           J strings, unique
    parents         (J,) int32, -1 for the root at index 0
    rest_positions  (J, 3) offsets from the parent, in the parent's frame
    rest_rotations  (J, 4) rotations local to the parent
    tips            (J, 3) where the bone of a leaf joint ends, in the joint's frame
                    (BVH's End Site); NaN for joints that have none
    curve_names     names of what a Subject's curves move, face shapes and the like; unique
    given_roles     role -> joint where a user or a file says so; None: `roles` guesses them
    character       the name of the character whose skeleton it is; "": a bare body
    """

    names: tuple[str, ...]
    parents: np.ndarray
    rest_positions: Array
    rest_rotations: Array = None  # type: ignore[assignment]
    tips: Array = None  # type: ignore[assignment]
    curve_names: tuple[str, ...] = ()
    given_roles: Mapping[str, int] | None = None
    character: str = ""

    def __post_init__(self) -> None:
        count = len(self.names)
        put = object.__setattr__
        put(self, "names", tuple(self.names))
        put(self, "curve_names", tuple(self.curve_names))
        put(self, "parents", np.asarray(self.parents, np.int32))
        put(self, "rest_positions", np.asarray(self.rest_positions, np.float64).reshape(count, 3))
        if self.rest_rotations is None:
            put(self, "rest_rotations", rotation.identity(count))
        if self.tips is None:
            put(self, "tips", np.full((count, 3), np.nan))
        put(self, "rest_rotations", np.asarray(self.rest_rotations, np.float64).reshape(count, 4))
        put(self, "tips", np.asarray(self.tips, np.float64).reshape(count, 3))
        if count == 0:
            raise UnderstudyError("A skeleton needs at least one joint, this one has none.")
        if len(set(self.names)) != count:
            twice = next(n for n in self.names if self.names.count(n) > 1)
            raise UnderstudyError(f"The skeleton has two joints named {twice!r}; names are unique.")
        if len(set(self.curve_names)) != len(self.curve_names):
            twice = next(n for n in self.curve_names if self.curve_names.count(n) > 1)
            raise UnderstudyError(f"The skeleton has two curves named {twice!r}; names are unique.")
        if self.parents[0] != -1 or np.any(self.parents[1:] < 0):
            raise UnderstudyError("A skeleton has one root, at index 0, and every other a parent.")
        if np.any(self.parents >= np.arange(count)):
            raise UnderstudyError("A skeleton lists parents before their children; this one not.")
        if not (np.isfinite(self.rest_positions).all() and np.isfinite(self.rest_rotations).all()):
            raise UnderstudyError("The skeleton's rest pose has a number that is not finite.")
        for array in (self.parents, self.rest_positions, self.rest_rotations, self.tips):
            array.setflags(write=False)

    def __len__(self) -> int:
        return len(self.names)

    def index(self, name: str) -> int:
        """The index of the joint of that name."""
        try:
            return self.names.index(name)
        except ValueError:
            raise UnderstudyError(
                f"The skeleton has no joint {name!r}; it has {', '.join(self.names)}."
            ) from None

    @cached_property
    def id(self) -> int:
        """Identity hash, 64 bits: equal names, character, parents and rest (to 10 um)."""
        digest = hashlib.blake2b(digest_size=8)
        digest.update("\0".join(self.names).encode())
        digest.update(self.parents.astype("<i4").tobytes())
        for array in (self.rest_positions, self.rest_rotations, np.nan_to_num(self.tips)):
            digest.update(np.round(array * 1e5).astype("<i8").tobytes())
        if self.curve_names:
            digest.update("\0".join(("", *self.curve_names)).encode())
        if self.character:
            digest.update(f"\0\0{self.character}".encode())
        return int.from_bytes(digest.digest(), "little")

    @cached_property
    def depths(self) -> tuple[np.ndarray, ...]:
        """Joint indices by distance from the root, root's own level left out."""
        levels: list[list[int]] = []
        depth = [0] * len(self)
        for j, parent in enumerate(self.parents.tolist()[1:], 1):
            depth[j] = depth[parent] + 1
            if depth[j] > len(levels):
                levels.append([])
            levels[depth[j] - 1].append(j)
        return tuple(np.array(level) for level in levels)

    def children(self, joint: int) -> list[int]:
        """Indices of the joints whose parent is `joint`."""
        return [int(j) for j in np.flatnonzero(self.parents == joint)]

    def globals(self, positions: Array, rotations: Array) -> tuple[Array, Array]:
        """Forward kinematics: world positions (..., J, 3) and rotations (..., J, 4).

        positions (..., J, 3) and rotations (..., J, 4) are local to the parent; the root's are
        the world's. Works over any leading axes, one vector operation for each depth of the tree.
        """
        world_p = np.array(np.broadcast_to(positions, (*rotations.shape[:-1], 3)))
        world_r = np.array(rotations)
        for level in self.depths:
            parent = self.parents[level]
            turn = world_r[..., parent, :]
            world_p[..., level, :] = world_p[..., parent, :] + rotation.rotate(
                turn, world_p[..., level, :]
            )
            world_r[..., level, :] = rotation.multiply(turn, world_r[..., level, :])
        return world_p, world_r

    def locals(self, world_p: Array, world_r: Array) -> tuple[Array, Array]:
        """Inverse of `globals`: local positions (..., J, 3) and rotations (..., J, 4)."""
        parent = self.parents[1:]
        inverse = quaternion.conjugate(world_r[..., parent, :])
        positions, rotations = world_p.copy(), world_r.copy()
        positions[..., 1:, :] = quaternion.rotate(
            inverse, world_p[..., 1:, :] - world_p[..., parent, :]
        )
        rotations[..., 1:, :] = quaternion.multiply(inverse, world_r[..., 1:, :])
        return positions, rotations

    @cached_property
    def rest_globals(self) -> tuple[Array, Array]:
        """World positions (J, 3) and rotations (J, 4) at rest."""
        if (self.rest_rotations == (0.0, 0.0, 0.0, 1.0)).all():  # as of most files: nothing turns
            world = self.rest_positions.copy()
            for level in self.depths:
                world[level] += world[self.parents[level]]
            return world, self.rest_rotations.copy()
        return self.globals(self.rest_positions, self.rest_rotations)
