"""Slate, markers and circles over the control socket, and takes that count by themselves."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from understudy.bridge import ControlClient, Subscriber
from understudy.runtime.bench.processes import StageProcess
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.takes.contents import contents, overview
from understudy.runtime.takes.take_reader import TakeReader

PATIENCE_S = 30.0


def test_a_day_of_takes(pad, tmp_path):
    slate = "project=Robin,scene=12,shot=B,description=Ann sits, then stands"
    session = tmp_path / "stage.toml"
    session.write_text(f"[slate]\nfolder = {str(tmp_path / 'takes')!r}\n")
    words = ("--session", session, "--pad", pad, "--slate", slate, "--no-realtime")
    with StageProcess(*words) as stage:
        with (
            ControlClient(stage.control) as client,
            Subscriber(stage.publish, timeout_s=PATIENCE_S) as subscriber,
        ):
            told = client.slate()
            assert told["folder"] == str(tmp_path / "takes")
            assert told["slate"]["description"] == "Ann sits, then stands"
            for call in (client.marker, client.circle):
                with pytest.raises(UnderstudyError, match=r"No take|Nothing was recorded"):
                    call()
            one = client.record(True)
            assert Path(one["take"]).name == "Robin_12_B_T001.mcap" and one["number"] == 1
            begun_ns = time.monotonic_ns()  # from the answer on nothing is missing
            seen = next(frame for frame in subscriber if frame.publish_ns >= begun_ns)
            assert client.marker("seen", "red", seen.sequence)["sequence"] == seen.sequence
            next_tick = client.marker("now")["sequence"]
            assert next_tick > seen.sequence
            with pytest.raises(UnderstudyError, match="mark what was seen"):
                client.marker("never", sequence=next_tick + 10_000)
            client.slate(notes="ann was late", take=7)
            assert client.circle()["take"] == one["take"]
            for _, frame in zip(range(30), subscriber):
                if frame.sequence > next_tick + 5:
                    break
            client.record(False)
            two = client.record(True)
            assert Path(two["take"]).name == "Robin_12_B_T007.mcap", "as it was asked for"
            client.record(False)
            assert client.circle(two["take"])["circled"] is True
            assert client.circle(two["take"], circled=False)["circled"] is False
            with pytest.raises(UnderstudyError, match="no take"):
                client.circle(str(tmp_path / "none.mcap"))
            client.slate(shot="C")
            three = client.record(True, folder=str(tmp_path / "other"))
            assert three["take"] == str(tmp_path / "other" / "Robin_12_C_T001.mcap")
            client.record(False)
            client.stop()
    found = contents(Path(one["take"]))
    markers = [e for e in found.events if e["event"] == "marker"]
    assert [(e["text"], e["sequence"]) for e in markers] == [
        ("seen", seen.sequence), ("now", next_tick)]  # fmt: skip
    ticks = {f[0].sequence for f in TakeReader(one["take"]).frames() if isinstance(f, tuple)}
    assert {seen.sequence, next_tick} <= ticks
    assert found.slate["circled"] and found.slate["notes"] == "ann was late"
    assert (found.slate["scene"], found.slate["take"]) == ("12", 1)
    assert found.complete and overview(Path(one["take"])).slate == found.slate
    assert overview(Path(two["take"])).slate["circled"] is False

    with StageProcess(*words) as stage, ControlClient(stage.control) as client:
        assert client.slate()["slate"]["take"] == 8, "it is told before it is taken"
        assert Path(client.record(True)["take"]).name == "Robin_12_B_T008.mcap"
        client.record(False)
        client.stop()


def test_a_slate_that_cannot_be_is_refused_and_nothing_changes(pad, tmp_path):
    with StageProcess("--pad", pad, "--no-realtime") as stage:
        with ControlClient(stage.control) as client:
            before = client.slate()
            for words in ({"take": 0}, {"scene": 5}, {"notes": "x" * 5000}):
                with pytest.raises(UnderstudyError):
                    client.slate(**words)
            assert client.slate() == before
            assert client.stats()["recording"] == ""
            client.stop()
