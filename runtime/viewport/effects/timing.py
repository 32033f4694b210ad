"""What a pass over a G-buffer costs: a busy test picture, and passes timed in turns."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import moderngl
import numpy as np

from understudy.runtime.viewport import gl

from .contact import Contact


@dataclass(frozen=True)
class Lens:
    """The least that the pass asks of a camera."""

    fov_y_rad: float = 0.7


def pillars(size: tuple[int, int], lens: Lens) -> np.ndarray:
    """(H, W, 4) view normal and depth of a floor with rows of upright cylinders: a busy stage."""
    width, height = size
    scale = 2.0 * np.tan(0.5 * lens.fov_y_rad) / height
    y, x = np.mgrid[0:height, 0:width]
    rx, ry = (x + 0.5 - 0.5 * width) * scale, (y + 0.5 - 0.5 * height) * scale
    out = np.zeros((height, width, 4), np.float32)
    out[..., 3] = 1.0e5
    floor = ry < -1e-4
    out[floor] = np.stack([0 * rx, 0 * rx + 1, 0 * rx, -1.4 / np.minimum(ry, -1e-4)], -1)[floor]
    for cx, cz, r in ((-0.7, 3.0, 0.15), (0.1, 3.6, 0.25), (0.8, 2.6, 0.1), (1.6, 5.0, 0.4)):
        a, b, c = rx * rx + 1.0, -2.0 * (rx * cx + cz), cx * cx + cz * cz - r * r
        disc = b * b - 4.0 * a * c
        z = (-b - np.sqrt(np.maximum(disc, 0.0))) / (2.0 * a)
        hit = (disc > 0.0) & (z < out[..., 3]) & (ry * z > -1.4) & (ry * z < 0.4)
        normal = np.stack([(rx * z - cx) / r, 0 * rx, -(z - cz) / r, z], -1)
        out[hit] = normal[hit]
    return out


@contextmanager
def textures(
    ctx: moderngl.Context, image: np.ndarray
) -> Iterator[tuple[moderngl.Texture, moderngl.Texture]]:
    """Depth and normal textures of a G-buffer (H, W, 4), in the viewport's formats."""
    height, width = image.shape[:2]
    z = np.ascontiguousarray(image[..., 3], np.float32)
    n = np.ascontiguousarray(image[..., :3], np.float16)
    depth = ctx.texture((width, height), 1, z.tobytes(), dtype="f4")
    normal = ctx.texture((width, height), 3, n.tobytes(), dtype="f2", alignment=1)
    yield depth, normal
    depth.release()
    normal.release()


def milliseconds(
    contacts: list[Contact],
    depth: moderngl.Texture,
    normal: moderngl.Texture,
    lens: Lens,
    rounds: int,
) -> list[float]:
    """Least time of one picture of each pass, taken in turns, so that all see the same machine.

    Timer queries lie on software renderers: there processor time is read, of all threads, which is
    what one render thread takes on a core of its own.
    """
    clock = time.perf_counter
    if contacts and gl.is_software(contacts[0].ctx):
        clock = time.process_time
    best = [float("inf")] * len(contacts)
    for _ in range(rounds + 1):  # the first compiles
        for i, contact in enumerate(contacts):
            contact.ctx.finish()
            began = clock()
            contact.render(depth, normal, lens)
            contact.ctx.finish()
            best[i] = min(best[i], clock() - began)
    return [value * 1e3 for value in best]
