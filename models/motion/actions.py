"""Actions on buttons: kick, punch, slash, wave and a jump on the spot, learned from single takes.

A small network of its own, so that none of this costs the gait anything: which take and how far
into it go in, the pose, the root's motion and the contacts come out. The run time lays it over the
gait (runtime/performer/control/actions.py). Takes are cut by hand: when the action begins, when the
blow falls or the body lands, when it is over.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from understudy.models import export as onnx
from understudy.runtime.core import rotation
from understudy.runtime.core.errors import UnderstudyError
from understudy.runtime.core.humanoid import PERFORMER
from understudy.runtime.performer.control.layout import POSE, RATE_HZ

from .data import Strip, load, relative, world
from .network import Skeletal, orthonormal, quaternions
from .rollout import travel

WAVES = 24  # sines and cosines of the time, up to this many quarters of a hertz


@dataclass(frozen=True)
class Take:
    """Seconds of a clip: `begin` to `end`, the body free to go on from `free` on.

    aim: the joint whose blow falls ahead of the body. A blow is where a foot is fastest, and where
    a hand is farthest from the hips.
    """

    action: str
    clip: str
    begin_s: float
    free_s: float
    end_s: float
    aim: str = ""


TAKES = (
    Take("jump", "jumping_5", 0.92, 2.05, 2.60),
    Take("kick", "soccer_4", 1.78, 2.75, 3.30, "RightFoot"),
    Take("kick", "soccer_5", 2.72, 3.70, 4.25, "RightFoot"),
    Take("kick", "soccer_1", 4.28, 5.25, 5.85, "RightFoot"),
    Take("punch", "02_05", 0.98, 1.75, 2.25, "RightHand"),
    Take("punch", "02_05", 2.45, 3.20, 3.75, "RightHand"),
    Take("punch", "02_05", 3.95, 4.70, 5.10, "RightHand"),
    Take("punch", "02_05", 6.75, 7.55, 8.05, "RightHand"),
    Take("slash", "02_07", 0.95, 2.05, 2.75, "RightHand"),
    Take("slash", "02_07", 5.75, 6.75, 7.20, "RightHand"),
    Take("wave", "directing_traffic_4", 11.20, 12.75, 13.05),
    Take("wave", "basketball_signal_1", 22.00, 23.60, 23.95),
)


class Actions(nn.Module):
    """take (B, K) one-hot, time (B, 1) in seconds -> hips, rotations, contacts, travel."""

    usual: Tensor

    def __init__(self, takes: int, width: int = 128) -> None:
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
    for number, take in enumerate(TAKES):
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
    out["take"] = F.one_hot(out["take"].long(), len(TAKES)).float()
    return out


def train(data: dict[str, Tensor], steps: int = 1200, seed: int = 0) -> tuple[Actions, float]:
    """The network, and its mean joint error on its takes in cm."""
    torch.manual_seed(seed)
    net, fk = Actions(len(TAKES)), Skeletal()
    net.usual.copy_(data["pose"].mean(0))
    optimiser = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-5)
    places = fk(data["pose"])
    inside = (data["take"][1:] * data["take"][:-1]).sum(-1)[:, None, None]
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * (0.5 + 0.5 * np.cos(np.pi * step / steps)) + 1e-6
        pose, logits, speed = net(data["take"], data["time"])
        shown = fk(pose)
        rate = (shown[1:] - shown[:-1]) - (places[1:] - places[:-1])
        loss = (
            (pose - data["pose"]).abs().mean()
            + 4.0 * (shown - places).abs().mean()
            + 8.0 * (rate * inside).abs().mean()
            + 0.05 * F.binary_cross_entropy_with_logits(logits, data["down"])
            + 0.2 * (speed - data["travel"]).abs().mean()
        )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        error = (fk(net(data["take"], data["time"])[0]) - places).norm(dim=-1).mean()
    return net.eval(), 100.0 * float(error)


def make(folder: Path, out: Path, seed: int = 0) -> bool:
    """Trains on the takes' clips in `folder`, writes out and its card; False where clips lack."""
    wanted = sorted({take.clip for take in TAKES})
    missing = [clip for clip in wanted if not list(folder.rglob(f"{clip}.[bB][vV][hH]"))]
    if missing:
        print(f"no actions: {folder} lacks {', '.join(missing)}")
        return False
    start = time.monotonic()
    strips = {s.name: s for s in load(folder, ",".join(wanted))}
    net, error_cm = train(samples(strips), seed=seed)
    minutes = (time.monotonic() - start) / 60
    write(net, out, {"mean_joint_error_cm": round(error_cm, 2)}, round(minutes, 1))
    print(f"actions: {len(TAKES)} takes, mean joint error {error_cm:.2f} cm, {minutes:.1f} min")
    return True


def write(net: Actions, path: Path, measured: dict[str, float], minutes: float) -> None:
    """Writes path (.onnx) and the card (.json) beside it, whole or not at all."""
    onnx.write(
        Exported(net),
        (torch.eye(len(TAKES))[:2], torch.zeros(2, 1)),
        path,
        "actions",
        RATE_HZ,
        {"take": ["count", len(TAKES)], "time": ["count", 1]},
        {
            "hips": ["count", 3],
            "rotations": ["count", len(PERFORMER), 4],
            "contacts": ["count", 4],
            "travel": ["count", 3],
        },
        {
            "layout": {
                "take": "which of the takes below: 1 there, 0 elsewhere",
                "time": "seconds since the take began",
                "hips": "x, y, z in the root's frame",
                "rotations": "local quaternions x y z w, the hips' in the root's frame",
                "contacts": "left heel, left toe, right heel, right toe, 0..1",
                "travel": "the root's velocity x, z in its own frame, and its turn about +Y",
            },
            "takes": [
                {
                    "action": t.action,
                    "seconds": round(t.end_s - t.begin_s, 3),
                    "free_s": round(t.free_s - t.begin_s, 3),
                    "clip": t.clip,
                }
                for t in TAKES
            ],
            "training": {"command": "understudy train motion", "minutes": minutes},
            "measured": measured,
        },
    )
