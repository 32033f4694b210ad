"""What the distribution is called, and how what is missing is asked for."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from understudy.runtime.core import distribution

# Texts that people read; the lists of packages that a lock file holds are none.
READ = (".md", ".py", ".toml", ".yml", ".sh", ".html", ".js", ".txt", "")


def tracked(root: Path) -> list[Path]:
    found = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=root, capture_output=True, text=True
    )
    if found.returncode:
        pytest.skip("no checkout")
    paths = [root / name for name in found.stdout.splitlines()]
    return [path for path in paths if path.is_file() and path.suffix in READ]


def test_no_text_installs_somebody_elses_understudy(root: Path):
    wrong = re.compile(
        r"pip install\s+(-\S+\s+)*['\"]?understudy(?!-stage|_stage)\b|\bunderstudy\["
    )
    here = Path(__file__).resolve()
    found = [
        f"{path.relative_to(root)}: {match[0]}"
        for path in tracked(root)
        if path != here
        for match in wrong.finditer(path.read_text("utf-8", errors="replace"))
    ]
    assert found == []


def test_the_version_is_that_of_the_distribution():
    done = subprocess.run(
        [sys.executable, "-m", "understudy.runtime.cli.main", "--version"],
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"understudy {distribution.version()}\n"
    assert distribution.version() != "unknown"


def test_in_a_clone_the_hint_is_the_clones(monkeypatch, tmp_path, root: Path):
    monkeypatch.chdir(root)
    assert distribution.install("train") == 'pip install -e ".[train]"'
    monkeypatch.chdir(tmp_path)
    assert distribution.install("train") == f'pip install -e "{root}[train]"'


def test_from_a_wheel_the_hint_names_packages(monkeypatch):
    monkeypatch.setattr(distribution, "_ROOT", Path("/nowhere"))
    said = distribution.install("train")
    assert re.fullmatch(r'pip install "torch==[\d.]+" "onnx>=[\d.]+" "embreex>=[\d.]+"', said)
    assert distribution.install("cpu").startswith('pip install "onnxruntime>=')
    assert "onnxruntime-gpu" in distribution.lacking("onnxruntime")


def test_a_plain_dependency_is_named_by_itself():
    assert distribution.lacking("zmq.green").endswith("pip install pyzmq")
