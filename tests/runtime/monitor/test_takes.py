"""Takes: the slate's next, its marks and its circle; complaints that are kept."""

from __future__ import annotations

import asyncio
from typing import Any

from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.monitor.takes import Takes


class Stage:
    """A control client that keeps what it was asked."""

    timeout_s = 2.0

    def __init__(self) -> None:
        self.asked: list[tuple] = []
        self.refusal = ""
        self.words: dict[str, Any] = {"scene": "12", "shot": "A", "take": 4}

    def _ask(self, *words: Any) -> None:
        self.asked.append(words)
        if self.refusal:
            raise UnderstudyError(self.refusal)

    def record(self, start: bool, folder: str = "") -> dict:
        self._ask("record", start, folder)
        if not start:
            return {"written": ["takes/12_A_T004.bvh", "takes/12_A_T004.mcap"]}
        self.words["take"] += 1
        return {"recording": "takes/12_A_T004.bvh", "take": "takes/12_A_T004.mcap", "number": 4}

    def slate(self, **words: Any) -> dict:
        self._ask("slate", words)
        self.words |= words
        return {"slate": self.words, "folder": "/takes"}

    def marker(self, text: str, colour: str, sequence: int | None) -> dict:
        self._ask("marker", text, sequence)
        return {"sequence": sequence}

    def circle(self, path: str, circled: bool) -> dict:
        self._ask("circle", path, circled)
        return {"take": path, "circled": circled}

    def close(self) -> None:
        pass


def takes(stage: Stage, folder: str = "takes") -> Takes:
    return Takes("tcp://127.0.0.1:5571", folder, connect=lambda address: stage)  # type: ignore


def test_a_take_is_the_slate_s_next_and_can_be_marked_and_circled():
    stage = Stage()
    mine = takes(stage)

    async def session() -> None:
        await mine.look()
        assert mine.state.slate["scene"] == "12" and mine.state.slate["take"] == 4
        await mine.start()
        assert mine.state.recording == mine.state.newest == "takes/12_A_T004.mcap"
        await mine.mark(77, "here")
        assert mine.state.said == "Marked."
        await mine.circle(True)
        assert mine.state.circled
        await mine.stop()
        await mine.circle(False)

    asyncio.run(session())
    assert stage.asked == [
        ("slate", {}), ("record", True, "takes"), ("marker", "here", 77), ("circle", "", True),
        ("record", False, ""), ("slate", {}), ("circle", "takes/12_A_T004.mcap", False),
    ]  # fmt: skip
    assert (mine.state.recording, mine.state.circled, mine.state.slate["take"]) == ("", False, 5)
    assert mine.described()["said"] == "Written into takes: 12_A_T004.bvh, 12_A_T004.mcap"
    mine.close()


def test_the_slate_is_changed_and_a_refusal_is_said():
    stage = Stage()
    mine = takes(stage)
    asyncio.run(mine.change({"scene": "13", "notes": "x"}))
    assert mine.state.slate["scene"] == "13" and not mine.state.failed
    stage.refusal = "A take is a number of 1 to 99999."
    asyncio.run(mine.change({"take": 0}))
    assert mine.state.failed and mine.state.said == stage.refusal
    assert mine.state.slate["scene"] == "13"
    mine.close()


def test_what_a_stage_of_another_version_says_of_its_slate_changes_nothing():
    stage = Stage()
    mine = takes(stage)
    stage.words = {"take": "many"}
    asyncio.run(mine.look())
    assert mine.state.slate["take"] == 1
    mine.close()


def test_a_refusal_is_shown_and_somebody_elses_take_can_be_stopped():
    stage = Stage()
    mine = takes(stage)
    stage.refusal = "other.bvh is being recorded; stop it first."
    asyncio.run(mine.start())
    assert mine.state.failed and mine.state.said == stage.refusal
    assert mine.state.recording == "other.bvh"
    stage.refusal = "No stage answers."
    asyncio.run(mine.stop())
    assert (mine.state.recording, mine.state.said) == ("other.bvh", "No stage answers.")
    mine.close()


def test_a_restarted_stage_records_nothing():
    stage = Stage()
    mine = takes(stage)
    asyncio.run(mine.start())
    mine.stage_restarted()
    assert mine.state.recording == "" and mine.state.failed
    assert "restarted" in mine.state.said
    mine.close()


def test_a_take_counts_on_only_while_the_stage_is_heard(monkeypatch):
    now_s = [100.0]
    monkeypatch.setattr("understudy.runtime.monitor.takes.time.monotonic", lambda: now_s[0])
    mine = takes(Stage())
    mine.heard(True)
    asyncio.run(mine.start())

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
