"""The panel's side of a stage: what it asks and says, and that a silent stage costs no picture."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.pose import State
from understudy.runtime.viewport.costume_entries import Costume
from understudy.runtime.viewport.editing import SHARE_S, Editor, Share, SourceRow, source_words
from understudy.runtime.viewport.panel import standing as words_of

from .conftest import frame_of, standing


class Stage:
    """A control client that keeps what it was asked, and refuses what it does not know."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.names = ["ann"]
        self.frames = 0
        self.closed = False

    def session(self) -> dict[str, Any]:
        """As docs/session.md says, and with things that an older viewport does not know."""
        vmc = {"name": "vmc", "from": "vmc://0.0.0.0:39539?delay=0.05", "notice": "", "new": 1}
        phone = {"name": "phone", "from": "livelinkface://0.0.0.0", "notice": "nothing came yet"}
        at = {"at_m": [1.0, 0.0, -2.0], "heading_deg": 90.0, "made_of": "vmc/ann"}
        return {
            "session": {},
            "sources": [
                {**vmc, "streams": ["body/ann"], "figures": {"frames": self.frames}},
                {**phone, "streams": [], "figures": {}},
            ],
            "subjects": [
                {"name": name, "state": "LIVE", "reason": "", **at} for name in self.names
            ],
        }

    def add_source(self, url: str, name: str = "") -> dict[str, Any]:
        self.asked.append(("add_source", url))
        if "://" not in url:
            raise UnderstudyError(f"{url!r} is no source; write it as vmc://0.0.0.0:39539.")
        return {"name": name or "vmc-2"}

    def remove_source(self, name: str) -> dict[str, Any]:
        self.asked.append(("remove_source", name))
        return {}

    def remove_subject(self, name: str) -> dict[str, Any]:
        self.asked.append(("remove_subject", name))
        self.names.remove(name)
        return {}

    def rename_subject(self, name: str, to: str) -> dict[str, Any]:
        self.asked.append(("rename_subject", name, to))
        self.names[self.names.index(name)] = to
        return {}

    def place_subject(self, name: str, at_m: Any, heading_deg: float) -> dict[str, Any]:
        self.asked.append(("place_subject", name, tuple(at_m), heading_deg))
        return {}

    def reset_subject(self, what: str, name: str = "", **words: Any) -> dict[str, Any]:
        self.asked.append(("reset_subject", what, name, words))
        return {}

    def adjust_subject(self, name: str, **words: Any) -> dict[str, Any]:
        self.asked.append(("adjust_subject", name, words))
        return {}

    def set_profile(self, name: str, save: bool = False, **profile: Any) -> dict[str, Any]:
        self.asked.append(("set_profile", name, save, profile))
        return {"character": "knight"}

    def edit_person(self, name: str, **person: Any) -> dict[str, Any]:
        self.asked.append(("edit_person", name, person))
        return {"character": "ann-2"}

    def transport(self, source: str = "", **words: Any) -> dict[str, Any]:
        self.asked.append(("transport", source, words))
        return {"playing": True}

    def record(self, start: bool) -> dict[str, Any]:
        self.asked.append(("record", start))
        return {"take": "12_A_T003.mcap"} if start else {"written": []}

    def marker(self, text: str, colour: str, sequence: int) -> dict[str, Any]:
        raise UnderstudyError("No take is being recorded.")

    def save_session(self, path: str = "") -> dict[str, Any]:
        self.asked.append(("save_session", path))
        return {"path": path or "/stage/show.toml"}

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def editor(stage: Stage) -> Editor:
    made = Editor(lambda: stage)
    made.step(stage)
    return made


def test_sources_and_subjects_are_listed_in_words(stage: Stage, editor: Editor) -> None:
    assert [row.name for row in editor.snapshot.sources] == ["vmc", "phone"]
    vmc, phone = editor.snapshot.sources
    assert source_words(phone, editor.age_s("phone")) == "nothing came yet"
    assert vmc.line == "vmc://0.0.0.0:39539?delay=0.05" and source_words(vmc) == "50 ms delay"
    (ann,) = editor.subjects
    assert (ann.name, ann.at_m, ann.heading_deg) == ("ann", (1.0, 0.0, -2.0), 90.0)


def test_a_sources_rate_is_counted_between_two_looks(
    stage: Stage, editor: Editor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: editor._frames["vmc"][0] + 2.0)
    stage.frames += 120
    editor.step(stage)
    editor.ages_s = {"ann": 0.012}
    (row, _) = editor.snapshot.sources
    assert source_words(row, editor.age_s("vmc")) == "60 Hz, 12 ms old, 50 ms delay"


def test_a_take_says_where_it_is_and_is_stopped_and_stepped(stage: Stage, editor: Editor) -> None:
    told = stage.session()
    told["sources"][0]["figures"] = {
        "take": "/t/12A.mcap", "position_s": 2.5, "seconds": 9.0, "playing": False, "speed": 1.0,
        "cue": 1, "list": ["/t/12A.mcap"], "timecode": "01:00:00:00", "loop": False,
    }  # fmt: skip
    stage.session = lambda: told  # type: ignore[method-assign]
    editor.step(stage)
    (row, phone) = editor.snapshot.sources
    assert row.deck is not None and phone.deck is None
    assert row.deck.now_s == 2.5 and source_words(row) == "plays 12A.mcap"
    editor.transport("vmc", step=-1)
    editor.transport(play=None)
    editor.step(stage)
    assert stage.asked == [
        ("transport", "vmc", {"step": -1}),
        ("transport", "", {}),
        ("transport", "", {"play": False}),
    ]


def test_takes_are_begun_and_marked(stage: Stage, editor: Editor, monkeypatch) -> None:
    editor.record(running=False)
    editor.step(stage)
    assert editor.news == "Recording 12_A_T003.mcap." and not editor.refused
    editor.mark(77)
    editor.step(stage)
    assert editor.news == "No take is being recorded." and editor.refused
    editor.record(running=True)
    editor.step(stage)
    assert stage.asked == [("record", True), ("record", False)]
    monkeypatch.setattr("understudy.runtime.viewport.editing.time.monotonic", lambda: 1e9)
    assert editor.news == "", "it goes by itself"


@pytest.mark.parametrize("line", ["", "vmc://", "vmc://[", "a b://?delay=x", "vmc://h?delay="])
def test_whatever_stands_in_a_line_there_are_words_for_its_source(line) -> None:
    assert source_words(SourceRow("a", line)) == "open"
    assert source_words(SourceRow("a", line, streams=["body/ann"])) == "body/ann"
    assert source_words(SourceRow("a", line, figures={"senders": ["1.2.3.4:5"]}), 1.5) == (
        "1.5 s old, from 1.2.3.4:5"
    )


def test_a_stage_that_tells_something_else_gives_a_sentence(stage: Stage, editor: Editor) -> None:
    stage.session = lambda: {"subjects": [{"name": 5}]}  # type: ignore[method-assign]
    editor.step(stage)
    assert "the stage's session" in editor.snapshot.trouble and editor.snapshot.subjects == []


def test_what_is_asked_for_is_asked_and_said(stage: Stage, editor: Editor) -> None:
    editor.entries.url = " vmc://0.0.0.0:39540 "
    editor.add_source()
    editor.step(stage)
    assert editor.said == "Added vmc://0.0.0.0:39540." and not editor.refused
    assert editor.entries.url == ""
    editor.remove_source("vmc")
    editor.select("ann")
    editor.entries.name = "bea"
    editor.rename_subject()
    editor.entries.at_m, editor.entries.heading_deg = [0.5, 0.0, 1.5], 45.0
    editor.place_subject()
    editor.save_session()
    editor.step(stage)
    assert stage.asked[1:] == [
        ("remove_source", "vmc"),
        ("rename_subject", "ann", "bea"),
        ("place_subject", "bea", (0.5, 0.0, 1.5), 45.0),
        ("save_session", ""),
    ]
    assert editor.said == "Saved /stage/show.toml."
    editor.remove_subject()
    editor.step(stage)
    assert stage.asked[-1] == ("remove_subject", "bea") and editor.subjects == []
    assert editor.entries.selected == ""


def test_a_subject_is_put_right_from_where_the_picture_is_seen():
    stage = Stage()
    editor = Editor(lambda: stage)
    editor.select("ann")
    editor.eye_m = (1.0, 1.5, -4.0)
    editor.reset("camera", "ann")
    editor.reset("t_pose", "bob")
    editor.adjust(mirror=True)
    editor.step(stage)
    assert stage.asked == [
        ("reset_subject", "camera", "ann", {"towards": [1.0, 1.5, -4.0]}),
        ("reset_subject", "t_pose", "bob", {}),
        ("adjust_subject", editor.entries.selected, {"mirror": True}),
    ]


def test_a_refusal_is_shown_as_the_sentence_that_came_and_the_line_stays(
    stage: Stage, editor: Editor
) -> None:
    editor.entries.url = "vmc"
    editor.add_source()
    editor.step(stage)
    assert editor.said == "'vmc' is no source; write it as vmc://0.0.0.0:39539." and editor.refused
    assert editor.entries.url == "vmc"


def test_nothing_is_asked_for_nothing(stage: Stage, editor: Editor) -> None:
    editor.entries.url = "   "
    editor.add_source()
    editor.select("ann")
    editor.rename_subject()
    editor.entries.name = ""
    editor.rename_subject()
    editor.step(stage)
    assert stage.asked == []


def test_of_a_dragged_place_only_the_last_that_waits_is_sent(stage: Stage, editor: Editor) -> None:
    editor.select("ann")
    for x in range(50):
        editor.entries.at_m[0] = float(x)
        editor.place_subject()
    editor.step(stage)
    assert stage.asked == [("place_subject", "ann", (49.0, 0.0, -2.0), 90.0)]


def test_of_a_dragged_fit_the_words_that_wait_go_together(stage: Stage, editor: Editor) -> None:
    editor.select("ann")
    for arms in (0.9, 0.8):
        editor.set_profile(arms=arms)
        editor.set_profile(lift_m=arms / 10)
    editor.save_profile()
    editor.edit_person(age=60.0)
    editor.step(stage)
    assert stage.asked == [
        ("set_profile", "ann", False, {"arms": 0.8, "lift_m": 0.08}),
        ("set_profile", "ann", True, {}),
        ("edit_person", "ann", {"age": 60.0}),
    ]
    assert editor.said == "ann is ann-2."


def test_fields_follow_what_is_worn_and_not_what_is_typed() -> None:
    costume = Costume()
    costume.follow("ann", "a.glb", {"arms": 1.0, "roles": ["head"]}, {"age": 30.0})
    costume.fit["arms"] = 0.9
    costume.follow("ann", "a.glb", {"arms": 1.0, "roles": ["head"]}, {})
    assert costume.fit == {"arms": 0.9} and costume.roles == ("head",)
    costume.follow("ann", "b.glb", {"arms": 1.0}, {})
    assert costume.fit == {"arms": 1.0} and costume.person == {}


def test_without_a_stage_there_is_a_sentence_instead_of_lists(
    stage: Stage, editor: Editor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent() -> dict[str, Any]:
        raise UnderstudyError("No stage answers on tcp://127.0.0.1:5571 within 2 s.")

    monkeypatch.setattr(stage, "session", silent)
    editor.step(stage)
    assert editor.snapshot.trouble.startswith("No stage answers")
    assert editor.snapshot.sources == []


def test_a_stage_that_answers_late_costs_no_picture(stage: Stage) -> None:
    asked, answer = threading.Event(), threading.Event()

    def late() -> dict[str, Any]:
        asked.set()
        answer.wait(30.0)
        return {}

    stage.session = late  # type: ignore[method-assign]
    editor = Editor(lambda: stage)
    editor.watch(frame_of(standing()))
    assert asked.wait(30.0)
    for _ in range(100):  # while the stage thinks
        editor.watch(frame_of(standing()))
    assert [row.name for row in editor.subjects] == ["hero"]
    answer.set()
    editor.close()
    assert editor._thread is not None
    editor._thread.join(30.0)
    assert stage.closed


def test_who_is_on_stage_comes_from_the_frame(stage: Stage, editor: Editor) -> None:
    editor._thread = threading.Thread()  # none is to be started
    editor.watch(frame_of(standing(0.0, "ann", state=State.TAKEOVER), standing(1.0, "bea")))
    assert [row.name for row in editor.subjects] == ["ann", "bea"]
    assert words_of(editor, "ann") == "TAKEOVER, 100% taken over"
    assert words_of(editor, "bea") == "live"
    assert not editor.recording
    frame = frame_of(standing(1.0, "bea"))
    frame.stats["recording"], frame.sequence = 1.0, 77
    editor.watch(frame)
    assert words_of(editor, "ann") == "not in the stream"
    assert editor.recording and editor.sequence == 77


def test_who_is_selected_is_followed_until_another_is(stage: Stage, editor: Editor) -> None:
    frame = frame_of(standing(0.0, "zoe"), standing(1.0, "ann"))
    assert editor.lead(frame, 0) == 0
    editor.select("ann")
    assert editor.lead(frame, 0) == 1
    assert editor.lead(frame, 0) == 0  # Tab has gone on meanwhile
    editor.select("nobody")
    assert editor.lead(None, 3) == 3


def test_a_share_is_of_the_last_minute() -> None:
    share = Share()
    for second in range(30):
        share.add(float(second), True)
    assert share.share == 1.0
    for second in range(30, 60):
        share.add(float(second), False)
    assert share.share == pytest.approx(0.5)
    share.add(1000.0 + SHARE_S, False)
    assert share.share == 0.0
