"""Recording beside the loop: lateness with it and without, and a rehearsed shoot with kills."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from understudy.bridge import ControlClient
from understudy.runtime.bench.processes import StageProcess
from understudy.runtime.core import rotation
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.takes import bvh
from understudy.runtime.takes.clip import Clip

from .figure import Figure
from .shoot import Report, shoot
from .witness import Sent, Witness, lateness_ms, start_ns

JOINTS, SUBJECTS, RATE_HZ = 60, 8, 120
WHERE = f"{SUBJECTS} subjects of {JOINTS} joints at {RATE_HZ} Hz"
# A file that was closed ends so.
MAGIC = b"\x89MCAP0\r\n"
# A stage's first second is another's: caches fill, and a recorder is started.
WARM_S = 2.0


@dataclass(frozen=True)
class Length:
    """How long what is done: runs with recording and without, the long take, the shoot."""

    run_s: float
    pairs: int
    take_s: float
    shoot_s: float
    rounds: int


LONG = Length(60.0, 3, 600.0, 600.0, 6)
QUICK = Length(5.0, 1, 20.0, 36.0, 5)


def measure(quick: bool) -> list[Figure]:
    """Lateness of a loop that records beside one that does not, in turns; then the shoot."""
    length = QUICK if quick else LONG
    with tempfile.TemporaryDirectory() as folder:
        source = _source(Path(folder) / "source.bvh")
        figures = [
            *_lateness(source, Path(folder), length, realtime=True),
            *_lateness(source, Path(folder), length, realtime=False),
        ]
    with tempfile.TemporaryDirectory() as folder:
        report = shoot(Path(folder), length.shoot_s, length.rounds)
    return [*figures, *_told(report)]


@dataclass
class _Run:
    """late_ms of every tick while it ran; and of a long take: while it was closed and exported."""

    late_ms: np.ndarray
    closing_ms: np.ndarray
    close_s: float = 0.0
    export_s: float = 0.0
    skipped: int = 0
    priority: str = ""


def _lateness(source: Path, folder: Path, length: Length, realtime: bool) -> list[Figure]:
    """Runs in turns; the long take is in their midst."""
    without: list[_Run] = []
    recorded: list[_Run] = []
    long: _Run | None = None
    for pair in range(length.pairs):
        without.append(_run(source, None, length.run_s, realtime))
        recorded.append(_run(source, folder / "take.mcap", length.run_s, realtime))
        if pair == length.pairs // 2:
            long = _run(source, folder / "long.bvh", length.take_s, realtime)
    without.append(_run(source, None, length.run_s, realtime))
    assert long is not None
    p99 = {
        "not recording": [_p99(run.late_ms) for run in without],
        "recording": [_p99(run.late_ms) for run in (*recorded, long)],
        "closing and exporting": [_p99(long.closing_ms)],
    }
    priority = long.priority
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    where = (
        f"{WHERE}, priority {priority}, {length.pairs} pairs of {length.run_s:g} s, a take of "
        f"{length.take_s:g} s, {os.cpu_count()} cores, load {load:.1f}"
    )
    base = max(1e-3, float(np.median(p99["not recording"])))
    figures = []
    for name, values in p99.items():
        value = float(np.median(values))
        scatter = f"{where}; {min(values):.3g} to {max(values):.3g}"
        figures.append(Figure(f"lateness p99, {name}", value, "ms", "", None, scatter))
        if name != "not recording":
            ratio = value / base
            said = f"{name} over not recording"
            figures.append(Figure(said, ratio, "", "<= 1.2", ratio <= 1.2, where))
    skipped = sum(run.skipped for run in (*recorded, long))
    never = sum(run.skipped for run in without)
    return [
        *figures,
        Figure("ticks skipped, not recording", never, "ticks", "", None, where),
        Figure("ticks skipped, recording", skipped, "ticks", "", None, where),
        Figure("closing the take", long.close_s, "s", "< 1 s", long.close_s < 1.0, where),
        Figure("exporting it, at low priority", long.export_s, "s", "", None, where),
    ]


def _p99(late_ms: np.ndarray) -> float:
    return float(np.percentile(late_ms, 99))


def _run(source: Path, take: Path | None, seconds: float, realtime: bool) -> _Run:
    """One stage; it records from its first tick on where a take is named."""
    words: list[object] = ["--bvh", source, "--copies", SUBJECTS, "--rate", RATE_HZ]
    words += ["--no-takeover"] + ["--no-realtime"] * (not realtime)
    words += [] if take is None else ["--record", take]
    with StageProcess(*words, seconds=seconds + 3600.0) as stage:
        witness = Witness(stage.publish)
        time.sleep(WARM_S)
        begun_ns = time.monotonic_ns()
        time.sleep(seconds)
        done_ns = closed_ns = made_ns = time.monotonic_ns()
        with ControlClient(stage.control) as client:
            if take is not None:
                closing = _Closing(take.with_suffix(".mcap"))
                client.record(False)
                made_ns = time.monotonic_ns()
                closed_ns = closing.done_ns()
            stats = client.stats()
        witness.close()
    for old in (folder := source.parent).iterdir():
        if old != source and old.is_relative_to(folder):
            old.unlink()
    frames = list(witness.newest.values())
    due_ns = start_ns(frames, RATE_HZ)

    def late(begin_ns: int, end_ns: int) -> np.ndarray:
        within = [one for one in frames if begin_ns <= one.capture_ns < end_ns]
        return lateness_ms(within, RATE_HZ, due_ns)

    return _Run(
        late(begun_ns, done_ns), late(done_ns, made_ns), (closed_ns - done_ns) / 1e9,
        (made_ns - closed_ns) / 1e9, _skipped(frames, begun_ns, made_ns), stats["priority"],
    )  # fmt: skip


def _skipped(frames: list[Sent], begin_ns: int, end_ns: int) -> int:
    ticks = [one.sequence for one in frames if begin_ns <= one.capture_ns < end_ns]
    return ticks[-1] - ticks[0] + 1 - len(ticks)


class _Closing(threading.Thread):
    """Looks at a take until it has its end."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self._path, self._at_ns = path, 0
        self.start()

    def run(self) -> None:
        until_s = time.monotonic() + 60.0
        while time.monotonic() < until_s:
            with self._path.open("rb") as file:
                if file.seek(0, os.SEEK_END) > 2 * len(MAGIC):
                    file.seek(-len(MAGIC), os.SEEK_END)
                    if file.read() == MAGIC:
                        self._at_ns = time.monotonic_ns()
                        return
            time.sleep(0.005)

    def done_ns(self) -> int:
        """When that was."""
        self.join()
        return self._at_ns


def _told(report: Report) -> list[Figure]:
    where = (
        f"{report.seconds:g} s in {report.rounds} rounds, MVN (two actors), Rokoko, VMC and Live "
        "Link Face over a bad network, four listeners"
    )
    kills = len(report.restarts_s)
    for fault in report.faults:
        where += f"; {fault}"
    return [
        Figure("frames outside of what kills allow", report.sent, "", "", None, where),
        Figure("of them not in a take as sent", report.missing, "", "0", not report.missing, where),
        Figure("packets in the takes", report.packets, "", "", None, where),
        Figure("most that a kill cost before it", report.cut_ms, "ms", "<= 100 ms",
               report.cut_ms <= 100.0, where),
        Figure("nothing recorded after a recorder's kill", max(report.restarts_s, default=0.0), "s",
               "", None, f"{kills} kills"),
        Figure("recorder, growth of memory", report.grown_mb, "MB", "< 20 MB",
               report.grown_mb < 20.0, where),
        Figure("closing a take", report.close_s, "s", "< 1 s", report.close_s < 1.0, where),
        Figure("poses solved again from packets", report.solved, "", "", None, where),
        Figure("exports off the take", 1e3 * report.exported_off_m, "mm", "<= 0.1 mm",
               report.exported_off_m <= 1e-4, where),
        Figure("faults", len(report.faults), "", "0", not report.faults, where),
    ]  # fmt: skip


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
