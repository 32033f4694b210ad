"""A client on mono, and a real stage that walks."""

from __future__ import annotations

import os
import socket as sockets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .mono import Client, build_harness


@pytest.fixture(scope="session")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_harness(tmp_path_factory.mktemp("unity"))


@pytest.fixture(scope="module")
def client(harness: Path) -> Iterator[Client]:
    with Client(harness) as one:
        yield one


def free_address() -> str:
    with sockets.create_server(("127.0.0.1", 0)) as one:
        return f"tcp://127.0.0.1:{one.getsockname()[1]}"


class Stage:
    """`understudy stage` in a process of its own, on ports that were free."""

    def __init__(self, pad: Path, address: str = "") -> None:
        self.address = address or free_address()
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "understudy.runtime.cli.main", "stage", "--pad", str(pad)),
                *("--no-realtime", "--publish", self.address, "--control", free_address()),
            ],
            stderr=subprocess.STDOUT,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert self._process.stdout is not None
        said = ""
        while not said.startswith("stage: "):
            line = self._process.stdout.readline()
            assert line, f"the stage did not start: {said}"
            said = line

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(30)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(30)
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pads") / "walk.toml"
    path.write_text(
        "rate_hz = 60\n[[event]]\nat_s = 0.0\nleft_stick = [0.3, 0.8]\n"
        "[[event]]\nat_s = 3600.0\nleft_stick = [0.0, 0.0]\n"
    )
    return path


@pytest.fixture(scope="module")
def stage(walk: Path) -> Iterator[Stage]:
    one = Stage(walk)
    yield one
    one.close()
