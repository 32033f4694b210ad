"""The data set: G-buffers of many scenes with traced samples, kept on disk between runs."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from understudy.runtime.core.rotation import Array

from . import reference, scenes, shapes

RADII_M = (0.2, 1.0)  # the range that one network serves


@dataclass(frozen=True)
class Recipe:
    """What a set is made of. Two equal recipes give the same set."""

    seed: int
    images: int
    held_out: bool = False
    unseen: bool = False  # props that training never shows
    width: int = 320
    height: int = 180
    pixels: int = 2048  # traced pixels an image, chosen by chance; 0: all
    samples: int = 64  # rays a pixel
    radii_m: tuple[float, ...] = ()  # where none is given, four by chance for each pixel
    large: float = 0.25  # share of images of twice the size
    poses: str = ""  # names the folder of clips, for the hash alone


@dataclass
class Images:
    """G-buffers in one flat array, so that sizes may differ, and traced pixels.

    gbuffer  (P, 4) float32 view normal, linear depth; rows from the lowest
    start    (I,) first pixel of each image, size (I, 2) width, height, tan_y (I,) half the view
    where    (S, 3) image, row, column of each traced pixel; radius, ao (S, K)
    """

    gbuffer: Array
    start: np.ndarray
    size: np.ndarray
    tan_y: Array
    where: np.ndarray
    radius: Array
    ao: Array

    def image(self, i: int) -> Array:
        """(H, W, 4) G-buffer of one image."""
        width, height = (int(v) for v in self.size[i])
        first = int(self.start[i])
        return self.gbuffer[first : first + width * height].reshape(height, width, 4)

    def reference(self, i: int, radius_m: float) -> Array:
        """(H, W) traced occlusion of one image, 1 where nothing was traced."""
        width, height = (int(v) for v in self.size[i])
        out = np.ones((height, width), np.float32)
        mine = self.where[:, 0] == i
        k = int(np.argmin(np.abs(self.radius[0] - radius_m)))
        out[self.where[mine, 1], self.where[mine, 2]] = self.ao[mine, k]
        return out


def load_or_make(
    recipe: Recipe,
    folder: Path,
    clips: Path | None,
    progress: Callable[[Iterator[int], int, str], Iterator[int]],
    person: Callable[[Array, Array, np.random.Generator], shapes.Mesh] | None = None,
    person_key: str = "capsules",
) -> Images:
    """The set of a recipe, from the disk where it has been made before."""
    key = f"{recipe!r} {person_key}"
    digest = hashlib.blake2b(key.encode(), digest_size=6).hexdigest()
    kind = "unseen" if recipe.unseen else "held-out" if recipe.held_out else "train"
    path = folder / f"{kind}-{digest}.npz"
    if path.exists():
        with np.load(path) as stored:
            return Images(**{name: stored[name] for name in stored.files})
    made = make(recipe, clips, progress, person)
    folder.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.npz")
    np.savez(part, **asdict(made))
    os.replace(part, path)
    return made


def make(
    recipe: Recipe,
    clips: Path | None,
    progress: Callable[[Iterator[int], int, str], Iterator[int]],
    person: Callable[[Array, Array, np.random.Generator], shapes.Mesh] | None = None,
) -> Images:
    """Traces the set of a recipe."""
    poses = scenes.Poses(clips, recipe.held_out or recipe.unseen)
    buffers, sizes, tans, where, radii, aos = [], [], [], [], [], []
    # Seeds of images follow from the recipe's, so a longer set begins with a shorter one's images.
    for i in progress(iter(range(recipe.images)), recipe.images, "tracing scenes"):
        rng = np.random.default_rng([recipe.seed, i])
        twice = 2 if rng.random() < recipe.large else 1
        width, height = recipe.width * twice, recipe.height * twice
        while True:
            scene = scenes.scene(rng, poses, recipe.unseen, person)
            tracer = reference.Tracer(scene.mesh)
            image, world = reference.gbuffer(tracer, scene, width, height)
            covered = np.argwhere(image[..., 3] < reference.SKY_M)
            # A camera inside a body or wall sees the backs of its faces.
            tan = np.tan(0.5 * scene.view.fov_y_rad)
            if len(covered) > 0.3 * width * height and _seen_from_behind(image, tan) < 0.01:
                break
        if recipe.pixels:
            covered = covered[rng.choice(len(covered), recipe.pixels, replace=False)]
        if recipe.radii_m:
            radius = np.tile(recipe.radii_m, (len(covered), 1))
        else:
            low, high = np.log(RADII_M)
            radius = np.exp(rng.uniform(low, high, (len(covered), 4)))
        points = world[covered[:, 0], covered[:, 1]]
        aos.append(reference.occlusion(tracer, points, radius, recipe.samples, rng))
        radii.append(radius.astype(np.float32))
        where.append(np.concatenate([np.full((len(covered), 1), i), covered], 1).astype(np.int32))
        buffers.append(image.reshape(-1, 4))
        sizes.append((width, height))
        tans.append(tan)
    lengths = np.cumsum([0] + [len(b) for b in buffers])
    return Images(
        np.concatenate(buffers),
        lengths[:-1].astype(np.int64),
        np.array(sizes, np.int32),
        np.array(tans, np.float32),
        np.concatenate(where),
        np.concatenate(radii),
        np.concatenate(aos),
    )


def _seen_from_behind(image: Array, tan_y: float) -> float:
    """Share of pixels whose normal points clearly away from the eye."""
    height, width = image.shape[:2]
    x = (2 * (np.arange(width) + 0.5) / width - 1) * tan_y * width / height
    y = (2 * (np.arange(height) + 0.5) / height - 1) * tan_y
    gx, gy = np.meshgrid(x, y)
    away = image[..., 0] * gx + image[..., 1] * gy - image[..., 2]
    return float(np.mean((away > 0.3) & (image[..., 3] < reference.SKY_M)))
