"""A Chromium for all tests, and stages and monitors that come and go on ports of their own."""

from __future__ import annotations

import contextlib
import json
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.runtime.monitor.staged import StagedSession
from understudy.bridge import Subscriber
from understudy.runtime.core import processes

from .chromium import Chromium, Page, until

TOKEN = "the-crew-knows"


@pytest.fixture(scope="session")
def chromium(tmp_path_factory) -> Iterator[Chromium]:
    browser = Chromium(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def take(tmp_path_factory) -> Path:
    """Somebody who walks for six seconds, 60 frames a second."""
    folder = tmp_path_factory.mktemp("take")
    (folder / "pad.toml").write_text(
        "rate_hz = 60\n[[event]]\nat_s = 0.0\nleft_stick = [0.3, 0.8]\nbuttons = []\n"
    )
    done = processes.start(
        "perform", "--pad", folder / "pad.toml", "--seconds", 6, "--out", folder / "walker.bvh"
    )
    assert done.wait() == 0
    return folder / "walker.bvh"


class House:
    """A stage and a monitor, each of which can die and come back where it was."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        publish, control, self.port = processes.free_ports(3)
        self.publish, self.control = f"tcp://127.0.0.1:{publish}", f"tcp://127.0.0.1:{control}"
        self.asked = self.control  # where the monitor sends what is asked of the stage
        self.children: list[subprocess.Popen[bytes]] = []
        self.stage: subprocess.Popen[bytes] | None = None
        self.monitor: subprocess.Popen[bytes] | None = None

    def start_stage(self, *words: object) -> None:
        self.stage = processes.start(
            "stage", *words, "--no-realtime", "--publish", self.publish, "--control", self.control
        )
        self.children.append(self.stage)
        with Subscriber(self.publish) as subscriber:
            assert subscriber.receive(60) is not None, "the stage sends nothing"

    def start_monitor(self, *words: object) -> None:
        self.monitor = processes.start(
            "monitor", "--connect", self.publish, "--control", self.asked,
            "--port", self.port, "--takes", self.folder / "takes", *words,
        )  # fmt: skip
        self.children.append(self.monitor)
        until(self._served, "the monitor serves nothing")

    def _served(self) -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(self.address, timeout=5):
            return True
        return False

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def kill(self, child: subprocess.Popen[bytes] | None) -> None:
        assert child is not None
        child.kill()
        child.wait()

    def stranger(self) -> ClientConnection:
        """A program that speaks as the page does, and may say what it likes."""
        socket = connect(f"ws://127.0.0.1:{self.port}/live", max_size=None)
        assert json.loads(socket.recv())["kind"] == "rights"
        return socket


@pytest.fixture
def house(tmp_path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    processes.end(made.children)


@pytest.fixture
def open_page(chromium, house) -> Iterator:
    """Opens the monitor's page; fails at the end where it threw an error."""
    pages: list[Page] = []

    def opened(words: str = "", width: int = 1024, height: int = 768) -> Page:
        pages.append(chromium.page(house.address + words, width, height))
        pages[-1].wait("document.readyState === 'complete' && window.understudy !== undefined")
        return pages[-1]

    yield opened
    for page in pages:
        assert page.errors == [], "the page threw"
        page.close()


@pytest.fixture
def staged(house) -> Iterator[StagedSession]:
    """A stage's sources and subjects that can be edited, in place of the stage's own."""
    with StagedSession() as session:
        session.source("vmc", "vmc://0.0.0.0:39539?delay=0.05")
        session.source("freed", "freed://0.0.0.0:40000", 0, "nothing has come on udp 40000 yet")
        session.subject("walker")
        house.asked = session.address
        yield session
