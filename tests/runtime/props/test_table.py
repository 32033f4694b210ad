"""What a session says of props, and the flag that says the same."""

from __future__ import annotations

import pytest

from understudy.runtime.core import typed
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.props.table import PropTable, check, parse
from understudy.runtime.stage import session as sessions


def test_a_flag_says_what_a_table_does():
    said = parse("crate=box?size=0.4,0.3,0.4&at=0,1.5&material=stone&mass=12&heading=30&static=1")
    assert said == PropTable(
        name="crate", shape="box", size_m=[0.4, 0.3, 0.4], at_m=[0.0, 1.5], material="stone",
        mass_kg=12.0, heading_deg=30.0, static=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("crate", "write NAME=SHAPE"),
        ("crate=bxo", "did you mean"),
        ("crate=box?size=1,2", "width, height and depth"),
        ("crate=box?colour=red", "no option 'colour'"),
        ("crate=sphere?material=cheese", "material"),
        ("crate=gone.glb", "no such file"),
        ("crate=box?at=nan,0", "at_m"),
        ("crate=box?static=1&tracked=1", "exclude each other"),
        ("crate=capsule?size=0.4,0.2", "at least as high"),
    ],
)
def test_what_cannot_be_is_one_sentence(said, why):
    with pytest.raises(UnderstudyError, match=why) as told:
        parse(said)
    assert "\n" not in str(told.value)


def test_two_props_of_one_name_are_refused():
    with pytest.raises(UnderstudyError, match="Two props"):
        check([PropTable(name="a"), PropTable(name="a")])


def test_a_session_keeps_its_props(tmp_path):
    path = tmp_path / "stage.toml"
    path.write_text(
        "[[source]]\nfrom = 'remote://'\n[[prop]]\nname = 'door'\nsize_m = [0.9, 2.0, 0.05]\n"
        "hinge = { at_m = [-0.45, 0.0, 0.0], range_deg = [0.0, 100.0] }\n"
    )
    session = sessions.load(path)
    assert session.prop[0].hinge is not None and not session.prop[0].static
    assert sessions.loads(sessions.dumps(session), "itself").prop == session.prop
    path.write_text(path.read_text().replace("100.0", "-10.0"))
    with pytest.raises(UnderstudyError, match="range_deg"):
        sessions.load(path)


def test_a_slide_needs_a_way():
    with pytest.raises(UnderstudyError, match="axis"):
        typed.convert({"name": "d", "slide": {"axis": [0, 0, 0]}}, PropTable, "it")
