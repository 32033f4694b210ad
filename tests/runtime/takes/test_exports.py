"""Exports of a take: tables, who is chosen, and what is never overwritten."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import sentence
from tests.runtime.takes.shoots import ANN, CURVES, Shoot, shoot
from understudy.runtime.characters import glb
from understudy.runtime.core.errors import Failure
from understudy.runtime.takes import motion_file, take_glb
from understudy.runtime.takes.scene_clip import Which
from understudy.runtime.takes.take_export import export, load


@pytest.fixture
def take(tmp_path: Path) -> Shoot:
    return shoot(tmp_path / "a.mcap", frames=50)


def table(path: Path) -> dict[str, list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    return dict(zip(head, map(list, zip(*rows, strict=True)), strict=True))


def test_tables_hold_bodies_faces_cameras_props_and_marks(take, tmp_path):
    files = {file.name: file for file in export(take.path, tmp_path / "t.csv").files}
    assert list(files) == [
        "t-ann.csv", "t-ben.csv", "t-camera-A_cam.csv", "t-prop-ball.csv",
        "t-markers.csv"]  # fmt: skip
    ann, camera = table(files["t-ann.csv"]), table(files["t-camera-A_cam.csv"])
    assert ann["timecode"] == [frame.timecode for frame in take.frames]
    curves = np.array([ann[f"curve.{name}"] for name in CURVES], float).T
    assert np.abs(curves - take.curves()).max() < 1e-6
    lens = [camera[name] for name in
            ("focal_mm", "sensor_width_mm", "sensor_height_mm", "focus_m", "iris")]  # fmt: skip
    assert np.abs(np.array(lens, float).T - take.lens()).max() < 1e-5
    at = np.array([table(files["t-prop-ball.csv"])[f"p{axis}_m"] for axis in "xyz"], float).T
    assert np.abs(at - take.rigid("props")[0]).max() < 1e-6
    assert table(files["t-ben.csv"])["there"] == ["0"] * 25 + ["1"] * 25
    marks = table(files["t-markers.csv"])
    assert marks["text"] == ["A cam", "he turns", "B cam"]
    assert marks["what"] == ["cut", "marker", "cut"] and marks["tick"] == ["0", "30", "45"]


def test_a_glb_says_timecode_lens_marks_and_who_was_not_there(take, tmp_path):
    (file,) = export(take.path, tmp_path / "t.glb").files
    tree, chunk = glb.read(file)
    said = tree["scenes"][0]["extras"]
    assert said["start_timecode"] == take.frames[0].timecode == "00:59:56:09"
    assert said["timecode_rate"] == "23.976" and said["slate"]["scene"] == "12A"
    assert said["markers"] == [{"row": 30, "text": "he turns"}]
    named = {node["name"]: node for node in tree["nodes"]}
    assert named["ben"]["extras"]["absent"] == [[0, 24]]
    assert np.allclose(named["A cam"]["extras"]["lens"]["focal_mm"], take.lens()[:, 0])
    keys_s = glb.array(tree, chunk, tree["animations"][0]["samplers"][0]["input"])[:, 0]
    assert np.array_equal(keys_s, (np.arange(50) / 60.0).astype("f4"))


def test_one_subject_alone_and_a_name_that_is_none(take, tmp_path, understudy):
    done = understudy(
        "take", "export", take.path, "--to", "bvh", "--out", tmp_path, "--subject", "ben"
    )
    assert done.returncode == 0 and [p.name for p in tmp_path.glob("*.bvh")] == ["a.bvh"]
    assert [t.name for t in load(take.path, subjects=["ben"]).tracks] == ["ben"]
    done = understudy(
        "take", "export", take.path, "--to", "bvh", "--out", tmp_path, "--subject", "x"
    )
    assert "no subject 'x'; it has ann, ben" in sentence(done)


def test_what_is_there_stays_and_the_new_file_s_name_is_said(take, tmp_path, understudy):
    words = ("take", "export", take.path, "--to", "csv", "--out", tmp_path, "--json")
    assert understudy(*words).returncode == 0
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    done = understudy(*words)
    said = json.loads(done.stdout)
    assert [Path(p).name for p in said["written"]][:2] == ["a-ann-2.csv", "a-ben-2.csv"]
    assert "a-ann.csv is there already and stays; this is a-ann-2.csv." in said["notes"][0]
    assert {path: path.read_bytes() for path in before} == before


def test_a_suffix_that_nobody_writes_names_all_that_are(take, tmp_path, understudy):
    done = understudy("take", "export", take.path, "--to", "maya", "--out", tmp_path)
    assert done.returncode == 2 and ".glb" in sentence(done)
    assert [p.name for p in tmp_path.iterdir()] == ["a.mcap"]


def test_a_file_that_cannot_be_written_leaves_nothing(take, tmp_path, understudy):
    place = tmp_path / "file"
    place.touch()
    for suffix in ("csv", "glb"):
        done = understudy("take", "export", take.path, "--to", suffix, "--out", place)
        assert done.returncode == 2 and "cannot be written" in sentence(done)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mcap", "file"]


def test_a_face_that_learns_a_curve_is_the_same_body(tmp_path):
    from dataclasses import replace

    take = shoot(tmp_path / "a.mcap", frames=10)
    track = load(take.path).tracks[0]
    track.faces[:5] = [(CURVES[:1], values[:1]) for _, values in track.faces[:5]]
    assert track.curve_names == CURVES
    expected = take.curves()
    expected[:5, 1:] = 0.0
    assert np.allclose(track.curves(), expected)
    assert track.skeleton.id == replace(ANN, curve_names=()).id


@pytest.mark.parametrize(
    ("suffix", "module", "hint"),
    [("usd", "pxr", "[usd]"), ("otio", "opentimelineio", "[editorial]")],
)
def test_a_package_that_is_not_installed_is_one_sentence(
    take, tmp_path, monkeypatch, suffix, module, hint
):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(Failure) as failed:
        export(take.path, tmp_path / f"a.{suffix}")
    assert hint in str(failed.value) and [p.name for p in tmp_path.iterdir()] == ["a.mcap"]


def test_fbx_without_blender_says_where_to_get_it(take, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("UNDERSTUDY_BLENDER_PYTHON", raising=False)
    monkeypatch.setattr("understudy.runtime.core.distribution.clone", lambda: None)
    with pytest.raises(Failure, match="install Blender"):
        export(take.path, tmp_path / "a.fbx")
    monkeypatch.setenv("UNDERSTUDY_BLENDER_PYTHON", "/nowhere/python")
    with pytest.raises(Failure, match="names /nowhere/python"):
        export(take.path, tmp_path / "a.fbx")
    monkeypatch.setenv("UNDERSTUDY_BLENDER_PYTHON", sys.executable)  # which has no bpy
    with pytest.raises(Failure, match="could not write"):
        export(take.path, tmp_path / "a.fbx")
    assert [p.name for p in tmp_path.iterdir()] == ["a.mcap"]


def test_a_take_of_nobody_says_so_and_a_camera_alone_is_a_scene(tmp_path, understudy):
    shoot(tmp_path / "none.mcap", frames=0)
    for suffix in ("bvh", "csv", "glb", "usd", "otio", "edl"):
        done = understudy(
            "take", "export", tmp_path / "none.mcap", "--to", suffix, "--out", tmp_path
        )
        assert "holds no subject" in sentence(done)
    take = shoot(tmp_path / "a.mcap", frames=5, late=9)
    motion = load(take.path)
    motion.tracks = []
    take_glb.write(tmp_path / "a.glb", motion)
    tree, _ = glb.read(tmp_path / "a.glb")
    assert [node["name"] for node in tree["nodes"]] == ["A cam", "ball"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.glb", "a.mcap", "none.mcap"]


def test_a_jump_between_two_ticks_stays_one_in_a_glb(tmp_path):
    """Keys are 32-bit seconds: what is asked for at a tick is that tick's, however far the next."""
    path = shoot(tmp_path / "a.mcap", frames=700).path
    motion = load(path)
    track = motion.tracks[0]
    for row, places in enumerate(track.positions):
        places[0] += (50.0 * (row % 2), 0.0, 0.0)
    take_glb.write(tmp_path / "jumps.glb", motion)
    clip = motion_file.read(tmp_path / "jumps.glb", which=Which(body="ann"))
    names = [clip.skeleton.names.index(name) for name in track.skeleton.names]
    found = clip.skeleton.globals(clip.positions, clip.rotations)[0][:, names]
    positions, rotations, _ = motion.poses(track)
    assert np.abs(found - track.skeleton.globals(positions, rotations)[0]).max() < 1e-4
