"""The library page: takes are listed, noted and taken along, of one folder, with the token."""

from __future__ import annotations

import asyncio
import io
import json
import threading
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from websockets.asyncio.client import connect

from tests.runtime.takes.filmed import film, shot
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.core.pose import State
from understudy.runtime.monitor.access import Access
from understudy.runtime.monitor.library import Shelf
from understudy.runtime.monitor.server import Server
from understudy.runtime.monitor.takes import Takes
from understudy.runtime.takes.sheet import PICTURES, SIZE, make_all
from understudy.runtime.takes.slate import noted

from .test_server import TOKEN, told

LIVE, ACTED = State.LIVE, State.TAKEOVER


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("UNDERSTUDY_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "takes"
    folder.mkdir()
    slate = {"slate_scene": "12", "slate_shot": "A"}
    film(folder / "one.mcap", [shot(t, ann=LIVE) for t in range(30)], **slate)
    film(folder / "two & ½.mcap", [shot(t, ann=LIVE, ben=ACTED) for t in range(30)])
    (folder / "broken.mcap").write_bytes(b"\x89MCAP0\r\n")
    (tmp_path / "secret.mcap").write_bytes((folder / "one.mcap").read_bytes())
    return folder


def served(folder: Path, test: Callable[[Server, int, list], Awaitable[None]]) -> None:
    launched: list[tuple] = []

    class Child:
        def poll(self) -> int | None:
            return 0

    def launch(*words: Any, **_: Any) -> Any:
        launched.append(words)
        return Child()

    async def run() -> None:
        takes = Takes("tcp://127.0.0.1:1", connect=lambda address: None)  # type: ignore[arg-type]
        shelf = Shelf(folder, launch)
        server = Server(Access(TOKEN), takes, {PERFORMER.id: PERFORMER}, shelf=shelf)
        port = await server.open("127.0.0.1", 0)
        try:
            await asyncio.wait_for(test(server, port, launched), 60)
        finally:
            takes.close()
            await server.close()

    asyncio.run(run())


async def fetched(
    port: int, path: str, *headers: str, method: str = "GET"
) -> tuple[int, bytes, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *headers])
    writer.write(f"{head}\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    head_of, _, body = answer.partition(b"\r\n\r\n")
    return int(answer.split()[1]), body, head_of


async def listed(port: int, words: str = "") -> list[str]:
    status, body, _ = await fetched(port, f"/takes.json?{words}")
    assert status == 200
    return [take["file"] for take in json.loads(body)["takes"]]


def test_takes_are_found_by_words(folder):
    async def test(server: Server, port: int, launched: list) -> None:
        assert await listed(port) == ["broken.mcap", "two & ½.mcap", "one.mcap"]
        assert await listed(port, "scene=12") == ["one.mcap"]
        assert await listed(port, "with=ben") == ["two & ½.mcap"]
        assert await listed(port, "text=%C2%BD") == ["two & ½.mcap"]
        assert await listed(port, "circled=1") == []
        status, body, _ = await fetched(port, "/takes.json?since=soon")
        assert status == 422 and b"--since" in body
        assert launched == [("take", "sheets", folder)], "once, however often it is asked"

    served(folder, test)


def test_a_folder_that_is_not_there_is_said(tmp_path):
    async def test(server: Server, port: int, launched: list) -> None:
        status, body, _ = await fetched(port, "/takes.json")
        assert status == 200 and "no folder" in json.loads(body)["error"]
        assert (await fetched(port, "/sheet/a.mcap"))[0] == 404

    served(tmp_path / "none", test)


def test_pictures_are_made_beside_it(folder):
    async def test(server: Server, port: int, launched: list) -> None:
        assert (await fetched(port, "/sheet/one.mcap"))[0] == 404
        assert make_all(folder) == 3 and make_all(folder) == 0
        for name in ("one.mcap", "two%20%26%20%C2%BD.mcap", "broken.mcap"):
            status, body, _ = await fetched(port, f"/sheet/{name}")
            assert status == 200
            picture = Image.open(io.BytesIO(body))
            assert picture.size == (PICTURES * SIZE[0], SIZE[1])
        for name in ("..%2Fsecret.mcap", "../secret.mcap", "%2Fetc%2Fpasswd", ".mcap", ""):
            assert (await fetched(port, f"/sheet/{name}"))[0] == 404

    served(folder, test)


def test_bvh_takes_the_token_and_stays_in_the_folder(folder):
    async def test(server: Server, port: int, launched: list) -> None:
        key = f"Authorization: Bearer {TOKEN}"
        assert (await fetched(port, "/bvh/one.mcap"))[0] == 403
        assert (await fetched(port, "/bvh/one.mcap", "Authorization: Bearer guess"))[0] == 403
        status, body, head = await fetched(port, "/bvh/one.mcap", key)
        assert status == 200 and body.startswith(b"HIERARCHY") and b"one.bvh" in head
        status, body, head = await fetched(port, "/bvh/two%20%26%20%C2%BD.mcap", key)
        assert status == 200 and b"two%20%26%20%C2%BD.zip" in head
        assert len(zipfile.ZipFile(io.BytesIO(body)).namelist()) == 2
        assert (await fetched(port, "/bvh/..%2Fsecret.mcap", key))[0] == 404
        status, body, _ = await fetched(port, "/bvh/broken.mcap", key)
        assert status == 422 and body.count(b"\n") == 1

    served(folder, test)


def test_an_export_may_take_longer_than_a_request(folder, monkeypatch):
    monkeypatch.setattr("understudy.runtime.monitor.http.HEAD_S", 0.3)
    done = threading.Event()

    def slow(take: Path) -> tuple[str, bytes]:
        done.wait(10.0)
        return "one.bvh", b"HIERARCHY"

    monkeypatch.setattr("understudy.runtime.monitor.library._bvh", slow)

    async def test(server: Server, port: int, launched: list) -> None:
        key = f"Authorization: Bearer {TOKEN}"
        export = asyncio.create_task(fetched(port, "/bvh/one.mcap", key))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTT")  # and no more: it is left after a while
        assert await reader.read() == b""
        assert not export.done()
        done.set()
        assert (await export)[:2] == (200, b"HIERARCHY")

    served(folder, test)


def test_notes_take_the_token(folder):
    async def test(server: Server, port: int, launched: list) -> None:
        async with connect(f"ws://127.0.0.1:{port}/live", max_size=None) as socket:
            asked = {"say": "note", "file": "one.mcap", "circled": True, "notes": "good"}
            await told(socket, "rights")
            await socket.send(json.dumps(asked))
            assert "token" in (await told(socket, "noted"))["refused"]
            assert noted(folder / "one.mcap") == {}
            await socket.send(json.dumps({"say": "token", "token": TOKEN}))
            await told(socket, "rights")
            await socket.send(json.dumps(asked))
            said = await told(socket, "noted")
            assert said["refused"] == "" and said["row"]["slate"]["notes"] == "good"
            for name in ("../secret.mcap", "none.mcap"):
                await socket.send(json.dumps({**asked, "file": name}))
                assert "no take" in (await told(socket, "noted"))["refused"]
        assert noted(folder / "one.mcap") == {"circled": True, "notes": "good"}
        assert not (folder.parent / "secret.slate.json").exists()
        assert await listed(port, "circled=1") == ["one.mcap"]

    served(folder, test)
