"""Writes the network as ONNX, with the card that says what it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from understudy.models import export as onnx
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.performer.control.controller import SAMPLES_S
from understudy.runtime.performer.control.layout import BODY, PATH, POSE, RATE_HZ, STYLES, TRAVEL

from .network import Performer, quaternions


class Exported(nn.Module):
    """The network with what the run time needs around it: bounds, and quaternions."""

    low: Tensor
    high: Tensor

    def __init__(self, net: Performer) -> None:
        super().__init__()
        self.net = net
        mean, scale = net.body_mean.clone(), net.body_scale.clone()
        low, high = mean - 8.0 * scale, mean + 8.0 * scale
        low[TRAVEL] = torch.tensor([-5.5, -5.5, -8.0])
        high[TRAVEL] = torch.tensor([5.5, 5.5, 8.0])
        self.register_buffer("low", low)
        self.register_buffer("high", high)

    def forward(self, body: Tensor, path: Tensor, memory: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        after, _, memory = self.net(body, path, memory)
        after = torch.minimum(torch.maximum(after, self.low), self.high)
        return after, memory, quaternions(after[:, POSE][:, 3:])


LAYOUT = {
    "body": "pose 0:135 (hips x, y, z in the root's frame, then for each joint the first "
    "two columns of its local rotation matrix, the hips' in the root's frame), rate "
    "135:270 (pose less the pose before), contacts 270:274 (left heel, left toe, right "
    "heel, right toe, 0..1), travel 274:277 (the root's velocity x, z in its own frame, "
    "and its turn about +Y), phase 277:280 (cosine and sine of the gait's phase, 0 at the "
    "left foot's mid-stance; 0..1 how much the body steps)",
    "path": f"samples at {SAMPLES_S.tolist()} s, each x, z, facing x, facing z in the "
    f"root's frame; then the styles {list(STYLES)}, -1..1",
    "memory": "zeros to begin with, then next_memory",
    "rotations": "local quaternions x y z w of next_body's pose",
    "normalisation": "inside the graph",
    "limits": "each joint's mean turn, and the box of rotation vectors about it in which "
    "the mocap keeps",
    "start, low, high": "bodies: one that stands, and what the training motion stays "
    "within, 999 times of 1000 on each side",
}


def write(
    net: Performer,
    path: Path,
    training: dict[str, object],
    measured: dict[str, Any],
    bounds: tuple[np.ndarray, np.ndarray] | None = None,
    limits: dict[str, list[list[float]]] | None = None,
) -> None:
    """Writes path (.onnx) and the card (.json) beside it, whole or not at all.

    bounds: what the bodies (280,) of the training motion stay within.
    """
    net = net.eval()
    whole = Exported(net).eval()
    example = (net.body_mean[None].repeat(2, 1), torch.zeros(2, PATH), torch.zeros(2, net.hidden))
    onnx.write(
        whole,
        example,
        path,
        "recurrent performer",
        RATE_HZ,
        {"body": ["count", BODY], "path": ["count", PATH], "memory": ["count", net.hidden]},
        {
            "next_body": ["count", BODY],
            "next_memory": ["count", net.hidden],
            "rotations": ["count", len(PERFORMER), 4],
        },
        {
            "layout": LAYOUT,
            "start": _rounded(net.start.numpy()),
            **({"low": _rounded(bounds[0]), "high": _rounded(bounds[1])} if bounds else {}),
            **({"limits": limits} if limits else {}),
            "training": training,
            "measured": measured,
        },
    )


def _rounded(values: np.ndarray) -> list[float]:
    return [round(float(v), 6) for v in values]
