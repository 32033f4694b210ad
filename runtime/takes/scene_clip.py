"""From a body of a scene file (glTF, USD, FBX) to a clip: what all three have in common.

Such files say their unit, their vertical axis and their rest pose. A user's word counts more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.joint_map import with_roles
from understudy.runtime.core.roles import guess, roles
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.retarget import rest

from . import placement
from .bvh_clip import Given
from .clip import Clip
from .placement import Placement
from .rest_pose import with_rest
from .surroundings import Surroundings

MOST_JOINTS = 2000
MOST_FRAMES = 2_000_000
MOST_HZ = 1000.0


@dataclass(frozen=True)
class Moving:
    """A body in the world of its file, in metres and +Y up as far as the file says so.

    positions (T, J, 3) and rotations (T, J, 4), rest_p (J, 3) and rest_r (J, 4) are the world's;
    parents come before their children, and joint 0 is the one root. around stands in the same
    world.
    """

    names: tuple[str, ...]
    parents: np.ndarray
    rest_p: Array
    rest_r: Array
    positions: Array
    rotations: Array
    rate_hz: float
    notes: list[str] = field(default_factory=list)
    said_roles: Mapping[str, str] = field(default_factory=dict)
    around: Surroundings | None = None


@dataclass(frozen=True)
class Which:
    """Which body and which animation of a file is meant; "" is the first body, the longest clip."""

    body: str = ""
    clip: str = ""


def chosen(file: str, what: str, word: str, asked: str, names: Sequence[str], best: int) -> int:
    """The index of the name that was asked for, else `best`."""
    if not asked:
        return best
    if asked in names:
        return names.index(asked)
    raise UnderstudyError(f"{file} has no {what} {asked!r} ({word}=); it has {', '.join(names)}.")


def told(what: str, word: str, names: Sequence[str], taken: int) -> list[str]:
    """What is to be said where there was a choice."""
    if len(names) < 2:
        return []
    shown = ", ".join(names[:8]) + (" ..." if len(names) > 8 else "")
    return [f"It has {len(names)} {what}: {shown}; {names[taken]!r} is played ({word}=)."]


def clip_of(path: Path, body: Moving, given: Given, frame_time_s: float | None = None) -> Clip:
    """The clip: placed, its roles known, with a rest pose that stands and faces +Z."""
    if not 2 <= len(body.positions) <= MOST_FRAMES:
        raise UnderstudyError(
            f"{path.name} has {len(body.positions):,} frames; 2 to {MOST_FRAMES:,} can be played."
        )
    if not (np.isfinite(body.positions).all() and np.isfinite(body.rotations).all()):
        raise UnderstudyError(f"{path.name} has a number that is not finite in its motion.")
    unit_m, up = given.unit_m or 1.0, given.up or "Y"
    turn = placement.turn_of(up)
    flat = Skeleton(_unique(body.names), body.parents, np.zeros((len(body.names), 3)))

    def placed(p: Array, r: Array) -> tuple[Array, Array]:
        return flat.locals(rotation.rotate(turn, p * unit_m), rotation.multiply(turn, r))

    rest_p, rest_r = placed(body.rest_p, body.rest_r)
    positions, rotations = placed(body.positions, body.rotations)
    skeleton = Skeleton(flat.names, flat.parents, rest_p, rotation.normalize(rest_r))
    if body.said_roles or given.roles is not None:
        skeleton = with_roles(skeleton, {**body.said_roles, **(given.roles or {})}, path.name)
    rate_hz = body.rate_hz if frame_time_s is None else 1.0 / frame_time_s
    around = [body.around.note] if body.around is not None else []
    clip = Clip(
        skeleton, positions, rotation.normalize(rotations), 1.0 / rate_hz, path.stem,
        unit_m=unit_m, notes=(*body.notes, *guess(skeleton).notes, *around),
        placement=Placement(up, turn, 1.0, np.zeros(3)),
        around=None if body.around is None else body.around.placed(turn, unit_m),
    )  # fmt: skip
    return with_rest(clip, given.rest, _own_rest(skeleton), "Its rest pose")


def _own_rest(skeleton: Skeleton) -> Array:
    """(J, 4) the file's rest pose, its root turned so that the body faces +Z."""
    own = skeleton.rest_rotations.copy()
    role = roles(skeleton)
    if "hips" in role and (rows := rest.axes(skeleton.rest_globals[0], role)) is not None:
        own[0] = rotation.multiply(rotation.from_matrix(rows), own[0])
    return own


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    out: list[str] = []
    for name in names:
        unique, number = name, 1
        while unique in out:
            number += 1
            unique = f"{name}.{number}"
        out.append(unique)
    return tuple(out)


def even_rate(keys_s: Array) -> tuple[float, str]:
    """Frames a second of a track's keys (N,), and what is to be said of it."""
    steps = np.diff(keys_s)
    steps = steps[steps > 1e-6]
    if not len(steps):
        return 30.0, "Its motion has one key; it is played at 30 Hz."
    mean = float(steps.mean())
    if np.abs(steps - mean).max() < 0.02 * mean + 1e-5:
        rate_hz = 1.0 / mean
        note = ""
    else:
        rate_hz = 1.0 / float(np.median(steps))
        rate_hz = min((24.0, 25.0, 30.0, 50.0, 60.0, 120.0), key=lambda r: abs(r - rate_hz))
        note = f"Its keys are unevenly spaced; it is sampled at {rate_hz:g} Hz."
    near = min((*range(1, 241), 24000 / 1001, 30000 / 1001, 60000 / 1001, 120000 / 1001),
               key=lambda r: abs(r - rate_hz))  # fmt: skip
    if abs(near - rate_hz) < 1.5e-4 * rate_hz:
        rate_hz = float(near)
    return min(rate_hz, MOST_HZ), note
