"""What a face is painted by: masks over the head's own piece of the UV map.

A mask is drawn where a texel lies on the base body, so that brows, beard and scalp are given in
metres from the eyes. MakeHuman's own masks (lips, lids, ears) are cut out beside them.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from understudy.models.people.source import Base
from understudy.runtime.characters.people import hair
from understudy.runtime.characters.people.skin import HEAD_UV, MASKS
from understudy.runtime.core.rotation import Array

SIZE = (640, 1212)  # wide and tall


def place_map(mesh: Base, size: tuple[int, int]) -> tuple[Array, Array]:
    """(H, W, 3) where each texel of the head lies on the base body, and (H, W) whether it does."""
    (u0, v0), (u1, v1) = HEAD_UV
    wide, tall = size
    where, known = np.zeros((tall, wide, 3)), np.zeros((tall, wide), bool)
    for corners, at in zip(mesh.quads["head"], mesh.quad_uvs["head"], strict=True):
        uv = mesh.uvs[at]
        pixel = (uv - (u0, v0)) / (u1 - u0, v1 - v0) * size
        pixel[:, 1] = tall - pixel[:, 1]
        low = np.clip(np.floor(pixel.min(0)).astype(int), 0, np.array(size) - 1)
        high = np.clip(np.ceil(pixel.max(0)).astype(int) + 1, 1, size)
        x, y = np.meshgrid(np.arange(low[0], high[0]), np.arange(low[1], high[1]))
        at_pixel = np.stack([x, y], -1) + 0.5
        for half in ((0, 1, 2), (0, 2, 3)):
            a, b, c = pixel[list(half)]
            edges = np.stack([b - a, c - a], 1)
            if abs(np.linalg.det(edges)) < 1e-9:
                continue
            share = (at_pixel - a) @ np.linalg.inv(edges).T
            weight = np.concatenate([1.0 - share.sum(-1, keepdims=True), share], -1)
            inside = (weight > -0.02).all(-1)
            rows, columns = y[inside], x[inside]
            where[rows, columns] = weight[inside] @ mesh.points[corners[list(half)]]
            known[rows, columns] = True
    return where, known


def _soft(inside_m: Array, edge_m: float) -> Array:
    """1 well inside, 0 outside."""
    return np.clip(0.5 + inside_m / (2.0 * edge_m), 0.0, 1.0)


def painted(data: Path, mesh: Base) -> bytes:
    """The masks one above the other, as one grey PNG."""
    place, known = place_map(mesh, SIZE)
    eye = mesh.points[mesh.rows("helper-l-eye")].mean(0)
    x, y, z = np.abs(place[..., 0]), place[..., 1] - eye[1], place[..., 2] - eye[2]
    drawn = {name: _cut(data, name) for name in ("lips", "eyelids", "ears", "inside-mouth")}
    drawn["scalp"] = _soft(hair.line_m(place.reshape(-1, 3), eye).reshape(x.shape), 0.005)
    drawn["brow"] = _brow(x, y, z, eye)
    drawn["beard"] = _beard(x, y, z)
    drawn["blush"] = _blush(x, y, z, eye)
    rows = []
    for name in MASKS:
        layer = Image.fromarray(np.uint8(np.where(known, drawn[name], 0.0) * 255))
        # Beyond an island's edge, so that no seam is sampled from outside it.
        grown = layer.filter(ImageFilter.MaxFilter(7))
        rows.append(np.where(known, np.asarray(layer), np.asarray(grown)))
    out = io.BytesIO()
    Image.fromarray(np.concatenate(rows)).save(out, "PNG", optimize=True)
    return out.getvalue()


def _cut(data: Path, name: str) -> Array:
    """One of MakeHuman's masks over the head's piece of the map, 0..1."""
    picture = Image.open(data / f"mpfb2/textures/mpfb_{name}.jpg").convert("L")
    wide, tall = picture.size
    (u0, v0), (u1, v1) = HEAD_UV
    box = (u0 * wide, (1 - v1) * tall, u1 * wide, (1 - v0) * tall)
    cut = picture.resize(SIZE, Image.Resampling.BICUBIC, box=box)
    return np.asarray(cut) / 255.0


def _brow(x: Array, y: Array, z: Array, eye: Array) -> Array:
    across = (x - eye[0]) / 0.026
    middle = 0.0225 + 0.004 * (1.0 - (across - 0.25) ** 2)
    thick = 0.0030 * np.clip(1.05 - 0.45 * across, 0.3, 1.2)
    inside = thick - np.abs(y - middle)
    ends = 0.026 * np.minimum(across + 0.72, 1.15 - across)
    return _soft(inside, 0.0018) * _soft(ends, 0.005) * (z > -0.03)


def _beard(x: Array, y: Array, z: Array) -> Array:
    """Jaw, chin and upper lip; less on the cheeks and below the chin."""
    cheek = np.interp(x, [0.0, 0.02, 0.05, 0.075], [-0.046, -0.05, -0.058, -0.02])
    low = np.interp(z, [-0.12, -0.05, 0.02], [-0.06, -0.115, -0.14])
    return _soft(cheek - y, 0.012) * _soft(y - low, 0.012) * _soft(z + 0.088, 0.012)


def _blush(x: Array, y: Array, z: Array, eye: Array) -> Array:
    cheek = np.exp(-(((x - 0.042) / 0.022) ** 2 + ((y + 0.036) / 0.02) ** 2))
    nose = np.exp(-((x / 0.014) ** 2 + ((y + 0.04) / 0.014) ** 2)) * (z > 0.015)
    return np.clip(np.maximum(cheek, 0.8 * nose), 0.0, 1.0) * (z > -0.05)
