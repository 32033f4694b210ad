"""Places that take no file, and paths that can be none."""

from __future__ import annotations

from pathlib import Path

import pytest

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.files import named, writable


def test_the_folder_of_a_file_to_come_is_made_and_nothing_else(tmp_path):
    writable(tmp_path / "a" / "b.json")
    assert [path.name for path in tmp_path.rglob("*")] == ["a"]


@pytest.mark.parametrize(
    "path", ["file/b.json", "folder", "x" * 300, "a\0b", "folder/" + "y" * 251]
)
def test_a_place_that_takes_none_is_a_sentence(tmp_path, path):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(UnderstudyError, match="cannot be written"):
        writable(tmp_path / path)
    assert {found.name for found in tmp_path.rglob("*")} == {"file", "folder"}


@pytest.mark.parametrize("text", ["", "a\0b", "x" * 300, "y/" * 3000])
def test_a_text_that_is_no_path_is_a_sentence_without_asking_a_disk(text):
    with pytest.raises(UnderstudyError, match="is no path") as said:
        named(text)
    assert "\0" not in str(said.value) and len(str(said.value)) < 300


def test_any_other_text_is_a_path():
    assert named("takes/ä 1.bvh") == Path("takes/ä 1.bvh")
