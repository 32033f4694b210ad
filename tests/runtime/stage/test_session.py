"""A session file: what it makes, what it refuses, and that it comes back as it was."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import sentence
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.sources import registry
from understudy.runtime.stage import session as sessions
from understudy.runtime.stage.parts import Part, Smooth
from understudy.runtime.stage.session import Session, SlateTable, SubjectTable

WHOLE = """
[stage]
rate_hz = 120
timecode = "23.976"
style = { energy = 0.5 }

[[source]]
as = "suit"
from = "vmc://0.0.0.0:39539"
delay = 0.05

[[source]]
as = "gloves"
from = "vmc://0.0.0.0:39540"
auto = false

[[source]]
as = "walk"
from = "bvh://takes/walk.bvh"
loop = false

[[subject]]
name = "ann"
body = { from = "suit", delay_s = 0.1, joints = ["left_upper_arm"], smooth = { cutoff_hz = 2.0 } }
hands = "gloves"
face = ["suit"]
at_m = [1.0, 0.0, -2.0]
heading_deg = 90

[[output]]
to = "vmc://127.0.0.1:5000"
rate = 30

[viewport]
camera = "orbit"

[slate]
scene = "12"
shot = "A"
take = 3
"""


def write(tmp_path, text: str):
    path = tmp_path / "stage.toml"
    path.write_text(text)
    return path


def test_a_session_says_what_a_stage_is_and_comes_back_as_it_was(tmp_path):
    session = sessions.load(write(tmp_path, WHOLE))
    ann = session.subject[0]
    assert session.stage.rate_hz == 120 and session.stage.style == {"energy": 0.5}
    assert ann.part("body") == Part("suit", 0.1, ["left_upper_arm"], Smooth(2.0))
    assert ann.part("hands") == Part("gloves") and ann.faces == ["suit"]
    assert ann.sources == {"suit", "gloves"}
    named = registry.identify(session.source)
    assert [one.id for one in named] == ["suit", "gloves", "walk"]
    assert named[2].endpoint.path == str(tmp_path / "takes" / "walk.bvh")  # from its own folder
    assert sessions.output_line(session.output[0]) == "vmc://127.0.0.1:5000?rate=30"
    assert session.slate.stem == "12_A_T003"
    again = tmp_path / "elsewhere" / "again.toml"
    sessions.save(session, again)
    assert sessions.load(again) == session
    assert tomllib.loads(sessions.dumps(session, whole=True))["stage"]["publish"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("rate_hz = 120", "rate_hz = 0", "rate_hz"),
        ("rate_hz = 120", "rat_hz = 120", "rate_hz"),
        ('timecode = "23.976"', 'timecode = "31"', "31"),
        ("energy", "grace", "grace"),
        ("vmc://0.0.0.0:39539", "vcm://0.0.0.0:39539", "vmc"),
        ("vmc://0.0.0.0:39539", "vmc://0.0.0.0:99539", "[[source]] 1"),
        ("delay = 0.05", "delay = 5000", "[[source]] 1"),
        ('as = "gloves"', 'as = "suit"', "suit"),
        ('as = "gloves"', 'as = "a/b"', "slash"),
        ('from = "vmc://0.0.0.0:39540"', "", "[[source]] 2"),
        ('hands = "gloves"', 'hands = "glove"', "glove"),
        ('from = "suit"', 'from = "soot"', "soot"),
        ("delay_s = 0.1", "delay_s = -1", "delay_s"),
        ("at_m = [1.0, 0.0, -2.0]", "at_m = [1.0, 0.0]", "at_m"),
        ('name = "ann"', "", "name"),
        ("rate = 30", "rate = 30\nspeed = 2", "speed"),
        ('to = "vmc://127.0.0.1:5000"', "", "[[output]] 1"),
        ("take = 3", 'take = "three"', "take"),
        ("[viewport]", "[viewpoint]", "viewport"),
        ("[slate]", "[slate", "line"),
    ],
)
def test_what_cannot_be_is_one_sentence_that_names_file_and_place(
    understudy, tmp_path, old, new, expected
):
    assert old in WHOLE
    path = write(tmp_path, WHOLE.replace(old, new, 1))
    said = sentence(understudy("session", "check", path))
    assert expected in said and "stage.toml" in said


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({}, "needs a body"),
        ({"hands": "a"}, "needs a body"),
        ({"body": "a", "control": "a"}, "exclude"),
        ({"control": "a", "hands": "a"}, "hands"),
        ({"body": "b"}, "there are a"),
    ],
)
def test_a_subject_that_nothing_moves_is_refused(table, expected):
    with pytest.raises(UnderstudyError, match=expected):
        sessions.check_subject(SubjectTable(name="ann", **table), {"a"})


def test_new_writes_one_that_is_good_and_never_over_another(understudy, tmp_path):
    path = tmp_path / "show.toml"
    assert understudy("session", "new", path).returncode == 0
    checked = understudy("session", "check", path)
    assert checked.returncode == 0 and "ann" in checked.stdout
    text = path.read_text()
    assert "there already" in sentence(understudy("session", "new", path))
    assert path.read_text() == text
    shown = understudy("session", "show", path)
    assert tomllib.loads(shown.stdout)["stage"]["stop_after_s"] == 2.0


def test_takes_count_by_themselves_and_overwrite_none():
    assert SlateTable().stem == "take_T001"
    assert SlateTable(project="Robin Hood", scene="12/a", take=40).stem == "Robin-Hood_12-a_T040"


@given(
    st.lists(
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=20), unique=True, max_size=4
    ),
    st.tuples(*[st.floats(-1e3, 1e3)] * 3),
    st.floats(-360.0, 360.0),
)
def test_whatever_subjects_are_called_a_session_is_written_and_read_alike(
    tmp_path_factory, names, at_m, heading_deg
):
    session = Session(
        source=[{"from": "vmc://:5000", "as": "suit"}],
        subject=[
            SubjectTable(name=name, body="suit", at_m=at_m, heading_deg=heading_deg)
            for name in names
        ],
    )
    path = tmp_path_factory.mktemp("sessions") / "a.toml"
    sessions.save(session, path)
    assert sessions.load(path) == session


def test_a_session_that_cannot_be_written_leaves_the_old_one(tmp_path):
    path = write(tmp_path, WHOLE)
    (tmp_path / "stage.toml.part").mkdir()
    with pytest.raises(UnderstudyError, match="cannot be written"):
        sessions.save(Session(), path)
    assert path.read_text() == WHOLE
