"""An hour of takes: four sources, losses, jitter, kills of stage and recorder, three listeners.

UNDERSTUDY_SOAK_S shortens it.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.runtime.takes.bodies import stance, write_bvh
from understudy.bridge import ControlClient, Subscriber
from understudy.runtime.bench.processes import StageProcess, free_ports, resident_mb
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.takes import bvh
from understudy.runtime.takes.contents import contents
from understudy.runtime.takes.take_export import export
from understudy.runtime.takes.take_motion import load
from understudy.runtime.takes.take_reader import TakeReader
from understudy.runtime.takes.trim import repair

SECONDS = float(os.environ.get("UNDERSTUDY_SOAK_S", "3600"))
RATE_HZ, SETTLES_S, GROWS_MB = 60, 15.0, 20.0
# The last 0.1 s before a kill, and what another listener hears sooner than the recorder.
LOST_S = 0.1 + 0.15


class Listener(threading.Thread):
    """Hears a stage until it falls silent: the ticks that came."""

    def __init__(self, address: str) -> None:
        super().__init__(daemon=True)
        self.address, self.last, self.frames = address, -1, 0

    def run(self) -> None:
        try:
            with Subscriber(self.address, timeout_s=20.0) as subscriber:
                for frame in subscriber:
                    self.last, self.frames = frame.sequence, self.frames + 1
        except UnderstudyError:
            return


def recorder_of(stage: StageProcess) -> psutil.Process:
    children = psutil.Process(stage.process.pid).children()
    return next(child for child in children if "record" in child.cmdline())


def performed(words: list[object], take: Path, seconds: float, kill: str) -> tuple[int, float]:
    """One stage that records until the end, or until somebody is killed; the last tick that was
    heard, and by how much the recorder grew."""
    with StageProcess(*words, "--record", take, "--no-realtime", seconds=seconds + 600.0) as stage:
        listeners = [Listener(stage.publish) for _ in range(3)]
        for one in listeners:
            one.start()
        time.sleep(min(SETTLES_S, 0.3 * seconds))
        recorder = recorder_of(stage)
        settled_mb = resident_mb(recorder.pid)
        time.sleep(seconds)
        grown_mb = resident_mb(recorder.pid) - settled_mb
        if kill == "recorder":
            recorder.kill()
            time.sleep(5.0)
        if kill == "stage":
            stage.process.kill()
            stage.process.wait()
            psutil.wait_procs([recorder], timeout=60.0)
        else:
            with ControlClient(stage.control) as client:
                client.record(start=False)
        last = max(one.last for one in listeners)
        assert all(one.frames > 0 for one in listeners)
    return last, grown_mb


@pytest.mark.slow
def test_an_hour_of_takes_loses_nothing_but_what_the_kills_allow(pad, tmp_path):
    film = tmp_path / "walk.bvh"
    write_bvh(film, *stance(240, travel_m=3.0))
    (port,) = free_ports(1)
    line = f"vmc://127.0.0.1:{port}"
    words: list[object] = [
        *("--pad", pad, "--from", f"{line}?name=ann"),
        *("--from", f"bvh://{film}?name=bob&drop=0.5-1.0&jitter=0.05"),
        *("--from", f"bvh://{film}?name=carl&drop=1.0-1.3:LeftArm"),
    ]
    left_s, round_, lost = SECONDS, 0, 0
    while left_s > 0.0:
        seconds, kill = min(600.0, SECONDS / 6.0), ("", "recorder", "stage")[round_ % 3]
        take = tmp_path / f"take{round_}.mcap"
        with StageProcess("--pad", pad, "--to", line, "--no-realtime", seconds=seconds + 700.0):
            last, grown_mb = performed(words, take, seconds, kill)
        assert grown_mb < GROWS_MB, (round_, grown_mb)
        found = contents(take)
        assert found.complete == (kill != "recorder"), (kill, found.damage)
        assert found.lost == 0
        assert {"ann", "bob", "carl", "pad"} <= found.subjects.keys()
        ticks = [one[0].sequence for one in TakeReader(take).frames() if isinstance(one, tuple)]
        if kill == "stage":
            assert last - ticks[-1] <= LOST_S * RATE_HZ, (last, ticks[-1])
        if kill == "recorder":
            again = contents(take.with_name(f"{take.stem}-2.mcap"))
            assert again.complete and again.frames > 0
            mended = contents(repair(take))
            assert mended.complete and mended.frames == found.frames
        lost += found.lost
        exported_is_recorded(take, tmp_path / f"out{round_}")
        for old in tmp_path.glob("take*.mcap"):
            old.unlink()
        left_s, round_ = left_s - seconds, round_ + 1
    assert round_ >= 6 and lost == 0


def exported_is_recorded(take: Path, out: Path) -> None:
    """A subject's BVH has the take's poses on the rows of its ticks."""
    motion = load(take)
    files = export(take, out / "x.bvh").files
    track = next(track for track in motion.tracks if track.name == "bob")
    clip = bvh.read(next(file for file in files if file.stem.endswith("bob")))
    rows = np.array(track.ticks) - motion.first
    places = track.skeleton.globals(np.array(track.positions), np.array(track.rotations))[0]
    there = clip.skeleton.globals(clip.positions, clip.rotations)[0][rows]
    names = [clip.skeleton.names.index(name) for name in track.skeleton.names]
    assert np.abs(there[:, names] - places).max() < 1e-4
