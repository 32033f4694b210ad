"""Blender as a Python module in a venv of its own, and programs that run in it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from understudy.bridge.clients.blender import build
from understudy.runtime.bench.processes import StageProcess

SCENES = Path(__file__).parent / "scenes"
PAD = ROOT / "demos" / "pads" / "random-walk.toml"


@pytest.fixture(scope="session")
def blender() -> Path:
    """The Python that has bpy and pyzmq; UNDERSTUDY_BLENDER_PYTHON names another."""
    usual = ROOT / "build" / "bpy-venv" / "bin" / "python"
    python = Path(os.environ.get("UNDERSTUDY_BLENDER_PYTHON", usual))
    if not python.exists():
        pytest.skip("no Blender: `make test-clients` installs its module bpy, with Python 3.11")
    return python


@pytest.fixture(scope="session")
def addon(tmp_path_factory) -> Path:
    """The add-on as a user gets it."""
    path = tmp_path_factory.mktemp("addon") / "understudy.zip"
    build.build(path)
    return path


class Scene:
    """`scenes/NAME.py WORDS` in a Blender of its own; `said` is what it wrote, once it is done."""

    def __init__(self, python: Path, addon: Path, folder: Path, name: str, *words: object) -> None:
        self._out = folder / f"{name}.json"
        settings = {
            "BLENDER_USER_RESOURCES": str(folder / "blender"),
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": "",
        }
        self.process = subprocess.Popen(
            [python, SCENES / f"{name}.py", addon, self._out, *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | settings,
        )

    def read(self, word: str) -> None:
        """Waits until the scene says a word."""
        assert self.process.stdout is not None
        seen = []
        for line in self.process.stdout:
            if line.strip() == word:
                return
            seen.append(line)
        raise AssertionError("".join(seen))

    def tell(self, word: str = "") -> None:
        """Lets a scene that waits for a line go on."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()

    @property
    def said(self) -> Any:
        out, _ = self.process.communicate(timeout=120)
        assert self.process.returncode == 0, out
        assert "Traceback" not in out, out
        return json.loads(self._out.read_text())

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def scene(blender, addon, tmp_path) -> Iterator[Callable[..., Scene]]:
    """Starts `scenes/NAME.py WORDS`."""
    started: list[Scene] = []

    def start(name: str, *words: object) -> Scene:
        started.append(Scene(blender, addon, tmp_path, name, *words))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def stage() -> Iterator[StageProcess]:
    """`understudy stage` with somebody who walks about, for minutes."""
    with StageProcess("--pad", PAD, "--rate", 60, "--no-realtime") as one:
        yield one
