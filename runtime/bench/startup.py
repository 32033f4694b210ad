"""From command to first published frame, and what the processes hold in memory."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from understudy.runtime.bench import processes as bench_processes
from understudy.runtime.core import processes
from understudy.runtime.core.errors import Failure

from .figure import Figure
from .stage import SCRIPT


def measure(quick: bool) -> list[Figure]:
    """Three starts of the stage with one acted subject; memory after some seconds of work."""
    from understudy.bridge import Subscriber

    starts, resident = [], []
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "pad.toml"
        script.write_text(SCRIPT)
        for _ in range(1 if quick else 3):
            publish, control = (f"tcp://127.0.0.1:{port}" for port in processes.free_ports(2))
            with Subscriber(publish, timeout_s=20.0) as subscriber:
                before = time.monotonic()
                stage = processes.start(
                    "stage",
                    "--pad",
                    script,
                    "--publish",
                    publish,
                    "--control",
                    control,
                    "--seconds",
                    60,
                )
                try:
                    first = next(iter(subscriber), None)
                    if first is None:
                        raise Failure("The stage published nothing within 20 s.")
                    starts.append(first.publish_ns / 1e9 - before)
                    for _ in range(120):
                        next(iter(subscriber))
                    resident.append(bench_processes.resident_mb(stage.pid))
                finally:
                    processes.end([stage])
    return [
        Figure(
            "command to first published frame",
            max(starts),
            "s",
            "<= 1.5 s",
            max(starts) <= 1.5,
            f"worst of {len(starts)} starts, files in cache",
        ),
        Figure(
            "stage, resident memory",
            max(resident),
            "MB",
            "<= 200 MB",
            max(resident) <= 200,
            "one subject, after two seconds",
        ),
    ]
