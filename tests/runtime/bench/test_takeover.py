"""`understudy bench takeover DIR`, and what it measures with."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.runtime.performer.rigs import walk
from understudy.runtime.bench import gap_trial, gaps, motion
from understudy.runtime.cli.main import main
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.takes import bvh
from understudy.runtime.takes.clip import Clip
from understudy.runtime.takes.processing import skate


def spinning(frames: int = 60, rate_hz: float = 30.0):
    """A body that goes along +X at 2 m/s while its head turns at 1 rad/s."""
    positions = np.repeat(PERFORMER.rest_positions[None], frames, axis=0)
    positions[:, 0, 0] += 2.0 * np.arange(frames) / rate_hz
    rotations = rotation.identity((frames, len(PERFORMER)))
    head = PERFORMER.index("Head")
    rotations[:, head] = rotation.from_yaw(np.arange(frames) / rate_hz)
    return positions, rotations, head


def test_the_baselines_are_what_they_are_called():
    positions, rotations, head = spinning()
    made = gaps.baselines(positions, rotations, 30, 30, 30.0)
    assert set(made) == set(gaps.BASELINES)
    last = positions[29, 0, 0]
    assert (made["hold"][0][:, 0, 0] == last).all()
    assert made["root coasts"][0][-1, 0, 0] == pytest.approx(last + 2.0)
    assert (made["root coasts"][1] == rotations[29]).all()
    for name, halflife_s in (("damped 0.15 s", 0.15), ("damped 0.5 s", 0.5)):
        p, q = made[name]
        speed = np.diff(p[:, 0, 0]) * 30.0
        assert speed[25] == pytest.approx(speed[10] * 0.5 ** (0.5 / halflife_s))
        assert 0.0 < rotation.yaw(q[-1, head]) - rotation.yaw(rotations[29, head]) < 1.0


def test_errors_seams_and_slides_of_known_motion():
    positions, rotations, _ = spinning()
    truth = gaps.world(PERFORMER, positions, rotations)
    moved = truth + np.array([0.03, 0.0, 0.04])
    error = gaps.errors_m(truth, moved, 0)
    assert error[0] == pytest.approx(0.05)
    assert error[1] == pytest.approx(0.0, abs=1e-12)
    still = np.zeros((10, len(PERFORMER), 3))
    sliding = still.copy()
    sliding[:, :, 0] += 0.1 * np.arange(10)[:, None]
    feet = skate.feet(PERFORMER)
    assert len(feet) == 4
    assert skate.slide(still, sliding, feet, 10.0) == pytest.approx(1.0)
    sliding[:, :, 1] += 0.03
    assert skate.slide(still, sliding, feet, 10.0) == pytest.approx(0.0)
    rng = np.random.default_rng(0)
    noisy = truth + rng.normal(0, 0.001, truth.shape)
    assert gaps.seam_ratio(noisy, noisy, [(0, 60)], 30.0) == pytest.approx(1.0)


def test_a_folder_is_measured_against_the_baselines(tmp_path, capsys):
    bvh.write(tmp_path / "walk.bvh", walk(5.0, 30.0))
    bvh.write(tmp_path / "short.bvh", walk(5.0, 30.0).cut(0, 12))
    assert main(["bench", "takeover", str(tmp_path), "--gaps", "0.25,0.5", "--json"]) == 0
    told = capsys.readouterr()
    summary = json.loads(told.out)
    assert summary["clips"] == 1 and "short.bvh" in told.err
    rows = [row for row in summary["errors"] if row["error"] == "world"]
    assert [row["gap_s"] for row in rows] == [0.25, 0.5]
    for row in rows:
        assert 0.0 < row["ours_m"] < row["baselines_m"]["hold"]
        assert row["best_m"] == min(row["baselines_m"].values())
        assert row["trust_m"] > 0.0
    assert summary["seam_ratio"]["worst"] > 0.0
    assert summary["limb_m"]["ours"] > 0.0 and summary["flicker"]["ours"] > 0.0
    assert list(summary["kinds"]) == ["walk"] and len(summary["refused"]) == 1
    assert "short.bvh" in summary["refused"][0] and "too short" in summary["refused"][0]


def still(seconds: float = 4.0, rate_hz: float = 30.0) -> Clip:
    """A body that stands and sways by some millimetres."""
    count = round(seconds * rate_hz)
    sway = 0.004 * np.sin(2.0 * np.pi * 0.4 * np.arange(count) / rate_hz)
    positions = np.repeat(PERFORMER.rest_positions[None], count, 0)
    positions[:, 0, 0] += sway
    rotations = rotation.identity((count, len(PERFORMER)))
    rotations[:, 0] = rotation.from_axis_angle([0.0, 0.0, 1.0], -sway / 0.9)
    return Clip(PERFORMER, positions, rotations, 1.0 / rate_hz, "still")


def test_kinds_are_told_by_how_a_body_moves():
    assert motion.kind(still()) == "idle"
    assert motion.kind(walk(5.0, 30.0)) == "walk"
    clip = still()
    up = clip.positions.copy()
    t = np.arange(20) / 30.0
    up[40:60, 0, 1] += np.maximum(3.0 * t - 4.905 * t * t, 0.0)
    assert motion.kind(replace(clip, positions=up)) == "jump"
    far = clip.positions.copy()
    far[:, 0, 2] += 3.0 * np.arange(len(far)) / 30.0
    assert motion.kind(replace(clip, positions=far)) == "run"
    waving = clip.rotations.copy()
    arm = PERFORMER.index("LeftArm")
    waving[:, arm] = rotation.from_yaw(1.2 * np.sin(np.arange(len(far)) / 3.0))
    waving[:, PERFORMER.index("Spine")] = waving[:, arm]
    assert motion.kind(replace(clip, rotations=waving)) == "act"


def test_a_body_that_stands_goes_on_standing():
    result = gap_trial.measure_clip(still(6.0), [0.25, 0.5, 1.0])
    for errors in result.errors.values():
        best_m = min(errors[name][0] for name in gaps.BASELINES)
        assert errors["ours"][0] < 1.1 * best_m + 0.0006  # a synthetic sway of millimetres
    assert result.errors[1.0]["ours"][0] < 0.006


def test_a_list_of_kinds_says_what_is_measured_and_in_which_row(tmp_path, capsys):
    for name in ("a", "b", "c"):
        bvh.write(tmp_path / f"{name}.bvh", walk(2.0, 30.0))
    kinds = tmp_path / "kinds.csv"
    kinds.write_text(f"file,kind\n{tmp_path.name}/a,stroll\nc,other\n")
    words = [str(tmp_path), "--kinds", str(kinds), "--gaps", "0.25"]
    assert main(["bench", "takeover", *words]) == 0
    told = capsys.readouterr().out
    assert "stroll" in told and "other" in told and "all             2" in told
    assert "refused: 0 of 2 files" in told and "worse than the best baseline" in told
    kinds.write_text("a\n")
    assert main(["bench", "takeover", *words]) == 2
    assert "file,kind" in capsys.readouterr().err


def test_every_clip_has_several_gaps():
    for seconds in (1.2, 3.0, 40.0):
        begin = gap_trial.starts(still(seconds), 0.25)
        assert 3 <= len(set(begin)) <= gap_trial.MOST_STARTS


@pytest.mark.parametrize(
    ("words", "told"),
    [(["nowhere"], "no folder"), (["."], "no BVH"), ([".", "--gaps", "x"], "--gaps")],
)
def test_what_cannot_be_measured_is_told(tmp_path, monkeypatch, capsys, words, told):
    monkeypatch.chdir(tmp_path)
    assert main(["bench", "takeover", *words]) == 2
    assert told in capsys.readouterr().err
