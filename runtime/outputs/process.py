"""`understudy send` beside a stage, so that nothing an output does can hold up the loop."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from understudy.runtime.core import processes
from understudy.runtime.core.companion import Companion


class SendProcess(Companion):
    """A sender of a stage's frames, in a process of its own that is started again when it dies."""

    def __init__(
        self,
        address: str,
        lines: Sequence[str],
        file: Path | None = None,
        words: Sequence[object] = (),
        launch: Callable[..., subprocess.Popen[bytes]] = processes.start,
    ) -> None:
        told: list[object] = ["send", "--quiet", "--from", reachable(address), *words]
        for line in lines:
            told += ["--to", line]
        if file is not None:
            told += ["--outputs", file]
        super().__init__("the outputs", told, launch)


def reachable(address: str) -> str:
    """Where this machine reaches what listens on an address: an address of all cards is none."""
    for everywhere, here in (("0.0.0.0", "127.0.0.1"), ("[::]", "[::1]")):
        address = address.replace(f"tcp://{everywhere}:", f"tcp://{here}:")
    return address
