"""`understudy character`, as a user does it."""

from __future__ import annotations

import pytest

from understudy.runtime.characters.people import recipe
from understudy.runtime.cli.main import main
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Pose
from understudy.runtime.takes import bvh
from understudy.runtime.takes.clip import Clip


def test_a_person_is_made_measured_and_made_again_older(tmp_path, capsys):
    out, older, profile = tmp_path / "a.glb", tmp_path / "b.glb", tmp_path / "a.toml"
    words = ["--height", "186", "--shoulders", "48", "--age", "60", "--build", "heavy"]
    assert main(["character", "new", *words, "--profile", str(profile), "--out", str(out)]) == 0
    assert "186.0 cm, shoulders 48.0" in capsys.readouterr().out
    assert "[roles]" in profile.read_text()
    assert main(["character", "measure", str(out)]) == 0
    assert "height              186.0 cm" in capsys.readouterr().out
    words = ["--from", str(out), "--age", "75", "--measure", "waist=110"]
    assert main(["character", "new", *words, "--out", str(older)]) == 0
    assert recipe.read(older).age == 75.0


def test_an_actor_becomes_a_person_of_his_bones(tmp_path, capsys):
    rest = Pose.rest(PERFORMER)
    clip = Clip(PERFORMER, rest.positions[None], rest.rotations[None], 1 / 30)
    bvh.write(tmp_path / "actor.bvh", clip)
    words = ["fit", str(tmp_path / "actor.bvh"), "--sex", "man"]
    assert main(["character", *words, "--out", str(tmp_path / "c.glb")]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if " made" in line]
    off = [abs(float(row[-7]) - float(row[-2])) for row in rows]
    assert len(off) == 5 and max(off) < 2.5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["new", "--out", "x.fbx"], "does not end in .glb"),
        (["new", "--out", "x.glb", "--hair", "mohawk"], "'mohawk' is none of"),
        (["new", "--out", "x.glb", "--height", "300"], "height_cm"),
        (["new", "--out", "x.glb", "--change", "nose=1"], "No feature is called 'nose'"),
        (["new", "--out", "x.glb", "--measure", "waist"], "write NAME=NUMBER"),
        (["new", "--out", "x.glb", "--measure", "knee=40"], "is no measure"),
        (["new", "--out", "x.glb", "--recipe", "{"], "--recipe is no JSON object"),
        (["new", "--out", "x.glb", "--recipe", '{"knees": 2}'], "knees"),
        (["crowd", "0"], "1 to 1000"),
        (["measure", "nobody.glb"], "cannot be read"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["character", *words]) != 0
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert list(tmp_path.iterdir()) == []
