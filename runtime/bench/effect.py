"""The contact effect: milliseconds a picture, the network beside the classical estimators."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import moderngl
import numpy as np

from understudy.runtime.bench.figure import Figure
from understudy.runtime.viewport import gl
from understudy.runtime.viewport.effects.contact import Contact

SIZES = ((960, 540), (1280, 720))
QUALITIES = (None, "gtao-16", "sao-16")  # None: the network that the weights file names


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


def measure(quick: bool) -> list[Figure]:
    """Figures of the contact effect."""
    os.environ.setdefault("LP_NUM_THREADS", "1")
    figures, lens = [], Lens()
    with gl.headless() as ctx:
        threads = os.environ["LP_NUM_THREADS"]
        where = f"{ctx.info['GL_RENDERER']}, {threads} render thread(s)"
        for size in SIZES[: 1 if quick else None]:
            contacts = [Contact(ctx, size, quality=quality) for quality in QUALITIES]
            with textures(ctx, pillars(size, lens)) as (depth, normal):
                spent = milliseconds(contacts, depth, normal, lens, 6 if quick else 20)
            for contact, value in zip(contacts, spent, strict=True):
                judged = contact is contacts[0] and size == SIZES[0]
                figures.append(
                    Figure(
                        name=f"contact {contact.quality} {size[0]}x{size[1]} at half size",
                        value=round(value, 2),
                        unit="ms",
                        target="<= 25 ms" if judged else "",
                        met=value <= 25.0 if judged else None,
                        conditions=f"{where}; {value / spent[0]:.2f} of the network",
                    )
                )
                contact.release()
    return figures
