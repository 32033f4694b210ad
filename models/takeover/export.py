"""Writes the takeover network as ONNX, with the card that says what it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from understudy.models import export as onnx

from .mirror import Both, halves
from .network import COLUMNS, HIGH_M, JOINTS, LOW_M, PAST, RECALLED, Understudy, adrift, filled

RATE_HZ = 30.0
MOMENT = 4 * RECALLED + 1


class Exported(nn.Module):
    """The network and its mirror image, with what the run time needs around them: quaternions in
    and out, and trust.

    Behind both memories it counts for how many ticks each joint's place has not been known. What a
    moment of the past holds is what it was like, what came, and whether there was one, of both.
    """

    line: Tensor

    def __init__(self, net: Understudy, line: tuple[float, float, float]) -> None:
        super().__init__()
        self.both = Both(net)
        self.register_buffer("line", torch.tensor(line))

    def forward(
        self,
        now: Tensor,
        before: Tensor,
        memory: Tensor,
        past: Tensor,
        seen: Tensor,
        hips: Tensor,
        rotations: Tensor,
    ) -> tuple[Tensor, ...]:
        net, part = self.both.net, (seen, hips, from_quaternions(rotations))
        here, there, ticks = memory.split([net.hidden, net.hidden, JOINTS], -1)
        kept = torch.cat([here, there])
        sides = past.split([RECALLED, RECALLED, RECALLED, RECALLED, 1], -1)
        like, came = torch.cat([sides[0], sides[2]]), torch.cat([sides[1], sides[3]])
        known = sides[4][..., 0].repeat(2, 1)
        guess, kept_on, contacts, doubt, x = self.both.advance(
            now, before, kept, part, ticks, (like, came, known)
        )
        after, local = filled(guess, part)
        lost = adrift(seen)
        ticks = (ticks + 1.0) * lost
        log = self.line[0] + self.line[1] * doubt.log()
        log = log + self.line[2] * ticks.clamp(min=1.0).log()
        error = log.exp().clamp(LOW_M, HIGH_M) * lost
        like, came = net.moment(x, kept)
        # A memory of zeros has seen nothing, and tells nothing of what it was like.
        known = (here.abs().sum(-1, keepdim=True) > 0.0).to(seen) * seen.amin(-1, keepdim=True)
        moment = torch.cat([*cat_pairs(like, came), known], -1)
        memory = torch.cat([*halves(kept_on), ticks], -1)
        return after, memory, moment, to_quaternions(local), torch.sigmoid(contacts), error


def cat_pairs(like: Tensor, came: Tensor) -> list[Tensor]:
    """Of the bodies and of the mirrored ones in turn."""
    (like, like_there), (came, came_there) = halves(like), halves(came)
    return [like, came, like_there, came_there]


def _linear(terms: tuple[str, ...], width: int) -> Tensor:
    """(width * width, outputs) of signed sums of products or entries, as "+ij -ij" each."""
    table = torch.zeros(width * width, len(terms))
    for out, pairs in enumerate(terms):
        for pair in pairs.split():
            table[width * int(pair[1]) + int(pair[2]), out] += 1.0 if pair[0] == "+" else -1.0
    return table


# Of the products of a quaternion's four numbers; "half" of a matrix less the identity.
_MATRIX = 2.0 * _linear(
    (
        *("-11 -22", "+01 -23", "+02 +13"),
        *("+01 +23", "-00 -22", "+12 -03"),
        *("+02 -13", "+12 +03", "-00 -11"),
    ),
    4,
)
# Of a matrix's nine numbers: four multiples of its quaternion, of which one is long.
_QUATERNION = _linear(
    (
        *("+00 -11 -22", "+10 +01", "+02 +20", "+21 -12"),
        *("+10 +01", "-00 +11 -22", "+21 +12", "+02 -20"),
        *("+02 +20", "+21 +12", "-00 -11 +22", "+10 -01"),
        *("+21 -12", "+02 -20", "+10 -01", "+00 +11 +22"),
    ),
    3,
)


def from_quaternions(q: Tensor) -> Tensor:
    """(..., 3, 3) matrices of unit quaternions x y z w (..., 4)."""
    products = (q[..., :, None] * q[..., None, :]).flatten(-2)
    return (products @ _MATRIX.to(q)).unflatten(-1, (3, 3)) + torch.eye(3).to(q)


def to_quaternions(m: Tensor) -> Tensor:
    """(..., 4) x y z w of matrices (..., 3, 3): of four candidates the longest."""
    rows = (m.flatten(-2) @ _QUATERNION.to(m)).unflatten(-1, (4, 4)) + torch.eye(4).to(m)
    size = torch.stack([rows[..., k, k] for k in range(4)], -1)
    best = size.argmax(-1)[..., None, None].expand(*[-1] * (m.ndim - 2), 1, 4)
    q = torch.gather(rows, -2, best)[..., 0, :]
    return q / (q.square().sum(-1, keepdim=True) + 1e-12).sqrt()


INPUTS: dict[str, list[str | int]] = {
    "now": ["count", 3, COLUMNS],
    "before": ["count", 3, COLUMNS],
    "memory": ["count"],
    "past": ["count", PAST, MOMENT],
    "seen": ["count", JOINTS],
    "hips": ["count", 3],
    "rotations": ["count", JOINTS, 4],
}
OUTPUTS: dict[str, list[str | int]] = {
    "next": ["count", 3, COLUMNS],
    "next_memory": ["count"],
    "moment": ["count", MOMENT],
    "next_rotations": ["count", JOINTS, 4],
    "contacts": ["count", 4],
    "error_m": ["count", JOINTS],
}


DATA = (
    "CMU Graphics Lab Motion Capture Database, mocap.cs.cmu.edu; created with funding from NSF "
    "EIA-0196217. ReActIdle (Enekoassets), MIT licence."
)
LAYOUT = {
    "now": "column 0 the hips' place in the world, then three columns for each joint: the "
    "axes of its rotation in the world",
    "before": "the same, one tick of 1/30 s earlier",
    "memory": "zeros to begin with, then next_memory; the last 22 count the ticks for "
    "which each joint's place has not been known",
    "past": "the last moments that were seen whole, in any order: each a `moment` as it came out, "
    "or zeros; its last number says whether it counts",
    "seen": "1 where a joint's local rotation is known at the next tick, 0 where it is "
    "not; the first also tells whether the hips' place is known",
    "hips, rotations": "what is known then: the hips' place in the world, local "
    "quaternions x y z w, the hips' in the world; numbers, also where nothing is seen",
    "next, next_rotations": "the body at the next tick: as seen where seen",
    "contacts": "left heel, left toe, right heel, right toe, 0..1",
    "error_m": "expected distance of each joint from the truth; 0 where its place is known",
    "normalisation": "inside the graph",
}


def write(
    net: Understudy,
    line: tuple[float, float, float],
    path: Path,
    training: dict[str, object],
    measured: dict[str, Any],
) -> None:
    """Writes path (.onnx) and the card (.json) beside it, whole or not at all.

    line is what makes the error that it expects of its doubt, from `trust.fit`.
    """
    whole = Exported(net.eval(), line).eval()
    size = 2 * net.hidden + JOINTS
    inputs, outputs = (
        {k: [*v, size] if len(v) == 1 else v for k, v in side.items()} for side in (INPUTS, OUTPUTS)
    )
    rest = torch.zeros(2, 3, COLUMNS)
    rest[..., 1:] = torch.eye(3).repeat(1, JOINTS)
    quaternion = torch.zeros(2, JOINTS, 4)
    quaternion[..., 3] = 1.0
    example = (
        *(rest, rest, torch.zeros(2, size), torch.zeros(2, PAST, MOMENT)),
        *(torch.ones(2, JOINTS), torch.zeros(2, 3), quaternion),
    )
    onnx.write(
        whole,
        example,
        path,
        "takeover network",
        RATE_HZ,
        inputs,
        outputs,
        {
            "data": DATA,
            "layout": LAYOUT,
            "training": training,
            "measured": measured,
        },
    )
