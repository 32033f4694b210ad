"""A live stage, and the C++ client as a program that prints what it reads."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from understudy.bridge import Subscriber
from understudy.runtime.core import processes

from .building import SANITIZERS, STRICT, compiled

HERE = Path(__file__).parent


class Probe:
    """`probe WORDS` as a process; its lines as they come."""

    def __init__(self, program: Path, *words: object) -> None:
        self.process = subprocess.Popen(
            [str(program), *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def until(self, key: str) -> list[dict[str, Any]]:
        """Lines up to the first that has this key."""
        lines = [self.line()]
        while key not in lines[-1]:
            lines.append(self.line())
        return lines

    def finish(self) -> tuple[list[dict[str, Any]], list[str], dict[str, Any]]:
        """Frames, sentences and statistics; fails on a word of the sanitizers."""
        out, err = self.process.communicate(timeout=90)
        assert (self.process.returncode, err) == (0, ""), err
        lines = [json.loads(line) for line in out.splitlines()]
        frames = [line for line in lines if "sequence" in line]
        said = [line["said"] for line in lines if "said" in line]
        return frames, said, lines[-1]["statistics"]

    def __enter__(self) -> Probe:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="session")
def program() -> Path:
    """The probe, with the sanitizers in it."""
    return compiled(HERE / "probe.cpp", *STRICT, *SANITIZERS)


@pytest.fixture
def probe(program):
    """Starts `probe WORDS`."""
    return lambda *words: Probe(program, *words)


class Stage:
    """`understudy stage` with somebody who walks."""

    def __init__(self, folder: Path) -> None:
        publish, control = processes.free_ports(2)
        self.address, self.control = f"tcp://127.0.0.1:{publish}", f"tcp://127.0.0.1:{control}"
        self.pad = folder / "pad.toml"
        self.pad.write_text(
            "rate_hz = 60\n[[event]]\nat_s = 0.0\nleft_stick = [0.3, 0.8]\nbuttons = []\n"
        )
        self.start()

    def start(self) -> None:
        words = f"--rate 60 --no-realtime --timecode 29.97df --publish {self.address} "
        words += f"--control {self.control}"
        self.process = processes.start("stage", "--pad", self.pad, *words.split())
        with Subscriber(self.address) as subscriber:
            assert subscriber.receive(60) is not None

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        processes.end([self.process])


@pytest.fixture(scope="module")
def stage(tmp_path_factory) -> Iterator[Stage]:
    one = Stage(tmp_path_factory.mktemp("stage"))
    yield one
    one.close()
