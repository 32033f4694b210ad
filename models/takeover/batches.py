"""Windows for training, of any phase of any reel, in great variety; and masks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from understudy.runtime.core.humanoid import PERFORMER

from .data import Reel
from .mirror import FEET, mirrored
from .network import JOINTS, places_of
from .takes import matches
from .variety import Variety, led, traded, worn

PLACES = places_of()
BRISK_M = 0.1  # in reels where simple guesses are further off after half a second, all count alike
STRIDE = 2.0  # frames of a reel in a tick
RATE_HZ = 30.0
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
        """Bodies (warm + 2 + ahead, B, 3, 67), contacts (..., B, 4), whether each tick is real, and
        (B,) how much the window's error counts.

        The first `warm` are what was watched, tick by tick; then follow the last that was seen
        before the drop and what was a tick before that; and then what comes. What was seen last may
        have come up to a tick after the last that was watched. The drop lies anywhere in a reel, so
        ticks before the reel's beginning or after its end are not real; they repeat its first or
        last frame.
        """
        which = torch.multinomial(self.share, count, replacement=True, generator=rng)
        pace = STRIDE * (1.0 + variety.warp * (2.0 * torch.rand(count, generator=rng) - 1.0))
        least = 6.0 * pace  # two tenths of a second are always seen
        room = self.length[which] - 1 - 2.0 * least
        drop = least + room.clamp(min=0.0) * torch.rand(count, generator=rng)
        late = torch.rand(count, generator=rng)
        late = late * (torch.rand(count, generator=rng) < variety.late)
        ticks = torch.cat([torch.arange(1.0 - warm, 1.0), torch.arange(-1.0, ahead + 1.0)])
        offset = ticks[:, None].repeat(1, count)
        offset[:warm] -= late
        backwards = torch.rand(count, generator=rng) < variety.backwards
        at = drop + torch.where(backwards, -pace, pace) * offset
        # Some windows know less of the past than there is.
        known = torch.randint(6, 6 + 2 * warm, (count,), generator=rng)
        last = (self.length[which] - 1).float()
        real = (at >= 0.0) & (at <= last)
        real &= ticks[:, None] > -known
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
        contacts[:, swap] = contacts[:, swap][..., FEET]
        matters = self.count[which]
        bodies, trades = traded(bodies, variety.traded, rng)
        matters[trades] = matters[trades].minimum(matters[[k - 1 for k in trades]])
        bodies = led(worn(bodies, variety, rng), offset / RATE_HZ, variety, rng)
        return bodies, contacts, real.to(self.device), matters


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
