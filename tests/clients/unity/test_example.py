"""The example of the README, compiled and run."""

from __future__ import annotations

import re
import subprocess

import pytest

from .mono import PACKAGE, compile_cs, core_sources

pytestmark = pytest.mark.clients


def test_the_example_prints_ten_frames_of_a_live_stage(stage, tmp_path):
    text = (PACKAGE / "README.md").read_text()
    source = tmp_path / "Program.cs"
    source.write_text(re.search(r"```csharp\n(.*?)```", text, re.DOTALL)[1])
    compile_cs(tmp_path / "program.exe", source, *core_sources())
    done = subprocess.run(
        ["mono", str(tmp_path / "program.exe"), stage.address],
        capture_output=True,
        text=True,
        timeout=60,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 10, done.stderr
    assert all(re.match(r"\d\d:\d\d:\d\d:\d\d walk [\d.]+$", line) for line in lines), lines
