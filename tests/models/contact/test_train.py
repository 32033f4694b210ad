"""Training learns: with a few small scenes and steps it beats no shading and the mean."""

from __future__ import annotations

import argparse
import json

import pytest
from PIL import Image

from understudy.runtime.core.errors import UnderstudyError

pytestmark = pytest.mark.train
pytest.importorskip("torch")
pytest.importorskip("embreex")

from understudy.models.contact import options, train  # noqa: E402
from understudy.runtime.viewport.effects import contact_weights as weights  # noqa: E402


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    options.arguments(parser)
    return parser.parse_args(words)


def test_a_trial_beats_no_shading_and_the_mean(tmp_path, capsys):
    out = tmp_path / "contact.json"
    words = ["--images", "6", "--test-images", "2", "--steps", "300", "--networks", "4x8"]
    sheet = tmp_path / "sheet.png"
    words += ["--work", str(tmp_path / "work"), "--out", str(out), "--sheet", str(sheet)]
    assert train.run(arguments(*words)) == 0
    stored = weights.load(out)
    assert stored.default == "4x8"
    card = json.loads(out.read_text())["card"]
    rows = {row["name"]: row for row in card["measured"]}
    key = "held-out 0.5 m dB"
    learned = rows["4x8"][key]
    assert learned > rows["no shading"][key] + 1.0
    assert learned > rows["constant mean"][key] + 1.0
    text = capsys.readouterr().out
    assert "seed 1" in text and "gtao-16" in text
    with Image.open(sheet) as picture:
        assert picture.width > 4 * 160
    assert sheet.stat().st_size < 500_000
    assert not list(tmp_path.rglob("*.part*"))

    # A second run finds scenes and checkpoint: no step is left to do.
    assert train.run(arguments(*words)) == 0
    assert "4x8: 0 steps" in capsys.readouterr().out
    assert rows["4x8"][key] == json.loads(out.read_text())["card"]["measured"][-2][key]


def test_a_folder_without_clips_is_one_sentence(tmp_path):
    with pytest.raises(UnderstudyError, match=r"holds no \.bvh file"):
        train.run(arguments("--data", str(tmp_path)))


def test_a_name_that_is_no_network_is_one_sentence():
    with pytest.raises(UnderstudyError, match="TAPSxWIDTH"):
        train.shape("large")
