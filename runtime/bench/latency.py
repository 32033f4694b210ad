"""Intent to pose, received in another process."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from understudy.runtime import processes
from understudy.runtime.core.errors import UnderstudyError

from .figure import Figure
from .stage import SCRIPT


def measure(quick: bool) -> list[Figure]:
    """A stage with one subject at 60 Hz and `understudy listen`, each a process of its own."""
    seconds = 5 if quick else 30
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "pad.toml"
        script.write_text(SCRIPT)
        with stage_process("--pad", script, seconds=seconds + 30) as addresses:
            heard = listen(addresses[0], seconds)
    age, figures = heard["age_ms"], []
    for name, target in (("p50", 2.0), ("p99", 5.0)):
        figures.append(
            Figure(
                f"intent to received pose, {name}",
                age[name],
                "ms",
                f"<= {target:g} ms",
                age[name] <= target,
                f"{heard['frames']} frames at 60 Hz, loopback, {heard['lost']} lost",
            )
        )
    return figures


class stage_process:
    """A stage on free ports for as long as the block lasts; gives (publish, control) addresses."""

    def __init__(self, *words: object, seconds: float = 120.0) -> None:
        self._words = [*words, "--seconds", seconds]

    def __enter__(self) -> tuple[str, str]:
        from understudy.bridge import ControlClient

        publish, control = (f"tcp://127.0.0.1:{port}" for port in free_ports(2))
        self.process = processes.start(
            "stage", *self._words, "--publish", publish, "--control", control
        )
        while self.process.poll() is None:
            try:
                with ControlClient(control, timeout_s=0.1) as client:
                    client.hello()
                return publish, control
            except UnderstudyError:
                continue
        raise UnderstudyError(f"The stage ended at once with status {self.process.returncode}.")

    def __exit__(self, *_: object) -> None:
        processes.end([self.process])


def free_ports(count: int) -> list[int]:
    """Ports of the loopback interface that nobody listens on at this moment."""
    import socket

    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def listen(address: str, seconds: float) -> dict:
    """What `understudy listen --json` says after `seconds`."""
    done = subprocess.run(
        [sys.executable, "-m", "understudy.runtime.cli.main", "listen", address,
         "--seconds", str(seconds), "--json"],
        capture_output=True,
        text=True,
    )  # fmt: skip
    if done.returncode != 0:
        raise UnderstudyError(f"The listener failed: {done.stderr.strip() or done.stdout.strip()}")
    return dict(json.loads(done.stdout.splitlines()[-1]))
