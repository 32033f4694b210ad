"""Contact sheets of takes: some stick figures from each, for lists.

Drawn in plain software at a low priority, in a process of its own: no loop and no page waits for
one, and no graphics card is needed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from understudy.bridge.wire.decoder import UnknownSkeleton
from understudy.bridge.wire.envelope import WireError
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.palette import STATE_COLOUR
from understudy.runtime.core.pose import Frame
from understudy.runtime.core.rotation import Array

from .library import cache_of, stamps
from .take_frames import TakeFrames

PICTURES = 4
SIZE = (200, 150)
# Drawn so much larger, then made small: smooth lines.
FINE = 2
GROUND, FLOOR, NOBODY = (28, 32, 39), (58, 65, 76), (90, 98, 110)
# From the left of the front, level: whoever stands, stands on the floor's line.
YAW_RAD = np.radians(-35.0)
LEAST_M = 2.2  # that a picture shows, so that one who stands fills it


def path_of(take: Path, stamp: str) -> Path:
    """Where a take's sheet is kept; a take that changes has another."""
    name = hashlib.sha256(f"{take.name} {stamp}".encode()).hexdigest()[:24]
    return cache_of(take.parent) / f"{name}.png"


def make(take: Path, to: Path) -> None:
    """Draws the sheet of a take; of one that cannot be read it is empty."""
    sheet = Image.new("RGB", (PICTURES * SIZE[0], SIZE[1]), GROUND)
    with contextlib.suppress(UnderstudyError, OSError):
        frames = TakeFrames(take)
        try:
            shown = _some(frames)
        finally:
            frames.close()
        for number, picture in enumerate(_pictures(shown)):
            sheet.paste(picture, (number * SIZE[0], 0))
            ImageDraw.Draw(sheet).line([(number * SIZE[0], 0), (number * SIZE[0], SIZE[1])], FLOOR)
    part = to.with_name(f".{to.name}.{os.getpid()}.part")
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        sheet.save(part, "PNG", optimize=True)
        os.replace(part, to)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def make_all(folder: Path, most: int = 10_000) -> int:
    """Draws those that are missing, newest takes first; gives how many."""
    made = 0
    there = stamps(folder)
    for name in sorted(there, key=lambda name: int(there[name].split()[1]), reverse=True)[:most]:
        to = path_of(folder / name, there[name])
        if not to.exists():
            make(folder / name, to)
            made += 1
    return made


def _some(frames: TakeFrames) -> list[Frame]:
    """Frames evenly over the take, from the middle of each part."""
    found = []
    for part in range(PICTURES):
        with contextlib.suppress(WireError, UnknownSkeleton):
            found.append(frames.frame(int((part + 0.5) / PICTURES * len(frames))))
    return found


def _pictures(frames: list[Frame]) -> list[Image.Image]:
    """A picture a frame, all in one scale, each about who is in it."""
    seen = [[_flat(s.skeleton.globals(*_pose(s))[0]) for s in frame.subjects] for frame in frames]
    everybody = [np.concatenate(one) for one in seen if one]
    width_m = max([LEAST_M * SIZE[0] / SIZE[1], *(float(np.ptp(one[:, 0])) for one in everybody)])
    height_m = max([LEAST_M, *(float(np.ptp(one[:, 1])) for one in everybody)])
    scale = FINE * 0.86 * min(SIZE[0] / width_m, SIZE[1] / height_m)
    out = []
    for frame, bodies in zip(frames, seen, strict=True):
        picture = Image.new("RGB", (FINE * SIZE[0], FINE * SIZE[1]), GROUND)
        pen = ImageDraw.Draw(picture)
        if bodies:
            flat = np.concatenate(bodies)
            middle = (flat.min(0) + flat.max(0)) / 2
            centre = np.array(SIZE) * FINE / 2
            low = float(centre[1] - (flat[:, 1].min() - middle[1]) * scale)
            pen.line([(0, low), (picture.width, low)], FLOOR, FINE)
            for subject, body in zip(frame.subjects, bodies, strict=True):
                at = centre + (body - middle) * [scale, -scale]
                colour = tuple(round(255 * c) for c in STATE_COLOUR[subject.state])
                for joint, parent in enumerate(subject.skeleton.parents):
                    if parent >= 0:
                        pen.line(
                            [tuple(at[parent]), tuple(at[joint])], colour, 3 * FINE, joint="curve"
                        )
                x, y = at[0]
                pen.ellipse([x - 3, y - 3, x + 3, y + 3], colour)
        else:
            pen.text((FINE * 8, FINE * 8), "nobody", NOBODY)
        out.append(picture.resize(SIZE, Image.Resampling.LANCZOS))
    return out


def _pose(subject: object) -> tuple[Array, Array]:
    pose = subject.pose  # type: ignore[attr-defined]
    return np.asarray(pose.positions, float), np.asarray(pose.rotations, float)


def _flat(points: Array) -> Array:
    """World points (J, 3) as they are seen (J, 2): to the right and up, in metres."""
    x, y, z = points.reshape(-1, 3).T
    right = x * np.cos(YAW_RAD) + z * np.sin(YAW_RAD)
    return np.stack([right, y], axis=-1)
