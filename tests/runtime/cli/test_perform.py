"""`understudy perform`: scripts and random hands to takes, the same bytes every time."""

import pytest

from tests.conftest import sentence
from understudy.runtime.takes import bvh


def test_a_script_is_played_to_its_end_and_a_second_more(understudy, pad, tmp_path):
    out = tmp_path / "take.bvh"
    done = understudy("perform", "--pad", pad, "--out", out)
    assert done.returncode == 0, done.stderr
    clip = bvh.read(out)
    assert len(clip) == 5 * 60  # the last event of the script is at 4 s
    gone = clip.positions[-1, 0] - clip.positions[0, 0]
    assert gone[2] > 1.0, "it walked"


def test_random_hands_repeat(understudy, tmp_path):
    takes = [tmp_path / f"{n}.bvh" for n in "abc"]
    for take, seed in zip(takes, (3, 3, 4)):
        done = understudy("perform", "--pad", f"random:{seed}", "--seconds", 4, "--out", take)
        assert done.returncode == 0, done.stderr
    same, again, other = (take.read_bytes() for take in takes)
    assert same == again != other


def test_style_bends_the_body(understudy, pad, tmp_path):
    heights = []
    for crouch in (0, 1):
        out = tmp_path / f"{crouch}.bvh"
        style = f"crouch={crouch}"
        done = understudy("perform", "--pad", pad, "--style", style, "--seconds", 2, "--out", out)
        assert done.returncode == 0, done.stderr
        heights.append(bvh.read(out).positions[60:, 0, 1].mean())
    assert heights[1] < heights[0] - 0.05


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--pad", "random:seven"), "give a whole number"),
        (("--pad", "nobody.toml"), "no such file"),
        (("--pad", "random:1", "--seconds", -1), "makes no whole frame"),
        (("--pad", "random:1", "--rate", 0), "--rate is 0 Hz"),
        (("--pad", "random:1", "--style", "mood=1"), "is unknown"),
    ],
)
def test_what_cannot_be_performed_is_a_sentence(understudy, tmp_path, words, said):
    out = tmp_path / "take.bvh"
    assert said in sentence(understudy("perform", *words, "--out", out))
    assert not out.exists()
