"""Sources and subjects from the page: told to everybody, changed by whom the token and key let."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.runtime.monitor.staged import StagedSession
from tests.runtime.monitor.test_server import TOKEN, told, visit
from understudy.bridge import ControlClient
from understudy.bridge.security.access import AccessControl
from understudy.bridge.security.keys import Keyring
from understudy.bridge.security.rights import LISTEN, RECORD, STEER
from understudy.runtime.monitor import editing as module
from understudy.runtime.monitor import server as servers
from understudy.runtime.monitor import visitor as visitors
from understudy.runtime.monitor.access import Access
from understudy.runtime.monitor.editing import MOST_WAITING, Editing, delay_s, status
from understudy.runtime.monitor.server import Server
from understudy.runtime.monitor.takes import Takes
from understudy.runtime.monitor.visitor import RenameSubject

EDITS: list[dict[str, Any]] = [
    {"say": "add_source", "url": "vmc://0.0.0.0:39539", "name": ""},
    {"say": "remove_source", "name": "vmc"},
    {"say": "remove_subject", "name": "Ann"},
    {"say": "add_subject", "name": "Cy", "part": "body", "stream": "vmc/2"},
    {"say": "rename_subject", "name": "Ann", "to": "Bo"},
    {"say": "place_subject", "name": "Ann", "at_m": [1, 0, 2.5], "heading_deg": 90},
    {"say": "reset_subject", "name": "Ann", "what": "camera"},
    {"say": "adjust_subject", "name": "Ann", "mirror": True},
    {"say": "save_session", "path": "show.toml"},
]
RENAME = next(one for one in EDITS if one["say"] == "rename_subject")
Test = Callable[[Server, int, StagedSession], Awaitable[None]]


def edited(test: Test, folder: Path | None = None, may: frozenset[str] | None = None) -> None:
    """Runs the test beside a server whose stage can be edited; may: with a key of these rights."""

    async def run() -> None:
        with contextlib.ExitStack() as stack:
            access, key = None, None
            if folder is not None:
                ring = Keyring(folder / "keys")
                key = ring.new("monitor", folder, may)
                access = stack.enter_context(AccessControl(ring))
            stage = stack.enter_context(StagedSession(access))
            stage.source("vmc", "vmc://0.0.0.0:39539?delay=0.05")
            stage.subject("Ann")

            def connect(address: str) -> ControlClient:
                return ControlClient(address, key=key)

            takes = Takes(stage.address, connect=connect)
            editing = Editing(stage.address, connect)
            server = Server(Access(TOKEN), takes, {}, (), editing)
            port = await server.open("127.0.0.1", 0)
            try:
                await asyncio.wait_for(test(server, port, stage), 60)
            finally:
                await server.close()
                takes.close()
                editing.close()

    asyncio.run(run())


@pytest.fixture(autouse=True)
def at_once(monkeypatch) -> None:
    monkeypatch.setattr(servers, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(servers, "LOOK_AGAIN_S", 0.01)
    monkeypatch.setattr(module, "LOOK_S", 20.0)
    monkeypatch.setattr(module, "RATE_OVER_S", 0.0)


async def admitted(server: Server, port: int) -> ClientConnection:
    socket = await visit(server, port)
    await socket.send(json.dumps({"say": "token", "token": TOKEN}))
    assert (await told(socket, "rights"))["record"] is True
    return socket


async def until(socket: ClientConnection, holds: Callable[[dict[str, Any]], bool]) -> dict:
    """The next session as the page sees it that is as wanted."""
    while not holds(session := await told(socket, "session")):
        pass
    return session


def test_everybody_sees_sources_and_subjects_and_what_changes():
    async def test(server: Server, port: int, stage: StagedSession) -> None:
        socket = await visit(server, port)
        session = await until(socket, lambda one: bool(one["sources"]))
        (source,) = session["sources"]
        assert (source["name"], source["delay_s"]) == ("vmc", 0.05)
        assert session["may"] == ["listen", "steer", "record"] and session["trouble"] == ""
        assert session["subjects"][0]["name"] == "Ann"
        await until(socket, lambda one: one["sources"][0]["status"] == "sends")
        stage.sources["vmc"]["notice"] = "10.0.0.7 fell silent 3 s ago"
        session = await until(socket, lambda one: one["sources"][0]["status"] == "silent")
        assert "fell silent" in session["sources"][0]["reason"]
        late = await visit(server, port)  # who comes later is told at once
        assert (await told(late, "session"))["sources"]

    edited(test)


@pytest.mark.parametrize("words", EDITS, ids=lambda words: words["say"])
def test_nobody_edits_without_the_token(words):
    async def test(server: Server, port: int, stage: StagedSession) -> None:
        stranger = await visit(server, port)
        for more in ({}, {"token": TOKEN, "may_record": True}):
            await stranger.send(json.dumps({**words, **more}))
            answer = await told(stranger, "edited")
            assert "token" in answer["refused"] and answer["op"] == words["say"]
        await stranger.send(json.dumps({"say": "token", "token": "wrong horse"}))
        await stranger.send(json.dumps(words))
        assert (await told(stranger, "edited"))["refused"]
        assert set(stage.asked) <= {"session", "slate"}, "it looks, and changes nothing"

    edited(test)


def test_with_the_token_all_of_it_can_be_changed():
    async def test(server: Server, port: int, stage: StagedSession) -> None:
        socket, other = await admitted(server, port), await visit(server, port)

        async def do(**words: Any) -> str:
            await socket.send(json.dumps(words))
            answer = await told(socket, "edited")
            assert answer["refused"] == "" and answer["op"] == words["say"]
            return answer["said"]

        said = await do(say="add_source", url="vmc://0.0.0.0:39540", name="cam side")
        assert said == "cam side is listened to."
        await until(other, lambda one: len(one["sources"]) == 2)
        await do(say="place_subject", name="Ann", at_m=[1, 0, -2.5], heading_deg=-90)
        session = await until(other, lambda one: one["subjects"][0]["heading_deg"] == -90)
        assert session["subjects"][0]["at_m"] == [1, 0, -2.5]
        where = {"at_m": [2, 0, 1], "heading_deg": 45}
        made = {"part": "body", "stream": "vmc/2"}
        assert await do(say="add_subject", name="Cy", **made, **where) == "Cy is on stage."
        session = await until(other, lambda one: len(one["subjects"]) == 2)
        usual = {"mirror": False, "root": "free", "t_pose": 0}
        cy = {"name": "Cy", "made_of": {"body": "vmc/2"}, **where, **usual}
        assert session["subjects"][1] == cy
        said = await do(say="reset_subject", name="Cy", what="mark")
        assert said == "Cy stands on the mark."
        await until(other, lambda one: one["subjects"][1]["at_m"] == [0, 0, 0])
        assert await do(say="adjust_subject", name="Cy", mirror=True, root="in place") == ""
        await until(other, lambda one: one["subjects"][1]["root"] == "in place")
        assert await do(say="remove_subject", name="Cy") == "Cy left the stage."
        said = await do(say="rename_subject", name="Ann", to="Bo")
        assert said == "Ann is called Bo now."
        await until(other, lambda one: one["subjects"][0]["name"] == "Bo")
        assert await do(say="save_session", path="show.toml") == "Saved to show.toml."
        said = await do(say="remove_source", name="vmc")
        assert said == "vmc is closed; Bo left with it."
        assert await do(say="remove_subject", name="Bo") == "Bo left the stage."
        await until(other, lambda one: not one["subjects"] and len(one["sources"]) == 1)

    edited(test)


def test_what_the_stage_refuses_is_its_sentence():
    async def test(server: Server, port: int, stage: StagedSession) -> None:
        socket = await admitted(server, port)
        stage.subject("Bo")
        for words, sentence in (
            ({"say": "add_source", "url": "nonsense"}, "'nonsense' is no source"),
            ({**EDITS[3], "name": "Bo"}, "is called 'Bo' already"),
            ({"say": "rename_subject", "name": "Ann", "to": "Bo"}, "is called 'Bo' already"),
            ({"say": "rename_subject", "name": "Cy", "to": "Di"}, "No subject is called 'Cy'."),
            ({"say": "save_session"}, "came from no session file"),
        ):
            await socket.send(json.dumps(words))
            answer = await told(socket, "edited")
            assert sentence in answer["refused"] and answer["said"] == ""

    edited(test)


@pytest.mark.parametrize("words", EDITS, ids=lambda words: words["say"])
def test_a_key_that_may_not_steer_edits_nothing_and_the_page_knows(tmp_path, words):
    async def test(server: Server, port: int, stage: StagedSession) -> None:
        socket = await admitted(server, port)
        session = await until(socket, lambda one: bool(one["sources"]))
        assert session["may"] == ["listen", "record"]
        await socket.send(json.dumps(words))
        assert (
            "'monitor' may listen, record, and not steer"
            in ((await told(socket, "edited"))["refused"])
        )
        assert set(stage.asked) <= {"session", "slate"}, "it looks, and changes nothing"

    edited(test, tmp_path, frozenset({LISTEN, RECORD}))


def test_a_key_that_may_steer_edits(tmp_path):
    async def test(server: Server, port: int, stage: StagedSession) -> None:
        socket = await admitted(server, port)
        await socket.send(json.dumps(RENAME))
        assert (await told(socket, "edited"))["said"] == "Ann is called Bo now."
        await server.takes.start()
        assert "'monitor' may listen, steer, and not record" in server.takes.state.said

    edited(test, tmp_path, frozenset({LISTEN, STEER}))


def test_a_stage_that_is_gone_leaves_the_list_and_says_why(monkeypatch):
    monkeypatch.setattr(module, "LOOK_S", 0.05)
    monkeypatch.setattr(module, "CHANGE_S", 0.05)

    async def test(server: Server, port: int, stage: StagedSession) -> None:
        socket = await admitted(server, port)
        await until(socket, lambda one: bool(one["sources"]))
        stage.close()
        session = await until(socket, lambda one: "No stage answers" in one["trouble"])
        assert session["sources"][0]["name"] == "vmc"
        await socket.send(json.dumps(RENAME))
        assert "No stage answers" in (await told(socket, "edited"))["refused"]

    edited(test)


@pytest.mark.parametrize(
    "words",
    [
        {"say": "place_subject", "name": "Ann", "at_m": [1, 2], "heading_deg": 0},
        {"say": "place_subject", "name": "Ann", "at_m": [1e9, 0, 0], "heading_deg": 0},
        {"say": "place_subject", "name": "Ann", "at_m": [None, 0, 0], "heading_deg": 0},
        {"say": "rename_subject", "name": "Ann"},
        {"say": "rename_subject", "name": "Ann", "to": "x" * 300},
        {"say": "add_source", "url": "x" * 3000},
        {"say": "add_source", "url": 7},
        {"say": "stop_stage"},
    ],
)
def test_an_edit_that_no_page_of_ours_says_ends_the_connection(words):
    async def test(server: Server, port: int, stage: StagedSession) -> None:
        socket = await admitted(server, port)
        await socket.send(json.dumps(words))
        with pytest.raises(ConnectionClosed):
            while True:
                await socket.recv()
        assert set(stage.asked) <= {"session", "slate"}, "it looks, and changes nothing"

    edited(test)


def test_changes_that_wait_are_bounded():
    async def test(server: Server, port: int, stage: StagedSession) -> None:
        editing = server.editing
        asked = [RenameSubject("Ann", "Ann 2")] * (MOST_WAITING + 5)
        done = await asyncio.gather(*(editing.change(one) for one in asked))
        assert sum("Too many changes" in refused for _, refused in done) == 5

    edited(test)


@pytest.mark.parametrize(
    ("frames", "rate_hz", "notice", "word"),
    [(0, 0.0, "nothing has come", "waits"), (7, 0.0, "", "silent"), (7, 59.9, "", "sends"),
     (7, None, "", "sends"), (None, None, "", "plays"), (None, None, "no gamepad", "silent")],
)  # fmt: skip
def test_a_source_is_told_in_a_word(frames, rate_hz, notice, word):
    assert status(frames, rate_hz, notice) == word


def test_looks_in_quick_succession_call_nobody_silent(monkeypatch):
    monkeypatch.setattr(module, "RATE_OVER_S", 0.8)
    now_s = [50.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now_s[0])
    editing = Editing("tcp://127.0.0.1:1")

    def at(seconds: float, frames: int) -> tuple[str, float | None]:
        source = module.Source("vmc", figures={"frames": frames})
        told = editing._source(source, 50.0 + seconds)
        return told["status"], told["rate_hz"]

    assert at(0.0, 100) == ("sends", None)
    assert at(0.01, 100) == ("sends", None)
    assert at(1.0, 160) == ("sends", 60.0)
    assert at(1.01, 160) == ("sends", 60.0)
    assert at(2.0, 160) == ("silent", 0.0)
    editing.close()


def test_a_delay_is_read_from_the_line():
    assert delay_s("vmc://0.0.0.0:39539?name=ann&delay=0.05") == 0.05
    assert delay_s("vmc://0.0.0.0") is None and delay_s("a?delay=x") is None


def test_a_take_that_is_played_says_where_it_stands_and_its_buttons_are_requests():
    figures = {
        "take": "/t/12A.mcap", "position_s": 2.5, "seconds": 9.0, "playing": False, "speed": 1.0,
        "cue": 1, "list": ["/t/12A.mcap", "/t/12B.mcap"], "timecode": "01:00:00:00",
    }  # fmt: skip
    source = module.Source("12A", "take:///t/12A.mcap", "", [], figures)
    told = Editing("tcp://127.0.0.1:1")._source(source, 0.0)
    assert told["status"] == "stopped"
    assert told["deck"] == {
        "position_s": 2.5, "seconds": 9.0, "playing": False, "speed": 1.0, "cue": 1, "takes": 2,
        "raw": False,
        "timecode": "01:00:00:00",
    }  # fmt: skip
    assert Editing("tcp://127.0.0.1:1")._source(module.Source("vmc"), 0.0)["deck"] is None
    asked: list[tuple[str, dict[str, Any]]] = []

    class Stage:
        def transport(self, source: str, **words: Any) -> dict[str, Any]:
            asked.append((source, words))
            return {}

    said = visitors.read(b'{"say": "transport", "source": "12A", "step": -1}')
    module._ask(Stage(), said)  # type: ignore[arg-type]
    assert asked == [("12A", {"step": -1})]
