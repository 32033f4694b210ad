"""A take exported by a process of its own, so that neither its memory nor its work reach anybody.

It has low priority, and ends with whoever asked for it.
"""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from understudy.runtime.core import processes
from understudy.runtime.core.errors import Failure

if TYPE_CHECKING:
    from .take_export import Written


def _words(parts: Sequence[Path], target: Path) -> list[str]:
    to = target.suffix.removeprefix(".")
    return ["take", "export", *map(str, parts), "--to", to, "--out", str(target.parent)]


def command(parts: Sequence[Path], target: Path) -> str:
    """What a user types to have the same made."""
    return f"understudy {shlex.join(_words(parts, target))}"


def export(parts: Sequence[Path], target: Path) -> Written:
    """Makes `target` of a take's parts; the first part has its name. Raises what was refused.

    Of a take with nobody in it nothing is made.
    """
    from .take_export import Written  # and with it what reads takes, which few stages do

    child = processes.start(
        *(*_words(parts, target), "--json", "--beside"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    said, refused = child.communicate()
    with contextlib.suppress(ValueError, IndexError, KeyError):
        told = json.loads(said.decode().splitlines()[-1])
        if child.returncode == 0:
            return Written([Path(file) for file in told["written"]], list(told["notes"]))
    lines = [line for line in refused.decode(errors="replace").splitlines() if line.strip()]
    sentence = lines[-1].removeprefix("understudy take: ") if lines else ""
    raise Failure(sentence or f"The export ended with {processes.cause(child.returncode)}.")
