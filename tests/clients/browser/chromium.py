"""A real Chromium without a window, driven over its DevTools protocol."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from understudy.runtime.core.processes import free_ports

NAMES = ("chromium", "chromium-browser", "google-chrome")
WORDS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-allow-origins=*",
)
PATIENCE_S = 60.0


class Chromium:
    """A browser process with a profile of its own."""

    def __init__(self, folder: Path) -> None:
        program = next(filter(None, map(shutil.which, NAMES)), None)
        if program is None:
            pytest.skip("no Chromium: apt install chromium")
        self._port = free_ports(1)[0]
        self._log = (folder / "chromium.log").open("wb")
        self.process = subprocess.Popen(
            [
                program,
                *WORDS,
                f"--user-data-dir={folder / 'profile'}",
                f"--remote-debugging-port={self._port}",
                "about:blank",
            ],
            stdout=self._log,
            stderr=self._log,
        )
        until(self._answers, "Chromium does not answer")

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            self._ask("/json/version")
            return True
        return False

    def _ask(self, path: str, method: str = "GET") -> Any:
        request = urllib.request.Request(f"http://127.0.0.1:{self._port}{path}", method=method)
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.loads(answer.read())

    def page(self, address: str, width: int = 1280, height: int = 800) -> Page:
        """A new tab at this address."""
        target = self._ask("/json/new?about:blank", "PUT")
        page = Page(target["webSocketDebuggerUrl"], width, height)
        page.go(address)
        return page

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._log.close()


class Page:
    """A tab. `value` evaluates JavaScript, `wait` does so until it is true."""

    def __init__(self, address: str, width: int, height: int) -> None:
        self._socket = connect(address, max_size=None)
        self._numbers = itertools.count(1)
        self.errors: list[str] = []
        for domain in ("Page", "Runtime", "Log"):
            self.command(f"{domain}.enable")
        self.size(width, height)

    def size(self, width: int, height: int) -> None:
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def go(self, address: str) -> None:
        self.command("Page.navigate", url=address)

    def command(self, method: str, **words: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": words}))
        while True:
            said = json.loads(self._socket.recv(timeout=PATIENCE_S))
            if said.get("method") == "Runtime.exceptionThrown":
                details = said["params"]["exceptionDetails"]
                self.errors.append(details.get("exception", {}).get("description", str(details)))
            if said.get("id") == number:
                assert "error" not in said, (method, said["error"])
                return dict(said["result"])

    def value(self, script: str) -> Any:
        """What the expression is worth; fails where it throws."""
        done = self.command(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def wait(self, script: str, patience_s: float = PATIENCE_S) -> Any:
        """The expression's value once it is true."""
        found: list[Any] = []

        def holds() -> bool:
            found[:] = [self.value(script)]
            return bool(found[0])

        until(holds, f"{script} stayed false; the page threw {self.errors}", patience_s)
        return found[0]

    def text(self, selector: str) -> str:
        return str(self.value(f"document.querySelector({selector!r})?.textContent ?? ''"))

    def click(self, selector: str) -> None:
        self.value(f"document.querySelector({selector!r}).click()")

    def picture(self) -> bytes:
        """The page as a PNG."""
        return base64.b64decode(self.command("Page.captureScreenshot", format="png")["data"])

    def close(self) -> None:
        self.command("Page.close")
        self._socket.close()


def until(holds: Any, sentence: str, patience_s: float = PATIENCE_S) -> None:
    """Asks until it holds; a machine under load may take its time, a broken one not for ever."""
    end_s = time.monotonic() + patience_s
    while not holds():
        if time.monotonic() > end_s:
            raise AssertionError(sentence)
        time.sleep(0.05)
