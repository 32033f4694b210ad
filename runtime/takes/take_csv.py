"""Takes as tables: a row a tick, `there` is 0 where what stands in it is held and not its own."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from understudy.runtime.core.files import whole

from .take_motion import Motion, Rigid, Track

HEAD = ("tick", "time_s", "timecode", "there", "state")
PLACE = ("px_m", "py_m", "pz_m", "qx", "qy", "qz", "qw")
LENS = ("focal_mm", "sensor_width_mm", "sensor_height_mm", "focus_m", "iris")


def body(motion: Motion, track: Track) -> Iterator[list[Any]]:
    """Each joint's place local to its parent, then each curve of the face."""
    names = [f"{joint}.{axis}" for joint in track.skeleton.names for axis in PLACE]
    yield [*HEAD, *names, *(f"curve.{name}" for name in track.curve_names)]
    curves = track.curves()

    def numbers(pose: int) -> np.ndarray:
        placed = np.concatenate([track.positions[pose], track.rotations[pose]], axis=1).ravel()
        return np.concatenate([placed, curves[pose]])

    yield from _rows(motion, track, numbers)


def rigid(motion: Motion, one: Rigid) -> Iterator[list[Any]]:
    """A camera or a prop in the world, and a camera's lens."""
    yield [*HEAD, *PLACE, *(LENS if one.lens else ())]

    def numbers(pose: int) -> np.ndarray:
        lens = one.lens[pose] if one.lens else ()
        return np.concatenate([one.positions[pose], one.rotations[pose], lens])

    yield from _rows(motion, one, numbers)


def marks(motion: Motion) -> Iterator[list[Any]]:
    """Markers and cuts in the order of time."""
    yield ["tick", "time_s", "timecode", "what", "text"]
    found = [(m, "marker") for m in motion.markers] + [(m, "cut") for m in motion.cuts]
    for mark, what in sorted(found, key=lambda pair: pair[0].tick):
        time_s = f"{(mark.tick - motion.first) / motion.rate_hz:.9g}"
        yield [mark.tick, time_s, motion.timecodes.get(mark.tick, ""), what, mark.text]


def _rows(motion: Motion, one: Track | Rigid, numbers: Any) -> Iterator[list[Any]]:
    for row, (pose, own) in enumerate(zip(*motion.rows(one), strict=True)):
        tick = motion.first + row
        head = [tick, f"{row / motion.rate_hz:.9g}", motion.timecodes.get(tick, ""), int(own)]
        state = one.states[pose] if own else ""
        yield [*head, state, *(f"{number:.9g}" for number in numbers(pose).tolist())]


def write(path: Path, rows: Iterable[list[Any]]) -> None:
    with whole(path) as part:
        with part.open("w", newline="", encoding="utf-8") as out:
            csv.writer(out).writerows(rows)
