"""A folder cleaned up: gaps and feet, once and not again, and a page that says what was done."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.runtime.performer.rigs import walk
from understudy.runtime.takes import bvh
from understudy.runtime.takes.clip import Clip
from understudy.runtime.takes.processing import batch
from understudy.runtime.takes.processing.job import Wanted, record, resampled

HELD = (100, 130)


@pytest.fixture(scope="module")
def shoot(tmp_path_factory) -> Path:
    """A walk, the same with half a second in which whoever recorded it held the last pose, and
    what is no motion at all."""
    folder = tmp_path_factory.mktemp("shoot")
    whole = walk()
    bvh.write(folder / "whole.bvh", whole)
    positions, rotations = whole.positions.copy(), whole.rotations.copy()
    positions[slice(*HELD)], rotations[slice(*HELD)] = positions[99], rotations[99]
    (folder / "day 2").mkdir()
    held = Clip(whole.skeleton, positions, rotations, whole.frame_time_s, "held")
    bvh.write(folder / "day 2" / "held.bvh", held)
    (folder / "broken.bvh").write_text("HIERARCHY\nROOT a\n{\n")
    return folder


def process(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "understudy.runtime.cli.main", "take", "process", *map(str, words)],
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def cleaned(shoot, tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    out = tmp_path_factory.mktemp("out") / "clean"
    return out, process(shoot, "--out", out, "--json", "--jobs", 2)


def test_held_poses_are_filled_and_one_bad_file_costs_itself_alone(shoot, cleaned):
    out, done = cleaned
    assert done.returncode == 1
    assert "1 of 3 files failed" in done.stderr and "Traceback" not in done.stderr
    told = {Path(row["source"]).stem: row for row in map(json.loads, done.stdout.splitlines())}
    assert told["broken"]["error"] and not told["whole"]["rows"][0]["gaps"]
    (gap,) = told["held"]["rows"][0]["gaps"]
    assert gap[3] and gap[1] == pytest.approx(0.5, abs=0.02)
    truth, held, clean = (
        bvh.read(path)
        for path in (
            shoot / "whole.bvh",
            shoot / "day 2" / "held.bvh",
            out / "day 2" / "held.bvh",
        )
    )
    span = slice(*HELD)
    worlds = [clip.skeleton.globals(clip.positions, clip.rotations)[0] for clip in (held, clean)]
    true = truth.skeleton.globals(truth.positions, truth.rotations)[0]
    was, now = (np.linalg.norm(world - true, axis=-1)[span].mean() for world in worlds)
    assert now < 0.4 * was
    page = (out / "report.html").read_text()
    assert "class=filled" in page and "held.bvh" in page and told["broken"]["error"][:20] in page
    assert not list(out.rglob("*.part"))


def test_what_was_done_is_not_done_again_but_when_something_changes(shoot, cleaned):
    out, _ = cleaned
    before = (out / "whole.bvh").stat().st_mtime_ns
    again = process(shoot, "--out", out, "--json")
    assert again.returncode == 1 and (out / "whole.bvh").stat().st_mtime_ns == before
    found, wanted = batch.files(shoot / "whole.bvh"), Wanted(feet=False)
    batch.run(found, out, wanted)
    assert (out / "whole.bvh").stat().st_mtime_ns > before


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_killed_run_leaves_nothing_half_written_and_goes_on(shoot, tmp_path):
    words = [sys.executable, "-m", "understudy.runtime.cli.main", "take", "process", str(shoot)]
    run = subprocess.Popen(
        [*words, "--out", str(tmp_path / "out"), "--jobs", "1"], start_new_session=True
    )
    first = record(tmp_path / "out", "broken")
    until_s = time.monotonic() + 60.0
    while not first.exists() and time.monotonic() < until_s:
        time.sleep(0.002)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    for path in (tmp_path / "out").rglob("*.bvh"):
        bvh.read(path)
    assert process(shoot, "--out", tmp_path / "out", "--jobs", 1).returncode == 1
    assert {p.name for p in (tmp_path / "out").rglob("*.bvh")} == {"whole.bvh", "held.bvh"}


def test_another_rate_keeps_the_frames_that_both_have():
    clip = walk()
    half = resampled(clip, clip.rate_hz / 2.0)
    np.testing.assert_allclose(half.positions, clip.positions[: 2 * len(half) : 2], atol=1e-9)
    odd = resampled(clip, 23.976)
    assert abs(odd.duration_s - clip.duration_s) < 2.0 / 23.976


def test_a_shoot_is_carried_over_to_a_character(shoot, tmp_path):
    walker = walk()
    bones = replace(walker.skeleton, rest_positions=1.2 * walker.skeleton.rest_positions)
    giant = Clip(bones, 1.2 * walker.positions, walker.rotations, walker.frame_time_s, "giant")
    bvh.write(tmp_path / "giant.bvh", giant)
    words = (shoot / "whole.bvh", "--out", tmp_path / "out", "--skeleton")
    done = process(*words, tmp_path / "giant.bvh")
    assert done.returncode == 0, done.stderr
    out = bvh.read(tmp_path / "out" / "whole.bvh")
    assert set(out.skeleton.names) == set(bones.names) and len(out) == len(walker)
    for one in bones.names[1:]:
        rest = [rig.rest_positions[rig.names.index(one)] for rig in (out.skeleton, bones)]
        np.testing.assert_allclose(*rest, atol=1e-4)
    # A character that was changed is another one: what is done is done anew.
    bvh.write(tmp_path / "giant.bvh", walker)
    assert process(*words, tmp_path / "giant.bvh").returncode == 0
    again = bvh.read(tmp_path / "out" / "whole.bvh")
    assert again.skeleton.rest_globals[0][:, 1].max() < out.skeleton.rest_globals[0][:, 1].max()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere", "--out", "out"], "There is no folder nowhere"),
        ([".", "--out", "."], "name another, so that takes stay"),
        ([".", "--out", "out", "--rate", "0"], "--rate is 0"),
        ([".", "--out", "out", "--to", "xyz"], "xyz"),
        ([".", "--out", "out", "--skeleton", "nobody.glb"], "There is no character nobody.glb"),
    ],
)
def test_what_cannot_be_is_one_sentence(words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bvh.write(tmp_path / "walk.bvh", walk())
    done = process(*words)
    assert done.returncode != 0 and said in done.stderr and "Traceback" not in done.stderr


def test_a_ray_cluster_of_two_workers_gives_the_same(shoot, tmp_path):
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    here, there = tmp_path / "here", tmp_path / "there"
    process(shoot, "--out", here, "--jobs", 1)
    done = process(shoot, "--out", there, "--ray", "local")
    assert done.returncode == 1, done.stderr
    for path in here.rglob("*.bvh"):
        assert path.read_bytes() == (there / path.relative_to(here)).read_bytes()
