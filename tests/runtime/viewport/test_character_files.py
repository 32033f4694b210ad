"""Which file a character on the wire is: as a user says, as the stage says, or nobody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.runtime.characters.models import Board
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import Pose, Prop, Subject
from understudy.runtime.viewport.camera import Camera, Rig
from understudy.runtime.viewport.character_files import CharacterFiles, parse
from understudy.runtime.viewport.feed import Feed
from understudy.runtime.viewport.renderer import Options, Renderer
from understudy.runtime.viewport.viewer import Viewer

from .conftest import frame_of, standing


class Stage:
    """A control socket that answers with these subjects."""

    def __init__(self, *rows: tuple[str, str]) -> None:
        self.rows, self.asked = rows, 0

    def session(self) -> dict:
        self.asked += 1
        return {"subjects": [{"name": n, "character": c, "state": "LIVE"} for n, c in self.rows]}

    def close(self) -> None:
        pass


def test_the_stage_says_what_its_props_are_and_is_asked_once():
    stage = Stage()
    told = {"subjects": [], "session": {"prop": [{"name": "crate", "material": "stone"}], "x": 1}}
    stage.session = lambda: (setattr(stage, "asked", stage.asked + 1), told)[1]  # type: ignore
    files, frame = CharacterFiles(lambda: stage), frame_of(standing())
    still = np.array([0.0, 0.0, 0.0, 1.0])
    frame.props = [Prop(name, np.zeros(3), still) for name in ("crate", "tracked elsewhere")]
    for _ in range(3):
        files.follow(frame)
        if (asking := files._thread) is not None:
            asking.join(10)
    assert files.props["crate"].material == "stone" and stage.asked == 1


def dressed(name: str, character: str) -> Subject:
    return Subject(name, replace(PERFORMER, character=character), Pose.rest(PERFORMER))


def followed(files: CharacterFiles, *subjects: Subject) -> dict[str, Path]:
    files.follow(frame_of(*subjects))
    if (asking := files._thread) is not None:
        asking.join(10)
    return files.follow(frame_of(*subjects))


@pytest.fixture
def knight(tmp_path: Path) -> Path:
    return Board().save(tmp_path / "knight.glb")


def test_the_stage_says_which_file_it_is_and_is_asked_once(knight, tmp_path):
    profile = tmp_path / "tall.toml"
    profile.write_text('file = "knight.glb"\n')
    stage = Stage(("ann", str(knight)), ("ben", str(profile)), ("eve", ""))
    files = CharacterFiles(lambda: stage)
    subjects = (dressed("ann", "knight"), dressed("ben", "tall"), standing(0.0, "eve"))
    assert followed(files, *subjects) == {"knight": knight, "tall": profile}
    followed(files, *subjects)
    assert stage.asked == 1
    files.given["knight"] = tmp_path / "mine.glb"  # a user's word counts more
    assert followed(files, *subjects)["knight"] == tmp_path / "mine.glb"


def test_a_file_of_another_machine_is_named_once(tmp_path):
    files = CharacterFiles(lambda: Stage(("ann", str(tmp_path / "far.glb"))))
    assert followed(files, dressed("ann", "far")) == {}
    files._asked_s = float("-inf")
    followed(files, dressed("ann", "far"))
    assert len(files.notes) == 1 and "--character far=FILE" in files.notes[0]


def test_a_stage_that_does_not_answer_costs_nothing():
    def refused() -> Stage:
        raise UnderstudyError("No.")

    files = CharacterFiles(refused)
    assert followed(files, dressed("ann", "knight")) == {} and files.notes == []
    assert followed(CharacterFiles(), dressed("ann", "knight")) == {}


def test_what_a_user_says(knight, tmp_path):
    assert parse(f"ann={knight}") == ("ann", knight) and parse(str(knight)) == ("knight", knight)
    for said, why in (("ann=", "names nothing"), ("ann=no.glb", "there is no file"),
                      ("=x.glb", "names nothing"), ("ann=a.obj", "can be drawn")):  # fmt: skip
        with pytest.raises(UnderstudyError, match=why):
            parse(said)


def test_a_file_dropped_onto_the_window_is_worn_by_who_is_followed(renderer: Renderer, knight):
    viewer = Viewer(renderer, Feed("tcp://127.0.0.1:9"), Options(), Rig(), Camera())
    viewer.dress(str(knight))  # onto an empty stage: nothing
    viewer.feed.frame = frame_of(standing(0.0, "ann"), dressed("ben", "old"))
    viewer.dress(str(knight))
    viewer.lead = 1
    viewer.dress(str(knight))
    assert viewer.files.given == {"ann": knight, "old": knight}
    viewer.dress("notes.txt")
    assert "can be drawn" in viewer.files.notes[0]
    viewer.feed.close()
