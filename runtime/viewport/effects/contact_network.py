"""The contact network: a few hundred weights that judge taps around a pixel, as numpy and as GLSL.

Taps step outwards in a few directions. Each gives geometric features in units of the radius; the
taps of one direction go through a small network together, so that it can tell what hides behind
what, as horizon methods do; the mean over directions and four facts about the pixel go through a
second one to the open share of the hemisphere. The family is Holden et al.'s NNAO (2016); writing
the fragment shader from the weights file follows N8AO. Rows of all arrays run from the lowest, as
GL's do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from understudy.runtime.core.rotation import Array

TAP_FEATURES = (
    "cos_normal",  # between tap and normal
    "distance",  # in radii, at most 2
    "window",  # 1 - distance^2, at least 0
    "normals",  # the tap's normal along the pixel's
    "cos_view",  # between tap and the way to the eye
    "tap_view",  # the tap's normal along the way to the eye
    "cos_tap_normal",  # between tap and the tap's own normal
    "reach",  # of the tap on the screen, 0..1 of the radius
    "classic",  # what a classical estimator adds up: max(cos_normal, 0) * window
)
HEAD_FEATURES = (
    "normal_view",  # the pixel's normal along the way to the eye
    "log_pixels",  # log2 of the radius in pixels, 0..7, over 4
    "shrink",  # how far the radius on the screen was cut, 0..1
    "log_radius",  # log2 of the radius over 0.5 m
)

SKY_M = 1.0e4  # depths from here on are sky
MAX_REACH = 0.4  # the radius on the screen, in heights of the picture, is cut here
FAR_RADII = 3.0  # a tap's depth is cut this many radii before and behind the pixel
BLUR_TOLERANCE = 0.12  # distance from the pixel's plane, in radii, at which a neighbour is left out


@dataclass(frozen=True)
class Network:
    """Weights of one network: layers of (out, in) weight and (out,) bias; ReLU but for the last.

    The first tap layer takes the features of all steps of a direction, nearest first.
    """

    name: str
    directions: int
    steps: int
    tap_layers: tuple[tuple[Array, Array], ...]
    head_layers: tuple[tuple[Array, Array], ...]

    @property
    def parameters(self) -> int:
        return sum(w.size + b.size for w, b in (*self.tap_layers, *self.head_layers))


# ---- where the taps are


def tile(x: Any, y: Any) -> Any:
    """0..15 for pixel (x, y): Bayer's 4x4 order, so that any 4x4 block holds every value once."""
    e = x ^ y
    return ((e & 1) << 3) | ((y & 1) << 2) | (e & 2) | ((y & 2) >> 1)


def tap_offsets(directions: int, steps: int) -> Array:
    """(16, directions * steps, 3) x, y and length, in radii, of the taps for each `tile` value.

    The sixteen patterns together look in 16 * directions directions and at 16 * steps distances.
    """
    k = np.arange(16)[:, None, None]
    angle = (np.arange(directions)[:, None] + k / 16.0) * (2.0 * math.pi / directions)
    reach = (np.arange(steps) + ((k * 7) % 16 + 0.5) / 16.0) / steps
    angle, reach = np.broadcast_arrays(angle, reach)
    out = np.stack([reach * np.cos(angle), reach * np.sin(angle), reach], -1)
    return out.reshape(16, directions * steps, 3)


# ---- what is told about a tap (the same text for numpy arrays and torch tensors)


def _dot(a: Any, b: Any) -> Any:
    return (a * b).sum(-1)


def _clip(xp: Any, value: Any, low: float | None, high: float | None) -> Any:
    return xp.clip(value, low, high)


def tap_features(xp: Any, centre: Any, ray: Any, tap: Any, tap_ray: Any, r: Any, reach: Any) -> Any:
    """(..., N, 9) from pixels (..., 4), rays (..., 3), taps (..., N, 4), their rays (..., N, 3).

    A pixel is its view normal and depth; a ray has z = -1; r (...) is the radius in metres and
    reach (..., N) the tap's distance on the screen in radii. xp is numpy or torch.
    """
    z = centre[..., 3]
    zq = tap[..., 3]
    zq = xp.minimum(xp.maximum(zq, (z - FAR_RADII * r)[..., None]), (z + FAR_RADII * r)[..., None])
    zq = _clip(xp, zq, 0.02, None)
    v = (tap_ray * zq[..., None] - (ray * z[..., None])[..., None, :]) / r[..., None, None]
    n, m = centre[..., None, :3], tap[..., :3]
    view = -ray / xp.sqrt(_dot(ray, ray))[..., None]
    view = view[..., None, :]
    d2 = _dot(v, v)
    d = xp.sqrt(_clip(xp, d2, 1e-12, None))
    inverse = 1.0 / _clip(xp, d, 0.02, None)
    cos_normal = _clip(xp, _dot(v, n) * inverse, -1.0, 1.0)
    window = _clip(xp, 1.0 - d2, 0.0, 1.0)
    return xp.stack(
        [
            cos_normal,
            _clip(xp, d, 0.0, 2.0),
            window,
            _clip(xp, _dot(m, n), -1.0, 1.0),
            _clip(xp, _dot(v, view) * inverse, -1.0, 1.0),
            _clip(xp, _dot(m, view), -1.0, 1.0),
            _clip(xp, _dot(v, m) * inverse, -1.0, 1.0),
            reach,
            _clip(xp, cos_normal, 0.0, 1.0) * window,
        ],
        -1,
    )


def screen_radius(xp: Any, z: Any, r: Any, focal_px: Any, height: Any) -> tuple[Any, Any]:
    """(...) radius in pixels after the cut, and before it; the focal length is in pixels."""
    wished = r / z * focal_px
    return xp.minimum(wished, MAX_REACH * height), wished


def head_features(xp: Any, centre: Any, ray: Any, r: Any, pixels: Any, wished: Any) -> Any:
    """(..., 4) facts about the pixel."""
    view = -ray / xp.sqrt(_dot(ray, ray))[..., None]
    return xp.stack(
        [
            _clip(xp, _dot(centre[..., :3], view), -1.0, 1.0),
            _clip(xp, xp.log2(_clip(xp, pixels, 1.0, 128.0)), 0.0, 7.0) * 0.25,
            pixels / wished,
            xp.log2(r / 0.5),
        ],
        -1,
    )


# ---- the network on the CPU: what the shader is tested against


def _layers(x: Array, layers: tuple[tuple[Array, Array], ...], last_relu: bool) -> Array:
    for i, (weight, bias) in enumerate(layers):
        x = x @ weight.T + bias
        if last_relu or i + 1 < len(layers):
            x = np.maximum(x, 0.0)
    return x


def estimate(network: Network, image: Array, tan_y: float, radius_m: float) -> Array:
    """(H, W) raw occlusion of a G-buffer (H, W, 4) before the blur; 1 on the sky."""
    height, width = image.shape[:2]
    y, x = np.mgrid[0:height, 0:width]
    scale = 2.0 * tan_y / height

    def rays(px: Array, py: Array) -> Array:
        rx, ry = (px + 0.5 - 0.5 * width) * scale, (py + 0.5 - 0.5 * height) * scale
        return np.stack([rx, ry, -np.ones_like(rx)], -1)

    ray = rays(x, y)
    r = np.full((height, width), radius_m)
    pixels, wished = screen_radius(np, image[..., 3], r, 1.0 / scale, height)
    offsets = tap_offsets(network.directions, network.steps)[tile(x, y)]
    qx = np.floor(x[..., None] + 0.5 + offsets[..., 0] * pixels[..., None]).astype(int)
    qy = np.floor(y[..., None] + 0.5 + offsets[..., 1] * pixels[..., None]).astype(int)
    qx, qy = np.clip(qx, 0, width - 1), np.clip(qy, 0, height - 1)
    reach = offsets[..., 2] * (pixels / wished)[..., None]
    f = tap_features(np, image, ray, image[qy, qx], rays(qx, qy), r, reach)
    f = f.reshape(height, width, network.directions, -1)
    pooled = _layers(f, network.tap_layers, last_relu=True).mean(-2)
    head = head_features(np, image, ray, r, pixels, wished)
    ao = _layers(np.concatenate([pooled, head], -1), network.head_layers, last_relu=False)[..., 0]
    # A radius of a few pixels says little: far away the shading fades out.
    seen = np.clip((wished - 1.5) / 4.0, 0.0, 1.0)
    return np.where(image[..., 3] < SKY_M, 1.0 + (ao - 1.0) * seen, 1.0)


def blur(ao: Array, image: Array, tan_y: float, radius_m: float) -> Array:
    """(H, W) mean over 4x4 pixels near the pixel's own plane: one of each of the tile's values."""
    height, width = ao.shape
    scale = 2.0 * tan_y / height
    y, x = np.mgrid[0:height, 0:width]
    total, weights = np.zeros_like(ao), np.zeros_like(ao)
    rx, ry = (x + 0.5 - 0.5 * width) * scale, (y + 0.5 - 0.5 * height) * scale
    n, z = image[..., :3], image[..., 3]
    plane = z * (n[..., 0] * rx + n[..., 1] * ry - n[..., 2])
    for dy in range(-2, 2):
        for dx in range(-2, 2):
            qx, qy = np.clip(x + dx, 0, width - 1), np.clip(y + dy, 0, height - 1)
            along = n[..., 0] * rx[qy, qx] + n[..., 1] * ry[qy, qx] - n[..., 2]
            off = np.abs(z[qy, qx] * along - plane) / (BLUR_TOLERANCE * radius_m)
            w = np.maximum(1.0 - off, 0.0)
            total += w * ao[qy, qx]
            weights += w
    out = np.clip(total / np.maximum(weights, 1e-6), 0.0, 1.0)
    return np.where(z < SKY_M, out, 1.0)
