"""The slate: names that count by themselves, and notes beside a take."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.takes import slate
from understudy.runtime.takes.contents import overview

from .filmed import film, shot

WORDS = {"project": "Robin", "scene": "12", "shot": "A", "take": 1}


def test_takes_count_on_from_what_the_folder_has(tmp_path):
    assert slate.next_take(tmp_path / "none", WORDS) == 1
    for name in ("Robin_12_A_T001.mcap", "Robin_12_A_T004-2.mcap", "Robin_12_AB_T009.mcap"):
        (tmp_path / name).touch()
    assert slate.next_take(tmp_path, WORDS) == 5
    assert slate.next_take(tmp_path, WORDS | {"take": 8}) == 8
    assert slate.next_take(tmp_path, WORDS | {"take": 3}) == 5
    assert slate.next_take(tmp_path, WORDS | {"take": 3, "exact": True}) == 3
    assert slate.next_take(tmp_path, WORDS | {"take": 4, "exact": True}) == 5, "it is there"
    (tmp_path / slate.TRASH).mkdir()
    (tmp_path / slate.TRASH / "Robin_12_A_T006.mcap").touch()
    assert slate.next_take(tmp_path, WORDS) == 7, "a number is not given twice"


@given(st.text(max_size=300), st.text(max_size=300), st.integers(1, 99999))
def test_whatever_the_slate_says_is_one_file_s_name(project, scene, take):
    name = slate.stem(project, scene, "", take)
    assert not set(name) & set('/\\\0:*?"<>|\n') and not name.startswith(".")
    assert 0 < len(name.encode()) < 230


def test_slate_in_words():
    said = slate.parse("scene=12, shot=B,description=Ann sits, then stands,take=3")
    assert said == {
        "scene": "12", "shot": "B", "description": "Ann sits, then stands", "take": 3}  # fmt: skip
    for bad in ("scene", "sene=12", "take=x", "take=0", "circled=true", ""):
        with pytest.raises(UnderstudyError, match="--slate"):
            slate.parse(bad)


def test_notes_change_and_the_take_s_file_does_not(tmp_path):
    path = film(tmp_path / "a.mcap", [shot(0)], slate_scene="12", slate_take="3")
    before = path.read_bytes()
    assert overview(path).slate == {"scene": "12", "take": 3}
    slate.note(path, {"notes": "gut – ✓", "circled": True})
    slate.note(path, {"scene": "13", "circled": False})
    assert overview(path).slate == {
        "scene": "13", "take": 3, "notes": "gut – ✓", "circled": False}  # fmt: skip
    assert path.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["a.mcap", "a.slate.json"]


def test_a_note_that_cannot_be_written_leaves_the_one_before(tmp_path, monkeypatch):
    path = film(tmp_path / "a.mcap", [shot(0)])
    slate.note(path, {"notes": "one"})

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UnderstudyError, match="No space left"):
        slate.note(path, {"notes": "two"})
    assert slate.noted(path) == {"notes": "one"} and len(os.listdir(tmp_path)) == 2


def test_notes_that_cannot_be_read_are_said_and_kept(tmp_path):
    path = film(tmp_path / "a.mcap", [shot(0)], slate_scene="12")
    slate.sidecar(path).write_text('{"notes": "precious", "circled": "yes"}')
    found = overview(path)
    assert found.slate == {"scene": "12"} and "circled" in found.damage[0]
    slate.note(path, {"notes": "new"})
    assert slate.noted(path) == {"notes": "new"}
    assert "precious" in (tmp_path / "a.slate.json~").read_text()


@pytest.mark.parametrize("words", [{"take": 0}, {"scene": 5}, {"notes": "x" * 5000}, {"mood": ""}])
def test_what_no_slate_says_is_refused(tmp_path, words):
    path = film(tmp_path / "a.mcap", [shot(0)])
    with pytest.raises(UnderstudyError):
        slate.note(path, words)
    assert os.listdir(tmp_path) == ["a.mcap"]


def test_note_and_circle_by_command(tmp_path, understudy):
    path = film(tmp_path / "a.mcap", [shot(0)])
    assert understudy("take", "circle", path).stdout == "circled: True\n"
    done = understudy("take", "note", path, "--notes", "x", "--take", 7, "--json")
    assert json.loads(done.stdout)["slate"] == {"take": 7, "notes": "x", "circled": True}
    done = understudy("take", "circle", tmp_path / "b.mcap")
    assert done.returncode == 2 and "no take" in done.stderr
