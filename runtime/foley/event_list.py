"""What happened, as a table that a spreadsheet opens."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from understudy.runtime.core.event import Event
from understudy.runtime.core.files import whole

COLUMNS = (
    "seconds", "kind", "who", "part", "on", "on_part", "material", "on_material",
    "x_m", "y_m", "z_m", "speed_mps", "slip_mps", "impulse_ns",
)  # fmt: skip


def write(path: Path, events: Sequence[Event], began_s: float) -> None:
    """One row an event, by its time since began_s on the stage's clock."""
    with whole(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for event in sorted(events, key=lambda one: one.time_ns):
            row = [f"{event.time_ns * 1e-9 - began_s:.4f}"]
            row += [getattr(event, name) for name in COLUMNS[1:8]]
            row += [f"{number:.4f}" for number in event.position]
            row += [f"{getattr(event, name):.4f}" for name in COLUMNS[11:]]
            table.writerow(row)
