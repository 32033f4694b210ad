"""The server over real sockets: pages, newest frames only, and nobody records without the token."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.runtime.monitor import page
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.palette import STATE_COLOUR
from understudy.runtime.core.pose import Frame, Pose, Subject
from understudy.runtime.monitor import visitor
from understudy.runtime.monitor.access import Access
from understudy.runtime.monitor.server import MOST_VISITORS, Server
from understudy.runtime.monitor.takes import Takes

TOKEN = "correct horse"


class Stage:
    """A control client that counts."""

    timeout_s = 2.0

    def __init__(self) -> None:
        self.asked: list[bool] = []

    def record(self, start: bool, folder: str = "") -> dict[str, Any]:
        self.asked.append(start)
        return {"written": ["a.bvh"]}

    def slate(self, **words: Any) -> dict[str, Any]:
        self.asked += [bool(words)] if words else []
        return {"slate": words}

    def marker(self, *words: Any) -> dict[str, Any]:
        self.asked.append(True)
        return {}

    circle = marker

    def close(self) -> None:
        pass


def frame(number: int) -> Frame:
    pose = Pose.rest(PERFORMER)
    return Frame(number, 0, 0, 30, 1, "00:00:00:00", [Subject("A", PERFORMER, pose)])


def served(
    test: Callable[[Server, int, Stage], Awaitable[None]],
    token: str | None = TOKEN,
    names: Sequence[str] = (),
):
    """Runs the test beside a server on a port of its own."""

    async def run() -> None:
        stage = Stage()
        takes = Takes("tcp://127.0.0.1:1", connect=lambda address: stage)
        server = Server(Access(token), takes, {PERFORMER.id: PERFORMER}, names)
        port = await server.open("127.0.0.1", 0)
        try:
            await asyncio.wait_for(test(server, port, stage), 60)
        finally:
            takes.close()
            await server.close()

    asyncio.run(run())


async def visit(server: Server, port: int) -> ClientConnection:
    """A browser that has been greeted."""
    before = len(server.visitors)
    socket = await connect(f"ws://127.0.0.1:{port}/live", max_size=None)
    assert json.loads(await socket.recv())["kind"] == "rights"
    while len(server.visitors) <= before:
        await asyncio.sleep(0)
    return socket


async def told(socket: ClientConnection, kind: str) -> dict[str, Any]:
    """The next words of this kind."""
    while True:
        words = await socket.recv()
        if isinstance(words, str) and (said := json.loads(words))["kind"] == kind:
            return said


async def framed(socket: ClientConnection) -> dict[str, Any]:
    """The next frame; on a slow machine figures of the link come in between."""
    while isinstance(block := await socket.recv(), str):
        pass
    return page.frame(block)


async def fetched(port: int, path: str) -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def test_the_page_is_whole_and_nothing_else_is_served():
    async def test(server: Server, port: int, stage: Stage) -> None:
        status, index = await fetched(port, "/?token=x")
        assert status == 200 and b'src="monitor.js"' in index
        for path in ("/monitor.js", "/monitor.css", "/scene.js"):
            status, text = await fetched(port, path)
            assert status == 200
            assert b"//cdn" not in text and b"https://" not in text, "the page needs the internet"
        status, text = await fetched(port, "/palette.js")
        words = dict(re.findall(r"export const (\w+) = (.*);", text.decode()))
        assert status == 200
        assert json.loads(words["STATE_COLOUR"]) == {
            state.name: list(colour) for state, colour in STATE_COLOUR.items()
        }
        for path in ("/../server.py", "/%2e%2e/server.py", "/page/", "/mesh/zz", "/mesh/1", "//"):
            assert (await fetched(port, path))[0] in (400, 404), path
        status, text = await fetched(port, f"/skeleton/{PERFORMER.id:016x}")
        assert json.loads(text)["names"] == list(PERFORMER.names)
        while (answer := await fetched(port, f"/mesh/{PERFORMER.id:016x}"))[0] == 503:
            await asyncio.sleep(0.01)
        assert answer[0] == 200 and page.opened(answer[1])[0]["joints"] == len(PERFORMER)

    served(test)


def test_a_browser_that_stalls_gets_few_frames_and_then_the_newest():
    async def test(server: Server, port: int, stage: Stage) -> None:
        stalled, quick = await visit(server, port), await visit(server, port)
        for number in range(200):
            server.offer(frame(number), {})
            seen = await framed(quick)
            assert seen["sequence"] == number, "a stalled browser slowed another"
            await quick.send(json.dumps({"say": "shown", "n": seen["n"]}))
        late = [await framed(stalled) for _ in range(visitor.UNDER_WAY)]
        assert [one["sequence"] for one in late] == list(range(visitor.UNDER_WAY))
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(stalled.recv(), 0.05)
        await stalled.send(json.dumps({"say": "shown", "n": late[-1]["n"]}))
        assert (await framed(stalled))["sequence"] == 199

    served(test)


def test_nobody_records_without_the_token_whatever_they_send():
    async def test(server: Server, port: int, stage: Stage) -> None:
        owner, stranger = await visit(server, port), await visit(server, port)
        await owner.send(json.dumps({"say": "token", "token": TOKEN}))
        assert (await told(owner, "rights"))["record"] is True
        for words in (
            {"say": "start"},
            {"say": "start", "may_record": True, "token": TOKEN},
            {"say": "marker"},
            {"say": "circle"},
            {"say": "slate", "scene": "13"},
            {"say": "stop"},
        ):
            await stranger.send(json.dumps(words))
            assert "token" in (await told(stranger, "refused"))["said"]
        await stranger.send(json.dumps({"say": "token", "token": "wrong horse"}))
        rights = await told(stranger, "rights")
        assert rights["record"] is False and TOKEN not in json.dumps(rights)
        assert stage.asked == [] and server.access.refused == 1
        await owner.send(json.dumps({"say": "start"}))
        while not server.takes.state.recording:
            await asyncio.sleep(0)
        assert stage.asked == [True]

    served(test)


def test_without_a_token_of_the_server_nobody_records():
    async def test(server: Server, port: int, stage: Stage) -> None:
        socket = await visit(server, port)
        for token in ("", "auto", "None"):
            await socket.send(json.dumps({"say": "token", "token": token}))
            assert (await told(socket, "rights"))["record"] is False
        await socket.send(json.dumps({"say": "start"}))
        await told(socket, "refused")
        assert stage.asked == []

    served(test, token=None)


def test_rights_end_with_the_connection():
    async def test(server: Server, port: int, stage: Stage) -> None:
        first = await visit(server, port)
        await first.send(json.dumps({"say": "token", "token": TOKEN}))
        assert (await told(first, "rights"))["record"] is True
        await first.close()
        while server.visitors:
            await asyncio.sleep(0)
        second = await visit(server, port)
        await second.send(json.dumps({"say": "start"}))
        await told(second, "refused")
        assert stage.asked == []

    served(test)


@pytest.mark.parametrize(
    "words",
    ["", "{", "[]", '{"say":"format"}', '{"say":"slate","scene":5}', b"\x00\xff",
     '{"say":"shown","n":"1"}', "[" * 4000, "x" * 5000],
)  # fmt: skip
def test_what_no_page_of_ours_says_ends_the_connection_and_nothing_else(words):
    async def test(server: Server, port: int, stage: Stage) -> None:
        bad, good = await visit(server, port), await visit(server, port)
        await bad.send(words)
        with pytest.raises(ConnectionClosed):
            while True:
                await bad.recv()
        server.offer(frame(1), {})
        assert (await framed(good))["sequence"] == 1

    served(test)


def test_pages_of_other_sites_are_turned_away():
    async def test(server: Server, port: int, stage: Stage) -> None:
        with pytest.raises(InvalidStatus, match="403"):
            await connect(f"ws://127.0.0.1:{port}/live", origin="http://elsewhere.example")
        assert server.strangers == 1
        await connect(f"ws://127.0.0.1:{port}/live", origin=f"http://127.0.0.1:{port}")

    served(test)


def test_browsers_are_limited():
    async def test(server: Server, port: int, stage: Stage) -> None:
        crowd = [await visit(server, port) for _ in range(MOST_VISITORS)]
        with pytest.raises(InvalidStatus, match="503"):
            await connect(f"ws://127.0.0.1:{port}/live")
        await crowd[0].close()
        while len(server.visitors) == MOST_VISITORS:
            await asyncio.sleep(0)
        await visit(server, port)

    served(test)


def test_a_port_that_is_taken_is_named():
    async def test(server: Server, port: int, stage: Stage) -> None:
        other = Server(Access(None), server.takes, {})
        with pytest.raises(UnderstudyError, match=f"port {port}.*--port"):
            await other.open("127.0.0.1", port)
        await other.close()

    served(test)


def test_silence_is_told_too():
    async def test(server: Server, port: int, stage: Stage) -> None:
        socket = await visit(server, port)
        server.offer(None, {"notice": "No stage yet"})
        seen = await framed(socket)
        assert seen["notice"] == "No stage yet" and "subjects" not in seen
        assert np.isclose(seen["take"]["seconds"], 0.0)
        await server.takes.start()
        for _ in range(2):
            server.offer(None, {"notice": "No stage: silent"})
        while not (seen := await framed(socket))["take"]["unsure"]:
            await socket.send(json.dumps({"say": "shown", "n": seen["n"]}))

    served(test)
