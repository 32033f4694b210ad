"""Undo and redo: whatever was edited, the stage is again what it was, and again what it became."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.runtime.sources.receivers import free_udp_ports
from tests.runtime.stage.test_dressing import character, ticked  # noqa: F401
from tests.runtime.stage.test_loop import ANYWHERE
from tests.runtime.stage.test_wardrobe import asked
from understudy.bridge.requests import (
    AddSource,
    AddSubject,
    AdjustSubject,
    PlaceSubject,
    RemoveSource,
    RemoveSubject,
    RenameSubject,
    ResetSubject,
    SetCharacter,
    SetProfile,
    Undo,
)
from understudy.runtime.stage import history
from understudy.runtime.stage.loop import Stage
from understudy.runtime.stage.session import session_of


@pytest.fixture
def stage(pad):
    with Stage(session_of(f"pad://{pad}", copies=2, **ANYWHERE)) as one:
        ticked(one, range(2))
        yield one


def made(stage: Stage, request) -> dict[str, Any]:
    reply, error = asked(stage, request)
    assert not error, error
    return reply


def settle(stage: Stage) -> None:
    """Streams that came by themselves have become subjects."""
    for _ in range(20):
        ticked(stage, range(2))
        stage.edits.adopt()
        stage.cast.live.beside(lambda: None).result()
        stage.edits.done()


def looks(stage: Stage) -> tuple[list[Any], list[Any]]:
    """Subjects by name, and sources with what they bring by themselves."""
    tables = stage.edits.tables
    for table in tables["source"]:
        table.pop("auto", None)
    subjects = sorted(tables["subject"], key=lambda one: one["name"])
    return subjects, sorted(tables["source"], key=lambda one: one["as"])


def test_any_row_of_edits_is_undone_and_made_again(stage, character) -> None:  # noqa: F811
    port = free_udp_ports(1)[0]
    one, two = (member.table.name for member in stage.cast.members)
    row = [
        PlaceSubject(name=one, at_m=(1.0, 0.0, -2.0), heading_deg=30.0),
        RenameSubject(name=two, to="eve"),
        SetCharacter(name=one, character=str(character)),
        SetProfile(name=one, profile={"lift_m": -0.1}),
        AddSource(url=f"vmc://127.0.0.1:{port}?name=bob"),
        RemoveSubject(name="eve"),
        AdjustSubject(name="bob", mirror=True, root="in place"),
        ResetSubject(name=one, what="mark", at_m=(-2.0, 0.0, 3.0)),
        AddSubject(subject={"name": "zoe", "control": stage.cast.members[0].table.control}),
        PlaceSubject(name="zoe", at_m=(0.0, 0.0, 4.0)),
    ]
    seen = [looks(stage)]
    for request in row:
        made(stage, request)
        settle(stage)
        seen.append(looks(stage))
    for before in seen[-2::-1]:
        made(stage, Undo())
        settle(stage)
        assert looks(stage) == before
    assert asked(stage, Undo())[1] == "There is nothing to undo."
    for after in seen[1:]:
        made(stage, Undo(again=True))
        settle(stage)
        assert looks(stage) == after
    assert asked(stage, Undo(again=True))[1] == "There is nothing to do again."


def test_a_source_that_was_removed_comes_back_with_who_is_made_of_it(stage) -> None:
    port = free_udp_ports(1)[0]
    name = made(stage, AddSource(url=f"vmc://127.0.0.1:{port}?name=bob"))["name"]
    settle(stage)
    made(stage, PlaceSubject(name="bob", at_m=(3.0, 0.0, 0.0)))
    before = looks(stage)
    assert made(stage, RemoveSource(name=name))["left"] == ["bob"]
    assert made(stage, Undo())["edit"] == f"removing {name}"
    assert looks(stage) == before and stage.cast.member("bob").motion is not None


def test_what_moves_by_the_mouse_is_one_edit(stage, monkeypatch) -> None:
    now_s = 0.0
    monkeypatch.setattr(history.time, "monotonic", lambda: now_s)
    name = stage.cast.members[0].table.name
    was = stage.cast.members[0].table.at_m
    for x in np.linspace(0.1, 3.0, 20).tolist():
        now_s += 0.05
        made(stage, PlaceSubject(name=name, at_m=(x, 0.0, 0.0)))
    now_s += 10.0
    made(stage, PlaceSubject(name=name, at_m=(9.0, 0.0, 0.0)))
    for wanted in ((3.0, 0.0, 0.0), was):
        assert made(stage, Undo())["edit"] == f"moving {name}"
        assert stage.cast.members[0].table.at_m == wanted
    made(stage, Undo(again=True))
    assert stage.cast.members[0].table.at_m == (3.0, 0.0, 0.0)


def test_what_is_refused_is_no_edit_and_a_new_edit_ends_what_was_undone(stage) -> None:
    name = stage.cast.members[0].table.name
    assert "No subject is called 'nobody'" in asked(stage, PlaceSubject(name="nobody"))[1]
    assert asked(stage, Undo())[1] == "There is nothing to undo."
    made(stage, RenameSubject(name=name, to="ann"))
    made(stage, Undo())
    made(stage, PlaceSubject(name=name, at_m=(1.0, 0.0, 0.0)))
    assert asked(stage, Undo(again=True))[1] == "There is nothing to do again."


def test_what_cannot_be_undone_any_more_says_why_and_others_can(stage, character, tmp_path) -> None:  # noqa: F811
    name = stage.cast.members[0].table.name
    made(stage, PlaceSubject(name=name, at_m=(1.0, 0.0, 0.0)))
    made(stage, SetCharacter(name=name, character=str(character)))
    made(stage, SetCharacter(name=name))
    character.unlink()
    error = asked(stage, Undo())[1]
    assert error.startswith(f"dressing {name} cannot be undone: There is no character")
    made(stage, Undo())
    made(stage, Undo())
    assert stage.cast.members[0].table.at_m == (0.0, 0.0, 0.0)
