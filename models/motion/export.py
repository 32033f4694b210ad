"""Writes the network as ONNX, with the card that says what it is."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from understudy.models.loader import FORMAT
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.performer.controller import SAMPLES_S
from understudy.runtime.performer.layout import BODY, PATH, POSE, RATE_HZ, STYLES, TRAVEL

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
    part = path.with_suffix(".part.onnx")
    names = ("body", "path", "memory"), ("next_body", "next_memory", "rotations")
    with warnings.catch_warnings(), open(os.devnull, "w") as silent:
        warnings.simplefilter("ignore")
        with contextlib.redirect_stdout(silent):
            torch.onnx.export(
                whole,
                example,
                str(part),
                input_names=list(names[0]),
                output_names=list(names[1]),
                dynamic_axes={n: {0: "count"} for side in names for n in side},
                opset_version=17,
                dynamo=False,
            )
    joints = len(PERFORMER)
    card = {
        "format": FORMAT,
        "name": "recurrent performer",
        "file": path.name,
        "sha256": hashlib.sha256(part.read_bytes()).hexdigest(),
        "rate_hz": RATE_HZ,
        "skeleton": {"id": f"{PERFORMER.id:016x}", "names": list(PERFORMER.names)},
        "inputs": {
            "body": {"shape": ["count", BODY], "dtype": "float32"},
            "path": {"shape": ["count", PATH], "dtype": "float32"},
            "memory": {"shape": ["count", net.hidden], "dtype": "float32"},
        },
        "outputs": {
            "next_body": {"shape": ["count", BODY], "dtype": "float32"},
            "next_memory": {"shape": ["count", net.hidden], "dtype": "float32"},
            "rotations": {"shape": ["count", joints, 4], "dtype": "float32"},
        },
        "layout": {
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
        },
        "units": "metres, seconds, radians; right-handed, +Y up, +Z forward",
        "parameters": sum(p.numel() for p in net.parameters()),
        "start": _rounded(net.start.numpy()),
        **({"low": _rounded(bounds[0]), "high": _rounded(bounds[1])} if bounds else {}),
        **({"limits": limits} if limits else {}),
        "training": training,
        "data": "CMU Graphics Lab Motion Capture Database, mocap.cs.cmu.edu; created with funding "
        "from NSF EIA-0196217",
        "measured": measured,
    }
    text = path.with_suffix(".part.json")
    text.write_text(json.dumps(card, indent=1) + "\n", "utf-8")
    os.replace(part, path)
    os.replace(text, path.with_suffix(".json"))


def _rounded(values: np.ndarray) -> list[float]:
    return [round(float(v), 6) for v in values]
