"""The labelled picture of the comparison: off, classical, network, reference."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from understudy.runtime.core.rotation import Array
from understudy.runtime.viewport import gl
from understudy.runtime.viewport.effects import contact_weights as files

from . import evaluate, reference
from .data import Images

PAPER, INK, FAINT = (246, 245, 242), (34, 36, 42), (112, 114, 120)
TITLE_PX, GAP_PX = 34, 6
SCENES_EACH = 2  # of each test set; the first is shown a second time as occlusion alone


def lit(image: Array, ao: Array) -> Array:
    """(H, W, 3) display colours of a clay scene under an overcast sky: what occlusion is for."""
    n = image[..., :3]
    sky = 0.62 + 0.38 * np.clip(0.8 * n[..., 1] + 0.35 * n[..., 2], -1.0, 1.0)
    clay = np.array([0.78, 0.74, 0.7]) * (sky * ao)[..., None]
    covered = image[..., 3] < reference.SKY_M
    linear = np.where(covered[..., None], clay, [0.72, 0.78, 0.85])
    return np.clip(linear, 0.0, 1.0) ** (1 / 2.2)


def choose(images: Images, count: int) -> list[int]:
    """The images in which people and things hide most of the sky from one another."""
    dark = [images.reference(i, evaluate.MAIN_M).mean() for i in range(len(images.start))]
    return [int(i) for i in np.argsort(dark)[: 2 * count : 2]]


def write(path: Path, weights: Path, tests: dict[str, Images]) -> None:
    """Draws the sheet: a row for each scene, a column for each way to shade it."""
    stored = files.load(weights)
    best = stored.default
    count = stored.networks[best].parameters
    titles = {
        "off": "effect off",
        "gtao-16": "GTAO, 16 taps, fitted",
        best: f"network {best}, {count} weights",
        "reference": "ray-traced reference",
    }
    rows: list[list[tuple[Array, str]]] = []
    with gl.headless() as ctx:
        for kind, images in tests.items():
            for i in choose(images, SCENES_EACH):
                shaded = {key: _shade(ctx, images, i, key, weights) for key in titles}
                target = shaded["reference"]
                covered = images.image(i)[..., 3] < reference.SKY_M
                if not rows:
                    alone = [np.repeat(ao[..., None], 3, -1) for ao in shaded.values()]
                    rows.append([(a, "occlusion alone" * (k == 0)) for k, a in enumerate(alone)])
                row = []
                for key, ao in shaded.items():
                    off = float(np.mean(((ao - target) ** 2)[covered]))
                    note = {"off": kind}.get(key, f"{-10.0 * math.log10(max(off, 1e-9)):.1f} dB")
                    row.append((lit(images.image(i), ao), "" if key == "reference" else note))
                rows.append(row)
    _save(path, _compose(list(titles.values()), rows))


def _shade(ctx: Any, images: Images, i: int, key: str, weights: Path) -> Array:
    target = images.reference(i, evaluate.MAIN_M)
    if key in ("off", "reference"):
        return target if key == "reference" else np.ones_like(target)
    size = (int(images.size[i, 0]), int(images.size[i, 1]))
    with evaluate.Method(key, weights).open(ctx, size) as contact:
        return evaluate.shade(contact, images, i, evaluate.MAIN_M)


def _compose(titles: list[str], rows: list[list[tuple[Array, str]]]) -> Image.Image:
    height, width = rows[0][0][0].shape[:2]
    out = Image.new(
        "RGB",
        (
            len(titles) * (width + GAP_PX) + GAP_PX,
            TITLE_PX + len(rows) * (height + GAP_PX),
        ),
        PAPER,
    )
    draw = ImageDraw.Draw(out)
    large, small = ImageFont.load_default(16), ImageFont.load_default(13)
    for column, title in enumerate(titles):
        x = GAP_PX + column * (width + GAP_PX)
        draw.text((x + 2, 8), title, INK, font=large)
        for line, row in enumerate(rows):
            picture, note = row[column]
            y = TITLE_PX + line * (height + GAP_PX)
            flipped = (np.clip(picture[::-1], 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
            out.paste(Image.fromarray(flipped), (x, y))
            if note:
                box = draw.textbbox((x + 8, y + height - 22), note, font=small)
                draw.rectangle((box[0] - 4, box[1] - 3, box[2] + 4, box[3] + 3), PAPER)
                draw.text((x + 8, y + height - 22), note, FAINT, font=small)
    return out


def _save(path: Path, picture: Image.Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.stem + ".part.png")
    # A palette of 256 is plenty for greys and clay, and a third of the size.
    picture.quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(part, optimize=True)
    os.replace(part, path)
