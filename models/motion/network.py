"""The recurrent performer: one step from pose, path and memory to the next pose.

What goes in is the body at this tick (pose, its rate of change, contacts, root's velocity) and the
path that the controller wishes, in the root's frame. A gated recurrent unit remembers the gait.
What comes out is added to the pose, so that the network at rest holds still.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.performer.control.layout import (
    BODY,
    CONTACTS,
    PATH,
    PHASE,
    POSE,
    RATE,
    TRAVEL,
)

JOINTS = len(PERFORMER)
FASTEST = 0.3  # radians of phase a tick: nearly three double steps a second


class Performer(nn.Module):
    """body (B, 280), path (B, 26), memory (B, H) -> the same, one tick of 1/60 s later.

    Everything is in physical units; normalisation lives in here, so a card has no tables.
    """

    body_mean: Tensor
    body_scale: Tensor
    path_mean: Tensor
    path_scale: Tensor
    start: Tensor

    def __init__(self, hidden: int = 320, width: int = 256) -> None:
        super().__init__()
        self.hidden, self.width = hidden, width
        self.encode = nn.Linear(BODY + PATH + 2, width)
        self.gate = nn.GRUCell(width, hidden)
        self.mix = nn.Linear(hidden + width, width)
        self.decode = nn.Linear(width, POSE.stop + 4 + 3 + 2)
        with torch.no_grad():
            self.decode.weight.mul_(0.1)
            self.decode.bias.zero_()
        for name, size in (("body", BODY), ("path", PATH)):
            self.register_buffer(f"{name}_mean", torch.zeros(size))
            self.register_buffer(f"{name}_scale", torch.ones(size))
        self.register_buffer("start", torch.zeros(BODY))

    def normalise(self, body: np.ndarray, path: np.ndarray) -> None:
        """Takes means and scales from samples (F, 280) and (F, 26)."""
        scale = body.std(axis=0)
        # Joints that hardly move must not be blown up: a floor for each unit.
        scale[POSE] = np.maximum(scale[POSE], 0.05)
        scale[POSE][:3] = np.maximum(body[:, :3].std(axis=0), 0.015)
        scale[RATE] = np.maximum(scale[RATE], 0.1 * scale[RATE].mean())
        scale[CONTACTS] = 0.5
        scale[PHASE] = 0.7
        scale[TRAVEL] = np.maximum(scale[TRAVEL], 0.1)
        self.body_mean.copy_(torch.as_tensor(body.mean(axis=0)))
        self.body_scale.copy_(torch.as_tensor(scale))
        still = np.abs(body[:, TRAVEL]).sum(-1) + 20.0 * (4.0 - body[:, CONTACTS].sum(-1))
        standing = body[np.argsort(still)[: max(20, len(body) // 50)]]
        middle = np.median(standing, axis=0)
        start = standing[np.argmin(np.abs(standing - middle).sum(-1))].copy()
        start[RATE], start[TRAVEL] = 0.0, 0.0
        start[PHASE] = 1.0, 0.0, 0.0
        self.start.copy_(torch.as_tensor(start))
        self.path_mean.copy_(torch.as_tensor(path.mean(axis=0)))
        self.path_scale.copy_(torch.as_tensor(np.maximum(path.std(axis=0), 0.1)))

    def forward(self, body: Tensor, path: Tensor, memory: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Next body, contact logits (B, 4) and memory."""
        c, s = body[:, PHASE.start : PHASE.start + 1], body[:, PHASE.start + 1 : PHASE.start + 2]
        x = torch.cat(
            [
                (body - self.body_mean) / self.body_scale,
                (path - self.path_mean) / self.path_scale,
                # The double angle: legs and arms swing once a double step, the hips bob twice.
                c * c - s * s,
                2.0 * c * s,
            ],
            -1,
        ).clamp(-6.0, 6.0)
        x = F.elu(self.encode(x))
        memory = self.gate(x, memory)
        y = self.decode(F.elu(self.mix(torch.cat([memory, x], -1))))
        rate = y[:, POSE] * self.body_scale[RATE]
        pose = body[:, POSE] + rate
        pose = torch.cat([pose[:, :3], orthonormal(pose[:, 3:])], -1)
        logits = y[:, POSE.stop : POSE.stop + 4]
        speed = y[:, POSE.stop + 4 : POSE.stop + 7] * 0.2 * self.body_scale[TRAVEL]
        # The phase only ever goes forward, so a gait cannot die out between two steps.
        turn = FASTEST * torch.sigmoid(10.0 * y[:, -2:-1] - 0.7)
        cosine, sine = torch.cos(turn), torch.sin(turn)
        phase = torch.cat([c * cosine - s * sine, s * cosine + c * sine], -1)
        steps = torch.sigmoid(10.0 * y[:, -1:])
        nearly = torch.cat(
            [
                pose,
                pose - body[:, POSE],
                torch.sigmoid(logits),
                body[:, TRAVEL] + speed,
                phase / (phase.square().sum(-1, keepdim=True) + 1e-9).sqrt(),
                steps,
            ],
            -1,
        )
        return nearly, logits, memory


def orthonormal(columns: Tensor) -> Tensor:
    """(B, J*6) with each joint's two columns made unit and perpendicular."""
    c = columns.reshape(columns.shape[0], -1, 6)
    x = c[..., :3] / (c[..., :3].square().sum(-1, keepdim=True) + 1e-9).sqrt()
    y = c[..., 3:] - (x * c[..., 3:]).sum(-1, keepdim=True) * x
    y = y / (y.square().sum(-1, keepdim=True) + 1e-9).sqrt()
    return torch.cat([x, y], -1).reshape(columns.shape)


def matrices(columns: Tensor) -> Tensor:
    """(..., J, 3, 3) rotation matrices of orthonormal columns (..., J*6)."""
    c = columns.reshape(*columns.shape[:-1], -1, 6)
    x, y = c[..., :3], c[..., 3:]
    return torch.stack([x, y, torch.linalg.cross(x, y)], -1)


def quaternions(columns: Tensor) -> Tensor:
    """(B, J, 4) x y z w of orthonormal columns (B, J*6): of four candidates the longest."""
    m = matrices(columns)
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
    rows = torch.stack(
        [
            torch.stack([1 + a - b - c, sz, sy, dx], -1),
            torch.stack([sz, 1 - a + b - c, sx, dy], -1),
            torch.stack([sy, sx, 1 - a - b + c, dz], -1),
            torch.stack([dx, dy, dz, 1 + a + b + c], -1),
        ],
        -2,
    )
    size = torch.stack([1 + a - b - c, 1 - a + b - c, 1 - a - b + c, 1 + a + b + c], -1)
    best = F.one_hot(size.argmax(-1), 4).to(rows.dtype)
    q = (rows * best[..., None]).sum(-2)
    return q / (q.square().sum(-1, keepdim=True) + 1e-12).sqrt()


class Skeletal(nn.Module):
    """Forward kinematics of the performer's skeleton in the root's frame, for losses."""

    offsets: Tensor
    weights: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("offsets", torch.tensor(PERFORMER.rest_positions).float())
        weights = torch.ones(JOINTS, 1)
        weights[[12, 13, 20, 21]] = 2.5  # what people look at: where the feet are
        self.register_buffer("weights", weights)
        self.levels = [torch.tensor(level) for level in PERFORMER.depths]
        self.parents = [torch.tensor(PERFORMER.parents[level]).long() for level in PERFORMER.depths]
        order = torch.cat([torch.zeros(1, dtype=torch.long), *self.levels])
        self.inverse = torch.argsort(order)
        at = {int(j): i for i, j in enumerate(order)}
        self.slots = [torch.tensor([at[int(j)] for j in p]) for p in self.parents]

    def forward(self, pose: Tensor) -> Tensor:
        """(..., J, 3) joint positions of poses (..., 135)."""
        local = matrices(pose[..., 3:])
        turns = local[..., :1, :, :]
        places = pose[..., None, :3]
        for level, slot in zip(self.levels, self.slots, strict=True):
            above = turns[..., slot, :, :]
            step = (above @ self.offsets[level][..., None])[..., 0]
            places = torch.cat([places, places[..., slot, :] + step], -2)
            turns = torch.cat([turns, above @ local[..., level, :, :]], -3)
        return places[..., self.inverse, :]
