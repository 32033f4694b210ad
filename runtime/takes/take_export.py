"""Takes as BVH, CSV and what other packages write: one clock for all, gaps held and marked.

Row 0 is the first tick after Record at which anybody is there. Who comes later stands in its first
pose until then, and in its last one after it left and over ticks that are missing; the .json beside
the file says where.
"""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from understudy.bridge.wire.decoder import Origin
from understudy.runtime.core.errors import Failure, UnderstudyError
from understudy.runtime.core.files import shown
from understudy.runtime.core.pose import Frame, Subject
from understudy.runtime.core.rotation import Array
from understudy.runtime.core.skeleton import Skeleton

from .clip import Clip
from .exporters import exporter
from .take_reader import TakeReader

# A stage that skipped more ticks than this in one go was asleep; nobody wants them as held poses.
LONGEST_S = 24 * 3600.0


@dataclass
class Track:
    """A subject on one skeleton: its poses, and at which ticks it had them."""

    name: str
    skeleton: Skeleton
    ticks: list[int] = field(default_factory=list)
    states: list[int] = field(default_factory=list)
    positions: list[Array] = field(default_factory=list)
    rotations: list[Array] = field(default_factory=list)

    def add(self, tick: int, subject: Subject) -> None:
        self.ticks.append(tick)
        self.states.append(int(subject.state))
        self.positions.append(np.array(subject.pose.positions))
        self.rotations.append(np.array(subject.pose.rotations))


@dataclass
class Motion:
    """What is exported of a take. Ticks are the stage's own; timecodes are by tick."""

    rate_hz: float
    first: int
    last: int
    timecodes: dict[int, str]
    tracks: list[Track]

    def rows(self, track: Track) -> tuple[np.ndarray, np.ndarray]:
        """For every row (T,) which pose of the track it shows, and whether it is its own."""
        ticks = np.arange(self.first, self.last + 1)
        own = np.array(track.ticks)
        shown = np.clip(np.searchsorted(own, ticks, side="right") - 1, 0, len(own) - 1)
        return shown, own[shown] == ticks


def load(path: Path, preroll: bool = False) -> Motion:
    """Reads a take's bodies; preroll takes in what was performed before Record."""
    reader = TakeReader(path)
    items: list[tuple[Frame, Origin]] = []
    since: dict[str, int] = {}
    start: int | None = None
    for one in reader.frames():
        if isinstance(one, dict):
            if one.get("event") == "record":
                start = int(one.get("published", 0))
                since.update({name: 0 for name in one.get("present", [])})
            elif one.get("event") == "present":
                for name in one.get("subjects", []):
                    since.setdefault(str(name), int(one.get("sequence", 0)))
        else:
            items.append(one)
    tracks: dict[tuple[str, int], Track] = {}
    timecodes: dict[int, str] = {}
    for frame, origin in items:
        before = start is not None and origin.published < start
        if before and not preroll:
            continue
        for subject in frame.subjects:
            if not before and frame.sequence < since.get(subject.name, 0):
                continue  # it stands there until its sender comes
            key = (subject.name, subject.skeleton.id)
            track = tracks.setdefault(key, Track(subject.name, subject.skeleton))
            if not track.ticks or frame.sequence > track.ticks[-1]:
                track.add(frame.sequence, subject)
        timecodes[frame.sequence] = frame.timecode
    rate_hz = reader.rate_hz
    first = min((track.ticks[0] for track in tracks.values()), default=0)
    last = max(timecodes, default=-1)
    if last - first > LONGEST_S * rate_hz:
        raise UnderstudyError(
            f"{shown(path)} spans {(last - first) / rate_hz / 3600.0:.0f} hours; that is more than "
            "a take can be exported with."
        )
    return Motion(rate_hz, first, last, timecodes, list(tracks.values()))


def export_clips(path: Path, target: Path, preroll: bool = False) -> list[Path]:
    """A file a subject, by the exporter of `target`'s suffix: at `target`, or at target-NAME.

    A subject that cannot be written does not cost the others; then an error names it.
    """
    write = exporter(target).write
    motion = load(path, preroll)
    written, refused = [], []
    for track, file in zip(motion.tracks, _files(motion.tracks, target), strict=True):
        shown_rows, own = motion.rows(track)
        positions = np.array(track.positions, np.float64)[shown_rows]
        rotations = np.array(track.rotations, np.float64)[shown_rows]
        clip = Clip(track.skeleton, positions, rotations, 1.0 / motion.rate_hz, track.name)
        try:
            write(file, clip)
            if not own.all():
                _write_text(file.with_suffix(".json"), json.dumps(_marks(path, motion, track, own)))
            written.append(file)
        except UnderstudyError as error:
            refused.append(f"{track.name}: {error}")
        except Exception as error:  # of another package: its fault costs its own file alone
            refused.append(
                f"{track.name}: the exporter has a fault ({type(error).__name__}: {error})"
            )
    if refused:
        done = f" Written: {', '.join(map(str, written))}." if written else ""
        raise Failure(" ".join(refused) + done)
    return written


def export_csv(path: Path, target: Path, preroll: bool = False) -> list[Path]:
    """A CSV a subject: a row a tick, `there` is 0 where the pose is one that is held."""
    motion = load(path, preroll)
    written = []
    for track, file in zip(motion.tracks, _files(motion.tracks, target), strict=True):
        part = file.with_name(file.name + ".part")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with part.open("w", newline="", encoding="utf-8") as out:
                csv.writer(out).writerows(_csv_rows(motion, track))
            os.replace(part, file)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise UnderstudyError(f"{shown(file)} cannot be written: {error.strerror}.") from None
        written.append(file)
    return written


def export(path: Path, target: Path, preroll: bool = False) -> list[Path]:
    """Writes what the suffix of `target` says; CSV is of takes alone."""
    own = export_csv if target.suffix.lower() == ".csv" else export_clips
    return own(path, target, preroll)


def _csv_rows(motion: Motion, track: Track) -> Iterator[list[Any]]:
    head = ["tick", "time_s", "timecode", "there", "state"]
    for joint in track.skeleton.names:
        head += [f"{joint}.{axis}" for axis in ("px_m", "py_m", "pz_m", "qx", "qy", "qz", "qw")]
    yield head
    for row, (pose, own) in enumerate(zip(*motion.rows(track), strict=True)):
        tick = motion.first + row
        numbers = np.concatenate([track.positions[pose], track.rotations[pose]], axis=1).ravel()
        time_s = f"{row / motion.rate_hz:.9g}"
        state = track.states[pose] if own else ""
        yield [tick, time_s, motion.timecodes.get(tick, ""), int(own), state] + [
            f"{number:.9g}" for number in numbers.tolist()
        ]


def _marks(path: Path, motion: Motion, track: Track, own: np.ndarray) -> dict[str, Any]:
    """Where a subject was not there, and where the stage itself left ticks out."""
    ticks = np.arange(motion.first, motion.last + 1)
    known = np.isin(ticks, np.fromiter(motion.timecodes, np.int64, len(motion.timecodes)))
    return {
        "take": path.name,
        "subject": track.name,
        "rate_hz": motion.rate_hz,
        "frames": len(ticks),
        "start_timecode": motion.timecodes.get(motion.first, ""),
        "absent": _spans(~own & known),
        "gaps": _spans(~known),
    }


def _spans(marked: np.ndarray) -> list[list[int]]:
    """First and last row of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], marked.astype(np.int8), [0]])))
    return [[int(a), int(b) - 1] for a, b in edges.reshape(-1, 2)]


def _files(tracks: list[Track], target: Path) -> list[Path]:
    if len(tracks) <= 1:
        return [target] * len(tracks)
    paths: list[Path] = []
    for track in tracks:
        plain = re.sub(r"[^\w.\-]+", "_", track.name) or "subject"
        path, number = target.with_name(f"{target.stem}-{plain}{target.suffix}"), 1
        while path in paths:
            number += 1
            path = target.with_name(f"{target.stem}-{plain}-{number}{target.suffix}")
        paths.append(path)
    return paths


def _write_text(path: Path, text: str) -> None:
    try:
        part = path.with_name(path.name + ".part")
        part.write_text(text + "\n", encoding="utf-8")
        os.replace(part, path)
    except OSError as error:
        raise UnderstudyError(f"{shown(path)} cannot be written: {error.strerror}.") from None
