"""Blender in a process of its own: where it is, and a script run by it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from understudy.runtime.core import distribution
from understudy.runtime.core.errors import Failure

# Names a Python with Blender's module bpy, or a Blender.
PLACE = "UNDERSTUDY_BLENDER_PYTHON"


def found(wanted: str) -> list[str]:
    """How a script is begun: by a Python that has bpy, or by Blender itself.

    wanted  the first words of the sentence where there is none
    """
    if named := os.environ.get(PLACE):
        if shutil.which(named) is None:
            raise Failure(f"{PLACE} names {named}, and there is no such program; let it name one.")
        return _begun(named)
    if importlib.util.find_spec("bpy") is not None:
        return [sys.executable]
    if (there := shutil.which("blender")) is not None:
        return _begun(there)
    if (clone := distribution.clone()) is not None:  # `make test-clients` puts one there
        python = clone / "build" / "bpy-venv" / "bin" / "python"
        if python.exists():
            return [str(python)]
    raise Failure(
        f"{wanted}, which is not found: install Blender 4.2 or newer so that the "
        f"command blender is known, or let {PLACE} name a Python that has its module (Python 3.11, "
        "pip install bpy==5.0.1)"
    )


def _begun(program: str) -> list[str]:
    if "blender" in Path(program).stem.lower():
        return [program, "--background", "--factory-startup", "--python-exit-code", "1", "--python"]
    return [program]


def run(begin: Sequence[str], script: Path, words: Sequence[Path], made: Path, what: str) -> None:
    """Runs a script that makes a file; raises what Blender said last where it did not."""
    between = ["--"] if len(begin) > 1 else []
    with tempfile.TemporaryDirectory() as folder:
        quiet = {"PYTHONPATH": "", "BLENDER_USER_RESOURCES": folder}
        done = subprocess.run(
            [*begin, str(script), *between, *map(str, words)],
            capture_output=True, text=True, env=os.environ | quiet,
        )  # fmt: skip
    if done.returncode or not made.exists():
        said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        last = said[-1].strip() if said else f"exit status {done.returncode}"
        raise Failure(f"Blender ({begin[0]}) could not {what}: {last}.")
