"""One GL context for these tests, and G-buffers made by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import moderngl
import numpy as np
import pytest


@dataclass(frozen=True)
class Eye:
    """A camera, as far as the effects look at it."""

    fov_y_rad: float = 0.8

    @property
    def tan_y(self) -> float:
        return float(np.tan(0.5 * self.fov_y_rad))


@pytest.fixture(scope="session")
def session_ctx() -> Iterator[moderngl.Context]:
    try:
        made = moderngl.create_context(standalone=True, backend="egl")
    except Exception as error:
        pytest.skip(f"no OpenGL through EGL here: {error}")
    made.extra = made.simple_framebuffer((4, 4))
    yield made
    made.release()


@pytest.fixture
def ctx(session_ctx: moderngl.Context) -> Iterator[moderngl.Context]:
    """The context, whole before and after, a framebuffer of the session's own bound."""
    with session_ctx:  # others may have had contexts of their own since the last test of these
        session_ctx.extra.use()
        assert session_ctx.error == "GL_NO_ERROR"
        yield session_ctx
        assert session_ctx.error == "GL_NO_ERROR"


@pytest.fixture
def eye() -> Eye:
    return Eye()


def rays(width: int, height: int, eye: Eye) -> tuple[np.ndarray, np.ndarray]:
    """Slopes x, y (H, W) of the rays through the pixels, the lowest row first."""
    scale = 2.0 * eye.tan_y / height
    y, x = np.mgrid[0:height, 0:width]
    return (x + 0.5 - 0.5 * width) * scale, (y + 0.5 - 0.5 * height) * scale


def plane(width: int, height: int, eye: Eye, normal: tuple, offset_m: float) -> np.ndarray:
    """(H, W, 4) G-buffer of the plane n.p = offset in view space; the sky where it is behind."""
    rx, ry = rays(width, height, eye)
    n = np.asarray(normal, float) / np.linalg.norm(normal)
    along = n[0] * rx + n[1] * ry - n[2]
    z = offset_m / np.where(np.abs(along) < 1e-9, 1e-9, along)
    out = np.zeros((height, width, 4), np.float32)
    seen = (z > 0.05) & (z < 200.0)
    out[seen, :3] = n
    out[..., 3] = np.where(seen, z, 1.0e5)
    return out


def nearest(*images: np.ndarray) -> np.ndarray:
    """The G-buffer of several surfaces together."""
    stacked = np.stack(images)
    pick = np.argmin(stacked[..., 3], axis=0)
    return np.take_along_axis(stacked, pick[None, ..., None], axis=0)[0]


def corner(width: int, height: int, eye: Eye, distance_m: float = 5.0) -> np.ndarray:
    """Floor 1.2 m below the eye and a wall across the view."""
    floor = plane(width, height, eye, (0.0, 1.0, 0.0), -1.2)
    wall = plane(width, height, eye, (0.0, 0.0, 1.0), -distance_m)
    return nearest(floor, wall)


def ball(width: int, height: int, eye: Eye, centre: tuple, radius_m: float) -> np.ndarray:
    """(H, W, 4) G-buffer of a sphere."""
    rx, ry = rays(width, height, eye)
    cx, cy, cz = centre  # cz: metres ahead
    a, b = rx * rx + ry * ry + 1.0, rx * cx + ry * cy + cz
    disc = b * b - a * (cx * cx + cy * cy + cz * cz - radius_m**2)
    z = (b - np.sqrt(np.maximum(disc, 0.0))) / a
    out = np.zeros((height, width, 4), np.float32)
    hit = (disc > 0.0) & (z > 0.05)
    n = np.stack([rx * z - cx, ry * z - cy, -(z - cz)], -1) / radius_m
    out[hit, :3] = n[hit]
    out[..., 3] = np.where(hit, z, 1.0e5)
    return out


class Buffers:
    """Depth and normal textures of a G-buffer, in the viewport's formats."""

    def __init__(self, ctx: moderngl.Context, image: np.ndarray) -> None:
        height, width = image.shape[:2]
        self.size = (width, height)
        z = np.ascontiguousarray(image[..., 3], np.float32)
        n = np.ascontiguousarray(image[..., :3], np.float16)
        self.depth = ctx.texture(self.size, 1, z.tobytes(), dtype="f4")
        self.normal = ctx.texture(self.size, 3, n.tobytes(), dtype="f2", alignment=1)

    def release(self) -> None:
        self.depth.release()
        self.normal.release()


@pytest.fixture
def buffers(ctx: moderngl.Context):
    """Makes textures of G-buffers and gives them back when the test is over."""
    made: list[Buffers] = []

    def make(image: np.ndarray) -> Buffers:
        made.append(Buffers(ctx, image))
        return made[-1]

    yield make
    for one in made:
        one.release()


def pixels(texture: moderngl.Texture) -> np.ndarray:
    """(H, W, C) float64 of a float texture."""
    width, height = texture.size
    kind = {"f1": np.uint8, "f2": np.float16, "f4": np.float32}[texture.dtype]
    flat = np.frombuffer(texture.read(alignment=1), kind).astype(np.float64)
    return flat.reshape(height, width, texture.components)
