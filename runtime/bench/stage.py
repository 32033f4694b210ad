"""What a tick of the stage costs on one core, against the number of subjects."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

from understudy.runtime.core import processes
from understudy.runtime.stage.loop import Stage
from understudy.runtime.stage.session import session_of

from .figure import Figure

SCRIPT = """
rate_hz = 60
[[event]]
at_s = 0.0
left_stick = [0.0, 0.8]
[[event]]
at_s = 3.0
left_stick = [0.8, 0.4]
ramp_s = 0.3
[[event]]
at_s = 6.0
left_stick = [0.0, 0.0]
"""


def measure(quick: bool) -> list[Figure]:
    """Ticks back to back, without waiting for deadlines, on one core."""
    figures = []
    counts = (1, 64) if quick else (1, 4, 16, 64, 256)
    with one_core() as core, tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "pad.toml"
        script.write_text(SCRIPT)
        for count in counts:
            ticks = 120 if quick else 480
            ms, provider = tick_ms(count, ticks, f"pad://{script}")
            target, limit = {1: ("<= 3 ms", 3.0), 64: ("<= 16.7 ms", 1000 / 60)}.get(count, ("", 0))
            for name, percent in (("p50", 50), ("p99", 99)):
                value = ms.percentile_ms(percent)
                figures.append(
                    Figure(
                        f"tick, {count} subject(s), {name}",
                        value,
                        "ms",
                        target if name == "p50" else "",
                        value <= limit if limit and name == "p50" else None,
                        f"{ticks} ticks, {core}, network on {provider}",
                    )
                )
        figures += live(Path(folder), script, 120 if quick else 480, core)
    return figures


def live(folder: Path, script: Path, ticks: int, core: str) -> list[Figure]:
    """The same for mocap subjects, played from a take: whole, missing, and without takeover."""
    take = folder / "take.bvh"
    seconds = (ticks + 30) / 60
    processes.start("perform", "--pad", script, "--seconds", seconds, "--out", take).wait()
    figures = []
    for what, count, more in (
        ("mocap subject(s), nothing missing", 1, ""),
        ("mocap subject(s), nothing missing", 64, ""),
        ("mocap subject(s), bodies missing", 1, "?drop=0.2-1000"),
        ("mocap subject(s), bodies missing", 64, "?drop=0.2-1000"),
        ("mocap subject(s), --no-takeover", 64, ""),
    ):
        takeover = "no-takeover" not in what
        source = f"bvh://{take}{more}"
        ms, provider = tick_ms(count, ticks, source, stop_after_s=1e3, takeover=takeover)
        note = f"{ticks} ticks, {core}, network on {provider}"
        for name, percent in (("p50", 50), ("p99", 99)):
            value = ms.percentile_ms(percent)
            figures.append(Figure(f"tick, {count} {what}, {name}", value, "ms", "", None, note))
    return figures


def tick_ms(count: int, ticks: int, source: str, **words: Any):
    """Histogram of milliseconds a tick and the provider's name, for `count` of a source."""
    from understudy.runtime.core.clock import Histogram

    histogram = Histogram()
    anywhere = "tcp://127.0.0.1:*"
    session = session_of(source, copies=count, publish=anywhere, control=anywhere, **words)
    with Stage(session) as stage:
        for number in range(ticks + 20):
            before = time.perf_counter_ns()
            stage.tick(number)
            if number >= 20:
                histogram.add_ns(time.perf_counter_ns() - before)
        return histogram, stage.cast.provider_name


class one_core:
    """Keeps this process on one core while it lasts, where the system can do that."""

    def __enter__(self) -> str:
        self._before = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
        if self._before:
            os.sched_setaffinity(0, {max(self._before)})
            return "one core"
        return "any core"

    def __exit__(self, *_: object) -> None:
        if self._before:
            os.sched_setaffinity(0, self._before)
