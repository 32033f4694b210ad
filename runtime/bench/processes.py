"""A stage and a listener in processes of their own, for figures and for tests."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import psutil

from understudy.bridge import ControlClient
from understudy.runtime.core.errors import Failure, UnderstudyError
from understudy.runtime.core.processes import end, free_ports, start


def hangs_up() -> bool:
    """Whether a closed terminal ends what is started here: `nohup` keeps it from that."""
    return hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN


class StageProcess:
    """A stage for as long as the block lasts, its addresses and its process; on free ports where
    no addresses are given."""

    def __init__(
        self, *words: object, seconds: float = 120.0, publish: str = "", control: str = ""
    ) -> None:
        self._words = [*words, "--seconds", seconds]
        self.publish, self.control = publish, control

    def __enter__(self) -> StageProcess:
        free = [f"tcp://127.0.0.1:{port}" for port in free_ports(2)]
        self.publish, self.control = self.publish or free[0], self.control or free[1]
        self.process = start(
            "stage", *self._words, "--publish", self.publish, "--control", self.control
        )
        while self.process.poll() is None:
            try:
                with ControlClient(self.control, timeout_s=0.1) as client:
                    client.hello()
                return self
            except UnderstudyError:
                continue
        raise Failure(f"The stage ended at once with status {self.process.returncode}.")

    def __exit__(self, *_: object) -> None:
        end([self.process])


def listen(address: str, seconds: float) -> dict:
    """What `understudy listen --json` says after `seconds`."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "understudy.runtime.cli.main",
            "listen",
            address,
            "--seconds",
            str(seconds),
            "--json",
        ],
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise Failure(f"The listener failed: {done.stderr.strip() or done.stdout.strip()}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def resident_mb(pid: int) -> float:
    """Resident memory of a process in MB (10^6 bytes)."""
    return float(psutil.Process(pid).memory_info().rss) / 1e6
