"""Skin, hair and eyes as small pictures, painted by code from masks, a seed and a few colours."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from understudy.runtime.core.rotation import Array

# The head's piece of MakeHuman's UV map, and the masks over it, from top to bottom of their PNG.
HEAD_UV = ((0.638, 0.146), (0.997, 0.821))
MASKS = ("lips", "eyelids", "ears", "inside-mouth", "scalp", "brow", "beard", "blush")
# sRGB of skin from pale to dark.
TONES = np.array([
    (241, 205, 184), (228, 182, 152), (205, 152, 119), (170, 116, 82), (125, 81, 56), (78, 50, 37),
], float)  # fmt: skip
HAIR = {
    "black": (26, 22, 21), "dark brown": (48, 33, 25), "brown": (84, 56, 37),
    "auburn": (112, 56, 33), "blond": (188, 148, 92), "grey": (140, 137, 134),
    "white": (206, 204, 200),
}  # fmt: skip
EYES = {"brown": (92, 56, 30), "hazel": (120, 92, 50), "green": (92, 112, 72),
        "blue": (98, 134, 168), "grey": (122, 132, 140)}  # fmt: skip


@dataclass(frozen=True)
class Paint:
    """tone 0 to 1, pale to dark; beard 0 (none) to 1; lips 0 (as they are) to 1 (red)."""

    tone: float
    hair: tuple[int, int, int]
    eyes: tuple[int, int, int]
    beard: float = 0.0
    lips: float = 0.0
    freckles: float = 0.0
    age: float = 30.0
    scalp: float = 1.0
    seed: int = 0


def tone_of(tone: float) -> Array:
    """(3,) sRGB 0..255."""
    at = np.clip(tone, 0.0, 1.0) * (len(TONES) - 1)
    return np.array([np.interp(at, np.arange(len(TONES)), TONES[:, k]) for k in range(3)])


def linear(colour: Array | tuple[float, ...]) -> tuple[float, float, float]:
    """sRGB 0..255 as glTF's linear factors."""
    c = np.asarray(colour, float) / 255.0
    out = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return float(out[0]), float(out[1]), float(out[2])


def _noise(rng: np.random.Generator, size: tuple[int, int], blur: float) -> Array:
    """(H, W) of unit spread."""
    flat = Image.fromarray(rng.uniform(0, 255, size[::-1]).astype(np.uint8))
    out = np.asarray(flat.filter(ImageFilter.GaussianBlur(blur)), float)
    return (out - out.mean()) / max(out.std(), 1e-6)


def masks(png: bytes) -> dict[str, Array]:
    """name -> (H, W) 0..1"""
    whole = np.asarray(Image.open(io.BytesIO(png)), float) / 255.0
    return dict(zip(MASKS, np.split(whole, len(MASKS))))


def face(png: bytes, paint: Paint) -> bytes:
    """The head's colours: JPEG."""
    mask = masks(png)
    tall, wide = mask["lips"].shape
    rng = np.random.default_rng(paint.seed)
    base = tone_of(paint.tone)
    out = np.ones((tall, wide, 1)) * base
    out *= 1.0 + 0.016 * _noise(rng, (wide, tall), 14.0)[..., None]
    out *= 1.0 + 0.020 * _noise(rng, (wide, tall), 1.2)[..., None]

    def over(name: str, colour: Array, share: float) -> None:
        a = (mask[name] * share)[..., None]
        out[:] = out * (1 - a) + colour * a

    red = 1.0 - 0.5 * paint.tone
    over("blush", base * (1.0, 0.80, 0.77), 0.38 * red)
    over("ears", base * (1.0, 0.84, 0.80), 0.35 * red)
    over("eyelids", base * (0.90, 0.80, 0.78), 0.5)
    if paint.freckles > 0:
        spots = np.clip(_noise(rng, (wide, tall), 1.6) - 1.1, 0.0, 1.0)
        a = (spots * np.clip(mask["blush"] * 1.5, 0, 1) * paint.freckles)[..., None]
        out = out * (1 - a) + base * (0.72, 0.58, 0.5) * a
    lips = base * (0.88, 0.62, 0.60) * (1 - paint.lips) + np.array([150, 42, 46.0]) * paint.lips
    over("lips", lips, 0.8)
    over("inside-mouth", np.array([110, 50, 48.0]), 0.7)
    strands = np.clip(0.75 + 0.25 * _noise(rng, (wide, tall), 0.7), 0.0, 1.0)
    hair = np.array(paint.hair, float)
    mask["brow"] = np.clip(mask["brow"] * (0.55 + 0.6 * strands), 0.0, 1.0)
    brow = hair * 0.85 if hair.mean() < 120 else hair * 0.62
    over("brow", brow, 0.88)
    if paint.beard > 0:
        mask["beard"] = mask["beard"] * (1 - mask["lips"])
        short = base * 0.55 + hair * 0.35
        over("beard", short, min(0.5, paint.beard))
        mask["beard"] = mask["beard"] * strands
        over("beard", hair * 0.95, np.clip(1.6 * paint.beard - 0.6, 0.0, 0.96))
    mask["scalp"] = np.clip(mask["scalp"] * (0.6 + 0.5 * strands), 0.0, 1.0)
    over("scalp", hair * 0.9, 0.95 * paint.scalp)
    return _jpeg(out)


def eye(paint: Paint, size: int = 192) -> bytes:
    """An eyeball seen from its front, its back at the edge (see `eye_uvs`): JPEG."""
    rng = np.random.default_rng(paint.seed + 1)
    y, x = (np.mgrid[0:size, 0:size] + 0.5) / size * 2 - 1
    r, turn = np.hypot(x, y), np.arctan2(y, x)
    out = np.ones((size, size, 1)) * np.array([236.0, 230, 224])
    out *= 1.0 - 0.18 * np.clip(r - 0.32, 0, 1)[..., None]
    iris = 0.215
    rays = np.interp(turn, np.linspace(-np.pi, np.pi, 90), rng.normal(1.0, 0.16, 90))
    colour = (
        np.array(paint.eyes, float)
        * (rays * np.interp(r, [0.09, 0.15, iris], [1.25, 1.0, 0.55]))[..., None]
    )
    a = np.clip((iris - r) / 0.012 + 0.5, 0, 1)[..., None]
    out = out * (1 - a) + colour * a
    a = np.clip((0.088 - r) / 0.008 + 0.5, 0, 1)[..., None]
    out = out * (1 - a) + 8.0 * a
    return _jpeg(out)


def eye_uvs(points: Array, centre: Array) -> Array:
    """(V, 2) of an eyeball's points: how far from its front, which way."""
    way = (points - centre) / np.linalg.norm(points - centre, axis=1, keepdims=True)
    far = np.arccos(np.clip(way[:, 2], -1, 1)) / np.pi
    flat = way[:, :2] / np.maximum(np.linalg.norm(way[:, :2], axis=1, keepdims=True), 1e-9)
    return np.stack([0.5 + 0.5 * far * flat[:, 0], 0.5 - 0.5 * far * flat[:, 1]], 1)


def hair(colour: tuple[int, int, int], seed: int, size: int = 256) -> bytes:
    """Strands along the picture's width: JPEG."""
    rng = np.random.default_rng(seed)
    flat = Image.fromarray(rng.uniform(0, 255, (size, size // 6)).astype(np.uint8))
    streak = np.asarray(flat.resize((size, size), Image.Resampling.BICUBIC), float) / 127.5 - 1
    out = np.array(colour, float) * (1.0 + 0.30 * streak)[..., None] + 6 * streak[..., None]
    return _jpeg(out)


def lashes(size: int = 64) -> bytes:
    """Dark, and clear between: PNG."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[0:size, 0 : 4 * size]
    root = 1.0 - y / size
    hairs = np.interp(x[0], np.arange(0, 4 * size, 4), rng.uniform(0, 1, size))
    alpha = np.clip(1.25 * (0.35 + 0.65 * hairs) - root * 1.2, 0, 1)
    out = np.zeros((size, 4 * size, 4), np.uint8)
    out[..., :3] = (18, 14, 13)
    out[..., 3] = alpha * 255
    data = io.BytesIO()
    Image.fromarray(out).save(data, "PNG", optimize=True)
    return data.getvalue()


def _jpeg(picture: Array) -> bytes:
    data = io.BytesIO()
    flat = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    flat.save(data, "JPEG", quality=88, subsampling=0)
    return data.getvalue()
