"""Takes: names that are safe, numbers that go on, complaints that are kept."""

from __future__ import annotations

import asyncio
import re

from hypothesis import given
from hypothesis import strategies as st

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.monitor.takes import Takes, path_of, plain


class Stage:
    """A control client that keeps what it was asked."""

    timeout_s = 2.0

    def __init__(self) -> None:
        self.asked: list[tuple] = []
        self.refusal = ""

    def record(self, start: bool, path: str = "", slate: str = "") -> dict:
        self.asked.append((start, path, slate))
        if self.refusal:
            raise UnderstudyError(self.refusal)
        return {"recording": path} if start else {"written": [self.asked[0][1]]}

    def close(self) -> None:
        pass


def takes(stage: Stage, folder: str = "takes") -> Takes:
    return Takes("tcp://127.0.0.1:5571", folder, connect=lambda address: stage)


@given(st.text(max_size=300))
def test_a_slate_never_leaves_its_folder(slate):
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,48}", plain(slate))
    path = path_of("takes", plain(slate), 3, "20260101T120000")
    assert path.count("/") == 1 and path.endswith("_003_20260101T120000.bvh")


def test_the_take_number_goes_on_by_itself():
    stage = Stage()
    mine = takes(stage)

    async def session() -> None:
        await mine.start("12 A", 4)
        assert re.fullmatch(r"takes/12_A_004_\d{8}T\d{6}\.bvh", mine.state.recording)
        assert mine.state.take == 4
        await mine.stop()

    asyncio.run(session())
    assert stage.asked[0][2] == "12_A 4"
    assert (mine.state.recording, mine.state.take) == ("", 5)
    assert mine.state.files == [stage.asked[0][1]]
    assert mine.described()["said"].startswith("Written into takes: 12_A_004_")
    mine.close()


def test_a_refusal_is_shown_and_somebody_elses_take_can_be_stopped():
    stage = Stage()
    mine = takes(stage)
    stage.refusal = "other.bvh is being recorded; stop it first."
    asyncio.run(mine.start("x", 1))
    assert mine.state.failed and mine.state.said == stage.refusal
    assert mine.state.recording == "other.bvh"
    stage.refusal = "No stage answers."
    asyncio.run(mine.stop())
    assert (mine.state.recording, mine.state.said) == ("other.bvh", "No stage answers.")
    mine.close()


def test_a_restarted_stage_records_nothing():
    stage = Stage()
    mine = takes(stage)
    asyncio.run(mine.start("x", 1))
    mine.stage_restarted()
    assert mine.state.recording == "" and mine.state.failed
    assert "restarted" in mine.state.said
    mine.close()


def test_a_take_counts_on_only_while_the_stage_is_heard(monkeypatch):
    now_s = [100.0]
    monkeypatch.setattr("understudy.runtime.monitor.takes.time.monotonic", lambda: now_s[0])
    mine = takes(Stage())
    mine.heard(True)
    asyncio.run(mine.start("x", 1))

    def at(seconds: float, there: bool) -> tuple[float, bool]:
        now_s[0] = 100.0 + seconds
        mine.heard(there)
        told = mine.described()
        return told["seconds"], told["unsure"]

    assert at(5.0, True) == (5.0, False)
    assert at(7.0, False) == (7.0, True)
    assert at(60.0, False) == (7.0, True), "it counts a stage that nobody hears"
    assert at(61.0, True) == (61.0, False), "the cable was pulled, the take ran on"
    assert at(63.0, False) == (63.0, True)
    mine.stage_restarted()
    assert at(70.0, True) == (0.0, False)
    mine.close()


def test_nothing_is_unsure_where_nothing_is_recorded():
    mine = takes(Stage())
    mine.heard(False)
    assert mine.described()["unsure"] is False
    mine.close()
