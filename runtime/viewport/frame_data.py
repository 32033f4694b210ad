"""What a picture was made of, brought to memory."""

from __future__ import annotations

import moderngl
import numpy as np

from .camera import Camera
from .gbuffer import GBuffer


def read(gbuffer: GBuffer, light: moderngl.Texture, camera: Camera) -> dict[str, np.ndarray]:
    """As `Renderer.data` says; the G-buffer has to tell how everything moves."""
    g = gbuffer
    assert g.motion is not None
    depth = _values(g.depth, np.float32, 1)[..., 0]
    there = depth > 0.0
    moved = _values(g.motion, np.float16, 4)
    normal = _values(g.normal, np.float16, 4)[..., :3] @ camera.view[:3, :3].astype(np.float32)
    albedo = np.square(_values(g.albedo, np.uint8, 4)[..., :3] / 255.0)
    return {
        "colour": _values(light, np.float16, 4)[..., :3],
        "depth": np.where(there, depth, np.inf),
        "normal": normal * there[..., None],
        "albedo": albedo * there[..., None],
        "motion": moved[..., :2] * there[..., None] * [depth.shape[1], -depth.shape[0]],
        "id": moved[..., 2] * there,
    }


def _values(texture: moderngl.Texture, dtype: type, count: int) -> np.ndarray:
    """(H, W, count) float32 of a texture, top row first."""
    shape = (texture.height, texture.width, count)
    return np.frombuffer(texture.read(), dtype).reshape(shape)[::-1].astype(np.float32)
