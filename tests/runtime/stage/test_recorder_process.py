"""The recorder beside a stage: whoever is killed, what was performed is in the take."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import psutil
import pytest

from understudy.bridge import ControlClient, Subscriber
from understudy.runtime.bench.processes import StageProcess
from understudy.runtime.takes.contents import contents
from understudy.runtime.takes.take_reader import TakeReader

PATIENCE_S = 30.0


def recorder_of(stage: StageProcess) -> psutil.Process:
    return next(
        child
        for child in psutil.Process(stage.process.pid).children()
        if "record" in child.cmdline()
    )


def follow(stage: StageProcess, frames: int) -> int:
    """The tick of the last of so many frames."""
    with Subscriber(stage.publish, timeout_s=PATIENCE_S) as subscriber:
        return [frame.sequence for frame, _ in zip(subscriber, range(frames))][-1]


def ended(process: psutil.Process) -> None:
    psutil.wait_procs([process], timeout=PATIENCE_S)
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("who", ["stage", "recorder", "both", "hangup"])
def test_after_a_kill_all_but_the_last_tenth_of_a_second_is_there(pad, tmp_path, who):
    take = tmp_path / "take.mcap"
    with StageProcess("--pad", pad, "--record", take, "--no-realtime") as stage:
        recorder = recorder_of(stage)
        tick = follow(stage, 60)
        if who in ("recorder", "both"):
            recorder.kill()
        if who in ("stage", "both"):
            stage.process.kill()
        if who == "hangup":
            stage.process.send_signal(signal.SIGHUP)
        ended(recorder)
        if who == "recorder":
            again = take.with_name("take-2.mcap")
            deadline_s = time.monotonic() + PATIENCE_S
            while not again.exists() and time.monotonic() < deadline_s:
                follow(stage, 5)
            with ControlClient(stage.control) as client:
                assert client.stats()["recorder_restarted"] == 1
                written = client.record(start=False)["written"]
            assert sorted(Path(path).name for path in written) == ["take-2.mcap", "take.mcap"]
            assert contents(again).complete
    found = contents(take)
    # 0.1 s is six frames, and the recorder may hear a frame a little after another subscriber.
    ticks = [one[0].sequence for one in TakeReader(take).frames() if isinstance(one, tuple)]
    assert len(ticks) == found.frames and ticks[-1] >= tick - 8
    assert found.lost == 0 and found.subjects.keys() == {"pad"}
    assert found.complete == (who in ("stage", "hangup"))


def test_the_bvh_of_a_recorder_that_was_killed_is_of_both_its_takes(pad, tmp_path):
    bvh = tmp_path / "take.bvh"
    with StageProcess("--pad", pad, "--record", bvh, "--no-realtime") as stage:
        recorder = recorder_of(stage)
        follow(stage, 60)
        recorder.kill()
        ended(recorder)
        again = bvh.with_name("take-2.mcap")
        deadline_s = time.monotonic() + PATIENCE_S
        while not again.exists() and time.monotonic() < deadline_s:
            follow(stage, 5)
        follow(stage, 60)
        with ControlClient(stage.control) as client:
            written = client.record(start=False)["written"]
    names = ["take-2.mcap", "take.bvh", "take.mcap"]
    assert sorted(Path(path).name for path in written) == names
    one, two = (contents(bvh.with_name(name)) for name in ("take.mcap", "take-2.mcap"))
    said = json.loads(bvh.with_suffix(".json").read_text())
    played = said["frames"] - sum(last - first + 1 for first, last in said["gaps"])
    assert one.frames < played <= one.frames + two.frames and said["gaps"]
