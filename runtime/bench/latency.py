"""Intent to pose, received in another process."""

from __future__ import annotations

import tempfile
from pathlib import Path

from understudy.runtime.bench.processes import StageProcess, listen

from .figure import Figure
from .stage import SCRIPT


def measure(quick: bool) -> list[Figure]:
    """A stage with one subject at 60 Hz and `understudy listen`, each a process of its own."""
    seconds = 5 if quick else 30
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "pad.toml"
        script.write_text(SCRIPT)
        with StageProcess("--pad", script, seconds=seconds + 30) as stage:
            heard = listen(stage.publish, seconds)
    where = f"{heard['frames']} frames at 60 Hz, loopback, {heard['lost']} lost"
    figures = []
    for name, target in (("p50", 2.0), ("p99", 5.0)):
        over, whole = heard["latency_ms"][name], heard["age_ms"][name]
        figures += [
            Figure(
                f"intent to received pose over the tick itself, {name}",
                over,
                "ms",
                f"<= {target:g} ms",
                over <= target,
                where,
            ),
            Figure(f"the same with the tick, {name}", whole, "ms", "", None, where),
        ]
    return figures
