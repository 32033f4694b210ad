"""`understudy demo`, whole and broken off."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from understudy.runtime.cli import demo
from understudy.runtime.cli.main import main
from understudy.runtime.core.errors import Failure


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """A folder with what the last demo made."""
    out = tmp_path / "out"
    out.mkdir()
    for name in demo.RESULTS:
        (out / name).write_text("of the last time")
    return out


def unchanged(out: Path) -> bool:
    return {path.name for path in out.iterdir()} == set(demo.RESULTS) and all(
        path.read_text() == "of the last time" for path in out.iterdir()
    )


@pytest.mark.parametrize(("number", "by"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")])
def test_broken_off_it_leaves_a_sentence_and_what_was_there(before, tmp_path, number, by):
    child = subprocess.Popen(
        [sys.executable, "-m", "understudy.runtime.cli.main", "demo", "--out", str(before)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    while "Playing" not in (line := child.stdout.readline()):
        assert line or child.poll() is None
    children = psutil.Process(child.pid).children(recursive=True)
    assert children
    child.send_signal(number)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 128 + number
    assert f"understudy demo: stopped by {by}." in said.splitlines()
    assert "Traceback" not in said
    assert unchanged(before)
    _, alive = psutil.wait_procs(children, timeout=30)
    assert not alive


def test_a_film_that_was_not_made_leaves_what_was_there(before, monkeypatch, capsys):
    def half(take: Path | None, out: Path, seconds: float) -> None:
        (out / "demo.mp4").write_text("new")

    monkeypatch.setattr(demo, "show", half)
    assert main(["demo", "--out", str(before)]) == 1
    assert "demo.bvh was not made" in capsys.readouterr().err
    assert unchanged(before)


def test_what_was_made_takes_the_place_of_what_was_there(before, monkeypatch, capsys):
    def whole(take: Path | None, out: Path, seconds: float) -> None:
        for name in (*demo.RESULTS, "stage.json"):
            (out / name).write_text("new")

    monkeypatch.setattr(demo, "show", whole)
    assert main(["demo", "--out", str(before)]) == 0
    assert {path.read_text() for path in before.iterdir()} == {"new"}
    assert not [path for path in before.iterdir() if path.name.startswith("unfinished")]
    assert f"made {before / 'demo.mp4'}" in capsys.readouterr().out


def test_a_command_that_fails_is_told_of(monkeypatch):
    with pytest.raises(Failure, match=r"understudy render` ended with status 2"):
        demo._finish("render", "no-such.bvh", "--out", "film.mp4")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--take", "no-such.bvh"], "no-such.bvh"),
        (["--seconds", "0"], "--seconds is 0"),
        (["--seconds", "nan"], "--seconds is nan"),
    ],
)
def test_wrong_input_makes_nothing(tmp_path, capsys, words, named):
    out = tmp_path / "out"
    assert main(["demo", *words, "--out", str(out)]) == 2
    assert named in capsys.readouterr().err
    assert not out.exists()
