"""The table: every estimator through the runtime's own shaders, on scenes that training never saw.

The classical ones get what the network gets, taps, sizes and blur, and a gain and power fitted on
the training scenes at the middle one of the test's radii.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from understudy.runtime.core.rotation import Array
from understudy.runtime.viewport import gl
from understudy.runtime.viewport.effects.contact import Contact
from understudy.runtime.viewport.effects.timing import Lens, milliseconds, pillars, textures

from . import flicker, reference
from .data import Images

RADII_M = (0.25, 0.5, 1.0)  # of the test references
MAIN_M = 0.5
CLASSICAL = ("sao-16", "sao-64", "gtao-16", "gtao-64")
ALSO_HALF = ("sao-16", "gtao-16")
LOG_POWER_MAX = math.log(30.0)  # beyond it (1 - gain x)^power is an exponential already
TIMED = (960, 540)

Pair = tuple[Array, Array, np.ndarray]  # estimate, reference, covered pixels, each (H, W)


@dataclass(frozen=True)
class Method:
    """One way to shade: a network's or classical estimator's name, its size, its fit."""

    quality: str
    weights: Path
    half: bool = False
    fit: tuple[float, float] | None = None

    @property
    def name(self) -> str:
        return self.quality + (", half size" if self.half else "")

    def open(self, ctx: Any, size: tuple[int, int]) -> Contact:
        """The pass for one size of picture."""
        made = Contact(ctx, size, MAIN_M, self.quality, half=self.half, weights=self.weights)
        if self.fit is not None:
            made.set_fit(*self.fit)
        return made


def sizes(images: Images) -> set[tuple[int, int]]:
    return {(int(w), int(h)) for w, h in images.size}


def shade(contact: Contact, images: Images, i: int, radius_m: float) -> Array:
    """(H, W) occlusion of one image through a pass of its size."""
    contact.radius_m = radius_m
    lens = Lens(2.0 * math.atan(float(images.tan_y[i])))
    with textures(contact.ctx, images.image(i)) as (depth, normal):
        return flicker.read(contact.render(depth, normal, lens))


def fit(ctx: Any, method: Method, images: Images, tries: int) -> Method:
    """The classical method with the gain and power that suit the traced pixels best."""
    from scipy.optimize import minimize

    passes = {size: method.open(ctx, size) for size in sizes(images)}

    def error(x: Array) -> float:
        total, count = 0.0, 0
        for contact in passes.values():
            contact.set_fit(math.exp(x[0]), math.exp(min(x[1], LOG_POWER_MAX)))
        for i in range(len(images.start)):
            ao = shade(passes[int(images.size[i, 0]), int(images.size[i, 1])], images, i, MAIN_M)
            mine = images.where[:, 0] == i
            off = ao[images.where[mine, 1], images.where[mine, 2]] - images.ao[mine, 0]
            total, count = total + float(np.sum(off * off)), count + len(off)
        return total / count

    best = minimize(
        error, np.zeros(2), method="Nelder-Mead",
        options={"maxfev": tries, "initial_simplex": [[0.0, 0.0], [1.0, 0.0], [0.0, 0.6]]},
    )  # fmt: skip
    for contact in passes.values():
        contact.release()
    return replace(method, fit=(math.exp(best.x[0]), math.exp(min(best.x[1], LOG_POWER_MAX))))


def scores(pairs: list[Pair]) -> tuple[float, float]:
    """PSNR in dB and SSIM over the covered pixels."""
    from skimage.metrics import structural_similarity

    error = np.concatenate([((a - b) ** 2)[c] for a, b, c in pairs])
    alike = [structural_similarity(a, b, data_range=1.0, full=True)[1][c] for a, b, c in pairs]
    return -10.0 * math.log10(float(error.mean())), float(np.concatenate(alike).mean())


def row(ctx: Any, method: Method | float, tests: dict[str, Images]) -> dict[str, Any]:
    """PSNR at each radius and SSIM at the main one on each test set; a number is a flat grey."""
    out: dict[str, Any] = {}
    for kind, images in tests.items():
        passes: dict[tuple[int, int], Contact] = {}
        if isinstance(method, Method):
            passes = {size: method.open(ctx, size) for size in sizes(images)}
        for radius_m in RADII_M:
            pairs: list[Pair] = []
            for i in range(len(images.start)):
                target = images.reference(i, radius_m)
                covered = images.image(i)[..., 3] < reference.SKY_M
                if isinstance(method, Method):
                    contact = passes[int(images.size[i, 0]), int(images.size[i, 1])]
                    pairs.append((shade(contact, images, i, radius_m), target, covered))
                else:
                    pairs.append((np.full_like(target, method), target, covered))
            psnr, ssim = scores(pairs)
            out[f"{kind} {radius_m} m dB"] = round(psnr, 2)
            if radius_m == MAIN_M:
                out[f"{kind} SSIM"] = round(ssim, 4)
        for contact in passes.values():
            contact.release()
    return out


def table(
    names: list[str],
    weights: Path,
    fitting: Images,
    tests: dict[str, Images],
    clips: Path | None,
    trial: bool = False,
) -> tuple[list[dict[str, Any]], dict[str, tuple[float, float]]]:
    """A row of figures for each way to shade, and the classical fits; a trial has fewer of each."""
    os.environ.setdefault("LP_NUM_THREADS", "1")
    with gl.headless() as ctx:
        methods = [
            fit(ctx, Method(quality, weights), fitting, 20 if trial else 45)
            for quality in (CLASSICAL[::2] if trial else CLASSICAL)
        ]
        fits = {method.quality: method.fit for method in methods if method.fit is not None}
        methods += [Method(name, weights) for name in names]
        for method in list(methods):
            if method.quality in (*names, *ALSO_HALF):
                methods.insert(methods.index(method) + 1, replace(method, half=True))
        mean = float(fitting.ao.mean())
        rows = [
            {"name": "no shading", "renderer": ctx.info["GL_RENDERER"], **row(ctx, 1.0, tests)},
            {"name": "constant mean", **row(ctx, mean, tests)},
        ]
        shots = flicker.pairs(clips, 2 if trial else 8)
        for method in methods:
            figures = {"name": method.name, **row(ctx, method, tests)}
            if method.fit is not None:
                figures["gain, power"] = [round(v, 3) for v in method.fit]
            with method.open(ctx, flicker.SIZE) as contact:
                figures["flicker %"] = round(flicker.percent(ctx, contact, shots), 3)
            rows.append(figures)
        passes = [method.open(ctx, TIMED) for method in methods]
        with textures(ctx, pillars(TIMED, Lens())) as (depth, normal):
            spent = milliseconds(passes, depth, normal, Lens(), 2 if trial else 10)
        for figures, contact, value in zip(rows[2:], passes, spent, strict=True):
            figures["ms"] = round(value, 1)
            contact.release()
    return rows, fits


def render(rows: list[dict[str, Any]], parameters: dict[str, int]) -> str:
    """The table as text, in Markdown's form, so that it goes into a page as it is."""
    kinds = [key.removesuffix(" SSIM") for key in rows[0] if key.endswith(" SSIM")]
    head = ["PSNR in dB, covered pixels", "weights"]
    for kind in kinds:
        head += [f"{kind} {radius_m} m" for radius_m in RADII_M] + ["SSIM"]
    lines = [[*head, "flicker", "ms"]]
    for figures in rows:
        line = [figures["name"], str(parameters.get(figures["name"].split(",")[0], ""))]
        for kind in kinds:
            line += [f"{figures[f'{kind} {radius_m} m dB']:.2f}" for radius_m in RADII_M]
            line.append(f"{figures[f'{kind} SSIM']:.3f}")
        line += [f"{figures['flicker %']:.2f} %", f"{figures['ms']:.1f}"] if "ms" in figures else []
        lines.append(line + [""] * (len(lines[0]) - len(line)))
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    lines.insert(1, ["-" * (width - 1) + ":" * (i > 0) or "-" for i, width in enumerate(widths)])
    lines[1][0] = "-" * widths[0]
    text = [
        "| "
        + " | ".join(f"{cell:{'<' if i == 0 else '>'}{widths[i]}}" for i, cell in enumerate(line))
        + " |"
        for line in lines
    ]
    threads = os.environ.get("LP_NUM_THREADS", "all")
    conditions = (
        f"ms: all passes at {TIMED[0]}x{TIMED[1]}, {rows[0]['renderer']}, {threads} render "
        "thread(s). SSIM, flicker and ms at 0.5 m."
    )
    return "\n".join([*text, "", conditions])
