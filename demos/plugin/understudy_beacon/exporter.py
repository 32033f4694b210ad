"""`--record take.xyz`: the first joint's path, a row for each frame."""

from __future__ import annotations

import os
from pathlib import Path

from understudy.runtime.takes.clip import Clip


def write(path: Path, clip: Clip) -> None:
    """Writes the clip, whole or not at all."""
    rows = ["time_s,x_m,y_m,z_m"]
    for number, (x, y, z) in enumerate(clip.positions[:, 0]):
        rows.append(f"{number * clip.frame_time_s:.6f},{x:.6f},{y:.6f},{z:.6f}")
    part = path.with_name(path.name + ".part")
    part.write_text("\n".join(rows) + "\n")
    os.replace(part, path)
