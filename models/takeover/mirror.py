"""Left and right: a network that is asked twice, of the body and of its mirror image.

Nothing says which side of a body is which but the mocap that it has learnt from. The mean of both
answers knows no such difference, and errs less than either.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from understudy.runtime.core.humanoid import PERFORMER

from .network import Past, Seen, Understudy, columns, filled, matrices

SWAP = [
    PERFORMER.index(n.replace("Left", "*").replace("Right", "Left").replace("*", "Right"))
    for n in PERFORMER.names
]
FEET = [2, 3, 0, 1]
_COLUMNS = [0, *(1 + 3 * j + k for j in SWAP for k in range(3))]
_AXES = torch.tensor([-1.0, 1.0, 1.0])


def mirrored(bodies: Tensor) -> Tensor:
    """(..., 3, 67) bodies with left and right exchanged."""
    sign = torch.cat([torch.ones(1), _AXES.repeat(len(SWAP))])
    return bodies[..., _COLUMNS] * (_AXES[:, None] * sign).to(bodies)


def mirrored_seen(seen: Seen) -> Seen:
    """The same of what is seen of a body."""
    mask, hips, local = seen
    sign = (_AXES[:, None] * _AXES).to(local)
    return mask[..., SWAP], hips * _AXES.to(hips), local[..., SWAP, :, :] * sign


def _signed(*blocks: tuple[Tensor, Tensor]) -> tuple[list[int], Tensor]:
    """Order and signs of vectors that follow each other, each (places, signs)."""
    places, signs, first = [], [], 0
    for place, sign in blocks:
        places.append(place.flatten() + first)
        signs.append(sign.expand(place.shape).flatten())
        first += place.numel()
    return torch.cat(places).tolist(), torch.cat(signs)


def _blocks() -> dict[str, tuple[Tensor, Tensor]]:
    """What features and rates are made of: where each number's mirror image is, and its sign."""
    joints, swap, axis = len(SWAP), torch.tensor(SWAP), _AXES
    own = torch.arange(3 * joints * 2)
    six = own.view(3, joints, 2)[:, swap], axis[:, None, None] * axis[:2]
    rows = own[: 3 * joints].view(3, joints)[:, swap], axis[:, None]
    places = own[: 3 * (joints - 1)].view(3, joints - 1)[:, swap[1:] - 1], axis[:, None]
    one, one_sign = own[:1], torch.ones(1)
    change = own.view(joints, 3, 2)[swap], axis[:, None] * axis[:2]
    return {
        "six": six, "rows": rows, "places": places, "one": (one, one_sign), "change": change,
        "joints": (swap, one_sign), "place": (own[:3], axis),
    }  # fmt: skip


_OF = _blocks()
# Of features and rates as `Understudy.look` gives them: (order, signs), in the body's own heading.
FEATURES_SWAP = _signed(
    *(_OF["six"], _OF["places"], _OF["one"], _OF["six"], _OF["rows"], _OF["joints"]),
    *(_OF["one"], _OF["rows"], _OF["joints"], _OF["place"], _OF["change"]),
)
RATE_SWAP = _signed(_OF["place"], _OF["six"])


def swapped(x: Tensor, by: tuple[list[int], Tensor]) -> Tensor:
    """(..., N) numbers of the mirrored body."""
    return x[..., by[0]] * by[1].to(x)


class Both(nn.Module):
    """A network and its mirror image. Memory and past are of both: first all bodies, then all
    mirrored."""

    def __init__(self, net: Understudy) -> None:
        super().__init__()
        self.net = net

    def advance(
        self,
        now: Tensor,
        before: Tensor,
        memory: Tensor,
        seen: Seen | None = None,
        ticks: Tensor | None = None,
        past: Past | None = None,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """As `Understudy.advance`, memory (2 B, H) and past of 2 B; and what came in (2 B, W)."""
        both = None
        if seen is not None:
            one, other = seen, mirrored_seen(seen)
            both = tuple(torch.cat([a, b]) for a, b in zip(one, other, strict=True))
        if ticks is not None:
            ticks = torch.cat([ticks, ticks[..., SWAP]])
        after, memory, contacts, doubt, x = self.net.advance(
            twice(now), twice(before), memory, both, ticks=ticks, past=past
        )
        here, there = halves(after)
        mean = 0.5 * (here + mirrored(there))
        after = torch.cat([mean[..., :1], matrices(columns(mean))], -1)
        here, there = halves(contacts)
        contacts = 0.5 * (here + there[..., FEET])
        here, there = halves(doubt)
        return after, memory, contacts, 0.5 * (here + there[..., SWAP]), x

    def forward(
        self,
        now: Tensor,
        before: Tensor,
        memory: Tensor,
        seen: Seen | None = None,
        ticks: Tensor | None = None,
        past: Past | None = None,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """`advance`; of a body that is seen in part, what is seen is in the next body as it is."""
        after, memory, contacts, doubt, _ = self.advance(now, before, memory, seen, ticks, past)
        if seen is not None:
            after, _ = filled(after, seen)
        return after, memory, contacts, doubt


def twice(bodies: Tensor) -> Tensor:
    """(2 B, 3, 67) bodies (B, 3, 67), and mirrored."""
    return torch.cat([bodies, mirrored(bodies)])


def halves(of_both: Tensor) -> tuple[Tensor, Tensor]:
    """(B, ...) of the bodies and of the mirrored ones, out of (2 B, ...)."""
    split = of_both.reshape(2, -1, *map(int, of_both.shape[1:]))
    return split[0], split[1]
