"""Surfaces by code: small pictures that repeat without a seam, as PNG."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable

import numpy as np

from understudy.runtime.core.rotation import Array

SIZE = 256


def _noise(seed: int, cells: int) -> Array:
    """(SIZE, SIZE) smooth noise, 0 to 1, that repeats at the edges."""
    rng = np.random.default_rng(seed)
    grid = rng.random((cells, cells))
    at = np.arange(SIZE) * cells / SIZE
    low, share = at.astype(int), at % 1.0
    share = share * share * (3.0 - 2.0 * share)
    after = (low + 1) % cells
    rows = grid[low] * (1 - share)[:, None] + grid[after] * share[:, None]
    return rows[:, low] * (1 - share) + rows[:, after] * share


def _rough(seed: int) -> Array:
    """(SIZE, SIZE) of several sizes, about 0, at most 1 away."""
    sizes = ((4, 0.45), (16, 0.3), (64, 0.25))
    parts = [share * _noise(seed + k, n) for k, (n, share) in enumerate(sizes)]
    return 2.0 * np.sum(parts, axis=0) - 1.0


def _bricks(rows: int, columns: int, joint: float, shift: float, seed: int) -> tuple[Array, Array]:
    """Of laid pieces: 1 on a piece and 0 in the joint; a number of its own for each, -1 to 1."""
    v, u = np.meshgrid(np.arange(SIZE) / SIZE, np.arange(SIZE) / SIZE, indexing="ij")
    row = np.floor(v * rows).astype(int)
    across = (u * columns + shift * (row % 2)) % columns
    column = np.floor(across).astype(int)
    edge_u = np.minimum(across % 1.0, 1.0 - across % 1.0) / columns
    edge_v = np.minimum((v * rows) % 1.0, 1.0 - (v * rows) % 1.0) / rows
    own = np.random.default_rng(seed).uniform(-1.0, 1.0, (rows, columns))[row, column]
    return (np.minimum(edge_u, edge_v) > joint).astype(float), own


def _brick() -> Array:
    on, own = _bricks(12, 4, 0.006, 0.5, 1)
    value = 0.86 + 0.12 * own + 0.10 * _rough(3)
    return (
        np.where(on > 0, value, 0.98 + 0.06 * _rough(7))[..., None]
        * np.ones(3)
        * np.where(on[..., None] > 0, 1.0, (0.78, 0.80, 0.84))
    )


def _planks() -> Array:
    on, own = _bricks(6, 1, 0.004, 0.37, 5)
    v = np.arange(SIZE)[:, None] / SIZE
    grain = np.sin(2.0 * np.pi * (22.0 * v + 1.6 * _noise(11, 8) + 2.0 * own))
    value = 0.88 + 0.07 * own + 0.05 * grain + 0.05 * _rough(13)
    return (value * (0.55 + 0.45 * on))[..., None] * np.ones(3)


def _asphalt() -> Array:
    speck = np.random.default_rng(17).random((SIZE, SIZE))
    return (0.82 + 0.16 * _rough(19) + 0.14 * (speck - 0.5))[..., None] * np.ones(3)


def _plaster() -> Array:
    return (0.93 + 0.06 * _rough(23))[..., None] * np.ones(3)


def _slabs() -> Array:
    on, own = _bricks(4, 4, 0.004, 0.0, 29)
    return ((0.88 + 0.06 * own + 0.07 * _rough(31)) * (0.6 + 0.4 * on))[..., None] * np.ones(3)


def _weave() -> Array:
    v, u = np.meshgrid(np.arange(SIZE), np.arange(SIZE), indexing="ij")
    thread = np.sin(u * np.pi / 4.0) * np.cos(v * np.pi / 4.0)
    return (0.88 + 0.06 * thread + 0.06 * _rough(37))[..., None] * np.ones(3)


# name -> the picture, and how many metres one repeat is long.
SURFACES: dict[str, tuple[Callable[[], Array], float]] = {
    "brick": (_brick, 0.92),
    "planks": (_planks, 0.9),
    "asphalt": (_asphalt, 2.4),
    "plaster": (_plaster, 2.0),
    "slabs": (_slabs, 1.6),
    "weave": (_weave, 0.35),
}


@functools.cache
def png(name: str) -> bytes:
    """The picture of a surface; it multiplies the colour of the paint."""
    from PIL import Image

    value = np.clip(SURFACES[name][0](), 0.0, 1.0)
    out = io.BytesIO()
    Image.fromarray((255.0 * value + 0.5).astype(np.uint8)).save(out, "PNG")
    return out.getvalue()
