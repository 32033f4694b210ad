"""What happens on a stage: told to whoever listens, kept in the take, and never a flood."""

import pytest

from tests.bridge.test_stream import until
from understudy.bridge import ControlClient, Subscriber
from understudy.runtime.bench.processes import StageProcess
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.event import Event
from understudy.runtime.stage.happenings import MOST_A_TICK, Happenings
from understudy.runtime.takes.take_reader import TakeReader


def test_what_a_client_tells_reaches_everybody_and_the_take(pad, tmp_path):
    take = tmp_path / "rain.mcap"
    told: list[Event] = []
    with StageProcess("--pad", pad, "--record", take) as stage:
        with Subscriber(stage.publish, events=True) as hears, ControlClient(stage.control) as says:
            until(lambda: hears.receive(0.2))
            says.send_events(Event("cue", "rain"), Event("hit", "crate", on="floor", speed_mps=2.5))
            until(lambda: len(told) == 2, lambda: told.extend(hears.happened()))
    assert [(one.number, one.kind, one.who) for one in told] == [
        (1, "cue", "rain"),
        (2, "hit", "crate"),
    ]
    assert all(one.time_ns > 0 for one in told)
    assert list(TakeReader(take).happened()) == told


def test_a_flood_is_held_to_what_a_tick_takes():
    happenings = Happenings()
    happenings.add([Event("hit")] * (MOST_A_TICK + 5), 1)
    happenings.add([Event("hit", speed_mps=float("nan"))], 1)
    assert len(happenings.take()) == MOST_A_TICK
    assert (happenings.told, happenings.refused) == (MOST_A_TICK, 6)
    happenings.add([Event("step", time_ns=7)], 1)
    assert [(one.number, one.time_ns) for one in happenings.take()] == [(MOST_A_TICK + 1, 7)]


def test_an_event_that_makes_no_sense_is_a_sentence():
    with (
        ControlClient("tcp://127.0.0.1:9", timeout_s=0.1) as says,
        pytest.raises(UnderstudyError, match="an event, kind"),
    ):
        says.send_events(Event(""))
