"""Does a viewport at full load make the stage late? Both on the cores of this machine."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from understudy.runtime.bench import processes as bench_processes
from understudy.runtime.core import processes
from understudy.runtime.core.errors import Failure

from .figure import Figure
from .stage import SCRIPT


def measure(quick: bool) -> list[Figure]:
    """120 Hz for a minute beside a headless viewport that draws as fast as it can."""
    seconds = 10 if quick else 60
    figures = []
    for words, limit in ((["--no-realtime"], 4.0), ([], 1.0)):
        with tempfile.TemporaryDirectory() as folder:
            script, stats = Path(folder) / "pad.toml", Path(folder) / "stage.json"
            script.write_text(SCRIPT)
            stage = bench_processes.StageProcess(
                "--pad", script, "--rate", 120, "--stats", stats, *words, seconds=seconds
            )
            with stage:
                viewport = processes.start(
                    "viewport",
                    "--connect",
                    stage.publish,
                    "--control",
                    stage.control,
                    "--headless",
                    "--out",
                    Path(folder) / "frames",
                    "--seconds",
                    seconds,
                    "--size",
                    "960x540",
                    "--discard",
                )
                try:
                    stage.process.wait(seconds + 60)
                    if viewport.poll() not in (None, 0):
                        raise Failure(f"The viewport failed with {viewport.returncode}.")
                finally:
                    processes.end([viewport])
            if not stats.exists():
                raise Failure("The stage wrote no figures.")
            seen = json.loads(stats.read_text("utf-8"))
        where = (
            f"{seconds} s at 120 Hz, {os.cpu_count()} cores, priority {seen['priority']}, "
            "viewport at full load"
        )
        late = seen["lateness_ms"]["p99"]
        figures += [
            Figure("skipped ticks", seen["skipped"], "ticks", "0", seen["skipped"] == 0, where),
            Figure("lateness, p99", late, "ms", f"<= {limit:g} ms", late <= limit, where),
        ]
    return figures
