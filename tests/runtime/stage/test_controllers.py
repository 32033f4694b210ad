"""Faders and buttons that ask a stage for things: by MIDI, by OSC, learned."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bridge.protocols.mutations import mutations, survives
from understudy.bridge.protocols import osc
from understudy.bridge.requests import Learn, LookAt, Marker, Record, Style, Transport
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.sources.controls import faders
from understudy.runtime.sources.controls.faders import Moved
from understudy.runtime.stage import bindings, controllers
from understudy.runtime.stage.bindings import Binding, ControllerTable
from understudy.runtime.stage.controllers import Controllers
from understudy.runtime.stage.triggers import Answers


class Nobody:
    def __init__(self) -> None:
        self.said: list[tuple[str, dict]] = []

    def reply(self, request, *, error="", **result) -> None:
        self.said.append((error, result))


class Hands:
    """Faders that a test moves."""

    where, fault = "MIDI desk", ""

    def __init__(self) -> None:
        self.moved: list[Moved] = []

    def poll(self, now_s: float) -> list[Moved]:
        moved, self.moved = self.moved, []
        return moved

    def close(self) -> None:
        self.moved = []


@pytest.fixture
def desk():
    """What a desk with these bindings asks for when it is moved."""
    hands, nobody = Hands(), Nobody()
    state = {"taking": False, "plays": False, "changed": 0}

    def changed() -> None:
        state["changed"] += 1

    def made(*bindings: tuple[str, str], **ends: float):
        table = ControllerTable(
            source="midi://", map=[Binding(on=on, to=to, **ends) for on, to in bindings]
        )
        of = Controllers(
            [table], Answers(nobody), lambda: state["taking"], lambda: state["plays"], changed,
            lambda line: hands,
        )  # fmt: skip

        def move(*moved: tuple[str, float], now_s: float = 0.0):
            hands.moved = [Moved(*one) for one in moved]
            return of.asked(now_s)

        return move, of

    return made, state, nobody


def test_a_fader_asks_once_a_tick_for_where_it_is_then(desk):
    made, _, _ = desk
    move, _ = made(("cc 16", "style energy ann"))
    (asked,) = move(("cc 16", 0.2), ("cc 16", 1.0), ("cc 17", 0.4))
    assert isinstance(asked, Style) and asked.subject == "ann" and asked.traits == {"energy": 1.0}
    (asked,) = move(("cc 16", 0.25))
    assert asked.traits == {"energy": -0.5} and move() == []


def test_ends_of_a_fader(desk):
    made, _, _ = desk
    move, _ = made(("cc 1", "speed"), low=1.0, high=3.0)
    (asked,) = move(("cc 1", 0.5))
    assert isinstance(asked, Transport) and asked.speed == pytest.approx(2.0)


def test_a_button_asks_when_it_goes_down_and_not_while_it_trembles(desk):
    made, state, _ = desk
    move, _ = made(("note 36", "record"), ("note 37", "marker good"), ("note 38", "look B"))
    (asked,) = move(("note 36", 0.8))
    assert isinstance(asked, Record) and asked.start
    assert move(("note 36", 0.9), ("note 36", 0.45), ("note 36", 0.6)) == []
    state["taking"] = True
    (asked,) = move(("note 36", 0.0), ("note 36", 1.0))
    assert not asked.start
    mark, look = move(("note 37", 1.0), ("note 38", 1.0))
    assert isinstance(mark, Marker) and mark.text == "good"
    assert isinstance(look, LookAt) and look.at == "B"


def test_an_effect_goes_to_viewports_with_the_frames(desk):
    made, _, _ = desk
    move, of = made(("/1/fader1", "effect"))
    assert of.added({"late": 1.0}) == {"late": 1.0}
    assert move(("/1/fader1", 0.25)) == [] and of.added({}) == {"effect": 0.25}


def test_the_next_fader_that_is_moved_is_learned_and_one_that_trembles_is_not(desk):
    made, state, nobody = desk
    move, of = made(("cc 2", "speed"))
    of.learn(Learn(to="style crouch"))
    assert nobody.said.pop()[1]["waits_s"] == controllers.LEARNS_S
    move(("cc 9", 0.50), ("cc 9", 0.51))
    move(("cc 2", 0.10))
    assert of.learned == "" and state["changed"] == 0
    move(("cc 2", 0.60))
    assert of.learned == "cc 2 of MIDI desk does style crouch" and state["changed"] == 1
    (asked,) = move(("cc 2", 0.0))
    assert asked.traits == {"crouch": -1.0}, "in place of what it did before"
    of.learn(Learn(to="record"))
    assert move(("note 5", 1.0)) == [], "what taught it is no press"
    assert len(move(("note 5", 0.0), ("note 5", 1.0))) == 1


def test_learning_ends_by_itself(desk, capfd):
    made, _, _ = desk
    move, of = made()
    of.learn(Learn(to="record"))
    assert move(now_s=31.0) == [] and "none was learned" in capfd.readouterr().err
    move(("note 5", 1.0), now_s=32.0)
    assert of.learned == ""


def test_what_cannot_be_done_is_one_sentence(desk):
    made, _, nobody = desk
    _, of = made()
    for to in ("stile energy", "style glee", "step far", "record maybe", "effect 3"):
        of.learn(Learn(to=to))
        error, _ = nobody.said.pop()
        assert to in error and error.endswith("."), error
    with pytest.raises(UnderstudyError, match=r"\[\[controller\]\] 1: 'usb://' is no controller"):
        bindings.check([ControllerTable(source="usb://")])
    bad = Binding(on="cc 1", to="record", low=0.0)
    with pytest.raises(UnderstudyError, match="a button's"):
        bindings.check([ControllerTable(source="midi://", map=[bad])])


@pytest.mark.parametrize(
    ("data", "moved"),
    [
        ([0xB0, 16, 127], Moved("cc 16", 1.0)),
        ([0xB2, 16, 0], Moved("cc 16 channel 3", 0.0)),
        ([0x90, 36, 127], Moved("note 36", 1.0)),
        ([0x90, 36, 0], Moved("note 36", 0.0)),
        ([0x80, 36, 64], Moved("note 36", 0.0)),
        ([0xE0, 0x7F, 0x7F], Moved("pitch", 1.0)),
        ([0xC0, 3], Moved("program 3", 1.0)),
        ([0xF8], None),
        ([0xB0, 16], None),
        ([], None),
    ],
)
def test_midi_messages(data, moved):
    assert faders.of_midi(data) == moved


@given(st.lists(st.integers(0, 300), max_size=6))
def test_no_midi_bytes_raise(data):
    moved = faders.of_midi(data)
    assert moved is None or 0.0 <= moved.value <= 1.0


def test_osc_messages():
    pad = osc.encode("/3/xy", 0.25, 0.75)
    assert faders.of_osc(pad) == [Moved("/3/xy", 0.25), Moved("/3/xy 2", 0.75)]
    press = osc.text("/play") + osc.text(",")
    assert faders.of_osc(press) == [Moved("/play", 0.0), Moved("/play", 1.0)]


@given(mutations([osc.encode("/1/fader1", 0.5), osc.encode("/a", 1), osc.encode("/b", "text")]))
def test_osc_survives_anything(data):
    survives(faders.of_osc, data)


def test_a_button_tells_of_a_cue(desk):
    made, _, _ = desk
    move, _ = made(("note 40", "cue sparks ann"))
    (asked,) = move(("note 40", 1.0))
    (event,) = (one.event for one in asked.events)
    assert (event.kind, event.who, event.on) == ("cue", "sparks", "ann")
    with pytest.raises(UnderstudyError, match="cue NAME"):
        bindings.target("cue")
