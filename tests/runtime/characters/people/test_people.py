"""People by recipe: as tall as asked, whole as a character, made again from their own file."""

from __future__ import annotations

import numpy as np
import pytest

from understudy.bridge.protocols.livelinkface import ARKIT
from understudy.demos import PEOPLE
from understudy.runtime.characters.loading import load
from understudy.runtime.characters.people import body, fitting, making, measures, recipe
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.roles import roles


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("people") / "anna.glb"
    one = recipe.drawn(7, height_cm=186.0, shoulders_cm=48.0, age=60.0, sex="woman")
    making.write(path, one)
    return path


@pytest.mark.parametrize(
    "said",
    [
        {"height_cm": 186.0, "shoulders_cm": 48.0, "age": 60.0},
        {"height_cm": 152.0, "age": 14.0, "sex": "woman"},
        {"height_cm": 199.0, "weight": 0.9, "muscle": 0.8, "sex": "man"},
    ],
)
def test_a_person_measures_what_was_asked(said):
    one = recipe.drawn(3, **said)
    _, points = making.solved(body.load(), one)
    found = measures.of(body.load(), points)
    assert found["height"] == pytest.approx(one.height_cm / 100, abs=1e-3)
    if one.shoulders_cm:
        assert found["shoulders"] == pytest.approx(one.shoulders_cm / 100, abs=2e-3)


def test_the_file_is_a_whole_character(file):
    character = load(file)
    assert {morph.name for morph in character.morphs} == set(ARKIT)
    role = roles(character.skeleton)
    wanted = ("hips", "head", "left_hand", "right_foot", "left_lower_arm", "neck")
    assert [name for name in wanted if name not in role] == []
    at = character.vertices()
    assert at[:, 1].min() == pytest.approx(0.0, abs=2e-3), "shoes stand on the floor"
    assert np.ptp(at[:, 1]) == pytest.approx(1.86, abs=0.06)
    assert len(character.colliders) == 12
    assert all(0.02 < one.radius_m < 0.25 for one in character.colliders)
    assert file.stat().st_size < 3e6


def test_the_mesh_is_skinned_to_what_it_lies_on(file):
    """No vertex hangs on a joint far from it, as a mixed-up row would."""
    character = load(file)
    at, joints = character.vertices(), character.skeleton.rest_globals[0]
    far = np.linalg.norm(at - joints[character.vertex_joints()], axis=1)
    assert far.max() < 0.62


def test_what_is_in_the_file_makes_it_again_and_can_be_changed(file, tmp_path):
    one = recipe.read(file)
    making.write(tmp_path / "again.glb", one)
    assert (tmp_path / "again.glb").read_bytes() == file.read_bytes()
    older = recipe.changed(one, {"age": 80.0, "hair": "bun"})
    assert older.height_cm == one.height_cm and older.age == 80.0


def test_seeds_draw_other_people_and_the_same_one_again():
    assert recipe.drawn(4) == recipe.drawn(4)
    assert len({str(recipe.drawn(seed)) for seed in range(8)}) == 8


def test_who_cannot_be_is_refused_with_a_sentence():
    with pytest.raises(UnderstudyError, match="hair 'mohawk' is none of bald, "):
        recipe.drawn(1, hair="mohawk")
    with pytest.raises(UnderstudyError, match="height_cm"):
        recipe.drawn(1, height_cm=300.0)
    with pytest.raises(UnderstudyError, match=r"shoulders|broad"):
        making.solved(body.load(), recipe.drawn(1, height_cm=150.0, shoulders_cm=65.0))


def test_a_file_of_others_has_no_recipe(tmp_path):
    from understudy.runtime.characters import glb

    glb.write(tmp_path / "x.glb", {"asset": {"version": "2.0"}}, b"")
    with pytest.raises(UnderstudyError, match="has no recipe"):
        recipe.read(tmp_path / "x.glb")


def test_the_network_answers_with_bodies_that_measure_as_asked():
    """Bodies of other recipes than it was trained on; mean over measures and bodies."""
    shape = body.load()
    off = []
    for seed in range(6):
        one = recipe.drawn(1000 + seed)
        _, points = making.solved(shape, one)
        wanted = measures.of(shape, points)
        plain = recipe.changed(one, {"local": {}, "muscle": 0.5, "weight": 0.5})
        found = fitting.missed_m(fitting.fitted(plain, wanted), wanted)
        off.append(np.mean(np.abs(list(found.values()))))
    assert np.mean(off) < 0.012


def test_the_shipped_people_are_read():
    files = sorted(PEOPLE.glob("*.glb"))
    assert [path.stem for path in files] == ["ada", "ben", "kofi"]
    for path in files:
        assert recipe.read(path).seed > 0
        assert len(load(path).morphs) == 52
