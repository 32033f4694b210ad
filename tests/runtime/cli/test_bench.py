"""`understudy bench`: parts by name, parts with their own arguments, refusals in a sentence."""

import json

import pytest

from tests.conftest import sentence


def test_an_unknown_part(understudy):
    assert "no part 'speed'" in sentence(understudy("bench", "speed"))


def test_a_part_with_arguments_of_its_own(understudy):
    help_text = understudy("bench", "control", "--help").stdout
    assert "--weights" in help_text and "--data" in help_text


def test_impossible_numbers_and_folders(understudy, tmp_path):
    assert "--minutes" in sentence(understudy("bench", "control", "--minutes", 0))
    where = tmp_path / "no" / "where"
    assert "make it" in sentence(understudy("bench", "control", "--out", where))
    assert "is no folder" in sentence(understudy("bench", "control", "--data", where))


@pytest.mark.slow
def test_control_in_json(understudy, tmp_path):
    words = ("--only", "ours", "--minutes", 0.2, "--seeds", 1, "--json", "--out", tmp_path / "out")
    done = understudy("bench", "--quick", "control", *words)
    assert done.returncode == 0, done.stderr
    figures = {row["key"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert figures["speed"]["who"] == "ours" and figures["speed"]["target"] == "<= 10"
    assert {"skate", "stance", "path/slalom", "frozen", "tick"} <= set(figures)
    assert (tmp_path / "out" / "control-paths.png").stat().st_size > 10_000
