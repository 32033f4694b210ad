"""The recorder beside a stage: whoever is killed, what was performed is in the take."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import psutil
import pytest

from tests.conftest import FREE_PORTS
from understudy.bridge import ControlClient, Subscriber
from understudy.runtime.bench.processes import StageProcess, hangs_up
from understudy.runtime.takes import motion_file
from understudy.runtime.takes.contents import contents
from understudy.runtime.takes.take_motion import load
from understudy.runtime.takes.take_reader import TakeReader

PATIENCE_S = 30.0


def recorders_of(stage: StageProcess) -> list[psutil.Process]:
    """The one that records, and who stands by."""
    children = psutil.Process(stage.process.pid).children()
    there = [child for child in children if "record" in child.cmdline()]
    return sorted(there, key=lambda child: child.create_time())


def recorder_of(stage: StageProcess) -> psutil.Process:
    return recorders_of(stage)[0]


def follow(stage: StageProcess, frames: int) -> int:
    """The tick of the last of so many frames."""
    with Subscriber(stage.publish, timeout_s=PATIENCE_S) as subscriber:
        return [frame.sequence for frame, _ in zip(subscriber, range(frames))][-1]


def sent(take: Path) -> list[int]:
    """Which of the frames that the stage sent are in a take."""
    return [one[1].published for one in TakeReader(take).frames() if isinstance(one, tuple)]


def ticks(take: Path) -> list[int]:
    return [one[0].sequence for one in TakeReader(take).frames() if isinstance(one, tuple)]


def standing_by(stage: StageProcess) -> None:
    """Until a second recorder hears the stage, and has for a while."""
    until_s = time.monotonic() + PATIENCE_S
    while len(recorders_of(stage)) < 2 and time.monotonic() < until_s:
        follow(stage, 5)
    spare = recorders_of(stage)[1]
    while not spare.net_connections() and time.monotonic() < until_s:
        follow(stage, 5)
    follow(stage, 30)


def ended(process: psutil.Process) -> None:
    psutil.wait_procs([process], timeout=PATIENCE_S)
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("who", ["stage", "recorder", "both", "hangup"])
def test_after_a_kill_all_but_the_last_tenth_of_a_second_is_there(pad, tmp_path, who):
    if who == "hangup" and not hangs_up():
        pytest.skip("these tests run under nohup, which a hangup does not end")
    take = tmp_path / "take.mcap"
    with StageProcess("--pad", pad, "--record", take, "--no-realtime") as stage:
        recorder = recorder_of(stage)
        tick = follow(stage, 60)
        if who == "recorder":
            standing_by(stage)
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
            both = sorted({*sent(take), *sent(again)})
            assert both == list(range(both[0], both[-1] + 1)), "another took over at once"
    found = contents(take)
    # 0.1 s is six frames, and the recorder may hear a frame a little after another subscriber.
    there = ticks(take)
    assert len(there) == found.frames and there[-1] >= tick - 8
    assert found.lost == 0 and found.subjects.keys() == {"pad"}
    assert found.complete == (who in ("stage", "hangup"))


def test_the_bvh_of_a_recorder_that_was_killed_is_of_both_its_takes(pad, tmp_path):
    bvh = tmp_path / "take.bvh"
    with StageProcess("--pad", pad, "--record", bvh, "--no-realtime") as stage:
        recorder = recorder_of(stage)
        follow(stage, 60)
        standing_by(stage)
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
    parts = [bvh.with_name(name) for name in ("take.mcap", "take-2.mcap")]
    both = load(parts)
    assert len(motion_file.read(bvh)) == len(both) > max(len(load(part)) for part in parts)
    assert any(contents(part).skipped for part in parts) or not both.gaps


def test_who_listens_to_a_stage_that_records_hears_frames_and_nothing_else(pad, tmp_path):
    with StageProcess("--pad", pad, "--record", tmp_path / "take.mcap", "--no-realtime") as stage:
        with Subscriber(stage.publish, timeout_s=PATIENCE_S) as subscriber:
            assert len(list(zip(range(30), subscriber))) == 30
            assert subscriber.statistics.malformed == 0


def test_record_with_the_suffix_of_a_scene_writes_the_take_and_the_scene(understudy, pad, tmp_path):
    scene, stage = tmp_path / "take.glb", ("stage", "--pad", pad, "--no-realtime", *FREE_PORTS)
    done = understudy(*stage, "--record", scene, "--seconds", 1)
    assert done.returncode == 0, done.stderr
    assert f"wrote {scene}" in done.stdout
    assert contents(tmp_path / "take.mcap").complete
    assert len(motion_file.read(scene)) == len(load(tmp_path / "take.mcap"))


def test_record_with_a_suffix_that_nobody_writes_is_refused_before_anything_starts(
    understudy, pad, tmp_path
):
    done = understudy("stage", "--pad", pad, "--record", tmp_path / "take.xyz", *FREE_PORTS)
    assert done.returncode == 2 and "has the suffix .xyz" in done.stderr
    assert not list(tmp_path.glob("take*"))
