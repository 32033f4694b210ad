"""Windows for training: any phase of any reel, mirrored, warped in time, on other rigs; masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from understudy.runtime.core.humanoid import PERFORMER

from .data import Reel
from .network import JOINTS, places_of
from .takes import matches

PLACES = places_of()
BRISK_M = 0.1  # in reels where simple guesses are further off after half a second, all count alike
STRIDE = 2.0  # frames of a reel in a tick
_SWAP = [
    PERFORMER.index(n.replace("Left", "*").replace("Right", "Left").replace("*", "Right"))
    for n in PERFORMER.names
]
_COLUMNS = [0, *(1 + 3 * j + k for j in _SWAP for k in range(3))]
# How far rigs differ in how they stand at rest, per joint, degrees.
_RIG_DEG = np.array(
    [3.0 if n.endswith(("Leg", "Arm", "ForeArm")) else 5.0 for n in PERFORMER.names]
)
_BRANCHES = [
    [PERFORMER.index(n) for n in names]
    for names in (
        *(
            [f"{side}{part}" for part in parts]
            for side in ("Left", "Right")
            for parts in (
                ("Arm", "ForeArm", "Hand"),
                ("Shoulder", "Arm", "ForeArm", "Hand"),
                ("ForeArm", "Hand"),
                ("UpLeg", "Leg", "Foot", "ToeBase"),
                ("Leg", "Foot", "ToeBase"),
                ("Foot", "ToeBase"),
            )
        ),
        ("Hips",),
        ("Spine", "Spine1", "Spine2", "Neck", "Head"),
        ("Neck", "Head"),
    )
]


@dataclass(frozen=True)
class Variety:
    """How far windows are changed."""

    warp: float = 0.15  # share of the speed
    rig: float = 1.0  # of how much rigs differ
    lift_m: float = 0.02
    travel: float = 0.05  # share of the legs' length


def mirrored(bodies: Tensor) -> Tensor:
    """(..., 3, 67) bodies with left and right exchanged."""
    out = bodies[..., _COLUMNS]
    sign = torch.ones(3, out.shape[-1])
    sign[0] = -1.0
    sign[:, 1::3] *= -1.0
    return out * sign.to(out.device)


def rotations(vectors: Tensor) -> Tensor:
    """(..., 3, 3) rotations by vectors (..., 3)."""
    x, y, z = vectors.unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))
    return torch.linalg.matrix_exp(cross)


def simple_m(body: Tensor, seconds: float = 0.5) -> float:
    """How far joints of a reel (T, 3, 67) go from the better of two simple guesses, metres."""
    ahead = min(int(60 * seconds), len(body) // 2)
    first = torch.arange(2, len(body) - ahead, 4)
    now, then = body[first] @ PLACES, body[first + ahead] @ PLACES
    speed = now - body[first - 2] @ PLACES
    far = [0.0, 0.5 ** (1.0 / 4.5) / (1.0 - 0.5 ** (1.0 / 4.5))]  # hold; half-life of 0.15 s
    errors = [(then - now - k * speed).square().sum(-2).sqrt().mean() for k in far]
    return max(float(min(errors)), 1e-3)


class Footage:
    """All reels on the device, and windows out of them."""

    def __init__(
        self, reels: Sequence[Reel], often: str, device: str = "cpu", small: float = 0.0
    ) -> None:
        """small: by what power errors count more in reels that are quieter than BRISK_M."""
        turns = [r.turns.transpose(0, 2, 1, 3).reshape(len(r), 3, -1) for r in reels]
        bodies = [
            np.concatenate([r.hips[..., None], t], -1) for r, t in zip(reels, turns, strict=True)
        ]
        self.frames = torch.tensor(np.concatenate(bodies), device=device)
        self.contacts = torch.tensor(np.concatenate([r.contacts for r in reels])).float().to(device)
        length = np.array([len(r) for r in reels])
        self.first = torch.tensor(np.cumsum(length) - length)
        self.length = torch.tensor(length)
        # Kinds that are rare and hard come more often: "jumping_*:4,running_*:3".
        share = length.astype(float)
        for rule in filter(None, often.split(",")):
            pattern, _, times = rule.partition(":")
            share *= [
                float(times) if matches(r.name.split("+")[0], pattern) else 1.0 for r in reels
            ]
        self.share = torch.tensor(share / share.sum())
        errors = torch.tensor([simple_m(torch.tensor(body)) for body in bodies])
        count = (BRISK_M / errors.clamp(max=BRISK_M)).pow(small)
        self.count = (count / (count * self.share).sum()).float().to(device)
        self.device = device

    def windows(
        self, count: int, warm: int, ahead: int, variety: Variety, rng: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Bodies (warm + ahead, B, 3, 67), contacts (..., B, 4), whether each tick is real, and
        (B,) how much the window's error counts.

        The drop comes after tick warm - 1. It lies anywhere in a reel, so ticks before the reel's
        beginning or after its end are not real; they repeat its first or last frame.
        """
        which = torch.multinomial(self.share, count, replacement=True, generator=rng)
        pace = STRIDE * (1.0 + variety.warp * (2.0 * torch.rand(count, generator=rng) - 1.0))
        least = 6.0 * pace  # two tenths of a second are always seen
        room = self.length[which] - 1 - 2.0 * least
        drop = least + room.clamp(min=0.0) * torch.rand(count, generator=rng)
        at = drop + pace * torch.arange(1 - warm, ahead + 1)[:, None]
        # Some windows know less of the past than there is.
        known = torch.randint(6, 6 + 2 * warm, (count,), generator=rng)
        last = (self.length[which] - 1).float()
        real = (at >= 0.0) & (at <= last)
        real &= torch.arange(1 - warm, ahead + 1)[:, None] > -known
        at = at.clamp(min=0.0).minimum(last)
        low = at.floor()
        part = (at - low)[..., None, None].to(self.device)
        index = self.first[which] + low.long()
        following = torch.minimum(index + 1, self.first[which] + self.length[which] - 1)
        index, following = index.to(self.device), following.to(self.device)
        bodies = torch.lerp(self.frames[index], self.frames[following], part)
        contacts = self.contacts[index]
        swap = torch.rand(count, generator=rng) < 0.5
        bodies[:, swap] = mirrored(bodies[:, swap])
        contacts[:, swap] = contacts[:, swap][..., [2, 3, 0, 1]]
        count = self.count[which]
        return self._worn(bodies, variety, rng), contacts, real.to(self.device), count

    def _worn(self, bodies: Tensor, variety: Variety, rng: torch.Generator) -> Tensor:
        """The same motion as another rig and another retargeting would give it."""
        count = bodies.shape[1]
        spread = torch.tensor(np.deg2rad(_RIG_DEG)).float()[:, None] * variety.rig
        # Half the windows stay as they are: most rigs are alike.
        some = (torch.rand(count, 1, 1, generator=rng) < 0.5).float()
        other = rotations(torch.randn(count, JOINTS, 3, generator=rng) * spread * some)
        turns = bodies[..., 1:].unflatten(-1, (JOINTS, 3)).transpose(-3, -2)
        own = other.to(self.device)
        turns = (
            turns[..., 0:1] * own[..., 0:1, :]
            + turns[..., 1:2] * own[..., 1:2, :]
            + turns[..., 2:3] * own[..., 2:3, :]
        )
        hips = bodies[..., 0]
        start = hips[:1] * hips.new_tensor([1.0, 0.0, 1.0])
        travel = 1.0 + variety.travel * torch.randn(count, 1, generator=rng).to(self.device)
        hips = (hips - start) * torch.cat([travel, torch.ones_like(travel), travel], -1)
        hips[..., 1] += variety.lift_m * torch.randn(count, generator=rng).to(self.device)
        return torch.cat([hips[..., None], turns.transpose(-3, -2).flatten(-2)], -1)


def masks(count: int, ahead: int, rng: torch.Generator) -> Tensor:
    """(ahead, B, J) 1 where a joint is seen: limbs, halves and scattered joints, whole and single
    frames, coming and going."""
    seen = torch.ones(ahead, count, JOINTS)
    for b in range(count):
        kind = float(torch.rand((), generator=rng))
        gone = torch.zeros(JOINTS, dtype=torch.bool)
        if kind < 0.5:
            for k in torch.randint(0, len(_BRANCHES), (1 + int(kind < 0.15),), generator=rng):
                gone[_BRANCHES[int(k)]] = True
        elif kind < 0.7:
            gone = torch.rand(JOINTS, generator=rng) < torch.rand((), generator=rng)
        else:
            gone[:] = True
        away = torch.zeros(ahead, dtype=torch.bool)
        if kind < 0.35 or 0.5 <= kind < 0.65:  # gone for all of the time
            away[:] = True
        else:
            t = 0
            while t < ahead:
                out = 1 + int(torch.randint(0, 3, (), generator=rng))
                back = 1 + int(torch.randint(0, 6, (), generator=rng))
                away[t : t + out] = True
                t += out + back
        seen[:, b] = 1.0 - (away[:, None] & gone).float()
    return seen
