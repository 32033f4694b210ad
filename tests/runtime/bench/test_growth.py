"""Cost against count, as a drawing."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from understudy.runtime.bench import growth
from understudy.runtime.cli.main import main


def test_growth_is_drawn_whole_or_not_at_all(tmp_path: Path) -> None:
    panels: dict[str, growth.Series] = {
        "a": {"one": {1: 1.0, 4: 2.0}, "two": {1: 2.0, 4: 8.0}},
        "b": {"one": {1: 3.0, 64: 9.0}},
    }
    growth.draw(panels, tmp_path / "new" / "growth.png")
    with Image.open(tmp_path / "new" / "growth.png") as picture:
        assert picture.size[0] > 2 * picture.size[1] > 400
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["growth.png"]


def test_what_is_no_png_is_refused_before_anything_is_measured(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["bench", "growth", "--out", str(tmp_path / "growth.pdf")]) == 1
    assert "is no .png" in capsys.readouterr().err
