"""BVH files, in and out.

Reading is strict about what would make a wrong motion (and names file, line and cause) and lenient
about dress: case, tabs, CRLF, blank lines, frames that run over several lines. Position channels
replace the joint's OFFSET, on any joint, as Blender, MotionBuilder and Maya have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.files import whole
from understudy.runtime.core.progress import Progress
from understudy.runtime.core.rotation import Array

from .bvh_clip import Given, make_clip
from .bvh_hierarchy import CHANNELS, Channels, file_order, hierarchy_lines, read_hierarchy
from .bvh_motion import read_motion
from .bvh_text import opened
from .clip import Clip

ROOT_CHANNELS = (*CHANNELS[:3], "Zrotation", "Yrotation", "Xrotation")
JOINT_CHANNELS = ROOT_CHANNELS[3:]
# Written at a time.
ROWS = 1024


def read(
    path: Path | str,
    unit_m: float | None = None,
    up: str | None = None,
    *,
    rest: int | str | None = None,
    roles: Mapping[str, str] | None = None,
    frame_time_s: float | None = None,
    progress: Progress | None = None,
) -> Clip:
    """The clip of a BVH file, in metres and +Y up.

    What is left out is guessed, and the guess is in `clip.notes`.

    unit_m        the length of the file's unit
    up            its vertical axis: Y, Z or X, or -Y, -Z, -X
    rest          the frame, from 0, in which the body stands in a T-pose; or "t-pose", where the
                  pose of zero angles is one
    roles         role -> joint's name, "" for no joint
    frame_time_s  seconds between frames
    progress      is told how many bytes of how many are read
    """
    path = Path(path)
    given = Given(unit_m, up, rest, roles)
    with opened(path) as text:
        tree = read_hierarchy(path.name, text.head)
        columns = sum(len(names) for names in tree.channels)
        motion = read_motion(text, columns, frame_time_s, progress)
    return make_clip(path, tree, motion, given)


def write(path: Path | str, clip: Clip) -> None:
    """Writes the clip as a BVH file, whole or not at all, the same bytes for the same clip.

    Channels are the clip's own, else six for the root and for joints that move, three for others.
    Angles run on over half a turn instead of jumping.
    """
    path = Path(path)
    channels = clip.channels or _default_channels(clip)
    if clip.raw is not None and clip.raw.is_of(clip):
        values, offsets, tips = clip.raw.values, clip.raw.offsets, clip.raw.tips
    else:
        values = _values(clip, channels)
        offsets, tips = clip.skeleton.rest_positions / clip.unit_m, clip.skeleton.tips / clip.unit_m
    lines = [
        "HIERARCHY",
        *hierarchy_lines(clip.skeleton, channels, offsets, tips),
        "MOTION",
        f"Frames: {len(values)}",
        f"Frame Time: {clip.frame_time_s:.8f}",
    ]
    finite = np.isfinite(values).all(axis=1)
    if not finite.all():
        raise UnderstudyError(
            f"{path.name} was not written: frame {int(np.argmin(finite))} of the motion is not "
            "finite."
        )
    row_format = " ".join(["%.6f"] * values.shape[1]) + "\n"
    with whole(path) as part, part.open("wb") as out:
        out.write(("\n".join(lines) + "\n").encode())
        for begin in range(0, len(values), ROWS):  # as numbers of Python's own an hour is many GB
            # Rounding first leaves no "-0.000000" behind.
            rows = (np.round(values[begin : begin + ROWS], 6) + 0.0).tolist()
            out.write("".join(row_format % tuple(row) for row in rows).encode())


def _default_channels(clip: Clip) -> Channels:
    moved = np.abs(clip.positions - clip.skeleton.rest_positions).max(axis=(0, 2)) > 1e-6
    moved[0] = True
    return tuple(ROOT_CHANNELS if m else JOINT_CHANNELS for m in moved)


def _values(clip: Clip, channels: Channels) -> Array:
    """(T, C) channel values in file units and degrees."""
    values = np.empty((len(clip), sum(map(len, channels))))
    column = 0
    for joint in file_order(clip.skeleton):  # one by one: what is computed beside it stays small
        names = channels[joint]
        if order := "".join(n[0] for n in names if n.endswith("rotation")):
            turns = iter(np.rad2deg(continuous_euler(clip.rotations[:, joint], order)).T)
        for name in names:
            if name.endswith("position"):
                moved = clip.positions[:, joint, "XYZ".index(name[0])]
                values[:, column] = moved / clip.unit_m
            else:
                values[:, column] = next(turns)
            column += 1
    return values


def _hold_locked(angles: Array, order: str) -> None:
    """Keeps the third angle through gimbal lock, where only its sum with the first counts.

    angles (T, ..., 3) are changed in place.
    """
    locked = np.abs(np.abs(angles[..., 1]) - 0.5 * np.pi) < 1e-7
    if not locked.any():
        return
    time = np.arange(len(angles)).reshape(-1, *[1] * (angles.ndim - 2))
    last_free = np.maximum.accumulate(np.where(locked, 0, time), axis=0)
    held = np.where(locked, np.take_along_axis(angles[..., 2], last_free, axis=0), 0.0)
    i, j = (rotation.AXES[letter] for letter in order[:2])
    sign = np.sign(angles[..., 1]) if (j - i) % 3 == 1 else -np.sign(angles[..., 1])
    angles[..., 0] -= np.where(locked, sign * (held - angles[..., 2]), 0.0)
    angles[..., 2] = np.where(locked, held, angles[..., 2])


def continuous_euler(q: Array, order: str) -> Array:
    """(T, ..., 3) intrinsic angles in radians that run on from frame to frame.

    Every rotation has two triples, (a, b, c) and (a + pi, pi - b, c + pi), and whole turns on top.
    Going from a triple to its twin keeps distances, so that which of the two comes next is a
    matter of each step alone, and the choices add up (exclusive or) along time.
    """
    if len(set(order)) != 3:
        raise UnderstudyError(
            f"Rotations cannot be written as {order!r}: three different axes are needed."
        )
    angles = rotation.to_euler(np.asarray(q, np.float64), order)
    _hold_locked(angles, order)
    twin = np.stack(
        [angles[..., 0] + np.pi, np.pi - angles[..., 1], angles[..., 2] + np.pi], axis=-1
    )

    def apart(a: Array, b: Array) -> Array:
        return np.abs((a - b + np.pi) % (2.0 * np.pi) - np.pi).sum(axis=-1)

    flips = apart(angles[1:], angles[:-1]) > apart(twin[1:], angles[:-1])
    odd = np.cumsum(flips, axis=0) % 2 == 1
    angles[1:][odd] = twin[1:][odd]
    return np.unwrap(angles, axis=0)
