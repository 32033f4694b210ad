"""Roll-outs: the director's motion as streams, the network running freely on them, and the loss."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from understudy.runtime.core import rotation
from understudy.runtime.performer.control.layout import PHASE, POSE, RATE, RATE_HZ, TRAVEL
from understudy.runtime.performer.control.performer import CONTACT_JOINTS

from .director import Take
from .network import Performer, Skeletal


def bodies_of(take: Take) -> tuple[np.ndarray, np.ndarray]:
    """Pose, contacts and phase (T, N, 142) and world root x, z, yaw (T, N, 3) of a take."""
    six = rotation.to_6d(take.rotations).reshape(*take.rotations.shape[:2], -1)
    phase, steps = take.phase[..., :1], take.phase[..., 1:]
    pose = np.concatenate(
        [take.hips, six, take.contacts, np.cos(phase), np.sin(phase), steps], -1
    ).astype(np.float32)
    return pose, np.concatenate([take.root, take.yaw[..., None]], -1).astype(np.float32)


class Streams:
    """Training data on the device: what the director played, cut into windows."""

    def __init__(self, take: Take, device: str) -> None:
        pose, root = bodies_of(take)
        self.pose = torch.as_tensor(pose, device=device)
        self.root = torch.as_tensor(root, device=device)
        self.path = torch.as_tensor(take.path, device=device)
        self.style = torch.as_tensor(take.style, device=device)
        self.frames, self.count = self.pose.shape[:2]

    def body(self, t: Tensor, i: Tensor) -> Tensor:
        """(B, 280) bodies at frames t >= 1 of streams i."""
        now, before = self.pose[t, i], self.pose[t - 1, i]
        return torch.cat(
            [
                now[:, POSE],
                now[:, POSE] - before[:, POSE],
                now[:, POSE.stop : POSE.stop + 4],
                travel(self.root[t - 1, i], self.root[t, i]),
                now[:, POSE.stop + 4 :],
            ],
            -1,
        )


def travel(before: Tensor, after: Tensor) -> Tensor:
    """(..., 3) root's velocity in the frame it had before: x, z in m/s, turn in rad/s."""
    step = after - before
    c, s = torch.cos(before[..., 2]), torch.sin(before[..., 2])
    return RATE_HZ * torch.stack(
        [c * step[..., 0] - s * step[..., 1], s * step[..., 0] + c * step[..., 1], step[..., 2]], -1
    )


def moved(root: Tensor, speed: Tensor) -> Tensor:
    """(B, 3) root after one frame at a velocity in its own frame; `travel`'s inverse."""
    c, s = torch.cos(root[:, 2]), torch.sin(root[:, 2])
    step = torch.stack(
        [c * speed[:, 0] + s * speed[:, 1], -s * speed[:, 0] + c * speed[:, 1], speed[:, 2]], -1
    )
    return root + step / RATE_HZ


def seen(path: Tensor, style: Tensor, root: Tensor) -> Tensor:
    """(B, 26) a path (B, S, 3) of x, z, yaw in the world, as a root (B, 3) sees it; and styles."""
    c, s = torch.cos(root[:, 2:]), torch.sin(root[:, 2:])
    dx, dz = path[..., 0] - root[:, :1], path[..., 1] - root[:, 1:2]
    turn = path[..., 2] - root[:, 2:]
    out = torch.stack([c * dx - s * dz, s * dx + c * dz, torch.sin(turn), torch.cos(turn)], -1)
    return torch.cat([out.flatten(1), style], -1)


def rollout(
    net: Performer,
    body: Tensor,
    root: Tensor,
    memory: Tensor,
    path: Tensor,
    style: Tensor,
    phase: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Bodies (K, B, 280), logits (K, B, 4), roots (K, B, 3), memory after K free frames.

    Only the phase (K, B, 2) before each frame is given, as in PFNN's training: were it free, a
    roll-out that drifts out of step would be taught to stand still between the two legs.
    """
    bodies, logits, roots = [], [], []
    for k in range(len(path)):
        body = torch.cat([body[:, : PHASE.start], phase[k], body[:, PHASE.start + 2 :]], -1)
        body, logit, memory = net(body, seen(path[k], style[k], root), memory)
        root = moved(root, body[:, TRAVEL])
        bodies.append(body)
        logits.append(logit)
        roots.append(root)
    return torch.stack(bodies), torch.stack(logits), torch.stack(roots), memory


def loss_of(
    net: Performer,
    fk: Skeletal,
    bodies: Tensor,
    logits: Tensor,
    roots: Tensor,
    true: Tensor,
    true_root: Tensor,
    before: Tensor,
    phase: Tensor,
) -> tuple[Tensor, dict[str, float]]:
    """The loss of a roll-out against true poses (K, B, 142) and roots (K, B, 3).

    phase (K, B, 2) is the one that the network was given.
    """
    scale, rate = net.body_scale[POSE], net.body_scale[RATE]
    pose, goal = bodies[..., POSE], true[..., POSE]
    rates = goal - torch.cat([before[None], goal[:-1]])
    places, goals = fk(torch.cat([pose, goal], 0)).chunk(2, 0)
    speed, goal_speed = places[1:] - places[:-1], goals[1:] - goals[:-1]
    # Feet over the ground, where they are planted: the world's speed of ankles and toes.
    feet = places[..., CONTACT_JOINTS, :]
    turn = roots[..., 2]
    c, s = torch.cos(turn)[..., None], torch.sin(turn)[..., None]
    world_x = c * feet[..., 0] + s * feet[..., 2] + roots[..., :1]
    world_z = -s * feet[..., 0] + c * feet[..., 2] + roots[..., 1:2]
    slide = ((world_x[1:] - world_x[:-1]) ** 2 + (world_z[1:] - world_z[:-1]) ** 2 + 1e-8).sqrt()
    down = true[..., POSE.stop : POSE.stop + 4]
    goal_phase, shown = true[..., POSE.stop + 4 :], bodies[..., PHASE]
    turn_goal = (phase[..., 0] * goal_phase[..., 1] - phase[..., 1] * goal_phase[..., 0]).clamp(
        0.0, 0.29
    )
    turn_shown = phase[..., 0] * shown[..., 1] - phase[..., 1] * shown[..., 0]
    planted = down[1:] * down[:-1]
    parts = {
        "pose": ((pose - goal) / scale).abs().mean(),
        "place": 8.0 * ((places - goals).abs() * fk.weights).mean(),
        "speed": 0.3 * RATE_HZ * (speed - goal_speed).abs().mean(),
        "rate": 0.15 * ((bodies[..., RATE] - rates) / rate).abs().mean(),
        "root": 2.0 * (roots - true_root).abs().mean(),
        "travel": 0.3
        * ((bodies[1:, :, TRAVEL] - travel(true_root[:-1], true_root[1:])) / net.body_scale[TRAVEL])
        .abs()
        .mean(),
        "contact": 0.3 * F.binary_cross_entropy_with_logits(logits, down),
        "phase": 2.0 * ((turn_shown - turn_goal).abs() * (0.1 + 0.9 * goal_phase[..., 2])).mean()
        + 0.3 * (shown[..., 2] - goal_phase[..., 2]).abs().mean(),
        "slide": 0.15 * RATE_HZ * (slide * planted).mean(),
    }
    return sum(parts.values(), torch.zeros(())), {k: float(v.detach()) for k, v in parts.items()}
