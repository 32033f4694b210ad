"""Foley beside a stage that runs, and of its take."""

import csv
import wave

import numpy as np

from tests.bridge.test_stream import ANYWHERE, Feed, until
from understudy.bridge import Publisher, Subscriber
from understudy.runtime.bench.processes import StageProcess
from understudy.runtime.core.event import Event
from understudy.runtime.core.sound import RATE_HZ
from understudy.runtime.foley.foley import Foley
from understudy.runtime.foley.live import Live
from understudy.runtime.foley.sinks import now_s


def test_a_walk_is_heard_and_its_take_again(pad, tmp_path, understudy):
    """Each step of the list is heard at its time, to the millisecond."""
    take, live = tmp_path / "walk.mcap", tmp_path / "live.wav"
    with StageProcess("--pad", pad, "--steps", "--record", take) as stage:
        done = understudy("foley", "--connect", stage.publish, "--wav", live, "--seconds", 5)
    assert done.returncode == 0, done.stderr
    assert "told of no steps" not in done.stderr
    with wave.open(str(live)) as file:
        assert file.getnframes() > 3.5 * RATE_HZ
    sound, events = tmp_path / "take.wav", tmp_path / "take.csv"
    done = understudy(
        "foley", take, "--wav", sound, "--stems", "--events", events, "--room", "none"
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "found in its poses" not in done.stdout
    with wave.open(str(tmp_path / "take_steps.wav")) as file:
        heard = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2).mean(1)
    with events.open(newline="", encoding="utf-8") as file:
        steps = [float(row["seconds"]) for row in csv.DictReader(file) if row["kind"] == "step"]
    assert len(steps) >= 3
    loud = np.abs(heard)
    for at_s in steps:
        at = round(at_s * RATE_HZ)
        after = loud[at : at + 480].max()
        assert after > 30
        assert loud[max(at - 96, 0) : at].max(initial=0) < after


def test_a_stage_of_another_clock_is_heard_now():
    """Its monotonic clock may be days off; nobody compared them, so what is told is now."""
    with Publisher(ANYWHERE) as publisher, Subscriber(publisher.address, events=True) as stage:
        feed = Feed(publisher)
        foley = Foley(now_s(), cloth=False)
        live = Live(stage, foley, [])
        assert feed.first(stage)
        days_ns = round((now_s() + 3e5) * 1e9)
        publisher.tell([Event("step", "ann", on_material="wood", time_ns=days_ns)], 1)
        until(lambda: live.events, lambda: (feed(), live.turn()))
        assert abs(live.told[0].time_ns * 1e-9 - now_s()) < 5.0
        compared = Live(stage, foley, [], offset_s=3e5)
        publisher.tell([Event("step", "ann", time_ns=days_ns + 10**9)], 2)
        until(lambda: compared.events, lambda: (feed(), compared.turn()))
        assert abs(compared.told[0].time_ns - (days_ns + 10**9 - 3 * 10**14)) < 1000
