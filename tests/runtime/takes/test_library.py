"""The library: what is in a folder, found by what is known of it."""

from __future__ import annotations

import json
import os
import time

import pytest

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import State
from understudy.runtime.takes import library as libraries
from understudy.runtime.takes.library import Library, Query, read, remove, since
from understudy.runtime.takes.slate import note

from .filmed import film, shot

LIVE, ACTED = State.LIVE, State.TAKEOVER
OLD_S = 1000.0


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path):
    """Three takes of an hour ago, and a file that is none."""
    folder = tmp_path / "takes"
    folder.mkdir()
    slate = {"slate_project": "Robin", "slate_scene": "12"}
    at = {name: str(ns) for name, ns in (("early", 10**18), ("late", 2 * 10**18))}
    for name, shot_name, number, who, begun in (
        ("Robin_12_A_T001", "A", 1, {"ann": LIVE}, at["early"]),
        ("Robin_12_A_T002", "A", 2, {"ann": ACTED, "Österreicher": LIVE}, at["late"]),
        ("Robin_12_B_T001", "B", 1, {"ben": LIVE}, at["late"]),
    ):
        facts = {"slate_shot": shot_name, "slate_take": str(number), "begun_ns": begun}
        film(folder / f"{name}.mcap", [shot(t, **who) for t in range(6)], **slate, **facts)
    (folder / "x.mcap").write_text("no take")
    for path in folder.iterdir():
        os.utime(path, (OLD_S, OLD_S))
    note(folder / "Robin_12_B_T001.mcap", {"notes": "Hand wackelt 100%", "circled": True})
    return folder


def names(library: Library, **words: object) -> list[str]:
    library.refresh()
    return [row.file.removesuffix(".mcap") for row in library.find(Query(**words))]


ONE, TWO, THREE = "Robin_12_A_T001", "Robin_12_A_T002", "Robin_12_B_T001"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ({"project": "robin"}, [ONE, TWO, THREE]),
        ({"scene": "12", "shot": "a"}, [ONE, TWO]),
        ({"scene": "1"}, []),
        ({"take": 1}, [ONE, THREE]),
        ({"circled": True}, [THREE]),
        ({"subject": "ANN"}, [ONE, TWO]),
        ({"subject": "österreicher"}, [TWO]),
        ({"subject": "an"}, []),
        ({"text": "wackelt hand"}, [THREE]),
        ({"text": "100%"}, [THREE]),
        ({"text": "1%0"}, []),
        ({"text": "BEN robin"}, [THREE]),
        ({"since_s": 1.5e9}, [TWO, THREE]),
        ({"since_s": 1.5e9, "circled": True, "subject": "ann"}, []),
    ],
)
def test_each_word_narrows_it(folder, words, found):
    with Library(folder) as library:
        assert names(library, **words) == found


def test_only_what_has_changed_is_read_again(folder, monkeypatch):
    with Library(folder) as library:
        assert sorted(library.refresh()) == sorted([f"{n}.mcap" for n in (ONE, TWO, THREE, "x")])
    with Library(folder) as library:
        assert library.refresh() == []
        note(folder / f"{ONE}.mcap", {"circled": True})
        assert library.refresh() == [f"{ONE}.mcap"]
        assert names(library, circled=True) == [ONE, THREE]
        remove(folder / f"{TWO}.mcap")
        assert library.refresh() == [] and TWO not in names(library)
        film(folder / "new.mcap", [shot(0, eve=LIVE)])
        assert library.refresh() == ["new.mcap"] and names(library, subject="eve") == ["new"]


@pytest.mark.parametrize("damage", [b"", b"SQLite format 3\0" + b"x" * 5000, os.urandom(9000)])
def test_an_index_that_is_missing_or_damaged_is_made_anew(folder, damage):
    with Library(folder) as library:
        whole, index = names(library), library.index
        rows = library.find()
    index.write_bytes(damage)
    with Library(folder) as library:
        assert names(library) == whole and library.find() == rows
    index.unlink()
    with Library(folder) as library:
        assert names(library) == whole


def test_an_index_cut_in_its_middle_is_made_anew(folder):
    with Library(folder) as library:
        whole, index = names(library), library.index
    data = index.read_bytes()
    for length in (100, 4096, len(data) // 2, len(data) - 1):
        index.write_bytes(data[:length])
        with Library(folder) as library:
            assert names(library) == whole


def test_without_a_place_for_an_index_it_works_all_the_same(folder, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path / "file"))
    with Library(folder) as library:
        assert names(library, circled=True) == [THREE]
    assert not list(folder.glob("*sqlite*"))


def test_a_file_that_is_no_take_is_a_row_that_says_so(folder):
    with Library(folder) as library:
        library.refresh()
        (row,) = [row for row in library.find() if row.file == "x.mcap"]
    assert "no take" in row.error and row.frames == 0


def test_a_take_that_is_being_recorded_is_read_when_it_rests(folder):
    path = film(folder / "now.mcap", [shot(t, ann=LIVE) for t in range(60)], slate_scene="99")
    path.write_bytes(path.read_bytes()[:-500])
    with Library(folder) as library:
        assert names(library, scene="99") == ["now"]
        (row,) = library.find(Query(scene="99"))
        assert row.recording and row.frames == 0
        os.utime(path, (time.time() - 60.0,) * 2)
        assert library.refresh() == ["now.mcap"]
        (row,) = library.find(Query(scene="99"))
        assert not row.recording and row.frames > 40 and not row.complete


def test_what_is_removed_can_be_had_back(folder):
    one = folder / f"{THREE}.mcap"
    data = one.read_bytes()
    gone = remove(one)
    assert gone.read_bytes() == data and (gone.parent / f"{THREE}.slate.json").exists()
    film(one, [shot(0)])
    os.utime(one, (OLD_S, OLD_S))
    assert remove(one).name == f"{THREE}-2.mcap"
    assert not list(folder.glob(f"{THREE}*"))
    with pytest.raises(UnderstudyError, match="no take"):
        remove(one)


def test_nobody_removes_what_is_being_recorded(folder):
    path = film(folder / "now.mcap", [shot(t, ann=LIVE) for t in range(60)])
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(UnderstudyError, match="being recorded"):
        remove(path)
    assert path.exists() and read(path).recording


def test_dates():
    assert since("2026-03-14T10:30+00:00") == 1773484200.0
    assert since("2026-03-14") == since("2026-03-14T00:00")
    for bad in ("", "yesterday", "14.3.2026"):
        with pytest.raises(UnderstudyError, match="--since"):
            since(bad)


def test_by_command(folder, understudy):
    done = understudy("take", "ls", folder, "--scene", 12, "--circled", "--json")
    (row,) = json.loads(done.stdout)
    assert row["file"] == f"{THREE}.mcap" and row["slate"]["notes"] == "Hand wackelt 100%"
    lines = understudy("take", "ls", folder).stdout.splitlines()
    assert len(lines) == 4 and lines[3].startswith("●") and "takeover 50.0%" in lines[2]
    assert "that fit" in understudy("take", "ls", folder, "--scene", "none").stdout
    done = understudy("take", "ls", folder / "nowhere")
    assert done.returncode == 2 and "no folder" in done.stderr
    done = understudy("take", "rm", folder / f"{ONE}.mcap", "--json")
    assert ".trash" in json.loads(done.stdout)["moved"]


def test_the_index_lies_in_the_cache(folder, tmp_path):
    with Library(folder) as library:
        assert (tmp_path / "cache") in library.index.parents
    assert libraries.cache_of(folder) == libraries.cache_of(folder / ".." / "takes")
