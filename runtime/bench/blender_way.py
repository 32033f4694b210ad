"""A clip onto a character as it is done in Blender: constraints on matched rests, and a bake."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.roles import roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.retarget.fitting import Figure
from understudy.runtime.retarget.retarget import t_pose
from understudy.runtime.takes import blender
from understudy.runtime.takes.clip import Clip

SCRIPT = Path(__file__).with_name("blender_constraints.py")


def ready() -> list[str]:
    """How Blender is begun; refuses where there is none."""
    return blender.found("--blender carries motion over in Blender")


def onto(clip: Clip, figure: Figure) -> Clip:
    """The clip on the character's skeleton, as Blender's constraints have it."""
    source, target = clip.skeleton, figure.skeleton
    theirs, ours = roles(source), roles(target)
    pairs = [(ours[role], theirs[role]) for role in ours if role in theirs]
    pairs.sort(key=lambda pair: pair[0] != ours["hips"])
    source_rest, target_rest = (_standing(skeleton) for skeleton in (source, target))
    rest_p, rest_r = source.locals(*_parts(source_rest))
    back = rotation.conjugate(rest_r)
    legs = [float(rest[role["hips"], 1, 3] - rest[role["left_foot"], 1, 3])
            for rest, role in ((source_rest, theirs), (target_rest, ours))]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder) / "given.npz", Path(folder) / "made.npz"
        np.savez(
            given,
            pairs=np.array(pairs),
            source_rest=source_rest,
            target_rest=target_rest,
            source_parents=source.parents,
            target_parents=target.parents,
            scale=legs[1] / legs[0],
            location=rotation.rotate(back, clip.positions - rest_p),
            turn=rotation.continuous(rotation.multiply(back, clip.rotations)),
        )
        blender.run(ready(), SCRIPT, [given, made], made, "carry it over")
        world = np.load(made)["world"].astype(float)
    positions, turns = target.locals(*_parts(world))
    return Clip(target, positions, turns, clip.frame_time_s, target.character)


def _standing(skeleton: Skeleton) -> Array:
    """(J, 4, 4) how joints stand in the T-pose."""
    world_p, world_r = t_pose(skeleton)
    out = np.tile(np.eye(4), (len(skeleton), 1, 1))
    out[:, :3, :3], out[:, :3, 3] = rotation.to_matrix(world_r), world_p
    return out


def _parts(world: Array) -> tuple[Array, Array]:
    """Positions (..., J, 3) and rotations (..., J, 4) of matrices (..., J, 4, 4)."""
    return world[..., :3, 3], rotation.from_matrix(world[..., :3, :3])
