"""MIDI without hardware: a backend of mido's in place of the machine's own."""

from __future__ import annotations

import contextlib
import threading

import pytest

from understudy.bridge.protocols import mtc
from understudy.runtime.core import timecode
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.outputs.timecode_day import Day
from understudy.runtime.outputs.timecode_ways import MidiOut
from understudy.runtime.sources.controls import faders
from understudy.runtime.sources.controls.faders import Moved
from understudy.runtime.sources.midi import MOST_WAITING, input_names

mido = pytest.importorskip("mido", reason="MIDI needs the package mido")


@pytest.fixture(autouse=True)
def desk():
    before = mido.backend
    mido.set_backend("tests.runtime.sources.midi_backend")
    with mido.open_output("Virtual Desk") as out:
        yield out
    mido.set_backend(before)


def test_a_controller_is_found_by_a_part_of_its_name(desk):
    assert input_names("midi") == ["Virtual Desk"]
    with contextlib.closing(faders.opened("midi://virtual")) as own:
        desk.send(mido.Message("control_change", control=16, value=127))
        desk.send(mido.Message("clock"))
        desk.send(mido.Message("note_on", note=36, velocity=127, channel=1))
        assert own.where == "MIDI Virtual Desk"
        assert own.poll(0.0) == [Moved("cc 16", 1.0), Moved("note 36 channel 2", 1.0)]
        assert own.poll(0.0) == []


def test_one_that_is_not_there_is_a_sentence_with_those_that_are():
    with pytest.raises(UnderstudyError, match=r"no MIDI input 'nano'; there are Virtual Desk\."):
        faders.opened("midi://nano")


def test_what_nobody_reads_does_not_fill_the_memory(desk):
    with contextlib.closing(faders.opened("midi://")) as own:
        for n in range(MOST_WAITING + 100):
            desk.send(mido.Message("control_change", control=1, value=n % 128))
        moved = own.poll(0.0)
        assert len(moved) == MOST_WAITING
        assert moved[-1].value == pytest.approx(((MOST_WAITING + 99) % 128) / 127.0)


def test_timecode_goes_out_in_quarter_frames_that_are_read_again():
    heard: list[str] = []
    enough = threading.Event()
    quarters = mtc.Quarters()

    def take(message):
        if (said := quarters.feed(message.bytes()[1])) is not None:
            heard.append(said.label)
            if len(heard) == 3:
                enough.set()

    first = timecode.frame_number("10:00:00:00", "25")
    day = Day()
    day.tick(first / 25.0, 0.0)
    with mido.open_input("Virtual Desk", callback=take), contextlib.closing(MidiOut(day, "25", "")):
        assert enough.wait(30.0)
    numbers = [timecode.frame_number(label, "25") - first for label in heard]
    assert all(n % 2 == 0 and 0 <= n < 1000 for n in numbers) and numbers == sorted(numbers)
