"""Writes the takeover network as ONNX, with the card that says what it is."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from understudy.models.loader import FORMAT
from understudy.runtime.core.humanoid import PERFORMER

from .network import COLUMNS, JOINTS, Understudy, adrift, locals_of

RATE_HZ = 30.0


class Exported(nn.Module):
    """The network with what the run time needs around it: quaternions in and out."""

    def __init__(self, net: Understudy) -> None:
        super().__init__()
        self.net = net

    def forward(
        self,
        now: Tensor,
        before: Tensor,
        memory: Tensor,
        seen: Tensor,
        hips: Tensor,
        rotations: Tensor,
    ) -> tuple[Tensor, ...]:
        part = (seen, hips, from_quaternions(rotations))
        after, memory, contacts, doubt = self.net(now, before, memory, part)
        local = to_quaternions(locals_of(after))
        return after, memory, local, torch.sigmoid(contacts), doubt * adrift(seen)


def from_quaternions(q: Tensor) -> Tensor:
    """(..., 3, 3) matrices of unit quaternions x y z w (..., 4)."""
    x, y, z, w = q.unbind(-1)
    rows = [
        1 - 2 * (y * y + z * z),
        2 * (x * y - z * w),
        2 * (x * z + y * w),
        2 * (x * y + z * w),
        1 - 2 * (x * x + z * z),
        2 * (y * z - x * w),
        2 * (x * z - y * w),
        2 * (y * z + x * w),
        1 - 2 * (x * x + y * y),
    ]
    return torch.stack(rows, -1).unflatten(-1, (3, 3))


def to_quaternions(m: Tensor) -> Tensor:
    """(..., 4) x y z w of matrices (..., 3, 3): of four candidates the longest."""
    a, b, c = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    sx, sy, sz = (
        m[..., 2, 1] + m[..., 1, 2],
        m[..., 0, 2] + m[..., 2, 0],
        m[..., 1, 0] + m[..., 0, 1],
    )
    dx, dy, dz = (
        m[..., 2, 1] - m[..., 1, 2],
        m[..., 0, 2] - m[..., 2, 0],
        m[..., 1, 0] - m[..., 0, 1],
    )
    size = [1 + a - b - c, 1 - a + b - c, 1 - a - b + c, 1 + a + b + c]
    q = torch.stack([size[0], sz, sy, dx], -1)
    best = size[0]
    for k, row in (
        (1, [sz, size[1], sx, dy]),
        (2, [sy, sx, size[2], dz]),
        (3, [dx, dy, dz, size[3]]),
    ):
        better = size[k] > best
        q = torch.where(better[..., None], torch.stack(row, -1), q)
        best = torch.where(better, size[k], best)
    return q / (q.square().sum(-1, keepdim=True) + 1e-12).sqrt()


INPUTS: dict[str, list[str | int]] = {
    "now": ["count", 3, COLUMNS],
    "before": ["count", 3, COLUMNS],
    "memory": ["count"],
    "seen": ["count", JOINTS],
    "hips": ["count", 3],
    "rotations": ["count", JOINTS, 4],
}
OUTPUTS: dict[str, list[str | int]] = {
    "next": ["count", 3, COLUMNS],
    "next_memory": ["count"],
    "next_rotations": ["count", JOINTS, 4],
    "contacts": ["count", 4],
    "error_m": ["count", JOINTS],
}


def write(
    net: Understudy, path: Path, training: dict[str, object], measured: dict[str, Any]
) -> None:
    """Writes path (.onnx) and the card (.json) beside it, whole or not at all."""
    whole = Exported(net.eval()).eval()
    shapes = [
        {k: [*v, net.hidden] if len(v) == 1 else v for k, v in side.items()}
        for side in (INPUTS, OUTPUTS)
    ]
    rest = torch.zeros(2, 3, COLUMNS)
    rest[..., 1:] = torch.eye(3).repeat(1, JOINTS)
    quaternion = torch.zeros(2, JOINTS, 4)
    quaternion[..., 3] = 1.0
    example = (
        *(rest, rest, torch.zeros(2, net.hidden)),
        *(torch.ones(2, JOINTS), torch.zeros(2, 3), quaternion),
    )
    part = path.with_suffix(".part.onnx")
    with warnings.catch_warnings(), open(os.devnull, "w") as silent:
        warnings.simplefilter("ignore")
        with contextlib.redirect_stdout(silent):
            torch.onnx.export(
                whole,
                example,
                str(part),
                input_names=list(INPUTS),
                output_names=list(OUTPUTS),
                dynamic_axes={n: {0: "count"} for side in (INPUTS, OUTPUTS) for n in side},
                opset_version=17,
                dynamo=False,
            )
    card = {
        "format": FORMAT,
        "name": "takeover network",
        "file": path.name,
        "sha256": hashlib.sha256(part.read_bytes()).hexdigest(),
        "rate_hz": RATE_HZ,
        "skeleton": {"id": f"{PERFORMER.id:016x}", "names": list(PERFORMER.names)},
        "inputs": {k: {"shape": v, "dtype": "float32"} for k, v in shapes[0].items()},
        "outputs": {k: {"shape": v, "dtype": "float32"} for k, v in shapes[1].items()},
        "layout": {
            "now": "column 0 the hips' place in the world, then three columns for each joint: the "
            "axes of its rotation in the world",
            "before": "the same, one tick of 1/30 s earlier",
            "memory": "zeros to begin with, then next_memory",
            "seen": "1 where a joint's local rotation is known at the next tick, 0 where it is "
            "not; the first also tells whether the hips' place is known",
            "hips, rotations": "what is known then: the hips' place in the world, local "
            "quaternions x y z w, the hips' in the world; numbers, also where nothing is seen",
            "next, next_rotations": "the body at the next tick: as seen where seen",
            "contacts": "left heel, left toe, right heel, right toe, 0..1",
            "error_m": "expected distance of each joint from the truth; 0 where its place is known",
            "normalisation": "inside the graph",
        },
        "units": "metres, seconds, radians; right-handed, +Y up, +Z forward",
        "parameters": sum(p.numel() for p in net.parameters()),
        "training": training,
        "data": "CMU Graphics Lab Motion Capture Database, mocap.cs.cmu.edu; created with funding "
        "from NSF EIA-0196217",
        "measured": measured,
    }
    text = path.with_suffix(".part.json")
    text.write_text(json.dumps(card, indent=1) + "\n", "utf-8")
    os.replace(part, path)
    os.replace(text, path.with_suffix(".json"))
