"""`understudy takeover`: the file that comes out, the report, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import sentence
from tests.runtime.performer.rigs import bones_along_x, on, root_above_hips, walk
from tests.runtime.takes.bodies import stance, write_bvh
from understudy.runtime.cli.main import main
from understudy.runtime.core import rotation
from understudy.runtime.core.skeleton import Skeleton
from understudy.runtime.takes import bvh
from understudy.runtime.takes.clip import Clip


@pytest.fixture(scope="module")
def take(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("take") / "walk.bvh"
    bvh.write(path, walk(5.0, 30.0))
    return path


def values(path: Path) -> list[list[str]]:
    """The channel values of every frame, as they are written."""
    lines = path.read_text().splitlines()
    return [line.split() for line in lines[lines.index("MOTION") + 3 :]]


def test_outside_the_window_the_text_is_the_same(take, tmp_path, capsys):
    out = tmp_path / "out.bvh"
    assert main(["takeover", str(take), str(out), "--drop", "2.0-2.5", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    before, after = values(take), values(out)
    assert len(after) == len(before) == report["frames"]
    drop = report["drops"][0]
    first, back = round(2.0 * 30), round(drop["handed_back_s"] * 30)
    assert before[:first] == after[:first]
    assert before[back:] == after[back:]
    assert 2.5 < drop["handed_back_s"] < 3.4
    assert before[first : first + 15] != after[first : first + 15]
    assert drop["frames"] == 15 and drop["states"] == {"TAKEOVER": 15}
    assert drop["error_cm"] < drop["baselines_cm"]["hold"]
    assert drop["expected_cm"] > 0.0
    head = take.read_text().split("MOTION")[0]
    assert out.read_text().split("MOTION")[0] == head


def test_angles_do_not_jump_by_whole_turns(take, tmp_path):
    out = tmp_path / "out.bvh"
    assert main(["takeover", str(take), str(out), "--drop", "1.5-2.5"]) == 0
    angles = np.array(values(out), float)[:, 3:]
    assert np.abs(np.diff(angles, axis=0)).max() < 60.0


def test_only_the_named_joints_change(take, tmp_path):
    out = tmp_path / "out.bvh"
    argv = ["takeover", str(take), str(out), "--drop", "2.0-2.5:LeftArm,LeftForeArm,LeftHand"]
    assert main(argv) == 0
    one, two = bvh.read(take), bvh.read(out)
    changed = (one.rotations != two.rotations).any(axis=(0, 2))
    names = {name for name, is_changed in zip(one.skeleton.names, changed) if is_changed}
    assert names == {"LeftArm", "LeftForeArm", "LeftHand"}
    assert (one.positions == two.positions).all()


def test_several_windows_and_a_stop(take, tmp_path, capsys):
    out = tmp_path / "out.bvh"
    argv = ["takeover", str(take), str(out), "--drop", "1-1.2", "--drop", "2-4.9"]
    assert main([*argv, "--stop-after", "0.5"]) == 0
    told = capsys.readouterr().out
    assert "standing" in told or "stopping" in told
    assert len(values(out)) == 150


def test_the_end_of_the_file_may_be_lost(take, tmp_path):
    out = tmp_path / "out.bvh"
    assert main(["takeover", str(take), str(out), "--drop", "4.5-9"]) == 0
    assert len(values(out)) == 150


def test_jitter_is_told_and_repeats(take, tmp_path, capsys):
    first, second = tmp_path / "a.bvh", tmp_path / "b.bvh"
    for out in (first, second):
        argv = ["takeover", str(take), str(out), "--jitter", "0.1", "--seed", "4", "--json"]
        assert main(argv) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[0])
    assert report["jitter"]["out_of_order"] > 0
    assert report["jitter"]["error_cm"] < 5.0
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("rig", [bones_along_x, root_above_hips])
def test_files_of_other_laboratories(rig, tmp_path, capsys):
    source, out = tmp_path / "in.bvh", tmp_path / "out.bvh"
    bvh.write(source, on(rig(), walk(5.0, 30.0)))
    assert main(["takeover", str(source), str(out), "--drop", "2.0-2.5", "--json"]) == 0
    drop = json.loads(capsys.readouterr().out)["drops"][0]
    back = round(drop["handed_back_s"] * 30)
    before, after = values(source), values(out)
    assert before[:60] == after[:60] and before[back:] == after[back:]
    assert drop["error_cm"] < 0.5 * drop["baselines_cm"]["hold"]


def test_what_comes_later_in_the_file_changes_nothing_before(tmp_path):
    """Also where the rest pose must be told from the motion itself."""
    clip = on(bones_along_x(), walk(5.0, 30.0))
    outs = []
    for n, turn in enumerate((0.0, 0.4)):
        rotations = clip.rotations.copy()
        about = rotation.from_axis_angle(np.array([1.0, 0, 0]), turn)
        rotations[90:] = rotation.multiply(rotations[90:], about)
        source, out = tmp_path / f"in{n}.bvh", tmp_path / f"out{n}.bvh"
        bvh.write(source, Clip(clip.skeleton, clip.positions, rotations, clip.frame_time_s))
        assert main(["takeover", str(source), str(out), "--drop", "2.0-2.9"]) == 0
        outs.append(values(out)[:90])
    assert outs[0] == outs[1]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--drop", "2.0-2.5:LeftWing"], "LeftWing"),
        (["--drop", "9-10"], "9-10"),
        (["--drop", "2-3", "--drop", "2.5-3.5"], "overlaps"),
        (["--drop", "2-3", "--drop", "2.5-3.5:Head"], "overlaps"),
        (["--drop", "3-2"], "3-2"),
        (["--drop", "-1-2"], "-1-2"),
        (["--drop", "0-1"], "before it"),
        (["--drop", "2.001-2.002"], "no frame"),
        (["--drop", "soon"], "soon"),
        ([], "Nothing is dropped"),
        (["--drop", "2-3", "--stop-after", "0"], "0 s"),
        (["--jitter", "-0.1"], "-0.1"),
    ],
)
def test_windows_that_mean_nothing_are_refused(take, tmp_path, capsys, words, told):
    out = tmp_path / "out.bvh"
    words = [f"{words[0]}={words[1]}", *words[2:]] if words else []
    assert main(["takeover", str(take), str(out), *words]) == 2
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_paths_that_cannot_be_are_refused(take, tmp_path, capsys):
    before = take.read_bytes()
    drop = ["--drop", "2-3"]
    for argv, told in (
        ([str(take), str(take), *drop], "input itself"),
        ([str(take), str(tmp_path / "none" / "out.bvh"), *drop], "no folder"),
        ([str(take), str(tmp_path), *drop], "is a folder"),
        ([str(tmp_path / "none.bvh"), str(tmp_path / "out.bvh"), *drop], "cannot be read"),
    ):
        assert main(["takeover", *argv]) == 2
        assert told in capsys.readouterr().err
    assert take.read_bytes() == before
    assert not list(tmp_path.iterdir())


def test_what_is_no_humanoid_is_refused(tmp_path, understudy):
    skeleton = Skeleton(("base", "link"), np.array([-1, 0]), np.array([[0.0, 0, 0], [0, 1.0, 0]]))
    source, out = tmp_path / "arm.bvh", tmp_path / "out.bvh"
    still = np.repeat(skeleton.rest_positions[None], 60, axis=0)
    bvh.write(source, Clip(skeleton, still, rotation.identity((60, 2)), 1 / 30))
    done = understudy("takeover", source, out, "--drop", "1-1.5")
    assert "no humanoid" in sentence(done)
    assert not out.exists()


def test_a_file_of_another_world_is_written_back_into_it(tmp_path, capsys):
    positions, rotations = stance(90, travel_m=2.0)
    take, out = tmp_path / "far.bvh", tmp_path / "out.bvh"
    write_bvh(take, positions, rotations, unit_m=1.0, motion_up="Z", root_unit_m=0.01,
              origin_m=(0.0, 0.0, 0.0))  # fmt: skip
    assert main(["takeover", str(take), str(out), "--drop", "1.0-1.5", "--json"]) == 0
    file = json.loads(capsys.readouterr().out)["file"]
    assert file["up"] == "Z" and any("taken for up" in note for note in file["notes"])
    one, two = np.array(values(take), float), np.array(values(out), float)
    gap = slice(30, 45)
    assert np.allclose(one[:30], two[:30]) and np.allclose(one[75:], two[75:])
    # What was acted goes on where the source was: in centimetres, along the file's axes.
    assert np.abs(one[gap, :3] - two[gap, :3]).max() < 40.0
    assert two[gap, 2] == pytest.approx(one[gap, 2], abs=15.0)
    assert (one[gap] != two[gap]).any()
