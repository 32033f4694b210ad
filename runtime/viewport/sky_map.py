"""A sky of a picture: all around as one equirectangular image, .hdr or .exr, that lights the scene.

Its brightest spot, where it is bright enough, becomes the sun, which casts shadows; the rest lights
by nine spherical harmonics (Ramamoorthi and Hanrahan, "An Efficient Representation for Irradiance
Environment Maps", 2001) and is mirrored. The picture's middle is -Z.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

import numpy as np

from understudy.runtime.core import distribution
from understudy.runtime.core.errors import Failure, UnderstudyError
from understudy.runtime.core.files import shown
from understudy.runtime.core.rotation import Array

KINDS = (".hdr", ".exr")
WIDE = 2048  # pixels around; more is not seen behind a cast
MOST_PIXELS = 1 << 27
# A spot is a sun where its middle is so many times brighter than the sky's mean.
SUN_OVER_MEAN = 40.0
SUN_RAD = np.radians(6.0)
# What falls on level ground, of all colours alike, once it is brought to our own skies' brightness.
GROUND_LIGHT = 3.2
# Of a cosine lobe, by the order of the harmonic, over pi.
_LOBE = np.array([1.0, *[2.0 / 3.0] * 3, *[0.25] * 5])


@dataclass(frozen=True, eq=False)
class SkyMap:
    """pixels     (H, W, 3) float32, linear, without the sun, top row up
    harmonics  (9, 3) of the light that falls on a surface, over pi
    sun, sun_colour  (3,) towards it, and what it gives head on; 0 where it has none
    """

    name: str
    pixels: Array
    harmonics: Array
    sun: Array
    sun_colour: tuple[float, float, float]
    turn_deg: float = 0.0


def basis(way: Array) -> Array:
    """(..., 9) real spherical harmonics of unit vectors (..., 3), up to the second order."""
    x, y, z = np.moveaxis(np.asarray(way), -1, 0)
    return np.stack(
        [
            np.full_like(x, 0.282095), 0.488603 * y, 0.488603 * z, 0.488603 * x,
            1.092548 * x * y, 1.092548 * y * z, 0.315392 * (3.0 * z * z - 1.0),
            1.092548 * x * z, 0.546274 * (x * x - y * y),
        ], -1,
    )  # fmt: skip


def ways(height: int, width: int, turn_deg: float = 0.0) -> tuple[Array, Array]:
    """(H, W, 3) where each pixel lies, and (H, W) how much of the sphere it is."""
    up = np.pi * (0.5 - (np.arange(height) + 0.5) / height)
    around = 2.0 * np.pi * ((np.arange(width) + 0.5) / width - 0.5) + np.radians(turn_deg)
    flat = np.cos(up)[:, None]
    way = np.stack(
        [
            flat * np.sin(around), np.broadcast_to(np.sin(up)[:, None], (height, width)),
            -flat * np.cos(around),
        ], -1,
    )  # fmt: skip
    share = (np.pi / height) * (2.0 * np.pi / width) * np.broadcast_to(flat, (height, width))
    return way, share


def made(name: str, picture: Array, turn_deg: float = 0.0) -> SkyMap:
    """The sky that a picture (H, W, 3) is, brought to our own skies' brightness."""
    picture = np.nan_to_num(np.maximum(np.asarray(picture, np.float64), 0.0), posinf=6e4)
    factor = max(1, round(picture.shape[1] / WIDE))
    rows, columns = (side - side % factor for side in picture.shape[:2])
    picture = picture[:rows, :columns]
    picture = picture.reshape(rows // factor, factor, columns // factor, factor, 3).mean((1, 3))
    way, share = ways(picture.shape[0], picture.shape[1], turn_deg)
    if not picture.any():
        raise UnderstudyError(f"The sky {name} is black: it gives no light.")
    picture, sun, colour = _without_sun(picture, way, share)
    level = (colour * max(sun[1], 0.0)).mean()
    level += (picture * (share * np.maximum(way[..., 1], 0.0))[..., None]).sum((0, 1)).mean()
    scale = GROUND_LIGHT / max(level, 1e-9)
    picture *= scale
    light = np.einsum("hw,hwk,hwc->kc", share, basis(way), picture)
    red, green, blue = (scale * colour).tolist()
    return SkyMap(
        name, picture.astype(np.float32), light * _LOBE[:, None], sun, (red, green, blue), turn_deg
    )


def _without_sun(picture: Array, way: Array, share: Array) -> tuple[Array, Array, Array]:
    """The picture less its sun, the way to that, and what it gives (3,)."""
    bright = picture.mean(-1)
    mean = float((bright * share).sum() / share.sum())
    row, column = np.unravel_index(np.argmax(bright), bright.shape)
    sun = way[row, column]
    if bright[row, column] < SUN_OVER_MEAN * mean:
        return picture, np.array([0.0, 1.0, 0.0]), np.zeros(3)
    near = way @ sun > np.cos(SUN_RAD)
    ring = near & (way @ sun < np.cos(0.7 * SUN_RAD))
    around = np.median(picture[ring], axis=0) if ring.any() else np.full(3, mean)
    over = np.maximum(picture - around, 0.0) * near[..., None]
    weight = over.mean(-1) * share
    middle = (way * weight[..., None]).sum((0, 1))
    colour = (over * share[..., None]).sum((0, 1))
    return picture - over, middle / np.linalg.norm(middle), colour


def read(said: str) -> SkyMap:
    """The sky of "FILE.hdr", or "FILE.exr?turn=90" in degrees about +Y."""
    check(said)
    name, _, query = said.partition("?")
    path = Path(name)
    picture = _exr(path) if path.suffix.lower() == ".exr" else _hdr(path)
    return made(path.name, picture, _turn(said, query))


def check(said: str) -> None:
    """Refuses what is no sky, as far as that is known without reading it."""
    name, _, query = said.partition("?")
    path = Path(name)
    if path.suffix.lower() not in KINDS:
        raise UnderstudyError(f"The sky {name!r} is none: a sky's file ends in .hdr or .exr.")
    if not path.is_file():
        raise UnderstudyError(f"There is no sky {shown(path)}.")
    _turn(said, query)


def _turn(said: str, query: str) -> float:
    words = dict(parse_qsl(query, keep_blank_values=True))
    turn = words.pop("turn", "0")
    try:
        value = float(turn)
    except ValueError:
        value = np.inf
    if words or not abs(value) <= 360.0:
        raise UnderstudyError(f"The sky {said!r} takes ?turn=DEGREES alone.")
    return value


def _exr(path: Path) -> Array:
    try:
        import OpenEXR
    except ImportError:
        raise Failure(distribution.lacking("OpenEXR")) from None
    try:
        with OpenEXR.File(str(path), separate_channels=True) as file:
            channels = file.channels()
            if not all(name in channels for name in "RGB"):
                raise UnderstudyError(f"The sky {path.name} has no channels R, G and B.")
            return np.stack([channels[name].pixels.astype(np.float32) for name in "RGB"], -1)
    except UnderstudyError:
        raise
    except Exception as error:
        why = str(error).splitlines()[0][:120]
        raise UnderstudyError(f"The sky {path.name} cannot be read: {why}") from None


def _hdr(path: Path) -> Array:
    """Radiance's RGBE pictures (Ward, "Real Pixels", 1991), with run lengths or without."""
    data = path.read_bytes()
    head, _, rest = data.partition(b"\n\n")
    line, _, body = rest.partition(b"\n")
    words = line.split()
    damaged = UnderstudyError(f"The sky {path.name} is no Radiance picture that can be read.")
    if not head.startswith((b"#?RADIANCE", b"#?RGBE")) or len(words) != 4:
        raise damaged
    if words[0] != b"-Y" or words[2] != b"+X" or not (words[1] + words[3]).isdigit():
        raise damaged
    height, width = int(words[1]), int(words[3])
    if not 0 < height * width <= MOST_PIXELS:
        raise UnderstudyError(
            f"The sky {path.name} has {width} x {height} pixels; {MOST_PIXELS >> 20} million can "
            "be read."
        )
    flat = height * width * 4
    if len(body) == flat and not _is_runs(body, width):
        texels = np.frombuffer(body, np.uint8).reshape(height, width, 4)
    else:
        texels = _runs(np.frombuffer(body, np.uint8), height, width, damaged)
    scale = np.ldexp(1.0, texels[..., 3].astype(int) - 136)
    return texels[..., :3].astype(np.float32) * scale[..., None].astype(np.float32)


def _is_runs(body: bytes, width: int) -> bool:
    return body[:2] == b"\x02\x02" and (body[2] << 8 | body[3]) == width


def _runs(body: np.ndarray, height: int, width: int, damaged: UnderstudyError) -> np.ndarray:
    out, at = np.empty((height, 4, width), np.uint8), 0
    for row in range(height):
        if at + 4 > len(body) or not _is_runs(body[at : at + 4].tobytes(), width):
            raise damaged
        at += 4
        for channel in range(4):
            done = 0
            while done < width:
                if at + 1 >= len(body):
                    raise damaged
                count = int(body[at])
                run = count > 128
                count -= 128 if run else 0
                if not count or done + count > width or at + 1 + (1 if run else count) > len(body):
                    raise damaged
                out[row, channel, done : done + count] = (
                    body[at + 1] if run else body[at + 1 : at + 1 + count]
                )
                at, done = at + 1 + (1 if run else count), done + count
    return out.transpose(0, 2, 1)
