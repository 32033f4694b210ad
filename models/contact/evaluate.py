"""The table: every estimator through the runtime's own shaders, on scenes that training never saw.

The classical ones get what the network gets, taps, sizes and blur, and a gain and power fitted on
the training scenes at the very radius of the test.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from understudy.runtime.bench.effect import Lens, milliseconds, pillars, textures
from understudy.runtime.core.rotation import Array
from understudy.runtime.viewport import gl
from understudy.runtime.viewport.effects.contact import Contact

from . import reference, scenes
from .data import Images

RADII_M = (0.25, 0.5, 1.0)  # of the test references
MAIN_M = 0.5
CLASSICAL = ("sao-16", "sao-64", "gtao-16", "gtao-64")
LOG_POWER_MAX = math.log(30.0)  # beyond it (1 - gain x)^power is an exponential already
TIMED = (960, 540)


def shade(
    ctx: Any, images: Images, i: int, radius_m: float, contact: Contact | str, **options: Any
) -> Array:
    """(H, W) occlusion of one image through the pass."""
    width, height = (int(v) for v in images.size[i])
    lens = Lens(2.0 * math.atan(float(images.tan_y[i])))
    made = (
        Contact(ctx, (width, height), radius_m, contact, **options)
        if isinstance(contact, str)
        else contact
    )
    made.radius_m = radius_m
    with textures(ctx, images.image(i)) as (depth, normal):
        out = read(made.render(depth, normal, lens))
    if isinstance(contact, str):
        made.release()
    return out


def read(texture: Any) -> Array:
    """(H, W) first channel of a texture."""
    width, height = texture.size
    kind = np.float16 if texture.dtype == "f2" else np.float32
    return np.frombuffer(texture.read(), kind).reshape(height, width, -1)[..., 0].astype(np.float32)


def fit(
    ctx: Any, images: Images, quality: str, weights: Path, tries: int = 45
) -> tuple[float, float]:
    """Gain and power of a classical estimator that fit the traced pixels best."""
    from scipy.optimize import minimize  # type: ignore[import-untyped]

    passes: dict[tuple[int, int], Contact] = {}
    for size in {(int(w), int(h)) for w, h in images.size}:
        passes[size] = Contact(ctx, size, MAIN_M, quality, half=False, weights=weights)

    def error(x: Array) -> float:
        total, count = 0.0, 0
        for i in range(len(images.start)):
            contact = passes[int(images.size[i, 0]), int(images.size[i, 1])]
            contact.set_fit(math.exp(x[0]), math.exp(min(x[1], LOG_POWER_MAX)))
            ao = shade(ctx, images, i, MAIN_M, contact)
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
    return math.exp(best.x[0]), math.exp(min(best.x[1], LOG_POWER_MAX))


def scores(pairs: list[tuple[Array, Array, np.ndarray]]) -> tuple[float, float]:
    """PSNR in dB and SSIM over the covered pixels of (estimate, reference, covered)."""
    from skimage.metrics import structural_similarity

    error = np.concatenate([((a - b) ** 2)[c] for a, b, c in pairs])
    alike = [structural_similarity(a, b, data_range=1.0, full=True)[1][c] for a, b, c in pairs]
    return -10.0 * math.log10(float(error.mean())), float(np.concatenate(alike).mean())


def flicker(
    ctx: Any, quality: str, weights: Path, half: bool, clips: Path | None, count: int = 8
) -> float:
    """Root mean square change, percent, that a surface's shading suffers as the camera moves.

    Occlusion does not depend on the eye, so a perfect estimator gives 0 but for resampling. Scenes
    stand still; the camera moves 2 cm and pans between two pictures; pixels are carried over by
    their depth.
    """
    poses = scenes.Poses(clips, held_out=True)
    width, height = 480, 270
    changes = []
    with Contact(ctx, (width, height), MAIN_M, quality, half=half, weights=weights) as contact:
        for seed in range(count):
            rng = np.random.default_rng([77, seed])
            scene = scenes.scene(rng, poses)
            tracer = reference.Tracer(scene.mesh)
            view = scene.view
            eye = view.position + 0.02 * view.axes[0] + 0.01 * view.axes[1]
            moved = scenes.look_at(eye, eye - view.axes[2] + 0.004 * view.axes[0], view.fov_y_rad)
            shots = []
            for one in (view, moved):
                image, world = reference.gbuffer(
                    tracer, scenes.Scene(scene.mesh, one), width, height
                )
                with textures(ctx, image) as (depth, normal):
                    ao = read(contact.render(depth, normal, Lens(one.fov_y_rad)))
                shots.append((one, image, world, ao))
            changes.append(_change(shots))
    return 100.0 * math.sqrt(float(np.concatenate(changes).mean()))


def _change(shots: list[tuple[scenes.View, Array, Array, Array]]) -> Array:
    """(N,) squared change of the pixels that both shots see."""
    (before, image, _, ao_before), (_, image_after, world, ao_after) = shots
    height, width = ao_before.shape
    p = (world[..., :3] - before.position) @ before.axes.T
    scale = 0.5 * height / math.tan(0.5 * before.fov_y_rad)
    z = np.maximum(-p[..., 2], 1e-3)
    x = p[..., 0] / z * scale + 0.5 * width - 0.5
    y = p[..., 1] / z * scale + 0.5 * height - 0.5
    inside = (x > 4) & (x < width - 5) & (y > 4) & (y < height - 5) & (p[..., 2] < -0.02)
    inside &= image_after[..., 3] < reference.SKY_M
    x, y, z, ao_after = x[inside], y[inside], z[inside], ao_after[inside]
    x0, y0 = x.astype(int), y.astype(int)
    total, weight = np.zeros_like(x), np.zeros_like(x)
    for dy in (0, 1):
        for dx in (0, 1):
            near = np.abs(image[y0 + dy, x0 + dx, 3] - z) < 0.01 * z
            w = np.abs(1 - dx - (x - x0)) * np.abs(1 - dy - (y - y0)) * near
            total += w * ao_before[y0 + dy, x0 + dx]
            weight += w
    seen = weight > 0.5
    return (total[seen] / weight[seen] - ao_after[seen]) ** 2


def table(
    names: list[str],
    weights: Path,
    fitting: Images,
    tests: dict[str, Images],
    clips: Path | None,
    classical: tuple[str, ...] = CLASSICAL,
    trial: bool = False,
) -> tuple[list[dict[str, Any]], dict[str, tuple[float, float]]]:
    """A row of figures for each estimator, and the classical fits; a trial has fewer of each."""
    if trial:
        classical = classical[::2]
    os.environ.setdefault("LP_NUM_THREADS", "1")
    rows: list[dict[str, Any]] = []
    fits: dict[str, tuple[float, float]] = {}
    timed: list[tuple[dict[str, Any], Contact]] = []
    with gl.headless() as ctx:
        mean = float(fitting.ao.mean())
        for label, value in (("no shading", 1.0), ("constant mean", mean)):
            row: dict[str, Any] = {"name": label}
            for kind, images in tests.items():
                for radius_m in RADII_M:
                    pairs = []
                    for i in range(len(images.start)):
                        target = images.reference(i, radius_m)
                        covered = images.image(i)[..., 3] < reference.SKY_M
                        pairs.append((np.full_like(target, value), target, covered))
                    _put(row, kind, radius_m, scores(pairs))
            rows.append(row)
        for quality in (*classical, *names):
            known = quality in names
            if not known:
                fits[quality] = fit(ctx, fitting, quality, weights, 20 if trial else 45)
            for half in (False, True) if quality in (*names, "gtao-16", "sao-16") else (False,):
                row = {"name": quality + (", half size" if half else "")}
                if not known:
                    row["gain, power"] = [round(v, 3) for v in fits[quality]]
                for kind, images in tests.items():
                    for radius_m in RADII_M:
                        pairs = []
                        for i in range(len(images.start)):
                            size = (int(images.size[i, 0]), int(images.size[i, 1]))
                            with Contact(
                                ctx, size, radius_m, quality, half=half, weights=weights
                            ) as one:
                                if not known:
                                    one.set_fit(*fits[quality])
                                ao = shade(ctx, images, i, radius_m, one)
                            covered = images.image(i)[..., 3] < reference.SKY_M
                            pairs.append((ao, images.reference(i, radius_m), covered))
                        _put(row, kind, radius_m, scores(pairs))
                row["flicker %"] = round(
                    flicker(ctx, quality, weights, half, clips, 2 if trial else 8), 3
                )
                rows.append(row)
                timed.append(
                    (row, Contact(ctx, TIMED, MAIN_M, quality, half=half, weights=weights))
                )
        lens, passes = Lens(), [contact for _, contact in timed]
        with textures(ctx, pillars(TIMED, lens)) as (depth, normal):
            spent = milliseconds(passes, depth, normal, lens, 2 if trial else 10)
        for (row, contact), value in zip(timed, spent, strict=True):
            row["ms"] = round(value, 1)
            contact.release()
        rows[0]["renderer"] = ctx.info["GL_RENDERER"]
    return rows, fits


def _put(row: dict[str, Any], kind: str, radius_m: float, values: tuple[float, float]) -> None:
    row[f"{kind} {radius_m} m dB"] = round(values[0], 2)
    if radius_m == MAIN_M:
        row[f"{kind} SSIM"] = round(values[1], 4)


def render(rows: list[dict[str, Any]], parameters: dict[str, int]) -> str:
    """The table as text."""
    kinds = [key.removesuffix(" SSIM") for key in rows[0] if key.endswith(" SSIM")]
    head = f"{'':22}{'weights':>8}"
    for _ in kinds:
        head += "  | " + " ".join(f"{f'{r} m':>7}" for r in RADII_M) + f"{'SSIM':>8}"
    head += f"  |{'flicker':>9}{'ms':>7}"
    lines = ["  ".join(["PSNR in dB on covered pixels;", *kinds]), head]
    for row in rows:
        count = parameters.get(row["name"].split(",")[0])
        line = f"{row['name']:22}{count or '':>8}"
        for kind in kinds:
            line += "  | " + " ".join(f"{row[f'{kind} {r} m dB']:7.2f}" for r in RADII_M)
            line += f"{row[f'{kind} SSIM']:8.4f}"
        line += "  |" + (f"{row['flicker %']:8.2f}%{row['ms']:7.1f}" if "ms" in row else "")
        lines.append(line)
    lines.append(
        f"ms: {TIMED[0]}x{TIMED[1]}, {rows[0].get('renderer', '')}, "
        f"{os.environ.get('LP_NUM_THREADS', 'all')} render thread(s), all passes"
    )
    return "\n".join(lines)
