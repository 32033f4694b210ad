"""Numbers that are none: one sentence, no traceback, no file."""

from __future__ import annotations

import pytest

from tests.conftest import sentence


@pytest.mark.parametrize("value", ["nan", "-1", "0"])
@pytest.mark.parametrize("option", ["--seconds", "--rate"])
def test_perform_and_stage_refuse(understudy, pad, tmp_path, option, value):
    take = tmp_path / "take.bvh"
    given = {"--seconds": "1", "--rate": "60", option: value}
    words = [word for pair in given.items() for word in pair]
    assert option in sentence(understudy("perform", "--pad", pad, "--out", take, *words))
    assert not take.exists()
    assert option in sentence(understudy("stage", "--pad", pad, "--record", take, *words))
    assert not take.exists()


@pytest.mark.parametrize("option", ["--start", "--seconds", "--fps", "--unit"])
def test_render_refuses(understudy, tmp_path, option):
    take, film = tmp_path / "take.bvh", tmp_path / "film.mp4"
    take.write_text(
        "HIERARCHY\nROOT a\n{\nOFFSET 0 0 0\nCHANNELS 3 Zrotation Xrotation Yrotation\n"
        "End Site\n{\nOFFSET 0 1 0\n}\n}\nMOTION\nFrames: 1\nFrame Time: 0.1\n0 0 0\n"
    )
    said = sentence(understudy("render", take, "--out", film, option, "nan"))
    assert "nan" in said
    assert not film.exists()
