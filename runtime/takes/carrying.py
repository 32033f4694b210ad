"""A clip onto a character, whole: what the stage does tick by tick, for files."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.progress import Progress
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.retarget.fitting import Figure, Fitting
from understudy.runtime.retarget.mapped import Mapped

from .clip import Clip, without_tpose
from .placement import lift_m

PIECE = 512  # frames


def carried(
    source: Clip,
    figure: Figure,
    progress: Progress | None = None,
    source_floor_m: float | None = None,
) -> Clip:
    """The clip on the character's skeleton; raises NotHumanoid where there is no way.

    Calibration frames at the start are left out, and a body that floats is put on the ground.
    source_floor_m is how high the floor lies under the source at rest, where its mesh says that.
    """
    source = without_tpose(source)
    if figure.profile.map:
        return _mapped(source, figure)
    fitting = Fitting(source.skeleton, figure, source_floor_m)
    lift = lift_m(source.skeleton, source.positions, source.rotations)
    lift -= fitting.standing_m(_lifted(source, lift), source.rotations)
    count, joints = len(source), len(figure.skeleton)
    positions, rotations = np.empty((count, joints, 3)), np.empty((count, joints, 4))
    for start in range(0, count, PIECE):
        piece = slice(start, min(start + PIECE, count))
        there = _lifted(source.cut(piece.start, piece.stop), lift)
        positions[piece], rotations[piece] = fitting.apply(there, source.rotations[piece])
        if progress is not None:
            progress(piece.stop, count)
    return Clip(
        figure.skeleton,
        positions,
        rotation.continuous(rotations),
        source.frame_time_s,
        figure.skeleton.character,
    )


def _mapped(source: Clip, figure: Figure) -> Clip:
    """The clip on a character of any shape, by its profile's map."""
    way = Mapped(source.skeleton, figure.skeleton, figure.profile.map, figure.profile)
    lift = lift_m(source.skeleton, source.positions, source.rotations)
    positions, rotations = way.apply(_lifted(source, lift), source.rotations)
    return Clip(
        figure.skeleton, positions, rotation.continuous(rotations), source.frame_time_s,
        figure.skeleton.character,
    )  # fmt: skip


def _lifted(clip: Clip, lift: float) -> Array:
    """(T, J, 3) positions of a clip, its root higher."""
    positions = clip.positions.copy()
    positions[:, 0, 1] += lift
    return positions


def upright(clip: Clip) -> Clip:
    """The clip on joints with the axes of the world: at rest nothing is turned, as in BVH."""
    skeleton = clip.skeleton
    rest_p, rest_r = skeleton.rest_globals
    above = np.where(skeleton.parents[:, None] < 0, 0.0, rest_p[skeleton.parents])
    tips = rotation.rotate(rest_r, skeleton.tips)
    plain = Skeleton(
        skeleton.names,
        skeleton.parents,
        rest_p - above,
        tips=tips,
        given_roles=skeleton.given_roles,
        character=skeleton.character,
    )
    world_p, world_r = skeleton.globals(clip.positions, clip.rotations)
    turned = rotation.multiply(world_r, rotation.conjugate(rest_r))
    positions, rotations = plain.locals(world_p, turned)
    return replace(clip, skeleton=plain, positions=positions, rotations=rotations, raw=None)
