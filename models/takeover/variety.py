"""Variety: the same motion as other rigs, other people and other ways would have given it.

The mocap is an hour, and a network learns it by heart long before it has learnt what people do. So
hardly a window is seen twice: mirrored, faster or slower, backwards in time, on another rig, round
a bend, up a slope, with the arms of another.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from understudy.runtime.core.humanoid import PERFORMER

from .network import JOINTS, chained, locals_of

# How far rigs differ in how they stand at rest, per joint, degrees.
_RIG_DEG = np.array(
    [3.0 if n.endswith(("Leg", "Arm", "ForeArm")) else 5.0 for n in PERFORMER.names]
)
_ARM = ("Shoulder", "Arm", "ForeArm", "Hand")
_TRADED = [
    [PERFORMER.index(n) for n in names]
    for names in (
        tuple(f"Left{part}" for part in _ARM),
        tuple(f"Right{part}" for part in _ARM),
        tuple(f"{side}{part}" for side in ("Left", "Right") for part in _ARM),
        ("Neck", "Head", *(f"{side}{part}" for side in ("Left", "Right") for part in _ARM)),
    )
]
GOES_MPS = 1.0  # who goes slower is led round a bend by less


@dataclass(frozen=True)
class Variety:
    """How far windows are changed, and the shares of them that are."""

    warp: float = 0.2  # share of the speed
    rig: float = 1.0  # of how much rigs differ
    lift_m: float = 0.02
    travel: float = 0.05  # share of the legs' length
    backwards: float = 0.1  # share of the windows that run backwards in time
    traded: float = 0.2  # share whose arms are another's
    led: float = 0.35  # share that goes round a bend, or up or down a slope
    veer_rad_s: float = 0.35
    slope: float = 0.06
    late: float = 0.5  # share whose memory is up to a tick older than what was seen last


PLAIN = Variety(*(0.0,) * 10)


def rotations(vectors: Tensor) -> Tensor:
    """(..., 3, 3) rotations by vectors (..., 3)."""
    x, y, z = vectors.unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))
    return torch.linalg.matrix_exp(cross)


def worn(bodies: Tensor, variety: Variety, rng: torch.Generator) -> Tensor:
    """(T, B, 3, 67) the same motion as another rig and another retargeting would give it."""
    count, device = bodies.shape[1], bodies.device
    spread = torch.tensor(np.deg2rad(_RIG_DEG)).float()[:, None] * variety.rig
    # Half the windows stay as they are: most rigs are alike.
    some = (torch.rand(count, 1, 1, generator=rng) < 0.5).float()
    own = rotations(torch.randn(count, JOINTS, 3, generator=rng) * spread * some).to(device)
    turns = bodies[..., 1:].unflatten(-1, (JOINTS, 3)).transpose(-3, -2)
    turns = (
        turns[..., 0:1] * own[..., 0:1, :]
        + turns[..., 1:2] * own[..., 1:2, :]
        + turns[..., 2:3] * own[..., 2:3, :]
    )
    hips = bodies[..., 0]
    start = hips[:1] * hips.new_tensor([1.0, 0.0, 1.0])
    travel = 1.0 + variety.travel * torch.randn(count, 1, generator=rng).to(device)
    hips = (hips - start) * torch.cat([travel, torch.ones_like(travel), travel], -1)
    hips[..., 1] += variety.lift_m * torch.randn(count, generator=rng).to(device)
    return torch.cat([hips[..., None], turns.transpose(-3, -2).flatten(-2)], -1)


def traded(bodies: Tensor, share: float, rng: torch.Generator) -> tuple[Tensor, list[int]]:
    """(T, B, 3, 67) of which a share moves its arms, or arms and head, as the one before does;
    and which do."""
    which = torch.nonzero(torch.rand(bodies.shape[1], generator=rng) < share)[:, 0].tolist()
    if not which:
        return bodies, which
    own = locals_of(bodies[:, which])
    others = locals_of(bodies[:, [k - 1 for k in which]])
    for k in range(len(which)):
        joints = _TRADED[int(torch.randint(0, len(_TRADED), (), generator=rng))]
        own[:, k, joints] = others[:, k, joints]
    out = bodies.clone()
    out[:, which] = chained(bodies[:, which, :, 0], own)
    return out, which


def led(bodies: Tensor, at_s: Tensor, variety: Variety, rng: torch.Generator) -> Tensor:
    """(T, B, 3, 67) of which a share goes round a bend, and up or down a slope.

    at_s (T, B) is each pose's time from the drop.
    """
    count = bodies.shape[1]
    some = (torch.rand(count, generator=rng) < variety.led).float()
    bend = variety.veer_rad_s * some * torch.randn(count, generator=rng)
    slope = variety.slope * some[:, None] * torch.randn(count, 2, generator=rng)
    bend, slope, at_s = (x.to(bodies.device) for x in (bend, slope, at_s))
    hips = bodies[..., 0]
    far = (hips.amax(0) - hips.amin(0))[:, [0, 2]].square().sum(-1).sqrt()
    span_s = (at_s.amax(0) - at_s.amin(0)).clamp(min=1e-3)
    bend = bend * (far / span_s / GOES_MPS).clamp(max=1.0)
    # The way is bent tick by tick, in the order of time.
    order = at_s.argsort(0)
    times = at_s.gather(0, order)
    way = hips.gather(0, order[..., None].expand_as(hips))
    angle = bend * 0.5 * (times[1:] + times[:-1])
    steps = (turned(angle) @ (way[1:] - way[:-1])[..., None])[..., 0]
    bent = torch.cat([way[:1], way[:1] + steps.cumsum(0)])
    bent[..., 1] += ((bent - bent[:1])[..., [0, 2]] * slope).sum(-1)
    hips = torch.zeros_like(hips).scatter(0, order[..., None].expand_as(hips), bent)
    turns = turned(bend * at_s) @ bodies[..., 1:]
    return torch.cat([hips[..., None], turns], -1)


def turned(angle: Tensor) -> Tensor:
    """(..., 3, 3) turns about +Y by angles (...)."""
    s, c, zero, one = angle.sin(), angle.cos(), torch.zeros_like(angle), torch.ones_like(angle)
    return torch.stack([c, zero, s, zero, one, zero, -s, zero, c], -1).unflatten(-1, (3, 3))
