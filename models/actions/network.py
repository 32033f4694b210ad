"""Actions on buttons, learned from single takes.

A small network of its own, so that none of this costs the gait anything: which take and how far
into it go in, the pose, the root's motion and the contacts come out. The run time lays it over the
gait (runtime/performer/control/actions.py).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from understudy.models.motion.data import Strip, relative, world
from understudy.models.motion.network import Skeletal, orthonormal, quaternions
from understudy.models.motion.rollout import travel
from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.performer.control.layout import POSE, RATE_HZ

from . import takes

WAVES = 24  # sines and cosines of the time, up to this many eighths of a hertz
# At first ordinary steps, then ever smaller ones.
STEPS = 2400
SPANS, SPAN = 12, 64  # stretches of frames in a step, and how long they are
RATE = 3e-3


class Actions(nn.Module):
    """take (B, K) one-hot, time (B, 1) in seconds -> hips, rotations, contacts, travel."""

    usual: Tensor

    def __init__(self, takes: int, width: int = 160) -> None:
        super().__init__()
        self.first = nn.Linear(takes + 2 * WAVES + 1, width)
        self.take = nn.Linear(takes, width)
        self.second = nn.Linear(width, width)
        self.last = nn.Linear(width, POSE.stop + 4 + 3)
        self.register_buffer("usual", torch.zeros(POSE.stop))

    def forward(self, take: Tensor, time_s: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Pose (B, 135), contact logits (B, 4), the root's velocity and turn (B, 3)."""
        k = torch.arange(1, WAVES + 1, dtype=time_s.dtype) * (2.0 * np.pi * 0.125)
        angle = time_s * k
        x = torch.cat([take, time_s, torch.sin(angle), torch.cos(angle)], -1)
        x = F.elu(self.first(x))
        # Each take has its own gain on what the times have in common.
        x = F.elu(self.second(x * (1.0 + self.take(take))))
        y = self.last(x)
        pose = self.usual + y[:, : POSE.stop]
        pose = torch.cat([pose[:, :3], orthonormal(pose[:, 3:])], -1)
        return pose, y[:, POSE.stop : POSE.stop + 4], y[:, POSE.stop + 4 :]


class Exported(nn.Module):
    """What the run time needs: quaternions, contacts 0..1."""

    def __init__(self, net: Actions) -> None:
        super().__init__()
        self.net = net

    def forward(self, take: Tensor, time_s: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        pose, logits, speed = self.net(take, time_s)
        return pose[:, :3], quaternions(pose[:, 3:]), torch.sigmoid(logits), speed


def aimed(s: Strip, begin: int, end: int, joint: str) -> Strip:
    """A strip whose root looks where the joint's blow between two frames goes, all the time."""
    hips, rotations = world(s)
    places = np.repeat(PERFORMER.rest_positions[None], len(s), 0)
    places[:, 0] = hips
    spot = PERFORMER.globals(places, rotations)[0][:, PERFORMER.index(joint)]
    if "Foot" in joint:
        way = np.gradient(spot, axis=0)
    else:
        way = spot - hips
    way = way[begin:end][:, [0, 2]]
    blow = way[np.argmax(np.sum(way * way, axis=-1))]
    yaw = np.full(len(s), np.arctan2(blow[0], blow[1]))
    return relative(s.name, hips, rotations, s.root, yaw, s.contacts)


def samples(strips: dict[str, Strip]) -> dict[str, Tensor]:
    """Frames of all takes: take (F, K), time (F, 1), pose (F, 135), down (F, 4), travel (F, 3)."""
    rows: dict[str, list[np.ndarray]] = {n: [] for n in ("take", "time", "pose", "down", "travel")}
    for number, take in enumerate(takes.TAKES):
        s = strips[take.clip]
        a, b = round(take.begin_s * RATE_HZ), round(take.end_s * RATE_HZ)
        if b > len(s):
            raise UnderstudyError(
                f"{take.clip} has {len(s) / RATE_HZ:.2f} s, its {take.action} ends at "
                f"{take.end_s:g} s; use the CMU take of that name."
            )
        s = aimed(s, a, b, take.aim) if take.aim else s
        part = s.cut(a, b)
        six = rotation.to_6d(part.rotations).reshape(len(part), -1)
        root = torch.tensor(np.concatenate([s.root, s.yaw[:, None]], -1)[a - 1 : b])
        rows["take"].append(np.full(len(part), number))
        rows["time"].append(np.arange(len(part))[:, None] / RATE_HZ)
        rows["pose"].append(np.concatenate([part.hips, six], -1))
        rows["down"].append(part.contacts)
        rows["travel"].append(travel(root[:-1], root[1:]).numpy())
    out = {n: torch.tensor(np.concatenate(parts)).float() for n, parts in rows.items()}
    out["take"] = F.one_hot(out["take"].long(), len(takes.TAKES)).float()
    return out


def train(data: dict[str, Tensor], steps: int = STEPS, seed: int = 0) -> tuple[Actions, float]:
    """The network, and its mean joint error on its takes in cm."""
    torch.manual_seed(seed)
    net, fk = Actions(len(takes.TAKES)), Skeletal()
    net.usual.copy_(data["pose"].mean(0))
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=1e-5)
    frames = len(data["time"])
    span = min(SPAN, frames)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = RATE * (0.5 + 0.5 * np.cos(np.pi * step / steps)) + 1e-6
        first = torch.randint(0, frames - span + 1, (SPANS, 1))
        at = first + torch.arange(span)
        true = {name: values[at] for name, values in data.items()}
        flat = {name: values.flatten(0, 1) for name, values in true.items()}
        pose, logits, speed = net(flat["take"], flat["time"])
        shown, places = fk(torch.cat([pose, flat["pose"]])).chunk(2)
        apart = (shown - places).reshape(SPANS, span, -1, 3)
        inside = (true["take"][:, 1:] * true["take"][:, :-1]).sum(-1)[..., None, None]
        loss = (
            (pose - flat["pose"]).abs().mean()
            + 4.0 * apart.abs().mean()
            + 8.0 * ((apart[:, 1:] - apart[:, :-1]) * inside).abs().mean()
            + 0.05 * F.binary_cross_entropy_with_logits(logits, flat["down"])
            + 0.2 * (speed - flat["travel"]).abs().mean()
        )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        shown, places = fk(net(data["take"], data["time"])[0]), fk(data["pose"])
        error = (shown - places).norm(dim=-1).mean()
    return net.eval(), 100.0 * float(error)
