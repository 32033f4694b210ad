"""Forward kinematics of any skeleton by pointer jumping, many poses at once."""

from __future__ import annotations

import numpy as np

from . import quaternion
from .rotation import Array

Steps = list[np.ndarray]


def doubling(parents: np.ndarray) -> Steps:
    """For each round the joint (J + 1,) whose product is taken in front; J stands for none.

    Chains are built by pointer jumping: a tree of depth 12 takes four products instead of twelve.
    """
    count = len(parents)
    above = np.append(np.where(parents < 0, count, parents), count)
    steps = []
    while (above != count).any():
        steps.append(above)
        above = above[above]
    return steps


def lineage(parents: np.ndarray) -> Array:
    """(J, J) 1 where a joint (row) is another (column) or hangs on it, else 0.

    Times offsets that are turned into the world, it gives where the joints are.
    """
    out = np.eye(len(parents))
    for joint, parent in enumerate(parents):
        if parent >= 0:
            out[joint] += out[parent]
    return out


def world_rotations(rotations: Array, steps: Steps) -> Array:
    """World rotations (..., J + 1, 4) of local ones (..., J, 4); the last row is the identity."""
    end = np.zeros((*rotations.shape[:-2], 1, 4))
    end[..., 3] = 1.0
    out = np.concatenate([rotations, end], axis=-2)
    for above in steps:
        out = quaternion.multiply(out.take(above, axis=-2), out)
    return out


def world_positions(positions: Array, world_r: Array, steps: Steps) -> Array:
    """World positions (..., J, 3) of local ones, under world rotations (..., J + 1, 4)."""
    if not steps:
        return positions
    out = np.zeros((*positions.shape[:-2], positions.shape[-2] + 1, 3))
    out[..., :-1, :] = quaternion.rotate(world_r[..., steps[0][:-1], :], positions)
    for above in steps:
        out = out[..., above, :] + out
    return out[..., :-1, :]
