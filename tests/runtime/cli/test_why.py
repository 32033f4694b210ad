"""`understudy why` on a file with a frozen second, and what it says when it cannot answer."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tests.runtime.performer.rigs import walk
from understudy.runtime.cli.main import main
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.performer.takeover.likeness import TICKS, Index
from understudy.runtime.performer.takeover.reasons import NAMES, reasons
from understudy.runtime.takes import bvh


@pytest.fixture(scope="module")
def frozen(tmp_path_factory):
    clip = walk(4.0)
    clip = replace(clip, positions=clip.positions.copy(), rotations=clip.rotations.copy())
    a, b = (round(s * clip.rate_hz) for s in (2.0, 2.5))
    clip.positions[a:b], clip.rotations[a:b] = clip.positions[a - 1], clip.rotations[a - 1]
    path = tmp_path_factory.mktemp("why") / "walk.bvh"
    bvh.write(path, clip)
    return path


def test_a_gap_is_explained_in_words_and_a_picture(frozen, capsys):
    out = frozen.with_name("why.png")
    assert main(["why", str(frozen), "--out", str(out), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["gap_s"] == pytest.approx([2.0, 2.5], abs=0.05)
    assert said["missing"] == ["the whole body"]
    assert said["watched_s"] == pytest.approx(1.5, abs=0.05)
    cm = list(said["expected_cm"].values())
    assert 0.0 < cm[0] < cm[1] <= 1.2 * cm[2]
    assert set(said["hung_on_mm"]) == set(NAMES) and min(said["hung_on_mm"].values()) > 0.0
    assert len(said["nearest"]) == 5
    assert Image.open(out).size[0] > 600


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--subject", "ann"], "has no subject 'ann'"),
        (["--at", "90"], "not within"),
        (["--at", "0.1"], "ask for a later moment"),
        (["--out", "why.txt"], "give a .png"),
    ],
)
def test_what_cannot_be_explained_is_said_in_a_sentence(frozen, capsys, words, sentence):
    assert main(["why", str(frozen), *words]) == 2
    err = capsys.readouterr().err
    assert sentence in err and err.count("\n") == 1


def test_a_past_in_which_nobody_moves_hangs_on_the_last_pose():
    hips = np.repeat(PERFORMER.rest_positions[None, 0], 40, 0)
    rotations = np.tile([0.0, 0.0, 0.0, 1.0], (40, 22, 1))
    found = reasons(hips, rotations, 3)
    assert found.hips.shape == (3, 3) and found.hung_m.shape == (len(NAMES), 15)
    assert np.abs(found.hips - hips[0]).max() < 0.01
    share = found.hung_m[:, :5].sum() / found.hung_m.sum()
    assert share > 0.5


def test_the_index_knows_takes_by_their_motion():
    index = Index()
    assert len(index) > 1000 and len(index.takes) > 100
    # The moment that is stored is its own nearest: taken back from its numbers.
    hips = np.repeat(PERFORMER.rest_positions[None, 0], TICKS, 0)
    rotations = np.tile([0.0, 0.0, 0.0, 1.0], (TICKS, 22, 1))
    near = index.nearest(hips, rotations)
    assert len({one.take for one in near}) == 5
    apart = [one.apart_m for one in near]
    assert apart == sorted(apart)
    assert index.nearest(hips[1:], rotations[1:]) == []
