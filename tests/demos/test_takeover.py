"""The three figures around a drop."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.conftest import sentence
from understudy.runtime.core import rotation
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.takes import bvh
from understudy.runtime.takes.clip import Clip


@pytest.fixture(scope="module")
def take(tmp_path_factory):
    """A second of a body that slides forward with a swinging arm."""
    frames = 61
    positions = np.repeat(PERFORMER.rest_positions[None], frames, axis=0)
    positions[:, 0, 2] = np.arange(frames) / 60
    rotations = rotation.identity((frames, len(PERFORMER)))
    swing = np.sin(np.arange(frames) / 10)
    arm = PERFORMER.index("LeftArm")
    rotations[:, arm] = rotation.from_axis_angle(np.array([[0.0, 0.0, 1.0]]), swing)
    path = tmp_path_factory.mktemp("takes") / "slide.bvh"
    bvh.write(path, Clip(PERFORMER, positions, rotations, 1 / 60))
    return path


def run(root, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(root / "demos" / "takeover.py"), *map(str, words)],
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_a_sheet_of_three_rows_with_what_is_missing_in_grey(root, take, tmp_path):
    words = ("--drop", "0.3-0.7", "--scale", 0.5, "--no-movie", "--out", tmp_path)
    done = run(root, take, *words)
    if "OpenGL" in done.stderr:
        pytest.skip("no OpenGL here")
    assert done.returncode == 0, done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["takeover-sheet.png"]
    sheet = np.asarray(Image.open(tmp_path / "takeover-sheet.png")).astype(float)
    source, arrived, sent = np.array_split(sheet[62:-34, 96:], 3)
    # In the window's columns the held figure is dark and the acted one warm.
    assert (arrived.max(2) < 70).mean() > (source.max(2) < 70).mean() + 0.01
    warmth = [np.clip(row[..., 0] - row[..., 2], 0, None).mean() for row in (source, sent)]
    assert warmth[1] > warmth[0] + 0.5


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("missing.bvh", "--drop", "0.3-0.7"), "missing.bvh"),
        (("{take}", "--drop", "0.7-0.3"), "0.7-0.3"),
        (("{take}", "--drop", "0.3-0.7:Tail"), "Tail"),
        (("{take}", "--drop", "7-8"), "7-8"),
    ],
)
def test_wrong_input_is_one_sentence_and_no_file(root, take, tmp_path, words, named):
    words = [word.format(take=take) for word in words]
    said = sentence(run(root, *words, "--out", tmp_path / "out"))
    assert named in said
    assert not (tmp_path / "out").exists()
