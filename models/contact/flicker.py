"""How much a surface's shading changes while the camera moves and the scene stands still.

Occlusion does not depend on the eye, so a perfect estimator would give 0 but for resampling.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from understudy.runtime.core.rotation import Array
from understudy.runtime.viewport.effects.contact import Contact
from understudy.runtime.viewport.effects.timing import Lens, textures

from . import reference, scenes

SIZE = (480, 270)


@dataclass(frozen=True)
class Shot:
    """One view of a scene: its camera, G-buffer (H, W, 4), world points and normals (H, W, 6)."""

    view: scenes.View
    image: Array
    world: Array


def pairs(clips: Path | None, count: int) -> list[tuple[Shot, Shot]]:
    """Two views of each of `count` held-out scenes, 2 cm and a small pan apart."""
    poses = scenes.Poses(clips, held_out=True)
    out = []
    for seed in range(count):
        scene = scenes.scene(np.random.default_rng([77, seed]), poses)
        tracer = reference.Tracer(scene.mesh)
        view = scene.view
        eye = view.position + 0.02 * view.axes[0] + 0.01 * view.axes[1]
        moved = scenes.look_at(eye, eye - view.axes[2] + 0.004 * view.axes[0], view.fov_y_rad)
        before, after = (
            Shot(v, *reference.gbuffer(tracer, scenes.Scene(scene.mesh, v), *SIZE))
            for v in (view, moved)
        )
        out.append((before, after))
    return out


def percent(ctx: Any, contact: Contact, shots: list[tuple[Shot, Shot]]) -> float:
    """Root mean square change over the pixels that both views of a pair see, in percent."""
    changes = []
    for before, after in shots:
        shaded = []
        for shot in (before, after):
            with textures(ctx, shot.image) as (depth, normal):
                texture = contact.render(depth, normal, Lens(shot.view.fov_y_rad))
                shaded.append(read(texture))
        changes.append(_change(before, after, shaded[0], shaded[1]))
    return 100.0 * math.sqrt(float(np.concatenate(changes).mean()))


def read(texture: Any) -> Array:
    """(H, W) first channel of a texture."""
    width, height = texture.size
    kind = np.float16 if texture.dtype == "f2" else np.float32
    flat = np.frombuffer(texture.read(), kind)
    return flat.reshape(height, width, -1)[..., 0].astype(np.float32)


def _change(before: Shot, after: Shot, ao_before: Array, ao_after: Array) -> Array:
    """(N,) squared change; pixels are carried over by their depth."""
    width, height = SIZE
    p = (after.world[..., :3] - before.view.position) @ before.view.axes.T
    scale = 0.5 * height / math.tan(0.5 * before.view.fov_y_rad)
    z = np.maximum(-p[..., 2], 1e-3)
    x = p[..., 0] / z * scale + 0.5 * width - 0.5
    y = p[..., 1] / z * scale + 0.5 * height - 0.5
    inside = (x > 4) & (x < width - 5) & (y > 4) & (y < height - 5) & (p[..., 2] < -0.02)
    inside &= after.image[..., 3] < reference.SKY_M
    x, y, z, now = x[inside], y[inside], z[inside], ao_after[inside]
    x0, y0 = x.astype(int), y.astype(int)
    total, weight = np.zeros_like(x), np.zeros_like(x)
    for dy in (0, 1):
        for dx in (0, 1):
            near = np.abs(before.image[y0 + dy, x0 + dx, 3] - z) < 0.01 * z
            w = np.abs(1 - dx - (x - x0)) * np.abs(1 - dy - (y - y0)) * near
            total += w * ao_before[y0 + dy, x0 + dx]
            weight += w
    seen = weight > 0.5
    return (total[seen] / weight[seen] - now[seen]) ** 2
