"""One file cleaned up: gaps filled, feet held, resampled, exported; and what was done, for people.

Whatever is asked for is done to each subject of the file alone; one that fails costs only itself.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.retarget import profile as profiles
from understudy.runtime.retarget.retarget import NotHumanoid, Retarget
from understudy.runtime.stage import figures
from understudy.runtime.takes.carrying import carried, upright
from understudy.runtime.takes.clip import Clip
from understudy.runtime.takes.exporters import exporter

from . import skate
from .fill import LONGEST_S, fill
from .gather import Gathered, gather

SUFFIXES = (".mcap", ".bvh")
OWN, OURS = "own", "performer"


class Wanted(msgspec.Struct, frozen=True):
    """What is to be done.

    to          suffixes of the files that are written
    fill        gaps up to longest_s are filled
    feet        planted feet are held
    rate_hz     frames a second; None: as it was
    skeleton    "own", "performer", or the file of a character or a profile
    """

    to: tuple[str, ...] = ("bvh",)
    fill: bool = True
    longest_s: float = LONGEST_S
    feet: bool = True
    rate_hz: float | None = None
    skeleton: str = OWN


class Row(msgspec.Struct):
    """One subject of a file, as it came out; gaps are (start, seconds, joints, filled)."""

    subject: str
    files: list[str] = []
    seconds: float = 0.0
    rate_hz: float = 0.0
    start_timecode: str = ""
    gaps: list[tuple[float, float, int, bool]] = []
    joints: int = 0
    missing_share: float = 0.0
    skate_before_cm_s: float | None = None
    skate_after_cm_s: float | None = None
    height_m: list[float] = []  # of the hips, ten a second, for the plot
    notes: list[str] = []
    error: str = ""


class Done(msgspec.Struct):
    """What came of one file; kept beside its output, so that a killed run goes on."""

    source: str
    stamp: str
    rows: list[Row] = []
    error: str = ""
    took_s: float = 0.0


def stamp(path: Path, wanted: Wanted) -> str:
    """Changes when the file, what is wanted or the character does."""
    facts = [msgspec.to_builtins(wanted), path.stat().st_size, path.stat().st_mtime_ns]
    if wanted.skeleton not in (OWN, OURS):
        said_by = Path(wanted.skeleton)
        facts += [file.stat().st_mtime_ns for file in {said_by, profiles.file_of(said_by)[0]}]
    said = json.dumps(facts)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def record(out: Path, name: str) -> Path:
    """Where what came of a file is kept."""
    return out / ".process" / f"{name}.json"


def before(path: Path, name: str, out: Path, wanted: Wanted) -> Done | None:
    """What came of the file in an earlier run; None where it is to be done."""
    try:
        done = msgspec.json.decode(record(out, name).read_bytes(), type=Done)
    except (OSError, msgspec.MsgspecError):
        return None
    files = [file for row in done.rows for file in row.files]
    whole = done.stamp == stamp(path, wanted) and not done.error
    return done if whole and all((out / file).exists() for file in files) else None


def process(path: Path, name: str, out: Path, wanted: Wanted) -> Done:
    """Cleans up one file; name is that of its output, without a suffix. Raises nothing of ours."""
    began_s = time.monotonic()
    done = Done(str(path), stamp(path, wanted))
    try:
        found = list(gather(path))
        for one in found:
            plain = "".join(c if c.isalnum() or c in "-_." else "_" for c in one.clip.name)
            own = name if len(found) == 1 else f"{name}-{plain or 'subject'}"
            done.rows.append(_subject(one, own, out, wanted))
        if not found:
            done.error = "There is no subject in it."
    except UnderstudyError as error:
        done.error = str(error)
    done.took_s = time.monotonic() - began_s
    to = record(out, name)
    to.parent.mkdir(parents=True, exist_ok=True)
    part = to.with_name(to.name + ".part")
    part.write_bytes(msgspec.json.encode(done))
    os.replace(part, to)
    return done


def _subject(one: Gathered, name: str, out: Path, wanted: Wanted) -> Row:
    clip, seen = one.clip, one.seen
    row = Row(
        clip.name or name,
        rate_hz=clip.rate_hz,
        seconds=round(clip.duration_s, 3),
        start_timecode=one.start_timecode,
        joints=len(clip.skeleton),
        missing_share=float(1.0 - seen.mean()),
        notes=list(one.notes),
    )
    try:
        rate = clip.rate_hz
        clip, gaps = fill(clip, seen, longest_s=wanted.longest_s if wanted.fill else 0.0)
        positions, rotations = clip.positions.copy(), clip.rotations.copy()
        for gap in [gap for gap in gaps if not gap.filled]:
            span = slice(gap.start, gap.stop)
            positions[span], rotations[span] = (
                one.recorded.positions[span],
                one.recorded.rotations[span],
            )
        clip = replace(clip, positions=positions, rotations=rotations)
        row.gaps = [
            (gap.start / rate, len(gap) / rate, int(gap.joints.sum()), gap.filled) for gap in gaps
        ]
        left = sum(not gap.filled for gap in gaps)
        if wanted.fill and left:
            row.notes.append(
                f"{left} gaps are longer than {wanted.longest_s:g} s or have no side that is "
                "known: they are left as they were recorded."
            )
        if wanted.feet:
            loose = clip
            clip = skate.without_skate(loose)
            row.skate_before_cm_s = _cm_s(skate.skating_mps(loose, loose))
            row.skate_after_cm_s = _cm_s(skate.skating_mps(clip, loose))
        if wanted.rate_hz is not None:
            clip = resampled(clip, wanted.rate_hz)
        if wanted.skeleton != OWN:
            clip = _on(wanted.skeleton, clip)
        row.rate_hz = clip.rate_hz
        every = max(1, round(clip.rate_hz / 10.0))
        row.height_m = np.round(clip.positions[::every, 0, 1], 3).tolist()
        for suffix in wanted.to:
            file = out / f"{name}.{suffix}"
            file.parent.mkdir(parents=True, exist_ok=True)
            exporter(file).write(file, clip)
            row.files.append(str(file.relative_to(out)))
    except UnderstudyError as error:
        row.error = str(error)
    return row


def _cm_s(mps: float | None) -> float | None:
    return None if mps is None else round(100.0 * mps, 3)


def resampled(clip: Clip, rate_hz: float) -> Clip:
    """The clip at another rate, interpolated."""
    count = max(1, int(np.floor((len(clip) - 1) / clip.rate_hz * rate_hz + 1e-6)) + 1)
    at = np.arange(count) * (clip.rate_hz / rate_hz)
    one = np.clip(np.floor(at + 1e-9).astype(int), 0, len(clip) - 1)
    two = np.minimum(one + 1, len(clip) - 1)
    share = np.clip(at - one, 0.0, 1.0)
    positions = clip.positions[one] + share[:, None, None] * (
        clip.positions[two] - clip.positions[one]
    )
    turns = np.broadcast_to(share[:, None], (count, len(clip.skeleton)))
    rotations = rotation.slerp(clip.rotations[one], clip.rotations[two], turns)
    return replace(
        clip, positions=positions, rotations=rotations, frame_time_s=1.0 / rate_hz, raw=None
    )


def _on(skeleton: str, clip: Clip) -> Clip:
    """The clip on the performer, or on the character of a file."""
    try:
        if skeleton != OURS:
            return replace(upright(carried(clip, figures.load(skeleton))), name=clip.name)
        retarget = Retarget(clip.skeleton, PERFORMER)
    except NotHumanoid as error:
        raise UnderstudyError(f"{clip.name} cannot be retargeted. {error}") from None
    positions, rotations = retarget.grounded(clip.positions, clip.rotations, clip.rate_hz)
    return Clip(PERFORMER, positions, rotations, clip.frame_time_s, clip.name)


def outcome(done: Done) -> str:
    """One line for people."""
    if done.error:
        return done.error
    words = []
    for row in done.rows:
        if row.error:
            words.append(f"{row.subject}: {row.error}")
            continue
        filled = [gap for gap in row.gaps if gap[3]]
        said = f"{row.subject}: {row.seconds:.1f} s"
        if filled:
            said += f", {len(filled)} gaps filled ({sum(gap[1] for gap in filled):.2f} s)"
        if row.skate_before_cm_s is not None and row.skate_after_cm_s is not None:
            said += f", planted feet {row.skate_before_cm_s:.1f} -> {row.skate_after_cm_s:.1f} cm/s"
        words.append(said)
    return "; ".join(words)


def failed(done: Done) -> bool:
    return bool(done.error or any(row.error for row in done.rows))


def told(done: Done) -> dict[str, Any]:
    """For `--json`."""
    return dict(msgspec.to_builtins(done))
