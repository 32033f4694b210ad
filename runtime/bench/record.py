"""Recording beside the loop: lateness with it and without, memory, and how long a take closes."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from understudy.bridge import ControlClient
from understudy.runtime.bench.processes import StageProcess, resident_mb
from understudy.runtime.core import rotation
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.takes import bvh
from understudy.runtime.takes.clip import Clip

from .figure import Figure

JOINTS, SUBJECTS, RATE_HZ = 60, 8, 120
WHERE = f"{SUBJECTS} subjects of {JOINTS} joints at {RATE_HZ} Hz"


def measure(quick: bool) -> list[Figure]:
    """Runs that record and runs that do not, in turns."""
    seconds, pairs = (5.0, 1) if quick else (60.0, 3)
    with tempfile.TemporaryDirectory() as folder:
        source = _source(Path(folder) / "source.bvh")
        runs = [
            {record: _run(source, Path(folder), seconds, record) for record in (False, True)}
            for _ in range(pairs)
        ]
    with_s, without = ([run[which]["late_ms"] for run in runs] for which in (True, False))
    ratio = float(np.median(with_s)) / max(1e-3, float(np.median(without)))
    recorded = [run[True] for run in runs]
    close_s = max(run["close_s"] for run in recorded)
    grown_mb = max(run["grown_mb"] for run in recorded)
    where = f"{WHERE}, {pairs} pairs of {seconds:g} s"
    return [
        Figure("lateness p99, not recording", float(np.median(without)), "ms", "", None, where),
        Figure("lateness p99, recording", float(np.median(with_s)), "ms", "", None, where),
        Figure("the one through the other", ratio, "", "<= 1.2", ratio <= 1.2, where),
        Figure("closing a take", close_s, "s", "< 1 s", close_s < 1.0, where),
        Figure("recorder, growth of memory", grown_mb, "MB", "flat", grown_mb < 20.0, where),
    ]


def _run(source: Path, folder: Path, seconds: float, record: bool) -> dict[str, Any]:
    words = ["--bvh", source, "--copies", SUBJECTS, "--rate", RATE_HZ, "--no-takeover"]
    take = folder / "take.mcap"
    told: dict[str, Any] = {}
    with StageProcess(*words, seconds=seconds + 60.0) as stage:
        with ControlClient(stage.control) as client:
            if record:
                client.record(True, str(take))
                (recorder,) = psutil.Process(stage.process.pid).children()
                time.sleep(12.0 if seconds > 12.0 else 1.0)  # the pre-roll has filled by then
                settled_mb = resident_mb(recorder.pid)
            time.sleep(seconds)
            told["late_ms"] = client.stats()["lateness_ms"]["p99"]
            if record:
                told["grown_mb"] = resident_mb(recorder.pid) - settled_mb
                began_s = time.monotonic()
                client.record(False)
                told["close_s"] = time.monotonic() - began_s
    for old in folder.glob("*.mcap"):
        old.unlink()
    return told


def _source(path: Path) -> Path:
    """Ten seconds of a body of so many joints, each of which turns."""
    parents = np.array([-1, *(max(0, joint - 5) for joint in range(JOINTS - 1))])
    rest = np.tile((0.0, 0.1, 0.0), (JOINTS, 1))
    skeleton = Skeleton(tuple(f"joint{joint}" for joint in range(JOINTS)), parents, rest)
    time_s = np.arange(10 * RATE_HZ) / RATE_HZ
    swing = 0.3 * np.sin(time_s[:, None] + np.arange(JOINTS))
    axes = np.broadcast_to((1.0, 0.0, 0.0), (*swing.shape, 3))
    half = 0.5 * swing[..., None]
    rotations = rotation.normalize(np.concatenate([axes * np.sin(half), np.cos(half)], axis=-1))
    positions = np.broadcast_to(rest, (len(time_s), JOINTS, 3))
    bvh.write(path, Clip(skeleton, np.array(positions), rotations, 1.0 / RATE_HZ, "body"))
    return path
