"""Training samples: blocks of pixels with their taps, as features, drawn from the traced images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from understudy.runtime.viewport.effects import contact_network as network

from . import data


@dataclass(frozen=True)
class Shape:
    """Directions and steps, widths of the layers that see one direction, and of those after."""

    directions: int
    steps: int
    tap: tuple[int, ...]
    head: tuple[int, ...]


class Batches:
    """Draws blocks of pixels and their taps from a set, as features."""

    def __init__(self, images: data.Images, shape: Shape, seed: int) -> None:
        import torch

        self.images = images
        self.generator = torch.Generator().manual_seed(seed)
        self.gbuffer = torch.from_numpy(images.gbuffer)
        self.start = torch.from_numpy(images.start)
        self.size = torch.from_numpy(images.size.astype(np.int64))
        self.tan_y = torch.from_numpy(images.tan_y)
        self.where = torch.from_numpy(images.where.astype(np.int64))
        self.radius = torch.from_numpy(images.radius)
        self.ao = torch.from_numpy(images.ao)
        offsets = network.tap_offsets(shape.directions, shape.steps)
        self.offsets = torch.from_numpy(offsets.astype(np.float32))
        self.directions = shape.directions

    def draw(self, count: int, share: int = 16) -> tuple[Any, ...]:
        """Features (B, K, directions, steps * 9) and (B, K, 4); blur, fade (B, K); AO (B,).

        K is the share of a block of sixteen pixels that is drawn: all, or one of each quarter.
        """
        import torch

        if share == 16:
            step = torch.arange(-2, 2)
            dy, dx = (v.reshape(-1) for v in torch.meshgrid(step, step, indexing="ij"))
        else:
            corner = torch.tensor([[-2, -2], [-2, 0], [0, -2], [0, 0]])
            corner = corner + torch.randint(2, (count, 4, 2), generator=self.generator)
            dy, dx = corner.unbind(-1)

        s = torch.randint(len(self.where), (count,), generator=self.generator)
        k = torch.randint(self.radius.shape[1], (count,), generator=self.generator)
        image, row, column = self.where[s].unbind(-1)
        r = self.radius[s, k]
        width, height = (v[:, None] for v in self.size[image].unbind(-1))
        scale = (2.0 * self.tan_y[image] / height[:, 0])[:, None]
        start = self.start[image][:, None]

        def rays(px: Any, py: Any, w: Any, h: Any, scale: Any) -> Any:
            rx, ry = (px + 0.5 - 0.5 * w) * scale, (py + 0.5 - 0.5 * h) * scale
            return torch.stack([rx, ry, -torch.ones_like(rx)], -1)

        x = torch.minimum((column[:, None] + dx).clamp(min=0), width - 1)
        y = torch.minimum((row[:, None] + dy).clamp(min=0), height - 1)
        pixel = self.gbuffer[start + y * width + x]
        ray = rays(x, y, width, height, scale)
        # The blur's weights, by the middle's plane.
        middle = self.gbuffer[start[:, 0] + row * width[:, 0] + column]
        middle_ray = rays(column, row, width[:, 0], height[:, 0], scale[:, 0])
        n = middle[:, None, :3]
        plane = middle[:, 3] * (middle[:, :3] * middle_ray).sum(-1)
        off = (pixel[..., 3] * (n * ray).sum(-1) - plane[:, None]).abs()
        weight = (1.0 - off / (network.BLUR_TOLERANCE * r[:, None])).clamp(min=0.0)

        r = r[:, None].expand(-1, share)
        pixels, wished = network.screen_radius(torch, pixel[..., 3], r, 1.0 / scale, height)
        offset = self.offsets[network.tile(x, y)]
        qx = (x[..., None] + 0.5 + offset[..., 0] * pixels[..., None]).floor().long()
        qy = (y[..., None] + 0.5 + offset[..., 1] * pixels[..., None]).floor().long()
        qx = torch.minimum(qx.clamp(min=0), width[..., None] - 1)
        qy = torch.minimum(qy.clamp(min=0), height[..., None] - 1)
        tap = self.gbuffer[start[..., None] + qy * width[..., None] + qx]
        tap_ray = rays(qx, qy, width[..., None], height[..., None], scale[..., None])
        reach = offset[..., 2] * (pixels / wished)[..., None]
        features = network.tap_features(torch, pixel, ray, tap, tap_ray, r, reach)
        features = features.reshape(count, share, self.directions, -1)
        head = network.head_features(torch, pixel, ray, r, pixels, wished)
        fade = ((wished - 1.5) / 4.0).clamp(0.0, 1.0) * (pixel[..., 3] < network.SKY_M)
        return features, head, weight, fade, self.ao[s, k]
