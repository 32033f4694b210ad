"""Stage and viewport for ten minutes: does memory stay flat?"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from understudy.runtime.bench.processes import StageProcess, resident_mb
from understudy.runtime.core import processes
from understudy.runtime.core.errors import Failure

from .figure import Figure
from .stage import SCRIPT

# Caches and pools have filled by then.
SETTLED = 0.2
LIMIT_MB = {"stage": 200.0, "viewport": 700.0}


def measure(quick: bool) -> list[Figure]:
    """Resident memory of both processes, every second, one subject at 60 Hz."""
    seconds = 30 if quick else 600
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "pad.toml"
        script.write_text(SCRIPT)
        with StageProcess("--pad", script, seconds=seconds + 60) as stage:
            viewport = processes.start(
                *("viewport", "--connect", stage.publish, "--control", stage.control),
                *("--headless", "--discard", "--out", folder, "--size", "960x540"),
            )
            try:
                seen = {"stage": [], "viewport": []}  # type: dict[str, list[float]]
                end = time.monotonic() + seconds
                while time.monotonic() < end:
                    if viewport.poll() is not None:
                        raise Failure(f"The viewport ended with {viewport.returncode}.")
                    seen["stage"].append(resident_mb(stage.process.pid))
                    seen["viewport"].append(resident_mb(viewport.pid))
                    time.sleep(1.0)
            finally:
                processes.end([viewport])
    figures = []
    for name, sizes in seen.items():
        settled = sizes[int(len(sizes) * SETTLED)]
        growth, most = sizes[-1] - settled, max(sizes)
        where = f"{seconds} s, one subject at 60 Hz"
        limit = LIMIT_MB[name]
        figures += [
            Figure(
                f"{name}, resident memory", most, "MB", f"<= {limit:g} MB", most <= limit, where
            ),
            Figure(f"{name}, growth after settling", growth, "MB", "flat", growth < 10.0, where),
        ]
    return figures
