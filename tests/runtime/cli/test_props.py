"""`understudy props`: beside a live stage, and a take that is simulated once more."""

from __future__ import annotations

import time

import pytest

from tests.conftest import sentence
from understudy.bridge import ControlClient, Subscriber
from understudy.runtime.bench.processes import StageProcess
from understudy.runtime.cli.parser import Parser
from understudy.runtime.cli.session_options import add_sources, session_of
from understudy.runtime.core.event import HIT, Event
from understudy.runtime.takes.take_reader import TakeReader


def test_a_live_stages_props_fall_are_heard_and_are_the_same_once_more(pad, tmp_path, understudy):
    take = tmp_path / "take.mcap"
    told: list[Event] = []
    with (
        StageProcess(
            "--pad", pad, "--prop", "ball=sphere?size=0.2&at=2,0.5,2&material=rubber",
            "--record", take, "--no-realtime",
        ) as stage,
        Subscriber(stage.publish, events=True) as frames,
        ControlClient(stage.control) as client,
    ):  # fmt: skip
        until_s = time.monotonic() + 60.0
        low_m, again = 9.0, False
        while time.monotonic() < until_s:
            frame = frames.receive(0.5)
            told += frames.happened()
            for prop in frame.props if frame is not None else ():
                low_m = min(low_m, float(prop.position[1]))
            if not again and any(one.kind == HIT for one in told):
                client.order_prop("reset")
                again, told = True, []
            elif again and any(one.kind == HIT for one in told):
                break
        hit = next(one for one in told if one.kind == HIT)
        assert (hit.who, hit.on, hit.material) == ("ball", "floor", "rubber")
        assert hit.speed_mps == pytest.approx(3.1, abs=0.2) and 0.05 < low_m < 0.12
    assert next(TakeReader(take).happened()).number == 1
    done = understudy("props", "--take", take)
    assert done.returncode == 0, done.stderr
    assert "frames" in done.stdout
    # Played, the take moves it; nobody simulates it.
    args = Parser()
    add_sources(args)
    session, _ = session_of(args.parse_args(["--take", str(take)]))
    assert [(one.name, one.material, one.tracked) for one in session.prop] == [
        ("ball", "rubber", True)
    ]


def test_a_take_without_props_is_refused(pad, tmp_path, understudy):
    take = tmp_path / "take.mcap"
    with (
        StageProcess("--pad", pad, "--record", take, "--no-realtime") as stage,
        Subscriber(stage.publish) as frames,
    ):
        assert frames.receive(30.0) is not None
    done = understudy("props", "--take", take)
    assert done.returncode == 2 and "without [[prop]]" in sentence(done)
