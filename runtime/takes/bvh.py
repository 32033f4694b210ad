"""BVH files, in and out.

Reading is strict about what would make a wrong motion (and names file, line and cause) and lenient
about dress: case, tabs, CRLF, blank lines, frames that run over several lines. Position channels
replace the joint's OFFSET, on any joint, as Blender, MotionBuilder and Maya have it.
"""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

from .bvh_hierarchy import (
    CHANNELS,
    Channels,
    Hierarchy,
    file_order,
    hierarchy_lines,
    read_hierarchy,
)
from .bvh_motion import read_motion
from .clip import Clip, Raw, guess_unit, guess_up, has_tpose_first_frame
from .rest import rest_of_motion, stands

_Z_UP_TO_Y_UP = rotation.from_axis_angle([1.0, 0.0, 0.0], -0.5 * np.pi)
ROOT_CHANNELS = (*CHANNELS[:3], "Zrotation", "Yrotation", "Xrotation")
JOINT_CHANNELS = ROOT_CHANNELS[3:]


def read(path: Path | str, unit_m: float | None = None, up: str | None = None) -> Clip:
    """The clip of a BVH file, in metres and +Y up.

    unit_m is the length of the file's unit and up its vertical axis, "Y" or "Z"; left out, both are
    guessed and the guess is in `clip.notes`.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnderstudyError(f"{path} cannot be read: {error.strerror}.") from None
    if b"\n" not in content:
        content = content.replace(b"\r", b"\n")
    start = re.search(rb"(?im)^[ \t]*MOTION[ \t\r]*$", content)
    head = content[: start.start()] if start else content
    tree = read_hierarchy(path.name, head.decode("utf-8-sig", errors="replace"))
    if start is None:
        raise UnderstudyError(
            f"{path.name} has no line MOTION: the file ends with its hierarchy or was cut there."
        )
    frame_time_s, values = read_motion(
        path.name, content, start.end(), sum(len(c) for c in tree.channels)
    )
    return _clip(path, tree, frame_time_s, values, unit_m, up)


def _clip(
    path: Path,
    tree: Hierarchy,
    frame_time_s: float,
    values: Array,
    unit_m: float | None,
    up: str | None,
) -> Clip:
    """The clip of a file's hierarchy and channel values (T, C)."""
    offsets = np.array(tree.offsets, float)
    tips = np.array(tree.tips, float)
    parents = np.array(tree.parents)
    positions = np.array(np.broadcast_to(offsets, (len(values), *offsets.shape)))
    rotations = rotation.identity((len(values), len(offsets)))
    spun: dict[str, tuple[list[int], list[list[int]]]] = {}
    column = 0
    for joint, names in enumerate(tree.channels):
        order, columns = "", []
        for name in names:
            if name.endswith("position"):
                positions[:, joint, "XYZ".index(name[0])] = values[:, column]
            else:
                order += name[0]
                columns.append(column)
            column += 1
        if order:
            joints, picks = spun.setdefault(order, ([], []))
            joints.append(joint)
            picks.append(columns)
    for order, (joints, picks) in spun.items():
        rotations[:, joints] = rotation.from_euler(np.deg2rad(values[:, np.array(picks)]), order)

    notes = list(tree.notes)
    in_units = Skeleton(tuple(tree.names), parents, offsets, tips=tips)
    if up is None:
        up = guess_up(in_units, positions, rotations)
        if up != "Y":
            notes.append(f"{up} is taken for the vertical axis: there the head is above the feet.")
    elif up not in ("Y", "Z"):
        raise UnderstudyError(f"The vertical axis {up!r} is unknown; it is 'Y' or 'Z'.")
    rest = rotation.identity(len(offsets))
    if up == "Z":
        positions[:, 0] = rotation.rotate(_Z_UP_TO_Y_UP, positions[:, 0])
        rotations[:, 0] = rotation.multiply(_Z_UP_TO_Y_UP, rotations[:, 0])
        offsets[0] = rotation.rotate(_Z_UP_TO_Y_UP, offsets[0])
        rest[0] = _Z_UP_TO_Y_UP
    if unit_m is None:
        world = in_units.globals(positions[0], rotations[0])[0]
        unit_m, note = guess_unit(in_units, float(np.ptp(world[:, 1])))
        notes.append(note)
    elif not (np.isfinite(unit_m) and unit_m > 0.0):
        raise UnderstudyError(f"A unit of {unit_m} m is no length; it must be more than 0.")
    positions *= unit_m
    for array in (positions, rotations):
        array.setflags(write=False)  # a changed copy then differs from what `raw` describes
    clip = Clip(
        Skeleton(tuple(tree.names), parents, offsets * unit_m, rest, tips * unit_m),
        positions,
        rotations,
        frame_time_s,
        path.stem,
        tuple(tree.channels),
        unit_m,
        tuple(notes),
        Raw(values, np.array(tree.offsets, float), tips, positions, rotations),
    )
    return _with_rest(clip)


def _with_rest(clip: Clip) -> Clip:
    """The clip with a rest pose that stands, where its zero pose does not."""
    skeleton = clip.skeleton
    if stands(skeleton, skeleton.rest_globals[0]):
        return clip
    if has_tpose_first_frame(clip):
        rest, source = clip.rotations[0], "its first frame, a T-pose"
    else:
        rest = rest_of_motion(skeleton, clip.positions, clip.rotations)
        source = "the average bearing of the clip"
    return replace(
        clip,
        skeleton=replace(skeleton, rest_rotations=rest),
        notes=(*clip.notes, f"The pose of zero angles does not stand; rest is {source}."),
    )


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
    row_format = " ".join(["%.6f"] * values.shape[1])
    # Rounding first leaves no "-0.000000" behind.
    rows = (np.round(values, 6) + 0.0).tolist()
    lines += [row_format % tuple(row) for row in rows]
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(("\n".join(lines) + "\n").encode())
        os.replace(part, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise UnderstudyError(f"{path} cannot be written: {error.strerror}.") from None


def _default_channels(clip: Clip) -> Channels:
    moved = np.abs(clip.positions - clip.skeleton.rest_positions).max(axis=(0, 2)) > 1e-6
    moved[0] = True
    return tuple(ROOT_CHANNELS if m else JOINT_CHANNELS for m in moved)


def _values(clip: Clip, channels: Channels) -> Array:
    """(T, C) channel values in file units and degrees."""
    columns: list[Array] = []
    spun: dict[str, list[int]] = {}
    for joint, names in enumerate(channels):
        order = "".join(n[0] for n in names if n.endswith("rotation"))
        if order:
            spun.setdefault(order, []).append(joint)
    angles = {
        order: np.rad2deg(continuous_euler(clip.rotations[:, joints], order))
        for order, joints in spun.items()
    }
    for joint in file_order(clip.skeleton):
        names = channels[joint]
        order = "".join(n[0] for n in names if n.endswith("rotation"))
        turn = 0
        for name in names:
            if name.endswith("position"):
                columns.append(clip.positions[:, joint, "XYZ".index(name[0])] / clip.unit_m)
            else:
                columns.append(angles[order][:, spun[order].index(joint), turn])
                turn += 1
    return np.stack(columns, axis=-1).astype(np.float64)


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
