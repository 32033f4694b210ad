"""Small BVH files for the tests, good and bad."""

from __future__ import annotations

from pathlib import Path

import numpy as np

HEAD = """HIERARCHY
ROOT Hips
{
  OFFSET 0.0 90.0 0.0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation
  JOINT Chest
  {
    OFFSET 0.0 20.0 0.0
    CHANNELS 3 Yrotation Xrotation Zrotation
    JOINT Head
    {
      OFFSET 0.0 30.0 1.0
      CHANNELS 6 Xposition Yposition Zposition Xrotation Yrotation Zrotation
      End Site
      {
        OFFSET 0.0 15.0 0.0
      }
    }
  }
  JOINT Tail
  {
    OFFSET 0.0 0.0 -5.0
    End Site
    {
      OFFSET 0.0 0.0 -20.0
    }
  }
}
MOTION
"""
COLUMNS = 15


def values(frames: int = 4, seed: int = 0) -> np.ndarray:
    """(T, 15) channel values for HEAD."""
    rng = np.random.default_rng(seed)
    out = np.round(rng.uniform(-80.0, 80.0, size=(frames, COLUMNS)), 4)
    out[:, 1] = 90.0
    return out


def text(rows: np.ndarray, head: str = HEAD, frame_time: str = "0.01") -> str:
    """A whole file."""
    lines = [" ".join(f"{v:g}" for v in row) for row in rows]
    return f"{head}Frames: {len(rows)}\nFrame Time: {frame_time}\n" + "\n".join(lines) + "\n"


def save(folder: Path, content: str | bytes, name: str = "walk.bvh") -> Path:
    """Writes a file; gives its path."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path
