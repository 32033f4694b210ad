"""Writes the takeover network as ONNX, with the card that says what it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from understudy.models import export as onnx

from . import watching
from .mirror import FEATURES_SWAP, FEET, RATE_SWAP, SWAP, swapped
from .network import (
    COLUMNS,
    HEADS,
    HIGH_M,
    JOINTS,
    KEY,
    LOW_M,
    PAST,
    RATE,
    RECALLED,
    Understudy,
    adrift,
    filled,
    shaped,
    stirred,
)

RATE_HZ = 30.0
SIDES = 2  # the body and its mirror image


class Exported(nn.Module):
    """The network and its mirror image (`mirror.Both`), with what the run time needs around them:
    quaternions in and out, and trust.

    The same as `Both` in fewer operations: what the mirrored body is like is told by exchanging
    numbers of what the body is like, and the mean is taken of how both go on. Memory holds that of
    the body, of its mirror image, and for how many ticks each joint's place has not been known.
    All shapes but the first are constants: a shape that is worked out at run time costs as much as
    a small product.
    """

    line: Tensor

    def __init__(self, net: Understudy, line: tuple[float, float, float]) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("line", torch.tensor(line))

    def forward(
        self,
        now: Tensor,
        before: Tensor,
        memory: Tensor,
        like: Tensor,
        came: Tensor,
        known: Tensor,
        seen: Tensor,
        hips: Tensor,
        rotations: Tensor,
    ) -> tuple[Tensor, ...]:
        net, part = self.net, (seen, hips, from_quaternions(rotations))
        kept, ticks = memory.split([SIDES * net.hidden, JOINTS], -1)
        kept = kept.reshape(-1, net.hidden)
        features, here, rate, heading = net.look(now, before, part, ticks)
        both = _both(features, FEATURES_SWAP)
        x = net.encoded(both)
        kept_on = net.gate(x[None], kept[None])[1][0]
        recalled = self.recall(x, kept_on, like, came, known)
        keep, more, contacts, doubt = net.foretell(x, kept_on, recalled)
        rates = _both(rate, RATE_SWAP) * keep + more * stirred(both)
        one, other = rates.reshape(-1, SIDES * RATE).split(RATE, -1)
        guess = net.moved(here, 0.5 * (one + swapped(other, RATE_SWAP)), heading, now)
        one, other = contacts.reshape(-1, SIDES * 4).split(4, -1)
        contacts = 0.5 * (one + other[..., FEET])
        one, other = doubt.reshape(-1, SIDES * JOINTS).split(JOINTS, -1)
        doubt = 0.5 * (one + other[..., SWAP])
        after, local = filled(guess, part)
        lost = adrift(seen)
        ticks = (ticks + 1.0) * lost
        log = self.line[0] + self.line[1] * doubt.log()
        log = log + self.line[2] * ticks.clamp(min=1.0).log()
        error = log.exp().clamp(LOW_M, HIGH_M) * lost
        was, came = net.moment(x, kept)
        # A memory of zeros has seen nothing, and tells nothing of what it was like.
        begun = memory[..., : net.hidden].abs().sum(-1, keepdim=True) > 0.0
        known = begun.to(seen) * seen.amin(-1, keepdim=True)
        memory = torch.cat([kept_on.reshape(-1, SIDES * net.hidden), ticks], -1)
        shape = (-1, SIDES, HEADS, KEY)
        return (
            *(after, memory, was.reshape(shape), came.reshape(shape), known),
            *(to_quaternions(local), torch.sigmoid(contacts), error),
        )

    def recall(
        self, x: Tensor, memory: Tensor, like: Tensor, came: Tensor, known: Tensor
    ) -> Tensor:
        """(2 B, 96) as `Understudy.recall`, of moments (B, 2, HEADS, T, KEY), and which are."""
        net = self.net
        ask = net.ask(torch.cat([memory, x], -1)).reshape(-1, SIDES * HEADS, 1, KEY)
        like, came = (p.reshape(-1, SIDES * HEADS, PAST, KEY) for p in (like, came))
        score = (ask @ like.transpose(-1, -2)) * KEY**-0.5 + (known[:, None, None] - 1.0) * 1e4
        none = 0.0 * ask[..., :1] + net.nothing.repeat(SIDES)[:, None, None]
        share = torch.cat([score, none], -1).softmax(-1)[..., :-1]
        return (share @ came).reshape(-1, RECALLED)


def _both(x: Tensor, by: tuple[list[int], Tensor]) -> Tensor:
    """(2 B, N) numbers (B, N) of bodies and, each after its own, of their mirror images."""
    return torch.cat([x, swapped(x, by)], -1).reshape(-1, len(by[0]))


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
    """(..., J, 3, 3) matrices of unit quaternions x y z w (..., J, 4)."""
    products = shaped(q[..., :, None] * q[..., None, :], 3, JOINTS, 16)
    return shaped(products @ _MATRIX.to(q), 2, JOINTS, 3, 3) + torch.eye(3).to(q)


def to_quaternions(m: Tensor) -> Tensor:
    """(..., J, 4) x y z w of matrices (..., J, 3, 3): of four candidates the longest."""
    rows = shaped(shaped(m, 3, JOINTS, 9) @ _QUATERNION.to(m), 2, JOINTS, 4, 4)
    rows = rows + torch.eye(4).to(m)
    size = torch.stack([rows[..., k, k] for k in range(4)], -1)
    best = size.argmax(-1)[..., None, None].expand(*[-1] * (m.ndim - 2), 1, 4)
    q = torch.gather(rows, -2, best)[..., 0, :]
    return q / (q.square().sum(-1, keepdim=True) + 1e-12).sqrt()


INPUTS: dict[str, list[str | int]] = {
    "now": ["count", 3, COLUMNS],
    "before": ["count", 3, COLUMNS],
    "memory": ["count"],
    "like": ["count", SIDES, HEADS, PAST, KEY],
    "came": ["count", SIDES, HEADS, PAST, KEY],
    "known": ["count", PAST],
    "seen": ["count", JOINTS],
    "hips": ["count", 3],
    "rotations": ["count", JOINTS, 4],
}
OUTPUTS: dict[str, list[str | int]] = {
    "next": ["count", 3, COLUMNS],
    "next_memory": ["count"],
    "was": ["count", SIDES, HEADS, KEY],
    "came_now": ["count", SIDES, HEADS, KEY],
    "known_now": ["count", 1],
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
    "like, came, known": "the last moments that were seen whole, in any order: each as was, "
    "came_now and known_now came out, or zeros",
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
        *(rest, rest, torch.zeros(2, size)),
        *(torch.zeros(2, SIDES, HEADS, PAST, KEY), torch.zeros(2, SIDES, HEADS, PAST, KEY)),
        torch.zeros(2, PAST),
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
        watching.branch,
    )
