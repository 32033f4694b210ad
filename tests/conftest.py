"""What the tests share: the mocap folder, where there is one, and quick stages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

# Speed is judged in `understudy bench`: a busy machine must not fail a property.
settings.register_profile("understudy", deadline=None)
settings.load_profile("understudy")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session", autouse=True)
def _state(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Stages of the tests keep their sessions off the user's own."""
    os.environ["UNDERSTUDY_STATE"] = str(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def mocap() -> Path:
    """Real motion beside the checkout; tests that need it are skipped where it is absent."""
    folder = ROOT.parent / "shared" / "mocap"
    if not folder.is_dir():
        pytest.skip("no mocap folder beside the checkout")
    return folder


@pytest.fixture
def pad(tmp_path: Path) -> Path:
    """A pad script that walks, turns and stands."""
    path = tmp_path / "pad.toml"
    path.write_text(
        "rate_hz = 60\n"
        "[[event]]\nat_s = 0.0\nleft_stick = [0.0, 0.8]\n"
        "[[event]]\nat_s = 2.0\nleft_stick = [0.7, 0.5]\nramp_s = 0.3\n"
        "[[event]]\nat_s = 4.0\nleft_stick = [0.0, 0.0]\n"
    )
    return path


# For a stage beside whatever the user of this machine runs.
FREE_PORTS = ("--publish", "tcp://127.0.0.1:*", "--control", "tcp://127.0.0.1:*")


@pytest.fixture
def understudy():
    """Runs `understudy WORDS` in a process of its own; returns it finished, output as text."""

    def run(*words: object, timeout_s: float = 120.0) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "understudy.runtime.cli.main", *map(str, words)],
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )

    return run


def sentence(done: subprocess.CompletedProcess[str]) -> str:
    """The one line on stderr of a command that refused; fails on a traceback or a zero exit."""
    assert done.returncode != 0, done.stdout
    assert "Traceback" not in done.stderr, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    return lines[0]
