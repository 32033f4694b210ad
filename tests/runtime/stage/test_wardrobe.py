"""What subjects wear, edited while the stage runs: a character's fit, and a person's recipe."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.runtime.stage.test_dressing import character, ticked  # noqa: F401
from tests.runtime.stage.test_loop import ANYWHERE
from understudy.bridge.requests import EditPerson, SetProfile
from understudy.runtime.retarget import profile as profiles
from understudy.runtime.stage import inputs, wardrobe
from understudy.runtime.stage.loop import Stage
from understudy.runtime.stage.session import session_of

PEOPLE = Path(__file__).parents[3] / "demos" / "people"


def asked(stage: Stage, request) -> tuple[dict, str]:
    """The reply to a request, and its error."""
    stage.edits.ask(request)
    while True:
        if done := stage.edits.done():
            return done[0][1], done[0][2]
        stage.cast.live.beside(lambda: None).result()


@pytest.fixture
def stage(pad, character):  # noqa: F811
    session = session_of(f"pad://{pad}", copies=2, **ANYWHERE)
    session.characters = {"*": str(character)}
    with Stage(session) as one:
        yield one


def test_a_fit_is_edited_live_for_all_who_wear_it_and_saved(stage, character):  # noqa: F811
    (first, second) = ticked(stage, range(3))
    high = first.pose.positions[0, 1]
    reply, error = asked(stage, SetProfile(name=first.name, profile={"lift_m": -0.1, "arms": 0.9}))
    assert (
        not error
        and reply["profile"]["lift_m"] == -0.1
        and "left_hand" in reply["profile"]["roles"]
    )
    lifted = ticked(stage, range(3, 5))
    assert lifted[0].pose.positions[0, 1] - high == pytest.approx(-0.1, abs=0.03)
    assert lifted[0].skeleton is lifted[1].skeleton and second.name != first.name
    reply, error = asked(stage, SetProfile(name=second.name, save=True))
    saved = character.with_suffix(".toml")
    assert not error and profiles.load(saved).lift_m == -0.1
    assert {m.table.character for m in stage.cast.members} == {str(saved)}
    told = stage.edits.describe()["subjects"][0]
    assert told["profile"]["arms"] == 0.9 and "person" not in told


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"roles": {}}, "'roles' cannot be changed while it is worn; scale, lift_m"),
        ({"lift_m": 99.0}, "lift_m"),
        ({"offsets_deg": {"nose": [0, 0, 1]}}, "'nose', which is no role and no joint"),
    ],
)
def test_what_cannot_be_fitted_is_a_sentence_and_nothing_changes(stage, words, says):
    (first, _) = ticked(stage, range(2))
    before = stage.cast.members[0].costume
    reply, error = asked(stage, SetProfile(name=first.name, profile=words))
    assert says in error and not reply and stage.cast.members[0].costume is before


def test_another_files_profile_is_not_written_over(stage, character):  # noqa: F811
    other = character.with_suffix(".toml")
    other.write_text('file = "knight.glb"\n')
    (first, _) = ticked(stage, range(2))
    _, error = asked(stage, SetProfile(name=first.name, save=True))
    assert "is the profile of another file" in error
    assert other.read_text() == 'file = "knight.glb"\n'


def test_who_wears_nothing_or_no_person_is_told_so(stage):
    (first, _) = ticked(stage, range(2))
    assert "has no recipe" in asked(stage, EditPerson(name=first.name, person={"age": 60}))[1]
    stage.cast.members[0].costume = None
    assert "wears no character" in asked(stage, SetProfile(name=first.name))[1]


def test_a_take_keeps_the_edit_of_a_fit_and_nothing_that_writes_files():
    edit = SetProfile(name="a", profile={"arms": 0.9}, save=True)
    assert inputs.changes(edit) and not inputs.kept(edit).save
    assert not inputs.changes(EditPerson(name="a", person={"age": 60}))


@pytest.mark.slow
def test_a_person_is_made_anew_with_another_recipe(pad, tmp_path):
    file = shutil.copy(sorted(PEOPLE.glob("*.glb"))[0], tmp_path / "ann.glb")
    session = session_of(f"pad://{pad}", **ANYWHERE)
    session.characters = {"*": str(file)}
    with Stage(session) as stage:
        (before,) = ticked(stage, range(2))
        tall = before.skeleton.rest_globals[0][:, 1].max()
        reply, error = asked(stage, EditPerson(name=before.name, person={"height_cm": 205.0}))
        assert not error and reply["person"]["height_cm"] == 205.0
        assert reply["character"] == "ann-2" and (tmp_path / "ann.edited.glb").is_file()
        (after,) = ticked(stage, range(2, 4))
        assert after.character == "ann-2"
        assert after.skeleton.rest_globals[0][:, 1].max() > tall + 0.1
        assert np.isfinite(after.pose.positions).all()
        _, error = asked(stage, EditPerson(name=before.name, person={"height_cm": 20.0}))
        assert "height_cm" in error
    assert wardrobe.EDITED in ".edited"
