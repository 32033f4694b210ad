"""The workflow of the continuous integration, as far as it can be judged at home."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml", reason="no PyYAML here: pip install pyyaml")
SYSTEMS = {"ubuntu-latest", "windows-latest", "macos-latest"}


@pytest.fixture(scope="module")
def jobs(root: Path) -> dict:
    return yaml.safe_load((root / ".github/workflows/ci.yml").read_text("utf-8"))["jobs"]


def test_lint_and_tests_run_on_three_systems(jobs):
    assert set(jobs["lint"]["strategy"]["matrix"]["os"]) == SYSTEMS
    assert set(jobs["test"]["strategy"]["matrix"]["os"]) == SYSTEMS
    assert jobs["test"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]


def test_the_clients_run_on_linux_alone(jobs):
    assert jobs["clients"]["runs-on"] == "ubuntu-latest" and "strategy" not in jobs["clients"]


def test_what_it_calls_exists(root: Path, jobs):
    makefile = (root / "Makefile").read_text("utf-8")
    extras = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    for job in jobs.values():
        for line in "\n".join(step.get("run", "") for step in job["steps"]).splitlines():
            for target in re.findall(r"^make (\S+)", line):
                assert re.search(rf"^{target}:", makefile, re.M), target
            for file in re.findall(r"(\.ci/\S+)", line):
                assert (root / file).is_file(), file
            for names in re.findall(r"\.\[([\w,]+)\]", line):
                assert set(names.split(",")) <= set(extras["optional-dependencies"])


def test_the_pythons_are_those_of_the_classifiers(root: Path, jobs):
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    for version in jobs["test"]["strategy"]["matrix"]["python"]:
        assert f"Programming Language :: Python :: {version}" in project["classifiers"]
