"""Takes as other files: by the suffix a file a subject, or one file of everything.

BVH, CSV and what other packages write are a file a subject; scenes (GLB, USD, FBX) and edit lists
(OTIO, EDL) are one file of the take. No file is overwritten.
"""

from __future__ import annotations

import importlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from understudy.runtime.core.errors import Failure, UnderstudyError
from understudy.runtime.core.files import shown, whole

from . import take_csv
from .clip import Clip
from .exporters import KNOWN, exporter
from .take_motion import Motion, Track, load
from .take_reader import readable

__all__ = ["Motion", "Track", "check", "export", "load"]

# suffix -> the module whose write(path, motion) makes one file of a whole take. They are imported
# where they are asked for: some need packages that no plain installation brings.
SCENES = {
    "glb": "take_glb",
    "usd": "take_usd",
    "usda": "take_usd",
    "usdc": "take_usd",
    "otio": "take_otio",
    "edl": "take_edl",
    "fbx": "take_fbx",
    "wav": "take_wav",
}
DRESSED = "glb"  # whose bodies are the characters themselves
HEARD = "wav"  # which needs nobody on stage


@dataclass
class Written:
    """The files that an export wrote, and what is to be said about them, each a sentence."""

    files: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def suffixes() -> list[str]:
    """What `take export --to` takes of ours."""
    return [*KNOWN, "csv", *SCENES]


def check(target: Path, ready: bool = True) -> None:
    """Refuses a file that nobody writes, and one whose writer is not installed if `ready`."""
    suffix = target.suffix.lower().removeprefix(".")
    if suffix in SCENES:
        if ready:
            importlib.import_module(f".{SCENES[suffix]}", __package__).ready()
    elif suffix != "csv":
        try:
            exporter(target)
        except UnderstudyError as error:
            every = ", ".join(f".{one}" for one in suffixes())
            raise UnderstudyError(f"{error} A take can be exported as {every}.") from None


def export(
    paths: Path | Sequence[Path],
    target: Path,
    preroll: bool = False,
    subjects: Iterable[str] = (),
    characters: Mapping[str, Path] | None = None,
) -> Written:
    """Writes a take, or the parts that it went on in, as the suffix of `target` says.

    characters  files by subject's name, or "*", that a GLB is dressed in instead of what the take
                says

    Of several parts those count that say what they are; a crash may leave less.
    """
    check(target)
    if not isinstance(paths, Path):
        paths = [part for part in paths if readable(part)] or paths[:1]
    motion = load(paths, preroll, subjects)
    suffix = target.suffix.lower().removeprefix(".")
    if characters and suffix != DRESSED:
        raise UnderstudyError(
            f"A .{suffix} has no character's mesh; with a character go .{DRESSED}."
        )
    if not (motion.tracks or motion.cameras or motion.props or suffix == HEARD):
        return Written()
    if suffix in SCENES:
        out = Written()
        path = _free(target, out)
        module = importlib.import_module(f".{SCENES[suffix]}", __package__)
        dressed = (characters,) if suffix == DRESSED else ()
        out.notes += module.write(path, motion, *dressed) or []
        out.files.append(path)
        return out
    if suffix == "csv":
        return _csv(motion, target)
    return _clips(motion, target)


def _clips(motion: Motion, target: Path) -> Written:
    """A file a subject, by the exporter of `target`'s suffix: at `target`, or at target-NAME.

    A subject that cannot be written does not cost the others; then an error names it.
    """
    write = exporter(target).write
    out, refused = Written(), []
    for track, file in zip(motion.tracks, _files(motion.tracks, target), strict=True):
        positions, rotations, own = motion.poses(track)
        clip = Clip(track.skeleton, positions, rotations, 1.0 / motion.rate_hz, track.name)
        file = _free(file, out)
        try:
            write(file, clip)
            if not own.all():
                _write_text(file.with_suffix(".json"), json.dumps(_marks(motion, track, own)))
            out.files.append(file)
        except UnderstudyError as error:
            refused.append(f"{track.name}: {error}")
        except Exception as error:  # of another package: its fault costs its own file alone
            refused.append(
                f"{track.name}: the exporter has a fault ({type(error).__name__}: {error})"
            )
    if refused:
        done = f" Written: {', '.join(map(str, out.files))}." if out.files else ""
        raise Failure(" ".join(refused) + done)
    return out


def _csv(motion: Motion, target: Path) -> Written:
    """A table for each subject, camera and prop, and one of markers and cuts if there are any."""
    out = Written()
    tables = list(
        zip(_files(motion.tracks, target), (take_csv.body(motion, t) for t in motion.tracks))
    )
    for kind, things in (("camera", motion.cameras), ("prop", motion.props)):
        tables += [
            (_named(target, f"{kind}-{one.name}"), take_csv.rigid(motion, one)) for one in things
        ]
    if motion.markers or motion.cuts:
        tables.append((_named(target, "markers"), take_csv.marks(motion)))
    for wanted, rows in tables:
        file = _free(wanted, out)
        take_csv.write(file, rows)
        out.files.append(file)
    return out


def _marks(motion: Motion, track: Track, own: np.ndarray) -> dict[str, Any]:
    """Where a subject was not there, and where the stage itself left ticks out."""
    return {
        "take": f"{motion.name}.mcap",
        "subject": track.name,
        "rate_hz": motion.rate_hz,
        "frames": len(motion),
        "start_timecode": motion.start_timecode,
        "absent": motion.absent(own),
        "gaps": motion.gaps,
    }


def _files(tracks: list[Track], target: Path) -> list[Path]:
    if len(tracks) <= 1:
        return [target] * len(tracks)
    paths: list[Path] = []
    for track in tracks:
        path, number = _named(target, track.name), 1
        while path in paths:
            number += 1
            path = _named(target, f"{track.name}-{number}")
        paths.append(path)
    return paths


def _named(target: Path, name: str) -> Path:
    plain = re.sub(r"[^\w.\-]+", "_", name) or "subject"
    return target.with_name(f"{target.stem}-{plain}{target.suffix}")


def _free(asked: Path, out: Written) -> Path:
    """The path, or the next with a number at which nothing stands; that is said then."""
    path, number = asked, 1
    while os.path.lexists(path):
        number += 1
        path = asked.with_name(f"{asked.stem}-{number}{asked.suffix}")
    if path != asked:
        out.notes.append(f"{shown(asked)} is there already and stays; this is {path.name}.")
    return path


def _write_text(path: Path, text: str) -> None:
    with whole(path) as part:
        part.write_text(text + "\n", encoding="utf-8")
