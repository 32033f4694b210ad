"""The recorder's loop: a full disk that has room again, a folder that goes, a clock that is set."""

from __future__ import annotations

import itertools
import json
import shlex
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from understudy.bridge.wire.encoder import FrameEncoder, encode_skeletons
from understudy.runtime.cli import main as cli
from understudy.runtime.core import processes
from understudy.runtime.core.pose import State
from understudy.runtime.takes import bvh as bvh_files
from understudy.runtime.takes import take_file
from understudy.runtime.takes.contents import contents
from understudy.runtime.takes.recording import Recording
from understudy.runtime.takes.take_export import load
from understudy.runtime.takes.take_reader import TakeReader

from .filmed import TICK_NS, shot
from .test_takes import BOX


class Stage:
    """What a feed hears of a stage that is there, and lets the recorder in."""

    has_inputs, greeted, gone, trouble = False, True, True, ""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.turn: Callable[[], None] = lambda: None

    def next(self) -> bytes | None:
        return self.sent.pop(0) if self.sent else None

    def wait(self, most_ms: int) -> None: ...
    def close(self) -> None: ...


class Rig:
    """A recorder that hears what it is given, on a clock of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.said: list[dict[str, Any]] = []
        self.now_ns = 50 * 10**9
        self.full = False
        self.stage = Stage()
        self._encoder, self.tick, self.marks = FrameEncoder(7), 0, 0
        monkeypatch.setattr(time, "monotonic_ns", lambda: self.now_ns)
        monkeypatch.setattr(time, "monotonic", lambda: self.now_ns / 1e9)
        flush = take_file._Sheet.flush

        def full(sheet: Any) -> None:
            if self.full:
                raise OSError(28, "No space left on device")
            flush(sheet)

        monkeypatch.setattr(take_file._Sheet, "flush", full)
        self.recording = Recording(self.stage, self.said.append)
        self.stage.sent.append(encode_skeletons([BOX]))

    def ask(self, op: str, **words: Any) -> dict[str, Any]:
        """Asks, and goes on until there is an answer."""
        self.marks += 1
        self.recording.ask({"op": op, "id": self.marks, **words})
        for _ in range(200):
            self.turn(1)
            for export in self.recording._exports:
                export.result()
            for answer in self.said:
                if answer.get("id") == self.marks:
                    return answer
        raise AssertionError(f"no answer to {op}")

    def turn(self, ticks: int) -> None:
        """So many ticks of the stage."""
        for _ in range(ticks):
            self.send(1)
            self.recording.turn()

    def send(self, ticks: int) -> None:
        """What the stage sends in so many ticks."""
        for _ in range(ticks):
            self.now_ns += TICK_NS
            one = shot(self.tick, ann=State.LIVE)
            one.publish_ns = self.now_ns
            self.stage.sent.append(self._encoder.encode(one))
            self.tick += 1

    def event(self, what: str, **facts: Any) -> None:
        self.recording.ask({"op": "event", "event": what, "facts": facts})

    def start(self, path: Path, **words: Any) -> dict[str, Any]:
        facts = {"rate_hz": 60.0}
        return self.ask("start", path=str(path), facts=facts, published=self.tick, **words)

    def stop(self) -> dict[str, Any]:
        return self.ask("stop", published=self.tick)


@pytest.fixture
def rig(monkeypatch):
    rig = Rig(monkeypatch)
    rig.turn(60)
    yield rig
    rig.recording.ended = True
    rig.recording.run()


def ticks(path: Path) -> list[int]:
    return [one[0].sequence for one in TakeReader(path).frames() if isinstance(one, tuple)]


def troubles(rig: Rig) -> list[str]:
    return [answer["trouble"] for answer in rig.said if "trouble" in answer]


def test_when_there_is_room_again_the_take_goes_on_and_nothing_is_missing(rig, tmp_path):
    path = tmp_path / "a.mcap"
    assert rig.start(path)["take"] == str(path)
    rig.event("present", subjects=["ann"], sequence=rig.tick)
    rig.turn(60)
    rig.full = True
    rig.turn(300)
    assert len(troubles(rig)) == 1 and "No space left" in troubles(rig)[0], "it is said once"
    assert [p.name for p in tmp_path.iterdir()] == ["a.mcap"], "a try leaves nothing behind"
    rig.full = False
    rig.turn(120)
    again = tmp_path / "a-2.mcap"
    assert [answer for answer in rig.said if "resumed" in answer] == [
        {"resumed": str(again), "export": ""}]  # fmt: skip
    assert rig.stop()["written"] == [str(again)]
    one, two = contents(path), contents(again)
    assert one.complete and two.complete and one.lost == two.lost == 0
    first = load(path)
    assert load(again).first <= first.last + 1, "no tick between them is missing"
    assert ticks(path)[-1] + 1 in ticks(again) and ticks(again)[-1] >= rig.tick - 5
    assert two.subjects.keys() == {"ann"}


def test_the_bvh_of_a_take_that_went_on_is_of_all_its_parts(rig, tmp_path):
    bvh = tmp_path / "a.bvh"
    rig.start(bvh, present=["ann"])
    begin = rig.tick
    rig.turn(60)
    for _ in range(2):
        rig.full = True
        rig.turn(100)
        rig.full = False
        rig.turn(100)
    written = rig.stop()["written"]
    assert written == [str(bvh), str(tmp_path / "a-3.mcap")]
    made = bvh_files.read(bvh, unit_m=0.01, up="Y", rest="t-pose")
    assert abs(len(made) - (rig.tick - begin)) <= 5
    assert not bvh.with_suffix(".json").exists(), "no tick between them is missing"
    parts = [tmp_path / f"a{number}.mcap" for number in ("", "-2", "-3")]
    assert len(made) == len(load(parts)) > max(len(load(part)) for part in parts)


def test_after_the_recorder_died_the_bvh_is_of_all_parts_and_says_the_gap(rig, tmp_path):
    bvh = tmp_path / "a.bvh"
    rig.start(bvh, present=["ann"])
    rig.turn(60)
    rig.recording.running.writer.abandon()  # as after a kill: without an end
    rig.recording.running = None
    rig.recording._kept.clear()
    rig.stage.sent.append(encode_skeletons([BOX]))  # which greets a recorder that is new
    rig.tick += 30
    more = {"parts": [str(tmp_path / "a.mcap")], "export": str(bvh), "present": ["ann"]}
    facts = {"rate_hz": 60.0}
    told = rig.ask("start", path=str(bvh), facts=facts, published=0, **more)
    assert (told["take"], told["export"]) == (str(tmp_path / "a-2.mcap"), str(bvh))
    rig.turn(60)
    assert rig.ask("stop", published=0)["written"][0] == str(bvh)
    said = json.loads(bvh.with_suffix(".json").read_text())
    ((first, last),) = said["gaps"]
    assert 30 <= last - first + 1 <= 40 and said["frames"] > 140


def test_a_take_that_ends_while_the_disk_is_full_says_why(rig, tmp_path):
    rig.start(tmp_path / "a.mcap")
    rig.turn(60)
    rig.full = True
    rig.turn(30)
    assert "No space left" in rig.stop()["error"]
    assert rig.recording.running is None
    rig.full = False
    assert rig.start(tmp_path / "b.mcap")["take"] and rig.stop()["written"]
    assert contents(tmp_path / "a.mcap").frames > 30


@pytest.mark.parametrize("suffix", ["csv", "glb", "edl"])
def test_what_is_made_of_a_take_has_any_suffix_that_a_take_can_be_exported_as(
    rig, tmp_path, suffix
):
    asked = tmp_path / f"a.{suffix}"
    told = rig.start(asked, present=["ann"])
    assert (told["take"], told["export"]) == (str(tmp_path / "a.mcap"), str(asked))
    rig.turn(60)
    assert rig.stop()["written"] == [str(asked), str(tmp_path / "a.mcap")]
    assert asked.stat().st_size > 0


def test_a_suffix_that_nobody_writes_is_refused_before_anything_is_written(rig, tmp_path):
    assert "has the suffix .xyz" in rig.start(tmp_path / "a.xyz")["error"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ends", ["while it is full", "by filling it"])
def test_what_a_full_disk_kept_from_being_made_is_made_by_the_command_that_is_said(
    rig, tmp_path, ends
):
    rig.start(tmp_path / "a b.csv", present=["ann"])
    rig.turn(60)
    rig.full = True
    if ends == "while it is full":
        rig.turn(30)
    said = rig.stop()["error"]
    assert "No space left" in said
    words = shlex.split(said.split("`")[1])
    assert words[:3] == ["understudy", "take", "export"]
    assert not (tmp_path / "a b.csv").exists()
    assert cli.main(words[1:]) == 0
    assert (tmp_path / "a b.csv").read_text().count("\n") > 30


def test_an_export_that_fails_says_how_it_is_made_again(rig, tmp_path, monkeypatch):
    usual = processes.start
    gone = ("take", "export", tmp_path / "nothing.mcap", "--to", "csv")
    monkeypatch.setattr(processes, "start", lambda *_, **pipes: usual(*gone, **pipes))
    rig.start(tmp_path / "a.csv", present=["ann"])
    rig.turn(60)
    said = rig.stop()["error"]
    assert said.startswith(f"The take is whole in {tmp_path / 'a.mcap'}, but not what is made")
    assert "nothing.mcap cannot be read" in said
    assert f"`understudy take export {tmp_path / 'a.mcap'} --to csv --out {tmp_path}`" in said


def test_what_a_stage_that_died_had_sent_is_in_the_take_though_it_arrives_after_the_news(
    rig, tmp_path
):
    path = tmp_path / "a.mcap"
    rig.start(path, present=["ann"])
    rig.turn(30)
    rig.stage.gone, turns = False, itertools.count()

    def turn() -> None:  # libzmq's own thread has no core yet: it reads the last frames late
        if next(turns) == 5:
            rig.send(8)
            rig.stage.gone = True  # said once all that came before it was read

    rig.stage.turn = turn
    rig.recording.ask({"op": "end"})
    rig.recording.run()
    assert ticks(path)[-1] == rig.tick - 1 and contents(path).complete


def test_a_recorder_that_is_told_to_end_waits_for_a_living_stage_no_longer_than_a_second(
    rig, tmp_path
):
    path = tmp_path / "a.mcap"
    rig.start(path, present=["ann"])
    rig.stage.gone, rig.stage.turn = False, lambda: rig.send(1)
    began_ns = rig.now_ns
    rig.recording.ended = True
    rig.recording.run()
    assert rig.now_ns - began_ns < 1.1e9
    assert ticks(path)[-1] == rig.tick - 1 and contents(path).complete


def test_a_folder_that_goes_is_made_again(rig, tmp_path):
    folder = tmp_path / "takes"
    rig.start(folder / "a.mcap")
    rig.turn(60)
    shutil.rmtree(folder)
    rig.turn(200)
    assert "gone" in troubles(rig)[0]
    (written,) = rig.stop()["written"]
    assert contents(Path(written)).complete and ticks(Path(written))[-1] >= rig.tick - 5


def test_a_take_that_cannot_begin_leaves_nothing(rig, tmp_path):
    rig.full = True
    assert "No space left" in rig.start(tmp_path / "a.bvh")["error"]
    assert not list(tmp_path.iterdir()) and rig.recording.running is None
    (tmp_path / "file").touch()
    assert "cannot be written" in rig.start(tmp_path / "file" / "a.mcap")["error"]


def test_a_clock_that_is_set_back_changes_nothing_in_a_take(rig, tmp_path, monkeypatch):
    path = tmp_path / "a.mcap"
    rig.start(path)
    rig.turn(30)
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    rig.turn(30)
    rig.stop()
    times = [e.time_ns for e in TakeReader(path).entries() if e.topic == "frames"]
    assert [b - a for a, b in itertools.pairwise(times)] == [TICK_NS] * (len(times) - 1)
    assert len(times) > 100 and contents(path).complete


def test_takes_are_named_by_the_slate(rig, tmp_path):
    slate = {"project": "", "scene": "12", "shot": "A", "take": 1}
    names = []
    for _ in range(2):
        told = rig.ask(
            "start", path="", facts={"rate_hz": 60.0}, published=rig.tick, slate=slate,
            folder=str(tmp_path))  # fmt: skip
        names.append((Path(told["take"]).name, told["number"]))
        rig.event("slate", notes=f"number {told['number']}")
        rig.event("marker", sequence=rig.tick, text="x")
        rig.stop()
    assert names == [("12_A_T001.mcap", 1), ("12_A_T002.mcap", 2)]
    found = contents(tmp_path / "12_A_T002.mcap")
    assert found.slate == {"take": 2, "notes": "number 2"} and found.markers == 1
